/*
 * opt.c - words to options, by the rows of a command.
 */
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/rows.h"

#define CANDIDATES_MAX 96
#define FIRST_WORD_BYTES 24

struct parse {
	const struct cli_command *cmd;
	char *args;
	char *globals;
	int argc;
	char **argv;
	int at;
	struct cli_parse *owned;
	const char **words; /* positional ones, in order */
	size_t word_count;
};

static bool takes_value(const struct cli_opt *o)
{
	return o->type == CLI_TYPE_STR || o->type == CLI_TYPE_ONCE ||
	       o->type == CLI_TYPE_LIST || o->type == CLI_TYPE_UINT;
}

/* A row and where its value goes; NULL when unknown. */
static const struct cli_opt *find_opt(struct parse *p, const char *name,
				      size_t len, char letter, char **base)
{
	const struct cli_opt *tables[2] = { p->cmd ? p->cmd->opts : NULL,
					    cli_global_opts };
	char *bases[2] = { p->args, p->globals };
	size_t t;

	for (t = 0; t < 2; t++) {
		const struct cli_opt *o = tables[t];

		for (; o && o->type != CLI_TYPE_END; o++) {
			if (cli_row_is_argument(o))
				continue;
			if (letter ? o->letter != letter
				   : strlen(o->name) != len ||
					     strncmp(o->name, name, len) != 0)
				continue;
			*base = bases[t];
			return o;
		}
	}
	return NULL;
}

static int unknown_opt(struct parse *p, const char *word,
		       struct mreg_error *err)
{
	const char *names[CANDIDATES_MAX];
	const struct cli_opt *tables[2] = { p->cmd ? p->cmd->opts : NULL,
					    cli_global_opts };
	const char *near;
	char safe[128];
	char name[128];
	size_t n = 0;
	size_t t;

	for (t = 0; t < 2; t++) {
		const struct cli_opt *o = tables[t];

		for (; o && o->type != CLI_TYPE_END; o++)
			if (!cli_row_is_argument(o) && n + 1 < CANDIDATES_MAX)
				names[n++] = o->name;
	}
	names[n] = NULL;
	(void)snprintf(name, sizeof(name), "%s", word + strspn(word, "-"));
	name[strcspn(name, "=")] = '\0';
	near = mr_text_nearest(name, names);
	(void)mr_fail(err, MREG_EUSAGE, "unknown option '%s'",
		      mr_text_safe(word, safe, sizeof(safe)));
	if (near)
		return mr_hint(err, "did you mean '--%s'?", near);
	return mr_hint(err, "see 'mreg %s%s--help'", p->cmd ? p->cmd->name : "",
		       p->cmd ? " " : "");
}

static int add_word(struct cli_parse *owned, struct cli_words *w,
		    const char *word, int argc, struct mreg_error *err)
{
	if (!w->items) {
		const char ***grown;

		w->items = mr_array((size_t)argc, sizeof(*w->items));
		grown = mr_resize(owned->owned,
				  (owned->n + 1) * sizeof(*owned->owned));
		if (!w->items || !grown) {
			mr_release(w->items);
			w->items = NULL;
			owned->owned = grown ? grown : owned->owned;
			return mr_fail_nomem(err);
		}
		owned->owned = grown;
		owned->owned[owned->n++] = w->items;
	}
	w->items[w->n++] = word;
	return 0;
}

static int check_words(const struct cli_opt *o, const char *value,
		       struct mreg_error *err)
{
	size_t n = strlen(value);
	const char *at = o->value;
	char safe[128];

	if (cli_row_kind(o) != CLI_KIND_WORDS)
		return 0;
	while (at) {
		const char *end = strchr(at, '|');
		size_t len = end ? (size_t)(end - at) : strlen(at);

		if (len == n && strncmp(at, value, n) == 0)
			return 0;
		at = end ? end + 1 : NULL;
	}
	(void)mr_fail(err, MREG_EUSAGE, "--%s cannot be '%s'", o->name,
		      mr_text_safe(value, safe, sizeof(safe)));
	return mr_hint(err, "one of %s", o->value);
}

static int store_value(struct parse *p, const struct cli_opt *o, char *base,
		       const char *value, struct mreg_error *err)
{
	void *slot = base + o->offset;
	uint64_t number;
	char safe[128];
	int rc;

	rc = check_words(o, value, err);
	if (rc < 0)
		return rc;
	if (o->type == CLI_TYPE_LIST)
		return add_word(p->owned, slot, value, p->argc, err);
	if (o->type == CLI_TYPE_ONCE && *(const char **)slot) {
		(void)mr_fail(err, MREG_EUSAGE, "--%s is given twice", o->name);
		return mr_hint(err, "it can be given once only");
	}
	if (o->type == CLI_TYPE_STR || o->type == CLI_TYPE_ONCE) {
		*(const char **)slot = value;
		return 0;
	}
	if (mr_text_u64(value, 1u << 20, &number) < 0 || !number) {
		(void)mr_fail(err, MREG_EUSAGE, "--%s needs a number, not '%s'",
			      o->name, mr_text_safe(value, safe, sizeof(safe)));
		return mr_hint(err, "a whole number from 1");
	}
	*(unsigned int *)slot = (unsigned int)number;
	return 0;
}

static int take_opt(struct parse *p, const struct cli_opt *o, char *base,
		    const char *inline_value, struct mreg_error *err)
{
	const char *value = inline_value;

	if (!takes_value(o)) {
		if (value)
			return mr_fail(err, MREG_EUSAGE, "--%s takes no value",
				       o->name);
		if (o->type == CLI_TYPE_COUNT)
			(*(unsigned int *)(void *)(base + o->offset))++;
		else
			*(bool *)(void *)(base + o->offset) = true;
		return 0;
	}
	if (!value) {
		if (p->at + 1 >= p->argc) {
			(void)mr_fail(err, MREG_EUSAGE, "--%s needs a value",
				      o->name);
			return mr_hint(err, "--%s %s", o->name, o->value);
		}
		value = p->argv[++p->at];
	}
	return store_value(p, o, base, value, err);
}

static int take_long(struct parse *p, const char *word, struct mreg_error *err)
{
	const char *name = word + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	char *base;
	const struct cli_opt *o = find_opt(p, name, len, 0, &base);

	if (!o)
		return unknown_opt(p, word, err);
	return take_opt(p, o, base, equals ? equals + 1 : NULL, err);
}

/* -xyz: flags together; one that takes a value takes the rest of the word. */
static int take_short(struct parse *p, const char *word, struct mreg_error *err)
{
	const char *c;
	int rc = 0;

	for (c = word + 1; rc >= 0 && *c; c++) {
		char *base;
		const struct cli_opt *o = find_opt(p, NULL, 0, *c, &base);

		if (!o)
			return unknown_opt(p, word, err);
		if (takes_value(o))
			return take_opt(p, o, base, c[1] ? c + 1 : NULL, err);
		rc = take_opt(p, o, base, NULL, err);
	}
	return rc;
}

static int missing(const struct cli_command *c, const struct cli_opt *o,
		   struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EUSAGE, "'mreg %s' needs %s", c->name, o->name);
	return mr_hint(err, "see 'mreg %s --help'", c->name);
}

/* Give the positional words to the rows: MANY and SOME take all but what the
 * rows behind them need. */
static int give_words(struct parse *p, struct mreg_error *err)
{
	const struct cli_opt *o;
	char safe[128];
	size_t need = 0;
	size_t next = 0;
	int rc = 0;

	for (o = p->cmd->opts; o && o->type != CLI_TYPE_END; o++)
		if (o->type == CLI_TYPE_ARG || o->type == CLI_TYPE_MANY)
			need++;
	for (o = p->cmd->opts; rc >= 0 && o && o->type != CLI_TYPE_END; o++) {
		void *slot = p->args + o->offset;

		if (!cli_row_is_argument(o))
			continue;
		if (o->type != CLI_TYPE_MAY && o->type != CLI_TYPE_SOME) {
			need--;
			if (next >= p->word_count)
				return missing(p->cmd, o, err);
		}
		if (cli_row_takes_many(o)) {
			if (o->type == CLI_TYPE_MANY &&
			    p->word_count - next <= need)
				return missing(p->cmd, need ? o + 1 : o, err);
			while (rc >= 0 && p->word_count - next > need)
				rc = add_word(p->owned, slot, p->words[next++],
					      p->argc, err);
		} else if (p->word_count - next > need ||
			   o->type == CLI_TYPE_ARG) {
			*(const char **)slot = p->words[next++];
		}
	}
	if (rc >= 0 && next < p->word_count) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is one word too many",
			      mr_text_safe(p->words[next], safe, sizeof(safe)));
		return mr_hint(err, "see 'mreg %s --help'", p->cmd->name);
	}
	return rc;
}

int cli_parse(const struct cli_command *c, int argc, char **argv, int first,
	      void *args, struct cli_globals *g, struct cli_parse *owned,
	      struct mreg_error *err)
{
	MR_AUTO(mr_free) const char **words = NULL;
	struct parse p = {
		.cmd = c,
		.args = args,
		.globals = (char *)g,
		.argc = argc,
		.argv = argv,
		.owned = owned,
	};
	bool only_words = false;
	int rc = 0;

	words = mr_array((size_t)argc + 1, sizeof(*words));
	if (!words)
		return mr_fail_nomem(err);
	p.words = words;
	for (p.at = first; rc >= 0 && p.at < argc; p.at++) {
		const char *word = argv[p.at];

		if (!only_words && strcmp(word, "--") == 0)
			only_words = true;
		else if (!only_words && strncmp(word, "--", 2) == 0)
			rc = take_long(&p, word, err);
		else if (!only_words && word[0] == '-' && word[1])
			rc = take_short(&p, word, err);
		else
			words[p.word_count++] = word;
	}
	if (rc < 0 || g->help)
		return rc;
	return give_words(&p, err);
}

const char *cli_input(const char *word)
{
	return word && strcmp(word, "-") == 0 ? "/dev/stdin" : word;
}

void cli_parse_release(struct cli_parse *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		mr_release(p->owned[i]);
	mr_release(p->owned);
	p->owned = NULL;
	p->n = 0;
}

/* -- commands
 * -------------------------------------------------------------------- */

static int unknown_command(const char *word, struct mreg_error *err)
{
	char first[CANDIDATES_MAX][FIRST_WORD_BYTES];
	const char *names[2 * CANDIDATES_MAX];
	const char *near;
	char safe[128];
	size_t n = 0;
	size_t i;

	/* "confg" is near to "config", but not to "config show". */
	for (i = 0; cli_commands[i] && i + 1 < CANDIDATES_MAX; i++) {
		const char *name = cli_commands[i]->name;

		(void)snprintf(first[i], sizeof(first[i]), "%.*s",
			       (int)strcspn(name, " "), name);
		names[n++] = name;
		names[n++] = first[i];
	}
	names[n] = NULL;
	near = mr_text_nearest(word, names);
	(void)mr_fail(err, MREG_EUSAGE, "unknown command '%s'",
		      mr_text_safe(word, safe, sizeof(safe)));
	if (near)
		return mr_hint(err, "did you mean 'mreg %s'?", near);
	for (i = 0; cli_commands[i]; i++)
		if (cli_group_len(cli_commands[i]->name) &&
		    cli_group_same(cli_commands[i]->name, word))
			return mr_hint(err,
				       "'mreg %.*s --help' lists its commands",
				       (int)strcspn(word, " "), word);
	return mr_hint(err, "'mreg --help' lists the commands");
}

/* Whether the words at `argv` begin with the command's; how many. */
static int matches(const char *name, int argc, char **argv)
{
	int taken = 0;

	while (*name) {
		size_t len = strcspn(name, " ");

		if (taken >= argc || strlen(argv[taken]) != len ||
		    strncmp(argv[taken], name, len) != 0)
			return 0;
		taken++;
		name += len + (name[len] == ' ');
	}
	return taken;
}

const struct cli_command *cli_find(int argc, char **argv, int *taken,
				   struct cli_globals *g,
				   struct mreg_error *err)
{
	struct parse p = { .globals = (char *)g, .argc = argc, .argv = argv };
	char words[256];
	size_t i;

	/* Global options may stand before the command. */
	for (p.at = 1; p.at < argc && argv[p.at][0] == '-'; p.at++) {
		const char *word = argv[p.at];
		int rc = strncmp(word, "--", 2) == 0
				 ? take_long(&p, word, err)
				 : take_short(&p, word, err);

		if (rc < 0)
			return NULL;
	}
	*taken = p.at;
	if (p.at >= argc) {
		(void)mr_fail(err, MREG_EUSAGE, "no command was given");
		(void)mr_hint(err, "'mreg --help' lists the commands");
		return NULL;
	}
	for (i = 0; cli_commands[i]; i++) {
		int n = matches(cli_commands[i]->name, argc - p.at,
				argv + p.at);

		if (n) {
			*taken = p.at + n;
			return cli_commands[i];
		}
	}
	if (p.at + 1 < argc && argv[p.at + 1][0] != '-')
		(void)snprintf(words, sizeof(words), "%s %s", argv[p.at],
			       argv[p.at + 1]);
	else
		(void)snprintf(words, sizeof(words), "%s", argv[p.at]);
	/* "alias" alone, or "psuh model name": say the right one. */
	for (i = 0; cli_commands[i]; i++) {
		size_t len = strcspn(cli_commands[i]->name, " ");

		if (cli_commands[i]->name[len] == ' ' &&
		    strlen(argv[p.at]) == len &&
		    strncmp(cli_commands[i]->name, argv[p.at], len) == 0) {
			(void)unknown_command(words, err);
			return NULL;
		}
	}
	(void)unknown_command(argv[p.at], err);
	return NULL;
}

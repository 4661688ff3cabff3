/*
 * rows.c - what the rows of a command say about themselves.
 */
#include "cli/rows.h"

#include <string.h>

bool cli_row_takes_many(const struct cli_opt *o)
{
	return o->type == CLI_TYPE_MANY || o->type == CLI_TYPE_SOME;
}

bool cli_row_is_argument(const struct cli_opt *o)
{
	return o->type == CLI_TYPE_ARG || o->type == CLI_TYPE_MAY ||
	       cli_row_takes_many(o);
}

bool cli_row_takes_value(const struct cli_opt *o)
{
	return o->type == CLI_TYPE_STR || o->type == CLI_TYPE_ONCE ||
	       o->type == CLI_TYPE_LIST || o->type == CLI_TYPE_UINT;
}

const char *cli_row_value(const struct cli_opt *o)
{
	const char *text = cli_row_is_argument(o) ? o->name : o->value;

	return text ? text : "";
}

static bool has_capital(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return true;
	return false;
}

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/*
 * Capitals stand for something, small letters for themselves: "DIR|FILE" is a
 * file, "bash|zsh" one of two words.  Only an argument that is called NAME or
 * REF is a model: the NAME of --alias is another thing.
 */
enum cli_kind cli_row_kind(const struct cli_opt *o)
{
	const char *v = cli_row_value(o);

	if (strchr(v, '|') && !has_capital(v))
		return CLI_KIND_WORDS;
	if (strstr(v, "FILE") || strstr(v, "PATH"))
		return CLI_KIND_FILE;
	if (strstr(v, "DIR"))
		return CLI_KIND_DIR;
	if (cli_row_is_argument(o) && (starts(v, "NAME") || starts(v, "REF")))
		return CLI_KIND_MODEL;
	return CLI_KIND_ANY;
}

void cli_row_argument(struct mr_buf *b, const struct cli_opt *o)
{
	bool may = o->type == CLI_TYPE_MAY || o->type == CLI_TYPE_SOME;

	mr_buf_printf(b, "%s%s%s%s", may ? "[" : "", o->name,
		      cli_row_takes_many(o) ? "..." : "", may ? "]" : "");
}

size_t cli_group_len(const char *name)
{
	size_t len = strcspn(name, " ");

	return name[len] ? len : 0;
}

bool cli_group_same(const char *a, const char *b)
{
	size_t len = strcspn(a, " ");

	return strcspn(b, " ") == len && strncmp(a, b, len) == 0;
}

bool cli_group_first(size_t i)
{
	size_t before;

	for (before = 0; before < i; before++)
		if (cli_group_same(cli_commands[before]->name,
				   cli_commands[i]->name))
			return false;
	return true;
}

const char *cli_next_word(const char **at, size_t *len)
{
	const char *word = *at;

	if (!word || !*word)
		return NULL;
	*len = strcspn(word, "|");
	*at = word + *len + (word[*len] == '|');
	return word;
}

/*
 * help.c - the rows of commands as text of at most 80 columns.
 */
#include <string.h>

#include "base/mem.h"
#include "cli/rows.h"

#define WIDTH 80
#define TEXT_MAX (64u << 10)
/* Names longer than this have their explanation on the next line. */
#define LEFT_MAX 26

/* Where the line being written is. */
struct page {
	FILE *out;
	size_t at;        /* columns written on this line */
	size_t indent;    /* of the lines after this one */
	size_t mark_size; /* columns kept free for `mark` */
	const char *mark; /* ends a line that goes on: " \\" */
	bool fresh;       /* no word since the indent */
};

/* Help is plain text of Latin letters: a code point is a column. */
static size_t columns(const char *s, size_t n)
{
	size_t width = 0;
	size_t i;

	for (i = 0; i < n; i++)
		width += ((unsigned char)s[i] & 0xc0) != 0x80;
	return width;
}

/* Bytes of the first `width` columns of `s`. */
static size_t bytes_of(const char *s, size_t n, size_t width)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (((unsigned char)s[i] & 0xc0) == 0x80)
			continue;
		if (!width)
			break;
		width--;
	}
	return i;
}

static void pad(FILE *out, size_t n)
{
	(void)fprintf(out, "%*s", (int)n, "");
}

static void next_line(struct page *p)
{
	(void)fprintf(p->out, "%s\n", p->mark);
	pad(p->out, p->indent);
	p->at = p->indent;
	p->fresh = true;
}

/* A word that no line can hold is cut where the line ends. */
static void put_word(struct page *p, const char *word, size_t n)
{
	size_t room = WIDTH - p->mark_size;
	size_t width = columns(word, n);

	if (!p->fresh && p->at + 1 + width > room)
		next_line(p);
	if (!p->fresh) {
		(void)fputc(' ', p->out);
		p->at++;
	}
	p->fresh = false;
	while (p->at + width > room) {
		size_t len = bytes_of(word, n, room - p->at);

		(void)fwrite(word, 1, len, p->out);
		word += len;
		n -= len;
		width = columns(word, n);
		next_line(p);
		p->fresh = false;
	}
	(void)fwrite(word, 1, n, p->out);
	p->at += width;
}

static void put_words(struct page *p, const char *text, size_t n)
{
	const char *end = text + n;

	while (text < end) {
		const char *word = text;

		while (text < end && !strchr(" \t\n", *text))
			text++;
		if (text > word)
			put_word(p, word, (size_t)(text - word));
		else
			text++;
	}
}

/* `n` bytes of text from column `at` on; lines after the first start at
 * `indent`. */
static void wrap(FILE *out, const char *text, size_t n, size_t at,
		 size_t indent, const char *mark)
{
	struct page p = {
		.out = out,
		.at = at,
		.indent = indent,
		.mark_size = strlen(mark),
		.mark = mark,
		.fresh = true,
	};

	put_words(&p, text, n);
	(void)fputc('\n', out);
}

static void put_text(FILE *out, size_t indent, const char *text)
{
	pad(out, indent);
	wrap(out, text, strlen(text), indent, indent, "");
}

/* "NAME      explanation" with the explanation from column `column` on. */
static void put_row(FILE *out, const char *left, size_t column,
		    const char *text, const char *more)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TEXT_MAX);
	size_t width = columns(left, strlen(left)) + 2;
	size_t lead = strspn(left, " ") + 2;

	if (width + 2 > column) {
		pad(out, lead);
		wrap(out, left, strlen(left), lead, 8, "");
		pad(out, column);
	} else {
		pad(out, 2);
		(void)fputs(left, out);
		pad(out, column - width);
	}
	mr_buf_printf(&b, "%s%s", text, more);
	wrap(out, mr_buf_text(&b), b.len, column, column, "");
}

static void put_left(struct mr_buf *b, const struct cli_opt *o)
{
	if (cli_row_is_argument(o)) {
		mr_buf_puts(b, o->name);
		return;
	}
	if (o->letter)
		mr_buf_printf(b, "-%c, --%s", o->letter, o->name);
	else
		mr_buf_printf(b, "    --%s", o->name);
	if (cli_row_takes_value(o))
		mr_buf_printf(b, " %s", cli_row_value(o));
}

/* Column where explanations of a table's arguments or options start. */
static size_t column_of(const struct cli_opt *o, bool arguments)
{
	size_t widest = 0;

	for (; o && o->type != CLI_TYPE_END; o++) {
		MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TEXT_MAX);
		size_t width;

		if (cli_row_is_argument(o) != arguments)
			continue;
		put_left(&b, o);
		width = columns(mr_buf_text(&b), b.len);
		if (width > widest && width <= LEFT_MAX)
			widest = width;
	}
	return widest + 4 > 10 ? widest + 4 : 10;
}

static void put_rows(FILE *out, const char *title, const struct cli_opt *o,
		     bool arguments)
{
	size_t column = column_of(o, arguments);
	bool titled = false;

	for (; o && o->type != CLI_TYPE_END; o++) {
		MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TEXT_MAX);

		if (cli_row_is_argument(o) != arguments)
			continue;
		if (!titled)
			(void)fprintf(out, "\n%s:\n", title);
		titled = true;
		put_left(&b, o);
		put_row(out, mr_buf_text(&b), column, o->help,
			o->type == CLI_TYPE_LIST ? " (repeatable)" : "");
	}
}

/* Global options by name only: what they do has a page of its own. */
static void put_globals(FILE *out, const struct cli_command *c)
{
	struct page p = {
		.out = out, .at = 2, .indent = 2, .mark = "", .fresh = true
	};
	const struct cli_opt *o;

	(void)fputs("\noptions of every command ('mreg help options' tells "
		    "more):\n",
		    out);
	pad(out, 2);
	for (o = cli_global_opts; o->type != CLI_TYPE_END; o++) {
		MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TEXT_MAX);

		if (strcmp(o->name, "jsonl") == 0 && !c->lists)
			continue;
		if (o->letter)
			mr_buf_printf(&b, "-%c ", o->letter);
		mr_buf_printf(&b, "--%s", o->name);
		if (o[1].type != CLI_TYPE_END)
			mr_buf_putc(&b, ',');
		put_word(&p, mr_buf_text(&b), b.len); /* both on one line */
	}
	(void)fputc('\n', out);
}

static void put_usage(FILE *out, const struct cli_command *c)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TEXT_MAX);
	const struct cli_opt *o;

	mr_buf_printf(&b, "usage: mreg %s", c->name);
	for (o = c->opts; o && o->type != CLI_TYPE_END; o++) {
		if (!cli_row_is_argument(o))
			continue;
		mr_buf_putc(&b, ' ');
		cli_row_argument(&b, o);
	}
	mr_buf_puts(&b, " [options]");
	wrap(out, mr_buf_text(&b), b.len, 0, 12, "");
}

/* Paragraphs are wrapped; a line that begins with white space starts a new
 * one and keeps its indent. */
static void put_notes(FILE *out, const char *text)
{
	while (*text) {
		size_t lead = strspn(text, " ");
		size_t n = 0;

		if (*text == '\n') {
			(void)fputc('\n', out);
			text++;
			continue;
		}
		do {
			n += strcspn(text + n, "\n");
			if (text[n])
				n++;
		} while (text[n] && text[n] != '\n' && text[n] != ' ');
		if (lead > WIDTH / 2)
			lead = WIDTH / 2;
		pad(out, lead);
		wrap(out, text, n, lead, lead, "");
		text += n;
	}
}

static void put_examples(FILE *out, const char *const *lines)
{
	(void)fputs("\nexamples:\n", out);
	for (; *lines; lines++) {
		pad(out, 2);
		wrap(out, *lines, strlen(*lines), 2, 6, " \\");
	}
}

void cli_help_command(FILE *out, const struct cli_command *c)
{
	put_usage(out, c);
	(void)fputc('\n', out);
	put_text(out, 0, c->summary);
	put_rows(out, "arguments", c->opts, true);
	put_rows(out, "options", c->opts, false);
	put_globals(out, c);
	if (c->notes) {
		(void)fputc('\n', out);
		put_notes(out, c->notes);
	}
	if (c->examples && c->examples[0])
		put_examples(out, c->examples);
}

void cli_help_group(FILE *out, const char *group)
{
	size_t widest = 0;
	size_t i;

	(void)fprintf(out, "usage: mreg %s COMMAND [options]\n\ncommands:\n",
		      group);
	for (i = 0; cli_commands[i]; i++) {
		size_t len = strlen(cli_commands[i]->name);

		if (cli_group_same(cli_commands[i]->name, group) &&
		    len > widest && len <= LEFT_MAX)
			widest = len;
	}
	for (i = 0; cli_commands[i]; i++)
		if (cli_group_same(cli_commands[i]->name, group))
			put_row(out, cli_commands[i]->name, widest + 4,
				cli_commands[i]->summary, "");
	(void)fprintf(out, "\n'mreg %s COMMAND --help' explains a command.\n",
		      group);
}

void cli_help_options(FILE *out)
{
	(void)fputs("usage: mreg COMMAND [options]\n", out);
	put_rows(out, "options of every command", cli_global_opts, false);
}

static size_t widest_word(void)
{
	size_t widest = 0;
	size_t i;

	for (i = 0; cli_commands[i]; i++) {
		size_t len = strcspn(cli_commands[i]->name, " ");

		if (len > widest && len <= LEFT_MAX)
			widest = len;
	}
	return widest;
}

static const char *heading_of(const struct cli_command *c)
{
	const struct cli_heading *h;

	for (h = cli_headings; h->first; h++)
		if (h->first == c)
			return h->title;
	return NULL;
}

/* "set, rm, ls: names that point at a version". */
static void put_group(FILE *out, const char *name, size_t column)
{
	MR_AUTO(mr_buf_release) struct mr_buf word = MR_BUF_INIT(TEXT_MAX);
	MR_AUTO(mr_buf_release) struct mr_buf text = MR_BUF_INIT(TEXT_MAX);
	size_t len = cli_group_len(name);
	const struct cli_group *g;
	size_t i;

	for (i = 0; cli_commands[i]; i++)
		if (cli_group_same(cli_commands[i]->name, name))
			mr_buf_printf(&text, "%s%s", text.len ? ", " : "",
				      cli_commands[i]->name + len + 1);
	for (g = cli_groups; g->word; g++)
		if (cli_group_same(name, g->word))
			mr_buf_printf(&text, ": %s", g->summary);
	mr_buf_printf(&word, "%.*s", (int)len, name);
	put_row(out, mr_buf_text(&word), column, mr_buf_text(&text), "");
}

/* A line for each first word, below its heading. */
static void put_commands(FILE *out)
{
	size_t column = widest_word() + 4;
	size_t i;

	for (i = 0; cli_commands[i]; i++) {
		const struct cli_command *c = cli_commands[i];
		const char *title = heading_of(c);

		if (title)
			(void)fprintf(out, "%s:\n", title);
		if (!cli_group_len(c->name))
			put_row(out, c->name, column, c->summary, "");
		else if (cli_group_first(i))
			put_group(out, c->name, column);
	}
}

void cli_help_all(FILE *out)
{
	(void)fputs("usage: mreg COMMAND [options]\n\n", out);
	put_text(out, 0,
		 "Moves machine-learning models in and out of OCI registries, "
		 "or of the local store when no registry is set.");
	(void)fputc('\n', out);
	put_commands(out);
	(void)fputc('\n', out);
	put_text(out, 0,
		 "'mreg COMMAND --help' explains a command, 'mreg help "
		 "options' the options that each takes, 'man mreg' all.");
}

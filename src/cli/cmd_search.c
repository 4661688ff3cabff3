/*
 * cmd_search.c - mreg search.
 */
#include "cli/commands.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/index_use.h"
#include "mreg/json.h"
#include "mreg/search.h"

#define RESULT_MAX_BYTES (1u << 30)
/* Of a filter, on each side of what is wrong in it. */
#define SHOWN_BYTES 60

struct args {
	const char *filter, *page;
	struct cli_words order, columns;
	unsigned int limit;
	bool models, count, all;
};

static const struct cli_opt opts[] = {
	CLI_MAY(struct args, filter, "FILTER",
		"\"metrics.auc > 0.9 AND tags.team = 'risk'\"; else all"),
	CLI_BOOL('m', "models", struct args, models,
		 "models by name, owner, tags...; else versions"),
	CLI_LIST('s', "order-by", "ATTR [DESC]", struct args, order,
		 "\"metrics.auc DESC\"; again: what is equal by that"),
	CLI_LIST('c', "columns", "A,B,C", struct args, columns,
		 "what to show: name,version,license,tags.team"),
	CLI_UINT('n', "limit", "N", struct args, limit,
		 "rows of a page (100); 50000 at most"),
	CLI_STR(0, "page", "TOKEN", struct args, page,
		"the next page, as the last one told it"),
	CLI_BOOL('a', "all", struct args, all, "every page"),
	CLI_BOOL(0, "count", struct args, count,
		 "how many there are; with --json the page too"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg search \"metrics.auc > 0.9 AND alias = 'production'\"",
	"mreg search \"tags.team = 'risk'\" --order-by 'metrics.auc DESC'",
	"mreg search \"text('credit risk') AND created > 30d\" -c name,license",
	"mreg search \"descends_from('base:v4')\" --all --jsonl",
	"mreg search --models \"owner = 'risk'\"",
	NULL,
};

/* -- a filter that is none --------------------------------------------------
 */

/* How many columns of a terminal a text takes, all of one width. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* The filter, and a caret under byte `at`, counted from 1. */
static void point_at(const struct cli *cli, const char *filter, size_t at)
{
	size_t from = at > SHOWN_BYTES ? at - SHOWN_BYTES : 0;
	size_t len = strlen(filter);
	char before[SHOWN_BYTES * 4 + 16];
	char behind[SHOWN_BYTES * 4 + 16];
	size_t n;

	if (!at || cli->globals.json || !isatty(STDERR_FILENO))
		return;
	at = at - 1 < len ? at - 1 : len;
	/* Not in the middle of a character. */
	while (from < at && ((unsigned char)filter[from] & 0xc0) == 0x80)
		from++;
	n = len - at < SHOWN_BYTES ? len - at : SHOWN_BYTES;
	while (n && ((unsigned char)filter[at + n] & 0xc0) == 0x80)
		n--;
	(void)mr_text_safe_n(filter + from, at - from, before, sizeof(before));
	(void)mr_text_safe_n(filter + at, n, behind, sizeof(behind));
	(void)fprintf(stderr, "  %s%s\n  %*s^\n", before, behind,
		      (int)width(before), "");
}

/* -- what is told beside the result -----------------------------------------
 */

/* A word as a shell takes it. */
static void put_word(struct mr_buf *b, const char *word)
{
	mr_buf_putc(b, '\'');
	for (; *word; word++)
		if (*word == '\'')
			mr_buf_puts(b, "'\\''");
		else
			mr_buf_putc(b, *word);
	mr_buf_putc(b, '\'');
}

static void put_words(struct mr_buf *b, const char *option,
		      const struct cli_words *words)
{
	size_t i;

	for (i = 0; i < words->n; i++) {
		mr_buf_printf(b, " %s ", option);
		put_word(b, words->items[i]);
	}
}

static void put_given(struct mr_buf *b, const char *option, const char *value)
{
	if (!value)
		return;
	mr_buf_printf(b, " %s ", option);
	put_word(b, value);
}

static void tell_next(const struct cli_globals *g, const struct args *a,
		      const struct mreg_search_result *r)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);
	MR_AUTO(mr_buf_release) struct mr_buf safe = MR_BUF_INIT(1u << 22);

	mr_buf_puts(&b, "mreg search");
	if (a->filter) {
		mr_buf_putc(&b, ' ');
		put_word(&b, a->filter);
	}
	/* Which index, and below what names stand. */
	put_given(&b, "--db", g->db);
	put_given(&b, "--registry", g->registry);
	put_given(&b, "--store", g->store);
	if (a->models)
		mr_buf_puts(&b, " --models");
	put_words(&b, "--order-by", &a->order);
	put_words(&b, "--columns", &a->columns);
	if (a->limit)
		mr_buf_printf(&b, " --limit %u", a->limit);
	mr_buf_printf(&b, " --page %s", r->next);
	cli_put(&safe, mr_buf_text(&b));
	(void)fprintf(stderr, "there are more: %s\n", mr_buf_text(&safe));
}

static void tell_rest(const struct cli *cli, const struct args *a,
		      const struct mreg_search_result *r)
{
	if (cli->globals.quiet)
		return;
	/* A document has it; lines have no place for it. */
	if (r->next && !a->count && (!cli->globals.json || cli->globals.jsonl))
		tell_next(&cli->globals, a, r);
	if (!r->count && !a->count && !cli->globals.json)
		(void)fprintf(stderr, "nothing matches\n");
	cli_tell_index(cli, r->synced_s);
}

/* -- the result -------------------------------------------------------------
 */

/* What is shown most has a short name. */
static const char *head_of(const char *name, char *out, size_t n)
{
	static const char *const heads[][2] = {
		{ "name", "MODEL" },         { "version_number", "VERSION" },
		{ "alias", "ALIASES" },      { "run_id", "RUN" },
		{ "source_path", "SOURCE" },
	};
	size_t i;

	for (i = 0; i < MR_COUNT(heads); i++)
		if (strcmp(name, heads[i][0]) == 0)
			return heads[i][1];
	(void)mr_text_safe(name, out, n);
	/* A key is written as it is. */
	for (i = 0; out[i] && !strchr(name, '.'); i++)
		out[i] = (char)toupper((unsigned char)out[i]);
	return out;
}

static void put_cell(struct cli_table *t, const struct mreg_search_column *c,
		     const char *text)
{
	uint64_t bytes;
	char size[32];

	if (!text)
		cli_table_cell(t, "-");
	else if (c->type == MREG_SEARCH_BYTES &&
		 mr_text_u64(text, UINT64_MAX, &bytes) == 0)
		cli_table_cell(t, "%s", mr_text_size(bytes, size));
	else if (strcmp(c->name, "version_number") == 0)
		cli_table_cell(t, "v%s", text);
	else
		cli_table_cell(t, "%s", text[0] ? text : "-");
}

static int print_table(struct cli *cli, const struct mreg_search_result *r,
		       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	MR_AUTO(mr_free)
	const char **heads = mr_array(r->column_count, sizeof(*heads));
	MR_AUTO(mr_free) char *names = mr_array(r->column_count, SHOWN_BYTES);
	struct cli_table *t;
	size_t i, k;
	int rc;

	if (!r->count)
		return 0;
	if (!heads || !names)
		return mr_fail_nomem(err);
	for (k = 0; k < r->column_count; k++)
		heads[k] = head_of(r->columns[k].name, names + k * SHOWN_BYTES,
				   SHOWN_BYTES);
	t = cli_table_new(heads, r->column_count);
	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++) {
		const char *const *cells =
			r->of_models ? r->models[i].cells : r->rows[i].cells;

		for (k = 0; k < r->column_count; k++)
			put_cell(t, &r->columns[k], cells[k]);
	}
	rc = cli_table_print(cli, t, &b, err);
	return rc < 0 ? rc : cli_print(&b, err);
}

static int print_lines(const struct mreg_search_result *r,
		       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	size_t i;
	int rc = 0;

	for (i = 0; i < r->count && rc >= 0; i++)
		rc = cli_put_row(&b, mreg_search_row_json(r, i), err);
	return rc < 0 ? rc : cli_print(&b, err);
}

static int print(struct cli *cli, const struct args *a,
		 const struct mreg_search_result *r, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(64);
	int rc;

	if (cli->globals.jsonl)
		return print_lines(r, err);
	if (cli->globals.json) {
		rc = cli_json(cli, mreg_search_result_json(r), err);
		return rc < 0 ? rc : 0;
	}
	if (!a->count)
		return print_table(cli, r, err);
	mr_buf_printf(&b, "%" PRIu64 "\n", r->total);
	return cli_print(&b, err);
}

/* One page, or all: as lines each page is printed when it is there, since a
 * million rows are more than a result holds.  All are of one moment, which the
 * index keeps as long as whoever reads the lines takes. */
static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_search_opts o = MREG_SEARCH_OPTS_INIT;
	MR_AUTO(mr_free) char *page = NULL;
	bool more = true;
	int rc = a->all && cli->globals.jsonl ? mreg_index_hold(cli->mreg, err)
					      : 0;

	o.models = a->models;
	o.order = a->order.items;
	o.columns = a->columns.items;
	o.limit = a->limit;
	o.page = a->page;
	o.count = a->count;
	o.all = a->all && !cli->globals.jsonl;
	while (more && rc >= 0) {
		struct mreg_search_result r;

		rc = mreg_search(cli->mreg, a->filter, &o, &r, err);
		if (rc < 0 && a->filter)
			point_at(cli, a->filter, r.wrong_at);
		if (rc >= 0)
			rc = print(cli, a, &r, err);
		more = rc >= 0 && r.next && a->all;
		if (rc >= 0 && !more)
			tell_rest(cli, a, &r);
		if (more) {
			mr_release(page);
			o.page = page = mr_strdup(r.next);
			rc = page ? 0 : mr_fail_nomem(err);
		}
		mreg_search_result_release(&r);
	}
	mreg_index_let_go(cli->mreg);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_search = {
	.name = "search",
	.summary = "find versions, or models, by what is known of them",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.lists = true,
	.notes =
		"It asks the index, which 'mreg index sync' brings up to date. "
		"A filter compares attributes (name, version, alias, stage, "
		"owner, license, created...), tags.KEY, params.KEY, "
		"metrics.NAME and evaluations.SUITE by =, !=, <, >, LIKE, "
		"ILIKE, IN, IS NULL, joined by AND, OR, NOT and parentheses; "
		"text('words'), descends_from('NAME:TAG') and others ask for "
		"more: spec/query.md has all of it. MLflow's filters are taken "
		"as they are.",
};

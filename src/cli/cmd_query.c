/*
 * cmd_query.c - mreg query.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/index_use.h"
#include "mreg/json.h"
#include "mreg/query.h"

#define RESULT_MAX_BYTES (1u << 30)
/* Of a cell of the table; --json and --csv have all of it. */
#define SHOWN_BYTES 200

struct args {
	const char *sql;
	unsigned int most, timeout_s;
	bool csv;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, sql, "SQL", "one SELECT, or '-': standard input"),
	CLI_UINT('n', "limit", "N", struct args, most, "rows at most (10000)"),
	CLI_UINT(0, "timeout", "SECONDS", struct args, timeout_s,
		 "how long it may take (30)"),
	CLI_BOOL(0, "csv", struct args, csv, "comma-separated values"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg query \"SELECT model, version, stage FROM versions\"",
	"mreg query \"SELECT license, count(*) AS n FROM versions GROUP BY 1\"",
	"mreg query --csv \"SELECT * FROM metrics WHERE name = 'auc'\"",
	"mreg query --jsonl - <report.sql",
	NULL,
};

/* -- standard input -------------------------------------------------------- */

static int read_sql(const char *word, struct mr_buf *out,
		    struct mreg_error *err)
{
	char piece[4096];
	size_t n;

	if (strcmp(word, "-") != 0) {
		mr_buf_puts(out, word);
		return mr_buf_check(out, "the SQL", err);
	}
	while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
		mr_buf_add(out, piece, n);
	if (ferror(stdin))
		return mr_fail(err, MREG_EIO, "cannot read standard input");
	if (strlen(mr_buf_text(out)) != out->len)
		return mr_fail(err, MREG_EUSAGE, "there is a NUL in the SQL");
	return mr_buf_check(out, "the SQL", err);
}

/* -- output ---------------------------------------------------------------- */

static int put_table(struct cli *cli, const struct mreg_query_result *r,
		     struct mr_buf *b, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	struct cli_table *t;
	size_t i;

	t = cli_table_new(r->columns, r->column_count);
	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count * r->column_count; i++)
		cli_table_cell(t, "%s",
			       r->values[i].text
				       ? mr_text_safe(r->values[i].text, shown,
						      sizeof(shown))
				       : "-");
	return cli_table_print(cli, t, b, err);
}

/* RFC 4180, but for what would move a terminal: a quoted text keeps its line
 * ends alone. */
static void put_field(struct mr_buf *b, const char *text)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf safe = MR_BUF_INIT(RESULT_MAX_BYTES);
	const char *p;

	cli_put_lines(&safe, text);
	if (safe.failed) {
		b->failed = safe.failed;
		return;
	}
	p = mr_buf_text(&safe);
	if (!p[strcspn(p, ",\"\r\n")]) {
		mr_buf_puts(b, p);
		return;
	}
	mr_buf_putc(b, '"');
	for (; *p; p++)
		mr_buf_printf(b, *p == '"' ? "\"\"" : "%c", *p);
	mr_buf_putc(b, '"');
}

static void put_csv(const struct mreg_query_result *r, struct mr_buf *b)
{
	size_t i, n = r->column_count;

	for (i = 0; i < n; i++) {
		mr_buf_puts(b, i ? "," : "");
		put_field(b, r->columns[i]);
	}
	mr_buf_puts(b, "\r\n");
	for (i = 0; i < r->count * n; i++) {
		mr_buf_puts(b, i % n ? "," : "");
		if (r->values[i].text)
			put_field(b, r->values[i].text);
		mr_buf_puts(b, (i + 1) % n ? "" : "\r\n");
	}
}

static int put_lines(const struct mreg_query_result *r, struct mr_buf *b,
		     struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < r->count && rc == 0; i++)
		rc = cli_put_row(b, mreg_query_row_json(r, i), err);
	return rc;
}

static int put(struct cli *cli, const struct args *a,
	       const struct mreg_query_result *r, struct mr_buf *b,
	       struct mreg_error *err)
{
	MR_AUTO(mr_free) char *json = NULL;

	if (a->csv) {
		put_csv(r, b);
		return 0;
	}
	if (cli->globals.jsonl)
		return put_lines(r, b, err);
	if (!cli->globals.json)
		return put_table(cli, r, b, err);
	json = mreg_query_result_json(r);
	if (!json)
		return mr_fail_nomem(err);
	mr_buf_puts(b, json);
	mr_buf_putc(b, '\n');
	return 0;
}

static void tell(const struct cli *cli, const struct args *a,
		 const struct mreg_query_result *r)
{
	size_t most = a->most ? a->most : MREG_QUERY_MOST;

	if (cli->globals.quiet)
		return;
	if (r->cut && r->count >= most)
		(void)fprintf(stderr,
			      "there are more rows: --limit %zu or more\n",
			      2 * r->count);
	else if (r->cut)
		(void)fprintf(stderr, "there are more rows, too large for one "
				      "result: ask for fewer columns, or for "
				      "parts with LIMIT and OFFSET\n");
	cli_tell_index(cli, r->synced_s);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	MR_AUTO(mr_buf_release) struct mr_buf sql = MR_BUF_INIT(1u << 20);
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	struct mreg_query_opts o = MREG_QUERY_OPTS_INIT;
	struct mreg_query_result res;
	int rc;

	if (a->csv && (cli->globals.json || cli->globals.jsonl)) {
		(void)mr_fail(err, MREG_EUSAGE, "--csv and --json");
		return mr_hint(err, "choose one of them");
	}
	rc = read_sql(a->sql, &sql, err);
	if (rc < 0)
		return rc;
	o.most = a->most;
	o.timeout_s = a->timeout_s;
	rc = mreg_query(cli->mreg, mr_buf_text(&sql), &o, &res, err);
	if (rc < 0)
		return rc;
	rc = put(cli, a, &res, &b, err);
	if (rc >= 0)
		rc = mr_buf_check(&b, "the result", err);
	if (rc >= 0)
		rc = cli_print(&b, err);
	if (rc >= 0)
		tell(cli, a, &res);
	mreg_query_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_query = {
	.name = "query",
	.summary = "SQL on the index, read-only",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "Views: aliases, approvals, deployments, documents, edges, "
		 "evaluations, events, incidents, inputs, metrics, models, "
		 "notes, params, releases, syncs, tags, versions. "
		 "spec/index.md has their columns. Every one of them has "
		 "model, most have version, a number. Answers come from the "
		 "index ('mreg index sync').",
	.lists = true,
};

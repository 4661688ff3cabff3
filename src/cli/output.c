/*
 * output.c - results on stdout, errors on stderr; everything from outside
 * made safe first.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "mreg/json.h"

#define CELL_BYTES 512

struct cli_table {
	size_t columns;
	size_t cell_count;
	size_t cap;
	char **cells; /* owned, each owned */
	bool failed;
};

static const char unwritten[] = "cannot write the result";

static int write_out(const char *text, size_t n, struct mreg_error *err)
{
	if (fwrite(text, 1, n, stdout) == n && fflush(stdout) == 0)
		return 0;
	return mr_fail_sys(err, errno, "%s", unwritten);
}

int cli_flush(struct mreg_error *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return mr_fail_sys(err, errno, "%s", unwritten);
}

bool cli_is_unread(const struct mreg_error *err)
{
	return err->code == MREG_EIO && err->sys == EPIPE &&
	       strncmp(err->msg, unwritten, strlen(unwritten)) == 0;
}

int cli_json(struct cli *cli, char *json, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 30);
	int rc;

	if (!cli->globals.json) {
		free(json);
		return 0;
	}
	if (!json)
		return mr_fail_nomem(err);
	mr_buf_puts(&b, json);
	mr_buf_putc(&b, '\n');
	free(json);
	rc = mr_buf_check(&b, "the result", err);
	if (rc >= 0)
		rc = write_out(b.data, b.len, err);
	return rc < 0 ? rc : 1;
}

int cli_print(struct mr_buf *text, struct mreg_error *err)
{
	int rc = mr_buf_check(text, "the result", err);

	if (rc < 0)
		return rc;
	return write_out(mr_buf_text(text), text->len, err);
}

int cli_report(struct cli *cli, struct mr_buf *text, struct mreg_error *err)
{
	return cli->globals.quiet ? 0 : cli_print(text, err);
}

static void put_safe(struct mr_buf *b, const char *text, size_t n)
{
	size_t cap = n * 4 + 16;
	MR_AUTO(mr_free) char *safe = mr_alloc(cap);

	if (safe)
		mr_buf_puts(b, mr_text_safe_n(text, n, safe, cap));
	else
		b->failed = MREG_ENOMEM;
}

void cli_put(struct mr_buf *b, const char *text)
{
	put_safe(b, text, strlen(text));
}

void cli_put_lines(struct mr_buf *b, const char *text)
{
	size_t n;

	for (; *text; text += n) {
		n = strcspn(text, "\n\t");
		put_safe(b, text, n);
		if (text[n])
			mr_buf_putc(b, text[n++]);
	}
}

void cli_put_bold(struct cli *cli, struct mr_buf *b, const char *text)
{
	if (cli->color_out)
		mr_buf_puts(b, "\033[1m");
	cli_put(b, text);
	if (cli->color_out)
		mr_buf_puts(b, "\033[0m");
}

int cli_put_row(struct mr_buf *b, char *text, struct mreg_error *err)
{
	if (!text)
		return mr_fail_nomem(err);
	mr_buf_puts(b, text);
	mr_buf_putc(b, '\n');
	free(text);
	return 0;
}

/* Of a refusal all rules, for which the error has no room. */
static char *error_json(const struct cli *cli, const struct mreg_error *err)
{
	const struct mreg_policy_finding *findings;
	size_t n;

	if (err->code != MREG_EPOLICY || !cli->mreg)
		return mreg_error_json(err);
	findings = mreg_policy_refusal(cli->mreg, &n);
	return mreg_refusal_json(err, findings, n);
}

void cli_error(const struct cli *cli, const struct mreg_error *err)
{
	static const char no_memory[] =
		"{\"error\":{\"code\":\"no_memory\",\"message\":"
		"\"out of memory\",\"hint\":\"free some memory, then run the "
		"command again\",\"cause\":\"\"}}";
	bool color = cli->color_err;
	char text[MR_ERROR_TEXT];
	/* What a policy says is one, were it a single rule: the line of the
	 * error has none of it. */
	bool steps = err->cause[0] &&
		     (err->code == MREG_EPOLICY || strstr(err->cause, "; "));

	if (cli->globals.json) {
		char *json = error_json(cli, err);

		(void)fprintf(stderr, "%s\n", json ? json : no_memory);
		free(json);
		return;
	}
	/* What failed, and in the same line the reason at the bottom of it; the
	 * steps between are for -v.  What a policy says was logged rule by
	 * rule. */
	(void)fprintf(stderr, "%serror:%s %s\n", color ? "\033[1;31m" : "",
		      color ? "\033[0m" : "",
		      err->code == MREG_EPOLICY ? err->msg
						: mr_error_text(err, text));
	if (steps && cli->globals.verbose)
		(void)fprintf(stderr, "cause: %s\n", err->cause);
	if (err->hint[0])
		(void)fprintf(stderr, "hint: %s\n", err->hint);
}

/* -- tables
 * ---------------------------------------------------------------------- */

void cli_table_cell(struct cli_table *t, const char *fmt, ...)
{
	char raw[CELL_BYTES];
	char safe[CELL_BYTES];
	void *cells = t->cells;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (mr_grow(&cells, &t->cap, t->cell_count + 1, sizeof(char *)) < 0) {
		t->failed = true;
		return;
	}
	t->cells = cells;
	t->cells[t->cell_count] =
		mr_strdup(mr_text_safe(raw, safe, sizeof(safe)));
	if (!t->cells[t->cell_count])
		t->failed = true;
	else
		t->cell_count++;
}

void cli_table_text(struct cli_table *t, const struct mr_buf *text)
{
	/* Of what was too long a cell shows the beginning, as of all. */
	if (text->failed == MREG_ENOMEM)
		t->failed = true;
	cli_table_cell(t, "%s", mr_buf_text(text));
}

struct cli_table *cli_table_new(const char *const *heads, size_t columns)
{
	struct cli_table *t = mr_zalloc(sizeof(*t));
	size_t i;

	if (!t)
		return NULL;
	t->columns = columns;
	for (i = 0; i < columns; i++)
		cli_table_cell(t, "%s", heads[i]);
	return t;
}

/* Columns a text takes: code points, which is right for what model names and
 * people's names are mostly made of. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void put_row(struct cli *cli, struct cli_table *t, size_t row,
		    const size_t *widths, struct mr_buf *out)
{
	bool head = row == 0 && cli->color_out;
	char **cells = &t->cells[row * t->columns];
	size_t n = t->columns;
	size_t c;

	/* Nothing is behind the last cell that says something. */
	while (n > 0 && !cells[n - 1][0])
		n--;

	if (head)
		mr_buf_puts(out, "\033[1m");
	for (c = 0; c < n; c++) {
		size_t pad = widths[c] + 2 - width_of(cells[c]);

		mr_buf_puts(out, cells[c]);
		while (c + 1 < n && pad--)
			mr_buf_putc(out, ' ');
	}
	if (head)
		mr_buf_puts(out, "\033[0m");
	mr_buf_putc(out, '\n');
}

static void table_free(struct cli_table *t)
{
	size_t i;

	for (i = 0; i < t->cell_count; i++)
		mr_release(t->cells[i]);
	mr_release(t->cells);
	mr_release(t);
}

int cli_table_print(struct cli *cli, struct cli_table *t, struct mr_buf *out,
		    struct mreg_error *err)
{
	MR_AUTO(mr_free) size_t *widths = NULL;
	size_t i;
	int rc = 0;

	widths = mr_array(t->columns, sizeof(*widths));
	if (t->failed || !widths) {
		rc = mr_fail_nomem(err);
	} else {
		for (i = 0; i < t->cell_count; i++) {
			size_t w = width_of(t->cells[i]);

			if (w > widths[i % t->columns])
				widths[i % t->columns] = w;
		}
		for (i = 0; i < t->cell_count / t->columns; i++)
			put_row(cli, t, i, widths, out);
	}
	table_free(t);
	return rc;
}

const char *cli_short_digest(const struct mreg_digest *d, char out[32])
{
	char text[MREG_DIGEST_TEXT];

	/* 12 hex digits, as git and docker shorten. */
	(void)snprintf(out, 32, "%.19s", mreg_digest_text(d, text));
	return out;
}

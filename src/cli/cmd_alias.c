/*
 * cmd_alias.c - mreg alias set, rm, ls.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/names.h"
#include "mreg/alias.h"
#include "mreg/json.h"

#define SHOWN_BYTES 200

struct args {
	const char *ref, *alias, *expect, *reason;
	bool dry_run;
};

static const struct cli_opt set_opts[] = {
	CLI_ARG(struct args, ref, "REF", "the version: NAME:v3, NAME@DIGEST"),
	CLI_ARG(struct args, alias, "ALIAS", "the name it gets: production"),
	CLI_STR('e', "expect", "DIGEST", struct args, expect,
		"only if the alias has this digest now; none: is new"),
	CLI_STR(0, "reason", "TEXT", struct args, reason, "why, for the log"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would change, change nothing"),
	CLI_END,
};

static const struct cli_opt rm_opts[] = {
	CLI_ARG(struct args, ref, "NAME:ALIAS", "the alias to remove"),
	CLI_STR('e', "expect", "DIGEST", struct args, expect,
		"only if the alias has this digest now"),
	CLI_STR(0, "reason", "TEXT", struct args, reason, "why, for the log"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would change, change nothing"),
	CLI_END,
};

static const struct cli_opt ls_opts[] = {
	CLI_ARG(struct args, ref, "NAME", "a model"),
	CLI_END,
};

static const char *const set_examples[] = {
	"mreg alias set churn:v18 production",
	"mreg alias set churn:staging production --expect none",
	NULL,
};

static const char *const rm_examples[] = {
	"mreg alias rm churn:staging",
	NULL,
};

static const char *const ls_examples[] = {
	"mreg alias ls churn",
	NULL,
};

static void put_was(struct mr_buf *b, const struct mreg_alias_result *r)
{
	char text[32];

	if (r->was.algorithm == MREG_DIGEST_NONE)
		mr_buf_puts(b, " (new)\n");
	else
		mr_buf_printf(b, " (was %s)\n",
			      cli_short_digest(&r->was, text));
}

void cli_put_alias(struct cli *cli, struct mr_buf *b,
		   const struct mreg_alias_result *r)
{
	bool removed = r->digest.algorithm == MREG_DIGEST_NONE;
	char text[MREG_DIGEST_TEXT];

	if (r->dry_run && r->changed)
		mr_buf_puts(b, "would ");
	if (removed)
		mr_buf_puts(b, r->dry_run ? "remove " : "removed ");
	else if (r->changed)
		mr_buf_puts(b, r->dry_run ? "move " : "moved ");
	else
		mr_buf_puts(b, "unchanged: ");
	cli_put_bold(cli, b, r->name);
	mr_buf_putc(b, ':');
	cli_put_bold(cli, b, r->alias);
	if (!removed) {
		mr_buf_puts(b, " -> ");
		if (r->number)
			mr_buf_printf(b, "v%" PRIu64 " ", r->number);
		mr_buf_puts(b, mreg_digest_text(&r->digest, text));
	}
	if (r->changed)
		put_was(b, r);
	else
		mr_buf_putc(b, '\n');
	if (r->split_ended)
		mr_buf_puts(b, r->dry_run ? "  its split would end\n"
					  : "  its split is over: no other "
					    "version has a share any more\n");
	else if (r->splits)
		mr_buf_puts(b, "  it is split, and stays so: 'mreg split "
			       "NAME:ALIAS --end' ends that\n");
}

int cli_show_alias(struct cli *cli, const struct mreg_alias_result *r,
		   struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_alias_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	cli_put_alias(cli, &b, r);
	if (r->tombstone)
		mr_buf_puts(&b, "  this registry deletes no tags: it points at "
				"nothing now\n");
	return cli_report(cli, &b, err);
}

static int run_set(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_alias_opts o = MREG_ALIAS_OPTS_INIT;
	struct mreg_alias_result res;
	int rc;

	o.expect = a->expect;
	o.reason = a->reason;
	o.dry_run = a->dry_run;
	rc = mreg_alias_set(cli->mreg, a->ref, a->alias, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = cli_show_alias(cli, &res, err);
	mreg_alias_result_release(&res);
	return rc;
}

static int run_rm(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_alias_opts o = MREG_ALIAS_OPTS_INIT;
	struct mreg_alias_result res;
	int rc;

	o.expect = a->expect;
	o.reason = a->reason;
	o.dry_run = a->dry_run;
	rc = mreg_alias_rm(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = cli_show_alias(cli, &res, err);
	mreg_alias_result_release(&res);
	return rc;
}

static const char differences[] =
	"\nunfinished: its writer was stopped between log and tag; "
	"'mreg alias repair' completes it\n"
	"foreign: moved without mreg; 'mreg log NAME --adopt' records that, "
	"'mreg alias repair' undoes it\n"
	"unrecorded: the log knows nothing of it; its next move, or --adopt, "
	"is the first entry\n";

/* A row of the table for people. */
static void put_row(struct cli_table *t, const struct mreg_alias_row *row,
		    int64_t now_s)
{
	MR_AUTO(mr_buf_release) struct mr_buf last = MR_BUF_INIT(1u << 16);
	char text[MREG_DIGEST_TEXT];
	char shown[SHOWN_BYTES];

	cli_table_cell(t, "%s", row->alias);
	if (row->number)
		cli_table_cell(t, "v%" PRIu64, row->number);
	else
		cli_table_cell(t, "-");
	cli_table_cell(t, "%s",
		       row->digest.algorithm == MREG_DIGEST_NONE
			       ? "-"
			       : cli_short_digest(&row->digest, text));
	cli_table_cell(t, "%s",
		       row->since_s ? mr_text_age(now_s - row->since_s, shown)
				    : "-");
	(void)mr_text_safe(row->actor[0] ? row->actor : "-", shown,
			   sizeof(shown));
	mr_buf_puts(&last, shown);
	if (row->part_count) {
		mr_buf_puts(&last, "  (split: ");
		cli_put_parts(&last, row->parts, row->part_count);
		mr_buf_putc(&last, ')');
	}
	if (row->differs)
		mr_buf_printf(&last, "  (%s)", row->differs);
	cli_table_text(t, &last);
}

static int show_lines(const struct mreg_aliases_result *r,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	size_t i;

	for (i = 0; i < r->count; i++) {
		MR_AUTO(mr_free) char *row = NULL;

		row = mreg_alias_row_json(r, i);
		if (!row)
			return mr_fail_nomem(err);
		mr_buf_puts(&b, row);
		mr_buf_putc(&b, '\n');
	}
	return cli_print(&b, err);
}

static int show_rows(struct cli *cli, const struct mreg_aliases_result *r,
		     struct mreg_error *err)
{
	static const char *const heads[] = { "NAME", "VERSION", "DIGEST",
					     "SINCE", "BY" };
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	int64_t now_s = (int64_t)time(NULL);
	struct cli_table *t;
	bool differ = false;
	size_t i;
	int rc;

	if (cli->globals.jsonl)
		return show_lines(r, err);
	if (cli->globals.json) {
		rc = cli_json(cli, mreg_aliases_result_json(r), err);
		return rc < 0 ? rc : 0;
	}
	t = cli_table_new(heads, MR_COUNT(heads));
	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++) {
		put_row(t, &r->rows[i], now_s);
		differ = differ || r->rows[i].differs;
	}
	rc = cli_table_print(cli, t, &b, err);
	if (rc >= 0 && differ)
		mr_buf_puts(&b, differences);
	return rc < 0 ? rc : cli_print(&b, err);
}

static int run_ls(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_aliases_result res;
	int rc = mreg_aliases(cli->mreg, a->ref, &res, err);

	if (rc < 0)
		return rc;
	rc = show_rows(cli, &res, err);
	mreg_aliases_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_alias_set = {
	.name = "alias set",
	.summary = "point an alias at a version",
	.opts = set_opts,
	.args_size = sizeof(struct args),
	.run = run_set,
	.examples = set_examples,
	.notes = "Of a policy only 'naming.alias' is asked, and an alias that "
		 "has gates is refused: 'mreg promote' moves it. "
		 "A registry offers no lock: --expect is checked before and "
		 "after, and a move by somebody else in between is told (exit "
		 "status 4).",
};

const struct cli_command cli_cmd_alias_rm = {
	.name = "alias rm",
	.summary = "remove an alias; its version stays",
	.opts = rm_opts,
	.args_size = sizeof(struct args),
	.run = run_rm,
	.examples = rm_examples,
	.notes = "Where a registry cannot delete a tag, the alias is pointed "
		 "at a fixed empty manifest that every command takes for 'not "
		 "found'.",
};

const struct cli_command cli_cmd_alias_ls = {
	.name = "alias ls",
	.summary = "list aliases and release names of a model",
	.opts = ls_opts,
	.args_size = sizeof(struct args),
	.run = run_ls,
	.examples = ls_examples,
	.lists = true,
};

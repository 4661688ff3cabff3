/*
 * cmd_approvals.c - mreg approvals.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/names.h"
#include "mreg/approve.h"
#include "mreg/json.h"

#define RESULT_MAX_BYTES (1u << 28)
#define CELL_MAX_BYTES (1u << 16)
#define SHOWN_BYTES 200

struct args {
	const char *name, *alias;
	bool overdue, dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, name, "NAME", "a model"),
	CLI_STR('a', "alias", "ALIAS", struct args, alias,
		"only of this one: production"),
	CLI_BOOL(0, "overdue", struct args, overdue,
		 "only those nobody answered in time; the log gets an event"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "with --overdue: write nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg approvals churn",
	"mreg approvals churn --overdue",
	NULL,
};

static int print_lines(const struct mreg_approvals_result *r,
		       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	size_t i;

	for (i = 0; i < r->count; i++) {
		MR_AUTO(mr_free) char *row = mreg_approval_row_json(r, i);

		if (!row)
			return mr_fail_nomem(err);
		mr_buf_puts(&b, row);
		mr_buf_putc(&b, '\n');
	}
	return cli_print(&b, err);
}

static void put_name(struct mr_buf *b, const char *name)
{
	if (name[0])
		cli_put(b, name);
	else
		mr_buf_putc(b, '-');
}

/* "granted 2": by so many that may count; how many it takes a policy says. */
static void cell_state(struct cli_table *t, const struct mreg_approval_row *row)
{
	if (strcmp(row->state, "granted") == 0)
		cli_table_cell(t, "granted %" PRIu64, row->grants);
	else
		cli_table_cell(t, "%s", row->state);
}

/* "bob (risk), ray (requester: not counted), eve refused: biased". */
static void cell_answers(struct cli_table *t,
			 const struct mreg_approval_row *row)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(CELL_MAX_BYTES);
	size_t i;

	if (!row->answer_count)
		mr_buf_putc(&b, '-');
	for (i = 0; i < row->answer_count; i++) {
		const struct mreg_approval_answer *a = &row->answers[i];

		mr_buf_puts(&b, i ? ", " : "");
		put_name(&b, a->by);
		if (!a->granted)
			mr_buf_puts(&b, " refused");
		if (a->role) {
			mr_buf_puts(&b, " as ");
			cli_put(&b, a->role);
		}
		if (a->uncounted)
			mr_buf_printf(&b, " (%s: not counted)", a->uncounted);
		if (!a->granted && a->reason) {
			mr_buf_puts(&b, ": ");
			cli_put(&b, a->reason);
		}
	}
	cli_table_text(t, &b);
}

static void cell_span(struct cli_table *t, int64_t span_s)
{
	char text[32];

	cli_table_cell(t, "%s", span_s < 0 ? "-" : mr_text_span(span_s, text));
}

static void put_row(struct cli_table *t, const struct mreg_approval_row *row)
{
	MR_AUTO(mr_buf_release) struct mr_buf by = MR_BUF_INIT(CELL_MAX_BYTES);
	char shown[SHOWN_BYTES];
	char text[32];

	if (row->number)
		cli_table_cell(t, "v%" PRIu64, row->number);
	else
		cli_table_cell(t, "%s", cli_short_digest(&row->digest, text));
	cli_table_cell(t, "%s", mr_text_safe(row->alias, shown, sizeof(shown)));
	cell_state(t, row);
	put_name(&by, row->by);
	cli_table_text(t, &by);
	cli_table_cell(t, "%s", mr_text_time(row->asked_s, text));
	cli_table_cell(t, "%s", mr_text_time(row->until_s, text));
	cell_span(t, row->answered_after_s);
	cell_span(t, row->moved_after_s);
	cell_answers(t, row);
}

static void put_medians(struct mr_buf *b, const struct mreg_approvals_result *r)
{
	char text[32];

	if (r->median_answered_s < 0 && r->median_moved_s < 0)
		return;
	mr_buf_puts(b, "\nmedians:");
	if (r->median_answered_s >= 0)
		mr_buf_printf(b, " answered after %s",
			      mr_text_span(r->median_answered_s, text));
	if (r->median_moved_s >= 0)
		mr_buf_printf(b, "%s moved after %s",
			      r->median_answered_s >= 0 ? "," : "",
			      mr_text_span(r->median_moved_s, text));
	mr_buf_putc(b, '\n');
}

static int show(struct cli *cli, const struct args *a,
		const struct mreg_approvals_result *r, struct mreg_error *err)
{
	static const char *const heads[] = { "VERSION",  "ALIAS", "STATE",
					     "BY",       "ASKED", "UNTIL",
					     "ANSWERED", "MOVED", "ANSWERS" };
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	struct cli_table *t =
		r->count ? cli_table_new(heads, MR_COUNT(heads)) : NULL;
	size_t i;
	int rc;

	if (r->count && !t)
		return mr_fail_nomem(err);
	if (!r->count)
		mr_buf_puts(&b, a->overdue ? "nothing is overdue\n"
					   : "nothing was asked\n");
	for (i = 0; i < r->count; i++)
		put_row(t, &r->rows[i]);
	rc = t ? cli_table_print(cli, t, &b, err) : 0;
	if (rc < 0)
		return rc;
	put_medians(&b, r);
	if (r->noted)
		mr_buf_printf(&b, "\n%s in the log: %" PRIu64 " overdue\n",
			      r->dry_run ? "would be noted" : "noted",
			      r->noted);
	if (cli->globals.verbose)
		mr_buf_puts(&b, "\n" CLI_UNSIGNED "\n");
	return cli_print(&b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_approvals_opts o = MREG_APPROVALS_OPTS_INIT;
	struct mreg_approvals_result res;
	int rc;

	if (a->dry_run && !a->overdue) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "--dry-run goes with --overdue");
		return mr_hint(err, "without it nothing is written");
	}
	o.alias = a->alias;
	o.overdue = a->overdue;
	o.dry_run = a->dry_run;
	rc = mreg_approvals(cli->mreg, a->name, &o, &res, err);
	if (rc < 0)
		return rc;
	if (cli->globals.jsonl)
		rc = print_lines(&res, err);
	else if (cli->globals.json)
		rc = cli_json(cli, mreg_approvals_result_json(&res), err);
	else
		rc = show(cli, a, &res, err);
	mreg_approvals_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_approvals = {
	.name = "approvals",
	.summary = "what was asked of aliases, who answered, how long it took",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.lists = true,
	.notes =
		"ANSWERED is from the question to the last answer, MOVED to "
		"the move of the alias. 'granted 2': by two who neither asked for it nor "
		"pushed it; how many it takes, and who, the policy says. --overdue "
		"writes an event for each that none says so of yet; who may "
		"not write gets a warning.\n\n" CLI_UNSIGNED,
};

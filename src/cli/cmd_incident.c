/*
 * cmd_incident.c - mreg incident, incidents.
 */
#include "cli/commands.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/incident.h"
#include "mreg/json.h"

#define RESULT_MAX_BYTES (64u << 20)
#define SHOWN_BYTES 200

struct args {
	const char *ref, *title, *severity, *url, *environment, *close, *reason;
	bool dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF", "a model, or a version: NAME:v3"),
	CLI_STR('t', "title", "TEXT", struct args, title, "what happened"),
	CLI_STR(0, "severity", "TEXT", struct args, severity,
		"how bad it is, in your words"),
	CLI_STR(0, "url", "URL", struct args, url, "where more is told"),
	CLI_STR('e', "env", "ENV", struct args, environment,
		"where it happened: prod"),
	CLI_STR(0, "close", "EVENT", struct args, close,
		"it is over: its digest, or the first 8 digits of it"),
	CLI_STR(0, "reason", "TEXT", struct args, reason,
		"how it came, or why it is over"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be written, write nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg incident churn:v3 --title 'scores all zero' --severity high",
	"mreg incident churn --close 1f3a9c0d --reason 'rolled back to v2'",
	NULL,
};

struct list_args {
	const char *ref;
	bool all;
};

static const struct cli_opt list_opts[] = {
	CLI_ARG(struct list_args, ref, "REF", "a model, or a version: NAME:v3"),
	CLI_BOOL('a', "all", struct list_args, all, "those that are over too"),
	CLI_END,
};

static const char *const list_examples[] = {
	"mreg incidents churn",
	NULL,
};

static void put_one(struct cli *cli, const struct mreg_incidents_result *r,
		    struct mr_buf *b)
{
	const struct mreg_incident_row *row = &r->rows[0];
	char text[MREG_DIGEST_TEXT];
	const char *word = row->closed_by ? "closed: " : "incident: ";

	mr_buf_puts(b, !r->changed  ? "unchanged: "
		       : r->dry_run ? "would write: "
				    : word);
	cli_put_bold(cli, b, row->title);
	mr_buf_puts(b, ", ");
	cli_put(b, r->name);
	if (row->number)
		mr_buf_printf(b, ":v%" PRIu64, row->number);
	mr_buf_printf(b, " %s\n", mreg_digest_text(&row->event, text));
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	const struct args *a = p;
	struct mreg_incident_opts o = MREG_INCIDENT_OPTS_INIT;
	struct mreg_incidents_result res;
	int rc;

	o.title = a->title;
	o.severity = a->severity;
	o.url = a->url;
	o.environment = a->environment;
	o.close = a->close;
	o.reason = a->reason;
	o.dry_run = a->dry_run;
	rc = mreg_incident(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = cli_json(cli,
		      cli->globals.json ? mreg_incidents_result_json(&res)
					: NULL,
		      err);
	if (rc == 0) {
		put_one(cli, &res, &b);
		rc = cli_report(cli, &b, err);
	}
	mreg_incidents_result_release(&res);
	return rc < 0 ? rc : 0;
}

/* -- list ------------------------------------------------------------------ */

static int print_lines(const struct mreg_incidents_result *r,
		       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < r->count; i++)
		rc = cli_put_row(&b, mreg_incident_row_json(r, i), err);
	return rc < 0 ? rc : cli_print(&b, err);
}

static void put_cell(struct cli_table *t, const char *text)
{
	char shown[SHOWN_BYTES];

	cli_table_cell(t, "%s",
		       text && text[0]
			       ? mr_text_safe(text, shown, sizeof(shown))
			       : "-");
}

static int show_list(struct cli *cli, const struct mreg_incidents_result *r,
		     struct mreg_error *err)
{
	static const char *const heads[] = { "EVENT", "SINCE", "VERSION",
					     "WHERE", "STATE", "SEVERITY",
					     "TITLE" };
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	struct cli_table *t = cli_table_new(heads, MR_COUNT(heads));
	char shown[SHOWN_BYTES];
	size_t i;
	int rc;

	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++) {
		const struct mreg_incident_row *row = &r->rows[i];

		cli_table_cell(t, "%s", cli_short_digest(&row->event, shown));
		cli_table_cell(t, "%s", mr_text_time(row->time_s, shown));
		if (row->number)
			cli_table_cell(t, "v%" PRIu64, row->number);
		else
			cli_table_cell(t, "-");
		put_cell(t, row->environment);
		cli_table_cell(t, row->closed_by ? "over" : "open");
		put_cell(t, row->severity);
		put_cell(t, row->title);
	}
	rc = cli_table_print(cli, t, &b, err);
	return rc < 0 ? rc : cli_print(&b, err);
}

static int run_list(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct list_args *a = p;
	struct mreg_incidents_result res;
	int rc = mreg_incidents(cli->mreg, a->ref, a->all, &res, err);

	if (rc < 0)
		return rc;
	if (cli->globals.jsonl)
		rc = print_lines(&res, err);
	else if (cli->globals.json)
		rc = cli_json(cli, mreg_incidents_result_json(&res), err);
	else if (res.count)
		rc = show_list(cli, &res, err);
	else if (!cli->globals.quiet)
		(void)fprintf(stderr, a->all ? "there was no incident\n"
					     : "there is no open incident\n");
	mreg_incidents_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_incident = {
	.name = "incident",
	.summary = "record what went wrong with a model, or that it is over",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "An open incident about a version can keep it from being "
		 "promoted ('observations: fine' in the policy). 'mreg push "
		 "--because' joins a new version to it.",
};

const struct cli_command cli_cmd_incidents = {
	.name = "incidents",
	.summary = "incidents of a model that are open",
	.opts = list_opts,
	.args_size = sizeof(struct list_args),
	.run = run_list,
	.examples = list_examples,
	.lists = true,
};

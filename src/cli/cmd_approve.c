/*
 * cmd_approve.c - mreg request, approve, reject.
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

struct args {
	const char *ref, *alias, *reason, *role;
	unsigned int hours;
	bool dry_run;
};

typedef int approve_call(struct mreg *m, const char *ref, const char *alias,
			 const struct mreg_approve_opts *o,
			 struct mreg_approve_result *out,
			 struct mreg_error *err);

static const struct cli_opt request_opts[] = {
	CLI_ARG(struct args, ref, "REF", "the version: NAME:v3"),
	CLI_ARG(struct args, alias, "ALIAS", "what it should be: production"),
	CLI_STR(0, "reason", "TEXT", struct args, reason,
		"why, for whoever answers, and the log"),
	CLI_UINT(0, "hours", "N", struct args, hours,
		 "how long answers are wanted; else by the policy, or 48"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be asked, write nothing"),
	CLI_END,
};

static const struct cli_opt approve_opts[] = {
	CLI_ARG(struct args, ref, "REF", "the version: NAME:v3"),
	CLI_ARG(struct args, alias, "ALIAS", "what it may be: production"),
	CLI_STR(0, "role", "ROLE", struct args, role,
		"as which role of the policy: risk"),
	CLI_STR(0, "reason", "TEXT", struct args, reason, "why, for the log"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be said, write nothing"),
	CLI_END,
};

static const struct cli_opt reject_opts[] = {
	CLI_ARG(struct args, ref, "REF", "the version: NAME:v3"),
	CLI_ARG(struct args, alias, "ALIAS", "what it may not be: production"),
	CLI_STR(0, "reason", "TEXT", struct args, reason,
		"why, for whoever asked, and the log"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be said, write nothing"),
	CLI_END,
};

static const char *const request_examples[] = {
	"mreg request churn:v18 production --reason 'auc 0.94'",
	NULL,
};
static const char *const approve_examples[] = {
	"mreg approve churn:v18 production --role risk",
	NULL,
};
static const char *const reject_examples[] = {
	"mreg reject churn:v18 production --reason 'biased by age'",
	NULL,
};

/* How what was done is told. */
struct words {
	const char *done, *would, *before;
};

static void put_request(struct mr_buf *b, const struct mreg_approve_result *r)
{
	char text[32];

	mr_buf_puts(b, "  asked by ");
	if (r->by[0])
		cli_put(b, r->by);
	else
		mr_buf_puts(b, "nobody who is named");
	mr_buf_printf(b, ", until %s: %s", mr_text_time(r->until_s, text),
		      r->state);
	if (r->grants)
		mr_buf_printf(b, ", by %" PRIu64, r->grants);
	mr_buf_putc(b, '\n');
}

static int show(struct cli *cli, const struct mreg_approve_result *r,
		const struct words *w, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	char text[MREG_DIGEST_TEXT];
	int rc = cli_json(
		cli, cli->globals.json ? mreg_approve_result_json(r) : NULL,
		err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	mr_buf_puts(&b, !r->changed  ? w->before
			: r->dry_run ? w->would
				     : w->done);
	cli_put_bold(cli, &b, r->name);
	if (r->number)
		mr_buf_printf(&b, ":v%" PRIu64, r->number);
	else
		mr_buf_printf(&b, "@%s", mreg_digest_text(&r->digest, text));
	mr_buf_puts(&b, " to ");
	cli_put_bold(cli, &b, r->alias);
	mr_buf_putc(&b, '\n');
	put_request(&b, r);
	if (cli->globals.verbose)
		mr_buf_puts(&b, CLI_UNSIGNED "\n");
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const struct args *a, approve_call *call,
	       const struct words *w, struct mreg_error *err)
{
	struct mreg_approve_opts o = MREG_APPROVE_OPTS_INIT;
	struct mreg_approve_result res;
	int rc;

	o.reason = a->reason;
	o.role = a->role;
	o.hours = a->hours;
	o.dry_run = a->dry_run;
	rc = call(cli->mreg, a->ref, a->alias, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, w, err);
	mreg_approve_result_release(&res);
	return rc;
}

static int run_request(struct cli *cli, const void *p, struct mreg_error *err)
{
	static const struct words w = { "asked: ", "would ask: ",
					"asked already: " };

	return run(cli, p, mreg_request, &w, err);
}

static int run_approve(struct cli *cli, const void *p, struct mreg_error *err)
{
	static const struct words w = { "approved: ", "would approve: ",
					"approved already: " };

	return run(cli, p, mreg_approve, &w, err);
}

static int run_reject(struct cli *cli, const void *p, struct mreg_error *err)
{
	static const struct words w = { "rejected: ", "would reject: ",
					"rejected already: " };

	return run(cli, p, mreg_reject, &w, err);
}

const struct cli_command cli_cmd_request = {
	.name = "request",
	.summary = "ask for an approval: may an alias be this version?",
	.opts = request_opts,
	.args_size = sizeof(struct args),
	.run = run_request,
	.examples = request_examples,
	.notes =
		"Answers are wanted within a time limit. A request that still "
		"waits is told and not repeated. What asking leads to, a "
		"policy says: 'mreg promote' counts the answers.\n\n" CLI_UNSIGNED,
};

const struct cli_command cli_cmd_approve = {
	.name = "approve",
	.summary = "say that an alias may be this version",
	.opts = approve_opts,
	.args_size = sizeof(struct args),
	.run = run_approve,
	.examples = approve_examples,
	.notes = "Answers the last request for that alias and version. Who "
		 "asked, and who pushed the version, may say so too, and no "
		 "policy counts it. Exit status 3: nobody asked; 4: time is "
		 "up, or it was refused.\n\n" CLI_UNSIGNED,
};

const struct cli_command cli_cmd_reject = {
	.name = "reject",
	.summary = "say that an alias may not be this version",
	.opts = reject_opts,
	.args_size = sizeof(struct args),
	.run = run_reject,
	.examples = reject_examples,
	.notes =
		"Ends the last request for that alias and version, whatever "
		"others answered; 'mreg request' asks anew. Exit status 3: "
		"nobody asked; 4: time is up, or it was refused before.\n\n" CLI_UNSIGNED,
};

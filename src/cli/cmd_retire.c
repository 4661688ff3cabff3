/*
 * cmd_retire.c - mreg deprecate, archive, restore.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "mreg/json.h"
#include "mreg/retire.h"

struct args {
	const char *ref, *until, *successor, *reason;
	bool dry_run;
};

typedef int retire_call(struct mreg *m, const char *ref,
			const struct mreg_retire_opts *o,
			struct mreg_retire_result *out, struct mreg_error *err);

static const struct cli_opt deprecate_opts[] = {
	CLI_ARG(struct args, ref, "REF", "the version: NAME:v3"),
	CLI_STR(0, "until", "DATE", struct args, until,
		"after which nobody should use it: 2027-01-31"),
	CLI_STR(0, "successor", "VERSION", struct args, successor,
		"the one to use instead: v4"),
	CLI_STR(0, "reason", "TEXT", struct args, reason,
		"why, for whoever pulls it, and the log"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would change, change nothing"),
	CLI_END,
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF", "the version: NAME:v3"),
	CLI_STR(0, "reason", "TEXT", struct args, reason, "why, for the log"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would change, change nothing"),
	CLI_END,
};

static const char *const deprecate_examples[] = {
	"mreg deprecate churn:v3 --until 2027-01-31 --successor v4",
	NULL,
};
static const char *const archive_examples[] = {
	"mreg archive churn:v3 --reason 'trained on withdrawn data'",
	NULL,
};
static const char *const restore_examples[] = {
	"mreg restore churn:v3",
	NULL,
};

static int show(struct cli *cli, const struct mreg_retire_result *r,
		const char *done, const char *would, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	char text[MREG_DIGEST_TEXT];
	int rc = cli_json(cli,
			  cli->globals.json ? mreg_retire_result_json(r) : NULL,
			  err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	mr_buf_puts(&b, !r->changed  ? "unchanged: "
			: r->dry_run ? would
				     : done);
	cli_put_bold(cli, &b, r->name);
	if (r->number)
		mr_buf_printf(&b, ":v%" PRIu64, r->number);
	mr_buf_printf(&b, " %s\n", mreg_digest_text(&r->digest, text));
	if (r->latest)
		mr_buf_printf(&b, "  latest -> v%" PRIu64 "\n", r->latest);
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const struct args *a, retire_call *call,
	       const char *done, const char *would, struct mreg_error *err)
{
	struct mreg_retire_opts o = MREG_RETIRE_OPTS_INIT;
	struct mreg_retire_result res;
	int rc;

	o.until = a->until;
	o.successor = a->successor;
	o.reason = a->reason;
	o.dry_run = a->dry_run;
	rc = call(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, done, would, err);
	mreg_retire_result_release(&res);
	return rc;
}

static int run_deprecate(struct cli *cli, const void *p, struct mreg_error *err)
{
	return run(cli, p, mreg_deprecate, "deprecated ", "would deprecate ",
		   err);
}

static int run_archive(struct cli *cli, const void *p, struct mreg_error *err)
{
	return run(cli, p, mreg_archive, "archived ", "would archive ", err);
}

static int run_restore(struct cli *cli, const void *p, struct mreg_error *err)
{
	return run(cli, p, mreg_restore, "restored ", "would restore ", err);
}

const struct cli_command cli_cmd_deprecate = {
	.name = "deprecate",
	.summary = "warn whoever pulls a version",
	.opts = deprecate_opts,
	.args_size = sizeof(struct args),
	.run = run_deprecate,
	.examples = deprecate_examples,
	.notes = "It can still be pulled. 'mreg restore' takes it back.",
};

const struct cli_command cli_cmd_archive = {
	.name = "archive",
	.summary = "put a version out of sight; it is kept",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run_archive,
	.examples = archive_examples,
	.notes = "Its tag and its bytes stay, and it can still be pulled by "
		 "number or digest; 'latest' goes to the highest version that "
		 "is not archived. A version that an alias points at is in "
		 "use: that is refused (exit status 4).",
};

const struct cli_command cli_cmd_restore = {
	.name = "restore",
	.summary = "take back what archive or deprecate did",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run_restore,
	.examples = restore_examples,
};

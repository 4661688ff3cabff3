/*
 * cmd_names.c - mreg alias repair, rollback, release, wait.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/names.h"
#include "mreg/alias.h"
#include "mreg/json.h"

struct repair_args {
	const char *name;
	bool dry_run;
};

struct rollback_args {
	const char *ref, *to, *expect, *reason;
	bool dry_run;
};

struct release_args {
	const char *ref, *release;
	bool dry_run;
};

struct wait_args {
	const char *ref, *from;
	unsigned int timeout, interval;
	bool changed;
};

static const struct cli_opt repair_opts[] = {
	CLI_ARG(struct repair_args, name, "NAME", "a model"),
	CLI_BOOL('n', "dry-run", struct repair_args, dry_run,
		 "show what would change, change nothing"),
	CLI_END,
};

static const struct cli_opt rollback_opts[] = {
	CLI_ARG(struct rollback_args, ref, "NAME:ALIAS",
		"the alias: churn:production"),
	CLI_STR(0, "to", "VERSION", struct rollback_args, to,
		"a version that it had: v3; else the one before"),
	CLI_STR('e', "expect", "DIGEST", struct rollback_args, expect,
		"only if the alias has this digest now"),
	CLI_STR(0, "reason", "TEXT", struct rollback_args, reason,
		"why, for the log"),
	CLI_BOOL('n', "dry-run", struct rollback_args, dry_run,
		 "show what would change, change nothing"),
	CLI_END,
};

static const struct cli_opt release_opts[] = {
	CLI_ARG(struct release_args, ref, "REF", "the version: NAME:v3"),
	CLI_ARG(struct release_args, release, "X.Y.Z",
		"the name it gets: 1.2.0, 1.2.0-rc.1"),
	CLI_BOOL('n', "dry-run", struct release_args, dry_run,
		 "show what would change, change nothing"),
	CLI_END,
};

static const struct cli_opt wait_opts[] = {
	CLI_ARG(struct wait_args, ref, "NAME:ALIAS",
		"the alias: churn:production"),
	CLI_BOOL('c', "changed", struct wait_args, changed,
		 "until it is another one than now; else until it is there"),
	CLI_STR(0, "from", "DIGEST", struct wait_args, from,
		"until it is another one than this, or gone"),
	CLI_UINT('t', "timeout", "SECONDS", struct wait_args, timeout,
		 "give up after that long; else never"),
	CLI_UINT(0, "interval", "MS", struct wait_args, interval,
		 "between two looks; else 2 s, growing to 15"),
	CLI_END,
};

static const char *const repair_examples[] = {
	"mreg alias repair churn",
	NULL,
};
static const char *const rollback_examples[] = {
	"mreg rollback churn:production",
	"mreg rollback churn:production --to v3 --reason 'wrong currency'",
	NULL,
};
static const char *const release_examples[] = {
	"mreg release churn:v18 1.2.0",
	NULL,
};
static const char *const wait_examples[] = {
	"mreg wait churn:production --changed --timeout 3600",
	NULL,
};

static void put_tag_digest(struct mr_buf *b, const struct mreg_digest *d)
{
	char text[32];

	mr_buf_puts(b, d->algorithm == MREG_DIGEST_NONE
			       ? "nothing"
			       : cli_short_digest(d, text));
}

static int show_repair(struct cli *cli, const struct mreg_repair_result *r,
		       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	size_t i;
	int rc = cli_json(cli,
			  cli->globals.json ? mreg_repair_result_json(r) : NULL,
			  err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	for (i = 0; i < r->count; i++) {
		mr_buf_puts(&b, r->dry_run ? "would move " : "moved ");
		cli_put_bold(cli, &b, r->name);
		mr_buf_putc(&b, ':');
		cli_put_bold(cli, &b, r->rows[i].tag);
		mr_buf_puts(&b, " -> ");
		put_tag_digest(&b, &r->rows[i].digest);
		mr_buf_puts(&b, " (was ");
		put_tag_digest(&b, &r->rows[i].was);
		mr_buf_puts(&b, ")\n");
	}
	if (!r->count)
		mr_buf_printf(&b,
			      "nothing to repair: %" PRIu64
			      " tags are what the log says\n",
			      r->looked_at);
	return cli_report(cli, &b, err);
}

static int run_repair(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct repair_args *a = p;
	struct mreg_repair_result res;
	int rc = mreg_alias_repair(cli->mreg, a->name, a->dry_run, &res, err);

	if (rc < 0)
		return rc;
	rc = show_repair(cli, &res, err);
	mreg_repair_result_release(&res);
	return rc;
}

/* Show what came of it, and release it. */
static int end(struct cli *cli, struct mreg_alias_result *res,
	       struct mreg_error *err)
{
	int rc = cli_show_alias(cli, res, err);

	mreg_alias_result_release(res);
	return rc;
}

static int run_rollback(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct rollback_args *a = p;
	struct mreg_rollback_opts o = MREG_ROLLBACK_OPTS_INIT;
	struct mreg_alias_result res;
	int rc;

	o.to = a->to;
	o.expect = a->expect;
	o.reason = a->reason;
	o.dry_run = a->dry_run;
	rc = mreg_rollback(cli->mreg, a->ref, &o, &res, err);
	return rc < 0 ? rc : end(cli, &res, err);
}

static int run_release(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct release_args *a = p;
	struct mreg_release_opts o = MREG_RELEASE_OPTS_INIT;
	struct mreg_alias_result res;
	int rc;

	o.dry_run = a->dry_run;
	rc = mreg_release(cli->mreg, a->ref, a->release, &o, &res, err);
	return rc < 0 ? rc : end(cli, &res, err);
}

static int run_wait(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct wait_args *a = p;
	struct mreg_wait_opts o = MREG_WAIT_OPTS_INIT;
	struct mreg_alias_result res;
	int rc;

	o.changed = a->changed;
	o.from = a->from;
	o.timeout_s = a->timeout;
	o.interval_ms = a->interval;
	rc = mreg_wait(cli->mreg, a->ref, &o, &res, err);
	return rc < 0 ? rc : end(cli, &res, err);
}

const struct cli_command cli_cmd_alias_repair = {
	.name = "alias repair",
	.summary = "make the tags of a model what its log says",
	.opts = repair_opts,
	.args_size = sizeof(struct repair_args),
	.run = run_repair,
	.examples = repair_examples,
	.notes = "Completes moves whose writer was stopped, and undoes those "
		 "that were made without mreg ('mreg log NAME --adopt' takes "
		 "them into the history instead). Tags that the log knows "
		 "nothing of stay as they are.",
};

const struct cli_command cli_cmd_rollback = {
	.name = "rollback",
	.summary = "point an alias at what it had before",
	.opts = rollback_opts,
	.args_size = sizeof(struct rollback_args),
	.run = run_rollback,
	.examples = rollback_examples,
	.notes = "A second rollback goes one further back, never forward. No "
		 "policy is asked: what it goes back to was there before.\n\n"
		 "While the alias is split ('mreg split') the split is what is "
		 "taken back: the alias stays with its version, and no other "
		 "has a share any more. The next rollback goes further back.",
};

const struct cli_command cli_cmd_release = {
	.name = "release",
	.summary = "give a version a name that never moves",
	.opts = release_opts,
	.args_size = sizeof(struct release_args),
	.run = run_release,
	.examples = release_examples,
};

const struct cli_command cli_cmd_wait = {
	.name = "wait",
	.summary = "wait until an alias moves",
	.opts = wait_opts,
	.args_size = sizeof(struct wait_args),
	.run = run_wait,
	.examples = wait_examples,
	.notes = "For CI: prints what it has then. The exit status is 3 when "
		 "time is up. Only the tag is asked for; the log is not read.",
};

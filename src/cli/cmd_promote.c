/*
 * cmd_promote.c - mreg promote.
 */
#include "cli/commands.h"

#include <inttypes.h>

#include "base/mem.h"
#include "cli/names.h"
#include "mreg/json.h"
#include "mreg/promote.h"

#define RESULT_MAX_BYTES (1u << 28)

struct args {
	const char *ref, *alias, *expect, *reason;
	struct cli_words policies;
	bool dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF", "the version: NAME:v3, NAME:staging"),
	CLI_ARG(struct args, alias, "ALIAS", "the name it gets: production"),
	CLI_STR('e', "expect", "DIGEST", struct args, expect,
		"only if the alias has this digest now; none: is new"),
	CLI_STR(0, "reason", "TEXT", struct args, reason, "why, for the log"),
	CLI_LIST(0, "policy", "FILE", struct args, policies,
		 "with the rules of this file, too"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "ask the policy, move nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg promote churn:v18 production",
	"mreg promote churn:staging production --reason 'CHG-1207'",
	"mreg promote churn:v18 production --dry-run --json",
	NULL,
};

static void put_sources(struct cli *cli, struct mr_buf *b,
			const struct mreg_promote_result *r)
{
	size_t i;

	for (i = 0; i < r->source_count; i++) {
		mr_buf_puts(b, i ? ", "
				 : (r->sources[i].file ? "the file "
						       : "the policy of "));
		cli_put_bold(cli, b, r->sources[i].where);
	}
}

/* What was asked: a move that nobody judged must not look like another. */
static void put_verdict(struct cli *cli, struct mr_buf *b,
			const struct mreg_promote_result *r)
{
	size_t i;

	if (!r->source_count) {
		mr_buf_puts(b, "  no gate was asked: no policy is in force\n");
		return;
	}
	if (r->checked) {
		mr_buf_printf(b, "  passes %" PRIu64 " rule%s of ", r->checked,
			      r->checked == 1 ? "" : "s");
		put_sources(cli, b, r);
		mr_buf_putc(b, '\n');
	}
	if (!r->gated) {
		mr_buf_puts(b, "  no gate was asked: there is none for ");
		cli_put_bold(cli, b, r->move.alias);
		mr_buf_putc(b, '\n');
	}
	for (i = 0; i < r->uncompared_count; i++) {
		mr_buf_puts(b, "  ");
		cli_put_bold(cli, b, r->uncompared[i].rule);
		mr_buf_puts(b, " holds for want of what to compare with: ");
		cli_put(b, r->uncompared[i].problem);
		mr_buf_putc(b, '\n');
	}
}

static int show(struct cli *cli, const struct mreg_promote_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_promote_result_json(r) : NULL,
		err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	cli_put_alias(cli, &b, &r->move);
	if (r->judged)
		put_verdict(cli, &b, r);
	else
		mr_buf_puts(&b, "  by the log it is there already: nothing was "
				"asked\n");
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_promote_opts o = MREG_PROMOTE_OPTS_INIT;
	struct mreg_promote_result res;
	int rc;

	o.expect = a->expect;
	o.reason = a->reason;
	o.policies.items = a->policies.items;
	o.policies.n = a->policies.n;
	o.dry_run = a->dry_run;
	rc = mreg_promote(cli->mreg, a->ref, a->alias, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	mreg_promote_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_promote = {
	.name = "promote",
	.summary = "move an alias through its gates",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes =
		"The policy in force is asked: its general rules, and the "
		"gates of this alias. Every rule that fails is told at once "
		"(exit status 7), and nothing is moved then. The event in the "
		"log names the policy that it was judged by.\n\n"
		"Where there is no policy, or none of its gates is for this "
		"alias, it moves, and that is told. What an alias has already "
		"is not judged again. An archived version is refused: 'mreg "
		"restore' brings it back. --expect is checked before and "
		"after; an alias with gates that somebody else moved meanwhile "
		"is left alone (exit status 4).\n\n"
		"Clients ask this, not the registry, and an approval is a "
		"record, not a proof. Whoever consumes asks again: 'mreg pull "
		"--require-policy'.",
};

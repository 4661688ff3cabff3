/*
 * cmd_observe.c - mreg observe.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "mreg/json.h"
#include "mreg/observe.h"

struct args {
	const char *ref, *window, *baseline, *environment, *at, *from;
	struct cli_words metrics;
	bool dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF",
		"the version: NAME, NAME:TAG or NAME@DIGEST"),
	CLI_LIST('m', "metric", "NAME=NUMBER", struct args, metrics,
		 "what was seen: drift=0.31"),
	CLI_STR('w', "window", "TEXT", struct args, window,
		"which stretch of time it is of: 2026-W47"),
	CLI_STR(0, "baseline", "NUMBER", struct args, baseline,
		"what it is compared with"),
	CLI_STR('e', "env", "ENV", struct args, environment,
		"where it was seen: prod"),
	CLI_STR(0, "at", "TIME", struct args, at,
		"when: a date, or RFC 3339; else nothing is said"),
	CLI_STR(0, "from", "FILE", struct args, from,
		"a JSON object in each line; '-' is standard input"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would follow, write nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg observe churn:v3 --metric drift=0.31 --window 2026-W47 --env prod",
	"monitor | mreg observe churn:production --from -",
	NULL,
};

static void put_row(struct mr_buf *b, const struct mreg_observation *o)
{
	mr_buf_puts(b, "  ");
	cli_put(b, o->metric);
	mr_buf_puts(b, " = ");
	cli_put(b, o->value);
	if (o->baseline) {
		mr_buf_puts(b, ", baseline ");
		cli_put(b, o->baseline);
	}
	if (o->window) {
		mr_buf_puts(b, ", window ");
		cli_put(b, o->window);
	}
	if (o->environment) {
		mr_buf_puts(b, ", in ");
		cli_put(b, o->environment);
	}
	mr_buf_putc(b, '\n');
}

static void put_due(struct cli *cli, const struct mreg_observe_result *r,
		    const struct mreg_retrain_due *d, struct mr_buf *b)
{
	char text[MREG_DIGEST_TEXT];

	cli_put_bold(cli, b, "retrain due");
	mr_buf_puts(b, ": ");
	cli_put(b, d->rule);
	if (d->environment) {
		mr_buf_puts(b, ", in ");
		cli_put(b, d->environment);
	}
	if (!d->said_now)
		mr_buf_puts(b, " (said before)");
	mr_buf_putc(b, '\n');
	if (!d->said_now || r->dry_run)
		return;
	mr_buf_puts(b, "  mreg push DIR ");
	cli_put(b, r->name);
	mr_buf_printf(b, " --because %s\n", mreg_digest_text(&d->event, text));
}

static int show(struct cli *cli, const struct mreg_observe_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(8u << 20);
	char text[MREG_DIGEST_TEXT];
	size_t i;

	mr_buf_puts(&b, r->dry_run ? "would record of " : "recorded of ");
	cli_put_bold(cli, &b, r->name);
	if (r->number)
		mr_buf_printf(&b, ":v%" PRIu64, r->number);
	mr_buf_printf(&b, " %s\n", mreg_digest_text(&r->digest, text));
	for (i = 0; i < r->count; i++)
		put_row(&b, &r->rows[i]);
	for (i = 0; i < r->due_count; i++)
		put_due(cli, r, &r->dues[i], &b);
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_observe_opts o = MREG_OBSERVE_OPTS_INIT;
	struct mreg_observe_result res;
	int rc;

	o.metrics = (struct mreg_texts){ .items = a->metrics.items,
					 .n = a->metrics.n };
	o.window = a->window;
	o.baseline = a->baseline;
	o.environment = a->environment;
	o.at = a->at;
	o.from = cli_input(a->from);
	o.dry_run = a->dry_run;
	rc = mreg_observe(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = cli_json(cli,
		      cli->globals.json ? mreg_observe_result_json(&res) : NULL,
		      err);
	if (rc == 0)
		rc = show(cli, &res, err);
	mreg_observe_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_observe = {
	.name = "observe",
	.summary = "record what monitoring saw of a version",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "Values are kept as they are written. A second value of a "
		 "metric for one window (and environment) takes the place of "
		 "the first: name each window differently, or none. A line of "
		 "FILE has metric and value, and may have window, baseline, "
		 "environment, observedAt. Afterwards the policy's 'observe' "
		 "rules are looked at: 'drift > 0.2 for 3 windows'. One that "
		 "holds is written down once for a version, as retrain due; "
		 "'mreg push --because' joins the next version to it.",
};

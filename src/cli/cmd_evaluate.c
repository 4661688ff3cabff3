/*
 * cmd_evaluate.c - mreg evaluate.
 */
#include "cli/commands.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/evaluate.h"
#include "mreg/json.h"

struct args {
	const char *ref, *suite, *suite_version, *dataset, *report, *from,
		*title, *created, *experiment, *against, *winner;
	struct cli_words baseline, metrics, segments, annotations;
	bool pass, fail, dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF",
		"the version: NAME, NAME:TAG or NAME@DIGEST"),
	CLI_STR('s', "suite", "NAME", struct args, suite,
		"the tests that were run"),
	CLI_STR(0, "suite-version", "TEXT", struct args, suite_version,
		"which state of them"),
	CLI_BOOL(0, "pass", struct args, pass, "the version passed"),
	CLI_BOOL(0, "fail", struct args, fail, "the version failed"),
	CLI_LIST('m', "metric", "NAME=NUMBER", struct args, metrics,
		 "what was measured"),
	CLI_ONCE(0, "dataset", "NAME[@DIGEST]", struct args, dataset,
		 "on which data; others are another evaluation"),
	CLI_LIST(0, "segment", "SEGMENT:NAME=NUMBER", struct args, segments,
		 "the same on a part of the data"),
	CLI_STR(0, "report", "FILE", struct args, report,
		"a report that goes along"),
	CLI_STR(0, "from", "FILE", struct args, from,
		"JSON or YAML with any of the above; flags win"),
	CLI_STR(0, "title", "TEXT", struct args, title,
		"what it is called; else as the suite"),
	CLI_STR(0, "created", "TIME", struct args, created,
		"RFC 3339; else SOURCE_DATE_EPOCH, else now"),
	CLI_LIST(0, "annotation", "KEY=VALUE", struct args, annotations,
		 "more about it"),
	CLI_STR(0, "experiment", "NAME", struct args, experiment,
		"it is the result of an online experiment"),
	CLI_STR(0, "against", "VERSION", struct args, against,
		"... with that one; else with the split's own: v7"),
	CLI_LIST(0, "baseline-metric", "NAME=NUMBER", struct args, baseline,
		 "... which measured that"),
	CLI_STR(0, "winner", "VERSION|none", struct args, winner,
		"... and that won: the verdict, if none is given"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be attached, send nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg evaluate churn:v3 --suite holdout --pass --metric auc=0.93",
	"mreg evaluate churn:v3 --suite fair --fail --segment country=DE:auc=0.7",
	"mreg evaluate churn:v3 --from results.json",
	"mreg evaluate churn:v8 --experiment cta --metric ctr=0.12 --winner v8",
	NULL,
};

static struct mreg_texts texts(const struct cli_words *w)
{
	struct mreg_texts t = { .items = w->items, .n = w->n };

	return t;
}

static void put_metrics(struct mr_buf *b, const char *indent,
			const struct mreg_pair *items, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		mr_buf_puts(b, indent);
		cli_put(b, items[i].name);
		mr_buf_puts(b, " = ");
		cli_put(b, items[i].value);
		mr_buf_putc(b, '\n');
	}
}

static void put_experiment(struct mr_buf *b,
			   const struct mreg_evaluate_result *r)
{
	char text[32];

	mr_buf_puts(b, "  experiment ");
	cli_put(b, r->experiment);
	mr_buf_puts(b, " against ");
	if (r->baseline_number)
		mr_buf_printf(b, "v%" PRIu64 "\n", r->baseline_number);
	else
		mr_buf_printf(b, "%s\n", cli_short_digest(&r->baseline, text));
	put_metrics(b, "    ", r->baseline_metrics, r->baseline_metric_count);
	if (r->winner.algorithm == MREG_DIGEST_NONE)
		mr_buf_puts(b, "    no winner\n");
	else
		mr_buf_printf(b, "    the winner is %s\n",
			      mreg_digest_equal(&r->winner, &r->baseline)
				      ? "that one"
				      : "this version");
}

static int show(struct cli *cli, const struct mreg_evaluate_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 24);
	const struct mreg_attach_result *at = &r->attached;
	char digest[MREG_DIGEST_TEXT];
	size_t i;
	int rc = cli_json(
		cli, cli->globals.json ? mreg_evaluate_result_json(r) : NULL,
		err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	mr_buf_puts(&b, at->existed   ? "already there: "
			: at->dry_run ? "would record that "
				      : "recorded: ");
	cli_put_bold(cli, &b, at->name);
	if (at->number)
		mr_buf_printf(&b, ":v%" PRIu64, at->number);
	mr_buf_puts(&b, r->passed ? " passed " : " failed ");
	cli_put(&b, r->suite);
	if (r->dataset) {
		mr_buf_puts(&b, " on ");
		cli_put(&b, r->dataset);
	}
	mr_buf_printf(&b, "\n  %s\n", mreg_digest_text(&at->digest, digest));
	put_metrics(&b, "  ", r->metrics, r->metric_count);
	if (r->experiment)
		put_experiment(&b, r);
	for (i = 0; i < r->segment_count; i++) {
		mr_buf_puts(&b, "  ");
		cli_put(&b, r->segments[i].name);
		mr_buf_putc(&b, '\n');
		put_metrics(&b, "    ", r->segments[i].metrics,
			    r->segments[i].metric_count);
	}
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_evaluate_opts o = MREG_EVALUATE_OPTS_INIT;
	struct mreg_evaluate_result res;
	int rc;

	if (a->pass && a->fail)
		return mr_fail(err, MREG_EUSAGE,
			       "--pass and --fail exclude each other");
	o.outcome = a->pass   ? MREG_OUTCOME_PASSED
		    : a->fail ? MREG_OUTCOME_FAILED
			      : MREG_OUTCOME_NONE;
	o.from = a->from;
	o.suite = a->suite;
	o.suite_version = a->suite_version;
	o.dataset = a->dataset;
	o.metrics = texts(&a->metrics);
	o.segments = texts(&a->segments);
	o.report = a->report;
	o.title = a->title;
	o.created = a->created;
	o.annotations = texts(&a->annotations);
	o.dry_run = a->dry_run;
	o.experiment = a->experiment;
	o.against = a->against;
	o.baseline_metrics = texts(&a->baseline);
	o.winner = a->winner;
	rc = mreg_evaluate(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	mreg_evaluate_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_evaluate = {
	.name = "evaluate",
	.summary = "record what a suite of tests found about a version",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes =
		"The result is a document attached to the version, whose "
		"digest stays. One is about one suite and one set of data, of "
		"which the last one counts: a failure is taken back by a run "
		"on the same data (name and digest) only. Numbers stay as "
		"they are written. A policy can demand that a suite was "
		"passed, or bound a metric on a segment. A verdict of failure "
		"is no failure of this command.\n\n"
		"--experiment: what requests decided between this version and "
		"the one it shared them with ('mreg split'). It is attached to "
		"both, and a verdict on this one alone, by a suite of that name.",
};

/*
 * cmd_deployed.c - mreg deployed: what runs at a place, by hand or as kubectl
 * tells.
 */
#include "cli/commands.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/places.h"
#include "mreg/json.h"

#define RESULT_MAX_BYTES (64u << 20)

struct args {
	struct cli_words refs;
	const char *environment, *workload, *reason, *from, *cluster;
	bool none, partial, dry_run;
};

static const struct cli_opt opts[] = {
	CLI_SOME(struct args, refs, "REF",
		 "the version: NAME:v3; with --none or --from-kubernetes a "
		 "model"),
	CLI_STR('e', "env", "ENV", struct args, environment,
		"where it runs: prod"),
	CLI_STR('w', "workload", "TEXT", struct args, workload,
		"what runs it there: scoring-api"),
	CLI_BOOL(0, "none", struct args, none,
		 "nothing of the model runs there any more"),
	CLI_STR(0, "reason", "TEXT", struct args, reason, "why, for the log"),
	CLI_STR(0, "from-kubernetes", "FILE", struct args, from,
		"what 'kubectl get isvc,pods -A -o json' prints; '-': stdin"),
	CLI_STR(0, "cluster", "NAME", struct args, cluster,
		"with it: goes before each workload"),
	CLI_BOOL(0, "partial", struct args, partial,
		 "with it: it is not everything; what is not in it stays"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be written, write nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg deployed churn:v3 --env prod --workload scoring-api",
	"mreg deployed churn --env prod --workload scoring-api --none",
	"kubectl get isvc,pods -A -o json | mreg deployed --from-kubernetes -",
	NULL,
};

/* -- by hand --------------------------------------------------------------- */

static void put_place(struct mr_buf *b, const struct mreg_deployment *d)
{
	cli_put(b, d->environment);
	if (d->workload[0]) {
		mr_buf_putc(b, '/');
		cli_put(b, d->workload);
	}
}

void cli_put_version(struct mr_buf *b, uint64_t number,
		     const struct mreg_digest *d)
{
	char shown[32];

	if (number)
		mr_buf_printf(b, "v%" PRIu64, number);
	else if (d->algorithm == MREG_DIGEST_NONE)
		mr_buf_puts(b, "nothing");
	else
		mr_buf_puts(b, cli_short_digest(d, shown));
}

/* "prod/api: churn v3 (was v2)". */
static void put_change(struct cli *cli, const struct mreg_deployment *d,
		       bool changed, struct mr_buf *b)
{
	put_place(b, d);
	mr_buf_puts(b, ": ");
	cli_put_bold(cli, b, d->name);
	mr_buf_putc(b, ' ');
	cli_put_version(b, d->number, &d->version);
	if (changed) {
		mr_buf_puts(b, " (was ");
		cli_put_version(b, d->was_number, &d->was);
		mr_buf_putc(b, ')');
	}
	mr_buf_putc(b, '\n');
}

static int run_one(struct cli *cli, const struct args *a,
		   struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	struct mreg_deployed_opts o = MREG_DEPLOYED_OPTS_INIT;
	struct mreg_deployed_result res;
	int rc;

	if (a->refs.n != 1 || a->cluster || a->partial) {
		(void)mr_fail(err, MREG_EUSAGE,
			      a->refs.n != 1
				      ? "one version has to be named"
				      : "--cluster and --partial go with "
					"--from-kubernetes");
		return mr_hint(err, "mreg deployed NAME:v3 --env prod");
	}
	o.environment = a->environment;
	o.workload = a->workload;
	o.reason = a->reason;
	o.none = a->none;
	o.dry_run = a->dry_run;
	rc = mreg_deployed(cli->mreg, a->refs.items[0], &o, &res, err);
	if (rc < 0)
		return rc;
	rc = cli_json(
		cli, cli->globals.json ? mreg_deployed_result_json(&res) : NULL,
		err);
	if (rc == 0) {
		mr_buf_puts(&b, !res.changed  ? "unchanged: "
				: res.dry_run ? "would record: "
					      : "recorded: ");
		put_change(cli, &res.at, res.changed, &b);
		rc = cli_report(cli, &b, err);
	}
	mreg_deployed_result_release(&res);
	return rc < 0 ? rc : 0;
}

/* -- from Kubernetes ------------------------------------------------------- */

static int show_cluster(struct cli *cli, const struct mreg_kubernetes_result *r,
			struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	size_t i;

	for (i = 0; i < r->count; i++) {
		const struct mreg_deployment *d = &r->rows[i];
		bool changed = !mreg_digest_equal(&d->version, &d->was);

		mr_buf_puts(&b, changed ? "  * " : "    ");
		put_change(cli, d, changed, &b);
	}
	for (i = 0; i < r->unknown_count; i++) {
		const struct mreg_kubernetes_unknown *u = &r->unknown[i];

		mr_buf_puts(&b, "  ? ");
		cli_put(&b, u->workload);
		mr_buf_puts(&b, ": ");
		cli_put(&b, u->reference);
		mr_buf_puts(&b, ": ");
		cli_put(&b, u->why);
		mr_buf_putc(&b, '\n');
	}
	mr_buf_printf(&b,
		      "%" PRIu64 " object%s, %zu place%s of models, %zu %s\n",
		      r->objects, r->objects == 1 ? "" : "s", r->count,
		      r->count == 1 ? "" : "s", r->changed,
		      r->dry_run ? "would change" : "changed");
	return cli_report(cli, &b, err);
}

static int run_cluster(struct cli *cli, const struct args *a,
		       struct mreg_error *err)
{
	struct mreg_kubernetes_opts o = MREG_KUBERNETES_OPTS_INIT;
	struct mreg_kubernetes_result res;
	int rc;

	if (a->workload || a->none || a->reason) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "--from-kubernetes tells workloads itself");
		return mr_hint(err, "leave out --workload, --none, --reason");
	}
	o.from = cli_input(a->from);
	o.environment = a->environment;
	o.cluster = a->cluster;
	o.names = (struct mreg_texts){ .items = a->refs.items, .n = a->refs.n };
	o.partial = a->partial;
	o.dry_run = a->dry_run;
	rc = mreg_deployed_kubernetes(cli->mreg, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = cli_json(cli,
		      cli->globals.json ? mreg_kubernetes_result_json(&res)
					: NULL,
		      err);
	if (rc == 0)
		rc = show_cluster(cli, &res, err);
	mreg_kubernetes_result_release(&res);
	return rc < 0 ? rc : 0;
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;

	return a->from ? run_cluster(cli, a, err) : run_one(cli, a, err);
}

const struct cli_command cli_cmd_deployed = {
	.name = "deployed",
	.summary = "record where a version runs",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "It is what you say; nothing is looked at but what kubectl "
		 "printed. There a workload is NAMESPACE/KIND/NAME, and "
		 "without --env each namespace is an environment of its name. "
		 "References are found in oci:// and mreg:// URIs, images and "
		 "what pods say of them; a tag is resolved as it is now. Only "
		 "changes are written, also that a workload is gone: give all "
		 "of the cluster, or --partial. REF are models that are looked "
		 "at; without any all of the place (as 'mreg ls').",
};

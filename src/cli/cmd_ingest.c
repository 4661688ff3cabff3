/*
 * cmd_ingest.c - mreg index ingest.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/ingest.h"
#include "mreg/json.h"

#define RESULT_MAX_BYTES (64u << 20)

struct args {
	const char *source, *host;
	bool no_sync, dry_run;
};

static const struct cli_opt opts[] = {
	CLI_STR(0, "source",
		"auto|distribution|harbor|zot|quay|dockerhub|ecr|ghcr",
		struct args, source, "who sent it (auto)"),
	CLI_STR(0, "host", "HOST[/PATH]", struct args, host,
		"the registry that it is about, whatever it says"),
	CLI_BOOL(0, "no-sync", struct args, no_sync,
		 "only note what is to be looked at by the next sync"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be looked at, write nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg index ingest < notification.json",
	"mreg index ingest --source zot --host zot.example.com --no-sync",
	NULL,
};

static void put_row(struct mr_buf *b, const struct mreg_ingest_result *r,
		    const struct mreg_ingest_row *row)
{
	cli_put(b, row->name);
	if (row->error) {
		mr_buf_puts(b, "  failed: ");
		cli_put(b, row->error);
	} else {
		mr_buf_puts(b, !r->synced     ? "  to be looked at"
			       : row->changed ? "  changed"
					      : "  nothing new");
	}
	mr_buf_putc(b, '\n');
}

static void put_count(struct mr_buf *b, uint64_t n, const char *what)
{
	if (n)
		mr_buf_printf(b, ", %" PRIu64 " %s", n, what);
}

/* What was passed over is worth a word on stderr: nobody sees it otherwise. */
static void warn(const struct cli *cli, const struct mreg_ingest_result *r)
{
	char text[300];

	if (cli->globals.quiet || cli->globals.json)
		return;
	if (r->unknown)
		(void)fprintf(stderr,
			      "warning: %" PRIu64 " document%s no "
			      "notification that is known (the first is number "
			      "%" PRIu64 ")\n",
			      r->unknown, r->unknown == 1 ? " is" : "s are",
			      r->unknown_at);
	if (r->foreign)
		(void)fprintf(
			stderr,
			"warning: %" PRIu64 " notification%s about what "
			"is not looked at, such as '%s': --host names "
			"its registry\n",
			r->foreign, r->foreign == 1 ? " is" : "s are",
			mr_text_safe(r->foreign_name, text, sizeof(text)));
}

static int show(struct cli *cli, const struct mreg_ingest_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	size_t i;

	for (i = 0; i < r->count; i++)
		put_row(&b, r, &r->rows[i]);
	mr_buf_printf(&b, "%" PRIu64 " notification%s", r->notices,
		      r->notices == 1 ? "" : "s");
	put_count(&b, r->idle, "of no interest");
	put_count(&b, r->repeated, "seen before");
	put_count(&b, r->requests, r->requests == 1 ? "request" : "requests");
	mr_buf_putc(&b, '\n');
	warn(cli, r);
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_ingest_opts o = MREG_INGEST_OPTS_INIT;
	struct mreg_ingest_result res;
	int rc;

	o.from = cli_input("-");
	o.source = a->source;
	o.host = a->host;
	o.no_sync = a->no_sync;
	o.dry_run = a->dry_run;
	rc = mreg_ingest(cli->mreg, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = cli_json(cli,
		      cli->globals.json ? mreg_ingest_result_json(&res) : NULL,
		      err);
	if (rc == 0)
		rc = show(cli, &res, err);
	/* The others were looked at all the same. */
	if (rc >= 0 && res.failed)
		cli->exit_code = mreg_code_exit(res.failure.code);
	mreg_ingest_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_index_ingest = {
	.name = "index ingest",
	.summary = "look at what a registry's notification names",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "Reads JSON from standard input: one notification, an array "
		 "or envelope of many, or one in each line, at most 4 MiB. "
		 "Known are those of distribution (docker-registry, GitLab, "
		 "ACR), Harbor, zot, Quay, Docker Hub, ECR and GitHub. Nothing "
		 "of it is believed: the models it names are looked at in the "
		 "registry, and only those below the configured prefix, below "
		 "places that were synced, or in the index. One that comes "
		 "twice counts once, where it has an id.",
};

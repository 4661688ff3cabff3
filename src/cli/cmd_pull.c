/*
 * cmd_pull.c - mreg pull.
 */
#include "cli/commands.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "mreg/json.h"
#include "mreg/pull.h"

struct args {
	const char *ref, *output;
	unsigned int jobs;
	bool dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF", "NAME, NAME:TAG or NAME@DIGEST"),
	CLI_STR('o', "output", "DIR", struct args, output,
		"where to (the name's last part)"),
	CLI_UINT('j', "jobs", "N", struct args, jobs, "transfers at once (4)"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be fetched, write nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg pull churn:production",
	"mreg pull ghcr.io/acme/models/churn:v3 -o /models/churn",
	NULL,
};

static void put_head(struct cli *cli, struct mr_buf *b,
		     const struct mreg_pull_result *r)
{
	char digest[MREG_DIGEST_TEXT];

	mr_buf_puts(b, r->dry_run ? "would pull " : "pulled ");
	cli_put_bold(cli, b, r->name);
	if (r->tag) {
		mr_buf_putc(b, ':');
		cli_put_bold(cli, b, r->tag);
	}
	if (r->number)
		mr_buf_printf(b, " (v%" PRIu64 ")", r->number);
	mr_buf_puts(b, " to ");
	cli_put(b, r->output);
	mr_buf_printf(b, "\n  %s\n", mreg_digest_text(&r->digest, digest));
}

static void put_plan(struct mr_buf *b, const struct mreg_pull_result *r)
{
	char size[32];
	size_t i;

	for (i = 0; i < r->item_count; i++) {
		const struct mreg_item *it = &r->items[i];

		mr_buf_printf(b, "  %-6s  %10s  ",
			      it->action == MREG_ITEM_SENT ? "fetch" : "keep",
			      mr_text_size(it->size, size));
		cli_put(b, it->path);
		mr_buf_putc(b, '\n');
	}
}

static int show(struct cli *cli, const struct mreg_pull_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	char total[32];
	char fetched[32];
	char reused[32];
	int rc = cli_json(
		cli, cli->globals.json ? mreg_pull_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	put_head(cli, &b, r);
	if (r->dry_run)
		put_plan(&b, r);
	mr_buf_printf(&b, "  %zu file%s, %s: %s %s, %s already there\n",
		      r->item_count, r->item_count == 1 ? "" : "s",
		      mr_text_size(r->bytes_total, total),
		      mr_text_size(r->bytes_fetched, fetched),
		      r->dry_run ? "to fetch" : "fetched",
		      mr_text_size(r->bytes_reused, reused));
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_pull_opts o = MREG_PULL_OPTS_INIT;
	struct mreg_pull_result res;
	int rc;

	o.output = a->output;
	o.jobs = a->jobs;
	o.dry_run = a->dry_run;
	rc = mreg_pull(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	mreg_pull_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_pull = {
	.name = "pull",
	.summary = "get a version's files",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "A file under its final name always has the right bytes: "
		 "everything is fetched and verified first, then put in place. "
		 "What is right already is not fetched. Files that the model "
		 "does not have are left alone.",
};

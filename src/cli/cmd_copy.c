/*
 * cmd_copy.c - mreg copy, export, import.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mreg/copy.h"
#include "mreg/json.h"

struct args {
	const char *from, *to;
	unsigned int jobs;
	bool dry_run;
};

#define COMMON_ROWS                                                            \
	CLI_UINT('j', "jobs", "N", struct args, jobs,                          \
		 "transfers at once (4)"),                                     \
		CLI_BOOL('n', "dry-run", struct args, dry_run,                 \
			 "show what would be copied, write nothing"),          \
		CLI_END

static const struct cli_opt copy_opts[] = {
	CLI_ARG(struct args, from, "REF",
		"NAME: all of it; NAME:TAG, NAME@DIGEST: one version"),
	CLI_ARG(struct args, to, "NAME", "the model it becomes, without tag"),
	COMMON_ROWS,
};

static const struct cli_opt export_opts[] = {
	CLI_ARG(struct args, from, "REF",
		"NAME: all of it; NAME:TAG, NAME@DIGEST: one version"),
	CLI_ARG(struct args, to, "FILE", "a new tar archive"),
	COMMON_ROWS,
};

static const struct cli_opt import_opts[] = {
	CLI_ARG(struct args, from, "FILE", "what export wrote"),
	CLI_ARG(struct args, to, "NAME", "the model it becomes, without tag"),
	COMMON_ROWS,
};

static const char *const copy_examples[] = {
	"mreg copy churn ghcr.io/acme/models/churn",
	"mreg copy ghcr.io/acme/models/churn:v18 prod.example.com/churn",
	NULL,
};

static const char *const export_examples[] = {
	"mreg export churn churn.tar",
	"mreg export churn:production churn-production.tar",
	NULL,
};

static const char *const import_examples[] = {
	"mreg import churn.tar registry.plant.example/churn",
	NULL,
};

static bool is_record(const char *tag)
{
	return mr_text_starts(tag, "mreg.");
}

/* How many tags of one kind do something; `records`: mreg's own. */
static size_t count(const struct mreg_copy_result *r, bool records, bool moving)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < r->tag_count; i++)
		n += is_record(r->tags[i].tag) == records &&
		     (!moving || r->tags[i].action != MREG_COPY_SAME);
	return n;
}

static void put_tags(struct mr_buf *b, const struct mreg_copy_result *r)
{
	char text[32];
	size_t i;

	for (i = 0; i < r->tag_count; i++) {
		const struct mreg_copy_tag *t = &r->tags[i];

		if (is_record(t->tag) || t->action == MREG_COPY_SAME)
			continue;
		mr_buf_puts(b, "  ");
		cli_put(b, t->tag);
		mr_buf_printf(b, " -> %s", cli_short_digest(&t->digest, text));
		if (t->action == MREG_COPY_MOVED)
			mr_buf_printf(b, " (was %s)",
				      cli_short_digest(&t->was, text));
		mr_buf_putc(b, '\n');
	}
}

static void put_sums(struct mr_buf *b, const struct mreg_copy_result *r)
{
	size_t names = count(r, false, false) - (size_t)r->versions;
	char total[32];
	char sent[32];
	char reused[32];

	mr_buf_printf(b, "  %" PRIu64 " version%s, %zu name%s, ", r->versions,
		      r->versions == 1 ? "" : "s", names,
		      names == 1 ? "" : "s");
	mr_buf_printf(b, "%zu record%s, %" PRIu64 " attached document%s\n",
		      count(r, true, false),
		      count(r, true, false) == 1 ? "" : "s", r->documents,
		      r->documents == 1 ? "" : "s");
	mr_buf_printf(b, "  %" PRIu64 " blob%s, %s: %s %s, %s already there\n",
		      r->blobs, r->blobs == 1 ? "" : "s",
		      mr_text_size(r->bytes_total, total),
		      mr_text_size(r->bytes_sent, sent),
		      r->dry_run ? "to send" : "sent",
		      mr_text_size(r->bytes_reused, reused));
}

static int show(struct cli *cli, const struct mreg_copy_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	bool moves = r->manifests || r->bytes_sent || count(r, false, true) ||
		     count(r, true, true);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_copy_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!moves)
		mr_buf_puts(&b, "unchanged: ");
	else
		mr_buf_puts(&b, r->dry_run ? "would copy " : "copied ");
	cli_put_bold(cli, &b, r->from);
	mr_buf_puts(&b, moves ? " to " : " is all in ");
	cli_put_bold(cli, &b, r->to);
	mr_buf_putc(&b, '\n');
	if (moves)
		put_tags(&b, r);
	put_sums(&b, r);
	return cli_report(cli, &b, err);
}

typedef int copy_fn(struct mreg *m, const char *from, const char *to,
		    const struct mreg_copy_opts *o,
		    struct mreg_copy_result *out, struct mreg_error *err);

static int run(struct cli *cli, const struct args *a, copy_fn *fn,
	       struct mreg_error *err)
{
	struct mreg_copy_opts o = MREG_COPY_OPTS_INIT;
	struct mreg_copy_result res;
	int rc;

	o.jobs = a->jobs;
	o.dry_run = a->dry_run;
	rc = fn(cli->mreg, a->from, a->to, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	mreg_copy_result_release(&res);
	return rc;
}

static int run_copy(struct cli *cli, const void *p, struct mreg_error *err)
{
	return run(cli, p, mreg_copy, err);
}

static int run_export(struct cli *cli, const void *p, struct mreg_error *err)
{
	return run(cli, p, mreg_export, err);
}

static int run_import(struct cli *cli, const void *p, struct mreg_error *err)
{
	return run(cli, p, mreg_import, err);
}

const struct cli_command cli_cmd_copy = {
	.name = "copy",
	.summary = "copy a model or one version, digests unchanged",
	.opts = copy_opts,
	.args_size = sizeof(struct args),
	.run = run_copy,
	.examples = copy_examples,
	.notes = "All tags of a model are copied, mreg's log and attached "
		 "documents too, between any two places. One version keeps its "
		 "number and its documents; 'latest' follows the highest "
		 "version there.\n\n"
		 "If the target has a version, a release name or a record "
		 "under the same tag with another digest, nothing is written "
		 "(exit status 4). Aliases follow the source; where the "
		 "target's log says otherwise, that is a move in it. The same "
		 "copy again continues, or does nothing.\n\n"
		 "The log brings the model's policy to a target that has none "
		 "of its own; one that was set there stays.",
};

const struct cli_command cli_cmd_export = {
	.name = "export",
	.summary = "copy a model or one version into one file",
	.opts = export_opts,
	.args_size = sizeof(struct args),
	.run = run_export,
	.examples = export_examples,
	.notes = "The file is an uncompressed tar archive that is an OCI image "
		 "layout. It appears when it is whole, and never replaces "
		 "another.",
};

const struct cli_command cli_cmd_import = {
	.name = "import",
	.summary = "copy the model in an archive into a registry or store",
	.opts = import_opts,
	.args_size = sizeof(struct args),
	.run = run_import,
	.examples = import_examples,
	.notes = "Every byte is verified. What goes for copy goes for import: "
		 "nothing is written when the target has other versions under "
		 "the same numbers.",
};

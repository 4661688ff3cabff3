/*
 * cmd_attach.c - mreg attach.
 */
#include "cli/commands.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "mreg/attach.h"
#include "mreg/json.h"

struct args {
	const char *ref, *file, *type, *title, *created;
	struct cli_words annotations;
	bool dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF",
		"the version: NAME, NAME:TAG or NAME@DIGEST"),
	CLI_ARG(struct args, file, "FILE", "the document"),
	CLI_STR('t', "type", "TYPE", struct args, type,
		"model-card, bias-report, sbom, ..., or a media type"),
	CLI_STR(0, "title", "TEXT", struct args, title,
		"what it is called; else the file's name"),
	CLI_STR(0, "created", "TIME", struct args, created,
		"RFC 3339; else SOURCE_DATE_EPOCH, else left out"),
	CLI_LIST(0, "annotation", "KEY=VALUE", struct args, annotations,
		 "more about it"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be attached, send nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg attach churn:v3 bias.pdf --type bias-report",
	"mreg attach churn:production model.cdx.json --type sbom",
	"mreg attach churn:v3 notes.txt --type text/plain",
	NULL,
};

static int show(struct cli *cli, const struct mreg_attach_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);
	char digest[MREG_DIGEST_TEXT];
	char size[32];
	int rc = cli_json(cli,
			  cli->globals.json ? mreg_attach_result_json(r) : NULL,
			  err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	mr_buf_puts(&b, r->existed   ? "already attached: "
			: r->dry_run ? "would attach "
				     : "attached ");
	cli_put(&b, r->kind ? r->kind : r->type);
	mr_buf_puts(&b, " '");
	cli_put(&b, r->title);
	mr_buf_puts(&b, "' to ");
	cli_put_bold(cli, &b, r->name);
	if (r->number)
		mr_buf_printf(&b, ":v%" PRIu64, r->number);
	mr_buf_printf(&b, "\n  %s  %s\n", mreg_digest_text(&r->digest, digest),
		      mr_text_size(r->bytes_total, size));
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_attach_opts o = MREG_ATTACH_OPTS_INIT;
	struct mreg_attach_result res;
	int rc;

	o.type = a->type;
	o.title = a->title;
	o.created = a->created;
	o.annotations.items = a->annotations.items;
	o.annotations.n = a->annotations.n;
	o.dry_run = a->dry_run;
	rc = mreg_attach(cli->mreg, a->ref, a->file, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	mreg_attach_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_attach = {
	.name = "attach",
	.summary = "add a document to a version, whose digest stays",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "Types: model-card, datasheet, bias-report, "
		 "explainability-report, risk-assessment, security-report, "
		 "test-report, conformity-assessment, sbom, attestation; or "
		 "any media type. Evaluations have a command of their own, "
		 "mreg evaluate.\n\n"
		 "A document is an OCI artifact whose subject is the version, "
		 "so oras discover finds it, and copy and export take it "
		 "along. The same document again changes nothing. mreg inspect "
		 "lists what is attached, with the digest by which it is read: "
		 "mreg pull churn@sha256:... -o bias.",
};

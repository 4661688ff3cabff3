/*
 * cmd_image.c - mreg image.
 */
#include "cli/commands.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/image.h"
#include "mreg/json.h"

struct args {
	const char *ref, *profile, *base, *user;
	struct cli_words platforms;
	unsigned int jobs;
	bool no_shell, dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF",
		"the version: NAME, NAME:TAG or NAME@DIGEST"),
	CLI_STR(0, "profile", "image|docker", struct args, profile,
		"docker: Docker's model format, not an image"),
	CLI_LIST(0, "platform", "linux/ARCH", struct args, platforms,
		 "for these only; else amd64 and arm64"),
	CLI_STR(0, "base", "REF[@DIGEST]", struct args, base,
		"put the files on top of this image's"),
	CLI_BOOL(0, "no-shell", struct args, no_shell,
		 "leave out /bin/sh, which KServe's modelcars need"),
	CLI_STR(0, "user", "N[:G]", struct args, user,
		"number of the user it runs as; else root"),
	CLI_UINT('j', "jobs", "N", struct args, jobs, "transfers at once (4)"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be sent, send nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg image churn:v3",
	"mreg image ghcr.io/acme/models/churn:production",
	"mreg image churn --platform linux/amd64 --user 1010",
	"mreg image churn:v3 --base docker.io/library/busybox:1.36",
	"mreg image churn:v3 --profile docker",
	NULL,
};

static void put_layers(struct mr_buf *b, const struct mreg_image_result *r)
{
	char size[32];
	size_t i;

	for (i = 0; i < r->layer_count; i++) {
		const struct mreg_image_layer *l = &r->layers[i];

		mr_buf_printf(b, "  %-6s  %10s  ", l->sent ? "send" : "reuse",
			      mr_text_size(l->size, size));
		if (l->path)
			cli_put(b, l->path);
		else if (l->files)
			mr_buf_printf(b, "%" PRIu64 " files", l->files);
		else
			mr_buf_puts(b, "of the base");
		mr_buf_putc(b, '\n');
	}
}

void cli_put_image(struct cli *cli, struct mr_buf *b,
		   const struct mreg_image_result *r)
{
	char digest[MREG_DIGEST_TEXT];
	char total[32];
	char sent[32];
	char reused[32];
	size_t i;

	mr_buf_puts(b, r->identical ? "already there: "
		       : r->dry_run ? "would make "
				    : "made ");
	cli_put_bold(cli, b, r->reference ? r->reference : r->name);
	mr_buf_putc(b, '\n');
	if (r->digest.algorithm)
		mr_buf_printf(b, "  %s\n",
			      mreg_digest_text(&r->digest, digest));
	if (r->dry_run)
		put_layers(b, r);
	for (i = 0; i < r->platform_count; i++) {
		const struct mreg_image_platform *p = &r->platforms[i];

		mr_buf_puts(b, i ? ", " : "  for ");
		cli_put(b, p->os);
		mr_buf_putc(b, '/');
		cli_put(b, p->architecture);
		if (p->variant) {
			mr_buf_putc(b, '/');
			cli_put(b, p->variant);
		}
	}
	mr_buf_puts(b, r->platform_count ? "\n" : "");
	mr_buf_printf(b, "  %zu layer%s, %s: %s %s, %s already there\n",
		      r->layer_count, r->layer_count == 1 ? "" : "s",
		      mr_text_size(r->bytes_total, total),
		      mr_text_size(r->bytes_sent, sent),
		      r->dry_run ? "to send" : "sent",
		      mr_text_size(r->bytes_reused, reused));
	for (i = 0; i < r->name_count; i++) {
		mr_buf_puts(b, i ? ", " : "  also ");
		cli_put(b, r->names[i]);
	}
	mr_buf_puts(b, r->name_count ? "\n" : "");
}

static int show(struct cli *cli, const struct mreg_image_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 24);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_image_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	cli_put_image(cli, &b, r);
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_image_opts o = MREG_IMAGE_OPTS_INIT;
	struct mreg_image_result res;
	int rc;

	o.profile = a->profile;
	o.platforms = a->platforms.items;
	o.platform_count = a->platforms.n;
	o.base = a->base;
	o.user = a->user;
	o.no_shell = a->no_shell;
	o.dry_run = a->dry_run;
	o.jobs = a->jobs;
	rc = mreg_image(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	mreg_image_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_image = {
	.name = "image",
	.summary = "make a container image of a version",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "The image v3-image of v3 has its files below /models, for "
		 "KServe (oci://), image volumes of Kubernetes and COPY "
		 "--from= of a Dockerfile. Aliases, releases and latest have "
		 "one too, which moves with them: churn:production-image.\n\n"
		 "Layers are not compressed and made while they are sent, of "
		 "the version's own files; nothing is kept here. Each large "
		 "file is a layer of its own, which all platforms share. The "
		 "same version makes the same image, bit for bit, and is not "
		 "sent twice; run it again when it was interrupted. Where it "
		 "is there already, a machine that has not seen it before "
		 "reads the model's bytes once, to prove that it is what "
		 "would be made; -n does not.\n\n"
		 "Copy it with mreg copy, crane or oras; skopeo needs "
		 "--preserve-digests.\n\n"
		 "Docker's model format, v3-docker, is for docker model run: "
		 "it names the version's own blobs, and holds weights in GGUF "
		 "or safetensors alone.",
};

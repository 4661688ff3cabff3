/*
 * cmd_resolve.c - mreg resolve.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "mreg/json.h"
#include "mreg/render.h"
#include "mreg/resolve.h"

struct args {
	const char *ref, *format, *name, *scheme, *model_format, *server;
	bool require_policy, require_digest;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF", "NAME, NAME:TAG or NAME@DIGEST"),
	CLI_STR('f', "format",
		"digest|ref|kserve|k8s|dockerfile|kustomize|helm", struct args,
		format, "digest alone (default), NAME@DIGEST, or a file"),
	CLI_STR(0, "scheme", "oci|oci+native|oci+fetch|mreg", struct args,
		scheme, "how a storageUri begins (oci)"),
	CLI_STR(0, "name", "NAME", struct args, name,
		"of the object; else the model's"),
	CLI_STR(0, "model-format", "NAME", struct args, model_format,
		"KServe's: sklearn, huggingface...; else by metadata"),
	CLI_STR(0, "server", "IMAGE", struct args, server,
		"k8s: the program that serves the model"),
	CLI_BOOL(0, "require-policy", struct args, require_policy,
		 "refuse what the policy in force refuses"),
	CLI_BOOL(0, "require-digest", struct args, require_digest,
		 "refuse what is not named by its digest"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg resolve churn:production",
	"mreg resolve ghcr.io/acme/churn:production --format ref",
	"mreg resolve churn:production --require-policy",
	"mreg resolve churn:production --format kserve",
	"mreg resolve churn:v3 --format kserve --scheme mreg",
	"mreg resolve churn:v3 --format dockerfile",
	NULL,
};

/* In the order of their enum. */
static const char *const schemes[] = { "oci", "oci+native", "oci+fetch",
				       "mreg" };

/* Whether a file is asked for, and which. */
static bool take_render(const struct args *a, struct mreg_render_opts *o)
{
	unsigned int as = 0;
	size_t i;

	while (a->format && mreg_render_word((enum mreg_render_as)as) &&
	       strcmp(a->format, mreg_render_word((enum mreg_render_as)as)) !=
		       0)
		as++;
	if (!a->format || !mreg_render_word((enum mreg_render_as)as))
		return false;
	o->as = (enum mreg_render_as)as;
	for (i = 0; a->scheme && i < MR_COUNT(schemes); i++)
		if (strcmp(a->scheme, schemes[i]) == 0)
			o->scheme = (enum mreg_render_scheme)i;
	o->name = a->name;
	o->model_format = a->model_format;
	o->server = a->server;
	return true;
}

static int check_args(const struct args *a, struct mreg_error *err)
{
	if (!a->scheme && !a->name && !a->model_format && !a->server)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE,
		      "--scheme, --name, --model-format and --server say how a "
		      "file is written, and none is asked for");
	return mr_hint(err, "say which: --format kserve, k8s, dockerfile, "
			    "kustomize or helm");
}

/* Where a canary would get everything: nothing was rolled out before it, or
 * nothing splits requests. */
static void warn_canary(const struct mreg_render_opts *o,
			const struct mreg_resolve_result *r)
{
	const struct mreg_served *own = &r->served;
	char version[MREG_DIGEST_TEXT];

	if (o->as != MREG_RENDER_KSERVE || r->share_count != 2)
		return;
	if (own->number)
		(void)snprintf(version, sizeof(version), "v%" PRIu64,
			       own->number);
	else
		(void)mreg_digest_text(&own->digest, version);
	(void)fprintf(
		stderr,
		"warning: %s has to be rolled out already, in KServe's "
		"Knative mode: a first revision gets all the traffic, and "
		"in Standard mode (RawDeployment) there is no such "
		"share\n",
		version);
}

static int show_file(struct cli *cli, const struct mreg_render_opts *o,
		     const struct mreg_resolve_result *r,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 21);
	MR_AUTO(mr_free) char *text = NULL;
	int rc = mreg_render(r, o, &text, err);

	if (rc < 0)
		return rc;
	warn_canary(o, r);
	rc = cli_json(cli,
		      cli->globals.json ? mreg_render_json(r, o, text) : NULL,
		      err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	mr_buf_puts(&b, text);
	return cli_print(&b, err);
}

static int show(struct cli *cli, const struct args *a,
		const struct mreg_resolve_result *r, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	char digest[MREG_DIGEST_TEXT];
	int rc = cli_json(
		cli, cli->globals.json ? mreg_resolve_result_json(r) : NULL,
		err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (a->format && strcmp(a->format, "ref") == 0)
		cli_put(&b, r->reference);
	else
		mr_buf_puts(&b, mreg_digest_text(&r->desc.digest, digest));
	mr_buf_putc(&b, '\n');
	return cli_print(&b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_resolve_opts o = MREG_RESOLVE_OPTS_INIT;
	struct mreg_render_opts file = MREG_RENDER_OPTS_INIT;
	struct mreg_resolve_result res;
	bool wanted = take_render(a, &file);
	int rc = wanted ? mreg_render_check(&file, err) : check_args(a, err);

	if (rc < 0)
		return rc;
	o.require_policy = a->require_policy;
	o.require_digest = a->require_digest;
	o.serve = wanted;
	o.image = wanted && mreg_render_needs_image(&file);
	rc = mreg_resolve(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = wanted ? show_file(cli, &file, &res, err)
		    : show(cli, a, &res, err);
	mreg_resolve_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_resolve = {
	.name = "resolve",
	.summary = "print the digest a reference points at now",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes =
		"One request, nothing is downloaded; with --format kserve, "
		"k8s and so on it reads the manifest and the log too, for "
		"which the registry has to let it pull and list tags. Exit "
		"status 3: there is no such model or tag.\n\n"
		"--format kserve, k8s, dockerfile, kustomize and helm write "
		"the file that puts the version to use, with every reference "
		"by digest: an InferenceService, a Deployment with an image "
		"volume, a line to copy /models from, a Component, values. "
		"They take the version's image, v<N>-image ('mreg image' makes "
		"it), but for --scheme mreg, which KServe hands to 'mreg "
		"storage-initializer'. An alias is looked up first, and the "
		"image is that of the version it has; written again after the "
		"alias moved, the file changes with it.\n\n"
		"Of an alias that is split ('mreg split') kserve writes the "
		"canary, with its canaryTrafficPercent, where two versions "
		"share: for KServe's Knative mode alone, which an annotation "
		"asks for, since in Standard mode (RawDeployment) KServe "
		"ignores the percentage and the canary would get everything; "
		"k8s a Deployment for each version, helm a list with "
		"weights. All tell the shares.\n\n"
		"--require-policy reads the log, and exits with 7 where the "
		"policy in force refuses the version, where an alias was moved "
		"past its gates or without mreg, and where there is no "
		"policy; --require-digest exits with 7 where REF has no "
		"digest. The settings require.policy and require.digest "
		"(MREG_REQUIRE_POLICY=1, MREG_REQUIRE_DIGEST=1) ask for them "
		"everywhere.",
};

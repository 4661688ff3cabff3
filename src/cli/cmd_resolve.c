/*
 * cmd_resolve.c - mreg resolve.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/mem.h"
#include "mreg/json.h"
#include "mreg/resolve.h"

struct args {
	const char *ref, *format;
	bool require_policy;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF", "NAME, NAME:TAG or NAME@DIGEST"),
	CLI_STR(0, "format", "digest|ref", struct args, format,
		"digest alone (default), or NAME@DIGEST"),
	CLI_BOOL(0, "require-policy", struct args, require_policy,
		 "refuse what the policy in force refuses"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg resolve churn:production",
	"mreg resolve ghcr.io/acme/churn:production --format ref",
	"mreg resolve churn:production --require-policy",
	NULL,
};

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
	struct mreg_resolve_result res;
	int rc;

	o.require_policy = a->require_policy;
	rc = mreg_resolve(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, a, &res, err);
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
		"One request, nothing is downloaded. Exit status 3: there is "
		"no such model or tag.\n\n"
		"--require-policy reads the log, and exits with 7 where the "
		"policy in force refuses the version, where an alias was moved "
		"past its gates or without mreg, and where there is no "
		"policy.",
};

/*
 * cmd_card.c - mreg card.
 */
#include "cli/commands.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/mem.h"
#include "mreg/card.h"
#include "mreg/json.h"

struct args {
	const char *ref;
	bool raw;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "REF", "NAME, NAME:TAG or NAME@DIGEST"),
	CLI_BOOL(0, "raw", struct args, raw,
		 "the file byte for byte, front matter and all"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg card churn:production",
	"mreg card churn:v3 --raw > README.md",
	NULL,
};

static int fail_without(const struct mreg_card_result *r,
			struct mreg_error *err)
{
	if (r->number)
		(void)mr_fail(err, MREG_ENOTFOUND,
			      "'%s:v%" PRIu64 "' has no README", r->name,
			      r->number);
	else
		(void)mr_fail(err, MREG_ENOTFOUND, "'%s' has no README",
			      r->reference);
	return mr_hint(err, "without --raw a card is made of its metadata");
}

static int show(struct cli *cli, const struct args *a,
		const struct mreg_card_result *r, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_card_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (a->raw && !r->path)
		return fail_without(r, err);
	if (a->raw)
		mr_buf_add(&b, r->bytes, r->len);
	else
		cli_put_lines(&b, r->text);
	return cli_print(&b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_card_result res;
	int rc = mreg_card(cli->mreg, a->ref, &res, err);

	if (rc < 0)
		return rc;
	rc = show(cli, a, &res, err);
	mreg_card_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_card = {
	.name = "card",
	.summary = "show a version's README, attached card, or metadata",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "The README's bytes are verified. Metadata at its beginning, "
		 "between two lines of ---, is left out, and control "
		 "characters are made visible; --raw does neither. Without "
		 "a README it is the newest model card attached to the version "
		 "that is a text (mreg attach --type model-card); without one "
		 "a card made of the metadata.",
};

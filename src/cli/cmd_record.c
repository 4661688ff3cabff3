/*
 * cmd_record.c - mreg create, mreg edit.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "mreg/json.h"
#include "mreg/record.h"

struct args {
	const char *ref, *display_name, *owner, *description;
	struct cli_words tags, unset;
	bool dry_run, linear;
};

static const struct cli_opt create_opts[] = {
	CLI_ARG(struct args, ref, "NAME", "a model, new or not"),
	CLI_STR(0, "display-name", "TEXT", struct args, display_name,
		"what people call it"),
	CLI_STR('o', "owner", "WHO", struct args, owner,
		"a team or person who answers for it"),
	CLI_STR(0, "description", "TEXT", struct args, description,
		"what it is for"),
	CLI_LIST(0, "tag", "KEY=VALUE", struct args, tags, "free label"),
	CLI_BOOL(0, "linear", struct args, linear,
		 "one event after the other from now on: for a registry that "
		 "never lets mreg.* tags be written twice, which is tried out; "
		 "also of a model that has its record"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be written, write nothing"),
	CLI_END,
};

static const struct cli_opt edit_opts[] = {
	CLI_ARG(struct args, ref, "NAME|REF",
		"a model; or one of its versions: NAME:v3"),
	CLI_STR(0, "display-name", "TEXT", struct args, display_name,
		"what people call it"),
	CLI_STR('o', "owner", "WHO", struct args, owner,
		"a team or person who answers for it"),
	CLI_STR(0, "description", "TEXT", struct args, description,
		"what it is for"),
	CLI_LIST(0, "tag", "KEY=VALUE", struct args, tags, "free label"),
	CLI_LIST(0, "unset", "KEY", struct args, unset,
		 "take a value away: owner, tags.team"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "show what would be written, write nothing"),
	CLI_END,
};

static const char *const create_examples[] = {
	"mreg create churn --owner risk-team --description 'Predicts churn'",
	"mreg create churn --linear",
	NULL,
};

static const char *const edit_examples[] = {
	"mreg edit churn --owner growth-team",
	"mreg edit churn:v3 --tag reviewed=yes",
	NULL,
};

static int show(struct cli *cli, const struct mreg_record_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 24);
	size_t i;
	int rc = cli_json(cli,
			  cli->globals.json ? mreg_record_result_json(r) : NULL,
			  err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!r->changed)
		mr_buf_puts(&b, "unchanged: ");
	else if (r->dry_run)
		mr_buf_puts(&b, r->created ? "would create " : "would edit ");
	else
		mr_buf_puts(&b, r->created ? "created " : "edited ");
	cli_put_bold(cli, &b, r->name);
	if (r->number)
		mr_buf_printf(&b, ":v%" PRIu64, r->number);
	mr_buf_putc(&b, '\n');
	for (i = 0; !r->dry_run && i < r->value_count; i++) {
		mr_buf_puts(&b, "  ");
		cli_put(&b, r->values[i].key);
		mr_buf_puts(&b, ": ");
		cli_put(&b, r->values[i].value);
		mr_buf_putc(&b, '\n');
	}
	return cli_report(cli, &b, err);
}

static int run(struct cli *cli, const struct args *a, bool create,
	       struct mreg_error *err)
{
	struct mreg_record_opts o = MREG_RECORD_OPTS_INIT;
	struct mreg_record_result res;
	int rc;

	o.display_name = a->display_name;
	o.owner = a->owner;
	o.description = a->description;
	o.tags = (struct mreg_texts){ a->tags.items, a->tags.n };
	o.unset = (struct mreg_texts){ a->unset.items, a->unset.n };
	o.dry_run = a->dry_run;
	o.linear = a->linear;
	rc = create ? mreg_create(cli->mreg, a->ref, &o, &res, err)
		    : mreg_edit(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	mreg_record_result_release(&res);
	return rc;
}

static int run_create(struct cli *cli, const void *p, struct mreg_error *err)
{
	return run(cli, p, true, err);
}

static int run_edit(struct cli *cli, const void *p, struct mreg_error *err)
{
	return run(cli, p, false, err);
}

const struct cli_command cli_cmd_create = {
	.name = "create",
	.summary = "write the record of a model: owner, description",
	.opts = create_opts,
	.args_size = sizeof(struct args),
	.run = run_create,
	.examples = create_examples,
	.notes = "A model needs no record to have versions. What is written is "
		 "an event of the log; 'mreg edit' changes it.",
};

const struct cli_command cli_cmd_edit = {
	.name = "edit",
	.summary = "change what is told of a model or a version",
	.opts = edit_opts,
	.args_size = sizeof(struct args),
	.run = run_edit,
	.examples = edit_examples,
	.notes = "A version's manifest never changes: each change is an event "
		 "of the log, with who made it and when, and counts instead "
		 "of what the manifest says. --unset takes back what was "
		 "given so; what the manifest says itself can be replaced "
		 "only. Two who change different values at once do not "
		 "disturb each other; of one value the last counts.",
};

/*
 * cmd_du.c - mreg du.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/places.h"
#include "mreg/du.h"
#include "mreg/json.h"

struct args {
	struct cli_words names;
	bool owner;
};

static const struct cli_opt opts[] = {
	CLI_SOME(struct args, names, "NAME", "models; without: all of them"),
	CLI_BOOL(0, "owner", struct args, owner, "by owner, not by model"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg du",
	"mreg du churn fraud",
	"mreg du --owner",
	NULL,
};

static void add_row(struct cli_table *t, const struct mreg_du_row *r,
		    const char *name, const char *owner)
{
	char text[32];

	cli_table_cell(t, "%s", name);
	cli_table_cell(t, "%s", owner);
	cli_table_cell(t, "%" PRIu64, r->versions);
	cli_table_cell(t, "%s", mr_text_size(r->bytes.logical, text));
	cli_table_cell(t, "%s", mr_text_size(r->bytes.stored, text));
	cli_table_cell(t, "%s", mr_text_size(r->bytes.unique, text));
	cli_table_cell(t, "%s", mr_text_size(r->bytes.shared, text));
	cli_table_cell(t, "%s", mr_text_size(r->bytes.reclaimable, text));
}

static int show(struct cli *cli, const struct mreg_du_result *r, bool owner,
		struct mreg_error *err)
{
	static const char *const heads[] = { "MODEL",    "OWNER",
					     "VERSIONS", "LOGICAL",
					     "STORED",   "UNIQUE",
					     "SHARED",   "RECLAIMABLE" };
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	const struct mreg_du_row *rows = owner ? r->owners : r->rows;
	size_t n = owner ? r->owner_count : r->count;
	struct cli_table *t = cli_table_new(heads, MR_COUNT(heads));
	size_t i;
	int rc;

	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		char models[32];

		(void)snprintf(models, sizeof(models), "%" PRIu64,
			       rows[i].models);
		add_row(t, &rows[i], rows[i].name ? rows[i].name : models,
			rows[i].owner ? rows[i].owner : "-");
	}
	if (n > 1)
		add_row(t, &r->total, "total", "");
	rc = cli_table_print(cli, t, &b, err);
	return rc < 0 ? rc : cli_print(&b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_texts names = { .items = a->names.items, .n = a->names.n };
	struct mreg_du_result res;
	int rc = mreg_du(cli->mreg, &names, &res, err);

	if (rc < 0)
		return rc;
	if (!cli->globals.json)
		cli_warn_unread(res.unread, res.unread_count);
	rc = cli_json(cli, cli->globals.json ? mreg_du_result_json(&res) : NULL,
		      err);
	if (rc == 0)
		rc = show(cli, &res, a->owner, err);
	mreg_du_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_du = {
	.name = "du",
	.summary = "the bytes that models take, and share",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "LOGICAL is the sum of all versions, each as if it were "
		 "alone; STORED counts each blob once; UNIQUE is what no other "
		 "model that was looked at has; SHARED what several versions "
		 "or models have; RECLAIMABLE what 'mreg gc' would free. The "
		 "log is not counted. Without NAME, a model that cannot be "
		 "read is told and left out.",
};

/*
 * cmd_where.c - mreg where, what: what runs where, asked both ways.
 */
#include "cli/commands.h"
#include "cli/index_use.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/places.h"
#include "mreg/json.h"

#define RESULT_MAX_BYTES (64u << 20)
#define SHOWN_BYTES 600

struct where_args {
	const char *ref;
	struct cli_index_use use;
};

static const struct cli_opt where_opts[] = {
	CLI_ARG(struct where_args, ref, "REF",
		"a version: NAME:v3; or NAME, for any of its versions"),
	CLI_INDEX_USE(struct where_args, use),
	CLI_END,
};

static const char *const where_examples[] = {
	"mreg where churn:v3",
	"mreg where churn",
	NULL,
};

struct what_args {
	const char *environment;
	struct cli_words names;
	struct cli_index_use use;
};

static const struct cli_opt what_opts[] = {
	CLI_ARG(struct what_args, environment, "ENV", "an environment: prod"),
	CLI_SOME(struct what_args, names, "NAME",
		 "models; else all of the place, as 'mreg ls' finds them"),
	CLI_INDEX_USE(struct what_args, use),
	CLI_END,
};

static const char *const what_examples[] = {
	"mreg what prod",
	"mreg what prod churn fraud",
	NULL,
};

static int print_lines(const struct mreg_deployments_result *r,
		       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < r->count; i++)
		rc = cli_put_row(&b, mreg_deployment_row_json(r, i), err);
	return rc < 0 ? rc : cli_print(&b, err);
}

static void put_row(struct cli_table *t, const struct mreg_deployment *d)
{
	MR_AUTO(mr_buf_release) struct mr_buf version = MR_BUF_INIT(200);
	char shown[SHOWN_BYTES];

	cli_put_version(&version, d->number, &d->version);
	cli_table_cell(t, "%s", d->name);
	cli_table_text(t, &version);
	cli_table_cell(t, "%s",
		       mr_text_safe(d->environment, shown, sizeof(shown)));
	cli_table_cell(t, "%s",
		       d->workload[0]
			       ? mr_text_safe(d->workload, shown, sizeof(shown))
			       : "-");
	cli_table_cell(t, "%s", mr_text_time(d->since_s, shown));
	cli_table_cell(t, "%s",
		       d->actor[0]
			       ? mr_text_safe(d->actor, shown, sizeof(shown))
			       : "-");
}

static int show(struct cli *cli, const struct mreg_deployments_result *r,
		struct mreg_error *err)
{
	static const char *const heads[] = { "MODEL",    "VERSION", "ENV",
					     "WORKLOAD", "SINCE",   "BY" };
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	struct cli_table *t = cli_table_new(heads, MR_COUNT(heads));
	size_t i;
	int rc;

	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++)
		put_row(t, &r->rows[i]);
	rc = cli_table_print(cli, t, &b, err);
	return rc < 0 ? rc : cli_print(&b, err);
}

void cli_warn_unread(const struct mreg_pair *items, size_t n)
{
	char name[SHOWN_BYTES];
	char why[SHOWN_BYTES];
	size_t i;

	for (i = 0; i < n; i++)
		(void)fprintf(stderr, "warning: '%s' is left out: %s\n",
			      mr_text_safe(items[i].name, name, sizeof(name)),
			      mr_text_safe(items[i].value, why, sizeof(why)));
}

static int report(struct cli *cli, const struct mreg_deployments_result *r,
		  struct mreg_error *err)
{
	int rc = 0;

	cli_tell_index(cli, r->synced_s);
	if (!cli->globals.json)
		cli_warn_unread(r->unread, r->unread_count);
	if (cli->globals.jsonl)
		return print_lines(r, err);
	if (cli->globals.json) {
		rc = cli_json(cli, mreg_deployments_result_json(r), err);
		return rc < 0 ? rc : 0;
	}
	if (r->count)
		return show(cli, r, err);
	if (!cli->globals.quiet)
		(void)fprintf(stderr, "nothing, by what the log says\n");
	return 0;
}

static int run_where(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct where_args *a = p;
	struct mreg_deployments_result res;
	int rc = cli_use_index(cli, &a->use, err);

	if (rc >= 0)
		rc = mreg_where(cli->mreg, a->ref, &res, err);
	if (rc < 0)
		return rc;
	rc = report(cli, &res, err);
	mreg_deployments_result_release(&res);
	return rc;
}

static int run_what(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct what_args *a = p;
	struct mreg_texts names = { .items = a->names.items, .n = a->names.n };
	struct mreg_deployments_result res;
	int rc = cli_use_index(cli, &a->use, err);

	if (rc >= 0)
		rc = mreg_what(cli->mreg, a->environment, &names, &res, err);
	if (rc < 0)
		return rc;
	rc = report(cli, &res, err);
	mreg_deployments_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_where = {
	.name = "where",
	.summary = "where a version runs",
	.opts = where_opts,
	.args_size = sizeof(struct where_args),
	.run = run_where,
	.examples = where_examples,
	.lists = true,
	.notes = "It is what was recorded with 'mreg deployed'.",
};

const struct cli_command cli_cmd_what = {
	.name = "what",
	.summary = "what runs in an environment",
	.opts = what_opts,
	.args_size = sizeof(struct what_args),
	.run = run_what,
	.examples = what_examples,
	.lists = true,
	.notes = "It is what was recorded with 'mreg deployed'. A model whose "
		 "log cannot be read is left out, and told.",
};

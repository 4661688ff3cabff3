/*
 * cmd_ls.c - mreg ls.
 */
#include "cli/commands.h"
#include "cli/index_use.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/json.h"
#include "mreg/list.h"

struct args {
	const char *name;
	bool archived;
	struct cli_index_use use;
};

static const struct cli_opt opts[] = {
	CLI_MAY(struct args, name, "NAME",
		"a model: its versions; without: the models"),
	CLI_BOOL('a', "archived", struct args, archived,
		 "versions that were archived, too"),
	CLI_INDEX_USE(struct args, use),
	CLI_END,
};

static const char *const examples[] = {
	"mreg ls",
	"mreg ls churn",
	"mreg ls churn --archived",
	"mreg ls --registry ghcr.io/acme/models",
	NULL,
};

static int show_models(struct cli *cli, const struct mreg_models_result *r,
		       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	size_t i;
	int rc = 0;

	if (cli->globals.json && !cli->globals.jsonl) {
		rc = cli_json(cli, mreg_models_result_json(r), err);
		return rc < 0 ? rc : 0;
	}
	for (i = 0; rc >= 0 && i < r->count; i++) {
		if (cli->globals.jsonl) {
			rc = cli_put_row(&b, mreg_model_row_json(r, i), err);
			continue;
		}
		cli_put(&b, r->names[i]);
		mr_buf_putc(&b, '\n');
	}
	if (!r->count && !cli->globals.quiet && !cli->globals.jsonl)
		(void)fprintf(stderr, "no models in %s yet\n", r->where);
	return rc < 0 ? rc : cli_print(&b, err);
}

static void put_tags(struct mr_buf *b, const struct mreg_version_row *row)
{
	size_t i;

	for (i = 0; i < row->tag_count; i++)
		mr_buf_printf(b, "%s%s", i ? " " : "", row->tags[i]);
	if (row->moved)
		mr_buf_puts(b, b->len ? " (MOVED)" : "(MOVED)");
	if (row->deprecated)
		mr_buf_puts(b, b->len ? " (DEPRECATED)" : "(DEPRECATED)");
}

static void put_metrics(struct mr_buf *b, const struct mreg_version_row *row)
{
	size_t i;

	for (i = 0; i < row->metric_count; i++)
		mr_buf_printf(b, "%s%s=%s", i ? " " : "", row->metrics[i].name,
			      row->metrics[i].value);
}

static void add_row(struct cli_table *t, const struct mreg_version_row *row)
{
	MR_AUTO(mr_buf_release) struct mr_buf tags = MR_BUF_INIT(1u << 20);
	MR_AUTO(mr_buf_release) struct mr_buf metrics = MR_BUF_INIT(1u << 20);
	char text[32];

	put_tags(&tags, row);
	put_metrics(&metrics, row);
	cli_table_cell(t, "v%" PRIu64, row->number);
	cli_table_cell(t, "%s", row->stage);
	cli_table_cell(
		t, "%s",
		row->registered_s
			? mr_text_age((int64_t)time(NULL) - row->registered_s,
				      text)
			: "-");
	cli_table_cell(t, "%s", row->actor[0] ? row->actor : "-");
	cli_table_cell(t, "%s", mr_text_size(row->bytes, text));
	cli_table_cell(t, "%s", cli_short_digest(&row->digest, text));
	if (!tags.len)
		mr_buf_puts(&tags, "-");
	cli_table_text(t, &tags);
	cli_table_text(t, &metrics);
}

/* That there is more than is shown. */
static void tell_hidden(struct cli *cli, const struct mreg_versions_result *r)
{
	if (r->hidden && !cli->globals.quiet)
		(void)fprintf(stderr,
			      "%" PRIu64 " archived version%s not shown: "
			      "--archived shows %s\n",
			      r->hidden, r->hidden == 1 ? " is" : "s are",
			      r->hidden == 1 ? "it" : "them");
}

static int show_versions(struct cli *cli, const struct mreg_versions_result *r,
			 struct mreg_error *err)
{
	static const char *const heads[] = { "VERSION", "STAGE",  "PUSHED",
					     "BY",      "SIZE",   "DIGEST",
					     "TAGS",    "METRICS" };
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	struct cli_table *t;
	size_t i;
	int rc = 0;

	if (cli->globals.json && !cli->globals.jsonl) {
		rc = cli_json(cli, mreg_versions_result_json(r), err);
		return rc < 0 ? rc : 0;
	}
	if (cli->globals.jsonl) {
		for (i = 0; rc >= 0 && i < r->count; i++)
			rc = cli_put_row(&b, mreg_version_row_json(r, i), err);
		return rc < 0 ? rc : cli_print(&b, err);
	}
	if (!r->count && !r->hidden && !cli->globals.quiet)
		(void)fprintf(stderr, "no versions of %s yet\n", r->name);
	if (!r->count) {
		tell_hidden(cli, r);
		return 0;
	}
	t = cli_table_new(heads, MR_COUNT(heads));
	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++)
		add_row(t, &r->rows[i]);
	rc = cli_table_print(cli, t, &b, err);
	if (rc >= 0)
		rc = cli_print(&b, err);
	if (rc >= 0)
		tell_hidden(cli, r);
	return rc;
}

/* HOST:PORT, which is read as NAME:TAG. */
static bool is_host(const char *text)
{
	const char *port = strchr(text, ':');

	return port && port[1] && !strchr(text, '/') &&
	       strspn(port + 1, "0123456789") == strlen(port + 1);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_versions_opts o = MREG_VERSIONS_OPTS_INIT;
	struct mreg_models_result models;
	struct mreg_versions_result versions;
	int rc = cli_use_index(cli, &a->use, err);

	if (rc < 0)
		return rc;
	if (!a->name) {
		rc = mreg_models(cli->mreg, NULL, &models, err);
		if (rc < 0)
			return rc;
		cli_tell_index(cli, models.synced_s);
		rc = show_models(cli, &models, err);
		mreg_models_result_release(&models);
		return rc;
	}
	o.archived = a->archived;
	rc = mreg_versions(cli->mreg, a->name, &o, &versions, err);
	if (rc == MREG_EUSAGE && is_host(a->name))
		return mr_hint(err,
			       "for the models of a registry: mreg ls "
			       "--registry %.100s",
			       a->name);
	if (rc < 0)
		return rc;
	cli_tell_index(cli, versions.synced_s);
	rc = show_versions(cli, &versions, err);
	mreg_versions_result_release(&versions);
	return rc;
}

const struct cli_command cli_cmd_ls = {
	.name = "ls",
	.summary = "list models, or the versions of one",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "When and by whom a version was pushed comes from the model's "
		 "log, and is '-' where another tool tagged it. STAGE is the "
		 "furthest of the policy's stages whose alias points at it. "
		 "MOVED marks a version whose tag somebody pointed at "
		 "something else, DEPRECATED one that should not be used any "
		 "more: 'mreg inspect' tells why. What 'mreg index sync' saw "
		 "less than the setting index.fresh ago, and this machine did "
		 "not write to since, is not asked of the registry again.",
	.lists = true,
};

/*
 * cmd_changelog.c - mreg changelog.
 */
#include "cli/commands.h"
#include "cli/inspect.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/names.h"
#include "mreg/changelog.h"
#include "mreg/json.h"

#define RESULT_MAX_BYTES (1u << 28)

struct args {
	const char *ref, *from, *to;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "NAME:ALIAS", "the alias: churn:production"),
	CLI_STR(0, "from", "POS", struct args, from,
		"v3, a digest, or a time; else what it had before"),
	CLI_STR(0, "to", "POS", struct args, to,
		"the same; else what it has now"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg changelog churn:production",
	"mreg changelog churn:production --from v3 --to v18",
	"mreg changelog churn:production --from 2026-05-03",
	NULL,
};

static void put_version(struct mr_buf *b, uint64_t number,
			const struct mreg_digest *d)
{
	char text[32];

	if (number)
		mr_buf_printf(b, "v%" PRIu64, number);
	else if (d->algorithm == MREG_DIGEST_NONE)
		mr_buf_puts(b, "removed");
	else
		mr_buf_puts(b, cli_short_digest(d, text));
}

static void put_head(struct cli *cli, const struct mreg_changelog_result *r,
		     struct mr_buf *b)
{
	cli_put_bold(cli, b, r->name);
	mr_buf_putc(b, ':');
	cli_put_bold(cli, b, r->alias);
	mr_buf_putc(b, ' ');
	put_version(b, r->from.number, &r->from.digest);
	mr_buf_puts(b, " -> ");
	put_version(b, r->to.number, &r->to.digest);
	mr_buf_puts(b, r->back ? ", back\n" : "\n");
}

static void put_actor(struct mr_buf *b, const char *actor)
{
	if (!actor[0])
		return;
	mr_buf_puts(b, " by ");
	cli_put(b, actor);
}

static void put_moves(struct mr_buf *b, const struct mreg_changelog_result *r)
{
	char text[32];
	size_t i;

	mr_buf_puts(b, r->move_count ? "moves\n" : "");
	for (i = 0; i < r->move_count; i++) {
		const struct mreg_changelog_move *m = &r->moves[i];

		mr_buf_printf(b, "  %s ", mr_text_time(m->time_s, text));
		put_version(b, m->number, &m->digest);
		put_actor(b, m->actor);
		mr_buf_puts(b, !m->by ? ", adopted"
			       : strcmp(m->by, "rollback") == 0
				       ? ", rolled back"
				       : "");
		if (m->reason) {
			mr_buf_puts(b, ": ");
			cli_put(b, m->reason);
		}
		mr_buf_putc(b, '\n');
	}
}

static void put_splits(struct mr_buf *b, const struct mreg_changelog_result *r)
{
	char text[32];
	size_t i;

	mr_buf_puts(b, r->split_count ? "splits\n" : "");
	for (i = 0; i < r->split_count; i++) {
		const struct mreg_split_row *row = &r->splits[i];

		mr_buf_printf(b, "  %s ", mr_text_time(row->time_s, text));
		if (row->part_count)
			cli_put_parts(b, row->parts, row->part_count);
		else
			mr_buf_puts(b, "none any more");
		put_actor(b, row->actor);
		if (row->reason) {
			mr_buf_puts(b, ": ");
			cli_put(b, row->reason);
		}
		mr_buf_putc(b, '\n');
	}
}

static void put_versions(struct mr_buf *b,
			 const struct mreg_changelog_result *r)
{
	char text[32];
	size_t i;

	if (r->version_count)
		mr_buf_puts(b, r->back ? "versions left behind\n"
				       : "versions since\n");
	for (i = 0; i < r->version_count; i++) {
		const struct mreg_changelog_version *v = &r->versions[i];

		mr_buf_printf(b, "  v%" PRIu64 " %s", v->number,
			      mr_text_time(v->time_s, text));
		put_actor(b, v->actor);
		if (v->run) {
			mr_buf_puts(b, ", run ");
			cli_put(b, v->run);
		}
		if (!v->had) {
			mr_buf_puts(b, ", not ");
			cli_put(b, r->alias);
		}
		mr_buf_puts(b, v->removed ? ", removed\n" : "\n");
	}
}

static void put_section(struct mr_buf *b, const char *title,
			const char *section,
			const struct mreg_changelog_result *r)
{
	bool first = true;
	size_t i;

	for (i = 0; i < r->field_count; i++) {
		if (strcmp(r->fields[i].section, section) != 0)
			continue;
		if (first)
			mr_buf_printf(b, "%s\n", title);
		first = false;
		cli_put_diff_field(b, &r->fields[i]);
	}
}

static void put_files(struct mr_buf *b, const struct mreg_changelog_result *r)
{
	if (!r->compared)
		return;
	mr_buf_printf(b,
		      "files: %" PRIu64 " added, %" PRIu64 " removed, %" PRIu64
		      " changed",
		      r->files_added, r->files_removed, r->files_changed);
	if (r->files_moved)
		mr_buf_printf(b, ", %" PRIu64 " moved", r->files_moved);
	mr_buf_printf(b, ", %" PRIu64 " the same\n", r->files_same);
}

static int show(struct cli *cli, const struct mreg_changelog_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);

	put_head(cli, r, &b);
	put_moves(&b, r);
	put_splits(&b, r);
	put_versions(&b, r);
	put_section(&b, "metrics", "metrics", r);
	put_section(&b, "data", "inputs", r);
	put_section(&b, "parents", "parents", r);
	put_section(&b, "metadata", "metadata", r);
	put_files(&b, r);
	return cli_print(&b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_changelog_opts o = MREG_CHANGELOG_OPTS_INIT;
	struct mreg_changelog_result res;
	int rc;

	o.from = a->from;
	o.to = a->to;
	rc = mreg_changelog(cli->mreg, a->ref, &o, &res, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		rc = cli_json(cli, mreg_changelog_result_json(&res), err);
	else
		rc = show(cli, &res, err);
	mreg_changelog_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_changelog = {
	.name = "changelog",
	.summary = "what changed about an alias between two positions",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "The moves of the alias from one to the other, the versions "
		 "numbered between, and how the two ends differ: metrics, "
		 "data, parents, licence, files; 'mreg diff' has the rest. "
		 "Without positions it is about the last move. A date is its "
		 "end, UTC.",
};

/*
 * cmd_split.c - mreg split.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/names.h"
#include "mreg/json.h"
#include "mreg/split.h"

#define RESULT_MAX_BYTES (1u << 28)
#define SHOWN_BYTES 256

struct args {
	const char *ref, *expect, *reason;
	struct cli_words weights, policies;
	bool end, history, dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, ref, "NAME:ALIAS", "the alias: churn:production"),
	CLI_SOME(struct args, weights, "VERSION=PERCENT",
		 "its shares: v7=90 v8=10; none: show what is"),
	CLI_BOOL(0, "end", struct args, end,
		 "all of it to the alias's own version again"),
	CLI_BOOL(0, "history", struct args, history,
		 "show what was, too, and what became of it"),
	CLI_STR('e', "expect", "DIGEST", struct args, expect,
		"only if the alias has this digest now"),
	CLI_STR(0, "reason", "TEXT", struct args, reason, "why, for the log"),
	CLI_LIST(0, "policy", "FILE", struct args, policies,
		 "with the rules of this file, too"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "ask the policy, write nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg split churn:production v7=90 v8=10",
	"mreg split churn:production v7=50 v8=50 --reason 'quiet so far'",
	"mreg split churn:production --history",
	"mreg split churn:production --end",
	NULL,
};

static void put_version(struct mr_buf *b, uint64_t number,
			const struct mreg_digest *d)
{
	char text[32];

	if (number)
		mr_buf_printf(b, "v%" PRIu64, number);
	else
		mr_buf_puts(b, cli_short_digest(d, text));
}

void cli_put_parts(struct mr_buf *b, const struct mreg_split_part *parts,
		   size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		mr_buf_puts(b, i ? " " : "");
		put_version(b, parts[i].number, &parts[i].digest);
		mr_buf_printf(b, "=%u", parts[i].weight);
	}
}

static void put_head(struct cli *cli, struct mr_buf *b,
		     const struct mreg_split_result *r)
{
	cli_put_bold(cli, b, r->name);
	mr_buf_putc(b, ':');
	cli_put_bold(cli, b, r->alias);
	if (!r->part_count && r->digest.algorithm == MREG_DIGEST_NONE) {
		mr_buf_puts(b, " is not split: it has nothing");
	} else if (!r->part_count) {
		mr_buf_puts(b, r->ended ? ": all of it goes to "
					: " is not split: ");
		put_version(b, r->number, &r->digest);
	}
	mr_buf_putc(b, '\n');
}

static void put_table(struct mr_buf *b, const struct mreg_split_result *r)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	for (i = 0; i < r->part_count; i++) {
		const struct mreg_split_part *part = &r->parts[i];

		mr_buf_printf(b, "  %2u %%  ", part->weight);
		if (part->number)
			mr_buf_printf(b, "v%" PRIu64 "  ", part->number);
		mr_buf_printf(b, "%s%s%s\n",
			      mreg_digest_text(&part->digest, text),
			      part->stable ? "  (the alias's own)" : "",
			      part->archived ? "  ARCHIVED" : "");
	}
}

static void put_since(struct mr_buf *b, const struct mreg_split_result *r)
{
	char shown[SHOWN_BYTES];

	mr_buf_printf(b, "  since %s",
		      mr_text_age((int64_t)time(NULL) - r->since_s, shown));
	if (r->actor[0]) {
		mr_buf_puts(b, " by ");
		cli_put(b, r->actor);
	}
	if (r->reason) {
		mr_buf_puts(b, ": ");
		cli_put(b, r->reason);
	}
	mr_buf_putc(b, '\n');
}

static void put_row(struct cli_table *t, const struct mreg_split_row *row)
{
	MR_AUTO(mr_buf_release) struct mr_buf parts = MR_BUF_INIT(1u << 12);
	MR_AUTO(mr_buf_release) struct mr_buf state = MR_BUF_INIT(1u << 16);
	char when[32];
	char shown[SHOWN_BYTES];

	cli_table_cell(t, "%s", mr_text_time(row->time_s, when));
	(void)mr_text_safe(row->actor[0] ? row->actor : "-", shown,
			   sizeof(shown));
	cli_table_cell(t, "%s", shown);
	cli_put_parts(&parts, row->parts, row->part_count);
	if (!row->part_count)
		mr_buf_puts(&parts, "-");
	cli_table_text(t, &parts);
	mr_buf_puts(&state, strcmp(row->state, "in_force") == 0 ? "in force"
								: row->state);
	if (row->why) {
		mr_buf_puts(&state,
			    strcmp(row->state, "ended") == 0 ? " by " : ": ");
		cli_put(&state, row->why);
	}
	if (row->reason) {
		mr_buf_puts(&state, " (");
		cli_put(&state, row->reason);
		mr_buf_putc(&state, ')');
	}
	cli_table_text(t, &state);
}

static int put_history(struct cli *cli, struct mr_buf *b,
		       const struct mreg_split_result *r,
		       struct mreg_error *err)
{
	static const char *const heads[] = { "WHEN", "BY", "SHARES", "STATE" };
	struct cli_table *t;
	size_t i;

	if (!r->row_count)
		return 0;
	t = cli_table_new(heads, MR_COUNT(heads));
	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->row_count; i++)
		put_row(t, &r->rows[i]);
	mr_buf_putc(b, '\n');
	return cli_table_print(cli, t, b, err);
}

/* What is. */
static int show(struct cli *cli, const struct mreg_split_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_split_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	put_head(cli, &b, r);
	put_table(&b, r);
	if (r->part_count)
		put_since(&b, r);
	if (r->differs)
		mr_buf_printf(&b,
			      "  %s: the tag is not what the log says ('mreg "
			      "alias ls' tells more)\n",
			      r->differs);
	rc = put_history(cli, &b, r, err);
	return rc < 0 ? rc : cli_print(&b, err);
}

/* What was asked: a share that nobody judged must not look like another. */
static void put_verdict(struct mr_buf *b, const struct mreg_split_result *r)
{
	if (!r->judged)
		mr_buf_puts(b, "  no gate was asked: no policy is in force\n");
	else if (!r->gated)
		mr_buf_puts(b, "  passes the policy; the alias has no gate\n");
	else
		mr_buf_puts(b, "  passes the policy and the gates of the "
			       "alias\n");
}

/* What was changed. */
static int tell(struct cli *cli, const struct mreg_split_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	int rc = cli_json(
		cli, cli->globals.json ? mreg_split_result_json(r) : NULL, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!r->changed)
		mr_buf_puts(&b, "unchanged: ");
	else if (r->ended)
		mr_buf_puts(&b, r->dry_run ? "would end the split of "
					   : "ended the split of ");
	else
		mr_buf_puts(&b, r->dry_run ? "would split " : "split ");
	put_head(cli, &b, r);
	put_table(&b, r);
	if (r->changed && !r->ended)
		put_verdict(&b, r);
	return cli_report(cli, &b, err);
}

static int check(const struct args *a, struct mreg_error *err)
{
	bool writes = a->end || a->weights.n;

	if (a->end && a->weights.n)
		return mr_fail(err, MREG_EUSAGE,
			       "--end and shares exclude each other");
	if (writes && a->history)
		return mr_fail(err, MREG_EUSAGE,
			       "--history shows, and changes nothing");
	if (writes || !(a->expect || a->reason || a->policies.n || a->dry_run))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "nothing is to be changed");
	return mr_hint(err, "name the shares, such as v7=90 v8=10, or --end");
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_split_opts o = MREG_SPLIT_OPTS_INIT;
	bool writes = a->end || a->weights.n;
	struct mreg_split_result res;
	int rc = check(a, err);

	if (rc < 0)
		return rc;
	o.weights.items = a->weights.items;
	o.weights.n = a->weights.n;
	o.expect = a->expect;
	o.reason = a->reason;
	o.policies.items = a->policies.items;
	o.policies.n = a->policies.n;
	o.dry_run = a->dry_run;
	rc = writes ? mreg_split(cli->mreg, a->ref, &o, &res, err)
		    : mreg_split_show(cli->mreg, a->ref, a->history, &res, err);
	if (rc < 0)
		return rc;
	rc = writes ? tell(cli, &res, err) : show(cli, &res, err);
	mreg_split_result_release(&res);
	return rc;
}

const struct cli_command cli_cmd_split = {
	.name = "split",
	.summary = "share an alias's traffic among versions: a canary",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes =
		"2 to 16 versions, by v<N>, release name or digest, with whole "
		"per cent that come to 100; what the alias has is one of them. "
		"The others are judged as 'mreg promote' would (exit status "
		"7). It is an event in the log, with who, when and why: the "
		"alias and its tag stay where they are, so 'pull' and "
		"'resolve' give its own version, and whoever routes requests "
		"reads the shares.\n\n"
		"A split is in force until the alias is moved, wherever to: "
		"'mreg promote NAME:v8 production' completes it, 'mreg "
		"rollback NAME:production' undoes it, and the alias stays "
		"where it is. Another split replaces it, --end ends it. Of a "
		"move and a split of the same moment the move counts.\n\n"
		"A version that has a share is in use: 'mreg archive' refuses "
		"it, and 'mreg gc' keeps it.",
};

/*
 * cmd_gc.c - mreg gc.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/gc.h"
#include "mreg/json.h"

#define SHOWN_BYTES 100

struct args {
	const char *name, *older, *reason;
	struct cli_words keep, policies;
	bool apply, dry_run, incomplete_log;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, name, "NAME", "a model"),
	CLI_BOOL(0, "apply", struct args, apply,
		 "carry the plan out, after it was printed"),
	CLI_BOOL('n', "dry-run", struct args, dry_run,
		 "print the plan alone, as without --apply"),
	CLI_STR(0, "older", "TIME", struct args, older,
		"keep what is younger: 12h, 180d, 52w"),
	CLI_LIST(0, "keep", "VERSION", struct args, keep,
		 "do not take it: v3, or a digest"),
	CLI_STR(0, "reason", "TEXT", struct args, reason, "why, for the log"),
	CLI_LIST(0, "policy", "FILE", struct args, policies, "further rules"),
	CLI_BOOL(0, "incomplete-log", struct args, incomplete_log,
		 "remove also where entries of the log are missing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg gc churn",
	"mreg gc churn --apply --reason 'yearly cleaning'",
	NULL,
};

static const char *action_of(const struct mreg_gc_result *r,
			     const struct mreg_gc_row *row)
{
	switch (row->action) {
	case MREG_GC_ARCHIVE:
		return row->done    ? "archived"
		       : r->applied ? "not archived"
				    : "archive";
	case MREG_GC_REMOVE:
		return row->done    ? "removed"
		       : r->applied ? "not removed"
				    : "remove";
	default:
		return "keep";
	}
}

static int put_rows(struct cli *cli, const struct mreg_gc_result *r,
		    struct mr_buf *b, struct mreg_error *err)
{
	static const char *const heads[] = { "VERSION", "DIGEST", "SIZE",
					     "PLAN", "WHY" };
	struct cli_table *t = cli_table_new(heads, MR_COUNT(heads));
	char text[32];
	size_t i;

	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++) {
		const struct mreg_gc_row *row = &r->rows[i];

		if (row->number)
			cli_table_cell(t, "v%" PRIu64, row->number);
		else
			cli_table_cell(t, "-");
		cli_table_cell(t, "%s", cli_short_digest(&row->digest, text));
		cli_table_cell(t, "%s", mr_text_size(row->bytes, text));
		cli_table_cell(t, "%s", action_of(r, row));
		cli_table_cell(t, "%s", row->why);
	}
	return cli_table_print(cli, t, b, err);
}

static void put_sums(const struct mreg_gc_result *r, struct mr_buf *b)
{
	char text[32];

	mr_buf_printf(b, "%s %s", mr_text_size(r->freed, text),
		      r->applied ? "freed" : "would be freed");
	if (!r->at_once)
		mr_buf_puts(b, ", once what nothing names is collected");
	mr_buf_putc(b, '\n');
	if (r->loose)
		mr_buf_printf(b, "%s in %" PRIu64 " blob%s %s\n",
			      mr_text_size(r->loose_bytes, text), r->loose,
			      r->loose == 1 ? "" : "s",
			      r->applied ? "removed from the store"
					 : "that nothing names any more");
	mr_buf_puts(b, "other repositories were not looked at\n");
}

static int show(struct cli *cli, const struct mreg_gc_result *r,
		struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	int rc = put_rows(cli, r, &b, err);

	if (rc < 0)
		return rc;
	put_sums(r, &b);
	return cli_print(&b, err);
}

/* What was carried out, and what was not. */
static int show_done(struct cli *cli, const struct mreg_gc_result *r,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 28);
	char text[32];
	size_t i;

	for (i = 0; i < r->count; i++) {
		const struct mreg_gc_row *row = &r->rows[i];

		if (!row->done)
			continue;
		mr_buf_printf(&b, "%s ", action_of(r, row));
		if (row->number)
			mr_buf_printf(&b, "v%" PRIu64 " ", row->number);
		mr_buf_printf(&b, "%s\n", cli_short_digest(&row->digest, text));
	}
	put_sums(r, &b);
	return cli_report(cli, &b, err);
}

/* The digests that a plan takes; `*out` is the caller's, each too. */
static int take_digests(const struct mreg_gc_result *plan, char ***out,
			size_t *n, struct mreg_error *err)
{
	char **items = mr_array(plan->count + 1, sizeof(*items));
	char text[MREG_DIGEST_TEXT];
	size_t i;

	*out = items;
	*n = 0;
	if (!items)
		return mr_fail_nomem(err);
	for (i = 0; i < plan->count; i++) {
		if (plan->rows[i].action == MREG_GC_KEEP)
			continue;
		items[*n] = mr_strdup(
			mreg_digest_text(&plan->rows[i].digest, text));
		if (!items[*n])
			return mr_fail_nomem(err);
		(*n)++;
	}
	return 0;
}

/* Print the plan, then carry out that and nothing more. */
static int run_shown(struct cli *cli, const struct args *a,
		     struct mreg_gc_opts *o, struct mreg_error *err)
{
	struct mreg_gc_result res;
	bool apply = o->apply;
	char **digests = NULL;
	size_t n = 0;
	int rc;

	o->apply = false;
	rc = mreg_gc(cli->mreg, a->name, o, &res, err);
	if (rc < 0)
		return rc;
	rc = show(cli, &res, err);
	if (rc >= 0 && apply)
		rc = take_digests(&res, &digests, &n, err);
	mreg_gc_result_release(&res);
	if (rc >= 0 && apply) {
		o->apply = true;
		o->only = (struct mreg_texts){
			.items = (const char *const *)digests, .n = n
		};
		rc = mreg_gc(cli->mreg, a->name, o, &res, err);
		if (rc >= 0) {
			rc = show_done(cli, &res, err);
			mreg_gc_result_release(&res);
		}
	}
	while (digests && n > 0)
		mr_release(digests[--n]);
	mr_release(digests);
	return rc;
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_gc_opts o = MREG_GC_OPTS_INIT;
	struct mreg_gc_result res;
	char shown[SHOWN_BYTES];
	int rc;

	if (a->older && mr_text_span_parse(a->older, &o.older_s) < 0) {
		(void)mr_fail(err, MREG_EUSAGE, "'%s' is no length of time",
			      mr_text_safe(a->older, shown, sizeof(shown)));
		return mr_hint(err, "write 12h, 180d or 52w");
	}
	o.apply = a->apply && !a->dry_run;
	o.reason = a->reason;
	o.incomplete_log = a->incomplete_log;
	o.keep = (struct mreg_texts){ .items = a->keep.items, .n = a->keep.n };
	o.policies = (struct mreg_texts){ .items = a->policies.items,
					  .n = a->policies.n };
	if (!cli->globals.json)
		return run_shown(cli, a, &o, err);
	rc = mreg_gc(cli->mreg, a->name, &o, &res, err);
	if (rc < 0)
		return rc;
	rc = cli_json(cli, mreg_gc_result_json(&res), err);
	mreg_gc_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_gc = {
	.name = "gc",
	.summary = "remove for good what a model does not need any more",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.notes = "Without --apply it only prints the plan. A version goes when "
		 "it was archived for longer than the policy's retention (90 "
		 "days), and then only if no alias has it or had it within "
		 "that time, nothing runs it, no other version refers to it, "
		 "it has no release name and the policy does not hold it; the "
		 "highest version stays. What the policy wants archived is "
		 "archived. Unfinished pushes go after a day. Each removal is "
		 "written into the log before; one that was interrupted is "
		 "completed by the next 'mreg gc --apply'. Nothing is removed "
		 "where the registry deletes nothing (exit status 9) or where "
		 "the log is not whole (6): what it lacks may tell of a use. "
		 "References from other repositories are not known: name such "
		 "versions with --keep.",
};

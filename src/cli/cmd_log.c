/*
 * cmd_log.c - mreg log.
 */
#include "cli/commands.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "mreg/json.h"
#include "mreg/log.h"

#define RESULT_MAX_BYTES (1u << 30)
#define EXIT_FLAWED 6 /* what is there is not what it should be */
#define SHOWN_BYTES 200

struct args {
	const char *name, *about, *kind, *at, *against;
	unsigned int limit;
	bool verify, adopt, dry_run;
};

static const struct cli_opt opts[] = {
	CLI_ARG(struct args, name, "NAME", "a model"),
	CLI_STR('a', "alias", "ALIAS", struct args, about,
		"only of this alias: production"),
	CLI_STR(0, "about", "TAG", struct args, about,
		"the same, of a version too: v3, a digest"),
	CLI_STR('k', "kind", "KIND", struct args, kind,
		"only of this kind: alias_moved (spec/events.md)"),
	CLI_STR(0, "at", "TIME", struct args, at,
		"what was so then: 2026-05-03 (its end), or RFC 3339"),
	CLI_UINT('n', "limit", "N", struct args, limit,
		 "the newest N; else all"),
	CLI_BOOL(0, "verify", struct args, verify,
		 "read every event anew and see whether all are whole"),
	CLI_STR(0, "against", "DIGEST", struct args, against,
		"the same; and this event has to be there (a head of before)"),
	CLI_BOOL(0, "adopt", struct args, adopt,
		 "take aliases moved without mreg into the history"),
	CLI_BOOL(0, "dry-run", struct args, dry_run,
		 "with --adopt: tell which, write nothing"),
	CLI_END,
};

static const char *const examples[] = {
	"mreg log churn",
	"mreg log churn --alias production --limit 5",
	"mreg log churn --at 2026-05-03",
	"mreg log churn --verify",
	NULL,
};

static int print_lines(const struct mreg_log_result *r, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	size_t i;

	for (i = 0; i < r->count; i++) {
		MR_AUTO(mr_free) char *row = mreg_log_row_json(r, i);

		if (!row)
			return mr_fail_nomem(err);
		mr_buf_puts(&b, row);
		mr_buf_putc(&b, '\n');
	}
	return cli_print(&b, err);
}

/* "alias moved" for "alias_moved". */
static const char *words_of(const char *kind, char out[SHOWN_BYTES])
{
	char *at = out;

	(void)mr_text_safe(kind, out, SHOWN_BYTES);
	while ((at = strchr(at, '_')))
		*at = ' ';
	return out;
}

static int put_events(struct cli *cli, const struct mreg_log_result *r,
		      struct mr_buf *b, struct mreg_error *err)
{
	static const char *const heads[] = { "#", "WHEN", "WHO", "WHAT", "" };
	struct cli_table *t = cli_table_new(heads, MR_COUNT(heads));
	char shown[SHOWN_BYTES];
	char when[32];
	size_t i;

	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++) {
		const struct mreg_log_row *row = &r->rows[i];

		cli_table_cell(t, "%" PRIu64, row->seq);
		cli_table_cell(t, "%s", mr_text_time(row->time_s, when));
		cli_table_cell(t, "%s",
			       row->actor[0] ? mr_text_safe(row->actor, shown,
							    sizeof(shown))
					     : "-");
		cli_table_cell(t, "%s", words_of(row->kind, shown));
		cli_table_cell(t, "%s", row->says);
	}
	return cli_table_print(cli, t, b, err);
}

static int put_aliases(struct cli *cli, const struct mreg_log_result *r,
		       struct mr_buf *b, struct mreg_error *err)
{
	static const char *const heads[] = { "ALIAS", "VERSION", "SINCE", "BY",
					     "" };
	struct cli_table *t;
	char shown[SHOWN_BYTES];
	char when[32];
	size_t i;

	if (!r->alias_count)
		return 0;
	t = cli_table_new(heads, MR_COUNT(heads));
	if (!t)
		return mr_fail_nomem(err);
	for (i = 0; i < r->alias_count; i++) {
		const struct mreg_log_alias *a = &r->aliases[i];

		cli_table_cell(t, "%s", a->alias);
		if (a->number)
			cli_table_cell(t, "v%" PRIu64, a->number);
		else
			cli_table_cell(t, "%s",
				       cli_short_digest(&a->digest, shown));
		cli_table_cell(t, "%s", mr_text_time(a->since_s, when));
		cli_table_cell(t, "%s",
			       mr_text_safe(a->actor, shown, sizeof(shown)));
		cli_table_cell(t, "%s", a->differs ? a->differs : "");
	}
	mr_buf_putc(b, '\n');
	return cli_table_print(cli, t, b, err);
}

static void put_verdict(struct cli *cli, const struct args *a,
			const struct mreg_log_result *r, struct mr_buf *b)
{
	size_t i;

	if (!a->verify && !a->against)
		return;
	if (r->verified) {
		mr_buf_printf(b,
			      "\nwhole: %" PRIu64 " events, each follows "
			      "those before it\n",
			      r->events);
		return;
	}
	cli->exit_code = EXIT_FLAWED;
	mr_buf_printf(b, "\nNOT WHOLE: %zu flaw%s, the first first\n",
		      r->flaw_count, r->flaw_count == 1 ? "" : "s");
	for (i = 0; i < r->flaw_count; i++)
		mr_buf_printf(b, "  %s: %s\n", r->flaws[i].what,
			      r->flaws[i].problem);
}

static void put_adopted(const struct args *a, const struct mreg_log_result *r,
			struct mr_buf *b)
{
	size_t i;

	if (!a->adopt)
		return;
	mr_buf_puts(b, r->dry_run ? "\nwould adopt:" : "\nadopted:");
	for (i = 0; i < r->adopted_count; i++)
		mr_buf_printf(b, " %s", r->adopted[i]);
	mr_buf_puts(b, r->adopted_count ? "\n" : " nothing\n");
}

static int show(struct cli *cli, const struct args *a,
		const struct mreg_log_result *r, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(RESULT_MAX_BYTES);
	int rc = put_events(cli, r, &b, err);

	if (rc >= 0)
		rc = put_aliases(cli, r, &b, err);
	if (rc < 0)
		return rc;
	put_verdict(cli, a, r, &b);
	put_adopted(a, r, &b);
	return cli_print(&b, err);
}

static int run(struct cli *cli, const void *p, struct mreg_error *err)
{
	const struct args *a = p;
	struct mreg_log_opts o = MREG_LOG_OPTS_INIT;
	struct mreg_log_result res;
	int rc;

	o.about = a->about;
	o.kind = a->kind;
	o.at = a->at;
	o.limit = a->limit;
	o.verify = a->verify;
	o.against = a->against;
	o.adopt = a->adopt;
	o.dry_run = a->dry_run;
	rc = mreg_log(cli->mreg, a->name, &o, &res, err);
	if (rc < 0)
		return rc;
	if ((a->verify || a->against) && !res.verified)
		cli->exit_code = EXIT_FLAWED;
	if (cli->globals.jsonl)
		rc = print_lines(&res, err);
	else if (cli->globals.json)
		rc = cli_json(cli, mreg_log_result_json(&res), err);
	else
		rc = show(cli, a, &res, err);
	mreg_log_result_release(&res);
	return rc < 0 ? rc : 0;
}

const struct cli_command cli_cmd_log = {
	.name = "log",
	.summary = "what happened to a model, by whom, when",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
	.examples = examples,
	.lists = true,
	.notes = "Who did it is what its writer said: a record, not a proof. "
		 "--verify ends with status 6 when an event was changed, "
		 "removed or put out of order. That the newest ones were "
		 "removed only a digest can tell that was remembered "
		 "(--against; --json prints the heads).",
};

/*
 * page_log.c - what happened to a model, on a page: aliases, approvals, places,
 * incidents, what monitoring saw, and the log.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "report/page.h"

static void put_who(struct mr_sheet *s, const char *actor, const char *source)
{
	if (!actor || !actor[0])
		mr_page_own(&s->page, "not told");
	else if (source)
		mr_tell_printf(s, "%s (%s)", actor, source);
	else
		mr_page_cell(&s->page, actor);
}

static bool missing(struct mr_sheet *s, const void *section)
{
	if (!section)
		mr_page_words(&s->page, "Could not be read.");
	return !section;
}

static bool none(struct mr_sheet *s, size_t n)
{
	if (!n)
		mr_page_words(&s->page, "None.");
	return !n;
}

/* -- aliases --------------------------------------------------------------- */

/* That the log knows nothing of. */
static bool is_unrecorded(const struct mreg_log_result *log,
			  const struct mreg_alias_row *a)
{
	size_t i;

	if (a->release || !a->differs)
		return false;
	for (i = 0; i < log->alias_count; i++)
		if (strcmp(log->aliases[i].alias, a->alias) == 0)
			return false;
	return true;
}

static size_t count_unrecorded(const struct mreg_report_result *r)
{
	size_t n = 0;
	size_t i;

	for (i = 0; r->aliases && i < r->aliases->count; i++)
		n += is_unrecorded(r->log, &r->aliases->rows[i]);
	return n;
}

static void put_unrecorded(struct mr_sheet *s,
			   const struct mreg_report_result *r)
{
	size_t i;

	for (i = 0; r->aliases && i < r->aliases->count; i++) {
		const struct mreg_alias_row *a = &r->aliases->rows[i];

		if (!is_unrecorded(r->log, a))
			continue;
		mr_page_cell(&s->page, a->alias);
		mr_tell_version(s, a->number);
		mr_tell_digest(s, &a->digest);
		mr_page_own(&s->page, "");
		mr_page_own(&s->page, "nobody known");
		mr_page_own(&s->page, a->differs);
	}
}

/* What an index remembers says nothing of tags. */
static const char *tag_says(const struct mreg_report_result *r,
			    const struct mreg_log_alias *a)
{
	if (!r->live)
		return "was not looked at";
	return a->differs ? a->differs : "agrees";
}

static void put_aliases(struct mr_sheet *s, const struct mreg_report_result *r)
{
	static const char *const heads[] = { "Alias", "Version", "Digest",
					     "Since", "By",      "Its tag" };
	const struct mreg_log_result *log = r->log;
	size_t i;

	mr_page_heading(&s->page, 2, "Aliases", NULL);
	if (none(s, log->alias_count + count_unrecorded(r)))
		return;
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < log->alias_count; i++) {
		const struct mreg_log_alias *a = &log->aliases[i];

		mr_page_cell(&s->page, a->alias);
		mr_tell_version(s, a->number);
		mr_tell_digest(s, &a->digest);
		mr_tell_time(s, a->since_s);
		put_who(s, a->actor, NULL);
		mr_page_own(&s->page, tag_says(r, a));
	}
	put_unrecorded(s, r);
	mr_page_table_end(&s->page);
}

static void put_moves(struct mr_sheet *s, const struct mreg_report_result *r)
{
	static const char *const heads[] = { "When", "Who",    "Alias",
					     "From", "To",     "By",
					     "Why",  "Policy", "Event" };
	size_t i;

	mr_page_heading(&s->page, 2, "Alias history", NULL);
	if (none(s, r->move_count))
		return;
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < r->move_count; i++) {
		const struct mreg_report_move *m = &r->moves[i];

		mr_tell_time(s, m->time_s);
		put_who(s, m->actor, m->actor_source);
		mr_page_cell(&s->page, m->alias);
		if (m->was_number)
			mr_tell_version(s, m->was_number);
		else
			mr_tell_digest(s, &m->was);
		if (m->number)
			mr_tell_version(s, m->number);
		else if (mr_digest_known(&m->digest))
			mr_tell_digest(s, &m->digest);
		else
			mr_page_own(&s->page, "removed");
		if (m->by)
			mr_page_cell(&s->page, m->by);
		else
			mr_page_own(&s->page, "moved without mreg, adopted");
		mr_page_cell(&s->page, m->reason);
		mr_page_cell(&s->page, m->policy);
		mr_tell_digest(s, &m->event);
	}
	mr_page_table_end(&s->page);
}

/* -- approvals ------------------------------------------------------------- */

static void put_answers(struct mr_sheet *s, const struct mreg_approval_row *row)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(64u << 10);
	char text[32];
	size_t i;

	for (i = 0; i < row->answer_count; i++) {
		const struct mreg_approval_answer *a = &row->answers[i];

		mr_buf_printf(&b, "%s%s by %s", i ? "; " : "",
			      a->granted ? "granted" : "refused",
			      a->by[0] ? a->by : "nobody known");
		if (a->role)
			mr_buf_printf(&b, " as %s", a->role);
		mr_buf_printf(&b, " at %s", mr_text_time(a->time_s, text));
		if (a->reason)
			mr_buf_printf(&b, ": %s", a->reason);
		if (a->uncounted)
			mr_buf_printf(&b, " (does not count: %s)",
				      a->uncounted);
	}
	mr_page_cell(&s->page, mr_buf_text(&b));
}

static void put_approvals(struct mr_sheet *s,
			  const struct mreg_approvals_result *all)
{
	static const char *const heads[] = { "Asked", "By",      "Alias",
					     "For",   "State",   "Until",
					     "Took",  "Answers", "Event" };
	size_t i;

	mr_page_heading(&s->page, 2, "Approvals", NULL);
	if (missing(s, all) || none(s, all->count))
		return;
	mr_page_words(&s->page, "An approval that is not signed is a record of "
				"what its writer said, not a proof.");
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < all->count; i++) {
		const struct mreg_approval_row *row = &all->rows[i];

		mr_tell_time(s, row->asked_s);
		put_who(s, row->by, row->source);
		mr_page_cell(&s->page, row->alias);
		mr_tell_version(s, row->number);
		mr_page_own(&s->page, row->state);
		mr_tell_time(s, row->until_s);
		mr_tell_span(s, row->answered_after_s);
		put_answers(s, row);
		mr_tell_digest(s, &row->request);
	}
	mr_page_table_end(&s->page);
	if (all->median_answered_s >= 0) {
		char text[32];

		mr_page_own_fact(&s->page, "Median time to the last answer",
				 mr_text_span(all->median_answered_s, text));
	}
}

/* -- use ------------------------------------------------------------------- */

static void put_deployments(struct mr_sheet *s,
			    const struct mreg_deployments_result *all)
{
	static const char *const heads[] = { "Environment", "Workload",
					     "Version",     "Digest",
					     "Since",       "By" };
	size_t i;

	mr_page_heading(&s->page, 2, "Deployments", NULL);
	if (missing(s, all) || none(s, all->count))
		return;
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < all->count; i++) {
		const struct mreg_deployment *d = &all->rows[i];

		mr_page_cell(&s->page, d->environment);
		mr_page_cell(&s->page, d->workload);
		mr_tell_version(s, d->number);
		mr_tell_digest(s, &d->version);
		mr_tell_time(s, d->since_s);
		put_who(s, d->actor, NULL);
	}
	mr_page_table_end(&s->page);
}

static void put_incidents(struct mr_sheet *s,
			  const struct mreg_incidents_result *all)
{
	static const char *const heads[] = { "Opened", "By",       "Version",
					     "What",   "Severity", "Where",
					     "Closed", "By",       "Outcome",
					     "Event" };
	size_t i;

	mr_page_heading(&s->page, 2, "Incidents", NULL);
	if (missing(s, all) || none(s, all->count))
		return;
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < all->count; i++) {
		const struct mreg_incident_row *row = &all->rows[i];

		mr_tell_time(s, row->time_s);
		put_who(s, row->actor, NULL);
		mr_tell_version(s, row->number);
		mr_page_cell(&s->page, row->title);
		mr_page_cell(&s->page, row->severity);
		mr_page_cell(&s->page, row->environment);
		if (row->closed_s)
			mr_tell_time(s, row->closed_s);
		else
			mr_page_own(&s->page, "open");
		mr_page_cell(&s->page, row->closed_by);
		mr_page_cell(&s->page, row->outcome);
		mr_tell_digest(s, &row->event);
	}
	mr_page_table_end(&s->page);
}

/* -- the log --------------------------------------------------------------- */

static void put_rows(struct mr_sheet *s, const struct mreg_log_result *log,
		     const char *const *kinds)
{
	static const char *const heads[] = { "Seq",     "When", "Who",  "Kind",
					     "Version", "What", "Event" };
	size_t i, k;

	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < log->count; i++) {
		const struct mreg_log_row *row = &log->rows[i];
		bool wanted = !kinds;

		for (k = 0; kinds && kinds[k]; k++)
			wanted = wanted || strcmp(kinds[k], row->kind) == 0;
		if (!wanted)
			continue;
		mr_tell_number(s, row->seq);
		mr_tell_time(s, row->time_s);
		put_who(s, row->actor, row->actor_source);
		mr_page_cell(&s->page, row->kind);
		mr_tell_version(s, row->number);
		mr_page_cell(&s->page, row->says);
		mr_tell_digest(s, &row->digest);
	}
	mr_page_table_end(&s->page);
}

static size_t count_kinds(const struct mreg_log_result *log,
			  const char *const *kinds)
{
	size_t n = 0;
	size_t i, k;

	for (i = 0; i < log->count; i++)
		for (k = 0; kinds[k]; k++)
			n += strcmp(kinds[k], log->rows[i].kind) == 0;
	return n;
}

static void put_some(struct mr_sheet *s, const struct mreg_log_result *log,
		     const char *title, const char *const *kinds)
{
	mr_page_heading(&s->page, 2, title, NULL);
	if (!none(s, count_kinds(log, kinds)))
		put_rows(s, log, kinds);
}

static void put_flaws(struct mr_sheet *s, const struct mreg_log_result *log)
{
	static const char *const heads[] = { "What", "Seq", "Event",
					     "Problem" };
	size_t i;

	if (!log->flaw_count)
		return;
	mr_page_heading(&s->page, 3, "Flaws of the log", NULL);
	mr_page_table(&s->page, heads, MR_COUNT(heads));
	for (i = 0; i < log->flaw_count; i++) {
		mr_page_own(&s->page, log->flaws[i].what);
		mr_tell_number(s, log->flaws[i].seq);
		mr_tell_digest(s, &log->flaws[i].digest);
		mr_page_cell(&s->page, log->flaws[i].problem);
	}
	mr_page_table_end(&s->page);
}

static void put_log(struct mr_sheet *s, const struct mreg_log_result *log)
{
	char text[MREG_DIGEST_TEXT];
	size_t i;

	mr_page_heading(&s->page, 2, "Log", NULL);
	mr_page_words(&s->page, "Who did it is what its writer said: a record, "
				"not a proof. A head is to be kept: with it "
				"'mreg log --against' tells whether the newest "
				"events were removed.");
	for (i = 0; i < log->head_count; i++)
		mr_page_own_fact(&s->page, "Head",
				 mreg_digest_text(&log->heads[i], text));
	put_flaws(s, log);
	if (!none(s, log->count))
		put_rows(s, log, NULL);
}

void mr_sheet_history(struct mr_sheet *s, const struct mreg_report_result *r)
{
	static const char *const seen[] = { "observed", "retrain_due", NULL };
	static const char *const gone[] = { "deprecated", "archived",
					    "restored", "removed", NULL };

	put_aliases(s, r);
	put_moves(s, r);
	put_approvals(s, r->approvals);
	put_deployments(s, r->deployments);
	put_incidents(s, r->incidents);
	put_some(s, r->log, "Observations", seen);
	put_some(s, r->log, "Out of use", gone);
	put_log(s, r->log);
}

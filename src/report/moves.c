/*
 * moves.c - where aliases went, out of the rows of a log; and what a report
 * leaves out that begins later.
 */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "report/report.h"

static bool is_move(const struct mreg_log_row *row)
{
	return strcmp(row->kind, "alias_moved") == 0 ||
	       strcmp(row->kind, "tag_adopted") == 0;
}

static uint64_t number_of(const struct mreg_log_result *log,
			  const struct mreg_digest *d)
{
	size_t i;

	if (d->algorithm == MREG_DIGEST_NONE)
		return 0;
	for (i = 0; i < log->count; i++)
		if (log->rows[i].number &&
		    mreg_digest_equal(&log->rows[i].version, d))
			return log->rows[i].number;
	return 0;
}

static const char *text_of(struct mr_report *r, const json_t *event,
			   const char *key)
{
	const char *s = json_string_value(json_object_get(event, key));

	return s ? mr_arena_strdup(r->a, s) : NULL;
}

/* What the event's own words have beyond the row. */
static int take_move(struct mr_report *r, const struct mreg_log_row *row,
		     struct mreg_report_move *to, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *event = NULL;
	const char *was;
	int rc = mr_json_parse(row->document, strlen(row->document),
			       MR_EVENT_MAX_BYTES, "event", &event, err);

	if (rc < 0)
		return rc;
	*to = (struct mreg_report_move){
		.event = row->digest,
		.alias = text_of(r, event, "alias"),
		.digest = row->version,
		.number = row->number,
		.by = text_of(r, event, "by"),
		.reason = text_of(r, event, "reason"),
		.policy = text_of(r, event, "policy"),
		.time_s = row->time_s,
		.actor = row->actor,
		.actor_source = row->actor_source,
	};
	was = text_of(r, event, "was");
	if (was && mreg_digest_parse(was, &to->was, NULL) == 0)
		to->was_number = number_of(r->out->log, &to->was);
	return 0;
}

/* Of one version those to it and away from it. */
static bool is_told(const struct mr_report *r,
		    const struct mreg_report_move *move)
{
	return !r->one || mreg_digest_equal(&move->digest, &r->version) ||
	       mreg_digest_equal(&move->was, &r->version);
}

/* The first event that is not older; 0: since ever. */
static size_t find_since(const struct mreg_log_result *log, int64_t since_s)
{
	size_t i = 0;

	while (since_s && i < log->count && log->rows[i].time_s < since_s)
		i++;
	return i;
}

int mr_report_moves(struct mr_report *r, struct mreg_error *err)
{
	const struct mreg_log_result *log = r->out->log;
	struct mreg_report_move *moves;
	size_t i;
	int rc = 0;

	r->log_since = find_since(log, r->out->since_s);
	moves = mr_arena_alloc(r->a, (log->count + 1) * sizeof(*moves));
	if (!moves)
		return mr_fail_nomem(err);
	r->out->moves = r->moves = moves;
	for (i = 0; rc >= 0 && i < log->count; i++) {
		struct mreg_report_move *to = &moves[r->out->move_count];

		if (i == r->log_since)
			r->moves_since = r->out->move_count;
		if (!is_move(&log->rows[i]))
			continue;
		rc = take_move(r, &log->rows[i], to, err);
		r->out->move_count += rc >= 0 && is_told(r, to);
	}
	if (r->log_since == log->count)
		r->moves_since = r->out->move_count;
	return rc;
}

/* -- what is left out --------------------------------------------------------
 */

/* Of one version what is said of it, as `log --about` has it. */
static bool is_about(const struct mr_report *r, const struct mreg_log_row *row)
{
	size_t i;

	if (!r->one || mreg_digest_equal(&row->version, &r->version))
		return true;
	for (i = 0; i < r->out->move_count; i++)
		if (mreg_digest_equal(&r->out->moves[i].event, &row->digest))
			return true;
	return false;
}

static void cut_log(const struct mr_report *r)
{
	struct mreg_log_result *log = r->out->log;
	size_t kept = 0;
	size_t i;

	for (i = r->log_since; i < log->count; i++)
		if (is_about(r, &log->rows[i]))
			log->rows[kept++] = log->rows[i];
	log->count = kept;
}

static void cut_moves(const struct mr_report *r)
{
	size_t n = r->out->move_count - r->moves_since;

	memmove(r->moves, r->moves + r->moves_since, n * sizeof(*r->moves));
	r->out->move_count = n;
}

/* By where it stands; asked where the times that are told say no. */
static bool is_since(const struct mr_report *r, const struct mreg_digest *event)
{
	const struct mreg_log_result *log = r->out->log;
	size_t i;

	for (i = r->log_since; i < log->count; i++)
		if (mreg_digest_equal(&log->rows[i].digest, event))
			return true;
	return false;
}

/* What still waits is of today, whenever it was asked. */
static bool is_recent(const struct mr_report *r,
		      const struct mreg_approval_row *row)
{
	int64_t since_s = r->out->since_s;

	return !since_s || row->asked_s >= since_s ||
	       strcmp(row->state, "open") == 0 ||
	       strcmp(row->state, "overdue") == 0 ||
	       (row->answered_after_s >= 0 &&
		row->asked_s + row->answered_after_s >= since_s) ||
	       (row->moved_after_s >= 0 &&
		row->asked_s + row->moved_after_s >= since_s) ||
	       is_since(r, &row->request);
}

/* And the medians of what stays. */
static int cut_approvals(const struct mr_report *r, struct mreg_error *err)
{
	struct mreg_approvals_result *all = r->out->approvals;
	struct mreg_spread spread;
	int64_t *values =
		mr_arena_alloc(r->a, (all->count + 1) * sizeof(*values));
	size_t kept = 0;
	size_t n = 0;
	size_t i;

	if (!values)
		return mr_fail_nomem(err);
	for (i = 0; i < all->count; i++)
		if (is_recent(r, &all->rows[i]) &&
		    (!r->one ||
		     mreg_digest_equal(&all->rows[i].digest, &r->version)))
			all->rows[kept++] = all->rows[i];
	all->count = kept;
	for (i = 0; i < kept; i++)
		if (all->rows[i].answered_after_s >= 0)
			values[n++] = all->rows[i].answered_after_s;
	mr_spread_of(values, n, &spread);
	all->median_answered_s = spread.median_s;
	for (n = 0, i = 0; i < kept; i++)
		if (all->rows[i].moved_after_s >= 0)
			values[n++] = all->rows[i].moved_after_s;
	mr_spread_of(values, n, &spread);
	all->median_moved_s = spread.median_s;
	return 0;
}

static void cut_incidents(const struct mr_report *r)
{
	struct mreg_incidents_result *all = r->out->incidents;
	size_t kept = 0;
	size_t i;

	for (i = 0; i < all->count; i++) {
		const struct mreg_incident_row *row = &all->rows[i];

		if (row->time_s >= r->out->since_s ||
		    row->closed_s >= r->out->since_s || !row->closed_s ||
		    is_since(r, &row->event))
			all->rows[kept++] = *row;
	}
	all->count = kept;
}

int mr_report_cut(struct mr_report *r, struct mreg_error *err)
{
	int rc = 0;

	if (r->out->incidents)
		cut_incidents(r);
	if (r->out->approvals)
		rc = cut_approvals(r, err);
	cut_log(r);
	cut_moves(r);
	return rc;
}

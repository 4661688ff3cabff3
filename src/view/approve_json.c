/*
 * approve_json.c - what was asked of aliases and what was answered, as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

/* Null below 0: it has not happened. */
static void put_seconds(struct mr_view *v, const char *key, int64_t s)
{
	if (s < 0)
		mr_view_put(v, key, json_null());
	else
		mr_view_u64(v, key, (uint64_t)s);
}

char *mreg_approve_result_json(const struct mreg_approve_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.approve/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "alias", r->alias);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_version(&v, r->number);
	mr_view_digest(&v, "request", &r->request);
	mr_view_digest(&v, "event", &r->event);
	mr_view_bool(&v, "changed", r->changed);
	mr_view_str(&v, "state", r->state);
	mr_view_str(&v, "requestedBy", r->by);
	mr_view_time(&v, "asked", r->asked_s);
	mr_view_time(&v, "until", r->until_s);
	mr_view_u64(&v, "grants", r->grants);
	mr_view_str(&v, "actor", r->actor);
	mr_view_str(&v, "actorSource", r->actor_source);
	mr_view_str(&v, "uncounted", r->uncounted);
	mr_view_bool(&v, "signed", false);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

static json_t *answer_row(const void *items, size_t i)
{
	const struct mreg_approval_answer *a =
		(const struct mreg_approval_answer *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "event", &a->event);
	mr_view_str(&v, "answer", a->granted ? "granted" : "refused");
	mr_view_str(&v, "actor", a->by);
	mr_view_str(&v, "actorSource", a->source);
	mr_view_str(&v, "role", a->role);
	mr_view_str(&v, "reason", a->reason);
	mr_view_time(&v, "time", a->time_s);
	mr_view_str(&v, "uncounted", a->uncounted);
	mr_view_bool(&v, "signed", false);
	return mr_view_take(&v);
}

static json_t *row_of(const struct mreg_approval_row *r)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "request", &r->request);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_version(&v, r->number);
	mr_view_str(&v, "alias", r->alias);
	mr_view_str(&v, "state", r->state);
	mr_view_u64(&v, "grants", r->grants);
	mr_view_str(&v, "requestedBy", r->by);
	mr_view_str(&v, "actorSource", r->source);
	mr_view_str(&v, "reason", r->reason);
	mr_view_time(&v, "asked", r->asked_s);
	mr_view_time(&v, "until", r->until_s);
	mr_view_rows(&v, "answers", r->answers, r->answer_count, answer_row);
	put_seconds(&v, "answeredAfterSeconds", r->answered_after_s);
	put_seconds(&v, "movedAfterSeconds", r->moved_after_s);
	mr_view_digest(&v, "overdue", &r->overdue);
	mr_view_bool(&v, "noted", r->noted);
	return mr_view_take(&v);
}

static json_t *request_row(const void *items, size_t i)
{
	return row_of((const struct mreg_approval_row *)items + i);
}

char *mreg_approvals_result_json(const struct mreg_approvals_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.approvals/1");
	mr_view_str(&v, "name", r->name);
	mr_view_rows(&v, "requests", r->rows, r->count, request_row);
	put_seconds(&v, "medianAnsweredAfterSeconds", r->median_answered_s);
	put_seconds(&v, "medianMovedAfterSeconds", r->median_moved_s);
	mr_view_u64(&v, "noted", r->noted);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

char *mreg_approval_row_json(const struct mreg_approvals_result *r, size_t i)
{
	struct mr_view v = { .obj = row_of(&r->rows[i]) };

	return mr_view_text(&v);
}

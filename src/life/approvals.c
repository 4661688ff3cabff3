/*
 * approvals.c - what was asked of a model's aliases, who answered, how long it
 * took, and what nobody answered in time.
 */
#include "mreg/approve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"

#define NOT_YET (-1)

struct approvals {
	struct mreg *m;
	struct mr_store *s;
	struct mreg_ref ref;
	struct mr_history h;
	struct mr_standing now;
	const struct mreg_approvals_opts *o;
	int64_t now_s;
	const struct mr_event **noted; /* requests; in the result's arena */
	size_t noted_count;
	struct mreg_approvals_result *out;
};

static void approvals_release(struct approvals *a)
{
	mr_standing_release(&a->now);
	mr_history_release(&a->h);
	mr_store_closep(&a->s);
}

static int read_log(struct approvals *a, struct mreg_error *err)
{
	int rc = mr_history_read(a->m, a->s, &a->h, err);

	mr_standing_release(&a->now);
	return rc < 0 ? rc
		      : mr_ledger_standing(a->h.ledger, MR_STANDING_NOW,
					   &a->now, err);
}

static const struct mr_event *registered(const struct approvals *a,
					 const struct mr_approval *r)
{
	const struct mr_version_standing *v =
		mr_standing_version(&a->now, &r->asked->version);

	return v ? v->registered : NULL;
}

static const char *state_of(const struct approvals *a,
			    const struct mr_approval *r)
{
	return mr_approval_state(r, registered(a, r), a->now_s);
}

static bool is_wanted(const struct approvals *a, const struct mr_approval *r)
{
	if (a->o->alias &&
	    strcmp(mr_event_text(r->asked, "alias"), a->o->alias) != 0)
		return false;
	return !a->o->overdue || strcmp(state_of(a, r), "overdue") == 0;
}

/* -- rows ------------------------------------------------------------------ */

static const char *copy(const struct approvals *a, const char *text)
{
	return text ? mr_arena_strdup(a->out->owner, text) : NULL;
}

/* Clocks differ: nothing is answered before it was asked. */
static int64_t took(const struct mr_approval *r, int64_t end_s)
{
	return end_s > r->asked->time_s ? end_s - r->asked->time_s : 0;
}

static const char *why_not(enum mr_grant grant)
{
	switch (grant) {
	case MR_GRANT_NAMELESS:
		return "nameless";
	case MR_GRANT_REQUESTER:
		return "requester";
	case MR_GRANT_PUSHER:
		return "pusher";
	case MR_GRANT_UNKNOWN:
		return "unknown";
	case MR_GRANT_LATE:
		return "late";
	case MR_GRANT_AGAIN:
		return "again";
	case MR_GRANT_COUNTS:
		break;
	}
	return NULL;
}

static struct mreg_approval_answer answer_of(const struct approvals *a,
					     const struct mr_event *e)
{
	return (struct mreg_approval_answer){
		.event = e->digest,
		.granted = e->kind == MR_EVENT_APPROVAL_GRANTED,
		.by = copy(a, e->actor),
		.source = copy(a, e->actor_source),
		.role = copy(a, mr_event_text(e, "role")),
		.reason = copy(a, mr_event_text(e, "reason")),
		.time_s = e->time_s,
	};
}

/* Of what was answered; a refusal in its place among the grants. */
static void take_answers(const struct approvals *a, const struct mr_approval *r,
			 struct mreg_approval_row *row)
{
	struct mreg_approval_answer *to;
	bool refused = false;
	int64_t last_s = 0;
	size_t i;

	to = mr_arena_alloc(a->out->owner, (r->grant_count + 1) * sizeof(*to));
	row->answered_after_s = NOT_YET;
	if (!to)
		return;
	for (i = 0; i <= r->grant_count; i++) {
		bool end = i == r->grant_count;

		if (r->refused && !refused &&
		    (end || r->grants[i]->seq > r->refused->seq)) {
			to[row->answer_count++] = answer_of(a, r->refused);
			refused = true;
		}
		if (end)
			break;
		to[row->answer_count] = answer_of(a, r->grants[i]);
		to[row->answer_count++].uncounted =
			why_not(mr_approval_grant(r, registered(a, r), i));
	}
	row->answers = to;
	for (i = 0; i < row->answer_count; i++)
		if (to[i].time_s > last_s)
			last_s = to[i].time_s;
	if (row->answer_count)
		row->answered_after_s = took(r, last_s);
}

static bool is_noted(const struct approvals *a, const struct mr_approval *r)
{
	size_t i;

	for (i = 0; i < a->noted_count; i++)
		if (mreg_digest_equal(&a->noted[i]->digest, &r->asked->digest))
			return true;
	return false;
}

static void take_row(const struct approvals *a, const struct mr_approval *r,
		     struct mreg_approval_row *row)
{
	const struct mr_event *claim = registered(a, r);

	row->request = r->asked->digest;
	row->digest = r->asked->version;
	row->number = claim ? claim->number : 0;
	row->alias = copy(a, mr_event_text(r->asked, "alias"));
	row->state = state_of(a, r);
	row->grants = mr_approval_count(r, claim);
	row->by = copy(a, r->asked->actor);
	row->source = copy(a, r->asked->actor_source);
	row->reason = copy(a, mr_event_text(r->asked, "reason"));
	row->asked_s = r->asked->time_s;
	row->until_s = mr_approval_until(r);
	take_answers(a, r, row);
	row->moved_after_s = r->moved ? took(r, r->moved->time_s) : NOT_YET;
	if (r->overdue)
		row->overdue = r->overdue->digest;
	row->noted = is_noted(a, r);
}

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Of two in the middle the mean; below 0: there are none. */
static int64_t median(int64_t *values, size_t n)
{
	if (n == 0)
		return NOT_YET;
	qsort(values, n, sizeof(*values), by_value);
	return n % 2 ? values[n / 2]
		     : values[n / 2 - 1] +
			       (values[n / 2] - values[n / 2 - 1]) / 2;
}

static void take_medians(struct mreg_approvals_result *out)
{
	int64_t *values =
		mr_arena_alloc(out->owner, (out->count + 1) * sizeof(*values));
	size_t n = 0;
	size_t i;

	if (!values)
		return;
	for (i = 0; i < out->count; i++)
		if (out->rows[i].answered_after_s >= 0)
			values[n++] = out->rows[i].answered_after_s;
	out->median_answered_s = median(values, n);
	for (n = 0, i = 0; i < out->count; i++)
		if (out->rows[i].moved_after_s >= 0)
			values[n++] = out->rows[i].moved_after_s;
	out->median_moved_s = median(values, n);
}

static int take_rows(struct approvals *a, struct mreg_error *err)
{
	struct mreg_approvals_result *out = a->out;
	size_t i;

	out->rows = mr_arena_alloc(out->owner, (a->now.approval_count + 1) *
						       sizeof(*out->rows));
	for (i = 0; out->rows && i < a->now.approval_count; i++)
		if (is_wanted(a, &a->now.approvals[i]))
			take_row(a, &a->now.approvals[i],
				 &out->rows[out->count++]);
	out->noted = a->noted_count;
	take_medians(out);
	return mr_result_check(out->owner, err);
}

/* -- noting what is overdue ------------------------------------------------ */

/* Into `noted`: those that nobody noted. */
static int find_unnoted(struct approvals *a, struct mreg_error *err)
{
	size_t n = a->now.approval_count;
	size_t i;

	a->noted_count = 0;
	a->noted = mr_arena_alloc(a->out->owner,
				  (n + 1) * sizeof(struct mr_event *));
	if (!a->noted)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++)
		if (is_wanted(a, &a->now.approvals[i]) &&
		    !a->now.approvals[i].overdue)
			a->noted[a->noted_count++] = a->now.approvals[i].asked;
	return 0;
}

static int note(struct approvals *a, const struct mr_event *asked,
		struct mreg_error *err)
{
	char request[MREG_DIGEST_TEXT];
	struct mr_event_field fields[] = {
		{ .key = "alias", .text = mr_event_text(asked, "alias") },
		{ .key = "request",
		  .text = mreg_digest_text(&asked->digest, request) },
	};
	struct mr_event e = { .kind = MR_EVENT_APPROVAL_OVERDUE,
			      .version = asked->version,
			      .fields = fields,
			      .field_count = MR_COUNT(fields) };
	int rc = mr_log_append(a->m, a->s, &a->h, &a->ref, &e, NULL, err);

	return rc < 0 ? rc : mr_history_read(a->m, a->s, &a->h, err);
}

/* Events are the ledger's and stay while it is read on; the fold does not. */
static int note_locked(struct approvals *a, struct mreg_error *err)
{
	size_t i;
	int rc = read_log(a, err);

	if (rc >= 0)
		rc = find_unnoted(a, err);
	for (i = 0; rc >= 0 && i < a->noted_count; i++) {
		rc = note(a, a->noted[i], err);
		if (rc < 0)
			a->noted_count = i;
	}
	return rc < 0 ? rc : read_log(a, err);
}

static bool may_not_write(int rc, const struct mreg_error *why)
{
	return rc == MREG_EAUTH || rc == MREG_EDENIED ||
	       rc == MREG_EUNSUPPORTED ||
	       (rc == MREG_EIO &&
		(why->sys == EACCES || why->sys == EPERM || why->sys == EROFS));
}

/* Whoever only looks must not need the right to write: the next one who has it
 * notes what is overdue. */
static int note_overdue(struct approvals *a, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = find_unnoted(a, err);

	if (rc < 0 || !a->noted_count || a->o->dry_run)
		return rc;
	a->noted_count = 0;
	rc = mr_store_lock(a->s, &why);
	if (rc >= 0) {
		rc = note_locked(a, &why);
		mr_store_unlock(a->s);
	}
	if (rc >= 0)
		return 0;
	if (!may_not_write(rc, &why)) {
		if (err)
			*err = why;
		return rc;
	}
	mr_log(&a->m->env, MREG_LOG_WARN,
	       "that they are overdue was not written down: %s", why.msg);
	return read_log(a, err);
}

/* -- all of it ------------------------------------------------------------- */

static int open_model(struct approvals *a, const char *name,
		      struct mreg_error *err)
{
	int rc = mr_target(a->m, name, &a->ref, &a->s, err);

	if (rc >= 0 && (a->ref.tag[0] || mr_digest_known(&a->ref.digest))) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "approvals are of a whole model, not of '%.100s'",
			      name);
		return mr_hint(err, "write the name alone; --alias for one "
				    "alias");
	}
	if (rc >= 0)
		rc = read_log(a, err);
	if (rc >= 0 && !a->h.found)
		rc = mr_target_missing(a->s, &a->ref, err);
	return rc;
}

int mreg_approvals(struct mreg *m, const char *name,
		   const struct mreg_approvals_opts *given,
		   struct mreg_approvals_result *out, struct mreg_error *err)
{
	MR_AUTO(approvals_release) struct approvals a = { .m = m, .out = out };
	struct mreg_approvals_opts o;
	struct mr_arena *arena;
	char text[MREG_REF_TEXT];
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	a.o = &o;
	a.now_s = mr_now_s(&m->env);
	rc = mr_result_arena(&arena, err);
	if (rc < 0)
		return rc;
	out->owner = arena;
	rc = open_model(&a, name, err);
	if (rc >= 0 && o.overdue)
		rc = note_overdue(&a, err);
	if (rc >= 0) {
		out->name =
			mr_arena_strdup(arena, mr_target_name(m, &a.ref, text));
		out->dry_run = o.dry_run;
		rc = take_rows(&a, err);
	}
	if (rc < 0)
		mreg_approvals_result_release(out);
	return rc;
}

void mreg_approvals_result_release(struct mreg_approvals_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}

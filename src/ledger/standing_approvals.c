/*
 * standing_approvals.c - what was asked for, what was answered, and which
 * answers count.
 */
#include "ledger/standing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "ledger/internal.h"

/* -- the fold ---------------------------------------------------------------
 */

static bool is_answer(const struct mr_event *e)
{
	return e->kind == MR_EVENT_APPROVAL_GRANTED ||
	       e->kind == MR_EVENT_APPROVAL_REFUSED ||
	       e->kind == MR_EVENT_APPROVAL_OVERDUE;
}

static int by_request(const void *a, const void *b)
{
	const struct mr_approval *x = *(struct mr_approval *const *)a;
	const struct mr_approval *y = *(struct mr_approval *const *)b;

	return mr_digest_compare(&x->asked->digest, &y->asked->digest);
}

static struct mr_approval *find_request(struct mr_approval **sorted, size_t n,
					const struct mr_event *answer)
{
	struct mr_event asked;
	struct mr_approval key = { .asked = &asked };
	struct mr_approval *wanted = &key;
	struct mr_approval **at;

	if (!n || !mr_event_digest(answer, "request", &asked.digest))
		return NULL;
	at = bsearch(&wanted, sorted, n, sizeof(struct mr_approval *),
		     by_request);
	return at ? *at : NULL;
}

/* An answer counts for what was asked, not for what else it names. */
static bool answers(const struct mr_approval *r, const struct mr_event *e)
{
	return mreg_digest_equal(&r->asked->version, &e->version) &&
	       strcmp(mr_event_text(r->asked, "alias"),
		      mr_event_text(e, "alias")) == 0;
}

static void take_answer(struct mr_approval *r, const struct mr_event *e)
{
	if (e->kind == MR_EVENT_APPROVAL_GRANTED)
		r->grants[r->grant_count++] = e;
	else if (e->kind == MR_EVENT_APPROVAL_REFUSED && !r->refused)
		r->refused = e;
	else if (e->kind == MR_EVENT_APPROVAL_OVERDUE && !r->overdue)
		r->overdue = e;
}

/* Count the grants of each first, then give them room, then take them. */
static void take_answers(struct mr_ledger *l, int64_t until_s,
			 struct mr_standing *s, struct mr_approval **sorted)
{
	size_t n = mr_ledger_count(l);
	const struct mr_event **room;
	size_t grants = 0;
	size_t i;
	int pass;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < n; i++) {
			const struct mr_event *e = mr_ledger_event(l, i);
			struct mr_approval *r;

			if (!is_answer(e) || e->time_s > until_s)
				continue;
			r = find_request(sorted, s->approval_count, e);
			if (!r || !answers(r, e))
				continue;
			if (pass)
				take_answer(r, e);
			else if (e->kind == MR_EVENT_APPROVAL_GRANTED)
				r->grant_count++;
		}
		if (pass)
			return;
		for (i = 0; i < s->approval_count; i++)
			grants += s->approvals[i].grant_count;
		room = mr_arena_alloc(s->arena,
				      (grants + 1) * sizeof(struct mr_event *));
		if (!room)
			return;
		for (i = 0; i < s->approval_count; i++) {
			s->approvals[i].grants = room;
			room += s->approvals[i].grant_count;
			s->approvals[i].grant_count = 0;
		}
	}
}

/* A move is that of the last request before it: one that was moved to already,
 * or refused and asked for anew, is not moved to by what comes later. */
static void take_move(struct mr_standing *s, size_t asked,
		      const struct mr_event *e)
{
	while (asked-- > 0)
		if (answers(&s->approvals[asked], e)) {
			if (!s->approvals[asked].moved)
				s->approvals[asked].moved = e;
			return;
		}
}

static void take_moves(struct mr_ledger *l, int64_t until_s,
		       struct mr_standing *s)
{
	size_t n = mr_ledger_count(l);
	size_t asked = 0;
	size_t i;

	for (i = 0; s->approval_count && i < n; i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (asked < s->approval_count && e == s->approvals[asked].asked)
			asked++;
		else if ((e->kind == MR_EVENT_ALIAS_MOVED ||
			  e->kind == MR_EVENT_TAG_ADOPTED) &&
			 e->time_s <= until_s)
			take_move(s, asked, e);
	}
}

void mr_standing_approvals(struct mr_ledger *l, int64_t until_s,
			   struct mr_standing *s)
{
	struct mr_approval **sorted;
	size_t n = mr_ledger_count(l);
	size_t most = 0;
	size_t i;

	for (i = 0; i < n; i++)
		most += mr_ledger_event(l, i)->kind == MR_EVENT_APPROVAL_ASKED;
	s->approvals =
		mr_arena_alloc(s->arena, (most + 1) * sizeof(*s->approvals));
	sorted = mr_arena_alloc(s->arena,
				(most + 1) * sizeof(struct mr_approval *));
	if (!s->approvals || !sorted)
		return;
	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (e->kind != MR_EVENT_APPROVAL_ASKED || e->time_s > until_s)
			continue;
		sorted[s->approval_count] = &s->approvals[s->approval_count];
		s->approvals[s->approval_count++].asked = e;
	}
	if (s->approval_count > 1)
		qsort(sorted, s->approval_count, sizeof(struct mr_approval *),
		      by_request);
	take_answers(l, until_s, s, sorted);
	take_moves(l, until_s, s);
}

/* -- which count -------------------------------------------------------------
 */

const struct mr_approval *mr_standing_approval(
	const struct mr_standing *s, const char *alias,
	const struct mreg_digest *version)
{
	size_t i;

	for (i = s->approval_count; i-- > 0;) {
		const struct mr_event *asked = s->approvals[i].asked;

		if (mreg_digest_equal(&asked->version, version) &&
		    strcmp(mr_event_text(asked, "alias"), alias) == 0)
			return &s->approvals[i];
	}
	return NULL;
}

int64_t mr_approval_until(const struct mr_approval *r)
{
	int64_t until_s = 0;

	(void)mr_event_time(r->asked, "until", &until_s); /* was read */
	return until_s;
}

static bool is_by(const struct mr_event *e, const char *actor)
{
	return e && strcmp(e->actor, actor) == 0;
}

/* Nobody can be said to be another than somebody unknown. */
static bool is_named(const struct mr_event *e)
{
	return e && e->actor[0];
}

/* Whether a grant of `actor` may count at all. */
static enum mr_grant judge_actor(const struct mr_approval *r,
				 const struct mr_event *registered,
				 const char *actor)
{
	if (!actor[0])
		return MR_GRANT_NAMELESS;
	if (is_by(r->asked, actor))
		return MR_GRANT_REQUESTER;
	if (is_by(registered, actor))
		return MR_GRANT_PUSHER;
	return is_named(r->asked) && is_named(registered) ? MR_GRANT_COUNTS
							  : MR_GRANT_UNKNOWN;
}

/* Whether one of the first `n` grants is that actor's, and in time: a late one
 * takes no place. */
static bool has_granted(const struct mr_approval *r, size_t n,
			const char *actor)
{
	int64_t until_s = mr_approval_until(r);
	size_t i;

	for (i = 0; i < n; i++)
		if (is_by(r->grants[i], actor) &&
		    r->grants[i]->time_s <= until_s)
			return true;
	return false;
}

enum mr_grant mr_approval_actor(const struct mr_approval *r,
				const struct mr_event *registered,
				const char *actor)
{
	enum mr_grant grant = judge_actor(r, registered, actor);

	if (actor[0] && has_granted(r, r->grant_count, actor))
		return MR_GRANT_AGAIN;
	return grant;
}

enum mr_grant mr_approval_grant(const struct mr_approval *r,
				const struct mr_event *registered, size_t i)
{
	const struct mr_event *e = r->grants[i];
	enum mr_grant grant = judge_actor(r, registered, e->actor);

	if (grant != MR_GRANT_COUNTS)
		return grant;
	if (e->time_s > mr_approval_until(r))
		return MR_GRANT_LATE;
	return has_granted(r, i, e->actor) ? MR_GRANT_AGAIN : grant;
}

size_t mr_approval_count(const struct mr_approval *r,
			 const struct mr_event *registered)
{
	size_t n = 0;
	size_t i;

	for (i = 0; !r->refused && i < r->grant_count; i++)
		n += mr_approval_grant(r, registered, i) == MR_GRANT_COUNTS;
	return n;
}

const char *mr_approval_state(const struct mr_approval *r,
			      const struct mr_event *registered, int64_t now_s)
{
	if (r->refused)
		return "refused";
	if (r->moved)
		return "used";
	if (mr_approval_count(r, registered) > 0)
		return "granted";
	return now_s > mr_approval_until(r) ? "overdue" : "open";
}

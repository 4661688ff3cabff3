/*
 * policy_gate.c - what the log tells of a version and of the alias that it is
 * to get: member "gate" of the facts (spec/policy-facts.schema.json).
 *
 * All of it is the fold's, so every reader gathers the same; but for ages and
 * deadlines, which are compared with the clock of whoever asks.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"
#include "rule/rule.h"

struct gate {
	const struct mr_policy_subject *u;
	struct mr_history *h;
	struct mr_arena *arena; /* owned */
	struct mr_standing now;
	int64_t now_s;
	struct mr_buf *out;
};

static bool is_of(const struct gate *g, const struct mr_event *e)
{
	return mreg_digest_equal(&e->version, g->u->version);
}

static void put_digest(struct mr_buf *b, const char *key,
		       const struct mreg_digest *d)
{
	char text[MREG_DIGEST_TEXT];

	mr_put_text(b, key, mreg_digest_text(d, text));
}

/* Who pushed it, and when: of a version that another tool tagged, or whose
 * claim does not stand, nobody knows. */
static void put_registered(const struct gate *g)
{
	const struct mr_version_standing *v =
		mr_standing_version(&g->now, g->u->version);
	const struct mr_event *e = v ? v->registered : NULL;

	if (!e)
		return;
	/* A clock ahead of ours made it no older than now. */
	mr_put_u64(g->out, "ageSeconds",
		   e->time_s < g->now_s ? (uint64_t)(g->now_s - e->time_s) : 0);
	if (e->actor[0])
		mr_put_text(g->out, "registeredBy", e->actor);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Aliases that the version has, or had. */
static int put_been(const struct gate *g, struct mreg_error *err)
{
	MR_AUTO(mr_free) const char **names = NULL;
	size_t n = mr_ledger_count(g->h->ledger);
	size_t count = 0;
	size_t i;

	names = mr_array(n + 1, sizeof(*names));
	if (!names)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		const struct mr_event *e = mr_ledger_event(g->h->ledger, i);

		if ((e->kind == MR_EVENT_ALIAS_MOVED ||
		     e->kind == MR_EVENT_TAG_ADOPTED) &&
		    is_of(g, e))
			names[count++] = mr_event_text(e, "alias");
	}
	if (count > 1)
		qsort(names, count, sizeof(*names), by_text);
	mr_put_begin(g->out, "been", '[');
	for (i = 0; i < count; i++)
		if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
			mr_put_text(g->out, NULL, names[i]);
	mr_put_end(g->out, ']');
	return 0;
}

/* -- approvals ------------------------------------------------------------- */

static void put_request(const struct gate *g)
{
	/* The last one counts: asking again begins anew. */
	const struct mr_approval *a =
		mr_standing_approval(&g->now, g->u->gate, g->u->version);
	struct mr_buf *b = g->out;
	int64_t until_s;
	size_t i;

	if (!a)
		return;
	until_s = mr_approval_until(a);
	mr_put_begin(b, "request", '{');
	put_digest(b, "event", &a->asked->digest);
	mr_put_text(b, "by", a->asked->actor);
	mr_put_text(b, "until", mr_event_text(a->asked, "until"));
	mr_put_bool(b, "over", g->now_s > until_s);
	if (a->refused) {
		mr_put_begin(b, "refused", '{');
		mr_put_text(b, "by", a->refused->actor);
		mr_put_text(b, "reason", mr_event_text(a->refused, "reason"));
		mr_put_end(b, '}');
	}
	mr_put_begin(b, "grants", '[');
	for (i = 0; i < a->grant_count; i++) {
		const struct mr_event *e = a->grants[i];

		mr_put_begin(b, NULL, '{');
		mr_put_text(b, "by", e->actor);
		mr_put_text(b, "source", e->actor_source);
		mr_put_bool(b, "late", e->time_s > until_s);
		mr_put_end(b, '}');
	}
	mr_put_end(b, ']');
	mr_put_end(b, '}');
}

/* -- observations ---------------------------------------------------------- */

static int put_retrain_due(const struct gate *g, struct mreg_error *err)
{
	const struct mr_event **due;
	size_t n;
	size_t i;
	int rc = mr_retrain_dues(g->h->ledger, g->u->version, g->arena, &due,
				 &n, err);

	if (rc < 0)
		return rc;
	mr_put_begin(g->out, "retrainDue", '[');
	for (i = 0; i < n; i++) {
		mr_put_begin(g->out, NULL, '{');
		put_digest(g->out, "event", &due[i]->digest);
		mr_put_text(g->out, "rule", mr_event_text(due[i], "rule"));
		mr_put_end(g->out, '}');
	}
	mr_put_end(g->out, ']');
	return 0;
}

/* Those of the policy that hold now, whether or not somebody wrote so. */
static int put_watches(const struct gate *g, struct mreg_error *err)
{
	struct mr_watch_hits hits;
	size_t i;
	int rc = mr_watches_find(g->h->ledger, mr_policy_life(g->u->policy),
				 g->u->version, g->arena, &hits, err);

	if (rc < 0)
		return rc;
	mr_put_begin(g->out, "watches", '[');
	for (i = 0; i < hits.count; i++) /* one in several environments */
		if (i == 0 || hits.items[i].watch != hits.items[i - 1].watch)
			mr_put_text(g->out, NULL, hits.items[i].watch->text);
	mr_put_end(g->out, ']');
	return 0;
}

static void put_incidents(const struct gate *g)
{
	size_t i;

	mr_put_begin(g->out, "incidents", '[');
	for (i = 0; i < g->now.incident_count; i++) {
		const struct mr_event *e = g->now.incidents[i];

		if (!is_of(g, e))
			continue;
		mr_put_begin(g->out, NULL, '{');
		put_digest(g->out, "event", &e->digest);
		mr_put_text(g->out, "title", mr_event_text(e, "title"));
		mr_put_end(g->out, '}');
	}
	mr_put_end(g->out, ']');
}

/* -- the alias ------------------------------------------------------------- */

static int put_current(const struct gate *g, struct mreg_error *err)
{
	struct mr_alias_state state;
	const char *differs;
	int rc = mr_alias_look(g->u->s, g->h, g->u->gate, &state, err);

	if (rc < 0)
		return rc;
	differs = mr_alias_differs(state.agree);
	mr_put_begin(g->out, "current", '{');
	if (mr_digest_known(&state.tag.digest))
		put_digest(g->out, "version", &state.tag.digest);
	mr_put_bool(g->out, "agrees", !differs);
	mr_put_text(g->out, "differs", differs);
	mr_put_end(g->out, '}');
	return 0;
}

static void gate_release(struct gate *g)
{
	mr_standing_release(&g->now);
	mr_arena_free(g->arena);
}

int mr_policy_gate(const struct mr_policy_subject *u, struct mr_buf *out,
		   struct mreg_error *err)
{
	MR_AUTO(gate_release)
	struct gate g = { .u = u,
			  .h = u->history,
			  .now_s = mr_now_s(&u->m->env),
			  .out = out };
	int rc = mr_result_arena(&g.arena, err);

	if (rc >= 0)
		rc = mr_ledger_standing(g.h->ledger, MR_STANDING_NOW, &g.now,
					err);
	if (rc < 0)
		return rc;
	mr_put_begin(out, "gate", '{');
	mr_put_text(out, "alias", u->gate);
	put_registered(&g);
	rc = put_been(&g, err);
	if (rc < 0)
		return rc;
	put_request(&g);
	rc = put_retrain_due(&g, err);
	if (rc >= 0)
		rc = put_watches(&g, err);
	if (rc < 0)
		return rc;
	put_incidents(&g);
	/* Of what is in use it was asked when it was moved. */
	rc = u->use ? 0 : put_current(&g, err);
	mr_put_end(out, '}');
	return rc;
}

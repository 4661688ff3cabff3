/*
 * copy_policy.c - whose policy is in force in the target once the log of the
 * source is in its own: spec/policy.md, "Copies".
 */
#include <string.h>

#include "base/error.h"
#include "content/digest.h"
#include "ops/copy.h"

static bool has_event(struct mr_ledger *l, const struct mreg_digest *digest)
{
	size_t n = l ? mr_ledger_count(l) : 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (mreg_digest_equal(&mr_ledger_event(l, i)->digest, digest))
			return true;
	return false;
}

/* The last event of the target about policies that the source knows nothing
 * of; NULL: none. */
static const struct mr_event *own_policy(const struct copy *c)
{
	struct mr_ledger *l = c->target_log.ledger;
	size_t i = l ? mr_ledger_count(l) : 0;

	while (i-- > 0) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (e->kind == MR_EVENT_POLICY_CHANGED &&
		    !has_event(c->source_log.ledger, &e->digest))
			return e;
	}
	return NULL;
}

struct mreg_digest mr_copy_policy_now(const struct copy *c)
{
	struct mr_ledger *l = c->target_log.ledger; /* NULL: a new target */
	const struct mr_event *e = l ? mr_ledger_policy(l) : NULL;
	struct mreg_digest none = { .algorithm = MREG_DIGEST_NONE };

	return e ? e->policy : none;
}

int mr_copy_policy_keep(struct copy *c, const struct mreg_digest *was,
			struct mreg_error *err)
{
	unsigned int round;
	int rc;

	if (!mr_ledger_policy(c->source_log.ledger))
		return 0;
	rc = mr_history_read(c->m, c->to, &c->target_log, err);
	for (round = 0; rc >= 0 && round < MR_CLAIM_ROUNDS_MAX; round++) {
		const struct mr_event *own = own_policy(c);
		struct mr_event e = { .kind = MR_EVENT_POLICY_CHANGED,
				      .was = mr_copy_policy_now(c) };

		if (!own && !mreg_digest_equal(was, &e.was))
			mr_log(&c->m->env, MREG_LOG_WARN,
			       "the policy of '%s' is now that of '%s', which "
			       "its log brought along",
			       c->name_to, c->name_from);
		if (!own || mreg_digest_equal(&own->policy, &e.was))
			return 0;
		e.policy = own->policy;
		rc = mr_log_append(c->m, c->to, &c->target_log, &c->target, &e,
				   NULL, err);
		if (rc >= 0)
			rc = mr_history_read(c->m, c->to, &c->target_log, err);
		if (rc >= 0)
			mr_log(&c->m->env, MREG_LOG_INFO,
			       "the policy of '%s' stays as it was, that of "
			       "'%s' is not taken over",
			       c->name_to, c->name_from);
	}
	if (rc < 0)
		return mr_wrap(err, "cannot keep the policy of '%s'",
			       c->name_to);
	(void)mr_fail(err, MREG_ECONFLICT,
		      "the policy of '%s' keeps being changed by others",
		      c->name_to);
	return mr_hint(err, "agree with them, then run it again");
}

/* -- a rehearsal ---------------------------------------------------------- */

/* Whether the target would have the event. */
static bool comes(const struct copy *c, const struct mr_event *e)
{
	uint64_t seq;
	size_t i;

	for (i = 0; i < c->tag_count; i++)
		if (c->tags[i].node != MR_COPY_NO_NODE &&
		    mr_log_tag(c->tags[i].name, &seq) &&
		    mreg_digest_equal(&c->nodes[c->tags[i].node].desc.digest,
				      &e->digest))
			return true;
	return has_event(c->target_log.ledger, &e->digest);
}

static const struct mr_event *last_coming(const struct copy *c)
{
	struct mr_ledger *l = c->source_log.ledger;
	size_t i = mr_ledger_count(l);

	while (i-- > 0) {
		const struct mr_event *e = mr_ledger_event(l, i);

		if (e->kind == MR_EVENT_POLICY_CHANGED && comes(c, e))
			return e;
	}
	return NULL;
}

/* In the fold of both logs: an event's seq is above those of its ancestors. */
static bool is_later(const struct mr_event *a, const struct mr_event *b)
{
	if (a->seq != b->seq)
		return a->seq > b->seq;
	return mr_digest_compare(&a->digest, &b->digest) > 0;
}

void mr_copy_policy_foresee(const struct copy *c)
{
	struct mreg_digest now = mr_copy_policy_now(c);
	const struct mr_event *own = own_policy(c);
	const struct mr_event *next = last_coming(c);

	if (!next)
		return;
	if (!own && !mreg_digest_equal(&next->policy, &now))
		mr_log(&c->m->env, MREG_LOG_WARN,
		       "the policy of '%s' would be that of '%s', which its "
		       "log brings along",
		       c->name_to, c->name_from);
	if (own && is_later(next, own) &&
	    !mreg_digest_equal(&next->policy, &own->policy))
		mr_log(&c->m->env, MREG_LOG_INFO,
		       "the policy of '%s' would stay as it is, that of '%s' "
		       "would not be taken over",
		       c->name_to, c->name_from);
}

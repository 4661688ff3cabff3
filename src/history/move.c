/*
 * move.c - moving an alias: product.md 3.3, without compare-and-swap.
 *
 *   look -> [not so yet] -> write event -> read
 *     the fold's last move is ours, or came after ours -> settle
 *     another one, which did not know ours, won -> write again on top of all
 *     (a linear log: another event was first -> read, write again)
 *   settle:  tag is the fold's? read -> still so: done
 *            else PUT the tag -> read -> settle
 * Invariants
 * 1. Whoever is told that an alias was moved has an event in the log that
 *    says so, and at some moment the fold had it.
 * 2. Nobody stops while tag and fold differ, as far as they could see: so the
 *    last writer leaves them alike.  The same goes for the tag's siblings:
 *    whoever wrote one looks again whether the fold is still what they took it
 *    for.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"

/* Those who lost to a fork at the same moment wait for different times. */
#define BACKOFF_MS 20

struct moving {
	struct mreg *m;
	struct mr_store *s;
	struct mr_history *h;
	const struct mreg_ref *ref;
	const struct mr_move *move;
	struct mr_moved *out;
	struct mr_alias_state state;
};

int mr_alias_expect(const struct mr_move *move,
		    const struct mr_alias_state *state, struct mreg_error *err)
{
	struct mreg_digest want = { .algorithm = MREG_DIGEST_NONE };
	bool unfinished = state->agree == MR_ALIAS_UNFINISHED;
	const struct mreg_digest *now = mr_alias_now(state);
	const char *expect = move->expect;
	char text[MREG_DIGEST_TEXT];
	int rc = 0;

	if (!expect)
		return 0;
	if (strcmp(expect, "none") != 0)
		rc = mreg_digest_parse(expect, &want, err);
	if (rc < 0 || mreg_digest_equal(&want, now))
		return rc;
	/* The same move, whose writer died before the tag. */
	if (unfinished && mreg_digest_equal(&want, &state->tag.digest) &&
	    mreg_digest_equal(&state->fold, &move->to.digest))
		return 0;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' is not what was expected, it %s %s",
		      move->alias, unfinished ? "is on the way to" : "has",
		      mr_digest_known(now) ? mreg_digest_text(now, text)
					   : "nothing");
	return mr_hint(err, "look at it, then expect what it has now");
}

static int look(struct moving *v, struct mreg_error *err)
{
	return mr_alias_look(v->s, v->h, v->move->alias, &v->state, err);
}

static int read_and_look(struct moving *v, struct mreg_error *err)
{
	int rc = mr_history_read(v->m, v->s, v->h, err);

	return rc < 0 ? rc : look(v, err);
}

/* The event of ours that was just written: the last of the log that says what
 * we wrote on top of the heads that we saw. */
static int try_event(struct moving *v, bool *lost, struct mreg_error *err)
{
	const struct mr_move *mv = v->move;
	struct mr_event_field fields[3] = {
		{ .key = "alias", .text = mv->alias },
		{ .key = "by", .text = mv->by },
		{ .key = "reason", .text = mv->reason },
	};
	struct mr_event e = {
		.kind = MR_EVENT_ALIAS_MOVED,
		.version = mv->to.digest,
		.was = v->state.tag.digest,
		.policy = mv->policy,
		.fields = fields,
		.field_count = mv->reason ? 3 : 2,
	};

	return mr_log_try(v->m, v->s, v->h, v->ref, &e, &v->out->event, lost,
			  err);
}

static int fail_busy(const struct moving *v, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' of '%s' keeps being moved by others",
		      v->move->alias, v->s->label);
	return mr_hint(err, "agree with them, then run it again");
}

/* Numbers are safe only where a listing shows what was written before it. */
static int fail_blind(const struct moving *v, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EREMOTE,
		      "the log of '%s' does not show what was just written to "
		      "it",
		      v->s->label);
	return mr_hint(err, "its listings come late: look with 'mreg alias ls' "
			    "later, then 'mreg alias repair' if need be");
}

static int fail_moved(const struct moving *v, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' was moved by someone else at the same moment",
		      v->move->alias);
	return mr_hint(err, "look at it, then expect what it has now");
}

static int check_judged(const struct moving *v, struct mreg_error *err)
{
	size_t judged = v->move->judged;

	if (!judged || mr_digest_known(&v->out->event) ||
	    mr_ledger_count(v->h->ledger) == judged)
		return 0;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "the log of '%s' has grown since it was judged by it",
		      v->s->label);
	return mr_hint(err, "run it again");
}

/* In a linear log whoever expects something is only first when nobody moved
 * the alias since it was looked at: there --expect is a lock. */
static int write_event(struct moving *v, struct mreg_error *err)
{
	struct mreg_digest seen =
		v->state.move ? v->state.move->digest : v->state.fold;
	unsigned int round;

	for (round = 1;; round++) {
		bool lost;
		int rc = try_event(v, &lost, err);

		if (rc < 0 || !lost)
			return rc;
		rc = mr_log_pause(v->m, v->s, round, err);
		if (rc >= 0)
			rc = read_and_look(v, err);
		if (rc < 0)
			return rc;
		if (v->move->expect && v->state.move &&
		    !mreg_digest_equal(&v->state.move->digest, &seen))
			return fail_moved(v, err);
		rc = check_judged(v, err);
		if (rc < 0)
			return rc;
	}
}

/* Until the fold has our move, or one whose writer knew of it. */
static int record(struct moving *v, struct mreg_error *err)
{
	unsigned int round;
	int rc = 0;

	for (round = 0; round < MR_CLAIM_ROUNDS_MAX; round++) {
		const struct mr_event *mine;

		if (round > 0 && v->move->expect)
			return fail_moved(v, err);
		if (round > 0)
			rc = mr_sleep_ms(&v->m->env,
					 1 + mr_random(&v->m->env) %
							 (BACKOFF_MS * round),
					 err);
		if (rc >= 0 && round > 0)
			rc = read_and_look(v, err);
		if (rc >= 0)
			rc = write_event(v, err);
		if (rc >= 0)
			rc = read_and_look(v, err);
		if (rc < 0)
			return rc;
		mine = mr_ledger_find(v->h->ledger, &v->out->event);
		if (!mine)
			return fail_blind(v, err);
		if (mr_ledger_follows(v->h->ledger, v->state.move, mine))
			return 0;
	}
	return fail_busy(v, err);
}

static int put_tag(struct moving *v, struct mreg_error *err)
{
	const struct mr_move *mv = v->move;
	const struct mr_alias_state *st = &v->state;
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc d = { .digest = st->fold };
	int rc;

	if (!mr_digest_known(&st->fold))
		return mr_tag_remove(v->s, mv->alias, &v->out->tombstone, err);
	if (mv->bytes && mreg_digest_equal(&mv->to.digest, &st->fold))
		rc = mr_tag_set(v->s, mv->alias, &mv->to, mv->bytes, &why);
	else
		rc = mr_tag_set(v->s, mv->alias, &d, NULL, &why);
	/* Someone else's PUT: the next round sees whose. */
	if (rc == MREG_ECONFLICT)
		return 0;
	if (rc < 0 && err)
		*err = why;
	return rc;
}

/* Until tag and fold agree, and did so after the log was read once more. */
static int settle(struct moving *v, bool *changed, struct mreg_error *err)
{
	unsigned int round;

	*changed = false;
	for (round = 0; round < MR_CLAIM_ROUNDS_MAX; round++) {
		int rc = 0;

		if (v->state.agree == MR_ALIAS_AGREES)
			return 0;
		*changed = true;
		if (round > 0)
			rc = mr_sleep_ms(&v->m->env,
					 1 + mr_random(&v->m->env) %
							 (BACKOFF_MS * round),
					 err);
		if (rc >= 0)
			rc = put_tag(v, err);
		if (rc >= 0)
			rc = read_and_look(v, err);
		if (rc < 0)
			return rc;
	}
	return fail_busy(v, err);
}

int mr_alias_in_sight(struct mr_store *s, struct mr_history *h,
		      const struct mr_move *move, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	char text[MREG_DIGEST_TEXT];
	int rc;

	if (move->archived || !mr_digest_known(&move->to.digest))
		return 0;
	rc = mr_ledger_standing(h->ledger, MR_STANDING_NOW, &now, err);
	if (rc < 0 || !mr_standing_archived(&now, &move->to.digest))
		return rc;
	(void)mr_fail(err, MREG_ECONFLICT, "'%s@%.19s' is archived", s->label,
		      mreg_digest_text(&move->to.digest, text));
	return mr_hint(err, "bring it back first: 'mreg restore'");
}

/*
 * What goes with the tag, as often as somebody else moved it on meanwhile: of
 * two writers the one who wrote a sibling last may be the one whose move was
 * not.  `*changed` is left as it is when nothing was to do.
 */
static int settle_siblings(struct moving *v, bool *changed,
			   struct mreg_error *err)
{
	unsigned int round;

	for (round = 0; round < MR_CLAIM_ROUNDS_MAX; round++) {
		struct mreg_digest fold = v->state.fold;
		bool moved = false;
		bool wrote;
		int rc = mr_siblings_move(v->m, v->s, v->h, v->move->alias,
					  &fold, &wrote, err);

		if (rc < 0 || !wrote)
			return rc;
		*changed = true;
		rc = read_and_look(v, err);
		if (rc >= 0)
			rc = settle(v, &moved, err);
		if (rc < 0 || mreg_digest_equal(&v->state.fold, &fold))
			return rc;
	}
	return fail_busy(v, err);
}

int mr_alias_move(struct mreg *m, struct mr_store *s, struct mr_history *h,
		  const struct mreg_ref *ref, const struct mr_move *move,
		  struct mr_moved *out, struct mreg_error *err)
{
	struct moving v = {
		.m = m, .s = s, .h = h, .ref = ref, .move = move, .out = out
	};
	struct mreg_error late = MREG_ERROR_INIT;
	bool changed;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = read_and_look(&v, err);
	out->was = v.state.tag.digest;
	out->split = v.state.split != NULL;
	if (rc >= 0)
		rc = mr_alias_expect(move, &v.state, err);
	if (rc >= 0)
		rc = mr_alias_in_sight(s, h, move, err);
	if (rc >= 0)
		rc = check_judged(&v, err);
	if (rc < 0)
		return rc;
	/* An earlier run's event stands: only the tag is to be moved. */
	if (!v.state.move || (move->ends_split && v.state.split) ||
	    !mreg_digest_equal(&v.state.fold, &move->to.digest))
		rc = record(&v, err);
	if (rc >= 0)
		rc = settle(&v, &changed, err);
	/* Whoever archives looks for aliases after its event, and here the log
	 * is looked at after ours: of two at once one sees the other. */
	if (rc >= 0 && mr_alias_in_sight(s, h, move, &late) < 0)
		mr_log(&m->env, MREG_LOG_WARN, "alias '%s' is moved, but %s",
		       move->alias, late.msg);
	if (rc >= 0)
		rc = settle_siblings(&v, &changed, err);
	out->now = v.state.fold;
	out->splits = v.state.split != NULL;
	if (rc >= 0 && move->expect &&
	    !mreg_digest_equal(&out->now, &move->to.digest)) {
		(void)mr_fail(err, MREG_ECONFLICT,
			      "alias '%s' was moved on by someone else at once",
			      move->alias);
		rc = mr_hint(err, "the move is in the log: 'mreg log' shows "
				  "both");
	}
	return rc;
}

int mr_alias_repair(struct mreg *m, struct mr_store *s, struct mr_history *h,
		    const char *alias, bool *changed, struct mreg_error *err)
{
	struct mr_move move = { .alias = alias };
	struct mr_moved moved = { .tombstone = false };
	struct moving v = {
		.m = m, .s = s, .h = h, .move = &move, .out = &moved
	};
	int rc = read_and_look(&v, err);

	*changed = false;
	if (rc >= 0 && v.state.move)
		rc = settle(&v, changed, err);
	if (rc >= 0 && v.state.move)
		rc = settle_siblings(&v, changed, err);
	return rc;
}

/* Whether somebody else moved the tag. */
static bool is_others(const struct mr_alias_state *state)
{
	return state->agree == MR_ALIAS_FOREIGN ||
	       state->agree == MR_ALIAS_UNRECORDED;
}

/* Write down what the tag has; `*lost`: in a linear log another event was
 * first. */
static int write_adoption(struct moving *v, bool *lost, struct mreg_error *err)
{
	struct mr_event_field field = { .key = "alias",
					.text = v->move->alias };
	struct mr_event e = {
		.kind = MR_EVENT_TAG_ADOPTED,
		.version = v->state.tag.digest,
		.was = v->state.fold,
		.fields = &field,
		.field_count = 1,
	};

	return mr_log_try(v->m, v->s, v->h, v->ref, &e, &v->out->event, lost,
			  err);
}

/*
 * An adoption wants nothing to be other than it is: where another event was
 * first it looks again, and where the tag was moved since it was looked at,
 * and ours is the last event all the same, it writes down that too.  Else it
 * would take back a move whose writer had ended.
 */
int mr_alias_adopt(struct mreg *m, struct mr_store *s, struct mr_history *h,
		   const struct mreg_ref *ref, const char *alias,
		   const struct mr_alias_state *state, struct mreg_error *err)
{
	struct mr_move move = { .alias = alias };
	struct mr_moved moved = { .tombstone = false };
	struct moving v = { .m = m,
			    .s = s,
			    .h = h,
			    .ref = ref,
			    .move = &move,
			    .out = &moved,
			    .state = *state };
	unsigned int round;

	for (round = 1; round <= MR_CLAIM_ROUNDS_MAX; round++) {
		bool lost = false;
		int rc = write_adoption(&v, &lost, err);

		if (rc >= 0 && lost)
			rc = mr_log_pause(m, s, round, err);
		if (rc >= 0)
			rc = read_and_look(&v, err);
		if (rc < 0 || v.state.agree == MR_ALIAS_AGREES)
			return rc;
		if (lost ? !is_others(&v.state)
			 : !v.state.move ||
				    !mreg_digest_equal(&v.state.move->digest,
						       &moved.event))
			return 0;
	}
	return fail_busy(&v, err);
}

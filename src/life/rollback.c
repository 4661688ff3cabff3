/*
 * rollback.c - an alias back to where it was.
 *
 * Positions are the log's (ledger/standing.h): the tag alone does not know
 * where it was.  Of an alias that is split the last position is where it is
 * without the split.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "history/history.h"
#include "mreg/alias.h"
#include "life/names.h"

#define SHOWN_BYTES 100

struct rollback {
	struct mreg *m;
	struct mr_store *s;
	struct mreg_ref ref; /* its tag is the alias */
	struct mr_history h;
	const struct mreg_rollback_opts *o;
	const struct mr_event **stack; /* the present position last */
	size_t depth;
	bool split; /* one is in force: undoing that is the way back */
};

static void rollback_release(struct rollback *r)
{
	mr_history_release(&r->h);
	mr_store_closep(&r->s);
}

static int fail_first(const struct rollback *r, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "alias '%s' of '%s' was nowhere before", r->ref.tag,
		      r->s->label);
	return mr_hint(err, "'mreg log NAME --alias %s' shows where it was",
		       r->ref.tag);
}

/* A tag that somebody moved is not where the log has it: going "back" from
 * there would be a guess. */
static int check_state(struct rollback *r, struct mreg_error *err)
{
	struct mr_alias_state now;
	int rc = mr_alias_look(r->s, &r->h, r->ref.tag, &now, err);

	r->split = rc >= 0 && now.split;
	if (rc < 0 || now.agree == MR_ALIAS_AGREES ||
	    now.agree == MR_ALIAS_UNFINISHED)
		return rc;
	(void)mr_fail(err, MREG_ECONFLICT,
		      "alias '%s' was moved without mreg, so its log does not "
		      "say where it was",
		      r->ref.tag);
	return mr_hint(err, "'mreg log NAME --adopt' takes that into the "
			    "history, 'mreg alias repair' undoes it");
}

/* The position it goes to.  With --to that may be where it is, so that a
 * rollback that broke off between its event and the tag is completed. */
static int choose(struct rollback *r, const struct mr_event **out,
		  struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	struct mreg_ref to = r->ref;
	struct mreg_desc d;
	size_t i;
	int rc;

	if (!r->o->to && r->depth < (r->split ? 1u : 2u))
		return fail_first(r, err);
	if (!r->o->to) {
		*out = r->stack[r->depth - (r->split ? 1 : 2)];
		return 0;
	}
	to.tag[0] = '\0';
	if (mreg_digest_parse(r->o->to, &to.digest, NULL) < 0)
		(void)snprintf(to.tag, sizeof(to.tag), "%s", r->o->to);
	rc = mr_target_resolve(r->s, &to, &d, err);
	for (i = r->depth; rc >= 0 && i-- > 0;)
		if (mreg_digest_equal(&r->stack[i]->version, &d.digest)) {
			*out = r->stack[i];
			return 0;
		}
	if (rc < 0)
		return rc;
	(void)mr_fail(err, MREG_ENOTFOUND,
		      "alias '%s' has no '%s' to go back to", r->ref.tag,
		      mr_text_safe(r->o->to, shown, sizeof(shown)));
	return mr_hint(err,
		       "'mreg log NAME --alias %s' shows where it was; "
		       "'mreg promote' goes anywhere",
		       r->ref.tag);
}

static int find_version(struct rollback *r, const struct mr_event *position,
			struct mreg_desc *out, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	bool found;
	int rc;

	(void)mreg_digest_text(&position->version, text);
	rc = mr_store_resolve(r->s, text, out, &found, err);
	if (rc < 0 || found)
		return rc;
	(void)mr_fail(err, MREG_ENOTFOUND, "'%s' had %s, which was removed",
		      r->ref.tag, text);
	return mr_hint(err, "go further back with --to");
}

static int run_locked(struct rollback *r, struct mr_arena *a,
		      struct mreg_alias_result *out, struct mreg_error *err)
{
	struct mr_move mv = { .alias = r->ref.tag,
			      .by = "rollback",
			      .ends_split = true,
			      .reason = r->o->reason,
			      .expect = r->o->expect };
	const struct mr_event *position;
	int rc = mr_history_read(r->m, r->s, &r->h, err);

	if (rc >= 0 && !r->h.found)
		rc = mr_target_missing(r->s, &r->ref, err);
	if (rc >= 0)
		rc = check_state(r, err);
	if (rc >= 0)
		rc = mr_ledger_positions(r->h.ledger, r->ref.tag, a, &r->stack,
					 &r->depth, err);
	if (rc >= 0)
		rc = choose(r, &position, err);
	if (rc >= 0)
		rc = find_version(r, position, &mv.to, err);
	return rc < 0 ? rc
		      : mr_name_move(r->m, r->s, &r->h, &r->ref, &mv,
				     r->o->dry_run, out, err);
}

int mreg_rollback(struct mreg *m, const char *text,
		  const struct mreg_rollback_opts *given,
		  struct mreg_alias_result *out, struct mreg_error *err)
{
	MR_AUTO(rollback_release) struct rollback r = { .m = m };
	struct mreg_rollback_opts o;
	int rc = mr_name_begin(out, err);

	mr_opts_take(&o, sizeof(o), given, given->size);
	r.o = &o;
	if (rc >= 0)
		rc = mr_name_target(m, text, &r.ref, &r.s, err);
	if (rc >= 0 && !o.dry_run)
		rc = mr_store_lock(r.s, err);
	if (rc >= 0) {
		rc = run_locked(&r, out->owner, out, err);
		if (!o.dry_run)
			mr_store_unlock(r.s);
	}
	if (rc >= 0)
		rc = mr_name_end(m, r.s, &r.ref, r.ref.tag, o.dry_run, out,
				 err);
	if (rc < 0)
		mreg_alias_result_release(out);
	return rc;
}

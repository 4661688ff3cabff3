/*
 * collect_policy.c - which policy stages and reviews are by.
 *
 * A model that has none of its own has its prefix's, which changes in another
 * repository.  So what a model was written by is remembered beside its tags, in
 * the same transaction, and compared with what is in force now: whatever became
 * of the syncs in between, it is found.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "crawl/collect.h"

static bool has_own(const struct mr_collect *c)
{
	const struct mr_event *e = mr_ledger_policy(c->h.ledger);

	return e && mr_digest_known(&e->policy);
}

static int look(struct mr_collect *c, struct mr_arena *a, struct mr_stages *out,
		struct mreg_error *err)
{
	return mr_look_stages(c->m, c->ref, c->s, &c->h, a, out, err);
}

/* The policy of a prefix is that of all models below it, which a registry is
 * asked for once: those who come meanwhile wait. */
static int look_above(struct mr_collect *c, struct mreg_error *err)
{
	struct mr_crawl *all = c->crawl;
	int rc = 0;

	mr_lock_enter(&all->lock);
	if (!all->staged)
		rc = look(c, all->arena, &all->stages, err);
	all->staged = rc >= 0;
	c->stages = all->stages;
	mr_lock_leave(&all->lock);
	return rc;
}

int mr_collect_stages(struct mr_collect *c, struct mreg_error *err)
{
	const struct mr_ix_seen *seen = mr_collect_seen(c, MR_COLLECT_POLICY);
	struct mreg_ref above;
	int rc;

	if (!mr_look_aliased(c->rows, c->row_count, NULL))
		return 0;
	c->above = !has_own(c);
	if (c->above && mr_policies_above(c->m, c->ref, &above))
		rc = look_above(c, err);
	else
		rc = look(c, c->arena, &c->stages, err);
	c->rejudged = c->above && seen &&
		      !mreg_digest_equal(&seen->digest, &c->stages.policy);
	return rc;
}

/* Once for all models; what fails, fails for all of them. */
static int ask_above(struct mr_crawl *all, const struct mreg_ref *above,
		     struct mreg_error *err)
{
	char name[MREG_REF_TEXT];
	int rc;

	if (all->asked)
		return 0;
	rc = mr_policies_named(all->m, above, &all->policy, err);
	if (rc == MREG_ECANCELED || rc == MREG_ENOMEM)
		return rc;
	all->asked = true;
	if (rc >= 0)
		return 0;
	all->unknown = *err;
	all->policies =
		mr_crawl_shown(all->m, mr_ref_name(above, name), all->arena);
	return mr_result_check(all->arena, err);
}

int mr_collect_rejudged(struct mr_collect *c, bool *out, struct mreg_error *err)
{
	const struct mr_ix_seen *seen = mr_collect_seen(c, MR_COLLECT_POLICY);
	struct mr_crawl *all = c->crawl;
	struct mreg_ref above;
	int rc;

	*out = false;
	/* Who does not know the prefix cannot know better. */
	if (!seen || !mr_policies_above(c->m, c->ref, &above))
		return 0;
	mr_lock_enter(&all->lock);
	rc = ask_above(all, &above, err);
	*out = rc >= 0 && !all->unknown.code &&
	       !mreg_digest_equal(&seen->digest, &all->policy);
	mr_lock_leave(&all->lock);
	return rc;
}

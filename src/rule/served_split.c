/*
 * served_split.c - the versions that share an alias's traffic, as those that
 * serve them name them.
 *
 * The tag was looked at first: where the log says that the alias has another
 * version by now, whoever asked gets that one version and no shares.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"
#include "rule/rule.h"
#include "rule/served.h"

struct sharing {
	struct mreg *m;
	const struct mreg_ref *ref;
	const struct mreg_served *own;
	bool image, policy;
	struct mr_arena *a;
};

static int take(const struct sharing *w, const struct mreg_split_part *part,
		struct mreg_served_share *to, struct mreg_error *err)
{
	struct mreg_ref pinned = *w->ref;
	int rc = 0;

	to->weight = part->weight;
	to->stable = part->stable;
	to->served = *w->own;
	if (part->stable)
		return 0;
	if (part->archived)
		mr_log(&w->m->env, MREG_LOG_WARN,
		       "a version that has a share of '%s' was archived or "
		       "removed: 'mreg split NAME:%s' shows it",
		       w->ref->tag, w->ref->tag);
	pinned.tag[0] = '\0';
	pinned.digest = part->digest;
	if (w->policy)
		rc = mr_policy_demand(w->m, &pinned, &part->digest, err);
	return rc < 0 ? rc
		      : mr_served(w->m, &pinned, &part->digest, w->image, w->a,
				  &to->served, err);
}

static int take_all(const struct sharing *w, const struct mr_standing *now,
		    const struct mreg_served_share **out, size_t *n,
		    struct mreg_error *err)
{
	const struct mr_alias_standing *a = mr_standing_alias(now, w->ref->tag);
	struct mreg_served_share *shares;
	struct mreg_split_part *parts;
	size_t count;
	size_t i;
	int rc = 0;

	if (!a || !a->split ||
	    !mreg_digest_equal(&a->move->version, &w->own->digest))
		return 0;
	parts = mr_split_told(w->a, now, a->split, &a->move->version, &count);
	shares = mr_arena_alloc(w->a, (count + 1) * sizeof(*shares));
	if (!parts || !shares)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < count; i++)
		rc = take(w, &parts[i], &shares[i], err);
	*out = shares;
	*n = count;
	return rc;
}

int mr_served_split(struct mreg *m, const struct mreg_ref *ref,
		    const struct mreg_served *own, bool image, bool policy,
		    struct mr_arena *a, const struct mreg_served_share **out,
		    size_t *n, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	MR_AUTO(mr_history_release) struct mr_history h = { .ledger = NULL };
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct sharing w = { m, ref, own, image, policy, a };
	int rc;

	*n = 0;
	if (mr_tag_kind(ref->tag) != MR_TAG_ALIAS)
		return 0;
	rc = mr_target_open(m, ref, &s, err);
	if (rc >= 0)
		rc = mr_history_read(m, s, &h, err);
	if (rc >= 0)
		rc = mr_ledger_standing(h.ledger, MR_STANDING_NOW, &now, err);
	if (rc < 0)
		return mr_wrap(err, "cannot tell how '%s' is split", ref->tag);
	return take_all(&w, &now, out, n, err);
}

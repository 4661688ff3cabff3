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
	struct mr_store *s; /* borrowed */
	const struct mreg_ref *ref;
	const struct mreg_served *own;
	bool image, policy;
	struct mr_arena *a;
};

static int take(const struct sharing *w, const struct mreg_split_part *part,
		struct mreg_served_share *to, struct mreg_error *err)
{
	struct mreg_ref pinned = *w->ref;
	struct mreg_desc there;
	int rc;

	to->weight = part->weight;
	to->stable = part->stable;
	to->served = *w->own;
	if (part->stable)
		return 0;
	if (part->archived)
		return mr_fail(err, MREG_ECONFLICT,
			       "it was archived or removed");
	/* Whoever wrote the event may have named anything that is there. */
	if (!part->number)
		return mr_fail(err, MREG_ENOTFOUND,
			       "it is no version that the log knows");
	pinned.tag[0] = '\0';
	pinned.digest = part->digest;
	/* That its manifest was read before does not say that it is there. */
	rc = mr_target_resolve(w->s, &pinned, &there, err);
	if (rc >= 0 && w->policy)
		rc = mr_policy_demand_share(w->m, &pinned, &part->digest,
					    w->ref->tag, err);
	return rc < 0 ? rc
		      : mr_served(w->m, &pinned, &part->digest, w->image, w->a,
				  &to->served, err);
}

/* What is wrong with a version that is tried is no reason to have none of what
 * is in use.  That a registry did not answer says nothing of the version. */
static bool is_of_version(int rc)
{
	return rc == MREG_ENOTFOUND || rc == MREG_ECONFLICT ||
	       rc == MREG_EFORMAT || rc == MREG_EPOLICY ||
	       rc == MREG_EUNSUPPORTED;
}

static void warn_alone(const struct sharing *w,
		       const struct mreg_split_part *part,
		       const struct mreg_error *why)
{
	char text[MREG_DIGEST_TEXT];
	char said[MR_ERROR_TEXT];

	mr_log(&w->m->env, MREG_LOG_WARN,
	       "%.19s has a share of '%s', but cannot be served, so the "
	       "alias's own version gets everything: %s",
	       mreg_digest_text(&part->digest, text), w->ref->tag,
	       mr_error_text(why, said));
	if (why->hint[0])
		mr_log(&w->m->env, MREG_LOG_WARN, "%s", why->hint);
	/* It is not the reason of what may fail later. */
	mr_refusal_free(w->m->refusal);
	w->m->refusal = NULL;
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
	int rc;

	if (!a || !a->split ||
	    !mreg_digest_equal(&a->move->version, &w->own->digest))
		return 0;
	parts = mr_split_told(w->a, now, a->split, &a->move->version, &count);
	shares = mr_arena_alloc(w->a, (count + 1) * sizeof(*shares));
	if (!parts || !shares)
		return mr_fail_nomem(err);
	for (i = 0; i < count; i++) {
		struct mreg_error why = MREG_ERROR_INIT;

		rc = take(w, &parts[i], &shares[i], &why);
		if (is_of_version(rc)) {
			warn_alone(w, &parts[i], &why);
			return 0;
		}
		if (rc < 0) {
			if (err)
				*err = why;
			return rc;
		}
	}
	*out = shares;
	*n = count;
	return 0;
}

int mr_served_split(struct mreg *m, const struct mreg_ref *ref,
		    const struct mreg_served *own, bool image, bool policy,
		    struct mr_arena *a, const struct mreg_served_share **out,
		    size_t *n, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	MR_AUTO(mr_history_release) struct mr_history h = { .ledger = NULL };
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct sharing w = { m, NULL, ref, own, image, policy, a };
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
	w.s = s;
	return take_all(&w, &now, out, n, err);
}

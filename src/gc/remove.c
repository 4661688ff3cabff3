/*
 * remove.c - an item taken out of a repository: its tags and manifests.
 *
 * Invariants
 * 1. No manifest is removed by its digest that a tag, or an item, names that
 *    stays: registries take all tags of a digest along (P-68).
 * 2. A tag is removed only while it has what it had when all was read.
 */
#include "gc/plan.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

/* Nobody has a manifest of these bytes: they are no JSON. */
static const char probe[] = "mreg asks whether manifests can be deleted";

bool mr_gc_goes(const struct gc *g, size_t item)
{
	return g->items[item].action == MREG_GC_REMOVE;
}

/* Whether something that stays has the manifest. */
static bool is_shared(const struct gc *g, const struct mreg_digest *d)
{
	size_t own = mr_digest_map_get(&g->item_map, d);
	size_t i;

	if (own != MR_DIGEST_NO_INDEX && !mr_gc_goes(g, own))
		return true;
	/* An index that somebody hung on a version may name anything; tags of
	 * the log are not among those that were read. */
	if (mr_ledger_find(g->h.ledger, d))
		return true;
	for (i = 0; i < g->part_count; i++)
		if (!mr_gc_goes(g, g->parts[i].item) &&
		    mreg_digest_equal(&g->parts[i].digest, d))
			return true;
	for (i = 0; i < g->tag_count; i++)
		if (g->tags[i].found && !mr_gc_goes(g, g->tags[i].item) &&
		    mreg_digest_equal(&g->tags[i].desc.digest, d))
			return true;
	return false;
}

/* `last`: the manifest is, or is to be, gone; else the tag alone. */
static int drop_tag(struct gc *g, const struct gc_tag *t, bool last,
		    struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc now;
	bool found, tombstone;
	int rc;

	if (!last) {
		rc = mr_tag_remove(g->s, t->name, &tombstone, err);
		return rc == MREG_ENOTFOUND ? 0 : rc;
	}
	if (g->no_untag)
		return 0;
	/* It may have been moved since. */
	rc = mr_tag_resolve(g->s, t->name, &now, &found, err);
	if (rc < 0 || !found ||
	    !mreg_digest_equal(&now.digest, &t->desc.digest))
		return rc;
	rc = mr_store_untag(g->s, t->name, &why);
	if (rc == MREG_EUNSUPPORTED)
		g->no_untag = true; /* it goes with its manifest */
	else if (rc < 0 && rc != MREG_ENOTFOUND) {
		*err = why;
		return rc;
	}
	return 0;
}

/* Tags that the registry left where their manifest is gone. */
static int drop_dangling(struct gc *g, const struct mreg_digest *d,
			 struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < g->tag_count; i++) {
		const struct gc_tag *t = &g->tags[i];
		struct mreg_desc now;
		bool found, tombstone;

		if (!t->found || !mr_gc_goes(g, t->item) ||
		    !mreg_digest_equal(&t->desc.digest, d))
			continue;
		rc = mr_tag_resolve(g->s, t->name, &now, &found, err);
		if (rc >= 0 && found && mreg_digest_equal(&now.digest, d))
			rc = mr_tag_remove(g->s, t->name, &tombstone, err);
	}
	return rc;
}

/* One manifest, with the tags that go with it. */
static int remove_manifest(struct gc *g, const struct mreg_digest *d,
			   struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	bool shared = is_shared(g, d);
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < g->tag_count; i++)
		if (g->tags[i].found && mr_gc_goes(g, g->tags[i].item) &&
		    mreg_digest_equal(&g->tags[i].desc.digest, d))
			rc = drop_tag(g, &g->tags[i], !shared, err);
	if (rc < 0 || shared)
		return rc;
	rc = mr_store_remove(g->s, d, &why);
	if (rc < 0 && rc != MREG_ENOTFOUND) {
		*err = why;
		return rc;
	}
	return drop_dangling(g, d, err);
}

/* What hangs on it first, so that one that was interrupted is found again. */
int mr_gc_remove(struct gc *g, size_t item, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	g->items[item].begun = true;
	for (i = g->part_count; rc >= 0 && i-- > 0;)
		if (g->parts[i].item == item &&
		    !mreg_digest_equal(&g->parts[i].digest,
				       &g->items[item].desc.digest))
			rc = remove_manifest(g, &g->parts[i].digest, err);
	if (rc >= 0)
		rc = remove_manifest(g, &g->items[item].desc.digest, err);
	if (rc >= 0)
		g->items[item].done = true;
	return rc;
}

int mr_gc_ask(struct gc *g, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_digest nobodys;
	int rc = mr_digest_of(probe, sizeof(probe) - 1, &nobodys, err);

	if (rc >= 0)
		rc = mr_store_remove(g->s, &nobodys, &why);
	if (rc >= 0 || rc == MREG_ENOTFOUND)
		return 0;
	*err = why;
	if (rc != MREG_EUNSUPPORTED)
		return rc;
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "nothing was removed: '%s' does not delete manifests",
		      g->s->label);
	(void)mr_cause(err, "%s", why.msg);
	return mr_hint(err, "its operator may allow it; for distribution: "
			    "storage.delete.enabled");
}

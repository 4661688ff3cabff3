/*
 * tag.c - tags that are removed, and tags that move with another.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "history/history.h"

#define TAG_BYTES 160 /* the longest tag and a suffix */

int mr_tag_remove(struct mr_store *s, const char *tag, bool *tombstone,
		  struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_desc gone;
	const char *bytes;
	int rc = mr_store_untag(s, tag, &why);

	*tombstone = false;
	if (rc != MREG_EUNSUPPORTED && rc != MREG_EDENIED) {
		if (rc < 0 && err)
			*err = why;
		return rc;
	}
	mr_log(s->env, MREG_LOG_INFO, "%s: pointing '%s' at the tombstone",
	       why.msg, tag);
	*tombstone = true;
	bytes = mr_tombstone(&gone, NULL);
	rc = mr_store_put_bytes(s, &mr_empty_desc, "{}", err);
	return rc < 0 ? rc : mr_store_set(s, tag, &gone, bytes, NULL, err);
}

/* What the `kind`th sibling of the version has. */
static int find_sibling(struct mr_store *s, uint64_t number, size_t kind,
			struct mreg_desc *out, bool *found,
			struct mreg_error *err)
{
	char tag[MR_SIBLING_TAG];

	*found = false;
	return number ? mr_tag_resolve(s, mr_sibling_tag(number, kind, tag),
				       out, found, err)
		      : 0;
}

/* Whoever deploys it finds nothing from now on. */
static void tell_removed(struct mr_store *s, const char *tag,
			 const struct mr_sibling_kind *b, uint64_t number)
{
	mr_log(s->env, MREG_LOG_WARN,
	       "'%s' was removed: v%" PRIu64 " has no %s; 'mreg image "
	       "%.100s:v%" PRIu64 "%s' makes one",
	       tag, number, b->what, s->label, number, b->option);
}

static int move_sibling(struct mr_store *s, const char *tag,
			const struct mreg_desc *want, bool wanted,
			bool *removed, bool *changed, struct mreg_error *err)
{
	struct mreg_desc now;
	bool tombstone;
	bool found;
	int rc = mr_tag_resolve(s, tag, &now, &found, err);

	*removed = false;
	if (rc < 0 || (!found && !wanted) ||
	    (found && wanted && mreg_digest_equal(&now.digest, &want->digest)))
		return rc;
	*changed = true;
	if (wanted)
		return mr_tag_set(s, tag, want, NULL, err);
	rc = mr_tag_remove(s, tag, &tombstone, err);
	*removed = rc >= 0;
	return rc;
}

int mr_siblings_follow(struct mr_store *s, const char *name, uint64_t number,
		       bool *changed, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	*changed = false;
	for (i = 0; rc >= 0 && i < MR_SIBLING_KINDS; i++) {
		struct mreg_desc want;
		char tag[TAG_BYTES];
		bool removed = false;
		bool wanted;

		(void)snprintf(tag, sizeof(tag), "%s%s", name,
			       mr_sibling_kinds[i].suffix);
		if (mr_tag_kind(tag) != MR_TAG_SIBLING)
			continue; /* too long for a tag */
		rc = find_sibling(s, number, i, &want, &wanted, err);
		if (rc >= 0)
			rc = move_sibling(s, tag, &want, wanted, &removed,
					  changed, err);
		/* Of a name that is gone, nobody asks for it. */
		if (removed && number)
			tell_removed(s, tag, &mr_sibling_kinds[i], number);
	}
	return rc < 0 ? mr_wrap(err,
				"'%s' was moved, but not what goes with it",
				name)
		      : 0;
}

int mr_siblings_move(struct mreg *m, struct mr_store *s, struct mr_history *h,
		     const char *name, const struct mreg_digest *version,
		     bool *changed, struct mreg_error *err)
{
	bool known = mr_digest_known(version);
	uint64_t number = 0;
	int rc = 0;

	*changed = false;
	if (known)
		rc = mr_log_any_number(m, s, h, version, &number, err);
	if (rc < 0)
		return mr_wrap(err, "'%s' was moved, but not what goes with it",
			       name);
	rc = mr_siblings_follow(s, name, number, changed, err);
	if (rc >= 0 && known && !number && *changed)
		mr_log(s->env, MREG_LOG_WARN,
		       "images of '%s' were removed: its version has no "
		       "number, so it has none",
		       name);
	return rc;
}

int mr_latest_move(struct mreg *m, struct mr_store *s, struct mr_history *h,
		   const struct mreg_desc *mine, const void *manifest,
		   uint64_t *at, struct mreg_error *err)
{
	bool changed;
	int rc = mr_log_latest(m, s, h, mine, manifest, at, err);

	return rc < 0 ? rc
		      : mr_siblings_follow(s, "latest", *at, &changed, err);
}

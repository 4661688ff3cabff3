/*
 * recalled.c - a repository as it was when its tags were last looked at: its
 * listing and what each tag had are given, and what is had by digest, which
 * never changes, comes from the store behind it.
 *
 * It is for reading alone.  A tag that had nothing then has nothing.
 */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

#define TAGS_MAX_BYTES (512u << 20)

struct recalled {
	struct mr_store base;
	struct mr_store *behind;      /* owned */
	struct mr_arena *arena;       /* owned; of the tags */
	struct mr_recalled_tag *tags; /* sorted */
	size_t count;
};

static struct recalled *recalled_of(struct mr_store *s)
{
	return mr_container_of(s, struct recalled, base);
}

static int by_tag(const void *a, const void *b)
{
	const struct mr_recalled_tag *x = a;
	const struct mr_recalled_tag *y = b;

	return strcmp(x->tag, y->tag);
}

/* The text of the digest to ask the store behind for, in `text`; NULL: there
 * is no such tag. */
static const char *digest_of(struct mr_store *s, const char *reference,
			     char text[MREG_DIGEST_TEXT])
{
	struct recalled *r = recalled_of(s);
	const struct mr_recalled_tag key = { .tag = reference };
	const struct mr_recalled_tag *found;

	if (strchr(reference, ':'))
		return reference;
	found = r->count ? bsearch(&key, r->tags, r->count, sizeof(key), by_tag)
			 : NULL;
	return found && mr_digest_known(&found->digest)
		       ? mreg_digest_text(&found->digest, text)
		       : NULL;
}

static bool is_listed(struct mr_store *s, const char *reference)
{
	struct recalled *r = recalled_of(s);
	const struct mr_recalled_tag key = { .tag = reference };

	return r->count &&
	       bsearch(&key, r->tags, r->count, sizeof(key), by_tag);
}

static int recalled_has(struct mr_store *s, const struct mreg_desc *d,
			bool *found, struct mreg_error *err)
{
	return mr_store_has(recalled_of(s)->behind, d, found, err);
}

/* store.c verifies what this opens. */
static int recalled_open(struct mr_store *s, const struct mreg_desc *d,
			 uint64_t offset, uint64_t length,
			 struct mr_stream **out, struct mreg_error *err)
{
	return mr_store_open_range(recalled_of(s)->behind, d, offset, length,
				   out, err);
}

static bool recalled_ranges(struct mr_store *s)
{
	return mr_store_ranges(recalled_of(s)->behind);
}

/* Type and size were not kept: whoever wants them gets the manifest. */
static int recalled_resolve(struct mr_store *s, const char *reference,
			    struct mreg_desc *out, bool *found,
			    struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	const char *digest = digest_of(s, reference, text);

	if (digest == reference)
		return mr_store_resolve(recalled_of(s)->behind, reference, out,
					found, err);
	*found = digest != NULL;
	memset(out, 0, sizeof(*out));
	return digest ? mreg_digest_parse(digest, &out->digest, err) : 0;
}

/* Of a tag that is mreg's own, and so never moves, the digest was not kept. */
static int recalled_get(struct mr_store *s, const char *reference,
			struct mr_doc *out, bool *found, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	const char *digest = digest_of(s, reference, text);

	if (!digest && mr_tag_kind(reference) == MR_TAG_RECORD &&
	    is_listed(s, reference))
		digest = reference;
	*found = false;
	return digest ? mr_store_get(recalled_of(s)->behind, digest, out, found,
				     err)
		      : 0;
}

static int recalled_tags(struct mr_store *s, struct mr_list *out, bool *found,
			 struct mreg_error *err)
{
	struct recalled *r = recalled_of(s);
	size_t i;
	int rc = 0;

	*found = true;
	for (i = 0; rc >= 0 && i < r->count; i++)
		rc = mr_list_add(out, r->tags[i].tag, err);
	return rc;
}

static int recalled_referrers(struct mr_store *s,
			      const struct mreg_digest *subject,
			      const char *artifact_type,
			      struct mr_referrers *out, struct mreg_error *err)
{
	MR_AUTO(mr_referrers_release)
	struct mr_referrers all = MR_REFERRERS_INIT;
	size_t i;
	int rc = mr_store_referrers(recalled_of(s)->behind, subject,
				    artifact_type, &all, err);

	for (i = 0; rc >= 0 && i < all.count; i++)
		rc = mr_referrers_add(out, &all.items[i], err);
	return rc;
}

static int recalled_file(struct mr_store *s, const struct mreg_desc *d, int *fd,
			 struct mreg_error *err)
{
	int rc = mr_store_file(recalled_of(s)->behind, d, fd, err);

	return rc >= 0 && *fd < 0 ? MREG_ENOTFOUND : rc;
}

static void recalled_free(struct mr_store *s)
{
	struct recalled *r = recalled_of(s);

	mr_store_close(r->behind);
	mr_arena_free(r->arena);
	mr_release(r->base.name);
	mr_release(r);
}

/* Of one that is far, and of one that is here (mr_store_is_far). */
static const struct mr_store_ops far_ops = {
	.kind = "recalled",
	.has = recalled_has,
	.open = recalled_open,
	.ranges = recalled_ranges,
	.free = recalled_free,
	.resolve = recalled_resolve,
	.get = recalled_get,
	.tags = recalled_tags,
	.referrers = recalled_referrers,
};
static const struct mr_store_ops near_ops = {
	.kind = "recalled",
	.has = recalled_has,
	.open = recalled_open,
	.free = recalled_free,
	.resolve = recalled_resolve,
	.get = recalled_get,
	.tags = recalled_tags,
	.referrers = recalled_referrers,
	.file = recalled_file,
};

static int take_tags(struct recalled *r, const struct mr_recalled_tag *tags,
		     size_t n, struct mreg_error *err)
{
	size_t i;

	r->arena = mr_arena_new(TAGS_MAX_BYTES);
	if (!r->arena)
		return mr_fail_nomem(err);
	r->tags = mr_arena_alloc(r->arena, (n + 1) * sizeof(*r->tags));
	for (i = 0; r->tags && i < n; i++)
		r->tags[i] = (struct mr_recalled_tag){
			.tag = mr_arena_strdup(r->arena, tags[i].tag),
			.digest = tags[i].digest,
		};
	if (!r->tags || mr_arena_failed(r->arena))
		return mr_fail_nomem(err);
	r->count = n;
	if (n > 1)
		qsort(r->tags, n, sizeof(*r->tags), by_tag);
	return 0;
}

int mr_recalled_open(struct mr_store **s, const struct mr_recalled_tag *tags,
		     size_t n, struct mreg_error *err)
{
	struct recalled *r = mr_zalloc(sizeof(*r));
	int rc;

	if (!r)
		return mr_fail_nomem(err);
	rc = take_tags(r, tags, n, err);
	r->base.ops = mr_store_is_far(*s) ? &far_ops : &near_ops;
	r->base.env = (*s)->env;
	r->base.name = mr_strdup((*s)->name);
	r->base.label = (*s)->label ? mr_strdup((*s)->label) : NULL;
	if (rc >= 0 && (!r->base.name || ((*s)->label && !r->base.label)))
		rc = mr_fail_nomem(err);
	if (rc < 0) {
		mr_store_close(&r->base);
		return rc;
	}
	r->behind = *s;
	*s = &r->base;
	return 0;
}

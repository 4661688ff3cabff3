/*
 * referrers.c - store.c's part for referrers: who names a manifest as its
 * subject, each once, in one order, of the type that was asked for.
 */
#include "store/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

/* MR_REFERRERS_MAX descriptors with 12 KiB of annotations each. */
#define ARENA_MAX_BYTES (128u << 20)
/* What is told twice (by the API and under the fallback tag) is counted only
 * now and then. */
#define HELD_MAX (2 * MR_REFERRERS_MAX)

void mr_referrers_release(struct mr_referrers *r)
{
	mr_arena_free(r->arena);
	*r = (struct mr_referrers)MR_REFERRERS_INIT;
}

/* How much a descriptor tells; a foreign fallback entry may lack all of it. */
static size_t told(const struct mr_descriptor *d)
{
	return d->annotations.n * 2 + (d->artifact_type != NULL);
}

/* By digest; of equal ones that first which tells more. */
static int compare(const void *a, const void *b)
{
	const struct mr_descriptor *x = a, *y = b;
	int order = mr_digest_compare(&x->desc.digest, &y->desc.digest);

	if (order != 0 || told(x) == told(y))
		return order;
	return told(x) > told(y) ? -1 : 1;
}

static void sort_and_unite(struct mr_referrers *r)
{
	size_t i, n = 0;

	if (r->count > 1)
		qsort(r->items, r->count, sizeof(*r->items), compare);
	for (i = 0; i < r->count; i++)
		if (n == 0 || !mreg_digest_equal(&r->items[n - 1].desc.digest,
						 &r->items[i].desc.digest))
			r->items[n++] = r->items[i];
	r->count = n;
}

static int too_many(struct mreg_error *err)
{
	return mr_fail(err, MREG_ELIMIT,
		       "more than %d manifests refer to one manifest",
		       MR_REFERRERS_MAX);
}

/* Room for one more. */
static int grow(struct mr_referrers *r, struct mreg_error *err)
{
	struct mr_descriptor *items;
	size_t cap = 4;

	if (r->count >= HELD_MAX) {
		sort_and_unite(r);
		if (r->count > MR_REFERRERS_MAX)
			return too_many(err);
	}
	while (cap < r->count)
		cap *= 2;
	/* Full when the count is 0, 4, 8, 16...: there is nowhere to keep what
	 * is allocated but in the arena. */
	if (r->count > 0 && cap != r->count)
		return 0;
	if (r->count > 0)
		cap *= 2;
	items = mr_arena_alloc(r->arena, cap * sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	if (r->count > 0)
		memcpy(items, r->items, r->count * sizeof(*items));
	r->items = items;
	return 0;
}

int mr_referrers_begin(struct mr_referrers *r, struct mreg_error *err)
{
	mr_referrers_release(r);
	r->arena = mr_arena_new(ARENA_MAX_BYTES);
	return r->arena ? 0 : mr_fail_nomem(err);
}

static void copy_annotations(struct mr_arena *arena,
			     const struct mr_annotations *from,
			     struct mr_annotations *to)
{
	size_t i;

	*to = (struct mr_annotations){ .n = 0 };
	if (from->n == 0)
		return;
	to->items = mr_arena_alloc(arena, from->n * sizeof(*to->items));
	for (i = 0; to->items && i < from->n; i++) {
		to->items[i].name = mr_arena_strdup(arena, from->items[i].name);
		to->items[i].value =
			mr_arena_strdup(arena, from->items[i].value);
		to->n++;
	}
}

static const char *copy_text(struct mr_arena *arena, const char *text)
{
	return text ? mr_arena_strdup(arena, text) : NULL;
}

int mr_referrers_add(struct mr_referrers *r, const struct mr_descriptor *d,
		     struct mreg_error *err)
{
	struct mr_descriptor *to;
	int rc;

	rc = grow(r, err);
	if (rc < 0)
		return rc;
	to = &r->items[r->count];
	*to = *d;
	to->artifact_type = copy_text(r->arena, d->artifact_type);
	to->os = copy_text(r->arena, d->os);
	to->architecture = copy_text(r->arena, d->architecture);
	to->data = NULL; /* nobody proves it */
	copy_annotations(r->arena, &d->annotations, &to->annotations);
	if (mr_arena_failed(r->arena))
		return mr_fail_nomem(err);
	r->count++;
	return 0;
}

void mr_referrers_describe(const struct mr_manifest *m,
			   struct mr_descriptor *out)
{
	*out = (struct mr_descriptor){
		.desc = m->desc,
		.artifact_type = m->artifact_type,
		.annotations = m->annotations,
	};
	if (out->artifact_type && !out->artifact_type[0])
		out->artifact_type = NULL;
	/* distribution-spec, "Listing Referrers"; an index has no config. */
	if (!out->artifact_type && !m->is_index)
		out->artifact_type = m->config.desc.media_type;
}

bool mr_referrers_want(const struct mr_descriptor *d, const char *artifact_type)
{
	return !artifact_type || (d->artifact_type &&
				  strcmp(d->artifact_type, artifact_type) == 0);
}

int mr_referrers_look(struct mr_referrers *r, const struct mr_manifest *m,
		      const struct mreg_digest *subject,
		      const char *artifact_type, struct mreg_error *err)
{
	struct mr_descriptor d;

	if (!m->has_subject ||
	    !mreg_digest_equal(&m->subject.desc.digest, subject))
		return 0;
	mr_referrers_describe(m, &d);
	if (!mr_referrers_want(&d, artifact_type))
		return 0;
	return mr_referrers_add(r, &d, err);
}

const char *mr_fallback_tag(const struct mreg_digest *subject,
			    char out[MR_FALLBACK_TAG_BYTES])
{
	char hex[129];

	(void)snprintf(out, MR_FALLBACK_TAG_BYTES, "%s-%.64s",
		       subject->algorithm == MREG_SHA512 ? "sha512" : "sha256",
		       mr_digest_hex(subject, hex));
	return out;
}

int mr_store_referrers(struct mr_store *s, const struct mreg_digest *subject,
		       const char *artifact_type, struct mr_referrers *out,
		       struct mreg_error *err)
{
	size_t i, n = 0;
	int rc;

	assert(mr_digest_known(subject));
	mr_referrers_release(out);
	if (!s->ops->referrers)
		return 0;
	rc = mr_referrers_begin(out, err);
	if (rc == 0)
		rc = s->ops->referrers(s, subject, artifact_type, out, err);
	if (rc == 0) {
		sort_and_unite(out);
		for (i = 0; i < out->count; i++)
			if (mr_referrers_want(&out->items[i], artifact_type))
				out->items[n++] = out->items[i];
		out->count = n;
		if (n > MR_REFERRERS_MAX)
			rc = too_many(err);
	}
	if (rc < 0 || out->count == 0)
		mr_referrers_release(out);
	return rc;
}

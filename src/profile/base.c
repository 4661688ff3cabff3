/*
 * base.c - the layers of another image, below a model's: which platforms it is
 * for, and its blobs into the model's repository.
 */
#include "profile/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "profile/base_read.h"
#include "profile/platforms.h"

/* Each costs two requests; the largest of today have a dozen. */
#define PLATFORMS_MAX 32
#define ABOUT_ANOTHER "vnd.docker.reference.type"
#define SHOWN 160

void mr_image_base_close(struct mr_image_base *b)
{
	if (!b)
		return;
	mr_manifest_free(b->top);
	mr_store_close(b->s);
	mr_release(b);
}

/* Of one platform, which is not kept yet. */
static int take_config(struct mr_profile *p, const struct mr_manifest *m,
		       struct mr_image_platform *at, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	int rc = mr_store_load(p->base->s, &m->config.desc, &bytes, err);

	if (rc < 0)
		return rc;
	return mr_image_base_config(p->o->base, bytes.data, bytes.len, p->arena,
				    at, err);
}

/* -- its platforms
 * -------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Asked for by architecture alone it may be any variant. */
static bool is_wanted(const struct mr_image_platform *asked, size_t n,
		      const struct mr_image_platform *at)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (same(asked[i].architecture, at->architecture) &&
		    (!asked[i].variant || same(asked[i].variant, at->variant)))
			return true;
	return n == 0;
}

static int take_manifest(struct mr_profile *p, const struct mr_manifest *m,
			 const char *variant,
			 const struct mr_image_platform *asked, size_t n,
			 struct mreg_error *err)
{
	struct mr_image_platform *at = &p->platforms[p->platform_count];
	int rc;

	mr_image_platform_init(at);
	if (variant && variant[0])
		at->variant = mr_arena_strdup(p->arena, variant);
	rc = mr_image_base_layers(p->o->base, m, p->arena, at, err);
	if (rc >= 0)
		rc = take_config(p, m, at, err);
	if (rc < 0)
		return rc;
	if (strcmp(at->os, "linux") == 0 && is_wanted(asked, n, at))
		p->platform_count++;
	return 0;
}

/* What says that it is for something else is not even fetched. */
static bool may_be(const struct mr_descriptor *d,
		   const struct mr_image_platform *asked, size_t n)
{
	struct mr_image_platform at = { .os = d->os,
					.architecture = d->architecture,
					.variant = d->variant };

	if (d->artifact_type || mr_annotation(&d->annotations, ABOUT_ANOTHER))
		return false;
	return d->os && strcmp(d->os, "linux") == 0 && d->architecture &&
	       is_wanted(asked, n, &at);
}

static int take_children(struct mr_profile *p,
			 const struct mr_image_platform *asked, size_t n,
			 struct mreg_error *err)
{
	const struct mr_manifest *top = p->base->top;
	size_t fetched = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < top->child_count; i++) {
		const struct mr_descriptor *d = &top->children[i];
		MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;

		if (!may_be(d, asked, n))
			continue;
		if (++fetched > PLATFORMS_MAX)
			return mr_image_base_fail(
				p->o->base, "it is for too many platforms",
				err);
		rc = mr_manifest_fetch(p->m, p->base->s, &d->desc.digest, &m,
				       err);
		if (rc >= 0)
			rc = take_manifest(p, m, d->variant, asked, n, err);
	}
	return rc;
}

static int check_platforms(struct mr_profile *p,
			   const struct mr_image_platform *asked, size_t n,
			   struct mreg_error *err)
{
	char text[MR_IMAGE_PLATFORM_TEXT];
	char why[SHOWN];
	size_t i;
	size_t k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < p->platform_count; k++)
			if (is_wanted(&asked[i], 1, &p->platforms[k]))
				break;
		if (k < p->platform_count)
			continue;
		(void)snprintf(why, sizeof(why), "it is not for %s",
			       mr_image_platform_text(&asked[i], text));
		return mr_image_base_fail(p->o->base, why, err);
	}
	if (!p->platform_count)
		return mr_image_base_fail(p->o->base,
					  "it has no image for Linux", err);
	for (i = 1; i < p->platform_count; i++) {
		if (mr_image_platform_compare(&p->platforms[i - 1],
					      &p->platforms[i]) != 0)
			continue;
		(void)snprintf(why, sizeof(why), "it has two images for %s",
			       mr_image_platform_text(&p->platforms[i], text));
		return mr_image_base_fail(p->o->base, why, err);
	}
	return 0;
}

/* -- its blobs
 * ------------------------------------------------------------------ */

static int plan_layers(struct mr_profile *p, struct mreg_error *err)
{
	char text[MR_IMAGE_PLATFORM_TEXT];
	size_t n = 0;
	size_t i;
	size_t k;
	int rc;

	for (i = 0; i < p->platform_count; i++)
		n += p->platforms[i].base_count;
	rc = mr_plan_init(&p->below, n, err);
	n = 0;
	for (i = 0; rc >= 0 && i < p->platform_count; i++) {
		const struct mr_image_platform *at = &p->platforms[i];

		for (k = 0; rc >= 0 && k < at->base_count; k++) {
			struct mr_item *it = &p->below.items[n++];

			it->desc = at->base[k].desc;
			it->label = mr_arena_printf(
				p->arena, "base %s, layer %zu",
				mr_image_platform_text(at, text), k + 1);
			rc = it->label
				     ? mr_remote_check_size(p->to, it->label,
							    it->desc.size, err)
				     : mr_fail_nomem(err);
		}
	}
	p->below.limited = mr_session_limited(p->m);
	return rc;
}

int mr_image_base_take(struct mr_profile *p,
		       const struct mr_image_platform *asked,
		       size_t asked_count, struct mreg_error *err)
{
	struct mr_image_base *b = mr_zalloc(sizeof(*b));
	int rc;

	if (!b)
		return mr_fail_nomem(err);
	p->base = b;
	rc = mr_target(p->m, p->o->base, &b->ref, &b->s, err);
	if (rc >= 0)
		rc = mr_target_manifest(p->m, b->s, &b->ref, &b->top, err);
	if (rc < 0)
		return mr_wrap(err, "cannot use the base");
	p->platforms = mr_arena_alloc(p->arena, (b->top->child_count + 1) *
							sizeof(*p->platforms));
	if (!p->platforms)
		return mr_fail_nomem(err);
	rc = b->top->is_index
		     ? take_children(p, asked, asked_count, err)
		     : take_manifest(p, b->top, NULL, asked, asked_count, err);
	if (rc < 0)
		return rc;
	qsort(p->platforms, p->platform_count, sizeof(*p->platforms),
	      mr_image_platform_compare);
	rc = check_platforms(p, asked, asked_count, err);
	return rc < 0 ? rc : plan_layers(p, err);
}

size_t mr_image_base_notes(const struct mr_profile *p, struct mreg_pair out[2])
{
	char name[MREG_REF_TEXT];
	char text[MREG_DIGEST_TEXT];
	struct mreg_ref ref;

	if (!p->base)
		return 0;
	ref = p->base->ref;
	memset(&ref.digest, 0, sizeof(ref.digest));
	out[0].name = MR_IMAGE_PREFIX "base.name";
	out[0].value = mr_arena_strdup(p->arena, mr_ref_portable(&ref, name));
	out[1].name = MR_IMAGE_PREFIX "base.digest";
	out[1].value = mr_arena_strdup(
		p->arena, mreg_digest_text(&p->base->top->desc.digest, text));
	return 2;
}

int mr_image_base_send(struct mr_profile *p, struct mreg_error *err)
{
	int rc = mr_plan_take_over(&p->below, &p->base->ref, p->to, p->ref,
				   MR_LOOKUP_JOBS, err);

	return rc < 0 ? rc
		      : mr_plan_run(&p->below, p->base->s, p->to, p->jobs, err);
}

/*
 * push_also.c - a push's version in other profiles too (--also).
 *
 *   blobs, manifest -> their layers and documents -> claim of a number
 *   -> v<N> -> v<N>-image -> latest, release, aliases, each with its sibling
 *
 * So a name never has a version without the image that it is to have; and where
 * an image cannot be made the version is not there either, but for one that was
 * there before, or where somebody else's tag is where its image's is to be.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "ops/push.h"

#define SHOWN 96

int mr_push_also_check(struct push *p, struct mreg_error *err)
{
	const struct mreg_texts *also = &p->o->also;
	char shown[SHOWN];
	size_t i;
	size_t k;
	int rc;

	for (i = 0; i < also->n; i++) {
		rc = mr_profile_check(also->items[i], err);
		if (rc < 0)
			return rc;
		for (k = 0; k < i; k++)
			if (strcmp(also->items[k], also->items[i]) == 0)
				return mr_fail(err, MREG_EUSAGE,
					       "profile '%s' is given twice",
					       mr_text_safe(also->items[i],
							    shown,
							    sizeof(shown)));
	}
	/* There are no more than so many, and none is given twice. */
	assert(also->n <= MR_PUSH_ALSO_MAX);
	return 0;
}

void mr_push_also_release(struct push *p)
{
	size_t i;

	for (i = 0; i < MR_PUSH_ALSO_MAX; i++)
		mr_profile_closep(&p->also[i].profile);
	mr_manifest_freep(&p->mine);
}

/* The documents of the version are made, and what its number is, if it has one
 * already, is in the claim. */
static int open_all(struct push *p, struct mreg_error *err)
{
	size_t i;
	int rc;

	if (p->mine || !p->o->also.n)
		return 0;
	rc = mr_manifest_parse(p->docs.manifest.data, p->docs.manifest.len,
			       MR_MEDIA_MANIFEST, &p->mine, err);
	for (i = 0; rc >= 0 && i < p->o->also.n; i++) {
		struct push_also *a = &p->also[i];

		a->opts = (struct mreg_image_opts)MREG_IMAGE_OPTS_INIT;
		a->opts.profile = p->o->also.items[i];
		a->opts.jobs = p->o->jobs;
		a->opts.dry_run = p->o->dry_run;
		rc = mr_profile_open(p->m, &p->ref, p->mine, p->meta, p->from,
				     p->to, &a->opts, &a->profile, err);
		if (rc >= 0)
			rc = mr_profile_look(a->profile, p->claim.number, err);
	}
	return rc;
}

int mr_push_also_send(struct push *p, struct mreg_error *err)
{
	size_t i;
	int rc = open_all(p, err);

	for (i = 0; rc >= 0 && !p->o->dry_run && i < p->o->also.n; i++)
		rc = mr_profile_send(p->also[i].profile, err);
	return rc;
}

/* What is in the way says what to do; pushing again does not help there. */
static int fail_late(const struct push *p, size_t i, struct mreg_error *err)
{
	int rc = mr_wrap(err, "'%s:v%" PRIu64 "' is published, but not its %s",
			 p->to->label, p->claim.number, p->o->also.items[i]);

	if (rc == MREG_ECONFLICT)
		return rc;
	return mr_hint(err,
		       "push again, or 'mreg image %.100s:v%" PRIu64
		       " --profile %.20s'",
		       p->to->label, p->claim.number, p->o->also.items[i]);
}

int mr_push_also_tag(struct push *p, struct mreg_error *err)
{
	size_t i;

	for (i = 0; i < p->o->also.n; i++)
		if (mr_profile_tag(p->also[i].profile, p->claim.number, err) <
		    0)
			return fail_late(p, i, err);
	return 0;
}

int mr_push_also_names(struct push *p, struct mreg_error *err)
{
	size_t i;

	for (i = 0; i < p->o->also.n; i++)
		if (mr_profile_names(p->also[i].profile, &p->history, err) < 0)
			return fail_late(p, i, err);
	return 0;
}

int mr_push_also_later(struct push *p, struct mreg_error *err)
{
	int rc;

	if (!p->o->also.n)
		return 0;
	rc = mr_push_also_send(p, err);
	if (rc < 0)
		return mr_wrap(err,
			       "'%s:v%" PRIu64 "' is there, but not what else "
			       "was asked for",
			       p->to->label, p->claim.number);
	return 0;
}

int mr_push_also_result(struct push *p, struct mreg_push_result *out,
			struct mreg_error *err)
{
	size_t n = p->o->also.n;
	size_t i;
	int rc = 0;

	out->also = mr_arena_alloc(out->owner, (n + 1) * sizeof(*out->also));
	if (!out->also)
		return mr_fail_nomem(err);
	for (i = 0; rc >= 0 && i < n; i++)
		rc = mr_profile_result(p->also[i].profile, out->owner,
				       &out->also[i], err);
	out->also_count = n;
	return rc;
}

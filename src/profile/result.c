/*
 * result.c - a profile as its result tells of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "profile/inside.h"

static const char *source_of(const struct mr_image_layer *l)
{
	return l->part == MR_IMAGE_SHELL ? "shell" : "model";
}

/* Each digest once: platforms of a base share some. */
static bool is_first(const struct mr_plan *plan, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (mreg_digest_equal(&plan->items[k].desc.digest,
				      &plan->items[i].desc.digest))
			return false;
	return true;
}

/* Whether its bytes were sent, or, where nothing was, would be. */
static bool was_sent(const struct mr_profile *p, const struct mr_item *it)
{
	if (p->identical)
		return false;
	return it->done ? it->sent : it->step != MR_STEP_REUSE;
}

static void count(struct mreg_image_result *out,
		  const struct mreg_image_layer *row)
{
	out->bytes_total += row->size;
	*(row->sent ? &out->bytes_sent : &out->bytes_reused) += row->size;
}

/* Docker's: the version's own blobs. */
static int take_files(const struct mr_profile *p, struct mr_arena *a,
		      struct mreg_image_result *out, struct mreg_error *err)
{
	size_t i;

	out->layers =
		mr_arena_alloc(a, (p->file_count + 1) * sizeof(*out->layers));
	if (!out->layers)
		return mr_fail_nomem(err);
	for (i = 0; i < p->file_count; i++) {
		struct mreg_image_layer *row = &out->layers[i];

		row->digest = p->files[i].digest;
		row->size = p->files[i].size;
		row->source = "model";
		row->files = 1;
		row->path = mr_arena_strdup(a, p->files[i].path);
		count(out, row);
	}
	out->layer_count = p->file_count;
	return 0;
}

static void take_base(const struct mr_profile *p, struct mreg_image_result *out)
{
	size_t i;

	for (i = 0; i < p->below.count; i++) {
		const struct mr_item *it = &p->below.items[i];
		struct mreg_image_layer *row = &out->layers[out->layer_count];

		if (!is_first(&p->below, i))
			continue;
		out->layer_count++;
		row->digest = it->desc.digest;
		row->size = it->desc.size;
		row->source = "base";
		row->sent = was_sent(p, it);
		count(out, row);
	}
}

static int take_layers(const struct mr_profile *p, struct mr_arena *a,
		       struct mreg_image_result *out, struct mreg_error *err)
{
	size_t most = p->below.count + p->made_count + 1;
	size_t i;

	out->layers = mr_arena_alloc(a, most * sizeof(*out->layers));
	if (!out->layers)
		return mr_fail_nomem(err);
	take_base(p, out);
	for (i = 0; i < p->made_count; i++) {
		const struct mr_image_layer *l = p->made[i];
		struct mreg_image_layer *row = &out->layers[out->layer_count];

		/* Variants of one architecture have the same shell. */
		if (l->part == MR_IMAGE_SHELL && !is_first(&p->plan, i))
			continue;
		out->layer_count++;
		row->digest = l->desc.digest;
		row->size = l->desc.size;
		row->source = source_of(l);
		row->sent = was_sent(p, &p->plan.items[i]);
		if (l->part != MR_IMAGE_SHELL)
			row->files = l->files;
		if (l->only) {
			row->path = mr_arena_strdup(a, l->only->path);
			row->offset = l->only->begin;
		}
		count(out, row);
	}
	return 0;
}

static int take_platforms(const struct mr_profile *p, struct mr_arena *a,
			  struct mreg_image_result *out, struct mreg_error *err)
{
	size_t i;

	out->platforms = mr_arena_alloc(a, (p->platform_count + 1) *
						   sizeof(*out->platforms));
	if (!out->platforms)
		return mr_fail_nomem(err);
	for (i = 0; i < p->platform_count; i++) {
		const struct mr_image_platform *at = &p->platforms[i];
		struct mreg_image_platform *row = &out->platforms[i];

		row->os = mr_arena_strdup(a, at->os);
		row->architecture = mr_arena_strdup(a, at->architecture);
		row->variant =
			at->variant ? mr_arena_strdup(a, at->variant) : NULL;
		row->digest = at->manifest_desc.digest;
	}
	out->platform_count = p->platform_count;
	return 0;
}

static int take_names(const struct mr_profile *p, struct mr_arena *a,
		      struct mreg_image_result *out, struct mreg_error *err)
{
	const char **names =
		mr_arena_alloc(a, (p->names.n + 1) * sizeof(*names));
	size_t i;

	if (!names)
		return mr_fail_nomem(err);
	for (i = 0; i < p->names.n; i++)
		names[i] = mr_arena_strdup(a, p->names.items[i]);
	out->names = names;
	out->name_count = p->names.n;
	return 0;
}

int mr_profile_result(const struct mr_profile *p, struct mr_arena *a,
		      struct mreg_image_result *out, struct mreg_error *err)
{
	struct mreg_ref named = *p->ref;
	char text[MREG_REF_TEXT];
	int rc;

	out->name = mr_arena_strdup(a, mr_target_name(p->m, p->ref, text));
	out->profile = p->name;
	out->number = p->number;
	out->version = p->version->desc.digest;
	out->digest = p->top_desc.digest;
	out->identical = p->identical;
	out->dry_run = p->o->dry_run;
	if (p->number) {
		memset(&named.digest, 0, sizeof(named.digest));
		(void)snprintf(named.tag, sizeof(named.tag), "v%" PRIu64 "%s",
			       p->number, p->suffix);
		out->tag = mr_arena_strdup(a, named.tag);
		out->reference =
			mr_arena_strdup(a, mr_target_text(p->m, &named, text));
	}
	rc = p->made_count ? take_layers(p, a, out, err)
			   : take_files(p, a, out, err);
	if (rc >= 0)
		rc = take_platforms(p, a, out, err);
	if (rc >= 0)
		rc = take_names(p, a, out, err);
	return rc < 0 ? rc : mr_result_check(a, err);
}

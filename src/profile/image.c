/*
 * image.c - a version as a container image: one manifest for each platform,
 * which share the model's layers, and an index of them.
 *
 *   shell layers are read at once (they are small, and in memory) -> digests
 *   that state knows -> the plan: what is missing is made and sent -> with all
 *   digests known the documents follow
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "profile/base.h"
#include "profile/inside.h"
#include "profile/platforms.h"
#include "profile/source.h"

#define LABELS_MAX 6

/* -- what it says ------------------------------------------------------------
 */

static void add_label(struct mreg_pair *labels, size_t *n, const char *name,
		      const char *value)
{
	if (!value || !value[0])
		return;
	labels[*n].name = name;
	labels[(*n)++].value = value;
}

/* Sorted bytewise, as they are written. */
static int make_labels(struct mr_profile *p, struct mreg_error *err)
{
	struct mreg_pair *labels =
		mr_arena_alloc(p->arena, LABELS_MAX * sizeof(*labels));
	char text[MREG_DIGEST_TEXT];
	size_t n = 0;

	if (!labels)
		return mr_fail_nomem(err);
	add_label(labels, &n, MR_IMAGE_LABEL_TYPE, MR_IMAGE_TYPE);
	add_label(labels, &n, MR_ANNOTATION_DERIVED,
		  mr_arena_strdup(
			  p->arena,
			  mreg_digest_text(&p->version->desc.digest, text)));
	add_label(labels, &n, MR_IMAGE_LABEL_PROFILE, MR_IMAGE_PROFILE);
	add_label(labels, &n, MR_IMAGE_PREFIX "licenses",
		  mr_profile_says(p, MR_IMAGE_PREFIX "licenses"));
	add_label(labels, &n, MR_ANNOTATION_TITLE, mr_profile_title(p));
	add_label(labels, &n, MR_IMAGE_PREFIX "version",
		  mr_profile_says(p, MR_IMAGE_PREFIX "version"));
	p->facts.labels = labels;
	p->facts.label_count = n;
	return mr_result_check(p->arena, err);
}

static int make_facts(struct mr_profile *p, struct mreg_error *err)
{
	int rc;

	p->facts.created = mr_profile_created(p);
	p->facts.version = p->version->desc.digest;
	rc = mr_profile_annotations(p, &p->facts.annotations,
				    &p->facts.annotation_count, err);
	if (rc >= 0)
		rc = mr_image_user(p, &p->facts.user, err);
	return rc < 0 ? rc : make_labels(p, err);
}

/* -- its layers --------------------------------------------------------------
 */

/* Shells first, then the model's, as one list to be made. */
static int list_made(struct mr_profile *p, struct mreg_error *err)
{
	size_t most = p->platform_count + p->layout.count;
	size_t n = 0;
	size_t i;

	p->made = mr_arena_alloc(p->arena,
				 most * sizeof(struct mr_image_layer *));
	if (!p->made)
		return mr_fail_nomem(err);
	for (i = 0; i < p->platform_count; i++)
		if (p->platforms[i].shell)
			p->made[n++] = p->platforms[i].shell;
	for (i = 0; i < p->layout.count; i++)
		p->made[n++] = &p->layout.layers[i];
	p->made_count = n;
	return mr_image_source(&p->m->env, p->made, n, p->from, &p->source,
			       err);
}

/* A layer whose bytes are all in memory. */
static int read_shell(struct mr_profile *p, size_t index,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf bytes = MR_BUF_INIT(1u << 20);
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	struct mreg_digest d;
	int rc = mr_store_open_item(p->source, index, &in, err);

	if (rc >= 0)
		rc = mr_stream_load(in, &bytes, err);
	if (rc >= 0)
		rc = mr_digest_of(bytes.data, bytes.len, &d, err);
	if (rc >= 0)
		mr_store_learn(p->source, index, &d);
	return rc;
}

static int make_plan(struct mr_profile *p, struct mreg_error *err)
{
	size_t i;
	int rc = mr_plan_init(&p->plan, p->made_count, err);

	for (i = 0; rc >= 0 && i < p->made_count; i++) {
		struct mr_item *it = &p->plan.items[i];

		it->desc = p->made[i]->desc;
		it->label = p->made[i]->label;
		it->file = i;
		rc = mr_remote_check_size(p->to, it->label, it->desc.size, err);
	}
	/* What is far itself would be read twice. */
	p->plan.hash_small =
		mr_store_is_far(p->to) && !mr_store_is_far(p->from);
	p->plan.limited = mr_session_limited(p->m);
	return rc;
}

static size_t layers_below(const struct mr_profile *p)
{
	size_t most = 0;
	size_t i;

	for (i = 0; i < p->platform_count; i++) {
		const struct mr_image_platform *at = &p->platforms[i];
		size_t n = at->base_count + (at->shell ? 1 : 0);

		if (n > most)
			most = n;
	}
	return most;
}

static bool is_known(const struct mr_profile *p)
{
	size_t i;

	for (i = 0; i < p->made_count; i++)
		if (!mr_digest_known(&p->made[i]->desc.digest))
			return false;
	return true;
}

/* The documents, once every digest is known. */
static int write_documents(struct mr_profile *p, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (!is_known(p))
		return 0;
	for (i = 0; rc >= 0 && i < p->platform_count; i++)
		rc = mr_image_write(&p->facts, &p->layout, &p->platforms[i],
				    err);
	if (rc < 0)
		return rc;
	return mr_image_write_index(&p->facts, p->platforms, p->platform_count,
				    &p->top, &p->top_desc, err);
}

static int image_open(struct mr_profile *p, struct mreg_error *err)
{
	size_t below;
	size_t i;
	int rc = mr_image_platforms(p, err);

	if (rc >= 0)
		rc = make_facts(p, err);
	if (rc < 0)
		return rc;
	below = layers_below(p);
	if (below + 2 > MR_IMAGE_LAYERS_MAX)
		return mr_fail(err, MREG_EUNSUPPORTED,
			       "the base has %zu layers; at most %d leave room "
			       "for a model",
			       below, MR_IMAGE_LAYERS_MAX - 2);
	rc = mr_image_lay_out(p->files, p->file_count,
			      MR_IMAGE_LAYERS_MAX - below, p->arena, &p->layout,
			      err);
	if (rc >= 0)
		rc = list_made(p, err);
	for (i = 0; rc >= 0 && i < p->made_count; i++)
		if (p->made[i]->part == MR_IMAGE_SHELL)
			rc = read_shell(p, i, err);
	if (rc < 0)
		return rc;
	mr_image_recall(p);
	mr_remote_check_count(p->to, below + p->layout.count);
	rc = make_plan(p, err);
	return rc < 0 ? rc : write_documents(p, err);
}

/* -- what is there already ----------------------------------------------------
 */

/* Take the digests of our layers from a manifest that has them in the same
 * places, if it is one of ours at all. */
static void adopt_layers(struct mr_profile *p, const struct mr_manifest *was,
			 size_t below)
{
	size_t i;

	if (was->is_index || was->layer_count != below + p->layout.count)
		return;
	for (i = 0; i < p->layout.count; i++) {
		const struct mreg_desc *d = &was->layers[below + i].desc;
		struct mreg_desc *mine = &p->layout.layers[i].desc;

		if (!mr_digest_known(&mine->digest) && d->size == mine->size)
			mine->digest = d->digest;
	}
}

static int image_adopt(struct mr_profile *p, const struct mr_manifest *was,
		       struct mreg_error *err)
{
	const struct mr_image_platform *first = &p->platforms[0];
	MR_AUTO(mr_manifest_freep) struct mr_manifest *child = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	if (is_known(p) || !was->is_index || !was->child_count)
		return write_documents(p, err);
	rc = mr_manifest_fetch(p->m, p->to, &was->children[0].desc.digest,
			       &child, &why);
	/* One that is gone or wrong is of another image; what else failed may
	 * go by the next time. */
	if (rc < 0 && rc != MREG_ENOTFOUND && rc != MREG_EFORMAT &&
	    rc != MREG_EINTEGRITY) {
		*err = why;
		return rc;
	}
	if (rc >= 0)
		adopt_layers(p, child,
			     first->base_count + (first->shell ? 1 : 0));
	return write_documents(p, err);
}

/* The plan has only digests that we read or remember, none that were adopted.
 */
static int image_prove(struct mr_profile *p, struct mreg_error *err)
{
	bool known = true;
	size_t i;
	int rc;

	for (i = 0; i < p->plan.count; i++)
		known = known && mr_digest_known(&p->plan.items[i].desc.digest);
	if (known)
		return 0;
	mr_log(&p->m->env, MREG_LOG_INFO,
	       "'%s' has an image already, reading the model once to prove "
	       "that it is what would be made",
	       p->to->label);
	rc = mr_plan_hash(&p->plan, p->source, p->jobs, err);
	if (rc < 0)
		return rc; /* some may still be adopted: none is remembered */
	mr_image_remember(p);
	return write_documents(p, err);
}

static int image_look(struct mr_profile *p, struct mreg_error *err)
{
	int rc = mr_plan_look(&p->plan, p->to, NULL, 0, MR_LOOKUP_JOBS, err);

	return rc < 0 || !p->base ? rc
				  : mr_plan_look(&p->below, p->to, NULL, 0,
						 MR_LOOKUP_JOBS, err);
}

/* -- sending ------------------------------------------------------------------
 */

static int image_send(struct mr_profile *p, struct mreg_error *err)
{
	size_t i;
	int rc = p->base ? mr_image_base_send(p, err) : 0;

	if (rc >= 0)
		rc = mr_plan_run(&p->plan, p->source, p->to, p->jobs, err);
	/* Also after a failure: what was read need not be read again. */
	mr_image_remember(p);
	if (rc >= 0)
		rc = write_documents(p, err);
	for (i = 0; rc >= 0 && i < p->platform_count; i++)
		rc = mr_profile_put(p, &p->platforms[i].config_desc,
				    &p->platforms[i].config, err);
	for (i = 0; rc >= 0 && i < p->platform_count; i++)
		rc = mr_profile_set(p, &p->platforms[i].manifest_desc,
				    &p->platforms[i].manifest, err);
	return rc < 0 ? rc : mr_profile_set(p, &p->top_desc, &p->top, err);
}

const struct mr_profile_kind mr_profile_image = {
	.name = "image",
	.suffix = MR_SUFFIX_IMAGE,
	.open = image_open,
	.adopt = image_adopt,
	.prove = image_prove,
	.look = image_look,
	.send = image_send,
};

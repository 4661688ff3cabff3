/*
 * base.c - the layers of another image, below a model's: which platforms it is
 * for, what its configs say, and its blobs into the model's repository.
 *
 * What was written by others is taken as it is, or refused: layers are neither
 * read nor changed, and of a config only what is named here goes on.
 */
#include "profile/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "profile/platforms.h"

/* Each costs two requests; the largest of today have a dozen. */
#define PLATFORMS_MAX 32
#define OCI_LAYER "application/vnd.oci.image.layer.v1."
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff."
#define ABOUT_ANOTHER "vnd.docker.reference.type"
#define SHOWN 160
/* No honest image has as many variables, or words in its command. */
#define WORDS_MAX 1000

void mr_image_base_close(struct mr_image_base *b)
{
	if (!b)
		return;
	mr_manifest_free(b->top);
	mr_store_close(b->s);
	mr_release(b);
}

static int fail_base(const struct mr_profile *p, const char *why,
		     struct mreg_error *err)
{
	char shown[SHOWN];

	(void)mr_fail(err, MREG_EUNSUPPORTED, "'%s' cannot be a base: %s",
		      mr_text_safe(p->o->base, shown, sizeof(shown)), why);
	return mr_hint(err, "name an ordinary Linux image, such as "
			    "docker.io/library/busybox:1.36");
}

/* -- layers -------------------------------------------------------------------
 */

/* The same bytes under OCI's name for them; NULL: not what a layer is. */
static const char *oci_type(const char *type)
{
	static const char *const names[][2] = {
		{ OCI_LAYER "tar", OCI_LAYER "tar" },
		{ OCI_LAYER "tar+gzip", OCI_LAYER "tar+gzip" },
		{ OCI_LAYER "tar+zstd", OCI_LAYER "tar+zstd" },
		{ DOCKER_LAYER "tar", OCI_LAYER "tar" },
		{ DOCKER_LAYER "tar.gzip", OCI_LAYER "tar+gzip" },
		{ DOCKER_LAYER "tar.zstd", OCI_LAYER "tar+zstd" },
	};
	size_t i;

	for (i = 0; i < MR_COUNT(names); i++)
		if (strcmp(names[i][0], type) == 0)
			return names[i][1];
	return NULL;
}

static int take_layers(struct mr_profile *p, const struct mr_manifest *m,
		       struct mr_image_platform *at, struct mreg_error *err)
{
	size_t i;
	struct mr_descriptor *layers = mr_arena_alloc(
		p->arena, (m->layer_count + 1) * sizeof(*layers));

	if (!layers)
		return mr_fail_nomem(err);
	for (i = 0; i < m->layer_count; i++) {
		const char *type = oci_type(m->layers[i].desc.media_type);

		if (!type)
			return fail_base(p,
					 "a layer of it is no tar, or may "
					 "not be copied",
					 err);
		layers[i].desc = m->layers[i].desc;
		(void)snprintf(layers[i].desc.media_type,
			       sizeof(layers[i].desc.media_type), "%s", type);
	}
	at->base = layers;
	at->base_count = m->layer_count;
	return 0;
}

/* -- its config
 * ---------------------------------------------------------------- */

static int take_diffs(struct mr_profile *p, const json_t *config,
		      struct mr_image_platform *at, struct mreg_error *err)
{
	struct mreg_digest *diffs =
		mr_arena_alloc(p->arena, (at->base_count + 1) * sizeof(*diffs));
	json_t *rootfs = NULL;
	json_t *ids = NULL;
	size_t i;
	int rc = mr_json_opt_object(config, "rootfs", "the base's config",
				    &rootfs, err);

	if (rc >= 0 && !rootfs)
		return fail_base(p, "its config has no rootfs", err);
	if (rc >= 0)
		rc = mr_json_need_array(rootfs, "diff_ids", "the base's config",
					&ids, err);
	if (rc < 0)
		return rc;
	if (!diffs)
		return mr_fail_nomem(err);
	if (json_array_size(ids) != at->base_count)
		return fail_base(p,
				 "its config tells of other layers than its "
				 "manifest",
				 err);
	for (i = 0; i < at->base_count; i++) {
		const char *text = json_string_value(json_array_get(ids, i));

		if (!text || mreg_digest_parse(text, &diffs[i], NULL) < 0)
			return fail_base(p,
					 "its config has a diff id that is "
					 "no digest",
					 err);
	}
	at->diffs = diffs;
	return 0;
}

static int take_words(struct mr_profile *p, const json_t *run, const char *key,
		      const char *const **out, size_t *count,
		      struct mreg_error *err)
{
	const char **words;
	json_t *list = NULL;
	size_t n;
	size_t i;
	int rc = mr_json_opt_array(run, key, "the base's config", &list, err);

	if (rc < 0 || !list)
		return rc;
	n = json_array_size(list);
	if (n > WORDS_MAX)
		return fail_base(p, "its config has too many words", err);
	words = mr_arena_alloc(p->arena, (n + 1) * sizeof(*words));
	if (!words)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		const char *word = json_string_value(json_array_get(list, i));

		if (!word)
			return fail_base(p,
					 "its config has a word that is no "
					 "text",
					 err);
		words[i] = mr_arena_strdup(p->arena, word);
	}
	*out = words;
	*count = n;
	return mr_result_check(p->arena, err);
}

static int take_text(struct mr_profile *p, const json_t *config,
		     const char *key, const char **out, struct mreg_error *err)
{
	const char *text = NULL;
	int rc = mr_json_opt_str(config, key, "the base's config", &text, err);

	if (rc >= 0 && text && text[0])
		*out = mr_arena_strdup(p->arena, text);
	return rc;
}

/* They go into a manifest, labels and messages: words, not any text. */
static bool is_platform(const struct mr_image_platform *at)
{
	return mr_image_is_word(at->os, strlen(at->os)) &&
	       mr_image_is_word(at->architecture, strlen(at->architecture)) &&
	       (!at->variant ||
		mr_image_is_word(at->variant, strlen(at->variant)));
}

/* With files below /models already, which would be taken for the model's. */
static bool is_of_model(const json_t *run)
{
	const json_t *labels = json_object_get(run, "Labels");
	const char *type =
		json_string_value(json_object_get(labels, MR_IMAGE_LABEL_TYPE));

	return json_object_get(labels, MR_IMAGE_LABEL_PROFILE) ||
	       (type && strcmp(type, MR_IMAGE_TYPE) == 0);
}

static int take_config(struct mr_profile *p, const struct mr_manifest *m,
		       struct mr_image_platform *at, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	MR_AUTO(mr_json_freep) json_t *config = NULL;
	json_t *run = NULL;
	int rc = mr_store_load(p->base->s, &m->config.desc, &bytes, err);

	if (rc >= 0)
		rc = mr_json_parse(bytes.data, bytes.len, bytes.max,
				   "the base's config", &config, err);
	if (rc >= 0)
		rc = take_text(p, config, "os", &at->os, err);
	if (rc >= 0)
		rc = take_text(p, config, "architecture", &at->architecture,
			       err);
	if (rc >= 0 && !at->variant)
		rc = take_text(p, config, "variant", &at->variant, err);
	if (rc >= 0)
		rc = take_diffs(p, config, at, err);
	if (rc >= 0)
		rc = mr_json_opt_object(config, "config", "the base's config",
					&run, err);
	if (rc >= 0 && run)
		rc = take_words(p, run, "Env", &at->env, &at->env_count, err);
	if (rc >= 0 && run)
		rc = take_words(p, run, "Cmd", &at->cmd, &at->cmd_count, err);
	if (rc >= 0)
		rc = mr_result_check(p->arena, err);
	if (rc < 0)
		return rc;
	if (is_of_model(run))
		return fail_base(p, "it is a model's image itself", err);
	if (!at->os || !at->architecture)
		return fail_base(p, "its config names no platform", err);
	if (!is_platform(at))
		return fail_base(p, "the name of its platform is no word", err);
	return 0;
}

/* -- its platforms
 * -------------------------------------------------------------- */

static bool is_image(const struct mr_manifest *m)
{
	return !m->is_index && !m->artifact_type && m->layer_count;
}

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

	if (!is_image(m))
		return fail_base(p, "it is no image", err);
	mr_image_platform_init(at);
	if (variant && variant[0])
		at->variant = mr_arena_strdup(p->arena, variant);
	rc = take_layers(p, m, at, err);
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
			return fail_base(p, "it is for too many platforms",
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
		return fail_base(p, why, err);
	}
	if (!p->platform_count)
		return fail_base(p, "it has no image for Linux", err);
	for (i = 1; i < p->platform_count; i++) {
		if (mr_image_platform_compare(&p->platforms[i - 1],
					      &p->platforms[i]) != 0)
			continue;
		(void)snprintf(why, sizeof(why), "it has two images for %s",
			       mr_image_platform_text(&p->platforms[i], text));
		return fail_base(p, why, err);
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

/*
 * base_read.c - what another image's manifests and configs say.
 *
 * What was written by others is taken as it is, or refused: layers are neither
 * read nor changed, and of a config only what is named here goes on.
 */
#include "profile/base_read.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "profile/platforms.h"

#define OCI_LAYER "application/vnd.oci.image.layer.v1."
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff."
#define SHOWN 160
/* No honest image has as many variables, or words in its command. */
#define WORDS_MAX 1000

int mr_image_base_fail(const char *base, const char *why,
		       struct mreg_error *err)
{
	char shown[SHOWN];

	(void)mr_fail(err, MREG_EUNSUPPORTED, "'%s' cannot be a base: %s",
		      mr_text_safe(base, shown, sizeof(shown)), why);
	return mr_hint(err, "name an ordinary Linux image, such as "
			    "docker.io/library/busybox:1.36");
}

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

static bool is_image(const struct mr_manifest *m)
{
	return !m->is_index && !m->artifact_type && m->layer_count;
}

int mr_image_base_layers(const char *base, const struct mr_manifest *m,
			 struct mr_arena *a, struct mr_image_platform *at,
			 struct mreg_error *err)
{
	struct mr_descriptor *layers;
	size_t i;

	if (!is_image(m))
		return mr_image_base_fail(base, "it is no image", err);
	layers = mr_arena_alloc(a, (m->layer_count + 1) * sizeof(*layers));
	if (!layers)
		return mr_fail_nomem(err);
	for (i = 0; i < m->layer_count; i++) {
		const char *type = oci_type(m->layers[i].desc.media_type);

		if (!type)
			return mr_image_base_fail(
				base,
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

static int take_diffs(const char *base, struct mr_arena *a,
		      const json_t *config, struct mr_image_platform *at,
		      struct mreg_error *err)
{
	struct mreg_digest *diffs =
		mr_arena_alloc(a, (at->base_count + 1) * sizeof(*diffs));
	json_t *rootfs = NULL;
	json_t *ids = NULL;
	size_t i;
	int rc = mr_json_opt_object(config, "rootfs", "the base's config",
				    &rootfs, err);

	if (rc >= 0 && !rootfs)
		return mr_image_base_fail(base, "its config has no rootfs",
					  err);
	if (rc >= 0)
		rc = mr_json_need_array(rootfs, "diff_ids", "the base's config",
					&ids, err);
	if (rc < 0)
		return rc;
	if (!diffs)
		return mr_fail_nomem(err);
	if (json_array_size(ids) != at->base_count)
		return mr_image_base_fail(
			base,
			"its config tells of other layers than its "
			"manifest",
			err);
	for (i = 0; i < at->base_count; i++) {
		const char *text = json_string_value(json_array_get(ids, i));

		if (!text || mreg_digest_parse(text, &diffs[i], NULL) < 0)
			return mr_image_base_fail(
				base,
				"its config has a diff id that is "
				"no digest",
				err);
	}
	at->diffs = diffs;
	return 0;
}

static int take_words(const char *base, struct mr_arena *a, const json_t *run,
		      const char *key, const char *const **out, size_t *count,
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
		return mr_image_base_fail(base, "its config has too many words",
					  err);
	words = mr_arena_alloc(a, (n + 1) * sizeof(*words));
	if (!words)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		const char *word = json_string_value(json_array_get(list, i));

		if (!word)
			return mr_image_base_fail(
				base,
				"its config has a word that is no "
				"text",
				err);
		words[i] = mr_arena_strdup(a, word);
	}
	*out = words;
	*count = n;
	return mr_result_check(a, err);
}

static int take_text(struct mr_arena *a, const json_t *config, const char *key,
		     const char **out, struct mreg_error *err)
{
	const char *text = NULL;
	int rc = mr_json_opt_str(config, key, "the base's config", &text, err);

	if (rc >= 0 && text && text[0])
		*out = mr_arena_strdup(a, text);
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

int mr_image_base_config(const char *base, const void *bytes, size_t len,
			 struct mr_arena *a, struct mr_image_platform *at,
			 struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *config = NULL;
	json_t *run = NULL;
	int rc = mr_json_parse(bytes, len, MR_MANIFEST_MAX_BYTES,
			       "the base's config", &config, err);

	if (rc >= 0)
		rc = take_text(a, config, "os", &at->os, err);
	if (rc >= 0)
		rc = take_text(a, config, "architecture", &at->architecture,
			       err);
	if (rc >= 0 && !at->variant)
		rc = take_text(a, config, "variant", &at->variant, err);
	if (rc >= 0)
		rc = take_diffs(base, a, config, at, err);
	if (rc >= 0)
		rc = mr_json_opt_object(config, "config", "the base's config",
					&run, err);
	if (rc >= 0 && run)
		rc = take_words(base, a, run, "Env", &at->env, &at->env_count,
				err);
	if (rc >= 0 && run)
		rc = take_words(base, a, run, "Cmd", &at->cmd, &at->cmd_count,
				err);
	if (rc >= 0)
		rc = mr_result_check(a, err);
	if (rc < 0)
		return rc;
	if (is_of_model(run))
		return mr_image_base_fail(base, "it is a model's image itself",
					  err);
	if (!at->os || !at->architecture)
		return mr_image_base_fail(base, "its config names no platform",
					  err);
	if (!is_platform(at))
		return mr_image_base_fail(
			base, "the name of its platform is no word", err);
	return 0;
}

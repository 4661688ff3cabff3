/*
 * fuzz_layers.c - any manifest, '\0', any config blob: the files of a version
 * whoever wrote it, Cog's list of them, or what tells an index's children
 * apart.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/model.h"
#include "pack/pack.h"

#define COG_CONFIG "application/vnd.cog.weight.config.v1+json"
/* Of one input: each costs a parse of the whole. */
#define CHILDREN_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failure is complete. */
static void assert_told(int rc, const struct mreg_error *err)
{
	assert((int)err->code == rc);
	assert(err->msg[0] && !strchr(err->msg, '\n'));
}

/* Which of the manifest's layers it is. */
static bool has_layer(const struct mr_manifest *m, const struct mreg_desc *d)
{
	size_t i;

	for (i = 0; i < m->layer_count; i++)
		if (m->layers[i].desc.size == d->size &&
		    mreg_digest_equal(&m->layers[i].desc.digest, &d->digest))
			return true;
	return false;
}

static void check_layer(const struct mr_manifest *m,
			const struct mr_model_layer *l, bool named)
{
	char text[MREG_DIGEST_TEXT];

	assert(has_layer(m, &l->desc));
	assert(l->path && l->path[0] && l->role);
	assert(l->archive == (l->form != MR_FORM_FILE));
	/* Nothing is left that climbs where climbing was taken away. */
	assert(!l->climbed || !mr_text_starts(l->path, "../"));
	if (l->unnamed) {
		assert(strcmp(l->path,
			      mreg_digest_text(&l->desc.digest, text)) == 0);
		assert(l->archive || !named);
	}
	if (l->folder)
		assert(l->form == MR_FORM_TAR && l->folder[0] &&
		       !mr_text_ends(l->folder, "/"));
	assert(!l->strip || mr_text_ends(l->strip, "/"));
}

/* What a pull does with the paths: each is safe or is refused. */
static void check_paths(const struct mr_model_layer *layers, size_t count)
{
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;
	int rc;

	for (i = 0; i < count; i++) {
		rc = mr_path_check(layers[i].path, &err);
		if (rc < 0) {
			assert_told(rc, &err);
			continue;
		}
		assert(layers[i].path[0] != '/');
		assert(!mr_text_starts(layers[i].path, "../"));
	}
}

/* The files that Cog's list tells, of those entries that tell one. */
static size_t take_list(const json_t *list, struct mr_model_file *files)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		struct mr_model_file *f = &files[count];
		const char *digest =
			json_string_value(json_object_get(entry, "digest"));
		const json_t *size = json_object_get(entry, "size");

		f->path = json_string_value(json_object_get(entry, "path"));
		f->size = (uint64_t)json_integer_value(size);
		count += f->path && digest &&
			 mreg_digest_parse(digest, &f->digest, NULL) == 0;
	}
	return count;
}

/* Files as the list has them, so that it may be accepted; it is not any more
 * when one of them is another. */
static void check_cog(const struct mr_manifest *m, const void *config, size_t n)
{
	MR_AUTO(mr_free) struct mr_model_file *files = NULL;
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	const json_t *list;
	size_t count;
	int rc;

	if (mr_json_parse(config, n, MR_MANIFEST_MAX_BYTES, "fuzz", &j, &err) <
	    0)
		return;
	list = json_object_get(j, "files");
	files = mr_array(json_array_size(list) + 1, sizeof(*files));
	assert(files);
	count = take_list(list, files);
	rc = mr_model_check_cog(m, config, n, files, count, &err);
	if (rc < 0)
		assert_told(rc, &err);
	if (rc < 0 || count == 0 ||
	    strcmp(m->config.desc.media_type, COG_CONFIG) != 0)
		return;
	files[0].size++;
	rc = mr_model_check_cog(m, config, n, files, count, &err);
	assert(rc == MREG_EINTEGRITY);
	assert_told(rc, &err);
}

static void check_files(struct mr_manifest *m, const void *config, size_t n)
{
	MR_AUTO(mr_free) struct mr_model_layer *layers = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	size_t count = 0;
	size_t i;
	int rc;

	rc = config ? mr_model_layers_named(m, config, n, &layers, &count, &err)
		    : mr_model_layers(m, &layers, &count, &err);
	if (rc < 0) {
		assert_told(rc, &err);
		assert(!layers);
		return;
	}
	assert(count > 0 && count <= m->layer_count);
	for (i = 0; i < count; i++)
		check_layer(m, &layers[i], config || !mr_model_wants_config(m));
	check_paths(layers, count);
	if (config && mr_model_is_cog(m))
		check_cog(m, config, n);
}

static void check_index(const struct mr_manifest *m)
{
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i, k;
	int rc;

	for (i = 0; i < m->child_count && i < CHILDREN_MAX; i++) {
		MR_AUTO(mr_list_release) struct mr_list labels = { 0 };

		rc = mr_model_labels(m, i, &labels, &err);
		if (rc < 0)
			assert_told(rc, &err);
		for (k = 0; k < labels.n; k++)
			assert(strchr(labels.items[k], '='));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t n = nul ? (size_t)(nul - data) : size;
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;

	if (mr_manifest_parse(data, n, NULL, &m, &err) < 0)
		return 0;
	check_files(m, NULL, 0);
	if (nul)
		check_files(m, nul + 1, size - n - 1);
	if (m->is_index)
		check_index(m);
	return 0;
}

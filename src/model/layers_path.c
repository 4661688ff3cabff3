/*
 * layers_path.c - what the annotations and the type of a layer say of the file
 * it holds.
 */
#include "model/layer.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define TYPE_PREFIX "application/vnd.cncf.model."
/* What modctl 0.2 still writes. */
#define TYPE_PREFIX_OLD "application/vnd.cnai.model."
#define FILEPATH_OLD "org.cnai.model.filepath"
#define FILE_METADATA "org.cncf.model.file.metadata+json"
#define FILE_METADATA_OLD "org.cnai.model.file.metadata+json"
/* Of the manifest: modctl made it. */
#define MODELFILE "org.cncf.modctl.modelfile"
#define MODELFILE_OLD "org.cnai.modctl.modelfile"

#define METADATA_MAX_BYTES (64u << 10)
#define OWNER_MAY_EXECUTE 0100u

const char *mr_layer_modelpack(const char *media_type)
{
	if (mr_text_starts(media_type, TYPE_PREFIX))
		return media_type + strlen(TYPE_PREFIX);
	if (mr_text_starts(media_type, TYPE_PREFIX_OLD))
		return media_type + strlen(TYPE_PREFIX_OLD);
	return NULL;
}

void mr_layer_coding(const char *suffix, struct mr_model_layer *out)
{
	static const struct {
		const char *suffix;
		enum mr_coding coding;
	} rows[] = {
		{ "", MR_CODING_NONE },
		{ "+gzip", MR_CODING_GZIP },
		{ ".gzip", MR_CODING_GZIP },
		{ "+zstd", MR_CODING_ZSTD },
		{ ".zstd", MR_CODING_ZSTD },
		/* KitOps: how hard it tried. */
		{ "+gzip-fastest", MR_CODING_GZIP },
	};
	size_t i;

	for (i = 0; i < MR_COUNT(rows); i++)
		if (strcmp(suffix, rows[i].suffix) == 0) {
			out->coded = true;
			out->coding = rows[i].coding;
		}
}

/* -- file metadata -----------------------------------------------------------
 */

/* NULL when there is none or it cannot be read: it is a hint and no part of the
 * content. */
static int read_metadata(const struct mr_descriptor *d, json_t **out,
			 struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	const char *text = mr_annotation(&d->annotations, FILE_METADATA);
	int rc;

	if (!text)
		text = mr_annotation(&d->annotations, FILE_METADATA_OLD);
	if (!text)
		return 0;
	rc = mr_json_parse(text, strlen(text), METADATA_MAX_BYTES,
			   "file metadata", out, &ignored);
	return rc == MREG_ENOMEM ? mr_fail_nomem(err) : 0;
}

static bool is_executable(const json_t *metadata)
{
	const json_t *mode = json_object_get(metadata, "mode");

	return json_is_integer(mode) && json_integer_value(mode) > 0 &&
	       ((uint64_t)json_integer_value(mode) & OWNER_MAY_EXECUTE);
}

/* tar's type of a regular file; others write the character '0'
 * (peers.md 2.10). */
static bool is_regular(const json_t *metadata)
{
	const json_t *flag = json_object_get(metadata, "typeflag");

	return !json_is_integer(flag) || json_integer_value(flag) == 0 ||
	       json_integer_value(flag) == '0';
}

/* -- the path ----------------------------------------------------------------
 */

static int find_path(const struct mr_manifest *m, const struct mr_descriptor *d,
		     const json_t *metadata, const char **out,
		     struct mreg_error *err)
{
	static const char *const keys[] = { MR_ANNOTATION_FILEPATH,
					    FILEPATH_OLD, MR_ANNOTATION_TITLE };
	const char *name;
	size_t i;

	*out = NULL;
	for (i = 0; i < MR_COUNT(keys); i++) {
		name = mr_annotation(&d->annotations, keys[i]);
		if (name && name[0]) {
			*out = name;
			return 0;
		}
	}
	name = json_string_value(json_object_get(metadata, "name"));
	if (!name || !name[0])
		return 0;
	*out = mr_arena_strdup(m->arena, name);
	return *out ? 0 : mr_fail_nomem(err);
}

static bool is_by_modctl(const struct mr_manifest *m,
			 const struct mr_descriptor *d)
{
	return mr_text_starts(d->desc.media_type, TYPE_PREFIX_OLD) ||
	       mr_annotation(&d->annotations, FILEPATH_OLD) ||
	       mr_annotation(&m->annotations, MODELFILE) ||
	       mr_annotation(&m->annotations, MODELFILE_OLD);
}

/*
 * modctl once wrote paths from the folder it was called in, with "../" in front
 * for what lay elsewhere.  Of others that is an attack, and stays to be refused
 * where the file is written.
 */
static void drop_climbing(const struct mr_manifest *m,
			  const struct mr_descriptor *d,
			  struct mr_model_layer *out)
{
	const char *rest = out->path;

	if (!is_by_modctl(m, d))
		return;
	while (mr_text_starts(rest, "../"))
		rest += 3;
	/* Of "../" alone nothing would be left to name. */
	if (rest == out->path || !rest[0])
		return;
	out->path = rest;
	out->climbed = true;
}

static int fail_kind(const struct mr_descriptor *d, size_t i,
		     struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];

	return mr_fail(err, MREG_EFORMAT,
		       "layer %zu, '%s', says that it is no regular file",
		       i + 1, mreg_digest_text(&d->desc.digest, text));
}

int mr_layer_annotated(const struct mr_manifest *m, size_t i,
		       struct mr_model_layer *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *metadata = NULL;
	const struct mr_descriptor *d = &m->layers[i];
	int rc;

	rc = read_metadata(d, &metadata, err);
	if (rc == 0)
		rc = find_path(m, d, metadata, &out->path, err);
	if (rc < 0)
		return rc;
	if (out->path)
		drop_climbing(m, d, out);
	/* Of an archive it may say that a folder went in. */
	if (!is_regular(metadata) && out->form == MR_FORM_FILE)
		return fail_kind(d, i, err);
	out->executable = is_executable(metadata);
	return 0;
}

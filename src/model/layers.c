/*
 * layers.c - the files of a version, whoever wrote its manifest (peers.md
 * 6.5).
 */
#include "model/model.h"

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
#define OCI_LAYER_PREFIX "application/vnd.oci.image.layer."
/* ORAS: the layer is a directory's archive. */
#define ORAS_UNPACK "io.deis.oras.content.unpack"

#define METADATA_MAX_BYTES (64u << 10)
#define OWNER_MAY_EXECUTE 0100u

/* What follows the prefix of a ModelPack type; NULL for other types. */
static const char *model_type(const char *media_type)
{
	if (mr_text_starts(media_type, TYPE_PREFIX))
		return media_type + strlen(TYPE_PREFIX);
	if (mr_text_starts(media_type, TYPE_PREFIX_OLD))
		return media_type + strlen(TYPE_PREFIX_OLD);
	return NULL;
}

static const char *role_of_type(const char *media_type)
{
	const char *rest = model_type(media_type);
	const char *name;
	unsigned int i;
	size_t n;

	if (!rest)
		return "";
	for (i = 0; i < MR_ROLE_COUNT; i++) {
		name = mr_role_name((enum mr_role)i);
		n = strlen(name);
		if (strncmp(rest, name, n) == 0 &&
		    mr_text_starts(rest + n, ".v1."))
			return name;
	}
	return "";
}

/*
 * A tar by its type.  oras gives every file the type of an image layer, so
 * for those only its own mark counts.
 */
static bool is_archive(const struct mr_descriptor *d, const char *path)
{
	const char *type = d->desc.media_type;
	const char *unpack = mr_annotation(&d->annotations, ORAS_UNPACK);
	const char *tar;

	if ((unpack && strcmp(unpack, "true") == 0) || mr_text_ends(path, "/"))
		return true;
	if (mr_text_starts(type, OCI_LAYER_PREFIX))
		return false;
	for (tar = strstr(type, ".tar"); tar; tar = strstr(tar + 1, ".tar"))
		if (tar[4] == '\0' || tar[4] == '+' || tar[4] == '.')
			return true;
	return false;
}

/* The file metadata, or NULL when there is none or it cannot be read: it is a
 * hint and no part of the content. */
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

/* The path by the order of peers.md 6.5; NULL when there is none. */
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

static int read_layer(const struct mr_manifest *m,
		      const struct mr_descriptor *d, struct mr_model_layer *out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *metadata = NULL;
	int rc;

	rc = read_metadata(d, &metadata, err);
	if (rc == 0)
		rc = find_path(m, d, metadata, &out->path, err);
	if (rc < 0)
		return rc;
	out->desc = d->desc;
	out->role = role_of_type(d->desc.media_type);
	out->executable = is_executable(metadata);
	out->archive = out->path && is_archive(d, out->path);
	return 0;
}

static int fail_unnamed(const struct mr_descriptor *d, size_t i,
			struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];

	(void)mr_fail(err, MREG_EFORMAT,
		      "layer %zu, '%s', has no path in this model", i + 1,
		      mreg_digest_text(&d->desc.digest, text));
	return mr_hint(err,
		       "the tool that made it should set " MR_ANNOTATION_TITLE);
}

static int fail_other(const struct mr_manifest *m, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	char shown[128];

	(void)mr_fail(err, MREG_EUNSUPPORTED, "'%s' is no model: %s",
		      mreg_digest_text(&m->desc.digest, text),
		      m->is_index ? "it is an image index"
				  : "none of its layers is a file");
	if (m->artifact_type)
		return mr_hint(
			err, "its type is '%s'",
			mr_text_safe(m->artifact_type, shown, sizeof(shown)));
	return MREG_EUNSUPPORTED;
}

/* Layers that are files into `layers`; what has no path is only wrong among
 * files, or where ModelPack demands one. */
static int read_layers(const struct mr_manifest *m,
		       struct mr_model_layer *layers, size_t *count,
		       struct mreg_error *err)
{
	const struct mr_descriptor *d;
	size_t unnamed = m->layer_count;
	bool demanded = false;
	size_t n = 0;
	size_t i;
	int rc;

	for (i = 0; i < m->layer_count; i++) {
		d = &m->layers[i];
		if (strcmp(d->desc.media_type, MR_MEDIA_EMPTY) == 0)
			continue;
		rc = read_layer(m, d, &layers[n], err);
		if (rc < 0)
			return rc;
		if (layers[n].path) {
			n++;
			continue;
		}
		if (unnamed == m->layer_count)
			unnamed = i;
		demanded = demanded || model_type(d->desc.media_type);
	}
	if (n == 0 && !demanded)
		return fail_other(m, err);
	if (unnamed < m->layer_count)
		return fail_unnamed(&m->layers[unnamed], unnamed, err);
	*count = n;
	return 0;
}

int mr_model_layers(const struct mr_manifest *m, struct mr_model_layer **out,
		    size_t *count, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_model_layer *layers = NULL;
	int rc;

	if (m->is_index || m->layer_count == 0)
		return fail_other(m, err);
	layers = mr_array(m->layer_count, sizeof(*layers));
	if (!layers)
		return mr_fail_nomem(err);
	rc = read_layers(m, layers, count, err);
	if (rc == 0)
		*out = mr_steal(&layers);
	return rc;
}

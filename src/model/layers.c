/*
 * layers.c - the files of a version, whoever wrote its manifest: one table of
 * who writes how (peers.md 6.5).
 *
 * Each row knows its manifests and reads their layers; the last one is for
 * ModelPack and for everybody who names a file in an annotation.
 */
#include "model/model.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/layer.h"

#define OCI_LAYER_PREFIX "application/vnd.oci.image.layer."
#define DOCKER_LAYER_PREFIX "application/vnd.docker.image.rootfs."
#define OCI_IMAGE_CONFIG "application/vnd.oci.image.config.v1+json"
#define DOCKER_IMAGE_CONFIG "application/vnd.docker.container.image.v1+json"
/* ORAS: the layer is a directory's archive. */
#define ORAS_UNPACK "io.deis.oras.content.unpack"
/* olot: the layer is one of its images', used for an artifact too. */
#define OLOT_PATH "olot.layer.content.inlayerpath"
#define OLOT_FOLDER "models/"
#define FILEPATH_OLD "org.cnai.model.filepath"

/* -- ModelPack, and files by annotation --------------------------------------
 */

const char *mr_layer_role(const char *media_type)
{
	const char *rest = mr_layer_modelpack(media_type);
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

/* A tar by its type, of ModelPack and of olot's images.  All others name a file
 * that may be a tar: `oras push data.tar.gz:application/x.tar+gzip`. */
static void read_type(const struct mr_descriptor *d, struct mr_model_layer *out)
{
	bool says = mr_layer_modelpack(d->desc.media_type) ||
		    mr_annotation(&d->annotations, OLOT_PATH);
	const char *type = d->desc.media_type;
	const char *tar;

	for (tar = strstr(type, ".tar"); tar; tar = strstr(tar + 1, ".tar")) {
		if (tar[4] != '\0' && tar[4] != '+' && tar[4] != '.')
			continue;
		mr_layer_coding(tar + 4, out);
		if (says)
			out->form = MR_FORM_TAR;
	}
}

/* A folder that was packed: oras puts its name in front of what is in it,
 * regctl, whose mark is the '/' alone, does not. */
static int read_folder(const struct mr_manifest *m,
		       const struct mr_descriptor *d,
		       struct mr_model_layer *out, struct mreg_error *err)
{
	const char *unpack = mr_annotation(&d->annotations, ORAS_UNPACK);
	bool marked = unpack && strcmp(unpack, "true") == 0;
	const char *path = out->path;
	size_t n = strlen(path);
	char *folder;

	/* What calls itself raw is raw, and then has a bad name. */
	if (!marked && (!mr_text_ends(path, "/") ||
			mr_text_ends(d->desc.media_type, ".raw")))
		return 0;
	while (mr_text_starts(path, "./")) {
		path += 2;
		n -= 2;
	}
	while (n > 0 && path[n - 1] == '/')
		n--;
	out->form = MR_FORM_TAR;
	out->is_prefixed = marked;
	/* It compresses folders, whatever type its caller chose. */
	if (marked)
		out->coded = false;
	/* oras calls the archive of a folder what the file was called. */
	if (n == 0 || (n == 1 && path[0] == '.'))
		return 0;
	folder = mr_arena_strndup(m->arena, path, n);
	out->folder = folder;
	return folder ? 0 : mr_fail_nomem(err);
}

/* Of its artifact olot 1.2 says no more than the title; all others who write
 * ModelPack say the file's path too. */
static bool is_by_olot(const struct mr_descriptor *d)
{
	const struct mr_annotations *a = &d->annotations;

	return mr_annotation(a, OLOT_PATH) ||
	       (mr_layer_modelpack(d->desc.media_type) &&
		mr_annotation(a, MR_ANNOTATION_TITLE) &&
		!mr_annotation(a, MR_ANNOTATION_FILEPATH) &&
		!mr_annotation(a, FILEPATH_OLD));
}

static int read_named(struct mr_reading *r, size_t i,
		      struct mr_model_layer *out, struct mreg_error *err)
{
	const struct mr_descriptor *d = &r->m->layers[i];
	int rc;

	read_type(d, out);
	rc = mr_layer_annotated(r->m, i, out, err);
	if (rc < 0)
		return rc;
	out->role = mr_layer_role(d->desc.media_type);
	if (out->path)
		rc = read_folder(r->m, d, out, err);
	if (out->form == MR_FORM_FILE) {
		out->coded = false;
		out->coding = MR_CODING_NONE;
	} else if (is_by_olot(d)) {
		out->strip = OLOT_FOLDER;
	}
	return rc;
}

/* -- images ------------------------------------------------------------------
 */

static bool is_image_layer(const char *type)
{
	return mr_text_starts(type, OCI_LAYER_PREFIX) ||
	       mr_text_starts(type, DOCKER_LAYER_PREFIX);
}

/* With an artifact type it is an artifact, whatever its config is
 * (peers.md 2.14). */
bool mr_model_is_image(const struct mr_manifest *m)
{
	const char *config = m->config.desc.media_type;
	size_t i;

	if (m->is_index || m->artifact_type ||
	    (strcmp(config, OCI_IMAGE_CONFIG) != 0 &&
	     strcmp(config, DOCKER_IMAGE_CONFIG) != 0))
		return false;
	for (i = 0; i < m->layer_count; i++)
		if (!is_image_layer(m->layers[i].desc.media_type))
			return false;
	return true;
}

/* What its type says of compression is often not so; its first bytes are what
 * container runtimes go by. */
static int read_image(struct mr_reading *r, size_t i,
		      struct mr_model_layer *out, struct mreg_error *err)
{
	(void)r;
	(void)i;
	(void)err;
	out->form = MR_FORM_IMAGE;
	return 0;
}

/* -- the table ---------------------------------------------------------------
 */

static bool is_any(const struct mr_manifest *m)
{
	(void)m;
	return true;
}

struct row {
	bool (*is)(const struct mr_manifest *m);
	mr_layer_fn *read;
	bool wants_config; /* it says more of the files */
};

/* The first that fits. */
static const struct row rows[] = {
	{ mr_layer_is_ollama, mr_layer_ollama, false },
	{ mr_model_is_cog, mr_layer_cog, true },
	{ mr_layer_is_kit, mr_layer_kit, true },
	{ mr_layer_is_docker, mr_layer_docker, false },
	{ mr_model_is_image, read_image, false },
	{ is_any, read_named, false },
};

static const struct row *row_of(const struct mr_manifest *m)
{
	size_t i = 0;

	while (!rows[i].is(m))
		i++;
	return &rows[i];
}

bool mr_model_wants_config(const struct mr_manifest *m)
{
	return !m->is_index && row_of(m)->wants_config &&
	       !mr_layer_kitfile(m) &&
	       strcmp(m->config.desc.media_type, MR_MEDIA_EMPTY) != 0;
}

bool mr_model_is_artifact(const char *artifact_type)
{
	static const char *const types[] = {
		MR_MODEL_ARTIFACT,
		"application/vnd.cnai.model.manifest.v1+json",
		"application/vnd.kitops.modelkit.manifest.v1+json",
		"application/vnd.cog.weight.v1",
	};
	size_t i;

	for (i = 0; i < MR_COUNT(types); i++)
		if (artifact_type && strcmp(artifact_type, types[i]) == 0)
			return true;
	return false;
}

/* -- all of them -------------------------------------------------------------
 */

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

/* What stands for the name of a layer that has none, and needs none: it is
 * unpacked, or its config was not asked. */
static int call_by_digest(const struct mr_reading *r,
			  struct mr_model_layer *out, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];

	out->unnamed = true;
	out->path = mr_arena_strdup(r->m->arena,
				    mreg_digest_text(&out->desc.digest, text));
	return out->path ? 0 : mr_fail_nomem(err);
}

static int read_layer(struct mr_reading *r, const struct row *row, size_t i,
		      struct mr_model_layer *out, struct mreg_error *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	out->desc = r->m->layers[i].desc;
	out->role = "";
	rc = row->read(r, i, out, err);
	out->archive = out->form != MR_FORM_FILE;
	if (rc < 0 || out->path)
		return rc;
	/* A tar without a name that nobody above knows may be anything. */
	if (out->archive &&
	    (row->is != is_any || mr_layer_modelpack(out->desc.media_type)))
		return call_by_digest(r, out, err);
	if (row->wants_config && !r->config)
		return call_by_digest(r, out, err);
	return 0;
}

/* Layers that are files into `layers`; what has no path is only wrong among
 * files, or where a format demands one. */
static int read_layers(struct mr_reading *r, struct mr_model_layer *layers,
		       size_t *count, struct mreg_error *err)
{
	const struct mr_manifest *m = r->m;
	const struct row *row = row_of(m);
	size_t unnamed = m->layer_count;
	bool demanded = row->is != is_any;
	size_t n = 0;
	size_t i;
	int rc;

	for (i = 0; i < m->layer_count; i++) {
		const char *type = m->layers[i].desc.media_type;

		if (strcmp(type, MR_MEDIA_EMPTY) == 0)
			continue;
		rc = read_layer(r, row, i, &layers[n], err);
		if (rc < 0)
			return rc;
		if (layers[n].path) {
			n++;
			continue;
		}
		if (unnamed == m->layer_count)
			unnamed = i;
		demanded = demanded || mr_layer_modelpack(type);
	}
	if (n == 0 && (!demanded || unnamed == m->layer_count))
		return fail_other(m, err);
	if (unnamed < m->layer_count)
		return fail_unnamed(&m->layers[unnamed], unnamed, err);
	*count = n;
	return 0;
}

static int read_all(const struct mr_manifest *m, const json_t *config,
		    struct mr_model_layer **out, size_t *count,
		    struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_model_layer *layers = NULL;
	MR_AUTO(mr_json_freep) json_t *kitfile = NULL;
	struct mr_reading r = { .m = m, .config = config };
	int rc;

	if (m->is_index || m->layer_count == 0)
		return fail_other(m, err);
	if (!config && mr_layer_kitfile(m)) {
		rc = mr_layer_read_kitfile(m, &kitfile, err);
		if (rc < 0)
			return rc;
		r.config = kitfile;
	}
	layers = mr_array(m->layer_count, sizeof(*layers));
	if (!layers)
		return mr_fail_nomem(err);
	rc = read_layers(&r, layers, count, err);
	json_decref(r.raw);
	if (rc == 0)
		*out = mr_steal(&layers);
	return rc;
}

int mr_model_layers(const struct mr_manifest *m, struct mr_model_layer **out,
		    size_t *count, struct mreg_error *err)
{
	return read_all(m, NULL, out, count, err);
}

int mr_model_layers_named(const struct mr_manifest *m, const void *config,
			  size_t n, struct mr_model_layer **out, size_t *count,
			  struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	int rc;

	rc = mr_json_parse(config, n, MR_MANIFEST_MAX_BYTES, "the config blob",
			   &j, err);
	return rc < 0 ? rc : read_all(m, j, out, count, err);
}

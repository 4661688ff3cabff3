/*
 * layers_config.c - formats whose config blob says what the layers hold:
 * KitOps' Kitfile, and Cog's list of files.
 */
#include "model/layer.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

#define KIT_PREFIX "application/vnd.kitops.modelkit."
#define KIT_CONFIG "application/vnd.kitops.modelkit.config."
/* Of a manifest that is ModelPack's (peers.md 6.5). */
#define KIT_KITFILE "ml.kitops.modelkit.kitfile"
#define COG_ARTIFACT "application/vnd.cog.weight.v1"
#define COG_CONFIG "application/vnd.cog.weight.config.v1+json"
#define COG_SET_DIGEST "run.cog.weight.set-digest"
/* How deep entries of a Kitfile lie: model, its parts, lists of them. */
#define KIT_DEPTH_MAX 8
#define SHOWN 120

/* -- KitOps ------------------------------------------------------------------
 */

bool mr_layer_is_kit(const struct mr_manifest *m)
{
	return mr_text_starts(m->config.desc.media_type, KIT_CONFIG) ||
	       mr_layer_kitfile(m);
}

const char *mr_layer_kitfile(const struct mr_manifest *m)
{
	if (mr_text_starts(m->config.desc.media_type, KIT_CONFIG))
		return NULL; /* the config is it, whole */
	return mr_annotation(&m->annotations, KIT_KITFILE);
}

int mr_layer_read_kitfile(const struct mr_manifest *m, json_t **out,
			  struct mreg_error *err)
{
	const char *text = mr_layer_kitfile(m);
	struct mreg_error ignored = MREG_ERROR_INIT;
	int rc = mr_json_parse(text, strlen(text), MR_MANIFEST_MAX_BYTES,
			       "the Kitfile", out, &ignored);

	/* Then it names nothing, which is only wrong where it has to. */
	if (rc < 0 && rc != MREG_ENOMEM)
		*out = json_object();
	return *out ? 0 : mr_fail_nomem(err);
}

/* What stands at `key` of the Kitfile's object, if it is this digest. */
static bool has_digest(const json_t *object, const char *key, const char *text)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && strcmp(s, text) == 0;
}

/* The path of the entry with this digest, wherever it stands; NULL: none. */
static const char *find_entry(const json_t *j, const char *text,
			      unsigned int depth)
{
	const char *path = NULL;
	const char *key;
	json_t *item;
	size_t i;

	if (depth > KIT_DEPTH_MAX)
		return NULL;
	if (json_is_array(j))
		for (i = 0; i < json_array_size(j) && !path; i++)
			path = find_entry(json_array_get(j, i), text,
					  depth + 1);
	if (!json_is_object(j))
		return path;
	if (has_digest(j, "digest", text) || has_digest(j, "diffId", text))
		path = json_string_value(json_object_get(j, "path"));
	json_object_foreach((json_t *)j, key, item)
	{
		if (!path)
			path = find_entry(item, text, depth + 1);
	}
	return path;
}

static int name_by_kitfile(struct mr_reading *r, struct mr_model_layer *out,
			   struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	const char *path;

	path = find_entry(r->config, mreg_digest_text(&out->desc.digest, text),
			  0);
	while (path && mr_text_starts(path, "./"))
		path += 2;
	if (!path || !path[0])
		return 0;
	out->path = mr_arena_strdup(r->m->arena, path);
	return out->path ? 0 : mr_fail_nomem(err);
}

static const char *kit_role(const char *kind)
{
	static const struct {
		const char *kind, *role;
	} rows[] = {
		{ "model.", "weight" },    { "modelpart.", "weight" },
		{ "dataset.", "dataset" }, { "code.", "code" },
		{ "docs.", "doc" },        { "prompt.", "doc" },
	};
	size_t i;

	for (i = 0; i < MR_COUNT(rows); i++)
		if (mr_text_starts(kind, rows[i].kind))
			return rows[i].role;
	return "";
}

/* "...modelkit.<kind>.v1.{tar|raw}[+gzip|+zstd]" */
int mr_layer_kit(struct mr_reading *r, size_t i, struct mr_model_layer *out,
		 struct mreg_error *err)
{
	const char *type = out->desc.media_type;
	const char *raw = strstr(type, ".raw");
	const char *tar = strstr(type, ".tar");
	int rc;

	out->role = mr_text_starts(type, KIT_PREFIX)
			    ? kit_role(type + strlen(KIT_PREFIX))
			    : mr_layer_role(type);
	if (raw) {
		mr_layer_coding(raw + strlen(".raw"), out);
		out->form = out->coding == MR_CODING_NONE ? MR_FORM_FILE
							  : MR_FORM_PACKED;
	} else if (tar) {
		mr_layer_coding(tar + strlen(".tar"), out);
		out->form = MR_FORM_TAR;
	}
	rc = mr_layer_annotated(r->m, i, out, err);
	if (rc < 0 || out->path || out->form == MR_FORM_TAR || !r->config)
		return rc;
	return name_by_kitfile(r, out, err);
}

/* -- Cog ---------------------------------------------------------------------
 */

bool mr_model_is_cog(const struct mr_manifest *m)
{
	return m->artifact_type && strcmp(m->artifact_type, COG_ARTIFACT) == 0;
}

int mr_layer_cog(struct mr_reading *r, size_t i, struct mr_model_layer *out,
		 struct mreg_error *err)
{
	const char *tar = strstr(out->desc.media_type, ".tar");

	(void)r;
	(void)i;
	(void)err;
	out->form = MR_FORM_TAR;
	out->role = "weight";
	if (tar)
		mr_layer_coding(tar + strlen(".tar"), out);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct mr_model_file *const *x = a;
	const struct mr_model_file *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

static int fail_cog(const char *path, const char *why, struct mreg_error *err)
{
	char shown[SHOWN];

	(void)mr_fail(err, MREG_EINTEGRITY,
		      "'%s' is not as the list of files says: %s",
		      mr_text_safe(path, shown, sizeof(shown)), why);
	return mr_hint(err, "its layers and its config are not of one packing; "
			    "ask who made it");
}

static int check_file(const json_t *entry, const struct mr_model_file *f,
		      struct mreg_error *err)
{
	struct mreg_digest digest;
	const char *path, *text;
	uint64_t size;
	int rc;

	rc = mr_json_need_str(entry, "path", "the config blob", &path, err);
	if (rc == 0)
		rc = mr_json_need_str(entry, "digest", "the config blob", &text,
				      err);
	if (rc == 0)
		rc = mr_json_need_u64(entry, "size", "the config blob", &size,
				      err);
	if (rc < 0)
		return rc;
	if (!f || strcmp(path, f->path) < 0)
		return fail_cog(path, "no layer has it", err);
	if (strcmp(path, f->path) > 0)
		return fail_cog(f->path, "it is not in the list", err);
	if (size != f->size || mreg_digest_parse(text, &digest, NULL) < 0 ||
	    !mreg_digest_equal(&digest, &f->digest))
		return fail_cog(path, "the layer has other bytes", err);
	return 0;
}

/* The list "MUST be sorted by path" (Cog's specs/draft-weights.md, 2.3). */
static int check_list(const void *config, size_t n,
		      const struct mr_model_file *const *files, size_t count,
		      struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	json_t *list = NULL;
	size_t i, size;
	int rc;

	rc = mr_json_parse(config, n, MR_MANIFEST_MAX_BYTES, "the config blob",
			   &j, err);
	if (rc == 0)
		rc = mr_json_need_array(j, "files", "the config blob", &list,
					err);
	if (rc < 0)
		return rc;
	size = json_array_size(list);
	for (i = 0; i < size && rc == 0; i++)
		rc = check_file(json_array_get(list, i),
				i < count ? files[i] : NULL, err);
	if (rc == 0 && size < count)
		rc = fail_cog(files[size]->path, "it is not in the list", err);
	return rc;
}

/* SHA-256 of lines "hex, two spaces, path", joined by newlines.  The text of
 * the specification ends with none, its example for the shell with one
 * (peers.md 2.13): `newline`. */
static int set_digest(const struct mr_model_file *const *files, size_t count,
		      bool newline, struct mreg_digest *out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_hash_freep) struct mr_hash *hash = NULL;
	char hex[129];
	size_t i;
	int rc = mr_hash_new(MREG_SHA256, &hash, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < count; i++) {
		mr_digest_hex(&files[i]->digest, hex);
		mr_hash_add(hash, hex, strlen(hex));
		mr_hash_add(hash, "  ", 2);
		mr_hash_add(hash, files[i]->path, strlen(files[i]->path));
		if (newline || i + 1 < count)
			mr_hash_add(hash, "\n", 1);
	}
	mr_hash_end(hash, out);
	return 0;
}

static int check_set(const struct mr_manifest *m,
		     const struct mr_model_file *const *files, size_t count,
		     struct mreg_error *err)
{
	const char *text = mr_annotation(&m->annotations, COG_SET_DIGEST);
	struct mreg_digest bare, ended;
	char one[MREG_DIGEST_TEXT], other[MREG_DIGEST_TEXT];
	char shown[SHOWN];
	int rc;

	if (!text)
		return 0;
	rc = set_digest(files, count, false, &bare, err);
	if (rc == 0)
		rc = set_digest(files, count, true, &ended, err);
	if (rc < 0 || strcmp(text, mreg_digest_text(&bare, one)) == 0 ||
	    strcmp(text, mreg_digest_text(&ended, other)) == 0)
		return rc;
	return mr_fail(err, MREG_EINTEGRITY,
		       "the files have the set digest '%s', not '%s'", one,
		       mr_text_safe(text, shown, sizeof(shown)));
}

int mr_model_check_cog(const struct mr_manifest *m, const void *config,
		       size_t n, const struct mr_model_file *files,
		       size_t count, struct mreg_error *err)
{
	MR_AUTO(mr_free) const struct mr_model_file **sorted = NULL;
	size_t i;
	int rc = 0;

	sorted = mr_array(count + 1, sizeof(struct mr_model_file *));
	if (!sorted)
		return mr_fail_nomem(err);
	for (i = 0; i < count; i++)
		sorted[i] = &files[i];
	qsort(sorted, count, sizeof(struct mr_model_file *), by_path);
	if (config && strcmp(m->config.desc.media_type, COG_CONFIG) == 0)
		rc = check_list(config, n, sorted, count, err);
	return rc < 0 ? rc : check_set(m, sorted, count, err);
}

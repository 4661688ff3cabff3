/*
 * write.c - files and metadata to a version's manifest and config.
 *
 * Invariant: the bytes depend on the arguments alone.  The order in which
 * files are given, the clock and the host have no part in them (product.md
 * 3.1), so what is pushed twice is one version.
 */
#include "model/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

#define LAYER_TYPE "application/vnd.cncf.model.%s.v1.raw"
#define ANNOTATION_FILE "org.cncf.model.file.metadata+json"
#define ANNOTATION_UNTESTED "org.cncf.model.file.mediatype.untested"
#define LAYER_ANNOTATIONS 4

/* Descriptors of more layers than any manifest can hold. */
#define ARENA_MAX_BYTES (64u << 20)

/* Modes as modctl writes them, in decimal: 0755 and 0644. */
#define MODE_EXECUTABLE 493
#define MODE_PLAIN 420

static int by_path(const void *a, const void *b)
{
	const struct mr_entry *x = a, *y = b;

	return strcmp(x->file->path, y->file->path);
}

static int by_role(const void *a, const void *b)
{
	const struct mr_entry *x = a, *y = b;

	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	return by_path(a, b);
}

/* What a line of the fileset and a JSON string can hold; whether it is safe
 * on disk was the scan's question. */
static int check_paths(const struct mr_entry *sorted, size_t n,
		       struct mreg_error *err)
{
	char shown[MR_SHOWN_BYTES];
	const char *path;
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		path = sorted[i].file->path;
		rc = mr_check_text("path", path, MR_PATH_MAX_BYTES, false, err);
		if (rc < 0)
			return rc;
		if (i > 0 && strcmp(sorted[i - 1].file->path, path) == 0)
			return mr_fail(
				err, MREG_EUSAGE, "'%s' is given twice",
				mr_text_safe(path, shown, sizeof(shown)));
	}
	return 0;
}

/* Entries in the order of layers. */
static int arrange(const struct mr_meta *meta,
		   const struct mr_model_file *files, size_t n,
		   struct mr_entry *entries, struct mreg_error *err)
{
	MR_AUTO(mr_roles_freep) struct mr_roles *roles = NULL;
	size_t i;
	int rc;

	rc = mr_roles_new(&roles, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++) {
		entries[i].file = &files[i];
		entries[i].role = mr_role_of(roles, files[i].path,
					     files[i].size, meta->kind);
	}
	qsort(entries, n, sizeof(*entries), by_path);
	rc = check_paths(entries, n, err);
	qsort(entries, n, sizeof(*entries), by_role);
	return rc;
}

static int write_fileset(const struct mr_entry *entries, size_t n,
			 struct mr_arena *arena, struct mreg_digest *out,
			 struct mreg_error *err)
{
	struct mr_fileset_item *items;
	size_t i;

	items = mr_arena_alloc(arena, n * sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		items[i].path = entries[i].file->path;
		items[i].digest = &entries[i].file->digest;
	}
	return mr_fileset_digest(items, n, out, err);
}

/* ModelPack's file metadata, with nothing in it that is the pusher's: owner
 * and time are constants. */
static char *file_metadata(const struct mr_model_file *f,
			   struct mr_arena *arena)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_EVENT_MAX_BYTES);
	const char *slash = strrchr(f->path, '/');

	mr_buf_puts(&b, "{\"name\":");
	mr_json_quote(&b, slash ? slash + 1 : f->path);
	mr_buf_printf(
		&b,
		",\"mode\":%d,\"uid\":0,\"gid\":0,\"size\":%llu,\"mtime\":\"%s\",\"typeflag\":0}",
		f->executable ? MODE_EXECUTABLE : MODE_PLAIN,
		(unsigned long long)f->size, MR_CREATED_NEVER);
	return b.failed ? NULL : mr_arena_strdup(arena, mr_buf_text(&b));
}

static int make_layer(const struct mr_entry *e, struct mr_arena *arena,
		      struct mr_descriptor *out, struct mreg_error *err)
{
	struct mreg_pair *a;
	char *metadata = file_metadata(e->file, arena);

	a = mr_arena_alloc(arena, LAYER_ANNOTATIONS * sizeof(*a));
	if (!a || !metadata)
		return mr_fail_nomem(err);
	(void)snprintf(out->desc.media_type, sizeof(out->desc.media_type),
		       LAYER_TYPE, mr_role_name(e->role));
	out->desc.digest = e->file->digest;
	out->desc.size = e->file->size;
	a[0] = (struct mreg_pair){ MR_ANNOTATION_FILEPATH, e->file->path };
	a[1] = (struct mreg_pair){ ANNOTATION_FILE, metadata };
	a[2] = (struct mreg_pair){ ANNOTATION_UNTESTED,
				   e->file->tested ? "false" : "true" };
	/* modctl wants the path, oras the title: both get both. */
	a[3] = (struct mreg_pair){ MR_ANNOTATION_TITLE, e->file->path };
	out->annotations = (struct mr_annotations){ a, LAYER_ANNOTATIONS };
	return 0;
}

static int make_layers(const struct mr_entry *entries, size_t n,
		       struct mr_arena *arena, struct mr_manifest_draft *draft,
		       struct mreg_error *err)
{
	struct mr_descriptor *layers;
	size_t i;
	int rc = 0;

	layers = mr_arena_alloc(arena, n * sizeof(*layers));
	if (!layers)
		return mr_fail_nomem(err);
	for (i = 0; i < n && rc == 0; i++)
		rc = make_layer(&entries[i], arena, &layers[i], err);
	draft->layers = layers;
	draft->layer_count = n;
	return rc;
}

static int describe(const struct mr_buf *bytes, const char *media_type,
		    struct mreg_desc *out, struct mreg_error *err)
{
	memset(out, 0, sizeof(*out));
	(void)snprintf(out->media_type, sizeof(out->media_type), "%s",
		       media_type);
	out->size = bytes->len;
	return mr_digest_of(mr_buf_text(bytes), bytes->len, &out->digest, err);
}

static int fail_many(size_t count, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ELIMIT,
		      "manifest of %zu files is larger than %u MiB", count,
		      MR_MANIFEST_MAX_BYTES >> 20);
	return mr_hint(
		err,
		"pack small files into an archive, or leave some out with --exclude");
}

static int write_manifest(const struct mr_meta *meta, const char *name,
			  const struct mr_entry *entries, size_t n,
			  struct mr_arena *arena, struct mr_model_docs *out,
			  struct mreg_error *err)
{
	struct mr_manifest_draft draft = { .artifact_type = MR_MODEL_ARTIFACT };
	int rc;

	draft.config.desc = out->config_desc;
	rc = make_layers(entries, n, arena, &draft, err);
	if (rc == 0)
		rc = mr_annotations_of(meta, name, &out->fileset, arena,
				       &draft.annotations, err);
	if (rc < 0)
		return rc;
	rc = mr_manifest_write(&draft, &out->manifest, err);
	if (rc == MREG_ELIMIT)
		return fail_many(n, err);
	if (rc < 0)
		return rc;
	return describe(&out->manifest, MR_MEDIA_MANIFEST, &out->manifest_desc,
			err);
}

static int write_all(const struct mr_meta *meta, const char *name,
		     const struct mr_model_file *files, size_t n,
		     struct mr_arena *arena, struct mr_model_docs *out,
		     struct mreg_error *err)
{
	struct mr_entry *entries;
	int rc;

	entries = mr_arena_alloc(arena, n * sizeof(*entries));
	if (!entries)
		return mr_fail_nomem(err);
	rc = arrange(meta, files, n, entries, err);
	if (rc == 0)
		rc = write_fileset(entries, n, arena, &out->fileset, err);
	if (rc < 0)
		return rc;
	mr_config_write(meta, name, entries, n, &out->config);
	rc = mr_buf_check(&out->config, "config", err);
	if (rc == 0)
		rc = describe(&out->config, MR_MODEL_CONFIG, &out->config_desc,
			      err);
	if (rc < 0)
		return rc;
	return write_manifest(meta, name, entries, n, arena, out, err);
}

void mr_model_docs_release(struct mr_model_docs *d)
{
	mr_buf_release(&d->config);
	mr_buf_release(&d->manifest);
}

int mr_model_write(const struct mr_meta *meta, const char *name,
		   const struct mr_model_file *files, size_t count,
		   struct mr_model_docs *out, struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = NULL;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_buf_init(&out->config, MR_MANIFEST_MAX_BYTES);
	/* One more, so that what is too large is told from what just fits. */
	mr_buf_init(&out->manifest, MR_MANIFEST_MAX_BYTES + 1);
	if (count == 0)
		return mr_fail(err, MREG_EUSAGE, "'%s' would have no file",
			       name);
	if (count > MR_LAYERS_MAX)
		return fail_many(count, err);
	arena = mr_arena_new(ARENA_MAX_BYTES);
	if (!arena)
		return mr_fail_nomem(err);
	rc = write_all(meta, name, files, count, arena, out, err);
	if (rc < 0)
		mr_model_docs_release(out);
	return rc;
}

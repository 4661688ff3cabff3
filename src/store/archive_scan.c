/*
 * archive_scan.c - which blobs an archive has, by its headers, and its
 * index.json.
 *
 * Names are not followed anywhere, so one that leads outside does no harm and
 * is passed over like all that is no part of a layout (security.md H01 ff.).
 * What has a name that counts must be a file, and be there once.
 */
#include "store/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* A log of MR_EVENTS_MAX events is not carried in one archive; each blob takes
 * 200 bytes here. */
#define ENTRIES_MAX (1u << 20)
#define VERSION_MAX_BYTES 4096

/* The two documents of a layout. */
struct documents {
	struct mr_archive_blob index, layout; /* complete: it was found */
	bool docker;                          /* has 'manifest.json' */
};

static int twice(const struct mr_archive *a, const char *path,
		 struct mreg_error *err)
{
	return mr_fail(err, MREG_EFORMAT, "'%s' has '%s' twice", a->base.name,
		       path);
}

/* "blobs/<alg>/<hex>"; false: any other name. */
static bool is_blob(const char *path, struct mreg_digest *out)
{
	char text[MREG_DIGEST_TEXT];
	const char *name = path + strlen("blobs/");
	const char *slash;

	if (!mr_text_starts(path, "blobs/") || strlen(name) >= sizeof(text))
		return false;
	slash = strchr(name, '/');
	if (!slash)
		return false;
	(void)snprintf(text, sizeof(text), "%.*s:%s", (int)(slash - name), name,
		       slash + 1);
	return mreg_digest_parse(text, out, NULL) == 0;
}

static int take_document(const struct mr_archive *a, const char *path,
			 const struct mr_tar_entry *e,
			 struct mr_archive_blob *out, struct mreg_error *err)
{
	if (out->complete)
		return twice(a, path, err);
	out->offset = e->offset;
	out->size = e->size;
	out->complete = true;
	return 0;
}

/* Two entries of one digest are told apart by nothing but their bytes; only
 * other sizes show that one of them is wrong before it is read. */
static int take_blob(struct mr_archive *a, const char *path,
		     const struct mreg_digest *digest,
		     const struct mr_tar_entry *e, struct mreg_error *err)
{
	struct mr_archive_blob *b = mr_archive_find(a, digest);

	if (b)
		return b->size == e->size ? 0 : twice(a, path, err);
	b = mr_archive_add(a, digest);
	if (!b)
		return mr_fail_nomem(err);
	b->offset = e->offset;
	b->size = e->size;
	b->complete = true;
	return 0;
}

static int take(struct mr_archive *a, const struct mr_tar_entry *e,
		struct documents *docs, struct mreg_error *err)
{
	struct mreg_digest digest;
	const char *path = e->path;
	bool index, layout;

	if (mr_text_starts(path, "./")) /* tar -C DIR -c . */
		path += 2;
	docs->docker = docs->docker || strcmp(path, "manifest.json") == 0;
	index = strcmp(path, "index.json") == 0;
	layout = strcmp(path, "oci-layout") == 0;
	if (!index && !layout && !is_blob(path, &digest))
		return 0;
	if (e->kind == MR_TAR_LINK)
		return mr_fail(err, MREG_EFORMAT, "'%s' of '%s' is a link",
			       path, a->base.name);
	if (e->kind != MR_TAR_FILE)
		return mr_fail(err, MREG_EFORMAT,
			       "'%s' of '%s' is no file, or a sparse one", path,
			       a->base.name);
	if (index)
		return take_document(a, path, e, &docs->index, err);
	if (layout)
		return take_document(a, path, e, &docs->layout, err);
	return take_blob(a, path, &digest, e, err);
}

static int scan_entries(struct mr_archive *a, struct documents *docs,
			struct mreg_error *err)
{
	MR_AUTO(mr_tar_closep) struct mr_tar *tar = NULL;
	struct mr_tar_entry e;
	bool found = true;
	unsigned int n;
	int rc;

	rc = mr_tar_open(a->fd, a->base.name, &tar, err);
	for (n = 0; rc == 0; n++) {
		rc = mr_check_cancel(a->base.env, err);
		if (rc == 0)
			rc = mr_tar_next(tar, &e, &found, err);
		if (rc < 0 || !found)
			break;
		if (n == ENTRIES_MAX)
			return mr_fail(err, MREG_ELIMIT,
				       "'%s' has more than %u entries",
				       a->base.name, ENTRIES_MAX);
		rc = take(a, &e, docs, err);
	}
	return rc;
}

static int load(struct mr_archive *a, const struct mr_archive_blob *b,
		const char *name, struct mr_buf *out, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	int fd, rc;

	if (b->size > out->max)
		return mr_fail(err, MREG_ELIMIT,
			       "'%s' of '%s' has %" PRIu64
			       " bytes, more than %zu",
			       name, a->base.name, b->size, out->max);
	fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return mr_fail_sys(err, errno, "cannot read '%s'",
				   a->base.name);
	rc = mr_stream_file(fd, b->offset, b->size, a->base.name, &in, err);
	return rc < 0 ? rc : mr_stream_load(in, out, err);
}

static int check_version(struct mr_archive *a, const struct mr_archive_blob *b,
			 struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(VERSION_MAX_BYTES);
	MR_AUTO(mr_json_freep) json_t *json = NULL;
	const char *version = NULL;
	int rc;

	rc = load(a, b, "oci-layout", &bytes, err);
	if (rc == 0)
		rc = mr_json_parse(mr_buf_text(&bytes), bytes.len,
				   VERSION_MAX_BYTES, "'oci-layout'", &json,
				   err);
	if (rc == 0)
		rc = mr_json_need_str(json, "imageLayoutVersion",
				      "'oci-layout'", &version, err);
	if (rc < 0)
		return rc;
	if (!mr_text_starts(version, "1."))
		return mr_fail(err, MREG_EUNSUPPORTED,
			       "'%s' is a layout of version '%s', not 1",
			       a->base.name, version);
	return 0;
}

static int no_layout(const struct mr_archive *a, const struct documents *docs,
		     struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EFORMAT,
		      "'%s' is no OCI image layout: it has no '%s'",
		      a->base.name,
		      docs->index.complete ? "oci-layout" : "index.json");
	if (docs->docker)
		return mr_hint(err, "it looks like docker's own format; turn "
				    "it into one with: skopeo copy "
				    "docker-archive:FILE oci-archive:FILE2:v1");
	return mr_hint(err, "mreg export makes one, and so does skopeo copy "
			    "... oci-archive:FILE:v1");
}

int mr_archive_scan(struct mr_archive *a, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_LAYOUT_INDEX_MAX_BYTES);
	struct documents docs = { .docker = false };
	char where[PATH_MAX];
	int rc;

	rc = scan_entries(a, &docs, err);
	if (rc < 0)
		return rc;
	if (!docs.index.complete || !docs.layout.complete)
		return no_layout(a, &docs, err);
	rc = check_version(a, &docs.layout, err);
	if (rc == 0)
		rc = load(a, &docs.index, "index.json", &bytes, err);
	if (rc == 0)
		rc = mr_path_join(where, sizeof(where), a->base.name,
				  "index.json", err);
	if (rc == 0)
		rc = mr_entries_parse(mr_buf_text(&bytes), bytes.len, where,
				      &a->index, err);
	return rc < 0 ? rc : mr_entries_map(a->index, &a->tags, err);
}

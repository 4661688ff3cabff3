/*
 * archive_write.c - a new archive: blobs get room behind each other, side by
 * side, then index.json and the end.
 */
#include "store/archive.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

/* The largest is a pax header: two blocks before the usual one, and some. */
#define HEADER_MAX_BYTES (8 * MR_TAR_BLOCK_BYTES)

struct sink {
	struct mr_sink base;
	struct mr_archive *archive;   /* borrowed */
	struct mr_archive_blob *blob; /* borrowed; busy */
};

/* -- room -------------------------------------------------------------------
 */

static uint64_t whole_blocks(uint64_t size)
{
	return (size + MR_TAR_BLOCK_BYTES - 1) / MR_TAR_BLOCK_BYTES *
	       MR_TAR_BLOCK_BYTES;
}

/* Under the lock: write a header at the end and set the room behind it aside.
 * What is not written up to a whole block are zeros: the file has a hole. */
static int set_aside(struct mr_archive *a, const char *path, uint64_t size,
		     uint64_t *offset, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf header = MR_BUF_INIT(HEADER_MAX_BYTES);
	int rc;

	if (size > INT64_MAX - a->end - HEADER_MAX_BYTES - MR_TAR_BLOCK_BYTES)
		return mr_fail_sys(err, EFBIG, "cannot write '%s'",
				   a->base.name);
	rc = mr_tar_header(path, size, &header, err);
	if (rc == 0)
		rc = mr_file_write_at(a->fd, header.data, header.len, a->end,
				      a->base.name, err);
	if (rc < 0)
		return rc;
	*offset = a->end + header.len;
	a->end = *offset + whole_blocks(size);
	return 0;
}

static int add_document(struct mr_archive *a, const char *path,
			const void *bytes, size_t n, struct mreg_error *err)
{
	uint64_t offset;
	int rc;

	rc = set_aside(a, path, n, &offset, err);
	if (rc < 0)
		return rc;
	return mr_file_write_at(a->fd, bytes, n, offset, a->base.name, err);
}

static int add_folder(struct mr_archive *a, const char *path,
		      struct mreg_error *err)
{
	uint64_t offset;

	return set_aside(a, path, 0, &offset, err);
}

/* -- blobs ------------------------------------------------------------------
 */

static int sink_write_at(struct mr_sink *s, const void *buf, size_t n,
			 uint64_t offset, struct mreg_error *err)
{
	struct sink *k = mr_container_of(s, struct sink, base);

	return mr_file_write_at(k->archive->fd, buf, n,
				k->blob->offset + offset, k->archive->base.name,
				err);
}

static ssize_t sink_read_at(struct mr_sink *s, void *buf, size_t n,
			    uint64_t offset, struct mreg_error *err)
{
	struct sink *k = mr_container_of(s, struct sink, base);

	return mr_part_read(k->archive->fd, buf, n, k->blob->offset + offset,
			    k->archive->base.name, err);
}

static void finish_sink(struct sink *k, bool complete)
{
	struct mr_archive *a = k->archive;

	(void)pthread_mutex_lock(&a->lock);
	k->blob->busy = false;
	if (complete) {
		k->blob->complete = true;
		a->pending--;
	}
	(void)pthread_cond_broadcast(&a->idle);
	(void)pthread_mutex_unlock(&a->lock);
	mr_release(k);
}

static int sink_commit(struct mr_sink *s, struct mreg_error *err)
{
	(void)err; /* what was written is synced at the end */
	finish_sink(mr_container_of(s, struct sink, base), true);
	return 0;
}

static void sink_abort(struct mr_sink *s)
{
	finish_sink(mr_container_of(s, struct sink, base), false);
}

static const struct mr_sink_ops sink_ops = {
	.write_at = sink_write_at,
	.read_at = sink_read_at,
	.commit = sink_commit,
	.abort = sink_abort,
};

/* Under the lock. */
static int make_room(struct mr_archive *a, const struct mreg_desc *d,
		     struct mr_archive_blob *b, struct mreg_error *err)
{
	char path[sizeof("blobs/") + MREG_DIGEST_TEXT];
	char text[MREG_DIGEST_TEXT];
	uint64_t offset;
	int rc;

	(void)snprintf(path, sizeof(path), "blobs/%s",
		       mreg_digest_text(&d->digest, text));
	*strchr(path, ':') = '/';
	rc = set_aside(a, path, d->size, &offset, err);
	if (rc < 0)
		return rc;
	b->offset = offset;
	b->size = d->size;
	a->pending++;
	return 0;
}

/*
 * Under the lock: the blob that is to be written, and busy with us from now
 * on; NULL when it is complete.  While another sink writes it we wait: two at
 * once would spoil each other's proof.
 */
static int claim(struct mr_archive *a, const struct mreg_desc *d,
		 struct mr_archive_blob **out, struct mreg_error *err)
{
	struct mr_archive_blob *b = mr_archive_find(a, &d->digest);
	int rc = 0;

	*out = NULL;
	while (b && b->busy)
		(void)pthread_cond_wait(&a->idle, &a->lock);
	if (!b)
		b = mr_archive_add(a, &d->digest);
	if (!b)
		return mr_fail_nomem(err);
	if (b->offset == 0) /* where the first header is: it has no room yet */
		rc = make_room(a, d, b, err);
	else if (b->size != d->size)
		rc = mr_fail(err, MREG_EINTEGRITY,
			     "it has %" PRIu64 " bytes here instead of "
			     "%" PRIu64,
			     b->size, d->size);
	if (rc < 0 || b->complete)
		return rc;
	b->busy = true;
	*out = b;
	return 0;
}

static int writable(const struct mr_archive *a, struct mreg_error *err)
{
	if (a->writing)
		return 0;
	return mr_fail(err, MREG_EUNSUPPORTED,
		       "archive '%s' is finished and cannot be changed",
		       a->base.name);
}

static int archive_begin(struct mr_store *s, const struct mreg_desc *d,
			 struct mr_sink **out, struct mreg_error *err)
{
	struct mr_archive *a = mr_archive_of(s);
	struct mr_archive_blob *blob = NULL;
	struct sink *k = mr_zalloc(sizeof(*k));
	int rc;

	if (!k)
		return mr_fail_nomem(err);
	(void)pthread_mutex_lock(&a->lock);
	rc = writable(a, err);
	if (rc == 0)
		rc = claim(a, d, &blob, err);
	(void)pthread_mutex_unlock(&a->lock);
	if (rc < 0 || !blob) {
		mr_release(k);
		return rc;
	}
	k->base.ops = &sink_ops;
	k->archive = a;
	k->blob = blob;
	*out = &k->base;
	return 0;
}

/* -- manifests --------------------------------------------------------------
 */

/* Under the lock; takes `entry`. */
static int keep(json_t *map, const char *key, json_t *entry,
		struct mreg_error *err)
{
	if (!entry || json_object_set_new(map, key, entry) < 0)
		return mr_fail_nomem(err);
	return 0;
}

/* Under the lock. */
static int enter(struct mr_archive *a, const char *reference,
		 const struct mreg_desc *d, const char *artifact_type,
		 struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	int rc;

	rc = writable(a, err);
	if (rc == 0)
		rc = keep(a->manifests, mreg_digest_text(&d->digest, text),
			  mr_entries_entry(NULL, d, artifact_type), err);
	if (rc < 0 || mr_tag_kind(reference) == MR_TAG_INVALID)
		return rc;
	return keep(a->tags, reference,
		    mr_entries_entry(reference, d, artifact_type), err);
}

static int archive_set(struct mr_store *s, const char *reference,
		       const struct mreg_desc *d, const void *bytes,
		       struct mr_list *missing, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mr_archive *a = mr_archive_of(s);
	int rc;

	rc = mr_store_keep_manifest(s, d, bytes, &m, missing, err);
	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&a->lock);
	rc = enter(a, reference, d, m->artifact_type, err);
	(void)pthread_mutex_unlock(&a->lock);
	return rc;
}

static int archive_untag(struct mr_store *s, const char *tag,
			 struct mreg_error *err)
{
	struct mr_archive *a = mr_archive_of(s);
	bool found = false;
	int rc;

	(void)pthread_mutex_lock(&a->lock);
	rc = writable(a, err);
	if (rc == 0)
		found = json_object_del(a->tags, tag) == 0;
	(void)pthread_mutex_unlock(&a->lock);
	if (rc == 0 && !found)
		rc = mr_fail(err, MREG_ENOTFOUND, "no tag '%s' in archive '%s'",
			     tag, s->name);
	return rc;
}

static const struct mr_store_ops writer_ops = {
	.kind = "archive",
	.has = mr_archive_has,
	.open = mr_archive_open_blob,
	.free = mr_archive_free,
	.begin = archive_begin,
	.get = mr_archive_get,
	.set = archive_set,
	.untag = archive_untag,
	.tags = mr_archive_tags,
	.referrers = mr_archive_referrers,
	.damaged = mr_archive_damaged,
};

/* -- begin and end ----------------------------------------------------------
 */

static int begin(struct mr_archive *a, struct mreg_error *err)
{
	int rc;

	a->tags = json_object();
	a->manifests = json_object();
	if (!a->tags || !a->manifests)
		return mr_fail_nomem(err);
	rc = mr_archive_make(a, err);
	if (rc == 0)
		rc = add_document(a, "oci-layout", MR_LAYOUT_VERSION,
				  strlen(MR_LAYOUT_VERSION), err);
	if (rc == 0)
		rc = add_folder(a, "blobs/", err);
	if (rc == 0)
		rc = add_folder(a, "blobs/sha256/", err);
	return rc;
}

int mr_archive_create(struct mr_env *env, const char *path,
		      struct mr_store **out, struct mreg_error *err)
{
	struct mr_archive *a;
	int rc;

	rc = mr_archive_new(env, path, &a, err);
	if (rc < 0)
		return rc;
	a->base.ops = &writer_ops;
	a->writing = true;
	rc = begin(a, err);
	if (rc < 0) {
		mr_archive_free(&a->base);
		return rc;
	}
	*out = &a->base;
	return 0;
}

/* Under the lock: what comes behind the blobs. */
static int end(struct mr_archive *a, struct mreg_error *err)
{
	static const char zeros[MR_TAR_END_BYTES];
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_LAYOUT_INDEX_MAX_BYTES);
	int rc;

	rc = mr_archive_index(a, &a->index, err);
	if (rc == 0)
		rc = mr_entries_write(a->index, "index.json", &bytes, err);
	if (rc == 0)
		rc = add_document(a, "index.json", bytes.data, bytes.len, err);
	if (rc == 0)
		rc = mr_file_write_at(a->fd, zeros, sizeof(zeros), a->end,
				      a->base.name, err);
	/* A full disk, and a broken one, show at the latest now. */
	if (rc == 0 && fsync(a->fd) < 0)
		rc = mr_fail_sys(err, errno, "cannot write '%s'", a->base.name);
	return rc;
}

int mr_archive_finish(struct mr_store *s, struct mreg_error *err)
{
	struct mr_archive *a = mr_archive_of(s);
	int rc;

	assert(s->ops == &writer_ops);
	(void)pthread_mutex_lock(&a->lock);
	rc = writable(a, err);
	if (rc == 0 && a->pending > 0)
		rc = mr_fail(err, MREG_ECONFLICT,
			     "archive '%s' is not whole: %zu blobs began and "
			     "did not come",
			     a->base.name, a->pending);
	if (rc == 0) {
		a->writing = false; /* an end cannot be written twice */
		rc = end(a, err);
		if (rc == 0)
			rc = mr_archive_publish(a, err);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return rc;
}

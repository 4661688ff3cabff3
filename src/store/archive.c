/*
 * archive.c - reading an archive: its blobs, manifests and tags.
 */
#include "store/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

struct mr_archive *mr_archive_of(struct mr_store *s)
{
	return mr_container_of(s, struct mr_archive, base);
}

/* -- the tree of blobs ------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
	const struct mr_archive_blob *x = a, *y = b;

	return mr_digest_compare(&x->digest, &y->digest);
}

struct mr_archive_blob *mr_archive_find(const struct mr_archive *a,
					const struct mreg_digest *digest)
{
	const struct mr_archive_blob key = { .digest = *digest };
	struct mr_archive_blob **node = tfind(&key, &a->blobs, compare);

	return node ? *node : NULL;
}

struct mr_archive_blob *mr_archive_add(struct mr_archive *a,
				       const struct mreg_digest *digest)
{
	struct mr_archive_blob *b = mr_zalloc(sizeof(*b));

	if (!b)
		return NULL;
	b->digest = *digest;
	if (tsearch(b, &a->blobs, compare))
		return b;
	mr_release(b);
	return NULL;
}

/* A copy of what is known of a complete blob. */
static bool look_up(struct mr_archive *a, const struct mreg_digest *digest,
		    struct mr_archive_blob *out)
{
	const struct mr_archive_blob *b;
	bool found;

	(void)pthread_mutex_lock(&a->lock);
	b = mr_archive_find(a, digest);
	found = b && b->complete;
	if (found)
		*out = *b;
	(void)pthread_mutex_unlock(&a->lock);
	return found;
}

/* -- the table --------------------------------------------------------------
 */

int mr_archive_has(struct mr_store *s, const struct mreg_desc *d, bool *found,
		   struct mreg_error *err)
{
	struct mr_archive_blob b;

	(void)err;
	*found = look_up(mr_archive_of(s), &d->digest, &b) && b.size == d->size;
	return 0;
}

/* `length` bytes of the blob; they are verified above. */
static int open_bytes(struct mr_archive *a, const struct mr_archive_blob *b,
		      uint64_t offset, uint64_t length, struct mr_stream **out,
		      struct mreg_error *err)
{
	int fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return mr_fail_sys(err, errno, "cannot read '%s'",
				   a->base.name);
	return mr_stream_file(fd, b->offset + offset, length, a->base.name, out,
			      err);
}

int mr_archive_open_blob(struct mr_store *s, const struct mreg_desc *d,
			 uint64_t offset, uint64_t length,
			 struct mr_stream **out, struct mreg_error *err)
{
	struct mr_archive *a = mr_archive_of(s);
	struct mr_archive_blob b;

	if (!look_up(a, &d->digest, &b))
		return mr_fail(err, MREG_ENOTFOUND, "no such blob");
	if (b.size != d->size)
		return mr_fail(err, MREG_EINTEGRITY,
			       "it has %" PRIu64 " bytes instead of %" PRIu64,
			       b.size, d->size);
	return open_bytes(a, &b, offset, length, out, err);
}

/* A blob that is small enough for a manifest, whatever it is. */
static int load(struct mr_archive *a, const struct mreg_digest *digest,
		struct mr_buf *out, bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	struct mr_archive_blob b;
	int rc;

	if (!look_up(a, digest, &b) || b.size > MR_MANIFEST_MAX_BYTES)
		return 0;
	rc = open_bytes(a, &b, 0, b.size, &in, err);
	if (rc == 0)
		rc = mr_stream_load(in, out, err);
	*found = rc == 0;
	return rc;
}

/* The tag's entry; a reference of the caller's. */
static json_t *find_tag(struct mr_archive *a, const char *tag)
{
	json_t *entry;

	(void)pthread_mutex_lock(&a->lock);
	entry = json_incref(json_object_get(a->tags, tag));
	(void)pthread_mutex_unlock(&a->lock);
	return entry;
}

int mr_archive_get(struct mr_store *s, const char *reference,
		   struct mr_doc *out, bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *entry = NULL;
	struct mr_archive *a = mr_archive_of(s);
	struct mreg_digest digest;
	int rc;

	if (mreg_digest_parse(reference, &digest, NULL) == 0)
		return load(a, &digest, &out->bytes, found, err);
	entry = find_tag(a, reference);
	if (!entry)
		return 0;
	rc = mr_entries_read(entry, s->name, reference, &out->desc, err);
	if (rc == 0)
		rc = load(a, &out->desc.digest, &out->bytes, found, err);
	if (rc < 0 || *found)
		return rc;
	return mr_store_fail_tag(reference, &out->desc, "archive", s->name,
				 "the archive is not whole: export it again",
				 err);
}

int mr_archive_tags(struct mr_store *s, struct mr_list *out, bool *found,
		    struct mreg_error *err)
{
	struct mr_archive *a = mr_archive_of(s);
	const char *tag;
	json_t *entry;
	int rc = 0;

	(void)pthread_mutex_lock(&a->lock);
	/* A new archive is a repository only once something is in it. */
	*found = a->index || a->blobs;
	json_object_foreach(a->tags, tag, entry)
	{
		if (rc == 0)
			rc = mr_list_add(out, tag, err);
	}
	(void)pthread_mutex_unlock(&a->lock);
	mr_list_sort(out);
	return rc;
}

/* Add an entry of each tag, and remember what they name. */
static int add_tagged(const struct mr_archive *a, json_t *entries,
		      json_t *named, struct mreg_error *err)
{
	const char *tag;
	json_t *entry;

	json_object_foreach(a->tags, tag, entry)
	{
		const char *digest =
			json_string_value(json_object_get(entry, "digest"));

		if (json_array_append(entries, entry) < 0 ||
		    json_object_set(named, digest, entry) < 0)
			return mr_fail_nomem(err);
	}
	return 0;
}

/* Every manifest gets an entry, so that all are found: one for each of its
 * tags, or one without. */
static int make_index(const struct mr_archive *a, json_t **out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *index = NULL;
	MR_AUTO(mr_json_freep) json_t *named = json_object();
	json_t *entries, *entry;
	const char *digest;
	int rc;

	if (!named)
		return mr_fail_nomem(err);
	rc = mr_entries_parse(MR_LAYOUT_EMPTY, strlen(MR_LAYOUT_EMPTY),
			      a->base.name, &index, err);
	if (rc < 0)
		return rc;
	entries = json_object_get(index, "manifests");
	rc = add_tagged(a, entries, named, err);
	json_object_foreach(a->manifests, digest, entry)
	{
		if (rc == 0 && !json_object_get(named, digest) &&
		    json_array_append(entries, entry) < 0)
			rc = mr_fail_nomem(err);
	}
	if (rc == 0)
		*out = mr_steal(&index);
	return rc;
}

int mr_archive_index(struct mr_archive *a, json_t **out, struct mreg_error *err)
{
	if (!a->index)
		return make_index(a, out, err);
	*out = json_incref(a->index);
	return 0;
}

int mr_archive_referrers(struct mr_store *s, const struct mreg_digest *subject,
			 const char *artifact_type, struct mr_referrers *out,
			 struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *index = NULL;
	struct mr_archive *a = mr_archive_of(s);
	int rc;

	(void)pthread_mutex_lock(&a->lock);
	rc = mr_archive_index(a, &index, err);
	(void)pthread_mutex_unlock(&a->lock);
	if (rc < 0)
		return rc;
	return mr_entries_referrers(s, index, &a->subjects, subject,
				    artifact_type, out, err);
}

void mr_archive_damaged(struct mr_store *s, const struct mreg_digest *digest,
			struct mreg_error *err)
{
	(void)s;
	(void)digest;
	(void)mr_hint(err, "the archive is damaged: copy it again, or export "
			   "it again");
}

void mr_archive_free(struct mr_store *s)
{
	struct mr_archive *a = mr_archive_of(s);

	mr_archive_discard(a);
	mr_fd_close(&a->fd);
	tdestroy(a->blobs, mr_release);
	json_decref(a->index);
	json_decref(a->tags);
	json_decref(a->manifests);
	mr_subjects_release(&a->subjects);
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_cond_destroy(&a->idle);
	mr_release(a->base.name);
	mr_release(a);
}

static const struct mr_store_ops archive_ops = {
	.kind = "archive",
	.has = mr_archive_has,
	.open = mr_archive_open_blob,
	.free = mr_archive_free,
	.get = mr_archive_get,
	.tags = mr_archive_tags,
	.referrers = mr_archive_referrers,
	.damaged = mr_archive_damaged,
};

int mr_archive_new(struct mr_env *env, const char *path,
		   struct mr_archive **out, struct mreg_error *err)
{
	struct mr_archive *a = mr_zalloc(sizeof(*a));
	char *name = mr_strdup(path);

	if (!a || !name) {
		mr_release(a);
		mr_release(name);
		return mr_fail_nomem(err);
	}
	a->base.ops = &archive_ops;
	a->base.env = env;
	a->base.name = name;
	a->fd = -1;
	mr_subjects_init(&a->subjects);
	/* Cannot fail on Linux. */
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->idle, NULL);
	*out = a;
	return 0;
}

static int open_file(struct mr_archive *a, struct mreg_error *err)
{
	const char *path = a->base.name;
	struct stat st;

	a->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (a->fd < 0)
		return mr_fail_sys(err, errno, "cannot open '%s'", path);
	if (fstat(a->fd, &st) < 0)
		return mr_fail_sys(err, errno, "cannot look at '%s'", path);
	if (S_ISREG(st.st_mode))
		return 0;
	(void)mr_fail(err, MREG_EFORMAT, "'%s' is no file", path);
	if (S_ISDIR(st.st_mode))
		return mr_hint(err, "a local store is a folder; name a model "
				    "in it with oci:DIR//NAME");
	return mr_hint(err, "save it to a file first");
}

int mr_archive_open(struct mr_env *env, const char *path, struct mr_store **out,
		    struct mreg_error *err)
{
	struct mr_archive *a;
	int rc;

	rc = mr_archive_new(env, path, &a, err);
	if (rc < 0)
		return rc;
	rc = open_file(a, err);
	if (rc == 0)
		rc = mr_archive_scan(a, err);
	if (rc < 0) {
		mr_archive_free(&a->base);
		return rc;
	}
	*out = &a->base;
	return 0;
}

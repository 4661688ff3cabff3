/*
 * files_source.c - scanned files as a store: by index, and by digest once
 * somebody found it out.
 */
#include "store/internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "content/reader.h"

struct source {
	struct mr_store base;
	const struct mr_scan *scan;  /* borrowed */
	pthread_mutex_t lock;        /* of the digests */
	struct mreg_digest *digests; /* owned; one per file, NONE: not known */
};

/* A part of a reader. */
struct range {
	struct mr_stream base;
	struct mr_reader *reader; /* owned */
	uint64_t offset, left;
};

static const struct mr_store_ops source_ops;

static struct source *source_of(struct mr_store *s)
{
	assert(s->ops == &source_ops);
	return mr_container_of(s, struct source, base);
}

/* The first file known to have the digest, or NULL. */
static const struct mr_file *find(struct source *src,
				  const struct mreg_digest *digest)
{
	const struct mr_file *f = NULL;
	size_t i;

	(void)pthread_mutex_lock(&src->lock);
	for (i = 0; i < src->scan->count && !f; i++)
		if (mreg_digest_equal(&src->digests[i], digest))
			f = &src->scan->files[i];
	(void)pthread_mutex_unlock(&src->lock);
	return f;
}

static int source_has(struct mr_store *s, const struct mreg_desc *d,
		      bool *found, struct mreg_error *err)
{
	const struct mr_file *f = find(source_of(s), &d->digest);

	(void)err;
	*found = f && f->size == d->size;
	return 0;
}

static ssize_t range_read(struct mr_stream *s, void *buf, size_t n,
			  struct mreg_error *err)
{
	struct range *r = mr_container_of(s, struct range, base);
	int rc;

	if (n > r->left)
		n = (size_t)r->left;
	if (n == 0)
		return 0;
	rc = mr_reader_need_at(r->reader, buf, n, r->offset, err);
	if (rc < 0)
		return rc;
	r->offset += n;
	r->left -= n;
	return (ssize_t)n;
}

static void range_close(struct mr_stream *s)
{
	struct range *r = mr_container_of(s, struct range, base);

	mr_reader_close(r->reader);
	mr_release(r);
}

static const struct mr_stream_ops range_ops = {
	.read = range_read,
	.close = range_close,
};

static int open_range(const struct mr_file *f, uint64_t offset, uint64_t length,
		      struct mr_stream **out, struct mreg_error *err)
{
	struct range *r = mr_zalloc(sizeof(*r));
	int rc;

	if (!r)
		return mr_fail_nomem(err);
	rc = mr_file_reader(f, &r->reader, err);
	if (rc < 0) {
		mr_release(r);
		return rc;
	}
	r->base.ops = &range_ops;
	r->offset = offset;
	r->left = length;
	*out = &r->base;
	return 0;
}

static int source_open(struct mr_store *s, const struct mreg_desc *d,
		       uint64_t offset, uint64_t length, struct mr_stream **out,
		       struct mreg_error *err)
{
	const struct mr_file *f = find(source_of(s), &d->digest);

	if (!f)
		return mr_fail(err, MREG_ENOTFOUND, "no file has this digest");
	if (f->size != d->size)
		return mr_fail(err, MREG_EINTEGRITY,
			       "'%s' has %" PRIu64 " bytes instead of %" PRIu64,
			       f->path, f->size, d->size);
	if (offset == 0 && length == f->size)
		return mr_file_stream(f, out, err);
	return open_range(f, offset, length, out, err);
}

/* As it was scanned; the reader finds out if it changes later. */
static int source_file(struct mr_store *s, const struct mreg_desc *d, int *fd,
		       struct mreg_error *err)
{
	const struct mr_file *f = find(source_of(s), &d->digest);
	struct mr_file_id id;
	struct stat st;

	if (!f || f->size != d->size)
		return mr_fail(err, MREG_ENOTFOUND, "no file has this digest");
	*fd = open(f->source, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0)
		return mr_fail_sys(err, errno, "cannot open '%s'", f->path);
	if (fstat(*fd, &st) == 0) {
		mr_file_id(&st, &id);
		if (S_ISREG(st.st_mode) && mr_file_id_equal(&id, &f->id))
			return 0;
	}
	mr_fd_close(fd);
	return mr_fail(err, MREG_ENOTFOUND, "'%s' has changed", f->path);
}

static int source_open_item(struct mr_store *s, size_t index,
			    struct mr_stream **out, struct mreg_error *err)
{
	const struct source *src = source_of(s);

	assert(index < src->scan->count);
	return mr_file_stream(&src->scan->files[index], out, err);
}

static void source_learn(struct mr_store *s, size_t index,
			 const struct mreg_digest *digest)
{
	struct source *src = source_of(s);

	assert(index < src->scan->count);
	(void)pthread_mutex_lock(&src->lock);
	src->digests[index] = *digest;
	(void)pthread_mutex_unlock(&src->lock);
}

static void source_free(struct mr_store *s)
{
	struct source *src = source_of(s);

	(void)pthread_mutex_destroy(&src->lock);
	mr_release(src->digests);
	mr_release(src->base.name);
	mr_release(src);
}

static const struct mr_store_ops source_ops = {
	.kind = "files",
	.has = source_has,
	.open = source_open,
	.free = source_free,
	.open_item = source_open_item,
	.learn = source_learn,
	.file = source_file,
};

int mr_files_source(struct mr_env *env, const struct mr_scan *scan,
		    struct mr_store **out, struct mreg_error *err)
{
	struct source *src = mr_zalloc(sizeof(*src));

	if (!src)
		return mr_fail_nomem(err);
	src->base.ops = &source_ops;
	src->base.env = env;
	src->scan = scan;
	(void)pthread_mutex_init(&src->lock, NULL); /* cannot fail on Linux */
	src->base.name = mr_strdup("source");
	src->digests = mr_array(scan->count, sizeof(*src->digests));
	if (!src->base.name || !src->digests) {
		source_free(&src->base);
		return mr_fail_nomem(err);
	}
	*out = &src->base;
	return 0;
}

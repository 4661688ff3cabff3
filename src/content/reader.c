/*
 * reader.c - the same bytes at any offset: memory, files, and a reader as a
 * stream.
 */
#include "content/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

struct memory {
	struct mr_reader base;
	const char *data; /* borrowed */
};

struct file {
	struct mr_reader base;
	int fd;     /* owned */
	char *name; /* owned */
};

struct stream {
	struct mr_stream base;
	struct mr_reader *r; /* owned if `own` */
	bool own;
	uint64_t offset;          /* of the next read */
	struct mreg_error failed; /* repeated once set */
};

static ssize_t memory_read_at(struct mr_reader *r, void *buf, size_t n,
			      uint64_t offset, struct mreg_error *err)
{
	struct memory *m = mr_container_of(r, struct memory, base);

	(void)err;
	memcpy(buf, m->data + offset, n);
	return (ssize_t)n;
}

static void memory_close(struct mr_reader *r)
{
	mr_release(mr_container_of(r, struct memory, base));
}

static const struct mr_reader_ops memory_ops = {
	.read_at = memory_read_at,
	.close = memory_close,
};

static ssize_t file_read_at(struct mr_reader *r, void *buf, size_t n,
			    uint64_t offset, struct mreg_error *err)
{
	struct file *f = mr_container_of(r, struct file, base);
	ssize_t got;

	do
		got = pread(f->fd, buf, n, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return mr_fail_sys(err, errno, "cannot read '%s'", f->name);
	if (got == 0)
		return mr_fail(err, MREG_ECONFLICT,
			       "'%s' changed while it was read: it ends "
			       "before %" PRIu64 " of %" PRIu64 " bytes",
			       f->name, offset, r->size);
	return got;
}

static void file_close(struct mr_reader *r)
{
	struct file *f = mr_container_of(r, struct file, base);

	mr_fd_close(&f->fd);
	mr_release(f->name);
	mr_release(f);
}

static const struct mr_reader_ops file_ops = {
	.read_at = file_read_at,
	.close = file_close,
};

/* The tables never see an empty read or one past the end. */
ssize_t mr_reader_read_at(struct mr_reader *r, void *buf, size_t n,
			  uint64_t offset, struct mreg_error *err)
{
	if (offset >= r->size || n == 0)
		return 0;
	if (n > r->size - offset)
		n = (size_t)(r->size - offset);
	return r->ops->read_at(r, buf, n, offset, err);
}

int mr_reader_need_at(struct mr_reader *r, void *buf, size_t n, uint64_t offset,
		      struct mreg_error *err)
{
	size_t len = 0;
	ssize_t got;

	while (len < n) {
		/* Sums that overflow come from a document's numbers. */
		if (len > UINT64_MAX - offset)
			got = 0;
		else
			got = mr_reader_read_at(r, (char *)buf + len, n - len,
						offset + len, err);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return mr_fail(err, MREG_EFORMAT,
				       "ends early: %zu bytes wanted at offset "
				       "%" PRIu64
				       ", but there are only %" PRIu64
				       " in all",
				       n, offset, r->size);
		len += (size_t)got;
	}
	return 0;
}

void mr_reader_close(struct mr_reader *r)
{
	if (r)
		r->ops->close(r);
}

void mr_reader_closep(struct mr_reader **r)
{
	mr_reader_close(*r);
	*r = NULL;
}

int mr_reader_memory(const void *data, size_t n, struct mr_reader **out,
		     struct mreg_error *err)
{
	struct memory *m = mr_zalloc(sizeof(*m));

	if (!m)
		return mr_fail_nomem(err);
	m->base.ops = &memory_ops;
	m->base.size = n;
	m->data = data;
	*out = &m->base;
	return 0;
}

int mr_reader_file(int fd, const char *name, struct mr_reader **out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int owned = fd;
	struct stat st;
	struct file *f;

	if (fstat(fd, &st) < 0)
		return mr_fail_sys(err, errno, "cannot read '%s'", name);
	if (!S_ISREG(st.st_mode))
		return mr_fail(err, MREG_EIO,
			       "cannot read '%s': it is no regular file", name);
	f = mr_zalloc(sizeof(*f));
	if (!f)
		return mr_fail_nomem(err);
	f->name = mr_strdup(name);
	if (!f->name) {
		mr_release(f);
		return mr_fail_nomem(err);
	}
	f->base.ops = &file_ops;
	f->base.size = (uint64_t)st.st_size;
	f->fd = owned;
	owned = -1;
	*out = &f->base;
	return 0;
}

static ssize_t stream_read(struct mr_stream *s, void *buf, size_t n,
			   struct mreg_error *err)
{
	struct stream *v = mr_container_of(s, struct stream, base);
	ssize_t got = v->failed.code;

	if (got == MREG_OK)
		got = mr_reader_read_at(v->r, buf, n, v->offset, &v->failed);
	if (got < 0) {
		if (err)
			*err = v->failed;
		return got;
	}
	v->offset += (uint64_t)got;
	return got;
}

static void stream_close(struct mr_stream *s)
{
	struct stream *v = mr_container_of(s, struct stream, base);

	if (v->own)
		mr_reader_close(v->r);
	mr_release(v);
}

static const struct mr_stream_ops stream_ops = {
	.read = stream_read,
	.close = stream_close,
};

int mr_reader_stream(struct mr_reader *r, bool own, struct mr_stream **out,
		     struct mreg_error *err)
{
	struct stream *v = mr_zalloc(sizeof(*v));

	if (!v) {
		if (own)
			mr_reader_close(r);
		return mr_fail_nomem(err);
	}
	v->base.ops = &stream_ops;
	v->r = r;
	v->own = own;
	*out = &v->base;
	return 0;
}

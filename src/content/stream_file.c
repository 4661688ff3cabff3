/*
 * stream_file.c - a part of an open file as a stream.
 */
#include "content/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

struct file {
	struct mr_stream base;
	int fd;          /* owned */
	char *name;      /* owned */
	uint64_t offset; /* of the next read */
	uint64_t left;
	struct mreg_error failed; /* repeated once set */
};

static int fail(struct file *f, int sys, struct mreg_error *err)
{
	if (sys)
		(void)mr_fail_sys(&f->failed, sys, "cannot read '%s'", f->name);
	else
		(void)mr_fail(&f->failed, MREG_ECONFLICT,
			      "'%s' changed while it was read: it ends %" PRIu64
			      " bytes early",
			      f->name, f->left);
	if (!sys)
		(void)mr_hint(&f->failed, "wait until nothing writes to it and "
					  "run the same command again");
	if (err)
		*err = f->failed;
	return f->failed.code;
}

static ssize_t file_read(struct mr_stream *s, void *buf, size_t n,
			 struct mreg_error *err)
{
	struct file *f = mr_container_of(s, struct file, base);
	ssize_t got;

	if (f->failed.code != MREG_OK) {
		if (err)
			*err = f->failed;
		return f->failed.code;
	}
	if (n > f->left)
		n = (size_t)f->left;
	if (n == 0)
		return 0;
	do
		got = pread(f->fd, buf, n, (off_t)f->offset);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return fail(f, got < 0 ? errno : 0, err);
	f->offset += (uint64_t)got;
	f->left -= (uint64_t)got;
	return got;
}

static void file_close(struct mr_stream *s)
{
	struct file *f = mr_container_of(s, struct file, base);

	mr_fd_close(&f->fd);
	mr_release(f->name);
	mr_release(f);
}

static const struct mr_stream_ops file_ops = {
	.read = file_read,
	.close = file_close,
};

int mr_stream_file(int fd, uint64_t offset, uint64_t length, const char *name,
		   struct mr_stream **out, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int owned = fd;
	struct file *f;

	if (offset > INT64_MAX || length > INT64_MAX - offset)
		return mr_fail_sys(err, EOVERFLOW, "cannot read '%s'", name);
	f = mr_zalloc(sizeof(*f));
	if (!f)
		return mr_fail_nomem(err);
	f->name = mr_strdup(name);
	if (!f->name) {
		mr_release(f);
		return mr_fail_nomem(err);
	}
	f->base.ops = &file_ops;
	f->fd = owned;
	f->offset = offset;
	f->left = length;
	/* Twice the read-ahead; a refusal costs nothing but speed. */
	(void)posix_fadvise(fd, (off_t)offset, (off_t)length,
			    POSIX_FADV_SEQUENTIAL);
	owned = -1;
	*out = &f->base;
	return 0;
}

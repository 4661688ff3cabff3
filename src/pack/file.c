/*
 * file.c - a scanned file as a stream or a reader, which notices when the
 * file is no longer the one that was scanned.
 */
#include "pack/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define SHOWN 160

struct source {
	struct mr_stream base;
	struct mr_stream *bytes;  /* owned */
	int fd;                   /* borrowed from `bytes` */
	struct mr_file_id id;     /* the scan's */
	char shown[SHOWN];        /* for messages */
	struct mreg_error failed; /* repeated once set */
};

static int fail_changed(const char *shown, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT, "'%s' changed while it was read",
		      shown);
	return mr_hint(err, "wait until nothing writes to it and run the same "
			    "command again");
}

static int check_id(int fd, const struct mr_file_id *want, const char *shown,
		    struct mreg_error *err)
{
	struct mr_file_id id;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return mr_fail_sys(err, errno, "cannot read '%s'", shown);
	mr_file_id(&st, &id);
	return mr_file_id_equal(&id, want) ? 0 : fail_changed(shown, err);
}

/* Open; -1 and *err are set on failure. */
static int open_file(const struct mr_file *f, const char *shown,
		     struct mreg_error *err)
{
	int fd = open(f->source, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		(void)fail_changed(shown, err);
	else if (fd < 0)
		(void)mr_fail_sys(err, errno, "cannot read '%s'", shown);
	else if (check_id(fd, &f->id, shown, err) < 0)
		mr_fd_close(&fd);
	return fd;
}

static ssize_t source_read(struct mr_stream *s, void *buf, size_t n,
			   struct mreg_error *err)
{
	struct source *src = mr_container_of(s, struct source, base);
	ssize_t got = 0;

	if (src->failed.code == MREG_OK) {
		got = mr_stream_read(src->bytes, buf, n, &src->failed);
		/* The end counts only if the file is still what it was. */
		if (got == 0)
			got = check_id(src->fd, &src->id, src->shown,
				       &src->failed);
		if (got >= 0)
			return got;
	}
	if (err)
		*err = src->failed;
	return src->failed.code;
}

static void source_close(struct mr_stream *s)
{
	struct source *src = mr_container_of(s, struct source, base);

	mr_stream_close(src->bytes);
	mr_release(src);
}

static const struct mr_stream_ops source_ops = {
	.read = source_read,
	.close = source_close,
};

int mr_file_stream(const struct mr_file *f, struct mr_stream **out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_free) struct source *src = mr_zalloc(sizeof(*src));
	struct mreg_error local = MREG_ERROR_INIT;
	int fd;
	int rc;

	if (!src)
		return mr_fail_nomem(err);
	(void)mr_text_safe(f->path, src->shown, sizeof(src->shown));
	fd = open_file(f, src->shown, &local);
	if (fd < 0) {
		if (err)
			*err = local;
		return local.code;
	}
	/* Only a hint; a kernel that does not take it reads as well. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	rc = mr_stream_file(fd, 0, f->size, src->shown, &src->bytes, err);
	if (rc < 0)
		return rc;
	src->fd = fd;
	src->id = f->id;
	src->base.ops = &source_ops;
	*out = &mr_steal(&src)->base;
	return 0;
}

int mr_file_reader(const struct mr_file *f, struct mr_reader **out,
		   struct mreg_error *err)
{
	struct mreg_error local = MREG_ERROR_INIT;
	char shown[SHOWN];
	int fd;

	(void)mr_text_safe(f->path, shown, sizeof(shown));
	fd = open_file(f, shown, &local);
	if (fd < 0) {
		if (err)
			*err = local;
		return local.code;
	}
	return mr_reader_file(fd, shown, out, err);
}

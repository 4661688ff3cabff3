/*
 * layout_blob.c - reading the blobs of a layout.
 */
#include "store/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

#define HINT_PATH_MAX 130

int mr_layout_blob_path(const struct mr_layout *l,
			const struct mreg_digest *digest, char out[PATH_MAX],
			struct mreg_error *err)
{
	char name[sizeof("blobs/") + MREG_DIGEST_TEXT];
	char text[MREG_DIGEST_TEXT];

	/* Made from the value, so only hex gets into a name (H20, H21). */
	(void)snprintf(name, sizeof(name), "blobs/%s",
		       mreg_digest_text(digest, text));
	*strchr(name, ':') = '/';
	return mr_layout_path(l, name, out, err);
}

int mr_layout_has(struct mr_store *s, const struct mreg_desc *d, bool *found,
		  struct mreg_error *err)
{
	char path[PATH_MAX];
	struct stat st;
	int rc;

	rc = mr_layout_blob_path(mr_layout_of(s), &d->digest, path, err);
	if (rc < 0)
		return rc;
	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		rc = mr_fail_sys(err, errno, "cannot look at '%s'", path);
		return mr_layout_advise(rc, err);
	}
	/* A blob of another size is not the one; put replaces it. */
	*found = S_ISREG(st.st_mode) && (uint64_t)st.st_size == d->size;
	return 0;
}

/* `*size` of the open blob. */
static int open_file(struct mr_layout *l, const struct mreg_digest *digest,
		     char path[PATH_MAX], int *fd, uint64_t *size,
		     struct mreg_error *err)
{
	struct stat st;
	int rc;

	rc = mr_layout_blob_path(l, digest, path, err);
	if (rc < 0)
		return rc;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0) {
		rc = mr_fail_sys(err, errno, "cannot open '%s'", path);
		return mr_layout_advise(rc, err);
	}
	if (fstat(*fd, &st) < 0)
		return mr_fail_sys(err, errno, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return mr_fail(err, MREG_EINTEGRITY, "'%s' is no file", path);
	*size = (uint64_t)st.st_size;
	return 0;
}

int mr_layout_open_blob(struct mr_store *s, const struct mreg_desc *d,
			uint64_t offset, uint64_t length,
			struct mr_stream **out, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	char path[PATH_MAX];
	uint64_t size;
	int rc;

	rc = open_file(mr_layout_of(s), &d->digest, path, &fd, &size, err);
	if (rc < 0)
		return rc;
	if (size != d->size)
		return mr_fail(err, MREG_EINTEGRITY,
			       "'%s' has %" PRIu64 " bytes instead of %" PRIu64,
			       path, size, d->size);
	rc = mr_stream_file(fd, offset, length, path, out, err);
	fd = -1; /* taken */
	return rc;
}

int mr_layout_file(struct mr_store *s, const struct mreg_desc *d, int *fd,
		   struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int own = -1;
	char path[PATH_MAX];
	uint64_t size;
	int rc;

	rc = open_file(mr_layout_of(s), &d->digest, path, &own, &size, err);
	if (rc < 0)
		return rc;
	if (size != d->size) /* it is another one */
		return mr_fail(err, MREG_ENOTFOUND, "'%s' is truncated", path);
	*fd = own;
	own = -1;
	return 0;
}

int mr_layout_load(struct mr_layout *l, const struct mreg_digest *digest,
		   struct mr_buf *out, bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	MR_AUTO(mr_fd_close) int fd = -1;
	char path[PATH_MAX];
	uint64_t size;
	int rc;

	rc = open_file(l, digest, path, &fd, &size, &why);
	if (rc == MREG_ENOTFOUND)
		return 0;
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	if (size > MR_MANIFEST_MAX_BYTES)
		return 0; /* weights, asked for as a manifest */
	rc = mr_stream_file(fd, 0, size, path, &in, err);
	fd = -1; /* taken */
	if (rc == 0)
		rc = mr_stream_load(in, out, err);
	*found = rc == 0;
	return rc;
}

void mr_layout_damaged(struct mr_store *s, const struct mreg_digest *digest,
		       struct mreg_error *err)
{
	char path[PATH_MAX];
	const char *shown = path;

	if (mr_layout_blob_path(mr_layout_of(s), digest, path, NULL) < 0)
		return;
	/* A hint has 160 bytes; the folder is in the message too. */
	if (strlen(path) > HINT_PATH_MAX)
		shown += strlen(s->name) + 1;
	(void)mr_hint(err, "remove '%s' and push it again", shown);
}

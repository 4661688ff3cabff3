/*
 * layout_write.c - blobs get into a layout: as a part, synced, then renamed.
 *
 * A part has a random name and is flocked from the moment it is used until it
 * has its final name, so what nobody holds was left by a killed process.
 */
#include "store/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "store/writer.h"

struct part {
	struct mr_sink base;
	struct mr_layout *layout; /* borrowed */
	struct mreg_digest digest;
	int fd;     /* owned, flocked */
	char *path; /* owned; of the part */
	struct mr_writer writer;
};

static void part_free(struct part *p)
{
	mr_writer_release(&p->writer);
	mr_fd_close(&p->fd);
	mr_release(p->path);
	mr_release(p);
}

static void part_abort(struct mr_sink *s)
{
	struct part *p = mr_container_of(s, struct part, base);

	(void)unlink(p->path); /* else the next writer sweeps it away */
	part_free(p);
}

static int part_write_at(struct mr_sink *s, const void *buf, size_t n,
			 uint64_t offset, struct mreg_error *err)
{
	struct part *p = mr_container_of(s, struct part, base);

	return mr_writer_put(&p->writer, buf, n, offset, err);
}

static int part_write_through(struct mr_sink *s, const void *buf, size_t n,
			      uint64_t offset, struct mreg_error *err)
{
	struct part *p = mr_container_of(s, struct part, base);

	return mr_writer_put_through(&p->writer, buf, n, offset, err);
}

static ssize_t part_read_at(struct mr_sink *s, void *buf, size_t n,
			    uint64_t offset, struct mreg_error *err)
{
	struct part *p = mr_container_of(s, struct part, base);

	return mr_part_read(p->fd, buf, n, offset, p->path, err);
}

static int part_publish(struct part *p, struct mreg_error *err)
{
	char path[PATH_MAX];
	int rc;

	rc = mr_layout_blob_path(p->layout, &p->digest, path, err);
	if (rc < 0)
		return rc;
	if (fdatasync(p->fd) < 0)
		return mr_fail_sys(err, errno, "cannot write '%s'", p->path);
	if (rename(p->path, path) < 0)
		return mr_fail_sys(err, errno, "cannot create '%s'", path);
	return 0;
}

static int part_commit(struct mr_sink *s, struct mreg_error *err)
{
	struct part *p = mr_container_of(s, struct part, base);
	int rc = part_publish(p, err);

	if (rc < 0)
		part_abort(s);
	else
		part_free(p);
	return rc;
}

static const struct mr_sink_ops part_ops = {
	.write_at = part_write_at,
	.write_through = part_write_through,
	.read_at = part_read_at,
	.commit = part_commit,
	.abort = part_abort,
};

/* Make a file nobody else has and flock it before anyone sweeps it away. */
static int make_part(struct part *p, const char *folder, struct mreg_error *err)
{
	struct mr_env *env = p->layout->base.env;
	char path[PATH_MAX];
	char name[64];
	struct stat st;
	int rc;

	for (;;) {
		(void)snprintf(name, sizeof(name),
			       MR_PART_PREFIX "%08" PRIx32 "%08" PRIx32,
			       mr_random(env), mr_random(env));
		rc = mr_path_join(path, sizeof(path), folder, name, err);
		if (rc < 0)
			return rc;
		p->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (p->fd < 0 && errno == EEXIST)
			continue;
		if (p->fd < 0)
			return mr_fail_sys(err, errno, "cannot create '%s'",
					   path);
		rc = mr_file_lock(p->fd, true, env, path, err);
		if (rc == 0 && fstat(p->fd, &st) == 0 && st.st_nlink > 0)
			break;
		mr_fd_close(&p->fd);
		if (rc < 0) {
			(void)unlink(path); /* swept away later, else */
			return rc;
		}
	}
	p->path = mr_strdup(path);
	if (p->path)
		return 0;
	(void)unlink(path); /* swept away later, else */
	return mr_fail_nomem(err);
}

static int part_new(struct mr_layout *l, enum mreg_algorithm algorithm,
		    uint64_t size, struct part **out, struct mreg_error *err)
{
	bool usual = algorithm == MREG_SHA256;
	char folder[PATH_MAX];
	struct part *p;
	int rc;

	rc = mr_layout_make(l, err);
	if (rc == 0)
		rc = mr_layout_path(l, usual ? "blobs/sha256" : "blobs/sha512",
				    folder, err);
	if (rc == 0 && !usual)
		rc = mr_dir_make(folder, err);
	if (rc < 0)
		return rc;
	p = mr_zalloc(sizeof(*p));
	if (!p)
		return mr_fail_nomem(err);
	p->base.ops = &part_ops;
	p->layout = l;
	p->fd = -1;
	rc = make_part(p, folder, err);
	mr_writer_init(&p->writer, p->fd, size, p->path);
	if (rc < 0) {
		part_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

int mr_layout_begin(struct mr_store *s, const struct mreg_desc *d,
		    struct mr_sink **out, struct mreg_error *err)
{
	struct part *p;
	bool here = false;
	int rc;

	/* Another process may have brought it since the plan was made. */
	rc = mr_layout_has(s, d, &here, err);
	if (rc < 0 || here)
		return rc;
	rc = part_new(mr_layout_of(s), d->digest.algorithm, d->size, &p, err);
	if (rc < 0)
		return rc;
	p->digest = d->digest;
	*out = &p->base;
	return 0;
}

/* Pour the stream into the part, to its end. */
static int fill(struct part *p, struct mr_stream *src, uint64_t size,
		struct mreg_error *err)
{
	MR_AUTO(mr_free) char *chunk = mr_alloc(MR_CHUNK_BYTES);
	struct mr_env *env = p->layout->base.env;
	uint64_t offset = 0;
	ssize_t got;
	int rc;

	if (!chunk)
		return mr_fail_nomem(err);
	while ((got = mr_stream_read(src, chunk, MR_CHUNK_BYTES, err)) > 0) {
		if ((uint64_t)got > size - offset)
			return mr_fail(err, MREG_ECONFLICT,
				       "content runs past its %" PRIu64
				       " bytes",
				       size);
		rc = mr_check_cancel(env, err);
		if (rc == 0)
			rc = mr_writer_put(&p->writer, chunk, (size_t)got,
					   offset, err);
		if (rc < 0)
			return rc;
		offset += (uint64_t)got;
	}
	if (got == 0 && offset != size)
		return mr_fail(err, MREG_ECONFLICT,
			       "content ends after %" PRIu64 "/%" PRIu64
			       " bytes",
			       offset, size);
	return (int)got;
}

int mr_layout_put_stream(struct mr_store *s, struct mr_stream *src,
			 uint64_t size, const struct mr_measure *m,
			 struct mreg_error *err)
{
	struct mreg_desc d = { .size = size };
	bool here = false;
	struct part *p;
	int rc;

	rc = part_new(mr_layout_of(s), MREG_SHA256, size, &p, err);
	if (rc < 0)
		return rc;
	rc = fill(p, src, size, err);
	if (rc == 0) {
		d.digest = m->digest;
		p->digest = m->digest;
		rc = mr_layout_has(s, &d, &here, err);
	}
	if (rc < 0 || here) {
		part_abort(&p->base);
		return rc;
	}
	return part_commit(&p->base, err);
}

int mr_layout_mount(struct mr_store *s, const struct mreg_desc *d,
		    const char *from_repository, bool *done,
		    struct mreg_error *err)
{
	struct mr_layout *l = mr_layout_of(s);
	struct mr_store *from;
	char source[PATH_MAX], target[PATH_MAX];
	bool here = false;
	int rc;

	rc = mr_layout_open(s->env, l->root, from_repository, &from, err);
	if (rc < 0)
		return rc;
	rc = mr_layout_has(from, d, &here, err);
	if (rc == 0)
		rc = mr_layout_blob_path(mr_layout_of(from), &d->digest, source,
					 err);
	mr_store_close(from);
	if (rc < 0 || !here || d->digest.algorithm != MREG_SHA256)
		return rc;
	rc = mr_layout_make(l, err);
	if (rc == 0)
		rc = mr_layout_blob_path(l, &d->digest, target, err);
	if (rc < 0)
		return rc;
	/* Blobs never change, so two names for one are safe.  What does not
	 * work (another file system, too many links) is copied instead. */
	*done = link(source, target) == 0;
	if (!*done && errno == EEXIST)
		return mr_layout_has(s, d, done, err);
	return 0;
}

static void sweep_one(int folder, const char *name)
{
	MR_AUTO(mr_fd_close)
	int fd = openat(folder, name,
			O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(folder, name, 0); /* only wastes space, else */
}

int mr_layout_room(struct mr_store *s, uint64_t need, struct mreg_error *err)
{
	if (mr_room_at(s->name, need, NULL) == 0)
		return 0;
	mr_layout_sweep(mr_layout_of(s));
	return mr_room_at(s->name, need, err);
}

/* What goes wrong here costs space and is tried again by the next process. */
void mr_layout_sweep(struct mr_layout *l)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *folder;

	if (mr_layout_path(l, "blobs/sha256", path, NULL) < 0)
		return;
	folder = opendir(path);
	if (!folder)
		return;
	while ((e = readdir(folder)))
		if (mr_text_starts(e->d_name, MR_PART_PREFIX))
			sweep_one(dirfd(folder), e->d_name);
	(void)closedir(folder);
}

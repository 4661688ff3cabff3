/*
 * files_part.c - parts: their names, their locks, their proof, their copies.
 */
#include "store/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

#define HEX "0123456789abcdef"
#define DIGITS "0123456789"
/* Beyond this one sync of the file system is cheaper than one per part. */
#define PARTS_SYNCED_MAX 64
/* What the state keeps of a fact, and the digest in front. */
#define RECORD_MAX_BYTES 4000

const char *mr_part_name(const struct mr_goal *g, size_t copy,
			 char out[MR_PART_NAME])
{
	char hex[129];

	mr_digest_hex(&g->desc->digest, hex);
	if (copy == MR_PART_OWN)
		(void)snprintf(out, MR_PART_NAME, MR_PART_PREFIX "%s", hex);
	else
		(void)snprintf(out, MR_PART_NAME, MR_PART_PREFIX "%s.%zu", hex,
			       copy);
	return out;
}

/* Whether the name means the open file. */
static bool is_named(const struct mr_target *t, const char *name, int fd)
{
	struct stat named, held;

	return fstat(fd, &held) == 0 &&
	       fstatat(mr_tree_fd(t->tree), name, &named,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

static int open_part(struct mr_target *t, const char *name, bool create,
		     int *fd, struct mreg_error *err)
{
	int flags = O_RDWR | O_NONBLOCK | O_NOFOLLOW | (create ? O_CREAT : 0);
	struct mreg_error why = MREG_ERROR_INIT;
	struct stat st;
	int rc;

	rc = mr_tree_openat(t->tree, name, flags, 0644, fd, &why);
	if (rc == MREG_ENOTFOUND && !create) {
		*fd = -1;
		return 0;
	}
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	mr_fd_close(fd);
	(void)mr_fail(err, MREG_ECONFLICT, "'%s' in '%s' is not a file", name,
		      t->base.name);
	(void)mr_hint(err, "move it away");
	return MREG_ECONFLICT;
}

/* flock; `*busy`: somebody else has it and we do not wait. */
static int flock_part(struct mr_target *t, const struct mr_goal *g, int fd,
		      bool wait, bool *busy, struct mreg_error *err)
{
	const char *path = g->spots->place->path;

	*busy = false;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK && !wait) {
		*busy = true;
		return 0;
	}
	if (errno == EWOULDBLOCK)
		mr_log(t->base.env, MREG_LOG_INFO,
		       "another mreg is fetching '%s' into '%s', waiting for "
		       "it",
		       path, t->base.name);
	return mr_file_lock(fd, true, t->base.env, path, err);
}

int mr_part_lock(struct mr_target *t, const struct mr_goal *g, const char *name,
		 bool create, bool wait, int *fd, struct mreg_error *err)
{
	bool busy;
	int rc;

	for (;;) {
		rc = open_part(t, name, create, fd, err);
		if (rc < 0 || *fd < 0)
			return rc;
		rc = flock_part(t, g, *fd, wait, &busy, err);
		if (rc == 0 && !busy && is_named(t, name, *fd))
			return 0;
		mr_fd_close(fd);
		if (rc < 0 || busy)
			return rc;
		/* It was renamed or removed while we waited: look again. */
	}
}

/* -- which bytes are there ---------------------------------------------- */

static void record_key(const struct stat *st, char key[48])
{
	(void)snprintf(key, 48, "%ju:%ju", (uintmax_t)st->st_dev,
		       (uintmax_t)st->st_ino);
}

void mr_part_record(struct mr_target *t, const struct mr_goal *g, int fd,
		    const struct mr_spans *spans)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(RECORD_MAX_BYTES);
	char digest[MREG_DIGEST_TEXT];
	struct stat st;
	char key[48];

	if (!t->state || fstat(fd, &st) < 0)
		return;
	record_key(&st, key);
	if (spans) {
		/* An inode's number may be used again by another part. */
		mr_buf_printf(&text, "%s ",
			      mreg_digest_text(&g->desc->digest, digest));
		mr_spans_text(spans, &text);
	}
	/* What does not fit is not remembered: only a hint. */
	mr_state_fact_put(t->state, "part", key,
			  spans && mr_buf_check(&text, "a record", NULL) == 0
				  ? mr_buf_text(&text)
				  : NULL);
}

void mr_part_recall(struct mr_target *t, const struct mr_goal *g, int fd,
		    struct mr_spans *out)
{
	char value[RECORD_MAX_BYTES];
	char digest[MREG_DIGEST_TEXT];
	struct stat st;
	char key[48];
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!t->state || fstat(fd, &st) < 0 || st.st_size == 0)
		return;
	record_key(&st, key);
	if (!mr_state_fact_get(t->state, "part", key, value, sizeof(value)))
		return;
	n = strlen(mreg_digest_text(&g->desc->digest, digest));
	/* Bytes behind the end, of the blob or of the file, were never
	 * written. */
	if (strncmp(value, digest, n) == 0 && value[n] == ' ')
		(void)mr_spans_parse(value + n + 1,
				     (uint64_t)st.st_size < g->desc->size
					     ? (uint64_t)st.st_size
					     : g->desc->size,
				     out);
}

/* Of full size, but known to have holes. */
static bool has_holes(struct mr_target *t, const struct mr_goal *g, int fd)
{
	MR_AUTO(mr_spans_release) struct mr_spans spans = { .n = 0 };

	mr_part_recall(t, g, fd, &spans);
	return spans.n > 0 && mr_spans_sum(&spans) < g->desc->size;
}

/* -- proof --------------------------------------------------------------- */

int mr_part_prove(struct mr_target *t, struct mr_goal *g, int fd, bool *proven,
		  struct mreg_error *err)
{
	const char *path = g->spots->place->path;
	struct mr_file_id id;
	struct stat st;
	bool fresh;
	int rc;

	*proven = false;
	if (fstat(fd, &st) < 0)
		return mr_fail_sys(err, errno,
				   "cannot look at the part of '%s'", path);
	mr_file_id(&st, &id);
	if (id.size != g->desc->size)
		return 0;
	(void)pthread_mutex_lock(&t->lock);
	fresh = g->ready && mr_file_id_equal(&g->part, &id);
	(void)pthread_mutex_unlock(&t->lock);
	if (fresh) {
		*proven = true;
		return 0;
	}
	if (has_holes(t, g, fd))
		return 0;
	rc = mr_target_hash(t, fd, g->desc, path, proven, err);
	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&t->lock);
	g->ready = *proven;
	g->synced = false; /* who knows what the one before came to */
	g->part = id;
	(void)pthread_mutex_unlock(&t->lock);
	return 0;
}

int mr_part_sync(struct mr_target *t, struct mr_goal *g, int fd,
		 struct mreg_error *err)
{
	bool synced;

	(void)pthread_mutex_lock(&t->lock);
	synced = g->synced;
	(void)pthread_mutex_unlock(&t->lock);
	if (!synced && fdatasync(fd) < 0)
		return mr_fail_sys(err, errno, "cannot write '%s'",
				   g->spots->place->path);
	(void)pthread_mutex_lock(&t->lock);
	g->synced = true;
	(void)pthread_mutex_unlock(&t->lock);
	return 0;
}

int mr_part_sync_many(struct mr_target *t, struct mreg_error *err)
{
	size_t waiting = 0;
	size_t i;

	(void)pthread_mutex_lock(&t->lock);
	for (i = 0; i < t->goal_count; i++)
		waiting += t->goals[i].ready && !t->goals[i].synced;
	(void)pthread_mutex_unlock(&t->lock);
	if (waiting <= PARTS_SYNCED_MAX)
		return 0;
	if (syncfs(mr_tree_fd(t->tree)) < 0)
		return mr_fail_sys(err, errno, "cannot sync '%s'",
				   t->base.name);
	(void)pthread_mutex_lock(&t->lock);
	for (i = 0; i < t->goal_count; i++)
		t->goals[i].synced = t->goals[i].ready;
	(void)pthread_mutex_unlock(&t->lock);
	return 0;
}

/* Copy in the kernel, else through memory; the whole file either way. */
static int copy_bytes(struct mr_target *t, int from, int to, uint64_t size,
		      const char *path, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	MR_AUTO(mr_free) char *chunk = NULL;
	uint64_t done = 0;
	ssize_t got;
	int own, rc = 0;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	while (done < size) {
		loff_t at = (loff_t)done;
		loff_t into = (loff_t)done;

		got = copy_file_range(from, &at, to, &into,
				      size - done < MR_CHUNK_BYTES * 64
					      ? (size_t)(size - done)
					      : MR_CHUNK_BYTES * 64,
				      0);
		if (got <= 0)
			break; /* not here (EXDEV, EINVAL, ...): read it */
		done += (uint64_t)got;
		rc = mr_check_cancel(t->base.env, err);
		if (rc < 0)
			return rc;
	}
	if (done == size)
		return 0;
	chunk = mr_alloc(MR_CHUNK_BYTES);
	if (!chunk)
		return mr_fail_nomem(err);
	own = fcntl(from, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return mr_fail_sys(err, errno, "cannot read '%s'", path);
	rc = mr_stream_file(own, done, size - done, path, &in, err);
	if (rc < 0)
		return rc;
	while ((got = mr_stream_read(in, chunk, MR_CHUNK_BYTES, err)) > 0) {
		rc = mr_file_write_at(to, chunk, (size_t)got, done, path, err);
		if (rc < 0)
			return rc;
		done += (uint64_t)got;
	}
	return (int)got;
}

int mr_part_copy(struct mr_target *t, const struct mr_goal *g, int from,
		 const char *name, int *fd, struct mreg_error *err)
{
	const char *path = g->spots->place->path;
	int rc;

	rc = mr_part_lock(t, g, name, true, true, fd, err);
	if (rc < 0)
		return rc;
	if (ftruncate(*fd, 0) < 0)
		rc = mr_fail_sys(err, errno, "cannot write a copy of '%s'",
				 path);
	if (rc == 0)
		rc = copy_bytes(t, from, *fd, g->desc->size, path, err);
	if (rc == 0 && fdatasync(*fd) < 0)
		rc = mr_fail_sys(err, errno, "cannot write a copy of '%s'",
				 path);
	if (rc < 0) {
		(void)mr_tree_unlink(t->tree, name, NULL); /* err tells more */
		mr_fd_close(fd);
	}
	return rc;
}

/* Whether it is the name of a part, ".mreg-part-<hex>[.<n>]", and of which
 * digest. */
static bool parse_name(const char *name, struct mreg_digest *digest)
{
	char text[MREG_DIGEST_TEXT];
	const char *hex = name + strlen(MR_PART_PREFIX);
	size_t n;

	if (!mr_text_starts(name, MR_PART_PREFIX))
		return false;
	n = strspn(hex, HEX);
	if (n != 64 && n != 128)
		return false;
	if (hex[n] && (hex[n] != '.' || !hex[n + 1] ||
		       hex[n + 1 + strspn(hex + n + 1, DIGITS)]))
		return false;
	(void)snprintf(text, sizeof(text), "%s:%.*s",
		       n == 64 ? "sha256" : "sha512", (int)n, hex);
	return mreg_digest_parse(text, digest, NULL) == 0;
}

static void sweep_one(struct mr_target *t, const char *name)
{
	MR_AUTO(mr_fd_close) int fd = -1;

	if (open_part(t, name, false, &fd, NULL) < 0 || fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_named(t, name, fd))
		(void)mr_tree_unlink(t->tree, name, NULL);
}

/* What goes wrong here costs space and is tried again by the next pull. */
void mr_part_sweep(struct mr_target *t, bool wanted_too)
{
	struct mreg_digest digest;
	struct dirent *e;
	DIR *root;
	int fd;

	fd = openat(mr_tree_fd(t->tree), ".",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	root = fd < 0 ? NULL : fdopendir(fd);
	if (!root) {
		mr_fd_close(&fd);
		return;
	}
	while ((e = readdir(root)))
		if (mr_text_starts(e->d_name, MR_PROBE_PREFIX) ||
		    (parse_name(e->d_name, &digest) &&
		     (mr_target_goal(t, &digest) ? wanted_too : !t->o.partial)))
			sweep_one(t, e->d_name);
	(void)closedir(root);
}

/*
 * file.c - files that appear complete or not at all.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/env.h"
#include "base/error.h"
#include "base/mem.h"

/* What is read whole is small; it need not be read in large pieces. */
#define LOAD_BYTES 16384
/* How long a waiting lock sleeps between two looks: at first, at most. */
#define LOCK_FIRST_MS 1
#define LOCK_MOST_MS 50
#define NS_PER_S INT64_C(1000000000)

void mr_fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing written depends on it */
	*fd = -1;
}

int mr_file_load(int dirfd, const char *path, struct mr_buf *out,
		 struct mreg_error *err)
{
	MR_AUTO(mr_fd_close)
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char piece[LOAD_BYTES];
	ssize_t got;

	if (fd < 0)
		return mr_fail_sys(err, errno, "cannot open '%s'", path);
	for (;;) {
		got = read(fd, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mr_fail_sys(err, errno, "cannot read '%s'",
					   path);
		if (got == 0)
			break;
		mr_buf_add(out, piece, (size_t)got);
		if (out->failed)
			break;
	}
	if (out->failed == MREG_ELIMIT)
		return mr_fail(err, MREG_ELIMIT,
			       "'%s' is larger than %zu bytes", path, out->max);
	return mr_buf_check(out, "file", err);
}

/* Write all; at `offset` unless that is negative. */
static int write_all(int fd, const char *p, size_t n, off_t offset,
		     const char *name, struct mreg_error *err)
{
	ssize_t put;

	while (n > 0) {
		put = offset < 0 ? write(fd, p, n) : pwrite(fd, p, n, offset);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return mr_fail_sys(err, put < 0 ? errno : EIO,
					   "cannot write '%s'", name);
		p += put;
		n -= (size_t)put;
		if (offset >= 0)
			offset += put;
	}
	return 0;
}

int mr_file_write_at(int fd, const void *data, size_t n, uint64_t offset,
		     const char *name, struct mreg_error *err)
{
	if (offset > INT64_MAX || n > INT64_MAX - offset)
		return mr_fail_sys(err, EFBIG, "cannot write '%s'", name);
	return write_all(fd, data, n, (off_t)offset, name, err);
}

int mr_file_write(int fd, const void *data, size_t n, const char *name,
		  struct mreg_error *err)
{
	return write_all(fd, data, n, -1, name, err);
}

/* Split "a/b/c" into "a/b" (or "/", or ".") in `dir` and "c", returned. */
static const char *split(const char *path, char dir[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (!slash)
		(void)snprintf(dir, PATH_MAX, ".");
	else if (n == 0)
		(void)snprintf(dir, PATH_MAX, "/");
	else
		(void)snprintf(dir, PATH_MAX, "%.*s", (int)n, path);
	return slash ? slash + 1 : path;
}

/* Create `temp` in `dir`, complete and synced; nothing is left on failure. */
static int fill_temp(int dir, const char *temp, const void *data, size_t n,
		     mode_t mode, const char *path, struct mreg_error *err)
{
	int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			mode);
	int rc;

	if (fd < 0)
		return mr_fail_sys(err, errno, "cannot create '%s'", path);
	rc = mr_file_write(fd, data, n, path, err);
	if (rc == 0 && fsync(fd) < 0)
		rc = mr_fail_sys(err, errno, "cannot write '%s'", path);
	/* Network file systems report a full disk only now. */
	if (close(fd) < 0 && rc == 0)
		rc = mr_fail_sys(err, errno, "cannot write '%s'", path);
	if (rc < 0)
		(void)unlinkat(dir, temp, 0); /* err already says why */
	return rc;
}

int mr_file_save(int dirfd, const char *path, const void *data, size_t n,
		 mode_t mode, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int dir = -1;
	char dir_path[PATH_MAX];
	char temp[64];
	const char *name;
	int rc;

	if (strlen(path) >= PATH_MAX)
		return mr_fail_sys(err, ENAMETOOLONG, "cannot write '%s'",
				   path);
	name = split(path, dir_path);
	dir = openat(dirfd, dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return mr_fail_sys(err, errno, "cannot open folder '%s'",
				   dir_path);
	/* Not made from `name`, which may be as long as a name can be. */
	(void)snprintf(temp, sizeof(temp), ".mreg.tmp-%08" PRIx32 "%08" PRIx32,
		       mr_random(NULL), mr_random(NULL));
	rc = fill_temp(dir, temp, data, n, mode, path, err);
	if (rc < 0)
		return rc;
	if (renameat(dir, temp, dir, name) < 0) {
		rc = mr_fail_sys(err, errno, "cannot replace '%s'", path);
		(void)unlinkat(dir, temp, 0); /* err already says why */
		return rc;
	}
	return mr_dir_sync(dir, ".", err);
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int mr_dir_make(const char *path, struct mreg_error *err)
{
	char made[PATH_MAX];
	size_t n = strlen(path);
	size_t i;

	if (n == 0)
		return mr_fail_sys(err, ENOENT, "cannot create folder ''");
	if (n >= sizeof(made))
		return mr_fail_sys(err, ENAMETOOLONG,
				   "cannot create folder '%s'", path);
	memcpy(made, path, n + 1);
	for (i = 1; i <= n; i++) {
		int sys = 0;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		made[i] = '\0';
		if (mkdir(made, 0755) < 0)
			sys = errno;
		/* Another process may make it at the same time, and a folder
		 * above may be readable only: what counts is that it is
		 * there. */
		if (sys && !is_dir(made))
			return mr_fail_sys(err, sys == EEXIST ? ENOTDIR : sys,
					   "cannot create folder '%s'", made);
		made[i] = path[i];
	}
	return 0;
}

int mr_dir_sync(int dirfd, const char *name, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close)
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return mr_fail_sys(err, errno, "cannot open folder '%s'", name);
	/* EINVAL: a file system whose folders cannot be synced, fsync(2). */
	if (fsync(fd) < 0 && errno != EINVAL)
		return mr_fail_sys(err, errno, "cannot sync folder '%s'", name);
	return 0;
}

int mr_file_lock(int fd, bool exclusive, struct mr_env *env, const char *name,
		 struct mreg_error *err)
{
	int how = (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB;
	int64_t wait_ms = LOCK_FIRST_MS;
	int rc;

	while (flock(fd, how) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return mr_fail_sys(err, errno, "cannot lock '%s'",
					   name);
		rc = mr_sleep_ms(env, wait_ms, err);
		if (rc < 0) {
			(void)mr_wrap(err, "gave up waiting for '%s'", name);
			return rc;
		}
		if (wait_ms < LOCK_MOST_MS)
			wait_ms *= 2;
	}
	return 0;
}

void mr_file_id(const struct stat *st, struct mr_file_id *out)
{
	out->dev = (uint64_t)st->st_dev;
	out->ino = (uint64_t)st->st_ino;
	out->size = (uint64_t)st->st_size;
	out->mtime_ns = st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec;
	out->ctime_ns = st->st_ctim.tv_sec * NS_PER_S + st->st_ctim.tv_nsec;
}

bool mr_file_id_equal(const struct mr_file_id *a, const struct mr_file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

int mr_path_join(char *out, size_t cap, const char *dir, const char *name,
		 struct mreg_error *err)
{
	size_t n = strlen(dir);
	bool slash = n > 0 && dir[n - 1] != '/';

	if (n + (slash ? 1 : 0) + strlen(name) >= cap)
		return mr_fail(err, MREG_ELIMIT, "path '%s/%s' is too long",
			       dir, name);
	(void)snprintf(out, cap, "%s%s%s", dir, slash ? "/" : "", name);
	return 0;
}

bool mr_file_is_remote(const char *path)
{
	static const unsigned long remote[] = {
		NFS_SUPER_MAGIC,
		SMB_SUPER_MAGIC,
		CIFS_SUPER_MAGIC,
		SMB2_SUPER_MAGIC,
		AFS_SUPER_MAGIC,
		AFS_FS_MAGIC,
		CODA_SUPER_MAGIC,
		FUSE_SUPER_MAGIC,
		V9FS_MAGIC,
		CEPH_SUPER_MAGIC,
		OCFS2_SUPER_MAGIC,
		0x0bd00bd0 /* Lustre */,
		0x47504653 /* GPFS */,
	};
	struct statfs fs;
	size_t i;

	if (statfs(path, &fs) < 0)
		return true;
	for (i = 0; i < MR_COUNT(remote); i++)
		if (((unsigned long)fs.f_type & 0xffffffff) == remote[i])
			return true;
	return false;
}

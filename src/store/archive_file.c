/*
 * archive_file.c - a file that has no name until it is whole, and then takes
 * one that nothing else has.
 *
 * O_TMPFILE leaves nothing behind whatever happens.  Where a file system has
 * no such files (NFS, FAT) a hidden one stands beside the path, flocked; what
 * nobody holds was left by a killed process and is removed by the next export
 * into that folder.
 */
#include "store/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

/* Not MR_PART_PREFIX: those may be what a pull wants to resume. */
#define TEMP_PREFIX ".mreg-export-"

static int exists(const char *path, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_ECONFLICT, "'%s' exists already", path);
	return mr_hint(err, "remove it, or choose another name");
}

/* The folder that the file is to be in. */
static int folder_of(const char *path, char out[PATH_MAX],
		     struct mreg_error *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (strlen(path) >= PATH_MAX)
		return mr_fail_sys(err, ENAMETOOLONG, "cannot create '%s'",
				   path);
	if (slash && n == 0)
		n = 1;
	(void)snprintf(out, PATH_MAX, "%.*s", (int)n, path);
	if (n == 0)
		(void)snprintf(out, PATH_MAX, ".");
	return 0;
}

/* What goes wrong here costs space and is tried again by the next process. */
static void sweep(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		MR_AUTO(mr_fd_close) int fd = -1;

		if (!mr_text_starts(e->d_name, TEMP_PREFIX))
			continue;
		fd = openat(dirfd(d), e->d_name,
			    O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	(void)closedir(d); /* only read from */
}

/* A hidden file, flocked before anybody sweeps it away. */
static int make_named(struct mr_archive *a, const char *folder,
		      struct mreg_error *err)
{
	char path[PATH_MAX], name[64];
	struct stat st;
	int rc;

	sweep(folder);
	for (;;) {
		(void)snprintf(name, sizeof(name),
			       TEMP_PREFIX "%08" PRIx32 "%08" PRIx32,
			       mr_random(a->base.env), mr_random(a->base.env));
		rc = mr_path_join(path, sizeof(path), folder, name, err);
		if (rc < 0)
			return rc;
		a->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (a->fd < 0 && errno == EEXIST)
			continue;
		if (a->fd < 0)
			return mr_fail_sys(err, errno, "cannot create '%s'",
					   a->base.name);
		rc = mr_file_lock(a->fd, true, a->base.env, path, err);
		if (rc < 0 || (fstat(a->fd, &st) == 0 && st.st_nlink > 0))
			break;
		mr_fd_close(&a->fd); /* swept away already */
	}
	a->temp = mr_strdup(path);
	if (!a->temp) {
		(void)unlink(path); /* swept away later, else */
		return mr_fail_nomem(err);
	}
	return rc;
}

int mr_archive_make(struct mr_archive *a, struct mreg_error *err)
{
	const char *path = a->base.name;
	char folder[PATH_MAX];
	struct stat st;
	int rc;

	rc = folder_of(path, folder, err);
	if (rc < 0)
		return rc;
	if (lstat(path, &st) == 0)
		return exists(path, err);
	/* Without /proc it could not get a name. */
	if (access("/proc/self/fd", X_OK) == 0)
		a->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	if (a->fd >= 0)
		return 0;
	return make_named(a, folder, err);
}

static int link_unnamed(const struct mr_archive *a)
{
	char self[64];

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", a->fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, a->base.name,
		      AT_SYMLINK_FOLLOW);
}

/* FAT has no links, NFS no such flag. */
static int rename_temp(const struct mr_archive *a)
{
	if (renameat2(AT_FDCWD, a->temp, AT_FDCWD, a->base.name,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (link(a->temp, a->base.name) < 0)
		return -1;
	(void)unlink(a->temp); /* else it is swept away later */
	return 0;
}

int mr_archive_publish(struct mr_archive *a, struct mreg_error *err)
{
	const char *path = a->base.name;
	char folder[PATH_MAX];
	int rc;

	rc = folder_of(path, folder, err);
	if (rc < 0)
		return rc;
	if ((a->temp ? rename_temp(a) : link_unnamed(a)) < 0) {
		if (errno == EEXIST)
			return exists(path, err);
		return mr_fail_sys(err, errno, "cannot create '%s'", path);
	}
	mr_release(a->temp);
	a->temp = NULL;
	return mr_dir_sync(AT_FDCWD, folder, err);
}

void mr_archive_discard(struct mr_archive *a)
{
	if (a->temp)
		(void)unlink(a->temp); /* else it is swept away later */
	mr_release(a->temp);
	a->temp = NULL;
}

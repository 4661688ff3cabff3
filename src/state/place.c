/*
 * place.c - the state file before it is a database: folders, owner, mode.
 */
#include "state/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* Nobody's models need that much; something filled it. */
#define FILE_MAX_BYTES ((off_t)1 << 30)

static const char *make_parents(const char *path)
{
	size_t n = strlen(path);
	char dir[PATH_MAX];
	char *p;

	if (n >= sizeof(dir))
		return "its name is too long";
	memcpy(dir, path, n + 1);
	for (p = strchr(dir + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		/* 0700: XDG Base Directory Specification.  Failing shows when
		 * the file is made. */
		(void)mkdir(dir, 0700);
		*p = '/';
	}
	return NULL;
}

static const char *check_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	struct stat st;

	/* Of "/state.db" the slash itself. */
	if (slash)
		(void)snprintf(dir, sizeof(dir), "%.*s",
			       slash == path ? 1 : (int)(slash - path), path);
	if (stat(dir, &st) < 0)
		return NULL; /* making the file will say why */
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return "its folder belongs to another user";
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return "others may write to its folder";
	return NULL;
}

static const char *check_file(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is not a regular file";
	if (st->st_uid != geteuid())
		return "it belongs to another user";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "others may write to it";
	return NULL;
}

void mr_state_place_remove(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm",
						"-journal" };
	char name[PATH_MAX + 16];
	size_t i;

	for (i = 0; i < MR_COUNT(suffixes); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name); /* if it stays, opening fails again */
	}
}

static const char *make_file(const char *path, struct stat *st)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0600);

	mr_fd_close(&fd);
	return lstat(path, st) < 0 ? strerror(errno) : NULL;
}

const char *mr_state_place_prepare(const char *path, bool *warn)
{
	const char *why = make_parents(path);
	struct stat st;

	if (why)
		return why;
	why = check_folder(path);
	*warn = why != NULL;
	if (why)
		return why;
	why = make_file(path, &st);
	if (why)
		return why;
	why = check_file(&st);
	*warn = why != NULL;
	if (why)
		return why;
	if (st.st_size > FILE_MAX_BYTES) {
		mr_state_place_remove(path);
		return make_file(path, &st);
	}
	/* SQLite gives its helpers the mode of the database.  A file that
	 * cannot be changed is used as it is. */
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		(void)chmod(path, 0600);
	return NULL;
}

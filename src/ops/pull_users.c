/*
 * pull_users.c - who pulls archives into a directory, so that of several at
 * once one fetches each and the last removes them.
 *
 * Everyone holds a shared flock on one file there, from before anything is
 * fetched until nothing more is wanted of archives.
 *
 * Invariants
 * 1. Archives are removed only under an exclusive flock on that file: while
 *    nobody who may want them is there.
 * 2. Who comes to be there looks again at what is remembered and in place: who
 *    removed archives before had come to that first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "ops/pull.h"

#define USERS_NAME MR_PART_PREFIX "users"

bool mr_pull_is_named(const struct pull *p, const char *name, int fd)
{
	struct stat named, held;

	return fstat(fd, &held) == 0 &&
	       fstatat(mr_tree_fd(p->tree), name, &named,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

static int open_users(const struct pull *p, int *fd, struct mreg_error *err)
{
	return mr_tree_openat(p->tree, USERS_NAME,
			      O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644,
			      fd, err);
}

int mr_pull_enter(struct pull *p, bool *entered, struct mreg_error *err)
{
	*entered = false;
	while (!p->is_user) {
		MR_AUTO(mr_fd_close) int fd = -1;
		int rc = open_users(p, &fd, err);

		if (rc == 0)
			rc = mr_file_lock(fd, false, &p->m->env, p->output,
					  err);
		if (rc < 0)
			return rc;
		/* Else the last of the others has removed it meanwhile. */
		if (!mr_pull_is_named(p, USERS_NAME, fd))
			continue;
		p->users = fd;
		fd = -1;
		p->is_user = *entered = true;
	}
	return 0;
}

bool mr_pull_is_last(struct pull *p)
{
	if (!p->is_user) {
		int fd = -1;

		/* Made when it is not there: who comes meanwhile has to find
		 * this one there.  Written to, since NFS locks as fcntl(2)
		 * does, which takes no exclusive lock on what is read only. */
		if (open_users(p, &fd, NULL) < 0)
			return false;
		p->users = fd;
		p->is_user = true;
	}
	if (flock(p->users, LOCK_EX | LOCK_NB) == 0 &&
	    mr_pull_is_named(p, USERS_NAME, p->users))
		return true;
	mr_fd_close(&p->users);
	p->is_user = false;
	return false;
}

bool mr_pull_is_left(const char *name)
{
	return strcmp(name, USERS_NAME) == 0;
}

void mr_pull_leave(struct pull *p)
{
	if (!p->is_user || !mr_pull_is_last(p))
		return;
	/* What goes wrong here the next one puts right. */
	(void)mr_tree_unlink(p->tree, USERS_NAME, NULL);
	mr_fd_close(&p->users);
	p->is_user = false;
}

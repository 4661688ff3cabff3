/*
 * remote_lock.c - the writers of one fallback tag on this machine, one after
 * another.
 *
 * Advisory (P-72): writers elsewhere do not see the lock, so merging and
 * verifying is what keeps entries; the lock spares the processes of one
 * machine their rounds of it.  One that cannot be had, or not soon, is gone
 * without.
 *
 * A lock file belongs to many tags, so that there are only a few; it is empty,
 * and stays.
 */
#include "store/remote_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "content/digest.h"
#include "store/remote.h"

#define LOCKS 64
/* Whoever has it writes for a second or two. */
#define WAIT_MAX_MS 10000
#define WAIT_FIRST_MS 10
#define WAIT_MOST_MS 200

void mr_remote_lock_folder(struct mr_store *s, const char *folder)
{
	if (mr_store_is_remote(s))
		mr_remote_of(s)->locks = folder;
}

/* -1: there is none that others could not meddle with (security.md H104). */
static int open_folder(const char *path)
{
	struct stat st;
	int fd;

	(void)mkdir(path, 0700); /* failing shows below */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
			(st.st_mode & (S_IWGRP | S_IWOTH))))
		mr_fd_close(&fd);
	return fd;
}

static int open_lock(const struct mr_remote *r, const char *tag)
{
	MR_AUTO(mr_buf_release) struct mr_buf key = MR_BUF_INIT(4096);
	MR_AUTO(mr_fd_close) int folder = -1;
	struct mreg_digest d;
	char name[32];

	if (!r->locks)
		return -1;
	mr_buf_printf(&key, "%s/%s:%s", r->host, r->repository, tag);
	if (mr_buf_check(&key, tag, NULL) < 0 ||
	    mr_digest_of(key.data, key.len, &d, NULL) < 0)
		return -1;
	folder = open_folder(r->locks);
	if (folder < 0)
		return -1;
	(void)snprintf(name, sizeof(name), "referrers-%02u",
		       d.bytes[0] % (unsigned int)LOCKS);
	return openat(folder, name,
		      O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		      0600);
}

int mr_remote_lock(struct mr_remote *r, const char *tag, int *fd,
		   struct mreg_error *err)
{
	int64_t wait_ms = WAIT_FIRST_MS;
	int64_t waited_ms = 0;
	int rc;

	*fd = open_lock(r, tag);
	while (*fd >= 0 && flock(*fd, LOCK_EX | LOCK_NB) < 0) {
		/* Whoever waits that long, or cannot wait, goes on without. */
		if (errno != EWOULDBLOCK || waited_ms >= WAIT_MAX_MS) {
			mr_fd_close(fd);
			break;
		}
		rc = mr_sleep_ms(r->base.env, wait_ms, err);
		if (rc < 0) {
			mr_fd_close(fd);
			return rc;
		}
		waited_ms += wait_ms;
		if (wait_ms < WAIT_MOST_MS)
			wait_ms *= 2;
	}
	return 0;
}

/*
 * walk.c - openat2, and what it does done by hand.
 */
#include "pack/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"

/* Lost races with a rename beside us, before giving up (openat2(2), EAGAIN). */
#define RACES_MAX 64

int mr_walk_kernel(int dirfd, const char *path, int flags, mode_t mode)
{
	struct open_how how;
	unsigned int i;
	long fd = -1;

	memset(&how, 0, sizeof(how));
	how.flags = (__u64)(unsigned int)(flags | O_CLOEXEC);
	how.mode = flags & O_CREAT ? mode : 0;
	how.resolve =
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	for (i = 0; i < RACES_MAX; i++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return (int)fd;
}

/* A folder refused with ENOTDIR may be a link: O_DIRECTORY is checked before
 * O_NOFOLLOW. */
static void explain(int dirfd, const char *name)
{
	struct stat st;
	int sys = errno;

	if (sys == ENOTDIR &&
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		sys = ELOOP;
	errno = sys;
}

/* With O_PATH the link itself would be opened. */
static int refuse_link(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
		return fd;
	close(fd);
	errno = ELOOP;
	return -1;
}

static int open_step(int dirfd, const char *name, int flags, mode_t mode)
{
	int fd = openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		explain(dirfd, name);
	else if (flags & O_PATH)
		fd = refuse_link(fd);
	return fd;
}

int mr_walk_steps(int dirfd, const char *path, int flags, mode_t mode)
{
	char name[MR_PATH_COMPONENT_MAX_BYTES + 1];
	int at = dirfd;
	int fd;
	int sys;

	for (;;) {
		size_t n = strcspn(path, "/");

		if (n >= sizeof(name)) {
			errno = ENAMETOOLONG;
			fd = -1;
			break;
		}
		memcpy(name, path, n);
		name[n] = '\0';
		if (!path[n]) {
			fd = open_step(at, name, flags, mode);
			break;
		}
		fd = open_step(at, name, O_PATH | O_DIRECTORY, 0);
		if (fd < 0)
			break;
		if (at != dirfd)
			close(at);
		at = fd;
		path += n + 1;
	}
	sys = errno;
	if (at != dirfd)
		close(at);
	errno = sys;
	return fd;
}

int mr_walk_open(int dirfd, const char *path, int flags, mode_t mode,
		 atomic_bool *no_kernel)
{
	int fd;

	if (!*no_kernel) {
		fd = mr_walk_kernel(dirfd, path, flags, mode);
		/* Sandboxes answer EPERM to calls that they do not know; so
		 * does the kernel to some honest ones, which fail below too. */
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
			return fd;
		*no_kernel = errno == ENOSYS;
	}
	return mr_walk_steps(dirfd, path, flags, mode);
}

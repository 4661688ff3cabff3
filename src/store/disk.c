/*
 * disk.c - reading back a part, for both stores that have them.
 */
#include "store/internal.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"

ssize_t mr_part_read(int fd, void *buf, size_t n, uint64_t offset,
		     const char *name, struct mreg_error *err)
{
	ssize_t got;

	do
		got = pread(fd, buf, n, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return mr_fail_sys(err, errno, "cannot read '%s'", name);
	return got;
}

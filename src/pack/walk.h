/*
 * pack/walk.h - opening below a folder without ever leaving it; private to
 * the folder, and to its tests.
 */
#ifndef MR_PACK_WALK_H
#define MR_PACK_WALK_H

#include <stdatomic.h>
#include <sys/types.h>

/*
 * openat(2) below `dirfd` (O_CLOEXEC added): a descriptor, or -1 with errno;
 * ELOOP when a component is a symbolic link.  `path` has no '..' component
 * and is not absolute.
 *
 * One asks the kernel (openat2), the other goes component by component, for
 * kernels before 5.6 and sandboxes that know no openat2.
 */
int mr_walk_kernel(int dirfd, const char *path, int flags, mode_t mode);
int mr_walk_steps(int dirfd, const char *path, int flags, mode_t mode);

/* Whichever works; `*no_kernel` remembers that the first does not. */
int mr_walk_open(int dirfd, const char *path, int flags, mode_t mode,
		 atomic_bool *no_kernel);

#endif

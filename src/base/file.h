/*
 * base/file.h - files that appear complete or not at all, and the small
 * things around them.
 */
#ifndef MR_BASE_FILE_H
#define MR_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "mreg/error.h"

void mr_fd_close(int *fd); /* for MR_AUTO; -1 does nothing; sets -1 */

/* Whole file into `out` (its maximum is the limit: MREG_ELIMIT beyond).
 * `dirfd` may be AT_FDCWD.  MREG_ENOTFOUND if absent. */
int mr_file_load(int dirfd, const char *path, struct mr_buf *out,
		 struct mreg_error *err);

/* Write a temporary sibling, sync, rename over `path`, sync the directory.
 * On failure nothing of it is left. */
int mr_file_save(int dirfd, const char *path, const void *data, size_t n,
		 mode_t mode, struct mreg_error *err);

/* Write all of it at `offset`, or from the current position. */
int mr_file_write_at(int fd, const void *data, size_t n, uint64_t offset,
		     const char *name, struct mreg_error *err);
int mr_file_write(int fd, const void *data, size_t n, const char *name,
		  struct mreg_error *err);

/* mkdir -p, 0755 less umask; a component that exists must be a directory. */
int mr_dir_make(const char *path, struct mreg_error *err);
int mr_dir_sync(int dirfd, const char *name, struct mreg_error *err);

/* flock(2), exclusive or shared; waits, in slices, until `cancelled` says so
 * (may be NULL).  MREG_ECANCELED then. */
struct mr_env;
int mr_file_lock(int fd, bool exclusive, struct mr_env *env, const char *name,
		 struct mreg_error *err);

/* Whether other machines may use it too: what its users share in memory is
 * then not the same for all of them.  True too when nobody knows. */
bool mr_file_is_remote(const char *path);

/* What identifies unchanged content: product.md 5.3, protocol.md D-10. */
struct mr_file_id {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns; /* nanoseconds since 1970 */
};
void mr_file_id(const struct stat *st, struct mr_file_id *out);
bool mr_file_id_equal(const struct mr_file_id *a, const struct mr_file_id *b);

/* "a/b" + "c" -> "a/b/c" in `out`; 0, or MREG_ELIMIT. */
int mr_path_join(char *out, size_t cap, const char *dir, const char *name,
		 struct mreg_error *err);

#endif

/*
 * tree.c - a directory under which files appear, and nothing outside it.
 *
 * Invariants
 * 1. No path is opened, made, renamed or removed but below `fd`, and never
 *    through a symbolic link (security.md 5.3).
 * 2. Nothing is ever done by a path from the working directory once the tree
 *    is open.
 */
#include "pack/pack.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pack/path.h"
#include "pack/walk.h"

#define SHOWN 160

struct mr_tree {
	int fd;
	char *dir;             /* owned; as it was given */
	atomic_bool no_kernel; /* no openat2 here; set by any thread */
	bool folds_known;
	bool folds;
};

static int check_kind(const char *dir, struct mreg_error *err)
{
	char shown[SHOWN];
	struct stat st;

	if (stat(dir, &st) < 0 || S_ISDIR(st.st_mode))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "'%s' is not a directory",
		      mr_text_safe(dir, shown, sizeof(shown)));
	return mr_hint(err, "choose another directory, or move the file away");
}

static int open_dir(struct mr_tree *t, bool create, struct mreg_error *err)
{
	char shown[SHOWN];
	int rc = check_kind(t->dir, err);

	(void)mr_text_safe(t->dir, shown, sizeof(shown));
	if (rc == 0 && create)
		rc = mr_dir_make(t->dir, err);
	if (rc < 0 && err && err->sys == ENOTDIR) {
		(void)mr_fail(err, MREG_EUSAGE,
			      "cannot make directory '%s': a file is in the "
			      "way",
			      shown);
		return mr_hint(err, "choose another directory, or move the "
				    "file away");
	}
	if (rc < 0)
		return rc;
	t->fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->fd < 0)
		return mr_fail_sys(err, errno, "cannot open directory '%s'",
				   shown);
	if (create && faccessat(t->fd, ".", W_OK | X_OK, AT_EACCESS) < 0) {
		(void)mr_fail_sys(err, errno, "cannot write to directory '%s'",
				  shown);
		return mr_hint(err, "make it writable, or choose another "
				    "directory");
	}
	return 0;
}

int mr_tree_open(const char *dir, bool create, struct mr_tree **out,
		 struct mreg_error *err)
{
	struct mr_tree *t = mr_zalloc(sizeof(*t));
	int rc;

	if (!t)
		return mr_fail_nomem(err);
	t->fd = -1;
	t->dir = mr_strdup(dir);
	rc = t->dir ? open_dir(t, create, err) : mr_fail_nomem(err);
	if (rc < 0) {
		mr_tree_close(t);
		return rc;
	}
	*out = t;
	return 0;
}

void mr_tree_close(struct mr_tree *t)
{
	if (!t)
		return;
	mr_fd_close(&t->fd);
	mr_release(t->dir);
	mr_release(t);
}

int mr_tree_fd(const struct mr_tree *t)
{
	return t->fd;
}

const char *mr_tree_dir(const struct mr_tree *t)
{
	return t->dir;
}

/* -- errors that name the culprit ------------------------------------------ */

/* Length of the shortest beginning of `path` that is no folder, or its whole
 * length; `*st` is what is there. */
static size_t obstacle(struct mr_tree *t, const char *path, struct stat *st)
{
	char prefix[MR_PATH_MAX_BYTES + 1];
	size_t n = 0;

	do {
		n += strcspn(path + n, "/");
		memcpy(prefix, path, n);
		prefix[n] = '\0';
		/* Shorter beginnings were folders, so no link is followed. */
		if (fstatat(t->fd, prefix, st, AT_SYMLINK_NOFOLLOW) < 0) {
			st->st_mode = 0;
			return n;
		}
		if (!S_ISDIR(st->st_mode) || !path[n])
			return n;
		n++;
	} while (path[n]);
	return n;
}

static const char *describe(const struct stat *st, int sys)
{
	if (sys == ELOOP || S_ISLNK(st->st_mode))
		return "a symbolic link";
	if (S_ISDIR(st->st_mode))
		return "a directory";
	return sys == EEXIST ? "there already" : "not a directory";
}

static int fail_open(struct mr_tree *t, const char *path, int sys,
		     struct mreg_error *err)
{
	char part[SHOWN];
	char dir[SHOWN / 2];
	struct stat st;
	size_t n;

	(void)mr_text_safe(t->dir, dir, sizeof(dir));
	if (sys != ELOOP && sys != ENOTDIR && sys != EISDIR && sys != EEXIST)
		return mr_fail_sys(err, sys, "cannot open '%s' in '%s'",
				   mr_text_safe(path, part, sizeof(part)), dir);
	n = obstacle(t, path, &st);
	(void)mr_text_safe_n(path, n, part, sizeof(part));
	(void)mr_fail(err, MREG_ECONFLICT, "'%s' in '%s' is %s", part, dir,
		      describe(&st, sys));
	if (err)
		err->sys = sys;
	return mr_hint(err, "move it away, or choose another directory");
}

static int check_path(const char *path, struct mreg_error *err)
{
	const char *fault = mr_path_fault(path);
	char shown[SHOWN];

	if (!fault)
		return 0;
	return mr_fail(err, MREG_EINTEGRITY, "unsafe path '%s': %s",
		       mr_text_safe(path, shown, sizeof(shown)), fault);
}

/* -- the work -------------------------------------------------------------- */

int mr_tree_openat(struct mr_tree *t, const char *path, int flags, mode_t mode,
		   int *fd, struct mreg_error *err)
{
	int rc = check_path(path, err);

	if (rc < 0)
		return rc;
	rc = mr_walk_open(t->fd, path, flags, mode, &t->no_kernel);
	if (rc < 0)
		return fail_open(t, path, errno, err);
	*fd = rc;
	return 0;
}

int mr_tree_make_parents(struct mr_tree *t, const char *path,
			 struct mreg_error *err)
{
	char prefix[MR_PATH_MAX_BYTES + 1];
	MR_AUTO(mr_fd_close) int at = -1;
	const char *name = path;
	const char *slash;
	int rc = check_path(path, err);
	int next;

	if (rc < 0)
		return rc;
	for (slash = strchr(path, '/'); slash; slash = strchr(name, '/')) {
		memcpy(prefix, path, (size_t)(slash - path));
		prefix[slash - path] = '\0';
		if (mkdirat(at < 0 ? t->fd : at, prefix + (name - path), 0755) <
			    0 &&
		    errno != EEXIST)
			return fail_open(t, prefix, errno, err);
		next = mr_walk_open(at < 0 ? t->fd : at, prefix + (name - path),
				    O_PATH | O_DIRECTORY, 0, &t->no_kernel);
		if (next < 0)
			return fail_open(t, prefix, errno, err);
		mr_fd_close(&at);
		at = next;
		name = slash + 1;
	}
	return 0;
}

/* The folder that holds `path`; `*name` is its last component. */
static int open_parent(struct mr_tree *t, const char *path, int *fd,
		       const char **name, struct mreg_error *err)
{
	char parent[MR_PATH_MAX_BYTES + 1];
	const char *slash = strrchr(path, '/');
	int rc = check_path(path, err);

	if (rc < 0)
		return rc;
	*name = slash ? slash + 1 : path;
	if (!slash) {
		*fd = fcntl(t->fd, F_DUPFD_CLOEXEC, 0);
		return *fd < 0 ? fail_open(t, path, errno, err) : 0;
	}
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	return mr_tree_openat(t, parent, O_PATH | O_DIRECTORY, 0, fd, err);
}

int mr_tree_place(struct mr_tree *t, const char *part, const char *path,
		  struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int parent = -1;
	const char *name;
	char from[SHOWN];
	struct stat st;
	int rc = open_parent(t, path, &parent, &name, err);

	assert(!strchr(part, '/'));
	if (rc < 0)
		return rc;
	/* rename(2) would replace a link, never follow it; but somebody made
	 * it, and it would be lost. */
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		return fail_open(t, path, ELOOP, err);
	if (renameat(t->fd, part, parent, name) == 0)
		return 0;
	if (errno == EISDIR || errno == EEXIST || errno == ENOTEMPTY)
		return fail_open(t, path, EISDIR, err);
	return mr_fail_sys(err, errno, "cannot rename '%s' to its final name",
			   mr_text_safe(part, from, sizeof(from)));
}

int mr_tree_unlink(struct mr_tree *t, const char *path, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int parent = -1;
	const char *name;
	char shown[SHOWN];
	int rc = open_parent(t, path, &parent, &name, err);

	if (rc < 0)
		return rc;
	if (unlinkat(parent, name, 0) == 0)
		return 0;
	if (errno == EISDIR)
		return fail_open(t, path, errno, err);
	return mr_fail_sys(err, errno, "cannot remove '%s'",
			   mr_text_safe(path, shown, sizeof(shown)));
}

/* -- does case matter here? -------------------------------------------------
 */

/* Collisions are with other machines that share the directory. */
#define PROBES_MAX 16
#define PROBE_NAME 64

/* A file of ours, locked: what nobody locks is swept away as left behind. */
static int make_probe(struct mr_tree *t, char name[PROBE_NAME], int *out,
		      struct mreg_error *err)
{
	char dir[SHOWN];
	uint64_t random;
	unsigned int i;
	int fd;

	for (i = 0; i < PROBES_MAX; i++) {
		if (getrandom(&random, sizeof(random), 0) < 0)
			random = (uint64_t)getpid() + i;
		(void)snprintf(name, PROBE_NAME, MR_PROBE_PREFIX "%016" PRIx64,
			       random);
		fd = openat(t->fd, name,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0) {
			/* Where nothing can be locked nothing is swept. */
			(void)flock(fd, LOCK_EX | LOCK_NB);
			*out = fd;
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return mr_fail_sys(err, errno, "cannot write to directory '%s'",
			   mr_text_safe(t->dir, dir, sizeof(dir)));
}

/* `*seen`: nobody took the probe away before we had looked. */
static int probe(struct mr_tree *t, bool *seen, struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	char name[PROBE_NAME];
	char other[PROBE_NAME];
	struct stat a;
	struct stat b;
	char *p;
	int rc = make_probe(t, name, &fd, err);

	if (rc < 0)
		return rc;
	memcpy(other, name, sizeof(other));
	for (p = other; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	*seen = fstatat(t->fd, name, &a, AT_SYMLINK_NOFOLLOW) == 0;
	t->folds = *seen &&
		   fstatat(t->fd, other, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
		   a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	/* It has the name of a partial file: never taken for more. */
	(void)unlinkat(t->fd, name, 0);
	return 0;
}

int mr_tree_folds(struct mr_tree *t, bool *folds, struct mreg_error *err)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; !t->folds_known && i < PROBES_MAX && rc == 0; i++)
		rc = probe(t, &t->folds_known, err);
	*folds = t->folds;
	return rc;
}

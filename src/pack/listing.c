/*
 * listing.c - what lies below a tree besides a model's files, and taking it
 * away.
 *
 * Invariants
 * 1. No symbolic link is followed, neither to list nor to remove.
 * 2. What is removed has the identity that was listed: a file that somebody
 *    put there or changed meanwhile stays.
 */
#include "pack/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pack/rules.h"
#include "pack/walk.h"

#define SHOWN 160
/* A folder with more was not meant. */
#define ENTRIES_MAX 1000000u
#define ARENA_MAX_BYTES (512u << 20)
/* Twice what a model may have: each level costs stack and a descriptor. */
#define DEPTH_MAX (2 * MR_PATH_DEPTH_MAX)

struct walk {
	struct mr_env *env;
	const char *dir; /* borrowed; of the tree, for messages */
	dev_t dev;
	struct mr_ignore *defaults; /* owned */
	struct mr_listing *to;      /* borrowed */
	size_t cap;                 /* of to->files */
	size_t folder_cap;
	size_t entries; /* seen so far */
};

static int fail_at(const struct walk *w, const char *path, int sys,
		   struct mreg_error *err)
{
	char shown[SHOWN];
	char dir[SHOWN / 2];

	return mr_fail_sys(err, sys, "cannot look at '%s' in '%s'",
			   mr_text_safe(path, shown, sizeof(shown)),
			   mr_text_safe(w->dir, dir, sizeof(dir)));
}

static int add_file(struct walk *w, const char *path, const struct stat *st,
		    struct mreg_error *err)
{
	struct mr_listing *l = w->to;
	void *files = l->files;
	struct mr_entry *e;

	if (mr_grow(&files, &w->cap, l->count + 1, sizeof(*l->files)) < 0)
		return mr_fail_nomem(err);
	l->files = files;
	e = &l->files[l->count];
	e->path = mr_arena_strdup(l->arena, path);
	if (!e->path)
		return mr_fail_nomem(err);
	mr_file_id(st, &e->id);
	e->links = st->st_nlink;
	e->is_link = S_ISLNK(st->st_mode);
	l->count++;
	return 0;
}

static int add_folder(struct walk *w, const char *path, struct mreg_error *err)
{
	struct mr_listing *l = w->to;
	void *folders = l->folders;

	if (mr_grow(&folders, &w->folder_cap, l->folder_count + 1,
		    sizeof(*l->folders)) < 0)
		return mr_fail_nomem(err);
	l->folders = folders;
	l->folders[l->folder_count] = mr_arena_strdup(l->arena, path);
	if (!l->folders[l->folder_count])
		return mr_fail_nomem(err);
	l->folder_count++;
	return 0;
}

static int list_folder(struct walk *w, int fd, const struct mr_rules *up,
		       const char *path, unsigned int depth,
		       struct mreg_error *err);

static int enter(struct walk *w, int dirfd, const struct mr_rules *in,
		 const char *name, const char *path, unsigned int depth,
		 struct mreg_error *err)
{
	char shown[SHOWN];
	int fd, rc;

	if (depth >= DEPTH_MAX)
		return mr_fail(err, MREG_ELIMIT, "'%s' is too deep a folder",
			       mr_text_safe(path, shown, sizeof(shown)));
	rc = add_folder(w, path, err);
	if (rc < 0)
		return rc;
	fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_at(w, path, errno, err);
	return list_folder(w, fd, in, path, depth + 1, err);
}

static int take(struct walk *w, int dirfd, const struct mr_rules *in,
		const char *name, unsigned int depth, struct mreg_error *err)
{
	char path[PATH_MAX];
	struct stat st;
	int n;

	if (mr_text_starts(name, MR_PART_PREFIX))
		return 0;
	n = snprintf(path, sizeof(path), "%s%s%s", in->path,
		     in->path[0] ? "/" : "", name);
	if (n >= (int)sizeof(path))
		return fail_at(w, in->path, ENAMETOOLONG, err);
	if (++w->entries > ENTRIES_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "'%s' holds more than %u files", w->dir,
			       ENTRIES_MAX);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail_at(w, path, errno, err);
	if (mr_rules_ignore(w->defaults, NULL, in, path, S_ISDIR(st.st_mode)))
		return 0;
	if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
		return add_file(w, path, &st, err);
	if (S_ISDIR(st.st_mode) && st.st_dev == w->dev)
		return enter(w, dirfd, in, name, path, depth, err);
	w->to->strange++;
	return 0;
}

static int list_entries(struct walk *w, DIR *d, const struct mr_rules *in,
			unsigned int depth, struct mreg_error *err)
{
	const struct dirent *e;
	int rc = 0;

	while (rc == 0) {
		errno = 0;
		e = readdir(d);
		if (!e)
			return errno ? fail_at(w, in->path, errno, err) : 0;
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = take(w, dirfd(d), in, e->d_name, depth, err);
	}
	return rc;
}

/* Takes `fd`. */
static int list_folder(struct walk *w, int fd, const struct mr_rules *up,
		       const char *path, unsigned int depth,
		       struct mreg_error *err)
{
	struct mr_rules in = { .up = up, .path = path };
	DIR *d = fdopendir(fd);
	int rc;

	if (!d) {
		rc = fail_at(w, path, errno, err);
		mr_fd_close(&fd);
		return rc;
	}
	rc = mr_check_cancel(w->env, err);
	if (rc == 0)
		rc = mr_rules_load(dirfd(d), path, &in.own, err);
	if (rc == 0)
		rc = list_entries(w, d, &in, depth, err);
	mr_ignore_free(in.own);
	(void)closedir(d); /* only read from */
	return rc;
}

static int by_path(const void *a, const void *b)
{
	const struct mr_entry *x = a;
	const struct mr_entry *y = b;

	return strcmp(x->path, y->path);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_root(struct walk *w, int root, struct mreg_error *err)
{
	struct stat st;
	int fd;

	fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_at(w, ".", errno, err);
	if (fstat(fd, &st) < 0) {
		int rc = fail_at(w, ".", errno, err);

		mr_fd_close(&fd);
		return rc;
	}
	w->dev = st.st_dev;
	return list_folder(w, fd, NULL, "", 0, err);
}

int mr_tree_list(struct mr_tree *t, struct mr_env *env, struct mr_listing **out,
		 struct mreg_error *err)
{
	MR_AUTO(mr_listing_freep) struct mr_listing *l = mr_zalloc(sizeof(*l));
	struct walk w = { .env = env, .dir = mr_tree_dir(t), .to = l };
	int rc;

	if (l)
		l->arena = mr_arena_new(ARENA_MAX_BYTES);
	if (!l || !l->arena)
		return mr_fail_nomem(err);
	rc = mr_rules_defaults(&w.defaults, err);
	if (rc == 0)
		rc = list_root(&w, mr_tree_fd(t), err);
	mr_ignore_free(w.defaults);
	if (rc < 0)
		return rc;
	if (l->count)
		qsort(l->files, l->count, sizeof(*l->files), by_path);
	if (l->folder_count)
		qsort(l->folders, l->folder_count, sizeof(*l->folders),
		      by_text);
	*out = mr_steal(&l);
	return 0;
}

void mr_listing_free(struct mr_listing *l)
{
	if (!l)
		return;
	mr_release(l->files);
	mr_release(l->folders);
	mr_arena_free(l->arena);
	mr_release(l);
}

void mr_listing_freep(struct mr_listing **l)
{
	mr_listing_free(*l);
	*l = NULL;
}

/* -- taking away ----------------------------------------------------------- */

/* The folder of a listed path; `*name` is its last component.  Names are as
 * they were found, so the checks on a model's paths are not made. */
static int open_folder(struct mr_tree *t, const char *path, const char **name)
{
	atomic_bool no_kernel = false;
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');

	*name = slash ? slash + 1 : path;
	if (!slash)
		return fcntl(mr_tree_fd(t), F_DUPFD_CLOEXEC, 0);
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path),
		       path);
	return mr_walk_open(mr_tree_fd(t), parent, O_PATH | O_DIRECTORY, 0,
			    &no_kernel);
}

static int fail_remove(const struct mr_entry *e, int sys,
		       struct mreg_error *err)
{
	char shown[SHOWN];

	return mr_fail_sys(err, sys, "cannot remove '%s'",
			   mr_text_safe(e->path, shown, sizeof(shown)));
}

int mr_tree_removable(struct mr_tree *t, const struct mr_entry *e,
		      struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	const char *name;

	fd = open_folder(t, e->path, &name);
	/* Gone or replaced by now: it will be left where it is. */
	if (fd < 0 || faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	return fail_remove(e, errno, err);
}

int mr_tree_remove(struct mr_tree *t, const struct mr_entry *e, bool *gone,
		   struct mreg_error *err)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	struct mr_file_id id;
	const char *name;
	struct stat st;

	*gone = false;
	fd = open_folder(t, e->path, &name);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : fail_remove(e, errno, err);
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail_remove(e, errno, err);
	mr_file_id(&st, &id);
	/* Another name of it may be gone, and with that its ctime. */
	id.ctime_ns = e->id.ctime_ns;
	if (!mr_file_id_equal(&id, &e->id))
		return 0;
	if (unlinkat(fd, name, 0) < 0)
		return fail_remove(e, errno, err);
	*gone = true;
	return 0;
}

void mr_tree_prune(struct mr_tree *t, const char *folder)
{
	MR_AUTO(mr_fd_close) int fd = -1;
	const char *name;

	fd = open_folder(t, folder, &name);
	if (fd >= 0)
		(void)unlinkat(fd, name,
			       AT_REMOVEDIR); /* only if it is empty */
}

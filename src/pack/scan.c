/*
 * scan.c - a folder, or some files, to the sorted list of what a model holds
 * (product.md 4, "What push takes from a folder").
 *
 * Links to folders are followed wherever they lead, and the files behind them
 * belong to the path of the link: two links to one folder give its files
 * twice (the bytes are sent once).  A link that leads back to a folder on the
 * way to it is a loop, and an error; FOLDERS_MAX ends what is no loop but
 * grows like one.
 */
#include "pack/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pack/path.h"
#include "pack/rules.h"

/* As many as a model has files, for each of which the source's whole path is
 * kept. */
#define FOLDERS_MAX MR_LAYERS_MAX
#define ARENA_MAX_BYTES ((size_t)MR_LAYERS_MAX * 2 * PATH_MAX)

/* A folder on the way from the root to where we are. */
struct level {
	const struct level *up;
	int fd; /* borrowed */
	dev_t dev;
	ino_t ino;
	const char *source;    /* from the working directory */
	struct mr_rules rules; /* with the path in the model */
};

/* -- folders --------------------------------------------------------------- */

static int scan_folder(struct mr_walk *w, const struct level *up, DIR *d,
		       const struct mr_item *self, struct mreg_error *err);

static int check_loop(const struct level *in, const struct mr_item *it,
		      struct mreg_error *err)
{
	char shown[MR_SCAN_SHOWN / 2];
	char source[MR_SCAN_SHOWN / 2];

	for (; in; in = in->up) {
		if (in->dev != it->st.st_dev || in->ino != it->st.st_ino)
			continue;
		(void)mr_fail(err, MREG_EUSAGE,
			      "link '%s' leads back to '%s': a loop",
			      mr_text_safe(it->source, source, sizeof(source)),
			      mr_text_safe(in->source, shown, sizeof(shown)));
		return mr_hint(err,
			       "remove it, or leave it out with --exclude");
	}
	return 0;
}

static int enter(struct mr_walk *w, const struct level *in, struct mr_item *it,
		 struct mreg_error *err)
{
	const char *fault = mr_path_fault(it->path);
	DIR *d;
	int fd;
	int rc = check_loop(in, it, err);

	if (rc < 0)
		return rc;
	/* Also bounds how deep we call ourselves. */
	if (fault)
		return mr_item_fail(it, MREG_EUSAGE, fault, err);
	if (++w->folders > FOLDERS_MAX)
		return mr_item_fail(it, MREG_ELIMIT, "too many folders", err);
	fd = openat(it->dirfd, it->name,
		    O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return mr_item_fail_sys(it, errno, err);
	d = fdopendir(fd);
	if (!d) {
		rc = mr_item_fail_sys(it, errno, err);
		mr_fd_close(&fd);
		return rc;
	}
	rc = scan_folder(w, in, d, it, err);
	(void)closedir(d); /* only read from */
	return rc;
}

/* Not mr_path_join: the root "/" is an empty `dir` here. */
static int join(char out[PATH_MAX], const char *dir, const char *name,
		struct mreg_error *err)
{
	size_t n = strlen(dir);
	size_t len = strlen(name);
	char shown[MR_SCAN_SHOWN];

	if (n + len + 2 > PATH_MAX)
		return mr_fail_sys(err, ENAMETOOLONG, "cannot read '%s'",
				   mr_text_safe(dir, shown, sizeof(shown)));
	memcpy(out, dir, n);
	out[n] = '/';
	memcpy(out + n + 1, name, len + 1);
	return 0;
}

static int take(struct mr_walk *w, const struct level *in, const char *name,
		struct mreg_error *err)
{
	struct mr_item it = { .dirfd = in->fd, .name = name };
	char source[PATH_MAX];
	bool is_link;
	int rc;

	if (mr_text_starts(name, MR_PART_PREFIX)) {
		w->scan->left_out++;
		return 0;
	}
	rc = join(source, in->source, name, err);
	if (rc < 0)
		return rc;
	it.source = source;
	it.path = source + strlen(in->source) - strlen(in->rules.path) +
		  (in->rules.path[0] ? 0 : 1);
	if (fstatat(in->fd, name, &it.st, AT_SYMLINK_NOFOLLOW) < 0)
		return mr_item_fail_sys(&it, errno, err);
	is_link = S_ISLNK(it.st.st_mode);
	/* First, so that a broken link can be left out; whether it is a folder
	 * decides about patterns that end with '/'. */
	if (is_link && fstatat(in->fd, name, &it.st, 0) < 0)
		it.st.st_mode = S_IFLNK;
	if (!w->o->all && mr_rules_ignore(w->defaults, w->exclude, &in->rules,
					  it.path, S_ISDIR(it.st.st_mode))) {
		w->scan->left_out++;
		return 0;
	}
	if (is_link)
		rc = mr_item_follow(w, &it, err);
	if (rc < 0)
		return rc;
	if (S_ISDIR(it.st.st_mode))
		return enter(w, in, &it, err);
	if (S_ISREG(it.st.st_mode))
		return mr_item_add(w, &it, err);
	return mr_item_fail_kind(&it, err);
}

static int scan_entries(struct mr_walk *w, const struct level *at, DIR *d,
			const struct mr_item *self, struct mreg_error *err)
{
	const struct dirent *entry;
	int rc;

	for (;;) {
		errno = 0;
		entry = readdir(d);
		if (!entry)
			return errno ? mr_item_fail_sys(self, errno, err) : 0;
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		rc = take(w, at, entry->d_name, err);
		if (rc < 0)
			return rc;
	}
}

static int scan_folder(struct mr_walk *w, const struct level *up, DIR *d,
		       const struct mr_item *self, struct mreg_error *err)
{
	struct level at = { .up = up,
			    .fd = dirfd(d),
			    .source = self->source,
			    .rules = { .up = up ? &up->rules : NULL,
				       .path = self->path } };
	struct stat st;
	int rc = mr_check_cancel(w->env, err);

	if (rc < 0)
		return rc;
	if (fstat(at.fd, &st) < 0)
		return mr_item_fail_sys(self, errno, err);
	at.dev = st.st_dev;
	at.ino = st.st_ino;
	if (!w->o->all)
		rc = mr_rules_load(at.fd, at.source, &at.rules.own, err);
	if (rc == 0)
		rc = scan_entries(w, &at, d, self, err);
	mr_ignore_free(at.rules.own);
	return rc;
}

/* -- what was named -------------------------------------------------------- */

/* A folder: its contents; "" is its path in the model. */
static int scan_root(struct mr_walk *w, const char *dir, struct mreg_error *err)
{
	struct mr_item it = { .dirfd = AT_FDCWD, .source = dir, .path = "" };
	char source[PATH_MAX];
	size_t n = strlen(dir);
	DIR *d;
	int rc;

	d = opendir(dir);
	if (!d)
		return mr_item_fail_sys(&it, errno, err);
	/* "dir/" and "dir" are one; "/" becomes "", and "/a" below it.  What
	 * could be opened is shorter than PATH_MAX. */
	while (n && dir[n - 1] == '/')
		n--;
	memcpy(source, dir, n);
	source[n] = '\0';
	it.source = source;
	rc = scan_folder(w, NULL, d, &it, err);
	(void)closedir(d); /* only read from */
	return rc;
}

static int scan_file(struct mr_walk *w, const char *path,
		     struct mreg_error *err)
{
	struct mr_item it = { .dirfd = AT_FDCWD, .source = path, .name = path };
	const char *slash = strrchr(path, '/');
	int rc = 0;

	it.path = slash ? slash + 1 : path;
	if (lstat(path, &it.st) < 0)
		return mr_item_fail_sys(&it, errno, err);
	/* What is named is meant, so only --exclude can leave it out. */
	if (!w->o->all &&
	    mr_ignore_match(w->exclude, it.path, false) == MR_VERDICT_IGNORE) {
		w->scan->left_out++;
		return 0;
	}
	if (S_ISLNK(it.st.st_mode))
		rc = mr_item_follow(w, &it, err);
	if (rc < 0)
		return rc;
	if (!S_ISREG(it.st.st_mode))
		return mr_item_fail_kind(&it, err);
	return mr_item_add(w, &it, err);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int scan_paths(struct mr_walk *w, const char *const *paths, size_t n,
		      struct mreg_error *err)
{
	char shown[MR_SCAN_SHOWN];
	size_t i;
	int rc = 0;

	if (n == 1 && is_folder(paths[0]))
		return scan_root(w, paths[0], err);
	for (i = 0; i < n && rc == 0; i++) {
		if (is_folder(paths[i])) {
			(void)mr_fail(
				err, MREG_EUSAGE,
				"'%s' is a folder: a model is one "
				"folder, or files",
				mr_text_safe(paths[i], shown, sizeof(shown)));
			return mr_hint(err, "name the folder that holds "
					    "everything");
		}
		rc = scan_file(w, paths[i], err);
	}
	return rc;
}

static int by_path(const void *a, const void *b)
{
	const struct mr_file *x = a;
	const struct mr_file *y = b;

	return strcmp(x->path, y->path);
}

/* `root`: the first of the paths that were given. */
static int finish(struct mr_scan *scan, const char *root,
		  struct mreg_error *err)
{
	char first[MR_SCAN_SHOWN / 2];
	char second[MR_SCAN_SHOWN / 2];
	size_t i;

	if (scan->count == 0) {
		(void)mr_fail(err, MREG_EUSAGE, "no file to take in '%s'",
			      mr_text_safe(root, first, sizeof(first)));
		return mr_hint(err, scan->left_out
					    ? "everything was left out; --all "
					      "takes it"
					    : "name a folder that has files");
	}
	qsort(scan->files, scan->count, sizeof(*scan->files), by_path);
	for (i = 1; i < scan->count; i++) {
		const struct mr_file *a = &scan->files[i - 1];
		const struct mr_file *b = &scan->files[i];

		if (strcmp(a->path, b->path) != 0)
			continue;
		(void)mr_fail(err, MREG_EUSAGE,
			      "'%s' and '%s' have the same name",
			      mr_text_safe(a->source, first, sizeof(first)),
			      mr_text_safe(b->source, second, sizeof(second)));
		return mr_hint(err, "put them into folders, and name the "
				    "folder that holds both");
	}
	return 0;
}

int mr_scan(struct mr_env *env, const char *const *paths, size_t path_count,
	    const struct mr_scan_opts *o, struct mr_scan **out,
	    struct mreg_error *err)
{
	static const struct mr_scan_opts plain = { .all = false };
	MR_AUTO(mr_scan_freep) struct mr_scan *scan = mr_zalloc(sizeof(*scan));
	struct mr_walk w = { .env = env, .o = o ? o : &plain, .scan = scan };
	int rc;

	if (!scan)
		return mr_fail_nomem(err);
	scan->arena = mr_arena_new(ARENA_MAX_BYTES);
	if (!scan->arena)
		return mr_fail_nomem(err);
	rc = mr_rules_defaults(&w.defaults, err);
	if (rc == 0)
		rc = mr_ignore_list(w.o->exclude, w.o->exclude_count,
				    &w.exclude, err);
	if (rc == 0)
		rc = scan_paths(&w, paths, path_count, err);
	if (rc == 0)
		rc = finish(scan, path_count ? paths[0] : "", err);
	mr_ignore_free(w.defaults);
	mr_ignore_free(w.exclude);
	if (rc < 0)
		return rc;
	*out = mr_steal(&scan);
	return 0;
}

void mr_scan_free(struct mr_scan *s)
{
	if (!s)
		return;
	mr_release(s->files);
	mr_arena_free(s->arena);
	mr_release(s);
}

void mr_scan_freep(struct mr_scan **s)
{
	mr_scan_free(*s);
	*s = NULL;
}

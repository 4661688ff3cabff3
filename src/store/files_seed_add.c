/*
 * files_seed_add.c - which files may have what is wanted: those of its size.
 */
#include "store/seed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

#define HEX "0123456789abcdef"
/* Of a seed's folders; a loop of bind mounts ends here. */
#define DEPTH_MAX MR_PATH_DEPTH_MAX

int mr_seeds_compare_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Tools that keep files by digest call them so: OCI layouts, and Hugging
 * Face's cache where git-lfs holds the file. */
static bool named_after(const char *path, struct mreg_digest *out)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char text[MREG_DIGEST_TEXT];

	if (strlen(name) != 64 || strspn(name, HEX) != 64)
		return false;
	(void)snprintf(text, sizeof(text), "sha256:%s", name);
	return mreg_digest_parse(text, out, NULL) == 0;
}

/* `known_only`: not if it had to be read. */
static int add_file(struct mr_seeds *s, struct mr_tree *tree, const char *path,
		    const struct mr_file_id *id, bool known_only,
		    struct mreg_error *err)
{
	struct mr_seed_file f = { .tree = tree,
				  .id = *id,
				  .fact = MR_FACT_RAW };
	struct mr_state_file known;
	bool remembered;
	void *files = s->files;

	if (!bsearch(&id->size, s->sizes, s->size_count, sizeof(*s->sizes),
		     mr_seeds_compare_size))
		return 0;
	remembered = mr_state_file_get(s->state, id, &known) &&
		     mreg_digest_parse(known.digest, &f.digest, NULL) == 0;
	if (known_only && !remembered)
		return 0;
	if (remembered || named_after(path, &f.digest))
		f.fact = MR_FACT_KNOWN;
	f.path = mr_arena_strdup(s->arena, path);
	if (!f.path ||
	    mr_grow(&files, &s->cap, s->count + 1, sizeof(*s->files)) < 0)
		return mr_fail_nomem(err);
	s->files = files;
	s->files[s->count++] = f;
	return 0;
}

static int add_folder(struct mr_seeds *s, int fd, const char *path,
		      unsigned int depth, struct mreg_error *err);

static int add_entry(struct mr_seeds *s, int dirfd, const char *dir,
		     const char *name, unsigned int depth,
		     struct mreg_error *err)
{
	struct mr_file_id id;
	char path[PATH_MAX];
	struct stat st, in;
	bool is_link;
	int fd;

	if (mr_text_starts(name, MR_PART_PREFIX) ||
	    snprintf(path, sizeof(path), "%s/%s", dir, name) >=
		    (int)sizeof(path) ||
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	/* Links to files are what a Hugging Face cache is made of; those to
	 * folders lead anywhere, and so do other file systems (/proc). */
	is_link = S_ISLNK(st.st_mode);
	if (is_link && fstatat(dirfd, name, &st, 0) < 0)
		return 0;
	mr_file_id(&st, &id);
	if (S_ISREG(st.st_mode))
		return add_file(s, NULL, path, &id, false, err);
	if (!S_ISDIR(st.st_mode) || is_link || depth >= DEPTH_MAX ||
	    fstat(dirfd, &in) < 0 || in.st_dev != st.st_dev)
		return 0;
	fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? 0 : add_folder(s, fd, path, depth + 1, err);
}

/* What cannot be read is no seed.  Takes `fd`. */
static int add_folder(struct mr_seeds *s, int fd, const char *path,
		      unsigned int depth, struct mreg_error *err)
{
	const struct dirent *e;
	DIR *d = fdopendir(fd);
	int rc;

	if (!d) {
		mr_fd_close(&fd);
		return 0;
	}
	rc = mr_check_cancel(s->base.env, err);
	while (rc == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = add_entry(s, dirfd(d), path, e->d_name, depth,
				       err);
	(void)closedir(d); /* only read from */
	return rc;
}

int mr_seeds_add_dir(struct mr_store *store, const char *dir,
		     struct mreg_error *err)
{
	struct mr_seeds *s = mr_seeds_of(store);
	struct stat st;
	int fd;

	fd = open(dir, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		int rc = mr_fail_sys(err, errno, "cannot use seed '%s'", dir);

		mr_fd_close(&fd);
		return rc;
	}
	if (S_ISDIR(st.st_mode))
		return add_folder(s, fd, dir, 0, err);
	mr_fd_close(&fd);
	(void)mr_fail(err, MREG_EUSAGE, "seed '%s' is no directory", dir);
	return mr_hint(err, "name the directory that the file is in");
}

int mr_seeds_add_tree(struct mr_store *store, struct mr_tree *t,
		      struct mreg_error *err)
{
	MR_AUTO(mr_listing_freep) struct mr_listing *l = NULL;
	struct mr_seeds *s = mr_seeds_of(store);
	size_t i;
	int rc = mr_tree_list(t, s->base.env, &l, err);

	for (i = 0; rc == 0 && i < l->count; i++)
		if (!l->files[i].is_link)
			rc = add_file(s, t, l->files[i].path, &l->files[i].id,
				      true, err);
	return rc;
}

int mr_seeds_add_store(struct mr_store *store, struct mr_store *seed,
		       struct mreg_error *err)
{
	struct mr_seeds *s = mr_seeds_of(store);
	void *stores = s->stores;

	if (mr_grow(&stores, &s->store_cap, s->store_count + 1,
		    sizeof(struct mr_store *)) < 0) {
		mr_store_close(seed);
		return mr_fail_nomem(err);
	}
	s->stores = stores;
	s->stores[s->store_count++] = seed;
	return 0;
}

/*
 * pack/pack.h - a directory to a sorted list of files, and a place where
 * files appear safely.
 *
 * Paths inside a model are relative, '/'-separated, valid UTF-8 kept byte for
 * byte.  What may not be written is refused before anything is (security.md
 * 3.7: H01-H11, 5.3).
 */
#ifndef MR_PACK_PACK_H
#define MR_PACK_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/file.h"
#include "content/reader.h"
#include "content/stream.h"

/* -- from disk: product.md 4, "What push takes from a folder" -------------- */

struct mr_file {
	const char *path;     /* in the model; in the scan's arena */
	const char *source;   /* where to open it, from the working directory */
	uint64_t size;        /* bytes */
	bool executable;      /* by its owner */
	bool via_link;        /* reached through a symbolic link */
	struct mr_file_id id; /* as seen by the scan */
};

struct mr_scan {
	struct mr_arena *arena;
	struct mr_file *files; /* sorted bytewise by path */
	size_t count;
	uint64_t bytes;    /* in all files */
	uint64_t left_out; /* entries not taken: .git, .mregignore, ... */
	uint64_t links;    /* links followed */
};

struct mr_scan_opts {
	bool all; /* leave nothing out, whatever else is said here; but our own
		   * partial files never go along */
	const char *const *exclude; /* gitignore patterns; may be NULL */
	size_t exclude_count;
};

/*
 * List `paths` (one directory, whose contents are taken; or files, each taken
 * under its base name).  Errors name the path: a dangling link
 * (MREG_ENOTFOUND), a loop of links, something that is neither file nor
 * folder, an unreadable file (opened here, before a byte is sent), a name that
 * is not valid UTF-8 or breaks mr_path_check, two sources for one path, more
 * than MR_LAYERS_MAX files (MREG_ELIMIT), no file at all (MREG_EUSAGE, as all
 * for which no code is named).
 *
 * Left out are .git, .cache/huggingface, __pycache__, .DS_Store, .mregignore,
 * and what patterns say, the last match of the first list that has one:
 * `exclude`; then .mregignore files, the deepest first.  A folder that is left
 * out is not entered.  Files that were named are judged by `exclude` only.
 *
 * A folder reached by two links is taken under both paths.
 */
int mr_scan(struct mr_env *env, const char *const *paths, size_t path_count,
	    const struct mr_scan_opts *o, struct mr_scan **out,
	    struct mreg_error *err);
void mr_scan_free(struct mr_scan *s);
void mr_scan_freep(struct mr_scan **s); /* for MR_AUTO */

/*
 * Open a scanned file.  The stream fails with MREG_ECONFLICT "changed while
 * it was read" when the identity differs from the scan's at the start or at
 * the end.
 */
int mr_file_stream(const struct mr_file *f, struct mr_stream **out,
		   struct mreg_error *err);
int mr_file_reader(const struct mr_file *f, struct mr_reader **out,
		   struct mreg_error *err);

/* -- to disk --------------------------------------------------------------- */

/* Whether a model may hold this path: relative, no empty, "." or ".."
 * component, no backslash, no control byte, no NUL, valid UTF-8, limits of
 * base/limits.h, none of our own partial files.  MREG_EINTEGRITY naming it. */
int mr_path_check(const char *path, struct mreg_error *err);

/* As above for a whole set, which must also not hold one path twice, nor one
 * as file and folder.  `folds`: nor two that are equal after case folding. */
int mr_paths_check(const char *const *paths, size_t n, bool folds,
		   struct mreg_error *err);

/* A directory under which files are placed; nothing in it can lead outside:
 * every step is opened beneath it and never through a symbolic link
 * (openat2; a walk with O_NOFOLLOW where the kernel lacks it). */
struct mr_tree;

/* `create`: make it (and parents) when missing, and see that it can be written
 * to: MREG_EIO with a hint if not.  A file in its place is MREG_EUSAGE.  The
 * tree may be used from several threads, but for mr_tree_folds. */
int mr_tree_open(const char *dir, bool create, struct mr_tree **out,
		 struct mreg_error *err);
void mr_tree_close(struct mr_tree *t);
int mr_tree_fd(const struct mr_tree *t); /* borrowed */
const char *mr_tree_dir(const struct mr_tree *t);
/* Whether names that differ only in case are one file here: asked of a file
 * made for it, once. */
int mr_tree_folds(struct mr_tree *t, bool *folds, struct mreg_error *err);

/* Open below the tree; `flags` and `mode` as openat(2), O_CLOEXEC added.
 * A symbolic link in the way is MREG_ECONFLICT naming it; absent is
 * MREG_ENOTFOUND. */
int mr_tree_openat(struct mr_tree *t, const char *path, int flags, mode_t mode,
		   int *fd, struct mreg_error *err);
/* Folders of `path` (not its last component), 0755 less umask. */
int mr_tree_make_parents(struct mr_tree *t, const char *path,
			 struct mreg_error *err);
/* Rename the file `part` (in the tree's root) over `path`.  A directory or a
 * symbolic link in the way is MREG_ECONFLICT; a missing part MREG_ENOTFOUND.
 * Syncs nothing. */
int mr_tree_place(struct mr_tree *t, const char *part, const char *path,
		  struct mreg_error *err);
int mr_tree_unlink(struct mr_tree *t, const char *path, struct mreg_error *err);

/* -- what else lies below a tree ------------------------------------------- */

/* A file or a symbolic link that was not followed. */
struct mr_entry {
	const char *path; /* below the tree; any bytes; in the arena */
	struct mr_file_id id;
	uint64_t links; /* names it has */
	bool is_link;
};

struct mr_listing {
	struct mr_arena *arena;
	struct mr_entry *files; /* sorted bytewise by path */
	size_t count;
	const char **folders; /* sorted, so each before what is in it */
	size_t folder_count;
	uint64_t strange; /* entries that are neither, and other file systems'
			   * folders: they were not looked into */
};

/*
 * What lies below the tree, but for our own partial files and what mr_scan
 * leaves out of a folder: what would belong to a model made of it.  Symbolic
 * links are never followed.  More than a million entries are MREG_ELIMIT.
 */
int mr_tree_list(struct mr_tree *t, struct mr_env *env, struct mr_listing **out,
		 struct mreg_error *err);
void mr_listing_free(struct mr_listing *l);
void mr_listing_freep(struct mr_listing **l); /* for MR_AUTO */

/* Whether a listed file's folder lets us remove it: MREG_EIO if not. */
int mr_tree_removable(struct mr_tree *t, const struct mr_entry *e,
		      struct mreg_error *err);
/* Remove a listed file if it still is what was listed; `*gone` false: it is
 * not, and was left. */
int mr_tree_remove(struct mr_tree *t, const struct mr_entry *e, bool *gone,
		   struct mreg_error *err);
/* Remove a listed folder if nothing is in it. */
void mr_tree_prune(struct mr_tree *t, const char *folder);

/* Names of partial files: ".mreg-part-<hex>". */
#define MR_PART_PREFIX ".mreg-part-"
/* And what mr_tree_folds makes; one that nobody has flocked was left behind. */
#define MR_PROBE_PREFIX MR_PART_PREFIX "case-"

#include "pack/tar.h"
#include "pack/unpack.h"

#endif

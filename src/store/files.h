/*
 * store/files.h - what the files of the target share: places in a tree, the
 * parts their bytes arrive in, and who may touch a part when.
 *
 * States of a part, .mreg-part-<hex> in the tree's root:
 *
 *	absent -> begun (flocked, growing) -> proven (unlocked) -> renamed
 *
 * Invariants
 * 1. Whoever writes, truncates, renames or unlinks a part holds its flock,
 *    and has found after taking it that the name still means that inode.
 * 2. A part that is not flocked may be from a killed process: whatever is
 *    taken from it is hashed before anything is made of it.  Which of its
 *    bytes were written is remembered in the state (scope "part"); without
 *    that it is begun anew, unless it is whole.
 * 3. A thread that holds a part's flock waits for no other part's, but for
 *    that of a copy (.mreg-part-<hex>.<n>), which only holders of the part's
 *    own flock take: so nobody waits in a circle.
 * 4. Nothing but publishing gives a file its final name, and only by rename
 *    of a proven and synced part or a copy of one.
 */
#ifndef MR_STORE_FILES_H
#define MR_STORE_FILES_H

#include <pthread.h>
#include <stdbool.h>

#include "content/spans.h"
#include "store/internal.h"

enum mr_seen {
	MR_SEEN_NOT,   /* not looked at, or not there */
	MR_SEEN_RIGHT, /* the file `id` has the bytes of the digest */
	MR_SEEN_WRONG, /* the file `id` has others */
};

/* One place, as last seen. */
struct mr_spot {
	const struct mr_place *place; /* borrowed */
	struct mr_file_id id;
	enum mr_seen seen;
	bool remember; /* the state does not know it yet */
};

/* All places of one digest. */
struct mr_goal {
	const struct mreg_desc *desc; /* borrowed */
	struct mr_spot *spots;        /* borrowed */
	size_t count;
	bool ready;  /* the part was proven while it was `part` */
	bool synced; /* and is on the disk */
	struct mr_file_id part;
};

struct mr_target {
	struct mr_store base;
	struct mr_state *state; /* borrowed; may be NULL */
	struct mr_tree *tree;   /* borrowed */
	struct mr_files_opts o;
	struct mr_spot *spots; /* owned; sorted by digest */
	size_t spot_count;
	struct mr_goal *goals; /* owned; sorted by digest */
	size_t goal_count;
	pthread_mutex_t lock; /* of what spots and goals remember, and: */
	bool unshared_known;  /* files of the device `unshared` cannot share */
	dev_t unshared;       /* blocks with ours */
};

/* `s` must be a target. */
struct mr_target *mr_target_of(struct mr_store *s);
/* NULL when no place wants it. */
struct mr_goal *mr_target_goal(const struct mr_target *t,
			       const struct mreg_digest *digest);

/* -- files_place.c ----------------------------------------------------------
 */

/* Whether the open file has the bytes of `d`; it is read. */
int mr_target_hash(struct mr_target *t, int fd, const struct mreg_desc *d,
		   const char *name, bool *right, struct mreg_error *err);
/* Look at what is in a place.  What no file can replace is
 * MREG_ECONFLICT. */
int mr_spot_look(struct mr_target *t, struct mr_spot *p, bool *right,
		 struct mreg_error *err);
/* `*right`: all of them are. */
int mr_goal_look(struct mr_target *t, struct mr_goal *g, bool *right,
		 struct mreg_error *err);
/* 0644 or 0755 less what the umask took from `mode` (security.md H13). */
mode_t mr_spot_mode(mode_t mode, bool executable);
/* Give a file that stays where it is the right mode. */
int mr_spot_mend(struct mr_target *t, struct mr_spot *p,
		 struct mreg_error *err);

/* -- files_part.c -----------------------------------------------------------
 */

#define MR_PART_NAME 176 /* prefix, 128 hex digits, a dot and a number */
#define MR_PART_OWN SIZE_MAX

/* The name of the part, or of its copy number `copy`. */
const char *mr_part_name(const struct mr_goal *g, size_t copy,
			 char out[MR_PART_NAME]);

/* Open a part and take its flock (invariant 1).  `*fd` -1: it is not there
 * (unless `create`), or somebody else has it (unless `wait`). */
int mr_part_lock(struct mr_target *t, const struct mr_goal *g, const char *name,
		 bool create, bool wait, int *fd, struct mreg_error *err);
/* Whether a flocked part is complete and has the right bytes; the goal
 * remembers. */
int mr_part_prove(struct mr_target *t, struct mr_goal *g, int fd, bool *proven,
		  struct mreg_error *err);
/* Remember which bytes of the flocked part have been written; `spans` NULL
 * forgets. */
void mr_part_record(struct mr_target *t, const struct mr_goal *g, int fd,
		    const struct mr_spans *spans);
/* What is remembered of it; empty: nothing. */
void mr_part_recall(struct mr_target *t, const struct mr_goal *g, int fd,
		    struct mr_spans *out);
/* Get the flocked, proven part on the disk before it is renamed. */
int mr_part_sync(struct mr_target *t, struct mr_goal *g, int fd,
		 struct mreg_error *err);
/* The same for all proven ones, at once where they are many; the others are
 * left to mr_part_sync. */
int mr_part_sync_many(struct mr_target *t, struct mreg_error *err);
/* Make a copy, flocked, from a proven part. */
int mr_part_copy(struct mr_target *t, const struct mr_goal *g, int from,
		 const char *name, int *fd, struct mreg_error *err);
/* Whether a new file here could share blocks with the open one. */
bool mr_target_shares(struct mr_target *t, int from);
/* Remove the parts that nobody holds; those of our goals only if
 * `wanted_too`, others not if the target is partial. */
void mr_part_sweep(struct mr_target *t, bool wanted_too);

#endif

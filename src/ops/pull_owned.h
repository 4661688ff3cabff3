/*
 * ops/pull_owned.h - which files of the output are the version's, and which an
 * earlier pull's.
 */
#ifndef MR_OPS_PULL_OWNED_H
#define MR_OPS_PULL_OWNED_H

#include "ops/pull.h"

/* -- pull_exact.c ---------------------------------------------------------- */

/* The places that are filled as they are on disk, sorted by identity; and the
 * names of all the version's files, sorted. */
struct mr_own {
	struct mr_file_id id;
	const char *path;
};
struct mr_owns {
	struct mr_own *files; /* owned */
	size_t n;
	const char **paths; /* owned */
};
int mr_owns_find(struct pull *p, struct mr_owns *o, struct mreg_error *err);
void mr_owns_release(struct mr_owns *o); /* for MR_AUTO too */
/* Whether one of them is called so; or is this, under whatever name. */
bool mr_owns_path(const struct pull *p, const struct mr_owns *o,
		  const char *path);
bool mr_owns_have(const struct pull *p, const struct mr_owns *o,
		  const struct mr_entry *e);

/* -- pull_owned.c: without mr_owned_begin they do nothing --------------------
 */

/* Which that was, and what of it the version does not have is removed; once the
 * files are known and the output is open. */
int mr_owned_begin(struct pull *p, struct mreg_error *err);
/* Note what the plan is about to put there, before it does. */
int mr_owned_claim(struct pull *p, struct mreg_error *err);
/* All is in place. */
int mr_owned_end(struct pull *p, struct mreg_error *err);
void mr_owned_free(struct mr_owned *o);

#endif

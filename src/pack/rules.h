/*
 * pack/rules.h - what a folder's walk leaves out; private to the folder.
 */
#ifndef MR_PACK_RULES_H
#define MR_PACK_RULES_H

#include <stdbool.h>

#include "pack/ignore.h"

/* The patterns of one folder on the way from the root to where we are. */
struct mr_rules {
	const struct mr_rules *up; /* borrowed; NULL for the root */
	const char *path;          /* borrowed; from the root; "": the root */
	struct mr_ignore *own;     /* owned; NULL: no file of patterns */
};

/* What is left out whatever the user's patterns say. */
int mr_rules_defaults(struct mr_ignore **out, struct mreg_error *err);

/* The .mregignore of an open folder; `*out` NULL: it has none.  `source` is
 * the folder's name in messages. */
int mr_rules_load(int dirfd, const char *source, struct mr_ignore **out,
		  struct mreg_error *err);

/* Whether `path` (from the root), in the folder `in`, is left out: by
 * `defaults`, `exclude` (may be NULL), then the rules from `in` upwards. */
bool mr_rules_ignore(const struct mr_ignore *defaults,
		     const struct mr_ignore *exclude, const struct mr_rules *in,
		     const char *path, bool is_dir);

#endif

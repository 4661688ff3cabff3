/*
 * life/split.h - what recording a split and showing one share; private to the
 * folder.
 */
#ifndef MR_LIFE_SPLIT_H
#define MR_LIFE_SPLIT_H

#include "life/names.h"
#include "mreg/split.h"

/* An alias, its log, and what that says of its split. */
struct split {
	struct mreg *m;
	struct mr_store *s; /* owned */
	struct mreg_ref ref;
	struct mr_history h;
	struct mr_standing now;
	struct mr_alias_state state;
	struct mreg_split_result *out;
};
void mr_split_release(struct split *p); /* for MR_AUTO too */

/* split_show.c: the fold of all that was read, and what the alias has. */
int mr_split_look(struct split *p, struct mreg_error *err);
/* An event about a split as a row of a result. */
void mr_split_row(struct mr_ledger *l, const struct mr_standing *now,
		  const struct mr_split_told *told, struct mr_arena *a,
		  struct mreg_split_row *row);
/* The result, by what was looked at last. */
int mr_split_result(struct split *p, struct mreg_error *err);

#endif

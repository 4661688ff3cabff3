/*
 * find/lineage.h - what the files of a lineage share.
 */
#ifndef MR_FIND_LINEAGE_H
#define MR_FIND_LINEAGE_H

#include "index/index.h"
#include "mreg/lineage.h"
#include "repo/repo.h"

/* What was found on the way, before it is a result. */
struct mr_found {
	int64_t node;
	int depth; /* above 0: up, below: down */
};

struct mr_lineage {
	struct mreg *m;
	struct mr_index *ix;
	const struct mreg_lineage_opts *o;
	struct mr_arena *arena; /* of the result */
	struct mreg_lineage_result *out;
	int64_t root;
	uint32_t relations;     /* as struct mr_walk has them, never 0 */
	struct mr_found *found; /* owned; nearest first */
	size_t found_count, found_cap;
	struct mr_walk_result between; /* edges and groups of what was found */
	/* With opts.impact. */
	struct mr_in_use *uses; /* in the arena */
	size_t use_count;
	enum mr_relation *vias; /* in the arena; of each use; 0: the root */
};

/* -- lineage_root.c: the node that a user's words name; MREG_ENOTFOUND ------
 */

int mr_lineage_root(struct mr_lineage *l, const char *ref,
		    struct mreg_error *err);

/* -- lineage_impact.c: all that is in use below, and which way it came there -
 */

int mr_lineage_impact(struct mr_lineage *l, const struct mr_walk_result *down,
		      struct mreg_error *err);

/* -- lineage_result.c: what was found, told ------------------------------- */

/* A model's name as its user may write it; in the arena. */
const char *mr_lineage_name(struct mr_lineage *l, const char *model);
int mr_lineage_result(struct mr_lineage *l, struct mreg_error *err);

#endif

/*
 * find/search.h - what the files of a search share.
 */
#ifndef MR_FIND_SEARCH_H
#define MR_FIND_SEARCH_H

#include "index/index.h"
#include "mreg/search.h"
#include "query/query.h"
#include "repo/repo.h"

struct mr_searching {
	struct mreg *m;
	struct mr_index *ix;
	const struct mreg_search_opts *o;
	struct mreg_search_result *out;
	struct mr_arena *arena;       /* of the result */
	struct mr_query *query;       /* owned */
	char prefix[MREG_REF_TEXT];   /* of names */
	const struct mr_order *shown; /* columns, in the arena */
};

/* -- search_sets.c: what the filter's references mean; in the arena.
 * MREG_ENOTFOUND, and `out->wrong_at`, where one means nothing. */
int mr_search_sets(struct mr_searching *s, struct mr_search_set **out,
		   size_t *n, struct mreg_error *err);

/* -- search_columns.c */

/* Those that were asked for, or that the filter speaks of. */
int mr_search_columns(struct mr_searching *s, struct mreg_error *err);
/* NULL: no memory, which the arena remembers. */
const char *const *mr_search_cells(struct mr_searching *s,
				   const struct mreg_search_row *row);
const char *const *mr_search_model_cells(struct mr_searching *s,
					 const struct mreg_search_model *row);

#endif

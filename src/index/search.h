/*
 * index/search.h - a query (query/query.h) run on an index; a part of the door
 * index/index.h, which includes it.
 */
#ifndef MR_INDEX_SEARCH_H
#define MR_INDEX_SEARCH_H

#include "index/read.h"
#include "query/query.h"

/* Nodes that a predicate's argument means: the caller resolved it. */
struct mr_search_set {
	const struct mr_term *term; /* of the query */
	const int64_t *nodes;       /* where to begin; none: matches nothing */
	size_t count;
};

struct mr_search {
	const struct mr_query *query; /* borrowed */
	/* Names are shown and compared without this where they begin with it
	 * and a "/" behind it; NULL: whole. */
	const char *prefix;
	const struct mr_search_set *sets;
	size_t set_count;
	size_t limit;      /* rows of a page; 1 to 50000 */
	const char *token; /* of the page before; NULL: the first */
	bool count;        /* also how many match at all */
};
struct mr_search_result {
	struct mr_arena *arena; /* owned */
	int64_t *ids;           /* versions (mr_index_rows), or models */
	size_t n;
	const char *token; /* of the next page; NULL: this was the last */
	uint64_t total;    /* with `count` */
};
void mr_search_release(struct mr_search_result *r); /* for MR_AUTO too */

/*
 * What is not told compares with nothing, and NOT selects what its term does
 * not (spec/query.md).  A thing is not its own ancestor; only of
 * has_ancestor_license one in a cycle is.
 *
 * Ordered by the query's order (what is not told last; parameters as numbers,
 * behind those the others as texts; of several values the first), then updated
 * (last first), name, number (highest first); for models: name.  MREG_EUSAGE
 * for a token that is not of this query.
 */
int mr_index_search(struct mr_index *ix, const struct mr_search *s,
		    struct mr_search_result *out, struct mreg_error *err);
/* Rows of models by id, in the order of `ids`. */
int mr_index_model_rows(struct mr_index *ix, const int64_t *ids, size_t n,
			struct mr_arena *arena, struct mr_ix_model_row **out,
			struct mreg_error *err);

#endif

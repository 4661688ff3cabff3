/*
 * index/graph_sets.h - sets of nodes, and what is found between them, while a
 * graph is walked.  Private to index.
 */
#ifndef MR_INDEX_GRAPH_SETS_H
#define MR_INDEX_GRAPH_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/graph.h"
#include "mreg/error.h"

/* Ids in a row, the caller's (release). */
struct mr_ids {
	int64_t *items; /* owned */
	size_t n, cap;
};
int mr_ids_add(struct mr_ids *s, int64_t id, struct mreg_error *err);
int mr_ids_add_all(struct mr_ids *s, const int64_t *ids, size_t n,
		   struct mreg_error *err);
/* Ascending, each once. */
void mr_ids_sort(struct mr_ids *s);
/* Of sorted ones. */
bool mr_ids_has(const struct mr_ids *s, int64_t id);
void mr_ids_release(struct mr_ids *s); /* for MR_AUTO too */

/*
 * Ids that were met: bits for those below a bound, a table of the others.
 * Zeroed to begin, without a bound.
 */
struct mr_met {
	uint64_t *bits; /* owned; of ids below `bound` */
	uint64_t bound;
	int64_t *table; /* owned; open addressing, 0 is free */
	size_t used, slots;
};
int mr_met_init(struct mr_met *m, uint64_t bound, struct mreg_error *err);
void mr_met_release(struct mr_met *m); /* for MR_AUTO too */
/* 1: new; 0: it was there.  Ids are above 0. */
int mr_met_add(struct mr_met *m, int64_t id, struct mreg_error *err);
bool mr_met_has(const struct mr_met *m, int64_t id);

/* What is between nodes, as it is found: in any order, several times. */
struct mr_links {
	struct mr_walked_edge *edges; /* owned */
	size_t edge_count, edge_cap;
	struct mr_walked_alike *alike; /* owned; equal numbers: one group */
	size_t alike_count, alike_cap;
};
int mr_links_edge(struct mr_links *l, const struct mr_walked_edge *e,
		  struct mreg_error *err);
int mr_links_alike(struct mr_links *l, const struct mr_walked_alike *a,
		   struct mreg_error *err);
void mr_links_release(struct mr_links *l); /* for MR_AUTO too */
/* Into the form that struct mr_walk_result promises; `l` is empty then. */
int mr_links_take(struct mr_links *l, struct mr_walk_result *out,
		  struct mreg_error *err);

#endif

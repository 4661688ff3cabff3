/*
 * index/graph_inside.h - what the files of the lineage graph share.  Private
 * to index; whoever calls holds the index's lock.
 */
#ifndef MR_INDEX_GRAPH_INSIDE_H
#define MR_INDEX_GRAPH_INSIDE_H

#include "index/graph_file.h"
#include "index/internal.h"

/* -- graph_walk.c ---------------------------------------------------------- */

/* Of an index that was just opened, or is being closed. */
int mr_graph_open(struct mr_index *ix, const char *where,
		  struct mreg_error *err);
void mr_graph_close(struct mr_index *ix);
/* mr_index_walk for who holds the lock, in a transaction or not. */
int mr_ix_walk(struct mr_index *ix, const struct mr_walk *w, bool edges,
	       struct mr_walk_result *out, struct mreg_error *err);

/* -- graph_sql.c: the same answers as those of graph_file.h ---------------- */

int mr_graph_sql_expand(struct mr_index *ix, const int64_t *ids, size_t n,
			bool down, uint32_t relations, struct mr_ids *out,
			struct mreg_error *err);
int mr_graph_sql_between(struct mr_index *ix, const struct mr_ids *nodes,
			 uint32_t relations, struct mr_links *out,
			 struct mreg_error *err);

/* -- graph_build.c --------------------------------------------------------- */

/* The generation that the database has and its file has to have; "" when there
 * is no file that could be believed. */
int mr_graph_generation(struct mr_index *ix, char out[MR_GRAPH_GENERATION],
			struct mreg_error *err);

#endif

/*
 * index/graph_file.h - adjacency in a file beside the database: written whole,
 * mapped to be read, believed block by block.  Private to index.
 *
 * A header, a checksum of every block behind it, then rows of 32-bit numbers:
 * for nodes 0 to N-1 where the edges up begin, the edges up; the same down;
 * for groups (filesets first, then weights) where their members begin, the
 * members; and for all members, sorted, which group they are in.  An edge is
 * the node at its other end, shifted, with the relation below.
 *
 * Invariants
 * 1. Nothing is read before the checksum of its block was found right, and no
 *    number that was read is used before it was found in range: a file that is
 *    damaged or made up gives wrong answers at worst where somebody wrote it
 *    on purpose, and never reads beyond itself.
 * 2. It answers for one generation of one database: its header has the text
 *    that the database has, and every change of the graph makes a new one.
 */
#ifndef MR_INDEX_GRAPH_FILE_H
#define MR_INDEX_GRAPH_FILE_H

#include "index/graph_sets.h"

#define MR_GRAPH_RELATION_BITS 5
/* More do not fit beside a relation. */
#define MR_GRAPH_NODES_MAX (UINT64_C(1) << (32 - MR_GRAPH_RELATION_BITS))
/* Of a generation's text, with NUL. */
#define MR_GRAPH_GENERATION 48

/* What is written. */
struct mr_graph_image {
	const char *generation;
	uint64_t nodes; /* ids are below */
	/* Sorted by child, parent, relation; each once. */
	const struct mr_graph_pair {
		uint32_t child, to; /* parent and relation */
	} * edges;
	uint64_t edge_count;
	/* Sorted by group, node; groups of two and more, from 0. */
	const struct mr_graph_member {
		uint32_t group, node;
	} * members;
	uint64_t member_count;
	uint64_t groups;
	uint64_t filesets; /* the first of them; the others are weights */
};
int mr_graph_file_save(const char *path, const struct mr_graph_image *image,
		       struct mreg_error *err);

struct mr_graph_file;
/* NULL: it is not there, not of this generation, or not to be believed. */
struct mr_graph_file *mr_graph_file_open(const char *path,
					 const char *generation);
void mr_graph_file_close(struct mr_graph_file *f); /* NULL does nothing */
const char *mr_graph_file_generation(const struct mr_graph_file *f);
uint64_t mr_graph_file_nodes(const struct mr_graph_file *f);

/*
 * What is one step from these nodes, added to `out` in any order, several
 * times; nodes that it does not know have nothing.  MREG_EFORMAT: the file is
 * not to be believed after all.
 */
int mr_graph_file_expand(struct mr_graph_file *f, const int64_t *ids, size_t n,
			 bool down, uint32_t relations, struct mr_ids *out,
			 struct mreg_error *err);
/* What is between these nodes, sorted ones. */
int mr_graph_file_between(struct mr_graph_file *f, const struct mr_ids *nodes,
			  uint32_t relations, struct mr_links *out,
			  struct mreg_error *err);

#endif

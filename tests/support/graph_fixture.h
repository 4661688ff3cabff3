/*
 * tests/support/graph_fixture.h - small lineage graphs in an index, and what a
 * plain search over them finds.
 */
#ifndef TESTS_SUPPORT_GRAPH_FIXTURE_H
#define TESTS_SUPPORT_GRAPH_FIXTURE_H

#include "index/graph_inside.h"
#include "tests/support/db_fixture.h"

#define GRAPH_NODES 60 /* so that a set of them is bits of a number */
#define GRAPH_EDGES 160
#define GRAPH_WEIGHTS 3

struct graph {
	struct mr_walked_edge edges[GRAPH_EDGES];
	size_t edge_count;
	unsigned int files[GRAPH_NODES + 1]; /* 0: no version */
	unsigned int weights[GRAPH_NODES + 1][GRAPH_WEIGHTS]; /* 0: none */
};

/* A number below `below`, another one each time. */
uint32_t graph_next(uint32_t *seed, uint32_t below);
/* Edges between few nodes, so that there are circles, loops and several of one
 * pair; or mostly to lower ones; or to one that many have. */
void graph_make(struct graph *g, uint32_t seed);

struct mr_index *graph_open(struct test_db *t);
/* In the place of what the index has. */
void graph_store(struct mr_index *ix, const struct graph *g);
void graph_put_edge(struct mr_index *ix, int64_t child, int64_t parent,
		    int64_t relation, int64_t model);
/* A version of the files `files`; its id is its node's, and a thousand. */
void graph_put_version(struct mr_index *ix, int64_t node, unsigned int files);
void graph_write(struct mr_index *ix); /* the file of adjacency */

/* So many walks, made up from `seed`, find what a plain search finds. */
void graph_check(struct mr_index *ix, const struct graph *g, uint32_t seed,
		 int walks);

#endif

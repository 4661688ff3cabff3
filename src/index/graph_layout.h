/*
 * index/graph_layout.h - where things are in the file of adjacency, for its
 * reader and its writer alone (graph_file.h tells what they are).
 */
#ifndef MR_INDEX_GRAPH_LAYOUT_H
#define MR_INDEX_GRAPH_LAYOUT_H

#include "index/graph_file.h"

#define MR_GRAPH_MAGIC "mregLINE"
#define MR_GRAPH_VERSION 1
#define MR_GRAPH_ORDER UINT32_C(0x01020304) /* reads otherwise elsewhere */
/* Room for what a later version may add. */
#define MR_GRAPH_HEAD_BYTES 256
/* What is proven at once: a page, which is what reading it costs anyway. */
#define MR_GRAPH_BLOCK_BYTES 4096

struct mr_graph_head {
	char magic[8];
	uint32_t version, order;
	char generation[MR_GRAPH_GENERATION];
	uint64_t nodes, edges, groups, filesets, members;
	uint64_t sum; /* of what is before it */
};

/* Where the rows begin, in numbers of 32 bits from the body's start. */
struct mr_graph_rows {
	uint64_t up_from, up, down_from, down; /* nodes + 1, edges, twice */
	uint64_t group_from, group;            /* groups + 1, members */
	uint64_t member_node, member_group;    /* members, twice */
	uint64_t end;
};

/* False: no file has so many of something. */
bool mr_graph_rows(const struct mr_graph_head *h, struct mr_graph_rows *out);
/* Of a body of so many bytes; and where that begins in the file. */
size_t mr_graph_blocks(uint64_t body);
size_t mr_graph_body(size_t blocks);
/* Against damage, not against malice. */
uint64_t mr_graph_sum(const void *bytes, size_t n);

#endif

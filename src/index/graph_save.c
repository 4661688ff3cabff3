/*
 * graph_save.c - writing the file of adjacency.
 */
#include "index/graph_layout.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

/* -- layout ---------------------------------------------------------------- */

bool mr_graph_rows(const struct mr_graph_head *h, struct mr_graph_rows *out)
{
	/* All are told in 32 bits, so their sums have room in 64. */
	if (h->nodes > MR_GRAPH_NODES_MAX || h->edges > UINT32_MAX ||
	    h->groups > UINT32_MAX || h->members > UINT32_MAX ||
	    h->filesets > h->groups)
		return false;
	out->up_from = 0;
	out->up = out->up_from + h->nodes + 1;
	out->down_from = out->up + h->edges;
	out->down = out->down_from + h->nodes + 1;
	out->group_from = out->down + h->edges;
	out->group = out->group_from + h->groups + 1;
	out->member_node = out->group + h->members;
	out->member_group = out->member_node + h->members;
	out->end = out->member_group + h->members;
	return true;
}

size_t mr_graph_blocks(uint64_t body)
{
	return (size_t)((body + MR_GRAPH_BLOCK_BYTES - 1) /
			MR_GRAPH_BLOCK_BYTES);
}

size_t mr_graph_body(size_t blocks)
{
	return MR_GRAPH_HEAD_BYTES + blocks * sizeof(uint64_t);
}

/* FNV-1a over words of 64 bits, with a shift that lets high bits come down;
 * four sums side by side, because each step waits for its multiplication. */
#define LANES 4

static uint64_t mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x100000001b3);
	return sum ^ sum >> 29;
}

uint64_t mr_graph_sum(const void *bytes, size_t n)
{
	uint64_t sum[LANES] = { n, 1, 2, 3 };
	uint64_t words[LANES];
	size_t i, lane;

	for (i = 0; i < n; i += sizeof(words)) {
		size_t left = n - i;

		if (left < sizeof(words))
			memset(words, 0, sizeof(words));
		memcpy(words, (const uint8_t *)bytes + i,
		       left < sizeof(words) ? left : sizeof(words));
		for (lane = 0; lane < LANES; lane++)
			sum[lane] = mix(sum[lane], words[lane]);
	}
	for (lane = 1; lane < LANES; lane++)
		sum[0] = mix(sum[0], sum[lane]);
	return sum[0];
}

/* -- writing --------------------------------------------------------------- */

static uint32_t node_of(uint32_t to)
{
	return to >> MR_GRAPH_RELATION_BITS;
}

/* Where the pieces begin, from how many there are of each: sizes become
 * offsets; `from` has one more than `n`. */
static void begin_at(uint32_t *from, uint64_t n)
{
	uint32_t sum = 0;
	uint64_t i;

	for (i = 0; i <= n; i++) {
		uint32_t size = from[i];

		from[i] = sum;
		sum += size;
	}
}

static void put_up(const struct mr_graph_image *g, uint32_t *from, uint32_t *up)
{
	uint64_t i;

	for (i = 0; i < g->edge_count; i++) {
		from[g->edges[i].child]++;
		up[i] = g->edges[i].to;
	}
	begin_at(from, g->nodes);
}

/* Edges come by child, so those of each parent are sorted by child, too. */
static int put_down(const struct mr_graph_image *g, uint32_t *from,
		    uint32_t *down, struct mreg_error *err)
{
	MR_AUTO(mr_free) uint32_t *next = NULL;
	uint64_t i;

	for (i = 0; i < g->edge_count; i++)
		from[node_of(g->edges[i].to)]++;
	begin_at(from, g->nodes);
	next = mr_array((size_t)g->nodes + 1, sizeof(*next));
	if (!next)
		return mr_fail_nomem(err);
	memcpy(next, from, ((size_t)g->nodes + 1) * sizeof(*next));
	for (i = 0; i < g->edge_count; i++) {
		uint32_t relation = g->edges[i].to & (MR_REL_COUNT - 1);

		down[next[node_of(g->edges[i].to)]++] =
			g->edges[i].child << MR_GRAPH_RELATION_BITS | relation;
	}
	return 0;
}

static int by_node(const void *a, const void *b)
{
	const struct mr_graph_member *x = a;
	const struct mr_graph_member *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return (x->group > y->group) - (x->group < y->group);
}

static int put_groups(const struct mr_graph_image *g,
		      const struct mr_graph_rows *rows, uint32_t *body,
		      struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_graph_member *sorted = NULL;
	uint64_t i;

	for (i = 0; i < g->member_count; i++) {
		body[rows->group_from + g->members[i].group]++;
		body[rows->group + i] = g->members[i].node;
	}
	begin_at(body + rows->group_from, g->groups);
	if (!g->member_count)
		return 0;
	sorted = mr_array((size_t)g->member_count, sizeof(*sorted));
	if (!sorted)
		return mr_fail_nomem(err);
	memcpy(sorted, g->members, (size_t)g->member_count * sizeof(*sorted));
	qsort(sorted, (size_t)g->member_count, sizeof(*sorted), by_node);
	for (i = 0; i < g->member_count; i++) {
		body[rows->member_node + i] = sorted[i].node;
		body[rows->member_group + i] = sorted[i].group;
	}
	return 0;
}

int mr_graph_file_save(const char *path, const struct mr_graph_image *g,
		       struct mreg_error *err)
{
	struct mr_graph_head head = { .version = MR_GRAPH_VERSION,
				      .order = MR_GRAPH_ORDER,
				      .nodes = g->nodes,
				      .edges = g->edge_count,
				      .groups = g->groups,
				      .filesets = g->filesets,
				      .members = g->member_count };
	MR_AUTO(mr_free) uint8_t *file = NULL;
	struct mr_graph_rows rows;
	uint32_t *body;
	size_t blocks, size, i;
	int rc;

	memcpy(head.magic, MR_GRAPH_MAGIC, sizeof(head.magic));
	if (!mr_graph_rows(&head, &rows) ||
	    strlen(g->generation) >= sizeof(head.generation))
		return mr_fail(err, MREG_ELIMIT,
			       "the lineage graph is too large for its file");
	memcpy(head.generation, g->generation, strlen(g->generation));
	head.sum = mr_graph_sum(&head, offsetof(struct mr_graph_head, sum));
	size = (size_t)rows.end * sizeof(*body);
	blocks = mr_graph_blocks(size);
	file = mr_array(mr_graph_body(blocks) + size, 1);
	if (!file)
		return mr_fail_nomem(err);
	body = (uint32_t *)(void *)(file + mr_graph_body(blocks));
	put_up(g, body + rows.up_from, body + rows.up);
	rc = put_down(g, body + rows.down_from, body + rows.down, err);
	if (rc >= 0)
		rc = put_groups(g, &rows, body, err);
	if (rc < 0)
		return rc;
	memcpy(file, &head, sizeof(head));
	for (i = 0; i < blocks; i++) {
		size_t at = i * MR_GRAPH_BLOCK_BYTES;
		size_t n = size - at < MR_GRAPH_BLOCK_BYTES
				   ? size - at
				   : MR_GRAPH_BLOCK_BYTES;
		uint64_t sum = mr_graph_sum((uint8_t *)body + at, n);

		memcpy(file + MR_GRAPH_HEAD_BYTES + i * sizeof(sum), &sum,
		       sizeof(sum));
	}
	return mr_file_save(AT_FDCWD, path, file, mr_graph_body(blocks) + size,
			    0600, err);
}

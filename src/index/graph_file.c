/*
 * graph_file.c - reading the file of adjacency; graph_file.h has its
 * invariants.
 */
#include "index/graph_layout.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

#define MANY 512

struct mr_graph_file {
	const uint8_t *map;
	size_t size;
	struct mr_graph_head head;
	struct mr_graph_rows rows;
	const uint64_t *sums;
	const uint8_t *body;
	size_t blocks;
	uint64_t *sound; /* owned; bits of blocks whose checksum is right */
};

void mr_graph_file_close(struct mr_graph_file *f)
{
	if (!f)
		return;
	if (f->map)
		(void)munmap((void *)f->map, f->size); /* was mapped so */
	mr_release(f->sound);
	mr_release(f);
}

const char *mr_graph_file_generation(const struct mr_graph_file *f)
{
	return f->head.generation;
}

uint64_t mr_graph_file_nodes(const struct mr_graph_file *f)
{
	return f->head.nodes;
}

/* Whether header and size are those of a file that mreg wrote whole. */
static bool check_head(struct mr_graph_file *f, const char *generation)
{
	uint64_t body;

	if (f->size < MR_GRAPH_HEAD_BYTES)
		return false;
	memcpy(&f->head, f->map, sizeof(f->head));
	if (memcmp(f->head.magic, MR_GRAPH_MAGIC, sizeof(f->head.magic)) != 0 ||
	    f->head.version != MR_GRAPH_VERSION ||
	    f->head.order != MR_GRAPH_ORDER ||
	    f->head.sum != mr_graph_sum(&f->head,
					offsetof(struct mr_graph_head, sum)) ||
	    !memchr(f->head.generation, 0, sizeof(f->head.generation)) ||
	    strcmp(f->head.generation, generation) != 0)
		return false;
	if (!mr_graph_rows(&f->head, &f->rows))
		return false;
	body = f->rows.end * sizeof(uint32_t);
	f->blocks = mr_graph_blocks(body);
	return f->size == mr_graph_body(f->blocks) + body;
}

struct mr_graph_file *mr_graph_file_open(const char *path,
					 const char *generation)
{
	MR_AUTO(mr_fd_close)
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct mr_graph_file *f;
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size < MR_GRAPH_HEAD_BYTES)
		return NULL;
	f = mr_zalloc(sizeof(*f));
	if (!f)
		return NULL;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED) {
		f->map = map;
		f->size = (size_t)st.st_size;
	}
	if (!f->map || !check_head(f, generation))
		goto undo_file;
	f->sound = mr_array(f->blocks / 64 + 1, sizeof(*f->sound));
	if (!f->sound)
		goto undo_file;
	/* Both begin at multiples of 8, and a map at a page. */
	f->sums =
		(const uint64_t *)(const void *)(f->map + MR_GRAPH_HEAD_BYTES);
	f->body = f->map + mr_graph_body(f->blocks);
	return f;
undo_file:
	mr_graph_file_close(f);
	return NULL;
}

/* -- believing ------------------------------------------------------------- */

static int disbelieve(struct mreg_error *err)
{
	return mr_fail(err, MREG_EFORMAT,
		       "the lineage graph's file is damaged");
}

static bool check_block(struct mr_graph_file *f, size_t block)
{
	size_t at = block * MR_GRAPH_BLOCK_BYTES;
	size_t n = (size_t)f->rows.end * sizeof(uint32_t) - at;

	if (n > MR_GRAPH_BLOCK_BYTES)
		n = MR_GRAPH_BLOCK_BYTES;
	if (mr_graph_sum(f->body + at, n) != f->sums[block])
		return false;
	f->sound[block / 64] |= UINT64_C(1) << (block % 64);
	return true;
}

/* `n` numbers from `at` on; NULL: they are not to be believed.  The caller saw
 * that they are in the file. */
static const uint32_t *numbers(struct mr_graph_file *f, uint64_t at, uint64_t n)
{
	size_t from = (size_t)(at * sizeof(uint32_t) / MR_GRAPH_BLOCK_BYTES);
	size_t to = (size_t)(((at + (n ? n - 1 : 0)) * sizeof(uint32_t)) /
			     MR_GRAPH_BLOCK_BYTES);
	size_t i;

	for (i = from; n && i <= to; i++)
		if (!(f->sound[i / 64] >> (i % 64) & 1) && !check_block(f, i))
			return NULL;
	return (const uint32_t *)(const void *)f->body + at;
}

/* The piece of the row `row` (of `count` numbers) that belongs to `i`, by the
 * numbers at `offsets`. */
static const uint32_t *piece(struct mr_graph_file *f, uint64_t offsets,
			     uint64_t i, uint64_t row, uint64_t count,
			     size_t *n)
{
	const uint32_t *at = numbers(f, offsets + i, 2);

	if (!at || at[0] > at[1] || at[1] > count)
		return NULL;
	*n = at[1] - at[0];
	return numbers(f, row + at[0], *n);
}

static const uint32_t *edges_of(struct mr_graph_file *f, int64_t id, bool down,
				size_t *n)
{
	return piece(f, down ? f->rows.down_from : f->rows.up_from,
		     (uint64_t)id, down ? f->rows.down : f->rows.up,
		     f->head.edges, n);
}

/* Where the memberships of `node` begin among those of all, sorted. */
static int first_of(struct mr_graph_file *f, uint32_t node, uint64_t *out)
{
	uint64_t low = 0;
	uint64_t high = f->head.members;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;
		const uint32_t *at = numbers(f, f->rows.member_node + mid, 1);

		if (!at)
			return MREG_EFORMAT;
		if (*at < node)
			low = mid + 1;
		else
			high = mid;
	}
	*out = low;
	return 0;
}

/* Group of membership `i` if it is one of `node`: 1; 0: it is not. */
static int membership(struct mr_graph_file *f, uint32_t node, uint64_t i,
		      uint32_t *group)
{
	const uint32_t *of, *is;

	if (i >= f->head.members)
		return 0;
	is = numbers(f, f->rows.member_node + i, 1);
	of = numbers(f, f->rows.member_group + i, 1);
	if (!is || !of || *of >= f->head.groups)
		return MREG_EFORMAT;
	*group = *of;
	return *is == node;
}

static enum mr_relation relation_of(const struct mr_graph_file *f,
				    uint32_t group)
{
	return group < f->head.filesets ? MR_REL_SAME_FILES
					: MR_REL_SHARED_WEIGHTS;
}

/* -- walking --------------------------------------------------------------- */

static int expand_edges(struct mr_graph_file *f, int64_t id, bool down,
			uint32_t relations, struct mr_ids *out,
			struct mreg_error *err)
{
	size_t n, i;
	const uint32_t *to = edges_of(f, id, down, &n);
	int rc = 0;

	if (!to)
		return disbelieve(err);
	for (i = 0; rc >= 0 && i < n; i++) {
		uint32_t node = to[i] >> MR_GRAPH_RELATION_BITS;

		if (node >= f->head.nodes)
			return disbelieve(err);
		if (relations >> (to[i] & (MR_REL_COUNT - 1)) & 1)
			rc = mr_ids_add(out, node, err);
	}
	return rc;
}

static int expand_group(struct mr_graph_file *f, uint32_t group,
			struct mr_met *done, struct mr_ids *out,
			struct mreg_error *err)
{
	const uint32_t *nodes;
	size_t n, i;
	int rc = mr_met_add(done, (int64_t)group + 1, err);

	if (rc <= 0)
		return rc;
	nodes = piece(f, f->rows.group_from, group, f->rows.group,
		      f->head.members, &n);
	if (!nodes)
		return disbelieve(err);
	for (i = 0; rc >= 0 && i < n; i++)
		rc = nodes[i] < f->head.nodes ? mr_ids_add(out, nodes[i], err)
					      : disbelieve(err);
	return rc;
}

static int expand_groups(struct mr_graph_file *f, int64_t id,
			 uint32_t relations, struct mr_met *done,
			 struct mr_ids *out, struct mreg_error *err)
{
	uint64_t i;
	uint32_t group = 0;
	int rc;

	if (first_of(f, (uint32_t)id, &i) < 0)
		return disbelieve(err);
	for (;; i++) {
		rc = membership(f, (uint32_t)id, i, &group);
		if (rc <= 0)
			return rc < 0 ? disbelieve(err) : 0;
		if (!(relations >> relation_of(f, group) & 1))
			continue;
		rc = expand_group(f, group, done, out, err);
		if (rc < 0)
			return rc;
	}
}

static bool compares(uint32_t relations)
{
	return relations >> MR_REL_SAME_FILES & 1 ||
	       relations >> MR_REL_SHARED_WEIGHTS & 1;
}

static bool knows(const struct mr_graph_file *f, int64_t id)
{
	return id >= 0 && (uint64_t)id < f->head.nodes;
}

int mr_graph_file_expand(struct mr_graph_file *f, const int64_t *ids, size_t n,
			 bool down, uint32_t relations, struct mr_ids *out,
			 struct mreg_error *err)
{
	/* The groups of a row of nodes are mostly the same ones. */
	MR_AUTO(mr_met_release) struct mr_met done = { .bound = 0 };
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i++) {
		if (!knows(f, ids[i]))
			continue;
		rc = expand_edges(f, ids[i], down, relations, out, err);
		if (rc >= 0 && compares(relations))
			rc = expand_groups(f, ids[i], relations, &done, out,
					   err);
	}
	return rc < 0 ? rc : 0;
}

static int between_edges(struct mr_graph_file *f, const struct mr_met *nodes,
			 int64_t child, uint32_t relations,
			 struct mr_links *out, struct mreg_error *err)
{
	size_t n, i;
	const uint32_t *to = edges_of(f, child, false, &n);
	int rc = 0;

	if (!to)
		return disbelieve(err);
	for (i = 0; rc >= 0 && i < n; i++) {
		struct mr_walked_edge e = {
			.child = child,
			.parent = to[i] >> MR_GRAPH_RELATION_BITS,
			.relation = to[i] & (MR_REL_COUNT - 1),
		};

		if (relations >> e.relation & 1 && mr_met_has(nodes, e.parent))
			rc = mr_links_edge(out, &e, err);
	}
	return rc;
}

static int between_groups(struct mr_graph_file *f, int64_t node,
			  uint32_t relations, struct mr_links *out,
			  struct mreg_error *err)
{
	struct mr_walked_alike a = { .node = node };
	uint64_t i;
	uint32_t group = 0;
	int rc;

	if (first_of(f, (uint32_t)node, &i) < 0)
		return disbelieve(err);
	for (;; i++) {
		rc = membership(f, (uint32_t)node, i, &group);
		if (rc <= 0)
			return rc < 0 ? disbelieve(err) : 0;
		a.relation = relation_of(f, group);
		a.group = group;
		if (relations >> a.relation & 1)
			rc = mr_links_alike(out, &a, err);
		if (rc < 0)
			return rc;
	}
}

int mr_graph_file_between(struct mr_graph_file *f, const struct mr_ids *nodes,
			  uint32_t relations, struct mr_links *out,
			  struct mreg_error *err)
{
	MR_AUTO(mr_met_release) struct mr_met in = { .bound = 0 };
	size_t i;
	/* Bits of all nodes are worth it where there are many. */
	int rc = mr_met_init(&in, nodes->n < MANY ? 0 : f->head.nodes, err);

	for (i = 0; rc >= 0 && i < nodes->n; i++)
		rc = nodes->items[i] > 0 ? mr_met_add(&in, nodes->items[i], err)
					 : 0;
	for (i = 0; rc >= 0 && i < nodes->n; i++) {
		if (!knows(f, nodes->items[i]))
			continue;
		rc = between_edges(f, &in, nodes->items[i], relations, out,
				   err);
		if (rc >= 0 && compares(relations))
			rc = between_groups(f, nodes->items[i], relations, out,
					    err);
	}
	return rc < 0 ? rc : 0;
}

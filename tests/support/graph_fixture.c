/*
 * graph_fixture.c - small lineage graphs, and the plain search.
 */
#include "tests/support/graph_fixture.h"

#include <string.h>

#include "base/mem.h"

uint32_t graph_next(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

/* -- rows ------------------------------------------------------------------ */

static void put(struct mr_index *ix, const char *sql, const int64_t *values,
		int n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s;
	int i;

	assert_ok(mr_db_stmt(ix->db, sql, &s, &err), err);
	for (i = 0; i < n; i++)
		mr_bind_int(s, i + 1, values[i]);
	assert_ok(mr_stmt_run(s, &err), err);
}

void graph_put_edge(struct mr_index *ix, int64_t child, int64_t parent,
		    int64_t relation, int64_t model)
{
	put(ix,
	    "INSERT INTO ix_edges (child, parent, relation, model) VALUES "
	    "($1, $2, $3, $4) ON CONFLICT DO NOTHING",
	    (const int64_t[]){ child, parent, relation, model }, 4);
}

/* Bytes that only this number has. */
static void bind_number(struct mr_stmt *s, int at, size_t n, unsigned int id)
{
	uint8_t bytes[32] = { 0 };

	memcpy(bytes + n - sizeof(id), &id, sizeof(id));
	mr_bind_blob(s, at, bytes, n);
}

void graph_put_version(struct mr_index *ix, int64_t node, unsigned int files)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s;

	assert_ok(mr_db_stmt(ix->db,
			     "INSERT INTO ix_versions (id, model, number, "
			     "node, flags, size, bytes, files, created_s, "
			     "registered_s, updated_s, archived_s, "
			     "deprecated_s, fileset) VALUES ($1, 1, "
			     "$1, $2, 0, 0, 0, 0, 0, 0, 0, 0, 0, $3)",
			     &s, &err),
		  err);
	mr_bind_int(s, 1, node + 1000);
	mr_bind_int(s, 2, node);
	bind_number(s, 3, 32, files);
	assert_ok(mr_stmt_run(s, &err), err);
}

static void put_weights(struct mr_index *ix, const struct graph *p,
			int64_t node)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s;
	size_t i;

	for (i = 0; i < GRAPH_WEIGHTS; i++) {
		if (!p->weights[node][i])
			continue;
		assert_ok(mr_db_stmt(ix->db,
				     "INSERT INTO ix_weights (version, blob) "
				     "VALUES ($1, $2) ON CONFLICT DO NOTHING",
				     &s, &err),
			  err);
		mr_bind_int(s, 1, node + 1000);
		bind_number(s, 2, MR_IX_WEIGHT_BYTES, p->weights[node][i]);
		assert_ok(mr_stmt_run(s, &err), err);
	}
}

void graph_store(struct mr_index *ix, const struct graph *p)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int64_t node;
	size_t i;

	assert_ok(mr_db_begin(ix->db, true, &err), err);
	assert_ok(mr_db_exec(ix->db,
			     "DELETE FROM ix_edges; DELETE FROM ix_weights; "
			     "DELETE FROM ix_versions",
			     &err),
		  err);
	for (i = 0; i < p->edge_count; i++)
		graph_put_edge(ix, p->edges[i].child, p->edges[i].parent,
			       p->edges[i].relation, (int64_t)(i % 3) + 1);
	for (node = 1; node <= GRAPH_NODES; node++)
		if (p->files[node]) {
			graph_put_version(ix, node, p->files[node]);
			put_weights(ix, p, node);
		}
	assert_ok(mr_db_exec(ix->db,
			     "UPDATE cache_facts SET value = "
			     "CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE "
			     "key = 'graph'",
			     &err),
		  err);
	assert_ok(mr_db_commit(ix->db, &err), err);
}

void graph_make(struct graph *p, uint32_t seed)
{
	uint32_t shape = graph_next(&seed, 3);
	uint32_t n = 2 + graph_next(&seed, GRAPH_NODES - 1);
	size_t i, k;

	memset(p, 0, sizeof(*p));
	p->edge_count = graph_next(&seed, GRAPH_EDGES);
	for (i = 0; i < p->edge_count; i++) {
		struct mr_walked_edge *e = &p->edges[i];

		e->child = 1 + graph_next(&seed, n);
		e->parent =
			1 + graph_next(&seed, shape ? (uint32_t)e->child : n);
		if (shape == 2) /* a hub */
			e->parent = graph_next(&seed, 2) ? 1 : e->parent;
		e->relation = (enum mr_relation)(
			1 + graph_next(&seed, MR_REL_SUCCESSOR));
	}
	for (i = 1; i <= GRAPH_NODES; i++) {
		if (graph_next(&seed, 3) == 0)
			continue;
		p->files[i] = 1 + graph_next(&seed, 20);
		for (k = 0; k < GRAPH_WEIGHTS; k++)
			p->weights[i][k] = graph_next(&seed, 30);
	}
}

/* -- the plain search ------------------------------------------------------ */

static bool shares(const struct graph *p, enum mr_relation r, size_t a,
		   size_t b)
{
	size_t i, k;

	if (!p->files[a] || !p->files[b])
		return false;
	if (r == MR_REL_SAME_FILES)
		return p->files[a] == p->files[b];
	for (i = 0; i < GRAPH_WEIGHTS; i++)
		for (k = 0; k < GRAPH_WEIGHTS; k++)
			if (p->weights[a][i] &&
			    p->weights[a][i] == p->weights[b][k])
				return true;
	return false;
}

static bool asked(const struct mr_walk *w, unsigned int relation)
{
	if (!w->relations)
		return relation < MR_REL_SAME_FILES;
	return w->relations >> relation & 1;
}

static bool is_step(const struct graph *p, const struct mr_walk *w, size_t from,
		    size_t to)
{
	unsigned int r;
	size_t i;

	for (i = 0; i < p->edge_count; i++) {
		const struct mr_walked_edge *e = &p->edges[i];
		size_t a = (size_t)(w->down ? e->parent : e->child);
		size_t b = (size_t)(w->down ? e->child : e->parent);

		if (a == from && b == to && asked(w, e->relation))
			return true;
	}
	for (r = MR_REL_SAME_FILES; r <= MR_REL_SHARED_WEIGHTS; r++)
		if (asked(w, r) && shares(p, (enum mr_relation)r, from, to))
			return true;
	return false;
}

/* Nodes in order with their distances; how many were left out of the first
 * level that was too large. */
static size_t search(const struct graph *p, const struct mr_walk *w,
		     struct mr_walked *out, uint64_t *left)
{
	unsigned int far[GRAPH_NODES + 1];
	unsigned int depth;
	size_t n = 0;
	size_t i, k;

	*left = 0;
	memset(far, 0xff, sizeof(far));
	for (i = 0; i < w->from_count; i++)
		far[w->from[i]] = 0;
	for (depth = 0; !*left; depth++) {
		size_t before = n;

		for (i = 1; i <= GRAPH_NODES; i++) {
			if (far[i] != depth)
				continue;
			if (w->most && n == w->most)
				++*left;
			else
				out[n++] =
					(struct mr_walked){ (int64_t)i, depth };
		}
		if (n == before || (w->depth && depth == w->depth))
			break;
		for (i = 1; i <= GRAPH_NODES; i++)
			for (k = 1; k <= GRAPH_NODES; k++)
				if (far[i] == depth && far[k] == UINT32_MAX &&
				    is_step(p, w, i, k))
					far[k] = depth + 1;
	}
	return n;
}

static uint64_t bit(int64_t node)
{
	return UINT64_C(1) << node;
}

static void check_edges(const struct graph *p, const struct mr_walk *w,
			uint64_t in, const struct mr_walk_result *r)
{
	size_t n = 0;
	size_t i, k;

	for (i = 0; i < p->edge_count; i++) {
		const struct mr_walked_edge *e = &p->edges[i];
		bool again = false;

		for (k = 0; k < i; k++)
			again |= e->child == p->edges[k].child &&
				 e->parent == p->edges[k].parent &&
				 e->relation == p->edges[k].relation;
		if (again || !asked(w, e->relation) || !(in & bit(e->child)) ||
		    !(in & bit(e->parent)))
			continue;
		n++;
		for (k = 0; k < r->edge_count; k++)
			if (r->edges[k].child == e->child &&
			    r->edges[k].parent == e->parent &&
			    r->edges[k].relation == e->relation)
				break;
		assert_true(k < r->edge_count);
	}
	assert_int_equal(r->edge_count, n);
	for (i = 1; i < r->edge_count; i++)
		assert_true(r->edges[i - 1].child < r->edges[i].child ||
			    r->edges[i - 1].parent < r->edges[i].parent ||
			    r->edges[i - 1].relation < r->edges[i].relation);
}

/* Each set of nodes that have one thing in common, once. */
static size_t groups_of(const struct graph *p, enum mr_relation r, uint64_t in,
			uint64_t *out)
{
	size_t n = 0;
	unsigned int what;
	size_t i, k;

	for (what = 1; what <= 30; what++) {
		uint64_t set = 0;

		for (i = 1; i <= GRAPH_NODES; i++) {
			if (!(in & bit((int64_t)i)) || !p->files[i])
				continue;
			if (r == MR_REL_SAME_FILES && p->files[i] == what)
				set |= bit((int64_t)i);
			for (k = 0; r != MR_REL_SAME_FILES && k < GRAPH_WEIGHTS;
			     k++)
				if (p->weights[i][k] == what)
					set |= bit((int64_t)i);
		}
		for (k = 0; k < n && out[k] != set; k++)
			;
		if (k == n && (set & (set - 1)))
			out[n++] = set;
	}
	return n;
}

static void check_alike(const struct graph *p, const struct mr_walk *w,
			uint64_t in, const struct mr_walk_result *r)
{
	uint64_t got[128] = { 0 };
	uint64_t want[64];
	size_t groups = 0;
	size_t total = 0;
	unsigned int rel;
	size_t i, k, n;

	for (i = 0; i < r->alike_count; i++) {
		assert_true(r->alike[i].group <= groups);
		if (r->alike[i].group == groups)
			groups++;
		got[r->alike[i].group] |= bit(r->alike[i].node);
	}
	for (rel = MR_REL_SAME_FILES; rel <= MR_REL_SHARED_WEIGHTS; rel++) {
		if (!asked(w, rel))
			continue;
		n = groups_of(p, (enum mr_relation)rel, in, want);
		total += n;
		for (i = 0; i < n; i++) {
			for (k = 0; k < r->alike_count; k++)
				if (r->alike[k].relation == rel &&
				    got[r->alike[k].group] == want[i])
					break;
			assert_true(k < r->alike_count);
		}
	}
	assert_int_equal(groups, total);
}

static void check_walk(struct mr_index *ix, const struct graph *p,
		       const struct mr_walk *w)
{
	MR_AUTO(mr_walk_release) struct mr_walk_result r = { .count = 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_walked want[GRAPH_NODES + 1];
	uint64_t in = 0;
	uint64_t left;
	size_t n = search(p, w, want, &left);
	size_t i;

	assert_ok(mr_index_walk(ix, w, true, &r, &err), err);
	assert_int_equal(r.count, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(r.nodes[i].node, want[i].node);
		assert_int_equal(r.nodes[i].depth, want[i].depth);
		in |= bit(want[i].node);
	}
	assert_int_equal(r.left, left);
	assert_int_equal(r.cut, left > 0);
	check_edges(p, w, in, &r);
	check_alike(p, w, in, &r);
}

void graph_check(struct mr_index *ix, const struct graph *p, uint32_t seed,
		 int walks)
{
	while (walks--) {
		int64_t from[3];
		struct mr_walk w = { .from = from };
		size_t i;

		w.from_count = 1 + graph_next(&seed, 3);
		for (i = 0; i < w.from_count; i++)
			from[i] = 1 + graph_next(&seed, GRAPH_NODES);
		w.down = graph_next(&seed, 2);
		w.depth = graph_next(&seed, 6);
		w.most = graph_next(&seed, 2) ? 0 : 1 + graph_next(&seed, 20);
		switch (graph_next(&seed, 4)) {
		case 0:
			w.relations = 0;
			break;
		case 1:
			w.relations = graph_next(&seed, 1u << 19) | 1u << 3;
			break;
		case 2:
			w.relations = UINT32_C(1) << MR_REL_SAME_FILES |
				      UINT32_C(1) << MR_REL_SHARED_WEIGHTS;
			break;
		default:
			w.relations = UINT32_MAX;
		}
		check_walk(ix, p, &w);
	}
}

struct mr_index *graph_open(struct test_db *t)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_index *ix;

	assert_ok(mr_index_open(t->env, t->where, MR_DB_CREATE, &ix, &err),
		  err);
	return ix;
}

void graph_write(struct mr_index *ix)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_index_graph_write(ix, &err), err);
}

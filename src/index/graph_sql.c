/*
 * graph_sql.c - neighbours by SQL: for a database that has no file of its
 * adjacency beside it, or not one of now.
 */
#include "index/graph_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Ids bound at once. */
#define IDS_MAX 8192
/* A level of at least so many nodes, of every DENSE-th id at least, is cheaper
 * to find by reading the range of them. */
#define RANGE_MIN 256
#define DENSE 4

static size_t chunk(size_t n)
{
	return n < IDS_MAX ? n : IDS_MAX;
}

static bool is_dense(const int64_t *ids, size_t n)
{
	return n >= RANGE_MIN && ids[n - 1] - ids[0] < (int64_t)n * DENSE;
}

/* The statement of one of these, bound to `ids`: by each id, or by their
 * range. */
static int start(struct mr_index *ix, const char *by_id, const char *by_range,
		 const int64_t *ids, size_t n, struct mr_stmt **out,
		 struct mreg_error *err)
{
	bool range = by_range && is_dense(ids, n);
	int rc = mr_db_stmt(ix->db, range ? by_range : by_id, out, err);

	if (rc < 0)
		return rc;
	if (range) {
		mr_bind_int(*out, 1, ids[0]);
		mr_bind_int(*out, 2, ids[n - 1]);
	} else {
		mr_bind_ids(*out, 1, ids, n);
	}
	return 0;
}

/* Edges by one end; the rows of versions say of which run they are. */
static const char up_ids[] =
	"SELECT child, parent, relation FROM ix_edges WHERE child IN {ids $1} "
	"UNION ALL SELECT node, run, 13 FROM ix_versions "
	"WHERE node IN {ids $1} AND run IS NOT NULL";
static const char up_range[] =
	"SELECT child, parent, relation FROM ix_edges "
	"WHERE child BETWEEN $1 AND $2 "
	"UNION ALL SELECT node, run, 13 FROM ix_versions "
	"WHERE node BETWEEN $1 AND $2 AND run IS NOT NULL";
static const char down_ids[] =
	"SELECT parent, child, relation FROM ix_edges WHERE parent IN {ids $1} "
	"UNION ALL SELECT run, node, 13 FROM ix_versions "
	"WHERE run IN {ids $1} AND run IS NOT NULL";
static const char down_range[] =
	"SELECT parent, child, relation FROM ix_edges "
	"WHERE parent BETWEEN $1 AND $2 "
	"UNION ALL SELECT run, node, 13 FROM ix_versions "
	"WHERE run BETWEEN $1 AND $2 AND run IS NOT NULL";

/* Rows (from, to, relation) of edges. */
static int read_edges(struct mr_index *ix, const int64_t *ids, size_t n,
		      bool down, uint32_t relations, struct mr_ids *out,
		      struct mreg_error *err)
{
	/* Sorted, because they are a level. */
	const struct mr_ids level = { .items = (int64_t *)ids, .n = n };
	struct mr_stmt *s;
	int rc = start(ix, down ? down_ids : up_ids,
		       down ? down_range : up_range, ids, n, &s, err);

	if (rc < 0)
		return rc;
	while ((rc = mr_stmt_step(s, err)) > 0) {
		int64_t relation = mr_stmt_int(s, 2);

		if (relation < 1 || relation >= MR_REL_COUNT ||
		    !(relations >> relation & 1) ||
		    !mr_ids_has(&level, mr_stmt_int(s, 0)))
			continue;
		rc = mr_ids_add(out, mr_stmt_int(s, 1), err);
		if (rc < 0)
			break;
	}
	mr_stmt_reset(s);
	return rc;
}

/* Column 0 of what `sql` finds for `ids`. */
static int read_ids(struct mr_index *ix, const char *sql, const int64_t *ids,
		    size_t n, struct mr_ids *out, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = start(ix, sql, NULL, ids, n, &s, err);

	if (rc < 0)
		return rc;
	while ((rc = mr_stmt_step(s, err)) > 0) {
		rc = mr_ids_add(out, mr_stmt_int(s, 0), err);
		if (rc < 0)
			break;
	}
	mr_stmt_reset(s);
	return rc;
}

/*
 * A group is found by one of its members: of a thousand versions with the same
 * files in one level each would find all of them.  So `one` gives a version of
 * each group, and `all` what is in the groups of those.
 */
static int read_groups(struct mr_index *ix, const char *one, const char *all,
		       const int64_t *ids, size_t n, struct mr_ids *out,
		       struct mreg_error *err)
{
	MR_AUTO(mr_ids_release) struct mr_ids ones = { .n = 0 };
	size_t i;
	int rc = read_ids(ix, one, ids, n, &ones, err);

	mr_ids_sort(&ones);
	for (i = 0; rc >= 0 && i < ones.n; i += IDS_MAX)
		rc = read_ids(ix, all, ones.items + i, chunk(ones.n - i), out,
			      err);
	return rc;
}

static int read_same_files(struct mr_index *ix, const int64_t *ids, size_t n,
			   struct mr_ids *out, struct mreg_error *err)
{
	return read_groups(
		ix,
		"SELECT min(id) FROM ix_versions WHERE node IN {ids $1} AND "
		"fileset IS NOT NULL GROUP BY fileset",
		"SELECT o.node FROM ix_versions v CROSS JOIN ix_versions o "
		"WHERE v.id IN {ids $1} AND v.fileset IS NOT NULL AND "
		"o.fileset IS NOT NULL AND substr(o.fileset, 1, 4) = "
		"substr(v.fileset, 1, 4) AND o.fileset = v.fileset",
		ids, n, out, err);
}

static int read_shared_weights(struct mr_index *ix, const int64_t *ids,
			       size_t n, struct mr_ids *out,
			       struct mreg_error *err)
{
	return read_groups(
		ix,
		"SELECT min(w.version) FROM ix_versions v CROSS JOIN "
		"ix_weights w WHERE v.node IN {ids $1} AND w.version = v.id "
		"GROUP BY w.blob",
		"SELECT v.node FROM ix_weights a CROSS JOIN ix_weights b "
		"CROSS JOIN ix_versions v WHERE a.version IN {ids $1} AND "
		"b.blob = a.blob AND v.id = b.version",
		ids, n, out, err);
}

int mr_graph_sql_expand(struct mr_index *ix, const int64_t *ids, size_t n,
			bool down, uint32_t relations, struct mr_ids *out,
			struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i += IDS_MAX) {
		size_t part = chunk(n - i);

		if (relations & MR_RELATIONS_DECLARED)
			rc = read_edges(ix, ids + i, part, down, relations, out,
					err);
		if (rc >= 0 && relations >> MR_REL_SAME_FILES & 1)
			rc = read_same_files(ix, ids + i, part, out, err);
		if (rc >= 0 && relations >> MR_REL_SHARED_WEIGHTS & 1)
			rc = read_shared_weights(ix, ids + i, part, out, err);
	}
	return rc < 0 ? rc : 0;
}

/* -- between nodes --------------------------------------------------------- */

static int between_edges(struct mr_index *ix, const struct mr_ids *nodes,
			 size_t from, size_t n, uint32_t relations,
			 struct mr_links *out, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = start(ix, up_ids, up_range, nodes->items + from, n, &s, err);

	if (rc < 0)
		return rc;
	while ((rc = mr_stmt_step(s, err)) > 0) {
		struct mr_walked_edge e = { .child = mr_stmt_int(s, 0),
					    .parent = mr_stmt_int(s, 1) };
		int64_t relation = mr_stmt_int(s, 2);

		if (relation < 1 || relation >= MR_REL_COUNT ||
		    !(relations >> relation & 1) ||
		    !mr_ids_has(nodes, e.child) || !mr_ids_has(nodes, e.parent))
			continue;
		e.relation = (enum mr_relation)relation;
		rc = mr_links_edge(out, &e, err);
		if (rc < 0)
			break;
	}
	mr_stmt_reset(s);
	return rc;
}

/* Who has what in common. */
struct having {
	uint8_t bytes[64];
	size_t n;
	int64_t node;
};
struct havings {
	struct having *items; /* owned */
	size_t n, cap;
};

static void havings_release(struct havings *h)
{
	mr_release(h->items);
}

static int by_what(const void *a, const void *b)
{
	const struct having *x = a;
	const struct having *y = b;

	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return memcmp(x->bytes, y->bytes, x->n);
}

static int read_havings(struct mr_index *ix, const char *sql,
			const int64_t *ids, size_t n, struct havings *out,
			struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = start(ix, sql, NULL, ids, n, &s, err);

	if (rc < 0)
		return rc;
	while ((rc = mr_stmt_step(s, err)) > 0) {
		struct having h = { .node = mr_stmt_int(s, 1) };
		const void *bytes = mr_stmt_blob(s, 0, &h.n);

		if (!bytes || h.n > sizeof(h.bytes))
			continue; /* of no digest */
		memcpy(h.bytes, bytes, h.n);
		if (mr_grow((void **)&out->items, &out->cap, out->n + 1,
			    sizeof(h)) < 0) {
			rc = mr_fail_nomem(err);
			break;
		}
		out->items[out->n++] = h;
	}
	mr_stmt_reset(s);
	return rc;
}

static int between_alike(struct mr_index *ix, const char *sql,
			 enum mr_relation relation, const struct mr_ids *nodes,
			 struct mr_links *out, struct mreg_error *err)
{
	MR_AUTO(havings_release) struct havings h = { .n = 0 };
	struct mr_walked_alike a = { .relation = relation };
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < nodes->n; i += IDS_MAX)
		rc = read_havings(ix, sql, nodes->items + i,
				  chunk(nodes->n - i), &h, err);
	if (rc >= 0 && h.n)
		qsort(h.items, h.n, sizeof(*h.items), by_what);
	for (i = 0; rc >= 0 && i < h.n; i++) {
		if (i && by_what(&h.items[i - 1], &h.items[i]) != 0)
			a.group++;
		a.node = h.items[i].node;
		rc = mr_links_alike(out, &a, err);
	}
	return rc;
}

int mr_graph_sql_between(struct mr_index *ix, const struct mr_ids *nodes,
			 uint32_t relations, struct mr_links *out,
			 struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < nodes->n; i += IDS_MAX)
		if (relations & MR_RELATIONS_DECLARED)
			rc = between_edges(ix, nodes, i, chunk(nodes->n - i),
					   relations, out, err);
	if (rc >= 0 && relations >> MR_REL_SAME_FILES & 1)
		rc = between_alike(ix,
				   "SELECT fileset, node FROM ix_versions "
				   "WHERE node IN {ids $1} AND fileset IS NOT "
				   "NULL",
				   MR_REL_SAME_FILES, nodes, out, err);
	if (rc >= 0 && relations >> MR_REL_SHARED_WEIGHTS & 1)
		rc = between_alike(ix,
				   "SELECT w.blob, v.node FROM ix_versions v "
				   "CROSS JOIN ix_weights w WHERE v.node IN "
				   "{ids $1} AND w.version = v.id",
				   MR_REL_SHARED_WEIGHTS, nodes, out, err);
	return rc < 0 ? rc : 0;
}

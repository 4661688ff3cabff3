/*
 * graph_describe.c - what nodes are, what of them is in use, and how old that
 * is: a few statements for many nodes.
 */
#include "index/graph_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Ids bound at once. */
#define IDS_MAX 8192

static size_t chunk(size_t n)
{
	return n < IDS_MAX ? n : IDS_MAX;
}

/* One row, or what is to be done with it. */
typedef int row_fn(void *ctx, struct mr_stmt *s, struct mreg_error *err);

/* Run `sql` for all ids, in parts. */
static int for_ids(struct mr_index *ix, const char *sql, const int64_t *ids,
		   size_t n, row_fn *row, void *ctx, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i += IDS_MAX) {
		struct mr_stmt *s;

		rc = mr_db_stmt(ix->db, sql, &s, err);
		if (rc < 0)
			return rc;
		mr_bind_ids(s, 1, ids + i, chunk(n - i));
		while ((rc = mr_stmt_step(s, err)) > 0) {
			rc = row(ctx, s, err);
			if (rc < 0)
				break;
		}
		mr_stmt_reset(s);
	}
	return rc < 0 ? rc : 0;
}

/* -- what nodes are -------------------------------------------------------- */

struct describing {
	struct mr_index *ix;
	struct mr_arena *arena;
	struct mr_node_row *rows;
	size_t n;
	struct place {
		int64_t node;
		size_t row;
	} * places; /* owned; sorted by node */
	/* Versions by id, and the node each is. */
	struct mr_ids versions, nodes;
};

static void describing_release(struct describing *d)
{
	mr_release(d->places);
	mr_ids_release(&d->versions);
	mr_ids_release(&d->nodes);
}

static int by_node(const void *a, const void *b)
{
	const struct place *x = a;
	const struct place *y = b;

	return (x->node > y->node) - (x->node < y->node);
}

static struct mr_node_row *row_of(struct describing *d, int64_t node)
{
	const struct place key = { .node = node };
	const struct place *p =
		bsearch(&key, d->places, d->n, sizeof(key), by_node);

	return p ? &d->rows[p->row] : NULL;
}

static const char *kept(struct describing *d, const char *text)
{
	return text ? mr_arena_strdup(d->arena, text) : NULL;
}

static int take_node(void *ctx, struct mr_stmt *s, struct mreg_error *err)
{
	struct describing *d = ctx;
	struct mr_node_row *row = row_of(d, mr_stmt_int(s, 0));

	(void)err;
	if (!row)
		return 0;
	row->kind = (enum mr_graph_kind)mr_stmt_int(s, 1);
	mr_ix_digest(s, 2, &row->digest);
	row->name = kept(d, mr_stmt_text(s, 3));
	return 0;
}

static int take_version(void *ctx, struct mr_stmt *s, struct mreg_error *err)
{
	struct describing *d = ctx;
	struct mr_node_row *row = row_of(d, mr_stmt_int(s, 1));
	int rc;

	if (!row)
		return 0;
	row->version_count++;
	rc = mr_ids_add(&d->versions, mr_stmt_int(s, 0), err);
	return rc < 0 ? rc : mr_ids_add(&d->nodes, mr_stmt_int(s, 1), err);
}

/* The first of each: rows come sorted, so that it is always the same. */
static int take_document(void *ctx, struct mr_stmt *s, struct mreg_error *err)
{
	struct describing *d = ctx;
	struct mr_node_row *row = row_of(d, mr_stmt_int(s, 0));

	(void)err;
	if (!row || row->document)
		return 0;
	row->document = true;
	row->artifact_type = kept(d, mr_stmt_text(s, 1));
	row->title = kept(d, mr_stmt_text(s, 2));
	row->tag = kept(d, mr_stmt_text(s, 3));
	return 0;
}

static int take_child(void *ctx, struct mr_stmt *s, struct mreg_error *err)
{
	struct mr_node_row *row = row_of(ctx, mr_stmt_int(s, 0));

	(void)err;
	if (row)
		row->document = true;
	return 0;
}

static int take_ref(void *ctx, struct mr_stmt *s, struct mreg_error *err)
{
	struct describing *d = ctx;
	struct mr_node_row *row = row_of(d, mr_stmt_int(s, 0));

	(void)err;
	if (row)
		row->ref = kept(d, mr_stmt_text(s, 1));
	return 0;
}

static int find_places(struct describing *d, const int64_t *nodes,
		       struct mreg_error *err)
{
	size_t i;

	d->places = mr_array(d->n, sizeof(*d->places));
	d->rows = mr_arena_alloc(d->arena, (d->n + 1) * sizeof(*d->rows));
	if (!d->places || !d->rows)
		return mr_fail_nomem(err);
	for (i = 0; i < d->n; i++) {
		d->rows[i].node = nodes[i];
		d->places[i] = (struct place){ nodes[i], i };
	}
	if (d->n)
		qsort(d->places, d->n, sizeof(*d->places), by_node);
	return 0;
}

static int read_nodes(struct describing *d, const int64_t *nodes,
		      struct mreg_error *err)
{
	MR_AUTO(mr_ids_release) struct mr_ids gaps = { .n = 0 };
	size_t i;
	int rc = for_ids(d->ix,
			 "SELECT id, kind, name, text FROM ix_nodes "
			 "WHERE id IN {ids $1}",
			 nodes, d->n, take_node, d, err);

	if (rc >= 0)
		rc = for_ids(d->ix,
			     "SELECT id, node FROM ix_versions WHERE node IN "
			     "{ids $1}",
			     nodes, d->n, take_version, d, err);
	if (rc >= 0)
		rc = for_ids(d->ix,
			     "SELECT d.node, a.value, t.value, g.value FROM "
			     "ix_documents d LEFT JOIN ix_texts a ON a.id = "
			     "d.artifact_type LEFT JOIN ix_texts t ON t.id = "
			     "d.title LEFT JOIN ix_texts g ON g.id = d.tag "
			     "WHERE d.node IN {ids $1} ORDER BY "
			     "d.node, a.value, t.value, g.value",
			     nodes, d->n, take_document, d, err);
	/* MR_REL_SUBJECT, MR_REL_CHILD, MR_REL_PROFILE */
	if (rc >= 0)
		rc = for_ids(d->ix,
			     "SELECT DISTINCT child FROM ix_edges WHERE child "
			     "IN {ids $1} AND relation IN (10, 11, 12)",
			     nodes, d->n, take_child, d, err);
	for (i = 0; rc >= 0 && i < d->n; i++) {
		struct mr_node_row *row = &d->rows[i];

		row->gap = row->kind == MR_GRAPH_MANIFEST &&
			   !row->version_count && !row->document;
		row->version_count = 0;
		if (row->gap)
			rc = mr_ids_add(&gaps, row->node, err);
	}
	/* Of those alone: a data set has as many children as there are models.
	 */
	if (rc >= 0)
		rc = for_ids(d->ix,
			     "SELECT e.parent, min(t.value) FROM ix_edges e "
			     "JOIN ix_texts t ON t.id = e.ref WHERE e.parent "
			     "IN {ids $1} GROUP BY e.parent",
			     gaps.items, gaps.n, take_ref, d, err);
	return rc;
}

static int by_model(const void *a, const void *b)
{
	const struct mr_ix_row *x = a;
	const struct mr_ix_row *y = b;
	int differ;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	differ = strcmp(x->model, y->model);
	return differ ? differ
		      : (x->number > y->number) - (x->number < y->number);
}

/* Versions in rows that belong to one node stand together. */
static int give_versions(struct describing *d, struct mreg_error *err)
{
	struct mr_ix_row *rows;
	size_t i;
	int rc;

	if (!d->versions.n)
		return 0;
	rc = mr_ix_rows_read(d->ix, d->versions.items, d->versions.n, d->arena,
			     &rows, err);
	if (rc < 0)
		return rc;
	qsort(rows, d->versions.n, sizeof(*rows), by_model);
	for (i = 0; i < d->versions.n; i++) {
		struct mr_node_row *row = row_of(d, rows[i].node);

		if (row && !row->version_count)
			row->versions = &rows[i];
		if (row)
			row->version_count++;
	}
	return 0;
}

int mr_index_describe(struct mr_index *ix, const int64_t *nodes, size_t n,
		      struct mr_arena *arena, struct mr_node_row **out,
		      struct mreg_error *err)
{
	MR_AUTO(describing_release)
	struct describing d = { .ix = ix, .arena = arena, .n = n };
	int rc = find_places(&d, nodes, err);

	if (rc >= 0)
		rc = mr_ix_begin_read(ix, err);
	if (rc < 0)
		return rc;
	rc = read_nodes(&d, nodes, err);
	if (rc >= 0)
		rc = give_versions(&d, err);
	mr_ix_end_read(ix);
	if (rc >= 0 && mr_arena_failed(arena))
		rc = mr_fail_nomem(err);
	if (rc >= 0)
		*out = d.rows;
	return rc < 0 ? rc : 0;
}

/* -- what is in use -------------------------------------------------------- */

struct using
{
	struct mr_arena *arena;
	struct mr_in_use *items; /* owned */
	size_t n, cap;
	bool deployed; /* what the rows are of */
};

static void using_release(struct using *u)
{
	mr_release(u->items);
}

static int take_use(void *ctx, struct mr_stmt *s, struct mreg_error *err)
{
	struct using *u = ctx;
	struct mr_in_use *row;
	const char *second = mr_stmt_text(s, 4);

	if (mr_grow((void **)&u->items, &u->cap, u->n + 1, sizeof(*row)) < 0)
		return mr_fail_nomem(err);
	row = &u->items[u->n++];
	memset(row, 0, sizeof(*row));
	row->node = mr_stmt_int(s, 0);
	row->model = mr_arena_strdup(u->arena, mr_stmt_text(s, 1));
	row->number = (uint64_t)mr_stmt_int(s, 2);
	if (u->deployed) {
		const char *first = mr_stmt_text(s, 3);

		row->environment =
			mr_arena_strdup(u->arena, first ? first : "");
		row->workload = mr_arena_strdup(u->arena, second ? second : "");
	} else {
		row->alias = mr_arena_strdup(u->arena, mr_stmt_text(s, 3));
	}
	return mr_arena_failed(u->arena) ? mr_fail_nomem(err) : 0;
}

/* NULL after everything. */
static int by_text(const char *a, const char *b)
{
	if (!a || !b)
		return (a == NULL) - (b == NULL);
	return strcmp(a, b);
}

static int by_use(const void *a, const void *b)
{
	const struct mr_in_use *x = a;
	const struct mr_in_use *y = b;
	int differ = by_text(x->model, y->model);

	if (!differ)
		differ = (x->number > y->number) - (x->number < y->number);
	if (!differ)
		differ = by_text(x->alias, y->alias);
	if (!differ)
		differ = by_text(x->environment, y->environment);
	return differ ? differ : by_text(x->workload, y->workload);
}

int mr_index_in_use(struct mr_index *ix, const int64_t *nodes, size_t n,
		    struct mr_arena *arena, struct mr_in_use **out,
		    size_t *count, struct mreg_error *err)
{
	MR_AUTO(using_release) struct using u = { .arena = arena };
	int rc = mr_ix_begin_read(ix, err);

	if (rc < 0)
		return rc;
	/* MR_IX_ALIAS, MR_IX_LATEST */
	rc = for_ids(ix,
		     "SELECT n.tagged, m.name, (SELECT min(v.number) FROM "
		     "ix_versions v WHERE v.node = n.tagged AND v.model = "
		     "n.model), n.tag, '' FROM ix_names n JOIN ix_models m ON "
		     "m.id = n.model WHERE n.tagged IN {ids $1} AND n.tagged "
		     "IS NOT NULL AND n.kind IN (0, 2)",
		     nodes, n, take_use, &u, err);
	u.deployed = true;
	if (rc >= 0)
		rc = for_ids(ix,
			     "SELECT d.version, m.name, (SELECT min(v.number) "
			     "FROM ix_versions v WHERE v.node = d.version AND "
			     "v.model = d.model), e.value, w.value FROM "
			     "ix_deployments d JOIN ix_models m ON m.id = "
			     "d.model LEFT JOIN ix_texts e ON e.id = "
			     "d.environment LEFT JOIN ix_texts w ON w.id = "
			     "d.workload WHERE d.version IN {ids $1}",
			     nodes, n, take_use, &u, err);
	mr_ix_end_read(ix);
	if (rc < 0)
		return rc;
	if (u.n)
		qsort(u.items, u.n, sizeof(*u.items), by_use);
	*out = mr_arena_alloc(arena, (u.n + 1) * sizeof(**out));
	if (!*out)
		return mr_fail_nomem(err);
	if (u.n)
		memcpy(*out, u.items, u.n * sizeof(**out));
	*count = u.n;
	return 0;
}

/* -- how old it is --------------------------------------------------------- */

static int take_synced(void *ctx, struct mr_stmt *s, struct mreg_error *err)
{
	int64_t *oldest = ctx;
	int64_t at = mr_stmt_int(s, 0);

	(void)err;
	if (at > 0 && (!*oldest || at < *oldest))
		*oldest = at;
	return 0;
}

int mr_index_synced(struct mr_index *ix, const int64_t *nodes, size_t n,
		    int64_t *out, struct mreg_error *err)
{
	int rc = mr_ix_begin_read(ix, err);

	*out = 0;
	if (rc < 0)
		return rc;
	rc = for_ids(ix,
		     "SELECT min(s.synced_s) FROM ix_versions v JOIN ix_models "
		     "m ON m.id = v.model JOIN cache_syncs s ON s.name = "
		     "m.name WHERE v.node IN {ids $1} AND s.synced_s > 0",
		     nodes, n, take_synced, out, err);
	mr_ix_end_read(ix);
	return rc;
}

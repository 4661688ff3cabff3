/*
 * search_page.c - rows of a search, asked of all versions (or models) or of
 * some, in its order.
 */
#include "index/search_ways.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "index/read_kept.h"

/* Of a page, that are looked at with it: some may be of the page before. */
#define ROWS_MORE 8

void mr_ix_page_reset(struct mr_ix_page *p)
{
	p->ids.n = 0;
	p->last = NULL;
	p->seen = 0;
}

void mr_ix_page_release(struct mr_ix_page *p)
{
	mr_ix_ids_release(&p->ids);
	p->last = NULL;
}

static int put_where(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const struct mr_ix_ids *ids, struct mreg_error *err)
{
	if (ids) {
		mr_ix_sql_put(q, s->models ? " AND m.id IN " : " AND v.id IN ");
		mr_ix_sql_ids(q, ids->items, ids->n);
	}
	mr_ix_sql_put(q, " AND ");
	s->few = ids;
	s->scan = !ids && !s->models && q->kind == MR_DB_SQLITE;
	return mr_ix_put_rest(s, q, s->root, err);
}

static int take_keys(struct mr_ix_search *s, struct mr_stmt *stmt,
		     struct mr_ix_page *page, struct mreg_error *err)
{
	struct mr_ix_key *k =
		mr_arena_alloc(s->arena, s->rank_count * sizeof(*k));
	size_t i;

	if (!k)
		return mr_fail_nomem(err);
	for (i = 0; i < s->rank_count; i++) {
		int at = (int)i + 1;
		enum mr_column type = mr_stmt_type(stmt, at);

		k[i].type = type;
		if (type == MR_COLUMN_INT)
			k[i].i = mr_stmt_int(stmt, at);
		else if (type == MR_COLUMN_REAL)
			k[i].r = mr_stmt_real(stmt, at);
		else if (type != MR_COLUMN_NULL)
			k[i].text = mr_arena_strdup(s->arena,
						    mr_stmt_text(stmt, at));
		if (type != MR_COLUMN_NULL && type != MR_COLUMN_INT &&
		    type != MR_COLUMN_REAL && !k[i].text)
			return mr_fail_nomem(err);
	}
	page->last = k;
	return 0;
}

/* -- rows that are known ----------------------------------------------------
 */

/* Below 0 where `a` is before `b` in the order that a search has by itself. */
static int compare_places(int64_t a_updated_s, const char *a_model,
			  uint64_t a_number, int64_t b_updated_s,
			  const char *b_model, uint64_t b_number)
{
	int differ;

	if (a_updated_s != b_updated_s)
		return a_updated_s > b_updated_s ? -1 : 1;
	differ = strcmp(a_model, b_model);
	return differ ? differ : (a_number < b_number) - (a_number > b_number);
}

static int compare_rows(const void *a, const void *b)
{
	const struct mr_ix_row *const *x = a, *const *y = b;

	return compare_places((*x)->updated_s, (*x)->model, (*x)->number,
			      (*y)->updated_s, (*y)->model, (*y)->number);
}

/* Rows of a page are asked for next, so they may as well be read first, and
 * sorted without SQL: but not more of them, nor in another order, nor where
 * something is still to be asked of them. */
static bool is_sorted_here(const struct mr_ix_search *s,
			   const struct mr_ix_ids *ids)
{
	return ids && ids->n > 0 && ids->n <= s->ask->limit + ROWS_MORE &&
	       !s->models && !s->tail &&
	       s->ranks[0].what == MR_IX_RANK_UPDATED &&
	       mr_ix_is_proven(s, s->root);
}

static bool is_behind(const struct mr_ix_search *s, const struct mr_ix_row *r)
{
	return !s->paged ||
	       compare_places(r->updated_s, r->model, r->number, s->from[0].i,
			      s->from[1].text, (uint64_t)s->from[2].i) > 0;
}

static int keep_keys(struct mr_ix_search *s, const struct mr_ix_row *r,
		     struct mr_ix_page *page, struct mreg_error *err)
{
	struct mr_ix_key *k =
		mr_arena_alloc(s->arena, s->rank_count * sizeof(*k));
	const char *model = mr_arena_strdup(s->arena, r->model);

	if (!k || !model)
		return mr_fail_nomem(err);
	k[0] = (struct mr_ix_key){ .type = MR_COLUMN_INT, .i = r->updated_s };
	k[1] = (struct mr_ix_key){ .type = MR_COLUMN_TEXT, .text = model };
	k[2] = (struct mr_ix_key){ .type = MR_COLUMN_INT,
				   .i = (int64_t)r->number };
	page->last = k;
	return 0;
}

/* 1: they were added; 0: they are not known. */
static int add_known(struct mr_ix_search *s, const struct mr_ix_ids *ids,
		     struct mr_ix_page *page, struct mreg_error *err)
{
	MR_AUTO(mr_free) const struct mr_ix_row **rows = NULL;
	size_t i;
	int rc;

	rows = mr_array(ids->n, sizeof(*rows));
	if (!rows)
		return mr_fail_nomem(err);
	rc = mr_ix_rows_peek(s->ix, ids->items, ids->n, rows, err);
	if (rc <= 0)
		return rc;
	qsort(rows, ids->n, sizeof(*rows), compare_rows);
	page->seen = 0;
	for (i = 0; i < ids->n && page->ids.n <= s->ask->limit; i++) {
		if (!is_behind(s, rows[i]))
			continue;
		page->seen++;
		rc = mr_ix_ids_add(&page->ids, rows[i]->id, err);
		if (rc >= 0 && page->ids.n == s->ask->limit)
			rc = keep_keys(s, rows[i], page, err);
		if (rc < 0)
			return rc;
	}
	return 1;
}

/* -- rows that are asked for ----------------------------------------------- */

static int add_asked(struct mr_ix_search *s, const struct mr_ix_ids *ids,
		     struct mr_ix_page *page, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	MR_AUTO(mr_stmt_freep) struct mr_stmt *stmt = NULL;
	size_t want = s->ask->limit + 1 - page->ids.n;
	int rc;

	mr_ix_sql_init(&q, s->ix);
	mr_ix_sql_put(&q, s->models ? "SELECT m.id" : "SELECT v.id");
	mr_ix_put_ranks(s, &q);
	/* SQLite takes CROSS JOIN for an order: versions are what is few. */
	mr_ix_sql_put(&q, s->models   ? " FROM ix_models m WHERE 1 = 1"
			  : s->ranked ? " FROM ix_metrics r JOIN ix_versions v "
					"ON v.id = r.version JOIN ix_models m "
					"ON m.id = v.model WHERE r.key = "
				      : " FROM ix_versions v CROSS JOIN "
					"ix_models m WHERE m.id = v.model");
	if (s->ranked)
		mr_ix_sql_int(&q, s->ranks[0].key_id);
	rc = put_where(s, &q, ids, err);
	if (rc < 0)
		return rc;
	if (s->tail) {
		mr_ix_sql_put(&q, " AND (");
		mr_ix_put_value(s, &q, &s->ranks[s->lead]);
		mr_ix_sql_put(&q, ") IS NULL");
	}
	mr_ix_put_behind(s, &q);
	mr_ix_put_order(s, &q);
	mr_ix_sql_put(&q, " LIMIT ");
	mr_ix_sql_int(&q, (int64_t)want);
	rc = mr_ix_sql_stmt(&q, &stmt, err);
	if (rc < 0)
		return rc;
	page->seen = 0;
	while ((rc = mr_stmt_step(stmt, err)) > 0) {
		page->seen++;
		rc = mr_ix_ids_add(&page->ids, mr_stmt_int(stmt, 0), err);
		if (rc >= 0 && page->ids.n == s->ask->limit)
			rc = take_keys(s, stmt, page, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int mr_ix_page_add(struct mr_ix_search *s, const struct mr_ix_ids *ids,
		   struct mr_ix_page *page, struct mreg_error *err)
{
	int rc = is_sorted_here(s, ids) ? add_known(s, ids, page, err) : 0;

	if (rc != 0)
		return rc < 0 ? rc : 0;
	return add_asked(s, ids, page, err);
}

int mr_ix_page_total(struct mr_ix_search *s, const struct mr_ix_ids *ids,
		     uint64_t *out, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	MR_AUTO(mr_stmt_freep) struct mr_stmt *stmt = NULL;
	int rc;

	mr_ix_sql_init(&q, s->ix);
	mr_ix_sql_put(&q,
		      s->models ? "SELECT count(*) FROM ix_models m WHERE 1 = 1"
				: "SELECT count(*) FROM ix_versions v "
				  "WHERE 1 = 1");
	rc = put_where(s, &q, ids, err);
	if (rc >= 0)
		rc = mr_ix_sql_stmt(&q, &stmt, err);
	if (rc >= 0)
		rc = mr_stmt_step(stmt, err);
	if (rc > 0)
		*out = (uint64_t)mr_stmt_int(stmt, 0);
	return rc < 0 ? rc : 0;
}

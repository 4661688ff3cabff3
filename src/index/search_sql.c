/*
 * search_sql.c - SQL being written: text of ours, values bound.
 */
#include "index/search_sql.h"

#include "base/error.h"
#include "base/mem.h"

void mr_ix_sql_init(struct mr_ix_sql *q, struct mr_index *ix)
{
	*q = (struct mr_ix_sql){ .ix = ix, .kind = mr_db_kind(ix->db) };
	mr_buf_init(&q->text, MR_IX_SQL_MAX_BYTES);
}

void mr_ix_sql_release(struct mr_ix_sql *q)
{
	mr_buf_release(&q->text);
	mr_release(q->bound);
	q->bound = NULL;
	q->n = q->cap = 0;
}

void mr_ix_sql_put(struct mr_ix_sql *q, const char *sql)
{
	mr_buf_puts(&q->text, sql);
}

static void bind(struct mr_ix_sql *q, const struct mr_ix_bound *b)
{
	if (mr_grow((void **)&q->bound, &q->cap, q->n + 1, sizeof(*b)) < 0) {
		q->failed = true;
		return;
	}
	q->bound[q->n++] = *b;
	mr_buf_printf(&q->text, b->ids ? "{ids $%zu}" : "$%zu", q->n);
}

void mr_ix_sql_int(struct mr_ix_sql *q, int64_t value)
{
	bind(q, &(struct mr_ix_bound){ .type = MR_COLUMN_INT, .i = value });
}

void mr_ix_sql_real(struct mr_ix_sql *q, double value)
{
	bind(q, &(struct mr_ix_bound){ .type = MR_COLUMN_REAL, .r = value });
}

void mr_ix_sql_text(struct mr_ix_sql *q, const char *value)
{
	bind(q, &(struct mr_ix_bound){ .type = MR_COLUMN_TEXT, .text = value });
}

void mr_ix_sql_blob(struct mr_ix_sql *q, const void *bytes, size_t n)
{
	bind(q, &(struct mr_ix_bound){
			.type = MR_COLUMN_BLOB, .text = bytes, .n = n });
}

void mr_ix_sql_ids(struct mr_ix_sql *q, const int64_t *ids, size_t n)
{
	/* An empty set has an address too. */
	static const int64_t none;

	bind(q, &(struct mr_ix_bound){ .type = MR_COLUMN_NULL,
				       .ids = n ? ids : &none,
				       .n = n });
}

static void bind_one(struct mr_stmt *s, int at, const struct mr_ix_bound *b)
{
	if (b->ids)
		mr_bind_ids(s, at, b->ids, b->n);
	else if (b->type == MR_COLUMN_INT)
		mr_bind_int(s, at, b->i);
	else if (b->type == MR_COLUMN_REAL)
		mr_bind_real(s, at, b->r);
	else if (b->type == MR_COLUMN_BLOB)
		mr_bind_blob(s, at, b->text, b->n);
	else
		mr_bind_text(s, at, b->text);
}

void mr_ix_sql_bind(const struct mr_ix_sql *q, struct mr_stmt *s)
{
	size_t i;

	for (i = 0; i < q->n; i++)
		bind_one(s, (int)i + 1, &q->bound[i]);
}

int mr_ix_sql_stmt(const struct mr_ix_sql *q, struct mr_stmt **out,
		   struct mreg_error *err)
{
	int rc;

	if (q->failed)
		return mr_fail_nomem(err);
	rc = mr_buf_check(&q->text, "a search's SQL", err);
	if (rc < 0)
		return rc;
	mr_log(q->ix->env, MREG_LOG_DEBUG, "index: %s", q->text.data);
	rc = mr_stmt_new(q->ix->db, q->text.data, out, err);
	if (rc < 0)
		return rc;
	mr_ix_sql_bind(q, *out);
	return 0;
}

int mr_ix_ids_add(struct mr_ix_ids *l, int64_t id, struct mreg_error *err)
{
	if (mr_grow((void **)&l->items, &l->cap, l->n + 1, sizeof(id)) < 0)
		return mr_fail_nomem(err);
	l->items[l->n++] = id;
	return 0;
}

void mr_ix_ids_release(struct mr_ix_ids *l)
{
	mr_release(l->items);
	*l = (struct mr_ix_ids){ 0 };
}

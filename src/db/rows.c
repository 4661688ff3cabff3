/*
 * rows.c - rows written many at a time: for PostgreSQL, which takes longer to
 * begin a statement than to insert a row, as an array for each column.
 *
 * A column that has been NULL throughout has no type yet, and stands in the
 * statement as NULL: the server knows what that is of.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "db/driver.h"

/* Of one statement; behind it the server has something to do meanwhile. */
#define ROWS_MAX 256
#define ROWS_MAX_BYTES (1u << 20)
/* A value of 4 MiB, the largest document, and all that came before it. */
#define COLUMN_MAX_BYTES (8u << 20)

struct rows_column {
	enum mr_column type; /* of its elements; NULL: not known yet */
	struct mr_buf items; /* as the driver has them */
};

struct mr_rows {
	struct mr_db *db;  /* borrowed */
	const char *sql;   /* borrowed: a constant */
	struct mr_buf one; /* SQL of the present types; empty: to be made */
	size_t rows, bytes;
	size_t width;
	struct rows_column columns[];
};

static void init_columns(struct mr_rows *r)
{
	size_t i;

	for (i = 0; i < r->width; i++)
		mr_buf_init(&r->columns[i].items, COLUMN_MAX_BYTES);
}

int mr_rows_new(struct mr_db *db, const char *sql, struct mr_rows **out,
		struct mreg_error *err)
{
	size_t width = (size_t)mr_db_params(sql);
	struct mr_rows *r =
		mr_zalloc(sizeof(*r) + width * sizeof(r->columns[0]));

	if (!r)
		return mr_fail_nomem(err);
	r->db = db;
	r->sql = sql;
	r->width = width;
	mr_buf_init(&r->one, MR_SQL_MAX_BYTES);
	init_columns(r);
	*out = r;
	return 0;
}

void mr_rows_forget(struct mr_rows *r)
{
	size_t i;

	for (i = 0; i < r->width; i++)
		mr_buf_clear(&r->columns[i].items);
	r->rows = r->bytes = 0;
}

void mr_rows_free(struct mr_rows *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; i < r->width; i++)
		mr_buf_release(&r->columns[i].items);
	mr_buf_release(&r->one);
	mr_release(r);
}

/* -- one by one ------------------------------------------------------------ */

static int write_one(struct mr_rows *r, const struct mr_db_value *values,
		     struct mreg_error *err)
{
	struct mr_stmt *s;
	size_t i;
	int rc = mr_db_stmt(r->db, r->sql, &s, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < r->width; i++)
		r->db->ops->bind(s, (int)i + 1, values + i);
	return mr_stmt_run(s, err);
}

/* -- many ------------------------------------------------------------------ */

/* Each `$n` as what unnest makes of it, numbered anew. */
static void make_sql(struct mr_rows *r)
{
	const char *tuple = strstr(r->sql, "VALUES (");
	const char *p = tuple + strlen("VALUES (");
	size_t i, at = 0;

	mr_buf_add(&r->one, r->sql, (size_t)(tuple - r->sql));
	mr_buf_puts(&r->one, "SELECT ");
	for (i = 0; i < r->width; i++) {
		mr_buf_puts(&r->one, i ? ", " : "");
		if (r->columns[i].type == MR_COLUMN_NULL)
			mr_buf_puts(&r->one, "NULL");
		else
			mr_buf_printf(&r->one, "unnest($%zu)", ++at);
	}
	mr_buf_puts(&r->one, strchr(p, ')') + 1);
}

/* The array's type is told where it is sent, so elements that were NULL before
 * it was known are none the less. */
static int add_value(struct mr_rows *r, size_t at, const struct mr_db_value *v,
		     struct mreg_error *err)
{
	struct rows_column *c = &r->columns[at];

	if (v->type != MR_COLUMN_NULL && c->type == MR_COLUMN_NULL) {
		c->type = v->type;
		mr_buf_clear(&r->one);
	}
	if (v->type != MR_COLUMN_NULL && v->type != c->type)
		return mr_fail(err, MREG_EINTERNAL,
			       "values of two types in one column");
	r->db->ops->put_item(&c->items, v);
	r->bytes += v->n;
	return mr_buf_check(&c->items, "rows to be written", err);
}

int mr_rows_flush(struct mr_rows *r, struct mreg_error *err)
{
	struct mr_stmt *s;
	size_t i;
	int at = 0, rc;

	if (r->rows == 0)
		return 0;
	if (r->one.len == 0)
		make_sql(r);
	rc = mr_buf_check(&r->one, "SQL", err);
	if (rc == 0)
		rc = mr_db_stmt(r->db, mr_buf_text(&r->one), &s, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < r->width; i++)
		if (r->columns[i].type != MR_COLUMN_NULL)
			r->db->ops->bind_items(s, ++at, r->columns[i].type,
					       &r->columns[i].items, r->rows);
	mr_rows_forget(r);
	return mr_stmt_run(s, err);
}

int mr_rows_add(struct mr_rows *r, const struct mr_db_value *values,
		struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (!r->db->ops->bind_items)
		return write_one(r, values, err);
	for (i = 0; i < r->width && rc == 0; i++)
		rc = add_value(r, i, values + i, err);
	if (rc < 0)
		return rc;
	r->rows++;
	return r->rows < ROWS_MAX && r->bytes < ROWS_MAX_BYTES
		       ? 0
		       : mr_rows_flush(r, err);
}

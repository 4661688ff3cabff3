/*
 * rows.c - rows that take the place of others, by comparing both.
 */
#include "index/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

/* A manifest of 4 MiB cannot say more. */
#define ROWS_MAX_BYTES (64u << 20)

int mr_ix_rows_init(struct mr_ix_rows *r, const struct mr_ix_list *list,
		    struct mreg_error *err)
{
	memset(r, 0, sizeof(*r));
	r->list = list;
	r->arena = mr_arena_new(ROWS_MAX_BYTES);
	return r->arena ? 0 : mr_fail_nomem(err);
}

void mr_ix_rows_release(struct mr_ix_rows *r)
{
	mr_arena_free(r->arena);
	mr_release(r->cells);
	memset(r, 0, sizeof(*r));
}

struct mr_cell *mr_ix_rows_add(struct mr_ix_rows *r)
{
	size_t columns = r->list->columns;
	struct mr_cell *c;

	if (mr_grow((void **)&r->cells, &r->cap, (r->count + 1) * columns,
		    sizeof(*r->cells)) < 0)
		return NULL;
	c = r->cells + r->count++ * columns;
	memset(c, 0, columns * sizeof(*c));
	return c;
}

struct mr_cell mr_cell_int(int64_t v)
{
	return (struct mr_cell){ .type = MR_COLUMN_INT, .number = v };
}

struct mr_cell mr_cell_id(int64_t id)
{
	return id ? mr_cell_int(id) : (struct mr_cell){ 0 };
}

struct mr_cell mr_cell_real(double v)
{
	return (struct mr_cell){ .type = MR_COLUMN_REAL, .real = v };
}

struct mr_cell mr_cell_text(const char *text)
{
	if (!text)
		return (struct mr_cell){ 0 };
	return (struct mr_cell){ .type = MR_COLUMN_TEXT,
				 .bytes = text,
				 .n = strlen(text) };
}

struct mr_cell mr_cell_blob(const void *bytes, size_t n)
{
	return (struct mr_cell){ .type = MR_COLUMN_BLOB,
				 .bytes = bytes,
				 .n = n };
}

struct mr_cell mr_cell_digest(const struct mreg_digest *d)
{
	if (!mr_digest_known(d))
		return (struct mr_cell){ 0 };
	return mr_cell_blob(d->bytes, mr_ix_digest_bytes(d));
}

void mr_ix_bind(struct mr_stmt *s, int at, const struct mr_cell *c)
{
	switch (c->type) {
	case MR_COLUMN_NULL:
		mr_bind_null(s, at);
		break;
	case MR_COLUMN_INT:
		mr_bind_int(s, at, c->number);
		break;
	case MR_COLUMN_REAL:
		mr_bind_real(s, at, c->real);
		break;
	case MR_COLUMN_TEXT:
		mr_bind_text(s, at, c->bytes);
		break;
	case MR_COLUMN_BLOB:
		mr_bind_blob(s, at, c->bytes, c->n);
		break;
	}
}

static int compare_cell(const struct mr_cell *a, const struct mr_cell *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int rc;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->type == MR_COLUMN_INT)
		return (a->number > b->number) - (a->number < b->number);
	if (a->type == MR_COLUMN_REAL)
		return (a->real > b->real) - (a->real < b->real);
	rc = n ? memcmp(a->bytes, b->bytes, n) : 0;
	return rc ? rc : (a->n > b->n) - (a->n < b->n);
}

static int compare_cells(const struct mr_cell *a, const struct mr_cell *b,
			 size_t n)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = compare_cell(a + i, b + i);
	return rc;
}

/* A row to be sorted: by its keys, equals as they came. */
struct place {
	const struct mr_cell *cells;
	size_t keys, at;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int rc = compare_cells(x->cells, y->cells, x->keys);

	return rc ? rc : (x->at > y->at) - (x->at < y->at);
}

/* `*out` is owned by the caller; of equal keys only the first is in it. */
static int sorted(const struct mr_ix_rows *r, struct place **out, size_t *count,
		  struct mreg_error *err)
{
	struct place *p = mr_array(r->count, sizeof(*p));
	size_t i, n = 0;

	if (!p)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count; i++)
		p[i] = (struct place){ r->cells + i * r->list->columns,
				       r->list->keys, i };
	qsort(p, r->count, sizeof(*p), compare_places);
	for (i = 0; i < r->count; i++)
		if (n == 0 || compare_cells(p[n - 1].cells, p[i].cells,
					    r->list->keys) != 0)
			p[n++] = p[i];
	*out = p;
	*count = n;
	return 0;
}

static int copy_cell(struct mr_stmt *s, int column, struct mr_arena *arena,
		     struct mr_cell *out, struct mreg_error *err)
{
	const void *bytes;
	size_t n;
	char *copy;

	out->type = mr_stmt_type(s, column);
	switch (out->type) {
	case MR_COLUMN_NULL:
		return 0;
	case MR_COLUMN_INT:
		out->number = mr_stmt_int(s, column);
		return 0;
	case MR_COLUMN_REAL:
		out->real = mr_stmt_real(s, column);
		return 0;
	case MR_COLUMN_TEXT:
		bytes = mr_stmt_text(s, column);
		n = strlen(bytes);
		break;
	case MR_COLUMN_BLOB:
	default:
		bytes = mr_stmt_blob(s, column, &n);
		break;
	}
	copy = mr_arena_alloc(arena, n + 1);
	if (!copy)
		return mr_fail_nomem(err);
	if (n)
		memcpy(copy, bytes, n);
	out->bytes = copy;
	out->n = n;
	return 0;
}

static int load(struct mr_index *ix, struct mr_ix_rows *r,
		const struct mr_cell *owner, size_t owners,
		struct mreg_error *err)
{
	struct mr_stmt *s;
	struct mr_cell *row;
	size_t i;
	int rc, more;

	/* Some lists ask other tables too. */
	rc = mr_ix_rows_settle(ix, NULL, err);
	if (rc == 0)
		rc = mr_db_stmt(ix->db, r->list->select, &s, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < owners; i++)
		mr_ix_bind(s, (int)i + 1, owner + i);
	while ((more = mr_stmt_step(s, err)) > 0) {
		row = mr_ix_rows_add(r);
		rc = row ? 0 : mr_fail_nomem(err);
		for (i = 0; i < r->list->columns && rc == 0; i++)
			rc = copy_cell(s, (int)i, r->arena, row + i, err);
		if (rc < 0)
			break;
	}
	mr_stmt_reset(s);
	return rc < 0 ? rc : more;
}

int mr_ix_rows_write(struct mr_index *ix, const struct mr_ix_list *l,
		     const char *sql, const struct mr_cell *owner,
		     const struct mr_cell *row, size_t n,
		     struct mreg_error *err)
{
	struct mr_stmt *s;
	size_t i;
	int rc = mr_db_stmt(ix->db, sql, &s, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < l->owners; i++)
		mr_ix_bind(s, (int)i + 1, owner + i);
	for (i = 0; i < n; i++)
		mr_ix_bind(s, (int)(l->owners + i) + 1, row + i);
	return mr_stmt_run(s, err);
}

static int remove_row(struct mr_index *ix, const struct mr_ix_list *l,
		      const struct mr_cell *owner, const struct mr_cell *row,
		      struct mreg_error *err)
{
	/* It may wait to be written. */
	int rc = mr_ix_rows_settle(ix, l, err);

	if (rc < 0)
		return rc;
	return mr_ix_rows_write(ix, l, l->remove, owner, row, l->keys, err);
}

/* Both sorted by their keys: what is only in `from` goes, what is only in `to`
 * comes, and a row that differs behind its keys does both.  All that goes goes
 * first, for nothing may stand twice in between. */
static int apply(struct mr_index *ix, const struct mr_ix_list *l,
		 const struct mr_cell *owner, bool insert,
		 const struct place *from, size_t from_count,
		 const struct place *to, size_t to_count, bool *changed,
		 struct mreg_error *err)
{
	size_t i = 0, j = 0;
	int order, rc = 0;

	while ((i < from_count || j < to_count) && rc == 0) {
		order = i == from_count ? 1
			: j == to_count ? -1
					: compare_cells(from[i].cells,
							to[j].cells, l->keys);
		if (order == 0 && compare_cells(from[i].cells, to[j].cells,
						l->columns) == 0) {
			i++;
			j++;
			continue;
		}
		*changed = true;
		if (order <= 0 && !insert)
			rc = remove_row(ix, l, owner, from[i].cells, err);
		if (order >= 0 && insert && rc == 0)
			rc = mr_ix_rows_insert(ix, l, owner, to[j].cells, err);
		i += order <= 0;
		j += order >= 0;
	}
	return rc;
}

int mr_ix_rows_change(struct mr_index *ix, const struct mr_ix_rows *old,
		      struct mr_ix_rows *r, const struct mr_cell *owner,
		      bool *changed, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct place *from = NULL;
	MR_AUTO(mr_free) struct place *to = NULL;
	size_t from_count = 0, to_count = 0;
	int rc;

	if (mr_arena_failed(r->arena))
		return mr_fail_nomem(err);
	if (old->count == 0 && r->count == 0)
		return 0;
	rc = sorted(old, &from, &from_count, err);
	if (rc == 0)
		rc = sorted(r, &to, &to_count, err);
	if (rc == 0)
		rc = apply(ix, r->list, owner, false, from, from_count, to,
			   to_count, changed, err);
	if (rc == 0)
		rc = apply(ix, r->list, owner, true, from, from_count, to,
			   to_count, changed, err);
	return rc;
}

int mr_ix_rows_replace(struct mr_index *ix, struct mr_ix_rows *r,
		       const struct mr_cell *owner, size_t owners, bool fresh,
		       bool *changed, struct mreg_error *err)
{
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows old = { 0 };
	int rc = mr_ix_rows_init(&old, r->list, err);

	if (rc == 0 && !fresh)
		rc = load(ix, &old, owner, owners, err);
	return rc < 0 ? rc
		      : mr_ix_rows_change(ix, &old, r, owner, changed, err);
}

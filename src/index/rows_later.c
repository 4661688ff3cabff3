/*
 * rows_later.c - rows that are written many at a time.
 *
 * PostgreSQL takes longer to begin a statement than to insert a row, so the
 * rows of a list wait for others, of other versions too.  They are written
 * before anybody asks for what they hold or removes from it, and at the end of
 * the transaction.  SQLite gains nothing by it.
 */
#include "index/rows.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

struct mr_ix_later {
	struct mr_ix_later *next; /* owned */
	const char *insert;       /* borrowed: whose rows */
	struct mr_rows *rows;     /* owned */
};

/* A row that may change yet. */
struct mr_ix_pending {
	const struct mr_ix_list *list; /* borrowed: a constant; NULL: none */
	struct mr_cell cells[MR_IX_ROW_MAX];
	char bytes[MR_IX_HELD_MAX_BYTES]; /* of the cell that has some */
};

static int queue_of(struct mr_index *ix, const struct mr_ix_list *l,
		    struct mr_ix_later **out, struct mreg_error *err)
{
	struct mr_ix_later *q = ix->later;
	int rc;

	while (q && q->insert != l->insert)
		q = q->next;
	*out = q;
	if (q)
		return 0;
	q = mr_zalloc(sizeof(*q));
	if (!q)
		return mr_fail_nomem(err);
	rc = mr_rows_new(ix->db, l->insert, &q->rows, err);
	if (rc < 0) {
		mr_release(q);
		return rc;
	}
	q->insert = l->insert;
	q->next = ix->later;
	ix->later = q;
	*out = q;
	return 0;
}

static struct mr_db_value value_of(const struct mr_cell *c)
{
	return (struct mr_db_value){ .type = c->type,
				     .i = c->number,
				     .r = c->real,
				     .bytes = c->bytes,
				     .n = c->n };
}

int mr_ix_rows_insert(struct mr_index *ix, const struct mr_ix_list *l,
		      const struct mr_cell *owner, const struct mr_cell *row,
		      struct mreg_error *err)
{
	struct mr_db_value values[MR_IX_ROW_MAX];
	struct mr_ix_later *q;
	size_t i;
	int rc;

	if (!l->later)
		return mr_ix_rows_write(ix, l, l->insert, owner, row,
					l->columns, err);
	rc = queue_of(ix, l, &q, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < l->owners; i++)
		values[i] = value_of(owner + i);
	for (i = 0; i < l->columns; i++)
		values[l->owners + i] = value_of(row + i);
	return mr_rows_add(q->rows, values, err);
}

/* -- the row that is held ---------------------------------------------------
 */

static int let_go(struct mr_index *ix, struct mreg_error *err)
{
	struct mr_ix_pending *h = ix->pending;
	const struct mr_ix_list *l = h ? h->list : NULL;

	if (!l)
		return 0;
	h->list = NULL;
	return mr_ix_rows_insert(ix, l, h->cells, h->cells + l->owners, err);
}

int mr_ix_rows_hold(struct mr_index *ix, const struct mr_ix_list *l,
		    const struct mr_cell *cells, struct mreg_error *err)
{
	size_t i, used = 0;
	int rc = let_go(ix, err);

	if (rc < 0)
		return rc;
	if (!ix->pending)
		ix->pending = mr_zalloc(sizeof(*ix->pending));
	if (!ix->pending)
		return mr_fail_nomem(err);
	for (i = 0; i < l->owners + l->columns; i++) {
		ix->pending->cells[i] = cells[i];
		if (!cells[i].bytes)
			continue;
		assert(cells[i].n <= sizeof(ix->pending->bytes) - used);
		memcpy(ix->pending->bytes + used, cells[i].bytes, cells[i].n);
		ix->pending->cells[i].bytes = ix->pending->bytes + used;
		used += cells[i].n;
	}
	ix->pending->list = l;
	return 0;
}

struct mr_cell *mr_ix_rows_held(struct mr_index *ix)
{
	return ix->pending && ix->pending->list ? ix->pending->cells : NULL;
}

/* -- the end of waiting -----------------------------------------------------
 */

int mr_ix_rows_settle(struct mr_index *ix, const struct mr_ix_list *list,
		      struct mreg_error *err)
{
	struct mr_ix_later *q;
	int rc = let_go(ix, err);

	for (q = ix->later; q && rc == 0; q = q->next)
		if (!list || q->insert == list->insert)
			rc = mr_rows_flush(q->rows, err);
	return rc;
}

void mr_ix_rows_forget(struct mr_index *ix)
{
	struct mr_ix_later *q, *next;

	for (q = ix->later; q; q = next) {
		next = q->next;
		mr_rows_free(q->rows);
		mr_release(q);
	}
	ix->later = NULL;
	mr_release(ix->pending);
	ix->pending = NULL;
}

/*
 * index/rows.h - a list of rows that takes the place of the one in a table:
 * what is the same stays untouched, so that writing again what is there
 * already costs reading it, and whether anything changed is known.
 */
#ifndef MR_INDEX_ROWS_H
#define MR_INDEX_ROWS_H

#include "index/internal.h"

struct mr_cell {
	enum mr_column type;
	int64_t number;
	double real;
	const void *bytes; /* of a text too, which ends with NUL */
	size_t n;
};

/* Of owners and columns together. */
#define MR_IX_ROW_MAX 48

/* SQL of one list.  Its owner is what $1, $2... select it by; `remove` and
 * `insert` bind the first `owners` of these, and behind them the row's columns
 * (`remove`: its keys, which come first and tell its rows apart). */
struct mr_ix_list {
	const char *select, *remove, *insert;
	size_t owners, columns, keys;
	/* Rows may wait for others (rows_later.c): nobody else reads this table
	 * or removes from it in a writer's transaction, unless he settles it;
	 * `insert` has the values in order. */
	bool later;
};

struct mr_ix_rows {
	const struct mr_ix_list *list;
	struct mr_arena *arena; /* owned */
	struct mr_cell *cells;  /* owned; `columns` of each row */
	size_t count, cap;
};
int mr_ix_rows_init(struct mr_ix_rows *r, const struct mr_ix_list *list,
		    struct mreg_error *err);
void mr_ix_rows_release(struct mr_ix_rows *r); /* for MR_AUTO too */
/* The cells of a new row, all NULL, good until the next one; NULL: out of
 * memory. */
struct mr_cell *mr_ix_rows_add(struct mr_ix_rows *r);

struct mr_cell mr_cell_int(int64_t v);
struct mr_cell mr_cell_id(int64_t id); /* 0: NULL */
struct mr_cell mr_cell_real(double v);
struct mr_cell mr_cell_text(const char *text); /* borrowed; NULL: NULL */
struct mr_cell mr_cell_blob(const void *bytes, size_t n); /* borrowed */
struct mr_cell mr_cell_digest(const struct mreg_digest *d);

/* -- rows one by one -------------------------------------------------------
 */

/* Run `sql` with the owners of the list and `n` cells of a row. */
int mr_ix_rows_write(struct mr_index *ix, const struct mr_ix_list *l,
		     const char *sql, const struct mr_cell *owner,
		     const struct mr_cell *row, size_t n,
		     struct mreg_error *err);
/* A row that is not there: now, or with others. */
int mr_ix_rows_insert(struct mr_index *ix, const struct mr_ix_list *l,
		      const struct mr_cell *owner, const struct mr_cell *row,
		      struct mreg_error *err);
/* What waits is written, of this list's table or (NULL) of all; or forgotten,
 * after a rollback. */
int mr_ix_rows_settle(struct mr_index *ix, const struct mr_ix_list *list,
		      struct mreg_error *err);
void mr_ix_rows_forget(struct mr_index *ix);
/*
 * A row that the next calls may have to change is held, on either database,
 * until another one is or anything is settled: writing it once costs half of
 * writing and changing it.  Who asks for its table settles first.
 */
#define MR_IX_HELD_MAX_BYTES 64 /* of what is no number */
int mr_ix_rows_hold(struct mr_index *ix, const struct mr_ix_list *l,
		    const struct mr_cell *cells, struct mreg_error *err);
/* Its cells, owners first, to be changed; numbers and NULL alone may come.
 * NULL: there is none. */
struct mr_cell *mr_ix_rows_held(struct mr_index *ix);

/* -- lists -----------------------------------------------------------------
 */

void mr_ix_bind(struct mr_stmt *s, int at, const struct mr_cell *c);

/*
 * The rows with these owners become `r`'s, whose order changes; of two with the
 * same keys the first stays.  `fresh`: there are none yet.  `*changed` is set
 * when anything was, else left.
 */
int mr_ix_rows_replace(struct mr_index *ix, struct mr_ix_rows *r,
		       const struct mr_cell *owner, size_t owners, bool fresh,
		       bool *changed, struct mreg_error *err);
/* The same, of who knows which rows there are. */
int mr_ix_rows_change(struct mr_index *ix, const struct mr_ix_rows *old,
		      struct mr_ix_rows *r, const struct mr_cell *owner,
		      bool *changed, struct mreg_error *err);

#endif

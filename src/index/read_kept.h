/*
 * index/read_kept.h - rows of versions and texts of theirs that are kept for
 * who asks again; private to the folder.
 */
#ifndef MR_INDEX_READ_KEPT_H
#define MR_INDEX_READ_KEPT_H

#include "index/internal.h"

/* A text by its id; borrowed until one is kept.  NULL: it is not. */
const char *mr_ix_kept_text(const struct mr_index *ix, int64_t id);
void mr_ix_keep_text(struct mr_index *ix, int64_t id, const char *text);

/* mr_ix_rows_read out of the database: whatever is kept, and not yet kept. */
int mr_ix_rows_fetch(struct mr_index *ix, const int64_t *ids, size_t n,
		     struct mr_arena *arena, struct mr_ix_row **out,
		     struct mreg_error *err);

/* 1: the rows of `ids`, borrowed until others are read, all of them kept by
 * now; 0: they cannot be.  For who is going to read them anyway, and no writer.
 */
int mr_ix_rows_peek(struct mr_index *ix, const int64_t *ids, size_t n,
		    const struct mr_ix_row **out, struct mreg_error *err);

#endif

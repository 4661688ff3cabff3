/*
 * index/search_sql.h - SQL being written with its values, and lists of ids.
 */
#ifndef MR_INDEX_SEARCH_SQL_H
#define MR_INDEX_SEARCH_SQL_H

#include "base/buf.h"
#include "index/internal.h"

/* A filter has MR_QUERY_TERMS_MAX terms, and an order nests its own. */
#define MR_IX_SQL_MAX_BYTES (4u << 20)

struct mr_ix_bound {
	enum mr_column type;
	int64_t i;
	double r;
	const char *text;   /* borrowed; of a blob its bytes */
	size_t n;           /* of a blob */
	const int64_t *ids; /* borrowed; a set: type NULL */
};

struct mr_ix_sql {
	struct mr_index *ix;
	enum mr_db_kind kind;
	struct mr_buf text;
	struct mr_ix_bound *bound; /* owned */
	size_t n, cap;
	bool failed;
};
void mr_ix_sql_init(struct mr_ix_sql *q, struct mr_index *ix);
void mr_ix_sql_release(struct mr_ix_sql *q); /* for MR_AUTO too */
/* Text of ours, never of others. */
void mr_ix_sql_put(struct mr_ix_sql *q, const char *sql);
/* A place for the value; texts and bytes are borrowed until the statement is
 * made. */
void mr_ix_sql_int(struct mr_ix_sql *q, int64_t value);
void mr_ix_sql_real(struct mr_ix_sql *q, double value);
void mr_ix_sql_text(struct mr_ix_sql *q, const char *value);
void mr_ix_sql_blob(struct mr_ix_sql *q, const void *bytes, size_t n);
/* "{ids $n}" */
void mr_ix_sql_ids(struct mr_ix_sql *q, const int64_t *ids, size_t n);
void mr_ix_sql_bind(const struct mr_ix_sql *q, struct mr_stmt *s);
/* The statement with its values bound; logged without them. */
int mr_ix_sql_stmt(const struct mr_ix_sql *q, struct mr_stmt **out,
		   struct mreg_error *err);

/* -- a growing list of ids ------------------------------------------------- */

struct mr_ix_ids {
	int64_t *items; /* owned */
	size_t n, cap;
};
int mr_ix_ids_add(struct mr_ix_ids *l, int64_t id, struct mreg_error *err);
void mr_ix_ids_release(struct mr_ix_ids *l); /* for MR_AUTO too */

#endif

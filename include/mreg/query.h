/*
 * mreg/query.h - SQL asked of the index: read-only, on documented views.
 */
#ifndef MREG_QUERY_H
#define MREG_QUERY_H

#include "mreg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MREG_QUERY_MOST 10000

struct mreg_query_opts {
	size_t size; /* sizeof this struct; set by MREG_QUERY_OPTS_INIT */
	size_t most; /* rows at most; 0: MREG_QUERY_MOST */
	unsigned int timeout_s; /* 0: 30 */
};
#define MREG_QUERY_OPTS_INIT                                                   \
	{                                                                      \
		.size = sizeof(struct mreg_query_opts)                         \
	}

enum mreg_query_type {
	MREG_QUERY_NULL,
	MREG_QUERY_INTEGER, /* `text` is a number of JSON, too */
	MREG_QUERY_REAL,    /* the same; one that is not finite is a text */
	MREG_QUERY_TEXT,    /* as it is: nothing is escaped */
	MREG_QUERY_BYTES,   /* hex digits */
};
struct mreg_query_value {
	enum mreg_query_type type;
	const char *text; /* NULL of a NULL */
};

struct mreg_query_result {
	const char *const *columns; /* one that comes twice is told apart:
				     * "n", "n_2" */
	size_t column_count;
	const struct mreg_query_value *values; /* `column_count` of each row */
	size_t count;                          /* rows */
	bool cut;         /* there are more, or what they hold is too much */
	int64_t synced_s; /* how old what was read is: the oldest sync of a
			   * model that is in the index; 0: there is none */
	void *owner;
};

/* "versions", ...: the views, NULL-terminated; spec/index.md has their
 * columns. */
MREG_API const char *const *mreg_query_views(void);

/*
 * One SELECT (WITH, VALUES) on these views, in the words of SQLite or
 * PostgreSQL, whichever the index is.  MREG_EUSAGE with the database's words
 * for SQL that is wrong; MREG_EDENIED for SQL that wants more than to read the
 * views; MREG_ELIMIT when it took too long; MREG_ENOTFOUND: there is no index.
 */
MREG_API int mreg_query(struct mreg *m, const char *sql,
			const struct mreg_query_opts *o,
			struct mreg_query_result *out, struct mreg_error *err);
MREG_API void mreg_query_result_release(struct mreg_query_result *r);

#ifdef __cplusplus
}
#endif

#endif

/*
 * db/sqlite.h - a connection to SQLite; private to the folder.
 */
#ifndef MR_DB_SQLITE_H
#define MR_DB_SQLITE_H

#include <sqlite3.h>

#include "db/driver.h"

enum mr_sqlite_turn {
	MR_SQLITE_READ,
	MR_SQLITE_WRITE,
	MR_SQLITE_COMMIT,
	MR_SQLITE_ROLLBACK,
	MR_SQLITE_LOOK,
	MR_SQLITE_TURNS,
};

struct mr_sqlite {
	struct mr_db base;
	sqlite3 *handle; /* owned */
	/* Owned; made when they are first wanted. */
	sqlite3_stmt *turns[MR_SQLITE_TURNS];
	char *path;          /* owned */
	int64_t deadline_ms; /* of guarded statements; 0: none */
	bool late;           /* it has passed */
	bool read_only;
};

struct mr_sqlite *mr_sqlite_of(struct mr_db *db);

/* What SQLite answered to "cannot WHAT 'path'". */
int mr_sqlite_fail(struct mr_sqlite *d, int rc, const char *what,
		   struct mreg_error *err);
/* A connection with our settings; nothing has been read yet. */
int mr_sqlite_connect(struct mr_env *env, const char *path, int flags,
		      struct mr_sqlite **out, struct mreg_error *err);
/* Functions that words of words.c mean. */
int mr_sqlite_functions(sqlite3 *handle);

extern const struct mr_db_ops mr_sqlite_ops;

int mr_sqlite_prepare(struct mr_db *db, const char *sql, bool keep,
		      struct mr_stmt **out, struct mreg_error *err);
void mr_sqlite_stmt_free(struct mr_stmt *s);
void mr_sqlite_bind(struct mr_stmt *s, int at, const struct mr_db_value *v);
void mr_sqlite_bind_ids(struct mr_stmt *s, int at, const int64_t *ids,
			size_t n);
int mr_sqlite_step(struct mr_stmt *s, struct mreg_error *err);
int mr_sqlite_run(struct mr_stmt *s, struct mreg_error *err);
void mr_sqlite_reset(struct mr_stmt *s);
int mr_sqlite_columns(struct mr_stmt *s);
const char *mr_sqlite_name(struct mr_stmt *s, int at);
void mr_sqlite_column(struct mr_stmt *s, int at, struct mr_db_value *out);
int mr_sqlite_guarded(struct mr_db *db, const char *sql,
		      const char *const *allowed, int64_t timeout_ms,
		      struct mr_stmt **out, struct mreg_error *err);

#endif

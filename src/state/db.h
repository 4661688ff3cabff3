/*
 * state/db.h - the SQLite connection behind the state; private to the folder.
 *
 * Invariants
 * 1. Everything here is called with `lock` held, but for opening and closing.
 * 2. `db` NULL means: remember nothing.  Trouble ends there or in
 *    `writes_off`, never in an error for the caller.
 * 3. What is said about trouble is said once, `told`.
 */
#ifndef MR_STATE_DB_H
#define MR_STATE_DB_H

#include <pthread.h>
#include <stdbool.h>
#include <sqlite3.h>

#include "base/env.h"

enum sql {
	SQL_FILE_GET,
	SQL_FILE_PUT,
	SQL_DOC_GET,
	SQL_DOC_PUT,
	SQL_FACT_GET,
	SQL_FACT_PUT,
	SQL_FACT_REPLACE,
	SQL_FACT_FORGET,
	SQL_COUNT,
};

/* A document that is written together with others. */
struct mr_state_doc {
	char *digest; /* owned */
	char *bytes;  /* owned; NULL: none */
	size_t n;
};
#define MR_STATE_DOCS_LATER 64

struct mr_state {
	struct mr_env *env; /* borrowed */
	pthread_mutex_t lock;
	char *path;                     /* owned; NULL: remember nothing */
	sqlite3 *db;                    /* owned; NULL: remember nothing */
	sqlite3_stmt *stmts[SQL_COUNT]; /* owned; prepared on first use */
	unsigned int depth;             /* begins without their end */
	unsigned int busy; /* writes in a row that found the file locked */
	unsigned int puts; /* since old rows were last looked for */
	struct mr_state_doc later[MR_STATE_DOCS_LATER];
	size_t later_count, later_bytes;
	bool in_tx;
	bool writes_off;
	bool replaced; /* a corrupt file was, once; not again */
	bool told;
};

/* Rows kept of each table: 200,000 files are 40 MB, and more files than 20
 * models of the largest kind have. */
#define MR_STATE_ROWS_MAX 200000

/* Open `s->path`; leaves `db` NULL when it cannot be used. */
void mr_state_db_open(struct mr_state *s);
void mr_state_db_close(struct mr_state *s);

/* A statement ready to be bound, or NULL.  One for writing begins the
 * transaction that mr_state_begin asked for. */
sqlite3_stmt *mr_state_db_stmt(struct mr_state *s, enum sql which);

/* Run it (`rc` from binding must be SQLITE_OK); true if it has a row.  The
 * row is there until mr_state_db_done. */
bool mr_state_db_step(struct mr_state *s, sqlite3_stmt *st, int rc);
void mr_state_db_done(sqlite3_stmt *st);

/* Commit what the outermost begin began. */
void mr_state_db_commit(struct mr_state *s);

/* docs.c: write the documents that wait. */
void mr_state_docs_write(struct mr_state *s);

#endif

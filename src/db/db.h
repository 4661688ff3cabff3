/*
 * db/db.h - SQL databases behind one private table: SQLite in a file, or
 * PostgreSQL through libpq, which is loaded when it is first wanted.
 *
 * The SQL is the caller's, the same for both, with `$1`, `$2`... for values,
 * which are bound and never spliced.  Words in braces stand for what differs:
 *
 *   {key}    column of an id that the database gives: INTEGER PRIMARY KEY
 *   {int}    64-bit integer column
 *   {real}   double column
 *   {text}   UTF-8 column, compared bytewise
 *   {blob}   bytes column
 *   {rowless} behind a table: rows live in its primary key, where that exists
 *   {ids $1} a set, bound by mr_bind_ids: A IN {ids $1}
 *   {like A $1} A matches the pattern, cases told apart; {ilike A $1}: cases of
 *            ASCII letters not told apart.  `%` and `_` alone are special
 *   {digest A} 32 or 64 bytes as "sha256:..", "sha512:.."
 *   {time A} seconds since 1970 as "2026-05-03T00:00:00Z"; NULL where they are
 *            0, or no time of the years 1 to 9999
 *
 * Text is UTF-8 without NUL, the caller sees to it: PostgreSQL refuses others.
 *
 * Thread rule: a connection and its statements are for one thread at a time.
 */
#ifndef MR_DB_DB_H
#define MR_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "mreg/error.h"

struct mr_db;
struct mr_stmt;

enum mr_db_kind {
	MR_DB_SQLITE,
	MR_DB_POSTGRES,
};

enum mr_db_mode {
	MR_DB_READ,   /* MREG_ENOTFOUND when it is not there */
	MR_DB_WRITE,  /* the same, to be written to */
	MR_DB_CREATE, /* made where it is not there; its owner's alone */
};

/*
 * Open `where`: "postgresql://..." or "postgres://...", else a file's path.
 * Passwords of a URI are told in no message.  MREG_EDB; MREG_EUNSUPPORTED
 * where libpq is not installed.
 */
int mr_db_open(struct mr_env *env, const char *where, enum mr_db_mode mode,
	       struct mr_db **out, struct mreg_error *err);
void mr_db_close(struct mr_db *db);   /* NULL does nothing */
void mr_db_closep(struct mr_db **db); /* for MR_AUTO */
enum mr_db_kind mr_db_kind(const struct mr_db *db);
/* Whether `where` is a URI of PostgreSQL. */
bool mr_db_is_uri(const char *where);
bool mr_db_has_password(const char *where);
/* `where` as it may be shown: without a password; `out` has `n` bytes. */
const char *mr_db_shown(const char *where, char *out, size_t n);

/* Statements without values or rows, several between semicolons. */
int mr_db_exec(struct mr_db *db, const char *sql, struct mreg_error *err);

/*
 * Transactions; not nested.  A writing one takes the database's one place for
 * a writer at once (SQLite) and waits for it; rollback leaves things as they
 * were before, also when the process dies.  A statement that fails in one ends
 * it on PostgreSQL: nothing but the rollback may follow on either.
 */
int mr_db_begin(struct mr_db *db, bool write, struct mreg_error *err);
int mr_db_commit(struct mr_db *db, struct mreg_error *err);
void mr_db_rollback(struct mr_db *db); /* no transaction: nothing */

/* 1: `out` is a number of what is seen in this transaction; as long as later
 * ones have the same, they see the same.  0: the database has none. */
int mr_db_version(struct mr_db *db, uint64_t *out, struct mreg_error *err);

/* How often it was connected anew: the server that was away may have lost the
 * last of what was committed. */
unsigned int mr_db_reconnects(const struct mr_db *db);

enum mr_column {
	MR_COLUMN_NULL,
	MR_COLUMN_INT,
	MR_COLUMN_REAL,
	MR_COLUMN_TEXT,
	MR_COLUMN_BLOB,
};
/* A value bound, or a column; borrowed. */
struct mr_db_value {
	enum mr_column type;
	int64_t i;
	double r;
	const void *bytes; /* TEXT (NUL-terminated), BLOB */
	size_t n;
};

/* -- statements ------------------------------------------------------------ */

/* Those of SQLite are kept for the next of the same text when they are freed,
 * which is before the connection is closed. */
int mr_stmt_new(struct mr_db *db, const char *sql, struct mr_stmt **out,
		struct mreg_error *err);
void mr_stmt_free(struct mr_stmt *s);
void mr_stmt_freep(struct mr_stmt **s); /* for MR_AUTO */
/* The statement of this text that the connection keeps, reset; made at first
 * use.  For texts that are few: they stay until the connection is closed. */
int mr_db_stmt(struct mr_db *db, const char *sql, struct mr_stmt **out,
	       struct mreg_error *err);

/* Values from 1; copied.  What fails is told by the next step.  What is not
 * bound is NULL; values stay until the statement is reset.  PostgreSQL wants to
 * know the type of one that is compared with NULL alone: CAST($1 AS {int}). */
void mr_bind_int(struct mr_stmt *s, int at, int64_t value);
void mr_bind_real(struct mr_stmt *s, int at, double value);
void mr_bind_text(struct mr_stmt *s, int at, const char *value); /* NULL too */
void mr_bind_blob(struct mr_stmt *s, int at, const void *bytes, size_t n);
void mr_bind_null(struct mr_stmt *s, int at);
void mr_bind_ids(struct mr_stmt *s, int at, const int64_t *ids, size_t n);

/* 1: a row is there; 0: no more; below 0 as always: MREG_ECONFLICT for a
 * broken unique key, MREG_ECANCELED, MREG_EDB. */
int mr_stmt_step(struct mr_stmt *s, struct mreg_error *err);
/* Run one that gives no rows, and reset it; its error may be told by a later
 * call on the connection, the commit at the latest. */
int mr_stmt_run(struct mr_stmt *s, struct mreg_error *err);
/* Ready to be bound and stepped again; nothing is bound. */
void mr_stmt_reset(struct mr_stmt *s);

/* Columns of the row, from 0; borrowed until the next call on the statement.
 * How many there are, and their names, is known after the first step. */
int mr_stmt_columns(struct mr_stmt *s);
const char *mr_stmt_name(struct mr_stmt *s, int at);
enum mr_column mr_stmt_type(struct mr_stmt *s, int at);
int64_t mr_stmt_int(struct mr_stmt *s, int at);      /* NULL: 0 */
double mr_stmt_real(struct mr_stmt *s, int at);      /* NULL: 0 */
const char *mr_stmt_text(struct mr_stmt *s, int at); /* NULL: NULL */
const void *mr_stmt_blob(struct mr_stmt *s, int at, size_t *n);

/* -- many rows ------------------------------------------------------------- */

/* Rows of one table, in a transaction: written together where that is faster.
 * `insert`, borrowed, is "INSERT INTO ... VALUES ($1, $2...)" of placeholders
 * alone, in order.  Other statements see what mr_rows_flush wrote, and some of
 * the rest; a rollback wants mr_rows_forget.  A column has one type. */
struct mr_rows;
int mr_rows_new(struct mr_db *db, const char *insert, struct mr_rows **out,
		struct mreg_error *err);
void mr_rows_free(struct mr_rows *r); /* NULL does nothing */
/* As many values as there are placeholders; copied. */
int mr_rows_add(struct mr_rows *r, const struct mr_db_value *values,
		struct mreg_error *err);
/* As mr_stmt_run. */
int mr_rows_flush(struct mr_rows *r, struct mreg_error *err);
void mr_rows_forget(struct mr_rows *r); /* what was not written yet */

/* -- migrations ------------------------------------------------------------ */

struct mr_migration {
	const char *name;              /* "0001_index" */
	const char *sql;               /* as above; for both databases */
	const char *sqlite, *postgres; /* and for one; NULL: nothing */
};
/*
 * Bring the schema to the last of `steps`, a transaction each, under a lock;
 * with `mode` MR_DB_READ only look.  `*at` is what it has then. MREG_ENOTFOUND:
 * it has none of it; MREG_EUNSUPPORTED: a newer mreg wrote it, or reading needs
 * a step that was not taken.
 */
int mr_db_migrate(struct mr_db *db, enum mr_db_mode mode,
		  const struct mr_migration *steps, size_t count, size_t *at,
		  struct mreg_error *err);

/* Make reading cheap after much was written: statistics, write-ahead log. */
int mr_db_settle(struct mr_db *db, struct mreg_error *err);
/* Bytes that it takes, its indexes too. */
int mr_db_size(struct mr_db *db, uint64_t *out, struct mreg_error *err);

/* Put all that the file `from` has in the place of all that the file `where`
 * has, in one transaction of that; both are SQLite's, open nowhere in this
 * process.  MREG_EDB. */
int mr_db_replace(struct mr_env *env, const char *where, const char *from,
		  struct mreg_error *err);

/*
 * For SQL that a user wrote: only reading, only tables and views that `allowed`
 * (NULL-terminated) names, no functions that reach beyond the database, no more
 * than `timeout_ms`.  One statement; MREG_EUSAGE with the database's words for
 * one that is wrong, also while it runs (an overflow), MREG_EDENIED for one
 * that wants more.
 */
int mr_db_guarded(struct mr_db *db, const char *sql, const char *const *allowed,
		  int64_t timeout_ms, struct mr_stmt **out,
		  struct mreg_error *err);

#endif

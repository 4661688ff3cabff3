/*
 * db/postgres.h - a connection to PostgreSQL; private to the folder.
 *
 * Invariants
 * 1. At most one statement is `active`: its rows are still arriving.  Whoever
 *    wants the connection calls mr_pg_quiet, which takes the rest of them into
 *    the statement's memory.
 * 2. Statements that give no rows are only sent while a transaction is open;
 *    `piped` answers are outstanding then, and mr_pg_quiet takes them.
 * 3. What failed meanwhile is in `late`, and told by the first call that finds
 *    it; the server refuses all until the rollback.
 */
#ifndef MR_DB_POSTGRES_H
#define MR_DB_POSTGRES_H

#include "db/driver.h"
#include "db/libpq.h"

struct mr_pg_stmt;

struct mr_postgres {
	struct mr_db base;
	struct mr_libpq pq;
	PGconn *conn; /* owned */
	char *uri;    /* owned; may hold a password */
	char *schema; /* owned; where tables are */
	enum mr_db_mode mode;
	struct mr_pg_stmt *active; /* borrowed */
	unsigned int piped;
	bool piping;            /* the connection is in libpq's pipeline mode */
	struct mreg_error late; /* code MREG_OK: nothing */
	unsigned int prepared;  /* names of statements given so far */
	unsigned int epoch;     /* names of earlier ones may not be there */
	bool deaf;              /* ^C is not heard: a rollback */
	bool guarded;           /* it runs a user's own SQL */
};

struct mr_postgres *mr_postgres_of(struct mr_db *db);
extern const struct mr_db_ops mr_postgres_ops;

/* -- postgres_wire.c ------------------------------------------------------- */

/* What the server, or libpq with `res` NULL, said to "cannot WHAT 'uri'". */
int mr_pg_fail(struct mr_postgres *d, const PGresult *res, const char *what,
	       struct mreg_error *err);
/* The next result, to be cleared; NULL: the end of a statement's.  Waits; ^C
 * makes the server give up, and its answer says so. */
int mr_pg_result(struct mr_postgres *d, PGresult **out, struct mreg_error *err);
/* Ask the server to end what it is doing; it may not hear that. */
void mr_pg_give_up(struct mr_postgres *d);
/* Nothing is outstanding any more; what failed is told. */
int mr_pg_quiet(struct mr_postgres *d, struct mreg_error *err);
/* Before a statement: quiet, heard no ^C, and connected. */
int mr_pg_ready(struct mr_postgres *d, struct mreg_error *err);
/* Statements without values; rows are thrown away. */
int mr_pg_exec(struct mr_postgres *d, const char *sql, const char *what,
	       struct mreg_error *err);
/* Settings of a new session. */
int mr_pg_greet(struct mr_postgres *d, struct mreg_error *err);

/* -- postgres_stmt.c ------------------------------------------------------- */

/* Take what is still arriving into memory. */
void mr_pg_absorb(struct mr_pg_stmt *s);
/* Results are to be texts: of any type, for people. */
void mr_pg_as_text(struct mr_stmt *s);

int mr_pg_prepare(struct mr_db *db, const char *sql, bool keep,
		  struct mr_stmt **out, struct mreg_error *err);
void mr_pg_stmt_free(struct mr_stmt *s);
void mr_pg_bind(struct mr_stmt *s, int at, const struct mr_db_value *v);
void mr_pg_bind_ids(struct mr_stmt *s, int at, const int64_t *ids, size_t n);
void mr_pg_bind_items(struct mr_stmt *s, int at, enum mr_column type,
		      const struct mr_buf *items, size_t n);
int mr_pg_step(struct mr_stmt *s, struct mreg_error *err);
int mr_pg_run(struct mr_stmt *s, struct mreg_error *err);
void mr_pg_reset(struct mr_stmt *s);
int mr_pg_columns(struct mr_stmt *s);
const char *mr_pg_name(struct mr_stmt *s, int at);
void mr_pg_column(struct mr_stmt *s, int at, struct mr_db_value *out);

/* -- postgres_value.c ------------------------------------------------------ */

/* Types that are told apart (pg_type.dat; they never change). */
enum mr_pg_type {
	MR_PG_BOOL = 16,
	MR_PG_BYTEA = 17,
	MR_PG_INT8 = 20,
	MR_PG_INT2 = 21,
	MR_PG_INT4 = 23,
	MR_PG_TEXT = 25,
	MR_PG_OID = 26,
	MR_PG_FLOAT4 = 700,
	MR_PG_FLOAT8 = 701,
	MR_PG_BYTEA_ARRAY = 1001,
	MR_PG_TEXT_ARRAY = 1009,
	MR_PG_INT8_ARRAY = 1016,
	MR_PG_FLOAT8_ARRAY = 1022,
	MR_PG_NUMERIC = 1700,
};
void mr_pg_put64(uint64_t value, void *out);
uint64_t mr_pg_get64(const void *in);
void mr_pg_put32(uint32_t value, void *out);
enum mr_pg_type mr_pg_type_of(enum mr_column type); /* of a value bound */
Oid mr_pg_array_type(enum mr_pg_type element);
/* What stands before the items of an array: MR_PG_ARRAY_HEAD bytes, and in an
 * empty one fewer count. */
#define MR_PG_ARRAY_HEAD 20
#define MR_PG_ARRAY_NONE 12
void mr_pg_put_head(enum mr_pg_type element, size_t n, char *out);
void mr_pg_put_item(struct mr_buf *out, const struct mr_db_value *v);
/* A value of `type` in the wire's binary form, or as text; bytes point into
 * `in`, or `*scratch` (owned by the caller) for bytes that are told as text. */
void mr_pg_decode(Oid type, bool text, const char *in, size_t n, char **scratch,
		  struct mr_db_value *out);

/* -- postgres_guard.c ------------------------------------------------------ */

int mr_pg_guarded(struct mr_db *db, const char *sql, const char *const *allowed,
		  int64_t timeout_ms, struct mr_stmt **out,
		  struct mreg_error *err);

#endif

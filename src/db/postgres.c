/*
 * postgres.c - a database of PostgreSQL: opening, transactions.
 *
 * Tables are in a schema of their own, so that they can live in a database that
 * is others' too: `mreg`, or the one that the URI's options give as
 * search_path.  One writer at a time has the schema's advisory lock, as one
 * has SQLite's file.
 */
#include "db/postgres.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define DEFAULT_SCHEMA "mreg"
/* Of advisory locks, before the schema's: "mrdb". */
#define LOCK_CLASS 0x6d726462
/* Seconds; where a URI says nothing. */
#define CONNECT_TIMEOUT "10"

struct mr_postgres *mr_postgres_of(struct mr_db *db)
{
	return mr_container_of(db, struct mr_postgres, base);
}

/* -- opening --------------------------------------------------------------- */

/* libpq would write them to stderr. */
static void hear_notice(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

/* A password with an "@" in it would be taken for a host's name, and a
 * message would tell half of it. */
static int check_uri(const char *uri, struct mreg_error *err)
{
	const char *authority = strstr(uri, "://") + 3;
	size_t n = strcspn(authority, "/?#");
	const char *first = memchr(authority, '@', n);
	size_t before = first ? (size_t)(first - authority) : n;

	if (!first || !memchr(first + 1, '@', n - before - 1))
		return 0;
	(void)mr_fail(err, MREG_EUSAGE,
		      "there is more than one '@' in the database's URI");
	return mr_hint(err, "write those of a name or a password as %%40");
}

/* What "search_path=NAME" says in `options` of the URI, and `*found`. */
static void find_schema(const char *options, char *out, size_t cap)
{
	const char *p = options ? strstr(options, "search_path=") : NULL;
	size_t n = 0;

	if (!p)
		return;
	p += strlen("search_path=");
	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	if (n > 0 && n < cap)
		(void)snprintf(out, cap, "%.*s", (int)n, p);
}

static int read_uri(struct mr_postgres *d, struct mreg_error *err)
{
	char schema[64] = DEFAULT_SCHEMA;
	PQconninfoOption *options;
	PQconninfoOption *o;
	char *said = NULL;
	int rc = check_uri(d->uri, err);

	if (rc < 0)
		return rc;
	options = d->pq.PQconninfoParse(d->uri, &said);
	/* What libpq says may quote the password. */
	d->pq.PQfreemem(said);
	if (!options)
		return mr_fail(err, MREG_EUSAGE,
			       "'%s' is not a URI that libpq understands",
			       d->base.shown);
	for (o = options; o->keyword; o++)
		if (strcmp(o->keyword, "options") == 0)
			find_schema(o->val, schema, sizeof(schema));
	d->pq.PQconninfoFree(options);
	d->schema = mr_strdup(schema);
	return d->schema ? 0 : mr_fail_nomem(err);
}

static int connect_to(struct mr_postgres *d, struct mreg_error *err)
{
	/* What a URI says comes after these and wins. */
	static const char *const names[] = { "connect_timeout",
					     "fallback_application_name",
					     "dbname", NULL };
	const char *const values[] = { CONNECT_TIMEOUT, "mreg", d->uri, NULL };
	int rc;

	d->conn = d->pq.PQconnectdbParams(names, values, 1);
	if (!d->conn)
		return mr_fail_nomem(err);
	(void)d->pq.PQsetNoticeProcessor(d->conn, hear_notice, NULL);
	if (d->pq.PQstatus(d->conn) == CONNECTION_OK)
		return mr_pg_greet(d, err);
	rc = mr_pg_fail(d, NULL, "open", err);
	if (d->pq.PQconnectionNeedsPassword(d->conn))
		return mr_hint(err, "PGPASSWORD or ~/.pgpass gives the "
				    "password");
	return err ? mr_hint(err, "psql with the same URI tells more") : rc;
}

static int has_schema(struct mr_postgres *d, bool *found,
		      struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	int rc = mr_stmt_new(&d->base,
			     "SELECT 1 FROM pg_namespace WHERE nspname = $1",
			     &s, err);

	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, d->schema);
	rc = mr_stmt_step(s, err);
	*found = rc > 0;
	return rc < 0 ? rc : 0;
}

static int find_or_make_schema(struct mr_postgres *d, struct mreg_error *err)
{
	char text[160];
	bool found = false;
	int rc = has_schema(d, &found, err);

	if (rc < 0 || found)
		return rc;
	if (d->mode != MR_DB_CREATE)
		return mr_fail(err, MREG_ENOTFOUND, "nothing is in '%s'",
			       d->base.shown);
	(void)snprintf(text, sizeof(text), "CREATE SCHEMA IF NOT EXISTS \"%s\"",
		       d->schema);
	rc = mr_pg_exec(d, text, "write to", err);
	/* Two at once: one of them finds a broken key. */
	return rc == MREG_ECONFLICT ? 0 : rc;
}

int mr_postgres_open(struct mr_env *env, const char *uri, enum mr_db_mode mode,
		     struct mr_db **out, struct mreg_error *err)
{
	MR_AUTO(mr_db_closep) struct mr_db *opened = NULL;
	struct mr_postgres *d = mr_zalloc(sizeof(*d));
	int rc;

	if (!d)
		return mr_fail_nomem(err);
	rc = mr_db_init(&d->base, &mr_postgres_ops, env, uri, err);
	opened = &d->base;
	d->mode = mode;
	d->uri = mr_strdup(uri);
	if (rc >= 0 && !d->uri)
		rc = mr_fail_nomem(err);
	if (rc >= 0)
		rc = mr_libpq_load(&d->pq, err);
	if (rc >= 0)
		rc = read_uri(d, err);
	if (rc >= 0)
		rc = connect_to(d, err);
	if (rc >= 0)
		rc = find_or_make_schema(d, err);
	if (rc >= 0)
		*out = mr_steal(&opened);
	return rc;
}

static void close_postgres(struct mr_db *db)
{
	struct mr_postgres *d = mr_postgres_of(db);

	if (d->conn)
		d->pq.PQfinish(d->conn);
	if (d->uri)
		mr_wipe(d->uri, strlen(d->uri));
	mr_release(d->uri);
	mr_release(d->schema);
	mr_db_release(db);
	mr_release(d);
}

/* -- transactions ---------------------------------------------------------- */

static int exec_postgres(struct mr_db *db, const char *sql,
			 struct mreg_error *err)
{
	int rc = mr_pg_ready(mr_postgres_of(db), err);

	return rc < 0 ? rc : mr_pg_exec(mr_postgres_of(db), sql, "change", err);
}

static void rollback_postgres(struct mr_db *db)
{
	struct mr_postgres *d = mr_postgres_of(db);

	d->deaf = true;
	(void)mr_pg_quiet(d, NULL); /* it is given up */
	if (d->pq.PQtransactionStatus(d->conn) != PQTRANS_IDLE)
		(void)mr_pg_exec(d, "ROLLBACK", "roll back", NULL);
	d->deaf = false;
}

static int begin_postgres(struct mr_db *db, bool write, struct mreg_error *err)
{
	struct mr_postgres *d = mr_postgres_of(db);
	char text[192];
	int rc = mr_pg_ready(d, err);

	if (rc < 0)
		return rc;
	/* A reader sees one moment, as SQLite's do.  A writer is alone, and
	 * what the one before it wrote is there. */
	(void)snprintf(text, sizeof(text),
		       write ? "BEGIN; SELECT pg_advisory_xact_lock(%d,"
			       " hashtext('%s'))"
			     : "BEGIN ISOLATION LEVEL REPEATABLE READ READ"
			       " ONLY",
		       LOCK_CLASS, d->schema);
	rc = mr_pg_exec(d, text, write ? "write to" : "read", err);
	if (rc < 0)
		rollback_postgres(db);
	return rc;
}

static int commit_postgres(struct mr_db *db, struct mreg_error *err)
{
	struct mr_postgres *d = mr_postgres_of(db);
	int rc = mr_pg_ready(d, err);

	if (rc < 0)
		return rc;
	/* The server would answer COMMIT with a rollback, and call it well. */
	if (d->pq.PQtransactionStatus(d->conn) != PQTRANS_INTRANS)
		return mr_fail(
			err, MREG_EDB,
			"cannot write to '%s': a statement failed before",
			db->shown);
	return mr_pg_exec(d, "COMMIT", "write to", err);
}

/* -- the rest -------------------------------------------------------------- */

static int settle_postgres(struct mr_db *db, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(MR_SQL_MAX_BYTES);
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	const char *sep = "VACUUM (ANALYZE, SKIP_LOCKED) ";
	int rc = mr_stmt_new(db,
			     "SELECT quote_ident(tablename) FROM pg_tables"
			     " WHERE schemaname = current_schema()",
			     &s, err);

	while (rc >= 0 && (rc = mr_stmt_step(s, err)) > 0) {
		mr_buf_puts(&text, sep);
		mr_buf_puts(&text, mr_stmt_text(s, 0));
		sep = ", ";
	}
	if (rc < 0 || text.len == 0)
		return rc;
	rc = mr_buf_check(&text, "SQL", err);
	return rc < 0 ? rc : exec_postgres(db, mr_buf_text(&text), err);
}

static int size_postgres(struct mr_db *db, uint64_t *out,
			 struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	int rc = mr_stmt_new(db,
			     "SELECT SUM(pg_total_relation_size(c.oid))"
			     " FROM pg_class c JOIN pg_namespace n"
			     " ON n.oid = c.relnamespace WHERE n.nspname ="
			     " current_schema() AND c.relkind = 'r'",
			     &s, err);

	if (rc >= 0)
		rc = mr_stmt_step(s, err);
	if (rc > 0)
		*out = (uint64_t)mr_stmt_int(s, 0);
	return rc < 0 ? rc : 0;
}

static const struct mr_db_words words = {
	.key = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
	.integer = "BIGINT",
	.real = "DOUBLE PRECISION",
	.text = "TEXT COLLATE \"C\"",
	.blob = "BYTEA",
	.rowless = "",
	.mark = "$",
	.ids = "SELECT unnest(@P::bigint[])",
	.like = "(@A) LIKE @P::text ESCAPE ''",
	.like_folded = "lower((@A) COLLATE \"C\") LIKE"
		       " lower(@P::text COLLATE \"C\") ESCAPE ''",
	.digest = "(CASE length(@A) WHEN 32 THEN 'sha256:' WHEN 64 THEN"
		  " 'sha512:' END || encode(@A, 'hex'))",
	.time = "CASE WHEN @A <> 0 AND @A BETWEEN -62135596800 AND"
		" 253402300799 THEN to_char(to_timestamp(@A) AT TIME ZONE"
		" 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END",
};

const struct mr_db_ops mr_postgres_ops = {
	.kind = MR_DB_POSTGRES,
	.words = &words,
	.migrated = "SELECT 1 FROM pg_tables WHERE schemaname ="
		    " current_schema() AND tablename = 'schema_steps'",
	.close = close_postgres,
	.exec = exec_postgres,
	.begin = begin_postgres,
	.commit = commit_postgres,
	.rollback = rollback_postgres,
	.settle = settle_postgres,
	.size = size_postgres,
	.guarded = mr_pg_guarded,
	.prepare = mr_pg_prepare,
	.free = mr_pg_stmt_free,
	.bind = mr_pg_bind,
	.bind_ids = mr_pg_bind_ids,
	.put_item = mr_pg_put_item,
	.bind_items = mr_pg_bind_items,
	.step = mr_pg_step,
	.run = mr_pg_run,
	.reset = mr_pg_reset,
	.columns = mr_pg_columns,
	.name = mr_pg_name,
	.column = mr_pg_column,
};

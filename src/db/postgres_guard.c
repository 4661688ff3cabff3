/*
 * postgres_guard.c - SQL that a user wrote, on a connection of its own.
 *
 * What it reads and calls is told by the server: it is made a view in a
 * transaction that is rolled back, and the view's parse tree names the tables,
 * views and functions.  Then it runs in a READ ONLY transaction with a
 * statement_timeout.  A view of the list reads what it reads.
 *
 * Functions have to be of pg_catalog, and not volatile (which those that reach
 * files, other sessions or settings are, and those that run SQL in a text);
 * what is stable and looks behind the views is refused by name.
 *
 * Not guarded: how much memory and disk of the server a question takes within
 * its time (work_mem, temp_file_limit are the server's to set).
 */
#include "db/postgres.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static const char touched_sql[] =
	"SELECT DISTINCT c.relname, n.nspname = $1, n.nspname FROM pg_rewrite r,"
	" LATERAL regexp_matches(r.ev_action::text, ':relid (\\d+)', 'g') m"
	" JOIN pg_class c ON c.oid = m[1]::oid"
	" JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE r.ev_class = 'pg_temp.mreg_guarded'::regclass"
	" AND c.oid <> r.ev_class";

static const char called_sql[] =
	"SELECT p.proname FROM pg_rewrite r, LATERAL regexp_matches("
	"r.ev_action::text, ':(?:funcid|opfuncid|aggfnoid|winfnoid|"
	"outputfunc|resulttypfunc) (\\d+)', 'g') m"
	" JOIN pg_proc p ON p.oid = m[1]::oid"
	" WHERE r.ev_class = 'pg_temp.mreg_guarded'::regclass"
	" AND (p.pronamespace <> 'pg_catalog'::regnamespace"
	" OR p.provolatile = 'v' OR p.proname ~ '^pg_|_to_xml|^current_setting$'"
	") LIMIT 1";

static bool is_allowed(const char *const *allowed, const char *name)
{
	for (; *allowed; allowed++)
		if (strcmp(*allowed, name) == 0)
			return true;
	return false;
}

static int refused(const char *verb, const char *what, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EDENIED, "SQL here may not %s '%s'", verb,
		      what);
	return mr_hint(err, "it may SELECT from the documented views");
}

/* A mistake in the SQL is its writer's. */
static int blame(int rc, struct mreg_error *err)
{
	if (rc == MREG_EDB && err)
		err->code = MREG_EUSAGE;
	return rc == MREG_EDB ? MREG_EUSAGE : rc;
}

/* One statement, by the server's own parser: prepared and never run. */
static int parse(struct mr_postgres *d, const char *sql, struct mreg_error *err)
{
	PGresult *res = NULL;
	int first = 0;
	int rc;

	if (!d->pq.PQsendPrepare(d->conn, "guarded", sql, 0, NULL))
		return mr_pg_fail(d, NULL, "ask", err);
	for (;;) {
		rc = mr_pg_result(d, &res, err);
		if (rc < 0 || !res)
			return first < 0 ? first : rc;
		if (first == 0 && d->pq.PQresultStatus(res) != PGRES_COMMAND_OK)
			first = blame(mr_pg_fail(d, res, "ask", err), err);
		d->pq.PQclear(res);
	}
}

/* In a transaction that the caller rolls back. */
static int make_view(struct mr_postgres *d, const char *sql,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(MR_SQL_MAX_BYTES);
	size_t n = strlen(sql);
	int rc;

	while (n > 0 &&
	       (isspace((unsigned char)sql[n - 1]) || sql[n - 1] == ';'))
		n--;
	/* The line break ends a comment. */
	mr_buf_printf(&text,
		      "CREATE TEMPORARY VIEW mreg_guarded AS SELECT 1 AS one"
		      " FROM (%.*s\n) AS asked",
		      (int)n, sql);
	rc = mr_buf_check(&text, "SQL", err);
	return rc < 0 ? rc
		      : blame(mr_pg_exec(d, mr_buf_text(&text), "ask", err),
			      err);
}

static int check_tables(struct mr_postgres *d, const char *const *allowed,
			struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	int rc = mr_stmt_new(&d->base, touched_sql, &s, err);

	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, d->schema);
	while ((rc = mr_stmt_step(s, err)) > 0)
		if (!mr_stmt_int(s, 1) ||
		    !is_allowed(allowed, mr_stmt_text(s, 0)))
			return refused("read", mr_stmt_text(s, 0), err);
	return rc;
}

static int check_functions(struct mr_postgres *d, struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	int rc = mr_stmt_new(&d->base, called_sql, &s, err);

	if (rc >= 0)
		rc = mr_stmt_step(s, err);
	return rc > 0 ? refused("call", mr_stmt_text(s, 0), err) : rc;
}

static int check(struct mr_postgres *d, const char *sql,
		 const char *const *allowed, struct mreg_error *err)
{
	int rc = mr_pg_exec(d, "BEGIN READ WRITE", "ask", err);

	if (rc >= 0)
		rc = parse(d, sql, err);
	if (rc >= 0)
		rc = make_view(d, sql, err);
	if (rc >= 0)
		rc = check_tables(d, allowed, err);
	if (rc >= 0)
		rc = check_functions(d, err);
	d->base.ops->rollback(&d->base);
	return rc;
}

int mr_pg_guarded(struct mr_db *db, const char *sql, const char *const *allowed,
		  int64_t timeout_ms, struct mr_stmt **out,
		  struct mreg_error *err)
{
	MR_AUTO(mr_db_closep) struct mr_db *own = NULL;
	struct mr_postgres *d;
	char text[128];
	int rc = mr_postgres_open(db->env, mr_postgres_of(db)->uri, MR_DB_READ,
				  &own, err);

	if (rc < 0)
		return rc;
	d = mr_postgres_of(own);
	d->guarded = true;
	(void)snprintf(text, sizeof(text), "SET statement_timeout = %" PRId64,
		       timeout_ms);
	rc = mr_pg_exec(d, text, "ask", err);
	if (rc >= 0)
		rc = check(d, sql, allowed, err);
	if (rc >= 0)
		rc = mr_db_begin(own, false, err);
	if (rc >= 0)
		rc = mr_pg_prepare(own, sql, false, out, err);
	if (rc < 0)
		return rc;
	mr_pg_as_text(*out);
	(*out)->owned = mr_steal(&own);
	return 0;
}

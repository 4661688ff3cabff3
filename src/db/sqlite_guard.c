/*
 * sqlite_guard.c - SQL that a user wrote, on a connection of its own.
 *
 * Read-only, with a deadline, and with an authorizer that lets a table be read
 * when it is named in the list, or when a view of the list reads that very
 * column.  The latter is learned from the view itself and not from the name
 * that SQLite says the read came from: a WITH may give itself that name.  Since
 * it may even do so to read what the view reads, and since rows are counted in
 * nobody's name, a statement does not name a table behind the views at all:
 * there is no other way to write one.
 */
#include "db/sqlite.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/list.h"
#include "base/mem.h"

struct guard {
	struct mr_sqlite *d;
	const char *const *allowed;
	struct mr_list reads; /* "view table column"; "table" */
	struct mr_list there; /* whatever has a name in the database */
	bool learning;
	bool denied;
	enum mreg_code failed; /* of learning */
	char what[128];        /* was denied */
};

static bool is_allowed(const struct guard *g, const char *name)
{
	size_t i;

	for (i = 0; g->allowed[i]; i++)
		if (strcasecmp(g->allowed[i], name) == 0)
			return true;
	return false;
}

static int deny(struct guard *g, const char *verb, const char *what)
{
	if (!g->denied)
		(void)snprintf(g->what, sizeof(g->what), "%s '%s'", verb,
			       what ? what : "");
	g->denied = true;
	return SQLITE_DENY;
}

static void learn_one(struct guard *g, const char *text)
{
	if (!mr_list_has(&g->reads, text) &&
	    mr_list_add(&g->reads, text, NULL) < 0)
		g->failed = MREG_ENOMEM;
}

/* A WITH's own name: nothing in the database has it. */
static bool is_own(const struct guard *g, const char *table)
{
	size_t i;

	for (i = 0; i < g->there.n; i++)
		if (strcasecmp(g->there.items[i], table) == 0)
			return false;
	return strncasecmp(table, "sqlite_", 7) != 0;
}

static int read_column(struct guard *g, const char *table, const char *column,
		       const char *from)
{
	char text[512];
	int n;

	if (is_allowed(g, table))
		return SQLITE_OK;
	/* That there are rows, without one of their columns: COUNT(*) of a
	 * view looks so, and not as if it came from the view. */
	if (!column[0] && (mr_list_has(&g->reads, table) || is_own(g, table)))
		return SQLITE_OK;
	if (!from || !is_allowed(g, from))
		return deny(g, "read", table);
	n = snprintf(text, sizeof(text), "%s %s %s", from, table, column);
	if (n < 0 || (size_t)n >= sizeof(text))
		return deny(g, "read", table);
	if (g->learning) {
		learn_one(g, text);
		learn_one(g, table);
	}
	return mr_list_has(&g->reads, text) ? SQLITE_OK
					    : deny(g, "read", table);
}

static int authorize(void *ctx, int action, const char *a, const char *b,
		     const char *database, const char *from)
{
	struct guard *g = ctx;

	(void)database;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		/* The one of SQLite's own that reaches a file. */
		return strcasecmp(b, "load_extension") == 0 ? deny(g, "call", b)
							    : SQLITE_OK;
	case SQLITE_READ:
		return read_column(g, a, b ? b : "", from);
	case SQLITE_PRAGMA:
		return deny(g, "use pragma", a);
	default:
		return deny(g, "write to", a ? a : "it");
	}
}

static int learn(struct guard *g, struct mreg_error *err)
{
	sqlite3_stmt *st;
	char text[160];
	size_t i;
	int rc = SQLITE_OK;

	g->learning = true;
	for (i = 0; g->allowed[i] && rc == SQLITE_OK; i++) {
		st = NULL;
		(void)snprintf(text, sizeof(text), "SELECT * FROM \"%s\"",
			       g->allowed[i]);
		rc = sqlite3_prepare_v2(g->d->handle, text, -1, &st, NULL);
		(void)sqlite3_finalize(st); /* was not stepped */
	}
	g->learning = false;
	if (g->failed != MREG_OK)
		return mr_fail_nomem(err);
	return rc == SQLITE_OK ? 0 : mr_sqlite_fail(g->d, rc, "read", err);
}

/* Before anything is guarded. */
static int list_names(struct guard *g, struct mreg_error *err)
{
	sqlite3_stmt *st = NULL;
	int failed = 0;
	int rc = sqlite3_prepare_v2(
		g->d->handle, "SELECT name FROM sqlite_schema", -1, &st, NULL);

	while (rc == SQLITE_OK && failed >= 0) {
		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW)
			break;
		failed = mr_list_add(&g->there,
				     (const char *)sqlite3_column_text(st, 0),
				     err);
		rc = SQLITE_OK;
	}
	(void)sqlite3_finalize(st); /* repeats step's error */
	if (failed < 0 || rc == SQLITE_DONE)
		return failed;
	return mr_sqlite_fail(g->d, rc, "read", err);
}

static int refused(struct guard *g, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EDENIED, "SQL here may not %s", g->what);
	return mr_hint(err, "it may SELECT from the documented views");
}

/* Not even in a text, which costs an honest question little. */
static int check_names(struct guard *g, const char *sql, struct mreg_error *err)
{
	size_t i;

	for (i = 0; i < g->reads.n; i++)
		if (!strchr(g->reads.items[i], ' ') &&
		    strcasestr(sql, g->reads.items[i])) {
			(void)deny(g, "read", g->reads.items[i]);
			return refused(g, err);
		}
	return 0;
}

/* `sql` as one statement that only reads. */
static int prepare(struct guard *g, const char *sql, struct mr_stmt **out,
		   struct mreg_error *err)
{
	sqlite3_stmt *st = NULL;
	const char *rest = "";
	int rc = sqlite3_prepare_v2(g->d->handle, sql, -1, &st, &rest);
	bool reads = st && sqlite3_stmt_readonly(st) &&
		     sqlite3_stmt_isexplain(st) == 0;
	bool none = !st;

	(void)sqlite3_finalize(st); /* was not stepped */
	if (g->denied)
		return refused(g, err);
	if (rc != SQLITE_OK)
		return mr_fail(err, MREG_EUSAGE, "SQL: %s",
			       sqlite3_errmsg(g->d->handle));
	if (none)
		return mr_fail(err, MREG_EUSAGE, "SQL: there is no statement");
	/* Comments and semicolons may follow; they make no statement. */
	rc = sqlite3_prepare_v2(g->d->handle, rest, -1, &st, NULL);
	none = rc == SQLITE_OK && !st;
	(void)sqlite3_finalize(st); /* was not stepped */
	if (!none)
		return mr_fail(err, MREG_EUSAGE,
			       "SQL: there is more than one statement");
	if (!reads) {
		(void)mr_fail(err, MREG_EDENIED, "SQL here may only SELECT");
		return mr_hint(err, "it may SELECT from the documented views");
	}
	return mr_sqlite_prepare(&g->d->base, sql, false, out, err);
}

int mr_sqlite_guarded(struct mr_db *db, const char *sql,
		      const char *const *allowed, int64_t timeout_ms,
		      struct mr_stmt **out, struct mreg_error *err)
{
	MR_AUTO(mr_db_closep) struct mr_db *own = NULL;
	struct guard g = { .allowed = allowed };
	int rc = mr_sqlite_open(db->env, mr_sqlite_of(db)->path, MR_DB_READ,
				&own, err);

	if (rc < 0)
		return rc;
	g.d = mr_sqlite_of(own);
	(void)sqlite3_limit(g.d->handle, SQLITE_LIMIT_LENGTH, 16 << 20);
	(void)sqlite3_limit(g.d->handle, SQLITE_LIMIT_COMPOUND_SELECT, 50);
	(void)sqlite3_limit(g.d->handle, SQLITE_LIMIT_EXPR_DEPTH, 100);
	(void)sqlite3_limit(g.d->handle, SQLITE_LIMIT_VDBE_OP, 100000);
	/* One state to its end: what was learned of it stays so, and nobody
	 * asks the guard again, who is gone by then. */
	rc = mr_db_begin(own, false, err);
	if (rc >= 0)
		rc = list_names(&g, err);
	(void)sqlite3_set_authorizer(g.d->handle, authorize, &g);
	if (rc >= 0)
		rc = learn(&g, err);
	if (rc >= 0)
		rc = check_names(&g, sql, err);
	if (rc >= 0)
		rc = prepare(&g, sql, out, err);
	(void)sqlite3_set_authorizer(g.d->handle, NULL, NULL);
	mr_list_release(&g.reads);
	mr_list_release(&g.there);
	if (rc < 0)
		return rc;
	g.d->deadline_ms = mr_mono_ms(db->env) + timeout_ms;
	(*out)->owned = mr_steal(&own);
	return 0;
}

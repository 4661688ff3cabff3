/*
 * migrate.c - the schema, step by step, and which steps were taken.
 *
 * Table schema_steps has a row for each.  A database is ours up to a point
 * when its rows are the first of our steps by number and name; rows beyond
 * ours are a newer mreg's.
 */
#include "db/driver.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static int is_migrated(struct mr_db *db, bool *out, struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	int rc = mr_stmt_new(db, db->ops->migrated, &s, err);

	if (rc >= 0)
		rc = mr_stmt_step(s, err);
	*out = rc > 0;
	return rc < 0 ? rc : 0;
}

static int newer(struct mr_db *db, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EUNSUPPORTED, "a newer mreg wrote '%s'",
		      db->shown);
	return mr_hint(err, "use that mreg, or name another database");
}

/* How many steps were taken. */
static int look(struct mr_db *db, const struct mr_migration *steps,
		size_t count, size_t *at, struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	bool migrated = false;
	const char *name;
	int rc = is_migrated(db, &migrated, err);

	*at = 0;
	if (rc < 0 || !migrated)
		return rc;
	rc = mr_stmt_new(db, "SELECT name FROM schema_steps ORDER BY number",
			 &s, err);
	while (rc >= 0 && (rc = mr_stmt_step(s, err)) > 0) {
		name = mr_stmt_text(s, 0);
		if (*at == count)
			return newer(db, err);
		if (!name || strcmp(name, steps[*at].name) != 0)
			return mr_fail(err, MREG_EUNSUPPORTED,
				       "the schema of '%s' is not one of mreg",
				       db->shown);
		(*at)++;
	}
	return rc;
}

static int run(struct mr_db *db, const char *sql, struct mreg_error *err)
{
	return sql ? mr_db_exec(db, sql, err) : 0;
}

static int take(struct mr_db *db, const struct mr_migration *step, size_t at,
		struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	bool sqlite = mr_db_kind(db) == MR_DB_SQLITE;
	int rc = run(db, step->sql, err);

	if (rc >= 0)
		rc = run(db, sqlite ? step->sqlite : step->postgres, err);
	if (rc >= 0)
		rc = mr_stmt_new(db,
				 "INSERT INTO schema_steps (number, name)"
				 " VALUES ($1, $2)",
				 &s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, (int64_t)at + 1);
	mr_bind_text(s, 2, step->name);
	return mr_stmt_run(s, err);
}

/* The next step, unless another process was faster. */
static int advance(struct mr_db *db, const struct mr_migration *steps,
		   size_t count, size_t *at, struct mreg_error *err)
{
	int rc = mr_db_begin(db, true, err);

	if (rc < 0)
		return rc;
	rc = mr_db_exec(db,
			"CREATE TABLE IF NOT EXISTS schema_steps"
			" (number {int} NOT NULL PRIMARY KEY,"
			" name {text} NOT NULL)",
			err);
	if (rc >= 0)
		rc = look(db, steps, count, at, err);
	if (rc >= 0 && *at < count) {
		rc = take(db, &steps[*at], *at, err);
		*at += rc >= 0;
	}
	if (rc >= 0)
		rc = mr_db_commit(db, err);
	if (rc < 0)
		mr_db_rollback(db);
	return rc;
}

int mr_db_migrate(struct mr_db *db, enum mr_db_mode mode,
		  const struct mr_migration *steps, size_t count, size_t *at,
		  struct mreg_error *err)
{
	int rc = look(db, steps, count, at, err);

	if (rc < 0)
		return rc;
	if (*at == 0 && mode != MR_DB_CREATE)
		return mr_fail(err, MREG_ENOTFOUND, "nothing is in '%s'",
			       db->shown);
	if (*at < count && mode == MR_DB_READ) {
		(void)mr_fail(err, MREG_EUNSUPPORTED,
			      "an older mreg wrote '%s'", db->shown);
		return mr_hint(err, "writing to it once brings it up to date");
	}
	while (rc >= 0 && *at < count)
		rc = advance(db, steps, count, at, err);
	return rc;
}

/*
 * db.c - open, check, replace and give up on the state file.
 *
 * SQLite's settings follow security.md 3.6; the file is ours alone, so a
 * schema that is not exactly ours is never executed.
 */
#include "state/db.h"

#include <stdio.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "state/place.h"

#define SCHEMA_VERSION 1
#define APPLICATION_ID 0x6d726567 /* "mreg" */
/* Long enough for a burst of 16 writers, short enough not to be felt. */
#define BUSY_TIMEOUT_MS 2000
/* After so many of these in a row the file is left alone. */
#define BUSY_MAX 3
/* How often old rows are looked for. */
#define PRUNE_EVERY 4096

static const char schema[] =
	"CREATE TABLE files(id INTEGER PRIMARY KEY, dev INTEGER NOT NULL,"
	" ino INTEGER NOT NULL, size INTEGER NOT NULL,"
	" mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,"
	" digest TEXT NOT NULL, judged INTEGER NOT NULL,"
	" tested INTEGER NOT NULL, UNIQUE(dev, ino));"
	"CREATE TABLE docs(id INTEGER PRIMARY KEY,"
	" digest TEXT NOT NULL UNIQUE, bytes BLOB NOT NULL);"
	"CREATE TABLE facts(id INTEGER PRIMARY KEY, scope TEXT NOT NULL,"
	" key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE(scope, key));";

/* REPLACE gives a row a new id, so ids are in order of writing. */
static const char *const texts[SQL_COUNT] = {
	[SQL_FILE_GET] = "SELECT digest, judged, tested FROM files WHERE"
			 " dev = ?1 AND ino = ?2 AND size = ?3 AND"
			 " mtime_ns = ?4 AND ctime_ns = ?5",
	[SQL_FILE_PUT] = "REPLACE INTO files(dev, ino, size, mtime_ns,"
			 " ctime_ns, digest, judged, tested)"
			 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_DOC_GET] = "SELECT bytes FROM docs WHERE digest = ?1",
	[SQL_DOC_PUT] = "REPLACE INTO docs(digest, bytes) VALUES(?1, ?2)",
	[SQL_FACT_GET] = "SELECT value FROM facts WHERE scope = ?1 AND"
			 " key = ?2",
	[SQL_FACT_PUT] = "REPLACE INTO facts(scope, key, value)"
			 " VALUES(?1, ?2, ?3)",
	[SQL_FACT_REPLACE] = "UPDATE facts SET value = ?4 WHERE scope = ?1"
			     " AND key = ?2 AND value = ?3",
	[SQL_FACT_FORGET] = "DELETE FROM facts WHERE scope = ?1 AND key = ?2",
};

static void tell(struct mr_state *s, enum mreg_log_level level, const char *why)
{
	char path[512];

	if (s->told)
		return;
	s->told = true;
	mr_log(s->env, level, "not remembering in '%s': %s",
	       mr_text_safe(s->path, path, sizeof(path)), why);
}

static bool prepare(struct mr_state *s)
{
	bool warn = false;
	const char *why = mr_state_place_prepare(s->path, &warn);

	if (why)
		tell(s, warn ? MREG_LOG_WARN : MREG_LOG_INFO, why);
	return !why;
}

static void close_db(struct mr_state *s)
{
	size_t i;

	for (i = 0; i < SQL_COUNT; i++) {
		(void)sqlite3_finalize(s->stmts[i]); /* repeats step's error */
		s->stmts[i] = NULL;
	}
	(void)sqlite3_close(s->db); /* nothing is left that could be busy */
	s->db = NULL;
	s->in_tx = false;
}

static bool is_corrupt(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

/* -- the database ---------------------------------------------------------- */

/* First column of the first row, a number. */
static int query(sqlite3 *db, const char *text, sqlite3_int64 *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, text, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*out = sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	(void)sqlite3_finalize(st); /* repeats step's error */
	return rc;
}

static void configure(struct mr_state *s)
{
	sqlite3 *db = s->db;

	/* None of these can fail for a valid connection and a known number;
	 * a SQLite that lacks one is merely less strict. */
	(void)sqlite3_extended_result_codes(db, 1);
	(void)sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	/* A process that still has a replaced file open must not remove the
	 * log of its successor when it closes. */
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 16 << 20);
	(void)sqlite3_exec(db,
			   "PRAGMA cell_size_check = ON;"
			   "PRAGMA temp_store = MEMORY;"
			   /* Every start reads the whole log. */
			   "PRAGMA wal_autocheckpoint = 64;"
			   "PRAGMA synchronous = NORMAL;",
			   NULL, NULL, NULL);
}

/* The tables, unless another process was faster. */
static int create(sqlite3 *db)
{
	char numbers[96];
	sqlite3_int64 version = 0;
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = query(db, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK && version == 0) {
		(void)snprintf(numbers, sizeof(numbers),
			       "PRAGMA application_id = %d;"
			       "PRAGMA user_version = %d;",
			       APPLICATION_ID, SCHEMA_VERSION);
		rc = sqlite3_exec(db, schema, NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, numbers, NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* SQLITE_CORRUPT also for what is ours but of an older schema: both are
 * replaced.  `*why` is set when the file must be left alone, `*fresh` when
 * there is nothing in it. */
static int check_schema(struct mr_state *s, const char **why, bool *fresh)
{
	sqlite3_int64 version = 0;
	sqlite3_int64 app = 0;
	sqlite3_int64 tables = 0;
	/* One transaction: another process may be creating the tables. */
	int rc = sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = query(s->db, "SELECT count(*) FROM sqlite_schema",
			   &tables);
	if (rc == SQLITE_OK)
		rc = query(s->db, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK)
		rc = query(s->db, "PRAGMA application_id", &app);
	(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return rc;
	if (app != APPLICATION_ID && (app || version || tables))
		*why = "it is the database of another program";
	else if (version > SCHEMA_VERSION)
		*why = "a newer mreg wrote it";
	else if (version < SCHEMA_VERSION && tables)
		return SQLITE_CORRUPT;
	*fresh = tables == 0;
	return SQLITE_OK;
}

static int open_once(struct mr_state *s, const char **why)
{
	bool fresh = false;
	int rc = sqlite3_open_v2(s->path, &s->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				 NULL);

	if (rc != SQLITE_OK)
		return rc;
	configure(s);
	rc = check_schema(s, why, &fresh);
	if (rc != SQLITE_OK || *why)
		return rc;
	if (sqlite3_db_readonly(s->db, "main") == 1) {
		s->writes_off = true;
		return SQLITE_OK;
	}
	/* Without it, or with another process in the way, it works too. */
	/* WAL needs memory that its users share (sqlite.org/wal.html). */
	if (!mr_file_is_remote(s->path))
		(void)sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL,
				   NULL, NULL);
	return fresh ? create(s->db) : SQLITE_OK;
}

static void remove_corrupt(struct mr_state *s, int rc)
{
	char path[512];

	s->replaced = true;
	close_db(s);
	mr_log(s->env, MREG_LOG_INFO, "replacing '%s': %s",
	       mr_text_safe(s->path, path, sizeof(path)), sqlite3_errstr(rc));
	mr_state_place_remove(s->path);
}

void mr_state_db_open(struct mr_state *s)
{
	const char *why = NULL;
	int rc;

	if (!prepare(s))
		return;
	rc = open_once(s, &why);
	if (is_corrupt(rc) && !s->replaced) {
		remove_corrupt(s, rc);
		if (!prepare(s))
			return;
		rc = open_once(s, &why);
	}
	if (rc == SQLITE_OK && !why)
		return;
	tell(s, MREG_LOG_INFO, why ? why : sqlite3_errstr(rc));
	close_db(s);
}

/* -- use ------------------------------------------------------------------- */

static void trouble(struct mr_state *s, int rc)
{
	bool busy = (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED;

	if (is_corrupt(rc) && !s->replaced && !s->writes_off) {
		remove_corrupt(s, rc);
		mr_state_db_open(s);
		return;
	}
	if (busy && ++s->busy < BUSY_MAX)
		return;
	tell(s, MREG_LOG_INFO, sqlite3_errstr(rc));
	s->writes_off = true;
	if (is_corrupt(rc))
		close_db(s);
}

/* The oldest rows go; a file in use comes back when it is hashed again. */
static void prune(struct mr_state *s)
{
	static const char *const tables[] = { "files", "docs", "facts" };
	char text[192];
	size_t i;
	int rc;

	s->puts = 0;
	for (i = 0; i < MR_COUNT(tables) && s->db; i++) {
		(void)snprintf(text, sizeof(text),
			       "DELETE FROM %s WHERE id <="
			       " (SELECT max(id) FROM %s) - %d",
			       tables[i], tables[i], MR_STATE_ROWS_MAX);
		rc = sqlite3_exec(s->db, text, NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			trouble(s, rc);
	}
}

sqlite3_stmt *mr_state_db_stmt(struct mr_state *s, enum sql which)
{
	int rc = SQLITE_OK;

	if (!s->db)
		return NULL;
	if (!s->stmts[which])
		rc = sqlite3_prepare_v3(s->db, texts[which], -1,
					SQLITE_PREPARE_PERSISTENT,
					&s->stmts[which], NULL);
	if (rc == SQLITE_OK && sqlite3_stmt_readonly(s->stmts[which]))
		return s->stmts[which];
	if (rc == SQLITE_OK && s->writes_off)
		return NULL;
	if (rc == SQLITE_OK && s->depth && !s->in_tx) {
		rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		s->in_tx = rc == SQLITE_OK;
	}
	if (rc == SQLITE_OK)
		return s->stmts[which];
	trouble(s, rc);
	return NULL;
}

bool mr_state_db_step(struct mr_state *s, sqlite3_stmt *st, int rc)
{
	bool row;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	row = rc == SQLITE_ROW;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		mr_state_db_done(st);
		trouble(s, rc);
		return false;
	}
	if (!sqlite3_stmt_readonly(st)) {
		s->busy = 0;
		s->puts++;
	}
	if (!row)
		mr_state_db_done(st);
	if (s->puts >= PRUNE_EVERY)
		prune(s);
	return row;
}

void mr_state_db_done(sqlite3_stmt *st)
{
	(void)sqlite3_reset(st);          /* repeats step's error */
	(void)sqlite3_clear_bindings(st); /* never fails */
}

void mr_state_db_commit(struct mr_state *s)
{
	int rc;

	if (!s->in_tx)
		return;
	rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	s->in_tx = false;
	if (rc == SQLITE_OK)
		return;
	(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	trouble(s, rc);
}

void mr_state_db_close(struct mr_state *s)
{
	if (!s->db)
		return;
	if (s->puts)
		prune(s);
	mr_state_db_commit(s);
	close_db(s);
}

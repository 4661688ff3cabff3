/*
 * sqlite.c - a database in a file: opening, settings, transactions.
 *
 * Settings follow security.md 3.6 and performance.md 5.12.  A file that is not
 * ours by its header is never asked for its schema, which could name code.
 */
#include "db/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define APPLICATION_ID 0x6d726462 /* "mrdb" */
/* A writer holds its place for one repository, which is seconds at most. */
#define BUSY_MS 30000
#define BUSY_STEP_MAX_MS 50
/* How many of SQLite's steps between two looks at ^C and deadlines: 0.2 ms. */
#define STEPS_BETWEEN_LOOKS 10000
/* KiB of pages; a sync's working set.  Readers take pages from the map. */
#define CACHE_KIB 32768
/* As much as SQLite maps at all (its SQLITE_MAX_MMAP_SIZE). */
#define MAP_BYTES "2147418112"
/* Sets of ids are the largest value that is bound. */
#define VALUE_MAX_BYTES (64 << 20)

struct mr_sqlite *mr_sqlite_of(struct mr_db *db)
{
	return mr_container_of(db, struct mr_sqlite, base);
}

/* -- errors ---------------------------------------------------------------- */

static int code_of(struct mr_sqlite *d, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return MREG_ENOMEM;
	case SQLITE_TOOBIG:
		return MREG_ELIMIT;
	case SQLITE_INTERRUPT:
		return d->late ? MREG_ELIMIT : MREG_ECANCELED;
	case SQLITE_CONSTRAINT:
		return rc == SQLITE_CONSTRAINT_UNIQUE ||
				       rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
				       rc == SQLITE_CONSTRAINT_ROWID
			       ? MREG_ECONFLICT
			       : MREG_EDB;
	case SQLITE_BUSY:
		return mr_cancelled(d->base.env) ? MREG_ECANCELED : MREG_EDB;
	case SQLITE_ERROR: /* what it was asked cannot be computed */
		return d->deadline_ms ? MREG_EUSAGE : MREG_EDB;
	default:
		return MREG_EDB;
	}
}

static const char *hint_of(int rc)
{
	/* Somebody died while he wrote, which a reader cannot undo. */
	if (rc == SQLITE_READONLY_ROLLBACK || rc == SQLITE_READONLY_RECOVERY)
		rc = SQLITE_CANTOPEN;
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another process is writing to it; try again";
	case SQLITE_FULL:
		return "free some space on its disk";
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return "its file or its folder may not be written to";
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return "remove the file and have it made anew";
	case SQLITE_CANTOPEN:
		return "let its owner run 'mreg index sync', which tidies "
		       "up; or be let write to its folder, -wal and -shm";
	case SQLITE_IOERR:
		return "its disk may be full, or failing";
	default:
		return NULL;
	}
}

int mr_sqlite_fail(struct mr_sqlite *d, int rc, const char *what,
		   struct mreg_error *err)
{
	enum mreg_code code = code_of(d, rc);
	const char *hint = hint_of(rc);
	const char *said =
		d->handle && sqlite3_extended_errcode(d->handle) == rc
			? sqlite3_errmsg(d->handle)
			: sqlite3_errstr(rc);

	if (code == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (code == MREG_ECANCELED)
		return mr_fail(err, code, "interrupted");
	(void)mr_fail(err, code, "cannot %s '%s': %s", what, d->base.shown,
		      d->late ? "it takes too long" : said);
	if (err)
		err->sys = 0;
	return code == MREG_EDB && hint ? mr_hint(err, "%s", hint) : code;
}

/* -- connecting ------------------------------------------------------------ */

/* Every few thousand steps of a statement; not 0 ends it. */
static int look_up(void *ctx)
{
	struct mr_sqlite *d = ctx;

	if (d->deadline_ms && mr_mono_ms(d->base.env) > d->deadline_ms)
		d->late = true;
	return d->late || mr_cancelled(d->base.env);
}

/* `n` waits were before; 0: give up. */
static int wait_turn(void *ctx, int n)
{
	struct mr_sqlite *d = ctx;
	int64_t ms = n < BUSY_STEP_MAX_MS ? n + 1 : BUSY_STEP_MAX_MS;
	int64_t waited = n < BUSY_STEP_MAX_MS
				 ? (int64_t)n * (n + 1) / 2
				 : (int64_t)BUSY_STEP_MAX_MS * (n - 24);

	return waited < BUSY_MS && mr_sleep_ms(d->base.env, ms, NULL) == 0;
}

static int configure(struct mr_sqlite *d)
{
	sqlite3 *db = d->handle;

	/* None of these can fail for a valid connection and a known number;
	 * a SQLite that lacks one is merely less strict. */
	(void)sqlite3_extended_result_codes(db, 1);
	(void)sqlite3_busy_handler(db, wait_turn, d);
	sqlite3_progress_handler(db, STEPS_BETWEEN_LOOKS, look_up, d);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	(void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX_BYTES);
	(void)sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, MR_SQL_MAX_BYTES);
	return mr_sqlite_functions(db);
}

/* "file:" and the path with what a URI means otherwise as %XX. */
static int frozen_uri(const char *path, struct mr_buf *out,
		      struct mreg_error *err)
{
	char real[PATH_MAX];
	const char *p;

	if (!realpath(path, real))
		return mr_fail_sys(err, errno, "cannot open '%s'", path);
	mr_buf_puts(out, "file://");
	for (p = real; *p; p++)
		if (strchr("%?#", *p))
			mr_buf_printf(out, "%%%02X", (unsigned int)*p);
		else
			mr_buf_putc(out, *p);
	mr_buf_puts(out, "?immutable=1");
	return mr_buf_check(out, "name of the database", err);
}

int mr_sqlite_connect(struct mr_env *env, const char *path, int flags,
		      struct mr_sqlite **out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf uri = MR_BUF_INIT(4 * PATH_MAX);
	struct mr_sqlite *d = mr_zalloc(sizeof(*d));
	int rc;

	if (!d)
		return mr_fail_nomem(err);
	rc = mr_db_init(&d->base, &mr_sqlite_ops, env, path, err);
	d->path = mr_strdup(path);
	if (rc >= 0 && !d->path)
		rc = mr_fail_nomem(err);
	if (rc >= 0 && (flags & SQLITE_OPEN_URI))
		rc = frozen_uri(path, &uri, err);
	if (rc >= 0) {
		rc = sqlite3_open_v2(uri.len ? mr_buf_text(&uri) : path,
				     &d->handle, flags | SQLITE_OPEN_NOMUTEX,
				     NULL);
		if (rc == SQLITE_OK)
			rc = configure(d);
		if (rc != SQLITE_OK)
			rc = mr_sqlite_fail(d, rc, "open", err);
	}
	if (rc < 0) {
		mr_db_close(&d->base);
		return rc;
	}
	*out = d;
	return 0;
}

static void close_sqlite(struct mr_db *db)
{
	struct mr_sqlite *d = mr_sqlite_of(db);
	size_t i;

	for (i = 0; i < MR_COUNT(d->turns); i++)
		(void)sqlite3_finalize(d->turns[i]); /* repeats step's error */
	/* Statements that a caller still has would keep it open. */
	(void)sqlite3_close_v2(d->handle);
	mr_release(d->path);
	mr_db_release(db);
	mr_release(d);
}

/* -- the file -------------------------------------------------------------- */

/* Readable by its owner alone, as are the log and the map that SQLite puts
 * beside it; models' names may be secret. */
static int make_file(const char *path, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *copy = mr_strdup(path);
	MR_AUTO(mr_fd_close) int fd = -1;
	int rc;

	if (!copy)
		return mr_fail_nomem(err);
	rc = mr_dir_make(dirname(copy), err);
	if (rc < 0)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? mr_fail_sys(err, errno, "cannot make '%s'", path) : 0;
}

static int check_file(const char *path, enum mr_db_mode mode,
		      struct mreg_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT && mode == MR_DB_CREATE)
			return make_file(path, err);
		return mr_fail_sys(err, errno, "cannot open '%s'", path);
	}
	if (S_ISREG(st.st_mode))
		return 0;
	(void)mr_fail(err, MREG_EDB, "'%s' is not a regular file", path);
	return mr_hint(err, "name another file");
}

/* Whether beside `path` files may be made, where there is no log yet, and no
 * journal of a transaction that has not ended. */
static bool may_log(const char *path)
{
	static const char *const ends[] = { "wal", "journal" };
	char name[PATH_MAX];
	char folder[PATH_MAX];
	size_t i;
	int n;

	for (i = 0; i < MR_COUNT(ends); i++) {
		n = snprintf(name, sizeof(name), "%s-%s", path, ends[i]);
		if (n < 0 || (size_t)n >= sizeof(name) ||
		    access(name, F_OK) == 0)
			return true;
	}
	(void)snprintf(folder, sizeof(folder), "%s", path);
	return faccessat(AT_FDCWD, dirname(folder), W_OK, AT_EACCESS) == 0;
}

/*
 * SQLite makes files beside the one it reads, unless it is told that nobody
 * writes (immutable): what lies on a disk that is mounted so; and what lies in
 * somebody else's folder while its owner does not have it open, for then there
 * is a log that can be read along.  Who begins to write while a command reads
 * so is not noticed, and only at the end moves what was written into the file:
 * that is the one who has to fear a wrong answer, and it is told in
 * spec/index.md.
 */
static bool is_frozen(const char *path)
{
	struct statvfs fs;

	return (statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY)) ||
	       !may_log(path);
}

/* -- whose it is ----------------------------------------------------------- */

/* First column of the first row, a number. */
static int number(struct mr_sqlite *d, const char *sql, sqlite3_int64 *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(d->handle, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*out = sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	(void)sqlite3_finalize(st); /* repeats step's error */
	return rc;
}

/* None of these pragmas reads the schema. */
static int identify(struct mr_sqlite *d, bool *fresh, struct mreg_error *err)
{
	sqlite3_int64 app = 0, version = 0, schema = 0;
	int rc = sqlite3_exec(d->handle, "BEGIN", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = number(d, "PRAGMA application_id", &app);
	if (rc == SQLITE_OK)
		rc = number(d, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK)
		rc = number(d, "PRAGMA schema_version", &schema);
	if (rc != SQLITE_OK)
		rc = mr_sqlite_fail(d, rc, "open", err);
	(void)sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
	if (rc < 0)
		return rc;
	*fresh = app == 0 && version == 0 && schema == 0;
	if (*fresh || app == APPLICATION_ID)
		return 0;
	(void)mr_fail(err, MREG_EDB, "'%s' is the database of another program",
		      d->base.shown);
	return mr_hint(err, "name another file");
}

/* Two who begin the log of one file at once hold the lock that each other
 * waits for: SQLite says so at once, and asks no busy handler. */
static int exec_in_turn(struct mr_sqlite *d, const char *sql)
{
	int n = 0;
	int rc;

	do
		rc = sqlite3_exec(d->handle, sql, NULL, NULL, NULL);
	while ((rc & 0xff) == SQLITE_BUSY && wait_turn(d, n++));
	return rc;
}

static int settings(struct mr_sqlite *d, bool fresh, struct mreg_error *err)
{
	char text[256];
	int rc = SQLITE_OK;

	/* A damaged page is found before it is written to.  Who reads has each
	 * page anew whenever it is looked at, since the file is mapped: looking
	 * through all of it was half of what a search takes. */
	(void)snprintf(text, sizeof(text),
		       "PRAGMA cell_size_check = %s;"
		       "PRAGMA temp_store = MEMORY;"
		       "PRAGMA mmap_size = " MAP_BYTES ";"
		       "PRAGMA synchronous = NORMAL;"
		       "PRAGMA cache_size = -%d;",
		       d->read_only ? "OFF" : "ON", CACHE_KIB);
	rc = sqlite3_exec(d->handle, text, NULL, NULL, NULL);
	if (rc != SQLITE_OK || d->read_only)
		return rc == SQLITE_OK ? 0 : mr_sqlite_fail(d, rc, "open", err);
	/* The size of pages is fixed when the log begins. */
	if (fresh)
		rc = sqlite3_exec(d->handle, "PRAGMA page_size = 8192", NULL,
				  NULL, NULL);
	if (rc == SQLITE_OK && !mr_file_is_remote(d->path))
		rc = exec_in_turn(d, "PRAGMA journal_mode = WAL");
	if (rc == SQLITE_OK && fresh) {
		(void)snprintf(text, sizeof(text), "PRAGMA application_id = %d",
			       APPLICATION_ID);
		rc = exec_in_turn(d, text);
	}
	return rc == SQLITE_OK ? 0 : mr_sqlite_fail(d, rc, "write to", err);
}

int mr_sqlite_open(struct mr_env *env, const char *path, enum mr_db_mode mode,
		   struct mr_db **out, struct mreg_error *err)
{
	MR_AUTO(mr_db_closep) struct mr_db *opened = NULL;
	int flags = mode == MR_DB_READ ? SQLITE_OPEN_READONLY
				       : SQLITE_OPEN_READWRITE;
	struct mr_sqlite *d = NULL;
	bool fresh = false;
	int rc = check_file(path, mode, err);

	if (rc < 0)
		return rc;
	if (mode == MR_DB_READ && is_frozen(path))
		flags |= SQLITE_OPEN_URI;
	rc = mr_sqlite_connect(env, path, flags, &d, err);
	if (rc < 0)
		return rc;
	opened = &d->base;
	d->read_only = mode == MR_DB_READ;
	if (!d->read_only && sqlite3_db_readonly(d->handle, "main") == 1)
		return mr_sqlite_fail(d, SQLITE_READONLY, "write to", err);
	rc = identify(d, &fresh, err);
	if (rc >= 0)
		rc = settings(d, fresh, err);
	if (rc >= 0)
		*out = mr_steal(&opened);
	return rc;
}

/* -- transactions and the rest --------------------------------------------- */

static int exec(struct mr_sqlite *d, const char *sql, const char *what,
		struct mreg_error *err)
{
	int rc = sqlite3_exec(d->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : mr_sqlite_fail(d, rc, what, err);
}

static int exec_sqlite(struct mr_db *db, const char *sql,
		       struct mreg_error *err)
{
	return exec(mr_sqlite_of(db), sql, "change", err);
}

/* Each question is a transaction of its own, so these are made once. */
static int turn(struct mr_sqlite *d, enum mr_sqlite_turn which)
{
	static const char *const texts[] = {
		[MR_SQLITE_READ] = "BEGIN",
		[MR_SQLITE_WRITE] = "BEGIN IMMEDIATE",
		[MR_SQLITE_COMMIT] = "COMMIT",
		[MR_SQLITE_ROLLBACK] = "ROLLBACK",
		[MR_SQLITE_LOOK] = "PRAGMA data_version",
	};
	sqlite3_stmt **st = &d->turns[which];
	int rc = SQLITE_OK;

	if (!*st)
		rc = sqlite3_prepare_v3(d->handle, texts[which], -1,
					SQLITE_PREPARE_PERSISTENT, st, NULL);
	if (rc != SQLITE_OK)
		return rc;
	(void)sqlite3_step(*st); /* reset says it again */
	return sqlite3_reset(*st);
}

static int begin_sqlite(struct mr_db *db, bool write, struct mreg_error *err)
{
	struct mr_sqlite *d = mr_sqlite_of(db);
	int rc = turn(d, write ? MR_SQLITE_WRITE : MR_SQLITE_READ);

	return rc == SQLITE_OK
		       ? 0
		       : mr_sqlite_fail(d, rc, write ? "write to" : "read",
					err);
}

static int commit_sqlite(struct mr_db *db, struct mreg_error *err)
{
	struct mr_sqlite *d = mr_sqlite_of(db);
	int rc = turn(d, MR_SQLITE_COMMIT);

	return rc == SQLITE_OK ? 0 : mr_sqlite_fail(d, rc, "write to", err);
}

static void rollback_sqlite(struct mr_db *db)
{
	/* Nothing to be done if it fails; SQLite may have done it itself. */
	(void)turn(mr_sqlite_of(db), MR_SQLITE_ROLLBACK);
}

/* SQLite knows what others wrote only once it looked into the file. */
static int version_sqlite(struct mr_db *db, uint64_t *out,
			  struct mreg_error *err)
{
	struct mr_sqlite *d = mr_sqlite_of(db);
	unsigned int version = 0;
	int rc = turn(d, MR_SQLITE_LOOK);

	if (rc == SQLITE_OK)
		rc = sqlite3_file_control(d->handle, "main",
					  SQLITE_FCNTL_DATA_VERSION, &version);
	if (rc != SQLITE_OK)
		return mr_sqlite_fail(d, rc, "read", err);
	*out = version;
	return 1;
}

static int settle_sqlite(struct mr_db *db, struct mreg_error *err)
{
	/* A thousand rows of each index are enough for its shape. */
	int rc =
		exec(mr_sqlite_of(db), "PRAGMA analysis_limit = 1000; ANALYZE;",
		     "write to", err);

	if (rc < 0)
		return rc;
	/* Readers may be in the way; the next one does it. */
	(void)sqlite3_wal_checkpoint_v2(mr_sqlite_of(db)->handle, NULL,
					SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return 0;
}

static int size_sqlite(struct mr_db *db, uint64_t *out, struct mreg_error *err)
{
	struct mr_sqlite *d = mr_sqlite_of(db);
	sqlite3_int64 pages = 0, each = 0;
	int rc = number(d, "PRAGMA page_count", &pages);

	if (rc == SQLITE_OK)
		rc = number(d, "PRAGMA page_size", &each);
	if (rc != SQLITE_OK)
		return mr_sqlite_fail(d, rc, "read", err);
	*out = (uint64_t)pages * (uint64_t)each;
	return 0;
}

static const struct mr_db_words words = {
	.key = "INTEGER PRIMARY KEY",
	.integer = "INTEGER",
	.real = "REAL",
	.text = "TEXT",
	.blob = "BLOB",
	.rowless = "WITHOUT ROWID",
	.mark = "?",
	.ids = "SELECT value FROM json_each(@P)",
	.like = "mr_like(@P, @A)",
	.like_folded = "mr_ilike(@P, @A)",
	.digest = "(CASE length(@A) WHEN 32 THEN 'sha256:' WHEN 64 THEN "
		  "'sha512:' END || lower(hex(@A)))",
	.time = "CASE WHEN @A <> 0 AND @A BETWEEN -62135596800 AND "
		"253402300799 THEN strftime('%Y-%m-%dT%H:%M:%SZ', @A, "
		"'unixepoch') END",
};

const struct mr_db_ops mr_sqlite_ops = {
	.kind = MR_DB_SQLITE,
	.words = &words,
	.idle_most = 64,
	.migrated = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND"
		    " name = 'schema_steps'",
	.close = close_sqlite,
	.exec = exec_sqlite,
	.begin = begin_sqlite,
	.commit = commit_sqlite,
	.rollback = rollback_sqlite,
	.version = version_sqlite,
	.settle = settle_sqlite,
	.size = size_sqlite,
	.guarded = mr_sqlite_guarded,
	.prepare = mr_sqlite_prepare,
	.free = mr_sqlite_stmt_free,
	.bind = mr_sqlite_bind,
	.bind_ids = mr_sqlite_bind_ids,
	.step = mr_sqlite_step,
	.run = mr_sqlite_run,
	.reset = mr_sqlite_reset,
	.columns = mr_sqlite_columns,
	.name = mr_sqlite_name,
	.column = mr_sqlite_column,
};

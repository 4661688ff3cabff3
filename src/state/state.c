/*
 * state.c - put and get: what is remembered, and what is not.
 */
#include "state/state.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "state/db.h"

/* A timer tick of the slowest kernel is 10 ms; five of them.  File systems
 * that keep whole seconds (or FAT's two) need as much. */
#define TICK_NS INT64_C(50000000)
#define COARSE_TICK_NS INT64_C(2000000000)
#define SECOND_NS INT64_C(1000000000)

#define FACT_MAX_BYTES 4096

struct mr_state *mr_state_open(const char *path, struct mr_env *env)
{
	struct mr_state *s = mr_zalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->env = env;
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		mr_release(s);
		return NULL;
	}
	if (!path)
		return s;
	s->path = mr_strdup(path);
	if (!s->path) {
		mr_state_close(s);
		return NULL;
	}
	mr_state_db_open(s);
	return s;
}

void mr_state_close(struct mr_state *s)
{
	if (!s)
		return;
	mr_state_docs_write(s);
	mr_state_db_close(s);
	(void)pthread_mutex_destroy(&s->lock); /* nobody may hold it */
	mr_release(s->path);
	mr_release(s);
}

static int bind_text(sqlite3_stmt *st, int at, const char *text)
{
	return sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

/* Numbers are kept as SQLite's signed ones; equality does not mind. */
static int bind_id(sqlite3_stmt *st, const struct mr_file_id *id)
{
	int rc = sqlite3_bind_int64(st, 1, (sqlite3_int64)id->dev);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(st, 2, (sqlite3_int64)id->ino);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(st, 3, (sqlite3_int64)id->size);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(st, 4, id->mtime_ns);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(st, 5, id->ctime_ns);
	return rc;
}

/* Copy a text column; false if it does not fit or holds a NUL. */
static bool copy_text(sqlite3_stmt *st, int column, char *out, size_t cap)
{
	const unsigned char *text = sqlite3_column_text(st, column);
	size_t n = (size_t)sqlite3_column_bytes(st, column);

	if (!text || n >= cap || memchr(text, 0, n))
		return false;
	memcpy(out, text, n);
	out[n] = '\0';
	return true;
}

bool mr_state_file_get(struct mr_state *s, const struct mr_file_id *id,
		       struct mr_state_file *out)
{
	struct mr_state_file f = { .judged = false };
	sqlite3_stmt *st;
	bool found = false;

	if (!s)
		return false;
	pthread_mutex_lock(&s->lock);
	st = mr_state_db_stmt(s, SQL_FILE_GET);
	if (st && mr_state_db_step(s, st, bind_id(st, id))) {
		f.judged = sqlite3_column_int(st, 1) == 1;
		f.tested = sqlite3_column_int(st, 2) == 1;
		found = copy_text(st, 0, f.digest, sizeof(f.digest));
		mr_state_db_done(st);
	}
	pthread_mutex_unlock(&s->lock);
	if (found)
		*out = f;
	return found;
}

static bool is_racy(const struct mr_file_id *id, int64_t now_ns)
{
	int64_t last =
		id->mtime_ns > id->ctime_ns ? id->mtime_ns : id->ctime_ns;
	bool coarse =
		id->mtime_ns % SECOND_NS == 0 && id->ctime_ns % SECOND_NS == 0;

	return last > now_ns - (coarse ? COARSE_TICK_NS : TICK_NS);
}

void mr_state_file_put(struct mr_state *s, const struct mr_file_id *id,
		       int64_t now_ns, const struct mr_state_file *f)
{
	sqlite3_stmt *st;
	int rc;

	if (!s || is_racy(id, now_ns))
		return;
	pthread_mutex_lock(&s->lock);
	st = mr_state_db_stmt(s, SQL_FILE_PUT);
	if (st) {
		rc = bind_id(st, id);
		if (rc == SQLITE_OK)
			rc = bind_text(st, 6, f->digest);
		if (rc == SQLITE_OK)
			rc = sqlite3_bind_int(st, 7, f->judged);
		if (rc == SQLITE_OK)
			rc = sqlite3_bind_int(st, 8, f->judged && f->tested);
		(void)mr_state_db_step(s, st, rc); /* has no row */
	}
	pthread_mutex_unlock(&s->lock);
}

bool mr_state_fact_get(struct mr_state *s, const char *scope, const char *key,
		       char *out, size_t cap)
{
	sqlite3_stmt *st;
	bool found = false;
	int rc;

	if (!s)
		return false;
	pthread_mutex_lock(&s->lock);
	st = mr_state_db_stmt(s, SQL_FACT_GET);
	if (st) {
		rc = bind_text(st, 1, scope);
		if (rc == SQLITE_OK)
			rc = bind_text(st, 2, key);
		if (mr_state_db_step(s, st, rc)) {
			found = copy_text(st, 0, out, cap);
			mr_state_db_done(st);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

void mr_state_fact_put(struct mr_state *s, const char *scope, const char *key,
		       const char *value)
{
	sqlite3_stmt *st;
	int rc;

	if (!s || (value && strlen(value) > FACT_MAX_BYTES))
		return;
	pthread_mutex_lock(&s->lock);
	st = mr_state_db_stmt(s, value ? SQL_FACT_PUT : SQL_FACT_FORGET);
	if (st) {
		rc = bind_text(st, 1, scope);
		if (rc == SQLITE_OK)
			rc = bind_text(st, 2, key);
		if (rc == SQLITE_OK && value)
			rc = bind_text(st, 3, value);
		(void)mr_state_db_step(s, st, rc); /* has no row */
	}
	pthread_mutex_unlock(&s->lock);
}

bool mr_state_fact_replace(struct mr_state *s, const char *scope,
			   const char *key, const char *was, const char *now)
{
	sqlite3_stmt *st;
	bool done = false;
	int changed;
	int rc;

	if (!s || strlen(now) > FACT_MAX_BYTES)
		return false;
	pthread_mutex_lock(&s->lock);
	st = mr_state_db_stmt(s, SQL_FACT_REPLACE);
	if (st) {
		rc = bind_text(st, 1, scope);
		if (rc == SQLITE_OK)
			rc = bind_text(st, 2, key);
		if (rc == SQLITE_OK)
			rc = bind_text(st, 3, was);
		if (rc == SQLITE_OK)
			rc = bind_text(st, 4, now);
		changed = sqlite3_total_changes(s->db);
		(void)mr_state_db_step(s, st, rc); /* has no row */
		done = s->db && sqlite3_total_changes(s->db) > changed;
	}
	pthread_mutex_unlock(&s->lock);
	return done;
}

void mr_state_begin(struct mr_state *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->depth++;
	pthread_mutex_unlock(&s->lock);
}

void mr_state_end(struct mr_state *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	if (s->depth && --s->depth == 0)
		mr_state_db_commit(s);
	pthread_mutex_unlock(&s->lock);
}

/*
 * db.c - the one caller of the drivers: words, statements that are kept, and
 * values from one type to another.
 */
#include "db/driver.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* -- where ----------------------------------------------------------------- */

bool mr_db_is_uri(const char *where)
{
	return mr_text_starts(where, "postgresql://") ||
	       mr_text_starts(where, "postgres://");
}

int mr_db_open(struct mr_env *env, const char *where, enum mr_db_mode mode,
	       struct mr_db **out, struct mreg_error *err)
{
	return mr_db_is_uri(where)
		       ? mr_postgres_open(env, where, mode, out, err)
		       : mr_sqlite_open(env, where, mode, out, err);
}

/* The password's bytes in a URI, or false: between the first colon of what
 * stands before the last "@" of the authority, or behind "password=". */
static bool find_password(const char *where, size_t from, size_t *at, size_t *n)
{
	const char *start = strstr(where, "://");
	const char *authority = start ? start + 3 : where;
	size_t len = strcspn(authority, "/?#");
	const char *colon = memchr(authority, ':', len);
	const char *option;
	size_t i;

	for (i = len; i > 0 && authority[i - 1] != '@'; i--)
		;
	if (i > 0 && colon && colon < authority + i - 1) {
		*at = (size_t)(colon + 1 - where);
		*n = (size_t)(authority + i - 1 - colon - 1);
		if (*at >= from)
			return true;
	}
	option = strstr(where + from, "password=");
	if (!option)
		return false;
	*at = (size_t)(option - where) + strlen("password=");
	*n = strcspn(where + *at, "&#");
	return true;
}

bool mr_db_has_password(const char *where)
{
	size_t at, n;

	return mr_db_is_uri(where) && find_password(where, 0, &at, &n);
}

const char *mr_db_shown(const char *where, char *out, size_t n)
{
	struct mr_buf text = MR_BUF_INIT(n);
	size_t from = 0;
	size_t at, len;

	if (!mr_db_is_uri(where))
		return mr_text_safe(where, out, n);
	while (find_password(where, from, &at, &len)) {
		mr_buf_add(&text, where + from, at - from);
		mr_buf_puts(&text, "***");
		from = at + len;
	}
	mr_buf_puts(&text, where + from);
	/* Too long, or no memory: what must not be told is not. */
	(void)mr_text_safe(text.failed == MREG_OK ? mr_buf_text(&text)
						  : "postgresql://...",
			   out, n);
	mr_buf_release(&text);
	return out;
}

int mr_db_init(struct mr_db *db, const struct mr_db_ops *ops,
	       struct mr_env *env, const char *where, struct mreg_error *err)
{
	char shown[512];

	db->ops = ops;
	db->env = env;
	db->shown = mr_strdup(mr_db_shown(where, shown, sizeof(shown)));
	return db->shown ? 0 : mr_fail_nomem(err);
}

void mr_db_forget(struct mr_db *db)
{
	size_t i;

	mr_db_forget_idle(db);
	for (i = 0; i < db->kept_cap; i++) {
		mr_stmt_free(db->kept[i].stmt);
		mr_release(db->kept[i].sql);
	}
	mr_release(db->kept);
	db->kept = NULL;
	db->kept_cap = 0;
	db->kept_count = 0;
}

void mr_db_release(struct mr_db *db)
{
	mr_release(db->shown);
	db->shown = NULL;
}

void mr_db_close(struct mr_db *db)
{
	if (!db)
		return;
	mr_db_forget(db);
	db->ops->close(db);
}

void mr_db_closep(struct mr_db **db)
{
	mr_db_close(*db);
	*db = NULL;
}

enum mr_db_kind mr_db_kind(const struct mr_db *db)
{
	return db->ops->kind;
}

/* -- running --------------------------------------------------------------- */

int mr_db_exec(struct mr_db *db, const char *sql, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(MR_SQL_MAX_BYTES);
	int rc = mr_db_expand(db->ops->words, sql, &text, err);

	return rc < 0 ? rc : db->ops->exec(db, mr_buf_text(&text), err);
}

int mr_db_begin(struct mr_db *db, bool write, struct mreg_error *err)
{
	int rc;

	if (db->in_tx)
		return mr_fail(err, MREG_EINTERNAL,
			       "a transaction in a transaction");
	rc = db->ops->begin(db, write, err);
	db->in_tx = rc >= 0;
	return rc;
}

int mr_db_commit(struct mr_db *db, struct mreg_error *err)
{
	int rc = db->ops->commit(db, err);

	if (rc < 0)
		db->ops->rollback(db);
	db->in_tx = false;
	return rc;
}

void mr_db_rollback(struct mr_db *db)
{
	if (db->in_tx)
		db->ops->rollback(db);
	db->in_tx = false;
}

int mr_db_version(struct mr_db *db, uint64_t *out, struct mreg_error *err)
{
	return db->ops->version ? db->ops->version(db, out, err) : 0;
}

unsigned int mr_db_reconnects(const struct mr_db *db)
{
	return db->reconnects;
}

int mr_db_settle(struct mr_db *db, struct mreg_error *err)
{
	return db->ops->settle(db, err);
}

int mr_db_size(struct mr_db *db, uint64_t *out, struct mreg_error *err)
{
	return db->ops->size(db, out, err);
}

int mr_db_guarded(struct mr_db *db, const char *sql, const char *const *allowed,
		  int64_t timeout_ms, struct mr_stmt **out,
		  struct mreg_error *err)
{
	return db->ops->guarded(db, sql, allowed, timeout_ms, out, err);
}

/* -- statements ------------------------------------------------------------ */

static int prepare(struct mr_db *db, const char *sql, bool keep,
		   struct mr_stmt **out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(MR_SQL_MAX_BYTES);
	int rc = mr_db_expand(db->ops->words, sql, &text, err);

	if (rc < 0)
		return rc;
	return db->ops->prepare(db, mr_buf_text(&text), keep, out, err);
}

int mr_stmt_new(struct mr_db *db, const char *sql, struct mr_stmt **out,
		struct mreg_error *err)
{
	uint64_t hash = mr_db_hash(sql);
	int rc;

	*out = mr_db_take_idle(db, sql, hash);
	if (*out)
		return 0;
	rc = prepare(db, sql, false, out, err);
	if (rc >= 0)
		mr_db_keep_idle(*out, sql, hash);
	return rc;
}

void mr_stmt_free(struct mr_stmt *s)
{
	struct mr_db *owned = s ? s->owned : NULL;

	if (!s || mr_db_give_idle(s))
		return;
	mr_release(s->sql);
	s->db->ops->free(s);
	mr_db_close(owned);
}

void mr_stmt_freep(struct mr_stmt **s)
{
	mr_stmt_free(*s);
	*s = NULL;
}

/* Where the statement is, or would be. */
static struct mr_db_kept *place(struct mr_db_kept *kept, size_t cap,
				uint64_t hash, const char *sql)
{
	size_t at = (size_t)hash & (cap - 1);

	while (kept[at].sql &&
	       (kept[at].hash != hash || strcmp(kept[at].sql, sql) != 0))
		at = (at + 1) & (cap - 1);
	return &kept[at];
}

static int make_room(struct mr_db *db, struct mreg_error *err)
{
	size_t cap = db->kept_cap ? db->kept_cap * 2 : 64;
	struct mr_db_kept *larger;
	size_t i;

	if (db->kept_cap && db->kept_count < db->kept_cap / 2)
		return 0;
	larger = mr_array(cap, sizeof(*larger));
	if (!larger)
		return mr_fail_nomem(err);
	for (i = 0; i < db->kept_cap; i++)
		if (db->kept[i].sql)
			*place(larger, cap, db->kept[i].hash, db->kept[i].sql) =
				db->kept[i];
	mr_release(db->kept);
	db->kept = larger;
	db->kept_cap = cap;
	return 0;
}

int mr_db_stmt(struct mr_db *db, const char *sql, struct mr_stmt **out,
	       struct mreg_error *err)
{
	uint64_t hash = mr_db_hash(sql);
	MR_AUTO(mr_free) char *copy = NULL;
	struct mr_db_kept *k;
	int rc = make_room(db, err);

	if (rc < 0)
		return rc;
	k = place(db->kept, db->kept_cap, hash, sql);
	if (!k->sql) {
		copy = mr_strdup(sql);
		if (!copy)
			return mr_fail_nomem(err);
		rc = prepare(db, sql, true, &k->stmt, err);
		if (rc < 0)
			return rc;
		k->hash = hash;
		k->sql = mr_steal(&copy);
		db->kept_count++;
	}
	mr_stmt_reset(k->stmt);
	*out = k->stmt;
	return 0;
}

int mr_stmt_step(struct mr_stmt *s, struct mreg_error *err)
{
	return s->db->ops->step(s, err);
}

int mr_stmt_run(struct mr_stmt *s, struct mreg_error *err)
{
	int rc = s->db->ops->run(s, err);

	s->db->ops->reset(s);
	return rc;
}

void mr_stmt_reset(struct mr_stmt *s)
{
	s->db->ops->reset(s);
}

/* -- values ---------------------------------------------------------------- */

void mr_bind_int(struct mr_stmt *s, int at, int64_t value)
{
	const struct mr_db_value v = { .type = MR_COLUMN_INT, .i = value };

	s->db->ops->bind(s, at, &v);
}

void mr_bind_real(struct mr_stmt *s, int at, double value)
{
	const struct mr_db_value v = { .type = MR_COLUMN_REAL, .r = value };

	s->db->ops->bind(s, at, &v);
}

void mr_bind_text(struct mr_stmt *s, int at, const char *value)
{
	struct mr_db_value v = { .type = MR_COLUMN_TEXT, .bytes = value };

	if (!value) {
		mr_bind_null(s, at);
		return;
	}
	v.n = strlen(value);
	s->db->ops->bind(s, at, &v);
}

void mr_bind_blob(struct mr_stmt *s, int at, const void *bytes, size_t n)
{
	/* No bytes are a value too. */
	const struct mr_db_value v = { .type = MR_COLUMN_BLOB,
				       .bytes = bytes ? bytes : "",
				       .n = bytes ? n : 0 };

	s->db->ops->bind(s, at, &v);
}

void mr_bind_null(struct mr_stmt *s, int at)
{
	const struct mr_db_value v = { .type = MR_COLUMN_NULL };

	s->db->ops->bind(s, at, &v);
}

void mr_bind_ids(struct mr_stmt *s, int at, const int64_t *ids, size_t n)
{
	s->db->ops->bind_ids(s, at, ids, n);
}

int mr_stmt_columns(struct mr_stmt *s)
{
	return s->db->ops->columns(s);
}

const char *mr_stmt_name(struct mr_stmt *s, int at)
{
	return s->db->ops->name(s, at);
}

static struct mr_db_value column(struct mr_stmt *s, int at)
{
	struct mr_db_value v = { .type = MR_COLUMN_NULL };

	s->db->ops->column(s, at, &v);
	return v;
}

enum mr_column mr_stmt_type(struct mr_stmt *s, int at)
{
	return column(s, at).type;
}

int64_t mr_stmt_int(struct mr_stmt *s, int at)
{
	struct mr_db_value v = column(s, at);

	if (v.type == MR_COLUMN_INT)
		return v.i;
	/* Beyond what int64_t holds the cast would be undefined. */
	if (v.type == MR_COLUMN_REAL && v.r >= -MR_INT64_END &&
	    v.r < MR_INT64_END)
		return (int64_t)v.r;
	return 0;
}

double mr_stmt_real(struct mr_stmt *s, int at)
{
	struct mr_db_value v = column(s, at);

	return v.type == MR_COLUMN_REAL  ? v.r
	       : v.type == MR_COLUMN_INT ? (double)v.i
					 : 0;
}

const char *mr_stmt_text(struct mr_stmt *s, int at)
{
	struct mr_db_value v = column(s, at);

	return v.type == MR_COLUMN_TEXT ? v.bytes : NULL;
}

const void *mr_stmt_blob(struct mr_stmt *s, int at, size_t *n)
{
	struct mr_db_value v = column(s, at);

	*n = v.type == MR_COLUMN_BLOB || v.type == MR_COLUMN_TEXT ? v.n : 0;
	return *n ? v.bytes : NULL;
}

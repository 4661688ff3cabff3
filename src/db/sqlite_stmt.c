/*
 * sqlite_stmt.c - statements of SQLite.
 */
#include "db/sqlite.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Ids as JSON, 20 digits each: three million of them. */
#define IDS_MAX_BYTES (64u << 20)

struct stmt {
	struct mr_stmt base;
	sqlite3_stmt *handle; /* owned */
	int failed;           /* what binding answered, until it is told */
	bool row;             /* there is one */
	bool done;            /* no more rows until reset */
	bool used;            /* stepped or bound since reset */
};

static struct stmt *stmt_of(struct mr_stmt *s)
{
	return mr_container_of(s, struct stmt, base);
}

int mr_sqlite_prepare(struct mr_db *db, const char *sql, bool keep,
		      struct mr_stmt **out, struct mreg_error *err)
{
	struct mr_sqlite *d = mr_sqlite_of(db);
	struct stmt *s = mr_zalloc(sizeof(*s));
	int rc;

	if (!s)
		return mr_fail_nomem(err);
	rc = sqlite3_prepare_v3(d->handle, sql, -1,
				keep ? SQLITE_PREPARE_PERSISTENT : 0,
				&s->handle, NULL);
	if (rc != SQLITE_OK || !s->handle) {
		mr_release(s);
		if (rc == SQLITE_OK)
			return mr_fail(err, MREG_EUSAGE, "no SQL");
		return mr_sqlite_fail(d, rc, "ask", err);
	}
	s->base.db = db;
	*out = &s->base;
	return 0;
}

void mr_sqlite_stmt_free(struct mr_stmt *base)
{
	struct stmt *s = stmt_of(base);

	(void)sqlite3_finalize(s->handle); /* repeats step's error */
	mr_release(s);
}

static void note(struct stmt *s, int rc)
{
	s->used = true;
	if (s->failed == SQLITE_OK)
		s->failed = rc;
}

void mr_sqlite_bind(struct mr_stmt *base, int at, const struct mr_db_value *v)
{
	struct stmt *s = stmt_of(base);
	int rc = SQLITE_OK;

	switch (v->type) {
	case MR_COLUMN_NULL:
		rc = sqlite3_bind_null(s->handle, at);
		break;
	case MR_COLUMN_INT:
		rc = sqlite3_bind_int64(s->handle, at, v->i);
		break;
	case MR_COLUMN_REAL:
		rc = sqlite3_bind_double(s->handle, at, v->r);
		break;
	case MR_COLUMN_TEXT:
		rc = sqlite3_bind_text64(s->handle, at, v->bytes, v->n,
					 SQLITE_TRANSIENT, SQLITE_UTF8);
		break;
	case MR_COLUMN_BLOB:
		rc = sqlite3_bind_blob64(s->handle, at, v->bytes, v->n,
					 SQLITE_TRANSIENT);
		break;
	}
	note(s, rc);
}

/* printf takes longer than all that SQLite does with it. */
static void put_id(struct mr_buf *out, int64_t id)
{
	uint64_t rest = id < 0 ? 0 - (uint64_t)id : (uint64_t)id;
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (id < 0)
		mr_buf_putc(out, '-');
	mr_buf_add(out, digits + at, sizeof(digits) - at);
}

void mr_sqlite_bind_ids(struct mr_stmt *base, int at, const int64_t *ids,
			size_t n)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(IDS_MAX_BYTES);
	struct mr_db_value v = { .type = MR_COLUMN_TEXT };
	size_t i;

	mr_buf_putc(&text, '[');
	for (i = 0; i < n; i++) {
		if (i)
			mr_buf_putc(&text, ',');
		put_id(&text, ids[i]);
	}
	mr_buf_putc(&text, ']');
	if (text.failed != MREG_OK) {
		note(stmt_of(base),
		     text.failed == MREG_ENOMEM ? SQLITE_NOMEM : SQLITE_TOOBIG);
		return;
	}
	v.bytes = text.data;
	v.n = text.len;
	mr_sqlite_bind(base, at, &v);
}

int mr_sqlite_step(struct mr_stmt *base, struct mreg_error *err)
{
	struct stmt *s = stmt_of(base);
	int rc = s->failed;

	/* SQLite would begin again. */
	if (s->done)
		return 0;
	s->used = true;
	s->row = false;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s->handle);
	if (rc == SQLITE_ROW) {
		s->row = true;
		return 1;
	}
	s->done = true;
	if (rc == SQLITE_DONE)
		return 0;
	rc = mr_sqlite_fail(mr_sqlite_of(base->db), rc, "ask", err);
	/* It holds locks otherwise. */
	(void)sqlite3_reset(s->handle);
	return rc;
}

int mr_sqlite_run(struct mr_stmt *base, struct mreg_error *err)
{
	int rc;

	do
		rc = mr_sqlite_step(base, err);
	while (rc > 0);
	return rc;
}

void mr_sqlite_reset(struct mr_stmt *base)
{
	struct stmt *s = stmt_of(base);

	if (!s->used)
		return;
	(void)sqlite3_reset(s->handle);          /* repeats step's error */
	(void)sqlite3_clear_bindings(s->handle); /* never fails */
	s->failed = SQLITE_OK;
	s->row = false;
	s->done = false;
	s->used = false;
}

int mr_sqlite_columns(struct mr_stmt *base)
{
	return sqlite3_column_count(stmt_of(base)->handle);
}

const char *mr_sqlite_name(struct mr_stmt *base, int at)
{
	return sqlite3_column_name(stmt_of(base)->handle, at);
}

void mr_sqlite_column(struct mr_stmt *base, int at, struct mr_db_value *out)
{
	struct stmt *s = stmt_of(base);

	if (!s->row)
		return;
	switch (sqlite3_column_type(s->handle, at)) {
	case SQLITE_INTEGER:
		out->type = MR_COLUMN_INT;
		out->i = sqlite3_column_int64(s->handle, at);
		return;
	case SQLITE_FLOAT:
		out->type = MR_COLUMN_REAL;
		out->r = sqlite3_column_double(s->handle, at);
		return;
	case SQLITE_TEXT:
		out->type = MR_COLUMN_TEXT;
		out->bytes = sqlite3_column_text(s->handle, at);
		break;
	case SQLITE_BLOB:
		out->type = MR_COLUMN_BLOB;
		out->bytes = sqlite3_column_blob(s->handle, at);
		break;
	default:
		return;
	}
	out->n = (size_t)sqlite3_column_bytes(s->handle, at);
	/* No memory for the text looks so. */
	if (out->type == MR_COLUMN_TEXT && !out->bytes)
		out->type = MR_COLUMN_NULL;
}

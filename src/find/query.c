/*
 * query.c - a user's SQL, asked of the index.
 *
 * The database guards it (db/db.h, mr_db_guarded); here the rows are bounded
 * and copied, for nobody knows how many a SELECT makes.
 */
#include "mreg/query.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "index/index.h"
#include "repo/repo.h"

#define TIMEOUT_S 30
/* What a table of results may hold; beyond it rows are left out, and told. */
#define BYTES_MAX (64u << 20)
#define COLUMNS_MAX 2000 /* SQLite has no more either */

const char *const *mreg_query_views(void)
{
	return mr_index_views;
}

/* -- columns --------------------------------------------------------------- */

static bool is_taken(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int take_columns(struct mr_stmt *s, struct mr_arena *arena,
			struct mreg_query_result *out, struct mreg_error *err)
{
	size_t n = (size_t)mr_stmt_columns(s), i, again;
	const char **names;

	if (n == 0)
		return mr_fail(err, MREG_EUSAGE, "SQL: it asks for no column");
	if (n > COLUMNS_MAX)
		return mr_fail(err, MREG_ELIMIT, "%zu columns, %d is the limit",
			       n, COLUMNS_MAX);
	names = mr_arena_alloc(arena, (n + 1) * sizeof(*names));
	for (i = 0; names && i < n; i++) {
		const char *name = mr_stmt_name(s, (int)i);

		names[i] = mr_arena_strdup(arena, name);
		for (again = 2; names[i] && is_taken(names, i, names[i]);
		     again++)
			names[i] =
				mr_arena_printf(arena, "%s_%zu", name, again);
		if (!names[i])
			break;
	}
	out->columns = names;
	out->column_count = n;
	return mr_arena_failed(arena) ? mr_fail_nomem(err) : 0;
}

/* -- values ---------------------------------------------------------------- */

static const char *hex(const unsigned char *bytes, size_t n,
		       struct mr_arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	char *out = mr_arena_alloc(arena, 2 * n + 1);
	size_t i;

	for (i = 0; out && i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	return out;
}

/* A text that SQLite was told to make may be no UTF-8, and ends at a NUL. */
static const char *valid(const char *text, struct mr_arena *arena)
{
	char *out = mr_arena_strdup(arena, text);
	uint32_t point;
	size_t i, len, n = out ? strlen(out) : 0;

	for (i = 0; i < n; i += len) {
		len = mr_utf8_next(out + i, n - i, &point);
		if (len == 0) {
			out[i] = '?';
			len = 1;
		}
	}
	return out;
}

static void take_value(struct mr_stmt *s, int at, struct mr_arena *arena,
		       struct mreg_query_value *out)
{
	char printed[32];
	const void *bytes;
	double real;
	size_t n;

	switch (mr_stmt_type(s, at)) {
	case MR_COLUMN_NULL:
		out->type = MREG_QUERY_NULL;
		break;
	case MR_COLUMN_INT:
		out->type = MREG_QUERY_INTEGER;
		out->text =
			mr_arena_printf(arena, "%" PRId64, mr_stmt_int(s, at));
		break;
	case MR_COLUMN_REAL:
		real = mr_stmt_real(s, at);
		out->type = isfinite(real) ? MREG_QUERY_REAL : MREG_QUERY_TEXT;
		out->text = mr_arena_strdup(arena, mr_text_real(real, printed));
		break;
	case MR_COLUMN_TEXT:
		out->type = MREG_QUERY_TEXT;
		out->text = valid(mr_stmt_text(s, at), arena);
		break;
	case MR_COLUMN_BLOB:
		bytes = mr_stmt_blob(s, at, &n);
		out->type = MREG_QUERY_BYTES;
		out->text = hex(bytes, n, arena);
		break;
	}
}

/* How much a row brings; what is not text is short. */
static size_t row_bytes(struct mr_stmt *s, size_t columns)
{
	size_t i, n = columns * sizeof(struct mreg_query_value), bytes;

	for (i = 0; i < columns; i++) {
		enum mr_column type = mr_stmt_type(s, (int)i);

		bytes = 32;
		if (type == MR_COLUMN_TEXT)
			bytes = strlen(mr_stmt_text(s, (int)i));
		else if (type == MR_COLUMN_BLOB)
			(void)mr_stmt_blob(s, (int)i, &bytes);
		n += type == MR_COLUMN_BLOB ? 2 * bytes : bytes + 16;
	}
	return n;
}

static void take_row(struct mr_stmt *s, struct mr_arena *arena, size_t columns,
		     struct mreg_query_value *out)
{
	size_t i;

	memset(out, 0, columns * sizeof(*out));
	for (i = 0; i < columns; i++)
		take_value(s, (int)i, arena, out + i);
}

/* `more`: what the first step said, behind which the columns are known. */
static int take_rows(struct mr_stmt *s, int more, size_t most,
		     struct mr_arena *arena, struct mreg_query_result *out,
		     struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mreg_query_value *values = NULL;
	size_t columns = out->column_count, cap = 0, bytes = 0, n;
	struct mreg_query_value *kept;

	for (; more > 0; more = mr_stmt_step(s, err)) {
		bytes += row_bytes(s, columns);
		if (out->count == most || bytes > BYTES_MAX) {
			out->cut = true;
			break;
		}
		n = out->count * columns;
		if (mr_grow((void **)&values, &cap, n + columns,
			    sizeof(*values)) < 0)
			return mr_fail_nomem(err);
		take_row(s, arena, columns, values + n);
		out->count++;
	}
	if (more < 0)
		return more;
	n = out->count * columns;
	kept = mr_arena_alloc(arena, (n + 1) * sizeof(*kept));
	if (kept && values && n)
		memcpy(kept, values, n * sizeof(*kept));
	out->values = kept;
	return mr_arena_failed(arena) ? mr_fail_nomem(err) : 0;
}

static int take_all(struct mr_stmt *s, size_t most, struct mr_arena *arena,
		    struct mreg_query_result *out, struct mreg_error *err)
{
	int more = mr_stmt_step(s, err);
	int rc = more < 0 ? more : take_columns(s, arena, out, err);

	return rc < 0 ? rc : take_rows(s, more, most, arena, out, err);
}

/* -- trouble --------------------------------------------------------------- */

/* What the database says is about a statement that nobody here wrote. */
static int advise(int rc, struct mreg_error *err)
{
	if (rc == MREG_EUSAGE)
		return mr_hint(err, "'mreg query --help' names the views, "
				    "spec/index.md their columns");
	if (rc == MREG_ELIMIT)
		return mr_hint(err, "give it longer (--timeout), or ask for "
				    "less");
	return rc;
}

/* The semicolon that people write at the end is part of no statement. */
static char *statement(const char *sql)
{
	size_t n = strlen(sql);

	while (n > 0 && strchr("; \t\r\n", sql[n - 1]))
		n--;
	return mr_strndup(sql, n);
}

/* -- all of it ------------------------------------------------------------- */

static int ask(struct mreg *m, const char *sql, const struct mreg_query_opts *o,
	       struct mr_arena *arena, struct mreg_query_result *out,
	       struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	MR_AUTO(mr_free) char *one = statement(sql);
	int64_t timeout_ms =
		(int64_t)(o->timeout_s ? o->timeout_s : TIMEOUT_S) * 1000;
	struct mr_index *ix;
	int rc = one ? mr_session_index(m, MR_DB_READ, &ix, err)
		     : mr_fail_nomem(err);

	if (rc == 0)
		rc = mr_index_oldest(ix, &out->synced_s, err);
	if (rc == 0)
		rc = mr_db_guarded(mr_index_db(ix), one, mr_index_views,
				   timeout_ms, &s, err);
	if (rc == 0)
		rc = take_all(s, o->most ? o->most : MREG_QUERY_MOST, arena,
			      out, err);
	return rc;
}

int mreg_query(struct mreg *m, const char *sql,
	       const struct mreg_query_opts *given,
	       struct mreg_query_result *out, struct mreg_error *err)
{
	struct mreg_query_opts o;
	struct mr_arena *arena;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	/* Twice: rows are counted by what they hold, and the arena by what it
	 * has handed out. */
	arena = mr_arena_new(4 * (size_t)BYTES_MAX);
	if (!arena)
		return mr_fail_nomem(err);
	out->owner = arena;
	rc = ask(m, sql, &o, arena, out, err);
	if (rc < 0)
		mreg_query_result_release(out);
	return rc < 0 ? advise(rc, err) : 0;
}

void mreg_query_result_release(struct mreg_query_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}

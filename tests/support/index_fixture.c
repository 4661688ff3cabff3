/*
 * index_fixture.c - an index that is filled by hand.
 */
#include "tests/support/index_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "content/digest.h"

struct mr_index *test_index(struct test_db *t)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_index *ix = NULL;

	assert_ok(mr_index_open(t->env, t->where, MR_DB_CREATE, &ix, &err),
		  err);
	return ix;
}

struct mreg_digest test_digest(const char *of)
{
	struct mreg_digest d;

	assert_int_equal(0, mr_digest_of(of, strlen(of), &d, NULL));
	return d;
}

struct mr_meta *test_meta(const char *json)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = NULL;

	assert_ok(mr_meta_new(&m, &err), err);
	assert_ok(mr_meta_load(m, json, strlen(json), "test", &err), err);
	return m;
}

struct mr_index_writer *test_begin(struct mr_index *ix, const char *repository)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_index_writer *w = NULL;
	char name[MREG_REF_TEXT];
	const struct mr_ix_model m = { .place = "ghcr.io",
				       .repository = repository,
				       .name = name };

	(void)snprintf(name, sizeof(name), "ghcr.io/%s", repository);
	assert_ok(mr_index_begin(ix, &m, &w, &err), err);
	return w;
}

void test_commit(struct mr_index_writer *w)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_index_commit(w, &err), err);
}

void test_put(struct mr_index_writer *w, uint64_t number, const char *of,
	      const char *json)
{
	MR_AUTO(mr_meta_freep) struct mr_meta *m = test_meta(json);
	const struct mreg_digest weights = test_digest("weights");
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_version v = { .number = number,
				   .meta = m,
				   .bytes = 100,
				   .files = 2,
				   .weights = &weights,
				   .weight_count = 1 };

	v.desc.digest = test_digest(of);
	v.desc.size = 10;
	v.fileset = test_digest("fileset");
	assert_ok(mr_index_put_version(w, &v, &err), err);
}

static void add_column(struct mr_stmt *s, int at, struct mr_buf *out)
{
	mr_buf_printf(out, " %s=", mr_stmt_name(s, at));
	switch (mr_stmt_type(s, at)) {
	case MR_COLUMN_NULL:
		mr_buf_puts(out, "-");
		break;
	case MR_COLUMN_INT:
		mr_buf_printf(out, "%" PRId64, mr_stmt_int(s, at));
		break;
	case MR_COLUMN_REAL:
		mr_buf_printf(out, "%.17g", mr_stmt_real(s, at));
		break;
	case MR_COLUMN_TEXT:
		mr_buf_printf(out, "'%s'", mr_stmt_text(s, at));
		break;
	case MR_COLUMN_BLOB:
	default:
		fail_msg("a view shows bytes: %s", mr_stmt_name(s, at));
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted here: the databases order NULLs each in its own way. */
static void dump_view(struct mr_index *ix, const char *view, struct mr_buf *out)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s = NULL;
	char **lines = NULL;
	size_t i, n = 0, cap = 0;
	char sql[64];
	int at, rc;

	(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", view);
	assert_ok(mr_stmt_new(mr_index_db(ix), sql, &s, &err), err);
	while ((rc = mr_stmt_step(s, &err)) > 0) {
		struct mr_buf line = MR_BUF_INIT(64u << 20);

		mr_buf_puts(&line, view);
		for (at = 0; at < mr_stmt_columns(s); at++)
			add_column(s, at, &line);
		assert_int_equal(0, mr_grow((void **)&lines, &cap, n + 1,
					    sizeof(*lines)));
		lines[n++] = mr_buf_take(&line);
	}
	assert_ok(rc, err);
	mr_stmt_free(s);
	if (n)
		qsort(lines, n, sizeof(*lines), compare_lines);
	for (i = 0; i < n; i++) {
		mr_buf_printf(out, "%s\n", lines[i]);
		mr_release(lines[i]);
	}
	mr_release(lines);
}

char *test_index_dump(struct mr_index *ix)
{
	struct mr_buf out = MR_BUF_INIT(1u << 30);
	size_t i;

	mr_buf_puts(&out, "");
	for (i = 0; mr_index_views[i]; i++)
		if (strcmp(mr_index_views[i], "syncs") != 0)
			dump_view(ix, mr_index_views[i], &out);
	return mr_buf_take(&out);
}

static struct mr_stmt *only_row(struct mr_index *ix, const char *sql)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s = NULL;
	int rc;

	assert_ok(mr_stmt_new(mr_index_db(ix), sql, &s, &err), err);
	rc = mr_stmt_step(s, &err);
	assert_ok(rc, err);
	assert_int_equal(1, rc);
	return s;
}

int64_t test_number(struct mr_index *ix, const char *sql)
{
	struct mr_stmt *s = only_row(ix, sql);
	int64_t v = mr_stmt_int(s, 0);

	mr_stmt_free(s);
	return v;
}

char *test_text(struct mr_index *ix, const char *sql)
{
	struct mr_stmt *s = only_row(ix, sql);
	const char *text = mr_stmt_text(s, 0);
	char *out = mr_strdup(text ? text : "");

	mr_stmt_free(s);
	return out;
}

/*
 * test_rows.c - rows written many at a time are what they would be one by one.
 */
#include "db/db.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/db_fixture.h"

static struct mr_db *open_db(struct test_db *t, const char *table)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_db *db = NULL;

	assert_ok(mr_db_open(t->env, t->where, MR_DB_CREATE, &db, &err), err);
	assert_ok(mr_db_exec(db, table, &err), err);
	assert_ok(mr_db_begin(db, true, &err), err);
	return db;
}

static struct mr_rows *rows_of(struct mr_db *db, const char *insert)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_rows *r = NULL;

	assert_ok(mr_rows_new(db, insert, &r, &err), err);
	return r;
}

static void add(struct mr_rows *r, const struct mr_db_value *values)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_rows_add(r, values, &err), err);
}

static void flush(struct mr_rows *r)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_rows_flush(r, &err), err);
}

static struct mr_db_value whole(int64_t i)
{
	return (struct mr_db_value){ .type = MR_COLUMN_INT, .i = i };
}

static struct mr_db_value real(double value)
{
	return (struct mr_db_value){ .type = MR_COLUMN_REAL, .r = value };
}

static struct mr_db_value text(const char *value)
{
	return (struct mr_db_value){ .type = MR_COLUMN_TEXT,
				     .bytes = value,
				     .n = strlen(value) };
}

static struct mr_db_value blob(const void *bytes, size_t n)
{
	return (struct mr_db_value){ .type = MR_COLUMN_BLOB,
				     .bytes = bytes,
				     .n = n };
}

static const struct mr_db_value none = { .type = MR_COLUMN_NULL };

/* The next row of "SELECT ... ORDER BY ...", or that there is no other. */
static struct mr_stmt *ask(struct mr_db *db, const char *sql)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s = NULL;

	assert_ok(mr_db_stmt(db, sql, &s, &err), err);
	return s;
}

static void step(struct mr_stmt *s, int expected)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int rc = mr_stmt_step(s, &err);

	assert_ok(rc, err);
	assert_int_equal(expected, rc);
}

static int64_t number(struct mr_db *db, const char *sql)
{
	struct mr_stmt *s = ask(db, sql);
	int64_t n;

	step(s, 1);
	n = mr_stmt_int(s, 0);
	mr_stmt_reset(s);
	return n;
}

static void keeps_values_of_every_type(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep)
	struct mr_db *db = open_db(t, "CREATE TABLE v (i {int}, r {real},"
				      " t {text}, b {blob})");
	struct mr_rows *r = rows_of(db, "INSERT INTO v (i, r, t, b) VALUES"
					" ($1, $2, $3, $4)");
	struct mr_stmt *s;
	size_t n = 0;

	add(r, (struct mr_db_value[]){ whole(INT64_MIN), real(-0x1.8p-1060),
				       text("a'b\"\xc3\xa9{int} $1,NULL"),
				       blob("\0\xff\n", 3) });
	add(r, (struct mr_db_value[]){ whole(INT64_MAX), real(0.5), text(""),
				       blob("", 0) });
	flush(r);
	mr_rows_free(r);
	s = ask(db, "SELECT i, r, t, b FROM v ORDER BY i");
	step(s, 1);
	assert_true(mr_stmt_int(s, 0) == INT64_MIN);
	assert_true(mr_stmt_real(s, 1) == -0x1.8p-1060);
	assert_string_equal("a'b\"\xc3\xa9{int} $1,NULL", mr_stmt_text(s, 2));
	assert_memory_equal("\0\xff\n", mr_stmt_blob(s, 3, &n), 3);
	assert_int_equal(3, n);
	step(s, 1);
	assert_true(mr_stmt_int(s, 0) == INT64_MAX);
	assert_true(mr_stmt_real(s, 1) == 0.5);
	assert_string_equal("", mr_stmt_text(s, 2));
	assert_int_equal(MR_COLUMN_BLOB, mr_stmt_type(s, 3));
	step(s, 0);
}

static void a_column_may_be_null_at_first_or_throughout(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep)
	struct mr_db *db = open_db(t, "CREATE TABLE v (a {int}, b {real},"
				      " c {text}, d {blob})");
	struct mr_rows *r = rows_of(db, "INSERT INTO v (a, b, c, d) VALUES"
					" ($1, $2, $3, $4)");
	struct mr_stmt *s;

	add(r, (struct mr_db_value[]){ whole(1), none, none, none });
	flush(r);
	add(r, (struct mr_db_value[]){ whole(2), none, none, none });
	add(r, (struct mr_db_value[]){ whole(3), none, text("c"), none });
	add(r, (struct mr_db_value[]){ whole(4), real(4), none, none });
	flush(r);
	add(r, (struct mr_db_value[]){ whole(5), none, none, none });
	flush(r);
	mr_rows_free(r);
	assert_int_equal(5, number(db, "SELECT COUNT(*) FROM v"));
	assert_int_equal(4, number(db, "SELECT a FROM v WHERE b = 4"));
	assert_int_equal(3, number(db, "SELECT a FROM v WHERE c = 'c'"));
	s = ask(db, "SELECT a, b, c, d FROM v WHERE a = 5");
	step(s, 1);
	assert_int_equal(MR_COLUMN_NULL, mr_stmt_type(s, 1));
	assert_int_equal(MR_COLUMN_NULL, mr_stmt_type(s, 2));
	assert_int_equal(MR_COLUMN_NULL, mr_stmt_type(s, 3));
	mr_stmt_reset(s);
}

static void there_may_be_more_than_one_statement_takes(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep)
	struct mr_db *db = open_db(t, "CREATE TABLE v (a {int} PRIMARY KEY,"
				      " b {text})");
	struct mr_rows *r = rows_of(db, "INSERT INTO v (a, b) VALUES ($1, $2)"
					" ON CONFLICT DO NOTHING");
	char large[70001];
	int i;

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	for (i = 0; i < 3000; i++)
		add(r, (struct mr_db_value[]){ whole(i % 2900),
					       text(i % 100 ? "b" : large) });
	flush(r);
	flush(r);
	mr_rows_free(r);
	assert_int_equal(2900, number(db, "SELECT COUNT(*) FROM v"));
	assert_int_equal(29, number(db, "SELECT COUNT(*) FROM v"
					" WHERE length(b) = 70000"));
}

static void what_is_forgotten_is_not_written(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep)
	struct mr_db *db = open_db(t, "CREATE TABLE v (a {int}, b {int})");
	struct mr_rows *r = rows_of(db, "INSERT INTO v (a, b) VALUES ($1, $2)");
	struct mreg_error err = MREG_ERROR_INIT;

	add(r, (struct mr_db_value[]){ whole(1), whole(2) });
	mr_db_rollback(db);
	mr_rows_forget(r);
	assert_ok(mr_db_begin(db, true, &err), err);
	add(r, (struct mr_db_value[]){ whole(3), whole(4) });
	flush(r);
	mr_rows_free(r);
	assert_ok(mr_db_commit(db, &err), err);
	assert_int_equal(1, number(db, "SELECT COUNT(*) FROM v"));
	assert_int_equal(4, number(db, "SELECT b FROM v"));
}

static void a_broken_key_is_a_conflict(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep)
	struct mr_db *db = open_db(t, "CREATE TABLE v (a {int} PRIMARY KEY)");
	struct mr_rows *r = rows_of(db, "INSERT INTO v (a) VALUES ($1)");
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mr_db_value one = whole(1);
	int rc;

	add(r, &one);
	rc = mr_rows_add(r, &one, &err);
	if (rc >= 0)
		rc = mr_rows_flush(r, &err);
	if (rc >= 0)
		rc = mr_db_commit(db, &err);
	assert_code(MREG_ECONFLICT, rc, err);
	mr_rows_free(r);
	mr_db_rollback(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(keeps_values_of_every_type),
		TEST_BOTH_DB(a_column_may_be_null_at_first_or_throughout),
		TEST_BOTH_DB(there_may_be_more_than_one_statement_takes),
		TEST_BOTH_DB(what_is_forgotten_is_not_written),
		TEST_BOTH_DB(a_broken_key_is_a_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

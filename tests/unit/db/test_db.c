/*
 * test_db.c - what both databases do alike.
 */
#include "db/db.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/db_fixture.h"

static struct mr_db *open_db(struct test_db *t, enum mr_db_mode mode)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_db *db = NULL;

	assert_ok(mr_db_open(t->env, t->where, mode, &db, &err), err);
	return db;
}

static void exec(struct mr_db *db, const char *sql)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_db_exec(db, sql, &err), err);
}

static struct mr_stmt *stmt(struct mr_db *db, const char *sql)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s = NULL;

	assert_ok(mr_db_stmt(db, sql, &s, &err), err);
	return s;
}

/* A row is there, or none. */
static void step(struct mr_stmt *s, int expected)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int rc = mr_stmt_step(s, &err);

	assert_ok(rc, err);
	assert_int_equal(expected, rc);
}

static void run(struct mr_stmt *s)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_stmt_run(s, &err), err);
}

static int64_t number(struct mr_db *db, const char *sql)
{
	struct mr_stmt *s = stmt(db, sql);
	int64_t n;

	step(s, 1);
	n = mr_stmt_int(s, 0);
	step(s, 0);
	return n;
}

static void keeps_values_of_every_type(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mr_stmt *s;
	size_t n = 0;

	exec(db, "CREATE TABLE v (i {int}, r {real}, t {text}, b {blob},"
		 " z {int})");
	s = stmt(db, "INSERT INTO v (i, r, t, b, z) VALUES ($1, $2, $3, $4,"
		     " $5)");
	mr_bind_int(s, 1, INT64_MIN);
	mr_bind_real(s, 2, -0x1.8p-1060);
	mr_bind_text(s, 3, "a'b\"\xc3\xa9{int} $1");
	mr_bind_blob(s, 4, "\0\xff\n", 3);
	run(s);
	s = stmt(db, "SELECT i, r, t, b, z FROM v");
	step(s, 1);
	assert_int_equal(5, mr_stmt_columns(s));
	assert_string_equal("t", mr_stmt_name(s, 2));
	assert_int_equal(MR_COLUMN_INT, mr_stmt_type(s, 0));
	assert_true(mr_stmt_int(s, 0) == INT64_MIN);
	assert_int_equal(MR_COLUMN_REAL, mr_stmt_type(s, 1));
	assert_true(mr_stmt_real(s, 1) == -0x1.8p-1060);
	assert_int_equal(MR_COLUMN_TEXT, mr_stmt_type(s, 2));
	assert_string_equal("a'b\"\xc3\xa9{int} $1", mr_stmt_text(s, 2));
	assert_int_equal(MR_COLUMN_BLOB, mr_stmt_type(s, 3));
	assert_memory_equal("\0\xff\n", mr_stmt_blob(s, 3, &n), 3);
	assert_int_equal(3, n);
	assert_int_equal(MR_COLUMN_NULL, mr_stmt_type(s, 4));
	assert_int_equal(0, mr_stmt_int(s, 4));
	assert_null(mr_stmt_text(s, 4));
	step(s, 0);
	step(s, 0);
}

static void placeholders_may_come_in_any_order_and_twice(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mr_stmt *s;

	exec(db, "CREATE TABLE v (a {int}, b {text}, c {text})");
	s = stmt(db, "INSERT INTO v (c, b, a) VALUES ($3, $2, $1)");
	mr_bind_text(s, 3, "third");
	mr_bind_int(s, 1, 1);
	mr_bind_text(s, 2, "second");
	run(s);
	s = stmt(db, "SELECT b FROM v WHERE c = $2 AND a = $1 AND a >= $1");
	mr_bind_text(s, 2, "third");
	mr_bind_int(s, 1, 1);
	step(s, 1);
	assert_string_equal("second", mr_stmt_text(s, 0));
}

static void what_is_not_bound_is_null(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mr_stmt *s;

	exec(db, "CREATE TABLE v (a {int}, b {text})");
	s = stmt(db, "INSERT INTO v (a, b) VALUES ($1, $2)");
	mr_bind_int(s, 1, 1);
	mr_bind_text(s, 2, "one");
	run(s);
	mr_bind_int(s, 1, 2);
	run(s);
	run(s);
	assert_int_equal(2, number(db, "SELECT COUNT(*) FROM v WHERE b IS"
				       " NULL"));
	assert_int_equal(1, number(db, "SELECT COUNT(*) FROM v WHERE a IS"
				       " NULL"));
}

static void searches_sets_of_ids(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	const int64_t ids[] = { 3, INT64_MAX, -1, 3 };
	struct mr_stmt *s;

	exec(db, "CREATE TABLE v (a {int});"
		 "INSERT INTO v (a) VALUES (1), (2), (3), (-1),"
		 " (9223372036854775807)");
	s = stmt(db, "SELECT COUNT(*) FROM v WHERE a IN {ids $1}");
	mr_bind_ids(s, 1, ids, 4);
	step(s, 1);
	assert_int_equal(3, mr_stmt_int(s, 0));
	mr_stmt_reset(s);
	mr_bind_ids(s, 1, ids, 0);
	step(s, 1);
	assert_int_equal(0, mr_stmt_int(s, 0));
	s = stmt(db, "SELECT COUNT(*) FROM v WHERE a NOT IN ({ids $1})");
	mr_bind_ids(s, 1, ids, 4);
	step(s, 1);
	assert_int_equal(2, mr_stmt_int(s, 0));
}

static bool like(struct mr_db *db, bool folded, const char *text,
		 const char *pattern)
{
	struct mr_stmt *s;

	exec(db, "DELETE FROM v");
	s = stmt(db, "INSERT INTO v (a, b) VALUES ($1, '')");
	mr_bind_text(s, 1, text);
	run(s);
	s = stmt(db, folded ? "SELECT COUNT(*) FROM v WHERE {ilike a || b $1}"
			    : "SELECT COUNT(*) FROM v WHERE {like a || b $1}");
	mr_bind_text(s, 1, pattern);
	step(s, 1);
	return mr_stmt_int(s, 0) == 1;
}

static void patterns_are_the_same_in_both(void **state)
{
	static const struct {
		const char *text, *pattern;
		bool like, folded;
	} cases[] = {
		{ "churn", "churn", true, true },
		{ "churn", "Churn", false, true },
		{ "churn", "chu%", true, true },
		{ "churn", "%RN", false, true },
		{ "churn", "c_urn", true, true },
		{ "churn", "churn_", false, false },
		{ "churn", "", false, false },
		{ "", "%", true, true },
		{ "", "_", false, false },
		{ "a%b", "a\\%b", false, false },
		{ "a\\b", "a\\b", true, true },
		{ "a\\%b", "a\\%b", true, true },
		{ "a*b?[c]", "a*b?[c]", true, true },
		{ "aXb", "a*b", false, false },
		{ "\xc3\xa9t\xc3\xa9", "_t_", true, true },
		{ "\xc3\xa9t\xc3\xa9", "\xc3\x89t\xc3\x89", false, false },
		{ "\xf0\x9f\x98\x80", "_", true, true },
		{ "abcabcabd", "%abc%abd", true, true },
		{ "abcabcabd", "%abd%abc%", false, false },
		{ "aaab", "a%_b", true, true },
		{ "mississippi", "m%iss%ip_i", true, true },
	};
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	size_t i;

	exec(db, "CREATE TABLE v (a {text}, b {text})");
	for (i = 0; i < MR_COUNT(cases); i++)
		if (like(db, false, cases[i].text, cases[i].pattern) !=
			    cases[i].like ||
		    like(db, true, cases[i].text, cases[i].pattern) !=
			    cases[i].folded)
			fail_msg("'%s' like '%s'", cases[i].text,
				 cases[i].pattern);
}

static void digests_and_times_are_texts(void **state)
{
	static const struct {
		int64_t time_s;
		const char *text;
	} times[] = {
		{ 0, NULL },
		{ 1777777777, "2026-05-03T03:09:37Z" },
		{ -1, "1969-12-31T23:59:59Z" },
		{ -62135596800, "0001-01-01T00:00:00Z" },
		{ -62135596801, NULL },
		{ 253402300799, "9999-12-31T23:59:59Z" },
		{ 253402300800, NULL },
		{ INT64_MAX, NULL },
		{ INT64_MIN, NULL },
	};
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	unsigned char bytes[64];
	struct mr_stmt *s;
	size_t i;

	exec(db, "CREATE TABLE v (d {blob}, s {int})");
	memset(bytes, 0xa5, sizeof(bytes));
	for (i = 0; i < MR_COUNT(times); i++) {
		exec(db, "DELETE FROM v");
		s = stmt(db, "INSERT INTO v (d, s) VALUES ($1, $2)");
		mr_bind_blob(s, 1, bytes, i ? 32 : 64);
		mr_bind_int(s, 2, times[i].time_s);
		run(s);
		s = stmt(db, "SELECT {digest v.d}, {time v.s} FROM v");
		step(s, 1);
		assert_has(mr_stmt_text(s, 0),
			   i ? "sha256:a5a5" : "sha512:a5a5");
		assert_int_equal(i ? 7 + 64 : 7 + 128,
				 strlen(mr_stmt_text(s, 0)));
		if (times[i].text)
			assert_string_equal(times[i].text, mr_stmt_text(s, 1));
		else
			assert_null(mr_stmt_text(s, 1));
	}
}

static void texts_are_ordered_bytewise(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	static const char *const sorted[] = { "",   "A",   "B",
					      "a",  "a-b", "a/b",
					      "aa", "b",   "\xc3\xa9" };
	struct mr_stmt *s;
	size_t i;

	exec(db, "CREATE TABLE v (a {text} NOT NULL PRIMARY KEY) {rowless}");
	for (i = MR_COUNT(sorted); i > 0; i--) {
		s = stmt(db, "INSERT INTO v (a) VALUES ($1)");
		mr_bind_text(s, 1, sorted[i - 1]);
		run(s);
	}
	s = stmt(db, "SELECT a FROM v ORDER BY a");
	for (i = 0; i < MR_COUNT(sorted); i++) {
		step(s, 1);
		assert_string_equal(sorted[i], mr_stmt_text(s, 0));
	}
	step(s, 0);
}

static void the_database_gives_ids(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mr_stmt *s;
	int64_t first;

	exec(db, "CREATE TABLE v (id {key}, name {text} NOT NULL UNIQUE)");
	s = stmt(db, "INSERT INTO v (name) VALUES ($1) RETURNING id");
	mr_bind_text(s, 1, "a");
	step(s, 1);
	first = mr_stmt_int(s, 0);
	step(s, 0);
	mr_stmt_reset(s);
	mr_bind_text(s, 1, "b");
	step(s, 1);
	assert_true(mr_stmt_int(s, 0) != first);
	step(s, 0);
}

static void a_broken_key_is_a_conflict(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s;

	exec(db, "CREATE TABLE v (a {int} NOT NULL PRIMARY KEY)");
	exec(db, "INSERT INTO v (a) VALUES (1)");
	s = stmt(db, "INSERT INTO v (a) VALUES ($1) RETURNING a");
	mr_bind_int(s, 1, 1);
	assert_code(MREG_ECONFLICT, mr_stmt_step(s, &err), err);
	mr_stmt_reset(s);
	mr_bind_int(s, 1, 2);
	step(s, 1);
}

static void what_is_rolled_back_never_was(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s;

	exec(db, "CREATE TABLE v (a {int})");
	assert_ok(mr_db_begin(db, true, &err), err);
	s = stmt(db, "INSERT INTO v (a) VALUES ($1)");
	mr_bind_int(s, 1, 1);
	run(s);
	assert_int_equal(1, number(db, "SELECT COUNT(*) FROM v"));
	mr_db_rollback(db);
	mr_db_rollback(db);
	assert_int_equal(0, number(db, "SELECT COUNT(*) FROM v"));
	assert_ok(mr_db_begin(db, true, &err), err);
	mr_bind_int(s, 1, 2);
	run(s);
	assert_ok(mr_db_commit(db, &err), err);
	assert_int_equal(1, number(db, "SELECT COUNT(*) FROM v"));
}

static void a_reader_sees_one_moment(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	MR_AUTO(mr_db_closep) struct mr_db *other = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	exec(db, "CREATE TABLE v (a {int})");
	other = open_db(t, MR_DB_READ);
	assert_ok(mr_db_begin(other, false, &err), err);
	assert_int_equal(0, number(other, "SELECT COUNT(*) FROM v"));
	exec(db, "INSERT INTO v (a) VALUES (1)");
	assert_int_equal(0, number(other, "SELECT COUNT(*) FROM v"));
	assert_ok(mr_db_commit(other, &err), err);
	assert_int_equal(1, number(other, "SELECT COUNT(*) FROM v"));
}

static void a_reader_cannot_write(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	MR_AUTO(mr_db_closep) struct mr_db *other = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	exec(db, "CREATE TABLE v (a {int})");
	other = open_db(t, MR_DB_READ);
	assert_code(MREG_EDB,
		    mr_db_exec(other, "INSERT INTO v (a) VALUES (1)", &err),
		    err);
}

static void a_mistake_in_sql_is_told(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s = NULL;

	assert_code(MREG_EINTERNAL,
		    mr_stmt_new(db, "CREATE TABLE v (a {number})", &s, &err),
		    err);
	assert_has(err.msg, "number");
	assert_code(MREG_EDB, mr_db_exec(db, "SELECT FROM WHERE", &err), err);
}

static void cancelling_ends_a_long_question(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s;

	exec(db, "CREATE TABLE v (a {int})");
	atomic_store(&t->t.cancel, true);
	s = stmt(db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT"
		     " i + 1 FROM n) SELECT COUNT(*) FROM n");
	assert_code(MREG_ECANCELED, mr_stmt_step(s, &err), err);
	atomic_store(&t->t.cancel, false);
	mr_stmt_reset(s);
	assert_int_equal(0, number(db, "SELECT COUNT(*) FROM v"));
}

/* Who asks the same twice at once has two statements, and what one is bound to
 * is nothing to the next. */
static void statements_of_one_text_are_apart(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	static const char sql[] = "SELECT a FROM v WHERE a >= CAST($1 AS {int})"
				  " ORDER BY a";
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *one = NULL, *other = NULL;

	exec(db, "CREATE TABLE v (a {int}); INSERT INTO v VALUES (1), (2)");
	assert_ok(mr_stmt_new(db, sql, &one, &err), err);
	assert_ok(mr_stmt_new(db, sql, &other, &err), err);
	mr_bind_int(one, 1, 1);
	mr_bind_int(other, 1, 2);
	step(one, 1);
	step(other, 1);
	assert_int_equal(1, mr_stmt_int(one, 0));
	assert_int_equal(2, mr_stmt_int(other, 0));
	mr_stmt_free(other);
	step(one, 1);
	assert_int_equal(2, mr_stmt_int(one, 0));
	mr_stmt_free(one);
	assert_ok(mr_stmt_new(db, sql, &one, &err), err);
	step(one, 0);
	mr_stmt_free(one);
}

/* More than are kept, and some of them in use: SQLite would not close. */
static void many_statements_come_and_go(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *all[200];
	char sql[64];
	int i, k;

	for (k = 0; k < 2; k++) {
		for (i = 0; i < 200; i++) {
			(void)snprintf(sql, sizeof(sql), "SELECT %d", i);
			assert_ok(mr_stmt_new(db, sql, &all[i], &err), err);
		}
		for (i = 0; i < 200; i++) {
			step(all[i], 1);
			assert_int_equal(i, mr_stmt_int(all[i], 0));
			mr_stmt_free(all[i]);
		}
	}
}

static uint64_t version(struct mr_db *db)
{
	struct mreg_error err = MREG_ERROR_INIT;
	uint64_t out = 0;

	assert_ok(mr_db_begin(db, false, &err), err);
	assert_int_equal(1, mr_db_version(db, &out, &err));
	mr_db_rollback(db);
	return out;
}

static void tells_whether_anything_was_written(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	MR_AUTO(mr_db_closep) struct mr_db *other = open_db(t, MR_DB_WRITE);
	struct mreg_error err = MREG_ERROR_INIT;
	uint64_t before = 0;

	exec(db, "CREATE TABLE v (a {int})");
	if (mr_db_kind(db) == MR_DB_POSTGRES) {
		assert_int_equal(0, mr_db_version(db, &before, &err));
		return;
	}
	before = version(db);
	assert_int_equal(before, version(db));
	exec(other, "INSERT INTO v VALUES (1)");
	assert_int_not_equal(before, version(db));
	before = version(db);
	exec(db, "INSERT INTO v VALUES (2)");
	assert_int_not_equal(before, version(db));
	before = version(db);
	/* What another one commits is not seen yet. */
	assert_ok(mr_db_begin(db, false, &err), err);
	assert_int_equal(2, number(db, "SELECT COUNT(*) FROM v"));
	exec(other, "DELETE FROM v");
	assert_int_equal(1, mr_db_version(db, &before, &err));
	assert_int_equal(2, number(db, "SELECT COUNT(*) FROM v"));
	mr_db_rollback(db);
	assert_int_not_equal(before, version(db));
	assert_int_equal(0, number(db, "SELECT COUNT(*) FROM v"));
}

static void settles_and_tells_its_size(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	uint64_t before = 0;
	uint64_t after = 0;
	struct mr_stmt *s;
	int i;

	exec(db, "CREATE TABLE v (a {int} NOT NULL PRIMARY KEY, b {text})");
	assert_ok(mr_db_size(db, &before, &err), err);
	assert_ok(mr_db_begin(db, true, &err), err);
	for (i = 0; i < 5000; i++) {
		s = stmt(db, "INSERT INTO v (a, b) VALUES ($1, $2)");
		mr_bind_int(s, 1, i);
		mr_bind_text(s, 2, "some text that takes a little space");
		run(s);
	}
	assert_ok(mr_db_commit(db, &err), err);
	assert_ok(mr_db_settle(db, &err), err);
	assert_ok(mr_db_size(db, &after, &err), err);
	assert_true(after > before + 5000 * 35);
	assert_true(after < before + 5000 * 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(keeps_values_of_every_type),
		TEST_BOTH_DB(placeholders_may_come_in_any_order_and_twice),
		TEST_BOTH_DB(what_is_not_bound_is_null),
		TEST_BOTH_DB(searches_sets_of_ids),
		TEST_BOTH_DB(patterns_are_the_same_in_both),
		TEST_BOTH_DB(digests_and_times_are_texts),
		TEST_BOTH_DB(texts_are_ordered_bytewise),
		TEST_BOTH_DB(the_database_gives_ids),
		TEST_BOTH_DB(a_broken_key_is_a_conflict),
		TEST_BOTH_DB(what_is_rolled_back_never_was),
		TEST_BOTH_DB(a_reader_sees_one_moment),
		TEST_BOTH_DB(a_reader_cannot_write),
		TEST_BOTH_DB(a_mistake_in_sql_is_told),
		TEST_BOTH_DB(cancelling_ends_a_long_question),
		TEST_BOTH_DB(statements_of_one_text_are_apart),
		TEST_BOTH_DB(many_statements_come_and_go),
		TEST_BOTH_DB(tells_whether_anything_was_written),
		TEST_BOTH_DB(settles_and_tells_its_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

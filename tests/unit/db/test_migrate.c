/*
 * test_migrate.c - the schema, step by step, on both databases.
 */
#include "db/db.h"

#include "base/mem.h"
#include "tests/support/db_fixture.h"

static const struct mr_migration steps[] = {
	{ "0001_one", "CREATE TABLE one (id {key}, a {text} NOT NULL)",
	  "CREATE TABLE own (lite {int})", "CREATE TABLE own (pg {int})" },
	{ "0002_two", "ALTER TABLE one ADD COLUMN b {int}", NULL, NULL },
	{ "0003_three",
	  "CREATE TABLE three (a {int} NOT NULL PRIMARY KEY)"
	  " {rowless}; INSERT INTO three (a) VALUES (1)",
	  NULL, NULL },
};

static struct mr_db *open_db(struct test_db *t, enum mr_db_mode mode)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_db *db = NULL;

	assert_ok(mr_db_open(t->env, t->where, mode, &db, &err), err);
	return db;
}

static bool answers(struct mr_db *db, const char *sql)
{
	struct mreg_error err = MREG_ERROR_INIT;

	return mr_db_exec(db, sql, &err) >= 0;
}

static void takes_the_steps_that_are_missing(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	size_t at = 9;

	assert_ok(mr_db_migrate(db, MR_DB_CREATE, steps, 1, &at, &err), err);
	assert_int_equal(1, at);
	assert_true(answers(db, t->kind == MR_DB_SQLITE
					? "SELECT lite FROM own"
					: "SELECT pg FROM own"));
	assert_false(answers(db, "SELECT b FROM one"));
	assert_ok(mr_db_migrate(db, MR_DB_WRITE, steps, 3, &at, &err), err);
	assert_int_equal(3, at);
	assert_true(answers(db, "SELECT b FROM one"));
	assert_ok(mr_db_migrate(db, MR_DB_WRITE, steps, 3, &at, &err), err);
	assert_ok(mr_db_migrate(db, MR_DB_READ, steps, 3, &at, &err), err);
	assert_int_equal(3, at);
}

static void nothing_is_not_found_and_not_made(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	size_t at = 9;

	assert_code(MREG_ENOTFOUND,
		    mr_db_migrate(db, MR_DB_READ, steps, 3, &at, &err), err);
	assert_code(MREG_ENOTFOUND,
		    mr_db_migrate(db, MR_DB_WRITE, steps, 3, &at, &err), err);
	assert_int_equal(0, at);
	assert_false(answers(db, "SELECT name FROM schema_steps"));
}

static void a_newer_schema_is_refused(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	size_t at = 9;

	assert_ok(mr_db_migrate(db, MR_DB_CREATE, steps, 3, &at, &err), err);
	assert_code(MREG_EUNSUPPORTED,
		    mr_db_migrate(db, MR_DB_READ, steps, 2, &at, &err), err);
	assert_has(err.msg, "a newer mreg wrote");
	assert_code(MREG_EUNSUPPORTED,
		    mr_db_migrate(db, MR_DB_CREATE, steps, 2, &at, &err), err);
}

static void an_older_one_is_not_read(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	size_t at = 9;

	assert_ok(mr_db_migrate(db, MR_DB_CREATE, steps, 2, &at, &err), err);
	assert_code(MREG_EUNSUPPORTED,
		    mr_db_migrate(db, MR_DB_READ, steps, 3, &at, &err), err);
	assert_has(err.msg, "an older mreg wrote");
	assert_int_equal(2, at);
}

static void another_history_is_refused(void **state)
{
	static const struct mr_migration other[] = {
		{ "0001_other", "CREATE TABLE other (a {int})", NULL, NULL },
	};
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mreg_error err = MREG_ERROR_INIT;
	size_t at = 9;

	assert_ok(mr_db_migrate(db, MR_DB_CREATE, other, 1, &at, &err), err);
	assert_code(MREG_EUNSUPPORTED,
		    mr_db_migrate(db, MR_DB_CREATE, steps, 3, &at, &err), err);
	assert_has(err.msg, "not one of mreg");
}

static void a_step_that_fails_leaves_nothing(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t, MR_DB_CREATE);
	struct mr_migration broken[MR_COUNT(steps)];
	struct mreg_error err = MREG_ERROR_INIT;
	size_t at = 9;
	size_t i;

	for (i = 0; i < MR_COUNT(steps); i++)
		broken[i] = steps[i];
	broken[1].sql = "CREATE TABLE half (a {int}); CREATE TABLE one (a"
			" {int})";
	assert_code(MREG_EDB,
		    mr_db_migrate(db, MR_DB_CREATE, broken, 3, &at, &err), err);
	assert_int_equal(1, at);
	assert_false(answers(db, "SELECT a FROM half"));
	assert_ok(mr_db_migrate(db, MR_DB_CREATE, steps, 3, &at, &err), err);
	assert_int_equal(3, at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(takes_the_steps_that_are_missing),
		TEST_BOTH_DB(nothing_is_not_found_and_not_made),
		TEST_BOTH_DB(a_newer_schema_is_refused),
		TEST_BOTH_DB(an_older_one_is_not_read),
		TEST_BOTH_DB(another_history_is_refused),
		TEST_BOTH_DB(a_step_that_fails_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

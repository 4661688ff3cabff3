/*
 * test_guarded.c - SQL that a user wrote: what it may do, and what not.
 */
#include "db/db.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/db_fixture.h"

static const char *const allowed[] = { "shown", "counted", NULL };

static struct mr_db *open_db(struct test_db *t)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_db *db = NULL;

	assert_ok(mr_db_open(t->env, t->where, MR_DB_CREATE, &db, &err), err);
	assert_ok(mr_db_exec(db,
			     "CREATE TABLE inner_rows (a {int}, b {text},"
			     " c {blob}, r {real});"
			     "CREATE TABLE secret (a {int}, b {text});"
			     "INSERT INTO inner_rows (a, b, r) VALUES"
			     " (1, 'one', 0.5), (2, 'two', -1), (3, NULL, 3);"
			     "INSERT INTO secret (a, b) VALUES (7, 'secret');"
			     "CREATE VIEW shown AS SELECT a, b, c, r FROM"
			     " inner_rows;"
			     "CREATE VIEW counted AS SELECT COUNT(*) AS n FROM"
			     " shown",
			     &err),
		  err);
	return db;
}

static int ask(struct mr_db *db, const char *sql, struct mr_stmt **out,
	       struct mreg_error *err)
{
	return mr_db_guarded(db, sql, allowed, 60000, out, err);
}

/* The first column of the rows, with commas. */
static const char *rows(struct mr_db *db, const char *sql, char out[256])
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	size_t n = 0;
	int rc;

	assert_ok(ask(db, sql, &s, &err), err);
	out[0] = '\0';
	while ((rc = mr_stmt_step(s, &err)) > 0) {
		const char *sep = n ? "," : "";

		if (mr_stmt_type(s, 0) == MR_COLUMN_TEXT)
			n += (size_t)snprintf(out + n, 256 - n, "%s%s", sep,
					      mr_stmt_text(s, 0));
		else if (mr_stmt_type(s, 0) == MR_COLUMN_NULL)
			n += (size_t)snprintf(out + n, 256 - n, "%snull", sep);
		else
			n += (size_t)snprintf(out + n, 256 - n, "%s%g", sep,
					      mr_stmt_real(s, 0));
	}
	assert_ok(rc, err);
	return out;
}

static void reads_what_is_allowed(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t);
	char out[256];

	assert_string_equal("1,2,3",
			    rows(db, "SELECT a FROM shown ORDER BY a", out));
	assert_string_equal("3", rows(db, "SELECT n FROM counted;\n", out));
	assert_string_equal("one,two,null",
			    rows(db, "SELECT b FROM shown ORDER BY a", out));
	assert_string_equal("2.5", rows(db, "SELECT SUM(r) FROM shown", out));
	assert_string_equal("6", rows(db, "SELECT SUM(a) FROM shown", out));
	assert_string_equal(
		"3", rows(db,
			  "WITH x AS (SELECT * FROM shown) SELECT COUNT(*)"
			  " FROM x",
			  out));
	assert_string_equal("1,2",
			    rows(db,
				 "SELECT a, a, upper(b) FROM shown WHERE b LIKE"
				 " '%o%' -- and so on",
				 out));
	assert_string_equal("1,2", rows(db, "VALUES (1), (2)", out));
	assert_string_equal(
		"4", rows(db,
			  "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT "
			  "i + 1 FROM c WHERE i < 4) SELECT COUNT(*) FROM c",
			  out));
	assert_string_equal("3", rows(db,
				      "WITH c AS MATERIALIZED (SELECT a FROM "
				      "shown) SELECT COUNT(*) FROM C",
				      out));
}

static void names_its_columns(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t);
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	int rc;

	assert_ok(ask(db, "SELECT a AS first, b FROM shown WHERE a = 0", &s,
		      &err),
		  err);
	rc = mr_stmt_step(s, &err);
	assert_ok(rc, err);
	assert_int_equal(0, rc);
	assert_int_equal(2, mr_stmt_columns(s));
	assert_string_equal("first", mr_stmt_name(s, 0));
	assert_string_equal("b", mr_stmt_name(s, 1));
}

static void denies(struct mr_db *db, const char *sql, int code)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	int rc = ask(db, sql, &s, &err);

	if (rc != code)
		print_error("%s\n", sql);
	assert_code(code, rc, err);
}

static void denies_what_is_not(void **state)
{
	static const char *const common[] = {
		"SELECT * FROM secret",
		"SELECT * FROM inner_rows",
		"SELECT COUNT(*) FROM secret",
		"SELECT COUNT(*) FROM SECRET",
		"SELECT 1 WHERE EXISTS (SELECT 1 FROM secret)",
		"SELECT (SELECT b FROM secret)",
		"SELECT a FROM shown UNION SELECT a FROM secret",
		"WITH shown AS (SELECT b FROM secret) SELECT * FROM shown",
		"WITH counted AS (SELECT a FROM secret) SELECT * FROM counted",
		"SELECT * FROM (SELECT * FROM secret) AS shown",
		"SELECT a FROM shown ORDER BY (SELECT a FROM secret)",
	};
	static const char *const sqlite[] = {
		"SELECT * FROM sqlite_schema",
		"SELECT * FROM pragma_database_list",
		"SELECT load_extension('x')",
		"DELETE FROM inner_rows",
		"DROP TABLE secret",
		"ATTACH 'x' AS y",
		"PRAGMA user_version",
		"WITH shown AS (SELECT a FROM secret) SELECT 1 FROM shown",
	};
	static const char *const postgres[] = {
		"SELECT * FROM pg_catalog.pg_class",
		"SELECT * FROM pg_stat_activity",
		"SELECT * FROM information_schema.tables",
		"SELECT pg_read_file('/etc/passwd')",
		"SELECT pg_sleep(1)",
		"SELECT set_config('x.y', 'z', false)",
		"SELECT current_setting('data_directory')",
		"SELECT query_to_xml('SELECT * FROM secret', true, true, '')",
		"SELECT table_to_xml('secret', true, true, '')",
		"SELECT lo_import('/etc/passwd')",
		"SELECT * FROM pg_ls_dir('.')",
		"SELECT pg_advisory_lock(1)",
		"SELECT nextval('x') FROM shown WHERE pg_backend_pid() > 0",
	};
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t);
	size_t i;

	for (i = 0; i < MR_COUNT(common); i++)
		denies(db, common[i], MREG_EDENIED);
	for (i = 0; i < MR_COUNT(sqlite) && t->kind == MR_DB_SQLITE; i++)
		denies(db, sqlite[i], MREG_EDENIED);
	/* One of the last is not there, which is a mistake all the same. */
	for (i = 0; i + 1 < MR_COUNT(postgres) && t->kind == MR_DB_POSTGRES;
	     i++)
		denies(db, postgres[i], MREG_EDENIED);
}

static void mistakes_are_told_in_the_databases_words(void **state)
{
	static const char *const wrong[] = {
		"SELEC 1",
		"SELECT nothing FROM shown",
		"SELECT * FROM nowhere",
		"SELECT 1; SELECT 2",
		"SELECT 1; DELETE FROM secret",
		"SELECT 1) AS q, (SELECT 2",
		"",
		"  -- nothing\n",
		"SELECT 'open",
	};
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s = NULL;
	size_t i;

	for (i = 0; i < MR_COUNT(wrong); i++)
		denies(db, wrong[i], MREG_EUSAGE);
	assert_code(MREG_EUSAGE, ask(db, "SELECT nothing FROM shown", &s, &err),
		    err);
	assert_has(err.msg, "nothing");
}

static void writes_nothing(void **state)
{
	static const char *const tries[] = {
		"INSERT INTO shown (a) VALUES (9)",
		"UPDATE inner_rows SET a = 9",
		"CREATE TABLE more (a INTEGER)",
		"WITH x AS (SELECT 1) DELETE FROM inner_rows",
		"COMMIT",
		"BEGIN",
		"VACUUM",
		"EXPLAIN SELECT 1",
	};
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s = NULL;
	char out[256];
	size_t i;
	int rc;

	for (i = 0; i < MR_COUNT(tries); i++) {
		rc = ask(db, tries[i], &s, &err);
		if (rc != MREG_EDENIED && rc != MREG_EUSAGE)
			fail_msg("%s", tries[i]);
	}
	assert_string_equal("1,2,3",
			    rows(db, "SELECT a FROM shown ORDER BY a", out));
}

static void time_is_bounded(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t);
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	int rc;

	assert_ok(mr_db_guarded(db,
				"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
				" SELECT i + 1 FROM n WHERE i < 2000000000)"
				" SELECT SUM(i) FROM n",
				allowed, 50, &s, &err),
		  err);
	/* The clock of the test stands still: for SQLite it is moved. */
	t->t.now_ms += 1000;
	rc = mr_stmt_step(s, &err);
	assert_code(MREG_ELIMIT, rc, err);
	assert_has(err.msg, "takes too long");
}

static void the_database_stays_usable(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = open_db(t);
	struct mreg_error err = MREG_ERROR_INIT;
	char out[256];

	assert_string_equal("3", rows(db, "SELECT n FROM counted", out));
	assert_ok(mr_db_exec(db, "INSERT INTO inner_rows (a) VALUES (4)", &err),
		  err);
	assert_string_equal("4", rows(db, "SELECT n FROM counted", out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(reads_what_is_allowed),
		TEST_BOTH_DB(names_its_columns),
		TEST_BOTH_DB(denies_what_is_not),
		TEST_BOTH_DB(mistakes_are_told_in_the_databases_words),
		TEST_BOTH_DB(writes_nothing),
		TEST_BOTH_DB(time_is_bounded),
		TEST_BOTH_DB(the_database_stays_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

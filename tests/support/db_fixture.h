/*
 * tests/support/db_fixture.h - an empty database for each test: SQLite in a
 * folder of its own, and PostgreSQL in a schema of its own, where
 * MREG_TEST_POSTGRES says where a server is (scripts/postgres starts one).
 *
 *	static void keeps_rows(void **state)
 *	{
 *		struct test_db *t = test_db(state);
 *		...
 *	}
 *	...
 *		TEST_BOTH_DB(keeps_rows),
 */
#ifndef TESTS_SUPPORT_DB_FIXTURE_H
#define TESTS_SUPPORT_DB_FIXTURE_H

#include <limits.h>

#include "db/db.h"
#include "tests/support/test.h"

struct test_db {
	enum mr_db_kind kind;
	char where[PATH_MAX]; /* for mr_db_open; nothing is there yet */
	char *dir;            /* owned; an empty folder */
	struct test_env t;
	struct mr_env *env; /* of t */
};

/* The state of a test; one that has no server to run on ends here, as skipped.
 */
struct test_db *test_db(void **state);

/* Setup and teardown; the latter removes what the test left. */
int test_db_sqlite(void **state);
int test_db_postgres(void **state);
int test_db_end(void **state);

/* A test of a test program's list: on both. */
#define TEST_BOTH_DB(f)                                                        \
	{ #f " (SQLite)", f, test_db_sqlite, test_db_end, NULL },              \
	{                                                                      \
#f " (PostgreSQL)", f, test_db_postgres, test_db_end, NULL     \
	}

#endif

/*
 * test_trouble.c - databases that are broken, locked, full, or left behind by
 * who died.
 */
#include "db/db.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/support/db_fixture.h"

static struct mr_db *make(struct test_db *t)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_db *db = NULL;

	assert_ok(mr_db_open(t->env, t->where, MR_DB_CREATE, &db, &err), err);
	assert_ok(mr_db_exec(db, "CREATE TABLE v (a {int}, b {text})", &err),
		  err);
	return db;
}

static int64_t count(struct mr_db *db)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_stmt_new(db, "SELECT COUNT(*) FROM v", &s, &err), err);
	assert_int_equal(1, mr_stmt_step(s, &err));
	return mr_stmt_int(s, 0);
}

static void insert(struct mr_db *db, int64_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s;
	int64_t i;

	for (i = 0; i < n; i++) {
		assert_ok(mr_db_stmt(db, "INSERT INTO v (a, b) VALUES ($1, $2)",
				     &s, &err),
			  err);
		mr_bind_int(s, 1, i);
		mr_bind_text(s, 2, "some text that takes a little space");
		assert_ok(mr_stmt_run(s, &err), err);
	}
}

static int open_rc(struct test_db *t, enum mr_db_mode mode,
		   struct mreg_error *err)
{
	struct mr_db *db = NULL;
	int rc = mr_db_open(t->env, t->where, mode, &db, err);

	mr_db_close(db);
	return rc;
}

static void what_is_not_there_is_not_found(void **state)
{
	struct test_db *t = test_db(state);
	struct mreg_error err = MREG_ERROR_INIT;

	assert_code(MREG_ENOTFOUND, open_rc(t, MR_DB_READ, &err), err);
	assert_code(MREG_ENOTFOUND, open_rc(t, MR_DB_WRITE, &err), err);
	assert_int_equal(0, test_count(t->dir));
}

static void one_who_dies_leaves_nothing_half(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = make(t);
	struct mreg_error err = MREG_ERROR_INIT;
	pid_t child;
	int status;

	insert(db, 3);
	mr_db_closep(&db);
	child = fork();
	if (child == 0) {
		if (mr_db_open(t->env, t->where, MR_DB_WRITE, &db, &err) < 0 ||
		    mr_db_begin(db, true, &err) < 0)
			_exit(1);
		insert(db, 5000);
		(void)raise(SIGKILL);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFSIGNALED(status));
	assert_ok(mr_db_open(t->env, t->where, MR_DB_WRITE, &db, &err), err);
	assert_int_equal(3, count(db));
	assert_ok(mr_db_begin(db, true, &err), err);
	insert(db, 1);
	assert_ok(mr_db_commit(db, &err), err);
	assert_int_equal(4, count(db));
}

static void a_statement_that_failed_is_told_at_the_commit(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = make(t);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s;
	int i, rc;

	assert_ok(mr_db_exec(db, "CREATE UNIQUE INDEX u ON v (a)", &err), err);
	assert_ok(mr_db_begin(db, true, &err), err);
	assert_ok(mr_db_stmt(db, "INSERT INTO v (a) VALUES ($1)", &s, &err),
		  err);
	for (i = 0, rc = 0; i < 2 && rc >= 0; i++) {
		mr_bind_int(s, 1, 7);
		rc = mr_stmt_run(s, &err);
	}
	if (rc >= 0)
		rc = mr_db_commit(db, &err);
	assert_code(MREG_ECONFLICT, rc, err);
	mr_db_rollback(db);
	assert_int_equal(0, count(db));
}

static void writers_take_turns(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = make(t);
	MR_AUTO(mr_db_closep) struct mr_db *other = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_db_open(t->env, t->where, MR_DB_WRITE, &other, &err), err);
	assert_ok(mr_db_begin(db, true, &err), err);
	insert(db, 1);
	/* PostgreSQL's clock is a real one: ^C ends the wait. */
	atomic_store(&t->t.cancel, t->kind == MR_DB_POSTGRES);
	assert_code(t->kind == MR_DB_POSTGRES ? MREG_ECANCELED : MREG_EDB,
		    mr_db_begin(other, true, &err), err);
	atomic_store(&t->t.cancel, false);
	if (t->kind == MR_DB_SQLITE) {
		assert_has(err.hint, "another process is writing");
		assert_true(t->t.slept_ms >= 29000);
	}
	assert_ok(mr_db_commit(db, &err), err);
	assert_ok(mr_db_begin(other, true, &err), err);
	insert(other, 1);
	assert_ok(mr_db_commit(other, &err), err);
	assert_int_equal(2, count(db));
}

static void a_question_may_wait_for_another(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = make(t);
	MR_AUTO(mr_stmt_freep) struct mr_stmt *outer = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *inner;
	int64_t n = 0;

	insert(db, 300);
	assert_ok(
		mr_stmt_new(db, "SELECT a, b FROM v ORDER BY a", &outer, &err),
		err);
	while (mr_stmt_step(outer, &err) > 0) {
		assert_int_equal(n, mr_stmt_int(outer, 0));
		assert_ok(mr_db_stmt(db, "SELECT a FROM v WHERE a = $1", &inner,
				     &err),
			  err);
		mr_bind_int(inner, 1, 299 - n);
		assert_int_equal(1, mr_stmt_step(inner, &err));
		assert_int_equal(299 - n, mr_stmt_int(inner, 0));
		/* The row of the first is still there. */
		assert_int_equal(n, mr_stmt_int(outer, 0));
		assert_has(mr_stmt_text(outer, 1), "some text");
		n++;
	}
	assert_int_equal(300, n);
}

/* -- files ----------------------------------------------------------------- */

static void a_file_that_is_no_database_is_refused(void **state)
{
	struct test_db *t = test_db(state);
	struct mreg_error err = MREG_ERROR_INIT;
	char *after;
	size_t n;

	test_write_noise(t->dir, "test.db", 20000, 7);
	assert_code(MREG_EDB, open_rc(t, MR_DB_READ, &err), err);
	assert_has(err.msg, "not a database");
	assert_code(MREG_EDB, open_rc(t, MR_DB_CREATE, &err), err);
	after = test_read(t->dir, "test.db", &n);
	assert_int_equal(20000, n);
	free(after);
}

static void the_database_of_another_program_is_refused(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = make(t);
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_db_exec(db, "PRAGMA application_id = 77", &err), err);
	mr_db_closep(&db);
	assert_code(MREG_EDB, open_rc(t, MR_DB_READ, &err), err);
	assert_has(err.msg, "of another program");
	assert_code(MREG_EDB, open_rc(t, MR_DB_CREATE, &err), err);
}

static void a_folder_is_no_file(void **state)
{
	struct test_db *t = test_db(state);
	struct mreg_error err = MREG_ERROR_INIT;

	assert_int_equal(0, mkdir(t->where, 0755));
	assert_code(MREG_EDB, open_rc(t, MR_DB_CREATE, &err), err);
	assert_has(err.msg, "not a regular file");
}

static void its_file_is_its_owners_alone(void **state)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = NULL;
	char path[PATH_MAX + 64];
	struct stat st;
	size_t i;

	(void)snprintf(t->where, sizeof(t->where), "%s/new/folder/x.db",
		       t->dir);
	db = make(t);
	for (i = 0; i < MR_COUNT(names); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", t->where, names[i]);
		assert_int_equal(0, stat(path, &st));
		assert_int_equal(0600, st.st_mode & 07777);
	}
}

static void a_full_disk_is_told_and_harms_nothing(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = make(t);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stmt *s;
	struct rlimit was, small;
	int i, rc = 0;

	insert(db, 10);
	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &was));
	small = was;
	small.rlim_cur = 1 << 20;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &small));
	assert_ok(mr_db_begin(db, true, &err), err);
	for (i = 0; i < 200000 && rc >= 0; i++) {
		rc = mr_db_stmt(db, "INSERT INTO v (a, b) VALUES ($1, $2)", &s,
				&err);
		mr_bind_int(s, 1, i);
		mr_bind_text(s, 2,
			     "some text that takes a little space, and"
			     " some more that takes a little more");
		if (rc >= 0)
			rc = mr_stmt_run(s, &err);
	}
	if (rc >= 0)
		rc = mr_db_commit(db, &err);
	mr_db_rollback(db);
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &was));
	(void)signal(SIGXFSZ, SIG_DFL);
	assert_code(MREG_EDB, rc, err);
	assert_int_equal(10, count(db));
	insert(db, 1);
	assert_int_equal(11, count(db));
}

/* Root may do everything: as somebody else. */
static void a_folder_that_cannot_be_written_to_is_told(void **state)
{
	struct test_db *t = test_db(state);
	pid_t child;
	int status;

	(void)snprintf(t->where, sizeof(t->where), "%s/x.db", t->dir);
	assert_int_equal(0, chmod(t->dir, 0555));
	child = fork();
	if (child == 0) {
		struct mreg_error err = MREG_ERROR_INIT;

		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(3);
		_exit(open_rc(t, MR_DB_CREATE, &err) == MREG_EIO && err.hint[0]
			      ? 0
			      : 1);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(0, WEXITSTATUS(status));
}

/* -- servers --------------------------------------------------------------- */

static void a_wrong_password_is_told_without_it(void **state)
{
	struct test_db *t = test_db(state);
	struct mreg_error err = MREG_ERROR_INIT;
	char *at = strstr(t->where, "tester@");
	char where[PATH_MAX];

	assert_non_null(at);
	(void)snprintf(where, sizeof(where), "%.*sguest:geheim@%s",
		       (int)(at - t->where), t->where, at + 7);
	(void)snprintf(t->where, sizeof(t->where), "%s", where);
	assert_code(MREG_EDB, open_rc(t, MR_DB_READ, &err), err);
	assert_has(err.msg, "password authentication failed");
	assert_has_not(err.msg, "geheim");
	assert_has_not(err.cause, "geheim");
	t->where[0] = '\0'; /* nothing of it to be removed */
}

static void no_server_is_told(void **state)
{
	struct test_db *t = test_db(state);
	struct mreg_error err = MREG_ERROR_INIT;

	(void)snprintf(t->where, sizeof(t->where),
		       "postgresql:///x?host=%s&user=u", t->dir);
	assert_code(MREG_EDB, open_rc(t, MR_DB_CREATE, &err), err);
	assert_has(err.msg, "cannot open");
	assert_has(err.hint, "psql");
	t->where[0] = '\0';
}

static void a_lost_connection_costs_one_failure(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_db_closep) struct mr_db *db = make(t);
	struct mreg_error err = MREG_ERROR_INIT;

	insert(db, 2);
	assert_code(MREG_EDB,
		    mr_db_exec(db,
			       "SELECT pg_terminate_backend("
			       "pg_backend_pid())",
			       &err),
		    err);
	assert_has(err.hint, "server");
	assert_int_equal(2, count(db));
	insert(db, 1);
	assert_int_equal(3, count(db));
}

#define TEST_ONE(f, kind)                                                      \
	{                                                                      \
#f, f, test_db_##kind, test_db_end, NULL                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(what_is_not_there_is_not_found),
		TEST_BOTH_DB(one_who_dies_leaves_nothing_half),
		TEST_BOTH_DB(a_statement_that_failed_is_told_at_the_commit),
		TEST_BOTH_DB(writers_take_turns),
		TEST_BOTH_DB(a_question_may_wait_for_another),
		TEST_ONE(a_file_that_is_no_database_is_refused, sqlite),
		TEST_ONE(the_database_of_another_program_is_refused, sqlite),
		TEST_ONE(a_folder_is_no_file, sqlite),
		TEST_ONE(its_file_is_its_owners_alone, sqlite),
		TEST_ONE(a_full_disk_is_told_and_harms_nothing, sqlite),
		TEST_ONE(a_folder_that_cannot_be_written_to_is_told, sqlite),
		TEST_ONE(a_wrong_password_is_told_without_it, postgres),
		TEST_ONE(no_server_is_told, postgres),
		TEST_ONE(a_lost_connection_costs_one_failure, postgres),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

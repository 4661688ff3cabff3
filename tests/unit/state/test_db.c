/*
 * test_db.c - a state file that is missing, spoiled, locked or not ours is
 * never an error (security.md H98, H104).
 */
#include "tests/support/test.h"

#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "state/state.h"

struct fixture {
	struct test_env t;
	char *dir;
	char path[PATH_MAX];
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	test_env_init(&f->t);
	f->dir = test_tmpdir_new();
	snprintf(f->path, sizeof(f->path), "%s/state.db", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	test_env_release(&f->t);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

/* One run: whether the last one's fact is there, then leave a new one. */
static bool run(struct fixture *f)
{
	struct mr_state *s = mr_state_open(f->path, &f->t.env);
	char out[16];
	bool found;

	assert_non_null(s);
	found = mr_state_fact_get(s, "scope", "key", out, sizeof(out));
	mr_state_fact_put(s, "scope", "key", "value");
	mr_state_close(s);
	return found;
}

static void sql(struct fixture *f, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void makes_private_files_and_folders(void **state)
{
	struct fixture *f = *state;
	char name[PATH_MAX + 4];

	snprintf(f->path, sizeof(f->path), "%s/a/b/state.db", f->dir);
	run(f);
	assert_true(run(f));
	assert_int_equal(mode_of(f->path), 0600);
	snprintf(name, sizeof(name), "%s/a/b", f->dir);
	assert_int_equal(mode_of(name), 0700);
	snprintf(name, sizeof(name), "%s-wal", f->path);
	assert_int_equal(mode_of(name), 0600);
}

static void takes_back_what_was_readable_for_all(void **state)
{
	struct fixture *f = *state;

	run(f);
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_true(run(f));
	assert_int_equal(mode_of(f->path), 0600);
}

static void replaces_what_is_no_database(void **state)
{
	struct fixture *f = *state;

	test_write_noise(f->dir, "state.db", 20000, 1);
	assert_int_equal(chmod(f->path, 0600), 0);
	assert_false(run(f));
	assert_has(f->t.log, "info replacing '");
	assert_true(run(f));
}

/* Spoil everything behind the first page's header. */
static void replaces_what_turns_out_to_be_corrupt(void **state)
{
	struct fixture *f = *state;
	size_t n;
	char *bytes;

	run(f);
	sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
	bytes = test_read(f->dir, "state.db", &n);
	memset(bytes + 4096, 0xa5, n - 4096);
	test_write(f->dir, "state.db", bytes, n);
	free(bytes);
	assert_false(run(f));
	assert_has(f->t.log, "info replacing '");
	assert_true(run(f));
}

static void survives_truncation_anywhere(void **state)
{
	struct fixture *f = *state;
	size_t step = 1500;
	size_t size;
	size_t at;

	run(f);
	sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
	free(test_read(f->dir, "state.db", &size));
	for (at = 0; at < size; at += step) {
		unlink(f->path);
		run(f);
		sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
		assert_int_equal(truncate(f->path, (off_t)at), 0);
		run(f);
		assert_true(run(f));
	}
}

static void leaves_a_newer_schema_alone(void **state)
{
	struct fixture *f = *state;

	run(f);
	sql(f, "PRAGMA user_version = 2");
	assert_false(run(f));
	assert_has(f->t.log, "info not remembering in '");
	assert_has(f->t.log, "a newer mreg wrote it");
	sql(f, "PRAGMA user_version = 1");
	assert_true(run(f));
}

static void leaves_the_database_of_others_alone(void **state)
{
	struct fixture *f = *state;

	sql(f, "CREATE TABLE precious(x)");
	assert_int_equal(chmod(f->path, 0600), 0);
	assert_false(run(f));
	assert_has(f->t.log, "the database of another program");
	sql(f, "SELECT x FROM precious");
}

static void a_missing_table_is_no_error(void **state)
{
	struct fixture *f = *state;

	run(f);
	sql(f, "DROP TABLE facts");
	assert_false(run(f));
	assert_has(f->t.log, "not remembering");
}

static void works_without_what_it_may_not_write(void **state)
{
	struct fixture *f = *state;

	snprintf(f->path, sizeof(f->path), "/proc/nowhere/state.db");
	assert_false(run(f));
	assert_has(f->t.log, "info not remembering in '/proc/nowhere");
	assert_false(run(f));
}

static void says_it_once(void **state)
{
	struct fixture *f = *state;
	struct mr_state *s;
	char out[8];

	snprintf(f->path, sizeof(f->path), "/proc/nowhere/state.db");
	s = mr_state_open(f->path, &f->t.env);
	mr_state_fact_put(s, "s", "k", "v");
	(void)mr_state_fact_get(s, "s", "k", out, sizeof(out));
	mr_state_close(s);
	assert_ptr_equal(strchr(f->t.log, '\n'), strrchr(f->t.log, '\n'));
}

static void does_not_trust_what_others_may_write(void **state)
{
	struct fixture *f = *state;

	run(f);
	assert_int_equal(chmod(f->path, 0660), 0);
	assert_false(run(f));
	assert_has(f->t.log, "warn not remembering in '");
	assert_has(f->t.log, "others may write to it");
	assert_int_equal(mode_of(f->path), 0660);
}

static void does_not_trust_a_shared_folder(void **state)
{
	struct fixture *f = *state;

	run(f);
	assert_int_equal(chmod(f->dir, 01777), 0);
	assert_false(run(f));
	assert_has(f->t.log, "warn not remembering in '");
	assert_has(f->t.log, "others may write to its folder");
}

static void does_not_trust_the_file_of_another_user(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	run(f);
	assert_int_equal(chown(f->path, 12345, 12345), 0);
	assert_false(run(f));
	assert_has(f->t.log, "it belongs to another user");
	assert_int_equal(chown(f->dir, 12345, 12345), 0);
	assert_false(run(f));
	assert_has(f->t.log, "its folder belongs to another user");
}

static void does_not_follow_a_link(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "other", "");
	assert_int_equal(symlink("other", f->path), 0);
	assert_false(run(f));
	assert_has(f->t.log, "it is not a regular file");
}

static void does_not_wait_long_for_a_locked_file(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	run(f);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL),
			 SQLITE_OK);
	(void)run(f); /* ends, and nothing is raised */
	sqlite3_close(db);
	assert_true(run(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_private_files_and_folders,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			takes_back_what_was_readable_for_all, setup, teardown),
		cmocka_unit_test_setup_teardown(replaces_what_is_no_database,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			replaces_what_turns_out_to_be_corrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_truncation_anywhere,
						setup, teardown),
		cmocka_unit_test_setup_teardown(leaves_a_newer_schema_alone,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			leaves_the_database_of_others_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_missing_table_is_no_error,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			works_without_what_it_may_not_write, setup, teardown),
		cmocka_unit_test_setup_teardown(says_it_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			does_not_trust_what_others_may_write, setup, teardown),
		cmocka_unit_test_setup_teardown(does_not_trust_a_shared_folder,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			does_not_trust_the_file_of_another_user, setup,
			teardown),
		cmocka_unit_test_setup_teardown(does_not_follow_a_link, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			does_not_wait_long_for_a_locked_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

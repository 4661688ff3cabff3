/*
 * test_pull_users.c - who pulls archives into a directory: nobody comes while
 * they are swept, and nothing is left of it.
 */
#include "ops/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/support/test.h"

#define USERS MR_PART_PREFIX "users"
#define LAYER MR_PART_PREFIX "layer-00"

struct fixture {
	char *dir;
	struct test_env te;
	struct mreg m;
	struct pull one, two;
};

static void start(struct fixture *f, struct pull *p)
{
	struct mreg_error err = MREG_ERROR_INIT;

	p->m = &f->m;
	p->output = f->dir;
	p->users = -1;
	assert_ok(mr_tree_open(f->dir, false, &p->tree, &err), err);
}

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	assert_non_null(f);
	f->dir = test_tmpdir_new();
	test_env_init(&f->te);
	f->m.env = f->te.env;
	start(f, &f->one);
	start(f, &f->two);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_pull_leave(&f->one);
	mr_pull_leave(&f->two);
	mr_tree_close(f->one.tree);
	mr_tree_close(f->two.tree);
	test_env_release(&f->te);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

static bool is_there(const struct fixture *f, const char *name)
{
	struct stat st;

	return fstatat(mr_tree_fd(f->one.tree), name, &st,
		       AT_SYMLINK_NOFOLLOW) == 0;
}

static void make(const struct fixture *f, const char *name)
{
	int fd = openat(mr_tree_fd(f->one.tree), name,
			O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	(void)close(fd);
}

/* Also where nobody has been there before, so no file is. */
static void nobody_enters_while_one_sweeps(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_true(mr_pull_is_last(&f->one));
	fd = openat(mr_tree_fd(f->two.tree), USERS, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	(void)close(fd);
	assert_false(mr_pull_is_last(&f->two));
	mr_pull_leave(&f->one);
	assert_false(is_there(f, USERS));
}

static void what_cannot_be_opened_is_not_nobody(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(symlinkat("/nowhere", mr_tree_fd(f->one.tree), USERS),
			 0);
	assert_false(mr_pull_is_last(&f->one));
	make(f, LAYER);
	mr_pull_drop_archives(&f->one);
	assert_true(is_there(f, LAYER));
}

static void archives_stay_while_another_wants_them(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct fixture *f = *state;
	bool entered = false;

	assert_ok(mr_pull_enter(&f->two, &entered, &err), err);
	assert_true(entered);
	make(f, LAYER);
	mr_pull_drop_archives(&f->one);
	assert_true(is_there(f, LAYER));
	mr_pull_drop_archives(&f->two);
	assert_false(is_there(f, LAYER));
	assert_false(is_there(f, USERS));
}

static void what_killed_ones_left_is_swept(void **state)
{
	struct fixture *f = *state;

	make(f, LAYER);
	mr_pull_drop_archives(&f->one);
	assert_false(is_there(f, LAYER));
	assert_false(is_there(f, USERS));
	make(f, USERS);
	mr_pull_drop_archives(&f->one);
	assert_false(is_there(f, USERS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_enters_while_one_sweeps,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_opened_is_not_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(
			archives_stay_while_another_wants_them, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_killed_ones_left_is_swept,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

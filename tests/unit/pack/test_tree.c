/*
 * test_tree.c - nothing is touched outside the tree, by the kernel's help and
 * without it (security.md H03, H05, H09, H12).
 */
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "pack/pack.h"
#include "pack/walk.h"

struct fixture {
	struct mreg_error err;
	char *dir;
	char path[PATH_MAX];
	struct mr_tree *tree; /* dir + "/tree" */
};

/* Below the fixture's directory. */
static const char *at(struct fixture *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	f->dir = test_tmpdir_new();
	test_write_text(f->dir, "outside/secret", "untouched");
	*state = f;
	return mr_tree_open(at(f, "tree"), true, &f->tree, &f->err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_tree_close(f->tree);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

static void symlink_at(struct fixture *f, const char *target, const char *name)
{
	assert_int_equal(symlink(target, at(f, name)), 0);
}

static void makes_the_directory_and_its_parents(void **state)
{
	struct fixture *f = *state;
	struct mr_tree *t;

	assert_code(MREG_ENOTFOUND,
		    mr_tree_open(at(f, "a/b/c"), false, &t, &f->err), f->err);
	assert_ok(mr_tree_open(at(f, "a/b/c"), true, &t, &f->err), f->err);
	assert_string_equal(mr_tree_dir(t), at(f, "a/b/c"));
	mr_tree_close(t);
	assert_true(test_exists(f->dir, "a/b/c"));
}

static void refuses_a_file_in_its_place(void **state)
{
	struct fixture *f = *state;
	struct mr_tree *t;

	assert_code(MREG_EUSAGE,
		    mr_tree_open(at(f, "outside/secret"), true, &t, &f->err),
		    f->err);
	assert_has(f->err.msg, "/outside/secret' is not a directory");
	assert_code(MREG_EUSAGE,
		    mr_tree_open(at(f, "outside/secret/x"), true, &t, &f->err),
		    f->err);
	assert_has(f->err.msg, "/outside/secret/x'");
	assert_has(f->err.msg, "a file is in the way");
}

static void creates_below_folders_it_made(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char *text;
	int fd = -1;

	assert_code(MREG_ENOTFOUND,
		    mr_tree_openat(f->tree, "a/b/c", O_WRONLY | O_CREAT, 0644,
				   &fd, &f->err),
		    f->err);
	assert_ok(mr_tree_make_parents(f->tree, "a/b/c", &f->err), f->err);
	assert_ok(mr_tree_make_parents(f->tree, "a/b/c", &f->err), f->err);
	assert_ok(mr_tree_openat(f->tree, "a/b/c", O_WRONLY | O_CREAT, 0600,
				 &fd, &f->err),
		  f->err);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(fd);
	text = test_read(f->dir, "tree/a/b/c", NULL);
	assert_string_equal(text, "x");
	free(text);
}

static void a_link_in_the_way_is_named(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	test_write_text(f->dir, "tree/sub/x", "1");
	symlink_at(f, "../../outside", "tree/sub/link");
	symlink_at(f, "../outside/secret", "tree/file");
	assert_code(MREG_ECONFLICT,
		    mr_tree_openat(f->tree, "sub/link/secret", O_RDONLY, 0, &fd,
				   &f->err),
		    f->err);
	assert_has(f->err.msg, "'sub/link' in '");
	assert_has(f->err.msg, "is a symbolic link");
	assert_code(MREG_ECONFLICT,
		    mr_tree_openat(f->tree, "file", O_WRONLY | O_TRUNC, 0, &fd,
				   &f->err),
		    f->err);
	assert_has(f->err.msg, "'file' in '");
	assert_code(MREG_ECONFLICT,
		    mr_tree_make_parents(f->tree, "sub/link/a/b", &f->err),
		    f->err);
	assert_has(f->err.msg, "'sub/link' in '");
	assert_code(MREG_ECONFLICT,
		    mr_tree_unlink(f->tree, "sub/link/secret", &f->err),
		    f->err);
	assert_int_equal(test_count(at(f, "outside")), 1);
}

static void refuses_paths_that_lead_out(void **state)
{
	static const char *const bad[] = { "../outside/secret",
					   "a/../../outside/secret",
					   "/etc/passwd", "", "." };
	struct fixture *f = *state;
	size_t i;
	int fd = -1;

	for (i = 0; i < MR_COUNT(bad); i++) {
		assert_code(MREG_EINTEGRITY,
			    mr_tree_openat(f->tree, bad[i], O_RDONLY, 0, &fd,
					   &f->err),
			    f->err);
		assert_code(MREG_EINTEGRITY,
			    mr_tree_make_parents(f->tree, bad[i], &f->err),
			    f->err);
		assert_code(MREG_EINTEGRITY,
			    mr_tree_unlink(f->tree, bad[i], &f->err), f->err);
		assert_code(
			MREG_EINTEGRITY,
			mr_tree_place(f->tree, ".mreg-part-1", bad[i], &f->err),
			f->err);
	}
}

static void says_what_is_in_the_way(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	test_write_text(f->dir, "tree/file", "1");
	assert_ok(mr_tree_make_parents(f->tree, "folder/x", &f->err), f->err);
	assert_code(
		MREG_ECONFLICT,
		mr_tree_openat(f->tree, "file/x", O_RDONLY, 0, &fd, &f->err),
		f->err);
	assert_has(f->err.msg, "'file' in '");
	assert_has(f->err.msg, "is not a directory");
	assert_code(MREG_ECONFLICT,
		    mr_tree_make_parents(f->tree, "file/x", &f->err), f->err);
	assert_code(
		MREG_ECONFLICT,
		mr_tree_openat(f->tree, "folder", O_WRONLY, 0, &fd, &f->err),
		f->err);
	assert_has(f->err.msg, "is a directory");
	assert_code(MREG_ECONFLICT,
		    mr_tree_openat(f->tree, "file", O_WRONLY | O_CREAT | O_EXCL,
				   0644, &fd, &f->err),
		    f->err);
	assert_has(f->err.msg, "is there already");
	assert_int_equal(f->err.sys, EEXIST);
}

static void places_a_part_under_its_final_name(void **state)
{
	struct fixture *f = *state;
	char *text;

	test_write_text(f->dir, "tree/.mreg-part-1", "new");
	test_write_text(f->dir, "tree/a/b", "old");
	assert_ok(mr_tree_place(f->tree, ".mreg-part-1", "a/b", &f->err),
		  f->err);
	text = test_read(f->dir, "tree/a/b", NULL);
	assert_string_equal(text, "new");
	free(text);
	assert_code(MREG_ENOTFOUND,
		    mr_tree_place(f->tree, ".mreg-part-1", "a/b", &f->err),
		    f->err);
	assert_has(f->err.msg, "'.mreg-part-1'");
	assert_ok(mr_tree_unlink(f->tree, "a/b", &f->err), f->err);
	assert_code(MREG_ENOTFOUND, mr_tree_unlink(f->tree, "a/b", &f->err),
		    f->err);
}

static void placing_loses_nothing_of_the_user(void **state)
{
	struct fixture *f = *state;
	char *text;

	test_write_text(f->dir, "tree/.mreg-part-1", "new");
	test_write_text(f->dir, "tree/folder/x", "mine");
	symlink_at(f, "../outside/secret", "tree/link");
	assert_code(MREG_ECONFLICT,
		    mr_tree_place(f->tree, ".mreg-part-1", "folder", &f->err),
		    f->err);
	assert_has(f->err.msg, "'folder' in '");
	assert_has(f->err.msg, "is a directory");
	assert_code(MREG_ECONFLICT,
		    mr_tree_place(f->tree, ".mreg-part-1", "link", &f->err),
		    f->err);
	assert_has(f->err.msg, "'link' in '");
	assert_code(MREG_ECONFLICT, mr_tree_unlink(f->tree, "folder", &f->err),
		    f->err);
	assert_true(test_exists(f->dir, "tree/.mreg-part-1"));
	text = test_read(f->dir, "outside/secret", NULL);
	assert_string_equal(text, "untouched");
	free(text);
}

static void asks_once_whether_case_matters(void **state)
{
	struct fixture *f = *state;
	bool folds = true;

	assert_ok(mr_tree_folds(f->tree, &folds, &f->err), f->err);
	assert_false(folds); /* /tmp on Linux */
	assert_int_equal(test_count(at(f, "tree")), 0);
	/* The answer is kept: nothing could be made here any more. */
	assert_int_equal(rmdir(at(f, "tree")), 0);
	folds = true;
	assert_ok(mr_tree_folds(f->tree, &folds, &f->err), f->err);
	assert_false(folds);
}

/* -- the two ways to walk -------------------------------------------------- */

typedef int walk_fn(int dirfd, const char *path, int flags, mode_t mode);

static void walk_errno(struct fixture *f, walk_fn *walk, const char *path,
		       int flags, int expected)
{
	int fd;

	errno = 0;
	fd = walk(mr_tree_fd(f->tree), path, flags, 0644);
	if (fd >= 0)
		close(fd);
	if (expected ? fd >= 0 || errno != expected : fd < 0)
		fail_msg("'%s' with %x: fd %d, %s", path, (unsigned int)flags,
			 fd, strerror(errno));
}

static void check_walk(struct fixture *f, walk_fn *walk)
{
	test_write_text(f->dir, "tree/a/b/file", "1");
	symlink_at(f, "b", "tree/a/inside");
	symlink_at(f, "../../outside", "tree/a/out");
	symlink_at(f, "b/file", "tree/a/link");
	symlink_at(f, "nowhere", "tree/a/dangling");
	walk_errno(f, walk, "a/b/file", O_RDONLY, 0);
	walk_errno(f, walk, "a/b", O_RDONLY | O_DIRECTORY, 0);
	walk_errno(f, walk, "a/b", O_PATH | O_DIRECTORY, 0);
	walk_errno(f, walk, "a/b/new", O_WRONLY | O_CREAT | O_EXCL, 0);
	walk_errno(f, walk, "a/b/new", O_WRONLY | O_CREAT | O_EXCL, EEXIST);
	walk_errno(f, walk, "a/none", O_RDONLY, ENOENT);
	walk_errno(f, walk, "none/file", O_RDONLY, ENOENT);
	walk_errno(f, walk, "a/b/file/x", O_RDONLY, ENOTDIR);
	walk_errno(f, walk, "a/b", O_WRONLY, EISDIR);
	walk_errno(f, walk, "a/inside/file", O_RDONLY, ELOOP);
	walk_errno(f, walk, "a/out/secret", O_RDONLY, ELOOP);
	walk_errno(f, walk, "a/link", O_RDONLY, ELOOP);
	walk_errno(f, walk, "a/link", O_PATH, ELOOP);
	walk_errno(f, walk, "a/dangling", O_WRONLY | O_CREAT, ELOOP);
	assert_false(test_exists(f->dir, "tree/a/nowhere"));
	assert_int_equal(test_count(at(f, "outside")), 1);
}

static void the_kernel_stays_inside(void **state)
{
	check_walk(*state, mr_walk_kernel);
}

static void walking_step_by_step_does_the_same(void **state)
{
	check_walk(*state, mr_walk_steps);
}

static void falls_back_where_the_kernel_cannot(void **state)
{
	struct fixture *f = *state;
	atomic_bool no_kernel = true;
	int fd;

	test_write_text(f->dir, "tree/a/file", "1");
	fd = mr_walk_open(mr_tree_fd(f->tree), "a/file", O_RDONLY, 0,
			  &no_kernel);
	assert_true(fd >= 0);
	close(fd);
}

struct racer {
	struct fixture *f;
	atomic_bool stop;
};

/* A folder that is a link every other moment. */
static void *swap(void *arg)
{
	struct racer *r = arg;
	char folder[PATH_MAX];
	char aside[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/tree/race", r->f->dir);
	snprintf(aside, sizeof(aside), "%s/aside", r->f->dir);
	while (!atomic_load(&r->stop)) {
		if (rename(folder, aside) < 0 ||
		    symlink("../outside", folder) < 0 || unlink(folder) < 0 ||
		    rename(aside, folder) < 0)
			break;
	}
	return NULL;
}

static void race(struct fixture *f, walk_fn *walk)
{
	struct racer r = { .f = f };
	pthread_t thread;
	int i;

	test_write_text(f->dir, "tree/race/harmless", "1");
	assert_int_equal(pthread_create(&thread, NULL, swap, &r), 0);
	for (i = 0; i < 20000; i++) {
		int fd = walk(mr_tree_fd(f->tree), "race/secret", O_RDONLY, 0);

		if (fd >= 0) {
			close(fd);
			break;
		}
	}
	atomic_store(&r.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(i, 20000);
}

static void never_leaves_in_a_race_with_the_kernel(void **state)
{
	race(*state, mr_walk_kernel);
}

static void never_leaves_in_a_race_step_by_step(void **state)
{
	race(*state, mr_walk_steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			makes_the_directory_and_its_parents, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_file_in_its_place,
						setup, teardown),
		cmocka_unit_test_setup_teardown(creates_below_folders_it_made,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_in_the_way_is_named,
						setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_paths_that_lead_out,
						setup, teardown),
		cmocka_unit_test_setup_teardown(says_what_is_in_the_way, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			places_a_part_under_its_final_name, setup, teardown),
		cmocka_unit_test_setup_teardown(
			placing_loses_nothing_of_the_user, setup, teardown),
		cmocka_unit_test_setup_teardown(asks_once_whether_case_matters,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_kernel_stays_inside, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			walking_step_by_step_does_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(
			falls_back_where_the_kernel_cannot, setup, teardown),
		cmocka_unit_test_setup_teardown(
			never_leaves_in_a_race_with_the_kernel, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			never_leaves_in_a_race_step_by_step, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

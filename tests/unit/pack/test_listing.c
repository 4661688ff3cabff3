/*
 * test_listing.c - what else lies below a tree, and taking away just that.
 */
#include "tests/support/test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "pack/pack.h"

struct fixture {
	struct test_env env;
	struct mreg_error err;
	char *dir;
	char path[PATH_MAX];
	struct mr_tree *tree; /* dir + "/tree" */
	struct mr_listing *list;
};

static const char *at(struct fixture *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	test_env_init(&f->env);
	f->dir = test_tmpdir_new();
	test_write_text(f->dir, "outside/secret", "untouched");
	*state = f;
	return mr_tree_open(at(f, "tree"), true, &f->tree, &f->err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_listing_free(f->list);
	mr_tree_close(f->tree);
	test_tmpdir_free(f->dir);
	test_env_release(&f->env);
	mr_release(f);
	return 0;
}

static void list(struct fixture *f)
{
	mr_listing_free(f->list);
	f->list = NULL;
	assert_ok(mr_tree_list(f->tree, &f->env.env, &f->list, &f->err),
		  f->err);
}

/* "a b/c" of what was listed. */
static const char *listed(struct fixture *f)
{
	static char text[1024];
	size_t i;

	list(f);
	text[0] = '\0';
	for (i = 0; i < f->list->count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, f->list->files[i].path);
	}
	return text;
}

static void link_to(struct fixture *f, const char *target, const char *name)
{
	assert_int_equal(symlink(target, at(f, name)), 0);
}

static bool remove_first(struct fixture *f)
{
	bool gone = false;

	assert_ok(mr_tree_remove(f->tree, &f->list->files[0], &gone, &f->err),
		  f->err);
	return gone;
}

static void lists_files_and_links_sorted(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "tree/b", "1");
	test_write_text(f->dir, "tree/a/y/x", "2");
	test_write_text(f->dir, "tree/a/z", "3");
	link_to(f, "../outside", "tree/link");
	assert_string_equal(listed(f), "a/y/x a/z b link");
	assert_true(f->list->files[3].is_link);
	assert_false(f->list->files[2].is_link);
	assert_int_equal(f->list->folder_count, 2);
	assert_string_equal(f->list->folders[0], "a");
	assert_string_equal(f->list->folders[1], "a/y");
	assert_int_equal(f->list->strange, 0);
}

static void lists_nothing_that_a_push_leaves_out(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "tree/.git/config", "");
	test_write_text(f->dir, "tree/.mreg-part-0123", "");
	test_write_text(f->dir, "tree/a/__pycache__/x.pyc", "");
	test_write_text(f->dir, "tree/a/.mregignore", "*.log\n!keep.log\n");
	test_write_text(f->dir, "tree/a/run.log", "");
	test_write_text(f->dir, "tree/a/keep.log", "");
	test_write_text(f->dir, "tree/run.log", "");
	assert_string_equal(listed(f), "a/keep.log run.log");
}

static void tells_of_what_is_no_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkfifo(at(f, "tree/pipe"), 0600), 0);
	assert_string_equal(listed(f), "");
	assert_int_equal(f->list->strange, 1);
}

static void refuses_folders_without_end(void **state)
{
	struct fixture *f = *state;
	char name[600] = "tree";
	size_t i;

	for (i = 0; i < 130; i++) {
		strcat(name, "/d");
		assert_int_equal(mkdir(at(f, name), 0755), 0);
	}
	assert_code(MREG_ELIMIT,
		    mr_tree_list(f->tree, &f->env.env, &f->list, &f->err),
		    f->err);
	assert_has(f->err.msg, "too deep");
}

static void stops_when_it_is_interrupted(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->env.cancel, true);
	assert_code(MREG_ECANCELED,
		    mr_tree_list(f->tree, &f->env.env, &f->list, &f->err),
		    f->err);
}

static void removes_what_was_listed(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "tree/a/old", "1");
	list(f);
	assert_ok(mr_tree_removable(f->tree, &f->list->files[0], &f->err),
		  f->err);
	assert_true(remove_first(f));
	assert_false(test_exists(f->dir, "tree/a/old"));
	mr_tree_prune(f->tree, "a");
	assert_false(test_exists(f->dir, "tree/a"));
}

static void removes_a_link_and_not_what_it_leads_to(void **state)
{
	struct fixture *f = *state;

	link_to(f, "../outside/secret", "tree/link");
	list(f);
	assert_true(remove_first(f));
	assert_false(test_exists(f->dir, "tree/link"));
	assert_true(test_exists(f->dir, "outside/secret"));
}

static void leaves_a_file_that_was_changed(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "tree/old", "1");
	list(f);
	test_write_text(f->dir, "tree/old", "longer");
	assert_false(remove_first(f));
	assert_true(test_exists(f->dir, "tree/old"));
}

static void leaves_a_file_that_was_replaced(void **state)
{
	struct fixture *f = *state;
	char to[PATH_MAX];
	bool gone = true;

	test_write_text(f->dir, "tree/old", "1");
	test_write_text(f->dir, "tree/new", "1");
	list(f);
	assert_string_equal(f->list->files[1].path, "old");
	snprintf(to, sizeof(to), "%s/tree/old", f->dir);
	assert_int_equal(rename(at(f, "tree/new"), to), 0);
	assert_ok(mr_tree_remove(f->tree, &f->list->files[1], &gone, &f->err),
		  f->err);
	assert_false(gone);
	assert_true(test_exists(f->dir, "tree/old"));
}

static void removes_nothing_behind_a_folder_that_became_a_link(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "tree/a/secret", "mine");
	list(f);
	assert_int_equal(unlink(at(f, "tree/a/secret")), 0);
	assert_int_equal(rmdir(at(f, "tree/a")), 0);
	link_to(f, "../outside", "tree/a");
	assert_false(remove_first(f));
	mr_tree_prune(f->tree, "a");
	assert_true(test_exists(f->dir, "outside/secret"));
	assert_true(test_exists(f->dir, "tree/a"));
}

static void what_is_gone_already_is_no_trouble(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "tree/a/old", "1");
	list(f);
	assert_int_equal(unlink(at(f, "tree/a/old")), 0);
	assert_false(remove_first(f));
	assert_int_equal(rmdir(at(f, "tree/a")), 0);
	assert_false(remove_first(f));
}

static void keeps_a_folder_that_is_not_empty(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "tree/a/.git/config", "1");
	list(f);
	mr_tree_prune(f->tree, "a");
	assert_true(test_exists(f->dir, "tree/a/.git/config"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists_files_and_links_sorted,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			lists_nothing_that_a_push_leaves_out, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_of_what_is_no_file, setup,
						teardown),
		cmocka_unit_test_setup_teardown(refuses_folders_without_end,
						setup, teardown),
		cmocka_unit_test_setup_teardown(stops_when_it_is_interrupted,
						setup, teardown),
		cmocka_unit_test_setup_teardown(removes_what_was_listed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			removes_a_link_and_not_what_it_leads_to, setup,
			teardown),
		cmocka_unit_test_setup_teardown(leaves_a_file_that_was_changed,
						setup, teardown),
		cmocka_unit_test_setup_teardown(leaves_a_file_that_was_replaced,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			removes_nothing_behind_a_folder_that_became_a_link,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_gone_already_is_no_trouble, setup, teardown),
		cmocka_unit_test_setup_teardown(
			keeps_a_folder_that_is_not_empty, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

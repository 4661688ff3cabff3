/*
 * test_scan.c - what push takes from a folder (product.md 4).
 */
#include "tests/support/test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "pack/pack.h"

struct fixture {
	struct test_env t;
	struct mreg_error err;
	char *dir;                /* model and more */
	char model[PATH_MAX / 2]; /* dir + "/model" */
	char path[PATH_MAX];
	struct mr_scan_opts o;
	struct mr_scan *scan;
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	test_env_init(&f->t);
	f->dir = test_tmpdir_new();
	snprintf(f->model, sizeof(f->model), "%s/model", f->dir);
	mkdir(f->model, 0755);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_scan_free(f->scan);
	test_env_release(&f->t);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

/* Below the model; the caller frees nothing. */
static const char *in_model(struct fixture *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->model, name);
	return f->path;
}

static int scan(struct fixture *f)
{
	const char *paths[] = { f->model };

	mr_scan_freep(&f->scan);
	return mr_scan(&f->t.env, paths, 1, &f->o, &f->scan, &f->err);
}

/* The paths of a scan, "a b c". */
static const char *list(struct fixture *f)
{
	static char text[4096];
	size_t i;

	assert_ok(scan(f), f->err);
	text[0] = '\0';
	for (i = 0; i < f->scan->count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, f->scan->files[i].path);
	}
	return text;
}

static void link_to(struct fixture *f, const char *target, const char *name)
{
	assert_int_equal(symlink(target, in_model(f, name)), 0);
}

static void touch(struct fixture *f, const char *name)
{
	test_write_text(f->model, name, name);
}

static void lists_sorted_bytewise(void **state)
{
	struct fixture *f = *state;

	touch(f, "b");
	touch(f, "a/x");
	touch(f, "a-b");
	touch(f, "a.c");
	touch(f, "Z");
	touch(f, "\xc3\xa4 y");
	assert_string_equal(list(f), "Z a-b a.c a/x b \xc3\xa4 y");
}

static void says_what_there_is_to_know_about_a_file(void **state)
{
	struct fixture *f = *state;
	struct mr_file_id id;
	struct stat st;
	const char *path;

	test_write(f->model, "sub/run.sh", "12345", 5);
	test_write(f->model, "empty", "", 0);
	path = in_model(f, "sub/run.sh");
	assert_int_equal(chmod(path, 0744), 0);
	assert_int_equal(stat(path, &st), 0);
	mr_file_id(&st, &id);
	assert_string_equal(list(f), "empty sub/run.sh");
	assert_int_equal(f->scan->bytes, 5);
	assert_int_equal(f->scan->files[0].size, 0);
	assert_false(f->scan->files[0].executable);
	assert_string_equal(f->scan->files[1].source, path);
	assert_int_equal(f->scan->files[1].size, 5);
	assert_true(f->scan->files[1].executable);
	assert_false(f->scan->files[1].via_link);
	assert_true(mr_file_id_equal(&f->scan->files[1].id, &id));
}

static void executable_is_what_the_owner_may_run(void **state)
{
	struct fixture *f = *state;
	touch(f, "a");
	assert_int_equal(chmod(in_model(f, "a"), 0655), 0);
	list(f);
	assert_false(f->scan->files[0].executable);
}

static void a_slash_at_the_end_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char dir[PATH_MAX];
	const char *paths[] = { dir };

	touch(f, "a/b");
	snprintf(dir, sizeof(dir), "%s//", f->model);
	assert_ok(mr_scan(&f->t.env, paths, 1, NULL, &f->scan, &f->err),
		  f->err);
	assert_string_equal(f->scan->files[0].path, "a/b");
	assert_int_equal(access(f->scan->files[0].source, R_OK), 0);
}

static void leaves_out_what_is_no_model_and_counts_it(void **state)
{
	struct fixture *f = *state;

	touch(f, "a");
	touch(f, ".git/config");
	touch(f, "sub/.git");
	touch(f, ".cache/huggingface/x");
	touch(f, ".cache/other");
	touch(f, "sub/.cache/huggingface/x");
	touch(f, "sub/__pycache__/a.pyc");
	touch(f, ".DS_Store");
	touch(f, ".mregignore");
	touch(f, ".mreg-part-00ff");
	assert_string_equal(list(f), ".cache/other a");
	assert_int_equal(f->scan->left_out, 8);
	f->o.all = true;
	assert_string_equal(list(f),
			    ".DS_Store .cache/huggingface/x .cache/other "
			    ".git/config .mregignore a "
			    "sub/.cache/huggingface/x sub/.git "
			    "sub/__pycache__/a.pyc");
	assert_int_equal(f->scan->left_out, 1);
}

static void the_nearest_file_of_patterns_decides(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->model, ".mregignore",
			"# comment\n*.tmp\n/data/\nsub/x\n!**\n*.bin\n");
	test_write_text(f->model, "sub/.mregignore", "!keep.bin\n/x\n");
	touch(f, "a.tmp");
	touch(f, "b.bin");
	touch(f, "data/c");
	touch(f, "sub/data/d");
	touch(f, "sub/keep.bin");
	touch(f, "sub/other.bin");
	touch(f, "sub/x");
	touch(f, "sub/y/x");
	/* "!**" takes back what was named before it; but not .git. */
	touch(f, ".git/x");
	assert_string_equal(list(f),
			    "a.tmp data/c sub/data/d sub/keep.bin sub/y/x");
	assert_int_equal(f->scan->left_out, 6);
}

static void exclude_wins_over_files_of_patterns(void **state)
{
	static const char *const exclude[] = { "*.tmp", "!keep.bin", "/top" };
	struct fixture *f = *state;

	test_write_text(f->model, ".mregignore", "!a.tmp\nkeep.bin\n");
	touch(f, "a.tmp");
	touch(f, "keep.bin");
	touch(f, "top");
	touch(f, "sub/top");
	f->o.exclude = exclude;
	f->o.exclude_count = 3;
	assert_string_equal(list(f), "keep.bin sub/top");
}

static void follows_the_links_of_a_hugging_face_cache(void **state)
{
	struct fixture *f = *state;

	test_write(f->dir, "blobs/abc", "weights", 7);
	test_write(f->dir, "blobs/def", "{}", 2);
	link_to(f, "../blobs/abc", "model.safetensors");
	assert_int_equal(mkdir(in_model(f, "1_Pooling"), 0755), 0);
	link_to(f, "../../blobs/def", "1_Pooling/config.json");
	assert_string_equal(list(f), "1_Pooling/config.json model.safetensors");
	assert_int_equal(f->scan->links, 2);
	assert_int_equal(f->scan->bytes, 9);
	assert_true(f->scan->files[1].via_link);
	assert_int_equal(f->scan->files[1].size, 7);
	assert_has(f->t.log, "info following link '");
	assert_has(f->t.log, "/model.safetensors' to '../blobs/abc'");
}

static void follows_links_to_folders(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "shared/x/y", "1");
	touch(f, "v3/w");
	link_to(f, "../shared", "data");
	link_to(f, "v3", "latest");
	assert_string_equal(list(f), "data/x/y latest/w v3/w");
	assert_int_equal(f->scan->links, 2);
	assert_false(f->scan->files[2].via_link);
}

static void names_a_dangling_link(void **state)
{
	struct fixture *f = *state;

	touch(f, "a");
	link_to(f, "../nowhere\n", "weights.bin");
	assert_code(MREG_ENOTFOUND, scan(f), f->err);
	assert_has(f->err.msg, "/model/weights.bin' leads to '../nowhere\\x0a'"
			       ", which does not exist");
	assert_has(f->err.hint, "--exclude");
	/* And it can be. */
	test_write_text(f->model, ".mregignore", "weights.bin");
	assert_string_equal(list(f), "a");
}

static void names_loops(void **state)
{
	struct fixture *f = *state;

	touch(f, "a/b/c");
	link_to(f, "..", "a/b/up");
	assert_code(MREG_EUSAGE, scan(f), f->err);
	assert_has(f->err.msg, "/model/a/b/up' leads back to '");
	assert_has(f->err.msg, "/model/a': a loop");
}

static void names_a_link_to_itself(void **state)
{
	struct fixture *f = *state;

	link_to(f, "b", "a");
	link_to(f, "a", "b");
	assert_code(MREG_EUSAGE, scan(f), f->err);
	assert_has(f->err.msg, "it is a loop of links");
}

static void links_that_multiply_come_to_an_end(void **state)
{
	struct fixture *f = *state;
	char name[64];
	char target[64];
	int i;

	/* 2^40 folders, and not one loop. */
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "%d/x", i);
		touch(f, name);
		unlink(in_model(f, name));
		snprintf(target, sizeof(target), "../%d", i + 1);
		if (i == 39)
			break;
		snprintf(name, sizeof(name), "%d/l", i);
		link_to(f, target, name);
		snprintf(name, sizeof(name), "%d/r", i);
		link_to(f, target, name);
	}
	f->t.env.level = MREG_LOG_WARN;
	assert_code(MREG_ELIMIT, scan(f), f->err);
	assert_has(f->err.msg, "too many folders");
}

static void refuses_what_is_neither_file_nor_folder(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	assert_int_equal(mkfifo(in_model(f, "pipe"), 0644), 0);
	assert_code(MREG_EUSAGE, scan(f), f->err);
	assert_has(f->err.msg, "/model/pipe': it is a named pipe");
	unlink(in_model(f, "pipe"));
	link_to(f, "/dev/null", "device");
	assert_code(MREG_EUSAGE, scan(f), f->err);
	assert_has(f->err.msg, "/model/device': it is a device");
	unlink(in_model(f, "device"));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/sock", f->model);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	assert_code(MREG_EUSAGE, scan(f), f->err);
	assert_has(f->err.msg, "/model/sock': it is a socket");
}

static void refuses_names_that_no_model_may_hold(void **state)
{
	struct fixture *f = *state;

	touch(f, "ok/bad\xff");
	assert_code(MREG_EUSAGE, scan(f), f->err);
	assert_has(f->err.msg, "/model/ok/bad\\xff': it is not valid UTF-8");
	assert_has(f->err.hint, "--exclude");
}

static void refuses_a_folder_with_nothing_in_it(void **state)
{
	struct fixture *f = *state;

	assert_code(MREG_EUSAGE, scan(f), f->err);
	assert_has(f->err.msg, "no file to take in '");
	touch(f, ".DS_Store");
	assert_code(MREG_EUSAGE, scan(f), f->err);
	assert_has(f->err.hint, "--all");
}

static void names_what_is_not_there(void **state)
{
	struct fixture *f = *state;

	rmdir(f->model);
	assert_code(MREG_ENOTFOUND, scan(f), f->err);
	assert_has(f->err.msg, "/model': No such file or directory");
}

static void refuses_more_files_than_a_manifest_holds(void **state)
{
	struct fixture *f = *state;
	char name[32];
	int i;

	for (i = 0; i < MR_LAYERS_MAX; i++) {
		snprintf(name, sizeof(name), "%d/%d", i / 1000, i);
		test_write(f->model, name, "", 0);
	}
	assert_ok(scan(f), f->err);
	assert_int_equal(f->scan->count, MR_LAYERS_MAX);
	test_write(f->model, "one-more", "", 0);
	assert_code(MREG_ELIMIT, scan(f), f->err);
	assert_string_equal(f->err.msg, "more than 10000 files");
}

static void takes_files_that_are_named(void **state)
{
	struct fixture *f = *state;
	char a[PATH_MAX];
	char b[PATH_MAX];
	char c[PATH_MAX];
	const char *paths[] = { a, b, c };

	snprintf(a, sizeof(a), "%s/z.bin", f->dir);
	snprintf(b, sizeof(b), "%s/sub/.DS_Store", f->dir);
	snprintf(c, sizeof(c), "%s/link", f->dir);
	test_write_text(f->dir, "z.bin", "1");
	test_write_text(f->dir, "sub/.DS_Store", "2");
	assert_int_equal(symlink("z.bin", c), 0);
	assert_ok(mr_scan(&f->t.env, paths, 3, NULL, &f->scan, &f->err),
		  f->err);
	assert_int_equal(f->scan->count, 3);
	assert_string_equal(f->scan->files[0].path, ".DS_Store");
	assert_string_equal(f->scan->files[0].source, b);
	assert_string_equal(f->scan->files[1].path, "link");
	assert_true(f->scan->files[1].via_link);
	assert_string_equal(f->scan->files[2].path, "z.bin");
}

static void refuses_two_files_of_one_name(void **state)
{
	struct fixture *f = *state;
	char a[PATH_MAX];
	char b[PATH_MAX];
	const char *paths[] = { a, b, f->model };

	snprintf(a, sizeof(a), "%s/x", f->dir);
	snprintf(b, sizeof(b), "%s/sub/x", f->dir);
	test_write_text(f->dir, "x", "1");
	test_write_text(f->dir, "sub/x", "2");
	assert_code(MREG_EUSAGE,
		    mr_scan(&f->t.env, paths, 2, NULL, &f->scan, &f->err),
		    f->err);
	assert_has(f->err.msg, "/x' and '");
	assert_has(f->err.msg, "have the same name");
	assert_code(MREG_EUSAGE,
		    mr_scan(&f->t.env, paths, 3, NULL, &f->scan, &f->err),
		    f->err);
	assert_has(f->err.msg, "/model' is a folder");
}

static void stops_when_interrupted(void **state)
{
	struct fixture *f = *state;

	touch(f, "a");
	atomic_store(&f->t.cancel, true);
	assert_code(MREG_ECANCELED, scan(f), f->err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists_sorted_bytewise, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			says_what_there_is_to_know_about_a_file, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			executable_is_what_the_owner_may_run, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_slash_at_the_end_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			leaves_out_what_is_no_model_and_counts_it, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			the_nearest_file_of_patterns_decides, setup, teardown),
		cmocka_unit_test_setup_teardown(
			exclude_wins_over_files_of_patterns, setup, teardown),
		cmocka_unit_test_setup_teardown(
			follows_the_links_of_a_hugging_face_cache, setup,
			teardown),
		cmocka_unit_test_setup_teardown(follows_links_to_folders, setup,
						teardown),
		cmocka_unit_test_setup_teardown(names_a_dangling_link, setup,
						teardown),
		cmocka_unit_test_setup_teardown(names_loops, setup, teardown),
		cmocka_unit_test_setup_teardown(names_a_link_to_itself, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			links_that_multiply_come_to_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(
			refuses_what_is_neither_file_nor_folder, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			refuses_names_that_no_model_may_hold, setup, teardown),
		cmocka_unit_test_setup_teardown(
			refuses_a_folder_with_nothing_in_it, setup, teardown),
		cmocka_unit_test_setup_teardown(names_what_is_not_there, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			refuses_more_files_than_a_manifest_holds, setup,
			teardown),
		cmocka_unit_test_setup_teardown(takes_files_that_are_named,
						setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_two_files_of_one_name,
						setup, teardown),
		cmocka_unit_test_setup_teardown(stops_when_interrupted, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

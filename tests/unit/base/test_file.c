/*
 * test_file.c - files complete or absent, folders, locks, paths.
 */
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/task.h"

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void loads_a_file_up_to_the_limit(void **state)
{
	const char *dir = *state;
	MR_AUTO(mr_fd_close) int d = open_dir(dir);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf b = MR_BUF_INIT(100000);
	struct mr_buf small = MR_BUF_INIT(99999);
	char *want;

	test_write_noise(dir, "f", 100000, 1);
	want = test_read(dir, "f", NULL);
	assert_ok(mr_file_load(d, "f", &b, &err), err);
	assert_int_equal(b.len, 100000);
	assert_memory_equal(b.data, want, 100000);
	assert_code(MREG_ELIMIT, mr_file_load(d, "f", &small, &err), err);
	assert_string_equal(err.msg, "'f' is larger than 99999 bytes");
	free(want);
	mr_buf_release(&b);
	mr_buf_release(&small);
}

static void loading_says_what_is_wrong(void **state)
{
	const char *dir = *state;
	MR_AUTO(mr_fd_close) int d = open_dir(dir);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf b = MR_BUF_INIT(100);

	assert_code(MREG_ENOTFOUND, mr_file_load(d, "no\nsuch", &b, &err), err);
	assert_string_equal(
		err.msg,
		"cannot open 'no\\x0asuch': No such file or directory");
	assert_code(MREG_EIO, mr_file_load(AT_FDCWD, dir, &b, &err), err);
	assert_has(err.msg, "Is a directory");
	test_write(dir, "empty", "", 0);
	assert_ok(mr_file_load(d, "empty", &b, &err), err);
	assert_string_equal(mr_buf_text(&b), "");
	mr_buf_release(&b);
}

static void saves_and_replaces(void **state)
{
	const char *dir = *state;
	MR_AUTO(mr_fd_close) int d = open_dir(dir);
	struct mreg_error err = MREG_ERROR_INIT;
	struct stat st;
	char *text;

	assert_int_equal(mkdirat(d, "sub", 0755), 0);
	assert_ok(mr_file_save(d, "sub/f", "first", 5, 0600, &err), err);
	assert_int_equal(fstatat(d, "sub/f", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(mr_file_save(d, "sub/f", "second", 6, 0644, &err), err);
	text = test_read(dir, "sub/f", NULL);
	assert_string_equal(text, "second");
	free(text);
	assert_ok(mr_file_save(d, "top", NULL, 0, 0644, &err), err);
	assert_int_equal(fstatat(d, "top", &st, 0), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(test_count(dir), 2);
}

static void saves_names_of_full_length(void **state)
{
	const char *dir = *state;
	MR_AUTO(mr_fd_close) int d = open_dir(dir);
	struct mreg_error err = MREG_ERROR_INIT;
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	assert_ok(mr_file_save(d, name, "x", 1, 0644, &err), err);
	assert_true(test_exists(dir, name));
}

static void a_failed_save_leaves_nothing(void **state)
{
	const char *dir = *state;
	MR_AUTO(mr_fd_close) int d = open_dir(dir);
	struct mreg_error err = MREG_ERROR_INIT;
	char long_path[5000];

	assert_int_equal(mkdirat(d, "is-a-dir", 0755), 0);
	test_write_text(dir, "is-a-dir/kept", "x");
	assert_code(MREG_EIO, mr_file_save(d, "is-a-dir", "x", 1, 0644, &err),
		    err);
	assert_has(err.msg, "cannot replace 'is-a-dir'");
	assert_int_equal(test_count(dir), 1);
	assert_true(test_exists(dir, "is-a-dir/kept"));
	assert_code(MREG_ENOTFOUND,
		    mr_file_save(d, "absent/f", "x", 1, 0644, &err), err);
	assert_has(err.msg, "'absent'");
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_code(MREG_EIO, mr_file_save(d, long_path, "x", 1, 0644, &err),
		    err);
	assert_int_equal(test_count(dir), 1);
}

static void replaces_a_link_and_not_its_target(void **state)
{
	const char *dir = *state;
	MR_AUTO(mr_fd_close) int d = open_dir(dir);
	struct mreg_error err = MREG_ERROR_INIT;
	char *text;

	test_write_text(dir, "target", "precious");
	assert_int_equal(symlinkat("target", d, "link"), 0);
	assert_ok(mr_file_save(d, "link", "new", 3, 0644, &err), err);
	text = test_read(dir, "target", NULL);
	assert_string_equal(text, "precious");
	free(text);
	text = test_read(dir, "link", NULL);
	assert_string_equal(text, "new");
	free(text);
}

static void writes_at_offsets(void **state)
{
	const char *dir = *state;
	MR_AUTO(mr_fd_close) int d = open_dir(dir);
	MR_AUTO(mr_fd_close)
	int fd = openat(d, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	struct mreg_error err = MREG_ERROR_INIT;
	char *text;

	assert_ok(mr_file_write_at(fd, "cd", 2, 2, "f", &err), err);
	assert_ok(mr_file_write_at(fd, "ab", 2, 0, "f", &err), err);
	assert_ok(mr_file_write(fd, "AB", 2, "f", &err), err);
	assert_ok(mr_file_write(fd, "C", 1, "f", &err), err);
	text = test_read(dir, "f", NULL);
	assert_string_equal(text, "ABCd");
	free(text);
	assert_code(MREG_EIO,
		    mr_file_write_at(fd, "x", 1, UINT64_MAX, "f", &err), err);
	assert_code(MREG_EIO,
		    mr_file_write_at(fd, "x", 1, INT64_MAX, "f", &err), err);
	assert_has(err.msg, "File too large");
}

static void a_full_disk_has_a_hint(void **state)
{
	MR_AUTO(mr_fd_close) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_true(fd >= 0);
	assert_code(MREG_EIO, mr_file_write(fd, "x", 1, "model.bin", &err),
		    err);
	assert_string_equal(
		err.msg, "cannot write 'model.bin': No space left on device");
	assert_has(err.hint, "free some space");
	assert_int_equal(err.sys, ENOSPC);
}

static void makes_folders(void **state)
{
	const char *dir = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	char path[512];

	assert_ok(mr_path_join(path, sizeof(path), dir, "a//b/c/", &err), err);
	assert_ok(mr_dir_make(path, &err), err);
	assert_true(test_exists(dir, "a/b/c"));
	assert_ok(mr_dir_make(path, &err), err);
	assert_ok(mr_dir_make("/", &err), err);
	assert_ok(mr_dir_make(".", &err), err);
	test_write_text(dir, "file", "x");
	assert_ok(mr_path_join(path, sizeof(path), dir, "file/x", &err), err);
	assert_code(MREG_EIO, mr_dir_make(path, &err), err);
	assert_has(err.msg, "Not a directory");
	assert_has(err.msg, "/file'");
	assert_code(MREG_ENOTFOUND, mr_dir_make("", &err), err);
	/* A link to a folder is as good as a folder. */
	assert_ok(mr_path_join(path, sizeof(path), dir, "link", &err), err);
	assert_int_equal(symlink("a", path), 0);
	assert_ok(mr_path_join(path, sizeof(path), dir, "link/new", &err), err);
	assert_ok(mr_dir_make(path, &err), err);
	assert_true(test_exists(dir, "a/new"));
}

static void joins_paths(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char out[8];

	(void)state;
	assert_ok(mr_path_join(out, sizeof(out), "a/b", "c", &err), err);
	assert_string_equal(out, "a/b/c");
	assert_ok(mr_path_join(out, sizeof(out), "a/", "c", &err), err);
	assert_string_equal(out, "a/c");
	assert_ok(mr_path_join(out, sizeof(out), "", "c", &err), err);
	assert_string_equal(out, "c");
	assert_ok(mr_path_join(out, sizeof(out), "123", "567", &err), err);
	assert_code(MREG_ELIMIT,
		    mr_path_join(out, sizeof(out), "123", "5678", &err), err);
	assert_string_equal(err.msg, "path '123/5678' is too long");
}

static void tells_changed_files(void **state)
{
	const char *dir = *state;
	MR_AUTO(mr_fd_close) int d = open_dir(dir);
	struct mr_file_id a, b;
	struct stat st;

	test_write_text(dir, "f", "x");
	assert_int_equal(fstatat(d, "f", &st, 0), 0);
	mr_file_id(&st, &a);
	assert_int_equal(a.size, 1);
	assert_true(a.mtime_ns > INT64_C(1000000000) * 1000000000);
	b = a;
	assert_true(mr_file_id_equal(&a, &b));
	b.mtime_ns++;
	assert_false(mr_file_id_equal(&a, &b));
	b = a;
	b.ctime_ns--;
	assert_false(mr_file_id_equal(&a, &b));
	b = a;
	b.ino++;
	assert_false(mr_file_id_equal(&a, &b));
}

struct locker {
	int d;
	atomic_int inside;
	atomic_bool together; /* two were inside at once */
};

static int lock_once(void *ctx, size_t index, struct mreg_error *err)
{
	struct locker *l = ctx;
	MR_AUTO(mr_fd_close)
	int fd = openat(l->d, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	int rc;

	(void)index;
	rc = mr_file_lock(fd, true, NULL, "lock", err);
	if (rc < 0)
		return rc;
	if (atomic_fetch_add(&l->inside, 1) > 0)
		atomic_store(&l->together, true);
	(void)mr_sleep_ms(NULL, 2, err);
	atomic_fetch_sub(&l->inside, 1);
	return 0;
}

static void one_at_a_time_holds_a_lock(void **state)
{
	const char *dir = *state;
	struct locker l = { .d = open_dir(dir) };
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_task_run(NULL, 8, 24, lock_once, &l, &err), err);
	assert_false(atomic_load(&l.together));
	mr_fd_close(&l.d);
}

static void waiting_for_a_lock_can_be_cancelled(void **state)
{
	const char *dir = *state;
	MR_AUTO(mr_fd_close) int d = open_dir(dir);
	MR_AUTO(mr_fd_close)
	int one = openat(d, "l", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	MR_AUTO(mr_fd_close) int two = openat(d, "l", O_RDWR | O_CLOEXEC);
	struct mreg_error err = MREG_ERROR_INIT;
	struct test_env t;

	test_env_init(&t);
	assert_ok(mr_file_lock(one, false, &t.env, "l", &err), err);
	assert_ok(mr_file_lock(two, false, &t.env, "l", &err), err);
	assert_int_equal(t.sleeps, 0);
	atomic_store(&t.cancel, true);
	assert_code(MREG_ECANCELED, mr_file_lock(two, true, &t.env, "l", &err),
		    err);
	assert_string_equal(err.msg, "gave up waiting for 'l'");
	assert_string_equal(err.cause, "interrupted");
	test_env_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(loads_a_file_up_to_the_limit,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test_setup_teardown(loading_says_what_is_wrong,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test_setup_teardown(saves_and_replaces, test_tmpdir,
						test_tmpdir_end),
		cmocka_unit_test_setup_teardown(saves_names_of_full_length,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test_setup_teardown(a_failed_save_leaves_nothing,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test_setup_teardown(
			replaces_a_link_and_not_its_target, test_tmpdir,
			test_tmpdir_end),
		cmocka_unit_test_setup_teardown(writes_at_offsets, test_tmpdir,
						test_tmpdir_end),
		cmocka_unit_test(a_full_disk_has_a_hint),
		cmocka_unit_test_setup_teardown(makes_folders, test_tmpdir,
						test_tmpdir_end),
		cmocka_unit_test(joins_paths),
		cmocka_unit_test_setup_teardown(tells_changed_files,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test_setup_teardown(one_at_a_time_holds_a_lock,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test_setup_teardown(
			waiting_for_a_lock_can_be_cancelled, test_tmpdir,
			test_tmpdir_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

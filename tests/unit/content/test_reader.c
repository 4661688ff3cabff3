/*
 * test_reader.c - the same bytes at any offset.
 */
#include "tests/support/test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "content/reader.h"

static int open_in(const char *dir, const char *name)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char path[512];
	int fd;

	assert_ok(mr_path_join(path, sizeof(path), dir, name, &err), err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void read_everywhere(struct mr_reader *r)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char buf[16];

	assert_true(r->size == 10);
	assert_int_equal(mr_reader_read_at(r, buf, 4, 3, &err), 4);
	assert_memory_equal(buf, "3456", 4);
	assert_int_equal(mr_reader_read_at(r, buf, 16, 0, &err), 10);
	assert_memory_equal(buf, "0123456789", 10);
	assert_int_equal(mr_reader_read_at(r, buf, 16, 8, &err), 2);
	assert_int_equal(mr_reader_read_at(r, buf, 16, 10, &err), 0);
	assert_int_equal(mr_reader_read_at(r, buf, 16, UINT64_MAX, &err), 0);
	assert_int_equal(mr_reader_read_at(r, buf, 0, 0, &err), 0);
	assert_ok(mr_reader_need_at(r, buf, 5, 5, &err), err);
	assert_memory_equal(buf, "56789", 5);
	assert_code(MREG_EFORMAT, mr_reader_need_at(r, buf, 6, 5, &err), err);
	assert_string_equal(err.msg,
			    "ends early: 6 bytes wanted at offset 5, but there "
			    "are only 10 in all");
	assert_code(MREG_EFORMAT,
		    mr_reader_need_at(r, buf, 2, UINT64_MAX, &err), err);
	assert_ok(mr_reader_need_at(r, buf, 0, 99, &err), err);
}

static void memory_is_read_anywhere(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(mr_reader_memory("0123456789", 10, &r, &err), err);
	read_everywhere(r);
	mr_reader_closep(&r);
	assert_ok(mr_reader_memory(NULL, 0, &r, &err), err);
	assert_int_equal(mr_reader_read_at(r, &err, 1, 0, &err), 0);
}

static void a_file_is_read_anywhere(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_reader *r = NULL;
	int fd;

	test_write_text(*state, "f", "0123456789");
	fd = open_in(*state, "f");
	assert_ok(mr_reader_file(fd, "f", &r, &err), err);
	read_everywhere(r);
	mr_reader_closep(&r);
	assert_null(r);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void a_file_that_shrinks_is_noticed(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	char buf[16];

	test_write_text(*state, "f", "0123456789");
	assert_ok(mr_reader_file(open_in(*state, "f"), "f", &r, &err), err);
	test_write_text(*state, "f", "0123");
	assert_int_equal(mr_reader_read_at(r, buf, 16, 0, &err), 4);
	assert_code(MREG_ECONFLICT, mr_reader_need_at(r, buf, 10, 0, &err),
		    err);
	assert_string_equal(err.msg, "'f' changed while it was read: it ends "
				     "before 4 of 10 bytes");
}

static void only_regular_files_are_read(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_reader *r = NULL;
	int fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_code(MREG_EIO, mr_reader_file(fd, "folder", &r, &err), err);
	assert_string_equal(err.msg,
			    "cannot read 'folder': it is no regular file");
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_code(MREG_EIO, mr_reader_file(-1, "none", &r, &err), err);
	assert_null(r);
}

static void a_reader_can_be_a_stream(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_reader *given = NULL;
	struct mr_stream *s = NULL;
	char buf[16];

	(void)state;
	assert_ok(mr_reader_memory("0123456789", 10, &r, &err), err);
	assert_ok(mr_reader_stream(r, false, &s, &err), err);
	assert_int_equal(mr_stream_read(s, buf, 4, &err), 4);
	assert_int_equal(mr_stream_fill(s, buf, 16, &err), 6);
	assert_memory_equal(buf, "456789", 6);
	assert_int_equal(mr_stream_read(s, buf, 4, &err), 0);
	mr_stream_close(s);
	assert_int_equal(mr_reader_read_at(r, buf, 1, 9, &err), 1);
	/* What is given away is closed with it (a leak else). */
	assert_ok(mr_reader_memory("0123456789", 10, &given, &err), err);
	assert_ok(mr_reader_stream(given, true, &s, &err), err);
	assert_int_equal(mr_stream_fill(s, buf, 16, &err), 10);
	mr_stream_close(s);
}

static void a_reader_stream_repeats_its_failure(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_reader *r = NULL;
	struct mr_stream *s = NULL;
	char buf[16];

	test_write_text(*state, "f", "0123456789");
	assert_ok(mr_reader_file(open_in(*state, "f"), "f", &r, &err), err);
	assert_ok(mr_reader_stream(r, true, &s, &err), err);
	test_write_text(*state, "f", "0123");
	assert_code(MREG_ECONFLICT, mr_stream_fill(s, buf, 16, &err), err);
	test_write_text(*state, "f", "0123456789");
	assert_code(MREG_ECONFLICT, mr_stream_read(s, buf, 16, &err), err);
	assert_has(err.msg, "changed while it was read");
	mr_stream_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_read_anywhere),
		cmocka_unit_test_setup_teardown(a_file_is_read_anywhere,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test_setup_teardown(a_file_that_shrinks_is_noticed,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test_setup_teardown(only_regular_files_are_read,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test(a_reader_can_be_a_stream),
		cmocka_unit_test_setup_teardown(
			a_reader_stream_repeats_its_failure, test_tmpdir,
			test_tmpdir_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

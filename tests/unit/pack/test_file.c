/*
 * test_file.c - a scanned file is read as it was scanned, or not at all.
 */
#include "tests/support/test.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "pack/pack.h"

struct fixture {
	struct test_env t;
	struct mreg_error err;
	char *dir;
	char path[PATH_MAX];
	struct mr_scan *scan;
	struct mr_stream *in;
	char bytes[64];
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));
	const char *paths[1];

	test_env_init(&f->t);
	f->dir = test_tmpdir_new();
	paths[0] = f->dir;
	test_write_text(f->dir, "sub/file", "0123456789");
	snprintf(f->path, sizeof(f->path), "%s/sub/file", f->dir);
	*state = f;
	return mr_scan(&f->t.env, paths, 1, NULL, &f->scan, &f->err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_stream_close(f->in);
	mr_scan_free(f->scan);
	test_env_release(&f->t);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

static int open_stream(struct fixture *f)
{
	return mr_file_stream(&f->scan->files[0], &f->in, &f->err);
}

static ssize_t read_some(struct fixture *f, size_t n)
{
	return mr_stream_read(f->in, f->bytes, n, &f->err);
}

static void append(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "a");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void reads_all_of_it(void **state)
{
	struct fixture *f = *state;

	assert_ok(open_stream(f), f->err);
	assert_int_equal(mr_stream_fill(f->in, f->bytes, 64, &f->err), 10);
	assert_memory_equal(f->bytes, "0123456789", 10);
	assert_int_equal(read_some(f, 1), 0);
	assert_int_equal(read_some(f, 1), 0);
}

static void refuses_a_file_that_changed_before(void **state)
{
	struct fixture *f = *state;
	struct mr_reader *r;

	append(f, "x");
	assert_code(MREG_ECONFLICT, open_stream(f), f->err);
	assert_string_equal(f->err.msg, "'sub/file' changed while it was read");
	assert_has(f->err.hint, "run the same command again");
	assert_code(MREG_ECONFLICT,
		    mr_file_reader(&f->scan->files[0], &r, &f->err), f->err);
}

static void refuses_a_file_that_was_replaced(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unlink(f->path), 0);
	assert_code(MREG_ECONFLICT, open_stream(f), f->err);
	/* By a pipe, say: opening it must not hang. */
	assert_int_equal(mkfifo(f->path, 0644), 0);
	assert_code(MREG_ECONFLICT, open_stream(f), f->err);
}

static void the_end_does_not_come_when_it_grew_meanwhile(void **state)
{
	struct fixture *f = *state;

	assert_ok(open_stream(f), f->err);
	assert_int_equal(read_some(f, 10), 10);
	append(f, "x");
	assert_code(MREG_ECONFLICT, read_some(f, 1), f->err);
	assert_has(f->err.msg, "changed while it was read");
	memset(&f->err, 0, sizeof(f->err));
	assert_code(MREG_ECONFLICT, read_some(f, 1), f->err);
}

static void notices_that_it_shrank_meanwhile(void **state)
{
	struct fixture *f = *state;

	assert_ok(open_stream(f), f->err);
	assert_int_equal(read_some(f, 4), 4);
	assert_int_equal(truncate(f->path, 2), 0);
	assert_code(MREG_ECONFLICT, read_some(f, 4), f->err);
	assert_has(f->err.msg, "changed while it was read");
}

static void reads_at_any_offset(void **state)
{
	struct fixture *f = *state;
	struct mr_reader *r = NULL;

	assert_ok(mr_file_reader(&f->scan->files[0], &r, &f->err), f->err);
	assert_int_equal(r->size, 10);
	assert_ok(mr_reader_need_at(r, f->bytes, 3, 7, &f->err), f->err);
	assert_memory_equal(f->bytes, "789", 3);
	mr_reader_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_all_of_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			refuses_a_file_that_changed_before, setup, teardown),
		cmocka_unit_test_setup_teardown(
			refuses_a_file_that_was_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_end_does_not_come_when_it_grew_meanwhile, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			notices_that_it_shrank_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_at_any_offset, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

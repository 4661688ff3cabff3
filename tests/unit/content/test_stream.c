/*
 * test_stream.c - streams over memory and files, loading, measuring.
 */
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "content/digest.h"
#include "content/stream.h"

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

/* A stream that gives one byte a read and fails after them. */
struct failing {
	struct mr_stream base;
	int left;
	int reads; /* after the failure */
};

static ssize_t failing_read(struct mr_stream *s, void *buf, size_t n,
			    struct mreg_error *err)
{
	struct failing *f = mr_container_of(s, struct failing, base);

	(void)n;
	if (f->left-- > 0) {
		*(char *)buf = 'x';
		return 1;
	}
	f->reads++;
	return mr_fail(err, MREG_ENETWORK, "connection reset");
}

static void failing_close(struct mr_stream *s)
{
	(void)s;
}

static const struct mr_stream_ops failing_ops = {
	.read = failing_read,
	.close = failing_close,
};

static void memory_is_read_to_its_end(void **state)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *s = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	char buf[8];

	(void)state;
	assert_ok(mr_stream_memory("weights", 7, &s, &err), err);
	assert_int_equal(mr_stream_read(s, buf, 4, &err), 4);
	assert_memory_equal(buf, "weig", 4);
	assert_int_equal(mr_stream_fill(s, buf, 8, &err), 3);
	assert_memory_equal(buf, "hts", 3);
	assert_int_equal(mr_stream_read(s, buf, 4, &err), 0);
	assert_int_equal(mr_stream_read(s, buf, 4, &err), 0);
	mr_stream_closep(&s);
	assert_null(s);
	assert_ok(mr_stream_memory(NULL, 0, &s, &err), err);
	assert_int_equal(mr_stream_read(s, buf, 4, &err), 0);
}

static void loads_up_to_the_limit(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf exact = MR_BUF_INIT(50000);
	struct mr_buf small = MR_BUF_INIT(49999);
	char *data = mr_zalloc(50000);
	struct mr_stream *s = NULL;

	(void)state;
	memset(data, 'd', 50000);
	assert_ok(mr_stream_memory(data, 50000, &s, &err), err);
	assert_ok(mr_stream_load(s, &exact, &err), err);
	assert_int_equal(exact.len, 50000);
	assert_memory_equal(exact.data, data, 50000);
	mr_stream_closep(&s);
	assert_ok(mr_stream_memory(data, 50000, &s, &err), err);
	assert_code(MREG_ELIMIT, mr_stream_load(s, &small, &err), err);
	assert_has(err.msg, "larger than 49999 bytes");
	mr_stream_close(s);
	mr_buf_release(&exact);
	mr_buf_release(&small);
	mr_release(data);
}

static void a_broken_source_is_reported(void **state)
{
	struct failing f = { .base = { &failing_ops }, .left = 3 };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf b = MR_BUF_INIT(100);
	char buf[10];

	(void)state;
	assert_code(MREG_ENETWORK, mr_stream_load(&f.base, &b, &err), err);
	assert_int_equal(b.len, 3);
	f.left = 2;
	assert_code(MREG_ENETWORK,
		    mr_stream_fill(&f.base, buf, sizeof(buf), &err), err);
	mr_buf_release(&b);
}

static void reads_a_part_of_a_file(void **state)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *s = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	char buf[16];
	int fd;

	test_write_text(*state, "f", "0123456789");
	fd = open_in(*state, "f");
	assert_ok(mr_stream_file(fd, 3, 4, "f", &s, &err), err);
	assert_int_equal(mr_stream_fill(s, buf, sizeof(buf), &err), 4);
	assert_memory_equal(buf, "3456", 4);
	assert_int_equal(mr_stream_read(s, buf, 1, &err), 0);
	/* The descriptor's own position stays. */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	mr_stream_closep(&s);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void notices_a_file_that_shrank(void **state)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *s = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	char buf[16];

	test_write_text(*state, "f\n", "0123456789");
	assert_ok(
		mr_stream_file(open_in(*state, "f\n"), 0, 12, "f\n", &s, &err),
		err);
	assert_int_equal(mr_stream_read(s, buf, sizeof(buf), &err), 10);
	assert_code(MREG_ECONFLICT, mr_stream_read(s, buf, 4, &err), err);
	assert_string_equal(err.msg, "'f\\x0a' changed while it was read: it "
				     "ends 2 bytes early");
	assert_has(err.hint, "run the same command again");
	memset(&err, 0, sizeof(err));
	assert_code(MREG_ECONFLICT, mr_stream_read(s, buf, 4, &err), err);
	assert_int_equal(mr_stream_read(s, buf, 4, NULL), MREG_ECONFLICT);
}

static void unreadable_descriptors_fail(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stream *s = NULL;
	char buf[4];
	int fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_ok(mr_stream_file(fd, 0, 10, "folder", &s, &err), err);
	assert_code(MREG_EIO, mr_stream_read(s, buf, 4, &err), err);
	assert_string_equal(err.msg, "cannot read 'folder': Is a directory");
	mr_stream_closep(&s);
	fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_code(MREG_EIO,
		    mr_stream_file(fd, INT64_MAX, 10, "folder", &s, &err), err);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_null(s);
}

static struct mr_measure measured(const char *data, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_stream *src = NULL;
	struct mr_stream *s = NULL;
	struct mr_measure m;
	char buf[3];
	ssize_t got;

	assert_ok(mr_stream_memory(data, n, &src, &err), err);
	assert_ok(mr_stream_measure(src, &m, &s, &err), err);
	assert_false(m.complete);
	while ((got = mr_stream_read(s, buf, sizeof(buf), &err)) > 0)
		assert_false(m.complete);
	assert_ok(got, err);
	assert_int_equal(mr_stream_read(s, buf, sizeof(buf), &err), 0);
	mr_stream_close(s);
	return m;
}

static void measures_what_passes(void **state)
{
	struct mr_measure m = measured("weights", 7);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest d;

	(void)state;
	assert_ok(mr_digest_of("weights", 7, &d, &err), err);
	assert_true(m.complete);
	assert_int_equal(m.size, 7);
	assert_true(mreg_digest_equal(&m.digest, &d));
	assert_true(m.utf8);
	m = measured("", 0);
	assert_true(m.complete && m.utf8 && m.size == 0);
	assert_true(mr_digest_known(&m.digest));
}

static void tells_text_from_bytes(void **state)
{
	(void)state;
	/* Letters cut by the three-byte reads. */
	assert_true(measured("\xc3\xbc\xe6\xa8\xa1\xf0\x9f\xa4\x97", 9).utf8);
	assert_false(measured("\x80\x02}q", 4).utf8);
	assert_false(measured("text then \xe6\xa8", 12).utf8);
}

static void an_unfinished_measure_is_incomplete(void **state)
{
	struct failing f = { .base = { &failing_ops }, .left = 5 };
	MR_AUTO(mr_stream_closep) struct mr_stream *s = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_measure m;
	char buf[8];

	(void)state;
	assert_ok(mr_stream_measure(&f.base, &m, &s, &err), err);
	assert_code(MREG_ENETWORK, mr_stream_fill(s, buf, 8, &err), err);
	assert_false(m.complete);
	assert_int_equal(m.size, 5);
	assert_false(mr_digest_known(&m.digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_read_to_its_end),
		cmocka_unit_test(loads_up_to_the_limit),
		cmocka_unit_test(a_broken_source_is_reported),
		cmocka_unit_test_setup_teardown(reads_a_part_of_a_file,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test_setup_teardown(notices_a_file_that_shrank,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test_setup_teardown(unreadable_descriptors_fail,
						test_tmpdir, test_tmpdir_end),
		cmocka_unit_test(measures_what_passes),
		cmocka_unit_test(tells_text_from_bytes),
		cmocka_unit_test(an_unfinished_measure_is_incomplete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

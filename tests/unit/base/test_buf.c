/*
 * test_buf.c - buffers that grow to a maximum and then stay failed.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static void grows_and_stays_terminated(void **state)
{
	struct mr_buf b = MR_BUF_INIT(1 << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	int i;

	(void)state;
	assert_string_equal(mr_buf_text(&b), "");
	for (i = 0; i < 10000; i++) {
		mr_buf_putc(&b, (char)('a' + i % 26));
		assert_int_equal(b.data[b.len], '\0');
	}
	mr_buf_puts(&b, "-end");
	assert_ok(mr_buf_check(&b, "text", &err), err);
	assert_int_equal(b.len, 10004);
	assert_string_equal(b.data + 9999, "p-end");
	mr_buf_release(&b);
	assert_null(b.data);
	assert_int_equal(b.max, 1 << 20);
}

static void holds_exactly_its_maximum(void **state)
{
	struct mr_buf b = MR_BUF_INIT(5);
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	mr_buf_add(&b, "12345", 5);
	assert_ok(mr_buf_check(&b, "text", &err), err);
	mr_buf_add(&b, "", 0);
	assert_ok(mr_buf_check(&b, "text", &err), err);
	assert_string_equal(mr_buf_text(&b), "12345");
	mr_buf_putc(&b, '6');
	assert_code(MREG_ELIMIT, mr_buf_check(&b, "'m.json'", &err), err);
	assert_string_equal(err.msg, "'m.json' is larger than 5 bytes");
	assert_string_equal(mr_buf_text(&b), "12345");
	mr_buf_release(&b);
}

static void stays_failed(void **state)
{
	struct mr_buf b = MR_BUF_INIT(4);

	(void)state;
	mr_buf_puts(&b, "12345");
	mr_buf_puts(&b, "1");
	mr_buf_printf(&b, "%d", 1);
	assert_int_equal(b.len, 0);
	mr_buf_clear(&b);
	mr_buf_puts(&b, "1");
	assert_int_equal(b.failed, MREG_ELIMIT);
	assert_null(mr_buf_take(&b));
	mr_buf_release(&b);
	mr_buf_puts(&b, "1");
	assert_int_equal(b.failed, MREG_OK);
	assert_string_equal(mr_buf_text(&b), "1");
	mr_buf_release(&b);
}

static void prints(void **state)
{
	struct mr_buf b;
	char big[2000];

	(void)state;
	mr_buf_init(&b, 3000);
	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	mr_buf_printf(&b, "%s:%d", "v", 3);
	mr_buf_printf(&b, "%s", "");
	mr_buf_printf(&b, "|%s|", big);
	assert_int_equal(b.len, 2004);
	assert_memory_equal(b.data, "v:3|yy", 6);
	assert_string_equal(b.data + 2002, "y|");
	mr_buf_printf(&b, "%s", big);
	assert_int_equal(b.failed, MREG_ELIMIT);
	mr_buf_release(&b);
}

static void hands_over(void **state)
{
	struct mr_buf b = MR_BUF_INIT(100);
	char *s;

	(void)state;
	s = mr_buf_take(&b);
	assert_string_equal(s, "");
	mr_release(s);
	mr_buf_puts(&b, "abc");
	s = mr_buf_take(&b);
	assert_string_equal(s, "abc");
	assert_int_equal(b.len, 0);
	assert_null(b.data);
	mr_buf_puts(&b, "next");
	assert_string_equal(s, "abc");
	mr_release(s);
	mr_buf_release(&b);
}

static void clearing_keeps_the_memory(void **state)
{
	struct mr_buf b = MR_BUF_INIT(100);
	const char *data;

	(void)state;
	mr_buf_puts(&b, "abc");
	data = b.data;
	mr_buf_clear(&b);
	assert_string_equal(mr_buf_text(&b), "");
	mr_buf_puts(&b, "x");
	assert_ptr_equal(b.data, data);
	mr_buf_release(&b);
}

static void no_maximum_is_too_large_to_compute_with(void **state)
{
	struct mr_buf b = MR_BUF_INIT(SIZE_MAX);
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	mr_buf_puts(&b, "abc");
	assert_string_equal(mr_buf_text(&b), "abc");
	mr_buf_add(&b, "", SIZE_MAX - 2);
	assert_code(MREG_ELIMIT, mr_buf_check(&b, "x", &err), err);
	mr_buf_release(&b);
	mr_buf_puts(&b, "abc");
	mr_buf_add(&b, "", SIZE_MAX - 3);
	assert_code(MREG_ENOMEM, mr_buf_check(&b, "x", &err), err);
	assert_string_equal(err.msg, "out of memory");
	mr_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_stays_terminated),
		cmocka_unit_test(holds_exactly_its_maximum),
		cmocka_unit_test(stays_failed),
		cmocka_unit_test(prints),
		cmocka_unit_test(hands_over),
		cmocka_unit_test(clearing_keeps_the_memory),
		cmocka_unit_test(no_maximum_is_too_large_to_compute_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * tests/unit/net/test_retry.c - what is tried again, and when.
 */
#include "tests/support/test.h"

#include "net/internal.h"

static void delays_double_up_to_a_cap(void **state)
{
	(void)state;
	/* A random number of cap gives the most there is. */
	assert_int_equal(250, mr_retry_delay_ms(1, 0, 250));
	assert_int_equal(500, mr_retry_delay_ms(2, 0, 500));
	assert_int_equal(8000, mr_retry_delay_ms(6, 0, 8000));
	assert_int_equal(0, mr_retry_delay_ms(1, 0, 251));
	assert_int_equal(0, mr_retry_delay_ms(6, 0, 0));
}

static void gives_up_after_six(void **state)
{
	(void)state;
	assert_true(mr_retry_delay_ms(7, 0, 1) < 0);
	assert_true(mr_retry_delay_ms(7, 5, 1) < 0);
	assert_true(mr_retry_delay_ms(0, 0, 1) < 0);
}

static void retry_after_wins_within_reason(void **state)
{
	(void)state;
	assert_int_equal(7000, mr_retry_delay_ms(1, 7, 123456));
	assert_int_equal(300000, mr_retry_delay_ms(1, 300, 0));
	assert_true(mr_retry_delay_ms(1, 301, 0) < 0);
}

static void reads_retry_after_as_seconds_or_date(void **state)
{
	const int64_t now_s = 1767225600; /* 2026-01-01T00:00:00Z */

	(void)state;
	assert_int_equal(0, mr_retry_after_s(NULL, now_s));
	assert_int_equal(120, mr_retry_after_s("120", now_s));
	assert_int_equal(
		30, mr_retry_after_s("Thu, 01 Jan 2026 00:00:30 GMT", now_s));
	assert_int_equal(
		0, mr_retry_after_s("Wed, 31 Dec 2025 23:59:59 GMT", now_s));
	assert_int_equal(0, mr_retry_after_s("-5", now_s));
	assert_int_equal(0, mr_retry_after_s("soon", now_s));
}

static void only_passing_trouble_is_tried_again(void **state)
{
	static const int again[] = { 408, 425, 429, 500, 502, 503, 504 };
	static const int never[] = { 200, 301, 400, 401, 403, 404, 405,
				     409, 412, 413, 415, 416, 501 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(again) / sizeof(again[0]); i++)
		assert_true(mr_retry_status(again[i]));
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_false(mr_retry_status(never[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_double_up_to_a_cap),
		cmocka_unit_test(gives_up_after_six),
		cmocka_unit_test(retry_after_wins_within_reason),
		cmocka_unit_test(reads_retry_after_as_seconds_or_date),
		cmocka_unit_test(only_passing_trouble_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

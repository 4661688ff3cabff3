/*
 * test_decimal.c - numbers without rounding.
 */
#include "tests/support/test.h"

#include <string.h>

#include "policy/value.h"

static int order(const char *a, const char *b)
{
	struct mr_decimal x;
	struct mr_decimal y;

	assert_int_equal(mr_decimal_parse(a, &x), 0);
	assert_int_equal(mr_decimal_parse(b, &y), 0);
	assert_int_equal(mr_decimal_compare(&x, &y),
			 -mr_decimal_compare(&y, &x));
	return mr_decimal_compare(&x, &y);
}

static void compares_as_written_not_as_rounded(void **state)
{
	(void)state;
	assert_int_equal(order("0.8", "0.80"), 0);
	assert_int_equal(order("0.8", "8e-1"), 0);
	assert_int_equal(order("1e2", "100"), 0);
	assert_int_equal(order("-0", "0"), 0);
	assert_int_equal(order("0.79999999999999999999", "0.8"), -1);
	assert_int_equal(order("9007199254740993", "9007199254740992"), 1);
	assert_int_equal(order("-2", "-1"), -1);
	assert_int_equal(order("-1", "0.5"), -1);
	assert_int_equal(order("+3", "2"), 1);
	assert_int_equal(order("1e307", "9.99e306"), 1);
	assert_int_equal(order("1e-300", "0"), 1);
	assert_int_equal(order("0.000123E+4", "1.23"), 0);
}

static int sum_is(const char *a, const char *b, const char *want)
{
	struct mr_decimal x;
	struct mr_decimal y;
	struct mr_decimal sum;
	struct mr_decimal w;

	assert_int_equal(mr_decimal_parse(a, &x), 0);
	assert_int_equal(mr_decimal_parse(b, &y), 0);
	assert_int_equal(mr_decimal_parse(want, &w), 0);
	mr_decimal_add(&x, &y, &sum);
	return mr_decimal_compare(&sum, &w) == 0;
}

static void adds_exactly(void **state)
{
	(void)state;
	assert_true(sum_is("0.1", "0.2", "0.3"));
	assert_true(sum_is("0.75", "-0.01", "0.74"));
	assert_true(sum_is("-0.75", "0.01", "-0.74"));
	assert_true(sum_is("0.01", "-0.75", "-0.74"));
	assert_true(sum_is("5", "-5", "0"));
	assert_true(sum_is("-5", "5", "0"));
	assert_true(sum_is("-1", "-2", "-3"));
	assert_true(sum_is("999.999", "0.001", "1000"));
	assert_true(sum_is("1e20", "1e-20",
			   "100000000000000000000.00000000000000000001"));
}

static void refuses_what_is_no_number_or_too_large(void **state)
{
	static const char *const bad[] = {
		"",        " ",     "nan",  "inf",   "1,5",
		".5",      "5.",    "0x10", "1e",    "1e+",
		"--1",     "1 ",    "01",   "1e400", "-1e9999999999",
		"1e99999", "1.0.0",
	};
	struct mr_decimal d;
	char longer[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mr_decimal_parse(bad[i], &d) == 0)
			fail_msg("'%s' was taken for a number", bad[i]);
	memset(longer, '1', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(mr_decimal_parse(longer, &d), -1);
}

static void what_is_too_small_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(order("1e-99999999", "0"), 0);
	assert_int_equal(order("-1e-99999999", "0"), 0);
	assert_int_equal(order("0e99999999", "0"), 0);
	assert_int_equal(order("0.000e+5000", "0"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_as_written_not_as_rounded),
		cmocka_unit_test(adds_exactly),
		cmocka_unit_test(refuses_what_is_no_number_or_too_large),
		cmocka_unit_test(what_is_too_small_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_text_real.c - a number's text is the shortest that is read as it.
 */
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/test.h"

static void is_text(double v, const char *expected)
{
	char out[32];

	assert_string_equal(expected, mr_text_real(v, out));
}

static void numbers_are_written_as_people_do(void **state)
{
	(void)state;
	is_text(0, "0");
	is_text(-0.0, "-0");
	is_text(1, "1");
	is_text(-12.5, "-12.5");
	is_text(0.91, "0.91");
	is_text(0.000123, "0.000123");
	is_text(0.0001, "0.0001");
	is_text(0.00005, "5e-05");
	is_text(100.000001, "100.000001");
	is_text(999999999.999999, "999999999.999999");
	is_text(1e9, "1000000000");
	is_text(1e15, "1e+15");
	is_text(1.0 / 3, "0.3333333333333333");
	is_text(0.1 + 0.2, "0.30000000000000004");
	is_text(INFINITY, "inf");
}

/* As "%.15g" does it, and with more digits where that is not read as it. */
static void is_shortest(double v)
{
	char expected[32], out[32];
	int digits;

	for (digits = 15; digits <= 17; digits++) {
		(void)snprintf(expected, sizeof(expected), "%.*g", digits, v);
		if (strtod(expected, NULL) == v)
			break;
	}
	assert_string_equal(expected, mr_text_real(v, out));
}

static void every_number_has_its_shortest_text(void **state)
{
	uint64_t x = UINT64_C(88172645463325252);
	double v;
	int i;

	(void)state;
	for (i = 0; i < 50000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		is_shortest((double)(x % 1000000) / 1e6);
		is_shortest((double)(x % 100000) / 1e3 - 50);
		is_shortest((double)(x % 1000000000) / 1e9);
		is_shortest((double)(int64_t)(x % 2000000000) / 7 - 1e8);
		memcpy(&v, &x, sizeof(v));
		if (isfinite(v))
			is_shortest(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_as_people_do),
		cmocka_unit_test(every_number_has_its_shortest_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

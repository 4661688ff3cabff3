/*
 * test_text_size.c - sizes as people write them.
 */
#include "base/text.h"

#include <inttypes.h>

#include "base/mem.h"
#include "tests/support/test.h"

static void reads_what_people_write(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "12B", 12 },
		{ "20M", 20u << 20 },
		{ "20MB", 20000000 },
		{ "20MiB", 20u << 20 },
		{ "20 mib", 20u << 20 },
		{ "1.5GiB", UINT64_C(3) << 29 },
		{ "0.25kb", 250 },
		{ "2.0001K", 2048 },
		{ "10GiB", UINT64_C(10) << 30 },
		{ "3T", UINT64_C(3) << 40 },
		{ "3TB", UINT64_C(3000000000000) },
		{ "8388607TiB", UINT64_C(8388607) << 40 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		uint64_t bytes = 1;

		assert_int_equal(0, mr_text_size_parse(rows[i].text, &bytes));
		assert_int_equal(rows[i].bytes, bytes);
	}
}

static void refuses_what_is_no_size(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"MB",
		"-1",
		"+1",
		"1e9",
		"1,5G",
		"1.G",
		".5G",
		"1..5G",
		"20 ",
		"20  MB",
		"20MBs",
		"20MB/s",
		"0x10",
		"1 M B",
		"10XB",
		"8388608TiB",
		"99999999999999999999",
		"1000000000000000000T",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		uint64_t bytes = 7;

		assert_int_equal(-1, mr_text_size_parse(rows[i], &bytes));
		assert_int_equal(7, bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_people_write),
		cmocka_unit_test(refuses_what_is_no_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_spans.c - ranges that are added up.
 */
#include "content/spans.h"

#include <string.h>

#include "base/mem.h"
#include "tests/support/test.h"

static void assert_spans(const struct mr_spans *s, const char *text)
{
	struct mr_buf b = MR_BUF_INIT(1000);

	mr_spans_text(s, &b);
	assert_string_equal(mr_buf_text(&b), text);
	mr_buf_release(&b);
}

static void ranges_that_touch_become_one(void **state)
{
	static const struct {
		uint64_t start, end;
		const char *all;
	} rows[] = {
		{ 10, 20, "10-20" },
		{ 30, 40, "10-20 30-40" },
		{ 5, 5, "10-20 30-40" },
		{ 50, 60, "10-20 30-40 50-60" },
		{ 20, 30, "10-40 50-60" },
		{ 0, 4, "0-4 10-40 50-60" },
		{ 12, 18, "0-4 10-40 50-60" },
		{ 39, 51, "0-4 10-60" },
		{ 4, 10, "0-60" },
		{ 70, 80, "0-60 70-80" },
		{ 0, 100, "0-100" },
	};
	struct mr_spans s = { .n = 0 };
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		assert_int_equal(
			mr_spans_add(&s, rows[i].start, rows[i].end, NULL), 0);
		assert_spans(&s, rows[i].all);
	}
	assert_int_equal(mr_spans_sum(&s), 100);
	mr_spans_drop_first(&s);
	assert_spans(&s, "");
	mr_spans_release(&s);
}

static void reads_what_it_writes(void **state)
{
	static const char *const texts[] = { "", "0-1", "0-4096 8192-12288",
					     "7-8 9-10 11-100" };
	struct mr_spans s;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(texts); i++) {
		assert_int_equal(mr_spans_parse(texts[i], 12288, &s), 0);
		assert_spans(&s, texts[i]);
		mr_spans_release(&s);
	}
}

static void refuses_what_is_no_list_of_ranges(void **state)
{
	static const char *const texts[] = {
		" ",
		"1",
		"1-",
		"-1",
		"1-1",
		"2-1",
		"0-1 ",
		"0-1  2-3",
		"0-1,2-3",
		"0-2 2-3",
		"2-3 0-1",
		"0-5 4-6",
		"0-101",
		"0-1 99-1000",
		"a-b",
		"0x1-0x2",
		"0-1 x",
		"+0-1",
		"0 -1",
		"0-1\n",
		"0-1 2-3-",
		"0-99999999999999999999",
		"0-999999999999999999999999999999",
	};
	struct mr_spans s;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(texts); i++) {
		if (mr_spans_parse(texts[i], 100, &s) == 0)
			fail_msg("'%s' was read", texts[i]);
		assert_int_equal(s.n, 0);
		assert_null(s.items);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_that_touch_become_one),
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(refuses_what_is_no_list_of_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

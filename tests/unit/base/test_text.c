/*
 * test_text.c - text made safe, words, sizes, numbers, folding.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static void escapes_what_acts(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "plain text/1.0", "plain text/1.0" },
		{ "Gr\xc3\xbc\xc3\x9f"
		  "e \xe6\xa8\xa1 \xf0\x9f\xa4\x97",
		  "Gr\xc3\xbc\xc3\x9f"
		  "e \xe6\xa8\xa1 \xf0\x9f\xa4\x97" },
		{ "a\nb\r\tc", "a\\x0ab\\x0d\\x09"
			       "c" },
		{ "\x1b[31mred\x7f", "\\x1b[31mred\\x7f" },
		{ "\xc2\x85\xc2\x9b"
		  "2J",
		  "\\u{0085}\\u{009b}2J" },
		{ "evil\xe2\x80\xaetxt.exe", "evil\\u{202e}txt.exe" },
		{ "\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c",
		  "\\u{2066}\\u{200f}\\u{061c}" },
		{ "\xe2\x80\xa8", "\\u{2028}" },
		{ "\xff\xc3", "\\xff\\xc3" },
		{ "\xc0\x80", "\\xc0\\x80" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\\x0a", "\\x0a" },
	};
	char out[128], again[128];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		mr_text_safe(rows[i][0], out, sizeof(out));
		assert_string_equal(out, rows[i][1]);
		mr_text_safe(out, again, sizeof(again));
		assert_string_equal(again, out);
	}
	assert_string_equal(mr_text_safe_n("a\0b", 3, out, sizeof(out)),
			    "a\\x00"
			    "b");
}

static void cuts_with_dots_between_characters(void **state)
{
	char out[16];

	(void)state;
	assert_string_equal(mr_text_safe("1234567", out, 8), "1234567");
	assert_string_equal(mr_text_safe("12345678", out, 8), "1234...");
	/* Not inside a letter, not inside an escape. */
	assert_string_equal(mr_text_safe("123\xc3\xbc"
					 "5678",
					 out, 8),
			    "123...");
	assert_string_equal(mr_text_safe("12\n345678", out, 9), "12...");
	assert_string_equal(mr_text_safe("abcdef", out, 4), "...");
	assert_string_equal(mr_text_safe("abcdef", out, 3), "..");
	assert_string_equal(mr_text_safe("abcdef", out, 1), "");
	out[0] = 'k';
	mr_text_safe("abcdef", out, 0);
	assert_int_equal(out[0], 'k');
}

static void suggests_the_nearest_word(void **state)
{
	static const char *const words[] = {
		"push",  "pull",   "resolve", "ls",
		"login", "logout", "inspect", NULL
	};
	static const char *const none[] = { NULL };
	char big[200];

	(void)state;
	assert_string_equal(mr_text_nearest("psuh", words), "push");
	assert_string_equal(mr_text_nearest("pul", words), "pull");
	assert_string_equal(mr_text_nearest("resolv", words), "resolve");
	assert_string_equal(mr_text_nearest("logn", words), "login");
	assert_string_equal(mr_text_nearest("lst", words), "ls");
	assert_string_equal(mr_text_nearest("inpsect", words), "inspect");
	assert_string_equal(mr_text_nearest("ls", words), "ls");
	assert_null(mr_text_nearest("frobnicate", words));
	assert_null(mr_text_nearest("", words));
	assert_null(mr_text_nearest("push", none));
	memset(big, 'p', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_null(mr_text_nearest(big, words));
}

static void writes_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 104, "104 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1024 * 1024 - 1, "1.0 MiB" },
		{ 1023 * 1024, "1023.0 KiB" },
		{ UINT64_C(1610612736), "1.5 GiB" },
		{ UINT64_C(90868376), "86.7 MiB" },
		{ UINT64_C(1) << 60, "1.0 EiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char out[32];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++)
		assert_string_equal(mr_text_size(rows[i].bytes, out),
				    rows[i].text);
}

static void reads_numbers_exactly(void **state)
{
	static const char *const bad[] = { "",    "-1",  "+1",  " 1", "1 ",
					   "0x1", "1e3", "1.0", "a" };
	uint64_t n = 7;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++)
		assert_int_equal(mr_text_u64(bad[i], UINT64_MAX, &n), -1);
	assert_int_equal(mr_text_u64("101", 100, &n), -1);
	assert_int_equal(mr_text_u64("18446744073709551616", UINT64_MAX, &n),
			 -1);
	assert_int_equal(mr_text_u64("99999999999999999999999", UINT64_MAX, &n),
			 -1);
	assert_true(n == 7);
	assert_int_equal(mr_text_u64("100", 100, &n), 0);
	assert_true(n == 100);
	assert_int_equal(mr_text_u64("007", 100, &n), 0);
	assert_true(n == 7);
	assert_int_equal(mr_text_u64("18446744073709551615", UINT64_MAX, &n),
			 0);
	assert_true(n == UINT64_MAX);
}

static void compares_beginnings_and_ends(void **state)
{
	(void)state;
	assert_true(mr_text_starts("mreg.log.1", "mreg."));
	assert_true(mr_text_starts("x", ""));
	assert_false(mr_text_starts("mre", "mreg."));
	assert_true(mr_text_ends("a.json", ".json"));
	assert_true(mr_text_ends("a", ""));
	assert_false(mr_text_ends("json", ".json"));
	assert_false(mr_text_ends("a.jsonl", ".json"));
}

static void folds_what_file_systems_fold(void **state)
{
	static const char *const rows[][2] = {
		{ "README.md", "readme.md" },
		{ "\xc3\x84\xc3\x96\xc3\x9c\xc3\x9f",
		  "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f" },
		{ "3\xc3\x97"
		  "4",
		  "3\xc3\x97"
		  "4" }, /* a sign, no letter */
		{ "\xce\x91\xce\xa9\xce\x86\xce\x88\xce\x8c\xce\x8e",
		  "\xce\xb1\xcf\x89\xce\xac\xce\xad\xcf\x8c\xcf\x8d" },
		{ "\xcf\x82", "\xcf\x83" },
		{ "\xd0\x9c\xd0\xaf\xd0\x81", "\xd0\xbc\xd1\x8f\xd1\x91" },
		{ "\xe6\xa8\xa1\xff", "\xe6\xa8\xa1\xff" },
	};
	char out[64];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		mr_text_fold(rows[i][0], out, sizeof(out));
		assert_string_equal(out, rows[i][1]);
	}
	assert_string_equal(mr_text_fold("AB\xc3\x84", out, 4), "ab");
	assert_string_equal(mr_text_fold("AB", out, 1), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_what_acts),
		cmocka_unit_test(cuts_with_dots_between_characters),
		cmocka_unit_test(suggests_the_nearest_word),
		cmocka_unit_test(writes_sizes),
		cmocka_unit_test(reads_numbers_exactly),
		cmocka_unit_test(compares_beginnings_and_ends),
		cmocka_unit_test(folds_what_file_systems_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

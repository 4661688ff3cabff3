/*
 * test_utf8.c - valid UTF-8 and everything near it.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static bool whole_and_pieces(const char *text, size_t n)
{
	struct mr_utf8 whole = { 0 };
	struct mr_utf8 bytes = { 0 };
	size_t i, cut;

	mr_utf8_add(&whole, text, n);
	for (i = 0; i < n; i++)
		mr_utf8_add(&bytes, text + i, 1);
	assert_int_equal(mr_utf8_ok(&whole), mr_utf8_ok(&bytes));
	for (cut = 0; cut <= n; cut++) {
		struct mr_utf8 two = { 0 };

		mr_utf8_add(&two, text, cut);
		mr_utf8_add(&two, text + cut, n - cut);
		assert_int_equal(mr_utf8_ok(&whole), mr_utf8_ok(&two));
	}
	return mr_utf8_ok(&whole);
}

static void tells_utf8_from_bytes(void **state)
{
	static const char *const good[] = {
		"",
		"ascii",
		"\x7f",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"a long line of ascii and then \xc3\xbc and more ascii text",
	};
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xc3",
		"\xc3(",
		"\xe0\x9f\xbf",
		"\xe0\x80\x80",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xfe",
		"\xff",
		"\xe2\x82",
		"\xf0\x9f\x98",
		"a long line of ascii text before one bad byte \xfe and more",
		"12345678\xe2\x82"
		"12345678123456781234567812345678",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(good); i++) {
		assert_true(whole_and_pieces(good[i], strlen(good[i])));
		assert_true(mr_utf8_valid(good[i]));
	}
	for (i = 0; i < MR_COUNT(bad); i++) {
		assert_false(whole_and_pieces(bad[i], strlen(bad[i])));
		assert_false(mr_utf8_valid(bad[i]));
	}
	assert_true(whole_and_pieces("nul\0inside", 10));
}

/* Every code point and every neighbour of the range that is none. */
static void knows_every_code_point(void **state)
{
	uint32_t c;

	(void)state;
	for (c = 0; c < 0x110400; c++) {
		char text[4];
		size_t n = 0;
		uint32_t back;
		bool ok = c < 0x110000 && (c < 0xd800 || c > 0xdfff);

		if (c < 0x80) {
			text[n++] = (char)c;
		} else if (c < 0x800) {
			text[n++] = (char)(0xc0 | c >> 6);
			text[n++] = (char)(0x80 | (c & 0x3f));
		} else if (c < 0x10000) {
			text[n++] = (char)(0xe0 | c >> 12);
			text[n++] = (char)(0x80 | (c >> 6 & 0x3f));
			text[n++] = (char)(0x80 | (c & 0x3f));
		} else {
			text[n++] = (char)(0xf0 | c >> 18);
			text[n++] = (char)(0x80 | (c >> 12 & 0x3f));
			text[n++] = (char)(0x80 | (c >> 6 & 0x3f));
			text[n++] = (char)(0x80 | (c & 0x3f));
		}
		if (mr_utf8_next(text, n, &back) != (ok ? n : 0))
			fail_msg("U+%04X", c);
		if (ok && back != c)
			fail_msg("U+%04X came back as U+%04X", c, back);
		if (n > 1 && mr_utf8_next(text, n - 1, &back) != 0)
			fail_msg("U+%04X cut short", c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_utf8_from_bytes),
		cmocka_unit_test(knows_every_code_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_pattern.c - regular expressions for whole values, which cost little.
 */
#include "tests/support/test.h"

#include <string.h>

#include "policy/value.h"

static bool matches(const char *pattern, const char *text)
{
	char why[160] = "";
	regex_t *r = NULL;
	bool yes;

	if (mr_pattern_compile(pattern, &r, why, sizeof(why)) != 0)
		fail_msg("'%s' does not compile: %s", pattern, why);
	yes = mr_pattern_match(r, text);
	mr_pattern_free(r);
	return yes;
}

static void is_about_the_whole_value(void **state)
{
	(void)state;
	assert_true(matches("[0-9a-f]{7}", "0123abc"));
	assert_false(matches("[0-9a-f]{7}", "0123abcd"));
	assert_false(matches("[0-9a-f]{7}", "x0123abc"));
	assert_true(matches("a|bc", "bc"));
	assert_false(matches("a|bc", "ac"));
	assert_false(matches("a|bc", "abc"));
	assert_true(matches("^a$", "a"));
	assert_true(matches(".{3,}", "line\nand line"));
	assert_false(matches("a.*", "b\na"));
	assert_true(matches(".{2}", "\xc3\xa4"));
	assert_true(matches("[[:alpha:]]+@[a-z.]+", "ada@example.com"));
	assert_true(matches("[]{]+", "]{"));
	assert_true(matches("a\\{2,5000\\}", "a{2,5000}"));
}

static void refuses_what_is_no_pattern(void **state)
{
	static const struct {
		const char *pattern, *why;
	} bad[] = {
		{ "(", "unmatched" },
		{ "a)(b", "" },
		{ "[a", "" },
		{ "*a{2", "" },
		{ "(a+)\\1", "back-reference" },
		{ "((a{1,100}){1,100}){1,100}", "multiply" },
		{ "a{1001}", "multiply" },
		{ "a{1,99999999999999999999}", "multiply" },
	};
	char longer[600];
	char why[160];
	regex_t *r = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		if (mr_pattern_compile(bad[i].pattern, &r, why, sizeof(why)) !=
		    -1)
			fail_msg("'%s' compiles", bad[i].pattern);
		assert_true(why[0]);
		assert_non_null(strcasestr(why, bad[i].why));
	}
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(mr_pattern_compile(longer, &r, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "512 bytes"));
}

static void matches_nothing_longer_than_it_looks_at(void **state)
{
	char text[MR_PATTERN_SUBJECT_MAX_BYTES + 2];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[MR_PATTERN_SUBJECT_MAX_BYTES] = '\0';
	assert_true(matches("a*", text));
	text[MR_PATTERN_SUBJECT_MAX_BYTES] = 'a';
	text[MR_PATTERN_SUBJECT_MAX_BYTES + 1] = '\0';
	assert_false(matches("a*", text));
}

/* Nested repeats are what makes backtracking matchers stand still. */
static void takes_no_time_for_nested_repeats(void **state)
{
	char text[MR_PATTERN_SUBJECT_MAX_BYTES + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 2] = '!';
	text[sizeof(text) - 1] = '\0';
	assert_false(matches("(a*)*(a|a)*(a+a+)+", text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_about_the_whole_value),
		cmocka_unit_test(refuses_what_is_no_pattern),
		cmocka_unit_test(matches_nothing_longer_than_it_looks_at),
		cmocka_unit_test(takes_no_time_for_nested_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_text_glob.c - patterns over paths.
 */
#include "tests/support/test.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"

/* What a shell takes, and what it does not. */
static const struct {
	const char *pattern;
	const char *path;
	bool match;
} rows[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "a", "", false },
	{ "a.json", "a.json", true },
	{ "a.json", "b.json", false },
	{ "a", "ab", false },
	{ "*", "", true },
	{ "*", "a.json", true },
	{ "*", "a/b", false },
	{ "*.json", "config.json", true },
	{ "*.json", "x/config.json", false },
	{ "*.json", "config.jsonl", false },
	{ "a*b*c", "aXbYbZc", true },
	{ "a*b*c", "aXbYb", false },
	{ "*/*.bin", "x/y.bin", true },
	{ "*/*.bin", "x/y/z.bin", false },
	{ "?", "a", true },
	{ "?", "\xc3\xbc", true },
	{ "??", "\xc3\xbc", false },
	{ "?", "/", false },
	{ "?", "", false },
	{ "**", "a/b/c", true },
	{ "**", "", true },
	{ "a/**", "a/b/c", true },
	{ "a/**", "a/", true },
	{ "a/**", "a", false },
	{ "a**c", "a/b/c", true },
	{ "**/*.json", "a.json", true },
	{ "**/*.json", "x/y/a.json", true },
	{ "**/*.json", "x/y/a.jsonl", false },
	{ "**/a", "xa", false },
	{ "x/**/a", "x/a", true },
	{ "x/**/a", "x/1/2/a", true },
	{ "x/**/a", "x/1/2/ba", false },
	{ "x/**/**/a", "x/a", true },
	{ "**/", "a/b/", true },
	{ "***", "a/b", true },
	{ "[a-c]", "b", true },
	{ "[a-c]", "d", false },
	{ "[!a-c]", "d", true },
	{ "[!a-c]", "b", false },
	{ "[!a]", "/", false },
	{ "[/]", "/", false },
	{ "x[0-9][0-9]", "x42", true },
	{ "[]a]", "]", true },
	{ "[!]a]", "]", false },
	{ "[a-]", "-", true },
	{ "[a\\]b]", "]", true },
	{ "[\xc3\xa0-\xc3\xbf]", "\xc3\xbc", true },
	{ "[ab", "[ab", true },
	{ "[", "[", true },
	{ "[!", "[!", true },
	{ "\\*", "*", true },
	{ "\\*", "a", false },
	{ "\\?\\[", "?[", true },
	{ "a\\", "a\\", true },
	{ "\xff*", "\xff\xfe", true },
	{ "\xff", "\xfe", false },
};

static void matches_like_a_shell(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++)
		if (mr_text_glob(rows[i].pattern, rows[i].path) !=
		    rows[i].match)
			fail_msg("'%s' and '%s': not %s", rows[i].pattern,
				 rows[i].path,
				 rows[i].match ? "matched" : "refused");
}

static void no_pattern_is_slow(void **state)
{
	char pattern[1001];
	char path[1025];
	size_t i;
	clock_t before = clock();

	(void)state;
	for (i = 0; i + 1 < sizeof(pattern); i += 5)
		memcpy(pattern + i, "**a*b", 5);
	pattern[sizeof(pattern) - 1] = '\0';
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_false(mr_text_glob(pattern, path));
	assert_true(clock() - before < 2 * CLOCKS_PER_SEC);
}

static void longer_paths_match_nothing(void **state)
{
	char path[1026];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_false(mr_text_glob("**", path));
	path[1024] = '\0';
	assert_true(mr_text_glob("**", path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_like_a_shell),
		cmocka_unit_test(no_pattern_is_slow),
		cmocka_unit_test(longer_paths_match_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

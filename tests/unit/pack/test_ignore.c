/*
 * test_ignore.c - the pattern language of gitignore(5).  Every verdict here
 * was compared with `git check-ignore`.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "pack/ignore.h"

struct row {
	const char *lines;
	const char *path; /* a final '/' means a folder */
	enum mr_verdict verdict;
};

#define NONE MR_VERDICT_NONE
#define OUT MR_VERDICT_IGNORE
#define KEEP MR_VERDICT_KEEP

static enum mr_verdict judge(const char *lines, const char *path)
{
	MR_AUTO(mr_ignore_freep) struct mr_ignore *ig = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	char name[256];
	size_t n = strlen(path);
	bool is_dir = path[n - 1] == '/';

	snprintf(name, sizeof(name), "%.*s", (int)(n - (is_dir ? 1 : 0)), path);
	assert_ok(mr_ignore_parse(lines, strlen(lines), &ig, &err), err);
	return mr_ignore_match(ig, name, is_dir);
}

static void check(const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		enum mr_verdict v = judge(rows[i].lines, rows[i].path);

		if (v != rows[i].verdict)
			fail_msg("row %zu: '%s' for '%s' gives %d", i,
				 rows[i].lines, rows[i].path, (int)v);
	}
}

static void names_match_at_any_depth(void **state)
{
	static const struct row rows[] = {
		{ "foo", "foo", OUT },    { "foo", "a/b/foo", OUT },
		{ "foo", "foo/", OUT },   { "foo", "foo/bar", NONE },
		{ "foo", "food", NONE },  { "*.bin", "a/x.bin", OUT },
		{ "*.bin", ".bin", OUT }, { "*.bin", "x.bin.md", NONE },
		{ "*", "a/b", OUT },      { "**", "a/b", OUT },
		{ "Foo", "foo", NONE },   { "a**b", "axxb", OUT },
		{ "a**b", "x/ab", OUT },  { "?", "a", OUT },
		{ "?", "ab", NONE },      { "\xc3\xa4", "x/\xc3\xa4", OUT },
	};

	(void)state;
	check(rows, MR_COUNT(rows));
}

static void a_slash_ties_a_pattern_to_its_folder(void **state)
{
	static const struct row rows[] = {
		{ "/foo", "foo", OUT },    { "/foo", "a/foo", NONE },
		{ "a/foo", "a/foo", OUT }, { "a/foo", "b/a/foo", NONE },
		{ "/*.c", "x.c", OUT },    { "/*.c", "a/x.c", NONE },
		{ "a/*", "a/b", OUT },     { "a/*", "a/b/c", NONE },
		{ "a/?", "a/b", OUT },     { "a*c", "abc", OUT },
		{ "/a*c", "ab/c", NONE },
	};

	(void)state;
	check(rows, MR_COUNT(rows));
}

static void a_slash_at_the_end_means_folders(void **state)
{
	static const struct row rows[] = {
		{ "foo/", "foo/", OUT },        { "foo/", "foo", NONE },
		{ "foo/", "a/foo/", OUT },      { "a/foo/", "a/foo/", OUT },
		{ "a/foo/", "b/a/foo/", NONE }, { "/", "foo", NONE },
		{ "/foo/", "foo/", OUT },       { "*/", "foo/", OUT },
		{ "*/", "foo", NONE },
	};

	(void)state;
	check(rows, MR_COUNT(rows));
}

static void two_stars_span_folders(void **state)
{
	static const struct row rows[] = {
		{ "**/foo", "foo", OUT },
		{ "**/foo", "a/b/foo", OUT },
		{ "**/foo/bar", "a/foo/bar", OUT },
		{ "**/foo/bar", "foo/x/bar", NONE },
		{ "foo/**", "foo/a", OUT },
		{ "foo/**", "foo/a/b", OUT },
		{ "foo/**", "foo/", NONE },
		{ "foo/**", "a/foo/b", NONE },
		{ "a/**/b", "a/b", OUT },
		{ "a/**/b", "a/x/b", OUT },
		{ "a/**/b", "a/x/y/b", OUT },
		{ "a/**/b", "a/xb", NONE },
		{ "a/**b", "a/xb", OUT },
		{ "a/**b", "a/x/b", NONE },
		{ "**/a/**/b/**", "x/a/y/a/b/c", OUT },
		{ "**/a/**/b/**", "x/a/y/b/", NONE },
		{ "/**/foo", "a/foo", OUT },
		{ "a/**/**/b", "a/b", OUT },
	};

	(void)state;
	check(rows, MR_COUNT(rows));
}

static void the_last_match_decides(void **state)
{
	static const struct row rows[] = {
		{ "*.bin\n!keep.bin", "keep.bin", KEEP },
		{ "*.bin\n!keep.bin", "x.bin", OUT },
		{ "!keep.bin\n*.bin", "keep.bin", OUT },
		{ "!x", "x", KEEP },
		{ "!/x", "a/x", NONE },
	};

	(void)state;
	check(rows, MR_COUNT(rows));
}

static void reads_lines_as_git_does(void **state)
{
	static const struct row rows[] = {
		{ "# foo\n\n  \nbar", "# foo", NONE },
		{ "#foo", "#foo", NONE },
		{ "\\#foo", "#foo", OUT },
		{ "\\!foo", "!foo", OUT },
		{ "foo  ", "foo", OUT },
		{ "foo\\ ", "foo ", OUT },
		{ "foo\\  ", "foo ", OUT },
		{ "foo\t", "foo\t", OUT },
		{ "  foo", "foo", NONE },
		{ "  foo", "  foo", OUT },
		{ "foo\r\nbar\r\n", "foo", OUT },
		{ "foo\r\nbar\r\n", "bar", OUT },
		{ "\xef\xbb\xbf"
		  "foo",
		  "foo", OUT },
		{ "!", "!", NONE },
		{ "foo\nbar", "bar", OUT },
		{ "", "x", NONE },
	};

	(void)state;
	check(rows, MR_COUNT(rows));
}

static void knows_sets_and_quoting(void **state)
{
	static const struct row rows[] = {
		{ "[abc]", "b", OUT },
		{ "[abc]", "d", NONE },
		{ "[a-c]x", "bx", OUT },
		{ "[!a-c]", "d", OUT },
		{ "[^a-c]", "d", OUT },
		{ "[!a-c]", "a", NONE },
		{ "[]]", "]", OUT },
		{ "[!]]", "a", OUT },
		{ "[]-]", "-", OUT },
		{ "[a-]", "-", OUT },
		{ "[\\]]", "]", OUT },
		{ "[[:digit:]]*", "1x", OUT },
		{ "[[:digit:]]*", "x1", NONE },
		{ "[![:space:]x]", "y", OUT },
		{ "[[:upper:][:digit:]]", "5", OUT },
		{ "[ab", "[ab", NONE },
		{ "[", "[", NONE },
		{ "\\[a\\]", "[a]", OUT },
		{ "\\*", "*", OUT },
		{ "\\*", "a", NONE },
		{ "a\\\\b", "a\\b", OUT },
		{ "a\\", "a", NONE },
		{ "a[/]b", "a/b", NONE },
	};

	(void)state;
	check(rows, MR_COUNT(rows));
}

static void command_line_patterns_are_taken_as_they_are(void **state)
{
	static const char *const patterns[] = { "#x", "y ", "*.tmp", "!a.tmp" };
	MR_AUTO(mr_ignore_freep) struct mr_ignore *ig = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(mr_ignore_list(patterns, 4, &ig, &err), err);
	assert_int_equal(mr_ignore_match(ig, "#x", false), OUT);
	assert_int_equal(mr_ignore_match(ig, "y ", false), OUT);
	assert_int_equal(mr_ignore_match(ig, "y", false), NONE);
	assert_int_equal(mr_ignore_match(ig, "d/b.tmp", false), OUT);
	assert_int_equal(mr_ignore_match(ig, "a.tmp", false), KEEP);
	assert_int_equal(mr_ignore_match(NULL, "x", false), NONE);
}

static void no_pattern_is_slow(void **state)
{
	char pattern[601];
	char name[256];
	size_t i;

	(void)state;
	for (i = 0; i < 600; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[599] = 'b';
	pattern[600] = '\0';
	memset(name, 'a', 255);
	name[255] = '\0';
	assert_int_equal(judge(pattern, name), NONE);
	for (i = 0; i < 600; i += 5)
		memcpy(pattern + i, "**/a/", 5);
	pattern[598] = 'b';
	for (i = 1; i < 255; i += 2)
		name[i] = '/';
	assert_int_equal(judge(pattern, name), NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_match_at_any_depth),
		cmocka_unit_test(a_slash_ties_a_pattern_to_its_folder),
		cmocka_unit_test(a_slash_at_the_end_means_folders),
		cmocka_unit_test(two_stars_span_folders),
		cmocka_unit_test(the_last_match_decides),
		cmocka_unit_test(reads_lines_as_git_does),
		cmocka_unit_test(knows_sets_and_quoting),
		cmocka_unit_test(command_line_patterns_are_taken_as_they_are),
		cmocka_unit_test(no_pattern_is_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_path.c - what no model may hold (security.md H01, H02, H10, H11).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "pack/pack.h"

static void takes_ordinary_paths(void **state)
{
	static const char *const good[] = {
		"a",
		"model.safetensors",
		"1_Pooling/config.json",
		"..a/b..",
		"...",
		"with space/x y",
		"-rf",
		"\xc3\xa4/\xe6\xbc\xa2\xe5\xad\x97",
		".mreg-partition",
		"a:b",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(good); i++)
		assert_ok(mr_path_check(good[i], &err), err);
}

struct bad {
	const char *path;
	const char *why;
};

static void refuses_what_could_lead_elsewhere(void **state)
{
	static const struct bad bad[] = {
		{ "", "it is empty" },
		{ "/etc/x", "it is absolute" },
		{ "//x", "it is absolute" },
		{ "..", "it has a '..' component" },
		{ "../x", "it has a '..' component" },
		{ "a/../../x", "it has a '..' component" },
		{ "a/..", "it has a '..' component" },
		{ "./x", "it has a '.' component" },
		{ "a/.", "it has a '.' component" },
		{ ".", "it has a '.' component" },
		{ "a//b", "it has an empty component" },
		{ "a/", "it has an empty component" },
		{ "C:\\x", "it has a backslash" },
		{ "..\\x", "it has a backslash" },
		{ "a\nb", "it has a control character" },
		{ "a\x1b[2J", "it has a control character" },
		{ "a\x7f", "it has a control character" },
		{ "a\xff", "it is not valid UTF-8" },
		{ "\xc0\xaf", "it is not valid UTF-8" },
		{ ".mreg-part-00ff", "it is the name of a partial download" },
		{ "a/.mreg-part-", "it is the name of a partial download" },
	};
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		assert_code(MREG_EINTEGRITY, mr_path_check(bad[i].path, &err),
			    err);
		assert_has(err.msg, bad[i].why);
	}
	(void)mr_path_check("../evil", &err);
	assert_string_equal(err.msg,
			    "unsafe path '../evil': it has a '..' component");
	(void)mr_path_check("a\x1b[2J", &err);
	assert_has_not(err.msg, "\x1b");
}

static void refuses_what_is_too_long_or_too_deep(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char path[8192];
	size_t i;

	(void)state;
	memset(path, 'a', sizeof(path));
	path[255] = '\0';
	assert_ok(mr_path_check(path, &err), err);
	path[255] = 'a';
	path[256] = '\0';
	assert_code(MREG_EINTEGRITY, mr_path_check(path, &err), err);
	assert_has(err.msg, "longer than 255 bytes");
	path[256] = 'a';
	for (i = 100; i < sizeof(path); i += 100)
		path[i] = '/';
	path[1024] = '\0';
	assert_ok(mr_path_check(path, &err), err);
	path[1024] = 'a';
	path[1025] = '\0';
	assert_code(MREG_EINTEGRITY, mr_path_check(path, &err), err);
	assert_has(err.msg, "longer than 1024 bytes");
	path[1025] = 'a';
	path[sizeof(path) - 1] = '\0';
	assert_code(MREG_EINTEGRITY, mr_path_check(path, &err), err);
	for (i = 0; i < 64; i++)
		memcpy(path + 2 * i, "a/", 2);
	path[127] = '\0';
	assert_ok(mr_path_check(path, &err), err);
	memcpy(path + 127, "/a", 3);
	assert_code(MREG_EINTEGRITY, mr_path_check(path, &err), err);
	assert_has(err.msg, "deeper than 64");
}

static int check(const char *const *paths, bool folds, struct mreg_error *err)
{
	size_t n = 0;

	while (paths[n])
		n++;
	return mr_paths_check(paths, n, folds, err);
}

static void refuses_a_path_that_is_there_twice(void **state)
{
	static const char *const paths[] = { "b", "a", "c", "a", NULL };
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_code(MREG_EINTEGRITY, check(paths, false, &err), err);
	assert_string_equal(err.msg, "path 'a' is there twice");
}

static void refuses_a_file_that_is_also_a_folder(void **state)
{
	/* "a-b" sorts between the two. */
	static const char *const paths[] = { "a/b/c", "a-b", "a", NULL };
	static const char *const fine[] = { "a/b/c", "a-b", "ab", "a/bc",
					    NULL };
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(check(fine, false, &err), err);
	assert_code(MREG_EINTEGRITY, check(paths, false, &err), err);
	assert_string_equal(err.msg, "'a' is a file, and a folder in 'a/b/c'");
}

static void minds_case_only_where_the_target_folds_it(void **state)
{
	static const char *const files[] = { "Model/A.bin", "model/a.bin",
					     NULL };
	static const char *const folder[] = { "DATA", "data/x", NULL };
	static const char *const umlaut[] = { "\xc3\x84", "\xc3\xa4", NULL };
	static const char *const merged[] = { "Data/x", "data/y", NULL };
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(check(files, false, &err), err);
	assert_code(MREG_EINTEGRITY, check(files, true, &err), err);
	assert_string_equal(
		err.msg,
		"'Model/A.bin' and 'model/a.bin' would be one file here");
	assert_has(err.hint, "upper from lower case");
	assert_ok(check(folder, false, &err), err);
	assert_code(MREG_EINTEGRITY, check(folder, true, &err), err);
	assert_has(err.msg, "'DATA' is a file, and a folder in 'data/x'");
	assert_code(MREG_EINTEGRITY, check(umlaut, true, &err), err);
	assert_ok(check(merged, true, &err), err);
}

static void checks_every_path_of_a_set(void **state)
{
	static const char *const paths[] = { "a", "b/../c", NULL };
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_code(MREG_EINTEGRITY, check(paths, false, &err), err);
	assert_has(err.msg, "'b/../c'");
	assert_ok(mr_paths_check(NULL, 0, true, &err), err);
}

static void large_sets_are_quick(void **state)
{
	size_t n = MR_LAYERS_MAX;
	char(*names)[160] = mr_array(n, sizeof(*names));
	const char **paths = mr_array(n, sizeof(*paths));
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;
	size_t j;

	(void)state;
	assert_non_null(names);
	assert_non_null(paths);
	for (i = 0; i < n; i++) {
		for (j = 0; j < 60; j++)
			memcpy(names[i] + 2 * j, "a/", 2);
		snprintf(names[i] + 120, 40, "%zu", i);
		paths[i] = names[i];
	}
	assert_ok(mr_paths_check(paths, n, true, &err), err);
	paths[n - 1] = names[5000];
	assert_code(MREG_EINTEGRITY, mr_paths_check(paths, n, true, &err), err);
	mr_release(paths);
	mr_release(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_ordinary_paths),
		cmocka_unit_test(refuses_what_could_lead_elsewhere),
		cmocka_unit_test(refuses_what_is_too_long_or_too_deep),
		cmocka_unit_test(refuses_a_path_that_is_there_twice),
		cmocka_unit_test(refuses_a_file_that_is_also_a_folder),
		cmocka_unit_test(minds_case_only_where_the_target_folds_it),
		cmocka_unit_test(checks_every_path_of_a_set),
		cmocka_unit_test(large_sets_are_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_uri.c - mreg:// URIs: what each part says, and that nothing of this
 * machine and no password is in what is read and told of them.
 */
#include "ops/uri.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "tests/support/test.h"

#define D64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ARENA_BYTES (1u << 20)

static void says_what_is_wanted(void **state)
{
	static const struct {
		const char *text, *ref, *below, *globs[3];
	} good[] = {
		{ "mreg://churn", "churn", NULL, { NULL } },
		{ "mreg://churn:production", "churn:production", NULL, { 0 } },
		{ "mreg://h:5000/a/b@sha256:" D64,
		  "h:5000/a/b@sha256:" D64,
		  NULL,
		  { NULL } },
		{ "mreg://a:t@sha512:" D64 D64,
		  "a:t@sha512:" D64 D64,
		  NULL,
		  { NULL } },
		{ "mreg://a?path=b", "a", "b", { NULL } },
		{ "mreg://a?path=b/c%2Fd/", "a", "b/c/d/", { NULL } },
		{ "mreg://a?files=*.bin", "a", NULL, { "*.bin" } },
		{ "mreg://a?files=x&path=p&files=y%26z",
		  "a",
		  "p",
		  { "x", "y&z" } },
		{ "mreg://a?files=a=b?c", "a", NULL, { "a=b?c" } },
		{ "mreg://a?path=...", "a", "...", { NULL } },
		{ "mreg://a?path=%c3%A4", "a", "\xc3\xa4", { NULL } },
		{ "mreg://a?files=%25zz", "a", NULL, { "%zz" } },
		/* What a reference is, is looked at by who follows it. */
		{ "mreg://UPPER/../x y", "UPPER/../x y", NULL, { NULL } },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < MR_COUNT(good); i++) {
		MR_AUTO(mr_arena_freep)
		struct mr_arena *a = mr_arena_new(ARENA_BYTES);
		struct mreg_error err = MREG_ERROR_INIT;
		struct mr_uri u;

		assert_ok(mr_uri_parse(a, good[i].text, &u, &err), err);
		assert_string_equal(u.ref, good[i].ref);
		assert_int_equal(!u.below, !good[i].below);
		if (u.below)
			assert_string_equal(u.below, good[i].below);
		for (k = 0; good[i].globs[k]; k++)
			assert_string_equal(u.globs[k], good[i].globs[k]);
		assert_int_equal(u.glob_count, k);
	}
}

static void refuses_what_is_none(void **state)
{
	static const char *const bad[][2] = {
		{ "", "does not begin with mreg://" },
		{ "churn", "does not begin with mreg://" },
		{ "mreg:/churn", "does not begin with mreg://" },
		{ " mreg://churn", "does not begin with mreg://" },
		{ "mreg://", "names no model" },
		{ "mreg://?path=a", "names no model" },
		{ "mreg://#", "names no model" },
		{ "mreg://b#", "has a '#'" },
		{ "mreg://a#b", "has a '#'" },
		{ "mreg://a?path=b#c", "has a '#'" },
		{ "mreg://a/http://b", "names another URI" },
		{ "mreg://a?files=hTTps://b", "names another URI" },
		{ "mreg://oci:/srv//a", "folder of this machine" },
		{ "mreg://u:p@h/a", "an '@' that no digest follows" },
		{ "mreg://u:p@h://a", "an '@' that no digest follows" },
		{ "mreg://a@v1", "an '@' that no digest follows" },
		{ "mreg://a?", "query without a value" },
		{ "mreg://a?&path=b", "query without a value" },
		{ "mreg://a?path=b&", "query without a value" },
		{ "mreg://a?=b", "neither one path= nor files=" },
		{ "mreg://a?PATH=b", "neither one path= nor files=" },
		{ "mreg://a?paths=b", "neither one path= nor files=" },
		{ "mreg://a?pat=b", "neither one path= nor files=" },
		{ "mreg://a?path=b&path=b", "neither one path= nor files=" },
		{ "mreg://a?files=%", "no two hex digits follow" },
		{ "mreg://a?files=%4", "no two hex digits follow" },
		{ "mreg://a?files=%4&path=41", "no two hex digits follow" },
		{ "mreg://a?files=%g0", "no two hex digits follow" },
		{ "mreg://a?files=%00", "no two hex digits follow" },
		{ "mreg://a?path=/b", "no folder of a version" },
		{ "mreg://a?path=..", "no folder of a version" },
		{ "mreg://a?path=b/%2e%2E", "no folder of a version" },
		{ "mreg://a?path=b//c", "no folder of a version" },
		{ "mreg://a?path=b//", "no folder of a version" },
		{ "mreg://a?path=./b", "no folder of a version" },
		{ "mreg://a?path=b%1f", "no folder of a version" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		MR_AUTO(mr_arena_freep)
		struct mr_arena *a = mr_arena_new(ARENA_BYTES);
		struct mreg_error err = MREG_ERROR_INIT;
		struct mr_uri u;

		assert_code(MREG_EUSAGE, mr_uri_parse(a, bad[i][0], &u, &err),
			    err);
		assert_has(err.msg, bad[i][1]);
		assert_has(err.hint, "mreg://NAME:TAG");
	}
}

static void has_room_for_as_many_globs_as_it_says(void **state)
{
	static char text[MR_URI_GLOBS_MAX * 16];
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_uri u;
	size_t n;
	size_t i;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text), "mreg://a");
	for (i = 0; i < MR_URI_GLOBS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%cfiles=%zu",
				      i ? '&' : '?', i);
	assert_ok(mr_uri_parse(a, text, &u, &err), err);
	assert_int_equal(u.glob_count, MR_URI_GLOBS_MAX);
	assert_string_equal(u.globs[MR_URI_GLOBS_MAX - 1], "99");
	(void)snprintf(text + n, sizeof(text) - n, "&files=x");
	assert_code(MREG_EUSAGE, mr_uri_parse(a, text, &u, &err), err);
	assert_has(err.msg, "too many files=");
}

static void tells_no_password(void **state)
{
	static const char *const texts[] = {
		"mreg://u:s3cret@h/x",
		"mreg://u:s3cret@h/x?path=/etc",
		"mreg://u:p@s3cret@h/x",
		"mreg://u:s3c?s3cret@h/x",
		"mreg://u:s3cret@h/x@sha256:" D64 "?",
		"mreg://u:s3cret@sha256:12@h/x",
		"u:s3cret@h/x",
		"mreg://u:s3cret@a://b@h/x",
		"u:s3cret@a://b@h/x",
		"https://u:s3cret@h/x",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(texts); i++) {
		MR_AUTO(mr_arena_freep)
		struct mr_arena *a = mr_arena_new(ARENA_BYTES);
		struct mreg_error err = MREG_ERROR_INIT;
		struct mr_uri u;

		assert_code(MREG_EUSAGE, mr_uri_parse(a, texts[i], &u, &err),
			    err);
		assert_null(strstr(err.msg, "s3c"));
		assert_has(err.msg, "'...@h/x");
	}
}

static void a_small_arena_is_told(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(64);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_uri u;
	char text[256];

	(void)state;
	(void)snprintf(text, sizeof(text), "mreg://%0200d", 1);
	assert_code(MREG_ENOMEM, mr_uri_parse(a, text, &u, &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_is_wanted),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(has_room_for_as_many_globs_as_it_says),
		cmocka_unit_test(tells_no_password),
		cmocka_unit_test(a_small_arena_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

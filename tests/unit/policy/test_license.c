/*
 * test_license.c - SPDX expressions against lists.
 */
#include "tests/support/test.h"

#include <string.h>

#include "policy/value.h"

static const char *const allow_items[] = {
	"Apache-2.0",
	"MIT",
	"BSD-*",
	"LGPL-2.1-or-later",
	"GPL-2.0-only WITH Classpath-exception-2.0",
	"Our own words, v2",
};
static const char *const deny_items[] = { "CC-BY-NC-*", "BSD-4-Clause",
					  "AGPL-3.0-only" };
static const struct mr_words allow = { (const char **)allow_items, 6 };
static const struct mr_words deny = { (const char **)deny_items, 3 };
static const struct mr_words none = { NULL, 0 };

static enum mr_license_verdict judge(const char *text)
{
	char why[160];

	return mr_license_judge(text, &allow, &deny, why, sizeof(why));
}

static void reads_or_and_with(void **state)
{
	(void)state;
	assert_int_equal(judge("MIT"), MR_LICENSE_ALLOWED);
	assert_int_equal(judge("mit"), MR_LICENSE_ALLOWED);
	assert_int_equal(judge("GPL-3.0-only"), MR_LICENSE_UNLISTED);
	assert_int_equal(judge("GPL-3.0-only OR MIT"), MR_LICENSE_ALLOWED);
	assert_int_equal(judge("MIT AND GPL-3.0-only"), MR_LICENSE_UNLISTED);
	assert_int_equal(judge("MIT AND Apache-2.0"), MR_LICENSE_ALLOWED);
	/* AND binds closer than OR. */
	assert_int_equal(judge("MIT OR GPL-3.0-only AND AGPL-3.0-only"),
			 MR_LICENSE_ALLOWED);
	assert_int_equal(judge("(MIT OR GPL-3.0-only) AND AGPL-3.0-only"),
			 MR_LICENSE_DENIED);
	assert_int_equal(judge("((MIT))"), MR_LICENSE_ALLOWED);
	assert_int_equal(judge(" MIT or (Zlib and MIT) "), MR_LICENSE_ALLOWED);
	assert_int_equal(judge("MIT WITH LLVM-exception"), MR_LICENSE_ALLOWED);
	assert_int_equal(judge("GPL-2.0-only WITH Classpath-exception-2.0"),
			 MR_LICENSE_ALLOWED);
	assert_int_equal(judge("GPL-2.0-only WITH LLVM-exception"),
			 MR_LICENSE_UNLISTED);
	assert_int_equal(judge("LGPL-2.1+"), MR_LICENSE_ALLOWED);
	assert_int_equal(judge("Apache-2.0+"), MR_LICENSE_ALLOWED);
	assert_int_equal(judge("BSD-3-Clause"), MR_LICENSE_ALLOWED);
	assert_int_equal(judge("BSD-4-Clause"), MR_LICENSE_DENIED);
	assert_int_equal(judge("CC-BY-NC-4.0"), MR_LICENSE_DENIED);
	assert_int_equal(judge("LicenseRef-own"), MR_LICENSE_UNLISTED);
	assert_int_equal(judge("DocumentRef-a:LicenseRef-b"),
			 MR_LICENSE_UNLISTED);
}

static void takes_own_words_only_word_by_word(void **state)
{
	(void)state;
	assert_int_equal(judge("Our own words, v2"), MR_LICENSE_ALLOWED);
	assert_int_equal(judge("Our own words, v3"), MR_LICENSE_UNKNOWN);
}

static void refuses_what_is_no_expression(void **state)
{
	static const char *const bad[] = {
		"",         "(",
		"(MIT",     "MIT)",
		"MIT OR",   "OR MIT OR",
		"MIT MIT",  "MIT AND AND MIT",
		"MIT WITH", "()",
		"MIT, BSD", "GPL \xc3\xa4",
		"MIT/X11",  "MIT OR (Zlib",
		"+",
	};
	char deep[600];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (judge(bad[i]) != MR_LICENSE_UNKNOWN)
			fail_msg("'%s' was taken for SPDX", bad[i]);
	memset(deep, '(', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(judge(deep), MR_LICENSE_UNKNOWN);
}

static void names_the_licence_that_is_refused(void **state)
{
	char why[160];

	(void)state;
	assert_int_equal(mr_license_judge("MIT AND GPL-3.0-only AND MIT",
					  &allow, &deny, why, sizeof(why)),
			 MR_LICENSE_UNLISTED);
	assert_string_equal(why, "GPL-3.0-only");
	assert_int_equal(mr_license_judge("CC-BY-NC-4.0 AND GPL-3.0-only",
					  &allow, &deny, why, sizeof(why)),
			 MR_LICENSE_DENIED);
	assert_string_equal(why, "CC-BY-NC-4.0");
}

static void without_a_list_of_allowed_ones_all_others_are(void **state)
{
	char why[160];

	(void)state;
	assert_int_equal(mr_license_judge("GPL-3.0-only", &none, &deny, why,
					  sizeof(why)),
			 MR_LICENSE_ALLOWED);
	assert_int_equal(mr_license_judge("AGPL-3.0-only OR MIT", &none, &deny,
					  why, sizeof(why)),
			 MR_LICENSE_ALLOWED);
	assert_int_equal(mr_license_judge("AGPL-3.0-only AND MIT", &none, &deny,
					  why, sizeof(why)),
			 MR_LICENSE_DENIED);
}

static void tells_the_licence_that_the_verdict_is_about(void **state)
{
	static const char *const only[] = { "Apache-2.0" };
	static const char *const never[] = { "GPL-3.0-only" };
	struct mr_words a = { (const char **)only, 1 };
	struct mr_words d = { (const char **)never, 1 };
	char why[160];

	(void)state;
	assert_int_equal(mr_license_judge("GPL-3.0-only OR MIT", &a, &d, why,
					  sizeof(why)),
			 MR_LICENSE_DENIED);
	assert_string_equal(why, "GPL-3.0-only");
	assert_int_equal(mr_license_judge("MIT OR GPL-3.0-only", &a, &d, why,
					  sizeof(why)),
			 MR_LICENSE_UNLISTED);
	assert_string_equal(why, "MIT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_licence_that_the_verdict_is_about),
		cmocka_unit_test(reads_or_and_with),
		cmocka_unit_test(takes_own_words_only_word_by_word),
		cmocka_unit_test(refuses_what_is_no_expression),
		cmocka_unit_test(names_the_licence_that_is_refused),
		cmocka_unit_test(without_a_list_of_allowed_ones_all_others_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_tag.c - every tag has one kind.
 */
#include "tests/support/test.h"

#include <string.h>

#include "oci/oci.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void all_are(enum mr_tag_kind kind, const char *const *tags)
{
	for (; *tags; tags++) {
		if (mr_tag_kind(*tags) != kind)
			print_error("tag '%s'\n", *tags);
		assert_int_equal(mr_tag_kind(*tags), kind);
	}
}

static void knows_versions(void **state)
{
	static const char *const tags[] = { "v1", "v10", "v9007199254740991",
					    NULL };

	(void)state;
	all_are(MR_TAG_VERSION, tags);
	assert_int_equal(mr_tag_number("v10"), 10);
	assert_int_equal(mr_tag_number("v9007199254740991"), 9007199254740991);
}

static void gives_no_number_to_what_is_no_version(void **state)
{
	static const char *const tags[] = {
		"",    "v",      "v0",  "v01", "10",
		"v-1", "v1.0.0", "v1x", "V1",  "v9007199254740992",
		"v+1", "v 1",    NULL,
	};
	const char *const *t;

	(void)state;
	for (t = tags; *t; t++)
		assert_int_equal(mr_tag_number(*t), 0);
}

static void knows_release_names(void **state)
{
	static const char *const tags[] = {
		"1.2.0",     "v1.2.0",        "1.2.0-rc.1",  "0.0.0",
		"1.0.0-0.3", "1.0.0-x-y-z.-", "1.0.0-alpha", NULL,
	};
	static const char *const others[] = {
		"1.2",       "1.02.0",     "1.2.0-01", "1.2.0-a..b",
		"1.2.0-rc.", "v1.2",       "1.2.0.4",  "1.2.0_1",
		"vv1.2.0",   "1.2.0-a_b.", NULL,
	};

	(void)state;
	all_are(MR_TAG_RELEASE, tags);
	all_are(MR_TAG_FOREIGN, others);
}

static void knows_aliases(void **state)
{
	static const char *const tags[] = {
		"production", "staging",  "_x",          "V1",
		"v1x",        "Latest",   "1",           "a-b_C",
		"sha256-",    "sha256-x", "sha256-0x1f", "mreg",
		"image",      "docker",   "prod-images", NULL,
	};

	(void)state;
	all_are(MR_TAG_ALIAS, tags);
}

static void keeps_foreign_tags_apart(void **state)
{
	static const char *const tags[] = {
		"sha256-" HEX64,
		"sha512-" HEX64,
		"sha256-0",
		"sha256-" HEX64 ".sig",
		"v0",
		"v007",
		"v9007199254740992",
		"a.b",
		"v0-image",
		"v1-image-docker",
		"sha256-" HEX64 "-image",
		"a.sig-docker",
		NULL,
	};

	(void)state;
	all_are(MR_TAG_FOREIGN, tags);
}

static void knows_mregs_own_tags(void **state)
{
	static const char *const latest[] = { "latest", NULL };
	static const char *const records[] = {
		"mreg.log.00000001.0123456789abcdef0123456789abcdef",
		"mreg.seq.00000001", "mreg.", "mreg.x-image", NULL
	};
	static const char *const siblings[] = { "v3-image",
						"v3-docker",
						"latest-image",
						"production-image",
						"1.2.0-rc.1-docker",
						"x-docker",
						NULL };

	(void)state;
	all_are(MR_TAG_LATEST, latest);
	all_are(MR_TAG_RECORD, records);
	all_are(MR_TAG_SIBLING, siblings);
}

/* What is made of a version has the kind of what is made of a version. */
static void names_siblings(void **state)
{
	static const char *const names[] = { "v3-image", "v3-docker" };
	char tag[MR_SIBLING_TAG];
	size_t i;

	(void)state;
	for (i = 0; i < MR_SIBLING_KINDS; i++) {
		assert_string_equal(mr_sibling_tag(3, i, tag), names[i]);
		assert_string_equal(mr_sibling_kinds[i].suffix, names[i] + 2);
		assert_string_equal(mr_sibling_kinds[i].profile, names[i] + 3);
		(void)mr_sibling_tag(MR_VERSION_MAX, i, tag);
		assert_int_equal(mr_tag_kind(tag), MR_TAG_SIBLING);
		assert_true(strlen(tag) == 18 + strlen(names[i] + 3));
	}
}

static void refuses_what_is_no_tag(void **state)
{
	static const char *const tags[] = { "",         ".a",     "-a",  "a/b",
					    "a:b",      "a+b",    "a b", "a\n",
					    "\xc3\xa4", "-image", NULL };
	char longest[130];

	(void)state;
	all_are(MR_TAG_INVALID, tags);
	memset(longest, 'a', sizeof(longest));
	longest[129] = '\0';
	assert_int_equal(mr_tag_kind(longest), MR_TAG_INVALID);
	longest[128] = '\0';
	assert_int_equal(mr_tag_kind(longest), MR_TAG_ALIAS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_versions),
		cmocka_unit_test(gives_no_number_to_what_is_no_version),
		cmocka_unit_test(knows_release_names),
		cmocka_unit_test(knows_aliases),
		cmocka_unit_test(keeps_foreign_tags_apart),
		cmocka_unit_test(knows_mregs_own_tags),
		cmocka_unit_test(names_siblings),
		cmocka_unit_test(refuses_what_is_no_tag),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

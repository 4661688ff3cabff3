/*
 * test_license.c - Hugging Face's licence ids.
 */
#include "tests/support/test.h"

#include "document/document.h"

static void maps_the_hubs_ids_to_spdx(void **state)
{
	(void)state;
	assert_string_equal(mr_license_spdx("apache-2.0"), "Apache-2.0");
	assert_string_equal(mr_license_spdx("mit"), "MIT");
	assert_string_equal(mr_license_spdx("cc-by-nc-sa-4.0"),
			    "CC-BY-NC-SA-4.0");
	assert_string_equal(mr_license_spdx("cdla-permissive-2.0"),
			    "CDLA-Permissive-2.0");
	assert_string_equal(mr_license_spdx("odbl"), "ODbL-1.0");
	assert_string_equal(mr_license_spdx("etalab-2.0"), "etalab-2.0");
	assert_string_equal(mr_license_spdx("lgpl-lr"), "LGPLLR");
}

static void takes_spdx_identifiers_as_they_are(void **state)
{
	(void)state;
	assert_string_equal(mr_license_spdx("Apache-2.0"), "Apache-2.0");
	assert_string_equal(mr_license_spdx("BSD-3-CLAUSE"), "BSD-3-Clause");
	assert_string_equal(mr_license_spdx("GPL-3.0-or-later"),
			    "GPL-3.0-or-later");
}

static void reads_a_gnu_number_as_that_version_only(void **state)
{
	(void)state;
	assert_string_equal(mr_license_spdx("gpl-3.0"), "GPL-3.0-only");
	assert_string_equal(mr_license_spdx("agpl-3.0"), "AGPL-3.0-only");
	assert_string_equal(mr_license_spdx("lgpl-2.1"), "LGPL-2.1-only");
}

static void knows_no_identifier_where_spdx_has_none(void **state)
{
	static const char *const ids[] = {
		"openrail", "openrail++", "bsd",   "cc", "gpl",  "llama3.1",
		"gemma",    "unknown",    "other", "",   "mit ", "apache-2",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		assert_null(mr_license_spdx(ids[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_the_hubs_ids_to_spdx),
		cmocka_unit_test(takes_spdx_identifiers_as_they_are),
		cmocka_unit_test(reads_a_gnu_number_as_that_version_only),
		cmocka_unit_test(knows_no_identifier_where_spdx_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

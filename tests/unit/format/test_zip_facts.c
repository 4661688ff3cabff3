/*
 * test_zip_facts.c - which archives are weights, and which may be.
 */
#include "tests/support/test.h"

#include <string.h>

#include "tests/support/unzip_fixture.h"

static void an_ordinary_archive_is_no_weights(void **state)
{
	struct zip z = { 0 };
	char why[512];

	(void)state;
	zip_whole(&z);
	assert_int_equal(facts_kind(z.bytes, z.n, "docs.zip", why),
			 MR_FORMAT_UNKNOWN);
	assert_string_equal(why, "");
	/* But one that is not what it seems is not called harmless. */
	zip_set(&z, z.entries[0].entry + 8, 1, 2);
	assert_int_equal(facts_kind(z.bytes, z.n, "docs.zip", why),
			 MR_FORMAT_TORCH);
	assert_string_equal(why, "cannot be inspected: member 'a' is "
				 "encrypted");
}

static void other_archives_are_told(void **state)
{
	struct zip z = { 0 };
	char why[512];

	(void)state;
	assert_int_equal(facts_kind("7z\274\257\047\034\0\4", 8, "m.bin", why),
			 MR_FORMAT_TORCH);
	assert_string_equal(why, "cannot be inspected: it is a 7z archive");
	/* PyTorch's own test of a zip looks at the beginning, Python's at the
	 * end. */
	zip_raw(&z, "\1\2\3\4\5\6\7\10", 8);
	zip_whole(&z);
	assert_int_equal(facts_kind(z.bytes, z.n, "m.pt", why),
			 MR_FORMAT_TORCH);
	assert_has(why, "ends as a zip archive, but does not begin as one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_archive_is_no_weights),
		cmocka_unit_test(other_archives_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_media.c - media types by their grammar.
 */
#include "tests/support/test.h"

#include <string.h>

#include "oci/oci.h"

static void takes_what_is_in_use(void **state)
{
	static const char *const types[] = {
		MR_MEDIA_MANIFEST,
		MR_MEDIA_DOCKER_LIST,
		MR_MEDIA_EMPTY,
		MR_MEDIA_OCTETS,
		MR_MEDIA_REMOVED,
		"application/vnd.cncf.model.weight.config.v1.raw",
		"text/x-!#$&-^_.+",
		"a/b",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_true(mr_media_type_valid(types[i]));
}

static void refuses_what_is_none(void **state)
{
	static const char *const types[] = {
		"",     "a",       "a/",       "/b",      "a/b/c",
		"a /b", "a/b;c=d", "a/b\n",    "../../x", "a/\xc3\xa4",
		"-a/b", "a/.b",    "a/b\"c\"", "a/b ",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_false(mr_media_type_valid(types[i]));
}

static void takes_127_bytes_a_part_and_no_more(void **state)
{
	char type[300];

	(void)state;
	memset(type, 'a', sizeof(type));
	type[127] = '/';
	type[255] = '\0';
	assert_true(mr_media_type_valid(type));
	type[255] = 'a';
	type[256] = '\0';
	assert_false(mr_media_type_valid(type));
	type[127] = 'a';
	type[128] = '/';
	type[130] = '\0';
	assert_false(mr_media_type_valid(type));
}

static void asks_for_every_manifest_type(void **state)
{
	(void)state;
	assert_string_equal(mr_manifest_accept, MR_MEDIA_MANIFEST
			    ", " MR_MEDIA_INDEX ", " MR_MEDIA_DOCKER_MANIFEST
			    ", " MR_MEDIA_DOCKER_LIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_is_in_use),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(takes_127_bytes_a_part_and_no_more),
		cmocka_unit_test(asks_for_every_manifest_type),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

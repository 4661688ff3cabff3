/*
 * tests/unit/net/test_base64.c - the vectors of RFC 4648, and what is none.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "net/internal.h"

static const char *const vectors[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xff\xfe\xfb", "//77" },
};

static void encodes_and_decodes_the_rfc_vectors(void **state)
{
	struct mr_secret s = { .bytes = NULL };
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(vectors); i++) {
		const char *plain = vectors[i][0];
		const char *text = vectors[i][1];

		assert_int_equal(0, mr_base64_encode(plain, strlen(plain), &s));
		assert_string_equal(text, s.bytes);
		assert_int_equal(0, mr_base64_decode(text, strlen(text), &s));
		assert_int_equal(strlen(plain), s.len);
		assert_memory_equal(plain, s.bytes, s.len);
	}
	mr_secret_release(&s);
}

static void takes_missing_padding(void **state)
{
	struct mr_secret s = { .bytes = NULL };

	(void)state;
	assert_int_equal(0, mr_base64_decode("Zm9vYg", 6, &s));
	assert_string_equal("foob", s.bytes);
	mr_secret_release(&s);
}

static void refuses_what_is_no_base64(void **state)
{
	static const char *const bad[] = { "Z",        "Zm9vY", "Zm9*",
					   "Zg==Zg==", "Zm 9v", "-_-_" };
	struct mr_secret s = { .bytes = NULL };
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++)
		if (mr_base64_decode(bad[i], strlen(bad[i]), &s) == 0)
			fail_msg("'%s' was decoded", bad[i]);
	assert_int_equal(-1, mr_base64_decode("Zm\0v", 4, &s));
	mr_secret_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_and_decodes_the_rfc_vectors),
		cmocka_unit_test(takes_missing_padding),
		cmocka_unit_test(refuses_what_is_no_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

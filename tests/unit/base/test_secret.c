/*
 * test_secret.c - secrets are kept whole and never shown.
 */
#include "tests/support/test.h"

#include "base/secret.h"

static void a_secret_never_shows(void **state)
{
	struct mr_secret s = { 0 };

	(void)state;
	assert_string_equal(mr_secret_text(&s), "");
	assert_int_equal(mr_secret_set(&s, "pa\0ss", 5), 0);
	assert_string_equal(mr_secret_text(&s), "***");
	assert_int_equal(s.len, 5);
	assert_memory_equal(s.bytes, "pa\0ss", 6);
	/* A part of itself. */
	assert_int_equal(mr_secret_set(&s, s.bytes + 3, 2), 0);
	assert_string_equal(s.bytes, "ss");
	assert_int_equal(mr_secret_set(&s, "", 0), 0);
	assert_string_equal(mr_secret_text(&s), "***");
	mr_secret_release(&s);
	assert_null(s.bytes);
	assert_string_equal(mr_secret_text(&s), "");
	mr_secret_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_never_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

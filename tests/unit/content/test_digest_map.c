/*
 * test_digest_map.c - from digests to places in an array.
 */
#include "tests/support/test.h"

#include <string.h>

#include "content/digest.h"
#include "content/digest_map.h"

#define MANY 1000

static struct mreg_digest digest_of(size_t i)
{
	struct mreg_digest d;

	assert_int_equal(mr_digest_of(&i, sizeof(i), &d, NULL), 0);
	return d;
}

static void keeps_an_index_for_each_digest(void **state)
{
	struct mr_digest_map m = { .n = 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest d;
	size_t i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		d = digest_of(i);
		assert_int_equal(mr_digest_map_get(&m, &d), MR_DIGEST_NO_INDEX);
		assert_ok(mr_digest_map_put(&m, &d, i, &err), err);
	}
	assert_int_equal(m.n, MANY);
	for (i = 0; i < MANY; i++) {
		d = digest_of(i);
		assert_int_equal(mr_digest_map_get(&m, &d), i);
	}
	d = digest_of(MANY);
	assert_int_equal(mr_digest_map_get(&m, &d), MR_DIGEST_NO_INDEX);
	mr_digest_map_release(&m);
	assert_int_equal(mr_digest_map_get(&m, &d), MR_DIGEST_NO_INDEX);
}

static void a_digest_put_again_has_the_new_index(void **state)
{
	struct mr_digest_map m = { .n = 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest d = digest_of(1);

	(void)state;
	assert_ok(mr_digest_map_put(&m, &d, 1, &err), err);
	assert_ok(mr_digest_map_put(&m, &d, 7, &err), err);
	assert_int_equal(m.n, 1);
	assert_int_equal(mr_digest_map_get(&m, &d), 7);
	mr_digest_map_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_an_index_for_each_digest),
		cmocka_unit_test(a_digest_put_again_has_the_new_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

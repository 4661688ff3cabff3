/*
 * test_list.c - lists of owned strings.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

static void keeps_copies_in_order(void **state)
{
	MR_AUTO(mr_list_release) struct mr_list l = { 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "v%d", i);
		assert_ok(mr_list_add(&l, name, &err), err);
	}
	assert_int_equal(l.n, 100);
	assert_string_equal(l.items[0], "v0");
	assert_string_equal(l.items[99], "v99");
	assert_true(mr_list_has(&l, "v50"));
	assert_false(mr_list_has(&l, "v5"
				     "00"));
	assert_false(mr_list_has(&l, ""));
}

static void sorts_bytewise(void **state)
{
	static const char *const in[] = {
		"b", "\xc3\xa4", "B", "a10", "a1", ""
	};
	static const char *const out[] = {
		"", "B", "a1", "a10", "b", "\xc3\xa4"
	};
	MR_AUTO(mr_list_release) struct mr_list l = { 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	(void)state;
	mr_list_sort(&l);
	assert_false(mr_list_has_sorted(&l, "b"));
	for (i = 0; i < MR_COUNT(in); i++)
		assert_ok(mr_list_add(&l, in[i], &err), err);
	mr_list_sort(&l);
	for (i = 0; i < MR_COUNT(out); i++)
		assert_string_equal(l.items[i], out[i]);
	for (i = 0; i < MR_COUNT(in); i++)
		assert_true(mr_list_has_sorted(&l, in[i]));
	assert_false(mr_list_has_sorted(&l, "a"));
	assert_false(mr_list_has_sorted(&l, "a11"));
}

static void releasing_empties_the_list(void **state)
{
	struct mr_list l = { 0 };
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(mr_list_add(&l, "x", &err), err);
	mr_list_release(&l);
	assert_int_equal(l.n, 0);
	assert_null(l.items);
	mr_list_release(&l);
	assert_ok(mr_list_add(&l, "y", &err), err);
	mr_list_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_copies_in_order),
		cmocka_unit_test(sorts_bytewise),
		cmocka_unit_test(releasing_empties_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_stage.c - where in its life a version is.
 */
#include "history/history.h"

#include "base/mem.h"
#include "tests/support/test.h"

static const char *const stages[] = { "staging", "canary", "production" };

static void nothing_points_at_an_experiment(void **state)
{
	static const char *const names[] = { "1.0.0", "latest", "mine" };

	(void)state;
	assert_string_equal(mr_stage(false, stages, MR_COUNT(stages), NULL, 0),
			    "experimental");
	assert_string_equal(mr_stage(false, stages, MR_COUNT(stages), names,
				     MR_COUNT(names)),
			    "experimental");
}

static void the_furthest_stage_counts_in_the_policys_order(void **state)
{
	/* Sorted by name, as they are had. */
	static const char *const names[] = { "canary", "latest", "production",
					     "staging" };

	(void)state;
	assert_string_equal(mr_stage(false, stages, MR_COUNT(stages), names,
				     MR_COUNT(names)),
			    "production");
	assert_string_equal(mr_stage(false, stages, MR_COUNT(stages), names, 2),
			    "canary");
	assert_string_equal(
		mr_stage(false, stages, MR_COUNT(stages), names + 3, 1),
		"staging");
}

static void an_alias_that_is_no_stage_is_none(void **state)
{
	static const char *const names[] = { "production" };

	(void)state;
	assert_string_equal(mr_stage(false, stages, 2, names, 1),
			    "experimental");
	assert_string_equal(mr_stage(false, NULL, 0, names, 1), "experimental");
}

static void what_is_archived_is_nothing_else(void **state)
{
	static const char *const names[] = { "production" };

	(void)state;
	assert_string_equal(mr_stage(true, stages, MR_COUNT(stages), names, 1),
			    "archived");
	assert_string_equal(mr_stage(true, stages, MR_COUNT(stages), NULL, 0),
			    "archived");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_points_at_an_experiment),
		cmocka_unit_test(
			the_furthest_stage_counts_in_the_policys_order),
		cmocka_unit_test(an_alias_that_is_no_stage_is_none),
		cmocka_unit_test(what_is_archived_is_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

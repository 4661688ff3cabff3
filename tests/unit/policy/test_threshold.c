/*
 * test_threshold.c - bounds of metrics.
 */
#include "tests/support/test.h"

#include "base/mem.h"
#include "policy/value.h"

/* 1: holds, 0: does not, -1: no number, -2: no bound. */
static int holds(const char *bound, const char *value, const char *base)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(4096);
	struct mr_threshold t;

	assert_non_null(a);
	if (mr_threshold_parse(bound, a, &t) < 0)
		return -2;
	return mr_threshold_holds(&t, value, base);
}

static void knows_every_sign(void **state)
{
	(void)state;
	assert_int_equal(holds(">= 0.8", "0.80", NULL), 1);
	assert_int_equal(holds(">= 0.8", "0.79", NULL), 0);
	assert_int_equal(holds(">0.8", "0.8", NULL), 0);
	assert_int_equal(holds("> 0.8", "0.81", NULL), 1);
	assert_int_equal(holds("<= 20", "20", NULL), 1);
	assert_int_equal(holds("<20", "20", NULL), 0);
	assert_int_equal(holds("= 1", "1.0", NULL), 1);
	assert_int_equal(holds("== 1", "1.1", NULL), 0);
	assert_int_equal(holds(" >= -0.5 ", "-0.5", NULL), 1);
}

static void compares_with_what_an_alias_has(void **state)
{
	(void)state;
	assert_int_equal(holds(">= production", "0.8", "0.8"), 1);
	assert_int_equal(holds(">= production", "0.7", "0.8"), 0);
	assert_int_equal(holds(">= production - 0.01", "0.79", "0.8"), 1);
	assert_int_equal(holds(">= production - 0.01", "0.7899", "0.8"), 0);
	assert_int_equal(holds("<= prod-eu + 5", "25", "20"), 1);
	assert_int_equal(holds("<= prod-eu + 5", "25.1", "20"), 0);
	assert_int_equal(holds(">= production", "0.8", "much"), -1);
	assert_int_equal(holds(">= production", "good", "0.8"), -1);
	/* Aliases that only look like words for numbers. */
	assert_int_equal(holds(">= nano", "2", "1"), 1);
	assert_int_equal(holds(">= info + 1", "2", "1"), 1);
}

static void refuses_what_is_no_bound(void **state)
{
	static const char *const bad[] = {
		"",
		"0.8",
		">=",
		">= ",
		"=> 0.8",
		">= 0.8 ms",
		">= a b",
		">= production -",
		"< 20ms",
		">= a - b",
		">= a - -0.1",
		">= production- 0.1",
		">= .5",
		">= a -0.01",
		">= -production",
		">= a \xc3\xa4",
		"~ 5",
		">= 1e999",
		">= 1e400",
		">= nan",
		"< NaN",
		"<= inf",
		">= Infinity - 1",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (holds(bad[i], "1", NULL) != -2)
			fail_msg("'%s' was taken for a bound", bad[i]);
}

static void says_itself_in_words(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(4096);
	struct mr_threshold t;

	(void)state;
	assert_int_equal(mr_threshold_parse(" >= 0.8 ", a, &t), 0);
	assert_string_equal(t.text, ">= 0.8");
	assert_null(t.alias);
	assert_string_equal(mr_threshold_words(&t, a), "at least 0.8");
	assert_int_equal(mr_threshold_parse("<  20", a, &t), 0);
	assert_string_equal(mr_threshold_words(&t, a), "less than 20");
	assert_int_equal(mr_threshold_parse(">= production - 0.01", a, &t), 0);
	assert_string_equal(t.alias, "production");
	assert_string_equal(mr_threshold_words(&t, a),
			    "at least what 'production' has - 0.01");
	assert_int_equal(mr_threshold_parse("> production", a, &t), 0);
	assert_string_equal(mr_threshold_words(&t, a),
			    "more than what 'production' has");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_every_sign),
		cmocka_unit_test(compares_with_what_an_alias_has),
		cmocka_unit_test(refuses_what_is_no_bound),
		cmocka_unit_test(says_itself_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

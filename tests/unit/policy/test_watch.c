/*
 * test_watch.c - what monitoring may not see, as text.
 */
#include "tests/support/test.h"

#include "base/mem.h"
#include "policy/value.h"

static int parse(const char *text, struct mr_arena *a, struct mr_watch *out)
{
	int rc = mr_watch_parse(text, a, out);

	assert_false(mr_arena_failed(a));
	return rc;
}

static void knows_metric_bound_windows_and_environment(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1u << 16);
	struct mr_watch w;

	(void)state;
	assert_int_equal(parse("drift > 0.2 for 3 windows in prod", a, &w), 0);
	assert_string_equal(w.text, "drift > 0.2 for 3 windows in prod");
	assert_string_equal(w.metric, "drift");
	assert_int_equal(w.windows, 3);
	assert_string_equal(w.environment, "prod");
	assert_int_equal(parse("\tmean drift>=.5 ", a, &w), -1);
	assert_int_equal(parse("\tmean drift>=0.5 ", a, &w), 0);
	assert_string_equal(w.text, "mean drift>=0.5");
	assert_string_equal(w.metric, "mean drift");
	assert_int_equal(w.windows, 1);
	assert_null(w.environment);
	assert_int_equal(parse("auc < 0.7 in eu-west/prod", a, &w), 0);
	assert_string_equal(w.environment, "eu-west/prod");
	assert_int_equal(parse("auc < 0.7 for 1 window", a, &w), 0);
	assert_int_equal(w.windows, 1);
}

static void holds_on_the_bad_side_exactly(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1u << 16);
	struct mr_watch w;

	(void)state;
	assert_int_equal(parse("drift > 0.2", a, &w), 0);
	assert_true(mr_watch_holds(&w, "0.2000000000000000000000000001"));
	assert_false(mr_watch_holds(&w, "0.20"));
	assert_false(mr_watch_holds(&w, "2e-1"));
	assert_true(mr_watch_holds(&w, "2.1e-1"));
	assert_false(mr_watch_holds(&w, "-1"));
	assert_false(mr_watch_holds(&w, "much"));
	assert_false(mr_watch_holds(&w, ""));
	assert_false(mr_watch_holds(&w, "nan"));
	assert_int_equal(parse("auc <= -0.5", a, &w), 0);
	assert_true(mr_watch_holds(&w, "-0.50"));
	assert_false(mr_watch_holds(&w, "-0.49"));
}

static void refuses_what_nothing_can_be_compared_with(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"drift",
		"> 0.2",
		" > 0.2",
		"drift >",
		"drift > much",
		"drift > production",
		"drift > production + 0.1",
		"drift => 0.2",
		"drift ><>< 0.2",
		"drift > 0.2 for",
		"drift > 0.2 for windows",
		"drift > 0.2 for 0 windows",
		"drift > 0.2 for -3 windows",
		"drift > 0.2 for 03 windows",
		"drift > 0.2 for 10000 windows",
		"drift > 0.2 for 99999999999999999999 windows",
		"drift > 0.2 for 3",
		"drift > 0.2 for 3 days",
		"drift > 0.2 in",
		"drift > 0.2 in prod for 3 windows",
		"drift > 0.2 in prod test",
		"drift > 0.2 3 windows",
		"drift > 1e999",
		"drift > nan",
	};
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1u << 16);
	struct mr_watch w;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++)
		assert_int_equal(parse(bad[i], a, &w), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_metric_bound_windows_and_environment),
		cmocka_unit_test(holds_on_the_bad_side_exactly),
		cmocka_unit_test(refuses_what_nothing_can_be_compared_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

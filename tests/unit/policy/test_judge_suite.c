/*
 * test_judge_suite.c - rules about what suites found.
 */
#include "tests/support/test.h"

#include "tests/support/verdict_fixture.h"

#define RUNS                                                                   \
	",\"evaluations\":["                                                   \
	"{\"suite\":\"s\",\"passed\":false,\"metrics\":{\"gap\":\"0.9\"}},"    \
	"{\"suite\":\"t\",\"passed\":true},"                                   \
	"{\"suite\":\"s\",\"passed\":true,\"metrics\":{\"gap\":\"0.04\"},"     \
	"\"segments\":{\"de\":{\"auc\":\"0.7\"},\"fr\":{\"auc\":\"0.9\"},"     \
	"\"it\":{}}}]"

static void judges_the_last_run_of_a_suite(void **state)
{
	VERDICT;

	(void)state;
	assert_string_equal(
		judge("policy: 1\nsuites: {s: {verdict: passed, metrics: {gap: "
		      "'<= 0.05'}, segments: {fr: {auc: '> 0.8'}}}}\n",
		      FACTS(RUNS), &v),
		"");
	assert_int_equal(v.v.checked, 3);
	judge("policy: 1\nsuites: {u: passed, s: {segments: {'*': {auc: '>= "
	      "0.75'}}, metrics: {recall: '> 0'}}}\n",
	      FACTS(RUNS), &v);
	assert_has(v.text, "suites.s.metrics.recall: metric 'recall' of suite "
			   "'s' is missing; more than 0 is asked -> run the "
			   "suite, then 'mreg evaluate REF --suite s --metric "
			   "recall=NUMBER' with --pass or --fail");
	assert_has(v.text, "suites.s.segments.*.auc: metric 'auc' of suite 's' "
			   "is 0.7 in segment 'de', is missing in segment "
			   "'it'; at least 0.75 is asked -> run the suite, "
			   "then 'mreg evaluate REF --suite s --segment "
			   "NAME:auc=NUMBER' with --pass or --fail");
	assert_has(v.text, "suites.u: suite 'u' has no evaluation");
	judge("policy: 1\nsuites: {t: {segments: {'*': {auc: '>= 0'}}}}\n",
	      FACTS(RUNS), &v);
	assert_has(v.text, "is told for no segment");
	judge("policy: 1\nsuites: {s: passed}\n",
	      FACTS(",\"evaluations\":[{\"suite\":\"s\",\"passed\":true},"
		    "{\"suite\":\"s\"}]"),
	      &v);
	assert_has(v.text, "suite 's' has not passed");
	judge("policy: 1\nsuites: {s: passed}\n", FACTS(""), &v);
	assert_has(v.text, "evaluations could not be read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_the_last_run_of_a_suite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

#define SHA "sha256:0b7eff27cd44f15b"
#define ON(data, passed, auc)                                                  \
	"{\"suite\":\"s\"," data "\"passed\":" passed                          \
	",\"metrics\":{\"auc\":\"" auc "\"},\"segments\":{}}"
#define GERMAN "\"dataset\":\"german\","
#define GERMAN_2 "\"dataset\":\"german\",\"datasetDigest\":\"" SHA "\","
#define TINY "\"dataset\":\"tiny\","
#define EVALUATIONS(items) FACTS(",\"evaluations\":[" items "]")

static void a_run_on_other_data_takes_no_failure_back(void **state)
{
	VERDICT;

	(void)state;
	judge("policy: 1\nsuites: {s: {verdict: passed, metrics: {auc: '>= "
	      "0.8'}}}\n",
	      EVALUATIONS(
		      ON(GERMAN, "false", "0.2") "," ON(TINY, "true", "0.99")),
	      &v);
	assert_has(v.text, "suites.s: suite 's' has not passed on 'german' -> "
			   "run the suite; once it has passed, 'mreg evaluate "
			   "REF --suite s --dataset german --pass'");
	assert_has(v.text, "metric 'auc' of suite 's' is 0.2 on 'german'; at "
			   "least 0.8 is asked -> run the suite, then 'mreg "
			   "evaluate REF --suite s --dataset german --metric "
			   "auc=NUMBER' with --pass or --fail");
	/* Whichever was first. */
	judge("policy: 1\nsuites: {s: passed}\n",
	      EVALUATIONS(
		      ON(TINY, "true", "0.99") "," ON(GERMAN, "false", "0.2")),
	      &v);
	assert_has(v.text, "has not passed on 'german' ->");
	assert_string_equal(
		judge("policy: 1\nsuites: {s: {verdict: passed, metrics: "
		      "{auc: '>= 0.8'}}}\n",
		      EVALUATIONS(ON(GERMAN, "false", "0.2") "," ON(
			      TINY, "true", "0.99") "," ON(GERMAN, "true",
							   "0.8")),
		      &v),
		"");
}

static void data_is_the_same_by_name_and_digest(void **state)
{
	VERDICT;

	(void)state;
	/* None is one set, another digest another, and all are told. */
	judge("policy: 1\nsuites: {s: passed}\n",
	      EVALUATIONS(ON("", "false", "1") "," ON(
		      GERMAN_2, "false", "1") "," ON(TINY, "false",
						     "1") "," ON(GERMAN, "true",
								 "1")),
	      &v);
	assert_has(v.text, "suites.s: suite 's' has not passed on data that is "
			   "not named, on 'german@sha256:0b7eff27cd44', on "
			   "'tiny' ->");
	judge("policy: 1\nsuites: {s: passed}\n",
	      EVALUATIONS(ON("", "true", "1") "," ON(GERMAN_2, "false", "1")),
	      &v);
	assert_has(v.text, "--suite s --dataset german@" SHA " --pass'");
	judge("policy: 1\nsuites: {s: {segments: {'*': {auc: '> 0'}}}}\n",
	      EVALUATIONS(ON("", "true", "1") "," ON(TINY, "true", "1")), &v);
	assert_has(v.text, "is told for no segment on data that is not named, "
			   "is told for no segment on 'tiny'; more than 0");
	judge("policy: 1\nsuites: {s: {segments: {de: {auc: '> 0'}}}}\n",
	      EVALUATIONS(ON(TINY, "true", "1")), &v);
	assert_has(v.text, "is missing in segment 'de' on 'tiny'; more than 0");
	assert_string_equal(
		judge("policy: 1\nsuites: {s: passed}\n",
		      EVALUATIONS(ON("", "false", "1") "," ON("", "true", "1")),
		      &v),
		"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_the_last_run_of_a_suite),
		cmocka_unit_test(a_run_on_other_data_takes_no_failure_back),
		cmocka_unit_test(data_is_the_same_by_name_and_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

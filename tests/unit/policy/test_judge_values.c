/*
 * test_judge_values.c - rules about values with a key: there, of a form, within
 * bounds.
 */
#include "tests/support/test.h"

#include <string.h>

#include "tests/support/verdict_fixture.h"

static void requires_each_kind_of_value(void **state)
{
	static const char policy[] =
		"policy: 1\nrequire: [metrics, metrics.a, params, params.b, "
		"tags.c, annotations.d, inputs, parents, parents.merge, "
		"authors, tags]\n";
	VERDICT;

	(void)state;
	judge(policy, FACTS(""), &v);
	assert_int_equal(v.v.count, 11);
	assert_has(v.text, "require.metrics: metric is missing");
	assert_has(v.text, "require.metrics.a: metric 'a' is missing -> push "
			   "with --metric a=NUMBER");
	assert_has(v.text, "--parent merge=REF");
	assert_has(v.text, "--tag c=VALUE");
	assert_string_equal(
		judge(policy,
		      FACTS(",\"metrics\":{\"a\":\"1\"},\"params\":{\"b\":"
			    "\"x\"},\"tags\":{\"c\":\"\"},\"annotations\":{"
			    "\"d\":\"\"},\"inputs\":[{\"role\":\"test\"}],"
			    "\"parents\":[{\"relation\":\"merge\"}],"
			    "\"fields\":{\"authors\":\"Ada\"}"),
		      &v),
		"");
	/* An empty field says nothing. */
	judge("policy: 1\nrequire: license\n",
	      FACTS(",\"fields\":{\"license\":\"\"}"), &v);
	assert_int_equal(v.v.count, 1);
}

static void an_attached_card_is_a_card(void **state)
{
	VERDICT;

	(void)state;
	assert_string_equal(judge("policy: 1\nrequire: card\n",
				  FACTS(",\"card\":false,\"attachments\":[{"
					"\"kind\":\"model-card\"}]"),
				  &v),
			    "");
}

static void a_pattern_is_about_what_is_there(void **state)
{
	static const char policy[] = "policy: 1\npatterns: {tags.team: 'a|b', "
				     "metrics.n: '[0-9]+'}\n";
	VERDICT;

	(void)state;
	assert_string_equal(judge(policy, FACTS(""), &v), "");
	assert_string_equal(judge(policy,
				  FACTS(",\"tags\":{\"team\":\"b\"},"
					"\"metrics\":{\"n\":12}"),
				  &v),
			    "");
	judge(policy,
	      FACTS(",\"tags\":{\"team\":\"\\u001b[2Jc\"},\"metrics\":{\"n\":"
		    "1.5}"),
	      &v);
	assert_int_equal(v.v.count, 2);
	assert_null(strchr(v.text, '\x1b'));
}

static void judges_names(void **state)
{
	static const char policy[] =
		"policy: 1\nnaming: {repository: 'acme/.*', alias: 'prod|dev'}"
		"\n";
	VERDICT;

	(void)state;
	assert_string_equal(judge(policy, FACTS(",\"aliases\":[\"dev\"]"), &v),
			    "");
	judge(policy, FACTS(",\"aliases\":[\"dev\",\"x\",\"y\"]"), &v);
	assert_string_equal(v.text, "naming.alias: alias 'x', 'y' does not "
				    "match 'prod|dev' -> choose another "
				    "alias\n");
	judge("policy: 1\nnaming: {repository: 'other/.*'}\n", FACTS(""), &v);
	assert_has(v.text, "repository 'acme/churn' does not match");
}

static void compares_metrics_with_an_alias(void **state)
{
	static const char policy[] =
		"policy: 1\nmetrics: {auc: '>= production - 0.01'}\n";
	VERDICT;

	(void)state;
	judge(policy,
	      FACTS(",\"metrics\":{\"auc\":\"0.78\"},\"baseline\":{"
		    "\"production\":{\"metrics\":{\"auc\":\"0.8\"}}}"),
	      &v);
	assert_has(v.text, "metric 'auc' is 0.78, at least what 'production' "
			   "has - 0.01 is asked ('production' has 0.8)");
	assert_string_equal(
		judge(policy,
		      FACTS(",\"metrics\":{\"auc\":\"0.79\"},\"baseline\":{"
			    "\"production\":{\"metrics\":{\"auc\":\"0.8\"}}}"),
		      &v),
		"");
	assert_int_equal(v.v.idle_count, 0);
	/* The first version of all has none to compare with. */
	assert_string_equal(judge(policy,
				  FACTS(",\"metrics\":{\"auc\":\"0.1\"},"
					"\"baseline\":{\"production\":null}"),
				  &v),
			    "");
	assert_int_equal(v.v.checked, 1);
	assert_int_equal(v.v.idle_count, 1);
	assert_string_equal(v.v.idle[0].rule, "metrics.auc");
	assert_string_equal(v.v.idle[0].problem,
			    "there is no 'production' to compare with");
	assert_has(v.v.idle[0].mend, "mend the name");
	assert_string_equal(judge(policy,
				  FACTS(",\"metrics\":{\"auc\":\"0.1\"},"
					"\"baseline\":{\"production\":{"
					"\"metrics\":{}}}"),
				  &v),
			    "");
	assert_int_equal(v.v.idle_count, 1);
	assert_string_equal(v.v.idle[0].problem,
			    "'production' has no metric 'auc' to compare "
			    "with");
	judge(policy,
	      FACTS(",\"metrics\":{\"auc\":\"0.9\"},\"baseline\":{"
		    "\"production\":{\"unreadable\":\"no network\"}}"),
	      &v);
	assert_has(v.text, "metrics of 'production' could not be read: no "
			   "network");
	judge(policy, FACTS(",\"metrics\":{\"auc\":\"0.9\"}"), &v);
	assert_has(v.text, "the facts do not have them");
	judge(policy, FACTS(",\"baseline\":{\"production\":null}"), &v);
	assert_has(v.text, "metric 'auc' is missing");
}

static void a_metric_that_is_no_number_fails(void **state)
{
	VERDICT;

	(void)state;
	judge("policy: 1\nmetrics: {auc: '>= 0'}\n",
	      FACTS(",\"metrics\":{\"auc\":\"good\"}"), &v);
	assert_has(v.text, "metric 'auc' is 'good', no number that can be "
			   "compared; at least 0 is asked");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requires_each_kind_of_value),
		cmocka_unit_test(an_attached_card_is_a_card),
		cmocka_unit_test(a_pattern_is_about_what_is_there),
		cmocka_unit_test(judges_names),
		cmocka_unit_test(compares_metrics_with_an_alias),
		cmocka_unit_test(a_metric_that_is_no_number_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

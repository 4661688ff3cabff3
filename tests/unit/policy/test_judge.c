/*
 * test_judge.c - every rule at once: findings, mends, and what facts may look
 * like.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/verdict_fixture.h"

#define D(c) "sha256:" c c c c c c c c
#define D1 D("11111111")

static void the_sample_passes_the_sample(void **state)
{
	char *policy = test_read("spec/samples", "policy.json", NULL);
	char *facts = test_read("spec/samples", "policy-facts.json", NULL);
	VERDICT;

	(void)state;
	assert_string_equal(judge(policy, facts, &v), "");
	assert_int_equal(v.v.checked, 27);
	assert_int_equal(v.v.deferred, 0);
	assert_string_equal(judge_gate(policy, "production", facts, &v), "");
	assert_int_equal(v.v.checked, 41);
	assert_int_equal(v.v.idle_count, 0);
	free(policy);
	free(facts);
}

static const char ten[] = "policy: 1\n"
			  "naming: {model: '[a-z-]+-v[0-9]+'}\n"
			  "require: [license, runId, card, inputs.train]\n"
			  "patterns: {revision: '[0-9a-f]{40}'}\n"
			  "metrics: {auc: '>= 0.8'}\n"
			  "licenses: {allow: [MIT]}\n"
			  "inputs: {digest: true}\n"
			  "formats: {pickle: deny}\n";

static void ten_rules_refuse_with_ten_reasons(void **state)
{
	VERDICT;

	(void)state;
	judge(ten,
	      FACTS(PUSH ",\"fields\":{\"revision\":\"main\"},"
			 "\"metrics\":{\"auc\":\"0.71\"},\"card\":false,"
			 "\"inputs\":[{\"role\":\"test\",\"uri\":\"s3://x\"}],"
			 "\"files\":[{\"path\":\"m.pt\",\"role\":\"weight\","
			 "\"size\":9,\"format\":\"pytorch\"}]"),
	      &v);
	assert_int_equal(v.v.count, 10);
	assert_int_equal(v.v.checked, 10);
	assert_string_equal(
		v.text,
		"naming.model: name 'churn' does not match "
		"'[a-z-]+-v[0-9]+' -> push to another name\n"
		"require.license: license is missing -> push with --license "
		"SPDX, or with 'license' in the --metadata file\n"
		"require.runId: runId is missing -> push with --run-id ID, or "
		"with 'runId' in the --metadata file\n"
		"require.card: model card is missing -> put a README.md into "
		"the model's folder\n"
		"require.inputs.train: input of role 'train' is missing -> "
		"push with --input train=REF\n"
		"patterns.revision: revision is 'main', which does not match "
		"'[0-9a-f]{40}' -> push with --revision COMMIT, or with "
		"'revision' in the --metadata file\n"
		"metrics.auc: metric 'auc' is 0.71, at least 0.8 is asked -> "
		"make a better model; if it was measured wrongly, push with "
		"--metric auc=NUMBER\n"
		"licenses: license is not told; the policy allows one of MIT "
		"-> push with --license SPDX, or put 'license' into "
		"README.md\n"
		"inputs.digest: input 's3://x' has no digest; it has to be "
		"given -> push with --input ROLE=REF,digest=SHA256\n"
		"formats.pickle: file 'm.pt' is pytorch; no file may hold a "
		"pickle -> convert the file, to safetensors for one, or leave "
		"it out with --exclude\n");
}

static void the_same_with_all_fields_passes(void **state)
{
	VERDICT;

	(void)state;
	assert_string_equal(
		judge("policy: 1\n"
		      "naming: {model: '[a-z]+'}\n"
		      "require: [license, runId, card, inputs.train]\n"
		      "patterns: {revision: '[0-9a-f]{40}'}\n"
		      "metrics: {auc: '>= 0.8'}\n"
		      "licenses: {allow: [MIT]}\n"
		      "inputs: {digest: true}\n"
		      "formats: {pickle: deny}\n",
		      FACTS(PUSH
			    ",\"fields\":{\"revision\":"
			    "\"0123456789012345678901234567890123456789\","
			    "\"license\":\"MIT\",\"runId\":\"r1\"},"
			    "\"metrics\":{\"auc\":\"0.80\"},\"card\":true,"
			    "\"inputs\":[{\"role\":\"train\",\"uri\":\"d\","
			    "\"digest\":\"" D1 "\"}],"
			    "\"files\":[{\"path\":\"m.safetensors\","
			    "\"role\":\"weight\",\"size\":9,"
			    "\"format\":\"safetensors\"}]"),
		      &v),
		"");
	assert_int_equal(v.v.checked, 10);
}

static void names_five_subjects_and_counts_the_rest(void **state)
{
	VERDICT;

	(void)state;
	judge("policy: 1\ninputs: {digest: true}\n",
	      FACTS(",\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"},"
		    "{\"name\":\"c\"},{\"name\":\"d\"},{\"name\":\"e\"},"
		    "{\"name\":\"f\"},{\"name\":\"g\"}]"),
	      &v);
	assert_has(v.text, "'e' has no digest and 2 more; it has to be given");
}

static void what_is_attached_waits_until_the_version_is_there(void **state)
{
	static const char policy[] =
		"policy: 1\nrequire: license\nsuites: {s: passed}\n"
		"attachments: [sbom, application/x]\n";
	VERDICT;

	(void)state;
	judge(policy, FACTS(PUSH), &v);
	assert_int_equal(v.v.deferred, 3);
	assert_int_equal(v.v.checked, 1);
	assert_int_equal(v.v.count, 1);
	judge(policy,
	      FACTS(",\"attachments\":[{\"type\":\"application/x\"}],"
		    "\"evaluations\":[]"),
	      &v);
	assert_int_equal(v.v.deferred, 0);
	assert_int_equal(v.v.count, 3);
	assert_has(v.text, "attachments.sbom: no 'sbom' is attached -> mreg "
			   "attach REF FILE --type sbom");
}

static void a_mend_is_a_command_that_works(void **state)
{
	VERDICT;

	(void)state;
	judge("policy: 1\nsuites: {s: passed}\n"
	      "attachments: [evaluation, signature, sbom]\n",
	      FACTS(",\"reference\":\"churn@" D1 "\",\"attachments\":[],"
		    "\"evaluations\":[]"),
	      &v);
	assert_int_equal(v.v.count, 4);
	assert_has(v.text, "-> run the suite; once it has passed, 'mreg "
			   "evaluate churn@" D1 " --suite s --pass'");
	assert_has(v.text, "-> mreg evaluate churn@" D1 " --suite NAME, with "
			   "--pass or --fail");
	assert_has(v.text, "-> sign churn@" D1 " with cosign or notation");
	assert_has(v.text, "-> mreg attach churn@" D1 " FILE --type sbom");
}

static void numbers_of_facts_are_shown_as_they_were_written(void **state)
{
	VERDICT;

	(void)state;
	judge("policy: 1\nmetrics: {auc: '>= 0.8', n: '< 3'}\n",
	      FACTS(PUSH ",\"metrics\":{\"auc\":0.1,\"n\":3}"), &v);
	assert_has(v.text, "metric 'auc' is 0.1, at least 0.8");
	assert_has(v.text, "metric 'n' is 3, less than 3");
	assert_string_equal(judge("policy: 1\nmetrics: {auc: '= 0.93'}\n",
				  FACTS(PUSH ",\"metrics\":{\"auc\":0.93}"),
				  &v),
			    "");
}

static void asks_only_the_kinds_it_names(void **state)
{
	static const char policy[] =
		"policy: 1\nkinds: dataset\nrequire: url\n";
	VERDICT;

	(void)state;
	judge(policy, FACTS(""), &v);
	assert_int_equal(v.v.checked, 0);
	judge(policy,
	      "{\"schema\":\"mreg.policy-facts/1\",\"kind\":\"dataset\"}", &v);
	assert_int_equal(v.v.count, 1);
	/* Nobody gets past a rule by a kind that nobody knows. */
	judge(policy, "{\"schema\":\"mreg.policy-facts/1\",\"kind\":\"x\"}",
	      &v);
	assert_int_equal(v.v.count, 1);
}

static void added_rules_hold_for_their_own_kinds(void **state)
{
	static const char mine[] = "policy: 1\nkinds: dataset\nrequire: url\n";
	static const char more[] = "policy: 1\nrequire: license\n";
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep) struct mr_policy *p = NULL;
	MR_AUTO(mr_policy_freep) struct mr_policy *q = NULL;
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	VERDICT;

	(void)state;
	assert_ok(mr_policy_parse(mine, strlen(mine), "p", &p, &err), err);
	assert_ok(mr_policy_parse(more, strlen(more), "q", &q, &err), err);
	assert_ok(mr_policy_add(p, q, &err), err);
	assert_ok(mr_json_parse(FACTS(""), strlen(FACTS("")), 1u << 20, "facts",
				&j, &err),
		  err);
	assert_ok(mr_policy_judge(p, NULL, j, &v.v, &err), err);
	assert_int_equal(v.v.count, 1);
	assert_string_equal(v.v.items[0].rule, "require.license");
}

static void refuses_what_are_no_facts(void **state)
{
	static const char *const bad[] = {
		"{}",
		"[]",
		"{\"schema\":\"mreg.policy-facts/2\"}",
		"{\"schema\":\"mreg.policy-facts/1\",\"fields\":[]}",
		"{\"schema\":\"mreg.policy-facts/1\",\"files\":{}}",
		"{\"schema\":\"mreg.policy-facts/1\",\"kind\":1}",
		"{\"schema\":\"mreg.policy-facts/1\",\"at\":1}",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep) struct mr_policy *p = NULL;
	size_t i;

	(void)state;
	assert_ok(mr_policy_parse(ten, strlen(ten), "p", &p, &err), err);
	for (i = 0; i < MR_COUNT(bad); i++) {
		MR_AUTO(mr_json_freep) json_t *j = NULL;
		struct mr_verdict v;

		assert_ok(mr_json_parse(bad[i], strlen(bad[i]), 4096, "facts",
					&j, &err),
			  err);
		assert_code(MREG_EFORMAT, mr_policy_judge(p, NULL, j, &v, &err),
			    err);
		assert_has(err.msg, "facts");
	}
}

/* Members of the wrong type inside lists say nothing, and nothing passes for
 * it. */
static void stands_entries_of_any_shape(void **state)
{
	char *policy = test_read("spec/samples", "policy.json", NULL);
	VERDICT;

	(void)state;
	judge(policy,
	      FACTS(",\"inputs\":[1,null,\"x\",[]],\"parents\":[2],"
		    "\"files\":[3,{\"unsafe\":7},{\"unsafe\":[1]}],"
		    "\"ancestors\":[4,{\"of\":1}],\"attachments\":[5],"
		    "\"evaluations\":[6,{\"suite\":\"fairness\",\"segments\":"
		    "1,\"metrics\":2}],\"aliases\":[7],\"metrics\":{\"auc\":"
		    "[]},\"fields\":{\"license\":{}},\"baseline\":{"
		    "\"production\":1}"),
	      &v);
	assert_true(v.v.count > 15);
	free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_passes_the_sample),
		cmocka_unit_test(ten_rules_refuse_with_ten_reasons),
		cmocka_unit_test(the_same_with_all_fields_passes),
		cmocka_unit_test(names_five_subjects_and_counts_the_rest),
		cmocka_unit_test(
			what_is_attached_waits_until_the_version_is_there),
		cmocka_unit_test(a_mend_is_a_command_that_works),
		cmocka_unit_test(
			numbers_of_facts_are_shown_as_they_were_written),
		cmocka_unit_test(asks_only_the_kinds_it_names),
		cmocka_unit_test(added_rules_hold_for_their_own_kinds),
		cmocka_unit_test(refuses_what_are_no_facts),
		cmocka_unit_test(stands_entries_of_any_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

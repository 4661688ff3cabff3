/*
 * test_judge.c - rules on facts: text in, verdict out.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/policy.h"

#define D(c) "sha256:" c c c c c c c c
#define D1 D("11111111")
#define D2 D("22222222")

/* Facts of nothing but what is given. */
#define FACTS(members)                                                         \
	"{\"schema\":\"mreg.policy-facts/1\",\"name\":\"churn\","              \
	"\"repository\":\"acme/churn\",\"kind\":\"model\"" members "}"
#define PUSH ",\"at\":\"push\""

struct verdict {
	struct mr_verdict v;
	char text[8192]; /* "rule: problem -> mend\n" of each */
};

static void tell(struct verdict *out)
{
	size_t len = 0;
	size_t i;

	out->text[0] = '\0';
	for (i = 0; i < out->v.count; i++) {
		int n = snprintf(out->text + len, sizeof(out->text) - len,
				 "%s: %s -> %s\n", out->v.items[i].rule,
				 out->v.items[i].problem, out->v.items[i].mend);

		assert_true(n > 0 && (size_t)n < sizeof(out->text) - len);
		assert_true(out->v.items[i].problem[0]);
		assert_true(out->v.items[i].mend[0]);
		len += (size_t)n;
	}
}

static void judge_n(const char *policy, const char *facts, struct verdict *out)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep) struct mr_policy *p = NULL;
	MR_AUTO(mr_json_freep) json_t *j = NULL;

	assert_ok(mr_policy_parse(policy, strlen(policy), "p", &p, &err), err);
	assert_ok(mr_json_parse(facts, strlen(facts), 1u << 20, "facts", &j,
				&err),
		  err);
	assert_ok(mr_policy_judge(p, j, &out->v, &err), err);
	tell(out);
}

static void verdict_release(struct verdict *v)
{
	mr_verdict_release(&v->v);
}

/* The findings of one policy on one document; "" when it passes. */
static const char *judge(const char *policy, const char *facts,
			 struct verdict *out)
{
	verdict_release(out);
	judge_n(policy, facts, out);
	return out->text;
}

#define VERDICT                                                                \
	MR_AUTO(verdict_release) struct verdict v = { .v = { .count = 0 } }

static void the_sample_passes_the_sample(void **state)
{
	char *policy = test_read("spec/samples", "policy.json", NULL);
	char *facts = test_read("spec/samples", "policy-facts.json", NULL);
	VERDICT;

	(void)state;
	assert_string_equal(judge(policy, facts, &v), "");
	assert_int_equal(v.v.checked, 27);
	assert_int_equal(v.v.deferred, 0);
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
	/* The first version of all has none to compare with. */
	assert_string_equal(judge(policy,
				  FACTS(",\"metrics\":{\"auc\":\"0.1\"},"
					"\"baseline\":{\"production\":null}"),
				  &v),
			    "");
	assert_string_equal(judge(policy,
				  FACTS(",\"metrics\":{\"auc\":\"0.1\"},"
					"\"baseline\":{\"production\":{"
					"\"metrics\":{}}}"),
				  &v),
			    "");
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

static void judges_licences_of_ancestors_and_inputs(void **state)
{
	static const char policy[] =
		"policy: 1\nlicenses: {allow: MIT, deny: AGPL-3.0-only, "
		"ancestors: true, inputs: true}\n";
	VERDICT;

	(void)state;
	judge(policy,
	      FACTS(",\"fields\":{\"license\":\"MIT OR AGPL-3.0-only\"},"
		    "\"ancestors\":["
		    "{\"of\":\"parent\",\"ref\":\"a:v1\",\"license\":\"MIT\"},"
		    "{\"of\":\"parent\",\"ref\":\"b:v1\","
		    "\"license\":\"AGPL-3.0-only\"},"
		    "{\"of\":\"parent\",\"ref\":\"hf://x\"},"
		    "{\"of\":\"parent\",\"ref\":\"c:v1\","
		    "\"unreadable\":\"gone\"},"
		    "{\"of\":\"input\",\"ref\":\"d:v1\","
		    "\"license\":\"free, sort of\"}]"),
	      &v);
	assert_int_equal(v.v.count, 2);
	assert_has(v.text,
		   "licenses.ancestors: licence of ancestors: that of 'b:v1' "
		   "is 'AGPL-3.0-only', and 'AGPL-3.0-only' is denied, that of "
		   "'hf://x' is not told, that of 'c:v1' cannot be read (gone)"
		   "; the policy allows one of MIT; not AGPL-3.0-only");
	assert_has(v.text, "licenses.inputs: licence of inputs: that of "
			   "'d:v1' is 'free, sort of', no SPDX expression");
	judge(policy, FACTS(",\"fields\":{\"license\":\"MIT\"}"), &v);
	assert_int_equal(v.v.count, 2);
	assert_has(v.text, "what it comes from could not be read: the facts "
			   "do not have it");
	judge(policy,
	      FACTS(",\"fields\":{\"license\":\"MIT\"},\"ancestors\":[],"
		    "\"unread\":{\"ancestors\":\"too many\"}"),
	      &v);
	assert_has(v.text, "could not be read: too many");
}

static void missing_licences_may_be_allowed(void **state)
{
	static const char policy[] =
		"policy: 1\nlicenses: {deny: AGPL-3.0-only, missing: allow, "
		"ancestors: true}\n";
	VERDICT;

	(void)state;
	assert_string_equal(judge(policy,
				  FACTS(",\"ancestors\":[{\"of\":\"parent\","
					"\"ref\":\"hf://x\"}]"),
				  &v),
			    "");
	judge(policy,
	      FACTS(",\"ancestors\":[{\"of\":\"parent\",\"ref\":\"a:v1\","
		    "\"unreadable\":\"gone\"}]"),
	      &v);
	assert_int_equal(v.v.count, 1);
}

static void judges_inputs(void **state)
{
	static const char policy[] =
		"policy: 1\ninputs: {roles: train, digest: true, "
		"classification: [public, internal], consent: [granted]}\n";
	VERDICT;

	(void)state;
	judge(policy,
	      FACTS(",\"inputs\":["
		    "{\"role\":\"train\",\"uri\":\"a\",\"classification\":"
		    "\"secret\",\"consent\":\"withdrawn\"},"
		    "{\"role\":\"train\",\"name\":\"b\",\"digest\":\"" D1 "\"},"
		    "{\"role\":\"test\",\"name\":\"c\"}]"),
	      &v);
	assert_string_equal(
		v.text,
		"inputs.digest: input 'a' has no digest; it has to be given -> "
		"push with --input ROLE=REF,digest=SHA256\n"
		"inputs.classification: input 'a' has classification 'secret', "
		"'b' has no classification; it may be one of public, internal "
		"-> push with --input ROLE=REF,classification=WORD\n"
		"inputs.consent: input 'a' has consent 'withdrawn', 'b' has no "
		"consent; it may be one of granted -> push with --input "
		"ROLE=REF,consent=WORD\n");
	assert_string_equal(judge("policy: 1\ninputs: {consent: true}\n",
				  FACTS(",\"inputs\":[{\"role\":\"train\","
					"\"consent\":\"yes\"}]"),
				  &v),
			    "");
}

#define PICKLE                                                                 \
	",\"files\":["                                                         \
	"{\"path\":\"a.bin\",\"role\":\"weight\",\"size\":1,\"format\":"       \
	"\"pickle\",\"unsafe\":[\"os system\",\"posix popen\"]},"              \
	"{\"path\":\"b.pt\",\"role\":\"weight\",\"size\":1,\"format\":"        \
	"\"torchscript\",\"trouble\":\"truncated\"},"                          \
	"{\"path\":\"c.dat\",\"role\":\"weight\",\"size\":1,\"format\":\"\"}," \
	"{\"path\":\"d.md\",\"role\":\"doc\",\"size\":1,\"format\":\"\"},"     \
	"{\"path\":\"e.keras\",\"role\":\"code\",\"size\":1,\"format\":"       \
	"\"keras\",\"unsafe\":[\"Lambda\"]}]"

#define LIMITED                                                                \
	",\"files\":[{\"path\":\"a.safetensors\",\"format\":\"safetensors\","  \
	"\"trouble\":\"has a large header\",\"limited\":true}"

static void judges_files_by_what_they_are(void **state)
{
	VERDICT;

	(void)state;
	judge("policy: 1\nformats: {pickle: deny}\n", FACTS(PICKLE), &v);
	assert_has(v.text, "file 'a.bin' is pickle, 'b.pt' is torchscript;");
	judge("policy: 1\nformats: {unsafe: deny}\n", FACTS(PICKLE), &v);
	assert_has(v.text,
		   "file 'a.bin' uses os system, posix popen, 'b.pt' cannot be "
		   "looked into (truncated), 'e.keras' uses Lambda;");
	judge("policy: 1\nformats: {trouble: deny}\n", FACTS(PICKLE), &v);
	assert_has(v.text, "file 'b.pt' truncated;");
	judge("policy: 1\nformats: {allow: keras}\n", FACTS(PICKLE), &v);
	assert_has(v.text, "file 'a.bin' is pickle, 'b.pt' is torchscript, "
			   "'c.dat' is of no known format; one of keras");
	judge("policy: 1\nformats: {deny: keras}\n", FACTS(PICKLE), &v);
	assert_has(v.text, "file 'e.keras' is keras; not keras");
	judge("policy: 1\nformats: {deny: keras}\n",
	      FACTS(",\"files\":[],\"unread\":{\"files\":\"no ranges\"}"), &v);
	assert_has(v.text, "formats of its files could not be read: no ranges");
}

/* A file that nobody looked at is not called broken. */
static void what_is_not_looked_at_is_told_apart(void **state)
{
	static const char rule[] = "policy: 1\nformats: {trouble: deny}\n";
	VERDICT;

	(void)state;
	judge(rule, FACTS(LIMITED "]"), &v);
	assert_has(v.text, "file 'a.safetensors' has a large header;");
	assert_has(v.text, "it may be right, but mreg does not look at all");
	judge(rule, FACTS(LIMITED ",{\"path\":\"b\",\"trouble\":\"ends\"}]"),
	      &v);
	assert_has(v.text, "has a large header, 'b' ends;");
	assert_has(v.text, "write those that are broken again, and leave out");
	judge(rule, FACTS(PICKLE), &v);
	assert_has(v.text, "write the file again; it is not what its format");
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
			   "suite, then 'mreg evaluate REF --suite s'");
	assert_has(v.text, "suites.s.segments.*.auc: metric 'auc' of suite 's' "
			   "is 0.7 in segment 'de', is missing in segment "
			   "'it'; at least 0.75 is asked");
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
	assert_has(v.text, "'mreg evaluate churn@" D1 " --suite s'");
	assert_has(v.text, "-> mreg evaluate churn@" D1 " --suite NAME, with "
			   "--pass or --metric NAME=NUMBER");
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
	assert_ok(mr_policy_judge(p, j, &v.v, &err), err);
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
		assert_code(MREG_EFORMAT, mr_policy_judge(p, j, &v, &err), err);
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
		cmocka_unit_test(requires_each_kind_of_value),
		cmocka_unit_test(an_attached_card_is_a_card),
		cmocka_unit_test(a_pattern_is_about_what_is_there),
		cmocka_unit_test(judges_names),
		cmocka_unit_test(compares_metrics_with_an_alias),
		cmocka_unit_test(a_metric_that_is_no_number_fails),
		cmocka_unit_test(judges_licences_of_ancestors_and_inputs),
		cmocka_unit_test(missing_licences_may_be_allowed),
		cmocka_unit_test(judges_inputs),
		cmocka_unit_test(judges_files_by_what_they_are),
		cmocka_unit_test(what_is_not_looked_at_is_told_apart),
		cmocka_unit_test(names_five_subjects_and_counts_the_rest),
		cmocka_unit_test(judges_the_last_run_of_a_suite),
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

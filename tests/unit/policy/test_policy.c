/*
 * test_policy.c - documents of rules: what they may say, what is refused, how
 * they are written, added to, and what they need.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/policy.h"
#include "policy/rule.h"

static struct mr_policy *parse(const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_policy *p = NULL;

	assert_ok(mr_policy_parse(text, strlen(text), "p.yaml", &p, &err), err);
	return p;
}

static struct mreg_error refused(const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_policy *p = NULL;

	assert_code(MREG_EFORMAT,
		    mr_policy_parse(text, strlen(text), "p.yaml", &p, &err),
		    err);
	assert_null(p);
	return err;
}

static char *written(const struct mr_policy *p)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf b = MR_BUF_INIT(1u << 20);

	assert_ok(mr_policy_write(p, &b, &err), err);
	return mr_buf_take(&b);
}

static void both_samples_are_one_policy(void **state)
{
	char *yaml = test_read("spec/samples", "policy.yaml", NULL);
	char *json = test_read("spec/samples", "policy.json", NULL);
	MR_AUTO(mr_policy_freep) struct mr_policy *a = parse(yaml);
	MR_AUTO(mr_policy_freep) struct mr_policy *b = parse(json);
	MR_AUTO(mr_free) char *one = written(a);
	MR_AUTO(mr_free) char *two = written(b);

	(void)state;
	assert_string_equal(one, json);
	assert_string_equal(two, json);
	assert_int_equal(mr_policy_count(a), mr_policy_count(b));
	assert_int_equal(mr_policy_count(a), 55);
	free(yaml);
	free(json);
}

static void the_template_is_a_policy(void **state)
{
	char *yaml = test_read("spec/templates", "policy.yaml", NULL);
	MR_AUTO(mr_policy_freep) struct mr_policy *p = parse(yaml);

	(void)state;
	assert_true(mr_policy_count(p) > 20);
	free(yaml);
}

/* What stands behind '#' as a rule that one may want. */
static void uncomment(char *text)
{
	char *to = text;
	char *s;

	for (s = text; *s; s++)
		if (*s != '#' || (s > text && s[-1] != '\n') || s[1] == '\n' ||
		    (s[1] == ' ' && s[2] != ' '))
			*to++ = *s;
	*to = '\0';
}

static void the_template_is_a_policy_with_all_it_proposes(void **state)
{
	char *yaml = test_read("spec/templates", "policy.yaml", NULL);
	MR_AUTO(mr_policy_freep) struct mr_policy *p = parse(yaml);
	MR_AUTO(mr_policy_freep) struct mr_policy *whole = NULL;
	const struct mr_life *l;

	(void)state;
	assert_true(mr_policy_gated(p, "production"));
	assert_null(mr_life_party(mr_policy_life(p), "risk"));
	uncomment(strstr(yaml, "\nstages:"));
	whole = parse(yaml);
	l = mr_policy_life(whole);
	assert_int_equal(mr_policy_count(whole), mr_policy_count(p) + 10);
	assert_non_null(mr_life_party(l, "risk"));
	assert_int_equal(l->archive.keep, 10);
	assert_int_equal(l->hold.n, 1);
	free(yaml);
}

static void says_each_rule(void **state)
{
	MR_AUTO(mr_policy_freep)
	struct mr_policy *p = parse("policy: 1\n"
				    "require: license\n"
				    "metrics: {auc: '>= 0.8'}\n"
				    "licenses: {allow: [MIT, Zlib], deny: X}\n"
				    "formats: {pickle: deny, unsafe: allow}\n");

	(void)state;
	assert_int_equal(mr_policy_count(p), 4);
	assert_string_equal(mr_policy_rule(p, 0), "require.license");
	assert_string_equal(mr_policy_says(p, 0), "has to be given");
	assert_string_equal(mr_policy_rule(p, 1), "metrics.auc");
	assert_string_equal(mr_policy_says(p, 1), ">= 0.8");
	assert_string_equal(mr_policy_rule(p, 2), "licenses");
	assert_string_equal(mr_policy_says(p, 2), "one of MIT, Zlib; not X");
	assert_string_equal(mr_policy_rule(p, 3), "formats.pickle");
}

static void a_misspelled_rule_is_no_rule_but_an_error(void **state)
{
	struct mreg_error err;

	(void)state;
	err = refused("policy: 1\nlicences: {allow: MIT}\n");
	assert_has(err.msg,
		   "unknown key 'licences' in policy 'p.yaml', line 2");
	assert_has(err.hint, "'licenses'");
	err = refused("policy: 1\nrequire:\n- license\n- descripton\n");
	assert_has(err.msg, "unknown key 'descripton'");
	assert_has(err.msg, "line 4");
	assert_has(err.hint, "'description'");
	err = refused("policy: 1\nrequire: licence\n");
	assert_has(err.hint, "'license'");
	err = refused("policy: 1\nformats: {alow: onnx}\n");
	assert_has(err.hint, "'allow'");
	err = refused("policy: 1\nformats: {allow: safetensor}\n");
	assert_has(err.hint, "'safetensors'");
	err = refused("policy: 1\nsuites: {s: {verdikt: passed}}\n");
	assert_has(err.hint, "'verdict'");
	err = refused("policy: 1\ninputs: {classifications: a}\n");
	assert_has(err.hint, "'classification'");
	err = refused("policy: 1\nattachments: [sbom, sbomm]\n");
	assert_has(err.msg, "unknown attachment 'sbomm'");
	assert_has(err.hint, "'sbom'");
	err = refused("policy: 1\nrequire: [parents.fintune]\n");
	assert_has(err.msg, "unknown relation 'fintune'");
	assert_has(err.hint, "'finetune'");
	err = refused("policy: 1\nrequire: parents.qqqqqqqqqq\n");
	assert_has(err.hint, "spec/policy.md lists every relation");
	err = refused("policy: 1\npatterns: {metrics: '1'}\n");
	assert_has(err.msg, "'metrics' has no value for a pattern");
	err = refused("policy: 1\npatterns: {inputs.train: '1'}\n");
	assert_has(err.msg, "has no value for a pattern");
}

static void refuses_values_that_say_nothing(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "no map of rules" },
		{ "just text", "no map of rules" },
		{ "- policy: 1", "no map of rules" },
		{ "name: x", "does not say its edition" },
		{ "policy: 0", "edition '0' is not known" },
		{ "policy: [1]", "edition '' is not known" },
		{ "policy: 1\nrequire:\n", "'require' is no text" },
		{ "policy: 1\nrequire: []", "no list of texts" },
		{ "policy: 1\nrequire: {a: b}", "no list of texts" },
		{ "policy: 1\nrequire: ['']", "is no text" },
		{ "policy: 1\nrequire: [[a]]", "is no text" },
		{ "policy: 1\nrequire: [metrics.]", "unknown key" },
		{ "policy: 1\nrequire: [card.x]", "unknown key" },
		{ "policy: 1\nkinds: modell", "kind 'modell'" },
		{ "policy: 1\nnaming: x", "'naming' is no map" },
		{ "policy: 1\npatterns: x", "'patterns' is no map" },
		{ "policy: 1\nmetrics: x", "'metrics' is no map" },
		{ "policy: 1\nmetrics: {auc: 0.8}", "'0.8' is no bound" },
		{ "policy: 1\nmetrics: {auc: ['>= 1', '?']}",
		  "'?' is no bound" },
		{ "policy: 1\nmetrics: {ms: '< 20ms'}", "is no bound" },
		{ "policy: 1\nlicenses: {ancestors: true}",
		  "neither allow nor deny" },
		{ "policy: 1\nlicenses: {allow: MIT, inputs: maybe}",
		  "'inputs' is not true or false" },
		{ "policy: 1\nlicenses: {allow: MIT, missing: no}",
		  "'missing' is not deny or allow" },
		{ "policy: 1\nlicenses: MIT", "'licenses' is no map" },
		{ "policy: 1\nformats: {pickle: no}", "deny or allow" },
		{ "policy: 1\nformats: {allow: zip}", "unknown format 'zip'" },
		{ "policy: 1\ninputs: {digest: 1}", "not true or false" },
		{ "policy: 1\ninputs: []", "'inputs' is no map" },
		{ "policy: 1\nsuites: {s: failed}", "not 'passed'" },
		{ "policy: 1\nsuites: {s: {}}", "'passed' or a map" },
		{ "policy: 1\nsuites: {s: {metrics: 1}}", "is no map" },
		{ "policy: 1\nsuites: {s: {metrics: {a: '>= production'}}}",
		  "compared with an alias" },
		{ "policy: 1\nsuites: {s: {segments: {x: y}}}", "is no map" },
		{ "policy: 1\nattachments:\n", "is no text" },
		{ "policy: 1\nsuites: {'': passed}", "a suite has no name" },
		{ "policy: 1\nattachments: tests", "unknown attachment" },
		{ "policy: 1\npatterns: {license: '('}",
		  "pattern '(' cannot be used" },
		{ "policy: 1\nnaming: {model: '(a)\\1'}", "cannot be used" },
		{ "policy: 1\npolicy: 1", "twice" },
		{ "policy: &a 1", "anchor" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		struct mreg_error err = refused(bad[i].text);

		assert_has(err.msg, bad[i].says);
		assert_has(err.msg, "p.yaml");
	}
}

/* Nobody is asked to write it again in an older one. */
static void a_newer_edition_is_for_a_newer_mreg(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_policy *p = NULL;

	(void)state;
	assert_code(
		MREG_EUNSUPPORTED,
		mr_policy_parse("policy: 2\nvotes: 3", 18, "p.yaml", &p, &err),
		err);
	assert_has(err.msg, "'p.yaml' is of edition 2");
	assert_has(err.hint, "a newer one may read it");
}

static void refuses_more_than_it_may_be(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_policy *p = NULL;
	size_t n = MR_POLICY_MAX_BYTES + 1;
	char *text = calloc(1, n);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', n);
	assert_code(MREG_ELIMIT, mr_policy_parse(text, n, "p", &p, &err), err);
	free(text);
}

static void a_name_cannot_forge_a_message(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_policy *p = NULL;

	(void)state;
	assert_code(MREG_EFORMAT,
		    mr_policy_parse("policy: 1\n\"a\\e[2J\": 1", 22, "x\n\x1by",
				    &p, &err),
		    err);
	assert_null(strchr(err.msg, '\x1b'));
	assert_null(strchr(err.msg, '\n'));
}

static void adds_rules_and_takes_none_away(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep)
	struct mr_policy *p = parse("policy: 1\nmetrics: {auc: '>= 0.8'}\n");
	MR_AUTO(mr_policy_freep)
	struct mr_policy *more = parse("policy: 1\nmetrics: {auc: '>= 0.9'}\n"
				       "naming: {model: '[a-z]+'}\n");
	MR_AUTO(mr_free) char *before = written(p);
	MR_AUTO(mr_free) char *after = NULL;

	(void)state;
	assert_ok(mr_policy_add(p, more, &err), err);
	mr_policy_freep(&more);
	assert_int_equal(mr_policy_count(p), 3);
	assert_string_equal(mr_policy_says(p, 0), ">= 0.8");
	assert_string_equal(mr_policy_rule(p, 1), "naming.model");
	assert_string_equal(mr_policy_says(p, 2), ">= 0.9");
	after = written(p);
	assert_string_equal(before, after);
}

static void tells_what_judging_needs(void **state)
{
	MR_AUTO(mr_policy_freep)
	struct mr_policy *none = parse("policy: 1\nrequire: license\n"
				       "licenses: {allow: MIT}\n");
	MR_AUTO(mr_policy_freep)
	struct mr_policy *all =
		parse("policy: 1\n"
		      "metrics: {a: '>= production', b: ['< 1', '> staging']}\n"
		      "licenses: {allow: MIT, inputs: true}\n"
		      "formats: {trouble: deny}\n"
		      "suites: {s: passed}\n"
		      "attachments: sbom\n");
	struct mr_policy_needs n;

	(void)state;
	mr_policy_needs(none, NULL, &n);
	assert_false(n.ancestors || n.attachments || n.evaluations ||
		     n.formats);
	assert_int_equal(n.baseline_count, 0);
	mr_policy_needs(all, NULL, &n);
	assert_true(n.ancestors && n.attachments && n.evaluations && n.formats);
	assert_int_equal(n.baseline_count, 2);
	assert_string_equal(n.baselines[0], "production");
	assert_string_equal(n.baselines[1], "staging");
}

static void every_key_that_may_be_named_is_known(void **state)
{
	struct mr_key key;
	size_t i;

	(void)state;
	for (i = 0; mr_key_words[i]; i++)
		assert_true(mr_key_parse(mr_key_words[i], &key));
	assert_false(mr_key_parse("metric.auc", &key));
	assert_false(mr_key_parse("license.x", &key));
	assert_true(mr_key_parse("tags.a.b", &key));
	assert_string_equal(key.name, "a.b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_samples_are_one_policy),
		cmocka_unit_test(the_template_is_a_policy),
		cmocka_unit_test(the_template_is_a_policy_with_all_it_proposes),
		cmocka_unit_test(says_each_rule),
		cmocka_unit_test(a_misspelled_rule_is_no_rule_but_an_error),
		cmocka_unit_test(refuses_values_that_say_nothing),
		cmocka_unit_test(a_newer_edition_is_for_a_newer_mreg),
		cmocka_unit_test(refuses_more_than_it_may_be),
		cmocka_unit_test(a_name_cannot_forge_a_message),
		cmocka_unit_test(adds_rules_and_takes_none_away),
		cmocka_unit_test(tells_what_judging_needs),
		cmocka_unit_test(every_key_that_may_be_named_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_gate.c - the section about aliases: what it may ask, what is refused,
 * and what judging needs for it.
 */
#include "tests/support/test.h"

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

static const char all[] =
	"policy: 1\n"
	"require: license\n"
	"metrics: {loss: '<= staging'}\n"
	"roles: {risk: [alice, bob], owner: carol}\n"
	"aliases:\n"
	"  staging: {}\n"
	"  production:\n"
	"    through: staging\n"
	"    age: 24h\n"
	"    require: [runId]\n"
	"    patterns: {revision: '[0-9a-f]{40}'}\n"
	"    metrics: {auc: ['>= 0.8', '>= production - 0.01']}\n"
	"    licenses: {allow: MIT, ancestors: true}\n"
	"    inputs: {digest: true}\n"
	"    formats: {pickle: deny}\n"
	"    suites: {fair: passed}\n"
	"    attachments: sbom\n"
	"    approvals: {risk: 2, owner: 1}\n"
	"    observations: fine\n"
	"    current: known\n";

static void says_each_rule_of_a_gate(void **state)
{
	static const struct {
		const char *rule, *says;
	} want[] = {
		{ "require.license", "has to be given" },
		{ "metrics.loss", "<= staging" },
		{ "roles.owner", "carol" },
		{ "roles.risk", "alice, bob" },
		{ "aliases.production", "moved by promote and rollback only" },
		{ "aliases.production.through.staging",
		  "has to have it, or to have had it" },
		{ "aliases.production.age", "registered at least 24h before" },
		{ "aliases.production.require.runId", "has to be given" },
		{ "aliases.production.patterns.revision", "[0-9a-f]{40}" },
		{ "aliases.production.metrics.auc", ">= 0.8" },
		{ "aliases.production.metrics.auc", ">= production - 0.01" },
		{ "aliases.production.licenses", "one of MIT" },
		{ "aliases.production.licenses.ancestors", "one of MIT" },
		{ "aliases.production.inputs.digest", "has to be given" },
		{ "aliases.production.formats.pickle",
		  "no file may hold a pickle" },
		{ "aliases.production.suites.fair", "has to have passed" },
		{ "aliases.production.attachments.sbom", "has to be attached" },
		{ "aliases.production.approvals.owner",
		  "at least 1 by role 'owner'" },
		{ "aliases.production.approvals.risk",
		  "at least 2 by role 'risk'" },
		{ "aliases.production.observations",
		  "no retraining is due, nothing that is watched is wrong, no "
		  "incident is open" },
		{ "aliases.production.current",
		  "what the alias has is what the log says" },
		{ "aliases.staging", "moved by promote and rollback only" },
	};
	MR_AUTO(mr_policy_freep) struct mr_policy *p = parse(all);
	size_t i;

	(void)state;
	assert_int_equal(mr_policy_count(p), MR_COUNT(want));
	for (i = 0; i < MR_COUNT(want); i++) {
		assert_string_equal(mr_policy_rule(p, i), want[i].rule);
		assert_string_equal(mr_policy_says(p, i), want[i].says);
	}
}

static void an_alias_with_a_section_is_gated(void **state)
{
	MR_AUTO(mr_policy_freep) struct mr_policy *p = parse(all);

	(void)state;
	assert_true(mr_policy_gated(p, "production"));
	/* One without rules too. */
	assert_true(mr_policy_gated(p, "staging"));
	assert_false(mr_policy_gated(p, "dev"));
	assert_false(mr_policy_gated(p, "productio"));
	assert_false(mr_policy_gated(NULL, "production"));
}

static void needs_are_those_of_the_gate_alone(void **state)
{
	MR_AUTO(mr_policy_freep) struct mr_policy *p = parse(all);
	struct mr_policy_needs n;

	(void)state;
	mr_policy_needs(p, NULL, &n);
	assert_false(n.gate || n.formats || n.ancestors || n.attachments ||
		     n.evaluations);
	assert_int_equal(n.baseline_count, 1);
	assert_string_equal(n.baselines[0], "staging");
	mr_policy_needs(p, "staging", &n);
	assert_false(n.gate || n.formats || n.ancestors || n.attachments ||
		     n.evaluations);
	assert_int_equal(n.baseline_count, 1);
	mr_policy_needs(p, "production", &n);
	assert_true(n.gate && n.formats && n.ancestors && n.attachments &&
		    n.evaluations);
	assert_int_equal(n.baseline_count, 2);
	assert_string_equal(n.baselines[0], "staging");
	assert_string_equal(n.baselines[1], "production");
	mr_policy_needs(p, "dev", &n);
	assert_false(n.gate);
	assert_int_equal(n.baseline_count, 1);
}

static void each_rule_on_the_log_needs_it(void **state)
{
	static const char *const rules[] = {
		"through: staging",   "age: 1h",        "approvals: 1",
		"observations: fine", "current: known",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rules); i++) {
		struct mr_policy_needs n;
		char text[128];

		(void)snprintf(text, sizeof(text),
			       "policy: 1\naliases: {prod: {%s}}\n", rules[i]);
		{
			MR_AUTO(mr_policy_freep)
			struct mr_policy *p = parse(text);

			mr_policy_needs(p, "prod", &n);
			assert_true(n.gate);
			assert_int_equal(mr_policy_count(p), 2);
		}
	}
}

static void added_gates_join_those_that_are_there(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep)
	struct mr_policy *p = parse("policy: 1\naliases: {prod: {age: 1h}}\n");
	MR_AUTO(mr_policy_freep)
	struct mr_policy *more =
		parse("policy: 1\nmetrics: {loss: '<= best'}\n"
		      "aliases: {prod: {metrics: {auc: '>= prod'}}, dev: {}}");
	struct mr_policy_needs n;

	(void)state;
	assert_false(mr_policy_gated(p, "dev"));
	assert_ok(mr_policy_add(p, more, &err), err);
	mr_policy_freep(&more);
	assert_true(mr_policy_gated(p, "dev"));
	mr_policy_needs(p, "prod", &n);
	assert_true(n.gate);
	assert_int_equal(n.baseline_count, 2);
	assert_string_equal(n.baselines[0], "best");
	assert_string_equal(n.baselines[1], "prod");
	mr_policy_needs(p, "dev", &n);
	assert_false(n.gate);
	assert_int_equal(n.baseline_count, 1);
}

static void refuses_gates_that_say_nothing(void **state)
{
	static const struct {
		const char *gate, *says;
	} bad[] = {
		{ "x", "'prod' is no map" },
		{ "{through: v3}", "'v3' is no alias" },
		{ "{through: latest}", "'latest' is no alias" },
		{ "{through: 'a b'}", "'a b' is no alias" },
		{ "{through: [a, a]}", "'a' is there twice" },
		{ "{through: []}", "no list of texts" },
		{ "{through: prod}", "through itself" },
		{ "{age: 24}", "'age' is no length of time" },
		{ "{age: 0h}", "no length of time" },
		{ "{age: -1h}", "no length of time" },
		{ "{age: 1.5h}", "no length of time" },
		{ "{age: 100000h}", "no length of time" },
		{ "{age: 99999999999999999999d}", "no length of time" },
		{ "{age: h}", "no length of time" },
		{ "{age: 1m}", "no length of time" },
		{ "{age: 1hd}", "no length of time" },
		{ "{age: 01h}", "no length of time" },
		{ "{age: [1h]}", "no length of time" },
		{ "{approvals: 0}", "whole number from 1 to 99" },
		{ "{approvals: 100}", "whole number from 1 to 99" },
		{ "{approvals: -1}", "whole number" },
		{ "{approvals: 1.0}", "whole number" },
		{ "{approvals: two}", "whole number" },
		{ "{approvals: 18446744073709551617}", "whole number" },
		{ "{approvals: [1]}", "neither a number nor a map" },
		{ "{approvals: {}}", "neither a number nor a map" },
		{ "{approvals: {owner: 0}}", "whole number" },
		{ "{approvals: {owner: {}}}", "whole number" },
		{ "{approvals: {owner: 2}}",
		  "role 'owner' has fewer than 2 members" },
		{ "{approvals: {riks: 1}}", "role 'riks' is not one of" },
		{ "{approvals: {'': 1}}", "role '' is not one of" },
		{ "{observations: good}", "'observations' is not 'fine'" },
		{ "{observations: [fine]}", "is not 'fine'" },
		{ "{current: true}", "'current' is not 'known'" },
		{ "{metrics: {auc: 0.8}}", "'0.8' is no bound" },
		{ "{require: descripton}", "unknown key 'descripton'" },
	};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		struct mreg_error err;

		(void)snprintf(text, sizeof(text),
			       "policy: 1\nroles: {owner: carol}\n"
			       "aliases:\n  prod: %s\n",
			       bad[i].gate);
		err = refused(text);
		assert_has(err.msg, bad[i].says);
		assert_has(err.msg, "in policy 'p.yaml', line 4");
	}
}

static void a_misspelled_gate_names_the_nearest(void **state)
{
	struct mreg_error err;

	(void)state;
	err = refused("policy: 1\naliases:\n  prod:\n    trough: staging\n");
	assert_has(err.msg, "unknown key 'trough' in policy 'p.yaml', line 4");
	assert_has(err.hint, "'through'");
	err = refused("policy: 1\naliases: {prod: {naming: {model: x}}}\n");
	assert_has(err.msg, "unknown key 'naming'");
	err = refused("policy: 1\nalias: {prod: {}}\n");
	assert_has(err.hint, "'aliases'");
	err = refused("policy: 1\naliases: {prod: {observations: ok}}\n");
	assert_has(err.hint, "nothing else can be demanded");
	err = refused("policy: 1\naliases: {prod: {approvals: {risk: 1}}}\n");
	assert_has(err.hint, "roles: {risk: [LOGIN, ...]}");
}

static void a_gate_is_of_an_alias(void **state)
{
	static const char *const bad[] = {
		"v1", "latest",     "1.2.0", "mreg.log", "'a b'",
		"''", "prod-image", "v01",   "'a\\n'",   "-x",
	};
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		(void)snprintf(text, sizeof(text),
			       "policy: 1\naliases: {%s: {}}\n", bad[i]);
		assert_has(refused(text).msg, "is no alias in policy");
	}
	assert_has(refused("policy: 1\naliases: [prod]\n").msg,
		   "'aliases' is no map");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_each_rule_of_a_gate),
		cmocka_unit_test(an_alias_with_a_section_is_gated),
		cmocka_unit_test(needs_are_those_of_the_gate_alone),
		cmocka_unit_test(each_rule_on_the_log_needs_it),
		cmocka_unit_test(added_gates_join_those_that_are_there),
		cmocka_unit_test(refuses_gates_that_say_nothing),
		cmocka_unit_test(a_misspelled_gate_names_the_nearest),
		cmocka_unit_test(a_gate_is_of_an_alias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

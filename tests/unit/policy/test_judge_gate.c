/*
 * test_judge_gate.c - what an alias asks: by the log, and by rules of its own.
 */
#include "tests/support/test.h"

#include <string.h>

#include "tests/support/verdict_fixture.h"

#define D(c) "sha256:" c c c c c c c c
#define D1 D("11111111")
#define D2 D("22222222")
#define REF ",\"reference\":\"acme/churn@" D1 "\""
/* Facts of the gate of production: of nothing but what is given. */
#define GATE(members)                                                          \
	FACTS(REF ",\"gate\":{\"alias\":\"production\"" members "}")
#define SEEN(due, watches, incidents)                                          \
	",\"retrainDue\":[" due "],\"watches\":[" watches                      \
	"],\"incidents\":[" incidents "]"
#define REQUEST(members)                                                       \
	",\"registeredBy\":\"ada\",\"request\":{\"event\":\"" D2               \
	"\",\"by\":\"bea\",\"until\":\"2026-01-03T00:00:00Z\"" members "}"
#define GRANT(by, late)                                                        \
	"{\"by\":\"" by "\",\"source\":\"registry\",\"late\":" late "}"

#define POLICY(rules) "policy: 1\naliases: {production: {" rules "}}\n"
#define ROLES                                                                  \
	"policy: 1\nroles: {risk: [alice, bob, ada], owner: carol}\n"          \
	"aliases: {production: {approvals: {risk: 1, owner: 1}}}\n"

static const char *gate(const char *policy, const char *facts,
			struct verdict *v)
{
	return judge_gate(policy, "production", facts, v);
}

static void rules_of_a_gate_are_asked_at_that_gate_alone(void **state)
{
	static const char policy[] =
		"policy: 1\nrequire: license\nroles: {risk: alice}\n"
		"aliases:\n"
		"  staging: {require: runId}\n"
		"  production: {metrics: {auc: '>= 0.8'}, age: 1h}\n";
	VERDICT;

	(void)state;
	judge(policy, FACTS(""), &v);
	assert_int_equal(v.v.checked, 1);
	assert_string_equal(v.text, "require.license: license is missing -> "
				    "push with --license SPDX, or with "
				    "'license' in the --metadata file\n");
	judge_gate(policy, "staging", FACTS(""), &v);
	assert_int_equal(v.v.checked, 2);
	assert_has(v.text, "aliases.staging.require.runId: runId is missing");
	assert_null(strstr(v.text, "production"));
	judge_gate(policy, "production", GATE(""), &v);
	assert_int_equal(v.v.checked, 3);
	assert_has(v.text, "aliases.production.metrics.auc: metric 'auc' is "
			   "missing, at least 0.8 is asked");
	assert_null(strstr(v.text, "staging"));
	judge_gate(policy, "dev", FACTS(""), &v);
	assert_int_equal(v.v.checked, 1);
}

static void a_push_asks_nothing_of_the_log(void **state)
{
	static const char policy[] = POLICY(
		"require: runId, age: 1h, approvals: 1, suites: {s: passed}");
	VERDICT;

	(void)state;
	judge(policy, FACTS(PUSH), &v);
	assert_int_equal(v.v.checked, 0);
	assert_int_equal(v.v.deferred, 0);
	gate(policy, FACTS(PUSH), &v);
	assert_int_equal(v.v.checked, 1);
	assert_int_equal(v.v.deferred, 3);
}

static void came_through_what_it_has_or_had(void **state)
{
	static const char policy[] = POLICY("through: [staging, canary]");
	VERDICT;

	(void)state;
	assert_string_equal(
		gate(policy, GATE(",\"been\":[\"canary\",\"staging\"]"), &v),
		"");
	assert_string_equal(
		gate(policy, GATE(",\"been\":[\"stagin\",\"canary\",1]"), &v),
		"aliases.production.through.staging: the version never had "
		"'staging' -> mreg promote acme/churn@" D1 " staging\n");
	gate(policy, GATE(""), &v);
	assert_int_equal(v.v.count, 2);
}

static void is_old_enough(void **state)
{
	static const char policy[] = POLICY("age: 24h");
	VERDICT;

	(void)state;
	assert_string_equal(gate(policy, GATE(",\"ageSeconds\":86400"), &v),
			    "");
	assert_string_equal(
		gate(policy, GATE(",\"ageSeconds\":86399"), &v),
		"aliases.production.age: it was registered 23 hours ago; it "
		"has to be registered at least 24h before -> wait 1h more\n");
	assert_has(gate(policy, GATE(",\"ageSeconds\":0"), &v),
		   "wait 24h more");
	/* A clock that was ahead. */
	assert_has(gate(policy, GATE(",\"ageSeconds\":-99999999"), &v),
		   "registered just now");
	assert_has(gate(policy, GATE(""), &v),
		   "when it was registered is not known");
	/* Numbers come as texts, too, so that no parser rounds them. */
	assert_string_equal(gate(policy, GATE(",\"ageSeconds\":\"86400\""), &v),
			    "");
	assert_has(gate(policy, GATE(",\"ageSeconds\":\"a day\""), &v),
		   "not known");
}

static void takes_approvals_by_role(void **state)
{
	VERDICT;

	(void)state;
	assert_string_equal(
		gate(ROLES,
		     GATE(REQUEST(",\"grants\":[" GRANT(
			     "bob", "false") "," GRANT("carol", "false") "]")),
		     &v),
		"");
	assert_string_equal(
		gate(ROLES,
		     GATE(REQUEST(",\"grants\":[" GRANT("bob", "false") "]")),
		     &v),
		"aliases.production.approvals.owner: 0 of 1 approvals by role "
		"'owner'; that of 'bob' is not of that role -> ask carol for: "
		"mreg approve acme/churn@" D1 " production\n");
	gate(ROLES, GATE(REQUEST("")), &v);
	assert_int_equal(v.v.count, 2);
	/* Not ada, who pushed it. */
	assert_has(v.text,
		   "aliases.production.approvals.risk: 0 of 1 approvals by "
		   "role 'risk' -> ask alice, bob for: mreg approve");
}

static void asks_for_a_request_first(void **state)
{
	VERDICT;

	(void)state;
	assert_string_equal(
		gate(POLICY("approvals: 2"), GATE(",\"registeredBy\":\"ada\""),
		     &v),
		"aliases.production.approvals: no approval was asked for; it "
		"takes at least 2 -> ask for one: mreg request acme/churn@" D1
		" production\n");
	assert_has(
		gate(ROLES, FACTS(",\"gate\":{\"alias\":\"production\"}"), &v),
		"ask for one: mreg request REF production");
}

static void neither_pusher_nor_asker_counts_nor_anybody_twice(void **state)
{
	static const char policy[] = POLICY("approvals: 2");
	VERDICT;

	(void)state;
	assert_string_equal(
		gate(policy,
		     GATE(REQUEST(
			     ",\"grants\":[" GRANT("ada", "false") "," GRANT("bea", "false") "," GRANT(
				     "carol",
				     "false") "," GRANT("carol",
							"false") "," GRANT("",
									   "false") "]")),
		     &v),
		"aliases.production.approvals: 1 of 2 approvals; that of 'ada' "
		"is that of who pushed it, that of 'bea' is that of who asked, "
		"that of 'carol' is a second one, that of '' says not who -> "
		"ask others than who pushed it or asked for: mreg approve "
		"acme/churn@" D1 " production\n");
	assert_string_equal(
		gate(policy,
		     GATE(REQUEST(
			     ",\"grants\":[" GRANT("ada", "false") "," GRANT(
				     "carol", "false") "," GRANT("dan",
								 "false") "]")),
		     &v),
		"");
}

static void what_came_too_late_does_not_count(void **state)
{
	static const char policy[] = POLICY("approvals: 1");
	VERDICT;

	(void)state;
	assert_string_equal(
		gate(policy,
		     GATE(REQUEST(",\"over\":true,\"grants\":[" GRANT(
			     "carol", "true") "]")),
		     &v),
		"aliases.production.approvals: 0 of 1 approvals; time was up "
		"at 2026-01-03T00:00:00Z; that of 'carol' came too late -> ask "
		"again: mreg request acme/churn@" D1 " production\n");
	/* One in time stays good when time is up. */
	assert_string_equal(
		gate(policy,
		     GATE(REQUEST(",\"over\":true,\"grants\":[" GRANT(
			     "carol", "false") "]")),
		     &v),
		"");
}

static void a_refusal_outweighs_approvals(void **state)
{
	static const char policy[] = POLICY("approvals: 1");
	VERDICT;

	(void)state;
	assert_string_equal(
		gate(policy,
		     GATE(REQUEST(",\"grants\":[" GRANT(
			     "carol",
			     "false") "],\"refused\":{\"by\":\"dan\",\"reason\":"
				      "\"biased\\u001b[2J\"}")),
		     &v),
		"aliases.production.approvals: it was refused by 'dan': "
		"biased\\x1b[2J -> mend what was found, then ask again: mreg "
		"request acme/churn@" D1 " production\n");
	assert_has(gate(policy, GATE(REQUEST(",\"refused\":{\"by\":\"dan\"}")),
			&v),
		   "refused by 'dan' ->");
}

/* Nobody can be said not to be somebody unknown. */
static void one_who_asked_and_is_unknown_lets_nobody_approve(void **state)
{
	VERDICT;

	(void)state;
	assert_string_equal(
		gate(POLICY("approvals: 1"),
		     GATE(",\"registeredBy\":\"ada\",\"request\":{\"by\":\"\","
			  "\"grants\":[" GRANT("carol", "false") "]}"),
		     &v),
		"aliases.production.approvals: who asked is not known, and who "
		"asks may not approve -> ask again, as somebody: mreg request "
		"acme/churn@" D1 " production --as NAME\n");
}

static void a_pusher_unknown_lets_nobody_approve(void **state)
{
	VERDICT;

	(void)state;
	assert_has(gate(POLICY("approvals: 1"),
			GATE(",\"request\":{\"by\":\"bea\",\"grants\":[" GRANT(
				"carol", "false") "]}"),
			&v),
		   "who pushed it is not known");
}

static void a_role_that_only_its_pusher_has_is_told(void **state)
{
	VERDICT;

	(void)state;
	assert_has(
		gate("policy: 1\nroles: {risk: [ada, bea]}\n"
		     "aliases: {production: {approvals: {risk: 1}}}\n",
		     GATE(REQUEST(",\"grants\":[" GRANT("ada", "false") "]")),
		     &v),
		"nobody else has that role: ask who keeps the policy");
}

static void what_was_seen_has_to_be_fine(void **state)
{
	static const char policy[] = POLICY("observations: fine");
	VERDICT;

	(void)state;
	assert_string_equal(gate(policy, GATE(SEEN("", "", "")), &v), "");
	assert_string_equal(
		gate(policy,
		     GATE(SEEN("{\"event\":\"" D2
			       "\",\"rule\":\"drift > 0.2\"}",
			       "\"auc < 0.7\"",
			       "{\"event\":\"" D1 "\",\"title\":\"down\"}")),
		     &v),
		"aliases.production.observations: retraining is due (drift > "
		"0.2), auc < 0.7 holds, incident 'down' is open -> train "
		"again, and push that with --because " D2
		"; once the incident is over: mreg incident acme/churn "
		"--close " D1 "\n");
	assert_has(gate(policy, GATE(SEEN("", "\"auc < 0.7\"", "")), &v),
		   "auc < 0.7 holds -> train again\n");
	assert_has(
		gate(policy,
		     GATE(SEEN("", "", "{\"title\":\"a\"},{\"title\":\"b\"}")),
		     &v),
		"-> once the incident is over: mreg incident acme/churn "
		"--close EVENT");
	/* What was not looked for is not fine. */
	assert_has(gate(policy, GATE(",\"retrainDue\":[],\"watches\":[]"), &v),
		   "what was seen of it is not known");
}

static void the_alias_has_to_be_what_its_log_says(void **state)
{
	static const char policy[] = POLICY("current: known");
	VERDICT;

	(void)state;
	assert_string_equal(
		gate(policy, GATE(",\"current\":{\"agrees\":true}"), &v), "");
	assert_has(gate(policy,
			GATE(",\"current\":{\"version\":\"" D2
			     "\",\"agrees\":false,\"differs\":\"foreign\"}"),
			&v),
		   "'production' was moved without mreg -> look at it; then "
		   "mreg log acme/churn --adopt, or mreg alias repair "
		   "acme/churn");
	assert_has(gate(policy,
			GATE(",\"current\":{\"agrees\":false,\"differs\":"
			     "\"unrecorded\"}"),
			&v),
		   "no event tells how 'production' got what it has -> mreg "
		   "log acme/churn --adopt");
	assert_has(gate(policy,
			GATE(",\"current\":{\"agrees\":false,\"differs\":"
			     "\"unfinished\"}"),
			&v),
		   "is not finished -> mreg alias repair acme/churn");
	assert_has(gate(policy, GATE(",\"current\":{}"), &v),
		   "moved without mreg");
	assert_has(gate(policy, GATE(""), &v), "is not known");
}

static void every_unmet_gate_is_told_at_once(void **state)
{
	static const char policy[] =
		POLICY("current: known, observations: fine, approvals: 1, "
		       "age: 1h, through: staging, require: runId");
	VERDICT;

	(void)state;
	gate(policy, GATE(""), &v);
	assert_int_equal(v.v.count, 6);
	assert_int_equal(v.v.checked, 6);
}

static void facts_without_a_gate_fail_its_rules(void **state)
{
	VERDICT;

	(void)state;
	assert_string_equal(
		gate(POLICY("age: 1h"), FACTS(""), &v),
		"aliases.production.age: what the log tells could not be read: "
		"the facts do not have it -> ask again when it can be read\n");
	assert_has(gate(POLICY("age: 1h"),
			FACTS(",\"unread\":{\"gate\":\"no such host\"}"), &v),
		   "could not be read: no such host");
}

static void facts_of_another_gate_are_no_facts(void **state)
{
	static const char policy[] = POLICY("approvals: 1");
	static const char *const bad[] = {
		FACTS(",\"gate\":{\"alias\":\"staging\"}"),
		FACTS(",\"gate\":{}"),
		FACTS(",\"gate\":[]"),
	};
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep) struct mr_policy *p = NULL;
	size_t i;

	(void)state;
	assert_ok(mr_policy_parse(policy, strlen(policy), "p", &p, &err), err);
	for (i = 0; i < MR_COUNT(bad); i++) {
		MR_AUTO(mr_json_freep) json_t *j = NULL;
		struct mr_verdict v;

		assert_ok(mr_json_parse(bad[i], strlen(bad[i]), 4096, "facts",
					&j, &err),
			  err);
		assert_code(MREG_EFORMAT,
			    mr_policy_judge(p, "production", j, &v, &err), err);
	}
}

static void bounds_of_a_gate_compare_with_aliases(void **state)
{
	static const char policy[] =
		POLICY("metrics: {auc: '>= production - 0.01'}");
	VERDICT;

	(void)state;
	assert_string_equal(
		gate(policy,
		     FACTS(",\"metrics\":{\"auc\":0.91},\"baseline\":{"
			   "\"production\":{\"metrics\":{\"auc\":0.92}}}"),
		     &v),
		"");
	assert_has(gate(policy,
			FACTS(",\"metrics\":{\"auc\":0.90},\"baseline\":{"
			      "\"production\":{\"metrics\":{\"auc\":0.92}}}"),
			&v),
		   "aliases.production.metrics.auc: metric 'auc' is 0.9");
}

/* A version in use drifts, gets older, and is itself what bounds of its alias
 * compare with. */
static void what_passes_is_not_asked_of_what_is_in_use(void **state)
{
	static const char policy[] =
		"policy: 1\nmetrics: {auc: ['>= 0.8', '> staging']}\n"
		"aliases: {production: {age: 9d, observations: fine, current: "
		"known, approvals: 1, metrics: {auc: '> production'}}}\n";
	VERDICT;

	(void)state;
	gate(policy,
	     FACTS(",\"at\":\"use\",\"metrics\":{\"auc\":0.7},"
		   "\"gate\":{\"alias\":\"production\"}"),
	     &v);
	assert_int_equal(v.v.checked, 2);
	assert_int_equal(v.v.count, 2);
	assert_has(v.text, "metrics.auc: metric 'auc' is 0.7, at least 0.8");
	assert_has(v.text, "aliases.production.approvals: no approval");
}

static void stands_gates_of_any_shape(void **state)
{
	static const char policy[] =
		"policy: 1\nroles: {risk: alice}\n"
		"aliases: {production: {through: staging, age: 1h, approvals: "
		"{risk: 1}, observations: fine, current: known}}\n";
	VERDICT;

	(void)state;
	gate(policy,
	     GATE(",\"been\":{\"staging\":1},\"ageSeconds\":1e99,\"request\":[],"
		  "\"current\":7,\"registeredBy\":{}" SEEN(
			  "1,null,{}", "{},[],2", "\"x\",{\"title\":[]}")),
	     &v);
	assert_int_equal(v.v.count, 5);
	gate(policy,
	     GATE(REQUEST(",\"over\":1,\"refused\":7,\"grants\":[1,null,{},"
			  "{\"by\":[]},{\"by\":\"alice\",\"late\":true}]")),
	     &v);
	assert_int_equal(v.v.count, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_a_gate_are_asked_at_that_gate_alone),
		cmocka_unit_test(a_push_asks_nothing_of_the_log),
		cmocka_unit_test(came_through_what_it_has_or_had),
		cmocka_unit_test(is_old_enough),
		cmocka_unit_test(takes_approvals_by_role),
		cmocka_unit_test(asks_for_a_request_first),
		cmocka_unit_test(
			neither_pusher_nor_asker_counts_nor_anybody_twice),
		cmocka_unit_test(what_came_too_late_does_not_count),
		cmocka_unit_test(a_refusal_outweighs_approvals),
		cmocka_unit_test(a_pusher_unknown_lets_nobody_approve),
		cmocka_unit_test(
			one_who_asked_and_is_unknown_lets_nobody_approve),
		cmocka_unit_test(a_role_that_only_its_pusher_has_is_told),
		cmocka_unit_test(what_was_seen_has_to_be_fine),
		cmocka_unit_test(the_alias_has_to_be_what_its_log_says),
		cmocka_unit_test(every_unmet_gate_is_told_at_once),
		cmocka_unit_test(facts_without_a_gate_fail_its_rules),
		cmocka_unit_test(facts_of_another_gate_are_no_facts),
		cmocka_unit_test(bounds_of_a_gate_compare_with_aliases),
		cmocka_unit_test(what_passes_is_not_asked_of_what_is_in_use),
		cmocka_unit_test(stands_gates_of_any_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

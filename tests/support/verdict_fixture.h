/*
 * tests/support/verdict_fixture.h - a policy and facts as text in, the verdict
 * as text out; for the tests of rules.
 */
#ifndef TESTS_SUPPORT_VERDICT_FIXTURE_H
#define TESTS_SUPPORT_VERDICT_FIXTURE_H

#include "base/mem.h"
#include "policy/policy.h"

/* Facts of nothing but what is given. */
#define FACTS(members)                                                         \
	"{\"schema\":\"mreg.policy-facts/1\",\"name\":\"churn\","              \
	"\"repository\":\"acme/churn\",\"kind\":\"model\"" members "}"
#define PUSH ",\"at\":\"push\""

struct verdict {
	struct mr_verdict v;
	char text[8192]; /* "rule: problem -> mend\n" of each */
};
void verdict_release(struct verdict *v); /* for MR_AUTO too */

#define VERDICT                                                                \
	MR_AUTO(verdict_release) struct verdict v = { .v = { .count = 0 } }

/* The findings of one policy on one document; "" when it passes. */
const char *judge(const char *policy, const char *facts, struct verdict *out);
/* The same with the rules of an alias. */
const char *judge_gate(const char *policy, const char *gate, const char *facts,
		       struct verdict *out);

#endif

/*
 * verdict_fixture.c - a verdict as text.
 */
#include "tests/support/verdict_fixture.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/test.h"

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

static void judge_n(const char *policy, const char *gate, const char *facts,
		    struct verdict *out)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep) struct mr_policy *p = NULL;
	MR_AUTO(mr_json_freep) json_t *j = NULL;

	assert_ok(mr_policy_parse(policy, strlen(policy), "p", &p, &err), err);
	assert_ok(mr_json_parse(facts, strlen(facts), 1u << 20, "facts", &j,
				&err),
		  err);
	assert_ok(mr_policy_judge(p, gate, j, &out->v, &err), err);
	tell(out);
}

void verdict_release(struct verdict *v)
{
	mr_verdict_release(&v->v);
}

const char *judge_gate(const char *policy, const char *gate, const char *facts,
		       struct verdict *out)
{
	verdict_release(out);
	judge_n(policy, gate, facts, out);
	return out->text;
}

const char *judge(const char *policy, const char *facts, struct verdict *out)
{
	return judge_gate(policy, NULL, facts, out);
}

/*
 * fuzz_policy.c - a policy that is read, written and read again is the same,
 * and any policy judges any facts without failing.
 *
 * The input is a policy, then, behind a NUL, facts.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "policy/policy.h"

static const char no_facts[] = "{\"schema\":\"mreg.policy-facts/1\"}";

static void judge(const struct mr_policy *p, const char *facts, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	const char *gate;
	struct mr_verdict v;
	size_t i;
	int rc;

	if (mr_json_parse(facts, n, 1u << 20, "facts", &j, &err) < 0)
		return;
	gate = json_string_value(
		json_object_get(json_object_get(j, "gate"), "alias"));
	rc = mr_policy_judge(p, gate, j, &v, &err);
	if (rc < 0) {
		assert(rc == MREG_EFORMAT && err.msg[0]);
		return;
	}
	assert(v.checked + v.deferred <= mr_policy_count(p));
	assert(v.count <= v.checked);
	for (i = 0; i < v.count; i++)
		assert(v.items[i].rule[0] && v.items[i].problem[0] &&
		       v.items[i].mend[0]);
	mr_verdict_release(&v);
}

/* What is added takes nothing away. */
static void assert_life(const struct mr_life *l, const struct mr_life *more)
{
	size_t i;

	assert(l->stage_count > 0 && l->approval_hours > 0);
	assert(l->retention_s > 0 && l->review_s >= 0);
	for (i = 0; i < l->role_count; i++)
		assert(mr_life_party(l, l->roles[i].name) == &l->roles[i] &&
		       mr_party_has(&l->roles[i],
				    l->roles[i].members.items[0]));
	for (i = 0; i < l->watch_count; i++) {
		assert(l->watches[i].metric[0] && l->watches[i].windows > 0);
		(void)mr_watch_holds(&l->watches[i], "0.5");
	}
	assert(more->retention_s >= l->retention_s);
	assert(more->approval_hours <= l->approval_hours);
	assert(more->role_count == l->role_count);
	assert(more->watch_count == l->watch_count);
	assert(more->hold.n == l->hold.n && more->hold_all == l->hold_all);
}

static void write_again(const struct mr_policy *p)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep) struct mr_policy *again = NULL;
	MR_AUTO(mr_buf_release) struct mr_buf a = MR_BUF_INIT(4u << 20);
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(4u << 20);
	size_t i;

	assert(mr_policy_write(p, &a, &err) == 0);
	/* A document of escapes grows. */
	if (a.len > MR_POLICY_MAX_BYTES)
		return;
	assert(mr_policy_parse(a.data, a.len, "again", &again, &err) == 0);
	assert(mr_policy_write(again, &b, &err) == 0);
	assert(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
	assert(mr_policy_count(again) == mr_policy_count(p));
	for (i = 0; i < mr_policy_count(p); i++)
		assert(strcmp(mr_policy_rule(p, i), mr_policy_rule(again, i)) ==
		       0);
	i = mr_policy_count(again);
	assert(mr_policy_add(again, p, &err) == 0);
	assert(mr_policy_count(again) == 2 * i);
	assert_life(mr_policy_life(p), mr_policy_life(again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_policy_freep) struct mr_policy *p = NULL;
	const char *text = (const char *)data;
	const char *nul = size ? memchr(data, '\0', size) : NULL;
	size_t n = nul ? (size_t)(nul - text) : size;
	int rc = mr_policy_parse(text, n, "fuzz", &p, &err);

	if (rc < 0) {
		assert(err.msg[0]);
		return 0;
	}
	write_again(p);
	judge(p, no_facts, sizeof(no_facts) - 1);
	if (nul)
		judge(p, nul + 1, size - n - 1);
	return 0;
}

/*
 * policy_refusal.c - what a policy refused, rule by rule: an error has no room
 * for it, so the session keeps it.
 */
#include "mreg/policy.h"

#include "base/error.h"
#include "base/mem.h"
#include "ops/policy.h"

const struct mreg_policy_finding *mr_policy_findings(
	struct mr_arena *a, const struct mr_policies *by,
	const struct mr_finding *items, size_t n)
{
	struct mreg_policy_finding *to =
		mr_arena_alloc(a, (n + 1) * sizeof(*to));
	size_t i;

	for (i = 0; to && i < n; i++) {
		const struct mr_finding *from = &items[i];

		to[i].rule = mr_arena_strdup(a, from->rule);
		to[i].problem = mr_arena_strdup(a, from->problem);
		to[i].mend = mr_arena_strdup(a, from->mend);
		to[i].where =
			mr_arena_strdup(a, by->sources[from->source].where);
	}
	return to;
}

void mr_refusal_forget(struct mreg *m)
{
	mr_arena_free(m->refusal);
	m->refusal = NULL;
	m->findings = NULL;
	m->finding_count = 0;
}

/* Without memory for it the error still tells what it has room for. */
void mr_refusal_keep(struct mreg *m, const struct mr_policies *by,
		     const struct mr_verdict *v)
{
	struct mreg_error ignored = MREG_ERROR_INIT;

	mr_refusal_forget(m);
	if (mr_result_arena(&m->refusal, &ignored) < 0)
		return;
	m->findings = mr_policy_findings(m->refusal, by, v->items, v->count);
	m->finding_count = v->count;
	if (mr_arena_failed(m->refusal))
		mr_refusal_forget(m);
}

const struct mreg_policy_finding *mreg_policy_refusal(const struct mreg *m,
						      size_t *count)
{
	*count = m->finding_count;
	return m->findings;
}

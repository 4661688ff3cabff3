/*
 * policy_refusal.c - what a policy refused, rule by rule: an error has no room
 * for it, so the session keeps it.
 */
#include "mreg/policy.h"

#include "base/error.h"
#include "base/mem.h"
#include "ops/refusal.h"

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

int mr_refusal_keep(struct mreg *m, const struct mr_policies *by,
		    const struct mr_verdict *v, struct mreg_error *err)
{
	struct mr_refusal *r = mr_zalloc(sizeof(*r));
	int rc;

	mr_refusal_free(m->refusal);
	m->refusal = r;
	if (!r)
		return mr_fail_nomem(err);
	rc = mr_result_arena(&r->arena, err);
	if (rc < 0)
		return rc;
	r->items = mr_policy_findings(r->arena, by, v->items, v->count);
	rc = mr_result_check(r->arena, err);
	r->count = rc < 0 ? 0 : v->count;
	return rc;
}

const struct mreg_policy_finding *mreg_policy_refusal(const struct mreg *m,
						      size_t *count)
{
	*count = m->refusal ? m->refusal->count : 0;
	return m->refusal ? m->refusal->items : NULL;
}

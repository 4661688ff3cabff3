/*
 * ops/refusal.h - what a policy refused, in full: policy_refusal.c.
 */
#ifndef MR_OPS_REFUSAL_H
#define MR_OPS_REFUSAL_H

#include "ops/policy.h"

/* Findings of a verdict, for a result; NULL: the arena failed. */
const struct mreg_policy_finding *mr_policy_findings(
	struct mr_arena *a, const struct mr_policies *by,
	const struct mr_finding *items, size_t n);

/* Into the session, instead of what was there; freed with it. */
int mr_refusal_keep(struct mreg *m, const struct mr_policies *by,
		    const struct mr_verdict *v, struct mreg_error *err);

#endif

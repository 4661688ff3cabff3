/*
 * judge.c - what the policy in force says of a version that an alias is to
 * have, or to have a share of.
 */
#include <string.h>

#include "life/names.h"

int mr_gate_judge(struct mreg *m, struct mr_look *l, struct mr_history *h,
		  const char *alias, const struct mreg_texts *files,
		  struct mr_arena *a, struct mr_case *c, bool *gated,
		  struct mreg_error *err)
{
	struct mr_question q = { .alias = alias };
	int rc;

	*gated = false;
	mr_case_release(c);
	memset(c, 0, sizeof(*c));
	c->arena = a;
	rc = mr_policies_known(m, &l->ref, l->s, h, files, a, &c->policies,
			       err);
	if (rc < 0 || !c->policies.policy)
		return rc;
	*gated = mr_policy_gated(c->policies.policy, alias);
	q.gated = *gated;
	return mr_case_version(l, h, &q, c, err);
}

/*
 * push_policy.c - the verdict on what is about to be pushed, before the first
 * byte of it is sent.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "ops/push.h"
#include "rule/rule.h"

/* By the policies that `out` has. */
static int judge_push(struct push *p, bool all, struct mr_arena *a,
		      struct mr_case *out, struct mreg_error *err)
{
	struct mr_policy_subject u = {
		.m = p->m,
		.ref = &p->ref,
		.s = p->to,
		.meta = p->meta,
		.aliases = { p->aliases[0], p->aliases[1] },
		.release = p->release,
		.history = &p->history,
	};
	struct mr_policy_needs needs;
	int rc;

	if (!out->policies.policy && !all)
		return 0;
	mr_case_needs(out, NULL, all, &needs);
	rc = mr_push_policy_files(p, needs.formats, a, &u, err);
	return rc < 0 ? rc : mr_case_judge(&u, all, out, err);
}

int mr_push_case(struct push *p, const struct mreg_texts *files, bool all,
		 struct mr_arena *a, struct mr_case *out,
		 struct mreg_error *err)
{
	int rc = mr_policies_load(p->m, &p->ref, p->to, &p->history, files, a,
				  &out->policies, err);

	if (rc >= 0)
		rc = judge_push(p, all, a, out, err);
	return rc < 0 ? rc
		      : mr_verdict_gated(&out->policies, p->aliases,
					 MR_COUNT(p->aliases), &out->verdict,
					 err);
}

/* Whether it is a version already, as a push whose files are remembered would
 * have found without asking for a policy. */
static int is_there(struct push *p, bool *there, struct mreg_error *err)
{
	const struct mr_event *e;
	uint64_t number = 0;
	int rc = mr_plan_hash(&p->plan, p->from, p->jobs, err);

	if (rc >= 0)
		rc = mr_push_judge(p, err);
	if (rc >= 0)
		rc = mr_push_docs(p, err);
	if (rc >= 0)
		rc = mr_log_number(p->to, &p->history,
				   &p->docs.manifest_desc.digest, &number, &e,
				   err);
	*there = number > 0;
	return rc;
}

/* Those of its aliases that have another version, or none; else NULL. */
static int find_moved(struct push *p, const char *moved[2],
		      struct mreg_error *err)
{
	struct mreg_desc now;
	bool found;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < MR_COUNT(p->aliases); i++) {
		moved[i] = p->aliases[i];
		if (!moved[i])
			continue;
		rc = mr_tag_resolve(p->to, moved[i], &now, &found, err);
		if (rc >= 0 && found &&
		    mreg_digest_equal(&now.digest,
				      &p->docs.manifest_desc.digest))
			moved[i] = NULL;
	}
	return rc;
}

/* What is a version already was judged when it was pushed, but not by the
 * pusher's own rules, nor under the aliases it gets now. */
static int judge_again(struct push *p, struct mr_case *c, struct mr_arena *a,
		       struct mreg_error *err)
{
	MR_AUTO(mr_case_release)
	struct mr_case own = { .facts = { .max = 0 } };
	const char *moved[MR_COUNT(p->aliases)];
	int rc = find_moved(p, moved, err);

	if (rc >= 0)
		rc = mr_policy_aliases_by(p->m, &c->policies, p->meta->kind,
					  moved, MR_COUNT(moved), err);
	if (rc >= 0)
		rc = mr_policies_files(&p->o->policies, a, &own.policies, err);
	if (rc >= 0)
		rc = judge_push(p, false, a, &own, err);
	if (rc < 0 || !own.verdict.count)
		return rc;
	return mr_policy_refuse(p->m, "nothing was pushed", &own.policies,
				&own.verdict, err);
}

static void tell_idle(struct push *p, const struct mr_verdict *v)
{
	size_t i;

	for (i = 0; i < v->idle_count; i++)
		mr_log(&p->m->env, MREG_LOG_INFO, "%s holds: %s",
		       v->idle[i].rule, v->idle[i].problem);
}

int mr_push_policy(struct push *p, struct mreg_error *err)
{
	MR_AUTO(mr_case_release)
	struct mr_case c = { .facts = { .max = 0 } };
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	bool there = false;
	int rc = mr_result_arena(&a, err);

	if (rc >= 0)
		rc = mr_push_case(p, &p->o->policies, false, a, &c, err);
	if (rc >= 0)
		tell_idle(p, &c.verdict);
	if (rc < 0 || !c.verdict.count)
		return rc;
	rc = is_there(p, &there, err);
	if (rc < 0)
		return rc;
	return there ? judge_again(p, &c, a, err)
		     : mr_policy_refuse_aliases(p->m, "nothing was pushed",
						&c.policies, &c.verdict, err);
}

/*
 * policy_push.c - the verdict on what is about to be pushed, before the first
 * byte of it is sent.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "ops/policy.h"
#include "ops/push.h"

/* Of "and 100 more" in the error, with its end. */
#define MORE_BYTES 32

void mr_case_release(struct mr_case *c)
{
	mr_policies_release(&c->policies);
	mr_buf_release(&c->facts);
	mr_verdict_release(&c->verdict);
}

void mr_case_needs(const struct mr_case *c, bool all,
		   struct mr_policy_needs *out)
{
	memset(out, 0, sizeof(*out));
	if (c->policies.policy)
		mr_policy_needs(c->policies.policy, out);
	out->formats = out->formats || all;
	out->ancestors = out->ancestors || all;
	out->attachments = out->attachments || all;
	out->evaluations = out->evaluations || all;
}

int mr_case_judge(const struct mr_policy_subject *u, bool all,
		  struct mr_case *out, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *facts = NULL;
	struct mr_policy_needs needs;
	int rc;

	mr_case_needs(out, all, &needs);
	mr_buf_init(&out->facts, MR_POLICY_FACTS_MAX_BYTES);
	rc = mr_policy_facts(u, &needs, &out->facts, err);
	if (rc < 0 || !out->policies.policy)
		return rc;
	rc = mr_json_parse(out->facts.data, out->facts.len,
			   MR_POLICY_FACTS_MAX_BYTES, "facts", &facts, err);
	if (rc >= 0)
		rc = mr_policy_judge(out->policies.policy, facts, &out->verdict,
				     err);
	return rc;
}

int mr_push_case(struct push *p, const char *file, bool all, struct mr_arena *a,
		 struct mr_case *out, struct mreg_error *err)
{
	struct mr_policy_subject u = {
		.m = p->m,
		.ref = &p->ref,
		.s = p->to,
		.meta = p->meta,
		.aliases = { p->aliases[0], p->aliases[1] },
		.release = p->release,
	};
	struct mr_policy_needs needs;
	int rc = mr_policies_load(p->m, &p->ref, p->to, &p->history, file, a,
				  &out->policies, err);

	if (rc < 0 || (!out->policies.policy && !all))
		return rc;
	mr_case_needs(out, all, &needs);
	rc = mr_policy_files_local(p, needs.formats, a, &u, err);
	return rc < 0 ? rc : mr_case_judge(&u, all, out, err);
}

/* What is wrong, as far as an error has room for it; all of it is logged. */
static void put_causes(const struct mr_verdict *v, struct mr_buf *b)
{
	size_t room = sizeof(((struct mreg_error *)NULL)->cause) - MORE_BYTES;
	size_t i;

	for (i = 0; i < v->count; i++) {
		size_t need = strlen(v->items[i].rule) +
			      strlen(v->items[i].problem) + 4;

		if (b->len + need > room)
			break;
		mr_buf_printf(b, "%s%s: %s", i ? "; " : "", v->items[i].rule,
			      v->items[i].problem);
	}
	if (i < v->count)
		mr_buf_printf(b, "%s%zu more", i ? "; and " : "", v->count - i);
}

static int refuse(struct push *p, const struct mr_case *c,
		  struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf causes = MR_BUF_INIT(4096);
	const struct mr_verdict *v = &c->verdict;
	size_t i;

	for (i = 0; i < v->count; i++)
		mr_log(&p->m->env, MREG_LOG_ERROR, "%s: %s -> %s",
		       v->items[i].rule, v->items[i].problem, v->items[i].mend);
	put_causes(v, &causes);
	(void)mr_fail(err, MREG_EPOLICY,
		      "nothing was pushed: the policy of '%.100s' refuses it, "
		      "%zu of %zu rules fail",
		      c->policies.sources[0].where, v->count, v->checked);
	(void)mr_cause(err, "%s", mr_buf_text(&causes));
	return mr_hint(err, "mend what is said of each rule, then push again; "
			    "'mreg policy check' tries it");
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

int mr_push_policy(struct push *p, struct mreg_error *err)
{
	MR_AUTO(mr_case_release)
	struct mr_case c = { .facts = { .max = 0 } };
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	bool there = false;
	int rc = mr_result_arena(&a, err);

	if (rc >= 0)
		rc = mr_push_case(p, p->o->policy, false, a, &c, err);
	if (rc < 0 || !c.verdict.count)
		return rc;
	if (!p->o->policy)
		rc = is_there(p, &there, err);
	return rc < 0 || there ? rc : refuse(p, &c, err);
}

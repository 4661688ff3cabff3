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
#include "ops/refusal.h"

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
	MR_AUTO(mr_buf_release)
	struct mr_buf exact = MR_BUF_INIT(2 * MR_POLICY_FACTS_MAX_BYTES);
	struct mr_policy_needs needs;
	int rc;

	mr_case_needs(out, all, &needs);
	mr_buf_init(&out->facts, MR_POLICY_FACTS_MAX_BYTES);
	rc = mr_policy_facts(u, &needs, &out->facts, err);
	if (rc < 0 || !out->policies.policy)
		return rc;
	mr_put_quoted(&exact, mr_buf_text(&out->facts));
	rc = mr_buf_check(&exact, "facts", err);
	if (rc >= 0)
		rc = mr_json_parse(exact.data, exact.len,
				   2 * MR_POLICY_FACTS_MAX_BYTES, "facts",
				   &facts, err);
	if (rc >= 0)
		rc = mr_policy_judge(out->policies.policy, facts, &out->verdict,
				     err);
	return rc;
}

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
	};
	struct mr_policy_needs needs;
	int rc;

	if (!out->policies.policy && !all)
		return 0;
	mr_case_needs(out, all, &needs);
	rc = mr_policy_files_local(p, needs.formats, a, &u, err);
	return rc < 0 ? rc : mr_case_judge(&u, all, out, err);
}

int mr_push_case(struct push *p, const struct mreg_texts *files, bool all,
		 struct mr_arena *a, struct mr_case *out,
		 struct mreg_error *err)
{
	int rc = mr_policies_load(p->m, &p->ref, p->to, &p->history, files, a,
				  &out->policies, err);

	return rc < 0 ? rc : judge_push(p, all, a, out, err);
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

/* "the policy of 'churn'", "the policies 'churn', 'more.yaml'". */
static void put_sources(const struct mr_policies *by, struct mr_buf *b)
{
	size_t i;

	if (by->source_count > 1)
		mr_buf_puts(b, "the policies");
	else
		mr_buf_puts(b, by->sources[0].file ? "the policy in"
						   : "the policy of");
	for (i = 0; i < by->source_count; i++)
		mr_buf_printf(b, "%s '%.100s'", i ? "," : "",
			      by->sources[i].where);
}

int mr_policy_refuse(struct mreg *m, const char *what,
		     const struct mr_policies *by, const struct mr_verdict *v,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf causes = MR_BUF_INIT(4096);
	MR_AUTO(mr_buf_release) struct mr_buf sources = MR_BUF_INIT(65536);
	size_t i;
	int rc;

	for (i = 0; i < v->count; i++)
		mr_log(&m->env, MREG_LOG_ERROR, "%s: %s -> %s",
		       v->items[i].rule, v->items[i].problem, v->items[i].mend);
	rc = mr_refusal_keep(m, by, v, err);
	if (rc < 0)
		return rc;
	put_causes(v, &causes);
	put_sources(by, &sources);
	(void)mr_fail(err, MREG_EPOLICY,
		      "%s: %.160s refuse%s it, %zu of %zu "
		      "rules fail",
		      what, mr_buf_text(&sources),
		      by->source_count > 1 ? "" : "s", v->count, v->checked);
	(void)mr_cause(err, "%s", mr_buf_text(&causes));
	return mr_hint(err, "mend what is said of each rule, then run it "
			    "again; 'mreg policy check' tries a push");
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

/* What is a version already was judged when it was pushed, but not by the
 * pusher's own rules, nor under the aliases it gets now. */
static int judge_again(struct push *p, struct mr_case *c, struct mr_arena *a,
		       struct mreg_error *err)
{
	MR_AUTO(mr_case_release)
	struct mr_case own = { .facts = { .max = 0 } };
	const char *what = "nothing was pushed";
	int rc;

	mr_verdict_aliases(&c->verdict);
	if (c->verdict.count)
		return mr_policy_refuse(p->m, what, &c->policies, &c->verdict,
					err);
	rc = mr_policies_files(&p->o->policies, a, &own.policies, err);
	if (rc >= 0)
		rc = judge_push(p, false, a, &own, err);
	if (rc < 0 || !own.verdict.count)
		return rc;
	return mr_policy_refuse(p->m, what, &own.policies, &own.verdict, err);
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
		     : mr_policy_refuse(p->m, "nothing was pushed", &c.policies,
					&c.verdict, err);
}

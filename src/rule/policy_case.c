/*
 * policy_case.c - facts of a subject, and the verdict on them.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "look/look.h"
#include "rule/rule.h"

void mr_case_release(struct mr_case *c)
{
	mr_policies_release(&c->policies);
	mr_buf_release(&c->facts);
	mr_verdict_release(&c->verdict);
}

void mr_case_needs(const struct mr_case *c, const char *gate, bool all,
		   struct mr_policy_needs *out)
{
	memset(out, 0, sizeof(*out));
	if (c->policies.policy)
		mr_policy_needs(c->policies.policy, gate, out);
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

	mr_case_needs(out, u->gate, all, &needs);
	/* What others have is not asked of what is in use. */
	if (u->use)
		needs.baseline_count = 0;
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
		rc = mr_policy_judge(out->policies.policy, u->gate, facts,
				     &out->verdict, err);
	return rc;
}

/* Its metadata, with what was given after the fact. */
static int fold_meta(struct mr_look *l, struct mr_history *h,
		     struct mr_arena *a, struct mreg_error *err)
{
	MR_AUTO(mr_standing_release) struct mr_standing now = { .arena = NULL };
	struct mr_edits edits;
	int rc = mr_ledger_standing(h->ledger, MR_STANDING_NOW, &now, err);

	mr_meta_freep(&l->meta);
	if (rc >= 0)
		rc = mr_look_meta(l, err);
	return rc < 0 ? rc
		      : mr_look_fold(&now, &l->manifest->desc.digest, l->meta,
				     a, &edits, err);
}

int mr_case_version(struct mr_look *l, struct mr_history *h,
		    const struct mr_question *q, struct mr_case *out,
		    struct mreg_error *err)
{
	struct mr_policy_subject u = {
		.m = l->m,
		.ref = &l->ref,
		.s = l->s,
		.version = &l->manifest->desc.digest,
		.aliases = { q->alias },
		.use = q->use,
		.gate = q->gated ? q->alias : NULL,
		.history = h,
		.policy = out->policies.policy,
	};
	struct mr_policy_needs needs;
	int rc = 0;

	/* It may be judged again, by a log that says more. */
	if (!l->files)
		rc = mr_look_files(l, err);
	if (rc >= 0)
		rc = fold_meta(l, h, out->arena, err);
	if (rc < 0)
		return rc;
	u.meta = l->meta;
	if (mr_tag_kind(l->ref.tag) == MR_TAG_RELEASE)
		u.release = l->ref.tag;
	mr_case_needs(out, u.gate, q->all, &needs);
	rc = mr_policy_files_remote(l, needs.formats, out->arena, &u, err);
	return rc < 0 ? rc : mr_case_judge(&u, q->all, out, err);
}

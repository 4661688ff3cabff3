/*
 * policy_refusal.c - what a policy refused, rule by rule: an error has no room
 * for it, so the session keeps it.
 */
#include "mreg/policy.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "rule/rule.h"

/* Of "and 100 more" in the error, with its end. */
#define MORE_BYTES 32

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

/* Into the session, instead of what was there; freed with it. */
static int keep(struct mreg *m, const struct mr_policies *by,
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
	rc = keep(m, by, v, err);
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

const struct mreg_policy_finding *mreg_policy_refusal(const struct mreg *m,
						      size_t *count)
{
	*count = m->refusal ? m->refusal->count : 0;
	return m->refusal ? m->refusal->items : NULL;
}

/*
 * gate.c - the aliases of a policy that have rules of their own, and what they
 * are compared with.
 */
#include "policy/policy.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "policy/rule.h"

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

struct mr_gate *mr_gate_find(const struct mr_policy *p, const char *alias)
{
	size_t i;

	for (i = 0; i < p->gate_count; i++)
		if (same(p->gates[i].alias, alias))
			return &p->gates[i];
	return NULL;
}

static int note(struct mr_gate *g, const char *alias, struct mreg_error *err)
{
	if (mr_list_has(&g->baselines, alias))
		return 0;
	return mr_list_add(&g->baselines, alias, err);
}

int mr_gate_add(struct mr_policy *p, const char *alias, struct mreg_error *err)
{
	void *gates = p->gates;
	struct mr_gate *g;
	size_t i;
	int rc = 0;

	if (mr_gate_find(p, alias))
		return 0;
	if (mr_grow(&gates, &p->gate_cap, p->gate_count + 1,
		    sizeof(*p->gates)) < 0)
		return mr_fail_nomem(err);
	p->gates = gates;
	g = &p->gates[p->gate_count++];
	*g = (struct mr_gate){ .alias = alias };
	/* What is always asked is asked at a gate too. */
	for (i = 0; rc >= 0 && i < p->gates[0].baselines.n; i++)
		rc = note(g, p->gates[0].baselines.items[i], err);
	return rc;
}

int mr_gate_compare(struct mr_policy *p, const char *gate, const char *alias,
		    struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < p->gate_count; i++)
		if (!gate || same(p->gates[i].alias, gate))
			rc = note(&p->gates[i], alias, err);
	return rc;
}

void mr_gates_release(struct mr_policy *p)
{
	size_t i;

	for (i = 0; i < p->gate_count; i++)
		mr_list_release(&p->gates[i].baselines);
	mr_release(p->gates);
}

bool mr_rule_asked(const struct mr_rule *r, const char *gate)
{
	return !r->gate || same(r->gate, gate);
}

bool mr_policy_gated(const struct mr_policy *p, const char *alias)
{
	return p && mr_gate_find(p, alias) != NULL;
}

/*
 * policy.c - a policy as a value: parsed, added to, written, asked what it
 * needs.
 */
#include "policy/policy.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "policy/rule.h"

/* The tree, and what the rules say in words. */
#define ARENA_MAX_BYTES (2 * MR_YAML_ARENA_BYTES)
#define SHOWN_BYTES 96

void mr_policy_free(struct mr_policy *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->count; i++)
		mr_pattern_free(p->rules[i].pattern);
	mr_release(p->rules);
	mr_gates_release(p);
	mr_arena_free(p->arena);
	mr_release(p);
}

void mr_policy_freep(struct mr_policy **p)
{
	mr_policy_free(*p);
	*p = NULL;
}

/* Rules of the document to those that `p` has. */
static int take_document(struct mr_policy *p, const char *bytes, size_t n,
			 const char *name, struct mr_node **root,
			 struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	int rc;

	(void)mr_text_safe(name, shown, sizeof(shown));
	if (n > MR_POLICY_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT,
			       "policy '%s' is larger than %u bytes", shown,
			       MR_POLICY_MAX_BYTES);
	rc = mr_yaml_parse(p->arena, bytes, n, shown, root, err);
	if (rc < 0)
		return rc;
	rc = mr_policy_read(p, *root, shown, err);
	if (rc >= 0 && mr_arena_failed(p->arena))
		return mr_fail_nomem(err);
	return rc;
}

int mr_policy_parse(const char *bytes, size_t n, const char *name,
		    struct mr_policy **out, struct mreg_error *err)
{
	MR_AUTO(mr_policy_freep) struct mr_policy *p = mr_zalloc(sizeof(*p));
	struct mr_node *root = NULL;
	int rc;

	if (!p)
		return mr_fail_nomem(err);
	p->arena = mr_arena_new(ARENA_MAX_BYTES);
	if (!p->arena)
		return mr_fail_nomem(err);
	rc = mr_gate_add(p, NULL, err);
	if (rc >= 0)
		rc = take_document(p, bytes, n, name, &root, err);
	if (rc < 0)
		return rc;
	p->root = root;
	*out = mr_steal(&p);
	return 0;
}

int mr_policy_write(const struct mr_policy *p, struct mr_buf *out,
		    struct mreg_error *err)
{
	mr_node_json(p->root, out);
	return mr_buf_check(out, "policy", err);
}

/* By way of its text: patterns are compiled once more, and nothing is shared
 * between two policies. */
int mr_policy_add(struct mr_policy *p, const struct mr_policy *more,
		  struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf text = MR_BUF_INIT(2 * MR_POLICY_MAX_BYTES);
	size_t i = p->count;
	struct mr_node *root;
	int rc = mr_policy_write(more, &text, err);

	if (rc < 0)
		return rc;
	rc = mr_node_parse_json(p->arena, mr_buf_text(&text), text.len,
				"added policy", &root, err);
	if (rc < 0)
		return rc;
	rc = mr_policy_read(p, root, "added policy", err);
	p->added++;
	for (; i < p->count; i++)
		p->rules[i].source = p->added;
	if (rc >= 0 && mr_arena_failed(p->arena))
		return mr_fail_nomem(err);
	return rc;
}

size_t mr_policy_count(const struct mr_policy *p)
{
	return p->count;
}

const char *mr_policy_rule(const struct mr_policy *p, size_t i)
{
	return p->rules[i].name;
}

const char *mr_policy_says(const struct mr_policy *p, size_t i)
{
	return p->rules[i].says;
}

const char *mr_policy_kinds(const struct mr_policy *p, struct mr_arena *a)
{
	static const char *const names[] = { "model", "dataset", "prompt" };
	/* Those of what was added come behind them. */
	unsigned int kinds = p->count ? p->rules[0].kinds : MR_KIND_ALL;
	const char *text = NULL;
	size_t i;

	for (i = 0; kinds != MR_KIND_ALL && i < MR_COUNT(names); i++)
		if (kinds & 1u << i)
			text = text ? mr_arena_printf(a, "%s, %s", text,
						      names[i])
				    : names[i];
	return text;
}

/* What one rule needs. */
static void add_needs(const struct mr_rule *r, struct mr_policy_needs *out)
{
	switch (r->kind) {
	case MR_RULE_FORMATS:
	case MR_RULE_PICKLE:
	case MR_RULE_UNSAFE:
	case MR_RULE_TROUBLE:
		out->formats = true;
		break;
	case MR_RULE_LICENSE:
		if (r->scope != MR_SCOPE_OWN)
			out->ancestors = true;
		break;
	case MR_RULE_SUITE:
	case MR_RULE_SUITE_METRIC:
		out->evaluations = true;
		break;
	case MR_RULE_ATTACHMENT:
		out->attachments = true;
		break;
	case MR_RULE_REQUIRE:
		if (r->key.group == MR_KEY_CARD)
			out->attachments = true;
		break;
	case MR_RULE_THROUGH:
	case MR_RULE_AGE:
	case MR_RULE_APPROVALS:
	case MR_RULE_OBSERVATIONS:
	case MR_RULE_CURRENT:
		out->gate = true;
		break;
	default:
		break;
	}
}

void mr_policy_needs(const struct mr_policy *p, const char *gate,
		     struct mr_policy_needs *out)
{
	const struct mr_gate *g = mr_gate_find(p, gate);
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < p->count; i++)
		if (mr_rule_asked(&p->rules[i], gate))
			add_needs(&p->rules[i], out);
	if (!g)
		g = &p->gates[0];
	out->baselines = (const char *const *)g->baselines.items;
	out->baseline_count = g->baselines.n;
}

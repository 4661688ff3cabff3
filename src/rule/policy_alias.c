/*
 * policy_alias.c - what is said of aliases, where one is moved to a version
 * that is there already: how they may be called, and that one with gates is
 * moved by promote alone.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "rule/rule.h"

#define FACTS_MAX_BYTES 4096
#define FINDINGS_MAX_BYTES (64u << 10)
#define RULE_BYTES 160 /* "aliases." and the longest alias */

/* Findings of other rules are dropped. */
static void keep_naming(struct mr_verdict *v)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < v->count; i++)
		if (strcmp(v->items[i].rule, "naming.alias") == 0)
			v->items[n++] = v->items[i];
	v->count = n;
}

/* Whose document has gates for the alias: as in mr_finding. */
static size_t find_source(const struct mr_policies *by, const char *alias)
{
	char prefix[RULE_BYTES];
	size_t i, k;

	(void)snprintf(prefix, sizeof(prefix), "aliases.%s.", alias);
	for (i = 0; i < by->source_count; i++)
		for (k = 0; k < by->sources[i].rule_count; k++)
			if (mr_text_starts(by->sources[i].rules[k].name,
					   prefix))
				return i;
	return 0;
}

static void add_gated(const struct mr_policies *by, const char *alias,
		      struct mr_verdict *v)
{
	struct mr_arena *a = v->arena;

	v->items[v->count++] = (struct mr_finding){
		.rule = mr_arena_printf(a, "aliases.%s", alias),
		.problem = mr_arena_printf(
			a, "alias '%s' has gates, which only promote asks",
			alias),
		.mend = mr_arena_printf(a, "leave it to 'mreg promote REF %s'",
					alias),
		.source = find_source(by, alias),
	};
	v->checked++;
}

int mr_verdict_gated(const struct mr_policies *by, const char *const *aliases,
		     size_t n, struct mr_verdict *v, struct mreg_error *err)
{
	struct mr_finding *items;
	size_t i;

	if (!by->policy)
		return 0;
	if (!v->arena)
		v->arena = mr_arena_new(FINDINGS_MAX_BYTES);
	if (!v->arena)
		return mr_fail_nomem(err);
	items = mr_arena_alloc(v->arena, (v->count + n + 1) * sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	if (v->count)
		memcpy(items, v->items, v->count * sizeof(*items));
	v->items = items;
	for (i = 0; i < n; i++)
		if (aliases[i] && mr_policy_gated(by->policy, aliases[i]))
			add_gated(by, aliases[i], v);
	return mr_arena_failed(v->arena) ? mr_fail_nomem(err) : 0;
}

int mr_policy_refuse_aliases(struct mreg *m, const char *what,
			     const struct mr_policies *by,
			     const struct mr_verdict *v, struct mreg_error *err)
{
	int rc = mr_policy_refuse(m, what, by, v, err);
	size_t i;

	for (i = 0; rc == MREG_EPOLICY && i < v->count; i++)
		if (mr_text_starts(v->items[i].rule, "aliases."))
			return mr_hint(err, "'mreg promote REF ALIAS' asks "
					    "what its gates demand, and moves "
					    "it then");
	return rc;
}

/* The policies are asked about all there is, and it is little: what they say
 * of other things than the aliases does not count. */
static int judge(const struct mr_policies *by, const char *kind,
		 const char *const *aliases, size_t n, struct mr_verdict *out,
		 struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(FACTS_MAX_BYTES);
	MR_AUTO(mr_json_freep) json_t *facts = NULL;
	size_t i;
	int rc;

	mr_put_begin(&b, NULL, '{');
	mr_put_text(&b, "schema", MR_POLICY_FACTS_SCHEMA);
	mr_put_text(&b, "kind", kind ? kind : "model");
	mr_put_begin(&b, "aliases", '[');
	for (i = 0; i < n; i++)
		mr_put_text(&b, NULL, aliases[i]);
	mr_put_end(&b, ']');
	mr_put_end(&b, '}');
	rc = mr_buf_check(&b, "facts", err);
	if (rc >= 0)
		rc = mr_json_parse(b.data, b.len, FACTS_MAX_BYTES, "facts",
				   &facts, err);
	if (rc >= 0)
		rc = mr_policy_judge(by->policy, NULL, facts, out, err);
	if (rc < 0)
		return rc;
	keep_naming(out);
	return mr_verdict_gated(by, aliases, n, out, err);
}

int mr_policy_aliases_by(struct mreg *m, const struct mr_policies *by,
			 const char *kind, const char *const *aliases, size_t n,
			 struct mreg_error *err)
{
	MR_AUTO(mr_verdict_release) struct mr_verdict v = { .count = 0 };
	int rc = by->policy ? judge(by, kind, aliases, n, &v, err) : 0;

	if (rc < 0 || !v.count)
		return rc;
	v.checked = v.count;
	return mr_policy_refuse_aliases(m, "no alias was moved", by, &v, err);
}

int mr_policy_aliases(struct mreg *m, const struct mreg_ref *ref,
		      struct mr_store *s, struct mr_history *h,
		      const char *kind, const char *const *aliases, size_t n,
		      struct mreg_error *err)
{
	MR_AUTO(mr_policies_release) struct mr_policies by = { .policy = NULL };
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	size_t given = 0;
	size_t i;
	int rc;

	for (i = 0; i < n; i++)
		given += aliases[i] != NULL;
	if (!given)
		return 0;
	rc = mr_result_arena(&a, err);
	if (rc >= 0)
		rc = mr_policies_load(m, ref, s, h, NULL, a, &by, err);
	return rc < 0 ? rc
		      : mr_policy_aliases_by(m, &by, kind, aliases, n, err);
}

int mr_policy_alias(struct mreg *m, const struct mreg_ref *ref,
		    struct mr_store *s, struct mr_history *h,
		    const struct mreg_digest *version, const char *alias,
		    struct mreg_error *err)
{
	MR_AUTO(mr_policies_release) struct mr_policies by = { .policy = NULL };
	MR_AUTO(mr_manifest_freep) struct mr_manifest *manifest = NULL;
	MR_AUTO(mr_meta_freep) struct mr_meta *meta = NULL;
	MR_AUTO(mr_arena_freep) struct mr_arena *a = NULL;
	int rc = mr_result_arena(&a, err);

	if (rc >= 0)
		rc = mr_policies_load(m, ref, s, h, NULL, a, &by, err);
	if (rc < 0 || !by.policy)
		return rc;
	rc = mr_manifest_fetch(m, s, version, &manifest, err);
	if (rc >= 0)
		rc = mr_meta_new(&meta, err);
	if (rc >= 0 && !manifest->is_index)
		rc = mr_meta_read(manifest, meta, err);
	return rc < 0 ? rc
		      : mr_policy_aliases_by(m, &by, meta->kind, &alias, 1,
					     err);
}

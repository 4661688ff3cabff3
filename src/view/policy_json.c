/*
 * policy_json.c - policies and their verdicts as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

#include <string.h>

#include "base/json.h"

/* Appends to a list that may be NULL after an earlier failure. */
static json_t *append(json_t *list, json_t *value)
{
	if (list && json_array_append_new(list, value) == 0)
		return list;
	json_decref(list);
	return NULL;
}

static void put_rules(struct mr_view *v, const struct mreg_policy_rule *rules,
		      size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < n; i++) {
		struct mr_view row;

		mr_view_init(&row, NULL);
		mr_view_str(&row, "rule", rules[i].name);
		mr_view_str(&row, "says", rules[i].says);
		list = append(list, mr_view_take(&row));
	}
	mr_view_put(v, "rules", list);
}

/* NULL: out of memory, since it was read before. */
static json_t *document_of(const struct mreg_policy_source *s)
{
	struct mreg_error err = MREG_ERROR_INIT;
	size_t n = strlen(s->document);
	json_t *j = NULL;

	(void)mr_json_parse(s->document, n, n, "policy", &j, &err);
	return j;
}

static void put_sources(struct mr_view *v,
			const struct mreg_policy_source *sources, size_t n,
			bool whole)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < n; i++) {
		const struct mreg_policy_source *s = &sources[i];
		struct mr_view row;

		mr_view_init(&row, NULL);
		mr_view_str(&row, "where", s->where);
		mr_view_bool(&row, "file", s->file);
		mr_view_digest(&row, "digest", &s->digest);
		mr_view_str(&row, "actor", s->file ? NULL : s->actor);
		mr_view_time(&row, "time", s->time_s);
		if (whole) {
			mr_view_put(&row, "document", document_of(s));
			put_rules(&row, s->rules, s->rule_count);
		}
		list = append(list, mr_view_take(&row));
	}
	mr_view_put(v, "sources", list);
}

char *mreg_policy_show_result_json(const struct mreg_policy_show_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.policy-show/1");
	mr_view_str(&v, "name", r->name);
	put_sources(&v, r->sources, r->source_count, true);
	mr_view_str(&v, "enforcedBy", "clients");
	return mr_view_text(&v);
}

char *mreg_policy_set_result_json(const struct mreg_policy_set_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.policy-set/1");
	mr_view_str(&v, "name", r->name);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_digest(&v, "was", &r->was);
	mr_view_str(&v, "tag", r->tag);
	mr_view_bool(&v, "changed", r->changed);
	mr_view_bool(&v, "dryRun", r->dry_run);
	put_rules(&v, r->rules, r->rule_count);
	return mr_view_text(&v);
}

static json_t *finding_row(const void *items, size_t i)
{
	const struct mreg_policy_finding *f =
		(const struct mreg_policy_finding *)items + i;
	struct mr_view row;

	mr_view_init(&row, NULL);
	mr_view_str(&row, "rule", f->rule);
	mr_view_str(&row, "problem", f->problem);
	mr_view_str(&row, "mend", f->mend);
	mr_view_str(&row, "where", f->where);
	return mr_view_take(&row);
}

char *mreg_refusal_json(const struct mreg_error *err,
			const struct mreg_policy_finding *findings,
			size_t count)
{
	struct mr_view v, e;

	mr_view_init(&v, NULL);
	mr_view_error(&e, err);
	mr_view_rows(&e, "findings", findings, count, finding_row);
	mr_view_put(&v, "error", mr_view_take(&e));
	return mr_view_text(&v);
}

char *mreg_policy_check_result_json(const struct mreg_policy_check_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.policy-check/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "reference", r->reference);
	mr_view_version(&v, r->number);
	mr_view_bool(&v, "passed", r->passed);
	mr_view_u64(&v, "checked", r->checked);
	mr_view_u64(&v, "deferred", r->deferred);
	mr_view_rows(&v, "findings", r->findings, r->finding_count,
		     finding_row);
	mr_view_rows(&v, "uncompared", r->uncompared, r->uncompared_count,
		     finding_row);
	put_sources(&v, r->sources, r->source_count, false);
	return mr_view_text(&v);
}

char *mreg_promote_result_json(const struct mreg_promote_result *r)
{
	const struct mreg_alias_result *m = &r->move;
	struct mr_view v;

	mr_view_init(&v, "mreg.promote/1");
	mr_view_str(&v, "name", m->name);
	mr_view_str(&v, "alias", m->alias);
	mr_view_digest(&v, "digest", &m->digest);
	mr_view_digest(&v, "was", &m->was);
	mr_view_version(&v, m->number);
	mr_view_bool(&v, "changed", m->changed);
	mr_view_bool(&v, "splitEnded", m->split_ended);
	mr_view_bool(&v, "dryRun", m->dry_run);
	mr_view_digest(&v, "event", &m->event);
	mr_view_bool(&v, "judged", r->judged);
	mr_view_digest(&v, "policy", &r->policy);
	mr_view_bool(&v, "gated", r->gated);
	mr_view_u64(&v, "checked", r->checked);
	mr_view_rows(&v, "uncompared", r->uncompared, r->uncompared_count,
		     finding_row);
	put_sources(&v, r->sources, r->source_count, false);
	return mr_view_text(&v);
}

/*
 * judge.c - every rule of a policy on one document of facts.
 */
#include "policy/judge.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

/* Of all findings of one verdict: some hundred bytes for each of the most
 * rules there may be. */
#define ARENA_MAX_BYTES (16u << 20)
/* A value in a message. */
#define SHOWN_BYTES 160
/* Subjects of one finding that are named. */
#define TOLD_MAX 5

void mr_verdict_release(struct mr_verdict *v)
{
	mr_arena_free(v->arena);
	memset(v, 0, sizeof(*v));
}

const char *mr_judge_shown(struct mr_judge *j, const char *text)
{
	char shown[SHOWN_BYTES];
	const char *copy = mr_arena_strdup(
		j->out->arena, mr_text_safe(text, shown, sizeof(shown)));

	return copy ? copy : "";
}

const char *mr_fact_text(const json_t *obj, const char *key)
{
	const char *text = json_string_value(json_object_get(obj, key));

	return text && text[0] ? text : NULL;
}

const char *mr_judge_ref(struct mr_judge *j)
{
	const char *ref = mr_fact_text(j->facts, "reference");

	return ref ? mr_judge_shown(j, ref) : "REF";
}

static void put_finding(struct mr_judge *j, const struct mr_rule *r,
			const char *mend, const char *fmt, va_list ap,
			struct mr_finding *to)
{
	struct mr_arena *a = j->out->arena;
	char raw[1024];
	char safe[1024];

	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	to->source = r->source;
	to->rule = mr_arena_strdup(a, r->name);
	to->problem = mr_arena_strdup(a, mr_text_safe(raw, safe, sizeof(safe)));
	to->mend = mr_arena_strdup(a, mend ? mend : "");
}

void mr_judge_find(struct mr_judge *j, const struct mr_rule *r,
		   const char *mend, const char *fmt, ...)
{
	struct mr_verdict *v = j->out;
	va_list ap;

	assert(v->count < j->cap);
	va_start(ap, fmt);
	put_finding(j, r, mend, fmt, ap, &v->items[v->count++]);
	va_end(ap);
}

void mr_judge_idle(struct mr_judge *j, const struct mr_rule *r,
		   const char *mend, const char *fmt, ...)
{
	struct mr_verdict *v = j->out;
	va_list ap;

	assert(v->idle_count < j->cap);
	va_start(ap, fmt);
	put_finding(j, r, mend, fmt, ap, &v->idle[v->idle_count++]);
	va_end(ap);
}

/* The shortest that is this number: most likely as it was written. */
static const char *real_text(struct mr_judge *j, double value)
{
	char text[32];
	int digits = 14;

	do
		(void)snprintf(text, sizeof(text), "%.*g", ++digits, value);
	while (digits < 17 && strtod(text, NULL) != value);
	return mr_arena_strdup(j->out->arena, text);
}

const char *mr_fact_number(struct mr_judge *j, const json_t *obj,
			   const char *key)
{
	const json_t *value = json_object_get(obj, key);

	if (json_is_integer(value))
		return mr_arena_printf(j->out->arena, "%" JSON_INTEGER_FORMAT,
				       json_integer_value(value));
	if (json_is_real(value))
		return real_text(j, json_real_value(value));
	return mr_fact_text(obj, key);
}

bool mr_judge_unread(struct mr_judge *j, const struct mr_rule *r,
		     const char *member, const char *what)
{
	const json_t *unread = json_object_get(j->facts, "unread");
	const char *why = mr_fact_text(unread, member);

	if (!why && json_object_get(j->facts, member))
		return false;
	mr_judge_find(j, r, "ask again when it can be read",
		      "%s could not be "
		      "read: %s",
		      what, why ? why : "the facts do not have it");
	return true;
}

void mr_told_add(struct mr_told *t, const char *fmt, ...)
{
	size_t len = strlen(t->text);
	va_list ap;

	if (++t->n > TOLD_MAX)
		return;
	if (len + 3 < sizeof(t->text) && len > 0)
		len += (size_t)snprintf(t->text + len, 3, ", ");
	va_start(ap, fmt);
	(void)vsnprintf(t->text + len, sizeof(t->text) - len, fmt, ap);
	va_end(ap);
}

const char *mr_told_text(struct mr_told *t)
{
	size_t len = strlen(t->text);

	if (t->n > TOLD_MAX)
		(void)snprintf(t->text + len, sizeof(t->text) - len,
			       " and %zu more", t->n - TOLD_MAX);
	return t->text;
}

static void judge_rule(struct mr_judge *j, const struct mr_rule *r)
{
	switch (r->kind) {
	case MR_RULE_REQUIRE:
		mr_judge_require(j, r);
		break;
	case MR_RULE_PATTERN:
		mr_judge_pattern(j, r);
		break;
	case MR_RULE_NAME:
		mr_judge_name(j, r);
		break;
	case MR_RULE_METRIC:
		mr_judge_metric(j, r);
		break;
	case MR_RULE_SUITE:
		mr_judge_suite(j, r);
		break;
	case MR_RULE_SUITE_METRIC:
		mr_judge_suite_metric(j, r);
		break;
	case MR_RULE_LICENSE:
		mr_judge_license(j, r);
		break;
	case MR_RULE_INPUT_DIGEST:
	case MR_RULE_INPUT_CLASS:
	case MR_RULE_INPUT_CONSENT:
		mr_judge_input(j, r);
		break;
	case MR_RULE_FORMATS:
	case MR_RULE_PICKLE:
	case MR_RULE_UNSAFE:
	case MR_RULE_TROUBLE:
		mr_judge_files(j, r);
		break;
	case MR_RULE_ATTACHMENT:
		mr_judge_attachment(j, r);
		break;
	case MR_RULE_THROUGH:
	case MR_RULE_AGE:
	case MR_RULE_APPROVALS:
	case MR_RULE_OBSERVATIONS:
	case MR_RULE_CURRENT:
		mr_judge_gate(j, r);
		break;
	case MR_RULE_SETTING:
		break;
	}
}

/* On what only a version that is there can have. */
static bool waits(const struct mr_rule *r)
{
	switch (r->kind) {
	case MR_RULE_SUITE:
	case MR_RULE_SUITE_METRIC:
	case MR_RULE_ATTACHMENT:
	case MR_RULE_THROUGH:
	case MR_RULE_AGE:
	case MR_RULE_APPROVALS:
	case MR_RULE_OBSERVATIONS:
	case MR_RULE_CURRENT:
		return true;
	default:
		return false;
	}
}

/* What changes with time and without the version: it was asked when the alias
 * was moved, and what has its alias is not to lose it to a better one. */
static bool passing(const struct mr_rule *r)
{
	return r->kind == MR_RULE_AGE || r->kind == MR_RULE_OBSERVATIONS ||
	       r->kind == MR_RULE_CURRENT || r->threshold.alias != NULL;
}

static bool is_asked(const struct mr_judge *j, const struct mr_rule *r,
		     const char *gate, unsigned int kind)
{
	return r->kind != MR_RULE_SETTING && (r->kinds & kind) &&
	       mr_rule_asked(r, gate) && !(j->use && passing(r));
}

/* Members and what they have to be, where they are there. */
static int check_facts(const json_t *facts, struct mreg_error *err)
{
	static const char *const objects[] = { "fields",      "metrics",
					       "params",      "tags",
					       "annotations", "baseline",
					       "unread",      "gate" };
	static const char *const arrays[] = { "inputs",      "parents",
					      "ancestors",   "files",
					      "attachments", "evaluations",
					      "aliases" };
	const char *schema = NULL;
	json_t *ignored = NULL;
	size_t i;
	int rc = mr_json_need_str(facts, "schema", "facts", &schema, err);

	if (rc >= 0 && strcmp(schema, MR_POLICY_FACTS_SCHEMA) != 0)
		return mr_fail(err, MREG_EFORMAT,
			       "facts are not of schema '%s'",
			       MR_POLICY_FACTS_SCHEMA);
	for (i = 0; rc >= 0 && i < MR_COUNT(objects); i++)
		rc = mr_json_opt_object(facts, objects[i], "facts", &ignored,
					err);
	for (i = 0; rc >= 0 && i < MR_COUNT(arrays); i++)
		rc = mr_json_opt_array(facts, arrays[i], "facts", &ignored,
				       err);
	return rc;
}

/* What was gathered of one alias says nothing of another. */
static int check_gate(const json_t *facts, const char *gate,
		      struct mreg_error *err)
{
	const json_t *member = json_object_get(facts, "gate");
	const char *alias = NULL;
	char shown[SHOWN_BYTES];
	int rc;

	if (!member || !gate)
		return 0;
	rc = mr_json_need_str(member, "alias", "gate of facts", &alias, err);
	if (rc < 0 || strcmp(alias, gate) == 0)
		return rc;
	return mr_fail(err, MREG_EFORMAT, "facts are of the gate of '%s'",
		       mr_text_safe(alias, shown, sizeof(shown)));
}

static int read_kind(const json_t *facts, unsigned int *kind,
		     struct mreg_error *err)
{
	const char *name = "model";
	int rc = mr_json_opt_str(facts, "kind", "facts", &name, err);

	/* What is of no kind we know is asked everything. */
	*kind = MR_KIND_ALL;
	if (strcmp(name, "model") == 0)
		*kind = MR_KIND_MODEL;
	else if (strcmp(name, "dataset") == 0)
		*kind = MR_KIND_DATASET;
	else if (strcmp(name, "prompt") == 0)
		*kind = MR_KIND_PROMPT;
	return rc;
}

int mr_policy_judge(const struct mr_policy *p, const char *gate,
		    const json_t *facts, struct mr_verdict *out,
		    struct mreg_error *err)
{
	struct mr_judge j = { .facts = facts, .out = out, .cap = p->count };
	const char *at = "version";
	unsigned int kind;
	size_t i;
	int rc = check_facts(facts, err);

	memset(out, 0, sizeof(*out));
	if (rc >= 0)
		rc = check_gate(facts, gate, err);
	if (rc >= 0)
		rc = read_kind(facts, &kind, err);
	if (rc >= 0)
		rc = mr_json_opt_str(facts, "at", "facts", &at, err);
	if (rc < 0)
		return rc;
	j.push = strcmp(at, "push") == 0;
	j.use = strcmp(at, "use") == 0;
	j.policy = p;
	out->arena = mr_arena_new(ARENA_MAX_BYTES);
	if (out->arena) {
		out->items = mr_arena_alloc(out->arena,
					    p->count * sizeof(*out->items));
		out->idle = mr_arena_alloc(out->arena,
					   p->count * sizeof(*out->idle));
	}
	for (i = 0; out->items && out->idle && i < p->count; i++) {
		if (!is_asked(&j, &p->rules[i], gate, kind))
			continue;
		if (j.push && waits(&p->rules[i])) {
			out->deferred++;
			continue;
		}
		out->checked++;
		judge_rule(&j, &p->rules[i]);
	}
	if (out->arena && !mr_arena_failed(out->arena))
		return 0;
	mr_verdict_release(out);
	return mr_fail_nomem(err);
}

/*
 * read.c - a policy's document to rules, section by section (spec/policy.md).
 */
#include "policy/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

#define SHOWN_BYTES 96
/* The edition of the language that this code reads. */
#define EDITION "1"
/* Of one policy and what is added to it. */
#define RULES_MAX 10000
/* Keys of one map, to name the nearest. */
#define KEYS_MAX 24

int mr_reading_fail(const struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return mr_fail(err, MREG_EFORMAT, "%s in policy '%s', line %zu", what,
		       r->name, node->line);
}

int mr_reading_unknown(const struct mr_reading *r, const struct mr_node *node,
		       const char *const *known, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	const char *word = node->key ? node->key : node->text;
	const char *near = mr_text_nearest(word, known);

	(void)mr_reading_fail(r, node, err, "unknown key '%s'",
			      mr_text_safe(word, shown, sizeof(shown)));
	if (near)
		return mr_hint(err, "did you mean '%s'?", near);
	return mr_hint(err, "spec/policy.md lists the keys");
}

int mr_reading_among(const struct mr_reading *r, const struct mr_node *node,
		     const char *what, const char *word,
		     const char *const *known, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	const char *near = mr_text_nearest(word, known);
	size_t i;

	for (i = 0; known[i]; i++)
		if (strcmp(known[i], word) == 0)
			return 0;
	(void)mr_reading_fail(r, node, err, "unknown %s '%s'", what,
			      mr_text_safe(word, shown, sizeof(shown)));
	if (near)
		return mr_hint(err, "did you mean '%s'?", near);
	return mr_hint(err, "spec/policy.md lists every %s", what);
}

static int fail_section(const struct mr_reading *r, const struct mr_node *node,
			const struct mr_section *sections, size_t n,
			struct mreg_error *err)
{
	const char *known[KEYS_MAX + 1];
	size_t i;

	for (i = 0; i < n && i < KEYS_MAX; i++)
		known[i] = sections[i].key;
	known[i] = NULL;
	return mr_reading_unknown(r, node, known, err);
}

int mr_reading_map(struct mr_reading *r, const struct mr_node *node,
		   const struct mr_section *sections, size_t n,
		   struct mreg_error *err)
{
	const struct mr_node *item;
	size_t i, k;
	int rc = 0;

	if (node->kind != MR_NODE_MAP)
		return mr_reading_fail(r, node, err, "'%s' is no map",
				       node->key ? node->key : "policy");
	for (i = 0; i < node->count; i++) {
		for (k = 0; k < n; k++)
			if (strcmp(sections[k].key, node->items[i]->key) == 0)
				break;
		if (k == n)
			return fail_section(r, node->items[i], sections, n,
					    err);
	}
	for (k = 0; rc >= 0 && k < n; k++) {
		item = mr_node_get(node, sections[k].key);
		if (item)
			rc = sections[k].read(r, item, err);
	}
	return rc;
}

int mr_reading_text(const struct mr_reading *r, const struct mr_node *node,
		    const char **out, struct mreg_error *err)
{
	const char *text = mr_node_text(node);

	if (!text || !text[0])
		return mr_reading_fail(r, node, err, "'%s' is no text",
				       node->key ? node->key : "an entry");
	*out = text;
	return 0;
}

int mr_reading_words(const struct mr_reading *r, const struct mr_node *node,
		     struct mr_words *out, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (node->kind == MR_NODE_MAP ||
	    (node->kind == MR_NODE_LIST && node->count == 0))
		return mr_reading_fail(r, node, err, "'%s' is no list of texts",
				       node->key ? node->key : "an entry");
	out->n = node->kind == MR_NODE_LIST ? node->count : 1;
	out->items = mr_arena_alloc(r->p->arena, out->n * sizeof(char *));
	if (!out->items)
		return mr_fail_nomem(err);
	if (node->kind == MR_NODE_SCALAR)
		return mr_reading_text(r, node, &out->items[0], err);
	for (i = 0; rc >= 0 && i < node->count; i++)
		rc = mr_reading_text(r, node->items[i], &out->items[i], err);
	return rc;
}

int mr_reading_bool(const struct mr_reading *r, const struct mr_node *node,
		    bool *out, struct mreg_error *err)
{
	const char *text = mr_node_text(node);

	if (!text || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0))
		return mr_reading_fail(r, node, err,
				       "'%s' is not true or false", node->key);
	*out = strcmp(text, "true") == 0;
	return 0;
}

int mr_reading_deny(const struct mr_reading *r, const struct mr_node *node,
		    bool *out, struct mreg_error *err)
{
	const char *text = mr_node_text(node);

	if (!text || (strcmp(text, "deny") != 0 && strcmp(text, "allow") != 0))
		return mr_reading_fail(r, node, err,
				       "'%s' is not deny or allow", node->key);
	*out = strcmp(text, "deny") == 0;
	return 0;
}

const char *mr_words_text(const struct mr_words *w, struct mr_arena *a)
{
	size_t room = 1;
	size_t len = 0;
	char *text;
	size_t i;

	for (i = 0; i < w->n; i++)
		room += strlen(w->items[i]) + 2;
	text = mr_arena_alloc(a, room);
	for (i = 0; text && i < w->n; i++)
		len += (size_t)snprintf(text + len, room - len, "%s%s",
					i ? ", " : "", w->items[i]);
	return text;
}

/* Of an alias, whatever it is to have: whoever pushes says of which kind that
 * is, and would pass by saying so. */
static bool is_of_log(const struct mr_rule *rule)
{
	return rule->kind == MR_RULE_THROUGH || rule->kind == MR_RULE_AGE ||
	       rule->kind == MR_RULE_APPROVALS ||
	       rule->kind == MR_RULE_OBSERVATIONS ||
	       rule->kind == MR_RULE_CURRENT;
}

int mr_rule_add(struct mr_reading *r, const struct mr_rule *rule,
		struct mreg_error *err)
{
	struct mr_policy *p = r->p;
	void *rules = p->rules;
	struct mr_rule *to;
	const char *name = rule->name;
	int rc = 0;

	if (name && r->gate)
		name = mr_arena_printf(p->arena, "aliases.%s%s%s", r->gate,
				       name[0] ? "." : "", name);
	if (!name || !rule->says)
		rc = mr_fail_nomem(err);
	if (rc >= 0 && p->count >= RULES_MAX)
		rc = mr_fail(err, MREG_ELIMIT,
			     "more than %d rules in policy '%s'", RULES_MAX,
			     r->name);
	if (rc >= 0 && rule->threshold.alias)
		rc = mr_gate_compare(p, r->gate, rule->threshold.alias, err);
	if (rc >= 0 &&
	    mr_grow(&rules, &p->cap, p->count + 1, sizeof(*p->rules)) < 0)
		rc = mr_fail_nomem(err);
	if (rc < 0) {
		mr_pattern_free(rule->pattern);
		return rc;
	}
	p->rules = rules;
	to = &p->rules[p->count++];
	*to = *rule;
	to->name = name;
	to->kinds = is_of_log(rule) ? MR_KIND_ALL : r->kinds;
	to->gate = r->gate;
	return 0;
}

/* -- sections about the document itself ---------------------------------- */

static int read_edition(struct mr_reading *r, const struct mr_node *node,
			struct mreg_error *err)
{
	const char *text = mr_node_text(node);
	char shown[SHOWN_BYTES];
	uint64_t n;

	if (text && strcmp(text, EDITION) == 0)
		return 0;
	(void)mr_text_safe(text ? text : "", shown, sizeof(shown));
	/* It is no mistake of whoever wrote it. */
	if (text && mr_text_u64(text, UINT32_MAX, &n) == 0 && n > 1)
		(void)mr_fail(
			err, MREG_EUNSUPPORTED,
			"policy '%s' is of edition %s, which is not known",
			r->name, shown);
	else
		(void)mr_reading_fail(r, node, err, "edition '%s' is not known",
				      shown);
	return mr_hint(err, "this mreg reads 'policy: " EDITION
			    "'; a newer one may read it");
}

static int read_any_text(struct mr_reading *r, const struct mr_node *node,
			 struct mreg_error *err)
{
	const char *text;

	return mr_reading_text(r, node, &text, err);
}

static int read_kinds(struct mr_reading *r, const struct mr_node *node,
		      struct mreg_error *err)
{
	static const char *const names[] = { "model", "dataset", "prompt",
					     NULL };
	struct mr_words words;
	size_t i, k;
	int rc = mr_reading_words(r, node, &words, err);

	r->kinds = 0;
	for (i = 0; rc >= 0 && i < words.n; i++) {
		rc = mr_reading_among(r, node, "kind", words.items[i], names,
				      err);
		for (k = 0; rc >= 0 && names[k]; k++)
			if (strcmp(names[k], words.items[i]) == 0)
				r->kinds |= 1u << k;
	}
	return rc;
}

/* Kinds come before the rules that they are about, roles before the gates
 * that ask for them. */
static const struct mr_section sections[] = {
	{ "policy", read_edition },
	{ "name", read_any_text },
	{ "description", read_any_text },
	{ "kinds", read_kinds },
	{ "naming", mr_read_naming },
	{ "require", mr_read_require },
	{ "patterns", mr_read_patterns },
	{ "metrics", mr_read_metrics },
	{ "licenses", mr_read_licenses },
	{ "inputs", mr_read_inputs },
	{ "formats", mr_read_formats },
	{ "suites", mr_read_suites },
	{ "attachments", mr_read_attachments },
	{ "stages", mr_read_stages },
	{ "roles", mr_read_roles },
	{ "approvals", mr_read_approvals },
	{ "aliases", mr_read_aliases },
	{ "observe", mr_read_observe },
	{ "retention", mr_read_retention },
	{ "archive", mr_read_archive },
	{ "hold", mr_read_hold },
	{ "review", mr_read_review },
};

int mr_policy_read(struct mr_policy *p, const struct mr_node *root,
		   const char *name, struct mreg_error *err)
{
	struct mr_reading r = { .p = p, .name = name, .kinds = MR_KIND_ALL };
	const struct mr_node *edition;
	int rc;

	if (!root || root->kind != MR_NODE_MAP)
		return mr_fail(err, MREG_EFORMAT,
			       "policy '%s' is no map of "
			       "rules",
			       name);
	/* Before its keys: a newer one has others. */
	edition = mr_node_get(root, "policy");
	rc = edition ? read_edition(&r, edition, err) : 0;
	if (rc >= 0)
		rc = mr_reading_map(&r, root, sections, MR_COUNT(sections),
				    err);
	if (rc < 0)
		return rc;
	if (!edition) {
		(void)mr_fail(err, MREG_EFORMAT,
			      "policy '%s' does not say its edition", name);
		return mr_hint(err, "begin it with 'policy: " EDITION "'");
	}
	return mr_life_take(p, &r.life, err);
}

/*
 * read_gate.c - the section about aliases: what is asked of a version that one
 * of them is to have.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "policy/read.h"

#define SHOWN_BYTES 96

static int read_through(struct mr_reading *r, const struct mr_node *node,
			struct mreg_error *err)
{
	struct mr_words words;
	size_t i;
	int rc = mr_reading_set(r, node, &words, err);

	for (i = 0; rc >= 0 && i < words.n; i++) {
		struct mr_rule rule = {
			.kind = MR_RULE_THROUGH,
			.name = mr_arena_printf(r->p->arena, "through.%s",
						words.items[i]),
			.says = "has to have it, or to have had it",
			.through = words.items[i],
		};

		rc = mr_reading_alias(r, node, rule.through, err);
		if (rc >= 0 && strcmp(rule.through, r->gate) == 0)
			rc = mr_reading_fail(r, node, err,
					     "'%s' is to be reached through "
					     "itself",
					     r->gate);
		if (rc >= 0)
			rc = mr_rule_add(r, &rule, err);
	}
	return rc;
}

static int read_age(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err)
{
	struct mr_rule rule = { .kind = MR_RULE_AGE, .name = "age" };
	int rc = mr_reading_duration(r, node, &rule.age_s, err);

	if (rc < 0)
		return rc;
	rule.says =
		mr_arena_printf(r->p->arena, "registered at least %s before",
				mr_node_text(node));
	return mr_rule_add(r, &rule, err);
}

static const struct mr_party *find_role(const struct mr_reading *r,
					const struct mr_node *node,
					struct mreg_error *err)
{
	const struct mr_party *role = mr_life_party(&r->life, node->key);
	char shown[SHOWN_BYTES];

	if (role)
		return role;
	(void)mr_reading_fail(r, node, err, "role '%s' is not one of 'roles'",
			      mr_text_safe(node->key, shown, sizeof(shown)));
	(void)mr_hint(err, "say who it is: roles: {%s: [LOGIN, ...]}", shown);
	return NULL;
}

/* One role's; `node` is the number. */
static int read_role(struct mr_reading *r, const struct mr_node *node,
		     struct mreg_error *err)
{
	const struct mr_party *role = find_role(r, node, err);
	struct mr_arena *a = r->p->arena;
	struct mr_rule rule = { .kind = MR_RULE_APPROVALS };
	uint64_t n = 0;
	int rc = role ? mr_reading_count(r, node, MR_APPROVALS_MAX, &n, err)
		      : err->code;

	if (rc < 0)
		return rc;
	/* Nobody approves twice, so it would never hold. */
	if (n > role->members.n)
		return mr_reading_fail(r, node, err,
				       "role '%s' has fewer than %s members",
				       role->name, mr_node_text(node));
	rule.name = mr_arena_printf(a, "approvals.%s", role->name);
	rule.says = mr_arena_printf(a, "at least %s by role '%s'",
				    mr_node_text(node), role->name);
	rule.role = role->name;
	rule.approvals = (uint32_t)n;
	return mr_rule_add(r, &rule, err);
}

/* A number, or a map of roles to numbers. */
static int read_approvals(struct mr_reading *r, const struct mr_node *node,
			  struct mreg_error *err)
{
	struct mr_rule rule = { .kind = MR_RULE_APPROVALS,
				.name = "approvals" };
	uint64_t n = 0;
	size_t i;
	int rc = 0;

	if (node->kind == MR_NODE_MAP && node->count > 0) {
		for (i = 0; rc >= 0 && i < node->count; i++)
			rc = read_role(r, node->items[i], err);
		return rc;
	}
	if (node->kind != MR_NODE_SCALAR)
		return mr_reading_fail(r, node, err,
				       "'approvals' is neither a number nor a "
				       "map of roles to numbers");
	rc = mr_reading_count(r, node, MR_APPROVALS_MAX, &n, err);
	if (rc < 0)
		return rc;
	rule.approvals = (uint32_t)n;
	rule.says =
		mr_arena_printf(r->p->arena, "at least %s", mr_node_text(node));
	return mr_rule_add(r, &rule, err);
}

/* A switch that has one word. */
static int read_word(struct mr_reading *r, const struct mr_node *node,
		     const char *word, const struct mr_rule *rule,
		     struct mreg_error *err)
{
	const char *text = mr_node_text(node);

	if (text && strcmp(text, word) == 0)
		return mr_rule_add(r, rule, err);
	(void)mr_reading_fail(r, node, err, "'%s' is not '%s'", node->key,
			      word);
	return mr_hint(err, "nothing else can be demanded; leave it out to "
			    "ask nothing");
}

static int read_observations(struct mr_reading *r, const struct mr_node *node,
			     struct mreg_error *err)
{
	static const struct mr_rule rule = {
		.kind = MR_RULE_OBSERVATIONS,
		.name = "observations",
		.says = "no retraining is due, nothing that is watched is "
			"wrong, no incident is open",
	};

	return read_word(r, node, "fine", &rule, err);
}

static int read_current(struct mr_reading *r, const struct mr_node *node,
			struct mreg_error *err)
{
	static const struct mr_rule rule = {
		.kind = MR_RULE_CURRENT,
		.name = "current",
		.says = "what the alias has is what the log says",
	};

	return read_word(r, node, "known", &rule, err);
}

/* In the order in which a refusal tells of them. */
static const struct mr_section sections[] = {
	{ "through", read_through },     { "age", read_age },
	{ "require", mr_read_require },  { "patterns", mr_read_patterns },
	{ "metrics", mr_read_metrics },  { "licenses", mr_read_licenses },
	{ "inputs", mr_read_inputs },    { "formats", mr_read_formats },
	{ "suites", mr_read_suites },    { "attachments", mr_read_attachments },
	{ "approvals", read_approvals }, { "observations", read_observations },
	{ "current", read_current },
};

static int read_gate(struct mr_reading *r, const struct mr_node *node,
		     struct mreg_error *err)
{
	int rc = mr_reading_alias(r, node, node->key, err);

	if (rc >= 0)
		rc = mr_gate_add(r->p, node->key, err);
	if (rc < 0)
		return rc;
	r->gate = node->key;
	/* A gate without rules is one: what goes through it is told. */
	rc = mr_reading_setting(r, "", "moved by promote and rollback only",
				err);
	if (rc >= 0)
		rc = mr_reading_map(r, node, sections, MR_COUNT(sections), err);
	r->gate = NULL;
	return rc;
}

int mr_read_aliases(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (node->kind != MR_NODE_MAP)
		return mr_reading_fail(r, node, err, "'aliases' is no map");
	for (i = 0; rc >= 0 && i < node->count; i++)
		rc = read_gate(r, node->items[i], err);
	return rc;
}

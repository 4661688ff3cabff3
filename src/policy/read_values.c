/*
 * read_values.c - sections about values with a key: required fields, patterns,
 * names, metrics, and suites of evaluations.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "policy/read.h"

#define SHOWN_BYTES 96
#define WHY_BYTES 160

static int take_key(struct mr_reading *r, const struct mr_node *node,
		    const char *text, struct mr_key *out,
		    struct mreg_error *err)
{
	if (mr_key_parse(text, out))
		return 0;
	return mr_reading_unknown(r, node, mr_key_words, err);
}

int mr_read_require(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err)
{
	struct mr_words words;
	size_t i;
	int rc = mr_reading_words(r, node, &words, err);

	for (i = 0; rc >= 0 && i < words.n; i++) {
		struct mr_rule rule = {
			.kind = MR_RULE_REQUIRE,
			.name = mr_arena_printf(r->p->arena, "require.%s",
						words.items[i]),
			.says = "has to be given",
		};
		const struct mr_node *at =
			node->kind == MR_NODE_LIST ? node->items[i] : node;

		/* A text without a list has the section's key, not its own. */
		if (!mr_key_parse(words.items[i], &rule.key)) {
			struct mr_node bare = *at;

			bare.key = NULL;
			return mr_reading_unknown(r, &bare, mr_key_words, err);
		}
		if (rule.key.group == MR_KEY_PARENT && rule.key.name)
			rc = mr_reading_among(r, at, "relation", rule.key.name,
					      mr_relation_words, err);
		if (rc >= 0)
			rc = mr_rule_add(r, &rule, err);
	}
	return rc;
}

static int take_pattern(struct mr_reading *r, const struct mr_node *node,
			struct mr_rule *rule, struct mreg_error *err)
{
	char shown[SHOWN_BYTES];
	char why[WHY_BYTES] = "";
	const char *text;
	int rc = mr_reading_text(r, node, &text, err);

	if (rc < 0)
		return rc;
	rc = mr_pattern_compile(text, &rule->pattern, why, sizeof(why));
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc == 0) {
		rule->says = text;
		return 0;
	}
	(void)mr_reading_fail(r, node, err, "pattern '%s' cannot be used",
			      mr_text_safe(text, shown, sizeof(shown)));
	(void)mr_cause(err, "%s", why);
	return mr_hint(err, "a POSIX extended regular expression for the "
			    "whole value, such as '[a-z]+'");
}

int mr_read_patterns(struct mr_reading *r, const struct mr_node *node,
		     struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (node->kind != MR_NODE_MAP)
		return mr_reading_fail(r, node, err, "'patterns' is no map");
	for (i = 0; rc >= 0 && i < node->count; i++) {
		const struct mr_node *item = node->items[i];
		struct mr_rule rule = {
			.kind = MR_RULE_PATTERN,
			.name = mr_arena_printf(r->p->arena, "patterns.%s",
						item->key),
		};

		rc = take_key(r, item, item->key, &rule.key, err);
		if (rc >= 0 &&
		    (rule.key.group == MR_KEY_CARD ||
		     rule.key.group == MR_KEY_INPUT ||
		     rule.key.group == MR_KEY_PARENT || !rule.key.name))
			rc = mr_reading_fail(r, item, err,
					     "'%s' has no value for a pattern",
					     item->key);
		if (rc >= 0)
			rc = take_pattern(r, item, &rule, err);
		if (rc >= 0)
			rc = mr_rule_add(r, &rule, err);
	}
	return rc;
}

static int read_name(struct mr_reading *r, const struct mr_node *node,
		     enum mr_scope scope, struct mreg_error *err)
{
	struct mr_rule rule = {
		.kind = MR_RULE_NAME,
		.name = mr_arena_printf(r->p->arena, "naming.%s", node->key),
		.scope = scope,
	};
	int rc = take_pattern(r, node, &rule, err);

	return rc < 0 ? rc : mr_rule_add(r, &rule, err);
}

static int read_model(struct mr_reading *r, const struct mr_node *node,
		      struct mreg_error *err)
{
	return read_name(r, node, MR_SCOPE_MODEL, err);
}

static int read_repository(struct mr_reading *r, const struct mr_node *node,
			   struct mreg_error *err)
{
	return read_name(r, node, MR_SCOPE_REPOSITORY, err);
}

static int read_alias(struct mr_reading *r, const struct mr_node *node,
		      struct mreg_error *err)
{
	return read_name(r, node, MR_SCOPE_ALIAS, err);
}

int mr_read_naming(struct mr_reading *r, const struct mr_node *node,
		   struct mreg_error *err)
{
	static const struct mr_section names[] = {
		{ "model", read_model },
		{ "repository", read_repository },
		{ "alias", read_alias },
	};

	return mr_reading_map(r, node, names, MR_COUNT(names), err);
}

/* One rule for each bound of a metric; `model` has all but these. */
static int read_bounds(struct mr_reading *r, const struct mr_node *node,
		       const struct mr_rule *model, struct mreg_error *err)
{
	struct mr_words words;
	char shown[SHOWN_BYTES];
	size_t i;
	int rc = mr_reading_words(r, node, &words, err);

	for (i = 0; rc >= 0 && i < words.n; i++) {
		struct mr_rule rule = *model;

		if (mr_threshold_parse(words.items[i], r->p->arena,
				       &rule.threshold) < 0) {
			(void)mr_reading_fail(
				r, node, err, "'%s' is no bound of a metric",
				mr_text_safe(words.items[i], shown,
					     sizeof(shown)));
			return mr_hint(err, "such as '>= 0.8', '< 20' or '>= "
					    "production - 0.01'");
		}
		if (rule.suite && rule.threshold.alias)
			return mr_reading_fail(r, node, err,
					       "a suite's metric is compared "
					       "with an alias");
		rule.says = rule.threshold.text;
		rc = mr_rule_add(r, &rule, err);
	}
	return rc;
}

int mr_read_metrics(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (node->kind != MR_NODE_MAP)
		return mr_reading_fail(r, node, err, "'metrics' is no map");
	for (i = 0; rc >= 0 && i < node->count; i++) {
		struct mr_rule rule = {
			.kind = MR_RULE_METRIC,
			.name = mr_arena_printf(r->p->arena, "metrics.%s",
						node->items[i]->key),
			.metric = node->items[i]->key,
		};

		rc = read_bounds(r, node->items[i], &rule, err);
	}
	return rc;
}

/* Bounds of an evaluation's metrics, of all of it or of one segment. */
static int read_suite_metrics(struct mr_reading *r, const struct mr_node *node,
			      const char *suite, const char *segment,
			      struct mreg_error *err)
{
	struct mr_arena *a = r->p->arena;
	size_t i;
	int rc = 0;

	if (node->kind != MR_NODE_MAP)
		return mr_reading_fail(r, node, err, "'%s' is no map",
				       node->key);
	for (i = 0; rc >= 0 && i < node->count; i++) {
		const char *metric = node->items[i]->key;
		struct mr_rule rule = {
			.kind = MR_RULE_SUITE_METRIC,
			.suite = suite,
			.segment = segment,
			.metric = metric,
		};

		rule.name =
			segment ? mr_arena_printf(a, "suites.%s.segments.%s.%s",
						  suite, segment, metric)
				: mr_arena_printf(a, "suites.%s.metrics.%s",
						  suite, metric);
		rc = read_bounds(r, node->items[i], &rule, err);
	}
	return rc;
}

static int read_segments(struct mr_reading *r, const struct mr_node *node,
			 const char *suite, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (node->kind != MR_NODE_MAP)
		return mr_reading_fail(r, node, err, "'segments' is no map");
	for (i = 0; rc >= 0 && i < node->count; i++)
		rc = read_suite_metrics(r, node->items[i], suite,
					node->items[i]->key, err);
	return rc;
}

static int read_verdict(struct mr_reading *r, const struct mr_node *node,
			const char *suite, struct mreg_error *err)
{
	const char *text = mr_node_text(node);
	struct mr_rule rule = {
		.kind = MR_RULE_SUITE,
		.name = mr_arena_printf(r->p->arena, "suites.%s", suite),
		.says = "has to have passed",
		.suite = suite,
	};

	if (text && strcmp(text, "passed") == 0)
		return mr_rule_add(r, &rule, err);
	(void)mr_reading_fail(r, node, err, "verdict of suite is not 'passed'");
	return mr_hint(err, "write 'passed': nothing else can be demanded");
}

/* "passed" alone, or a map. */
static int read_suite(struct mr_reading *r, const struct mr_node *node,
		      struct mreg_error *err)
{
	static const char *const known[] = { "verdict", "metrics", "segments",
					     NULL };
	size_t i;
	int rc = 0;

	if (!node->key[0])
		return mr_reading_fail(r, node, err, "a suite has no name");
	if (node->kind == MR_NODE_SCALAR)
		return read_verdict(r, node, node->key, err);
	if (node->kind != MR_NODE_MAP || node->count == 0)
		return mr_reading_fail(r, node, err,
				       "suite '%s' is not 'passed' or a map",
				       node->key);
	for (i = 0; rc >= 0 && i < node->count; i++) {
		const struct mr_node *item = node->items[i];

		if (strcmp(item->key, "verdict") == 0)
			rc = read_verdict(r, item, node->key, err);
		else if (strcmp(item->key, "metrics") == 0)
			rc = read_suite_metrics(r, item, node->key, NULL, err);
		else if (strcmp(item->key, "segments") == 0)
			rc = read_segments(r, item, node->key, err);
		else
			rc = mr_reading_unknown(r, item, known, err);
	}
	return rc;
}

int mr_read_suites(struct mr_reading *r, const struct mr_node *node,
		   struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (node->kind != MR_NODE_MAP)
		return mr_reading_fail(r, node, err, "'suites' is no map");
	for (i = 0; rc >= 0 && i < node->count; i++)
		rc = read_suite(r, node->items[i], err);
	return rc;
}

/*
 * judge_values.c - rules about values with a key: whether they are
 * there, what they look like, and bounds of metrics.
 */
#include <string.h>

#include "base/mem.h"
#include "policy/judge.h"

static const json_t *map_of(const struct mr_judge *j, enum mr_key_group group)
{
	static const char *const members[] = {
		[MR_KEY_FIELD] = "fields",
		[MR_KEY_METRIC] = "metrics",
		[MR_KEY_PARAM] = "params",
		[MR_KEY_TAG] = "tags",
		[MR_KEY_ANNOTATION] = "annotations",
	};

	return json_object_get(j->facts, members[group]);
}

/* Whether an entry of the list `member` has `value` as its `key`; any
 * when `value` is NULL. */
static bool has_entry(const struct mr_judge *j, const char *member,
		      const char *key, const char *value)
{
	const json_t *list = json_object_get(j->facts, member);
	size_t i;

	if (!value)
		return json_array_size(list) > 0;
	for (i = 0; i < json_array_size(list); i++) {
		const char *text = mr_fact_text(json_array_get(list, i), key);

		if (text && strcmp(text, value) == 0)
			return true;
	}
	return false;
}

static bool has_card(const struct mr_judge *j)
{
	return json_is_true(json_object_get(j->facts, "card")) ||
	       has_entry(j, "attachments", "kind", "model-card");
}

/* A tag or an annotation may be empty and is there all the same. */
static bool has_value(const struct mr_judge *j, const struct mr_key *key)
{
	const json_t *map;

	switch (key->group) {
	case MR_KEY_CARD:
		return has_card(j);
	case MR_KEY_INPUT:
		return has_entry(j, "inputs", "role", key->name);
	case MR_KEY_PARENT:
		return has_entry(j, "parents", "relation", key->name);
	case MR_KEY_FIELD:
		return mr_fact_text(map_of(j, key->group), key->name) != NULL;
	default:
		break;
	}
	map = map_of(j, key->group);
	if (!key->name)
		return json_object_size(map) > 0;
	return json_object_get(map, key->name) != NULL;
}

void mr_judge_require(struct mr_judge *j, const struct mr_rule *r)
{
	struct mr_arena *a = j->out->arena;

	if (has_value(j, &r->key))
		return;
	mr_judge_find(j, r, mr_key_flag(&r->key, a), "%s is missing",
		      mr_key_noun(&r->key, a));
}

void mr_judge_pattern(struct mr_judge *j, const struct mr_rule *r)
{
	struct mr_arena *a = j->out->arena;
	const char *value =
		mr_fact_number(j, map_of(j, r->key.group), r->key.name);

	/* What is not there breaks no pattern: `require` asks for it.
	 */
	if (!value || mr_pattern_match(r->pattern, value))
		return;
	if (strlen(value) > MR_PATTERN_SUBJECT_MAX_BYTES)
		mr_judge_find(j, r, mr_key_flag(&r->key, a),
			      "%s is longer than %d bytes, no pattern is tried "
			      "on it",
			      mr_key_noun(&r->key, a),
			      MR_PATTERN_SUBJECT_MAX_BYTES);
	else
		mr_judge_find(j, r, mr_key_flag(&r->key, a),
			      "%s is '%s', which does not match '%s'",
			      mr_key_noun(&r->key, a), mr_judge_shown(j, value),
			      r->says);
}

static void judge_aliases(struct mr_judge *j, const struct mr_rule *r)
{
	const json_t *list = json_object_get(j->facts, "aliases");
	struct mr_told wrong = { .n = 0 };
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const char *alias = json_string_value(json_array_get(list, i));

		if (alias && !mr_pattern_match(r->pattern, alias))
			mr_told_add(&wrong, "'%s'", mr_judge_shown(j, alias));
	}
	if (wrong.n)
		mr_judge_find(j, r, "choose another alias",
			      "alias %s does not match '%s'",
			      mr_told_text(&wrong), r->says);
}

void mr_judge_name(struct mr_judge *j, const struct mr_rule *r)
{
	bool model = r->scope == MR_SCOPE_MODEL;
	const char *name;

	if (r->scope == MR_SCOPE_ALIAS) {
		judge_aliases(j, r);
		return;
	}
	name = mr_fact_text(j->facts, model ? "name" : "repository");
	if (name && mr_pattern_match(r->pattern, name))
		return;
	mr_judge_find(j, r, "push to another name",
		      "%s '%s' does not match '%s'",
		      model ? "name" : "repository",
		      mr_judge_shown(j, name ? name : ""), r->says);
}

static const char mend_idle[] =
	"nothing, if that is yet to come; else mend the name in the policy";

/*
 * What the alias of a bound has.  False: there is nothing to compare
 * with, or that could not be read, which the rule's finding says.
 */
static bool find_base(struct mr_judge *j, const struct mr_rule *r,
		      const char **base)
{
	const json_t *all = json_object_get(j->facts, "baseline");
	const json_t *alias = json_object_get(all, r->threshold.alias);
	const char *why = mr_fact_text(alias, "unreadable");

	*base = NULL;
	/* The first version has none before it. */
	if (json_is_null(alias)) {
		mr_judge_idle(j, r, mend_idle,
			      "there is no '%s' to compare with",
			      r->threshold.alias);
		return false;
	}
	if (!json_is_object(alias) || why) {
		mr_judge_find(j, r, "ask again when it can be read",
			      "metrics of '%s' could not be read: %s",
			      r->threshold.alias,
			      why ? why : "the facts do not have them");
		return false;
	}
	*base = mr_fact_number(j, json_object_get(alias, "metrics"), r->metric);
	if (!*base)
		mr_judge_idle(j, r, mend_idle,
			      "'%s' has no metric '%s' to compare with",
			      r->threshold.alias, mr_judge_shown(j, r->metric));
	return *base != NULL;
}

void mr_judge_metric(struct mr_judge *j, const struct mr_rule *r)
{
	const char *value = mr_fact_number(
		j, json_object_get(j->facts, "metrics"), r->metric);
	struct mr_key key = { .group = MR_KEY_METRIC, .name = r->metric };
	const char *metric = mr_judge_shown(j, r->metric);
	struct mr_arena *a = j->out->arena;
	const char *base = NULL;
	const char *had = "";
	int holds;

	if (!value) {
		mr_judge_find(j, r, mr_key_flag(&key, a),
			      "metric '%s' is missing, %s is asked", metric,
			      mr_threshold_words(&r->threshold, a));
		return;
	}
	if (r->threshold.alias && !find_base(j, r, &base))
		return;
	holds = mr_threshold_holds(&r->threshold, value, base);
	if (holds > 0)
		return;
	if (base)
		had = mr_arena_printf(a, " ('%s' has %s)", r->threshold.alias,
				      mr_judge_shown(j, base));
	mr_judge_find(j, r,
		      mr_arena_printf(a,
				      "make a better model; if it was "
				      "measured wrongly, push with --metric "
				      "%s=NUMBER",
				      metric),
		      holds < 0 ? "metric '%s' is '%s', no number that can be "
				  "compared; %s is asked%s"
				: "metric '%s' is %s, %s is asked%s",
		      metric, mr_judge_shown(j, value),
		      mr_threshold_words(&r->threshold, a), had ? had : "");
}

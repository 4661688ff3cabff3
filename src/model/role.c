/*
 * role.c - which file plays which role, by the rules of spec/roles.json.
 */
#include "model/model.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* spec/roles.json, made an array by scripts/embed. */
extern const unsigned char mr_embed_roles_json[];
extern const size_t mr_embed_roles_json_len;

#define RULES_MAX_BYTES (64u << 10)
#define WHAT "roles.json"

struct rule {
	enum mr_role role;
	const char **names; /* patterns in lower case */
	size_t name_count;  /* 0: matches any name */
	uint64_t from;      /* smallest size, in bytes */
	uint64_t below;     /* first size that is too large */
};

struct mr_roles {
	struct mr_arena *arena; /* owned */
	struct rule *rules;
	size_t count;
};

static const char *const role_names[MR_ROLE_COUNT] = {
	[MR_ROLE_WEIGHT] = "weight",
	[MR_ROLE_WEIGHT_CONFIG] = "weight.config",
	[MR_ROLE_CODE] = "code",
	[MR_ROLE_DOC] = "doc",
	[MR_ROLE_DATASET] = "dataset",
};

const char *mr_role_name(enum mr_role role)
{
	assert(role < MR_ROLE_COUNT);
	return role_names[role];
}

static int parse_role(const char *name, enum mr_role *out,
		      struct mreg_error *err)
{
	unsigned int i;

	for (i = 0; i < MR_ROLE_COUNT; i++)
		if (strcmp(role_names[i], name) == 0) {
			*out = (enum mr_role)i;
			return 0;
		}
	return mr_fail(err, MREG_EFORMAT, "unknown role '%s' in " WHAT, name);
}

static int parse_names(struct mr_roles *r, struct rule *rule,
		       const json_t *names, struct mreg_error *err)
{
	const char *name;
	size_t n = json_array_size(names);
	size_t i;

	rule->names = mr_arena_alloc(r->arena, n * sizeof(*rule->names));
	if (!rule->names)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		name = json_string_value(json_array_get(names, i));
		if (!name)
			return mr_fail(err, MREG_EFORMAT,
				       "a name that is no text in " WHAT);
		rule->names[i] = mr_arena_strdup(r->arena, name);
		if (!rule->names[i])
			return mr_fail_nomem(err);
	}
	rule->name_count = n;
	return 0;
}

static int parse_rule(struct mr_roles *r, struct rule *rule, const json_t *j,
		      struct mreg_error *err)
{
	const char *role = NULL;
	json_t *names = NULL;
	int rc;

	rule->below = UINT64_MAX;
	rc = mr_json_need_str(j, "role", WHAT, &role, err);
	if (rc == 0)
		rc = parse_role(role, &rule->role, err);
	if (rc == 0)
		rc = mr_json_opt_u64(j, "from", WHAT, &rule->from, err);
	if (rc == 0)
		rc = mr_json_opt_u64(j, "below", WHAT, &rule->below, err);
	if (rc == 0)
		rc = mr_json_opt_array(j, "names", WHAT, &names, err);
	if (rc < 0 || !names)
		return rc;
	return parse_names(r, rule, names, err);
}

static int parse_rules(struct mr_roles *r, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	json_t *rules = NULL;
	size_t i;
	int rc;

	rc = mr_json_parse(mr_embed_roles_json, mr_embed_roles_json_len,
			   RULES_MAX_BYTES, WHAT, &doc, err);
	if (rc == 0)
		rc = mr_json_need_array(doc, "rules", WHAT, &rules, err);
	if (rc < 0)
		return rc;
	r->count = json_array_size(rules);
	r->rules = mr_arena_alloc(r->arena, r->count * sizeof(*r->rules));
	if (!r->rules)
		return mr_fail_nomem(err);
	for (i = 0; i < r->count && rc == 0; i++)
		rc = parse_rule(r, &r->rules[i], json_array_get(rules, i), err);
	return rc;
}

int mr_roles_new(struct mr_roles **out, struct mreg_error *err)
{
	MR_AUTO(mr_roles_freep) struct mr_roles *r = mr_zalloc(sizeof(*r));
	int rc;

	if (!r)
		return mr_fail_nomem(err);
	r->arena = mr_arena_new(4 * RULES_MAX_BYTES);
	if (!r->arena)
		return mr_fail_nomem(err);
	rc = parse_rules(r, err);
	if (rc < 0)
		return rc;
	*out = mr_steal(&r);
	return 0;
}

void mr_roles_free(struct mr_roles *r)
{
	if (!r)
		return;
	mr_arena_free(r->arena);
	mr_release(r);
}

void mr_roles_freep(struct mr_roles **r)
{
	mr_roles_free(*r);
	*r = NULL;
}

/* Nearly all patterns are a whole name or "*.ending"; the general matcher costs
 * a hundred times as much, and there are thousands of files. */
static bool name_matches(const char *pattern, const char *name)
{
	const char *wild = strpbrk(pattern, "*?[\\");

	if (!wild)
		return strcmp(pattern, name) == 0;
	if (wild == pattern && *wild == '*' && !strpbrk(pattern + 1, "*?[\\"))
		return mr_text_ends(name, pattern + 1);
	return mr_text_glob(pattern, name);
}

static bool rule_matches(const struct rule *rule, const char *name,
			 uint64_t size)
{
	size_t i;

	if (size < rule->from || size >= rule->below)
		return false;
	for (i = 0; i < rule->name_count; i++)
		if (name_matches(rule->names[i], name))
			return true;
	return rule->name_count == 0;
}

enum mr_role mr_role_of(const struct mr_roles *r, const char *path,
			uint64_t size, const char *kind)
{
	bool dataset = kind && strcmp(kind, "dataset") == 0;
	const char *slash = strrchr(path, '/');
	const struct rule *rule;
	char name[256];
	size_t i;

	/* README and readme are one name here; only ASCII letters are in the
	 * patterns. */
	(void)strncpy(name, slash ? slash + 1 : path, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (i = 0; name[i]; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] = (char)(name[i] + ('a' - 'A'));
	for (i = 0; i < r->count; i++) {
		rule = &r->rules[i];
		if (!rule_matches(rule, name, size))
			continue;
		if (dataset &&
		    (rule->role == MR_ROLE_WEIGHT || rule->name_count == 0))
			return MR_ROLE_DATASET;
		return rule->role;
	}
	return dataset ? MR_ROLE_DATASET : MR_ROLE_WEIGHT_CONFIG;
}

/* The first is the best. */
static size_t card_rank(const char *path)
{
	static const char *const names[] = {
		"README.md",     "README",        "README.txt",
		"MODEL_CARD.md", "MODEL-CARD.md", "MODELCARD.md",
	};
	size_t i;

	for (i = 0; i < MR_COUNT(names); i++)
		if (strcasecmp(path, names[i]) == 0)
			return i;
	return SIZE_MAX;
}

bool mr_role_is_card(const char *path, const char *best)
{
	size_t mine = card_rank(path);
	size_t other = best ? card_rank(best) : SIZE_MAX;

	return mine < other ||
	       (best && mine == other && strcmp(path, best) < 0);
}

/*
 * read_parts.c - sections about what a version is made of: licences, inputs,
 * formats of files, documents attached to it.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/format.h"
#include "policy/read.h"

static const char *allow_deny_text(const struct mr_rule *rule,
				   struct mr_arena *a)
{
	const char *allow = mr_words_text(&rule->allow, a);
	const char *deny = mr_words_text(&rule->deny, a);

	if (!allow || !deny)
		return NULL;
	if (!rule->deny.n)
		return mr_arena_printf(a, "one of %s", allow);
	if (!rule->allow.n)
		return mr_arena_printf(a, "not %s", deny);
	return mr_arena_printf(a, "one of %s; not %s", allow, deny);
}

/* The maps below are read field by field: they make one rule, or several out
 * of what stands beside each other. */
static int check_keys(struct mr_reading *r, const struct mr_node *node,
		      const char *const *known, struct mreg_error *err)
{
	size_t i, k;

	if (node->kind != MR_NODE_MAP)
		return mr_reading_fail(r, node, err, "'%s' is no map",
				       node->key);
	for (i = 0; i < node->count; i++) {
		for (k = 0; known[k]; k++)
			if (strcmp(known[k], node->items[i]->key) == 0)
				break;
		if (!known[k])
			return mr_reading_unknown(r, node->items[i], known,
						  err);
	}
	return 0;
}

static int take_words(struct mr_reading *r, const struct mr_node *map,
		      const char *key, struct mr_words *out,
		      struct mreg_error *err)
{
	const struct mr_node *node = mr_node_get(map, key);

	return node ? mr_reading_words(r, node, out, err) : 0;
}

static int take_bool(struct mr_reading *r, const struct mr_node *map,
		     const char *key, bool *out, struct mreg_error *err)
{
	const struct mr_node *node = mr_node_get(map, key);

	return node ? mr_reading_bool(r, node, out, err) : 0;
}

static int take_deny(struct mr_reading *r, const struct mr_node *map,
		     const char *key, bool *out, struct mreg_error *err)
{
	const struct mr_node *node = mr_node_get(map, key);

	return node ? mr_reading_deny(r, node, out, err) : 0;
}

int mr_read_licenses(struct mr_reading *r, const struct mr_node *node,
		     struct mreg_error *err)
{
	static const char *const known[] = { "allow",  "deny",    "ancestors",
					     "inputs", "missing", NULL };
	struct mr_rule rule = { .kind = MR_RULE_LICENSE, .name = "licenses" };
	bool missing_denied = true;
	bool ancestors = false;
	bool inputs = false;
	int rc = check_keys(r, node, known, err);

	if (rc >= 0)
		rc = take_words(r, node, "allow", &rule.allow, err);
	if (rc >= 0)
		rc = take_words(r, node, "deny", &rule.deny, err);
	if (rc >= 0)
		rc = take_bool(r, node, "ancestors", &ancestors, err);
	if (rc >= 0)
		rc = take_bool(r, node, "inputs", &inputs, err);
	if (rc >= 0)
		rc = take_deny(r, node, "missing", &missing_denied, err);
	if (rc >= 0 && !rule.allow.n && !rule.deny.n)
		rc = mr_reading_fail(r, node, err,
				     "'licenses' has neither allow nor deny");
	if (rc < 0)
		return rc;
	rule.missing_ok = !missing_denied;
	rule.says = allow_deny_text(&rule, r->p->arena);
	rc = mr_rule_add(r, &rule, err);
	if (rc >= 0 && ancestors) {
		rule.name = "licenses.ancestors";
		rule.scope = MR_SCOPE_ANCESTORS;
		rc = mr_rule_add(r, &rule, err);
	}
	if (rc >= 0 && inputs) {
		rule.name = "licenses.inputs";
		rule.scope = MR_SCOPE_INPUTS;
		rc = mr_rule_add(r, &rule, err);
	}
	return rc;
}

/* `consent: true`, or the words that are allowed. */
static int read_consent(struct mr_reading *r, const struct mr_node *node,
			const struct mr_words *roles, struct mreg_error *err)
{
	struct mr_rule rule = { .kind = MR_RULE_INPUT_CONSENT,
				.name = "inputs.consent",
				.says = "has to be given",
				.roles = *roles };
	const char *text = mr_node_text(node);
	int rc;

	if (text && strcmp(text, "false") == 0)
		return 0;
	if (!text || strcmp(text, "true") != 0) {
		rc = mr_reading_words(r, node, &rule.allow, err);
		if (rc < 0)
			return rc;
		rule.says = allow_deny_text(&rule, r->p->arena);
	}
	return mr_rule_add(r, &rule, err);
}

int mr_read_inputs(struct mr_reading *r, const struct mr_node *node,
		   struct mreg_error *err)
{
	static const char *const known[] = { "digest", "classification",
					     "consent", "roles", NULL };
	struct mr_rule digest = { .kind = MR_RULE_INPUT_DIGEST,
				  .name = "inputs.digest",
				  .says = "has to be given" };
	struct mr_rule class = { .kind = MR_RULE_INPUT_CLASS,
				 .name = "inputs.classification" };
	struct mr_words roles = { .n = 0 };
	const struct mr_node *consent = mr_node_get(node, "consent");
	bool wanted = false;
	int rc = check_keys(r, node, known, err);

	/* Roles alone only say of which inputs nothing is asked. */
	if (rc >= 0 && !consent && !mr_node_get(node, "digest") &&
	    !mr_node_get(node, "classification"))
		rc = mr_reading_fail(r, node, err,
				     "'inputs' has neither digest nor "
				     "classification nor consent");
	if (rc >= 0)
		rc = take_words(r, node, "roles", &roles, err);
	if (rc >= 0)
		rc = take_bool(r, node, "digest", &wanted, err);
	if (rc >= 0)
		rc = take_words(r, node, "classification", &class.allow, err);
	digest.roles = roles;
	class.roles = roles;
	if (rc >= 0 && wanted)
		rc = mr_rule_add(r, &digest, err);
	if (rc >= 0 && class.allow.n) {
		class.says = allow_deny_text(&class, r->p->arena);
		rc = mr_rule_add(r, &class, err);
	}
	if (rc >= 0 && consent)
		rc = read_consent(r, consent, &roles, err);
	return rc;
}

/* A format that nobody has would allow nothing, or deny nothing. */
static int check_formats(struct mr_reading *r, const struct mr_node *node,
			 const struct mr_words *words, struct mreg_error *err)
{
	const char *known[MR_FORMAT_COUNT + 1];
	size_t n = 0;
	size_t i, k;
	int rc = 0;

	for (k = MR_FORMAT_UNKNOWN + 1; k < MR_FORMAT_COUNT; k++)
		known[n++] = mr_format_name((enum mr_format)k);
	known[n] = NULL;
	for (i = 0; rc >= 0 && i < words->n; i++)
		rc = mr_reading_among(r, node, "format", words->items[i], known,
				      err);
	return rc;
}

static int add_switch(struct mr_reading *r, enum mr_rule_kind kind,
		      const char *name, const char *says,
		      struct mreg_error *err)
{
	struct mr_rule rule = { .kind = kind, .name = name, .says = says };

	return mr_rule_add(r, &rule, err);
}

int mr_read_formats(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err)
{
	static const char *const known[] = { "allow",  "deny",    "pickle",
					     "unsafe", "trouble", NULL };
	struct mr_rule rule = { .kind = MR_RULE_FORMATS, .name = "formats" };
	bool pickle = false;
	bool unsafe = false;
	bool trouble = false;
	int rc = check_keys(r, node, known, err);

	if (rc >= 0)
		rc = take_words(r, node, "allow", &rule.allow, err);
	if (rc >= 0)
		rc = check_formats(r, node, &rule.allow, err);
	if (rc >= 0)
		rc = take_words(r, node, "deny", &rule.deny, err);
	if (rc >= 0)
		rc = check_formats(r, node, &rule.deny, err);
	if (rc >= 0)
		rc = take_deny(r, node, "pickle", &pickle, err);
	if (rc >= 0)
		rc = take_deny(r, node, "unsafe", &unsafe, err);
	if (rc >= 0)
		rc = take_deny(r, node, "trouble", &trouble, err);
	if (rc >= 0 && (rule.allow.n || rule.deny.n)) {
		rule.says = allow_deny_text(&rule, r->p->arena);
		rc = mr_rule_add(r, &rule, err);
	}
	if (rc >= 0 && pickle)
		rc = add_switch(r, MR_RULE_PICKLE, "formats.pickle",
				"no file may hold a pickle", err);
	if (rc >= 0 && unsafe)
		rc = add_switch(r, MR_RULE_UNSAFE, "formats.unsafe",
				"no file may import what is not known to be "
				"safe",
				err);
	if (rc >= 0 && trouble)
		rc = add_switch(r, MR_RULE_TROUBLE, "formats.trouble",
				"no file may break its format's rules", err);
	return rc;
}

/* The short names of spec/attachments.md; a media type has a slash. */
static int check_attachment(struct mr_reading *r, const struct mr_node *node,
			    const char *type, struct mreg_error *err)
{
	if (strchr(type, '/'))
		return 0;
	return mr_reading_among(r, node, "attachment", type,
				mr_attachment_words, err);
}

int mr_read_attachments(struct mr_reading *r, const struct mr_node *node,
			struct mreg_error *err)
{
	struct mr_words words;
	size_t i;
	int rc = mr_reading_words(r, node, &words, err);

	for (i = 0; rc >= 0 && i < words.n; i++) {
		struct mr_rule rule = {
			.kind = MR_RULE_ATTACHMENT,
			.name = mr_arena_printf(r->p->arena, "attachments.%s",
						words.items[i]),
			.says = "has to be attached",
			.type = words.items[i],
		};

		rc = check_attachment(r, node, rule.type, err);
		if (rc >= 0)
			rc = mr_rule_add(r, &rule, err);
	}
	return rc;
}

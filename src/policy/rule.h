/*
 * policy/rule.h - a policy in memory: one flat list of rules.  Private to
 * policy.
 */
#ifndef MR_POLICY_RULE_H
#define MR_POLICY_RULE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/list.h"
#include "document/document.h"
#include "policy/policy.h"
#include "policy/value.h"

/* Of what may be asked of a kind of thing; bits. */
#define MR_KIND_MODEL 1u
#define MR_KIND_DATASET 2u
#define MR_KIND_PROMPT 4u
#define MR_KIND_ALL 7u

enum mr_rule_kind {
	MR_RULE_REQUIRE,
	MR_RULE_PATTERN,
	MR_RULE_NAME,         /* pattern of a name */
	MR_RULE_METRIC,       /* of the version */
	MR_RULE_SUITE,        /* verdict */
	MR_RULE_SUITE_METRIC, /* of an evaluation, or of a segment of it */
	MR_RULE_LICENSE,
	MR_RULE_INPUT_DIGEST,
	MR_RULE_INPUT_CLASS,
	MR_RULE_INPUT_CONSENT,
	MR_RULE_FORMATS,
	MR_RULE_PICKLE,
	MR_RULE_UNSAFE,
	MR_RULE_TROUBLE,
	MR_RULE_ATTACHMENT,
	/* Of a gate, on what the log tells. */
	MR_RULE_THROUGH, /* aliases it has or had */
	MR_RULE_AGE,
	MR_RULE_APPROVALS,
	MR_RULE_OBSERVATIONS,
	MR_RULE_CURRENT, /* tag and log of the alias agree */
	/* Shown with the rules, and asked of nothing: policy/life.h. */
	MR_RULE_SETTING,
};

/* Whose licence, or which name. */
enum mr_scope {
	MR_SCOPE_OWN,
	MR_SCOPE_ANCESTORS,
	MR_SCOPE_INPUTS,
	MR_SCOPE_MODEL, /* last component of the repository */
	MR_SCOPE_REPOSITORY,
	MR_SCOPE_ALIAS,
};

/* That one move may be asked to have. */
#define MR_APPROVALS_MAX 99

/* Texts in the policy's arena. */
struct mr_rule {
	enum mr_rule_kind kind;
	unsigned int kinds; /* MR_KIND_ bits of what it is asked of */
	const char *gate;   /* alias whose moves it is asked at; NULL: always */
	const char *name;   /* "metrics.auc", "aliases.production.age" */
	const char *says;   /* ">= 0.8" */
	size_t source;      /* which document has it; 0: the first */
	struct mr_key key;
	const char *metric, *suite;
	const char *type;    /* of an attachment: short name or media type */
	const char *segment; /* NULL: the whole; "*": each there is */
	struct mr_threshold threshold;
	regex_t *pattern; /* owned */
	struct mr_words allow, deny, roles;
	enum mr_scope scope;
	bool missing_ok; /* a licence that is not told passes */
	const char *through;
	int64_t age_s;
	uint32_t approvals;
	const char *role; /* whose they are; NULL: anybody's */
};

/* An alias with rules of its own. */
struct mr_gate {
	const char *alias; /* NULL: what is asked of every version */
	/* Aliases that its thresholds name, and those that are always asked;
	 * each once. */
	struct mr_list baselines;
};

struct mr_policy {
	struct mr_arena *arena; /* owned */
	const struct mr_node *root;
	struct mr_rule *rules; /* owned */
	size_t count, cap;
	size_t added;          /* documents, after the first */
	struct mr_gate *gates; /* owned; the first is that of all versions */
	size_t gate_count, gate_cap;
	struct mr_life life;
};

/* -- gate.c -------------------------------------------------------------- */

/* NULL: it has none. */
struct mr_gate *mr_gate_find(const struct mr_policy *p, const char *alias);
/* Once for each alias; NULL is the first. */
int mr_gate_add(struct mr_policy *p, const char *alias, struct mreg_error *err);
/* `alias` is compared with by rules of `gate`. */
int mr_gate_compare(struct mr_policy *p, const char *gate, const char *alias,
		    struct mreg_error *err);
void mr_gates_release(struct mr_policy *p);
/* Whether a rule is asked when `gate` is (NULL: none). */
bool mr_rule_asked(const struct mr_rule *r, const char *gate);

/* -- life.c -------------------------------------------------------------- */

/* Settings of one document, what it does not tell being zero, to those of the
 * policy: the first as they are, what is added where it is stricter. */
int mr_life_take(struct mr_policy *p, const struct mr_life *told,
		 struct mreg_error *err);

/* -- read.c -------------------------------------------------------------- */

/* Add the rules of the document `root` to `p`, all in its arena. */
int mr_policy_read(struct mr_policy *p, const struct mr_node *root,
		   const char *name, struct mreg_error *err);

#endif

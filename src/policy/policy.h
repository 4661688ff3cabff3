/*
 * policy/policy.h - what a version must show before it is taken: a document
 * of rules, and its verdict on facts.
 *
 * It sees facts only: one JSON document (spec/policy.md has both languages,
 * spec/policy.schema.json and spec/policy-facts.schema.json their schemas).
 * It opens no file, asks no registry, knows no clock; whoever gathers the facts
 * says what could not be read, and that fails the rules that need it.
 */
#ifndef MR_POLICY_POLICY_H
#define MR_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "mreg/error.h"
#include "policy/life.h"

#define MR_POLICY_MEDIA "application/vnd.mreg.policy.v1+json"
#define MR_POLICY_MAX_BYTES (256u << 10)
#define MR_POLICY_FACTS_SCHEMA "mreg.policy-facts/1"

struct mr_policy;

/*
 * JSON or YAML.  MREG_EFORMAT names `name`, line and key; an unknown key names
 * the nearest one (a rule that is misspelled must not be no rule).  A pattern
 * that does not compile is refused here.
 */
int mr_policy_parse(const char *bytes, size_t n, const char *name,
		    struct mr_policy **out, struct mreg_error *err);
void mr_policy_free(struct mr_policy *p);
void mr_policy_freep(struct mr_policy **p); /* for MR_AUTO */

/* Rules of the document `more` was parsed from on top of those of `p`; none is
 * taken away, and where both bound one value both hold.  `more` stays the
 * caller's. */
int mr_policy_add(struct mr_policy *p, const struct mr_policy *more,
		  struct mreg_error *err);

/* The document that was parsed, without what was added to it, in canonical
 * JSON: what `policy set` stores. */
int mr_policy_write(const struct mr_policy *p, struct mr_buf *out,
		    struct mreg_error *err);

/* Its rules, those added too: the name of each as findings have it, and what
 * it asks in a few words; rules of gates, and settings, which are asked of
 * nothing, among them.  Borrowed. */
size_t mr_policy_count(const struct mr_policy *p);
const char *mr_policy_rule(const struct mr_policy *p, size_t i);
const char *mr_policy_says(const struct mr_policy *p, size_t i);

/* Of what the document's rules are asked: "model", "dataset, prompt"; NULL: of
 * everything.  In the arena. */
const char *mr_policy_kinds(const struct mr_policy *p, struct mr_arena *a);

/* What judging needs beyond the version's own manifest: so that nothing is
 * asked of a registry that no rule looks at. */
struct mr_policy_needs {
	bool formats;     /* what the files are, read from their bytes */
	bool ancestors;   /* licences of parents and inputs, transitively */
	bool attachments; /* documents whose subject is the version */
	bool evaluations; /* the same, of evaluations, with their content */
	bool gate;        /* what the log tells of the version and the alias */
	/* Aliases whose metrics at present are compared with; borrowed from
	 * the policy. */
	const char *const *baselines;
	size_t baseline_count;
};
/* `gate`: as of mr_policy_judge; only what its rules and the general ones
 * need. */
void mr_policy_needs(const struct mr_policy *p, const char *gate,
		     struct mr_policy_needs *out);

struct mr_finding {
	const char *rule;    /* "require.license", "aliases.prod.age", ... */
	const char *problem; /* "metric 'auc' is 0.71, at least 0.8 is asked" */
	const char *mend;    /* "train on, or push with --metric auc=..." */
	size_t source; /* whose rule: 0 the policy's own, 1 the first added */
};

struct mr_verdict {
	struct mr_arena *arena;   /* owned */
	struct mr_finding *items; /* in the order of mr_policy_rule */
	size_t count;             /* 0: it passes */
	size_t checked;           /* rules that were asked */
	size_t deferred; /* rules on what is attached, for which the version
			  * has to be there: not at push */
	/* Bounds that hold because what they compare with is not there: before
	 * the first version has an alias, or where its name is misspelled.
	 * `problem` says what is missing. */
	struct mr_finding *idle;
	size_t idle_count;
};
void mr_verdict_release(struct mr_verdict *v); /* for MR_AUTO too */

/*
 * Every rule on `facts`, all failures at once; with `gate`, an alias, its gates
 * too (NULL: none).  MREG_EFORMAT when `facts` is not the document it should
 * be, or has the member "gate" of another alias.
 *
 * Facts whose "at" is "use" are of a version that was judged when it got its
 * alias: what changes without it (age, observations, what the alias has, what
 * bounds compare with) is not asked again.
 */
int mr_policy_judge(const struct mr_policy *p, const char *gate,
		    const json_t *facts, struct mr_verdict *out,
		    struct mreg_error *err);

#endif

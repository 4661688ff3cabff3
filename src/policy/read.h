/*
 * policy/read.h - what the readers of a policy's sections share.  Private to
 * policy.
 */
#ifndef MR_POLICY_READ_H
#define MR_POLICY_READ_H

#include "policy/rule.h"

/* A document while its rules are read. */
struct mr_reading {
	struct mr_policy *p;
	const char *name;    /* of the document; safe to show */
	unsigned int kinds;  /* of what its rules are asked */
	const char *gate;    /* alias whose section is read; NULL: none */
	struct mr_life life; /* what it tells so far; zero where it does not */
};

/* One entry of a table of keys. */
struct mr_section {
	const char *key;
	int (*read)(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err);
};

/* MREG_EFORMAT: what is wrong, then document and line. */
int mr_reading_fail(const struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for a key that is not known, with the nearest one as hint. */
int mr_reading_unknown(const struct mr_reading *r, const struct mr_node *node,
		       const char *const *known, struct mreg_error *err);

/* `word` is one of `known`; else the nearest is named: a rule on what does not
 * exist would always fail, or never. */
int mr_reading_among(const struct mr_reading *r, const struct mr_node *node,
		     const char *what, const char *word,
		     const char *const *known, struct mreg_error *err);

/* Read every item of the map `node` by `sections`; their order is that of the
 * table. */
int mr_reading_map(struct mr_reading *r, const struct mr_node *node,
		   const struct mr_section *sections, size_t n,
		   struct mreg_error *err);

/* One text, or a list of at least one; none is empty. */
int mr_reading_words(const struct mr_reading *r, const struct mr_node *node,
		     struct mr_words *out, struct mreg_error *err);
int mr_reading_text(const struct mr_reading *r, const struct mr_node *node,
		    const char **out, struct mreg_error *err);
/* true or false. */
int mr_reading_bool(const struct mr_reading *r, const struct mr_node *node,
		    bool *out, struct mreg_error *err);
/* "deny" sets, "allow" does not. */
int mr_reading_deny(const struct mr_reading *r, const struct mr_node *node,
		    bool *out, struct mreg_error *err);
/* A whole number from 1 to `max`. */
int mr_reading_count(const struct mr_reading *r, const struct mr_node *node,
		     uint64_t max, uint64_t *out, struct mreg_error *err);
/* "12h", "30d", "2w" in seconds. */
int mr_reading_duration(const struct mr_reading *r, const struct mr_node *node,
			int64_t *out, struct mreg_error *err);
/* `word` may be an alias; a rule on what is none would never hold. */
int mr_reading_alias(const struct mr_reading *r, const struct mr_node *node,
		     const char *word, struct mreg_error *err);
/* Words of which none is there twice. */
int mr_reading_set(const struct mr_reading *r, const struct mr_node *node,
		   struct mr_words *out, struct mreg_error *err);
/* "a, b, c", in the arena. */
const char *mr_words_text(const struct mr_words *w, struct mr_arena *a);

/* A copy of `rule` in the policy, of the gate that is read and called after
 * it; its pattern is taken, even on failure. */
int mr_rule_add(struct mr_reading *r, const struct mr_rule *rule,
		struct mreg_error *err);

/* read_values.c: sections about values that have a key. */
int mr_read_require(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err);
int mr_read_patterns(struct mr_reading *r, const struct mr_node *node,
		     struct mreg_error *err);
int mr_read_naming(struct mr_reading *r, const struct mr_node *node,
		   struct mreg_error *err);
int mr_read_metrics(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err);
int mr_read_suites(struct mr_reading *r, const struct mr_node *node,
		   struct mreg_error *err);

/* read_parts.c: sections about what a version is made of. */
int mr_read_licenses(struct mr_reading *r, const struct mr_node *node,
		     struct mreg_error *err);
int mr_read_inputs(struct mr_reading *r, const struct mr_node *node,
		   struct mreg_error *err);
int mr_read_formats(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err);
int mr_read_attachments(struct mr_reading *r, const struct mr_node *node,
			struct mreg_error *err);

/* read_gate.c: what an alias asks of who gets it. */
int mr_read_aliases(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err);

/* read_life.c: what is no rule. */
int mr_read_stages(struct mr_reading *r, const struct mr_node *node,
		   struct mreg_error *err);
int mr_read_roles(struct mr_reading *r, const struct mr_node *node,
		  struct mreg_error *err);
int mr_read_approvals(struct mr_reading *r, const struct mr_node *node,
		      struct mreg_error *err);
int mr_read_observe(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err);
int mr_read_retention(struct mr_reading *r, const struct mr_node *node,
		      struct mreg_error *err);
int mr_read_archive(struct mr_reading *r, const struct mr_node *node,
		    struct mreg_error *err);
int mr_read_hold(struct mr_reading *r, const struct mr_node *node,
		 struct mreg_error *err);
int mr_read_review(struct mr_reading *r, const struct mr_node *node,
		   struct mreg_error *err);
/* A line among the rules for people to read. */
int mr_reading_setting(struct mr_reading *r, const char *name, const char *says,
		       struct mreg_error *err);

#endif

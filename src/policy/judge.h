/*
 * policy/judge.h - what the judges of rules share.  Private to policy.
 */
#ifndef MR_POLICY_JUDGE_H
#define MR_POLICY_JUDGE_H

#include "policy/rule.h"

/* The last evaluation by a suite on a set of data. */
struct mr_suite_run {
	const char *suite;
	const char *dataset, *digest; /* of the data; "" when not told */
	const json_t *said;           /* all borrowed from the facts */
	size_t at;                    /* in the order of their making */
};

struct mr_judge {
	const struct mr_policy *policy;
	const json_t *facts;
	struct mr_verdict *out;
	size_t cap; /* of out->items and out->idle: one for each rule */
	bool push;  /* the version is not there yet */
	bool use;   /* it has its alias, and was judged when it got it */
	/* By suite and data; judge_suite.c fills it when first asked. */
	struct mr_suite_run *runs; /* in the verdict's arena; NULL: not yet */
	size_t run_count;
};

/* One finding of a rule; `mend` is borrowed for as long as the policy lives or
 * in the verdict's arena. */
void mr_judge_find(struct mr_judge *j, const struct mr_rule *r,
		   const char *mend, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The same of a bound that has nothing to be compared with, and so holds. */
void mr_judge_idle(struct mr_judge *j, const struct mr_rule *r,
		   const char *mend, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A text of the facts, made safe to show, in the verdict's arena. */
const char *mr_judge_shown(struct mr_judge *j, const char *text);

/* How to name the version in a command: as the facts do, else "REF". */
const char *mr_judge_ref(struct mr_judge *j);

/* NULL where `obj` is no object, or has no such text, or an empty one. */
const char *mr_fact_text(const json_t *obj, const char *key);
/* As above; a number becomes its text, in the verdict's arena. */
const char *mr_fact_number(struct mr_judge *j, const json_t *obj,
			   const char *key);
/* Whether `member` of the facts could not be read: then the rule has its
 * finding, which says why. */
bool mr_judge_unread(struct mr_judge *j, const struct mr_rule *r,
		     const char *member, const char *what);

/* Several subjects of one finding: "'a', 'b' and 7 more". */
struct mr_told {
	char text[512];
	size_t n;
};
void mr_told_add(struct mr_told *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* All of them; borrowed from `t`. */
const char *mr_told_text(struct mr_told *t);

/* judge_values.c */
void mr_judge_require(struct mr_judge *j, const struct mr_rule *r);
void mr_judge_pattern(struct mr_judge *j, const struct mr_rule *r);
void mr_judge_name(struct mr_judge *j, const struct mr_rule *r);
void mr_judge_metric(struct mr_judge *j, const struct mr_rule *r);
/* judge_suite.c */
void mr_judge_suite(struct mr_judge *j, const struct mr_rule *r);
void mr_judge_suite_metric(struct mr_judge *j, const struct mr_rule *r);
/* judge_parts.c */
void mr_judge_license(struct mr_judge *j, const struct mr_rule *r);
void mr_judge_input(struct mr_judge *j, const struct mr_rule *r);
void mr_judge_files(struct mr_judge *j, const struct mr_rule *r);
void mr_judge_attachment(struct mr_judge *j, const struct mr_rule *r);
/* judge_gate.c: every kind of rule on what the log tells. */
void mr_judge_gate(struct mr_judge *j, const struct mr_rule *r);

#endif

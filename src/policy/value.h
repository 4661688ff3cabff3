/*
 * policy/value.h - what rules are made of: keys, numbers, bounds, patterns,
 * licences; text to value and back.  Private to policy.
 */
#ifndef MR_POLICY_VALUE_H
#define MR_POLICY_VALUE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "policy/life.h"

/* A value of the facts by its key in a policy: key.c. */
enum mr_key_group {
	MR_KEY_FIELD, /* "license" */
	MR_KEY_METRIC,
	MR_KEY_PARAM,
	MR_KEY_TAG,
	MR_KEY_ANNOTATION,
	MR_KEY_INPUT,  /* by role */
	MR_KEY_PARENT, /* by relation */
	MR_KEY_CARD,
};
struct mr_key {
	enum mr_key_group group;
	const char *name; /* of a field, or behind the dot; NULL: any */
};

/* A bound: threshold.c. */
enum mr_compare {
	MR_AT_LEAST,
	MR_ABOVE,
	MR_AT_MOST,
	MR_BELOW,
	MR_EQUAL,
};
struct mr_threshold {
	enum mr_compare compare;
	const char *alias; /* what it has now, plus `bound`; NULL: no alias */
	const char *bound; /* a number as written, with its sign */
	const char *text;  /* all of it, as it was written */
};

/* -- key.c --------------------------------------------------------------- */

/* NULL-terminated: every key of a field, and "metrics", "card", ... */
extern const char *const mr_key_words[];
/* NULL-terminated: relations of parents, short names of attachments. */
extern const char *const mr_relation_words[];
extern const char *const mr_attachment_words[];
/* `text` outlives `out`.  False: no such key. */
bool mr_key_parse(const char *text, struct mr_key *out);
/* How to give it at push: "--license SPDX"; in the arena. */
const char *mr_key_flag(const struct mr_key *key, struct mr_arena *a);
/* "license", "metric 'auc'", "input of role 'train'"; in the arena. */
const char *mr_key_noun(const struct mr_key *key, struct mr_arena *a);

/* -- decimal.c: numbers without rounding --------------------------------- */

#define MR_DECIMAL_WHOLE 400    /* digits before the point */
#define MR_DECIMAL_FRACTION 480 /* behind it; what is smaller is dropped */
struct mr_decimal {
	bool negative;
	unsigned char digits[MR_DECIMAL_WHOLE + MR_DECIMAL_FRACTION];
};
/* JSON's grammar, a '+' before it allowed; 0, or -1: no number, or too
 * large. */
int mr_decimal_parse(const char *text, struct mr_decimal *out);
int mr_decimal_compare(const struct mr_decimal *a, const struct mr_decimal *b);
void mr_decimal_add(const struct mr_decimal *a, const struct mr_decimal *b,
		    struct mr_decimal *out);

/* -- threshold.c --------------------------------------------------------- */

/* ">= 0.8", "<= production + 0.05"; 0, or -1: no bound (or out of memory,
 * which the arena tells). */
int mr_threshold_parse(const char *text, struct mr_arena *a,
		       struct mr_threshold *out);
/* Whether `value` holds against the bound; `base` is what the alias has, NULL
 * without one.  1, 0, or -1: one of them is no number. */
int mr_threshold_holds(const struct mr_threshold *t, const char *value,
		       const char *base);
/* "at least 0.8". */
const char *mr_threshold_words(const struct mr_threshold *t,
			       struct mr_arena *a);

/* -- watch.c ------------------------------------------------------------- */

/* "drift > 0.2 for 3 windows in prod"; as mr_threshold_parse. */
int mr_watch_parse(const char *text, struct mr_arena *a, struct mr_watch *out);

/* -- pattern.c ----------------------------------------------------------- */

/* Longer values match no pattern: matching costs time for each byte. */
#define MR_PATTERN_SUBJECT_MAX_BYTES 4096
/* 0, or -1 with the reason in `why`; `*out` is released by mr_pattern_free.
 * MREG_ENOMEM. */
int mr_pattern_compile(const char *pattern, regex_t **out, char *why,
		       size_t cap);
void mr_pattern_free(regex_t *r);
/* The whole of `text`. */
bool mr_pattern_match(const regex_t *r, const char *text);

/* -- license.c ----------------------------------------------------------- */

enum mr_license_verdict {
	MR_LICENSE_ALLOWED,
	MR_LICENSE_DENIED,   /* `why` is the licence that is */
	MR_LICENSE_UNLISTED, /* the same, when it is not on the allow list */
	MR_LICENSE_UNKNOWN,  /* no SPDX expression */
};
enum mr_license_verdict mr_license_judge(const char *expression,
					 const struct mr_words *allow,
					 const struct mr_words *deny, char *why,
					 size_t cap);

#endif

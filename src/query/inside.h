/*
 * query/inside.h - what the files of this folder share: the words of the
 * language, tokens, and the parser's state.
 */
#ifndef MR_QUERY_INSIDE_H
#define MR_QUERY_INSIDE_H

#include "query/query.h"

/* -- words ------------------------------------------------------------------
 */

/* The attribute that `word` names, cases not told apart; false: none. */
bool mr_query_attr(const char *word, enum mr_attr *out);
/* The map that stands before a dot: tag, tags, metrics... */
bool mr_query_map(const char *word, enum mr_attr *out);
/* "attribute", which may stand before an attribute's dot. */
bool mr_query_is_prefix(const char *word);
bool mr_query_predicate(const char *word, enum mr_predicate *out);
const char *mr_predicate_name(enum mr_predicate p);
/* The word of the language nearest to `word`; NULL: none is near. */
const char *mr_query_nearest(const char *word, enum mr_query_of of);

/* Whether it may have several values at once. */
bool mr_attr_is_many(enum mr_attr a);
/* Whether every version has it. */
bool mr_attr_is_always(enum mr_attr a);
/* "=", "IS NULL" */
const char *mr_cmp_text(enum mr_cmp c);

/* -- tokens -----------------------------------------------------------------
 */

enum mr_token_kind {
	MR_TOKEN_END,
	MR_TOKEN_WORD,
	MR_TOKEN_QUOTED,  /* '..' or ".." */
	MR_TOKEN_TICKED,  /* `..` */
	MR_TOKEN_LITERAL, /* a number, a size, a date, an age */
	MR_TOKEN_OPEN,
	MR_TOKEN_CLOSE,
	MR_TOKEN_COMMA,
	MR_TOKEN_DOT,
	MR_TOKEN_CMP,
};

struct mr_token {
	enum mr_token_kind kind;
	size_t at;        /* where it begins, from 0 */
	const char *text; /* in the arena; without its quotes */
	enum mr_cmp cmp;
};

struct mr_parse {
	struct mr_arena *arena; /* borrowed */
	const char *in;         /* whole text */
	const char *what;       /* "filter" or "order" */
	size_t next;            /* what is read next */
	struct mr_token token;  /* the one looked at */
	enum mr_query_of of;
	int64_t now_s;
	unsigned int depth;
	unsigned int terms;
	size_t wrong; /* where an error was found, from 0 */
	bool located;
	struct mreg_error *err;
};

/* MREG_EUSAGE at byte `at` (from 0), with where it is behind the message; the
 * hint is `advice`, or without (NULL) the text from there on, of which there is
 * some. */
int mr_parse_fail(struct mr_parse *p, size_t at, const char *advice,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* "'AND' stands where a value should be": `expected` is "a value"; the hint is
 * `advice`, and behind it the text from there on. */
int mr_parse_unexpected(struct mr_parse *p, const char *expected,
			const char *advice);
/* Look at the next token. */
int mr_parse_next(struct mr_parse *p);
/* Behind a map's dot: what comes is a key, not a word. */
int mr_parse_next_key(struct mr_parse *p);
/* Whether the parser looks at this word, cases not told apart. */
bool mr_parse_at_word(const struct mr_parse *p, const char *word);
/* Whether a key reads back without quotes. */
bool mr_key_is_bare(const char *key);

/* -- parts ------------------------------------------------------------------
 */

/* What is compared or ordered by: `key` NULL but of maps. */
struct mr_subject {
	enum mr_attr attr;
	const char *key;
	size_t at;
};
/* Whether an attribute's name may be what the parser looks at: MLflow takes it
 * in backticks too. */
bool mr_parse_at_name(const struct mr_parse *p);
int mr_parse_subject(struct mr_parse *p, struct mr_subject *out);

/* A value of the subject's type.  A time may be a stretch, a day: from
 * `integer` to `last_s`; or lie between two seconds: `last_s` is the one
 * before. */
struct mr_value {
	struct mr_operand operand;
	int64_t last_s;
};
int mr_parse_value(struct mr_parse *p, const struct mr_subject *s,
		   struct mr_value *out);

/* Room for one more behind `n` values of a list; bounded. */
int mr_parse_room(struct mr_parse *p, struct mr_operand **items, size_t n,
		  size_t *cap);

int mr_parse_comparison(struct mr_parse *p, const struct mr_term **out);
/* One more comparison or predicate, at byte `at`; bounded. */
int mr_parse_count(struct mr_parse *p, size_t at);

/* "metrics.auc DESC, name"; adds to `items`, which has room for `max`. */
int mr_parse_order(struct mr_parse *p, struct mr_order *items, size_t *n,
		   size_t max);
/* The same without direction. */
int mr_parse_columns(struct mr_parse *p, struct mr_order *items, size_t *n,
		     size_t max);

/* Not an empty one. */
int mr_parse_filter(struct mr_parse *p, const struct mr_term **out);

/* -- terms ------------------------------------------------------------------
 */

/* What AND and OR join, while it grows. */
struct mr_terms {
	const struct mr_term **items;
	size_t n, cap;
};
int mr_terms_push(struct mr_parse *p, struct mr_terms *k,
		  const struct mr_term *t);
/* To be joined by `kind`: of a term of that kind its children. */
int mr_terms_add(struct mr_parse *p, struct mr_terms *k, enum mr_term_kind kind,
		 const struct mr_term *t);
/* One alone stays what it is. */
int mr_terms_join(struct mr_parse *p, enum mr_term_kind kind,
		  const struct mr_terms *k, const struct mr_term **out);
int mr_term_join(struct mr_parse *p, enum mr_term_kind kind,
		 const struct mr_term *a, const struct mr_term *b,
		 const struct mr_term **out);
int mr_term_negate(struct mr_parse *p, size_t at, const struct mr_term *t,
		   const struct mr_term **out);
/* NULL: no memory. */
struct mr_term *mr_term_new(struct mr_parse *p, enum mr_term_kind kind,
			    size_t at);

#endif

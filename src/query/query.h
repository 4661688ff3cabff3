/*
 * query/query.h - the filter language: text to a tree, with errors that point
 * at the character.  spec/query.md has the grammar; MLflow's filters are part
 * of it (facts: registries.md 2.6).  No SQL, no input or output.
 */
#ifndef MR_QUERY_QUERY_H
#define MR_QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mreg/error.h"

/*
 * What may be compared.  A comparison holds only of what has a value to be
 * compared: "a != v" is "a is told, and a = v does not hold".  Of an attribute
 * that has several values (aliases, environments) it holds when one of them
 * makes it hold; so "alias != 'x'" is: it has aliases, and x is none of them.
 * NOT turns around whatever stands behind it, also of what has no value.
 */
enum mr_attr {
	/* text */
	MR_ATTR_NAME,  /* of the model, below the configured prefix */
	MR_ATTR_MODEL, /* its whole name: ghcr.io/acme/churn */
	MR_ATTR_ALIAS, /* any alias that points at the version; latest too */
	MR_ATTR_RELEASE,
	MR_ATTR_STAGE,
	MR_ATTR_OWNER,
	MR_ATTR_AUTHOR,
	MR_ATTR_ACTOR, /* who registered it */
	MR_ATTR_LICENSE,
	MR_ATTR_KIND, /* model, dataset, prompt */
	MR_ATTR_FORMAT,
	MR_ATTR_ARCHITECTURE,
	MR_ATTR_FAMILY,
	MR_ATTR_PRECISION,
	MR_ATTR_QUANTIZATION,
	MR_ATTR_RUN,    /* run_id */
	MR_ATTR_SOURCE, /* source_path: where its code is */
	MR_ATTR_REVISION,
	MR_ATTR_DESCRIPTION,
	MR_ATTR_DIGEST,
	MR_ATTR_FILESET,
	MR_ATTR_ENVIRONMENT, /* where it is deployed */
	MR_ATTR_STATUS,      /* "ready", "archived", "deprecated" */
	/* numbers */
	MR_ATTR_NUMBER,     /* version_number, version */
	MR_ATTR_PARAMETERS, /* count of weights */
	MR_ATTR_BYTES,      /* size; 10MB, 2GiB are taken */
	MR_ATTR_FILES,
	/* times, in seconds since 1970; written as dates, RFC 3339,
	 * milliseconds as MLflow does, or ages: 30d */
	MR_ATTR_CREATED,    /* what the manifest says */
	MR_ATTR_REGISTERED, /* creation_timestamp */
	MR_ATTR_UPDATED,    /* last_updated_timestamp */
	/* maps; `key` is set */
	MR_ATTR_TAG,        /* text */
	MR_ATTR_PARAM,      /* text, or number where compared with one */
	MR_ATTR_METRIC,     /* number */
	MR_ATTR_EVALUATION, /* evaluations.SUITE = 'passed' */
	MR_ATTR_COUNT,
};

enum mr_cmp {
	MR_CMP_EQ,
	MR_CMP_NE,
	MR_CMP_LT,
	MR_CMP_LE,
	MR_CMP_GT,
	MR_CMP_GE,
	MR_CMP_LIKE,
	MR_CMP_ILIKE,
	MR_CMP_IN,
	MR_CMP_IS_NULL, /* is not told; MR_CMP_IS_SET: it is */
	MR_CMP_IS_SET,
};

enum mr_value_type {
	MR_VALUE_TEXT,
	MR_VALUE_NUMBER,
	MR_VALUE_TIME,
};

struct mr_operand {
	enum mr_value_type type;
	const char *text; /* as written, unquoted; of every type; the same for
			   * the same filter at any time ("30d") */
	double number;
	int64_t integer; /* of a number that is one; of a time: seconds */
	bool whole;      /* `integer` is exact */
	size_t at;       /* byte in the filter, for messages */
};

enum mr_predicate {
	MR_PRED_TEXT,             /* text('words'): full text */
	MR_PRED_DESCENDS_FROM,    /* descends_from('ref') */
	MR_PRED_ANCESTOR_OF,      /* ancestor_of('ref') */
	MR_PRED_ANCESTOR_LICENSE, /* has_ancestor_license('GPL-3.0') */
	MR_PRED_SAME_FILES,       /* same_files('ref') */
	MR_PRED_USES,             /* uses('uri'): an input or outside node,
				   * direct or not */
	MR_PRED_COUNT,
};

enum mr_term_kind {
	MR_TERM_AND, /* children, two or more; none is an AND */
	MR_TERM_OR,  /* the same */
	MR_TERM_NOT, /* one child */
	MR_TERM_COMPARE,
	MR_TERM_PREDICATE,
	MR_TERM_ALL, /* an empty filter; only as the root */
};

struct mr_term {
	enum mr_term_kind kind;
	size_t at; /* byte in the filter where it begins */
	const struct mr_term *const *children;
	size_t child_count;
	enum mr_attr attr; /* compare */
	const char *key;   /* of a map's entry */
	enum mr_cmp cmp;
	enum mr_predicate predicate;
	const struct mr_operand *values; /* one; of IN (all of one type) and
					  * predicates several: any of them */
	size_t value_count;
};

struct mr_order {
	enum mr_attr attr;
	const char *key; /* metrics.auc, tags.k, params.k */
	bool descending;
};

/* What it is asked of: models know fewer attributes. */
enum mr_query_of {
	MR_QUERY_VERSIONS,
	MR_QUERY_MODELS,
};

struct mr_query {
	struct mr_arena *arena; /* owned */
	enum mr_query_of of;
	const struct mr_term *root; /* never NULL */
	const struct mr_order *order;
	size_t order_count;
};
void mr_query_free(struct mr_query *q);
void mr_query_freep(struct mr_query **q); /* for MR_AUTO */

/* Longer, deeper and larger ones are MREG_EUSAGE: a database takes no more of
 * its own language. */
#define MR_QUERY_MAX_BYTES 16384
#define MR_QUERY_DEPTH_MAX 64
#define MR_QUERY_TERMS_MAX 256

/* In the list of one IN. */
#define MR_QUERY_VALUES_MAX 1000

/*
 * `filter` NULL or "" is all; `order` entries as "metrics.auc DESC", several in
 * one with commas between.  Ages ("30d") count back from `now_s`.  MREG_EUSAGE
 * says what is wrong and where, and its hint what to write, or the filter from
 * there on; `*at` (NULL: not asked for) is the byte of the filter from 1, 0
 * when it is about something else.
 *
 * What comes out is plain: NOT IN and NOT LIKE have become IS_SET and NOT of
 * it, a day (= 2026-05-03) the two comparisons with its ends.
 */
int mr_query_parse(const char *filter, const char *const *order,
		   size_t order_count, enum mr_query_of of, int64_t now_s,
		   struct mr_query **out, size_t *at, struct mreg_error *err);
/* Attributes to be shown, written as those of an order: into `*out`, in the
 * arena.  MREG_EUSAGE. */
int mr_query_columns(const char *const *words, size_t n, enum mr_query_of of,
		     struct mr_arena *arena, struct mr_order **out,
		     size_t *count, struct mreg_error *err);
/* The filter as the parser understood it, which parses to the same again; of
 * all of them "". */
void mr_query_text(const struct mr_query *q, struct mr_buf *out);

/* "version_number", of a map "tags"; and what type its values have: TEXT of
 * parameters, which may be compared with numbers too. */
const char *mr_attr_name(enum mr_attr a);
enum mr_value_type mr_attr_type(enum mr_attr a);
/* Whether it is a map, whose entries have keys. */
bool mr_attr_is_map(enum mr_attr a);
/* Whether models can be asked for it: MR_QUERY_MODELS. */
bool mr_attr_is_of_models(enum mr_attr a);

#endif

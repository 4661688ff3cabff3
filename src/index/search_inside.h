/*
 * index/search_inside.h - what the files of search share: one search, its
 * terms and its order as SQL.
 *
 * Every SQL here asks of `v`, a row of ix_versions, or of `m`, one of
 * ix_models; what asks of versions and shows names joins both.
 */
#ifndef MR_INDEX_SEARCH_INSIDE_H
#define MR_INDEX_SEARCH_INSIDE_H

#include "index/search_sql.h"

/* -- one search ------------------------------------------------------------ */

/* A value of the order, as a row has it. */
struct mr_ix_key {
	enum mr_column type; /* NULL, INT, REAL or TEXT */
	int64_t i;
	double r;
	const char *text;
};

struct mr_ix_rank {
	enum mr_attr attr;
	const char *key;
	bool descending;
	bool number; /* of a parameter: its number, else its text */
	enum {
		MR_IX_RANK_ATTR,
		MR_IX_RANK_UPDATED, /* of the total order: as stored */
		MR_IX_RANK_NAME,    /* whole */
		MR_IX_RANK_NUMBER,
	} what;
	int64_t key_id; /* of `key`; 0: nothing has it */
	bool nullable;
};
/* A parameter is two, and there are three behind. */
#define MR_IX_RANKS_MAX 64

/* Nodes that a predicate stands for; ids that a comparison does. */
struct mr_ix_target {
	const struct mr_term *term;
	int64_t *nodes; /* in the search's arena */
	size_t count;
};

/* Of MR_QUERY_TERMS_MAX: those behind are looked up, or tested, each time. */
#define MR_IX_TEXTS_KNOWN 32
#define MR_IX_MEANT_MAX 16

/* What decides which way is gone; tests take small ones. */
struct mr_ix_effort {
	size_t some;  /* read first of each list: who is that short decides */
	size_t list;  /* read of a list at most */
	size_t ratio; /* entries that are gone through while a row is sorted */
	size_t many;  /* rows that are sorted sooner than all are looked at */
	size_t hasty; /* rows of a walk that may be looked at in vain before
		       * longer lists are read... */
	size_t vain;  /* ...and behind that */
	size_t tried; /* texts that are compared with a pattern before rows */
};

struct mr_ix_search {
	struct mr_index *ix;
	const struct mr_search *ask;
	const struct mr_ix_effort *effort;
	bool models;
	/* The filter, less what the index decides; leaves are the query's. */
	const struct mr_term *root;
	bool nothing; /* matches; `root` is of no use */
	struct {
		const char *text; /* of the query */
		int64_t id;       /* 0: the index does not hold it */
	} texts[MR_IX_TEXTS_KNOWN];
	size_t text_count;
	/* What comparisons mean. */
	struct mr_ix_target meant[MR_IX_MEANT_MAX];
	size_t meant_count;
	/* Terms that are true of all rows which a statement is asked of by id:
	 * their lists were read. */
	const struct mr_term *proven[MR_QUERY_TERMS_MAX];
	size_t proven_count;
	bool merging; /* and those that are merged */
	bool tail;    /* rows whose first rank is not told, alone */
	bool few;     /* the SQL is asked of few rows, found by other means */
	bool scan;    /* the SQL is asked of each row that SQLite has... */
	bool nested;  /* ...and what is put now is below an OR or a NOT */
	/* The SQL asks of `r` too, the row of ix_metrics that is the first
	 * rank, so that its index has the order. */
	bool ranked;
	struct mr_arena *arena; /* owned; of texts that SQL borrows */
	const char *prefix;     /* with its "/"; NULL */
	struct mr_ix_rank ranks[MR_IX_RANKS_MAX];
	size_t rank_count;
	size_t lead;                  /* the first that a version can have */
	struct mr_ix_target *targets; /* in `arena` */
	size_t target_count;
	uint64_t hash;          /* of what a token must be of */
	bool paged;             /* `from` is set */
	struct mr_ix_key *from; /* rank_count; in `arena` */
};

/* The filter's tree, as far as it is open: search_fold.c. */
int mr_ix_search_fold(struct mr_ix_search *s, struct mreg_error *err);
/* Of the query; 0: the index does not hold it. */
int mr_ix_search_text(struct mr_ix_search *s, const char *text, int64_t *out,
		      struct mreg_error *err);
/* What a comparison means: ids of texts, of RUN nodes, of what forms have
 * those, of TAG and PARAM pairs.  NULL: it is not known. */
const struct mr_ix_target *mr_ix_meant(const struct mr_ix_search *s,
				       const struct mr_term *t);
/* "(column IN (...))"; false: it is not known, or too many to be asked of each
 * row. */
bool mr_ix_put_meant(const struct mr_ix_search *s, struct mr_ix_sql *q,
		     const char *column, const struct mr_term *t);

/* A condition, true where the term is; never NULL-valued under NOT:
 * search_terms.c. */
int mr_ix_put_term(struct mr_ix_search *s, struct mr_ix_sql *q,
		   const struct mr_term *t, struct mreg_error *err);
/* Whether a walk's rows are proven to be what the filter asks for. */
bool mr_ix_is_proven(const struct mr_ix_search *s, const struct mr_term *t);
/* Whether what is not proven asks for sets, which each statement makes anew:
 * models by name, nodes. */
bool mr_ix_has_sets(const struct mr_ix_search *s, const struct mr_term *t);
/* The same of what the filter asks for, but for what is proven. */
int mr_ix_put_rest(struct mr_ix_search *s, struct mr_ix_sql *q,
		   const struct mr_term *t, struct mreg_error *err);
/* A comparison: search_attr.c. */
int mr_ix_put_compare(struct mr_ix_search *s, struct mr_ix_sql *q,
		      const struct mr_term *t, struct mreg_error *err);
/* What an operator and its values say of `value`, an SQL expression of text
 * that is no id. */
void mr_ix_put_text_test(struct mr_ix_sql *q, const char *value,
			 const struct mr_term *t);
bool mr_ix_asks_presence(enum mr_cmp cmp);
bool mr_ix_is_pattern(enum mr_cmp cmp);
/* Whether versions have the id of its text in a column. */
bool mr_ix_has_ids(enum mr_attr attr);
/* Of what forms have, with `f` for the form; NULL: they do not have it. */
const char *mr_ix_form_column(enum mr_attr attr);
/* Whether their columns tell it. */
bool mr_ix_is_column(enum mr_attr attr);
/* The same of `column`, the id of a text; of a number, a whole one or not. */
int mr_ix_put_id_test(struct mr_ix_search *s, struct mr_ix_sql *q,
		      const char *column, const struct mr_term *t,
		      struct mreg_error *err);
void mr_ix_put_number_test(struct mr_ix_sql *q, const char *column, bool whole,
			   const struct mr_term *t);
/* "SELECT id" of the models that a comparison of names means. */
int mr_ix_put_models(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const struct mr_term *t, struct mreg_error *err);
/* Whether an order may have it; whether it may be not told. */
bool mr_ix_is_ordered(const struct mr_ix_search *s, enum mr_attr attr);
bool mr_ix_is_nullable(enum mr_attr attr);
enum mr_column mr_ix_rank_type(const struct mr_ix_rank *r);
/* Words of a full text predicate as the database's match wants them; in the
 * search's arena; "" where there are none. */
int mr_ix_match_words(struct mr_ix_search *s, const struct mr_term *t,
		      const char **out, struct mreg_error *err);
/* What is not told is NULL. */
void mr_ix_put_value(struct mr_ix_search *s, struct mr_ix_sql *q,
		     const struct mr_ix_rank *r);

/* The nodes of every predicate of lineage; before the index is locked:
 * search_lineage.c. */
int mr_ix_search_targets(struct mr_ix_search *s, struct mreg_error *err);
const struct mr_ix_target *mr_ix_target(const struct mr_ix_search *s,
					const struct mr_term *t);

/* search_order.c */
int mr_ix_search_ranks(struct mr_ix_search *s, struct mreg_error *err);
/* The rank whose index is gone through; NULL: none is, since the page before
 * ended with a row that has it no more. */
const struct mr_ix_rank *mr_ix_lead(const struct mr_ix_search *s);
/* ", value, value": one for each rank. */
void mr_ix_put_ranks(struct mr_ix_search *s, struct mr_ix_sql *q);
void mr_ix_put_order(struct mr_ix_search *s, struct mr_ix_sql *q);
/* " AND (behind the row that the page before ended with)". */
void mr_ix_put_behind(struct mr_ix_search *s, struct mr_ix_sql *q);

/* search_token.c */
void mr_ix_search_hash(struct mr_ix_search *s);
int mr_ix_token_text(struct mr_ix_search *s, const struct mr_ix_key *keys,
		     struct mr_arena *arena, const char **out,
		     struct mreg_error *err);
int mr_ix_token_parse(struct mr_ix_search *s, struct mreg_error *err);

#endif

/*
 * index/search_ways.h - the ways to a page's rows: all that match, those that
 * lists hold, the order of an index gone through.
 */
#ifndef MR_INDEX_SEARCH_WAYS_H
#define MR_INDEX_SEARCH_WAYS_H

#include "index/search_inside.h"

/* Rows as they come: search_page.c. */
struct mr_ix_page {
	struct mr_ix_ids ids;   /* at most limit + 1 */
	struct mr_ix_key *last; /* keys of the row that ends the page; in the
				 * search's arena */
	size_t seen;            /* rows of the last statement */
};
void mr_ix_page_reset(struct mr_ix_page *p);
void mr_ix_page_release(struct mr_ix_page *p); /* for MR_AUTO too */
/* Add rows of versions among `ids` (NULL: all), in order, up to limit + 1. */
int mr_ix_page_add(struct mr_ix_search *s, const struct mr_ix_ids *ids,
		   struct mr_ix_page *page, struct mreg_error *err);
int mr_ix_page_total(struct mr_ix_search *s, const struct mr_ix_ids *ids,
		     uint64_t *out, struct mreg_error *err);

/* Whether indexes list what a term's versions are among; and the list,
 * "SELECT id ...", which may hold more than them, and twice: search_list.c. */
bool mr_ix_is_listed(const struct mr_ix_search *s, const struct mr_term *t);
bool mr_ix_is_exact(const struct mr_ix_search *s, const struct mr_term *t);
int mr_ix_put_list(struct mr_ix_search *s, struct mr_ix_sql *q,
		   const struct mr_term *t, struct mreg_error *err);

/* Versions as bits by id. */
struct mr_ix_set {
	uint64_t *bits; /* owned */
	size_t words;
	size_t n; /* how many are in it */
};
void mr_ix_set_release(struct mr_ix_set *s); /* for MR_AUTO too */

/*
 * What all listed parts of a filter have in common, as far as their lists have
 * `most` entries: search_common.c.  `*found` false: none has; `*left`: there
 * are longer ones.
 */
int mr_ix_search_common(struct mr_ix_search *s, size_t most,
			struct mr_ix_set *out, bool *found, bool *left,
			struct mreg_error *err);
/* How many versions match. */
int mr_ix_search_total(struct mr_ix_search *s, uint64_t *out,
		       struct mreg_error *err);
int mr_ix_set_ids(const struct mr_ix_set *set, struct mr_ix_ids *out,
		  struct mreg_error *err);
bool mr_ix_set_take(struct mr_ix_set *set, int64_t id);

/*
 * Lists that have the order of versions by `updated`, last first, merged:
 * search_merge.c.  Its parts are those terms of a filter, all to be true, that
 * have one; without any, all versions.
 */
struct mr_ix_cursor;
struct mr_ix_merge {
	struct mr_ix_cursor *items; /* owned */
	size_t n;
};
bool mr_ix_is_merged_term(const struct mr_term *t);
/* Whether the order is that, and a term has such a list. */
bool mr_ix_is_merged(const struct mr_ix_search *s);
int mr_ix_merge_open(struct mr_ix_search *s, struct mr_ix_merge *m,
		     struct mreg_error *err);
void mr_ix_merge_close(struct mr_ix_merge *m); /* for MR_AUTO too */
/* 1: the next that all have; 0: there is none. */
int mr_ix_merge_next(struct mr_ix_merge *m, int64_t *id,
		     struct mreg_error *err);
/* `updated` of that. */
int64_t mr_ix_merge_rank(const struct mr_ix_merge *m);

/*
 * Versions by the order's first rank, from where the page before ended:
 * search_source.c.  For who can have it: mr_ix_is_walked.
 */
struct mr_ix_source;
bool mr_ix_is_walked(const struct mr_ix_search *s);
/* `*worth` false: to look at all rows takes no longer. */
int mr_ix_source_open(struct mr_ix_search *s, struct mr_ix_source **out,
		      bool *worth, struct mreg_error *err);
void mr_ix_source_close(struct mr_ix_source *f); /* NULL does nothing */
/* 1: the next; 0: there is none. */
int mr_ix_source_next(struct mr_ix_source *f, int64_t *id,
		      struct mreg_error *err);
/* Of that, or what stands for it: its `i` and `r` change where the rank does.
 * Of `updated` it is that. */
struct mr_ix_key mr_ix_source_rank(const struct mr_ix_source *f);

/* Go through an index that has the order: search_walk.c.  `*done` false: it
 * was not worth it, met `vain` rows that are not asked for, or passed more than
 * those of `among` (NULL: all) are sorted in the time of, and the page is
 * empty.  `among` is used up. */
/* Whether a term lets through what has no first rank. */
bool mr_ix_has_tail(const struct mr_ix_search *s, const struct mr_term *t);
/* Add those to a page that has all others, of `among` (NULL: all). */
int mr_ix_page_add_tail(struct mr_ix_search *s, const struct mr_ix_set *among,
			struct mr_ix_page *page, struct mreg_error *err);
int mr_ix_search_walk(struct mr_ix_search *s, struct mr_ix_set *among,
		      size_t vain, struct mr_ix_page *page, bool *done,
		      struct mreg_error *err);

/* By when versions were made or registered, last first: search_recent.c.
 * `*done` false: those that something happened to last do not fill the page, up
 * to `most` of them. */
bool mr_ix_is_recent(const struct mr_ix_search *s);
int mr_ix_search_recent(struct mr_ix_search *s, size_t most,
			struct mr_ix_page *page, bool *done,
			struct mreg_error *err);

/* mr_index_search, with an effort. */
int mr_ix_search(struct mr_index *ix, const struct mr_search *ask,
		 const struct mr_ix_effort *effort,
		 struct mr_search_result *out, struct mreg_error *err);

#endif

/*
 * search.c - a query's page: which way to its rows, and where the next begins.
 *
 * PostgreSQL's planner knows how often values occur, and is asked for the page
 * in one statement, or two.  SQLite's is told: rows that a short list holds;
 * else the rows of an index that has the order, as far as the page goes, less
 * those that lists rule out; and where that leads nowhere, all rows.
 */
#include "index/search_ways.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* A page's texts, and nodes of a graph of some million. */
#define SEARCH_MAX_BYTES (256u << 20)
#define RESULT_MAX_BYTES (4u << 20)
#define LIMIT_MOST 50000
/* An entry of an index costs some 0.06 us, a row that is looked up or sorted
 * 0.7 us, one of all that are gone through 0.08 us; a list of 100,000 costs
 * 7 ms. */
static const struct mr_ix_effort usual = {
	.some = 1000,
	.list = 100000,
	.ratio = 12,
	.many = 50000,
	.hasty = 250,
	.vain = 50000,
	.tried = 1000,
};
/* Of so many rows one is looked up in the time that all are gone through, where
 * nothing beside them is asked for; else a few are. */
#define SHARE 8
#define SHARE_ASKING 2
#define VAIN_LEAST 1000
/* Rows that are looked at for words sooner than a list of them is read. */
#define WORDS_HASTY 8
#define WORDS_SHARE 500

void mr_search_release(struct mr_search_result *r)
{
	mr_arena_free(r->arena);
	*r = (struct mr_search_result){ 0 };
}

/* Ids are given out in order, so the last is about how many there are. */
static int count_about(struct mr_ix_search *s, uint64_t *out,
		       struct mreg_error *err)
{
	struct mr_stmt *stmt;
	int rc = mr_db_stmt(s->ix->db, "SELECT max(id) FROM ix_versions", &stmt,
			    err);

	if (rc < 0)
		return rc;
	rc = mr_stmt_step(stmt, err);
	*out = rc > 0 ? (uint64_t)mr_stmt_int(stmt, 0) : 0;
	mr_stmt_reset(stmt);
	return rc < 0 ? rc : 0;
}

/* Whether `n` rows are sorted sooner than one of `all` is met `limit` times
 * while going through all in order: n * ratio against limit * all / n.  Of rows
 * that are not proven fewer are met than that, and the way is longer. */
static bool are_few(struct mr_ix_search *s, size_t n, uint64_t all)
{
	/* By number each entry is looked up, as a row is. */
	if (!mr_ix_is_walked(s) || s->ranks[s->lead].attr == MR_ATTR_NUMBER)
		return n <= s->effort->many;
	return n <= s->ask->limit ||
	       (n <= s->effort->some && !mr_ix_is_proven(s, s->root)) ||
	       (double)n * (double)n * (double)s->effort->ratio <
		       (double)s->ask->limit * (double)all;
}

/* Whether its rows' columns tell whether a term is true. */
static bool is_plain(const struct mr_ix_search *s, const struct mr_term *t)
{
	size_t i;

	for (i = 0; i < t->child_count; i++)
		if (!is_plain(s, t->children[i]))
			return false;
	return t->child_count != 0 || t->kind == MR_TERM_ALL ||
	       (t->kind == MR_TERM_COMPARE && mr_ix_is_column(t->attr) &&
		(!mr_ix_is_pattern(t->cmp) || mr_ix_meant(s, t)));
}

/* Rows to be looked at in vain: going through all takes longer, or no time. */
static size_t in_vain(const struct mr_ix_search *s, size_t most, uint64_t all)
{
	uint64_t share = all / (is_plain(s, s->root) ? SHARE : SHARE_ASKING);

	if (share < VAIN_LEAST)
		share = VAIN_LEAST;
	return share < most ? (size_t)share : most;
}

static bool asks_words(const struct mr_term *t)
{
	size_t i;

	for (i = 0; i < t->child_count; i++)
		if (asks_words(t->children[i]))
			return true;
	return t->kind == MR_TERM_PREDICATE && t->predicate == MR_PRED_TEXT;
}

/* Of words that many have the lists are long, and are read from the other end:
 * 100,000 entries cost as much as 7,000 rows. */
static size_t hastily(const struct mr_ix_search *s, uint64_t all)
{
	size_t hasty = s->effort->hasty;
	uint64_t share = all / WORDS_SHARE;

	if (!asks_words(s->root) || share < hasty)
		return hasty;
	return share < WORDS_HASTY * hasty ? (size_t)share
					   : WORDS_HASTY * hasty;
}

/* What is known of a filter's rows, and how far that goes. */
struct known {
	struct mr_ix_set common; /* owned */
	bool found, left;
};

static void forget(struct known *k)
{
	mr_ix_set_release(&k->common);
}

/* Lists of up to `most` entries, and then the page, if few rows are looked at
 * in vain for it. */
static int try(struct mr_ix_search *s, size_t most, bool last,
	       struct mr_ix_page *page, bool *done, struct mreg_error *err)
{
	MR_AUTO(forget) struct known k = { .found = false };
	MR_AUTO(mr_ix_ids_release) struct mr_ix_ids ids = { 0 };
	uint64_t all = 0;
	int rc =
		mr_ix_search_common(s, most, &k.common, &k.found, &k.left, err);

	if (rc >= 0)
		rc = count_about(s, &all, err);
	if (rc < 0)
		return rc;
	if (k.found && are_few(s, k.common.n, all)) {
		*done = true;
		rc = mr_ix_set_ids(&k.common, &ids, err);
		return rc < 0 ? rc : mr_ix_page_add(s, &ids, page, err);
	}
	/* Sets are dear, and lists of them are not. */
	if (!mr_ix_is_walked(s) ||
	    (k.left && !last && mr_ix_has_sets(s, s->root)))
		return 0;
	if (k.found)
		rc = mr_ix_set_ids(&k.common, &ids, err);
	if (rc >= 0)
		rc = mr_ix_search_walk(
			s, k.found ? &k.common : NULL,
			k.left && !last ? hastily(s, all)
					: in_vain(s, s->effort->vain, all),
			page, done, err);
	if (rc < 0 || *done || !last || !k.found || ids.n > s->effort->many ||
	    ids.n * SHARE > all)
		return rc;
	*done = true;
	return mr_ix_page_add(s, &ids, page, err);
}

static int fill_recent(struct mr_ix_search *s, struct mr_ix_page *page,
		       bool *done, struct mreg_error *err)
{
	uint64_t all = 0;
	int rc = 0;

	s->proven_count = 0;
	if (mr_ix_is_recent(s))
		rc = count_about(s, &all, err);
	if (rc < 0 || all == 0)
		return rc;
	return mr_ix_search_recent(s, in_vain(s, s->effort->vain, all), page,
				   done, err);
}

static int fill_sqlite(struct mr_ix_search *s, struct mr_ix_page *page,
		       struct mreg_error *err)
{
	bool done = false;
	int rc = try(s, s->effort->some, false, page, &done, err);

	if (rc >= 0 && !done)
		rc = fill_recent(s, page, &done, err);
	if (rc >= 0 && !done)
		rc = try(s, s->effort->list, true, page, &done, err);
	s->proven_count = 0;
	return rc < 0 || done ? rc : mr_ix_page_add(s, NULL, page, err);
}

/* Of all, in the order of the metric's index where that is the first rank: what
 * a subquery says of each version would be asked of all of them. */
static int fill_planned(struct mr_ix_search *s, struct mr_ix_page *page,
			struct mreg_error *err)
{
	struct mr_ix_rank *first = &s->ranks[0];
	int rc;

	if (s->models || s->lead > 0 || first->attr != MR_ATTR_METRIC ||
	    !mr_ix_is_walked(s))
		return mr_ix_page_add(s, NULL, page, err);
	s->ranked = true;
	first->nullable = false;
	rc = mr_ix_page_add(s, NULL, page, err);
	s->ranked = false;
	first->nullable = true;
	if (rc < 0 || page->ids.n > s->ask->limit ||
	    !mr_ix_has_tail(s, s->root))
		return rc;
	return mr_ix_page_add_tail(s, NULL, page, err);
}

static int fill(struct mr_ix_search *s, struct mr_ix_page *page,
		uint64_t *total, struct mreg_error *err)
{
	bool planned = s->models || mr_db_kind(s->ix->db) == MR_DB_POSTGRES;
	bool done = false;
	int rc = planned ? fill_recent(s, page, &done, err)
			 : fill_sqlite(s, page, err);

	if (rc >= 0 && planned && !done)
		rc = fill_planned(s, page, err);

	if (rc < 0 || !s->ask->count)
		return rc;
	return planned ? mr_ix_page_total(s, NULL, total, err)
		       : mr_ix_search_total(s, total, err);
}

static int give(struct mr_ix_search *s, struct mr_ix_page *page,
		struct mr_search_result *out, struct mreg_error *err)
{
	size_t limit = s->ask->limit;

	out->arena = mr_arena_new(RESULT_MAX_BYTES);
	if (!out->arena)
		return mr_fail_nomem(err);
	out->n = page->ids.n < limit ? page->ids.n : limit;
	out->ids = mr_arena_alloc(out->arena, (out->n + 1) * sizeof(*out->ids));
	if (!out->ids)
		return mr_fail_nomem(err);
	if (out->n)
		memcpy(out->ids, page->ids.items, out->n * sizeof(*out->ids));
	return page->ids.n > limit ? mr_ix_token_text(s, page->last, out->arena,
						      &out->token, err)
				   : 0;
}

static int search(struct mr_ix_search *s, struct mr_search_result *out,
		  struct mreg_error *err)
{
	MR_AUTO(mr_ix_page_release) struct mr_ix_page page = { 0 };
	uint64_t total = 0;
	int rc = mr_ix_search_ranks(s, err);

	if (rc < 0)
		return rc;
	mr_ix_search_hash(s);
	rc = mr_ix_token_parse(s, err);
	if (rc >= 0)
		rc = mr_ix_search_fold(s, err);
	if (rc >= 0 && !s->nothing)
		rc = fill(s, &page, &total, err);
	if (rc >= 0)
		rc = give(s, &page, out, err);
	out->total = total;
	return rc;
}

static int prepare(struct mr_ix_search *s, struct mreg_error *err)
{
	s->arena = mr_arena_new(SEARCH_MAX_BYTES);
	if (!s->arena)
		return mr_fail_nomem(err);
	if (s->ask->prefix && s->ask->prefix[0]) {
		s->prefix = mr_arena_printf(s->arena, "%s/", s->ask->prefix);
		if (!s->prefix)
			return mr_fail_nomem(err);
	}
	return mr_ix_search_targets(s, err);
}

int mr_ix_search(struct mr_index *ix, const struct mr_search *ask,
		 const struct mr_ix_effort *effort,
		 struct mr_search_result *out, struct mreg_error *err)
{
	struct mr_ix_search s = { .ix = ix, .ask = ask, .effort = effort };
	int rc;

	memset(out, 0, sizeof(*out));
	if (ask->limit < 1 || ask->limit > LIMIT_MOST)
		return mr_fail(err, MREG_EUSAGE,
			       "a page has 1 to %d rows, not %zu", LIMIT_MOST,
			       ask->limit);
	s.models = ask->query->of == MR_QUERY_MODELS;
	rc = prepare(&s, err);
	if (rc >= 0) {
		rc = mr_ix_begin_read(ix, err);
		if (rc >= 0) {
			rc = search(&s, out, err);
			mr_ix_end_read(ix);
		}
	}
	mr_arena_free(s.arena);
	if (rc < 0)
		mr_search_release(out);
	return rc < 0 ? rc : 0;
}

int mr_index_search(struct mr_index *ix, const struct mr_search *ask,
		    struct mr_search_result *out, struct mreg_error *err)
{
	return mr_ix_search(ix, ask, &usual, out, err);
}

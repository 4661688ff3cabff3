/*
 * search_walk.c - rows of a search in an order that indexes have.
 *
 * An index has the first rank of the order only.  Versions are taken from it
 * in batches that end where the rank changes, and each batch is asked for what
 * the filter says of it, in the whole order: what comes out of one batch after
 * the other is then in order as well.
 */
#include "index/search_ways.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Rows beyond a page that are looked at with it, where some may be of the page
 * before. */
#define BATCH_MORE 4
/* Of what is looked at together. */
#define BATCH_FIRST 256
#define BATCH_MOST 8192

bool mr_ix_has_tail(const struct mr_ix_search *s, const struct mr_term *t)
{
	const struct mr_ix_rank *r = &s->ranks[s->lead];
	size_t i;

	if (!r->nullable)
		return false;
	for (i = 0; t->kind == MR_TERM_AND && i < t->child_count; i++)
		if (!mr_ix_has_tail(s, t->children[i]))
			return false;
	return t->kind != MR_TERM_COMPARE || t->attr != r->attr ||
	       t->cmp == MR_CMP_IS_NULL ||
	       (r->key && strcmp(r->key, t->key) != 0);
}

struct batch {
	struct mr_ix_ids ids; /* owned */
	size_t most;
	size_t vain, vain_most;
	bool full; /* the page */
	/* Asks of one row what its list has not proven; `stmt` NULL: nothing.
	 */
	struct mr_ix_sql sql;
	struct mr_stmt *stmt; /* owned */
	bool together;        /* it costs as much for all as for one */
};

static int prepare(struct mr_ix_search *s, struct batch *b,
		   struct mreg_error *err)
{
	int rc;

	if (mr_ix_is_proven(s, s->root))
		return 0;
	if (mr_ix_has_sets(s, s->root)) {
		b->together = true;
		if (b->most < BATCH_FIRST)
			b->most = BATCH_FIRST;
		return 0;
	}
	mr_ix_sql_init(&b->sql, s->ix);
	mr_ix_sql_put(&b->sql, "SELECT 1 FROM ix_versions v WHERE v.id = ");
	mr_ix_sql_int(&b->sql, 0);
	mr_ix_sql_put(&b->sql, " AND ");
	s->few = true;
	s->scan = false;
	rc = mr_ix_put_rest(s, &b->sql, s->root, err);
	return rc < 0 ? rc : mr_ix_sql_stmt(&b->sql, &b->stmt, err);
}

static void discard(struct batch *b)
{
	mr_stmt_free(b->stmt);
	mr_ix_sql_release(&b->sql);
	mr_ix_ids_release(&b->ids);
}

/* 1: the row is asked for; 0: it was looked at in vain. */
static int is_asked(struct batch *b, int64_t id, struct mreg_error *err)
{
	int rc;

	if (!b->stmt)
		return 1;
	mr_stmt_reset(b->stmt);
	b->sql.bound[0].i = id;
	mr_ix_sql_bind(&b->sql, b->stmt);
	rc = mr_stmt_step(b->stmt, err);
	b->vain += rc == 0;
	return rc;
}

static int flush(struct mr_ix_search *s, struct batch *b,
		 struct mr_ix_page *page, struct mreg_error *err)
{
	int rc;

	if (b->ids.n == 0)
		return 0;
	rc = mr_ix_page_add(s, &b->ids, page, err);
	if (rc < 0)
		return rc;
	b->full = page->ids.n > s->ask->limit;
	if (b->together) {
		b->vain += b->ids.n - page->seen;
		b->most = b->most < BATCH_MOST ? 2 * b->most : b->most;
		b->ids.n = 0;
		return 0;
	}
	b->ids.n = 0;
	/* All are asked for, but for those of the page before. */
	if (!b->full)
		b->most = s->ask->limit + 1 - page->ids.n + BATCH_MORE;
	return 0;
}

int mr_ix_page_add_tail(struct mr_ix_search *s, const struct mr_ix_set *among,
			struct mr_ix_page *page, struct mreg_error *err)
{
	MR_AUTO(mr_ix_ids_release) struct mr_ix_ids ids = { 0 };
	int rc = among ? mr_ix_set_ids(among, &ids, err) : 0;

	if (rc < 0 || (among && ids.n == 0))
		return rc;
	s->tail = true;
	rc = mr_ix_page_add(s, among ? &ids : NULL, page, err);
	s->tail = false;
	return rc;
}

static bool is_further(const struct mr_ix_key *a, const struct mr_ix_key *b)
{
	return a->i != b->i || a->r < b->r || a->r > b->r;
}

static int go(struct mr_ix_search *s, struct mr_ix_source *from,
	      struct mr_ix_set *among, struct batch *b, struct mr_ix_page *page,
	      bool *done, struct mreg_error *err)
{
	/* A time that is not told is last, not between 1970 and 1969. */
	bool skips = mr_ix_rank_type(&s->ranks[s->lead]) == MR_COLUMN_INT &&
		     s->ranks[s->lead].nullable;
	struct mr_ix_key last = { 0 }, here = { 0 };
	size_t passed = 0, most;
	int64_t id = 0;
	int rc;

	/* They may all be at its end. */
	most = among ? 2 * s->effort->ratio * among->n : 0;
	while ((rc = mr_ix_source_next(from, &id, err)) > 0) {
		if (skips && mr_ix_source_rank(from).i == 0)
			continue;
		if (among && !mr_ix_set_take(among, id)) {
			if (passed++ > most)
				return 0;
			continue;
		}
		rc = is_asked(b, id, err);
		if (rc < 0 || b->vain > b->vain_most)
			return rc;
		if (rc == 0)
			continue;
		here = mr_ix_source_rank(from);
		if (b->ids.n >= b->most && is_further(&here, &last)) {
			rc = flush(s, b, page, err);
			*done = b->full;
			if (rc < 0 || b->full || b->vain > b->vain_most)
				return rc;
		}
		last = here;
		rc = mr_ix_ids_add(&b->ids, id, err);
		if (rc < 0)
			return rc;
	}
	if (rc >= 0)
		rc = flush(s, b, page, err);
	*done = true;
	return rc;
}

int mr_ix_search_walk(struct mr_ix_search *s, struct mr_ix_set *among,
		      size_t vain, struct mr_ix_page *page, bool *done,
		      struct mreg_error *err)
{
	struct batch b = { .most = s->ask->limit + 1, .vain_most = vain };
	struct mr_ix_source *from = NULL;
	bool worth = false;
	int rc = mr_ix_source_open(s, &from, &worth, err);

	*done = false;
	if (s->paged)
		b.most += BATCH_MORE;
	if (rc >= 0 && worth)
		rc = prepare(s, &b, err);
	if (rc >= 0 && worth)
		rc = go(s, from, among, &b, page, done, err);
	mr_ix_source_close(from);
	s->merging = false;
	if (rc >= 0 && *done && !b.full && mr_ix_has_tail(s, s->root))
		rc = mr_ix_page_add_tail(s, among, page, err);
	discard(&b);
	if (!*done)
		mr_ix_page_reset(page);
	return rc < 0 ? rc : 0;
}

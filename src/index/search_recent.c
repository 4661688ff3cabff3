/*
 * search_recent.c - versions by when they were made or registered, last first,
 * out of the index of when something happened to them last.
 *
 * Nothing happens to a version before that, but by clocks that disagree; those
 * versions are in partial indexes, and few.  So of the versions that something
 * happened to since some time, and those few, the ones that are later than that
 * time come before all others.  The time is moved back until they fill a page.
 */
#include "index/search_ways.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/mem.h"

#define BATCH_FIRST 64
/* How much further a time is moved back than before. */
#define FURTHER 4

static const char *column(const struct mr_ix_rank *r)
{
	return r->attr == MR_ATTR_CREATED ? "v.created_s" : "v.registered_s";
}

/* By registered SQLite goes through two indexes: search_source.c. */
bool mr_ix_is_recent(const struct mr_ix_search *s)
{
	const struct mr_ix_rank *r = mr_ix_lead(s);

	if (s->models || !r || !r->descending ||
	    (s->paged && s->from[s->lead].type == MR_COLUMN_NULL))
		return false;
	return r->attr == MR_ATTR_CREATED ||
	       (r->attr == MR_ATTR_REGISTERED &&
		mr_db_kind(s->ix->db) == MR_DB_POSTGRES);
}

/* Versions that are later than what happened to them. */
static int add_odd(struct mr_ix_search *s, struct mr_ix_ids *out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	MR_AUTO(mr_stmt_freep) struct mr_stmt *stmt = NULL;
	int rc;

	mr_ix_sql_init(&q, s->ix);
	mr_buf_printf(&q.text,
		      "SELECT v.id FROM ix_versions v WHERE %s > v.updated_s "
		      "LIMIT ",
		      column(&s->ranks[s->lead]));
	mr_ix_sql_int(&q, (int64_t)s->effort->some + 1);
	rc = mr_ix_sql_stmt(&q, &stmt, err);
	while (rc >= 0 && (rc = mr_stmt_step(stmt, err)) > 0)
		rc = mr_ix_ids_add(out, mr_stmt_int(stmt, 0), err);
	return rc;
}

/* The `most` versions that something happened to last; `*since` is when it did
 * to the last of them, `*all` that there are no more. */
static int add_recent(struct mr_ix_search *s, size_t most,
		      struct mr_ix_ids *out, int64_t *since, bool *all,
		      struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	MR_AUTO(mr_stmt_freep) struct mr_stmt *stmt = NULL;
	size_t n = 0;
	int rc;

	mr_ix_sql_init(&q, s->ix);
	mr_ix_sql_put(&q, "SELECT v.id, v.updated_s FROM ix_versions v "
			  "ORDER BY v.updated_s DESC LIMIT ");
	mr_ix_sql_int(&q, (int64_t)most);
	rc = mr_ix_sql_stmt(&q, &stmt, err);
	while (rc >= 0 && (rc = mr_stmt_step(stmt, err)) > 0) {
		*since = mr_stmt_int(stmt, 1);
		n++;
		rc = mr_ix_ids_add(out, mr_stmt_int(stmt, 0), err);
	}
	*all = n < most;
	return rc;
}

int mr_ix_search_recent(struct mr_ix_search *s, size_t most,
			struct mr_ix_page *page, bool *done,
			struct mreg_error *err)
{
	MR_AUTO(mr_ix_ids_release) struct mr_ix_ids ids = { 0 };
	size_t n = s->ask->limit + BATCH_FIRST;
	int64_t since = 0;
	size_t odd;
	bool all;
	int rc = add_odd(s, &ids, err);

	*done = false;
	odd = ids.n;
	for (; rc >= 0 && odd <= s->effort->some && n <= most; n *= FURTHER) {
		ids.n = odd;
		rc = add_recent(s, n, &ids, &since, &all, err);
		mr_ix_page_reset(page);
		if (rc >= 0)
			rc = mr_ix_page_add(s, &ids, page, err);
		if (rc < 0)
			return rc;
		if (all || (page->ids.n > s->ask->limit &&
			    page->last[s->lead].type == MR_COLUMN_INT &&
			    page->last[s->lead].i > since)) {
			*done = true;
			return 0;
		}
	}
	mr_ix_page_reset(page);
	return rc < 0 ? rc : 0;
}

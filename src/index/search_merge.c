/*
 * search_merge.c - lists of versions, each from the last updated one to the
 * first, merged into what all of them have.
 *
 * Going on by an entry costs 0.1 us, beginning anew further down twenty times
 * that: so a list that is behind goes on for a while, and then begins anew.
 */
#include "index/search_ways.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define STEPS_MOST 32

struct mr_ix_cursor {
	struct mr_ix_sql sql;
	struct mr_stmt *stmt; /* owned */
	int64_t updated_s, id;
	bool done;
};

bool mr_ix_is_merged_term(const struct mr_term *t)
{
	if (t->kind != MR_TERM_COMPARE || t->cmp != MR_CMP_EQ ||
	    t->values[0].type != MR_VALUE_TEXT)
		return false;
	return t->attr == MR_ATTR_TAG || t->attr == MR_ATTR_PARAM ||
	       (t->attr == MR_ATTR_STAGE &&
		strcmp(t->values[0].text, MR_IX_NO_STAGE) != 0);
}

static size_t count(const struct mr_term *t)
{
	size_t i, n = mr_ix_is_merged_term(t);

	for (i = 0; t->kind == MR_TERM_AND && i < t->child_count; i++)
		n += count(t->children[i]);
	return n;
}

bool mr_ix_is_merged(const struct mr_ix_search *s)
{
	return s->ranks[s->lead].attr == MR_ATTR_UPDATED &&
	       s->ranks[s->lead].descending && count(s->root) > 0;
}

/* -- one list ---------------------------------------------------------------
 */

static int open_list(struct mr_ix_search *s, const struct mr_term *t,
		     struct mr_ix_cursor *c, struct mreg_error *err)
{
	struct mr_ix_sql *q = &c->sql;
	int64_t value = 0;
	bool posted = t && t->attr != MR_ATTR_STAGE;
	int rc = 0;

	if (posted && mr_ix_meant(s, t))
		value = mr_ix_meant(s, t)->nodes[0];
	else if (posted)
		rc = mr_ix_pair_find(s->ix,
				     t->attr == MR_ATTR_TAG ? MR_IX_TAGGED
							    : MR_IX_PARAM,
				     t->key, t->values[0].text, &value, err);
	else if (t)
		rc = mr_ix_search_text(s, t->values[0].text, &value, err);
	if (rc < 0)
		return rc;
	mr_ix_sql_init(q, s->ix);
	mr_ix_sql_put(q, posted ? "SELECT p.updated_s, p.version "
				  "FROM ix_posts p WHERE p.updated_s <= "
				: "SELECT p.updated_s, p.id "
				  "FROM ix_versions p WHERE p.updated_s <= ");
	mr_ix_sql_int(q, s->paged ? s->from[s->lead].i : INT64_MAX);
	if (posted) {
		mr_ix_sql_put(q, " AND p.pair = ");
		mr_ix_sql_int(q, value);
		mr_ix_sql_put(q, " ORDER BY p.updated_s DESC, p.version DESC");
	} else if (t) {
		mr_ix_sql_put(q, " AND p.stage <> 1 AND p.stage = ");
		mr_ix_sql_int(q, value);
		mr_ix_sql_put(q, " ORDER BY p.updated_s DESC, p.id DESC");
	} else {
		/* Alone, so the order of ids is nobody's concern. */
		mr_ix_sql_put(q, " ORDER BY p.updated_s DESC");
	}
	return mr_ix_sql_stmt(q, &c->stmt, err);
}

static int step(struct mr_ix_cursor *c, struct mreg_error *err)
{
	int rc = mr_stmt_step(c->stmt, err);

	c->done = rc <= 0;
	if (rc > 0) {
		c->updated_s = mr_stmt_int(c->stmt, 0);
		c->id = mr_stmt_int(c->stmt, 1);
	}
	return rc;
}

static bool is_before(const struct mr_ix_cursor *a,
		      const struct mr_ix_cursor *b)
{
	return a->updated_s != b->updated_s ? a->updated_s > b->updated_s
					    : a->id > b->id;
}

/* To where `to` is, or the first behind it: 1, or 0 at the end. */
static int follow(struct mr_ix_cursor *c, const struct mr_ix_cursor *to,
		  struct mreg_error *err)
{
	unsigned int steps = 0;
	int rc = 1;

	while (is_before(c, to)) {
		if (++steps == STEPS_MOST && c->updated_s > to->updated_s) {
			mr_stmt_reset(c->stmt);
			c->sql.bound[0].i = to->updated_s;
			mr_ix_sql_bind(&c->sql, c->stmt);
		}
		rc = step(c, err);
		if (rc <= 0)
			return rc;
	}
	return rc;
}

/* -- all --------------------------------------------------------------------
 */

static int open_all(struct mr_ix_search *s, const struct mr_term *t,
		    struct mr_ix_merge *m, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (mr_ix_is_merged_term(t))
		return open_list(s, t, &m->items[m->n++], err);
	for (i = 0; t->kind == MR_TERM_AND && i < t->child_count && rc >= 0;
	     i++)
		rc = open_all(s, t->children[i], m, err);
	return rc;
}

int mr_ix_merge_open(struct mr_ix_search *s, struct mr_ix_merge *m,
		     struct mreg_error *err)
{
	size_t n = count(s->root);
	size_t i;
	int rc;

	m->n = 0;
	m->items = mr_array(n ? n : 1, sizeof(*m->items));
	if (!m->items)
		return mr_fail_nomem(err);
	rc = n ? open_all(s, s->root, m, err)
	       : open_list(s, NULL, &m->items[m->n++], err);
	/* All but the first stand on an entry; that one is stepped by next. */
	for (i = 1; i < m->n && rc >= 0; i++)
		rc = step(&m->items[i], err);
	return rc < 0 ? rc : 0;
}

void mr_ix_merge_close(struct mr_ix_merge *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		mr_stmt_free(m->items[i].stmt);
		mr_ix_sql_release(&m->items[i].sql);
	}
	mr_release(m->items);
	*m = (struct mr_ix_merge){ 0 };
}

int64_t mr_ix_merge_rank(const struct mr_ix_merge *m)
{
	return m->items[0].updated_s;
}

int mr_ix_merge_next(struct mr_ix_merge *m, int64_t *id, struct mreg_error *err)
{
	struct mr_ix_cursor *first = &m->items[0];
	size_t i = 1;
	int rc = step(first, err);

	while (rc > 0 && i < m->n) {
		if (m->items[i].done)
			return 0;
		rc = follow(&m->items[i], first, err);
		if (rc <= 0)
			break;
		if (is_before(first, &m->items[i])) {
			rc = follow(first, &m->items[i], err);
			i = 1;
		} else {
			i++;
		}
	}
	if (rc > 0)
		*id = first->id;
	return rc;
}

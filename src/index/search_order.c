/*
 * search_order.c - the order of a search: what is asked for, and behind it
 * what makes it total, so that a page can begin behind any row.
 *
 * What is not told comes last in both directions.  Ids of rows are no part of
 * it: another index of the same registries has the same order.
 */
#include "index/search_inside.h"

#include "base/error.h"

static void add(struct mr_ix_search *s, enum mr_attr attr, const char *key,
		int64_t key_id, bool descending, bool number)
{
	s->ranks[s->rank_count++] = (struct mr_ix_rank){
		.attr = attr,
		.key = key,
		.key_id = key_id,
		.descending = descending,
		.number = number,
		.nullable = mr_ix_is_nullable(attr),
	};
}

static void add_last(struct mr_ix_search *s, int what, enum mr_attr attr,
		     bool descending)
{
	add(s, attr, NULL, 0, descending, false);
	s->ranks[s->rank_count - 1].what = what;
	s->ranks[s->rank_count - 1].nullable = false;
}

int mr_ix_search_ranks(struct mr_ix_search *s, struct mreg_error *err)
{
	const struct mr_query *q = s->ask->query;
	int64_t key_id = 0;
	size_t i;
	int rc;

	for (i = 0; i < q->order_count; i++) {
		const struct mr_order *o = &q->order[i];

		if (s->rank_count + 5 > MR_IX_RANKS_MAX)
			return mr_fail(err, MREG_EUSAGE,
				       "an order has at most %d parts",
				       MR_IX_RANKS_MAX / 2 - 3);
		if (!mr_ix_is_ordered(s, o->attr))
			return mr_fail(err, MREG_EUSAGE, "models have no '%s'",
				       mr_attr_name(o->attr));
		rc = o->key ? mr_ix_search_text(s, o->key, &key_id, err) : 0;
		if (rc < 0)
			return rc;
		/* Those of its values that are numbers first. */
		if (o->attr == MR_ATTR_PARAM)
			add(s, o->attr, o->key, key_id, o->descending, true);
		add(s, o->attr, o->key, key_id, o->descending, false);
	}
	/* Keys that the index does not hold order nothing. */
	while (s->lead < s->rank_count && s->ranks[s->lead].key &&
	       s->ranks[s->lead].key_id == 0)
		s->lead++;
	if (!s->models)
		add_last(s, MR_IX_RANK_UPDATED, MR_ATTR_UPDATED, true);
	add_last(s, MR_IX_RANK_NAME, MR_ATTR_MODEL, false);
	if (!s->models)
		add_last(s, MR_IX_RANK_NUMBER, MR_ATTR_NUMBER, true);
	return 0;
}

const struct mr_ix_rank *mr_ix_lead(const struct mr_ix_search *s)
{
	size_t i;

	for (i = 0; i < s->lead && s->paged; i++)
		if (s->from[i].type != MR_COLUMN_NULL)
			return NULL;
	return &s->ranks[s->lead];
}

void mr_ix_put_ranks(struct mr_ix_search *s, struct mr_ix_sql *q)
{
	size_t i;

	for (i = 0; i < s->rank_count; i++) {
		mr_ix_sql_put(q, ", ");
		mr_ix_put_value(s, q, &s->ranks[i]);
	}
}

/* By place in the list of columns, which is behind the id. */
void mr_ix_put_order(struct mr_ix_search *s, struct mr_ix_sql *q)
{
	size_t i;

	mr_ix_sql_put(q, " ORDER BY ");
	for (i = 0; i < s->rank_count; i++) {
		const struct mr_ix_rank *r = &s->ranks[i];

		mr_buf_printf(&q->text, "%s%zu %s%s", i ? ", " : "", i + 2,
			      r->descending ? "DESC" : "ASC",
			      r->nullable ? " NULLS LAST" : "");
	}
}

static void put_key(struct mr_ix_sql *q, const struct mr_ix_key *k)
{
	if (k->type == MR_COLUMN_INT)
		mr_ix_sql_int(q, k->i);
	else if (k->type == MR_COLUMN_REAL)
		mr_ix_sql_real(q, k->r);
	else
		mr_ix_sql_text(q, k->text);
}

void mr_ix_put_behind(struct mr_ix_search *s, struct mr_ix_sql *q)
{
	size_t i, open = 0;

	if (!s->paged)
		return;
	if (s->ranks[0].what == MR_IX_RANK_UPDATED &&
	    q->kind == MR_DB_POSTGRES) {
		/* Nothing new, but what an index can begin at. */
		mr_ix_sql_put(q, " AND v.updated_s <= ");
		put_key(q, &s->from[0]);
	}
	if (s->ranked) {
		mr_ix_sql_put(q, s->ranks[0].descending ? " AND r.value <= "
							: " AND r.value >= ");
		put_key(q, &s->from[0]);
	}
	mr_ix_sql_put(q, " AND ");
	for (i = 0; i < s->rank_count; i++) {
		const struct mr_ix_rank *r = &s->ranks[i];
		const struct mr_ix_key *k = &s->from[i];

		/* (behind OR (equal AND (behind OR ...))) */
		mr_ix_sql_put(q, "(");
		if (k->type == MR_COLUMN_NULL) {
			mr_ix_put_value(s, q, r);
			mr_ix_sql_put(q, " IS NULL AND ");
			open++;
			continue;
		}
		mr_ix_put_value(s, q, r);
		mr_ix_sql_put(q, r->descending ? " < " : " > ");
		put_key(q, k);
		if (r->nullable) {
			mr_ix_sql_put(q, " OR ");
			mr_ix_put_value(s, q, r);
			mr_ix_sql_put(q, " IS NULL");
		}
		mr_ix_sql_put(q, " OR (");
		mr_ix_put_value(s, q, r);
		mr_ix_sql_put(q, " = ");
		put_key(q, k);
		mr_ix_sql_put(q, " AND ");
		open += 2;
	}
	mr_ix_sql_put(q, "1 = 0");
	while (open--)
		mr_ix_sql_put(q, ")");
}

/*
 * search_source.c - versions in an order that indexes have, from where the page
 * before ended.
 *
 * By name there are the models in their order, and the versions of each; by
 * number the next of each model, of which the first is taken; by registered
 * those that nothing happened to since, and the others.
 */
#include "index/search_ways.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* To find the next of a model costs what this many versions do that are gone
 * through with all. */
#define MODEL_COSTS 8

/* The next version of a model. */
struct head {
	int64_t model, number, id;
};

struct mr_ix_source {
	struct mr_ix_search *s;
	const struct mr_ix_rank *rank;
	struct mr_ix_merge merge;
	struct mr_stmt *stmt; /* owned; NULL: `merge` */
	/* Versions of one model; owned; NULL where `stmt` has them. */
	struct mr_stmt *versions;
	bool inside;        /* a model; by registered, behind the first */
	const char *name;   /* of that, in the search's arena */
	int64_t place;      /* of the name, or the number that was last */
	struct head *heads; /* owned; a heap, the first in order on top */
	/* By registered: the next of `stmt`, and of `versions`; model is 0
	 * where there is none. */
	struct head halves[2];
	size_t n, cap;
};

static bool by_name(const struct mr_ix_rank *r)
{
	return r->attr == MR_ATTR_NAME || r->attr == MR_ATTR_MODEL;
}

bool mr_ix_is_walked(const struct mr_ix_search *s)
{
	const struct mr_ix_rank *r = mr_ix_lead(s);

	/* Behind a row that has none there is no place in the index. */
	if (!r || (s->paged && s->from[s->lead].type == MR_COLUMN_NULL))
		return false;
	return by_name(r) || r->attr == MR_ATTR_METRIC ||
	       r->attr == MR_ATTR_NUMBER || r->attr == MR_ATTR_REGISTERED ||
	       r->attr == MR_ATTR_UPDATED;
}

/* -- by name ----------------------------------------------------------------
 */

static int open_names(struct mr_ix_source *f, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	struct mr_ix_search *s = f->s;
	int rc;

	mr_ix_sql_init(&q, s->ix);
	mr_ix_sql_put(&q, "SELECT m.id, ");
	mr_ix_put_value(s, &q, f->rank);
	mr_ix_sql_put(&q, " FROM ix_models m");
	if (s->paged) {
		mr_ix_sql_put(&q, " WHERE ");
		mr_ix_put_value(s, &q, f->rank);
		mr_ix_sql_put(&q, f->rank->descending ? " <= " : " >= ");
		mr_ix_sql_text(&q, s->from[s->lead].text);
	}
	mr_ix_sql_put(&q,
		      f->rank->descending ? " ORDER BY 2 DESC" : " ORDER BY 2");
	rc = mr_ix_sql_stmt(&q, &f->stmt, err);
	return rc < 0 ? rc
		      : mr_stmt_new(s->ix->db,
				    "SELECT v.id FROM ix_versions v "
				    "WHERE v.model = $1",
				    &f->versions, err);
}

static int next_of_names(struct mr_ix_source *f, int64_t *id,
			 struct mreg_error *err)
{
	const char *name;
	int rc = 0;

	for (;;) {
		if (f->inside)
			rc = mr_stmt_step(f->versions, err);
		if (rc > 0)
			*id = mr_stmt_int(f->versions, 0);
		if (rc != 0)
			return rc;
		rc = mr_stmt_step(f->stmt, err);
		if (rc <= 0)
			return rc;
		/* Two models can be shown by one name. */
		name = mr_stmt_text(f->stmt, 1);
		if (!f->name || strcmp(f->name, name) != 0) {
			f->name = mr_arena_strdup(f->s->arena, name);
			f->place++;
		}
		if (!f->name)
			return mr_fail_nomem(err);
		mr_stmt_reset(f->versions);
		mr_bind_int(f->versions, 1, mr_stmt_int(f->stmt, 0));
		f->inside = true;
		rc = 0;
	}
}

/* -- by number --------------------------------------------------------------
 */

static bool is_before(const struct mr_ix_source *f, const struct head *a,
		      const struct head *b)
{
	return f->rank->descending ? a->number > b->number
				   : a->number < b->number;
}

/* The head at `at` may be behind those below it. */
static void sink(struct mr_ix_source *f, size_t at)
{
	struct head moved = f->heads[at];
	size_t below;

	while ((below = 2 * at + 1) < f->n) {
		if (below + 1 < f->n &&
		    is_before(f, &f->heads[below + 1], &f->heads[below]))
			below++;
		if (!is_before(f, &f->heads[below], &moved))
			break;
		f->heads[at] = f->heads[below];
		at = below;
	}
	f->heads[at] = moved;
}

/* 1: the next of its model behind `number`; 0: there is none. */
static int find_head(struct mr_ix_source *f, struct head *h, int64_t number,
		     struct mreg_error *err)
{
	int rc;

	mr_stmt_reset(f->versions);
	mr_bind_int(f->versions, 1, h->model);
	mr_bind_int(f->versions, 2, number);
	rc = mr_stmt_step(f->versions, err);
	if (rc > 0) {
		h->number = mr_stmt_int(f->versions, 0);
		h->id = mr_stmt_int(f->versions, 1);
	}
	return rc;
}

static int add_heads(struct mr_ix_source *f, int64_t number,
		     struct mreg_error *err)
{
	MR_AUTO(mr_stmt_freep) struct mr_stmt *models = NULL;
	struct head h = { 0 };
	size_t i;
	int rc = mr_stmt_new(f->s->ix->db, "SELECT id FROM ix_models", &models,
			     err);

	while (rc >= 0 && (rc = mr_stmt_step(models, err)) > 0) {
		h.model = mr_stmt_int(models, 0);
		rc = find_head(f, &h, number, err);
		if (rc <= 0)
			continue;
		if (mr_grow((void **)&f->heads, &f->cap, f->n + 1,
			    sizeof(*f->heads)) < 0)
			return mr_fail_nomem(err);
		f->heads[f->n++] = h;
	}
	for (i = f->n / 2; i-- > 0;)
		sink(f, i);
	return rc;
}

/* Ids are given out in order, so the last is about how many there are. */
static int are_models_many(struct mr_ix_source *f, bool *many,
			   struct mreg_error *err)
{
	struct mr_stmt *stmt;
	int rc = mr_db_stmt(f->s->ix->db,
			    "SELECT (SELECT max(id) FROM ix_models), "
			    "(SELECT max(id) FROM ix_versions)",
			    &stmt, err);

	if (rc < 0)
		return rc;
	rc = mr_stmt_step(stmt, err);
	if (rc > 0)
		*many = mr_stmt_int(stmt, 0) * MODEL_COSTS >
			mr_stmt_int(stmt, 1);
	mr_stmt_reset(stmt);
	return rc < 0 ? rc : 0;
}

static int open_numbers(struct mr_ix_source *f, bool *worth,
			struct mreg_error *err)
{
	bool down = f->rank->descending;
	int64_t number = down ? INT64_MAX : INT64_MIN;
	bool many = false;
	int rc = are_models_many(f, &many, err);

	if (rc < 0 || many) {
		*worth = false;
		return rc;
	}
	rc = mr_stmt_new(f->s->ix->db,
			 down ? "SELECT number, id FROM ix_versions "
				"WHERE model = $1 AND number < $2 "
				"ORDER BY number DESC LIMIT 1"
			      : "SELECT number, id FROM ix_versions "
				"WHERE model = $1 AND number > $2 "
				"ORDER BY number LIMIT 1",
			 &f->versions, err);
	/* With those of the number itself; a token may say any. */
	if (f->s->paged && f->s->from[f->s->lead].i != number)
		number = f->s->from[f->s->lead].i + (down ? 1 : -1);
	return rc < 0 ? rc : add_heads(f, number, err);
}

static int next_of_numbers(struct mr_ix_source *f, int64_t *id,
			   struct mreg_error *err)
{
	struct head *top = f->heads;
	int rc;

	if (f->n == 0)
		return 0;
	*id = top->id;
	f->place = top->number;
	rc = find_head(f, top, top->number, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		*top = f->heads[--f->n];
	if (f->n)
		sink(f, 0);
	return 1;
}

/* -- by registered ----------------------------------------------------------
 */

/* Of most it is `updated`, and their rows leave it out; the others have an
 * index. */
static int open_registered(struct mr_ix_source *f, struct mreg_error *err)
{
	static const char *const halves[] = {
		"SELECT v.updated_s, v.id FROM ix_versions v "
		"WHERE v.registered_s IS NULL AND v.updated_s",
		"SELECT v.registered_s, v.id FROM ix_versions v "
		"WHERE v.registered_s IS NOT NULL AND v.registered_s",
	};
	bool down = f->rank->descending;
	int64_t from = down ? INT64_MAX : INT64_MIN;
	size_t i;
	int rc = 0;

	if (f->s->paged)
		from = f->s->from[f->s->lead].i;
	for (i = 0; i < 2 && rc >= 0; i++) {
		MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };

		mr_ix_sql_init(&q, f->s->ix);
		mr_ix_sql_put(&q, halves[i]);
		mr_ix_sql_put(&q, down ? " <= " : " >= ");
		mr_ix_sql_int(&q, from);
		mr_ix_sql_put(&q, down ? " ORDER BY 1 DESC" : " ORDER BY 1");
		rc = mr_ix_sql_stmt(&q, i ? &f->versions : &f->stmt, err);
	}
	return rc;
}

static int step_half(struct mr_ix_source *f, size_t i, struct mreg_error *err)
{
	struct mr_stmt *stmt = i ? f->versions : f->stmt;
	int rc = mr_stmt_step(stmt, err);

	f->halves[i].model = rc > 0;
	if (rc > 0) {
		f->halves[i].number = mr_stmt_int(stmt, 0);
		f->halves[i].id = mr_stmt_int(stmt, 1);
	}
	return rc < 0 ? rc : 0;
}

static int next_registered(struct mr_ix_source *f, int64_t *id,
			   struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	if (!f->inside) {
		f->inside = true;
		rc = step_half(f, 0, err);
		if (rc >= 0)
			rc = step_half(f, 1, err);
	}
	if (rc < 0 || (!f->halves[0].model && !f->halves[1].model))
		return rc;
	i = !f->halves[0].model ||
	    (f->halves[1].model && is_before(f, &f->halves[1], &f->halves[0]));
	*id = f->halves[i].id;
	f->place = f->halves[i].number;
	rc = step_half(f, i, err);
	return rc < 0 ? rc : 1;
}

/* -- all --------------------------------------------------------------------
 */

static int open_index(struct mr_ix_source *f, struct mreg_error *err)
{
	MR_AUTO(mr_ix_sql_release) struct mr_ix_sql q = { 0 };
	const struct mr_ix_rank *r = f->rank;
	struct mr_ix_search *s = f->s;
	bool metric = r->attr == MR_ATTR_METRIC;
	const char *rank = metric ? "p.value" : "v.updated_s";

	mr_ix_sql_init(&q, s->ix);
	if (metric) {
		mr_ix_sql_put(&q, "SELECT p.value, p.version FROM ix_metrics p "
				  "WHERE p.key = ");
		mr_ix_sql_int(&q, r->key_id);
	} else {
		mr_ix_sql_put(&q, "SELECT v.updated_s, v.id "
				  "FROM ix_versions v WHERE 1 = 1");
	}
	if (s->paged) {
		mr_ix_sql_put(&q, " AND ");
		mr_ix_sql_put(&q, rank);
		mr_ix_sql_put(&q, r->descending ? " <= " : " >= ");
		if (metric)
			mr_ix_sql_real(&q, s->from[s->lead].r);
		else
			mr_ix_sql_int(&q, s->from[s->lead].i);
	}
	mr_ix_sql_put(&q, " ORDER BY ");
	mr_ix_sql_put(&q, rank);
	mr_ix_sql_put(&q, r->descending ? " DESC" : " ASC");
	return mr_ix_sql_stmt(&q, &f->stmt, err);
}

int mr_ix_source_open(struct mr_ix_search *s, struct mr_ix_source **out,
		      bool *worth, struct mreg_error *err)
{
	struct mr_ix_source *f = mr_zalloc(sizeof(*f));

	*worth = true;
	*out = f;
	if (!f)
		return mr_fail_nomem(err);
	f->s = s;
	f->rank = &s->ranks[s->lead];
	if (by_name(f->rank))
		return open_names(f, err);
	if (f->rank->attr == MR_ATTR_NUMBER)
		return open_numbers(f, worth, err);
	if (f->rank->attr == MR_ATTR_REGISTERED)
		return open_registered(f, err);
	if (f->rank->attr == MR_ATTR_METRIC || !f->rank->descending)
		return open_index(f, err);
	s->merging = true;
	return mr_ix_merge_open(s, &f->merge, err);
}

void mr_ix_source_close(struct mr_ix_source *f)
{
	if (!f)
		return;
	mr_stmt_free(f->stmt);
	mr_stmt_free(f->versions);
	mr_ix_merge_close(&f->merge);
	mr_release(f->heads);
	mr_release(f);
}

int mr_ix_source_next(struct mr_ix_source *f, int64_t *id,
		      struct mreg_error *err)
{
	int rc;

	if (by_name(f->rank))
		return next_of_names(f, id, err);
	if (f->rank->attr == MR_ATTR_NUMBER)
		return next_of_numbers(f, id, err);
	if (f->rank->attr == MR_ATTR_REGISTERED)
		return next_registered(f, id, err);
	if (!f->stmt)
		return mr_ix_merge_next(&f->merge, id, err);
	rc = mr_stmt_step(f->stmt, err);
	if (rc > 0)
		*id = mr_stmt_int(f->stmt, 1);
	return rc;
}

struct mr_ix_key mr_ix_source_rank(const struct mr_ix_source *f)
{
	if (f->versions)
		return (struct mr_ix_key){ .i = f->place };
	if (!f->stmt)
		return (struct mr_ix_key){ .i = mr_ix_merge_rank(&f->merge) };
	if (f->rank->attr == MR_ATTR_METRIC)
		return (struct mr_ix_key){ .r = mr_stmt_real(f->stmt, 0) };
	return (struct mr_ix_key){ .i = mr_stmt_int(f->stmt, 0) };
}

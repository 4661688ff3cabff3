/*
 * search.c - a filter, the ids that it finds, and their rows.
 */
#include "find/search.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "find/nodes.h"

#define LIMIT 100
/* Rows of a page where all are asked for: the index answers many at once. */
#define LIMIT_ALL 5000

struct ids {
	int64_t *items; /* owned */
	size_t n, cap;
};

static void ids_release(struct ids *ids)
{
	mr_release(ids->items);
}

static int take_ids(struct ids *ids, const struct mr_search_result *r,
		    struct mreg_error *err)
{
	if (mr_grow((void **)&ids->items, &ids->cap, ids->n + r->n,
		    sizeof(*ids->items)) < 0)
		return mr_fail_nomem(err);
	if (r->n)
		memcpy(ids->items + ids->n, r->ids, r->n * sizeof(*r->ids));
	ids->n += r->n;
	return 0;
}

/* One page, or all from there on. */
static int find_ids(struct mr_searching *s, struct mr_search *q,
		    struct ids *ids, struct mreg_error *err)
{
	struct mreg_search_result *out = s->out;
	int rc;

	do {
		MR_AUTO(mr_search_release)
		struct mr_search_result found = { 0 };

		rc = mr_check_cancel(&s->m->env, err);
		if (rc >= 0)
			rc = mr_index_search(s->ix, q, &found, err);
		if (rc >= 0)
			rc = take_ids(ids, &found, err);
		if (rc < 0)
			return rc;
		if (q->count)
			out->total = found.total;
		/* Counted once. */
		q->count = false;
		out->next = found.token ? mr_arena_strdup(s->arena, found.token)
					: NULL;
		q->token = out->next;
	} while (s->o->all && out->next);
	return mr_result_check(s->arena, err);
}

/* -- rows -------------------------------------------------------------------
 */

static const char *status_of(const struct mr_ix_row *r)
{
	return r->archived_s     ? "archived"
	       : r->deprecated_s ? "deprecated"
				 : "ready";
}

static void take_row(struct mr_searching *s, const struct mr_ix_row *r,
		     struct mreg_search_row *row)
{
	*row = (struct mreg_search_row){
		.name = mr_find_shown(s->prefix, r->model),
		.model = r->model,
		.number = r->number,
		.digest = r->digest,
		.moved = r->moved,
		.stage = r->stage,
		.status = status_of(r),
		.release = r->release,
		.aliases = r->aliases,
		.alias_count = r->alias_count,
		.created_s = r->created_s,
		.registered_s = r->registered_s,
		.updated_s = r->updated_s,
		.actor = r->actor,
		.run = r->run,
		.owner = r->owner,
		.author = r->author,
		.license = r->license,
		.description = r->description,
		.kind = r->kind,
		.format = r->format,
		.architecture = r->architecture,
		.family = r->family,
		.precision = r->precision,
		.quantization = r->quantization,
		.source = r->source,
		.revision = r->revision,
		.fileset = r->fileset,
		.parameters = r->parameters,
		.bytes = r->bytes,
		.files = r->files,
		.metrics = r->metrics,
		.metric_count = r->metric_count,
		.params = r->params,
		.param_count = r->param_count,
		.tags = r->tags,
		.tag_count = r->tag_count,
	};
	row->cells = mr_search_cells(s, row);
}

static int take_rows(struct mr_searching *s, const struct ids *ids,
		     struct mreg_error *err)
{
	struct mreg_search_result *out = s->out;
	struct mr_ix_row *rows;
	size_t i;
	int rc = mr_index_rows(s->ix, ids->items, ids->n, s->arena, &rows, err);

	if (rc < 0)
		return rc;
	out->rows = mr_arena_alloc(s->arena, (ids->n + 1) * sizeof(*out->rows));
	if (!out->rows)
		return mr_fail_nomem(err);
	for (i = 0; i < ids->n; i++)
		if (rows[i].id)
			take_row(s, &rows[i], &out->rows[out->count++]);
	return 0;
}

static void take_model(struct mr_searching *s, const struct mr_ix_model_row *r,
		       struct mreg_search_model *row)
{
	*row = (struct mreg_search_model){
		.name = mr_find_shown(s->prefix, r->name),
		.model = r->name,
		.owner = r->owner,
		.display_name = r->display_name,
		.description = r->description,
		.versions = r->versions,
		.latest = r->latest,
		.bytes = r->bytes,
		.updated_s = r->updated_s,
		.synced_s = r->sync.synced_s,
	};
	row->cells = mr_search_model_cells(s, row);
}

static int take_models(struct mr_searching *s, const struct ids *ids,
		       struct mreg_error *err)
{
	struct mreg_search_result *out = s->out;
	struct mr_ix_model_row *rows;
	size_t i;
	int rc = mr_index_model_rows(s->ix, ids->items, ids->n, s->arena, &rows,
				     err);

	if (rc < 0)
		return rc;
	out->models =
		mr_arena_alloc(s->arena, (ids->n + 1) * sizeof(*out->models));
	if (!out->models)
		return mr_fail_nomem(err);
	for (i = 0; i < ids->n; i++)
		if (rows[i].id)
			take_model(s, &rows[i], &out->models[out->count++]);
	return 0;
}

/* -- all of it --------------------------------------------------------------
 */

static int parse(struct mr_searching *s, const char *filter,
		 struct mreg_error *err)
{
	const struct mreg_search_opts *o = s->o;
	size_t orders = 0;

	while (o->order && o->order[orders])
		orders++;
	return mr_query_parse(filter, o->order, orders,
			      o->models ? MR_QUERY_MODELS : MR_QUERY_VERSIONS,
			      mr_now_s(&s->m->env), &s->query,
			      &s->out->wrong_at, err);
}

static int check_limit(const struct mreg_search_opts *o, struct mreg_error *err)
{
	if (o->limit <= MREG_SEARCH_LIMIT_MAX)
		return 0;
	(void)mr_fail(err, MREG_EUSAGE, "a page of %zu is too large", o->limit);
	return mr_hint(err, "%d at most, or all of them (--all)",
		       MREG_SEARCH_LIMIT_MAX);
}

static size_t limit_of(const struct mreg_search_opts *o)
{
	if (o->limit)
		return o->limit;
	return o->all ? LIMIT_ALL : LIMIT;
}

/* What a filter names, what is found, and what is told of it, are of one
 * moment: a rebuild puts another database in the place of this one, where nodes
 * have other ids. */
static int ask(struct mr_searching *s, struct mr_search *q,
	       struct mreg_error *err)
{
	MR_AUTO(ids_release) struct ids ids = { .n = 0 };
	struct mr_search_set *sets = NULL;
	int rc = mr_index_hold(s->ix, err);

	if (rc < 0)
		return rc;
	rc = mr_search_sets(s, &sets, &q->set_count, err);
	q->sets = sets;
	if (rc >= 0)
		rc = find_ids(s, q, &ids, err);
	if (rc >= 0)
		rc = s->o->models ? take_models(s, &ids, err)
				  : take_rows(s, &ids, err);
	if (rc >= 0)
		rc = mr_index_oldest(s->ix, &s->out->synced_s, err);
	mr_index_let_go(s->ix);
	return rc;
}

static int run(struct mr_searching *s, struct mreg_error *err)
{
	struct mr_search q = {
		.query = s->query,
		.prefix = s->prefix,
		.limit = limit_of(s->o),
		.token = s->o->page,
		.count = s->o->count,
	};
	int rc = mr_search_columns(s, err);

	if (rc >= 0)
		rc = mr_session_index(s->m, MR_DB_READ, &s->ix, err);
	if (rc >= 0)
		rc = mr_find_prefix(s->m, s->prefix, err);
	if (rc < 0)
		return rc;
	s->out->counted = q.count;
	rc = ask(s, &q, err);
	return rc < 0 ? rc : mr_result_check(s->arena, err);
}

int mreg_search(struct mreg *m, const char *filter,
		const struct mreg_search_opts *given,
		struct mreg_search_result *out, struct mreg_error *err)
{
	struct mreg_search_opts o = MREG_SEARCH_OPTS_INIT;
	struct mr_searching s = { .m = m, .o = &o, .out = out };
	size_t wrong_at;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mr_result_arena(&s.arena, err);
	if (rc < 0)
		return rc;
	out->owner = s.arena;
	if (given)
		mr_opts_take(&o, sizeof(o), given, given->size);
	out->of_models = o.models;
	rc = check_limit(&o, err);
	if (rc >= 0)
		rc = parse(&s, filter, err);
	if (rc >= 0)
		rc = run(&s, err);
	mr_query_free(s.query);
	if (rc >= 0)
		return 0;
	wrong_at = out->wrong_at;
	mreg_search_result_release(out);
	out->wrong_at = wrong_at;
	return rc;
}

void mreg_search_result_release(struct mreg_search_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}

/*
 * figures.c - what the index has of all models, counted: for everybody and for
 * each owner (spec/report.md).
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "index/index.h"
#include "report/report.h"

#define AT(field) offsetof(struct mreg_figures_row, field)

struct counting {
	struct mreg *m;
	struct mr_index *ix;
	struct mr_arena *a; /* the result's */
	struct mreg_figures_result *out;
};

enum clock {
	ALWAYS,
	SINCE, /* counts what came since */
	NOW,   /* counts what is so now */
};

/* Where a figure goes. */
struct column {
	enum mr_ix_figure what;
	enum clock by;
	bool spread; /* of values; else their sum */
	size_t at;
};

static const struct column columns[] = {
	{ MR_FIGURE_VERSIONS, ALWAYS, false, AT(versions) },
	{ MR_FIGURE_BYTES, ALWAYS, false, AT(bytes) },
	{ MR_FIGURE_UNIQUE, ALWAYS, false, AT(unique_bytes) },
	{ MR_FIGURE_ASKED, SINCE, false, AT(asked) },
	{ MR_FIGURE_APPROVED, SINCE, true, AT(approved) },
	{ MR_FIGURE_OVERDUE, NOW, false, AT(overdue) },
	{ MR_FIGURE_MOVES, SINCE, false, AT(moves) },
	{ MR_FIGURE_ROLLBACKS, SINCE, false, AT(rollbacks) },
	{ MR_FIGURE_PRODUCED, SINCE, true, AT(produced) },
	{ MR_FIGURE_INCIDENTS, SINCE, false, AT(incidents) },
	{ MR_FIGURE_OPEN, ALWAYS, false, AT(incidents_open) },
	{ MR_FIGURE_CLOSED, SINCE, true, AT(closed) },
	{ MR_FIGURE_REVIEWS, NOW, false, AT(reviews_due) },
	{ MR_FIGURE_NO_OWNER, ALWAYS, false, AT(no_owner) },
	{ MR_FIGURE_NO_LICENSE, ALWAYS, false, AT(no_license) },
	{ MR_FIGURE_NO_CARD, ALWAYS, false, AT(no_card) },
	{ MR_FIGURE_NO_EVALUATION, ALWAYS, false, AT(no_evaluation) },
	{ MR_FIGURE_DEPLOYMENTS, ALWAYS, false, AT(deployments) },
};

/* Those without one last. */
static int compare_owners(const char *a, const char *b)
{
	if (!a || !b)
		return (a == NULL) - (b == NULL);
	return strcmp(a, b);
}

static int by_owner(const void *a, const void *b)
{
	const struct mr_ix_sample *x = a;
	const struct mr_ix_sample *y = b;

	return compare_owners(x->owner, y->owner);
}

static int read_samples(struct counting *c, enum mr_ix_figure what, int64_t at,
			struct mr_ix_sample **out, size_t *n,
			struct mreg_error *err)
{
	int rc = mr_index_figure(c->ix, what, at, c->a, out, n, err);

	if (rc >= 0 && *n > 1)
		qsort(*out, *n, sizeof(**out), by_owner);
	return rc;
}

/* Clocks differ: nothing ends before it began. */
static int put_spread(const struct mr_ix_sample *items, size_t n,
		      struct mreg_spread *to, struct mreg_error *err)
{
	int64_t *values = mr_array(n + 1, sizeof(*values));
	size_t i;

	if (!values)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++)
		values[i] = items[i].value > 0 ? items[i].value : 0;
	mr_spread_of(values, n, to);
	mr_release(values);
	return 0;
}

/* Not above what JSON's numbers hold here. */
static uint64_t add(uint64_t a, uint64_t b)
{
	return b > INT64_MAX - a ? INT64_MAX : a + b;
}

static int put(const struct column *column, const struct mr_ix_sample *items,
	       size_t n, struct mreg_figures_row *row, struct mreg_error *err)
{
	void *field = (char *)row + column->at;
	uint64_t *sum = field;
	size_t i;

	if (column->spread)
		return put_spread(items, n, field, err);
	for (i = 0; i < n; i++)
		*sum = add(*sum, (uint64_t)items[i].value);
	return 0;
}

/* A column of every row: samples and rows are in the same order, and nobody has
 * a sample who has no row. */
static int fill(struct counting *c, const struct column *column,
		const struct mr_ix_sample *items, size_t n,
		struct mreg_error *err)
{
	size_t from = 0;
	size_t i;
	int rc = put(column, items, n, &c->out->total, err);

	for (i = 0; rc >= 0 && i < c->out->owner_count; i++) {
		struct mreg_figures_row *row = &c->out->owners[i];
		size_t to;

		while (from < n &&
		       compare_owners(items[from].owner, row->owner) < 0)
			from++;
		for (to = from;
		     to < n && compare_owners(items[to].owner, row->owner) == 0;
		     to++)
			;
		rc = put(column, items + from, to - from, row, err);
		from = to;
	}
	return rc;
}

static int read_column(struct counting *c, const struct column *column,
		       struct mreg_error *err)
{
	struct mr_ix_sample *items;
	int64_t since = c->out->since_s ? c->out->since_s : INT64_MIN;
	int64_t at = column->by == NOW ? c->out->at_s : since;
	size_t n;
	int rc = read_samples(c, column->what, at, &items, &n, err);

	return rc < 0 ? rc : fill(c, column, items, n, err);
}

/* -- those that are not one statement ---------------------------------------
 */

static int read_owners(struct counting *c, struct mreg_error *err)
{
	struct mr_ix_sample *items;
	size_t n, i;
	int rc = read_samples(c, MR_FIGURE_MODELS, 0, &items, &n, err);

	if (rc < 0)
		return rc;
	c->out->owners =
		mr_arena_alloc(c->a, (n + 1) * sizeof(*c->out->owners));
	if (!c->out->owners)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		c->out->owners[i].owner = items[i].owner;
		c->out->owners[i].models = (uint64_t)items[i].value;
		c->out->total.models += (uint64_t)items[i].value;
	}
	c->out->owner_count = n;
	return 0;
}

/* What several owners have counts once. */
static int read_unique(struct counting *c, struct mreg_error *err)
{
	struct mr_ix_sample *items;
	size_t n;
	int rc = mr_index_figure(c->ix, MR_FIGURE_UNIQUE_ALL, 0, c->a, &items,
				 &n, err);

	if (rc >= 0)
		c->out->total.unique_bytes = n ? (uint64_t)items[0].value : 0;
	return rc;
}

/* Moments become ages; who has none is counted. */
static int read_evaluated(struct counting *c, struct mreg_error *err)
{
	static const struct column age = { MR_FIGURE_EVALUATED, ALWAYS, true,
					   AT(evaluated) };
	static const struct column none = { MR_FIGURE_EVALUATED, ALWAYS, false,
					    AT(unevaluated) };
	struct mr_ix_sample *items, *never;
	size_t n, i;
	size_t ages = 0;
	size_t nevers = 0;
	int rc = read_samples(c, MR_FIGURE_EVALUATED, 0, &items, &n, err);

	if (rc < 0)
		return rc;
	never = mr_arena_alloc(c->a, (n + 1) * sizeof(*never));
	if (!never)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		if (!items[i].value)
			never[nevers++] =
				(struct mr_ix_sample){ .owner = items[i].owner,
						       .value = 1 };
		else if (items[i].value > 0)
			items[ages++] = (struct mr_ix_sample){
				.owner = items[i].owner,
				.value = c->out->at_s - items[i].value
			};
	}
	rc = fill(c, &age, items, ages, err);
	return rc < 0 ? rc : fill(c, &none, never, nevers, err);
}

static int read_environments(struct counting *c, struct mreg_error *err)
{
	struct mr_ix_environment_row *rows;
	struct mreg_figures_environment *to;
	size_t n, i;
	int rc = mr_index_environments(c->ix, c->a, &rows, &n, err);

	if (rc < 0)
		return rc;
	to = mr_arena_alloc(c->a, (n + 1) * sizeof(*to));
	for (i = 0; to && i < n; i++)
		to[i] = (struct mreg_figures_environment){
			.environment = rows[i].environment,
			.deployments = rows[i].deployments,
			.models = rows[i].models,
			.versions = rows[i].versions,
		};
	c->out->environments = to;
	c->out->environment_count = n;
	return mr_result_check(c->a, err);
}

/* How old all this is, and of what nobody knows. */
static int read_syncs(struct counting *c, struct mreg_error *err)
{
	struct mr_ix_model_row *rows;
	struct mreg_pair *unread;
	size_t n, i;
	int rc = mr_index_models(c->ix, NULL, c->a, &rows, &n, err);

	if (rc < 0)
		return rc;
	unread = mr_arena_alloc(c->a, (n + 1) * sizeof(*unread));
	for (i = 0; unread && i < n; i++) {
		const struct mr_ix_sync *s = &rows[i].sync;

		if (s->error)
			unread[c->out->unread_count++] =
				(struct mreg_pair){ rows[i].name, s->error };
		if (s->synced_s &&
		    (!c->out->synced_s || s->synced_s < c->out->synced_s))
			c->out->synced_s = s->synced_s;
	}
	c->out->unread = unread;
	return mr_result_check(c->a, err);
}

static int count_all(struct counting *c, struct mreg_error *err)
{
	size_t i;
	int rc = read_owners(c, err);

	for (i = 0; rc >= 0 && i < MR_COUNT(columns); i++)
		rc = read_column(c, &columns[i], err);
	if (rc >= 0)
		rc = read_unique(c, err);
	if (rc >= 0)
		rc = read_evaluated(c, err);
	if (rc >= 0)
		rc = read_environments(c, err);
	return rc < 0 ? rc : read_syncs(c, err);
}

/* Of one moment: what is told of an owner adds up to what is told of all. */
static int read_all(struct counting *c, struct mreg_error *err)
{
	int rc = mr_session_index(c->m, MR_DB_READ, &c->ix, err);

	if (rc >= 0)
		rc = mr_index_hold(c->ix, err);
	if (rc < 0)
		return rc;
	rc = count_all(c, err);
	mr_index_let_go(c->ix);
	return rc;
}

int mreg_figures(struct mreg *m, const struct mreg_report_opts *given,
		 struct mreg_figures_result *out, struct mreg_error *err)
{
	struct counting c = { .m = m, .out = out };
	struct mreg_report_opts o;
	int rc;

	memset(out, 0, sizeof(*out));
	mr_opts_take(&o, sizeof(o), given, given->size);
	rc = mr_result_arena(&c.a, err);
	if (rc < 0)
		return rc;
	out->owner = c.a;
	out->at_s = mr_now_s(&m->env);
	rc = mr_report_parse_since(o.since, &out->since_s, err);
	if (rc >= 0)
		rc = read_all(&c, err);
	if (rc < 0)
		mreg_figures_result_release(out);
	return rc;
}

void mreg_figures_result_release(struct mreg_figures_result *r)
{
	mr_arena_free(r->owner);
	memset(r, 0, sizeof(*r));
}

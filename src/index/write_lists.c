/*
 * write_lists.c - deployments, approvals and incidents of a model, each a list
 * that takes the place of the one before.
 */
#include "index/index.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "index/writer.h"

/* Replace all rows that the model has. */
static int replace(struct mr_index_writer *w, struct mr_ix_rows *rows,
		   struct mreg_error *err)
{
	const struct mr_cell owner = mr_cell_int(w->model);
	bool changed = false;

	return mr_ix_rows_replace(w->ix, rows, &owner, 1, false, &changed, err);
}

/* -- deployments ----------------------------------------------------------- */

/* The node of a place, by its two names. */
static int place_node(struct mr_index_writer *w, const char *environment,
		      const char *workload, int64_t *out,
		      struct mreg_error *err)
{
	size_t n = strlen(environment) + strlen(workload) + 2;
	MR_AUTO(mr_free) char *name = mr_alloc(n);

	if (!name)
		return mr_fail_nomem(err);
	(void)snprintf(name, n, "%s/%s", environment, workload);
	return mr_ix_outside(w, "deployments", NULL, MR_GRAPH_DEPLOYMENT, name,
			     out, err);
}

struct place {
	char *environment, *workload; /* in the arena */
};

/* Every place that the list had or has; what it runs is written for each. */
static int places(struct mr_index_writer *w, struct mr_arena *arena,
		  struct place **out, size_t *count, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct place *items = NULL;
	size_t n = 0, cap = 0;
	struct mr_stmt *s;
	int more, rc = mr_ix_rows_settle(w->ix, NULL, err);

	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"SELECT e.value, k.value FROM ix_deployments d "
				"JOIN ix_texts e ON e.id = d.environment "
				"JOIN ix_texts k ON k.id = d.workload "
				"WHERE d.model = $1",
				&s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	while ((more = mr_stmt_step(s, err)) > 0) {
		if (mr_grow((void **)&items, &cap, n + 1, sizeof(*items)) < 0) {
			more = mr_fail_nomem(err);
			break;
		}
		items[n].environment =
			mr_arena_strdup(arena, mr_stmt_text(s, 0));
		items[n++].workload =
			mr_arena_strdup(arena, mr_stmt_text(s, 1));
	}
	mr_stmt_reset(s);
	if (more == 0 && mr_arena_failed(arena))
		more = mr_fail_nomem(err);
	*out = mr_steal(&items);
	*count = n;
	return more;
}

static int deployment(struct mr_index_writer *w,
		      const struct mr_ix_deployment *d, struct mr_ix_rows *rows,
		      struct mreg_error *err)
{
	struct mr_cell *c = mr_ix_rows_add(rows);
	int rc;

	if (!c)
		return mr_fail_nomem(err);
	rc = mr_ix_value_cell(w, "deployments", NULL, d->environment, c, err);
	if (rc == 0)
		rc = mr_ix_value_cell(w, "deployments", NULL, d->workload,
				      c + 1, err);
	if (rc == 0)
		rc = mr_ix_node_cell(w, MR_GRAPH_MANIFEST, &d->version, NULL,
				     c + 2, err);
	c[3] = mr_cell_int(d->since_s);
	if (rc == 0)
		rc = mr_ix_value_cell(w, "deployments", NULL, d->actor, c + 4,
				      err);
	return rc;
}

/* What one place runs now: of the rows that were just written. */
static int place_edges(struct mr_index_writer *w, const struct place *p,
		       struct mreg_error *err)
{
	struct mr_stmt *s;
	int64_t version = 0, node;
	int rc = place_node(w, p->environment, p->workload, &node, err);

	if (rc == 0)
		rc = mr_ix_rows_settle(w->ix, NULL, err);
	if (rc == 0)
		rc = mr_db_stmt(
			w->ix->db,
			"SELECT d.version FROM ix_deployments d "
			"JOIN ix_texts e ON e.id = d.environment "
			"JOIN ix_texts k ON k.id = d.workload "
			"WHERE d.model = $1 AND e.value = $2 AND k.value = $3",
			&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	mr_bind_text(s, 2, p->environment);
	mr_bind_text(s, 3, p->workload);
	rc = mr_stmt_step(s, err);
	if (rc > 0)
		version = mr_stmt_int(s, 0);
	mr_stmt_reset(s);
	if (rc < 0)
		return rc;
	return mr_ix_put_place_edges(w, node, &version, version != 0, err);
}

int mr_index_replace_deployments(struct mr_index_writer *w,
				 const struct mr_ix_deployment *items, size_t n,
				 struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.select = "SELECT environment, workload, version, since_s, "
			  "actor FROM ix_deployments WHERE model = $1",
		.remove = "DELETE FROM ix_deployments WHERE model = $1 AND "
			  "environment = $2 AND workload = $3",
		.insert = "INSERT INTO ix_deployments (model, environment, "
			  "workload, version, since_s, actor) "
			  "VALUES ($1, $2, $3, $4, $5, $6)",
		.owners = 1,
		.columns = 5,
		.keys = 2,
	};
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	MR_AUTO(mr_free) struct place *old = NULL;
	MR_AUTO(mr_free) struct place *now = NULL;
	size_t i, old_count = 0, now_count = 0;
	int rc = mr_ix_rows_init(&rows, &list, err);

	if (rc == 0)
		rc = mr_ix_forget_notes(w, "deployments", err);
	if (rc == 0)
		rc = places(w, rows.arena, &old, &old_count, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = deployment(w, items + i, &rows, err);
	if (rc == 0)
		rc = replace(w, &rows, err);
	if (rc == 0)
		rc = places(w, rows.arena, &now, &now_count, err);
	for (i = 0; i < old_count && rc == 0; i++)
		rc = place_edges(w, old + i, err);
	for (i = 0; i < now_count && rc == 0; i++)
		rc = place_edges(w, now + i, err);
	return rc;
}

/* -- approvals ------------------------------------------------------------- */

static int approval(struct mr_index_writer *w, const struct mr_ix_approval *a,
		    struct mr_ix_rows *rows, struct mreg_error *err)
{
	struct mr_cell *c = mr_ix_rows_add(rows);
	int rc;

	if (!c)
		return mr_fail_nomem(err);
	c[0] = mr_cell_digest(&a->event);
	rc = mr_ix_value_cell(w, "approvals", NULL, a->alias, c + 1, err);
	if (rc == 0)
		rc = mr_ix_node_cell(w, MR_GRAPH_MANIFEST, &a->version, NULL,
				     c + 2, err);
	c[3] = mr_cell_int(a->asked_s);
	c[4] = mr_cell_int(a->until_s);
	if (rc == 0)
		rc = mr_ix_value_cell(w, "approvals", NULL, a->by, c + 5, err);
	if (rc == 0)
		rc = mr_ix_value_cell(w, "approvals", NULL, a->state, c + 6,
				      err);
	c[7] = mr_cell_int(a->answered_s);
	c[8] = mr_cell_int(a->moved_s);
	c[9] = mr_cell_int((int64_t)a->grants);
	return rc;
}

int mr_index_replace_approvals(struct mr_index_writer *w,
			       const struct mr_ix_approval *items, size_t n,
			       struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.select = "SELECT event, alias, version, asked_s, until_s, "
			  "asked_by, state, answered_s, moved_s, grants "
			  "FROM ix_approvals WHERE model = $1",
		.remove = "DELETE FROM ix_approvals "
			  "WHERE model = $1 AND event = $2",
		.insert = "INSERT INTO ix_approvals (model, event, alias, "
			  "version, asked_s, until_s, asked_by, state, "
			  "answered_s, moved_s, grants) VALUES "
			  "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		.owners = 1,
		.columns = 10,
		.keys = 1,
	};
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	size_t i;
	int rc = mr_ix_rows_init(&rows, &list, err);

	if (rc == 0)
		rc = mr_ix_forget_notes(w, "approvals", err);
	for (i = 0; i < n && rc == 0; i++)
		rc = approval(w, items + i, &rows, err);
	return rc < 0 ? rc : replace(w, &rows, err);
}

/* -- incidents ------------------------------------------------------------- */

static int incident(struct mr_index_writer *w, const struct mr_ix_incident *in,
		    struct mr_ix_rows *rows, struct mreg_error *err)
{
	const struct {
		size_t at;
		const char *what, *text;
	} said[] = {
		{ 2, "title", in->title ? in->title : "" },
		{ 3, "severity", in->severity },
		{ 4, "environment", in->environment },
		{ 5, "url", in->url },
		{ 8, "actor", in->actor },
	};
	struct mr_cell *c = mr_ix_rows_add(rows);
	size_t i;
	int rc = 0;

	if (!c)
		return mr_fail_nomem(err);
	c[0] = mr_cell_digest(&in->event);
	if (mr_digest_known(&in->version))
		rc = mr_ix_node_cell(w, MR_GRAPH_MANIFEST, &in->version, NULL,
				     c + 1, err);
	for (i = 0; i < MR_COUNT(said) && rc == 0; i++)
		rc = mr_ix_value_cell(w, "incidents", said[i].what,
				      said[i].text, c + said[i].at, err);
	c[6] = mr_cell_int(in->opened_s);
	c[7] = mr_cell_int(in->closed_s);
	return rc;
}

int mr_index_replace_incidents(struct mr_index_writer *w,
			       const struct mr_ix_incident *items, size_t n,
			       struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.select = "SELECT event, version, title, severity, "
			  "environment, url, opened_s, closed_s, actor "
			  "FROM ix_incidents WHERE model = $1",
		.remove = "DELETE FROM ix_incidents "
			  "WHERE model = $1 AND event = $2",
		.insert = "INSERT INTO ix_incidents (model, event, version, "
			  "title, severity, environment, url, opened_s, "
			  "closed_s, actor) VALUES "
			  "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		.owners = 1,
		.columns = 9,
		.keys = 1,
	};
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	size_t i;
	int rc = mr_ix_rows_init(&rows, &list, err);

	if (rc == 0)
		rc = mr_ix_forget_notes(w, "incidents", err);
	for (i = 0; i < n && rc == 0; i++)
		rc = incident(w, items + i, &rows, err);
	return rc < 0 ? rc : replace(w, &rows, err);
}

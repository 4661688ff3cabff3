/*
 * write.c - one model, in one transaction: its row, which versions it has.
 */
#include "index/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "index/text.h"
#include "index/writer.h"

const char *mr_ix_subject(uint64_t number, char out[MR_IX_SUBJECT])
{
	(void)snprintf(out, MR_IX_SUBJECT, "v%llu", (unsigned long long)number);
	return out;
}

/* -- values ---------------------------------------------------------------- */

/* What is kept of a text that cannot be kept as it is, with a note; NULL: it
 * can. */
static int cut(struct mr_index_writer *w, const char *subject, const char *what,
	       const char *text, char **out, struct mreg_error *err)
{
	size_t n = mr_ix_cut(text, MR_INDEX_VALUE_MAX_BYTES);
	char why[64];

	*out = NULL;
	if (!text[n] && mr_utf8_valid(text))
		return 0;
	*out = mr_ix_valid(text, n);
	if (!*out)
		return mr_fail_nomem(err);
	/* What is no UTF-8 takes more bytes now. */
	(*out)[mr_ix_cut(*out, MR_INDEX_VALUE_MAX_BYTES)] = 0;
	if (text[n])
		(void)snprintf(why, sizeof(why), "cut: it has %zu bytes",
			       strlen(text));
	else
		(void)snprintf(why, sizeof(why), "not UTF-8 throughout");
	return mr_ix_note(w, subject, what, why, err);
}

int mr_ix_value(struct mr_index_writer *w, const char *subject,
		const char *what, const char *text, int64_t *id,
		struct mreg_error *err)
{
	MR_AUTO(mr_free) char *kept = NULL;
	int rc;

	*id = 0;
	if (!text)
		return 0;
	rc = cut(w, subject, what, text, &kept, err);
	return rc < 0 ? rc : mr_ix_text(w->ix, kept ? kept : text, id, err);
}

int mr_ix_outside(struct mr_index_writer *w, const char *subject,
		  const char *what, enum mr_graph_kind kind, const char *name,
		  int64_t *out, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *kept = NULL;
	int rc = cut(w, subject, what, name, &kept, err);

	return rc < 0 ? rc
		      : mr_ix_node(w->ix, kind, NULL, kept ? kept : name, out,
				   err);
}

int mr_ix_value_cell(struct mr_index_writer *w, const char *subject,
		     const char *what, const char *text, struct mr_cell *out,
		     struct mreg_error *err)
{
	int64_t id;
	int rc = mr_ix_value(w, subject, what, text, &id, err);

	if (rc == 0)
		*out = mr_cell_id(id);
	return rc;
}

int mr_ix_node_cell(struct mr_index_writer *w, enum mr_graph_kind kind,
		    const struct mreg_digest *d, const char *name,
		    struct mr_cell *out, struct mreg_error *err)
{
	int64_t id;
	int rc = mr_ix_node(w->ix, kind, d, name, &id, err);

	if (rc == 0)
		*out = mr_cell_id(id);
	return rc;
}

/* -- the model ------------------------------------------------------------- */

static int put_tags(struct mr_index_writer *w, const struct mr_ix_model *m,
		    struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.select = "SELECT key, value FROM ix_model_tags "
			  "WHERE model = $1",
		.remove = "DELETE FROM ix_model_tags "
			  "WHERE model = $1 AND key = $2",
		.insert = "INSERT INTO ix_model_tags (model, key, value) "
			  "VALUES ($1, $2, $3)",
		.owners = 1,
		.columns = 2,
		.keys = 1,
	};
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	const struct mr_cell owner = mr_cell_int(w->model);
	bool changed = false;
	struct mr_cell *c;
	size_t i;
	int rc = mr_ix_rows_init(&rows, &list, err);

	for (i = 0; i < m->tag_count && rc == 0; i++) {
		c = mr_ix_rows_add(&rows);
		if (!c)
			return mr_fail_nomem(err);
		rc = mr_ix_value_cell(w, "record", "tags", m->tags[i].name, c,
				      err);
		if (rc == 0)
			rc = mr_ix_value_cell(w, "record", m->tags[i].name,
					      m->tags[i].value, c + 1, err);
	}
	if (rc < 0)
		return rc;
	return mr_ix_rows_replace(w->ix, &rows, &owner, 1, false, &changed,
				  err);
}

/* Its id is needed for notes, so the row comes first and what it says later. */
static int find_model(struct mr_index_writer *w, const struct mr_ix_model *m,
		      struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(
		w->ix->db,
		"INSERT INTO ix_models (name, place, repository, recorded_s, "
		"updated_s, versions, latest, bytes) "
		"VALUES ($1, $2, $3, 0, 0, 0, 0, 0) ON CONFLICT (name) "
		"DO UPDATE SET place = excluded.place, "
		"repository = excluded.repository RETURNING id",
		&s, err);

	if (rc < 0)
		return rc;
	mr_bind_text(s, 1, m->name);
	mr_bind_text(s, 2, m->place);
	mr_bind_text(s, 3, m->repository);
	rc = mr_stmt_step(s, err);
	if (rc > 0)
		w->model = mr_stmt_int(s, 0);
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

static int look_around(struct mr_index_writer *w, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(w->ix->db,
			    "SELECT (SELECT max(number) FROM ix_versions "
			    "WHERE model = $1), (SELECT max(made) "
			    "FROM ix_notes WHERE model = $1), " MR_IX_LAST_IDS,
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	rc = mr_stmt_step(s, err);
	if (rc > 0) {
		w->top = (uint64_t)mr_stmt_int(s, 0);
		w->notes = mr_stmt_type(s, 1) != MR_COLUMN_NULL;
		mr_ix_begin_ids(w->ix, s, 2);
	}
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

static int put_model(struct mr_index_writer *w, const struct mr_ix_model *m,
		     struct mreg_error *err)
{
	struct mr_cell says[3];
	struct mr_stmt *s;
	int i, rc;

	rc = mr_ix_forget_notes(w, "record", err);
	if (rc == 0)
		rc = mr_ix_value_cell(w, "record", "owner", m->owner, says,
				      err);
	if (rc == 0)
		rc = mr_ix_value_cell(w, "record", "displayName",
				      m->display_name, says + 1, err);
	if (rc == 0)
		rc = mr_ix_value_cell(w, "record", "description",
				      m->description, says + 2, err);
	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"UPDATE ix_models SET owner = $2, "
				"display_name = $3, description = $4, "
				"recorded_s = $5 WHERE id = $1",
				&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	for (i = 0; i < 3; i++)
		mr_ix_bind(s, i + 2, says + i);
	mr_bind_int(s, 5, m->recorded_s);
	rc = mr_stmt_run(s, err);
	return rc < 0 ? rc : put_tags(w, m, err);
}

int mr_index_begin(struct mr_index *ix, const struct mr_ix_model *model,
		   struct mr_index_writer **out, struct mreg_error *err)
{
	struct mr_index_writer *w = mr_zalloc(sizeof(*w));
	int rc;

	if (!w)
		return mr_fail_nomem(err);
	w->ix = ix;
	mr_ix_lock(ix);
	rc = mr_db_begin(ix->db, true, err);
	if (rc < 0) {
		mr_ix_unlock(ix);
		mr_release(w);
		return rc;
	}
	rc = find_model(w, model, err);
	if (rc == 0)
		rc = look_around(w, err);
	if (rc == 0)
		rc = put_model(w, model, err);
	if (rc < 0) {
		mr_index_abort(w);
		return rc;
	}
	*out = w;
	return 0;
}

/* -- which versions there are ---------------------------------------------- */

struct gone {
	int64_t id, node;
	uint64_t number;
};

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Versions of the model that are not among `numbers`; owned by the caller. */
static int find_gone(struct mr_index_writer *w, const uint64_t *numbers,
		     size_t n, struct gone **out, size_t *count,
		     struct mreg_error *err)
{
	MR_AUTO(mr_free) struct gone *items = NULL;
	size_t cap = 0, found = 0;
	struct mr_stmt *s;
	uint64_t number;
	int rc, more;

	rc = mr_ix_rows_settle(w->ix, NULL, err);
	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"SELECT id, node, number FROM ix_versions "
				"WHERE model = $1",
				&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	while ((more = mr_stmt_step(s, err)) > 0) {
		number = (uint64_t)mr_stmt_int(s, 2);
		if (n && bsearch(&number, numbers, n, sizeof(number),
				 compare_numbers))
			continue;
		if (mr_grow((void **)&items, &cap, found + 1, sizeof(*items)) <
		    0) {
			more = mr_fail_nomem(err);
			break;
		}
		items[found++] = (struct gone){ mr_stmt_int(s, 0),
						mr_stmt_int(s, 1), number };
	}
	mr_stmt_reset(s);
	*out = mr_steal(&items);
	*count = found;
	return more;
}

static int run_with(struct mr_index *ix, const char *sql, int64_t id,
		    struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db, sql, &s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, id);
	return mr_stmt_run(s, err);
}

static int remove_version(struct mr_index_writer *w, const struct gone *g,
			  struct mreg_error *err)
{
	static const char *const sql[] = {
		"DELETE FROM ix_properties WHERE version = $1",
		"DELETE FROM ix_metrics WHERE version = $1",
		"DELETE FROM ix_inputs WHERE version = $1",
		"DELETE FROM ix_weights WHERE version = $1",
		"DELETE FROM ix_ends WHERE version = $1",
		"DELETE FROM ix_versions WHERE id = $1",
	};
	char subject[MR_IX_SUBJECT];
	size_t i;
	int rc = mr_ix_rows_settle(w->ix, NULL, err);

	if (rc == 0)
		rc = mr_ix_drop_posts(w, g->id, err);
	for (i = 0; i < MR_COUNT(sql) && rc == 0; i++)
		rc = run_with(w->ix, sql[i], g->id, err);
	if (rc == 0)
		rc = mr_ix_drop_words(w, g->id, err);
	if (rc == 0)
		rc = mr_ix_drop_edges(w, g->node, err);
	if (rc == 0)
		rc = mr_ix_drop_documents(w, g->node, err);
	if (rc == 0)
		rc = mr_ix_forget_notes(w, mr_ix_subject(g->number, subject),
					err);
	if (rc == 0)
		rc = mr_index_forget_notes(w, subject, err);
	return rc;
}

int mr_index_keep_versions(struct mr_index_writer *w, const uint64_t *numbers,
			   size_t n, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct gone *gone = NULL;
	size_t i, count = 0;
	int rc = find_gone(w, numbers, n, &gone, &count, err);

	if (count)
		mr_ix_forget_last(w);
	for (i = 0; i < count && rc == 0; i++)
		rc = remove_version(w, gone + i, err);
	if (count)
		w->versions = w->graph = true;
	return rc;
}

/* -- the end --------------------------------------------------------------- */

/* Added up here, for sizes that a manifest claims may be too much for SQL. */
static int sum_versions(struct mr_index_writer *w, int64_t *count,
			int64_t *latest, int64_t *bytes, struct mreg_error *err)
{
	struct mr_stmt *s;
	int64_t size;
	int rc = mr_db_stmt(w->ix->db,
			    "SELECT number, archived_s, bytes FROM ix_versions "
			    "WHERE model = $1",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	while ((rc = mr_stmt_step(s, err)) > 0) {
		++*count;
		if (mr_stmt_int(s, 1) == 0 && mr_stmt_int(s, 0) > *latest)
			*latest = mr_stmt_int(s, 0);
		size = mr_stmt_int(s, 2);
		*bytes = size > INT64_MAX - *bytes ? INT64_MAX : *bytes + size;
	}
	mr_stmt_reset(s);
	return rc;
}

static int count_versions(struct mr_index_writer *w, struct mreg_error *err)
{
	int64_t count = 0, latest = 0, bytes = 0;
	struct mr_stmt *s;
	int rc = sum_versions(w, &count, &latest, &bytes, err);

	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"UPDATE ix_models SET versions = $2, "
				"latest = $3, bytes = $4 WHERE id = $1",
				&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	mr_bind_int(s, 2, count);
	mr_bind_int(s, 3, latest);
	mr_bind_int(s, 4, bytes);
	return mr_stmt_run(s, err);
}

static int bump_graph(struct mr_index *ix, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(ix->db,
			    "UPDATE cache_facts SET value = "
			    "CAST(CAST(value AS BIGINT) + 1 AS TEXT) "
			    "WHERE key = 'graph'",
			    &s, err);

	return rc < 0 ? rc : mr_stmt_run(s, err);
}

/* Let go of the lock and the writer. */
static void end(struct mr_index_writer *w)
{
	mr_ix_unlock(w->ix);
	mr_ix_forget_last(w);
	mr_release(w->posts);
	mr_release(w);
}

int mr_index_commit(struct mr_index_writer *w, struct mreg_error *err)
{
	int rc = mr_ix_rows_settle(w->ix, NULL, err);

	if (rc == 0)
		rc = mr_ix_end_posts(w, err);
	if (rc == 0 && w->versions)
		rc = count_versions(w, err);
	if (rc == 0 && w->graph)
		rc = bump_graph(w->ix, err);
	if (rc == 0)
		rc = mr_db_commit(w->ix->db, err);
	if (rc < 0)
		mr_index_abort(w);
	else
		end(w);
	return rc;
}

void mr_index_abort(struct mr_index_writer *w)
{
	if (!w)
		return;
	mr_db_rollback(w->ix->db);
	mr_ix_rows_forget(w->ix);
	mr_ix_forget_interned(w->ix);
	end(w);
}

/* Everything but the versions, which go as when they are not kept. */
static int remove_rest(struct mr_index_writer *w, const char *name,
		       struct mreg_error *err)
{
	static const char *const by_model[] = {
		("DELETE FROM ix_edges WHERE model = $1 AND relation IN"
		 " (10, 12) AND parent IN (SELECT subject FROM ix_documents"
		 " WHERE model = $1)"),
		("DELETE FROM ix_edges WHERE model = $1 AND relation = 17 AND"
		 " parent IN (SELECT version FROM ix_deployments WHERE"
		 " model = $1)"),
		"DELETE FROM ix_model_tags WHERE model = $1",
		"DELETE FROM ix_names WHERE model = $1",
		"DELETE FROM ix_events WHERE model = $1",
		"DELETE FROM ix_documents WHERE model = $1",
		"DELETE FROM ix_deployments WHERE model = $1",
		"DELETE FROM ix_approvals WHERE model = $1",
		"DELETE FROM ix_incidents WHERE model = $1",
		"DELETE FROM ix_notes WHERE model = $1",
		"DELETE FROM ix_models WHERE id = $1",
	};
	static const char *const by_name[] = {
		"DELETE FROM cache_tags WHERE name = $1",
		"DELETE FROM cache_syncs WHERE name = $1",
	};
	struct mr_stmt *s;
	size_t i;
	int rc = mr_ix_rows_settle(w->ix, NULL, err);

	for (i = 0; i < MR_COUNT(by_model) && rc == 0; i++)
		rc = run_with(w->ix, by_model[i], w->model, err);
	for (i = 0; i < MR_COUNT(by_name) && rc == 0; i++) {
		rc = mr_db_stmt(w->ix->db, by_name[i], &s, err);
		if (rc < 0)
			return rc;
		mr_bind_text(s, 1, name);
		rc = mr_stmt_run(s, err);
	}
	return rc;
}

int mr_index_remove_model(struct mr_index *ix, const char *name,
			  struct mreg_error *err)
{
	const struct mr_ix_model model = { .place = "",
					   .repository = "",
					   .name = name };
	struct mr_index_writer *w;
	int rc = mr_index_begin(ix, &model, &w, err);

	if (rc < 0)
		return rc;
	rc = mr_index_keep_versions(w, NULL, 0, err);
	if (rc == 0)
		rc = remove_rest(w, name, err);
	if (rc < 0) {
		mr_index_abort(w);
		return rc;
	}
	w->versions = false;
	w->graph = true;
	return mr_index_commit(w, err);
}

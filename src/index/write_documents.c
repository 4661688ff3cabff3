/*
 * write_documents.c - what hangs on a version: attached documents, siblings.
 */
#include "index/index.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "content/digest.h"
#include "index/writer.h"

/* {"auc":0.9}; whole ones, as long as there is room.  In `arena`; NULL: none.
 */
static int metrics_json(const struct mr_ix_document *d, struct mr_arena *arena,
			const char **out, bool *cut, struct mreg_error *err)
{
	struct mr_buf b = MR_BUF_INIT(64u << 20);
	size_t i, before;
	int rc;

	*out = NULL;
	for (i = 0; i < d->metric_count; i++) {
		before = b.len;
		mr_buf_putc(&b, i ? ',' : '{');
		mr_json_quote(&b, d->metrics[i].name);
		mr_buf_putc(&b, ':');
		if (mr_json_is_number(d->metrics[i].value))
			mr_buf_puts(&b, d->metrics[i].value);
		else
			mr_json_quote(&b, d->metrics[i].value);
		if (b.len >= MR_INDEX_VALUE_MAX_BYTES) {
			b.len = before;
			*cut = true;
			break;
		}
	}
	if (b.len)
		mr_buf_putc(&b, '}');
	rc = mr_buf_check(&b, "the metrics of a document", err);
	if (rc == 0 && b.len) {
		*out = mr_arena_strndup(arena, b.data, b.len);
		rc = *out ? 0 : mr_fail_nomem(err);
	}
	mr_buf_release(&b);
	return rc;
}

static int document(struct mr_index_writer *w, const char *subject,
		    const struct mr_ix_document *d, struct mr_ix_rows *rows,
		    struct mr_ix_up *up, struct mreg_error *err)
{
	const struct {
		size_t at;
		const char *what, *text;
	} said[] = {
		{ 2, "mediaType",
		  d->desc.media_type[0] ? d->desc.media_type : NULL },
		{ 3, "artifactType", d->artifact_type },
		{ 4, "title", d->title },
		{ 5, "tag", d->tag },
		{ 8, "suite", d->suite },
		{ 9, "dataset", d->dataset },
		{ 10, "verdict", d->verdict },
	};
	struct mr_cell *c = mr_ix_rows_add(rows);
	const char *metrics;
	bool cut = false;
	size_t i;
	int rc;

	if (!c)
		return mr_fail_nomem(err);
	rc = mr_ix_node_cell(w, MR_GRAPH_MANIFEST, &d->desc.digest, NULL, c,
			     err);
	up->child = c[0].number;
	up->relation =
		d->how == MR_IX_SIBLING ? MR_REL_PROFILE : MR_REL_SUBJECT;
	c[1] = mr_cell_int(d->how);
	for (i = 0; i < MR_COUNT(said) && rc == 0; i++)
		rc = mr_ix_value_cell(w, subject, said[i].what, said[i].text,
				      c + said[i].at, err);
	c[6] = mr_cell_int(d->desc.size > INT64_MAX ? INT64_MAX
						    : (int64_t)d->desc.size);
	c[7] = mr_cell_int(d->created_s);
	if (rc == 0)
		rc = metrics_json(d, rows->arena, &metrics, &cut, err);
	if (rc == 0)
		c[11] = mr_cell_text(metrics);
	if (rc == 0 && cut)
		rc = mr_ix_note(w, subject, "metrics",
				"more of them than are kept of one document",
				err);
	return rc;
}

static const struct mr_ix_list of_subject = {
	.select = "SELECT node, how, media_type, artifact_type, title, "
		  "tag, size, created_s, suite, dataset, verdict, "
		  "metrics FROM ix_documents "
		  "WHERE model = $1 AND subject = $2",
	.remove = "DELETE FROM ix_documents "
		  "WHERE model = $1 AND subject = $2 AND node = $3",
	.insert = "INSERT INTO ix_documents (model, subject, node, "
		  "how, media_type, artifact_type, title, tag, size, "
		  "created_s, suite, dataset, verdict, metrics) VALUES "
		  "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
		  "$13, $14)",
	.owners = 2,
	.columns = 12,
	.keys = 1,
};

/* -- documents of what is no version any more -------------------------------
 */

struct nodes {
	int64_t *items; /* owned */
	size_t n, cap;
};

/* The documents of `subject`, to be looked at in their turn. */
static int add_documents(struct mr_index_writer *w, int64_t subject,
			 struct nodes *out, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(w->ix->db,
			    "SELECT node FROM ix_documents "
			    "WHERE model = $1 AND subject = $2",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	mr_bind_int(s, 2, subject);
	while ((rc = mr_stmt_step(s, err)) > 0) {
		if (mr_grow((void **)&out->items, &out->cap, out->n + 1,
			    sizeof(*out->items)) < 0) {
			rc = mr_fail_nomem(err);
			break;
		}
		out->items[out->n++] = mr_stmt_int(s, 0);
	}
	mr_stmt_reset(s);
	return rc;
}

/* Whether a node is still a version, or a document of something. */
static int is_there(struct mr_index_writer *w, int64_t node, bool *out,
		    struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_rows_settle(w->ix, NULL, err);

	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"SELECT 1 FROM ix_versions "
				"WHERE node = $1 AND model = $2 "
				"UNION ALL SELECT 1 FROM ix_documents "
				"WHERE node = $1 AND model = $2",
				&s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, node);
	mr_bind_int(s, 2, w->model);
	rc = mr_stmt_step(s, err);
	*out = rc > 0;
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

/* "documents sha256:..", as notes have it. */
static const char *notes_of(const struct mreg_digest *subject,
			    char out[MR_IX_SUBJECT])
{
	char digest[MREG_DIGEST_TEXT];

	(void)snprintf(out, MR_IX_SUBJECT, "documents %s",
		       mreg_digest_text(subject, digest));
	return out;
}

static int forget_notes(struct mr_index_writer *w, int64_t subject,
			struct mreg_error *err)
{
	char named[MR_IX_SUBJECT];
	struct mreg_digest d;
	struct mr_stmt *s;
	int rc = mr_ix_rows_settle(w->ix, NULL, err);

	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"SELECT name FROM ix_nodes WHERE id = $1", &s,
				err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, subject);
	rc = mr_stmt_step(s, err);
	if (rc > 0)
		mr_ix_digest(s, 0, &d);
	mr_stmt_reset(s);
	if (rc <= 0)
		return rc;
	return mr_ix_forget_notes(w, notes_of(&d, named), err);
}

static int drop_of(struct mr_index_writer *w, int64_t subject,
		   struct mreg_error *err)
{
	const struct mr_cell owner[] = { mr_cell_int(w->model),
					 mr_cell_int(subject) };
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows none = { 0 };
	bool changed = false;
	int rc = mr_ix_rows_init(&none, &of_subject, err);

	if (rc == 0)
		rc = mr_ix_rows_replace(w->ix, &none, owner, 2, false, &changed,
					err);
	if (rc == 0 && changed)
		rc = mr_ix_put_document_edges(w, subject, NULL, 0, err);
	if (rc == 0 && changed)
		rc = forget_notes(w, subject, err);
	return rc;
}

/* Those of documents go too; each time rows do, so this ends. */
static int drop_orphans(struct mr_index_writer *w, struct nodes *todo,
			struct mreg_error *err)
{
	bool there;
	size_t i;
	int rc = 0;

	for (i = 0; i < todo->n && rc == 0; i++) {
		rc = is_there(w, todo->items[i], &there, err);
		if (rc < 0 || there)
			continue;
		rc = add_documents(w, todo->items[i], todo, err);
		if (rc == 0)
			rc = drop_of(w, todo->items[i], err);
	}
	return rc;
}

int mr_ix_drop_documents(struct mr_index_writer *w, int64_t node,
			 struct mreg_error *err)
{
	struct nodes todo = { 0 };
	int rc = mr_grow((void **)&todo.items, &todo.cap, 1,
			 sizeof(*todo.items));

	if (rc < 0)
		return mr_fail_nomem(err);
	todo.items[todo.n++] = node;
	rc = drop_orphans(w, &todo, err);
	mr_release(todo.items);
	return rc;
}

/* -- the list ---------------------------------------------------------------
 */

int mr_index_replace_documents(struct mr_index_writer *w,
			       const struct mreg_digest *subject,
			       const struct mr_ix_document *items, size_t n,
			       struct mreg_error *err)
{
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	MR_AUTO(mr_free) struct mr_ix_up *up = NULL;
	struct mr_cell owner[2] = { mr_cell_int(w->model) };
	char named[MR_IX_SUBJECT];
	struct nodes before = { 0 };
	bool changed = false, none;
	size_t i;
	int rc = mr_ix_rows_init(&rows, &of_subject, err);

	(void)notes_of(subject, named);
	up = mr_array(n, sizeof(*up));
	if (!up)
		return mr_fail_nomem(err);
	if (rc == 0)
		rc = mr_ix_forget_notes(w, named, err);
	if (rc == 0)
		rc = mr_ix_node_cell(w, MR_GRAPH_MANIFEST, subject, NULL,
				     owner + 1, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = document(w, named, items + i, &rows, up + i, err);
	none = w->last.bare && w->last.row.node == owner[1].number;
	if (none)
		w->last.bare = false;
	if (rc == 0 && !none)
		rc = add_documents(w, owner[1].number, &before, err);
	if (rc == 0)
		rc = mr_ix_rows_replace(w->ix, &rows, owner, 2, none, &changed,
					err);
	if (rc == 0 && changed)
		rc = mr_ix_put_document_edges(w, owner[1].number, up, n, err);
	if (rc == 0 && changed)
		rc = drop_orphans(w, &before, err);
	mr_release(before.items);
	return rc;
}

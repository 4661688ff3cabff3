/*
 * write_life.c - what the log makes of a version, and what names stand for.
 */
#include "index/index.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "index/writer.h"

static int find_row(struct mr_index_writer *w, uint64_t number,
		    struct mr_ix_before *out, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc;

	if (w->last.row.id && w->last.number == number) {
		*out = w->last.row;
		return 0;
	}
	rc = mr_ix_rows_settle(w->ix, NULL, err);
	if (rc == 0)
		rc = mr_db_stmt(
			w->ix->db,
			"SELECT v.id, v.node, v.flags, v.run, v.because, "
			"v.description, e.version, e.successor "
			"FROM ix_versions v "
			"LEFT JOIN ix_ends e ON e.version = v.id "
			"WHERE v.model = $1 AND v.number = $2",
			&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	mr_bind_int(s, 2, (int64_t)number);
	rc = mr_stmt_step(s, err);
	if (rc > 0)
		*out = (struct mr_ix_before){
			.id = mr_stmt_int(s, 0),
			.node = mr_stmt_int(s, 1),
			.flags = mr_stmt_int(s, 2),
			.run = mr_stmt_int(s, 3),
			.because = mr_stmt_int(s, 4),
			.description = mr_stmt_int(s, 5),
			.ends = mr_stmt_int(s, 6),
			.successor = mr_stmt_int(s, 7),
		};
	mr_stmt_reset(s);
	if (rc == 0)
		return mr_fail(err, MREG_ENOTFOUND,
			       "version %llu is not in the index",
			       (unsigned long long)number);
	return rc < 0 ? rc : 0;
}

/* As the statement below has them. */
static const enum mr_ix_version_column said[] = {
	MR_IX_V_FLAGS,       MR_IX_V_RUN,     MR_IX_V_BECAUSE,
	MR_IX_V_REGISTERED,  MR_IX_V_UPDATED, MR_IX_V_ARCHIVED,
	MR_IX_V_DEPRECATED,  MR_IX_V_ACTOR,   MR_IX_V_OWNER,
	MR_IX_V_DESCRIPTION, MR_IX_V_STAGE,   MR_IX_V_RELEASE,
};

static int put_row(struct mr_index_writer *w, int64_t id,
		   const struct mr_cell *c, struct mreg_error *err)
{
	struct mr_cell *held = mr_ix_rows_held(w->ix);
	struct mr_stmt *s;
	size_t i;
	int rc;

	if (held && held[0].number == id) {
		for (i = 0; i < MR_COUNT(said); i++)
			held[MR_IX_V_OWNERS + said[i]] = c[said[i]];
		return 0;
	}
	rc = mr_ix_rows_settle(w->ix, NULL, err);
	if (rc == 0)
		rc = mr_db_stmt(
			w->ix->db,
			"UPDATE ix_versions SET flags = $2, run = $3, "
			"because = $4, registered_s = $5, updated_s = $6, "
			"archived_s = $7, deprecated_s = $8, actor = $9, "
			"owner = $10, description = $11, stage = $12, "
			"release = $13 WHERE id = $1",
			&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, id);
	for (i = 0; i < MR_COUNT(said); i++)
		mr_ix_bind(s, (int)i + 2, c + said[i]);
	return mr_stmt_run(s, err);
}

int mr_ix_drop_ends(struct mr_index_writer *w, int64_t version,
		    struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_db_stmt(w->ix->db, "DELETE FROM ix_ends WHERE version = $1",
			    &s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, version);
	return mr_stmt_run(s, err);
}

static int put_ends(struct mr_index_writer *w, const struct mr_ix_before *was,
		    const struct mr_cell *c, struct mreg_error *err)
{
	struct mr_stmt *s;
	bool any = false;
	int i, rc = was->ends ? mr_ix_drop_ends(w, was->id, err) : 0;

	for (i = MR_IX_V_ENDS; i < MR_IX_V_COUNT; i++)
		any |= c[i].type != MR_COLUMN_NULL;
	if (rc < 0 || !any)
		return rc;
	rc = mr_db_stmt(w->ix->db,
			"INSERT INTO ix_ends (version, copied_from, "
			"archived_reason, deprecated_reason, successor, "
			"review_s) VALUES ($1, $2, $3, $4, $5, $6)",
			&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, was->id);
	for (i = MR_IX_V_ENDS; i < MR_IX_V_COUNT; i++)
		mr_ix_bind(s, i - MR_IX_V_ENDS + 2, c + i);
	return mr_stmt_run(s, err);
}

static int texts(struct mr_index_writer *w, const char *subject,
		 const struct mr_ix_life *l, struct mr_cell *c,
		 struct mreg_error *err)
{
	const struct {
		enum mr_ix_version_column at;
		const char *what, *text;
	} told[] = {
		{ MR_IX_V_ACTOR, "actor", l->actor },
		{ MR_IX_V_OWNER, "owner", l->owner },
		{ MR_IX_V_DESCRIPTION, "description", l->description },
		{ MR_IX_V_STAGE, "stage", l->stage },
		{ MR_IX_V_RELEASE, "release", l->release },
		{ MR_IX_V_COPIED, "copiedFrom", l->copied_from },
		{ MR_IX_V_ARCHIVED_WHY, "archived", l->archived_reason },
		{ MR_IX_V_DEPRECATED_WHY, "deprecated", l->deprecated_reason },
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < MR_COUNT(told) && rc == 0; i++)
		rc = mr_ix_value_cell(w, subject, told[i].what, told[i].text,
				      c + told[i].at, err);
	return rc;
}

/* What the manifest says of run and cause stays; what another event said
 * before does not. */
static int origins(struct mr_index_writer *w, const char *subject,
		   const struct mr_ix_life *l, const struct mr_ix_before *was,
		   struct mr_cell *c, struct mreg_error *err)
{
	int64_t run = 0;
	int rc = 0;

	c[MR_IX_V_FLAGS] = mr_cell_int((was->flags & ~MR_IX_MOVED) |
				       (l->moved ? MR_IX_MOVED : 0));
	c[MR_IX_V_RUN] = mr_cell_id(was->run);
	c[MR_IX_V_BECAUSE] = mr_cell_id(was->because);
	if (!(was->flags & MR_IX_RUN_SAID)) {
		if (l->run)
			rc = mr_ix_outside(w, subject, "run", MR_GRAPH_RUN,
					   l->run, &run, err);
		c[MR_IX_V_RUN] = mr_cell_id(rc < 0 ? 0 : run);
	}
	if (rc == 0 && !(was->flags & MR_IX_BECAUSE_SAID)) {
		c[MR_IX_V_BECAUSE] = (struct mr_cell){ 0 };
		if (mr_digest_known(&l->because))
			rc = mr_ix_node_cell(w, MR_GRAPH_EVENT, &l->because,
					     NULL, c + MR_IX_V_BECAUSE, err);
	}
	if (rc == 0 && mr_digest_known(&l->successor))
		rc = mr_ix_node_cell(w, MR_GRAPH_MANIFEST, &l->successor, NULL,
				     c + MR_IX_V_SUCCESSOR, err);
	return rc;
}

int mr_index_put_life(struct mr_index_writer *w, const struct mr_ix_life *l,
		      struct mreg_error *err)
{
	struct mr_cell c[MR_IX_V_COUNT] = { 0 };
	char plain[MR_IX_SUBJECT];
	char subject[MR_IX_SUBJECT + 8];
	struct mr_ix_before was = { 0 };
	int rc = find_row(w, l->number, &was, err);

	if (rc < 0)
		return rc;
	/* Apart from what its manifest had notes for. */
	(void)snprintf(subject, sizeof(subject), "%s log",
		       mr_ix_subject(l->number, plain));
	rc = mr_ix_forget_notes(w, subject, err);
	if (rc == 0)
		rc = texts(w, subject, l, c, err);
	if (rc == 0)
		rc = origins(w, subject, l, &was, c, err);
	if (l->registered_s != l->updated_s)
		c[MR_IX_V_REGISTERED] = mr_cell_int(l->registered_s);
	c[MR_IX_V_UPDATED] = mr_cell_int(l->updated_s);
	c[MR_IX_V_ARCHIVED] = mr_cell_int(l->archived_s);
	c[MR_IX_V_DEPRECATED] = mr_cell_int(l->deprecated_s);
	c[MR_IX_V_REVIEW] = mr_cell_id(l->review_s);
	if (rc == 0)
		rc = mr_ix_drop_posts(w, was.id, err);
	if (rc == 0)
		rc = put_row(w, was.id, c, err);
	if (rc == 0)
		rc = put_ends(w, &was, c, err);
	if (rc == 0)
		rc = mr_ix_put_properties(w, subject, was.id, MR_IX_TAGGED,
					  l->tags, l->tag_count, false, err);
	if (rc == 0)
		rc = mr_ix_put_posts(w, was.id, err);
	if (rc == 0 && c[MR_IX_V_DESCRIPTION].number != was.description)
		rc = mr_ix_put_words(w, was.id, false, NULL, l->description,
				     false, err);
	w->graph |= c[MR_IX_V_RUN].number != was.run;
	if (rc == 0 && (c[MR_IX_V_BECAUSE].number != was.because ||
			c[MR_IX_V_SUCCESSOR].number != was.successor))
		rc = mr_ix_put_life_edges(w, was.node, err);
	if (was.id == w->last.row.id)
		mr_ix_forget_last(w);
	/* Which is the latest depends on what is archived. */
	w->versions = true;
	return rc;
}

/* -- names ----------------------------------------------------------------- */

static int name(struct mr_index_writer *w, const struct mr_ix_name *n,
		struct mr_cell *c, struct mreg_error *err)
{
	int rc = 0;

	c[0] = mr_cell_text(n->tag);
	c[1] = mr_cell_int(n->kind);
	if (mr_digest_known(&n->tagged))
		rc = mr_ix_node_cell(w, MR_GRAPH_MANIFEST, &n->tagged, NULL,
				     c + 2, err);
	if (rc == 0 && mr_digest_known(&n->logged))
		rc = mr_ix_node_cell(w, MR_GRAPH_MANIFEST, &n->logged, NULL,
				     c + 3, err);
	if (rc == 0)
		rc = mr_ix_value_cell(w, "names", n->tag, n->differs, c + 4,
				      err);
	c[5] = mr_cell_int(n->moved_s);
	if (rc == 0)
		rc = mr_ix_value_cell(w, "names", n->tag, n->actor, c + 6, err);
	return rc;
}

int mr_index_replace_names(struct mr_index_writer *w,
			   const struct mr_ix_name *items, size_t n,
			   struct mreg_error *err)
{
	static const struct mr_ix_list list = {
		.select = "SELECT tag, kind, tagged, logged, differs, moved_s, "
			  "actor FROM ix_names WHERE model = $1",
		.remove = "DELETE FROM ix_names WHERE model = $1 AND tag = $2",
		.insert = "INSERT INTO ix_names (model, tag, kind, tagged, "
			  "logged, differs, moved_s, actor) "
			  "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		.owners = 1,
		.columns = 7,
		.keys = 1,
	};
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	const struct mr_cell owner = mr_cell_int(w->model);
	bool changed = false;
	struct mr_cell *c;
	size_t i;
	int rc = mr_ix_rows_init(&rows, &list, err);

	if (rc == 0)
		rc = mr_ix_forget_notes(w, "names", err);
	for (i = 0; i < n && rc == 0; i++) {
		c = mr_ix_rows_add(&rows);
		rc = c ? name(w, items + i, c, err) : mr_fail_nomem(err);
	}
	if (rc < 0)
		return rc;
	return mr_ix_rows_replace(w->ix, &rows, &owner, 1, false, &changed,
				  err);
}

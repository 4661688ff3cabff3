/*
 * write_version.c - a version's manifest, as a row and what hangs on it.
 */
#include "index/index.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"
#include "index/text.h"
#include "index/writer.h"

/* What the log had said is forgotten: mr_index_put_life says it anew. */
#define PUT_ROW                                                                \
	"INSERT INTO ix_versions (id, model, number, node, flags, form, "      \
	"size, parameters, bytes, files, created_s, revision, run, "           \
	"environment, because, fileset, description, registered_s, "           \
	"updated_s, archived_s, deprecated_s) VALUES ($1, $2, $3, "            \
	"$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, "     \
	"0, 0, 0, 0) "                                                         \
	"ON CONFLICT (model, number) DO UPDATE SET node = excluded.node, "     \
	"flags = excluded.flags, form = excluded.form, "                       \
	"size = excluded.size, parameters = excluded.parameters, "             \
	"bytes = excluded.bytes, files = excluded.files, "                     \
	"created_s = excluded.created_s, revision = excluded.revision, "       \
	"run = excluded.run, environment = excluded.environment, "             \
	"because = excluded.because, fileset = excluded.fileset, "             \
	"description = excluded.description, registered_s = 0, "               \
	"updated_s = 0, archived_s = 0, deprecated_s = 0, actor = NULL, "      \
	"owner = NULL, stage = NULL, release = NULL"

/* A new one, with what the log says of it too. */
static const struct mr_ix_list new_row = {
	.insert = "INSERT INTO ix_versions (id, model, number, node, flags, "
		  "form, size, parameters, bytes, files, created_s, revision, "
		  "run, environment, because, fileset, description, "
		  "registered_s, updated_s, archived_s, deprecated_s, "
		  "actor, owner, stage, release) VALUES ($1, $2, $3, $4, $5, "
		  "$6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, "
		  "$18, $19, $20, $21, $22, $23, $24, $25)",
	.owners = MR_IX_V_OWNERS,
	.columns = MR_IX_V_ENDS,
	.later = true,
};

/* -- the cells ------------------------------------------------------------- */

static int64_t clamped(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static int authors(struct mr_index_writer *w, const char *subject,
		   const struct mr_list *names, int64_t *out,
		   struct mreg_error *err)
{
	struct mr_buf b = MR_BUF_INIT(8u << 20);
	size_t i;
	int rc;

	for (i = 0; i < names->n; i++)
		mr_buf_printf(&b, "%s%s", i ? ", " : "", names->items[i]);
	rc = mr_buf_check(&b, "the authors", err);
	if (rc == 0 && names->n)
		rc = mr_ix_value(w, subject, "authors", mr_buf_text(&b), out,
				 err);
	mr_buf_release(&b);
	return rc;
}

static int form(struct mr_index_writer *w, const char *subject,
		const struct mr_ix_version *v, struct mr_cell *out,
		struct mreg_error *err)
{
	const struct mr_meta *m = v->meta;
	const struct {
		const char *what, *text;
	} said[MR_IX_FORM_COUNT] = {
		[MR_IX_KIND] = { "kind", m->kind ? m->kind : "model" },
		[MR_IX_ARTIFACT_TYPE] = { "artifactType", v->artifact_type },
		[MR_IX_MEDIA_TYPE] = { "mediaType", v->desc.media_type[0]
							    ? v->desc.media_type
							    : NULL },
		[MR_IX_FORMAT] = { "format", m->format },
		[MR_IX_ARCHITECTURE] = { "architecture", m->architecture },
		[MR_IX_FAMILY] = { "family", m->family },
		[MR_IX_PRECISION] = { "precision", m->precision },
		[MR_IX_QUANTIZATION] = { "quantization", m->quantization },
		[MR_IX_LICENSE] = { "license", m->licenses },
		[MR_IX_SOURCE] = { "source", m->source },
	};
	int64_t ids[MR_IX_FORM_COUNT] = { 0 }, id = 0;
	size_t i;
	int rc = 0;

	for (i = 0; i < MR_IX_FORM_COUNT && rc == 0; i++)
		rc = mr_ix_value(w, subject, said[i].what, said[i].text,
				 ids + i, err);
	if (rc == 0)
		rc = authors(w, subject, &m->authors, ids + MR_IX_AUTHOR, err);
	if (rc == 0)
		rc = mr_ix_form(w->ix, ids, &id, err);
	*out = mr_cell_id(id);
	return rc;
}

static int texts(struct mr_index_writer *w, const char *subject,
		 const struct mr_ix_version *v, struct mr_cell *c,
		 struct mreg_error *err)
{
	const struct mr_meta *m = v->meta;
	int rc = form(w, subject, v, c + MR_IX_V_FORM, err);

	if (rc == 0)
		rc = mr_ix_value_cell(w, subject, "revision", m->revision,
				      c + MR_IX_V_REVISION, err);
	if (rc == 0)
		rc = mr_ix_value_cell(w, subject, "environment", m->environment,
				      c + MR_IX_V_ENVIRONMENT, err);
	if (rc == 0)
		rc = mr_ix_value_cell(w, subject, "description", m->description,
				      c + MR_IX_V_DESCRIPTION, err);
	return rc;
}

/* Numbers and times that are none are not told, and a note says so. */
static int counts(struct mr_index_writer *w, const char *subject,
		  const struct mr_ix_version *v, struct mr_cell *c,
		  struct mreg_error *err)
{
	const struct mr_meta *m = v->meta;
	int64_t created_s = 0;
	uint64_t parameters;
	int rc = 0;

	if (m->created && mr_text_time_parse(m->created, &created_s) < 0) {
		created_s = 0;
		rc = mr_ix_note(w, subject, "created", "it is no time", err);
	}
	c[MR_IX_V_CREATED] = mr_cell_int(created_s);
	if (m->parameters) {
		if (mr_text_u64(m->parameters, INT64_MAX, &parameters) == 0)
			c[MR_IX_V_PARAMETERS] =
				mr_cell_int((int64_t)parameters);
		else if (rc == 0)
			rc = mr_ix_note(w, subject, "parameters",
					"it is no count", err);
	}
	c[MR_IX_V_SIZE] = mr_cell_int(clamped(v->desc.size));
	c[MR_IX_V_BYTES] = mr_cell_int(clamped(v->bytes));
	c[MR_IX_V_FILES] = mr_cell_int(clamped(v->files));
	c[MR_IX_V_FILESET] = mr_cell_digest(&v->fileset);
	return rc;
}

/* The run as a node too, and the event that asked for the version. */
static int origins(struct mr_index_writer *w, const char *subject,
		   const struct mr_meta *m, struct mr_cell *c,
		   struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_digest d;
	int64_t run, flags = 0;
	int rc = 0;

	if (m->run_id) {
		flags |= MR_IX_RUN_SAID;
		rc = mr_ix_outside(w, subject, "runId", MR_GRAPH_RUN, m->run_id,
				   &run, err);
		c[MR_IX_V_RUN] = mr_cell_id(rc < 0 ? 0 : run);
	}
	if (rc == 0 && m->because) {
		if (mreg_digest_parse(m->because, &d, &why) == 0) {
			flags |= MR_IX_BECAUSE_SAID;
			rc = mr_ix_node_cell(w, MR_GRAPH_EVENT, &d, NULL,
					     c + MR_IX_V_BECAUSE, err);
		} else {
			rc = mr_ix_note(w, subject, "because",
					"it is no digest", err);
		}
	}
	c[MR_IX_V_FLAGS] = mr_cell_int(flags);
	return rc;
}

/* -- the row --------------------------------------------------------------- */

static int find_row(struct mr_index_writer *w, uint64_t number,
		    struct mr_ix_before *out, struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc;

	*out = (struct mr_ix_before){ 0 };
	if ((uint64_t)clamped(number) > w->top)
		return 0;
	rc = mr_ix_rows_settle(w->ix, NULL, err);
	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"SELECT id, node, run FROM ix_versions "
				"WHERE model = $1 AND number = $2",
				&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	mr_bind_int(s, 2, clamped(number));
	rc = mr_stmt_step(s, err);
	if (rc > 0) {
		out->id = mr_stmt_int(s, 0);
		out->node = mr_stmt_int(s, 1);
		out->run = mr_stmt_int(s, 2);
	}
	mr_stmt_reset(s);
	return rc < 0 ? rc : 0;
}

static int put_new_row(struct mr_index_writer *w, uint64_t number,
		       const struct mr_cell *c, int64_t id,
		       struct mreg_error *err)
{
	struct mr_cell cells[MR_IX_V_OWNERS + MR_IX_V_ENDS] = {
		mr_cell_int(id),
		mr_cell_int(w->model),
		mr_cell_int(clamped(number)),
	};
	int i;

	memcpy(cells + MR_IX_V_OWNERS, c, MR_IX_V_ENDS * sizeof(*c));
	for (i = MR_IX_V_REGISTERED; i <= MR_IX_V_DEPRECATED; i++)
		cells[MR_IX_V_OWNERS + i] = mr_cell_int(0);
	return mr_ix_rows_hold(w->ix, &new_row, cells, err);
}

static int put_row(struct mr_index_writer *w, uint64_t number,
		   const struct mr_cell *c, int64_t id, struct mreg_error *err)
{
	struct mr_stmt *s;
	int i, rc = mr_db_stmt(w->ix->db, PUT_ROW, &s, err);

	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, id);
	mr_bind_int(s, 2, w->model);
	mr_bind_int(s, 3, clamped(number));
	for (i = 0; i < MR_IX_V_SAID; i++)
		mr_ix_bind(s, i + 4, c + i);
	return mr_stmt_run(s, err);
}

static int has_node(struct mr_index_writer *w, int64_t node, bool *out,
		    struct mreg_error *err)
{
	struct mr_stmt *s;
	int rc = mr_ix_rows_settle(w->ix, NULL, err);

	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"SELECT 1 FROM ix_versions "
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

static int put_values(struct mr_index_writer *w, const char *subject,
		      int64_t id, const struct mr_ix_version *v, bool fresh,
		      struct mreg_error *err)
{
	const struct mr_meta *m = v->meta;
	int rc = mr_ix_put_properties(w, subject, id, MR_IX_PARAM, m->params,
				      m->param_count, fresh, err);

	if (rc == 0)
		rc = mr_ix_put_properties(w, subject, id, MR_IX_TAGGED, m->tags,
					  m->tag_count, fresh, err);
	if (rc == 0)
		rc = mr_ix_put_metrics(w, subject, id, m, fresh, err);
	if (rc == 0)
		rc = mr_ix_put_inputs(w, subject, id, m, fresh, err);
	if (rc == 0)
		rc = mr_ix_put_weights(w, id, v->weights, v->weight_count,
				       fresh, err);
	if (rc == 0)
		rc = mr_ix_put_words(w, id, true, v->card, m->description,
				     fresh, err);
	return rc;
}

/* What is known of its node: `had`: the model has a version of it already;
 * `bare`: nothing at all. */
struct origin {
	int64_t node, run, because;
	bool had, bare;
};

static int put_graph(struct mr_index_writer *w, const char *subject,
		     const struct mr_ix_before *was, const struct origin *o,
		     const struct mr_ix_version *v, struct mreg_error *err)
{
	int rc = mr_ix_put_edges(w, subject, o->node, v, !o->had, o->bare, err);

	/* A version that nothing has to be said of is in the graph as well. */
	if (!was->id || was->node != o->node || was->run != o->run)
		w->graph = true;
	if (rc == 0 && (was->id || o->had))
		rc = mr_ix_put_life_edges(w, o->node, err);
	else if (rc == 0 && o->because)
		rc = mr_ix_put_first_because(w, o->node, o->because, err);
	if (rc == 0 && was->id && was->node != o->node)
		rc = mr_ix_drop_edges(w, was->node, err);
	if (rc == 0 && was->id && was->node != o->node)
		rc = mr_ix_drop_documents(w, was->node, err);
	return rc;
}

/* Whether mr_ix_value, mr_ix_outside keep it unchanged. */
static bool is_kept(const char *text)
{
	return text && mr_utf8_valid(text) &&
	       !text[mr_ix_cut(text, MR_INDEX_VALUE_MAX_BYTES)];
}

static void want_value(const struct mr_index_writer *w,
		       struct mr_ix_wanted *wanted, const char *text)
{
	if (is_kept(text))
		mr_ix_want_text(w->ix, wanted, text);
}

static void want_outside(const struct mr_index_writer *w,
			 struct mr_ix_wanted *wanted, enum mr_graph_kind kind,
			 const char *name)
{
	if (is_kept(name))
		mr_ix_want_outside(w->ix, wanted, kind, name);
}

/* What no other version has named, mostly, in a single question: SQLite answers
 * four as fast. */
static int make_names(struct mr_index_writer *w, const struct mr_ix_version *v,
		      struct mreg_error *err)
{
	const struct mr_meta *m = v->meta;
	struct mr_ix_wanted wanted = { 0 };
	struct mreg_digest d;
	size_t i;

	if (mr_db_kind(w->ix->db) == MR_DB_SQLITE)
		return 0;
	mr_ix_want_manifest(w->ix, &wanted, &v->desc.digest);
	want_outside(w, &wanted, MR_GRAPH_RUN, m->run_id);
	if (m->input_count && !m->inputs[0].digest)
		want_outside(w, &wanted, MR_GRAPH_URI, m->inputs[0].uri);
	for (i = 0; i < m->parent_count; i++)
		if (m->parents[i].digest &&
		    mreg_digest_parse(m->parents[i].digest, &d, NULL) == 0)
			mr_ix_want_manifest(w->ix, &wanted, &d);
	want_value(w, &wanted, m->revision);
	want_value(w, &wanted, m->description);
	return mr_ix_make_wanted(w->ix, &wanted, err);
}

static int find_node(struct mr_index_writer *w, const struct mr_ix_version *v,
		     struct origin *o, struct mreg_error *err)
{
	const int64_t last = w->ix->last_node;
	int rc = make_names(w, v, err);

	if (rc == 0)
		rc = mr_ix_node(w->ix, MR_GRAPH_MANIFEST, &v->desc.digest, NULL,
				&o->node, err);
	o->bare = o->node > last;
	if (rc == 0 && !o->bare)
		rc = has_node(w, o->node, &o->had, err);
	return rc;
}

/* Before its tags are written, which are remembered too. */
static int remember(struct mr_index_writer *w, const struct mr_ix_version *v,
		    const struct mr_cell *c, int64_t id, bool bare,
		    struct mreg_error *err)
{
	int rc = mr_ix_rows_init(&w->last.tags, &mr_ix_properties, err);

	w->top = (uint64_t)clamped(v->number) > w->top
			 ? (uint64_t)clamped(v->number)
			 : w->top;
	w->last.row = (struct mr_ix_before){
		.id = id,
		.node = c[MR_IX_V_NODE].number,
		.flags = c[MR_IX_V_FLAGS].number,
		.run = c[MR_IX_V_RUN].number,
		.because = c[MR_IX_V_BECAUSE].number,
		.description = c[MR_IX_V_DESCRIPTION].number,
	};
	w->last.number = v->number;
	w->last.bare = bare;
	return rc;
}

int mr_index_put_version(struct mr_index_writer *w,
			 const struct mr_ix_version *v, struct mreg_error *err)
{
	struct mr_cell c[MR_IX_V_COUNT] = { 0 };
	char subject[MR_IX_SUBJECT];
	struct origin o = { 0 };
	struct mr_ix_before was;
	int64_t id;
	int rc;

	(void)mr_ix_subject(v->number, subject);
	mr_ix_forget_last(w);
	rc = find_row(w, v->number, &was, err);
	/* There may be some of a version that could not be read before. */
	if (rc == 0)
		rc = mr_ix_forget_notes(w, subject, err);
	if (rc == 0)
		rc = find_node(w, v, &o, err);
	if (rc == 0)
		rc = texts(w, subject, v, c, err);
	if (rc == 0)
		rc = counts(w, subject, v, c, err);
	if (rc == 0)
		rc = origins(w, subject, v->meta, c, err);
	if (rc < 0)
		return rc;
	o.run = c[MR_IX_V_RUN].number;
	o.because = c[MR_IX_V_BECAUSE].number;
	c[MR_IX_V_NODE] = mr_cell_int(o.node);
	id = was.id ? was.id : ++w->ix->last_version;
	rc = was.id ? mr_ix_drop_posts(w, was.id, err) : 0;
	if (rc == 0 && was.id)
		rc = mr_ix_drop_ends(w, was.id, err);
	if (rc == 0)
		rc = was.id ? put_row(w, v->number, c, id, err)
			    : put_new_row(w, v->number, c, id, err);
	if (rc == 0 && !was.id)
		rc = remember(w, v, c, id, o.bare, err);
	if (rc == 0)
		rc = put_values(w, subject, id, v, was.id == 0, err);
	if (rc == 0)
		rc = mr_ix_put_posts(w, id, err);
	if (rc == 0)
		rc = put_graph(w, subject, &was, &o, v, err);
	w->versions = true;
	return rc;
}

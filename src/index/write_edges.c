/*
 * write_edges.c - what a version was made from, as edges of the graph.
 *
 * An edge has the model that says it, and its relation tells what of the model
 * does: the manifest of the child, the rows of versions (what a log adds), the
 * manifest of the parent (an image index lists its children), documents,
 * deployments.  So each list below replaces exactly what it has said before.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "index/text.h"
#include "index/writer.h"
#include "oci/oci.h"

#define BASE_NAME "org.opencontainers.image.base.name"
#define BASE_DIGEST "org.opencontainers.image.base.digest"

/* The numbers of enum mr_relation, as the lists below select them. */
#define OF_MANIFEST "(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15)"

#define EDGE_REMOVE                                                            \
	"DELETE FROM ix_edges WHERE model = $1 AND child = $2 "                \
	"AND parent = $3 AND relation = $4"
#define EDGE_INSERT                                                            \
	"INSERT INTO ix_edges (model, child, parent, relation, ref) "          \
	"VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
#define EDGE_LIST(where)                                                       \
	{                                                                      \
		.select = "SELECT child, parent, relation, ref "               \
			  "FROM ix_edges WHERE model = $1 AND " where,         \
		.remove = EDGE_REMOVE, .insert = EDGE_INSERT, .owners = 1,     \
		.columns = 4, .keys = 3, .later = true                         \
	}

static const struct mr_ix_list of_manifest =
	EDGE_LIST("child = $2 AND relation IN " OF_MANIFEST);
static const struct mr_ix_list of_because =
	EDGE_LIST("child = $2 AND relation = 16");
static const struct mr_ix_list of_successor =
	EDGE_LIST("parent = $2 AND relation = 18");
static const struct mr_ix_list of_children =
	EDGE_LIST("parent = $2 AND relation = 11");
/* subject, profile; what a version's own manifest says is left to it. */
static const struct mr_ix_list of_documents =
	EDGE_LIST("parent = $2 AND relation IN (10, 12) AND NOT EXISTS "
		  "(SELECT 1 FROM ix_versions v WHERE v.model = $1 AND "
		  "v.node = ix_edges.child AND ix_edges.relation = 10)");
static const struct mr_ix_list of_place =
	EDGE_LIST("child = $2 AND relation = 17");

static int add(struct mr_ix_rows *rows, int64_t child, int64_t parent,
	       enum mr_relation relation, int64_t ref, struct mreg_error *err)
{
	struct mr_cell *c = mr_ix_rows_add(rows);

	if (!c)
		return mr_fail_nomem(err);
	c[0] = mr_cell_int(child);
	c[1] = mr_cell_int(parent);
	c[2] = mr_cell_int(relation);
	c[3] = mr_cell_id(ref);
	return 0;
}

static int replace(struct mr_index_writer *w, struct mr_ix_rows *rows,
		   int64_t node, bool fresh, struct mreg_error *err)
{
	const struct mr_cell owner[] = { mr_cell_int(w->model),
					 mr_cell_int(node) };

	return mr_ix_rows_replace(w->ix, rows, owner, 2, fresh, &w->graph, err);
}

/* -- what a manifest says -------------------------------------------------- */

static bool digest_of(const char *text, struct mreg_digest *out)
{
	struct mreg_error ignored = MREG_ERROR_INIT;

	return text && mreg_digest_parse(text, out, &ignored) == 0;
}

int mr_ix_input_node(struct mr_index_writer *w, const char *subject,
		     const struct mr_input *in, int64_t *out,
		     enum mr_graph_kind *kind, struct mreg_error *err)
{
	struct mreg_digest d;

	*out = 0;
	*kind = MR_GRAPH_MANIFEST;
	if (digest_of(in->digest, &d))
		return mr_ix_node(w->ix, *kind, &d, NULL, out, err);
	if (!in->uri && !in->name)
		return 0;
	*kind = in->uri ? MR_GRAPH_URI : MR_GRAPH_NAME;
	return mr_ix_outside(w, subject, "inputs", *kind,
			     in->uri ? in->uri : in->name, out, err);
}

/* What is none is a finetune, as where it is not told. */
static enum mr_relation parent_relation(const char *name)
{
	enum mr_relation r = name ? mr_relation_parse(name) : MR_REL_FINETUNE;

	return r >= MR_REL_FINETUNE && r <= MR_REL_RETRAIN ? r
							   : MR_REL_FINETUNE;
}

static int parents(struct mr_index_writer *w, const char *subject, int64_t node,
		   const struct mr_meta *meta, struct mr_ix_rows *rows,
		   struct mreg_error *err)
{
	const struct mr_parent *p;
	struct mreg_digest d;
	int64_t parent, ref;
	size_t i;
	int rc = 0;

	/* A parent outside is called what its node is. */
	for (i = 0; i < meta->parent_count && rc == 0; i++) {
		p = meta->parents + i;
		ref = 0;
		if (digest_of(p->digest, &d)) {
			rc = mr_ix_node(w->ix, MR_GRAPH_MANIFEST, &d, NULL,
					&parent, err);
			if (rc == 0)
				rc = mr_ix_value(w, subject, "parents", p->ref,
						 &ref, err);
		} else if (p->ref)
			rc = mr_ix_outside(w, subject, "parents", MR_GRAPH_URI,
					   p->ref, &parent, err);
		else
			continue;
		if (rc == 0)
			rc = add(rows, node, parent,
				 parent_relation(p->relation), ref, err);
	}
	return rc;
}

static int inputs(struct mr_index_writer *w, const char *subject, int64_t node,
		  const struct mr_meta *meta, struct mr_ix_rows *rows,
		  struct mreg_error *err)
{
	const struct mr_input *in;
	enum mr_graph_kind kind;
	int64_t parent, ref;
	size_t i;
	int rc = 0;

	for (i = 0; i < meta->input_count && rc == 0; i++) {
		in = meta->inputs + i;
		rc = mr_ix_input_node(w, subject, in, &parent, &kind, err);
		if (rc < 0 || parent == 0)
			continue;
		ref = 0;
		if (kind == MR_GRAPH_MANIFEST)
			rc = mr_ix_value(w, subject, "inputs",
					 in->uri ? in->uri : in->name, &ref,
					 err);
		if (rc == 0)
			rc = add(rows, node, parent, MR_REL_INPUT, ref, err);
	}
	return rc;
}

/* The base image, where no parent says the same. */
static int base(struct mr_index_writer *w, const char *subject, int64_t node,
		const struct mr_ix_version *v, struct mr_ix_rows *rows,
		struct mreg_error *err)
{
	const struct mr_annotations *a = &v->manifest->annotations;
	struct mreg_digest d, other;
	int64_t parent, ref;
	size_t i;
	int rc;

	if (!digest_of(mr_annotation(a, BASE_DIGEST), &d))
		return 0;
	for (i = 0; i < v->meta->parent_count; i++)
		if (digest_of(v->meta->parents[i].digest, &other) &&
		    mreg_digest_equal(&d, &other))
			return 0;
	rc = mr_ix_node(w->ix, MR_GRAPH_MANIFEST, &d, NULL, &parent, err);
	if (rc == 0)
		rc = mr_ix_value(w, subject, BASE_NAME,
				 mr_annotation(a, BASE_NAME), &ref, err);
	return rc < 0 ? rc : add(rows, node, parent, MR_REL_BASE, ref, err);
}

static int commit(struct mr_index_writer *w, const char *subject, int64_t node,
		  const struct mr_meta *meta, struct mr_ix_rows *rows,
		  struct mreg_error *err)
{
	MR_AUTO(mr_free) char *name = NULL;
	size_t n;
	int64_t parent;
	int rc;

	if (!meta->source || !meta->revision)
		return 0;
	n = strlen(meta->source) + strlen(meta->revision) + 2;
	name = mr_alloc(n);
	if (!name)
		return mr_fail_nomem(err);
	(void)snprintf(name, n, "%s@%s", meta->source, meta->revision);
	rc = mr_ix_outside(w, subject, "source", MR_GRAPH_COMMIT, name, &parent,
			   err);
	return rc < 0 ? rc : add(rows, node, parent, MR_REL_COMMIT, 0, err);
}

/* By digest, or by name where it lies outside; a path within the artifact, and
 * words, are no thing that others could come from too. */
static int environment(struct mr_index_writer *w, const char *subject,
		       int64_t node, const char *text, struct mr_ix_rows *rows,
		       struct mreg_error *err)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	struct mreg_digest d = { 0 };
	struct mreg_ref ref;
	bool image = false;
	int64_t parent, name = 0;
	int rc;

	if (!text)
		return 0;
	if (!digest_of(text, &d) && !mr_meta_is_outside(text)) {
		image = mr_ref_parse(text, &ref, &ignored) == 0 &&
			(mr_digest_known(&ref.digest) ||
			 (ref.host[0] && ref.tag[0]));
		if (!image)
			return 0;
		d = ref.digest;
	}
	if (mr_digest_known(&d)) {
		rc = mr_ix_node(w->ix, MR_GRAPH_MANIFEST, &d, NULL, &parent,
				err);
		if (rc == 0)
			rc = mr_ix_value(w, subject, "environment", text, &name,
					 err);
	} else {
		rc = mr_ix_outside(w, subject, "environment",
				   MR_GRAPH_ENVIRONMENT, text, &parent, err);
	}
	return rc < 0 ? rc
		      : add(rows, node, parent, MR_REL_ENVIRONMENT, name, err);
}

/* Of its own manifest, and as documents have it: they may go.  `bare`: there
 * are none. */
static int subjects(struct mr_index_writer *w, int64_t node,
		    const struct mr_manifest *m, bool bare,
		    struct mr_ix_rows *rows, struct mreg_error *err)
{
	struct mr_stmt *s;
	int64_t parent;
	int rc = 0, more;

	if (m && m->has_subject) {
		rc = mr_ix_node(w->ix, MR_GRAPH_MANIFEST,
				&m->subject.desc.digest, NULL, &parent, err);
		if (rc == 0)
			rc = add(rows, node, parent, MR_REL_SUBJECT, 0, err);
	}
	if (rc < 0 || bare)
		return rc;
	rc = mr_db_stmt(w->ix->db,
			"SELECT subject FROM ix_documents WHERE "
			"model = $1 AND node = $2 AND how = 0",
			&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, w->model);
	mr_bind_int(s, 2, node);
	while ((more = mr_stmt_step(s, err)) > 0 && rc == 0)
		rc = add(rows, node, mr_stmt_int(s, 0), MR_REL_SUBJECT, 0, err);
	mr_stmt_reset(s);
	return rc < 0 ? rc : more;
}

static int children(struct mr_index_writer *w, int64_t node,
		    const struct mr_manifest *m, bool fresh,
		    struct mreg_error *err)
{
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	int64_t child;
	size_t i;
	int rc;

	if (fresh && (!m || m->child_count == 0))
		return 0;
	rc = mr_ix_rows_init(&rows, &of_children, err);
	for (i = 0; m && i < m->child_count && rc == 0; i++) {
		rc = mr_ix_node(w->ix, MR_GRAPH_MANIFEST,
				&m->children[i].desc.digest, NULL, &child, err);
		if (rc == 0)
			rc = add(&rows, child, node, MR_REL_CHILD, 0, err);
	}
	return rc < 0 ? rc : replace(w, &rows, node, fresh, err);
}

int mr_ix_put_edges(struct mr_index_writer *w, const char *subject,
		    int64_t node, const struct mr_ix_version *v, bool fresh,
		    bool bare, struct mreg_error *err)
{
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	int rc = mr_ix_rows_init(&rows, &of_manifest, err);

	if (rc == 0)
		rc = parents(w, subject, node, v->meta, &rows, err);
	if (rc == 0)
		rc = inputs(w, subject, node, v->meta, &rows, err);
	if (rc == 0 && v->manifest)
		rc = base(w, subject, node, v, &rows, err);
	if (rc == 0)
		rc = commit(w, subject, node, v->meta, &rows, err);
	if (rc == 0)
		rc = environment(w, subject, node, v->meta->environment, &rows,
				 err);
	if (rc == 0)
		rc = subjects(w, node, v->manifest, bare, &rows, err);
	if (rc == 0)
		rc = replace(w, &rows, node, fresh, err);
	return rc < 0 ? rc : children(w, node, v->manifest, fresh, err);
}

/* -- what a log adds ------------------------------------------------------- */

static int row_edges(struct mr_stmt *s, int64_t node, struct mr_ix_rows *up,
		     struct mr_ix_rows *down, struct mreg_error *err)
{
	int rc = 0;

	if (mr_stmt_int(s, 0))
		rc = add(up, node, mr_stmt_int(s, 0), MR_REL_BECAUSE, 0, err);
	if (rc == 0 && mr_stmt_int(s, 1))
		rc = add(down, mr_stmt_int(s, 1), node, MR_REL_SUCCESSOR, 0,
			 err);
	return rc;
}

int mr_ix_put_life_edges(struct mr_index_writer *w, int64_t node,
			 struct mreg_error *err)
{
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows up = { 0 };
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows down = { 0 };
	struct mr_stmt *s;
	int more, rc = mr_ix_rows_init(&up, &of_because, err);

	if (rc == 0)
		rc = mr_ix_rows_init(&down, &of_successor, err);
	if (rc == 0)
		rc = mr_ix_rows_settle(w->ix, NULL, err);
	if (rc == 0)
		rc = mr_db_stmt(w->ix->db,
				"SELECT v.because, e.successor "
				"FROM ix_versions v "
				"LEFT JOIN ix_ends e ON e.version = v.id "
				"WHERE v.node = $1 AND v.model = $2",
				&s, err);
	if (rc < 0)
		return rc;
	mr_bind_int(s, 1, node);
	mr_bind_int(s, 2, w->model);
	while ((more = mr_stmt_step(s, err)) > 0 && rc == 0)
		rc = row_edges(s, node, &up, &down, err);
	mr_stmt_reset(s);
	if (rc == 0 && more < 0)
		rc = more;
	if (rc == 0)
		rc = replace(w, &up, node, false, err);
	return rc < 0 ? rc : replace(w, &down, node, false, err);
}

int mr_ix_put_first_because(struct mr_index_writer *w, int64_t node,
			    int64_t because, struct mreg_error *err)
{
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	int rc = mr_ix_rows_init(&rows, &of_because, err);

	if (rc == 0)
		rc = add(&rows, node, because, MR_REL_BECAUSE, 0, err);
	return rc < 0 ? rc : replace(w, &rows, node, true, err);
}

int mr_ix_drop_edges(struct mr_index_writer *w, int64_t node,
		     struct mreg_error *err)
{
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	struct mr_stmt *s;
	bool still;
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
	still = rc > 0;
	mr_stmt_reset(s);
	if (rc == 0)
		rc = mr_ix_rows_init(&rows, &of_manifest, err);
	if (rc == 0 && !still)
		rc = subjects(w, node, NULL, false, &rows, err);
	if (rc == 0 && !still)
		rc = replace(w, &rows, node, false, err);
	if (rc == 0 && !still)
		rc = children(w, node, NULL, false, err);
	return rc < 0 ? rc : mr_ix_put_life_edges(w, node, err);
}

/* -- documents and deployments --------------------------------------------- */

int mr_ix_put_document_edges(struct mr_index_writer *w, int64_t subject,
			     const struct mr_ix_up *items, size_t n,
			     struct mreg_error *err)
{
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	size_t i;
	int rc = mr_ix_rows_init(&rows, &of_documents, err);

	for (i = 0; i < n && rc == 0; i++)
		rc = add(&rows, items[i].child, subject, items[i].relation, 0,
			 err);
	return rc < 0 ? rc : replace(w, &rows, subject, false, err);
}

int mr_ix_put_place_edges(struct mr_index_writer *w, int64_t place,
			  const int64_t *versions, size_t n,
			  struct mreg_error *err)
{
	MR_AUTO(mr_ix_rows_release) struct mr_ix_rows rows = { 0 };
	size_t i;
	int rc = mr_ix_rows_init(&rows, &of_place, err);

	for (i = 0; i < n && rc == 0; i++)
		rc = add(&rows, place, versions[i], MR_REL_DEPLOYED, 0, err);
	return rc < 0 ? rc : replace(w, &rows, place, false, err);
}

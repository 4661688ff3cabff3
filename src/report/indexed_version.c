/*
 * indexed_version.c - one version in full by what the index remembers.
 */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "index/index.h"
#include "look/look.h"
#include "model/model.h"
#include "report/report.h"

#define FIELDS_MAX 16

static const char *copy(struct mr_report *r, const char *s)
{
	return s ? mr_arena_strdup(r->a, s) : NULL;
}

static void take_fields(struct mr_report *r, const struct mr_ix_row *v,
			struct mreg_inspect_result *to)
{
	const struct mreg_pair told[] = {
		{ "architecture", v->architecture },
		{ "family", v->family },
		{ "parameters",
		  v->parameters
			  ? mr_arena_printf(r->a, "%" PRIu64, v->parameters)
			  : NULL },
		{ "precision", v->precision },
		{ "quantization", v->quantization },
		{ "format", v->format },
		{ "description", v->description },
		{ "license", v->license },
		{ "source", v->source },
		{ "revision", v->revision },
		{ "runId", v->run },
		{ "kind", v->kind },
	};
	struct mreg_pair *fields =
		mr_arena_alloc(r->a, MR_COUNT(told) * sizeof(*fields));
	size_t i;

	for (i = 0; fields && i < MR_COUNT(told); i++)
		if (told[i].value)
			fields[to->field_count++] = told[i];
	to->fields = fields;
}

static int take_inputs(struct mr_report *r, struct mr_index *ix,
		       const struct mr_ix_row *v,
		       struct mreg_inspect_result *to, struct mreg_error *err)
{
	struct mr_ix_input_row *rows;
	struct mreg_input *inputs;
	size_t n, i;
	int rc = mr_index_inputs(ix, v->id, r->a, &rows, &n, err);

	if (rc < 0)
		return rc;
	inputs = mr_arena_alloc(r->a, (n + 1) * sizeof(*inputs));
	for (i = 0; inputs && i < n; i++)
		inputs[i] = (struct mreg_input){
			.role = rows[i].role,
			.name = rows[i].name,
			.uri = rows[i].uri,
			.digest = rows[i].digest,
			.license = rows[i].license,
			.classification = rows[i].classification,
			.consent = rows[i].consent,
		};
	to->inputs = inputs;
	to->input_count = n;
	return mr_result_check(r->a, err);
}

static struct mreg_attached document(struct mr_report *r,
				     const struct mr_ix_document *d)
{
	return (struct mreg_attached){
		.digest = d->desc.digest,
		.type = d->artifact_type ? d->artifact_type : "",
		.kind = copy(r, d->artifact_type
					? mr_attach_kind(d->artifact_type)
					: NULL),
		.title = d->title,
		.suite = d->suite,
		.judged = d->verdict != NULL,
		.passed = d->verdict && strcmp(d->verdict, "passed") == 0,
		.created_s = d->created_s,
		.dataset = d->dataset,
	};
}

static int take_documents(struct mr_report *r, struct mr_index *ix,
			  const struct mr_ix_row *v,
			  struct mreg_inspect_result *to,
			  struct mreg_error *err)
{
	struct mreg_attached *attached;
	struct mr_ix_document *rows;
	uint64_t notes;
	size_t n, i;
	int rc = mr_index_documents(ix, v->model, &v->digest, r->a, &rows, &n,
				    err);

	if (rc >= 0)
		rc = mr_index_notes(ix, v->model, &notes, err);
	if (rc < 0)
		return rc;
	attached = mr_arena_alloc(r->a, (n + 1) * sizeof(*attached));
	for (i = 0; attached && i < n; i++)
		if (rows[i].how == MR_IX_ATTACHED)
			attached[to->attached_count++] = document(r, &rows[i]);
	to->attached = attached;
	mr_siblings_known(rows, n, v->number, !notes, r->a, to);
	return mr_result_check(r->a, err);
}

static void take_life(const struct mr_ix_row *v, struct mreg_inspect_result *to)
{
	to->number = v->number;
	to->desc.digest = v->digest;
	to->registered_s = v->registered_s;
	to->actor = v->actor ? v->actor : "";
	to->tags = v->aliases;
	to->tag_count = v->alias_count;
	to->metrics = v->metrics;
	to->metric_count = v->metric_count;
	to->params = v->params;
	to->param_count = v->param_count;
	to->labels = v->tags;
	to->label_count = v->tag_count;
	to->bytes = v->bytes;
	to->stage = v->stage;
	to->answerable = v->owner;
	to->review_s = v->review_s;
	to->artifact_type = to->config_type = "";
}

int mr_report_indexed_version(struct mr_report *r,
			      struct mreg_report_version *v,
			      struct mreg_error *err)
{
	struct mreg_inspect_result *to = mr_arena_alloc(r->a, sizeof(*to));
	const struct mr_ix_row *row = NULL;
	struct mr_index *ix;
	size_t i;
	int rc = to ? mr_session_index(r->m, MR_DB_READ, &ix, err)
		    : mr_fail_nomem(err);

	for (i = 0; i < r->row_count && !row; i++)
		if (mreg_digest_equal(&r->rows[i].digest, &v->digest))
			row = &r->rows[i];
	if (rc >= 0 && !row)
		rc = mr_fail(err, MREG_ENOTFOUND,
			     "the index does not know '%s'", v->reference);
	if (rc < 0)
		return rc;
	to->name = r->out->name;
	to->reference = v->reference;
	take_life(row, to);
	to->review_over = to->review_s && to->review_s <= r->out->at_s;
	take_fields(r, row, to);
	rc = take_inputs(r, ix, row, to, err);
	if (rc >= 0)
		rc = take_documents(r, ix, row, to, err);
	if (rc >= 0)
		v->inspect = to;
	return rc;
}

/* -- what it comes from ------------------------------------------------------
 */

static const char *relation_to(const struct mreg_lineage_result *l, size_t node)
{
	size_t i;

	for (i = 0; i < l->edge_count; i++)
		if (l->edges[i].parent == node)
			return l->edges[i].relation;
	return NULL;
}

/* Of one of its own inputs; others' are not told here. */
static const char *input_license(const struct mreg_report_version *v,
				 const char *name)
{
	size_t i;

	for (i = 0; v->inspect && i < v->inspect->input_count; i++) {
		const struct mreg_input *in = &v->inspect->inputs[i];

		if ((in->uri && strcmp(in->uri, name) == 0) ||
		    (in->digest && strcmp(in->digest, name) == 0) ||
		    (in->name && strcmp(in->name, name) == 0))
			return in->license;
	}
	return NULL;
}

static void take_ancestor(const struct mreg_report_version *v, size_t at,
			  struct mreg_report_ancestor *to)
{
	const struct mreg_lineage_node *n = &v->lineage->nodes[at];
	bool gap = strcmp(n->kind, "gap") == 0;
	bool version = strcmp(n->kind, "version") == 0;
	size_t i;

	*to = (struct mreg_report_ancestor){
		.how = relation_to(v->lineage, at),
		.ref = gap || version ? n->label : n->id,
		.digest = gap || version ? n->id : NULL,
		.unreadable = gap ? "the index does not have it" : NULL,
	};
	for (i = 0; i < n->version_count && !to->license; i++)
		to->license = n->versions[i].license;
	if (!version) {
		to->license = input_license(v, n->id);
		to->told = to->license != NULL;
	}
	to->input = !version && (!gap || to->told);
}

static bool is_ancestor(const struct mreg_lineage_node *n)
{
	static const char *const kinds[] = { "version", "gap", "uri", "input" };
	size_t i;

	for (i = 0; n->depth > 0 && i < MR_COUNT(kinds); i++)
		if (strcmp(n->kind, kinds[i]) == 0)
			return true;
	return false;
}

int mr_report_indexed_ancestors(struct mr_report *r,
				struct mreg_report_version *v,
				struct mreg_error *err)
{
	const struct mreg_lineage_result *l = v->lineage;
	struct mreg_report_ancestor *to;
	size_t i;

	if (!l)
		return mr_fail(err, MREG_ENOTFOUND,
			       "the index does not tell its lineage");
	to = mr_arena_alloc(r->a, (l->count + 1) * sizeof(*to));
	if (!to)
		return mr_fail_nomem(err);
	for (i = 0; i < l->count; i++)
		if (is_ancestor(&l->nodes[i]))
			take_ancestor(v, i, &to[v->ancestor_count++]);
	v->ancestors = to;
	v->ancestors_more = l->cut;
	return 0;
}

/*
 * lineage_result.c - what was found, as a result: nodes by what they are
 * called, in an order that does not depend on how the index came to be.
 */
#include "find/lineage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

#define SHORT_DIGEST 19 /* "sha256:" and twelve digits, as people are shown */
#define SHORT_REVISION 12

struct telling {
	struct mr_lineage *l;
	const struct mr_node_row *rows; /* in the order of l->found */
	struct order {
		struct mreg_lineage_node told;
		int64_t node;
	} * order; /* owned; the result's nodes with the index's */
	/* Places in the result by node. */
	struct place {
		int64_t node;
		size_t at;
	} * places; /* owned */
	/* The name that was made of the last model. */
	const char *model, *name;
};

static void telling_release(struct telling *t)
{
	mr_release(t->order);
	mr_release(t->places);
}

const char *mr_lineage_name(struct mr_lineage *l, const char *model)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	char text[MREG_REF_TEXT];
	struct mreg_ref ref;

	/* A name that the index has and no reference is: as it is. */
	if (mr_target_parse(l->m, model, &ref, &ignored) < 0)
		return mr_arena_strdup(l->arena, model);
	return mr_arena_strdup(l->arena, mr_target_name(l->m, &ref, text));
}

static const char *name_of(struct telling *t, const char *model)
{
	if (!t->model || strcmp(t->model, model) != 0) {
		t->model = model;
		t->name = mr_lineage_name(t->l, model);
	}
	return t->name;
}

/* -- nodes ----------------------------------------------------------------- */

static const char *kind_of(const struct mr_node_row *row)
{
	static const char *const kinds[] = {
		[MR_GRAPH_MANIFEST] = "gap",
		[MR_GRAPH_RUN] = "run",
		[MR_GRAPH_COMMIT] = "commit",
		[MR_GRAPH_URI] = "uri",
		[MR_GRAPH_ENVIRONMENT] = "environment",
		[MR_GRAPH_EVENT] = "event",
		[MR_GRAPH_DEPLOYMENT] = "deployment",
		[MR_GRAPH_NAME] = "input",
	};

	if (row->version_count)
		return "version";
	if (row->document)
		return "document";
	return (size_t)row->kind < MR_COUNT(kinds) ? kinds[row->kind] : "gap";
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* "github.com/acme/churn@0123..." as "churn@0123456789ab". */
static const char *short_commit(struct mr_arena *a, const char *name)
{
	const char *at = strrchr(name, '@');
	const char *source;

	if (!at)
		return mr_arena_strdup(a, name);
	source = mr_arena_strndup(a, name, (size_t)(at - name));
	return mr_arena_printf(a, "%s@%.*s", source ? last_part(source) : "",
			       SHORT_REVISION, at + 1);
}

static const char *label_of(struct telling *t, const struct mr_node_row *row,
			    const char *id)
{
	struct mr_arena *a = t->l->arena;
	const char *text = row->name;

	if (row->version_count)
		return mr_arena_printf(a, "%s:v%" PRIu64,
				       last_part(row->versions[0].model),
				       row->versions[0].number);
	if (row->kind == MR_GRAPH_COMMIT && text)
		return short_commit(a, text);
	if (row->document)
		text = row->tag     ? row->tag
		       : row->title ? row->title
				    : row->artifact_type;
	else if (row->gap)
		text = row->ref;
	if (!text)
		text = mr_digest_known(&row->digest)
			       ? mr_arena_strndup(a, id, SHORT_DIGEST)
			       : id;
	return mr_arena_strdup(a, text ? text : "");
}

static void tell_versions(struct telling *t, const struct mr_node_row *row,
			  struct mreg_lineage_node *out)
{
	struct mr_arena *a = t->l->arena;
	struct mreg_lineage_version *versions =
		mr_arena_alloc(a, row->version_count * sizeof(*versions));
	size_t i;

	for (i = 0; versions && i < row->version_count; i++) {
		const struct mr_ix_row *v = &row->versions[i];

		versions[i] = (struct mreg_lineage_version){
			.model = name_of(t, v->model),
			.number = v->number,
			.stage = v->stage ? v->stage : "none",
			.aliases = v->aliases,
			.alias_count = v->alias_count,
			.license = v->license,
			.registered_s = v->registered_s,
			.actor = v->actor,
		};
	}
	out->versions = versions;
	out->version_count = versions ? row->version_count : 0;
}

static void tell_node(struct telling *t, const struct mr_node_row *row,
		      int depth, struct mreg_lineage_node *out)
{
	struct mr_arena *a = t->l->arena;
	char text[MREG_DIGEST_TEXT];

	memset(out, 0, sizeof(*out));
	out->kind = kind_of(row);
	out->id = mr_digest_known(&row->digest)
			  ? mr_arena_strdup(
				    a, mreg_digest_text(&row->digest, text))
			  : mr_arena_strdup(a, row->name ? row->name : "");
	out->label = out->id ? label_of(t, row, out->id) : NULL;
	out->depth = depth;
	out->artifact_type = row->artifact_type;
	out->title = row->title;
	if (row->version_count)
		tell_versions(t, row, out);
}

static int by_told(const void *a, const void *b)
{
	const struct mreg_lineage_node *x = &((const struct order *)a)->told;
	const struct mreg_lineage_node *y = &((const struct order *)b)->told;
	int differ;

	if (abs(x->depth) != abs(y->depth))
		return abs(x->depth) < abs(y->depth) ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth > y->depth ? -1 : 1;
	differ = strcmp(x->kind, y->kind);
	return differ ? differ : strcmp(x->id, y->id);
}

static int by_node(const void *a, const void *b)
{
	const struct place *x = a;
	const struct place *y = b;

	return (x->node > y->node) - (x->node < y->node);
}

static int tell_nodes(struct telling *t, struct mreg_error *err)
{
	struct mr_lineage *l = t->l;
	struct mreg_lineage_result *out = l->out;
	size_t n = l->found_count;
	size_t i;

	t->order = mr_array(n, sizeof(*t->order));
	t->places = mr_array(n, sizeof(*t->places));
	out->nodes = mr_arena_alloc(l->arena, n * sizeof(*out->nodes));
	if (!t->order || !t->places || !out->nodes)
		return mr_fail_nomem(err);
	for (i = 0; i < n; i++) {
		tell_node(t, &t->rows[i], l->found[i].depth, &t->order[i].told);
		t->order[i].node = l->found[i].node;
	}
	if (mr_arena_failed(l->arena))
		return mr_fail_nomem(err);
	qsort(t->order, n, sizeof(*t->order), by_told);
	for (i = 0; i < n; i++) {
		out->nodes[i] = t->order[i].told;
		t->places[i] = (struct place){ t->order[i].node, i };
	}
	qsort(t->places, n, sizeof(*t->places), by_node);
	out->count = n;
	return 0;
}

/* The place of a node in the result; `found_count` when it has none. */
static size_t place_of(const struct telling *t, int64_t node)
{
	const struct place key = { .node = node };
	const struct place *p = bsearch(&key, t->places, t->l->found_count,
					sizeof(key), by_node);

	return p ? p->at : t->l->found_count;
}

/* -- edges ----------------------------------------------------------------- */

static int by_edge(const void *a, const void *b)
{
	const struct mreg_lineage_edge *x = a;
	const struct mreg_lineage_edge *y = b;

	if (x->child != y->child)
		return x->child < y->child ? -1 : 1;
	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return strcmp(x->relation, y->relation);
}

/* A group as a star around the one that is nearest to what was asked for. */
static void tell_group(struct telling *t, const struct mr_walked_alike *first,
		       size_t n)
{
	struct mreg_lineage_result *out = t->l->out;
	size_t nearest = place_of(t, first[0].node);
	size_t i;

	for (i = 1; i < n; i++)
		if (place_of(t, first[i].node) < nearest)
			nearest = place_of(t, first[i].node);
	for (i = 0; i < n; i++)
		if (place_of(t, first[i].node) != nearest)
			out->edges[out->edge_count++] =
				(struct mreg_lineage_edge){
					place_of(t, first[i].node), nearest,
					mr_relation_name(first[i].relation)
				};
}

/* Whoever has the same files has the weights, too: that is not told. */
static void drop_doubles(struct mreg_lineage_result *out)
{
	const char *weights = mr_relation_name(MR_REL_SHARED_WEIGHTS);
	const char *files = mr_relation_name(MR_REL_SAME_FILES);
	size_t kept = 0;
	size_t i;

	for (i = 0; i < out->edge_count; i++) {
		const struct mreg_lineage_edge *e = &out->edges[i];
		const struct mreg_lineage_edge *last =
			kept ? &out->edges[kept - 1] : NULL;
		bool same = last && last->child == e->child &&
			    last->parent == e->parent;

		/* Sorted: "same_files" comes just before "shared_weights". */
		if (same &&
		    (strcmp(last->relation, e->relation) == 0 ||
		     (e->relation == weights && last->relation == files)))
			continue;
		out->edges[kept++] = *e;
	}
	out->edge_count = kept;
}

static int tell_edges(struct telling *t, struct mreg_error *err)
{
	struct mr_lineage *l = t->l;
	const struct mr_walk_result *b = &l->between;
	struct mreg_lineage_result *out = l->out;
	size_t i, end;

	out->edges = mr_arena_alloc(l->arena, (b->edge_count + b->alike_count +
					       1) * sizeof(*out->edges));
	if (!out->edges)
		return mr_fail_nomem(err);
	for (i = 0; i < b->edge_count; i++)
		out->edges[out->edge_count++] = (struct mreg_lineage_edge){
			place_of(t, b->edges[i].child),
			place_of(t, b->edges[i].parent),
			mr_relation_name(b->edges[i].relation)
		};
	for (i = 0; i < b->alike_count; i = end) {
		for (end = i + 1; end < b->alike_count; end++)
			if (b->alike[end].group != b->alike[i].group)
				break;
		tell_group(t, &b->alike[i], end - i);
	}
	/* A relation that a later mreg stored has no name here. */
	for (i = 0, end = 0; i < out->edge_count; i++)
		if (out->edges[i].relation)
			out->edges[end++] = out->edges[i];
	out->edge_count = end;
	if (end)
		qsort(out->edges, end, sizeof(*out->edges), by_edge);
	drop_doubles(out);
	return 0;
}

/* -- what is in use -------------------------------------------------------- */

static int tell_impact(struct telling *t, struct mreg_error *err)
{
	struct mr_lineage *l = t->l;
	struct mreg_lineage_result *out = l->out;
	size_t i;

	out->impact = mr_arena_alloc(l->arena,
				     (l->use_count + 1) * sizeof(*out->impact));
	if (!out->impact)
		return mr_fail_nomem(err);
	for (i = 0; i < l->use_count; i++) {
		const struct mr_in_use *u = &l->uses[i];

		out->impact[out->impact_count++] = (struct mreg_impact_row){
			.node = place_of(t, u->node),
			.model = name_of(t, u->model),
			.number = u->number,
			.alias = u->alias,
			.environment = u->environment,
			.workload = u->workload,
			.via = l->vias[i] ? mr_relation_name(l->vias[i]) : NULL,
		};
	}
	return 0;
}

/* -- all of it ------------------------------------------------------------- */

/* "churn:v3@sha256:..", "run:4711", or the URI as it is. */
static const char *tell_root(struct telling *t)
{
	const struct mreg_lineage_node *n = &t->l->out->nodes[0];
	struct mr_arena *a = t->l->arena;

	if (n->version_count)
		return mr_arena_printf(a, "%s:v%" PRIu64 "@%s",
				       n->versions[0].model,
				       n->versions[0].number, n->id);
	if (strcmp(n->kind, "run") == 0 || strcmp(n->kind, "commit") == 0 ||
	    strcmp(n->kind, "deployment") == 0 ||
	    strcmp(n->kind, "environment") == 0 ||
	    strcmp(n->kind, "input") == 0)
		return mr_arena_printf(a, "%s:%s", n->kind, n->id);
	return n->id;
}

int mr_lineage_result(struct mr_lineage *l, struct mreg_error *err)
{
	MR_AUTO(telling_release) struct telling t = { .l = l };
	MR_AUTO(mr_free)
	int64_t *ids = mr_array(l->found_count + 1, sizeof(*ids));
	struct mr_node_row *rows;
	size_t i;
	int rc;

	if (!ids)
		return mr_fail_nomem(err);
	for (i = 0; i < l->found_count; i++)
		ids[i] = l->found[i].node;
	rc = mr_index_describe(l->ix, ids, l->found_count, l->arena, &rows,
			       err);
	t.rows = rows;
	if (rc >= 0)
		rc = tell_nodes(&t, err);
	if (rc >= 0)
		rc = tell_edges(&t, err);
	if (rc >= 0 && l->o->impact)
		rc = tell_impact(&t, err);
	if (rc >= 0)
		rc = mr_index_synced(l->ix, ids, l->found_count,
				     &l->out->synced_s, err);
	if (rc >= 0)
		l->out->root = tell_root(&t);
	return rc;
}

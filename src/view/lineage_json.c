/*
 * lineage_json.c - a lineage as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

static json_t *version_row(const void *items, size_t i)
{
	const struct mreg_lineage_version *r =
		(const struct mreg_lineage_version *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "model", r->model);
	mr_view_version(&v, r->number);
	mr_view_str(&v, "stage", r->stage);
	mr_view_texts(&v, "aliases", r->aliases, r->alias_count);
	mr_view_str(&v, "license", r->license);
	mr_view_time(&v, "registeredAt", r->registered_s);
	mr_view_str(&v, "actor", r->actor);
	return mr_view_take(&v);
}

static json_t *node_row(const void *items, size_t i)
{
	const struct mreg_lineage_node *n =
		(const struct mreg_lineage_node *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "kind", n->kind);
	mr_view_str(&v, "id", n->id);
	mr_view_str(&v, "label", n->label);
	mr_view_put(&v, "depth", json_integer(n->depth));
	mr_view_rows(&v, "versions", n->versions, n->version_count,
		     version_row);
	mr_view_str(&v, "artifactType", n->artifact_type);
	mr_view_str(&v, "title", n->title);
	return mr_view_take(&v);
}

static json_t *edge_row(const void *items, size_t i)
{
	const struct mreg_lineage_edge *e =
		(const struct mreg_lineage_edge *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_u64(&v, "child", e->child);
	mr_view_u64(&v, "parent", e->parent);
	mr_view_str(&v, "relation", e->relation);
	return mr_view_take(&v);
}

static json_t *impact_row(const void *items, size_t i)
{
	const struct mreg_impact_row *r =
		(const struct mreg_impact_row *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_u64(&v, "node", r->node);
	mr_view_str(&v, "model", r->model);
	mr_view_version(&v, r->number);
	mr_view_str(&v, "alias", r->alias);
	mr_view_str(&v, "environment", r->environment);
	mr_view_str(&v, "workload", r->workload);
	mr_view_str(&v, "via", r->via);
	return mr_view_take(&v);
}

char *mreg_lineage_result_json(const struct mreg_lineage_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.lineage/1");
	mr_view_str(&v, "root", r->root);
	mr_view_rows(&v, "nodes", r->nodes, r->count, node_row);
	mr_view_rows(&v, "edges", r->edges, r->edge_count, edge_row);
	/* Not asked for is not the same as none. */
	if (r->impact)
		mr_view_rows(&v, "impact", r->impact, r->impact_count,
			     impact_row);
	else
		mr_view_put(&v, "impact", json_null());
	mr_view_bool(&v, "cut", r->cut);
	mr_view_u64(&v, "left", r->left);
	mr_view_time(&v, "syncedAt", r->synced_s);
	return mr_view_text(&v);
}

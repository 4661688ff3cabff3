/*
 * model_json.c - models, versions, aliases and one version in full as JSON.
 */
#include "mreg/json.h"

#include <string.h>

#include "view/view.h"

static json_t *version_row(const struct mreg_version_row *row)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_version(&v, row->number);
	mr_view_digest(&v, "digest", &row->digest);
	mr_view_time(&v, "registeredAt", row->registered_s);
	mr_view_str(&v, "actor", row->actor);
	mr_view_str(&v, "runId", row->run);
	mr_view_texts(&v, "tags", row->tags, row->tag_count);
	mr_view_u64(&v, "bytes", row->bytes);
	mr_view_u64(&v, "fileCount", row->files);
	mr_view_pairs(&v, "metrics", row->metrics, row->metric_count);
	mr_view_bool(&v, "moved", row->moved);
	return mr_view_take(&v);
}

char *mreg_versions_result_json(const struct mreg_versions_result *r)
{
	json_t *rows = json_array();
	struct mr_view v;
	size_t i;

	mr_view_init(&v, "mreg.versions/1");
	mr_view_str(&v, "name", r->name);
	for (i = 0; rows && i < r->count; i++)
		if (json_array_append_new(rows, version_row(&r->rows[i])) < 0) {
			json_decref(rows);
			rows = NULL;
		}
	mr_view_put(&v, "versions", rows);
	return mr_view_text(&v);
}

char *mreg_version_row_json(const struct mreg_versions_result *r, size_t i)
{
	struct mr_view v = { .obj = version_row(&r->rows[i]) };

	return mr_view_text(&v);
}

char *mreg_models_result_json(const struct mreg_models_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.models/1");
	mr_view_str(&v, "where", r->where);
	mr_view_texts(&v, "models", r->names, r->count);
	return mr_view_text(&v);
}

char *mreg_model_row_json(const struct mreg_models_result *r, size_t i)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "model", r->names[i]);
	return mr_view_text(&v);
}

static json_t *alias_row(const struct mreg_alias_row *row)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "alias", row->alias);
	mr_view_digest(&v, "digest", &row->digest);
	mr_view_version(&v, row->number);
	mr_view_str(&v, "kind",
		    row->release                        ? "release"
		    : strcmp(row->alias, "latest") == 0 ? "latest"
							: "alias");
	return mr_view_take(&v);
}

char *mreg_aliases_result_json(const struct mreg_aliases_result *r)
{
	json_t *rows = json_array();
	struct mr_view v;
	size_t i;

	mr_view_init(&v, "mreg.aliases/1");
	mr_view_str(&v, "name", r->name);
	for (i = 0; rows && i < r->count; i++)
		if (json_array_append_new(rows, alias_row(&r->rows[i])) < 0) {
			json_decref(rows);
			rows = NULL;
		}
	mr_view_put(&v, "aliases", rows);
	return mr_view_text(&v);
}

char *mreg_alias_row_json(const struct mreg_aliases_result *r, size_t i)
{
	struct mr_view v = { .obj = alias_row(&r->rows[i]) };

	return mr_view_text(&v);
}

char *mreg_alias_result_json(const struct mreg_alias_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.alias/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "alias", r->alias);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_digest(&v, "was", &r->was);
	mr_view_version(&v, r->number);
	mr_view_bool(&v, "changed", r->changed);
	mr_view_bool(&v, "tombstone", r->tombstone);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

static json_t *parent_row(const struct mreg_parent *p)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "relation", p->relation);
	mr_view_str(&v, "ref", p->ref);
	mr_view_str(&v, "digest", p->digest);
	return mr_view_take(&v);
}

static json_t *input_row(const struct mreg_input *in)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "role", in->role);
	mr_view_str(&v, "name", in->name);
	mr_view_str(&v, "uri", in->uri);
	mr_view_str(&v, "digest", in->digest);
	mr_view_str(&v, "license", in->license);
	mr_view_str(&v, "classification", in->classification);
	mr_view_str(&v, "consent", in->consent);
	return mr_view_take(&v);
}

static void put_lineage(struct mr_view *v, const struct mreg_inspect_result *r)
{
	json_t *parents = json_array();
	json_t *inputs = json_array();
	bool bad = !parents || !inputs;
	size_t i;

	for (i = 0; !bad && i < r->parent_count; i++)
		bad = json_array_append_new(parents,
					    parent_row(&r->parents[i])) < 0;
	for (i = 0; !bad && i < r->input_count; i++)
		bad = json_array_append_new(inputs, input_row(&r->inputs[i])) <
		      0;
	if (bad) {
		json_decref(parents);
		json_decref(inputs);
		parents = NULL;
		inputs = NULL;
	}
	mr_view_put(v, "parents", parents);
	mr_view_put(v, "inputs", inputs);
}

char *mreg_inspect_result_json(const struct mreg_inspect_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.inspect/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "reference", r->reference);
	mr_view_str(&v, "tag", r->tag);
	mr_view_version(&v, r->number);
	mr_view_digest(&v, "digest", &r->desc.digest);
	mr_view_str(&v, "mediaType", r->desc.media_type);
	mr_view_str(&v, "artifactType", r->artifact_type);
	mr_view_str(&v, "filesetDigest", r->fileset);
	mr_view_time(&v, "registeredAt", r->registered_s);
	mr_view_str(&v, "actor", r->actor);
	mr_view_texts(&v, "tags", r->tags, r->tag_count);
	mr_view_pairs(&v, "metadata", r->fields, r->field_count);
	mr_view_pairs(&v, "metrics", r->metrics, r->metric_count);
	mr_view_pairs(&v, "params", r->params, r->param_count);
	mr_view_pairs(&v, "labels", r->labels, r->label_count);
	mr_view_pairs(&v, "annotations", r->annotations, r->annotation_count);
	put_lineage(&v, r);
	mr_view_u64(&v, "bytes", r->bytes);
	mr_view_items(&v, "files", r->items, r->item_count, NULL);
	return mr_view_text(&v);
}

/*
 * model_json.c - models, versions and aliases as JSON.
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
	mr_view_str(&v, "stage", row->stage);
	mr_view_deprecation(&v, row->deprecated);
	mr_view_time(&v, "created", row->registered_s);
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
	mr_view_u64(&v, "hidden", r->hidden);
	mr_view_index(&v, r->synced_s);
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
	mr_view_index(&v, r->synced_s);
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
	mr_view_time(&v, "since", row->since_s);
	mr_view_str(&v, "actor", row->actor);
	mr_view_str(&v, "differs", row->differs);
	mr_view_rows(&v, "split", row->parts, row->part_count,
		     mr_view_split_part);
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
	mr_view_bool(&v, "splitEnded", r->split_ended);
	mr_view_bool(&v, "dryRun", r->dry_run);
	mr_view_digest(&v, "event", &r->event);
	return mr_view_text(&v);
}

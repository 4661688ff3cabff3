/*
 * search_json.c - what a search found as JSON.
 */
#include "mreg/json.h"

#include <string.h>

#include "view/view.h"

static json_t *version_of(const struct mreg_search_row *r)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "model", r->model);
	mr_view_version(&v, r->number);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_bool(&v, "moved", r->moved);
	mr_view_str(&v, "stage", r->stage);
	mr_view_str(&v, "status", r->status);
	mr_view_texts(&v, "aliases", r->aliases, r->alias_count);
	mr_view_str(&v, "release", r->release);
	mr_view_time(&v, "created", r->created_s);
	mr_view_time(&v, "registeredAt", r->registered_s);
	mr_view_time(&v, "updatedAt", r->updated_s);
	mr_view_str(&v, "actor", r->actor);
	mr_view_str(&v, "runId", r->run);
	mr_view_str(&v, "owner", r->owner);
	mr_view_str(&v, "author", r->author);
	mr_view_str(&v, "license", r->license);
	mr_view_str(&v, "description", r->description);
	mr_view_str(&v, "kind", r->kind);
	mr_view_str(&v, "format", r->format);
	mr_view_str(&v, "architecture", r->architecture);
	mr_view_str(&v, "family", r->family);
	mr_view_str(&v, "precision", r->precision);
	mr_view_str(&v, "quantization", r->quantization);
	mr_view_put(&v, "parameters",
		    r->parameters ? json_integer((json_int_t)r->parameters)
				  : json_null());
	mr_view_str(&v, "source", r->source);
	mr_view_str(&v, "revision", r->revision);
	mr_view_digest(&v, "fileset", &r->fileset);
	mr_view_u64(&v, "bytes", r->bytes);
	mr_view_u64(&v, "fileCount", r->files);
	mr_view_pairs(&v, "metrics", r->metrics, r->metric_count);
	mr_view_pairs(&v, "params", r->params, r->param_count);
	mr_view_pairs(&v, "tags", r->tags, r->tag_count);
	return mr_view_take(&v);
}

static json_t *model_of(const struct mreg_search_model *r)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "model", r->model);
	mr_view_str(&v, "owner", r->owner);
	mr_view_str(&v, "displayName", r->display_name);
	mr_view_str(&v, "description", r->description);
	mr_view_u64(&v, "versionCount", r->versions);
	mr_view_put(&v, "latest",
		    r->latest ? json_integer((json_int_t)r->latest)
			      : json_null());
	mr_view_u64(&v, "bytes", r->bytes);
	mr_view_time(&v, "updatedAt", r->updated_s);
	mr_view_time(&v, "syncedAt", r->synced_s);
	return mr_view_take(&v);
}

static json_t *version_row(const void *items, size_t i)
{
	return version_of((const struct mreg_search_row *)items + i);
}

static json_t *model_row(const void *items, size_t i)
{
	return model_of((const struct mreg_search_model *)items + i);
}

char *mreg_search_result_json(const struct mreg_search_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.search/1");
	mr_view_str(&v, "of", r->of_models ? "models" : "versions");
	mr_view_rows(&v, "versions", r->rows, r->rows ? r->count : 0,
		     version_row);
	mr_view_rows(&v, "models", r->models, r->models ? r->count : 0,
		     model_row);
	mr_view_str(&v, "nextPage", r->next);
	mr_view_put(&v, "total",
		    r->counted ? json_integer((json_int_t)r->total)
			       : json_null());
	mr_view_time(&v, "syncedAt", r->synced_s);
	return mr_view_text(&v);
}

char *mreg_search_row_json(const struct mreg_search_result *r, size_t i)
{
	struct mr_view v = { .obj = r->of_models ? model_of(&r->models[i])
						 : version_of(&r->rows[i]) };

	return mr_view_text(&v);
}

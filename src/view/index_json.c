/*
 * index_json.c - what syncing the index came to, and what it has, as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

static json_t *versions(uint64_t added, uint64_t removed)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_u64(&v, "new", added);
	mr_view_u64(&v, "removed", removed);
	return mr_view_take(&v);
}

static json_t *models(const struct mreg_index_sync_result *r)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_u64(&v, "lookedAt", r->models);
	mr_view_u64(&v, "changed", r->changed);
	mr_view_u64(&v, "removed", r->removed);
	mr_view_u64(&v, "failed", r->failed);
	return mr_view_take(&v);
}

static json_t *sync_row(const void *items, size_t i)
{
	const struct mreg_index_row *r =
		(const struct mreg_index_row *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", r->name);
	mr_view_bool(&v, "removed", r->removed);
	mr_view_put(&v, "versions", versions(r->added, r->forgotten));
	mr_view_u64(&v, "documents", r->documents);
	mr_view_u64(&v, "notes", r->notes);
	mr_view_str(&v, "error", r->error);
	return mr_view_take(&v);
}

static json_t *unlisted_row(const void *items, size_t i)
{
	const struct mreg_pair *p = (const struct mreg_pair *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "place", p->name);
	mr_view_str(&v, "error", p->value);
	return mr_view_take(&v);
}

char *mreg_index_sync_result_json(const struct mreg_index_sync_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.index-sync/1");
	mr_view_str(&v, "index", r->index);
	mr_view_put(&v, "models", models(r));
	mr_view_put(&v, "versions", versions(r->added, r->forgotten));
	mr_view_u64(&v, "otherRepositories", r->others);
	mr_view_u64(&v, "documents", r->documents);
	mr_view_u64(&v, "requests", r->requests);
	mr_view_u64(&v, "tokenRequests", r->token_requests);
	mr_view_u64(&v, "notes", r->notes);
	mr_view_seconds(&v, "seconds", r->took_ms);
	mr_view_rows(&v, "changes", r->rows, r->count, sync_row);
	mr_view_rows(&v, "unlisted", r->unlisted, r->unlisted_count,
		     unlisted_row);
	return mr_view_text(&v);
}

static json_t *model_row(const void *items, size_t i)
{
	const struct mreg_index_model *r =
		(const struct mreg_index_model *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", r->name);
	mr_view_bool(&v, "indexed", r->indexed);
	mr_view_u64(&v, "versions", r->versions);
	mr_view_u64(&v, "bytes", r->bytes);
	mr_view_time(&v, "syncedAt", r->synced_s);
	mr_view_time(&v, "changedAt", r->changed_s);
	mr_view_time(&v, "sweptAt", r->swept_s);
	mr_view_time(&v, "triedAt", r->tried_s);
	mr_view_bool(&v, "hinted", r->hinted);
	mr_view_str(&v, "error", r->error);
	mr_view_u64(&v, "notes", r->notes);
	mr_view_u64(&v, "requests", r->requests);
	return mr_view_take(&v);
}

char *mreg_index_status_result_json(const struct mreg_index_status_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.index-status/1");
	mr_view_str(&v, "index", r->index);
	mr_view_str(&v, "kind", r->kind);
	mr_view_u64(&v, "schemaVersion", r->schema_version);
	mr_view_u64(&v, "bytes", r->size);
	mr_view_time(&v, "now", r->now_s);
	mr_view_rows(&v, "models", r->models, r->count, model_row);
	mr_view_texts(&v, "places", r->places, r->place_count);
	return mr_view_text(&v);
}

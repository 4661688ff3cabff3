/*
 * ingest_json.c - what notifications came to as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

static json_t *ingest_row(const void *items, size_t i)
{
	const struct mreg_ingest_row *r =
		(const struct mreg_ingest_row *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "model", r->name);
	mr_view_bool(&v, "changed", r->changed);
	mr_view_str(&v, "error", r->error);
	return mr_view_take(&v);
}

char *mreg_ingest_result_json(const struct mreg_ingest_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.ingest/1");
	mr_view_u64(&v, "notifications", r->notices);
	mr_view_u64(&v, "idle", r->idle);
	mr_view_u64(&v, "repeated", r->repeated);
	mr_view_u64(&v, "foreign", r->foreign);
	mr_view_u64(&v, "unknown", r->unknown);
	mr_view_rows(&v, "models", r->rows, r->count, ingest_row);
	mr_view_u64(&v, "changed", r->changed);
	mr_view_u64(&v, "failed", r->failed);
	mr_view_bool(&v, "synced", r->synced);
	mr_view_u64(&v, "requests", r->requests);
	mr_view_bool(&v, "dryRun", r->dry_run);
	return mr_view_text(&v);
}

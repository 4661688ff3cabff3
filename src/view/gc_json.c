/*
 * gc_json.c - what may be removed, and what models take, as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

static const char *action_word(enum mreg_gc_action action)
{
	switch (action) {
	case MREG_GC_ARCHIVE:
		return "archive";
	case MREG_GC_REMOVE:
		return "remove";
	default:
		return "keep";
	}
}

static json_t *gc_row(const void *items, size_t i)
{
	const struct mreg_gc_row *r = (const struct mreg_gc_row *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_version(&v, r->number);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_str(&v, "action", action_word(r->action));
	mr_view_str(&v, "reason", r->reason);
	mr_view_str(&v, "why", r->why);
	mr_view_u64(&v, "bytes", r->bytes);
	mr_view_u64(&v, "freed", r->freed);
	mr_view_texts(&v, "tags", r->tags, r->tag_count);
	mr_view_digest(&v, "event", &r->event);
	mr_view_bool(&v, "done", r->done);
	return mr_view_take(&v);
}

char *mreg_gc_result_json(const struct mreg_gc_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.gc/1");
	mr_view_str(&v, "name", r->name);
	mr_view_rows(&v, "versions", r->rows, r->count, gc_row);
	mr_view_u64(&v, "freed", r->freed);
	mr_view_u64(&v, "unnamedBlobs", r->loose);
	mr_view_u64(&v, "unnamedBytes", r->loose_bytes);
	mr_view_bool(&v, "freedAtOnce", r->at_once);
	mr_view_u64(&v, "retentionSeconds", (uint64_t)r->retention_s);
	mr_view_digest(&v, "policy", &r->policy);
	mr_view_u64(&v, "archived", r->archived);
	mr_view_u64(&v, "removed", r->removed);
	mr_view_bool(&v, "otherRepositoriesLookedAt", false);
	mr_view_bool(&v, "applied", r->applied);
	return mr_view_text(&v);
}

static json_t *du_row(const void *items, size_t i)
{
	const struct mreg_du_row *r = (const struct mreg_du_row *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	if (r->name)
		mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "owner", r->owner);
	mr_view_u64(&v, "models", r->models);
	mr_view_u64(&v, "versions", r->versions);
	mr_view_u64(&v, "logical", r->bytes.logical);
	mr_view_u64(&v, "stored", r->bytes.stored);
	mr_view_u64(&v, "unique", r->bytes.unique);
	mr_view_u64(&v, "shared", r->bytes.shared);
	mr_view_u64(&v, "reclaimable", r->bytes.reclaimable);
	return mr_view_take(&v);
}

char *mreg_du_result_json(const struct mreg_du_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.du/1");
	mr_view_rows(&v, "models", r->rows, r->count, du_row);
	mr_view_rows(&v, "owners", r->owners, r->owner_count, du_row);
	mr_view_put(&v, "total", du_row(&r->total, 0));
	mr_view_unread(&v, r->unread, r->unread_count);
	return mr_view_text(&v);
}

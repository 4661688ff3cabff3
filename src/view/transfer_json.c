/*
 * transfer_json.c - push, pull, resolve, progress and errors as JSON.
 */
#include "mreg/json.h"

#include "view/image.h"

static void put_aliases(struct mr_view *v, const struct mreg_push_result *r)
{
	json_t *rows = json_array();
	size_t i;

	for (i = 0; rows && i < r->alias_count; i++) {
		struct mr_view row;

		mr_view_init(&row, NULL);
		mr_view_str(&row, "alias", r->aliases[i].alias);
		mr_view_str(&row, "was", r->aliases[i].was);
		if (json_array_append_new(rows, mr_view_take(&row)) < 0) {
			json_decref(rows);
			rows = NULL;
		}
	}
	mr_view_put(v, "aliases", rows);
}

static json_t *also_row(const void *items, size_t i)
{
	const struct mreg_image_result *r = items;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_image(&v, &r[i]);
	return mr_view_take(&v);
}

char *mreg_push_result_json(const struct mreg_push_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.push/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "reference", r->reference);
	mr_view_version(&v, r->number);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_digest(&v, "filesetDigest", &r->fileset);
	mr_view_bool(&v, "identical", r->identical);
	mr_view_bool(&v, "latest", r->latest);
	mr_view_str(&v, "release", r->release);
	put_aliases(&v, r);
	mr_view_u64(&v, "bytesTotal", r->bytes_total);
	mr_view_u64(&v, "bytesSent", r->bytes_sent);
	mr_view_u64(&v, "bytesReused", r->bytes_reused);
	mr_view_u64(&v, "leftOut", r->left_out);
	mr_view_texts(&v, "filled", r->filled, r->filled_count);
	mr_view_str(&v, "comparedWith", r->compared_with);
	mr_view_texts(&v, "differences", r->differences, r->difference_count);
	mr_view_rows(&v, "also", r->also, r->also_count, also_row);
	mr_view_bool(&v, "dryRun", r->dry_run);
	mr_view_items(&v, "files", r->items, r->item_count,
		      r->dry_run ? "send" : "sent");
	return mr_view_text(&v);
}

char *mreg_pull_result_json(const struct mreg_pull_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.pull/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "reference", r->reference);
	mr_view_str(&v, "tag", r->tag);
	mr_view_version(&v, r->number);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_digest(&v, "chosen", &r->chosen);
	if (r->index_count)
		mr_view_u64(&v, "chosenOf", r->index_count);
	else
		mr_view_str(&v, "chosenOf", NULL);
	mr_view_str(&v, "output", r->output);
	mr_view_u64(&v, "bytesTotal", r->bytes_total);
	mr_view_u64(&v, "bytesFetched", r->bytes_fetched);
	mr_view_u64(&v, "bytesReused", r->bytes_reused);
	mr_view_u64(&v, "bytesSeeded", r->bytes_seeded);
	mr_view_u64(&v, "filesPlaced", r->files_placed);
	mr_view_u64(&v, "filesKept", r->files_kept);
	mr_view_texts(&v, "removed", r->removed, r->removed_count);
	mr_view_deprecation(&v, r->deprecated);
	mr_view_bool(&v, "archived", r->archived);
	mr_view_bool(&v, "dryRun", r->dry_run);
	mr_view_items(&v, "files", r->items, r->item_count,
		      r->dry_run ? "fetch" : "fetched");
	return mr_view_text(&v);
}

static json_t *share_row(const void *items, size_t i)
{
	const struct mreg_served_share *s =
		(const struct mreg_served_share *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_version(&v, s->served.number);
	mr_view_digest(&v, "digest", &s->served.digest);
	mr_view_digest(&v, "image", &s->served.image);
	mr_view_u64(&v, "weight", s->weight);
	mr_view_bool(&v, "stable", s->stable);
	return mr_view_take(&v);
}

/* What runs may be another number than what was named: an image names it. */
static void put_resolve(struct mr_view *v, const struct mreg_resolve_result *r)
{
	bool known = r->is_served && r->served.number;

	mr_view_init(v, "mreg.resolve/1");
	mr_view_str(v, "name", r->name);
	mr_view_str(v, "reference", r->reference);
	mr_view_str(v, "tag", r->tag);
	mr_view_version(v, known ? r->served.number : r->number);
	mr_view_digest(v, "digest", &r->desc.digest);
	mr_view_str(v, "mediaType", r->desc.media_type);
	mr_view_u64(v, "size", r->desc.size);
	mr_view_digest(v, "image", &r->served.image);
	mr_view_rows(v, "split", r->shares, r->share_count, share_row);
}

char *mreg_render_json(const struct mreg_resolve_result *r,
		       const struct mreg_render_opts *o, const char *text)
{
	struct mr_view v;

	put_resolve(&v, r);
	mr_view_str(&v, "format", mreg_render_word(o->as));
	mr_view_str(&v, "text", text);
	return mr_view_text(&v);
}

char *mreg_resolve_result_json(const struct mreg_resolve_result *r)
{
	struct mr_view v;

	put_resolve(&v, r);
	mr_view_str(&v, "format", NULL);
	mr_view_str(&v, "text", NULL);
	return mr_view_text(&v);
}

static void put_initialized(struct mr_view *v, const struct mreg_initialized *m)
{
	mr_view_str(v, "ref", m->reference);
	mr_view_digest(v, "digest", &m->digest);
	mr_view_version(v, m->number);
	mr_view_str(v, "tag", m->tag);
}

static json_t *initialized_row(const void *items, size_t i)
{
	const struct mreg_initialized *m =
		(const struct mreg_initialized *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "uri", m->uri);
	mr_view_str(&v, "output", m->output);
	put_initialized(&v, m);
	mr_view_u64(&v, "files", m->files);
	mr_view_u64(&v, "bytes", m->bytes);
	return mr_view_take(&v);
}

char *mreg_initialize_result_json(const struct mreg_initialize_result *r,
				  size_t most)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.initialize/1");
	put_initialized(&v, r->items);
	mr_view_u64(&v, "count", r->count);
	mr_view_rows(&v, "models", r->items, most < r->count ? most : r->count,
		     initialized_row);
	return mr_view_text(&v);
}

void mr_view_error(struct mr_view *e, const struct mreg_error *err)
{
	mr_view_init(e, NULL);
	mr_view_str(e, "code", mreg_code_name(err->code));
	mr_view_str(e, "message", err->msg);
	mr_view_str(e, "hint", err->hint);
	mr_view_str(e, "cause", err->cause);
}

char *mreg_error_json(const struct mreg_error *err)
{
	struct mr_view v;
	struct mr_view e;

	mr_view_init(&v, NULL);
	mr_view_error(&e, err);
	mr_view_put(&v, "error", mr_view_take(&e));
	return mr_view_text(&v);
}

static const char *progress_name(enum mreg_progress_kind kind)
{
	switch (kind) {
	case MREG_PROGRESS_PLAN:
		return "plan";
	case MREG_PROGRESS_START:
		return "start";
	case MREG_PROGRESS_BYTES:
		return "bytes";
	case MREG_PROGRESS_DONE:
		return "done";
	case MREG_PROGRESS_REUSED:
		return "reused";
	case MREG_PROGRESS_PHASE:
		return "hashing";
	case MREG_PROGRESS_END:
		break;
	}
	return "end";
}

char *mreg_progress_json(const struct mreg_progress *p)
{
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "type", "progress");
	mr_view_str(&v, "event", progress_name(p->kind));
	mr_view_str(&v, "label", p->label);
	mr_view_u64(&v, "bytes", p->bytes);
	mr_view_u64(&v, "total", p->total);
	mr_view_u64(&v, "count", p->count);
	return mr_view_text(&v);
}

/*
 * copy_json.c - copy, export and import as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

static const char *action_name(const struct mreg_copy_tag *t)
{
	switch (t->action) {
	case MREG_COPY_NEW:
		return "new";
	case MREG_COPY_SAME:
		return "same";
	case MREG_COPY_MOVED:
		break;
	}
	return "moved";
}

static void put_tags(struct mr_view *v, const struct mreg_copy_result *r)
{
	json_t *rows = json_array();
	size_t i;

	for (i = 0; rows && i < r->tag_count; i++) {
		struct mr_view row;

		mr_view_init(&row, NULL);
		mr_view_str(&row, "tag", r->tags[i].tag);
		mr_view_digest(&row, "digest", &r->tags[i].digest);
		mr_view_str(&row, "action", action_name(&r->tags[i]));
		mr_view_digest(&row, "was", &r->tags[i].was);
		if (json_array_append_new(rows, mr_view_take(&row)) < 0) {
			json_decref(rows);
			rows = NULL;
		}
	}
	mr_view_put(v, "tags", rows);
}

char *mreg_copy_result_json(const struct mreg_copy_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.copy/1");
	mr_view_str(&v, "from", r->from);
	mr_view_str(&v, "to", r->to);
	mr_view_u64(&v, "versions", r->versions);
	mr_view_u64(&v, "manifests", r->manifests);
	mr_view_u64(&v, "documents", r->documents);
	mr_view_u64(&v, "blobs", r->blobs);
	mr_view_u64(&v, "bytesTotal", r->bytes_total);
	mr_view_u64(&v, "bytesSent", r->bytes_sent);
	mr_view_u64(&v, "bytesReused", r->bytes_reused);
	mr_view_bool(&v, "dryRun", r->dry_run);
	put_tags(&v, r);
	return mr_view_text(&v);
}

/*
 * attach_json.c - an attached document as JSON.
 */
#include "view/attach.h"

#include "mreg/json.h"

static void put_files(struct mr_view *v, const struct mreg_attach_result *r)
{
	json_t *rows = json_array();
	size_t i;

	for (i = 0; rows && i < r->file_count; i++) {
		const struct mreg_attach_file *f = &r->files[i];
		struct mr_view row;

		mr_view_init(&row, NULL);
		mr_view_str(&row, "title", f->title);
		mr_view_str(&row, "mediaType", f->desc.media_type);
		mr_view_digest(&row, "digest", &f->desc.digest);
		mr_view_u64(&row, "size", f->desc.size);
		if (json_array_append_new(rows, mr_view_take(&row)) < 0) {
			json_decref(rows);
			rows = NULL;
		}
	}
	mr_view_put(v, "files", rows);
}

void mr_view_attach(struct mr_view *v, const struct mreg_attach_result *r)
{
	mr_view_str(v, "name", r->name);
	mr_view_str(v, "reference", r->reference);
	mr_view_version(v, r->number);
	mr_view_digest(v, "versionDigest", &r->version);
	mr_view_digest(v, "digest", &r->digest);
	mr_view_str(v, "type", r->type);
	mr_view_str(v, "kind", r->kind);
	mr_view_str(v, "title", r->title);
	mr_view_str(v, "tag", r->tag);
	mr_view_bool(v, "existed", r->existed);
	mr_view_u64(v, "bytesTotal", r->bytes_total);
	mr_view_bool(v, "dryRun", r->dry_run);
	put_files(v, r);
}

char *mreg_attach_result_json(const struct mreg_attach_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.attach/1");
	mr_view_attach(&v, r);
	return mr_view_text(&v);
}

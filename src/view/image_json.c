/*
 * image_json.c - a version in another profile as JSON.
 */
#include "view/image.h"

#include "mreg/json.h"

static json_t *platform_row(const void *items, size_t i)
{
	const struct mreg_image_platform *p = items;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "os", p[i].os);
	mr_view_str(&v, "architecture", p[i].architecture);
	mr_view_str(&v, "variant", p[i].variant);
	mr_view_digest(&v, "digest", &p[i].digest);
	return mr_view_take(&v);
}

static json_t *layer_row(const void *items, size_t i)
{
	const struct mreg_image_layer *l = items;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_digest(&v, "digest", &l[i].digest);
	mr_view_u64(&v, "size", l[i].size);
	mr_view_str(&v, "source", l[i].source);
	mr_view_u64(&v, "files", l[i].files);
	mr_view_str(&v, "path", l[i].path);
	if (l[i].path)
		mr_view_u64(&v, "offset", l[i].offset);
	else
		mr_view_put(&v, "offset", json_null());
	mr_view_str(&v, "action", l[i].sent ? "send" : "reuse");
	return mr_view_take(&v);
}

void mr_view_image(struct mr_view *v, const struct mreg_image_result *r)
{
	mr_view_str(v, "name", r->name);
	mr_view_str(v, "profile", r->profile);
	mr_view_str(v, "reference", r->reference);
	mr_view_str(v, "tag", r->tag);
	mr_view_version(v, r->number);
	mr_view_digest(v, "versionDigest", &r->version);
	mr_view_digest(v, "digest", &r->digest);
	mr_view_bool(v, "identical", r->identical);
	mr_view_texts(v, "names", r->names, r->name_count);
	mr_view_rows(v, "platforms", r->platforms, r->platform_count,
		     platform_row);
	mr_view_rows(v, "layers", r->layers, r->layer_count, layer_row);
	mr_view_u64(v, "bytesTotal", r->bytes_total);
	mr_view_u64(v, "bytesSent", r->bytes_sent);
	mr_view_u64(v, "bytesReused", r->bytes_reused);
	mr_view_bool(v, "dryRun", r->dry_run);
}

char *mreg_image_result_json(const struct mreg_image_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.image/1");
	mr_view_image(&v, r);
	return mr_view_text(&v);
}

/*
 * card_json.c - a version's card as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

char *mreg_card_result_json(const struct mreg_card_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.card/1");
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "reference", r->reference);
	mr_view_str(&v, "tag", r->tag);
	mr_view_version(&v, r->number);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_str(&v, "source",
		    !r->path      ? "metadata"
		    : r->attached ? "attached"
				  : "file");
	mr_view_str(&v, "path", r->path);
	mr_view_digest(&v, "fileDigest", &r->file);
	mr_view_str(&v, "frontMatter", r->front_matter);
	mr_view_str(&v, "text", r->text);
	return mr_view_text(&v);
}

/*
 * check_json.c - a directory against a version, as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

static const char *state_name(enum mreg_check_state state)
{
	switch (state) {
	case MREG_CHECK_RIGHT:
		break;
	case MREG_CHECK_MISSING:
		return "missing";
	case MREG_CHECK_CHANGED:
		return "changed";
	case MREG_CHECK_MODE:
		return "mode";
	case MREG_CHECK_OTHER:
		return "other";
	case MREG_CHECK_EXTRA:
		return "extra";
	case MREG_CHECK_PACKED:
		return "packed";
	}
	return "right";
}

static json_t *file_row(const void *items, size_t i)
{
	const struct mreg_check_file *f =
		(const struct mreg_check_file *)items + i;
	bool extra = f->state == MREG_CHECK_EXTRA;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "path", f->path);
	mr_view_str(&v, "state", state_name(f->state));
	if (extra)
		mr_view_str(&v, "size", NULL);
	else
		mr_view_u64(&v, "size", f->size);
	mr_view_digest(&v, "digest", &f->digest);
	if (extra)
		mr_view_str(&v, "executable", NULL);
	else
		mr_view_bool(&v, "executable", f->executable);
	return mr_view_take(&v);
}

static void put_counts(struct mr_view *v, const struct mreg_check_result *r)
{
	struct mr_view counts;

	mr_view_init(&counts, NULL);
	mr_view_u64(&counts, "right", r->right);
	mr_view_u64(&counts, "missing", r->missing);
	mr_view_u64(&counts, "changed", r->changed);
	mr_view_u64(&counts, "mode", r->mode);
	mr_view_u64(&counts, "other", r->other);
	mr_view_u64(&counts, "extra", r->extra);
	mr_view_u64(&counts, "packed", r->packed);
	mr_view_put(v, "counts", mr_view_take(&counts));
}

char *mreg_check_result_json(const struct mreg_check_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.check/1");
	mr_view_str(&v, "directory", r->directory);
	mr_view_str(&v, "name", r->name);
	mr_view_str(&v, "reference", r->reference);
	mr_view_str(&v, "tag", r->tag);
	mr_view_version(&v, r->number);
	mr_view_digest(&v, "digest", &r->digest);
	mr_view_bool(&v, "remembered", r->remembered);
	mr_view_bool(&v, "same", r->same);
	put_counts(&v, r);
	mr_view_rows(&v, "files", r->files, r->file_count, file_row);
	mr_view_u64(&v, "bytesHashed", r->bytes_hashed);
	mr_view_u64(&v, "filesKnown", r->files_known);
	return mr_view_text(&v);
}

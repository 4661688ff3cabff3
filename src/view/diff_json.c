/*
 * diff_json.c - what changed between two versions, as JSON.
 */
#include "mreg/json.h"

#include "view/view.h"

static const char *change_name(enum mreg_change change)
{
	switch (change) {
	case MREG_CHANGE_ADDED:
		return "added";
	case MREG_CHANGE_REMOVED:
		return "removed";
	case MREG_CHANGE_CHANGED:
		return "changed";
	case MREG_CHANGE_MOVED:
		return "moved";
	case MREG_CHANGE_SAME:
		break;
	}
	return "same";
}

static void put_side(struct mr_view *v, const char *key,
		     const struct mreg_diff_side *s)
{
	struct mr_view side;

	mr_view_init(&side, NULL);
	mr_view_str(&side, "name", s->name);
	mr_view_str(&side, "reference", s->reference);
	mr_view_str(&side, "tag", s->tag);
	mr_view_version(&side, s->number);
	mr_view_digest(&side, "digest", &s->digest);
	mr_view_put(v, key, mr_view_take(&side));
}

static void put_state(struct mr_view *row, const char *key,
		      const struct mreg_diff_file *f, int side)
{
	struct mr_view v;

	if (f->digest[side].algorithm == MREG_DIGEST_NONE) {
		mr_view_str(row, key, NULL);
		return;
	}
	mr_view_init(&v, NULL);
	mr_view_digest(&v, "digest", &f->digest[side]);
	mr_view_u64(&v, "size", f->size[side]);
	mr_view_bool(&v, "executable", f->executable[side]);
	mr_view_bool(&v, "packed", f->packed[side]);
	mr_view_put(row, key, mr_view_take(&v));
}

static json_t *file_row(const void *items, size_t i)
{
	const struct mreg_diff_file *f =
		(const struct mreg_diff_file *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "path", f->path);
	mr_view_str(&v, "change", change_name(f->change));
	mr_view_str(&v, "was", f->was);
	put_state(&v, "a", f, 0);
	put_state(&v, "b", f, 1);
	return mr_view_take(&v);
}

static json_t *field_row(const void *items, size_t i)
{
	const struct mreg_diff_field *f =
		(const struct mreg_diff_field *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "section", f->section);
	mr_view_str(&v, "name", f->name);
	mr_view_str(&v, "a", f->a);
	mr_view_str(&v, "b", f->b);
	return mr_view_take(&v);
}

static json_t *tensor_row(const void *items, size_t i)
{
	const struct mreg_diff_tensor *t =
		(const struct mreg_diff_tensor *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "name", t->name);
	mr_view_str(&v, "path", t->path);
	mr_view_str(&v, "change", change_name(t->change));
	mr_view_put(&v, "a", t->a ? mr_view_tensor(t->a) : json_null());
	mr_view_put(&v, "b", t->b ? mr_view_tensor(t->b) : json_null());
	return mr_view_take(&v);
}

static void put_tensors(struct mr_view *v, const struct mreg_diff_result *r)
{
	struct mr_view t;

	if (!r->tensors_read) {
		mr_view_str(v, "tensors", NULL);
		return;
	}
	mr_view_init(&t, NULL);
	mr_view_bool(&t, "verified", false);
	mr_view_u64(&t, "same", r->tensors_same);
	mr_view_rows(&t, "changes", r->tensors, r->tensor_count, tensor_row);
	mr_view_texts(&t, "untold", r->untold.items, r->untold.n);
	mr_view_put(v, "tensors", mr_view_take(&t));
}

static json_t *port_row(const void *items, size_t i)
{
	const struct mreg_diff_port *p =
		(const struct mreg_diff_port *)items + i;
	struct mr_view v;

	mr_view_init(&v, NULL);
	mr_view_str(&v, "side", p->side);
	mr_view_str(&v, "name", p->name);
	mr_view_str(&v, "problem", p->problem);
	mr_view_bool(&v, "incompatible", p->incompatible);
	return mr_view_take(&v);
}

static void put_interface(struct mr_view *v, const struct mreg_diff_result *r)
{
	struct mr_view t;

	if (!r->interface) {
		mr_view_str(v, "interface", NULL);
		return;
	}
	mr_view_init(&t, NULL);
	mr_view_str(&t, "source", r->interface);
	mr_view_bool(&t, "compatible", !r->incompatible);
	mr_view_rows(&t, "changes", r->ports, r->port_count, port_row);
	mr_view_put(v, "interface", mr_view_take(&t));
}

char *mreg_diff_result_json(const struct mreg_diff_result *r)
{
	struct mr_view v;

	mr_view_init(&v, "mreg.diff/1");
	put_side(&v, "a", &r->sides[0]);
	put_side(&v, "b", &r->sides[1]);
	mr_view_bool(&v, "differ", r->differ);
	mr_view_rows(&v, "files", r->files, r->file_count, file_row);
	mr_view_rows(&v, "metadata", r->fields, r->field_count, field_row);
	put_tensors(&v, r);
	mr_view_bool(&v, "tensorsByFile", r->tensors_by_file);
	put_interface(&v, r);
	mr_view_u64(&v, "bytesRead", r->bytes_read);
	mr_view_u64(&v, "requests", r->requests);
	return mr_view_text(&v);
}

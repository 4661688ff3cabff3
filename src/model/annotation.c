/*
 * annotation.c - metadata to a manifest's annotations.
 */
#include "model/document.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

#define SCHEMA "1"

struct writer {
	struct mr_arena *arena; /* borrowed */
	struct mreg_pair *items;
	size_t n;
};

static void add(struct writer *w, const char *name, const char *value)
{
	if (value)
		w->items[w->n++] = (struct mreg_pair){ name, value };
}

/* `pairs` end with a NULL name; those without a value are left out. */
static void put_object(struct mr_buf *b, const struct mreg_pair *pairs)
{
	bool begun = false;

	mr_buf_putc(b, '{');
	for (; pairs->name; pairs++) {
		if (!pairs->value)
			continue;
		if (begun)
			mr_buf_putc(b, ',');
		begun = true;
		mr_json_quote(b, pairs->name);
		mr_buf_putc(b, ':');
		mr_json_quote(b, pairs->value);
	}
	mr_buf_putc(b, '}');
}

static int add_buf(struct writer *w, const char *name, const struct mr_buf *b,
		   struct mreg_error *err)
{
	const char *value;
	int rc;

	rc = mr_buf_check(b, name, err);
	if (rc < 0)
		return rc;
	value = mr_arena_strdup(w->arena, mr_buf_text(b));
	if (!value)
		return mr_fail_nomem(err);
	add(w, name, value);
	return 0;
}

static int add_authors(struct writer *w, const struct mr_meta *meta,
		       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	size_t i;

	if (meta->authors.n == 0)
		return 0;
	for (i = 0; i < meta->authors.n; i++) {
		if (i > 0)
			mr_buf_puts(&b, MR_AUTHOR_SEPARATOR);
		mr_buf_puts(&b, meta->authors.items[i]);
	}
	return add_buf(w, MR_ANNOTATION_AUTHORS, &b, err);
}

static int add_parents(struct writer *w, const struct mr_meta *meta,
		       struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	const struct mr_parent *p = meta->parents;
	size_t i;

	if (meta->parent_count == 0)
		return 0;
	/* The first again, where tools that know nothing of us look. */
	add(w, MR_ANNOTATION_BASE_NAME, p->ref);
	add(w, MR_ANNOTATION_BASE_DIGEST, p->digest);
	for (i = 0; i < meta->parent_count; i++, p++) {
		const struct mreg_pair pairs[] = {
			{ "relation", p->relation },
			{ "ref", p->ref },
			{ "digest", p->digest },
			{ NULL, NULL },
		};

		mr_buf_putc(&b, i == 0 ? '[' : ',');
		put_object(&b, pairs);
	}
	mr_buf_putc(&b, ']');
	return add_buf(w, MR_ANNOTATION_PARENTS, &b, err);
}

static int add_inputs(struct writer *w, const struct mr_meta *meta,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	const struct mr_input *in = meta->inputs;
	size_t i;

	if (meta->input_count == 0)
		return 0;
	for (i = 0; i < meta->input_count; i++, in++) {
		const struct mreg_pair pairs[] = {
			{ "role", in->role },
			{ "name", in->name },
			{ "uri", in->uri },
			{ "digest", in->digest },
			{ "license", in->license },
			{ "classification", in->classification },
			{ "consent", in->consent },
			{ NULL, NULL },
		};

		mr_buf_putc(&b, i == 0 ? '[' : ',');
		put_object(&b, pairs);
	}
	mr_buf_putc(&b, ']');
	return add_buf(w, MR_ANNOTATION_INPUTS, &b, err);
}

static int add_maps(struct writer *w, const struct mr_meta *meta,
		    struct mreg_error *err)
{
	const struct mreg_pair *pairs;
	const char *name;
	size_t count;
	size_t i;
	size_t k;

	for (i = 0; i < mr_map_count; i++) {
		pairs = mr_map_get(meta, &mr_maps[i], &count);
		for (k = 0; k < count; k++) {
			name = mr_arena_printf(w->arena, "%s%s",
					       mr_maps[i].prefix,
					       pairs[k].name);
			if (!name)
				return mr_fail_nomem(err);
			add(w, name, pairs[k].value);
		}
	}
	return 0;
}

int mr_annotations_of(const struct mr_meta *meta, const char *name,
		      const struct mreg_digest *fileset, struct mr_arena *arena,
		      struct mr_annotations *out, struct mreg_error *err)
{
	/* title, schema, fileset, authors, base.name, base.digest, parents,
	 * inputs */
	size_t cap = 8 + mr_field_count + meta->metric_count +
		     meta->param_count + meta->tag_count +
		     meta->annotation_count;
	struct writer w = { .arena = arena };
	char *text = mr_arena_alloc(arena, MREG_DIGEST_TEXT);
	size_t i;
	int rc;

	w.items = mr_arena_alloc(arena, cap * sizeof(*w.items));
	if (!w.items || !text)
		return mr_fail_nomem(err);
	add(&w, MR_ANNOTATION_TITLE, name);
	add(&w, MR_ANNOTATION_SCHEMA, SCHEMA);
	add(&w, MR_ANNOTATION_FILESET, mreg_digest_text(fileset, text));
	for (i = 0; i < mr_field_count; i++)
		if (mr_fields[i].annotation)
			add(&w, mr_fields[i].annotation,
			    mr_field_get(meta, &mr_fields[i]));
	rc = add_authors(&w, meta, err);
	if (rc == 0)
		rc = add_parents(&w, meta, err);
	if (rc == 0)
		rc = add_inputs(&w, meta, err);
	if (rc == 0)
		rc = add_maps(&w, meta, err);
	*out = (struct mr_annotations){ w.items, w.n };
	return rc;
}

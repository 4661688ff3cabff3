/*
 * kube.c - a List of a cluster, object after object.
 *
 * The text is cut where objects of "items" begin and end, by counting
 * brackets outside of strings; each is then parsed by itself, and so is what
 * is left without them.  So both are held to JSON's grammar by the parser,
 * and memory is that of one object.
 */
#include "document/kube.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "document/kube_object.h"

#define BLANKS " \t\r\n"
#define KEY_BYTES 8 /* "items" and one more to see that it is longer */
#define DEPTH_MAX (MR_JSON_DEPTH_MAX + 2)

enum place {
	BEFORE, /* nothing but blanks came */
	OUTER,  /* in the list, not in its items */
	ITEMS,  /* between items */
	ITEM,   /* in one */
	AFTER,
};

struct mr_kube_reader {
	struct mr_kube_refs refs;
	struct mr_buf outer, item; /* owned */
	enum place place;
	unsigned int depth; /* open brackets */
	bool string, escape;
	bool comma; /* between items: one has to be next */
	bool first; /* between items: none came yet */
	/* The last string of the outermost object, as far as it fits: a key
	 * when a colon follows it. */
	char last[KEY_BYTES];
	size_t last_len;
	bool is_items; /* the value that comes is that of "items" */
	uint64_t objects;
};

int mr_kube_open(struct mr_arena *a, struct mr_kube_reader **out,
		 struct mreg_error *err)
{
	struct mr_kube_reader *r = mr_zalloc(sizeof(*r));

	if (!r)
		return mr_fail_nomem(err);
	r->refs.arena = a;
	mr_buf_init(&r->outer, MR_KUBE_OBJECT_MAX_BYTES);
	mr_buf_init(&r->item, MR_KUBE_OBJECT_MAX_BYTES);
	*out = r;
	return 0;
}

void mr_kube_closep(struct mr_kube_reader **r)
{
	if (!*r)
		return;
	mr_release((*r)->refs.items);
	mr_buf_release(&(*r)->outer);
	mr_buf_release(&(*r)->item);
	mr_release(*r);
	*r = NULL;
}

static int fail_list(struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EFORMAT, "it is no list of Kubernetes objects");
	return mr_hint(err, "give what 'kubectl get isvc,pods -A -o json' "
			    "prints");
}

static int take_object(struct mr_kube_reader *r, const json_t *object,
		       struct mreg_error *err)
{
	r->objects++;
	return mr_kube_object(object, &r->refs, err);
}

static int take_item(struct mr_kube_reader *r, struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *j = NULL;
	int rc = mr_buf_check(&r->item, "Kubernetes object", err);

	if (rc >= 0)
		rc = mr_json_parse_nuls(r->item.data, r->item.len,
					MR_KUBE_OBJECT_MAX_BYTES,
					"Kubernetes object", &j, err);
	if (rc >= 0)
		rc = take_object(r, j, err);
	mr_buf_clear(&r->item);
	return rc;
}

/* -- byte after byte ------------------------------------------------------- */

/* Strings are passed over; false: `c` is no part of one. */
static bool in_string(struct mr_kube_reader *r, char c)
{
	bool key = r->place == OUTER && r->depth == 1;

	if (!r->string) {
		r->string = c == '"';
		if (r->string)
			r->last_len = 0;
		return r->string;
	}
	if (r->escape) {
		r->escape = false;
	} else if (c == '\\') {
		r->escape = true;
	} else if (c == '"') {
		r->string = false;
		return true;
	}
	if (key && r->last_len < KEY_BYTES)
		r->last[r->last_len++] = c;
	return true;
}

static int count_depth(struct mr_kube_reader *r, char c, struct mreg_error *err)
{
	if (c == '{' || c == '[')
		r->depth++;
	else if (c == '}' || c == ']')
		r->depth--;
	return r->depth > DEPTH_MAX
		       ? mr_fail(err, MREG_EFORMAT, "it is nested too deep")
		       : 0;
}

static int add_outer(struct mr_kube_reader *r, char c, struct mreg_error *err)
{
	static const char items[] = "items";
	bool inside = in_string(r, c);
	int rc;

	mr_buf_add(&r->outer, &c, 1);
	if (r->outer.failed)
		return mr_buf_check(&r->outer, "list of Kubernetes", err);
	if (inside)
		return 0;
	if (r->depth == 1 && c == ':')
		r->is_items = r->last_len == strlen(items) &&
			      memcmp(r->last, items, strlen(items)) == 0;
	else if (r->depth == 1 && c == ',')
		r->is_items = false;
	rc = count_depth(r, c, err);
	if (r->depth == 0) {
		r->place = AFTER;
	} else if (r->depth == 2 && c == '[' && r->is_items) {
		r->place = ITEMS;
		r->first = true;
		r->comma = false;
	}
	return rc;
}

static int add_between(struct mr_kube_reader *r, char c, struct mreg_error *err)
{
	if (strchr(BLANKS, c))
		return 0;
	if (c == ']' && (r->comma || r->first)) {
		mr_buf_add(&r->outer, &c, 1);
		r->depth--;
		r->is_items = false;
		r->place = OUTER;
		return 0;
	}
	if (c == ',' && r->comma) {
		r->comma = false;
		return 0;
	}
	if (c != '{' || r->comma)
		return fail_list(err);
	r->first = false;
	r->place = ITEM;
	mr_buf_add(&r->item, &c, 1);
	return count_depth(r, c, err);
}

static int add_inside(struct mr_kube_reader *r, char c, struct mreg_error *err)
{
	bool inside = in_string(r, c);
	int rc;

	mr_buf_add(&r->item, &c, 1);
	if (r->item.failed)
		return mr_buf_check(&r->item, "Kubernetes object", err);
	if (inside)
		return 0;
	rc = count_depth(r, c, err);
	if (rc < 0 || r->depth > 2)
		return rc;
	r->place = ITEMS;
	r->comma = true;
	return take_item(r, err);
}

static int add_char(struct mr_kube_reader *r, char c, struct mreg_error *err)
{
	/* Text with NUL is none, and strchr finds one in BLANKS. */
	if (c == '\0')
		return fail_list(err);
	switch (r->place) {
	case BEFORE:
		if (strchr(BLANKS, c))
			return 0;
		if (c != '{')
			return fail_list(err);
		r->place = OUTER;
		return add_outer(r, c, err);
	case OUTER:
		return add_outer(r, c, err);
	case ITEMS:
		return add_between(r, c, err);
	case ITEM:
		return add_inside(r, c, err);
	default:
		return strchr(BLANKS, c) ? 0 : fail_list(err);
	}
}

int mr_kube_add(struct mr_kube_reader *r, const char *bytes, size_t n,
		struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < n; i++)
		rc = add_char(r, bytes[i], err);
	return rc;
}

/* -- what is left ---------------------------------------------------------- */

static int take_list(struct mr_kube_reader *r, const json_t *list,
		     struct mreg_error *err)
{
	const json_t *items = json_object_get(list, "items");
	const char *more = json_string_value(
		json_object_get(json_object_get(list, "metadata"), "continue"));
	size_t i;
	int rc = 0;

	if (more && more[0]) {
		(void)mr_fail(err, MREG_EFORMAT,
			      "it is the first of several pages");
		return mr_hint(err, "give what 'kubectl get' prints, which has "
				    "all of them");
	}
	/* A key may be written so that it was not known by its bytes. */
	for (i = 0; rc >= 0 && i < json_array_size(items); i++)
		rc = take_object(r, json_array_get(items, i), err);
	return rc;
}

int mr_kube_end(struct mr_kube_reader *r, struct mr_kube *out,
		struct mreg_error *err)
{
	MR_AUTO(mr_json_freep) json_t *outer = NULL;
	const char *kind;
	int rc;

	if (r->place != AFTER) {
		(void)mr_fail(err, MREG_EFORMAT,
			      r->place == BEFORE ? "there is nothing in it"
						 : "it ends in the middle");
		return mr_hint(err, "see whether kubectl told of an error");
	}
	rc = mr_json_parse_nuls(r->outer.data, r->outer.len,
				MR_KUBE_OBJECT_MAX_BYTES, "list of Kubernetes",
				&outer, err);
	if (rc < 0)
		return rc;
	kind = json_string_value(json_object_get(outer, "kind"));
	if (!kind)
		return fail_list(err);
	rc = json_is_array(json_object_get(outer, "items")) &&
			     mr_text_ends(kind, "List")
		     ? take_list(r, outer, err)
		     : take_object(r, outer, err);
	if (rc < 0)
		return rc;
	out->objects = r->objects;
	out->count = r->refs.count;
	out->refs = mr_arena_alloc(r->refs.arena,
				   (out->count + 1) * sizeof(*out->refs));
	if (!out->refs)
		return mr_fail_nomem(err);
	if (out->count)
		memcpy(out->refs, r->refs.items,
		       out->count * sizeof(*out->refs));
	return 0;
}

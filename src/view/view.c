/*
 * view.c - members of result documents.
 */
#include "view/view.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* What a byte may become when it is made safe: "\xNN", or "\u{NNNN}" of three
 * bytes; and the end. */
#define SAFE_PER_BYTE 4
#define SAFE_END 16

void mr_view_init(struct mr_view *v, const char *schema)
{
	v->obj = json_object();
	v->flags = 0;
	if (schema)
		mr_view_str(v, "schema", schema);
}

void mr_view_put(struct mr_view *v, const char *key, json_t *value)
{
	if (!v->obj) {
		json_decref(value);
		return;
	}
	if (!value || json_object_set_new(v->obj, key, value) < 0) {
		json_decref(v->obj);
		v->obj = NULL;
	}
}

/* Text from outside may be no UTF-8, which JSON cannot hold: then it is shown
 * as on a terminal. */
static json_t *bytes_value(const char *bytes, size_t n)
{
	size_t cap = n * SAFE_PER_BYTE + SAFE_END;
	json_t *j = json_stringn(bytes, n);
	char *safe;

	if (j)
		return j;
	safe = mr_alloc(cap);
	if (safe)
		j = json_string(mr_text_safe_n(bytes, n, safe, cap));
	mr_release(safe);
	return j;
}

json_t *mr_view_value(const char *s)
{
	return s ? bytes_value(s, strlen(s)) : json_null();
}

void mr_view_str(struct mr_view *v, const char *key, const char *s)
{
	mr_view_put(v, key, mr_view_value(s));
}

void mr_view_bytes(struct mr_view *v, const char *key, const char *bytes,
		   size_t n)
{
	mr_view_put(v, key, bytes_value(bytes, n));
}

void mr_view_u64(struct mr_view *v, const char *key, uint64_t n)
{
	mr_view_put(v, key, json_integer((json_int_t)n));
}

void mr_view_bool(struct mr_view *v, const char *key, bool b)
{
	mr_view_put(v, key, json_boolean(b));
}

void mr_view_seconds(struct mr_view *v, const char *key, int64_t ms)
{
	/* Else 0.276 is 0.27600000000000002. */
	v->flags |= JSON_REAL_PRECISION(15);
	mr_view_put(v, key, json_real((double)ms / 1000));
}

void mr_view_digest(struct mr_view *v, const char *key,
		    const struct mreg_digest *d)
{
	char text[MREG_DIGEST_TEXT];

	mr_view_str(v, key,
		    d->algorithm == MREG_DIGEST_NONE
			    ? NULL
			    : mreg_digest_text(d, text));
}

void mr_view_time(struct mr_view *v, const char *key, int64_t unix_s)
{
	char text[32];

	mr_view_str(v, key, unix_s ? mr_text_time(unix_s, text) : NULL);
}

void mr_view_index(struct mr_view *v, int64_t synced_s)
{
	struct mr_view index;

	if (!synced_s) {
		mr_view_put(v, "index", json_null());
		return;
	}
	mr_view_init(&index, NULL);
	mr_view_time(&index, "syncedAt", synced_s);
	mr_view_put(v, "index", mr_view_take(&index));
}

void mr_view_version(struct mr_view *v, uint64_t number)
{
	char text[32];

	if (!number) {
		mr_view_str(v, "number", NULL);
		mr_view_str(v, "version", NULL);
		return;
	}
	(void)snprintf(text, sizeof(text), "v%llu", (unsigned long long)number);
	mr_view_u64(v, "number", number);
	mr_view_str(v, "version", text);
}

void mr_view_texts(struct mr_view *v, const char *key, const char *const *items,
		   size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < n; i++)
		if (json_array_append_new(list, mr_view_value(items[i])) < 0) {
			json_decref(list);
			list = NULL;
		}
	mr_view_put(v, key, list);
}

void mr_view_pairs(struct mr_view *v, const char *key,
		   const struct mreg_pair *items, size_t n)
{
	struct mr_view map;
	size_t i;

	mr_view_init(&map, NULL);
	for (i = 0; i < n; i++)
		mr_view_str(&map, items[i].name, items[i].value);
	mr_view_put(v, key, mr_view_take(&map));
}

static const char *action_word(enum mreg_item_action action,
			       const char *moved_word)
{
	switch (action) {
	case MREG_ITEM_SENT:
		return moved_word;
	case MREG_ITEM_SEEDED:
		return "seeded";
	case MREG_ITEM_REUSED:
		break;
	}
	return "reused";
}

void mr_view_items(struct mr_view *v, const char *key,
		   const struct mreg_item *items, size_t n,
		   const char *moved_word)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < n; i++) {
		struct mr_view row;

		mr_view_init(&row, NULL);
		mr_view_str(&row, "path", items[i].path);
		mr_view_u64(&row, "size", items[i].size);
		mr_view_digest(&row, "digest", &items[i].digest);
		mr_view_str(&row, "role", items[i].role);
		mr_view_bool(&row, "executable", items[i].executable);
		if (moved_word)
			mr_view_str(&row, "action",
				    action_word(items[i].action, moved_word));
		else
			mr_view_bool(&row, "packed", items[i].packed);
		if (json_array_append_new(list, mr_view_take(&row)) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	mr_view_put(v, key, list);
}

void mr_view_rows(struct mr_view *v, const char *key, const void *items,
		  size_t n, mr_view_row *row)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < n; i++)
		if (json_array_append_new(list, row(items, i)) < 0) {
			json_decref(list);
			list = NULL;
		}
	mr_view_put(v, key, list);
}

json_t *mr_view_take(struct mr_view *v)
{
	json_t *obj = v->obj;

	v->obj = NULL;
	return obj;
}

char *mr_view_text(struct mr_view *v)
{
	json_t *obj = mr_view_take(v);
	char *text = obj ? mr_json_dump(obj, JSON_COMPACT | v->flags) : NULL;

	json_decref(obj);
	return text;
}

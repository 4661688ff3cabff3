/*
 * view/view.h - what the result files share; the door is mreg/json.h.
 */
#ifndef MR_VIEW_VIEW_H
#define MR_VIEW_VIEW_H

#include <jansson.h>

#include "mreg/inspect.h"

/*
 * Members are added to an object that may be NULL after an earlier failure;
 * a failure frees it, so one check at the end is enough.
 */
struct mr_view {
	json_t *obj;  /* owned; NULL: out of memory */
	size_t flags; /* of jansson, for the text, beside JSON_COMPACT */
};

void mr_view_init(struct mr_view *v, const char *schema); /* NULL: none */
void mr_view_put(struct mr_view *v, const char *key, json_t *value); /* taken */
void mr_view_str(struct mr_view *v, const char *key,
		 const char *s);      /* or null */
json_t *mr_view_value(const char *s); /* the value alone */
/* The same of `n` bytes that may hold NUL. */
void mr_view_bytes(struct mr_view *v, const char *key, const char *bytes,
		   size_t n);
void mr_view_u64(struct mr_view *v, const char *key, uint64_t n);
void mr_view_bool(struct mr_view *v, const char *key, bool b);
/* Milliseconds as seconds: 0.276; of the outermost document. */
void mr_view_seconds(struct mr_view *v, const char *key, int64_t ms);
void mr_view_digest(struct mr_view *v, const char *key,
		    const struct mreg_digest *d); /* null when none */
void mr_view_time(struct mr_view *v, const char *key, int64_t unix_s);
/* "index": {"syncedAt": ...} where something was read from the index,
 * else null. */
void mr_view_index(struct mr_view *v, int64_t synced_s);
/* The number and its name: "number": 3, "version": "v3"; both null for 0. */
void mr_view_version(struct mr_view *v, uint64_t number);
void mr_view_texts(struct mr_view *v, const char *key, const char *const *items,
		   size_t n);
void mr_view_pairs(struct mr_view *v, const char *key,
		   const struct mreg_pair *items, size_t n);
/* `action` names what mreg_item's action means here, "" for none. */
void mr_view_items(struct mr_view *v, const char *key,
		   const struct mreg_item *items, size_t n,
		   const char *moved_word);
/* An array of what `row` makes of each of `n` items. */
typedef json_t *mr_view_row(const void *items, size_t i);
void mr_view_rows(struct mr_view *v, const char *key, const void *items,
		  size_t n, mr_view_row *row);
/* deploy_json.c: "unread": what could not be read, and why. */
void mr_view_unread(struct mr_view *v, const struct mreg_pair *items, size_t n);
/* life_json.c: "deprecated", an object or null; and what the log says beyond
 * who pushed it when. */
void mr_view_deprecation(struct mr_view *v, const struct mreg_deprecation *d);
void mr_view_life(struct mr_view *v, const struct mreg_inspect_result *r);
/* split_json.c: one of struct mreg_split_part. */
json_t *mr_view_split_part(const void *items, size_t i);
/* One of struct mreg_split_row. */
json_t *mr_view_split_row(const void *items, size_t i);
/* inspect_json.c */
json_t *mr_view_tensor(const struct mreg_tensor *t);
/* transfer_json.c: begins `e` with the members of an error. */
void mr_view_error(struct mr_view *e, const struct mreg_error *err);

/* The object, taken out. */
json_t *mr_view_take(struct mr_view *v);
/* As text in one line, to be freed; releases the object.  NULL: out of
 * memory. */
char *mr_view_text(struct mr_view *v);

#endif

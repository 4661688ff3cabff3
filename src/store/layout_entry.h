/*
 * store/layout_entry.h - index.json of an OCI layout as a value: which tag
 * names what, and what is there without a tag.  A folder has one (layout.h),
 * and an archive (archive.h).  Private to store.
 *
 * What others wrote there is kept: entries without a tag or with names that
 * are no tags, unknown keys, other annotations.
 */
#ifndef MR_STORE_LAYOUT_ENTRY_H
#define MR_STORE_LAYOUT_ENTRY_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/internal.h"

/* About 50,000 tags; a store of our own events needs one for each. */
#define MR_LAYOUT_INDEX_MAX_BYTES (16u << 20)

#define MR_LAYOUT_VERSION "{\"imageLayoutVersion\":\"1.0.0\"}"
#define MR_LAYOUT_EMPTY                                                        \
	"{\"schemaVersion\":2,\"mediaType\":\"" MR_MEDIA_INDEX                 \
	"\",\"manifests\":[]}"

/* `where` names the index in messages: its path without quotes. */

/* Parse and see that there is a list of manifests. */
int mr_entries_parse(const void *bytes, size_t n, const char *where,
		     json_t **out, struct mreg_error *err);
/* What the tag names.  Where others wrote a name twice the last one counts, as
 * in oras. */
int mr_entries_find(const json_t *index, const char *where, const char *tag,
		    struct mreg_desc *out, bool *found, struct mreg_error *err);
/* All tags at once: an object with the entry of each. */
int mr_entries_map(const json_t *index, json_t **out, struct mreg_error *err);
/* What the entry of a tag says. */
int mr_entries_read(const json_t *entry, const char *where, const char *tag,
		    struct mreg_desc *out, struct mreg_error *err);
/* A new entry; `tag` NULL: without one.  NULL when out of memory. */
json_t *mr_entries_entry(const char *tag, const struct mreg_desc *d,
			 const char *artifact_type);
/* The tag that an entry stands for, or NULL. */
const char *mr_entries_tag(const json_t *entry);
/* All tags, sorted, each once. */
int mr_entries_tags(const json_t *index, struct mr_list *out,
		    struct mreg_error *err);

/* Let the tag name `d` (NULL: remove it).  `*found`: whether it was there;
 * `*changed`: whether there is anything to save. */
int mr_entries_point(json_t *index, const char *tag, const struct mreg_desc *d,
		     const char *artifact_type, bool *found, bool *changed,
		     struct mreg_error *err);
/* Let `d` be found without a tag. */
int mr_entries_list(json_t *index, const struct mreg_desc *d,
		    const char *artifact_type, bool *changed,
		    struct mreg_error *err);
/* Take the entries of `digest` that have no tag away. */
void mr_entries_unlist(json_t *index, const struct mreg_digest *digest,
		       bool *changed);
/* Append the document as it is written. */
int mr_entries_write(const json_t *index, const char *where, struct mr_buf *out,
		     struct mreg_error *err);

/* -- layout_referrers.c -----------------------------------------------------
 */

/* Whose subject is what, as far as manifests were looked at: they never
 * change. */
struct mr_subjects {
	pthread_mutex_t lock;     /* of what follows */
	struct mr_subject *items; /* owned */
	size_t n, cap;
	size_t sorted; /* so many of them are, by digest */
	/* The latest walk through an index. */
	unsigned int walk;
	json_t *index;  /* owned; all of it was looked at; NULL: not all */
	bool fallbacks; /* it has tags that may be fallback tags */
};
void mr_subjects_init(struct mr_subjects *s);
void mr_subjects_release(struct mr_subjects *s);

/*
 * The manifests of `s`, by its `index` (which does not change while there is
 * a reference to it), whose subject is `subject`: entries
 * are looked into, with a tag or without, and what stands under the fallback
 * tag, which regctl keeps in layouts too.
 */
int mr_entries_referrers(struct mr_store *s, json_t *index,
			 struct mr_subjects *seen,
			 const struct mreg_digest *subject,
			 const char *artifact_type, struct mr_referrers *out,
			 struct mreg_error *err);

#endif

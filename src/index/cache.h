/*
 * index/cache.h - what the last sync saw, kept for the next; a part of the door
 * index/index.h, which includes it.  It answers no question about models.
 */
#ifndef MR_INDEX_CACHE_H
#define MR_INDEX_CACHE_H

#include "index/write.h"

struct mr_ix_seen {
	const char *tag;
	struct mreg_digest digest; /* NONE: a tombstone, or not there */
};
/* Replaces the tags that were seen of the model that is being written. */
int mr_index_cache_tags(struct mr_index_writer *w,
			const struct mr_ix_seen *items, size_t n,
			struct mreg_error *err);
/* Whether the tags that were seen are still those that mr_index_cached gave:
 * nobody else wrote the model since. */
int mr_index_cache_is(struct mr_index_writer *w, const struct mr_ix_seen *items,
		      size_t n, bool *is, struct mreg_error *err);
struct mr_ix_sync {
	int64_t synced_s;  /* the last sync that ended well; 0: none */
	int64_t changed_s; /* the last that found something new */
	int64_t swept_s;   /* the last --sweep, or first sync */
	int64_t hinted_s;  /* a notification came then and was not looked at
			    * yet; 0: none */
	int64_t tried_s;   /* the last try */
	const char *error; /* of that try; NULL: it went well */
	uint64_t requests; /* of the last sync */
};
int mr_index_cache_sync(struct mr_index_writer *w, const struct mr_ix_sync *s,
			struct mreg_error *err);
/* The same outside of a writer, for a model that may not be indexed yet; of
 * hints and failed tries: what is 0 or NULL stays, but for `error`. */
int mr_index_cache_try(struct mr_index *ix, const char *name,
		       const struct mr_ix_sync *s, struct mreg_error *err);
/* The tags, in `arena`, sorted by tag; and the sync; `*found` false: never
 * synced. */
int mr_index_cached(struct mr_index *ix, const char *name,
		    struct mr_arena *arena, struct mr_ix_seen **tags,
		    size_t *count, struct mr_ix_sync *sync, bool *found,
		    struct mreg_error *err);
/* A notification told of models: each gets `hinted_s`, all or none.  With an
 * `id` (NULL: it has none) that came before, none does: `*first`; an id is
 * known for a month. */
int mr_index_hint(struct mr_index *ix, const char *id, const char *const *names,
		  size_t n, int64_t hinted_s, bool *first,
		  struct mreg_error *err);
/* Forget ids of notifications that nobody sends again. */
int mr_index_forget_hints(struct mr_index *ix, struct mreg_error *err);
/* Numbers of the versions that are indexed, ascending, with their digests; in
 * `arena`. */
struct mr_ix_known {
	uint64_t number;
	struct mreg_digest digest;
	size_t documents; /* that hang on it */
};
int mr_index_known(struct mr_index *ix, const char *name,
		   struct mr_arena *arena, struct mr_ix_known **out,
		   size_t *count, struct mreg_error *err);

#endif

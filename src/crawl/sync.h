/*
 * crawl/sync.h - many repositories brought into the index.
 */
#ifndef MR_CRAWL_SYNC_H
#define MR_CRAWL_SYNC_H

#include "base/task.h"
#include "crawl/crawl.h"
#include "mreg/index.h"

struct mr_sync {
	struct mr_crawl crawl;
	struct mr_index *known; /* tells what was synced; NULL: nothing was */
	const struct mreg_index_sync_opts *o;
	struct mr_list names;   /* whole names of the repositories */
	struct mr_arena *arena; /* borrowed; the result's */
	struct mreg_index_sync_result *out;
	size_t unlisted_cap;
	struct mr_lock lock; /* of the arena, the result and what follows */
	size_t done;
	uint64_t requests, tokens; /* that the session had sent before */
};

/* sync_places.c: which repositories there are to be looked at, into `names`,
 * sorted, each once. */
int mr_sync_places(struct mr_sync *s, struct mreg_error *err);
/* What could not be listed is in the result. */
int mr_sync_unlisted(struct mr_sync *s, const char *place,
		     const struct mreg_error *why, struct mreg_error *err);

/* hints.c: names that notifications told of, which wait for a look. */
int mr_hints_waiting(struct mr_index *ix, struct mr_list *out,
		     struct mreg_error *err);
/* Forget those of `names`, which were just looked at, that nothing is known of
 * but that somebody told of them: nothing of a model is there. */
int mr_hints_done(struct mr_index *ix, const struct mr_list *names,
		  struct mreg_error *err);

/* sync.c: look at all of `names`.  `s->crawl` says how. */
int mr_sync_run(struct mr_sync *s, struct mreg_error *err);
/* What sync and rebuild begin and end with. */
int mr_sync_begin(struct mr_sync *s, struct mreg *m,
		  const struct mreg_index_sync_opts *given,
		  struct mreg_index_sync_opts *o,
		  struct mreg_index_sync_result *out, struct mreg_error *err);
int mr_sync_end(struct mr_sync *s, int rc, struct mreg_error *err);

#endif

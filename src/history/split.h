/*
 * history/split.h - an alias's traffic shared among versions: split.c; a part
 * of the door history/history.h, which includes it.
 */
#ifndef MR_HISTORY_SPLIT_H
#define MR_HISTORY_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "ledger/ledger.h"
#include "mreg/split.h"
#include "mreg/types.h"
#include "repo/repo.h"

struct mr_alias_state;

struct mr_splitting {
	const char *alias;
	const struct mr_split_part *parts; /* in any order */
	size_t count;                      /* 0: its split ends */
	const char *reason;                /* NULL: none */
	struct mreg_digest policy;         /* it was judged by; NONE */
	bool alone; /* where another one is first give up, MREG_ECONFLICT */
};
/*
 * Write that the alias, which has what `state` says, is split; then look
 * whether that counts.  `*stale`: another split of the same moment does, or in
 * a linear log another event was first; read `h` and decide again.
 * MREG_ECONFLICT: the alias was moved at the same moment.
 */
int mr_alias_split(struct mreg *m, struct mr_store *s, struct mr_history *h,
		   const struct mreg_ref *ref, const struct mr_splitting *split,
		   const struct mr_alias_state *state,
		   struct mreg_digest *event, bool *stale,
		   struct mreg_error *err);

/* Shares for a result, that of `stable` first, with what the fold has of each
 * version; in the arena, NULL: it failed. */
struct mreg_split_part *mr_split_rows(struct mr_arena *a,
				      const struct mr_standing *now,
				      const struct mr_split_part *parts,
				      size_t n,
				      const struct mreg_digest *stable);
/* The same of an event that counts. */
struct mreg_split_part *mr_split_told(struct mr_arena *a,
				      const struct mr_standing *now,
				      const struct mr_event *split,
				      const struct mreg_digest *stable,
				      size_t *n);

#endif

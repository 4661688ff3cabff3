/*
 * history/watch.h - what monitoring saw, against what the policy watches; a
 * part of the door history/history.h, which includes it.
 *
 * Pure: by the events that a ledger has, in fold order, and nothing else.
 */
#ifndef MR_HISTORY_WATCH_H
#define MR_HISTORY_WATCH_H

#include "base/arena.h"
#include "ledger/ledger.h"
#include "policy/policy.h"

/* A watch that holds now, in one environment. */
struct mr_watch_hit {
	const struct mr_watch *watch;
	const char *environment; /* it was seen in; NULL: not told */
	/* The *observed* events it rests on, one for each of the last
	 * `watch->windows` windows, the oldest window first. */
	const struct mr_event **events;
	size_t event_count;
	/* The *retrain due* event that said so of this version, rule and
	 * environment; NULL: none did yet. */
	const struct mr_event *due;
};

struct mr_watch_hits {
	struct mr_watch_hit *items; /* in the arena; by watch, environment */
	size_t count;
};

/*
 * The watches of `life` that hold for `version` now.  A watch is asked of the
 * observations of its metric in each environment by itself, or in the one it
 * names.  The values of one window are one, the last of them, at the place of
 * the first; where no window is told each is one of its own.  It holds when
 * all of the last N are on the bad side of its bound, and there are N.
 */
int mr_watches_find(struct mr_ledger *l, const struct mr_life *life,
		    const struct mreg_digest *version, struct mr_arena *a,
		    struct mr_watch_hits *out, struct mreg_error *err);

/* The *retrain due* events about `version`, in fold order, in the arena.  What
 * one says stands for ever: another version mends it. */
int mr_retrain_dues(struct mr_ledger *l, const struct mreg_digest *version,
		    struct mr_arena *a, const struct mr_event ***out,
		    size_t *count, struct mreg_error *err);

#endif

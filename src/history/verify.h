/*
 * history/verify.h - whether a log is whole; a part of the door
 * history/history.h, which includes it.
 */
#ifndef MR_HISTORY_VERIFY_H
#define MR_HISTORY_VERIFY_H

#include "base/arena.h"
#include "repo/repo.h"

enum mr_flaw_kind {
	MR_FLAW_CHANGED,    /* its bytes are not what its name says */
	MR_FLAW_REMOVED,    /* a later event names it, and it is not there */
	MR_FLAW_MISPLACED,  /* its seq is not 1 + the largest of its prev */
	MR_FLAW_UNREADABLE, /* listed, and cannot be had */
};

struct mr_flaw {
	enum mr_flaw_kind kind;
	uint64_t seq;              /* 0: not known */
	struct mreg_digest digest; /* NONE: not known */
	const char *problem;       /* in the arena */
};

struct mr_flaws {
	struct mr_flaw *items; /* in the arena; by seq, unknown ones last */
	size_t count;
};

/*
 * What is wrong with the log that `h` has, which was read with `anew` set: an
 * event may come from nothing but the store.  `against` (NULL: none) has to be
 * in it.
 */
int mr_log_verify(struct mr_history *h, const struct mreg_digest *against,
		  struct mr_arena *a, struct mr_flaws *out,
		  struct mreg_error *err);

#endif

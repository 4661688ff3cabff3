/*
 * policy/life.h - what a policy says of a version's life after its push:
 * stages, roles, time limits, monitoring, retention; a part of the door
 * policy/policy.h, which includes it.
 *
 * These are settings, not rules on facts: whoever carries them out reads them
 * here.  Gates of aliases are rules, and judged (mr_policy_judge).
 */
#ifndef MR_POLICY_LIFE_H
#define MR_POLICY_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct mr_policy;

#define MR_APPROVAL_HOURS 48
#define MR_RETENTION_DAYS 90

/* A role that approves: a set of logins, compared as they are. */
struct mr_party {
	const char *name;
	struct mr_words members;
};

/* "drift > 0.2 for 3 windows in prod". */
struct mr_watch {
	const char *text; /* all of it, as it was written */
	const char *metric;
	uint32_t windows;        /* that many in a row, 1 when not told */
	const char *environment; /* NULL: each by itself */
	const void *bound;       /* private */
};

/* When versions go out of sight by themselves; 0: not asked. */
struct mr_archive_rule {
	int64_t superseded_s; /* so long after a higher one had its alias */
	uint64_t keep;        /* all but the last N */
	int64_t older_s;      /* so long after it was registered */
};

struct mr_life {
	const char *const
		*stages; /* in order; staging, production by default */
	size_t stage_count;
	uint32_t approval_hours;
	const struct mr_party *roles;
	size_t role_count;
	const struct mr_watch *watches;
	size_t watch_count;
	/* So long after an alias left a version gc does not take it. */
	int64_t retention_s;
	struct mr_archive_rule archive;
	bool hold_all;        /* nothing is ever removed */
	struct mr_words hold; /* versions (v3) and aliases that are held */
	int64_t review_s;     /* after the last review; 0: not asked */
};
/* Of the policy and all that was added to it: of two time limits the shorter,
 * of what is kept the more, all holds and watches; stages and the members of a
 * role are those of the first that tells.  `p` NULL: the defaults.
 * Borrowed. */
const struct mr_life *mr_policy_life(const struct mr_policy *p);
/* NULL: there is no such role. */
const struct mr_party *mr_life_party(const struct mr_life *l, const char *name);
bool mr_party_has(const struct mr_party *r, const char *login);
/* Whether one observed value is on the bad side of the bound; what is no
 * number is on none. */
bool mr_watch_holds(const struct mr_watch *w, const char *value);

/* Whether an alias has gates, for whatever kind of thing: then promote moves
 * it, and nothing else but rollback.  `p` NULL: no. */
bool mr_policy_gated(const struct mr_policy *p, const char *alias);

#endif

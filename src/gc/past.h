/*
 * gc/past.h - what aliases were, for gc; private to the folder.
 */
#ifndef MR_GC_PAST_H
#define MR_GC_PAST_H

#include "gc/plan.h"

/* For each item: when the last alias left it, when one went on to a higher
 * version, and which of the aliases that the policy holds had it. */
int mr_gc_past(struct gc *g, struct mreg_error *err);
/* Whether the split of an alias, as long as it is in force, sends traffic to
 * the version. */
bool mr_gc_split_has(struct mr_history *h, const struct mr_alias_standing *a,
		     const struct mreg_digest *version);

#endif

/*
 * gc/past.h - what aliases were, for gc; private to the folder.
 */
#ifndef MR_GC_PAST_H
#define MR_GC_PAST_H

#include "gc/plan.h"

/* For each item: when the last alias left it, when one went on to a higher
 * version, and which of the aliases that the policy holds had it. */
int mr_gc_past(struct gc *g, struct mreg_error *err);

#endif

/*
 * use/observe.h - observations as they are given; private to the folder.
 */
#ifndef MR_USE_OBSERVE_H
#define MR_USE_OBSERVE_H

#include "base/arena.h"
#include "mreg/observe.h"

/* All that `o` gives, checked, in the order given, in the arena.  MREG_EUSAGE;
 * MREG_EFORMAT with the line of the file. */
int mr_observations(const struct mreg_observe_opts *o, struct mr_arena *a,
		    struct mreg_observation **out, size_t *count,
		    struct mreg_error *err);

#endif

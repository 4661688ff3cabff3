/*
 * look/inspect.h - the parts of inspecting a version.
 */
#ifndef MR_LOOK_INSPECT_H
#define MR_LOOK_INSPECT_H

#include "look/facts.h"

/*
 * Read what the weight files say into the result; `w` keeps the texts and must
 * live as long.  MREG_EFORMAT, MREG_ELIMIT or MREG_EUNSUPPORTED, naming the
 * first, when files that are weights by their names are in trouble, and none is
 * read.
 */
int mr_inspect_weights(struct mr_look *l, struct mr_weights *w,
		       struct mr_arena *a, struct mreg_inspect_result *out,
		       struct mreg_error *err);

/*
 * inspect_log.c: what the log says of it, and every name it has, into the
 * result; values given after the fact into the metadata that was read.  A log
 * that cannot be read is a warning: the version itself is here.
 */
int mr_inspect_log(struct mr_look *l, struct mr_arena *a,
		   struct mreg_inspect_result *out, struct mreg_error *err);

#endif

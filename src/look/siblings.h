/*
 * look/siblings.h - a version in other profiles: what the tags of its siblings
 * have.  A part of the door look/look.h.
 */
#ifndef MR_LOOK_SIBLINGS_H
#define MR_LOOK_SIBLINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/index.h"
#include "look/facts.h"
#include "mreg/inspect.h"
#include "oci/oci.h"

/* Asked about beside other work.  Begin with `l` and the number, 0: nothing is
 * asked. */
struct mr_siblings {
	struct mr_look *l;
	uint64_t number;
	struct mr_side *side; /* owned until joined; NULL: nothing was asked */
	struct mr_sibling_found {
		bool found;
		struct mreg_desc desc;
		int rc; /* below 0: `why` it is not known */
		struct mreg_error why;
	} of[MR_SIBLING_KINDS];
};

/* One HEAD for each profile, at the same time; nothing where the index stands
 * for the registry.  Who has started it joins it. */
int mr_siblings_start(struct mr_siblings *s, struct mreg_error *err);

/*
 * Into the result: those that are there; of what the index stands for, those
 * that it knows.  What could not be asked is a warning, and counted.  `rc`
 * below 0: only wait.  MREG_ENOMEM, MREG_ECANCELED; or `rc`.
 */
int mr_siblings_join(struct mr_siblings *s, int rc, struct mr_arena *a,
		     struct mreg_inspect_result *out, struct mreg_error *err);

/* Of rows of the index, those that are siblings of v<number>; `whole`: it could
 * take all that there was, so what it does not know is not there. */
void mr_siblings_known(const struct mr_ix_document *rows, size_t n,
		       uint64_t number, bool whole, struct mr_arena *a,
		       struct mreg_inspect_result *out);

#endif

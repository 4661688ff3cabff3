/*
 * store/remove.h - what is taken out of a store; a part of the door
 * store/store.h, which includes it.
 */
#ifndef MR_STORE_REMOVE_H
#define MR_STORE_REMOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "content/digest_map.h"
#include "mreg/types.h"

struct mr_store;

/* A tag alone; MREG_ENOTFOUND, and MREG_EUNSUPPORTED where a registry deletes
 * none. */
int mr_store_untag(struct mr_store *s, const char *tag, struct mreg_error *err);
/*
 * Let a manifest not be found by its digest any more.  A registry takes all
 * its tags along (P-68): the caller has looked that none has to stay; in a
 * layout tags stay, and keep it.  MREG_ENOTFOUND: it is not there (a layout
 * does not tell); MREG_EUNSUPPORTED: this store or registry removes none.
 */
int mr_store_remove(struct mr_store *s, const struct mreg_digest *digest,
		    struct mreg_error *err);
/* What is to be swept away, and what was. */
struct mr_sweep {
	/* Blobs that came here less than this before are kept: somebody may be
	 * about to name them.  Not those of `sure` (NULL: none). */
	int64_t older_s;
	const struct mr_digest_map *sure;
	bool dry_run;
	/* Results. */
	bool able;      /* it has blobs that can be swept, as only layouts do */
	uint64_t count; /* blobs that nothing names, and their sizes */
	uint64_t bytes;
};
/* Remove the blobs that nothing names any more; the caller holds
 * mr_store_lock, but for a dry run.  MREG_EUNSUPPORTED when something is there
 * of which nobody can tell what it names. */
int mr_store_sweep(struct mr_store *s, struct mr_sweep *sweep,
		   struct mreg_error *err);

#endif

/*
 * content/digest_map.h - from digests to places in an array.
 */
#ifndef MR_CONTENT_DIGEST_MAP_H
#define MR_CONTENT_DIGEST_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "mreg/types.h"

#define MR_DIGEST_NO_INDEX SIZE_MAX

/* By open addressing; zeroed to begin. */
struct mr_digest_map {
	struct mr_digest_slot *slots; /* owned */
	size_t cap, n;
};

/* The index kept for `d`, or MR_DIGEST_NO_INDEX. */
size_t mr_digest_map_get(const struct mr_digest_map *m,
			 const struct mreg_digest *d);
/* Keep `index` for `d`, in the place of what was kept before. */
int mr_digest_map_put(struct mr_digest_map *m, const struct mreg_digest *d,
		      size_t index, struct mreg_error *err);
void mr_digest_map_release(struct mr_digest_map *m); /* for MR_AUTO too */

#endif

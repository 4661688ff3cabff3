/*
 * store/recalled.h - a repository as it was when it was last looked at, and
 * whether it was written to since; a part of the door store/store.h, which
 * includes it.
 */
#ifndef MR_STORE_RECALLED_H
#define MR_STORE_RECALLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mreg/types.h"

struct mr_state;
struct mr_store;

/* What a tag had. */
struct mr_recalled_tag {
	const char *tag;
	struct mreg_digest digest; /* NONE: not kept, or nothing */
};

/*
 * Put a store of kind "recalled" in the place of `*s`, which it owns from then
 * on: its tags are `tags` (copied) and have what they had; of those that are
 * mreg's own the digest need not be known.  What is had by digest comes from
 * the store behind it.  For reading alone: MREG_EUNSUPPORTED for the rest.
 * A tag resolves to a digest without type and size.  On failure `*s` stays.
 */
int mr_recalled_open(struct mr_store **s, const struct mr_recalled_tag *tags,
		     size_t n, struct mreg_error *err);

/*
 * Note in `state` (borrowed) when manifests and tags are written or removed
 * from now on, if the fact says since when anybody wants that to be known.
 */
#define MR_MARKS_SCOPE "marks"
#define MR_MARKS_SINCE "since"
void mr_store_mark(struct mr_store *s, struct mr_state *state);
/* When that was, in seconds since 1970, by whichever store of that name on
 * this machine; 0: it is not noted. */
int64_t mr_store_marked(const struct mr_store *s, struct mr_state *state);

#endif

/*
 * store/remote_seen.h - what an open store of a registry remembers of what it
 * saw and did there.  Private to the remote store.
 */
#ifndef MR_STORE_REMOTE_SEEN_H
#define MR_STORE_REMOTE_SEEN_H

#include <jansson.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "store/internal.h"

/* Fallback tags whose lists are remembered; and their locks. */
#define MR_LISTS 16

/* Uploads that broke off. */
#define MR_PARKED_MAX 16

/* What the list under a fallback tag was seen to have: who does not find it
 * there the next time can put it back (P-72). */
struct mr_list_seen {
	char tag[MR_FALLBACK_TAG_BYTES];
	json_t *entries; /* owned, by digest; NULL: nothing */
};

/* An upload that broke off in this store's life, and how many bytes of it an
 * earlier one had sent. */
struct mr_parked {
	char key[96];
	uint64_t passed;
};

struct mr_seen {
	/* remote_fallback.c: each under the lock of its place. */
	struct mr_list_seen lists[MR_LISTS];
	/* remote_upload_resume.c: under the store's. */
	struct mr_parked parked[MR_PARKED_MAX]; /* the newest */
	size_t parked_count;                    /* ever */
	atomic_uint_fast64_t passed; /* bytes, as mr_remote_passed tells */
	atomic_uint odd_blobs;       /* in a row that it cannot tell of (500) */
};

#endif

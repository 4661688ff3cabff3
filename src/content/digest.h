/*
 * content/digest.h - digests and incremental hashes, several at once.
 *
 * Text and equality of digests are public (mreg/types.h); here is how they
 * come about.
 */
#ifndef MR_CONTENT_DIGEST_H
#define MR_CONTENT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mreg/types.h"

/* Lower-case hex without the algorithm, NUL-terminated: the only text that
 * may become a file name.  `out` has 129 bytes. */
const char *mr_digest_hex(const struct mreg_digest *d, char out[129]);
bool mr_digest_known(const struct mreg_digest *d);
/* Order by algorithm, then bytes: <0, 0, >0. */
int mr_digest_compare(const struct mreg_digest *a, const struct mreg_digest *b);

/* sha256 of `n` bytes at once; cannot fail but for memory. */
int mr_digest_of(const void *data, size_t n, struct mreg_digest *out,
		 struct mreg_error *err);

struct mr_hash;
int mr_hash_new(enum mreg_algorithm alg, struct mr_hash **out,
		struct mreg_error *err);
/* The same by OpenSSL alone, as on processors that we have no code for: tests
 * compare the two. */
int mr_hash_new_portable(enum mreg_algorithm alg, struct mr_hash **out,
			 struct mreg_error *err);

/*
 * One thread at a time uses a hash.  Threads that add 128 KiB or more to
 * different hashes at the same moment share a core's lanes (mr_hash_many) by
 * themselves: one of them works for up to four, the others sleep until their
 * bytes are hashed or it is their turn to work; more than four make two such
 * groups.  Alone, a thread neither waits nor sleeps, but may let others run
 * (sched_yield).  A thread never waits for anything but others' hashing, so
 * locks may be held across the call; nothing is allocated.
 */
void mr_hash_add(struct mr_hash *h, const void *data, size_t n);
/* The digest of all bytes added; the hash may not be added to afterwards. */
void mr_hash_end(struct mr_hash *h, struct mreg_digest *out);
void mr_hash_free(struct mr_hash *h);
void mr_hash_freep(struct mr_hash **h); /* for MR_AUTO */

/* One hash's next bytes. */
struct mr_hash_job {
	struct mr_hash *hash;
	const void *data;
	size_t n;
};

/*
 * Add to several hashes in one call, on this thread.  One stream of SHA-256 is
 * bound by the latency of its rounds; independent streams hashed side by side
 * are not (performance.md 2.1): up to four are interleaved where the processor
 * has instructions for SHA-256, and taken one after the other where it has
 * not, and for other algorithms.  Jobs of the same hash are done in order.
 */
void mr_hash_many(const struct mr_hash_job *jobs, size_t n);

#endif

/*
 * content/sha256.h - SHA-256 of this library's own, several streams side by
 * side on one core; only digest.c has a use for it.
 *
 * One stream is bound by the latency of its rounds: 1.95 GB/s a core, however
 * good the code.  Two to four independent streams whose rounds alternate reach
 * 2.9 to 3.3 GB/s on the same core (performance.md 2.1).  Where the processor
 * has no instructions for SHA-256, mr_sha256_fast() is false, nothing else here
 * may be called, and OpenSSL does the work.
 */
#ifndef MR_CONTENT_SHA256_H
#define MR_CONTENT_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MR_SHA256_BLOCK_BYTES 64u
#define MR_SHA256_LANES_MAX 4u /* a fifth gains nothing: registers run out */

/* Whether this processor can do it. */
bool mr_sha256_fast(void);

/* Whole blocks of one stream. */
struct mr_sha256_lane {
	uint32_t *state;     /* borrowed: the eight words H of FIPS 180-4 */
	const uint8_t *data; /* borrowed; moves on with the work */
	size_t blocks;       /* still to do */
};

/*
 * Do `blocks` blocks of each of the lanes (1 to MR_SHA256_LANES_MAX of them,
 * none with fewer), whose states are different ones.
 */
void mr_sha256_lanes(struct mr_sha256_lane *const *lanes, size_t n,
		     size_t blocks);

/*
 * Do all of one lane, together with what other threads bring at the same
 * moment.  Returns when it is done; alone it is done at once.  Threads that
 * meet here share cores' lanes: some work for all, the others sleep.
 */
void mr_sha256_meet(struct mr_sha256_lane *lane);

/* A message in pieces. */
struct mr_sha256 {
	uint32_t state[8];
	uint64_t size;                       /* bytes so far */
	uint8_t rest[MR_SHA256_BLOCK_BYTES]; /* size % 64 of them are used */
};

void mr_sha256_init(struct mr_sha256 *s);
/* Take in the head of the next `n` bytes, so far as it completes a block, and
 * the tail behind the last whole block; what lies between is left to the
 * caller as `lane`, before anything else may be done with `s`. */
void mr_sha256_split(struct mr_sha256 *s, const void *data, size_t n,
		     struct mr_sha256_lane *lane);
void mr_sha256_add(struct mr_sha256 *s, const void *data, size_t n);
void mr_sha256_end(struct mr_sha256 *s, uint8_t out[32]);

#endif

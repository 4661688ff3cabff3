/*
 * content/decode.h - compressed bytes as the bytes they were made from.
 */
#ifndef MR_CONTENT_DECODE_H
#define MR_CONTENT_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "content/stream.h"

enum mr_coding {
	MR_CODING_NONE,
	MR_CODING_GZIP, /* RFC 1952, also several members */
	MR_CODING_ZSTD, /* RFC 8878, also several frames */
};

/* As many bytes as mr_coding_of wants to see, if there are so many. */
#define MR_CODING_MAGIC_BYTES 4

/* What the first bytes of something say it is compressed with. */
enum mr_coding mr_coding_of(const void *bytes, size_t n);
/* "gzip", "zstd", "nothing". */
const char *mr_coding_name(enum mr_coding c);

/*
 * Wrap `src` so that reading gives what it was made from.  Reading it to the
 * end reads `src` to its end too, so a proof around `src` is complete then.
 * More than `max` bytes are MREG_ELIMIT, before they are all made: few bytes
 * can stand for any number.  What is damaged or ends early is MREG_EFORMAT.
 * Memory does not grow with either; a zstd window above 128 MiB is refused.
 *
 * `name` is copied, for messages.  Takes ownership of `src`, even on failure;
 * MR_CODING_NONE wraps it too, with the same limit.
 */
int mr_stream_decode(struct mr_stream *src, enum mr_coding coding, uint64_t max,
		     const char *name, struct mr_stream **out,
		     struct mreg_error *err);

#endif

/*
 * content/stream.h - bytes that are pulled: read until 0, close.
 *
 * Streams block.  One thread at a time uses a stream.
 */
#ifndef MR_CONTENT_STREAM_H
#define MR_CONTENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "mreg/types.h"

struct mr_stream;

struct mr_stream_ops {
	/* Up to `n` (> 0) bytes into `buf`: how many, 0 at the end, < 0 a code.
	 * After an error every further read repeats it. */
	ssize_t (*read)(struct mr_stream *s, void *buf, size_t n,
			struct mreg_error *err);
	/* Release everything, the stream itself too.  Never fails. */
	void (*close)(struct mr_stream *s);
};

/* Embedded first or found with mr_container_of. */
struct mr_stream {
	const struct mr_stream_ops *ops;
};

ssize_t mr_stream_read(struct mr_stream *s, void *buf, size_t n,
		       struct mreg_error *err);
void mr_stream_close(struct mr_stream *s);   /* NULL does nothing */
void mr_stream_closep(struct mr_stream **s); /* for MR_AUTO */

/* Read until `n` bytes are there or the end: how many, or a code. */
ssize_t mr_stream_fill(struct mr_stream *s, void *buf, size_t n,
		       struct mreg_error *err);

/* Everything into `out`, whose maximum is the limit. */
int mr_stream_load(struct mr_stream *s, struct mr_buf *out,
		   struct mreg_error *err);

/* A stream over memory that must outlive it. */
int mr_stream_memory(const void *data, size_t n, struct mr_stream **out,
		     struct mreg_error *err);

/*
 * A stream over `length` bytes of an open file from `offset` (pread: the
 * file's own position does not move).  Takes ownership of `fd`, even on
 * failure.  `name` is copied, for messages.  A file that ends early is
 * MREG_ECONFLICT, "changed while it was read".
 */
int mr_stream_file(int fd, uint64_t offset, uint64_t length, const char *name,
		   struct mr_stream **out, struct mreg_error *err);

/*
 * Wrap `src` so that reading it to the end proves it is `want`.  The final
 * read fails with MREG_EINTEGRITY instead of returning 0 when size or digest
 * differ, so a consumer that commits only after 0 never commits wrong bytes.
 *
 * Takes ownership of `src` even on failure.
 */
int mr_stream_verify(struct mr_stream *src, const struct mreg_desc *want,
		     struct mr_stream **out, struct mreg_error *err);

/* What a measured stream turned out to be. */
struct mr_measure {
	struct mreg_digest digest; /* known once `complete` */
	uint64_t size;             /* bytes so far */
	bool utf8;                 /* all bytes so far valid UTF-8 */
	bool complete;             /* the end was read */
};

/*
 * Wrap `src` so that its digest, size and whether it is text are known once
 * its end was read.  `m` must outlive the stream.  Takes ownership of `src`
 * even on failure.
 */
int mr_stream_measure(struct mr_stream *src, struct mr_measure *m,
		      struct mr_stream **out, struct mreg_error *err);

#endif

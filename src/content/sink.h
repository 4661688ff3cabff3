/*
 * content/sink.h - bytes that arrive, in any order, from several workers, and
 * count only once they are proven.
 *
 *   begin (a store's) -> write_at ... write_at -> commit | abort
 *
 * Invariants
 * 1. commit succeeds only if the sink's own hash over all `size` bytes equals
 *    the wanted digest; before that nobody sees the content.
 * 2. write_at may be called from several threads at once, never twice for
 *    the same byte (MREG_EINTERNAL); after a failure it may be repeated.
 *    read_at may run beside them, for bytes whose write has returned.
 * 3. commit and abort are called once, by one thread, after all writes
 *    returned; each frees the sink.
 */
#ifndef MR_CONTENT_SINK_H
#define MR_CONTENT_SINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "content/stream.h"
#include "mreg/types.h"

struct mr_sink;

/* What a store implements; the verified sink wraps it. */
struct mr_sink_ops {
	int (*write_at)(struct mr_sink *s, const void *buf, size_t n,
			uint64_t offset, struct mreg_error *err);
	/* Read back what was written; the proof needs it for what came out of
	 * order. */
	ssize_t (*read_at)(struct mr_sink *s, void *buf, size_t n,
			   uint64_t offset, struct mreg_error *err);
	/* Publish, then free.  Called only for proven content. */
	int (*commit)(struct mr_sink *s, struct mreg_error *err);
	/* Undo and free. */
	void (*abort)(struct mr_sink *s);
};

struct mr_sink {
	const struct mr_sink_ops *ops;
};

int mr_sink_write_at(struct mr_sink *s, const void *buf, size_t n,
		     uint64_t offset, struct mreg_error *err);
int mr_sink_commit(struct mr_sink *s, struct mreg_error *err);
void mr_sink_abort(struct mr_sink *s); /* NULL does nothing */

/*
 * Wrap a store's raw sink so that commit proves `want`: bytes are hashed as
 * the contiguous frontier advances; what lies beyond it is remembered as
 * extents and read back when the frontier reaches it.  commit fails with
 * MREG_EINTEGRITY (and aborts `raw`) on a hole, a wrong size or a wrong
 * digest; a write past the wanted size fails at once.  Takes ownership of
 * `raw` even on failure.
 */
int mr_sink_verify(struct mr_sink *raw, const struct mreg_desc *want,
		   struct mr_sink **out, struct mreg_error *err);

/* Copy a whole stream into a sink from offset 0; does not commit.  `env` and
 * `label` report progress; both may be NULL. */
struct mr_env;
int mr_sink_fill(struct mr_sink *s, struct mr_stream *src, struct mr_env *env,
		 const char *label, struct mreg_error *err);

#endif

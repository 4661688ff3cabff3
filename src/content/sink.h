/*
 * content/sink.h - bytes that arrive, in any order, from several workers, and
 * count only once they are proven.
 *
 *   begin (a store's) -> write_at ... write_at -> commit | abort | keep
 *   or, with two threads sharing the work on each piece:
 *   begin -> enter -> (store | prove) ... -> commit | abort | keep
 *
 * Invariants
 * 1. commit succeeds only if all `size` bytes have been written and the sink's
 *    own hash over them equals the wanted digest; before that nobody sees the
 *    content.
 * 2. write_at may be called from several threads at once, never twice for
 *    the same byte (MREG_EINTERNAL); after a failure it may be repeated.
 *    read_at may run beside them, for bytes whose write has returned.
 * 3. commit, abort and keep are called once, by one thread, after all else
 *    returned; each frees the sink.
 * 4. A piece that was entered is stored once, from one buffer that does not
 *    change until both store and prove are done with it; what is proven and
 *    what is written are therefore the same bytes.  When storing a piece
 *    fails the whole sink has failed: its bytes may have been hashed already.
 */
#ifndef MR_CONTENT_SINK_H
#define MR_CONTENT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "content/spans.h"
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

	/* Optional. */

	/* As write_at, for bytes that are proven from memory: they are not
	 * read back, so they need not pass through the page cache. */
	int (*write_through)(struct mr_sink *s, const void *buf, size_t n,
			     uint64_t offset, struct mreg_error *err);
	/* Give up for now, and free: the next sink for this content may go on
	 * with what is written.  NULL: abort. */
	void (*keep)(struct mr_sink *s);
	/* What an earlier sink had kept, or a killed process had written: to be
	 * read back before it counts. */
	const struct mr_spans *(*left)(struct mr_sink *s);
};

struct mr_sink {
	const struct mr_sink_ops *ops;
};

int mr_sink_write_at(struct mr_sink *s, const void *buf, size_t n,
		     uint64_t offset, struct mreg_error *err);
int mr_sink_commit(struct mr_sink *s, struct mreg_error *err);
void mr_sink_abort(struct mr_sink *s); /* NULL does nothing */
void mr_sink_keep(struct mr_sink *s);
/* Abort or keep, as `why` says: what came is worth keeping when the network,
 * the other side, a full disk or the user was the reason, also when a source
 * sent something else than asked for: only the proof says that bytes are
 * wrong, and then commit has thrown them away. */
void mr_sink_give_up(struct mr_sink *s, const struct mreg_error *why);

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

/* -- of a verified sink only
 * ----------------------------------------------------- */

/*
 * Announce a piece.  `*in_order`: all before it is hashed, or will be by the
 * pieces that were in order before it; this one then has to be proven, with
 * mr_sink_prove and in the order of entering.  Others are read back once it is
 * their turn.  Either way the piece has to be stored.
 */
int mr_sink_enter(struct mr_sink *s, size_t n, uint64_t offset, bool *in_order,
		  struct mreg_error *err);
/* Write an entered piece; from any thread. */
int mr_sink_store(struct mr_sink *s, const void *buf, size_t n, uint64_t offset,
		  bool in_order, struct mreg_error *err);
/* Hash the next piece in order, whether it is stored yet or not, and then what
 * can be read back behind it.  One thread at a time. */
int mr_sink_prove(struct mr_sink *s, const void *buf, size_t n, uint64_t offset,
		  struct mreg_error *err);
/* Hash what is stored where the proof stands, by reading it back; for when a
 * piece out of order was stored. */
int mr_sink_catch_up(struct mr_sink *s, struct mreg_error *err);

/* It will be given up: whoever reads back what is stored stops soon. */
void mr_sink_stop(struct mr_sink *s);

/* The first range at or behind `from` that nobody has entered; false: none. */
bool mr_sink_hole(struct mr_sink *s, uint64_t from, struct mr_span *hole);
/* How many bytes an earlier sink left. */
uint64_t mr_sink_resumed(struct mr_sink *s);

/* Copy a stream to its end into a sink from `offset` on; does not commit.
 * `env` and `label` report progress; both may be NULL. */
struct mr_env;
int mr_sink_fill(struct mr_sink *s, struct mr_stream *src, uint64_t offset,
		 struct mr_env *env, const char *label, struct mreg_error *err);

#endif

/*
 * store/store.h - one repository of content: blobs by digest, manifests by
 * digest and tag.  Four kinds: remote (a registry), layout (an OCI image
 * layout on disk), files (a model's files as people see them), memory.
 *
 * Everything on disk or wire is a store, so push, pull and copy are one
 * engine with two ends.  The mr_store_* functions below are the only callers
 * of the table: verification and fallbacks live in store.c, once.
 *
 * Any function may be called from several threads on one store.  Nothing
 * here starts a thread.  How to open each kind is in store/kinds.h, which
 * this door includes.
 */
#ifndef MR_STORE_STORE_H
#define MR_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/limits.h"
#include "base/list.h"
#include "content/sink.h"
#include "content/stream.h"
#include "mreg/types.h"
#include "net/net.h"
#include "pack/pack.h"
#include "state/state.h"

struct mr_store;

/* A manifest or index exactly as it was stored. */
struct mr_doc {
	struct mreg_desc desc; /* type as served, digest and size computed */
	struct mr_buf bytes;
};
#define MR_DOC_INIT                                                            \
	{                                                                      \
		.bytes = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES)                    \
	}
void mr_doc_release(struct mr_doc *d); /* for MR_AUTO too */

/* `reference` below is a tag or the text of a digest; store.c has checked it
 * against the grammar. */
struct mr_store_ops {
	const char *kind; /* "memory", "layout", ...: for messages only */

	/* Required of every store. */
	int (*has)(struct mr_store *s, const struct mreg_desc *d, bool *found,
		   struct mreg_error *err);
	/* `length` bytes from `offset`, never open ended: an abandoned open
	 * range costs the server the rest.  Absent is MREG_ENOTFOUND. */
	int (*open)(struct mr_store *s, const struct mreg_desc *d,
		    uint64_t offset, uint64_t length, struct mr_stream **out,
		    struct mreg_error *err);
	void (*free)(struct mr_store *s);

	/* Writing; NULL in a read-only store.  One of `put` and `begin` is
	 * there; store.c makes the other's work of it. */

	/* Copy a blob that is known not to be here.  `from` may be opened as
	 * often as retries need.  `label` names it in progress events. */
	int (*put)(struct mr_store *s, const struct mreg_desc *d,
		   struct mr_store *from, const char *label,
		   struct mreg_error *err);
	/* Receive a blob out of order, from several workers; store.c wraps
	 * the raw sink in the proof.  `*out` NULL with 0: it is here already
	 * (another process finished it while we waited for its lock). */
	int (*begin)(struct mr_store *s, const struct mreg_desc *d,
		     struct mr_sink **out, struct mreg_error *err);
	/* Send content whose digest is not known yet, in one pass; `src` is
	 * a measuring stream, `m` complete once it was read to its end.  It
	 * stays the caller's: store.c closes it. */
	int (*put_stream)(struct mr_store *s, struct mr_stream *src,
			  uint64_t size, const struct mr_measure *m,
			  struct mreg_error *err);

	/* Optional; NULL where it makes no sense. */

	/* Take a blob over from another repository of the same store;
	 * `*done` false: not possible, nothing happened. */
	int (*mount)(struct mr_store *s, const struct mreg_desc *d,
		     const char *from_repository, bool *done,
		     struct mreg_error *err);
	/* Type, digest and size of a manifest, without its bytes. */
	int (*resolve)(struct mr_store *s, const char *reference,
		       struct mreg_desc *out, bool *found,
		       struct mreg_error *err);
	/* `out->desc` says what the store announced; store.c compares it with
	 * the bytes and fills what was not announced: digest NONE, size 0, type
	 * "" (then taken from the document). */
	int (*get)(struct mr_store *s, const char *reference,
		   struct mr_doc *out, bool *found, struct mreg_error *err);
	/* Write a manifest under its digest or a tag.  When the store says
	 * that blobs are missing: MREG_ECONFLICT, and their digests (as far as
	 * it names them) are added to `missing`. */
	int (*set)(struct mr_store *s, const char *reference,
		   const struct mreg_desc *d, const void *bytes,
		   struct mr_list *missing, struct mreg_error *err);
	/* MREG_EUNSUPPORTED where tags cannot be deleted (P-68); never takes
	 * more than this one tag with it. */
	int (*untag)(struct mr_store *s, const char *tag,
		     struct mreg_error *err);
	/* All tags, sorted; a repository that does not exist has `*found`
	 * false. */
	int (*tags)(struct mr_store *s, struct mr_list *out, bool *found,
		    struct mreg_error *err);
	/* Keep other processes from claiming numbers and moving tags until
	 * unlock (product.md 3.2: in a local store flock is the lock).  Not
	 * re-entrant; other calls may be made meanwhile. */
	int (*lock)(struct mr_store *s, struct mreg_error *err);
	void (*unlock)(struct mr_store *s);
	/* A blob or manifest of this store turned out to be wrong: set the hint
	 * that says how to mend it. */
	void (*damaged)(struct mr_store *s, const struct mreg_digest *digest,
			struct mreg_error *err);
};

struct mr_store {
	const struct mr_store_ops *ops;
	struct mr_env *env; /* borrowed */
	char *name;         /* owned; "ghcr.io/acme/churn", for messages */
	char *label; /* owned; `name` as its user would write it; NULL: so */
};

void mr_store_close(struct mr_store *s);   /* NULL does nothing */
void mr_store_closep(struct mr_store **s); /* for MR_AUTO */

/* -- blobs ----------------------------------------------------------------- */

int mr_store_has(struct mr_store *s, const struct mreg_desc *d, bool *found,
		 struct mreg_error *err);

/* The whole blob, verified: the last read fails rather than end on wrong
 * bytes (content/stream.h). */
int mr_store_open(struct mr_store *s, const struct mreg_desc *d,
		  struct mr_stream **out, struct mreg_error *err);
/* A part of it; not verified, and whoever shows what it read must say so. */
int mr_store_open_range(struct mr_store *s, const struct mreg_desc *d,
			uint64_t offset, uint64_t length,
			struct mr_stream **out, struct mreg_error *err);
/* A small blob into `out`, verified; its maximum is the limit. */
int mr_store_load(struct mr_store *s, const struct mreg_desc *d,
		  struct mr_buf *out, struct mreg_error *err);

/* Copy one blob; what it says it copied is proven.  Not asked again whether
 * it is there: the plan knows.  `label` NULL: no progress is told. */
int mr_store_put(struct mr_store *s, const struct mreg_desc *d,
		 struct mr_store *from, const char *label,
		 struct mreg_error *err);
int mr_store_put_bytes(struct mr_store *s, const struct mreg_desc *d,
		       const void *bytes, struct mreg_error *err);
/* Send `src` (taken, even on failure) of `size` bytes; `m` says what it was. */
int mr_store_put_stream(struct mr_store *s, struct mr_stream *src,
			uint64_t size, const char *label, struct mr_measure *m,
			struct mreg_error *err);
/* Whether put_stream is there and sensible for this store. */
bool mr_store_streams(const struct mr_store *s);
/* A verified sink; `*out` NULL with 0 as in the table. */
int mr_store_begin(struct mr_store *s, const struct mreg_desc *d,
		   struct mr_sink **out, struct mreg_error *err);
int mr_store_mount(struct mr_store *s, const struct mreg_desc *d,
		   const char *from_repository, bool *done,
		   struct mreg_error *err);

/* -- manifests and tags: MREG_EUNSUPPORTED in a files store -----------------
 */

int mr_store_resolve(struct mr_store *s, const char *reference,
		     struct mreg_desc *out, bool *found,
		     struct mreg_error *err);
/* Digest and size of what was received are checked against `reference` (when
 * a digest) and against what the store announced. */
int mr_store_get(struct mr_store *s, const char *reference, struct mr_doc *out,
		 bool *found, struct mreg_error *err);
int mr_store_set(struct mr_store *s, const char *reference,
		 const struct mreg_desc *d, const void *bytes,
		 struct mr_list *missing, struct mreg_error *err);
int mr_store_untag(struct mr_store *s, const char *tag, struct mreg_error *err);
int mr_store_tags(struct mr_store *s, struct mr_list *out, bool *found,
		  struct mreg_error *err);
/* 0 at once where a store has no lock. */
int mr_store_lock(struct mr_store *s, struct mreg_error *err);
void mr_store_unlock(struct mr_store *s);

/* Report the bytes of `src` as progress of `label` (NULL: not at all); takes
 * `src`, even on failure. */
int mr_stream_progress(struct mr_stream *src, struct mr_env *env,
		       const char *label, struct mr_stream **out,
		       struct mreg_error *err);

#include "store/kinds.h"

#endif

/*
 * store/store.h - one repository of content: blobs by digest, manifests by
 * digest and tag.  Five kinds: remote (a registry), layout (an OCI image
 * layout on disk), archive (one in a tar file), files (a model's files as
 * people see them), memory.
 *
 * Everything on disk or wire is a store, so push, pull and copy are one
 * engine with two ends.  The mr_store_* functions below are the only callers
 * of the table: verification and fallbacks live in store.c, once.
 *
 * Any function may be called from several threads on one store.  Nothing
 * here starts a thread.  How to open each kind is in store/kinds.h, and the
 * table in store/table.h, which this door includes.
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
#include "content/reader.h"
#include "content/sink.h"
#include "content/stream.h"
#include "mreg/types.h"
#include "net/net.h"
#include "oci/oci.h"
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

/* Who names a manifest as its subject. */
struct mr_referrers {
	struct mr_arena *arena; /* owned; NULL while empty */
	struct mr_descriptor *items;
	size_t count;
};
#define MR_REFERRERS_INIT                                                      \
	{                                                                      \
		.arena = NULL                                                  \
	}
void mr_referrers_release(struct mr_referrers *r); /* for MR_AUTO too */

#include "store/table.h"

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
/*
 * Any part of it, as often as wanted, by ranged requests that read a little
 * ahead; not verified either.  `s` must outlive it; for one thread at a time.
 * When it is read: MREG_EUNSUPPORTED, far behind the start of a blob in a
 * registry that does no ranges; MREG_ELIMIT, when more would have to be taken
 * than MR_READER_MAX_BYTES, or asked of one that is far than
 * MR_READER_MAX_REQUESTS, for what is read may have been made to cost that.
 */
int mr_store_reader(struct mr_store *s, const struct mreg_desc *d,
		    struct mr_reader **out, struct mreg_error *err);
/* Whether a request costs something: of a registry, not of a store here. */
bool mr_store_is_far(const struct mr_store *s);
/* What one of these has taken so far. */
struct mr_reader_cost {
	uint64_t bytes, requests;
};
void mr_store_reader_cost(struct mr_reader *r, struct mr_reader_cost *out);
/* Make the limits of one of these smaller; larger ones stay as they are. */
void mr_store_reader_bound(struct mr_reader *r,
			   const struct mr_reader_cost *most);
/* The largest header of a file that is honest has some 10 MiB, and a graph a
 * few hundred tensors to be jumped over. */
#define MR_READER_MAX_BYTES (UINT64_C(64) << 20)
#define MR_READER_MAX_REQUESTS UINT64_C(1024)
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
/* Content `index` of a source that has some whose digest may not be known:
 * files as they were scanned, layers that are made of them.  Not verified. */
int mr_store_open_item(struct mr_store *s, size_t index, struct mr_stream **out,
		       struct mreg_error *err);
/* It has this digest from now on, and can be opened by it. */
void mr_store_learn(struct mr_store *s, size_t index,
		    const struct mreg_digest *digest);
/* Send `src` (taken, even on failure) of `size` bytes; `m` says what it was. */
int mr_store_put_stream(struct mr_store *s, struct mr_stream *src,
			uint64_t size, const char *label, struct mr_measure *m,
			struct mreg_error *err);
/* Whether put_stream is there and sensible for this store. */
bool mr_store_streams(const struct mr_store *s);
/* A verified sink; `*out` NULL with 0 as in the table. */
int mr_store_begin(struct mr_store *s, const struct mreg_desc *d,
		   struct mr_sink **out, struct mreg_error *err);
/* Commit a sink of `s` (freed either way) that was filled from `from`; an error
 * says whose fault it was. */
int mr_store_finish(struct mr_store *s, const struct mreg_desc *d,
		    struct mr_store *from, struct mr_sink *sink,
		    struct mreg_error *err);
/* Whether blobs get here through sinks, not by put. */
bool mr_store_sinks(const struct mr_store *s);
/* Whether asking for ranges of a blob side by side makes sense, still. */
bool mr_store_ranges(struct mr_store *s);
int mr_store_mount(struct mr_store *s, const struct mreg_desc *d,
		   const char *from_repository, bool *done,
		   struct mreg_error *err);
/* The blob's own file, open for reading, the caller's to close; `*fd` -1 with 0
 * where it is not in a file of its own.  Its bytes are not proven. */
int mr_store_file(struct mr_store *s, const struct mreg_desc *d, int *fd,
		  struct mreg_error *err);

/* -- manifests and tags: MREG_EUNSUPPORTED in a files store -----------------
 */

int mr_store_resolve(struct mr_store *s, const char *reference,
		     struct mreg_desc *out, bool *found,
		     struct mreg_error *err);
/* The same of a tag that had `was` (NONE: nothing), for less where ETags are
 * digests (304: D-41); `*same`: it has that still, and `out` is as it was. */
int mr_store_still(struct mr_store *s, const char *tag,
		   const struct mreg_digest *was, struct mreg_desc *out,
		   bool *found, bool *same, struct mreg_error *err);
/* Digest and size of what was received are checked against `reference` (when
 * a digest) and against what the store announced. */
int mr_store_get(struct mr_store *s, const char *reference, struct mr_doc *out,
		 bool *found, struct mreg_error *err);
/* Of MREG_EINTEGRITY from resolve and get: `sys` of what is in the store, but
 * which the store itself cannot read, and never will. */
#define MR_HOLLOW_STATUS 500
bool mr_store_hollow(int rc, const struct mreg_error *err);
int mr_store_set(struct mr_store *s, const char *reference,
		 const struct mreg_desc *d, const void *bytes,
		 struct mr_list *missing, struct mreg_error *err);
int mr_store_tags(struct mr_store *s, struct mr_list *out, bool *found,
		  struct mreg_error *err);
/*
 * Manifests whose subject is `subject`, sorted by digest, at most
 * MR_REFERRERS_MAX (MREG_ELIMIT); `artifact_type` NULL: all.  What a store
 * lists is not believed: who needs more than the descriptor gets the manifest.
 * A store without referrers of its own has none.  Where a registry has no
 * referrers API the fallback tag is read (P-71, P-73); mr_store_set keeps it
 * when it writes a manifest with a subject.
 */
int mr_store_referrers(struct mr_store *s, const struct mreg_digest *subject,
		       const char *artifact_type, struct mr_referrers *out,
		       struct mreg_error *err);
/* Whether it has a lock, so that one writer at a time is at it. */
bool mr_store_locks(const struct mr_store *s);
/* 0 at once where a store has no lock. */
int mr_store_lock(struct mr_store *s, struct mreg_error *err);
void mr_store_unlock(struct mr_store *s);
/* Where the writers of one fallback tag on this machine lock each other out
 * (P-72): a folder, made when it is needed; borrowed.  NULL, or one that cannot
 * be used: they do not.  Other stores than a registry do not mind. */
void mr_remote_lock_folder(struct mr_store *s, const char *folder);

/* Report the bytes of `src` as progress of `label` (NULL: not at all); takes
 * `src`, even on failure. */
int mr_stream_progress(struct mr_stream *src, struct mr_env *env,
		       const char *label, struct mr_stream **out,
		       struct mreg_error *err);

#include "store/kinds.h"
#include "store/remove.h"

#endif

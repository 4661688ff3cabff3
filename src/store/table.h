/*
 * store/table.h - what a kind of store implements; a part of the door
 * store/store.h, which includes it.
 */
#ifndef MR_STORE_TABLE_H
#define MR_STORE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "content/sink.h"
#include "content/stream.h"
#include "mreg/types.h"

struct mr_doc;
struct mr_env;
struct mr_referrers;
struct mr_state;
struct mr_store;
struct mr_sweep;

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

	/* What its digest is not known of yet, by its index; and that it is
	 * known now, so that `open` finds it.  Both or none. */
	int (*open_item)(struct mr_store *s, size_t index,
			 struct mr_stream **out, struct mreg_error *err);
	void (*learn)(struct mr_store *s, size_t index,
		      const struct mreg_digest *digest);
	/* Whether several ranges of a blob at once may be faster than one:
	 * false once they turned out not to work. */
	bool (*ranges)(struct mr_store *s);
	/* Take a blob over from another repository of the same store;
	 * `*done` false: not possible, nothing happened. */
	int (*mount)(struct mr_store *s, const struct mreg_desc *d,
		     const char *from_repository, bool *done,
		     struct mreg_error *err);
	/* Type, digest and size of a manifest, without its bytes. */
	int (*resolve)(struct mr_store *s, const char *reference,
		       struct mreg_desc *out, bool *found,
		       struct mreg_error *err);
	/* The same of a tag that had `was`, where a store that still has that
	 * can say so for less: `*same`, and `out` is left as it is. */
	int (*still)(struct mr_store *s, const char *tag,
		     const struct mreg_digest *was, struct mreg_desc *out,
		     bool *found, bool *same, struct mreg_error *err);
	/* `out->desc` says what the store announced; store.c compares it with
	 * the bytes and fills what was not announced: digest NONE, size 0, type
	 * "" (then taken from the document). */
	int (*get)(struct mr_store *s, const char *reference,
		   struct mr_doc *out, bool *found, struct mreg_error *err);
	/* Write a manifest under its digest or a tag.  When the store says
	 * that blobs are missing: MREG_ECONFLICT, and their digests (where it
	 * names none, all that the manifest names) are added to `missing`. */
	int (*set)(struct mr_store *s, const char *reference,
		   const struct mreg_desc *d, const void *bytes,
		   struct mr_list *missing, struct mreg_error *err);
	/* MREG_EUNSUPPORTED where tags cannot be deleted (P-68); never takes
	 * more than this one tag with it. */
	int (*untag)(struct mr_store *s, const char *tag,
		     struct mreg_error *err);
	/* Let a manifest not be found by its digest any more; MREG_ENOTFOUND,
	 * MREG_EUNSUPPORTED.  A registry takes its tags along (P-68). */
	int (*remove)(struct mr_store *s, const struct mreg_digest *digest,
		      struct mreg_error *err);
	/* Remove the blobs that nothing names; under the lock. */
	int (*sweep)(struct mr_store *s, struct mr_sweep *sweep,
		     struct mreg_error *err);
	/* All tags, sorted; a repository that does not exist has `*found`
	 * false. */
	int (*tags)(struct mr_store *s, struct mr_list *out, bool *found,
		    struct mreg_error *err);
	/* Add to `out` (whose arena store.c made) a descriptor, with artifact
	 * type and annotations as far as they are told, for every manifest that
	 * names `subject`; each digest once, the order is store.c's matter.
	 * None is 0.  `artifact_type` (NULL: all) is a hint: store.c filters
	 * (P-74). */
	int (*referrers)(struct mr_store *s, const struct mreg_digest *subject,
			 const char *artifact_type, struct mr_referrers *out,
			 struct mreg_error *err);
	/* An open file, whole and at offset 0, that has this blob's bytes as
	 * far as is known without reading it: for reflinks.  MREG_ENOTFOUND,
	 * silently tried, where it is not in a file of its own. */
	int (*file)(struct mr_store *s, const struct mreg_desc *d, int *fd,
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
	struct mr_state *marks;   /* borrowed; where writes are noted; NULL */
	_Atomic int64_t marked_s; /* the last note */
};

#endif

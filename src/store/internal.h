/*
 * store/internal.h - what the stores on disk and in memory share.  Private to
 * store.
 */
#ifndef MR_STORE_INTERNAL_H
#define MR_STORE_INTERNAL_H

#include <stdbool.h>

#include "oci/oci.h"
#include "store/store.h"

/* Let the errors of `src`, which reads `d` from `s`, say so.  Takes `src` even
 * on failure; `s` must outlive the stream. */
int mr_stream_name(struct mr_stream *src, struct mr_store *s,
		   const struct mreg_desc *d, struct mr_stream **out,
		   struct mreg_error *err);

/*
 * Put in front of `err` what could not be done ("cannot open") to which
 * content of which store; returns `rc`.  What is not about the store
 * (interrupted, out of memory) stays as it is.
 */
int mr_store_explain(struct mr_store *s, const char *what,
		     const struct mreg_digest *digest, int rc,
		     struct mreg_error *err);

/*
 * Whether everything is here that the manifest is made of: config and layers
 * (product.md 5.1: a version under its tag has all its blobs).  A subject and
 * an index's children may be elsewhere.  MREG_ECONFLICT, with the digests in
 * `missing` (may be NULL), when not.
 */
int mr_store_need_blobs(struct mr_store *s, const struct mr_manifest *m,
			struct mr_list *missing, struct mreg_error *err);

/* A blob like any other, once what it names is there, for tables that keep it
 * as one; `*out` is the caller's to free. */
int mr_store_keep_manifest(struct mr_store *s, const struct mreg_desc *d,
			   const void *bytes, struct mr_manifest **out,
			   struct mr_list *missing, struct mreg_error *err);
/* The failure of a tag whose manifest was not got: it is larger than any may
 * be (MREG_ELIMIT), or not in the store of that `kind` (MREG_ENOTFOUND). */
int mr_store_fail_tag(const char *tag, const struct mreg_desc *d,
		      const char *kind, const char *name, const char *hint,
		      struct mreg_error *err);

/* -- referrers.c: for the tables' `referrers` -------------------------------
 */

/* Make what can be added to; mr_store_referrers has done so for the tables. */
int mr_referrers_begin(struct mr_referrers *r, struct mreg_error *err);
/* Strings are copied.  MREG_ELIMIT beyond MR_REFERRERS_MAX. */
int mr_referrers_add(struct mr_referrers *r, const struct mr_descriptor *d,
		     struct mreg_error *err);
/* A manifest as a listing tells of it (P-71): with its artifact type, or its
 * config's, and all annotations; borrowed from `m`. */
void mr_referrers_describe(const struct mr_manifest *m,
			   struct mr_descriptor *out);
/* Whether it is of the type; NULL: any. */
bool mr_referrers_want(const struct mr_descriptor *d,
		       const char *artifact_type);
/* Add the manifest if it names `subject` and is of the type. */
int mr_referrers_look(struct mr_referrers *r, const struct mr_manifest *m,
		      const struct mreg_digest *subject,
		      const char *artifact_type, struct mreg_error *err);

/* The tag that lists who refers to `subject` where nobody else does: its
 * algorithm, '-', and at most 64 hex digits (distribution-spec, "Referrers Tag
 * Schema").  Returns `out`. */
#define MR_FALLBACK_TAG_BYTES 80
const char *mr_fallback_tag(const struct mreg_digest *subject,
			    char out[MR_FALLBACK_TAG_BYTES]);

/* mark.c: a manifest or tag is about to be written, or was. */
void mr_store_note(struct mr_store *s);

/* What a part's sink reads back; `name` for messages. */
ssize_t mr_part_read(int fd, void *buf, size_t n, uint64_t offset,
		     const char *name, struct mreg_error *err);

#endif

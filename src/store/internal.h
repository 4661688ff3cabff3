/*
 * store/internal.h - what the stores on disk and in memory share.  Private to
 * store.
 */
#ifndef MR_STORE_INTERNAL_H
#define MR_STORE_INTERNAL_H

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

/* What a part's sink reads back; `name` for messages. */
ssize_t mr_part_read(int fd, void *buf, size_t n, uint64_t offset,
		     const char *name, struct mreg_error *err);

#endif

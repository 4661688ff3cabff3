/*
 * store/remote_manifest.h - manifests and tags of a registry; a part of
 * store/remote.h, which includes it.
 */
#ifndef MR_STORE_REMOTE_MANIFEST_H
#define MR_STORE_REMOTE_MANIFEST_H

#include "store/store.h"

struct mr_remote;

/* For the table. */
int mr_remote_resolve(struct mr_store *s, const char *reference,
		      struct mreg_desc *out, bool *found,
		      struct mreg_error *err);
int mr_remote_still(struct mr_store *s, const char *tag,
		    const struct mreg_digest *was, struct mreg_desc *out,
		    bool *found, bool *same, struct mreg_error *err);
int mr_remote_get(struct mr_store *s, const char *reference, struct mr_doc *out,
		  bool *found, struct mreg_error *err);
int mr_remote_set(struct mr_store *s, const char *reference,
		  const struct mreg_desc *d, const void *bytes,
		  struct mr_list *missing, struct mreg_error *err);
/* The writing in mr_remote_set: nothing is done about a subject.  `*subject`
 * (may be NULL) is what the registry says it took for one, else NONE. */
int mr_remote_write(struct mr_remote *r, const char *reference,
		    const struct mreg_desc *d, const void *bytes,
		    struct mr_list *missing, struct mreg_digest *subject,
		    struct mreg_error *err);

#endif

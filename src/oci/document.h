/*
 * oci/document.h - what reading and writing of documents share.  Private to
 * oci.
 */
#ifndef MR_OCI_DOCUMENT_H
#define MR_OCI_DOCUMENT_H

#include <stddef.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mreg/types.h"
#include "oci/oci.h"

/* Append `,"annotations":{...}` in the order given. */
void mr_annotations_write(const struct mreg_pair *items, size_t n,
			  struct mr_buf *out);

/* All of a descriptor but its last brace. */
void mr_descriptor_begin(const struct mr_descriptor *d, struct mr_buf *out);

/*
 * Fill `out` from the parsed JSON; strings are copied into the arena.  `what`
 * names the place in messages.  A full arena shows only at the end
 * (mr_arena_failed).
 */
int mr_annotations_read(struct mr_arena *arena, const json_t *object,
			const char *what, struct mr_annotations *out,
			struct mreg_error *err);
int mr_descriptor_read(struct mr_arena *arena, const json_t *j,
		       const char *what, struct mr_descriptor *out,
		       struct mreg_error *err);

/* Optional string of `object`, copied; `*out` stays NULL when absent. */
int mr_string_read(struct mr_arena *arena, const json_t *object,
		   const char *key, const char *what, const char **out,
		   struct mreg_error *err);

#endif

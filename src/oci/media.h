/*
 * oci/media.h - what a manifest's media type says about its shape.  Private
 * to oci.
 */
#ifndef MR_OCI_MEDIA_H
#define MR_OCI_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

struct mr_manifest_type {
	const char *name;
	bool is_index;
};

/* The type that the `n` bytes name, in any case; NULL if none that can be
 * read. */
const struct mr_manifest_type *mr_manifest_type_get(const char *media_type,
						    size_t n);

#endif

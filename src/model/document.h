/*
 * model/document.h - the parts a version's documents are written from.
 */
#ifndef MR_MODEL_DOCUMENT_H
#define MR_MODEL_DOCUMENT_H

#include "model/meta.h"

/* A file with its role, in the order of layers. */
struct mr_entry {
	const struct mr_model_file *file; /* borrowed */
	enum mr_role role;
};

/* config.c: the config's bytes, compact, keys in the order of spec/model.md. */
void mr_config_write(const struct mr_meta *meta, const char *name,
		     const struct mr_entry *entries, size_t n,
		     struct mr_buf *out);

/* annotation.c: the manifest's annotations, in any order; in `arena`. */
int mr_annotations_of(const struct mr_meta *meta, const char *name,
		      const struct mreg_digest *fileset, struct mr_arena *arena,
		      struct mr_annotations *out, struct mreg_error *err);

#endif

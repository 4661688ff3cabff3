/*
 * format/format.h - what the files of a model say about themselves: weights
 * read at random offsets (format/facts.h), names.  Nothing is executed, no
 * length is trusted.
 */
#ifndef MR_FORMAT_FORMAT_H
#define MR_FORMAT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/list.h"
#include "content/reader.h"

#include "format/facts.h"

/*
 * Look whether `r` has a complete and consistent safetensors or GGUF header,
 * big-endian GGUF too (H60, H62: lengths, offsets inside the file, no holes or
 * overlaps, known dtypes, no overflow; a header larger than
 * MR_FORMAT_HEADER_MAX_BYTES is not parsed and counts as unknown).  `*out` is
 * MR_FORMAT_UNKNOWN for everything else; only reading trouble is an error.
 */
int mr_format_header(struct mr_reader *r, enum mr_format *out,
		     struct mreg_error *err);

/* ModelPack's name for a weight file by its extension ("safetensors", "gguf",
 * "onnx", "pytorch", ...), or NULL. */
const char *mr_format_by_name(const char *path);

/* Whether a file's first bytes (all of it, when under 1 KiB) are a git-lfs
 * pointer: the real content was never fetched. */
bool mr_format_is_lfs_pointer(const void *head, size_t n);

/* "model.safetensors.index.json", "pytorch_model.bin.index.json", ...: the
 * kind of file that names shards. */
bool mr_format_is_shard_index(const char *path);
/* Names of the shards (each once, sorted), relative to the index's folder.
 * MREG_EFORMAT if it is no such document; `what` names it. */
int mr_format_shards(const void *bytes, size_t n, const char *what,
		     struct mr_list *out, struct mreg_error *err);

/* Which shard an index says a tensor is in. */
struct mr_shard_row {
	const char *shard, *tensor;
};

/* All that it says, by shard, then tensor; texts and rows in the arena, which
 * MR_SHARD_ROWS_MAX_BYTES are enough for.  Errors as above. */
int mr_format_shard_rows(const void *bytes, size_t n, const char *what,
			 struct mr_arena *a, struct mr_shard_row **out,
			 size_t *count, struct mreg_error *err);
#define MR_SHARD_ROWS_MAX_BYTES (8u * MR_SHARD_INDEX_MAX_BYTES)

#endif

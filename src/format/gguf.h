/*
 * format/gguf.h - what the parts of the GGUF reader share; private to it.
 */
#ifndef MR_FORMAT_GGUF_H
#define MR_FORMAT_GGUF_H

#include <stdbool.h>
#include <stdint.h>

#include "format/read.h"

/* ggml, docs/gguf.md: types of values. */
enum mr_gguf_kind {
	MR_GGUF_UINT8 = 0,
	MR_GGUF_INT8,
	MR_GGUF_UINT16,
	MR_GGUF_INT16,
	MR_GGUF_UINT32,
	MR_GGUF_INT32,
	MR_GGUF_FLOAT32,
	MR_GGUF_BOOL,
	MR_GGUF_STRING,
	MR_GGUF_ARRAY,
	MR_GGUF_UINT64,
	MR_GGUF_INT64,
	MR_GGUF_FLOAT64,
	MR_GGUF_KIND_COUNT,
};

/* Bytes of a value; 0 for strings and arrays. */
unsigned int mr_gguf_kind_bytes(enum mr_gguf_kind kind);

/* Tensors come in blocks of so many elements and bytes. */
struct mr_gguf_type {
	const char *name; /* "Q4_K" */
	unsigned short elements, bytes;
};
/* By ggml's number; NULL: unknown, or removed. */
const struct mr_gguf_type *mr_gguf_type(uint32_t number);

/* "Q4_K_M" for a general.file_type; NULL: not quantized, or unknown. */
const char *mr_gguf_quantization(uint64_t file_type);

struct mr_gguf_value {
	enum mr_gguf_kind kind;
	uint64_t bits;           /* of a scalar */
	const char *text;        /* of a string, kept */
	enum mr_gguf_kind inner; /* of an array */
	uint64_t count;          /* elements of an array */
};

/* Take over one pair; `key` ends with NUL. */
void mr_gguf_note(struct mr_cursor *c, struct mr_facts *f, const char *key,
		  const struct mr_gguf_value *v);
/* What only all pairs and tensors together tell. */
void mr_gguf_conclude(struct mr_cursor *c, struct mr_facts *f);

#endif

/*
 * format/check.h - whether a file is whole, without what it says; private to
 * the folder.
 */
#ifndef MR_FORMAT_CHECK_H
#define MR_FORMAT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "content/reader.h"

/* `*valid`: whether the header is complete and consistent.  Only reading
 * trouble and lack of memory are errors. */
int mr_safetensors_check(struct mr_reader *r, bool *valid,
			 struct mreg_error *err);
int mr_gguf_check(struct mr_reader *r, bool *valid, struct mreg_error *err);

/* The length of a header and the brace it begins with. */
#define MR_SAFETENSORS_HEAD_BYTES 9
/* Whether a file of `size` bytes that begins with the `n` of `head` can be
 * safetensors: it has no magic, but a length and a brace. */
bool mr_safetensors_begins(const unsigned char *head, size_t n, uint64_t size);

#endif

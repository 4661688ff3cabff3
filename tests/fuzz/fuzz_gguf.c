/*
 * fuzz_gguf.c - the verdict is the same however the bytes are read, and
 * nothing can hide behind a valid file.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/format.h"

#define PADDING_MAX (2u << 20)

/* Gives a few bytes at a time. */
struct slow {
	struct mr_reader base;
	const uint8_t *data;
};

static ssize_t slow_read(struct mr_reader *r, void *buf, size_t n,
			 uint64_t offset, struct mreg_error *err)
{
	struct slow *s = mr_container_of(r, struct slow, base);
	size_t left = offset < r->size ? (size_t)(r->size - offset) : 0;

	(void)err;
	n = n < left ? n : left;
	n = n < 7 ? n : 7;
	if (n)
		memcpy(buf, s->data + offset, n);
	return (ssize_t)n;
}

static void slow_close(struct mr_reader *r)
{
	(void)r;
}

static enum mr_format judge(const uint8_t *data, size_t size)
{
	static const struct mr_reader_ops ops = { .read_at = slow_read,
						  .close = slow_close };
	struct slow s = { .base = { .ops = &ops, .size = size }, .data = data };
	struct mreg_error err = MREG_ERROR_INIT;
	enum mr_format f;

	assert(mr_format_header(&s.base, &f, &err) == 0);
	return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_reader *r = NULL;
	enum mr_format f;
	uint8_t *longer;

	if (mr_reader_memory(data, size, &r, &err) < 0)
		return 0;
	assert(mr_format_header(r, &f, &err) == 0); /* memory never fails */
	mr_reader_close(r);
	assert(judge(data, size) == f);
	if (f != MR_FORMAT_GGUF)
		return 0;
	/* More than the largest padding. */
	longer = calloc(1, size + PADDING_MAX);
	if (!longer)
		return 0;
	memcpy(longer, data, size);
	assert(judge(longer, size + PADDING_MAX) == MR_FORMAT_UNKNOWN);
	free(longer);
	return 0;
}

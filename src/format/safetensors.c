/*
 * safetensors.c - is this a safetensors file?
 *
 * Eight bytes of length (little endian), a JSON object of that length, the
 * tensors' bytes.  What must hold is what huggingface/safetensors checks when
 * it opens a file (safetensors/src/tensor.rs, read_metadata and validate;
 * security.md 3.4): offsets run on from 0 without holes or overlaps, agree
 * with dtype and shape, and end where the file ends.
 */
#include "format/check.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

/* The library's own limit is 100,000,000; ours is smaller (format.h). */
#define HEADER_MAX_BYTES MR_FORMAT_HEADER_MAX_BYTES

struct dtype {
	const char *name;
	unsigned int bits;
};

/* safetensors 0.8.0. */
static const struct dtype dtypes[] = {
	{ "BOOL", 8 },        { "F4", 4 },          { "F6_E2M3", 6 },
	{ "F6_E3M2", 6 },     { "U8", 8 },          { "I8", 8 },
	{ "F8_E5M2", 8 },     { "F8_E4M3", 8 },     { "F8_E8M0", 8 },
	{ "F8_E4M3FNUZ", 8 }, { "F8_E5M2FNUZ", 8 }, { "I16", 16 },
	{ "U16", 16 },        { "F16", 16 },        { "BF16", 16 },
	{ "I32", 32 },        { "U32", 32 },        { "F32", 32 },
	{ "C64", 64 },        { "F64", 64 },        { "I64", 64 },
	{ "U64", 64 },
};

struct span {
	uint64_t begin, end; /* from where the tensors begin */
};

static unsigned int bits_of(const char *name)
{
	size_t i;

	for (i = 0; i < MR_COUNT(dtypes); i++)
		if (strcmp(dtypes[i].name, name) == 0)
			return dtypes[i].bits;
	return 0;
}

static bool get_u64(const json_t *j, uint64_t *out)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return false;
	*out = (uint64_t)json_integer_value(j);
	return true;
}

/* Bytes of a tensor, from its shape; false on overflow or half a byte. */
static bool measure(const json_t *shape, unsigned int bits, uint64_t *out)
{
	uint64_t n = 1;
	uint64_t dim;
	size_t i;

	for (i = 0; i < json_array_size(shape); i++)
		if (!get_u64(json_array_get(shape, i), &dim) ||
		    __builtin_mul_overflow(n, dim, &n))
			return false;
	if (__builtin_mul_overflow(n, (uint64_t)bits, &n) || n % 8)
		return false;
	*out = n / 8;
	return true;
}

static bool read_tensor(const json_t *tensor, struct span *out)
{
	const json_t *shape = json_object_get(tensor, "shape");
	const json_t *offsets = json_object_get(tensor, "data_offsets");
	const char *dtype = json_string_value(json_object_get(tensor, "dtype"));
	uint64_t bytes;

	return dtype && bits_of(dtype) && json_is_array(shape) &&
	       json_is_array(offsets) && json_array_size(offsets) == 2 &&
	       get_u64(json_array_get(offsets, 0), &out->begin) &&
	       get_u64(json_array_get(offsets, 1), &out->end) &&
	       measure(shape, bits_of(dtype), &bytes) &&
	       out->begin <= out->end && out->end - out->begin == bytes;
}

static bool is_metadata(json_t *j)
{
	const char *key;
	json_t *value;

	if (!json_is_object(j))
		return false;
	json_object_foreach(j, key, value)
	{
		if (!json_is_string(value))
			return false;
	}
	return true;
}

static int by_begin(const void *a, const void *b)
{
	const struct span *x = a;
	const struct span *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return 0;
}

static int check_tensors(json_t *header, uint64_t size, bool *valid,
			 struct mreg_error *err)
{
	MR_AUTO(mr_free) struct span *spans = NULL;
	const char *name;
	json_t *value;
	uint64_t end = 0;
	size_t n = 0;
	size_t i;

	spans = mr_array(json_object_size(header), sizeof(*spans));
	if (!spans)
		return mr_fail_nomem(err);
	json_object_foreach(header, name, value)
	{
		if (strcmp(name, "__metadata__") == 0
			    ? !is_metadata(value)
			    : !read_tensor(value, &spans[n++]))
			return 0;
	}
	qsort(spans, n, sizeof(*spans), by_begin);
	for (i = 0; i < n; i++) {
		if (spans[i].begin != end)
			return 0;
		end = spans[i].end;
	}
	*valid = end == size;
	return 0;
}

static uint64_t little_endian(const unsigned char *p)
{
	uint64_t n = 0;
	int i;

	for (i = 7; i >= 0; i--)
		n = n << 8 | p[i];
	return n;
}

int mr_safetensors_check(struct mr_reader *r, bool *valid,
			 struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	MR_AUTO(mr_json_freep) json_t *header = NULL;
	MR_AUTO(mr_free) char *text = NULL;
	unsigned char head[9];
	uint64_t len;
	int rc;

	*valid = false;
	/* "{}" is the shortest header. */
	if (r->size < 10)
		return 0;
	rc = mr_reader_need_at(r, head, sizeof(head), 0, err);
	if (rc < 0)
		return rc;
	len = little_endian(head);
	if (len < 2 || len > HEADER_MAX_BYTES || len > r->size - 8 ||
	    head[8] != '{')
		return 0;
	text = mr_alloc((size_t)len);
	if (!text)
		return mr_fail_nomem(err);
	rc = mr_reader_need_at(r, text, (size_t)len, 8, err);
	if (rc < 0)
		return rc;
	rc = mr_json_parse(text, (size_t)len, HEADER_MAX_BYTES,
			   "safetensors header", &header, &why);
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc < 0)
		return 0;
	return check_tensors(header, r->size - 8 - len, valid, err);
}

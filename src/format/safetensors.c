/*
 * safetensors.c - the header of a safetensors file: whether it is right, and
 * what it says.
 *
 * Eight bytes of length (little endian), a JSON object of that length, the
 * tensors' bytes.  What must hold is what huggingface/safetensors checks when
 * it opens a file (safetensors/src/tensor.rs, read_metadata and validate;
 * security.md 3.4): offsets run on from 0 without holes or overlaps, agree
 * with dtype and shape, and end where the file ends.
 */
#include "format/read.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/check.h"

/* The library's own limit. */
#define FORMAT_MAX_BYTES UINT64_C(100000000)
/*
 * Ours, where facts are wanted: 60,000 tensors, or the training data's tags
 * that some tools write into the metadata.  What is parsed takes twenty times
 * as much memory at worst.
 */
#define FACTS_MAX_BYTES (8u << 20)
#define SHOWN 120

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

struct tensor {
	const char *name;          /* borrowed from the header */
	const json_t *shape;       /* borrowed from the header */
	const struct dtype *dtype; /* static */
	uint64_t elements;
	uint64_t begin, end; /* from where the tensors begin */
};

static const struct dtype *dtype_of(const char *name)
{
	size_t i;

	for (i = 0; i < MR_COUNT(dtypes); i++)
		if (strcmp(dtypes[i].name, name) == 0)
			return &dtypes[i];
	return NULL;
}

/* What is wrong with a tensor; `more` may be "". */
static bool blame(struct mr_cursor *c, const char *name, const char *what,
		  const char *more)
{
	char shown[SHOWN];

	mr_cursor_fail(c, "tensor '%s' %s%s",
		       mr_text_safe(name, shown, sizeof(shown)), what, more);
	return false;
}

static bool get_u64(const json_t *j, uint64_t *out)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return false;
	*out = (uint64_t)json_integer_value(j);
	return true;
}

/* Elements and bytes of a tensor, from its shape. */
static bool measure(struct mr_cursor *c, struct tensor *t, uint64_t *bytes)
{
	uint64_t bits;
	uint64_t dim;
	size_t i;

	t->elements = 1;
	for (i = 0; i < json_array_size(t->shape); i++) {
		if (!get_u64(json_array_get(t->shape, i), &dim))
			return blame(c, t->name,
				     "has a dimension that is no size", "");
		if (__builtin_mul_overflow(t->elements, dim, &t->elements))
			return blame(c, t->name,
				     "has more elements than can be counted",
				     "");
	}
	if (__builtin_mul_overflow(t->elements, (uint64_t)t->dtype->bits,
				   &bits))
		return blame(c, t->name, "has more bits than can be counted",
			     "");
	if (bits % 8)
		return blame(c, t->name, "ends within a byte", "");
	*bytes = bits / 8;
	return true;
}

static bool read_offsets(struct mr_cursor *c, const json_t *offsets,
			 uint64_t bytes, struct tensor *t)
{
	char shown[SHOWN];

	if (json_array_size(offsets) != 2 ||
	    !get_u64(json_array_get(offsets, 0), &t->begin) ||
	    !get_u64(json_array_get(offsets, 1), &t->end))
		return blame(c, t->name, "has no 'data_offsets' of two sizes",
			     "");
	if (t->begin > t->end)
		return blame(c, t->name, "ends before it begins", "");
	if (t->end - t->begin == bytes)
		return true;
	mr_cursor_fail(c,
		       "tensor '%s' takes %" PRIu64
		       " bytes by its shape and %" PRIu64 " by its offsets",
		       mr_text_safe(t->name, shown, sizeof(shown)), bytes,
		       t->end - t->begin);
	return false;
}

static bool read_tensor(struct mr_cursor *c, const char *name,
			const json_t *tensor, struct tensor *t)
{
	const char *dtype = json_string_value(json_object_get(tensor, "dtype"));
	uint64_t bytes;

	t->name = name;
	t->shape = json_object_get(tensor, "shape");
	if (!json_is_object(tensor))
		return blame(c, name, "is no object", "");
	if (!dtype)
		return blame(c, name, "has no 'dtype'", "");
	t->dtype = dtype_of(dtype);
	if (!t->dtype)
		return blame(c, name, "has an unknown dtype: ", dtype);
	if (!json_is_array(t->shape))
		return blame(c, name, "has no 'shape'", "");
	return measure(c, t, &bytes) &&
	       read_offsets(c, json_object_get(tensor, "data_offsets"), bytes,
			    t);
}

static const char *keep(struct mr_cursor *c, const char *text)
{
	return mr_keep_text(c, text, strlen(text));
}

/* Some tools say there what the model is: github.com/Stability-AI/ModelSpec. */
static void note(struct mr_facts *f, const char *key, const char *value)
{
	if (!value || !value[0])
		return;
	if (strcmp(key, "modelspec.architecture") == 0)
		f->architecture = value;
	else if (strcmp(key, "modelspec.title") == 0)
		f->name = value;
	else if (strcmp(key, "modelspec.license") == 0)
		f->license = value;
}

static void read_metadata(struct mr_cursor *c, struct mr_facts *f, json_t *j)
{
	const char *key;
	const char *text;
	json_t *value;

	if (!json_is_object(j)) {
		mr_cursor_fail(c, "'__metadata__' is no object");
		return;
	}
	json_object_foreach(j, key, value)
	{
		if (!json_is_string(value)) {
			char shown[SHOWN];

			mr_cursor_fail(c, "'%s' in '__metadata__' is no string",
				       mr_text_safe(key, shown, sizeof(shown)));
			return;
		}
		if (!f)
			continue;
		text = keep(c, json_string_value(value));
		mr_keep_pair(c, f, keep(c, key), text);
		note(f, key, text);
	}
}

static int by_begin(const void *a, const void *b)
{
	const struct tensor *x = a;
	const struct tensor *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* One after the other from 0 to the end of the file. */
static void check_order(struct mr_cursor *c, const struct tensor *t, size_t n,
			uint64_t size)
{
	uint64_t end = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (t[i].begin < end) {
			blame(c, t[i].name, "overlaps the one before it", "");
			return;
		}
		if (t[i].begin > end) {
			blame(c, t[i].name, "has a hole before it", "");
			return;
		}
		end = t[i].end;
	}
	if (end < size)
		mr_cursor_fail(c, "has %" PRIu64 " bytes behind its tensors",
			       size - end);
	else if (end > size)
		mr_cursor_fail(c,
			       "ends early: its tensors take %" PRIu64
			       " bytes, and it has %" PRIu64,
			       end, size);
}

static void keep_tensors(struct mr_cursor *c, struct mr_facts *f,
			 const struct tensor *t, size_t n)
{
	size_t i;
	size_t k;

	for (i = 0; i < n && !mr_cursor_over(c); i++) {
		struct mr_tensor *to = mr_keep_tensor(c, f);
		size_t rank = json_array_size(t[i].shape);
		uint64_t *dims = mr_keep(c, rank * sizeof(*dims));

		if (!to || !dims)
			return;
		for (k = 0; k < rank; k++)
			(void)get_u64(json_array_get(t[i].shape, k), &dims[k]);
		to->name = keep(c, t[i].name);
		to->dtype = t[i].dtype->name;
		to->dims = dims;
		to->rank = rank;
		to->elements = t[i].elements;
		to->bytes = t[i].end - t[i].begin;
	}
}

static int read_header(struct mr_cursor *c, struct mr_facts *f, json_t *header,
		       uint64_t size)
{
	MR_AUTO(mr_free) struct tensor *tensors = NULL;
	const char *name;
	json_t *value;
	size_t n = 0;

	if (!json_is_object(header)) {
		mr_cursor_fail(c, "its header is no object");
		return c->rc;
	}
	tensors = mr_array(json_object_size(header), sizeof(*tensors));
	if (!tensors)
		return mr_fail_nomem(c->err);
	json_object_foreach(header, name, value)
	{
		if (strcmp(name, "__metadata__") == 0)
			read_metadata(c, f, value);
		else
			(void)read_tensor(c, name, value, &tensors[n++]);
		if (mr_cursor_over(c))
			return c->rc;
	}
	if (n)
		qsort(tensors, n, sizeof(*tensors), by_begin);
	check_order(c, tensors, n, size);
	if (f)
		keep_tensors(c, f, tensors, n);
	return c->rc;
}

static bool check_length(struct mr_cursor *c, uint64_t len, uint64_t max)
{
	uint64_t left = c->r->size - c->at;

	if (len < 2)
		mr_cursor_fail(c, "its header has %" PRIu64 " bytes", len);
	else if (len > FORMAT_MAX_BYTES)
		mr_cursor_fail(c,
			       "its header has %" PRIu64
			       " bytes, and safetensors allows %" PRIu64,
			       len, FORMAT_MAX_BYTES);
	else if (len > left)
		mr_cursor_fail(c,
			       "ends early: its header has %" PRIu64
			       " bytes, and %" PRIu64 " follow",
			       len, left);
	else if (len > max)
		mr_cursor_limit(c,
				"its header has %" PRIu64
				" bytes, of which mreg reads %" PRIu64
				" at most",
				len, max);
	return !mr_cursor_over(c);
}

/* `f` NULL: only whether it is right. */
static int scan(struct mr_cursor *c, uint64_t max, struct mr_facts *f)
{
	struct mreg_error why = MREG_ERROR_INIT;
	MR_AUTO(mr_json_freep) json_t *header = NULL;
	MR_AUTO(mr_free) char *text = NULL;
	uint64_t len = mr_cursor_u64(c);
	int rc;

	if (mr_cursor_over(c) || !check_length(c, len, max))
		return c->rc;
	text = mr_alloc((size_t)len);
	if (!text)
		return mr_fail_nomem(c->err);
	mr_cursor_get(c, text, (size_t)len);
	if (mr_cursor_over(c))
		return c->rc;
	if (text[0] != '{') {
		mr_cursor_fail(c, "its header does not begin with '{'");
		return c->rc;
	}
	rc = mr_json_parse(text, (size_t)len, (size_t)max, "its header",
			   &header, &why);
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(c->err);
	if (rc < 0) {
		mr_cursor_fail(c, "%s", why.msg);
		return c->rc;
	}
	return read_header(c, f, header, c->r->size - c->at);
}

bool mr_safetensors_begins(const unsigned char *head, size_t n, uint64_t size)
{
	uint64_t len = 0;
	int i;

	if (n < MR_SAFETENSORS_HEAD_BYTES || size < 10)
		return false; /* "{}" is the shortest header */
	for (i = 7; i >= 0; i--)
		len = len << 8 | head[i];
	return len >= 2 && len <= size - 8 && head[8] == '{';
}

int mr_safetensors_check(struct mr_reader *r, bool *valid,
			 struct mreg_error *err)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	int rc = mr_cursor_new(r, NULL, &c, err);

	*valid = false;
	if (rc < 0)
		return rc;
	rc = scan(c, MR_FORMAT_HEADER_MAX_BYTES, NULL);
	*valid = rc == 0 && !c->trouble;
	return rc;
}

int mr_safetensors_read(struct mr_reader *r, struct mr_arena *a,
			struct mr_facts *out, struct mreg_error *err)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	int rc = mr_cursor_new(r, a, &c, err);

	if (rc < 0)
		return rc;
	rc = scan(c, FACTS_MAX_BYTES, out);
	if (rc < 0)
		return rc;
	if (!mr_cursor_over(c)) {
		mr_facts_sort(out);
		mr_facts_count(out);
	}
	return mr_cursor_end(c, out);
}

/*
 * keep.c - what is kept of a file: in an arena, within a budget, as text that
 * can be shown and sent on.
 */
#include "format/read.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* Of what the arena may hold; the rest is for what is said about the file.  A
 * file that says more is in trouble, not the machine. */
#define KEEP_MAX_BYTES (MR_FACTS_ARENA_BYTES - (1u << 20))
#define ARRAY_FIRST 8
/* A file with more of them is not read by people any more. */
#define WARNINGS_MAX 50
#define WARNING_BYTES 512
#define ALIGNMENT 16 /* of an arena's allocations */

#define REPLACEMENT "\357\277\275" /* U+FFFD */

void *mr_keep(struct mr_cursor *c, size_t n)
{
	size_t room = KEEP_MAX_BYTES - c->kept;
	void *p;

	if (mr_cursor_over(c) || !c->arena)
		return NULL;
	if (n > KEEP_MAX_BYTES - ALIGNMENT || n + ALIGNMENT > room) {
		mr_cursor_limit(c,
				"says more about itself than the %u MiB that "
				"are read",
				MR_FACTS_ARENA_BYTES >> 20);
		return NULL;
	}
	c->kept += (n + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
	p = mr_arena_alloc(c->arena, n);
	if (!p)
		c->rc = mr_fail_nomem(c->err);
	return p;
}

void *mr_keep_more(struct mr_cursor *c, void *items, size_t count, size_t each)
{
	size_t cap = count < ARRAY_FIRST ? ARRAY_FIRST : count * 2;
	size_t bytes;
	void *more;

	/* It doubles where it is full: at ARRAY_FIRST times a power of 2. */
	if (count && (count < ARRAY_FIRST || (count & (count - 1))))
		return mr_cursor_over(c) ? NULL : items;
	if (__builtin_mul_overflow(cap, each, &bytes))
		bytes = SIZE_MAX;
	more = mr_keep(c, bytes);
	if (more && count)
		memcpy(more, items, count * each);
	return more;
}

const char *mr_keep_text(struct mr_cursor *c, const void *bytes, size_t n)
{
	const char *in = bytes;
	char text[MR_FACT_TEXT_MAX_BYTES];
	size_t len = 0;
	size_t i = 0;
	char *out;

	while (i < n) {
		uint32_t point = 0;
		size_t take = mr_utf8_next(in + i, n - i, &point);
		bool good = take > 0 && point != 0;
		const char *from = good ? in + i : REPLACEMENT;
		size_t put = good ? take : sizeof(REPLACEMENT) - 1;

		if (put > sizeof(text) - len)
			break;
		memcpy(text + len, from, put);
		len += put;
		i += good ? take : 1;
	}
	out = mr_keep(c, len + 1);
	if (out)
		memcpy(out, text, len);
	return out;
}

const char *mr_keep_printf(struct mr_cursor *c, const char *fmt, ...)
{
	/* The rest of a character that is cut. */
	char text[MR_FACT_TEXT_MAX_BYTES + 4];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	return mr_keep_text(c, text, strnlen(text, (size_t)n));
}

void mr_keep_word(struct mr_cursor *c, struct mr_words *words, const char *text)
{
	const char **items;

	if (!text)
		return;
	items = mr_keep_more(c, words->items, words->n, sizeof(*items));
	if (!items)
		return;
	words->items = items;
	words->items[words->n++] = text;
}

void mr_keep_pair(struct mr_cursor *c, struct mr_facts *f, const char *name,
		  const char *value)
{
	struct mreg_pair *items;

	if (!name || !value)
		return;
	items = mr_keep_more(c, f->metadata, f->metadata_count, sizeof(*items));
	if (!items)
		return;
	f->metadata = items;
	f->metadata[f->metadata_count++] =
		(struct mreg_pair){ .name = name, .value = value };
}

struct mr_tensor *mr_keep_tensor(struct mr_cursor *c, struct mr_facts *f)
{
	struct mr_tensor *items =
		mr_keep_more(c, f->tensors, f->tensor_count, sizeof(*items));

	if (!items)
		return NULL;
	f->tensors = items;
	return &f->tensors[f->tensor_count++];
}

void mr_keep_warning(struct mr_cursor *c, struct mr_facts *f, const char *fmt,
		     ...)
{
	char draft[WARNING_BYTES];
	char safe[WARNING_BYTES];
	va_list ap;

	if (f->warnings.n > WARNINGS_MAX)
		return;
	if (f->warnings.n == WARNINGS_MAX) {
		mr_keep_word(c, &f->warnings, "and more of that kind");
		return;
	}
	va_start(ap, fmt);
	if (vsnprintf(draft, sizeof(draft), fmt, ap) < 0)
		draft[0] = '\0';
	va_end(ap);
	mr_text_safe(draft, safe, sizeof(safe));
	mr_keep_word(c, &f->warnings, mr_keep_text(c, safe, strlen(safe)));
}

/* -- what was kept, put in order ------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void mr_words_sort(struct mr_words *words)
{
	size_t n = 0;
	size_t i;

	if (!words->n)
		return;
	qsort(words->items, words->n, sizeof(*words->items), by_text);
	for (i = 0; i < words->n; i++)
		if (n == 0 || strcmp(words->items[n - 1], words->items[i]) != 0)
			words->items[n++] = words->items[i];
	words->n = n;
}

static int by_name(const void *a, const void *b)
{
	const struct mreg_pair *x = a;
	const struct mreg_pair *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->value, y->value);
}

void mr_facts_sort(struct mr_facts *f)
{
	if (f->metadata_count)
		qsort(f->metadata, f->metadata_count, sizeof(*f->metadata),
		      by_name);
}

/* -- types of elements ----------------------------------------------------- */

struct precision {
	const char *dtype, *name;
};

/* Their names in safetensors and GGUF, ONNX (TensorProto.DataType) and
 * TensorFlow (types.proto, without "DT_"). */
static const struct precision precisions[] = {
	{ "F32", "float32" },
	{ "FLOAT", "float32" },
	{ "F16", "float16" },
	{ "FLOAT16", "float16" },
	{ "HALF", "float16" },
	{ "BF16", "bfloat16" },
	{ "BFLOAT16", "bfloat16" },
	{ "F64", "float64" },
	{ "DOUBLE", "float64" },
	{ "F8_E4M3", "float8_e4m3" },
	{ "FLOAT8E4M3FN", "float8_e4m3" },
	{ "FLOAT8_E4M3FN", "float8_e4m3" },
	{ "F8_E5M2", "float8_e5m2" },
	{ "FLOAT8E5M2", "float8_e5m2" },
	{ "FLOAT8_E5M2", "float8_e5m2" },
	{ "F8_E8M0", "float8_e8m0" },
	{ "FLOAT8E8M0", "float8_e8m0" },
	{ "F8_E4M3FNUZ", "float8_e4m3fnuz" },
	{ "FLOAT8E4M3FNUZ", "float8_e4m3fnuz" },
	{ "F8_E5M2FNUZ", "float8_e5m2fnuz" },
	{ "FLOAT8E5M2FNUZ", "float8_e5m2fnuz" },
	{ "F6_E2M3", "float6_e2m3" },
	{ "F6_E3M2", "float6_e3m2" },
	{ "FLOAT6E2M3", "float6_e2m3" },
	{ "FLOAT6E3M2", "float6_e3m2" },
	{ "F4", "float4_e2m1" },
	{ "FLOAT4E2M1", "float4_e2m1" },
	{ "BOOL", "bool" },
	{ "INT2", "int2" },
	{ "UINT2", "uint2" },
	{ "I4", "int4" },
	{ "INT4", "int4" },
	{ "U4", "uint4" },
	{ "UINT4", "uint4" },
	{ "I8", "int8" },
	{ "INT8", "int8" },
	{ "U8", "uint8" },
	{ "UINT8", "uint8" },
	{ "I16", "int16" },
	{ "INT16", "int16" },
	{ "U16", "uint16" },
	{ "UINT16", "uint16" },
	{ "I32", "int32" },
	{ "INT32", "int32" },
	{ "U32", "uint32" },
	{ "UINT32", "uint32" },
	{ "I64", "int64" },
	{ "INT64", "int64" },
	{ "U64", "uint64" },
	{ "UINT64", "uint64" },
	{ "C64", "complex64" },
	{ "COMPLEX64", "complex64" },
	{ "C128", "complex128" },
	{ "COMPLEX128", "complex128" },
	{ "STRING", "string" },
};

const char *mr_precision_of(const char *dtype)
{
	size_t i;

	for (i = 0; i < MR_COUNT(precisions); i++)
		if (strcmp(precisions[i].dtype, dtype) == 0 ||
		    strcmp(precisions[i].name, dtype) == 0)
			return precisions[i].name;
	return NULL;
}

/* More types than any format has. */
#define TYPES_MAX 64

struct tally {
	const char *dtypes[TYPES_MAX]; /* borrowed */
	uint64_t elements[TYPES_MAX];
	size_t n;
};

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void count_types(const struct mr_facts *f, struct tally *t)
{
	size_t i;
	size_t k;

	t->n = 0;
	for (i = 0; i < f->tensor_count; i++) {
		const char *dtype = f->tensors[i].dtype;

		if (!dtype)
			continue;
		for (k = 0; k < t->n && strcmp(t->dtypes[k], dtype) != 0; k++)
			continue;
		if (k == TYPES_MAX)
			continue;
		if (k == t->n) {
			t->dtypes[k] = dtype;
			t->elements[k] = 0;
			t->n++;
		}
		t->elements[k] = add(t->elements[k], f->tensors[i].elements);
	}
}

const char *mr_facts_most(const struct mr_facts *f)
{
	struct tally t;
	size_t most = 0;
	size_t i;

	count_types(f, &t);
	for (i = 1; i < t.n; i++)
		if (t.elements[i] > t.elements[most])
			most = i;
	return t.n ? t.dtypes[most] : NULL;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Quantized blocks of all kinds count together: a file of them that keeps
 * some tensors as they were is no file of float32. */
void mr_facts_count(struct mr_facts *f)
{
	struct tally t;
	uint64_t most = 0;
	uint64_t sum;
	size_t i;
	size_t k;

	count_types(f, &t);
	f->parameters = 0;
	f->precision = NULL;
	for (i = 0; i < t.n; i++) {
		const char *name = mr_precision_of(t.dtypes[i]);

		f->parameters = add(f->parameters, t.elements[i]);
		sum = 0;
		for (k = 0; k < t.n; k++)
			if (is_same(mr_precision_of(t.dtypes[k]), name))
				sum = add(sum, t.elements[k]);
		if (sum > most || (i == 0 && sum == 0)) {
			most = sum;
			f->precision = name;
		}
	}
}

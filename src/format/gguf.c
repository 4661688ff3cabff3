/*
 * gguf.c - is this a GGUF file?
 *
 * Magic, version, counts, key-value pairs, tensor infos, and from the next
 * multiple of the alignment on the tensors' bytes, each padded (ggml,
 * docs/gguf.md; what must hold is what src/gguf.cpp checks).  All numbers are
 * little endian.  Version 1 has 32 bits where the later ones have 64.
 *
 * Invariants (security.md H60)
 * 1. Nothing is allocated from a number in the file but the hashes of names,
 *    COUNT_MAX at most.
 * 2. No more than HEADER_MAX_BYTES are walked through, whatever lengths say.
 * 3. After the first wrong thing `bad` is set and nothing more is read.
 */
#include "format/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Vocabulary, merges and scores of the largest models are 20 MiB. */
#define HEADER_MAX_BYTES (UINT64_C(64) << 20)
/* Tensors, or key-value pairs: ggml's largest models have some thousands. */
#define COUNT_MAX (UINT64_C(1) << 18)
#define KEY_MAX_BYTES 65535 /* docs/gguf.md */
#define NAME_MAX_BYTES 127  /* 64 there; some builds of ggml take 128 */
#define DIMS_MAX 4
#define ALIGNMENT_DEFAULT 32
#define ALIGNMENT_MAX (1u << 20) /* src/gguf.cpp */
#define BUFFER_BYTES 16384

enum kind {
	KIND_UINT32 = 4,
	KIND_STRING = 8,
	KIND_ARRAY = 9,
	KIND_COUNT = 13,
};

/* Bytes of a value; 0 for strings and arrays. */
static const unsigned char kind_bytes[KIND_COUNT] = { 1, 1, 2, 2, 4, 4, 4,
						      1, 0, 0, 8, 8, 8 };

/* Elements and bytes of a block, by ggml's number of the type; gguf-py
 * 0.19.0, constants.py.  Not here: what was removed, and Q8_1, which only
 * lives in memory. */
struct layout {
	unsigned short elements, bytes;
};

static const struct layout layouts[] = {
	[0] = { 1, 4 },      /* F32 */
	[1] = { 1, 2 },      /* F16 */
	[2] = { 32, 18 },    /* Q4_0 */
	[3] = { 32, 20 },    /* Q4_1 */
	[6] = { 32, 22 },    /* Q5_0 */
	[7] = { 32, 24 },    /* Q5_1 */
	[8] = { 32, 34 },    /* Q8_0 */
	[10] = { 256, 84 },  /* Q2_K */
	[11] = { 256, 110 }, /* Q3_K */
	[12] = { 256, 144 }, /* Q4_K */
	[13] = { 256, 176 }, /* Q5_K */
	[14] = { 256, 210 }, /* Q6_K */
	[15] = { 256, 292 }, /* Q8_K */
	[16] = { 256, 66 },  /* IQ2_XXS */
	[17] = { 256, 74 },  /* IQ2_XS */
	[18] = { 256, 98 },  /* IQ3_XXS */
	[19] = { 256, 50 },  /* IQ1_S */
	[20] = { 32, 18 },   /* IQ4_NL */
	[21] = { 256, 110 }, /* IQ3_S */
	[22] = { 256, 82 },  /* IQ2_S */
	[23] = { 256, 136 }, /* IQ4_XS */
	[24] = { 1, 1 },     /* I8 */
	[25] = { 1, 2 },     /* I16 */
	[26] = { 1, 4 },     /* I32 */
	[27] = { 1, 8 },     /* I64 */
	[28] = { 1, 8 },     /* F64 */
	[29] = { 256, 56 },  /* IQ1_M */
	[30] = { 1, 2 },     /* BF16 */
	[34] = { 256, 54 },  /* TQ1_0 */
	[35] = { 256, 66 },  /* TQ2_0 */
	[39] = { 32, 17 },   /* MXFP4 */
	[40] = { 64, 36 },   /* NVFP4 */
	[41] = { 128, 18 },  /* Q1_0 */
};

struct gguf {
	struct mr_reader *r;
	uint64_t at;    /* of the next byte */
	uint64_t limit; /* the header ends here at the latest */
	uint64_t base;  /* where `buf` begins */
	size_t len;     /* in `buf` */
	int rc;         /* reading trouble */
	struct mreg_error *err;
	bool bad;
	bool wide; /* 64 bits: version 2 or later */
	uint64_t alignment;
	uint64_t bytes; /* of all tensors so far, each padded */
	uint64_t end;   /* of the last tensor, not padded */
	unsigned char buf[BUFFER_BYTES];
};

/* -- reading --------------------------------------------------------------- */

static bool is_over(const struct gguf *g)
{
	return g->bad || g->rc < 0;
}

/* Whether `n` more bytes may follow; `bad` if not. */
static bool has(struct gguf *g, uint64_t n)
{
	if (!is_over(g) && n > g->limit - g->at)
		g->bad = true;
	return !is_over(g);
}

static void skip(struct gguf *g, uint64_t n)
{
	if (has(g, n))
		g->at += n;
}

static void take(struct gguf *g, void *out, size_t n)
{
	unsigned char *to = out;

	memset(to, 0, n);
	if (!has(g, n))
		return;
	while (n) {
		size_t part;

		if (g->at < g->base || g->at >= g->base + g->len) {
			ssize_t got = mr_reader_read_at(
				g->r, g->buf, sizeof(g->buf), g->at, g->err);

			g->base = g->at;
			g->len = got > 0 ? (size_t)got : 0;
			if (got <= 0) {
				g->rc = got < 0 ? (int)got : 0;
				g->bad = true;
				return;
			}
		}
		part = (size_t)(g->base + g->len - g->at);
		part = part < n ? part : n;
		memcpy(to, g->buf + (g->at - g->base), part);
		to += part;
		n -= part;
		g->at += part;
	}
}

static uint64_t take_number(struct gguf *g, size_t n)
{
	unsigned char bytes[8];
	uint64_t value = 0;

	take(g, bytes, n);
	while (n-- > 0)
		value = value << 8 | bytes[n];
	return value;
}

static uint32_t take_u32(struct gguf *g)
{
	return (uint32_t)take_number(g, 4);
}

static uint64_t take_size(struct gguf *g)
{
	return take_number(g, g->wide ? 8 : 4);
}

/* A name up to `max` bytes: its hash, FNV-1a of 64 bits.  Two names of one
 * hash count as the same, which can only make a file invalid. */
static uint64_t take_name(struct gguf *g, uint64_t max, bool *is_alignment)
{
	static const unsigned char alignment[] = "general.alignment";
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	uint64_t len = take_size(g);
	uint64_t same = 0;
	unsigned char c;
	uint64_t i;

	if (len == 0 || len > max)
		g->bad = true;
	for (i = 0; i < len && has(g, 1); i++) {
		take(g, &c, 1);
		hash = (hash ^ c) * UINT64_C(0x100000001b3);
		if (i < sizeof(alignment) - 1 && c == alignment[i])
			same++;
	}
	*is_alignment = same == sizeof(alignment) - 1 && same == len;
	return hash;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void check_unique(struct gguf *g, uint64_t *hashes, size_t n)
{
	size_t i;

	qsort(hashes, n, sizeof(*hashes), by_number);
	for (i = 1; i < n; i++)
		if (hashes[i - 1] == hashes[i])
			g->bad = true;
}

/* -- key-value pairs ------------------------------------------------------- */

static void skip_strings(struct gguf *g, uint64_t n)
{
	while (n-- > 0 && !is_over(g))
		skip(g, take_size(g));
}

/* Arrays of arrays are in no version. */
static void skip_array(struct gguf *g)
{
	uint32_t kind = take_u32(g);
	uint64_t n = take_size(g);
	uint64_t bytes;

	if (kind == KIND_STRING)
		skip_strings(g, n);
	else if (kind >= KIND_COUNT || kind == KIND_ARRAY ||
		 __builtin_mul_overflow(n, (uint64_t)kind_bytes[kind], &bytes))
		g->bad = true;
	else
		skip(g, bytes);
}

static void take_alignment(struct gguf *g, uint32_t kind)
{
	uint32_t value = take_u32(g);

	/* docs/gguf.md: a multiple of 8; src/gguf.cpp: a power of 2. */
	if (kind != KIND_UINT32 || value < 8 || value > ALIGNMENT_MAX ||
	    (value & (value - 1)))
		g->bad = true;
	else
		g->alignment = value;
}

static void take_pairs(struct gguf *g, uint64_t *hashes, uint64_t n)
{
	bool is_alignment;
	uint64_t i;

	for (i = 0; i < n && !is_over(g); i++) {
		uint32_t kind;

		hashes[i] = take_name(g, KEY_MAX_BYTES, &is_alignment);
		kind = take_u32(g);
		if (is_alignment)
			take_alignment(g, kind);
		else if (kind == KIND_STRING)
			skip_strings(g, 1);
		else if (kind == KIND_ARRAY)
			skip_array(g);
		else if (kind < KIND_COUNT)
			skip(g, kind_bytes[kind]);
		else
			g->bad = true;
	}
	if (!is_over(g))
		check_unique(g, hashes, (size_t)n);
}

/* -- tensors --------------------------------------------------------------- */

/* Bytes of a tensor; false if the numbers do not agree. */
static bool measure(const uint64_t dims[DIMS_MAX], uint32_t type, uint64_t *out)
{
	uint64_t n = 1;
	size_t i;

	if (type >= MR_COUNT(layouts) || !layouts[type].elements ||
	    dims[0] % layouts[type].elements)
		return false;
	for (i = 0; i < DIMS_MAX; i++)
		if (dims[i] == 0 || __builtin_mul_overflow(n, dims[i], &n))
			return false;
	n /= layouts[type].elements;
	return !__builtin_mul_overflow(n, (uint64_t)layouts[type].bytes, out);
}

static void take_tensor(struct gguf *g, uint64_t *hash)
{
	uint64_t dims[DIMS_MAX] = { 1, 1, 1, 1 };
	uint64_t offset;
	uint64_t size;
	uint64_t rest;
	bool ignored;
	uint32_t count;
	uint32_t type;
	uint32_t i;

	*hash = take_name(g, NAME_MAX_BYTES, &ignored);
	count = take_u32(g);
	if (count > DIMS_MAX) {
		g->bad = true;
		return;
	}
	for (i = 0; i < count; i++)
		dims[i] = take_size(g);
	type = take_u32(g);
	offset = take_number(g, 8);
	/* In order, without holes: each begins where the padding of the last
	 * one ends. */
	if (is_over(g) || !measure(dims, type, &size) || offset != g->bytes ||
	    __builtin_add_overflow(offset, size, &g->end)) {
		g->bad = true;
		return;
	}
	rest = g->end % g->alignment;
	if (__builtin_add_overflow(g->end, rest ? g->alignment - rest : 0,
				   &g->bytes))
		g->bad = true;
}

/* The file ends with the last tensor or its padding: nothing else hides
 * behind it. */
static void check_end(struct gguf *g, uint64_t tensors)
{
	uint64_t rest = g->at % g->alignment;
	uint64_t begin = g->at + (rest ? g->alignment - rest : 0);

	if (tensors == 0)
		g->bad |= g->r->size > begin;
	else
		g->bad |= begin > g->r->size || g->end > g->r->size - begin ||
			  g->bytes < g->r->size - begin;
}

static int check(struct gguf *g, struct mreg_error *err)
{
	MR_AUTO(mr_free) uint64_t *hashes = NULL;
	unsigned char magic[4];
	uint32_t version;
	uint64_t tensors;
	uint64_t pairs;
	uint64_t i;

	take(g, magic, sizeof(magic));
	version = take_u32(g);
	g->wide = version >= 2;
	tensors = take_size(g);
	pairs = take_size(g);
	if (is_over(g) || memcmp(magic, "GGUF", 4) != 0 || version < 1 ||
	    version > 3 || tensors > COUNT_MAX || pairs > COUNT_MAX)
		g->bad = true;
	if (is_over(g))
		return g->rc;
	hashes = mr_array((size_t)(tensors > pairs ? tensors : pairs),
			  sizeof(*hashes));
	if (!hashes)
		return mr_fail_nomem(err);
	take_pairs(g, hashes, pairs);
	for (i = 0; i < tensors && !is_over(g); i++)
		take_tensor(g, &hashes[i]);
	if (!is_over(g)) {
		check_unique(g, hashes, (size_t)tensors);
		check_end(g, tensors);
	}
	return g->rc;
}

int mr_gguf_check(struct mr_reader *r, bool *valid, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct gguf *g = mr_zalloc(sizeof(*g));
	int rc;

	*valid = false;
	if (!g)
		return mr_fail_nomem(err);
	g->r = r;
	g->err = err;
	g->limit = r->size < HEADER_MAX_BYTES ? r->size : HEADER_MAX_BYTES;
	g->alignment = ALIGNMENT_DEFAULT;
	rc = check(g, err);
	*valid = rc == 0 && !g->bad;
	return rc;
}

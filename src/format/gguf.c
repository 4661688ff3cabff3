/*
 * gguf.c - the header of a GGUF file: whether it is right, and what it says.
 *
 * Magic, version, counts, key-value pairs, tensor infos, and from the next
 * multiple of the alignment on the tensors' bytes, each padded (ggml,
 * docs/gguf.md; what must hold is what src/gguf.cpp checks).  Version 1 has 32
 * bits where the later ones have 64; version 3 may be big endian, which its
 * own number shows.
 *
 * Invariants (security.md H60)
 * 1. Nothing is allocated from a number in the file but the hashes of names,
 *    COUNT_MAX at most.
 * 2. No more than HEADER_MAX_BYTES are walked through, whatever lengths say.
 * 3. After the first wrong thing nothing more is read (format/read.h).
 */
#include "format/gguf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/check.h"

/* Vocabulary, merges and scores of the largest models are 20 MiB. */
#define HEADER_MAX_BYTES (UINT64_C(64) << 20)
/* Tensors, or key-value pairs: ggml's largest models have some thousands. */
#define COUNT_MAX (UINT64_C(1) << 18)
#define KEY_MAX_BYTES 65535 /* docs/gguf.md */
#define NAME_MAX_BYTES 127  /* 64 there; some builds of ggml take 128 */
#define DIMS_MAX 4
#define ALIGNMENT_DEFAULT 32
#define ALIGNMENT_MAX (1u << 20) /* src/gguf.cpp */
#define SHOWN 120

struct gguf {
	struct mr_cursor *c; /* borrowed */
	struct mr_facts *f;  /* borrowed; NULL: only whether it is right */
	bool wide;           /* 64 bits: version 2 or later */
	bool big;            /* endian */
	uint64_t alignment;
	uint64_t bytes; /* of all tensors so far, each padded */
	uint64_t end;   /* of the last tensor, not padded */
	/* The last key or tensor's name, cut, and with NUL. */
	char name[MR_FACT_TEXT_MAX_BYTES + 4];
};

/* -- reading --------------------------------------------------------------- */

static uint64_t take_number(struct gguf *g, size_t n)
{
	uint64_t value = mr_cursor_number(g->c, n);

	return g->big ? __builtin_bswap64(value) >> (64 - 8 * n) : value;
}

static uint32_t take_u32(struct gguf *g)
{
	return (uint32_t)take_number(g, 4);
}

static uint64_t take_size(struct gguf *g)
{
	return take_number(g, g->wide ? 8 : 4);
}

/* Whether `n` more bytes may belong to the header. */
static bool has(struct gguf *g, uint64_t n)
{
	if (mr_cursor_has(g->c, n) &&
	    (g->c->at > HEADER_MAX_BYTES || n > HEADER_MAX_BYTES - g->c->at))
		mr_cursor_limit(g->c,
				"its header is larger than the %" PRIu64
				" MiB that are read",
				HEADER_MAX_BYTES >> 20);
	return !mr_cursor_over(g->c);
}

static void pass(struct gguf *g, uint64_t n)
{
	if (has(g, n))
		mr_cursor_skip(g->c, n);
}

static const char *shown(const struct gguf *g, char out[SHOWN])
{
	return mr_text_safe(g->name, out, SHOWN);
}

static uint64_t add_hash(uint64_t hash, const char *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)bytes[i]) *
		       UINT64_C(0x100000001b3);
	return hash;
}

/* A name up to `max` bytes: its hash, FNV-1a of 64 bits.  Two names of one
 * hash count as the same, which can only make a file invalid. */
static uint64_t take_name(struct gguf *g, uint64_t max, const char *what)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	uint64_t len = take_size(g);
	size_t n = sizeof(g->name) - 1;
	bool nul;
	char more[256];

	g->name[0] = '\0';
	if (!mr_cursor_over(g->c) && (len == 0 || len > max))
		mr_cursor_fail(g->c, "the name of a %s has %" PRIu64 " bytes",
			       what, len);
	if (!has(g, len))
		return 0;
	n = len < n ? (size_t)len : n;
	mr_cursor_get(g->c, g->name, n);
	g->name[n] = '\0';
	hash = add_hash(hash, g->name, n);
	nul = memchr(g->name, 0, n) != NULL;
	for (len -= n; len > 0 && !mr_cursor_over(g->c); len -= n) {
		n = len < sizeof(more) ? (size_t)len : sizeof(more);
		mr_cursor_get(g->c, more, n);
		hash = add_hash(hash, more, n);
		nul = nul || memchr(more, 0, n) != NULL;
	}
	/* Whoever stops there reads another name. */
	if (nul)
		mr_cursor_fail(g->c, "the name of a %s has a NUL in it", what);
	return hash;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void check_unique(struct gguf *g, uint64_t *hashes, size_t n,
			 const char *what)
{
	size_t i;

	if (mr_cursor_over(g->c) || n == 0)
		return;
	qsort(hashes, n, sizeof(*hashes), by_number);
	for (i = 1; i < n; i++)
		if (hashes[i - 1] == hashes[i])
			mr_cursor_fail(g->c, "two %s have the same name", what);
}

/* -- key-value pairs ------------------------------------------------------- */

/* Arrays of arrays are in no version. */
static void take_array(struct gguf *g, struct mr_gguf_value *v)
{
	uint32_t inner = take_u32(g);
	char name[SHOWN];
	uint64_t bytes;
	uint64_t i;

	v->count = take_size(g);
	if (inner >= MR_GGUF_KIND_COUNT || inner == MR_GGUF_ARRAY) {
		mr_cursor_fail(g->c,
			       "'%s' is an array of an unknown type, %" PRIu32,
			       shown(g, name), inner);
		return;
	}
	v->inner = (enum mr_gguf_kind)inner;
	if (inner == MR_GGUF_STRING) {
		for (i = 0; i < v->count && !mr_cursor_over(g->c); i++)
			pass(g, take_size(g));
		return;
	}
	if (__builtin_mul_overflow(
		    v->count, (uint64_t)mr_gguf_kind_bytes(v->inner), &bytes))
		mr_cursor_fail(g->c, "'%s' is an array of %" PRIu64 " values",
			       shown(g, name), v->count);
	else
		pass(g, bytes);
}

static void take_value(struct gguf *g, uint32_t kind, struct mr_gguf_value *v)
{
	char name[SHOWN];
	uint64_t len;

	memset(v, 0, sizeof(*v));
	if (kind >= MR_GGUF_KIND_COUNT) {
		mr_cursor_fail(g->c, "'%s' has an unknown type, %" PRIu32,
			       shown(g, name), kind);
		return;
	}
	v->kind = (enum mr_gguf_kind)kind;
	if (kind == MR_GGUF_ARRAY) {
		take_array(g, v);
	} else if (kind == MR_GGUF_STRING) {
		len = take_size(g);
		if (has(g, len))
			v->text = mr_cursor_text(g->c, len);
	} else {
		v->bits = take_number(g, mr_gguf_kind_bytes(v->kind));
	}
}

static void set_alignment(struct gguf *g, const struct mr_gguf_value *v)
{
	/* docs/gguf.md: a multiple of 8; src/gguf.cpp: a power of 2. */
	if (v->kind != MR_GGUF_UINT32 || v->bits < 8 ||
	    v->bits > ALIGNMENT_MAX || (v->bits & (v->bits - 1)))
		mr_cursor_fail(g->c,
			       "'general.alignment' is no power of 2 from 8 "
			       "to %u",
			       ALIGNMENT_MAX);
	else
		g->alignment = v->bits;
}

static void take_pairs(struct gguf *g, uint64_t *hashes, uint64_t n)
{
	struct mr_gguf_value value;
	uint64_t i;

	for (i = 0; i < n && !mr_cursor_over(g->c); i++) {
		hashes[i] = take_name(g, KEY_MAX_BYTES, "key");
		take_value(g, take_u32(g), &value);
		if (mr_cursor_over(g->c))
			return;
		if (strcmp(g->name, "general.alignment") == 0)
			set_alignment(g, &value);
		if (g->f)
			mr_gguf_note(g->c, g->f, g->name, &value);
	}
	check_unique(g, hashes, (size_t)n, "keys");
}

/* -- tensors --------------------------------------------------------------- */

/* Elements and bytes of a tensor; why not. */
static const char *measure(const uint64_t dims[DIMS_MAX],
			   const struct mr_gguf_type *type, uint64_t *elements,
			   uint64_t *bytes)
{
	size_t i;

	*elements = 1;
	for (i = 0; i < DIMS_MAX; i++) {
		if (dims[i] == 0)
			return "has no elements";
		if (__builtin_mul_overflow(*elements, dims[i], elements))
			return "has more elements than can be counted";
	}
	if (dims[0] % type->elements)
		return "has rows that end within a block";
	if (__builtin_mul_overflow(*elements / type->elements,
				   (uint64_t)type->bytes, bytes))
		return "has more bytes than can be counted";
	return NULL;
}

static void keep_tensor(struct gguf *g, const struct mr_tensor *t)
{
	struct mr_tensor *to = mr_keep_tensor(g->c, g->f);
	uint64_t *dims = mr_keep(g->c, t->rank * sizeof(*dims));
	const char *name = mr_keep_text(g->c, g->name, strlen(g->name));

	if (!to || !dims || !name)
		return;
	*to = *t;
	memcpy(dims, t->dims, t->rank * sizeof(*dims));
	to->dims = dims;
	to->name = name;
}

/* In order, without holes: each begins where the padding of the last one
 * ends. */
static void place(struct gguf *g, uint64_t offset, uint64_t bytes)
{
	char name[SHOWN];
	uint64_t rest;

	if (offset != g->bytes) {
		mr_cursor_fail(g->c, "tensor '%s' %s", shown(g, name),
			       offset < g->bytes ? "overlaps the one before it"
						 : "has a hole before it");
		return;
	}
	if (!__builtin_add_overflow(offset, bytes, &g->end)) {
		rest = g->end % g->alignment;
		rest = rest ? g->alignment - rest : 0;
		if (!__builtin_add_overflow(g->end, rest, &g->bytes))
			return;
	}
	mr_cursor_fail(g->c, "tensor '%s' ends where nothing can",
		       shown(g, name));
}

static void take_tensor(struct gguf *g, uint64_t *hash)
{
	uint64_t dims[DIMS_MAX] = { 1, 1, 1, 1 };
	const struct mr_gguf_type *type;
	struct mr_tensor t = { .dims = dims };
	char name[SHOWN];
	const char *why;
	uint64_t offset;
	uint32_t number;
	uint32_t count;
	uint32_t i;

	*hash = take_name(g, NAME_MAX_BYTES, "tensor");
	count = take_u32(g);
	if (count > DIMS_MAX)
		mr_cursor_fail(g->c, "tensor '%s' has %" PRIu32 " dimensions",
			       shown(g, name), count);
	for (i = 0; i < count && !mr_cursor_over(g->c); i++)
		dims[i] = take_size(g);
	number = take_u32(g);
	offset = take_number(g, 8);
	if (!has(g, 0))
		return;
	type = mr_gguf_type(number);
	if (!type) {
		mr_cursor_fail(g->c,
			       "tensor '%s' has an unknown type, %" PRIu32,
			       shown(g, name), number);
		return;
	}
	why = measure(dims, type, &t.elements, &t.bytes);
	if (why) {
		mr_cursor_fail(g->c, "tensor '%s' %s", shown(g, name), why);
		return;
	}
	place(g, offset, t.bytes);
	t.dtype = type->name;
	t.rank = count;
	if (g->f)
		keep_tensor(g, &t);
}

/* The file ends with the last tensor or its padding: nothing else hides
 * behind it. */
static void check_end(struct gguf *g, uint64_t tensors)
{
	uint64_t size = g->c->r->size;
	uint64_t rest = g->c->at % g->alignment;
	uint64_t begin = g->c->at + (rest ? g->alignment - rest : 0);

	if (mr_cursor_over(g->c))
		return;
	if (tensors > 0 && (begin > size || g->end > size - begin))
		mr_cursor_fail(g->c,
			       "ends early: its tensors take %" PRIu64
			       " bytes, and it has %" PRIu64,
			       g->end, size > begin ? size - begin : 0);
	else if (size > begin && g->bytes < size - begin)
		mr_cursor_fail(g->c, "has %" PRIu64 " bytes behind its tensors",
			       size - begin - g->bytes);
}

/* -- the whole ------------------------------------------------------------- */

static void take_version(struct gguf *g)
{
	char magic[4];
	uint32_t version;

	mr_cursor_get(g->c, magic, sizeof(magic));
	version = mr_cursor_u32(g->c);
	if (mr_cursor_over(g->c))
		return;
	if (memcmp(magic, "GGUF", 4) != 0) {
		mr_cursor_fail(g->c, "does not begin with 'GGUF'");
		return;
	}
	g->big = version && !(version & 0xffff);
	if (g->big)
		version = __builtin_bswap32(version);
	g->wide = version >= 2;
	/* docs/gguf.md: version 3 adds big endian. */
	if (version < 1 || version > 3 || (g->big && version < 3))
		mr_cursor_fail(g->c, "is of the unknown version %" PRIu32,
			       version);
}

static int scan(struct gguf *g)
{
	MR_AUTO(mr_free) uint64_t *hashes = NULL;
	uint64_t tensors;
	uint64_t pairs;
	uint64_t i;

	g->alignment = ALIGNMENT_DEFAULT;
	take_version(g);
	tensors = take_size(g);
	pairs = take_size(g);
	if (tensors > COUNT_MAX || pairs > COUNT_MAX)
		mr_cursor_fail(g->c,
			       "has %" PRIu64 " tensors and %" PRIu64
			       " keys, more than any model",
			       tensors, pairs);
	if (mr_cursor_over(g->c))
		return g->c->rc;
	hashes = mr_array((size_t)(tensors > pairs ? tensors : pairs),
			  sizeof(*hashes));
	if (!hashes)
		return mr_fail_nomem(g->c->err);
	take_pairs(g, hashes, pairs);
	for (i = 0; i < tensors && !mr_cursor_over(g->c); i++)
		take_tensor(g, &hashes[i]);
	check_unique(g, hashes, (size_t)tensors, "tensors");
	check_end(g, tensors);
	return g->c->rc;
}

int mr_gguf_check(struct mr_reader *r, bool *valid, struct mreg_error *err)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	struct gguf g = { 0 };
	int rc = mr_cursor_new(r, NULL, &c, err);

	*valid = false;
	if (rc < 0)
		return rc;
	g.c = c;
	rc = scan(&g);
	*valid = rc == 0 && !c->trouble;
	return rc;
}

int mr_gguf_read(struct mr_reader *r, struct mr_arena *a, struct mr_facts *out,
		 struct mreg_error *err)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	struct gguf g = { 0 };
	int rc = mr_cursor_new(r, a, &c, err);

	if (rc < 0)
		return rc;
	g.c = c;
	g.f = out;
	rc = scan(&g);
	if (rc < 0)
		return rc;
	if (!mr_cursor_over(c)) {
		if (g.big)
			mr_keep_warning(c, out,
					"numbers are big endian: most "
					"machines cannot load it");
		mr_gguf_conclude(c, out);
	}
	return mr_cursor_end(c, out);
}

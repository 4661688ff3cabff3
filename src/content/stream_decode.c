/*
 * stream_decode.c - the stream that undoes gzip and zstd, and stops in time.
 *
 * Invariants
 * 1. No more than `max` bytes ever come out, and one is made beyond that at
 *    the most (security.md H18).
 * 2. 0 is returned only when `src` ended and no frame was open.
 * 3. After an error every read repeats it.
 */
#include "content/decode.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

/* What zstd itself proposes to read at once, rounded up. */
#define INPUT_BYTES (256u << 10)
/* The largest count that zlib's fields hold on any platform. */
#define OUTPUT_MAX_BYTES (1u << 30)
/* 128 MiB: what `zstd --ultra --long=27` writes; beyond it memory would be the
 * sender's to choose (security.md 3.6). */
#define ZSTD_WINDOW_LOG_MAX 27
/* Window size and format of inflateInit2: 32 KiB, and gzip's header only. */
#define GZIP_WINDOW_BITS (15 + 16)

struct decode {
	struct mr_stream base;
	struct mr_stream *src; /* owned */
	char *name;            /* owned */
	enum mr_coding coding;
	uint64_t max, made; /* bytes that may come out, that have */
	char *in;           /* owned */
	size_t pos, len;    /* what of `in` is not used yet */
	bool src_ended;
	bool open;  /* inside a member or frame */
	bool ended; /* one was complete, and of what follows */
	bool begun; /* ... bytes came out */
	z_stream gzip;
	bool gzip_ready;
	ZSTD_DCtx *zstd;          /* owned */
	struct mreg_error failed; /* repeated once set */
};

enum mr_coding mr_coding_of(const void *bytes, size_t n)
{
	const unsigned char *b = bytes;

	if (n >= 2 && b[0] == 0x1f && b[1] == 0x8b)
		return MR_CODING_GZIP;
	if (n >= 4 && memcmp(b, "\x28\xb5\x2f\xfd", 4) == 0)
		return MR_CODING_ZSTD;
	/* A skippable frame in front (RFC 8878, section 3.1.2). */
	if (n >= 4 && (b[0] & 0xf0) == 0x50 &&
	    memcmp(b + 1, "\x2a\x4d\x18", 3) == 0)
		return MR_CODING_ZSTD;
	return MR_CODING_NONE;
}

const char *mr_coding_name(enum mr_coding c)
{
	switch (c) {
	case MR_CODING_GZIP:
		return "gzip";
	case MR_CODING_ZSTD:
		return "zstd";
	case MR_CODING_NONE:
		break;
	}
	return "nothing";
}

static int fail_damaged(struct decode *d, const char *why,
			struct mreg_error *err)
{
	if (d->ended && !d->begun)
		why = "something follows its end";
	return mr_fail(err, MREG_EFORMAT, "'%s' is no %s data, or damaged: %s",
		       d->name, mr_coding_name(d->coding), why);
}

/* -- one step: some of the input, some output ------------------------------ */

static int step_gzip(struct decode *d, void *buf, size_t n, size_t *made,
		     struct mreg_error *err)
{
	z_stream *z = &d->gzip;
	int rc;

	if (!d->open && inflateReset(z) != Z_OK)
		return mr_fail_nomem(err); /* its state is broken, else */
	d->open = true;
	z->next_in = (Bytef *)d->in + d->pos;
	z->avail_in = (uInt)(d->len - d->pos);
	z->next_out = buf;
	z->avail_out = (uInt)n;
	rc = inflate(z, Z_NO_FLUSH);
	d->pos = d->len - z->avail_in;
	*made = n - z->avail_out;
	if (rc == Z_STREAM_END)
		d->open = false;
	else if (rc == Z_MEM_ERROR)
		return mr_fail_nomem(err);
	else if (rc != Z_OK && rc != Z_BUF_ERROR)
		return fail_damaged(d, z->msg ? z->msg : "not understood", err);
	return 0;
}

static int step_zstd(struct decode *d, void *buf, size_t n, size_t *made,
		     struct mreg_error *err)
{
	ZSTD_inBuffer in = { .src = d->in, .size = d->len, .pos = d->pos };
	ZSTD_outBuffer out = { .dst = buf, .size = n, .pos = 0 };
	size_t rc = ZSTD_decompressStream(d->zstd, &out, &in);

	d->pos = in.pos;
	*made = out.pos;
	if (ZSTD_isError(rc)) {
		/* A frame it is, then. */
		d->begun = d->begun ||
			   ZSTD_getErrorCode(rc) != ZSTD_error_prefix_unknown;
		return fail_damaged(d, ZSTD_getErrorName(rc), err);
	}
	d->open = rc != 0;
	return 0;
}

static int step_none(struct decode *d, void *buf, size_t n, size_t *made)
{
	if (n > d->len - d->pos)
		n = d->len - d->pos;
	memcpy(buf, d->in + d->pos, n);
	d->pos += n;
	*made = n;
	return 0;
}

static int step(struct decode *d, void *buf, size_t n, size_t *made,
		struct mreg_error *err)
{
	switch (d->coding) {
	case MR_CODING_GZIP:
		return step_gzip(d, buf, n, made, err);
	case MR_CODING_ZSTD:
		return step_zstd(d, buf, n, made, err);
	case MR_CODING_NONE:
		break;
	}
	return step_none(d, buf, n, made);
}

/* -- the stream ------------------------------------------------------------ */

static int refill(struct decode *d, struct mreg_error *err)
{
	ssize_t got;

	if (d->pos < d->len || d->src_ended)
		return 0;
	got = mr_stream_read(d->src, d->in, INPUT_BYTES, err);
	if (got < 0)
		return (int)got;
	d->pos = 0;
	d->len = (size_t)got;
	d->src_ended = got == 0;
	return 0;
}

static ssize_t read_some(struct decode *d, void *buf, size_t n,
			 struct mreg_error *err)
{
	size_t made = 0;
	size_t before;
	int rc;

	do {
		rc = refill(d, err);
		if (rc < 0)
			return rc;
		if (d->pos == d->len && !d->open)
			return 0;
		before = d->pos;
		/* Also with nothing to read: what is made may wait inside. */
		rc = step(d, buf, n, &made, err);
		if (rc < 0)
			return rc;
		if (made == 0 && d->open && d->pos == before)
			return fail_damaged(d, "it ends early", err);
		d->ended = d->ended || !d->open;
		d->begun = d->open && (d->begun || made > 0);
	} while (made == 0);
	return (ssize_t)made;
}

static int fail_limit(struct decode *d, struct mreg_error *err)
{
	char text[32];

	(void)mr_fail(err, MREG_ELIMIT, "'%s' unpacks to more than %s", d->name,
		      mr_text_size(d->max, text));
	return mr_hint(err, "so few bytes do not honestly become so many; ask "
			    "who made it");
}

static ssize_t decode_read(struct mr_stream *s, void *buf, size_t n,
			   struct mreg_error *err)
{
	struct decode *d = mr_container_of(s, struct decode, base);
	uint64_t room = d->max - d->made;
	ssize_t got;

	if (d->failed.code != MREG_OK) {
		if (err)
			*err = d->failed;
		return d->failed.code;
	}
	if (n > OUTPUT_MAX_BYTES)
		n = OUTPUT_MAX_BYTES;
	if (n > room)
		n = (size_t)room + 1;
	got = read_some(d, buf, n, &d->failed);
	if (got > 0 && (uint64_t)got > room)
		got = fail_limit(d, &d->failed);
	if (got < 0 && err)
		*err = d->failed;
	if (got > 0)
		d->made += (uint64_t)got;
	return got;
}

static void decode_close(struct mr_stream *s)
{
	struct decode *d = mr_container_of(s, struct decode, base);

	mr_stream_close(d->src);
	if (d->gzip_ready)
		(void)inflateEnd(&d->gzip); /* only read from */
	(void)ZSTD_freeDCtx(d->zstd);       /* NULL does nothing */
	mr_release(d->in);
	mr_release(d->name);
	mr_release(d);
}

static const struct mr_stream_ops decode_ops = {
	.read = decode_read,
	.close = decode_close,
};

static int prepare(struct decode *d, const char *name, struct mreg_error *err)
{
	d->name = mr_strdup(name);
	d->in = mr_alloc(INPUT_BYTES);
	if (!d->name || !d->in)
		return mr_fail_nomem(err);
	if (d->coding == MR_CODING_GZIP) {
		d->gzip_ready =
			inflateInit2(&d->gzip, GZIP_WINDOW_BITS) == Z_OK;
		return d->gzip_ready ? 0 : mr_fail_nomem(err);
	}
	if (d->coding == MR_CODING_ZSTD) {
		d->zstd = ZSTD_createDCtx();
		if (!d->zstd ||
		    ZSTD_isError(ZSTD_DCtx_setParameter(
			    d->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX)))
			return mr_fail_nomem(err);
	}
	return 0;
}

int mr_stream_decode(struct mr_stream *src, enum mr_coding coding, uint64_t max,
		     const char *name, struct mr_stream **out,
		     struct mreg_error *err)
{
	struct decode *d = mr_zalloc(sizeof(*d));
	int rc;

	if (!d) {
		mr_stream_close(src);
		return mr_fail_nomem(err);
	}
	d->base.ops = &decode_ops;
	d->src = src;
	d->coding = coding;
	d->max = max;
	rc = prepare(d, name, err);
	if (rc < 0) {
		decode_close(&d->base);
		return rc;
	}
	*out = &d->base;
	return 0;
}

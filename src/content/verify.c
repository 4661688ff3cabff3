/*
 * verify.c - the stream that refuses to end on the wrong bytes.
 *
 * Digest and length are checked here and nowhere else; every whole-blob read
 * in the library passes through this wrapper (store/store.c sees to that).
 *
 * Invariants
 * 1. 0 is returned only after exactly `want.size` bytes whose digest is
 *    `want.digest`.
 * 2. After an error every read repeats it; nothing is read from `src` again.
 */
#include "content/stream.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

struct verify {
	struct mr_stream base;
	struct mr_stream *src; /* owned */
	struct mr_hash *hash;  /* owned */
	struct mreg_desc want;
	uint64_t seen; /* bytes so far */
	bool proven;
	struct mreg_error failed; /* repeated once set */
};

static int check_end(struct verify *v, struct mreg_error *err)
{
	char want[MREG_DIGEST_TEXT], got[MREG_DIGEST_TEXT];
	struct mreg_digest d;

	if (v->proven)
		return 0;
	mreg_digest_text(&v->want.digest, want);
	if (v->seen != v->want.size) {
		(void)mr_fail(err, MREG_EINTEGRITY,
			      "'%s' ends after %" PRIu64 "/%" PRIu64 " bytes",
			      want, v->seen, v->want.size);
		return MREG_EINTEGRITY;
	}
	mr_hash_end(v->hash, &d);
	if (!mreg_digest_equal(&d, &v->want.digest)) {
		(void)mr_fail(err, MREG_EINTEGRITY,
			      "the bytes of '%s' do not match its digest",
			      want);
		(void)mr_cause(err, "its bytes have another digest, '%s'",
			       mreg_digest_text(&d, got));
		return MREG_EINTEGRITY;
	}
	v->proven = true;
	return 0;
}

static ssize_t read_checked(struct verify *v, void *buf, size_t n,
			    struct mreg_error *err)
{
	char want[MREG_DIGEST_TEXT];
	ssize_t got;

	if (v->proven)
		return 0;
	got = mr_stream_read(v->src, buf, n, err);
	if (got <= 0)
		return got < 0 ? got : check_end(v, err);
	if ((uint64_t)got > v->want.size - v->seen)
		return mr_fail(err, MREG_EINTEGRITY,
			       "'%s' runs past its %" PRIu64 " bytes",
			       mreg_digest_text(&v->want.digest, want),
			       v->want.size);
	mr_hash_add(v->hash, buf, (size_t)got);
	v->seen += (uint64_t)got;
	return got;
}

static ssize_t verify_read(struct mr_stream *s, void *buf, size_t n,
			   struct mreg_error *err)
{
	struct verify *v = mr_container_of(s, struct verify, base);
	ssize_t got = v->failed.code;

	if (got == MREG_OK)
		got = read_checked(v, buf, n, &v->failed);
	if (got < 0 && err)
		*err = v->failed;
	return got;
}

static void verify_close(struct mr_stream *s)
{
	struct verify *v = mr_container_of(s, struct verify, base);

	mr_stream_close(v->src);
	mr_hash_free(v->hash);
	mr_release(v);
}

static const struct mr_stream_ops verify_ops = {
	.read = verify_read,
	.close = verify_close,
};

int mr_stream_verify(struct mr_stream *src, const struct mreg_desc *want,
		     struct mr_stream **out, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *owned = src;
	struct verify *v = mr_zalloc(sizeof(*v));
	int rc;

	if (!v)
		return mr_fail_nomem(err);
	rc = mr_hash_new(want->digest.algorithm, &v->hash, err);
	if (rc < 0) {
		mr_release(v);
		return rc;
	}
	v->base.ops = &verify_ops;
	v->src = mr_steal(&owned);
	v->want = *want;
	*out = &v->base;
	return 0;
}

/*
 * remote_upload_body.c - the bytes of an upload, proven before the last one
 * is handed out.
 */
#include "store/remote_upload.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Past its last byte the source must end. */
static int check_end(struct mr_body *b, struct mreg_error *err)
{
	char byte;
	ssize_t got = mr_stream_read(b->src, &byte, 1, err);

	if (got > 0)
		return mr_fail(err, MREG_ECONFLICT,
			       "%s: it changed while it was read, to more than "
			       "%" PRIu64 " bytes",
			       b->u->what, b->u->size);
	return (int)got;
}

/*
 * Hash what comes for the first time, in order; what is sent again was seen.
 * An upload that was taken up in the middle is proven by the registry alone,
 * which checks the digest too (P-46).
 */
static int prove(struct mr_body *b, const void *buf, size_t n,
		 struct mreg_error *err)
{
	struct mr_upload *u = b->u;
	struct mreg_digest got;
	size_t seen;

	if (!u->proof)
		return 0;
	if (b->at > u->proven) {
		mr_hash_freep(&u->proof);
		return 0;
	}
	if (b->at + n <= u->proven)
		return 0;
	seen = (size_t)(u->proven - b->at);
	mr_hash_add(u->proof, (const char *)buf + seen, n - seen);
	u->proven = b->at + n;
	if (u->proven < u->size)
		return 0;
	mr_hash_end(u->proof, &got);
	mr_hash_freep(&u->proof);
	if (mreg_digest_equal(&got, &u->digest))
		return 0;
	(void)mr_fail(err, MREG_EINTEGRITY,
		      "%s: its source has other bytes than its digest says",
		      u->what);
	return mr_hint(err, "wait until nothing writes to it and run the same "
			    "command again");
}

/* What was read before its turn comes first. */
static ssize_t read_source(struct mr_body *b, void *buf, size_t n,
			   struct mreg_error *err)
{
	struct mr_upload *u = b->u;
	size_t left = u->head_len - u->head_at;

	if (!left)
		return mr_stream_read(b->src, buf, n, err);
	if (n > left)
		n = left;
	memcpy(buf, u->head + u->head_at, n);
	u->head_at += n;
	return (ssize_t)n;
}

static ssize_t body_read(struct mr_stream *s, void *buf, size_t n,
			 struct mreg_error *err)
{
	struct mr_body *b = mr_container_of(s, struct mr_body, base);
	struct mr_upload *u = b->u;
	ssize_t got;
	int rc;

	rc = mr_check_cancel(u->r->base.env, err);
	if (rc < 0 || b->at == b->end)
		return rc;
	if (n > b->end - b->at)
		n = (size_t)(b->end - b->at);
	got = read_source(b, buf, n, err);
	if (got <= 0)
		return got;
	rc = prove(b, buf, (size_t)got, err);
	if (rc < 0)
		return rc;
	b->at += (uint64_t)got;
	if (b->at == u->size) {
		rc = check_end(b, err);
		if (rc < 0)
			return rc;
	}
	mr_upload_keep(u);
	if (b->label && b->at > u->told) {
		mr_progress_bytes(u->r->base.env, b->label, b->at - u->told);
		u->told = b->at;
	}
	return got;
}

static void body_close(struct mr_stream *s)
{
	(void)s; /* on the stack */
}

static const struct mr_stream_ops body_ops = {
	.read = body_read,
	.close = body_close,
};

int mr_body_init(struct mr_body *b, struct mr_upload *u, struct mr_stream *src,
		 uint64_t end, const char *label, struct mreg_error *err)
{
	*b = (struct mr_body){ .base.ops = &body_ops,
			       .src = src,
			       .u = u,
			       .label = label,
			       .at = u->offset,
			       .end = end };
	/* Nobody reads a body of no bytes. */
	return u->offset == u->size ? check_end(b, err) : 0;
}

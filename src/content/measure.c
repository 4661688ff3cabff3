/*
 * measure.c - the stream that finds out what it was: digest, size, text.
 */
#include "content/stream.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "content/digest.h"

struct measure {
	struct mr_stream base;
	struct mr_stream *src; /* owned */
	struct mr_hash *hash;  /* owned */
	struct mr_utf8 utf8;
	struct mr_measure *m; /* borrowed */
};

static ssize_t measure_read(struct mr_stream *s, void *buf, size_t n,
			    struct mreg_error *err)
{
	struct measure *v = mr_container_of(s, struct measure, base);
	ssize_t got;

	if (v->m->complete)
		return 0;
	got = mr_stream_read(v->src, buf, n, err);
	if (got < 0)
		return got;
	if (got == 0) {
		mr_hash_end(v->hash, &v->m->digest);
		v->m->utf8 = mr_utf8_ok(&v->utf8);
		v->m->complete = true;
		return 0;
	}
	mr_hash_add(v->hash, buf, (size_t)got);
	mr_utf8_add(&v->utf8, buf, (size_t)got);
	v->m->size += (uint64_t)got;
	v->m->utf8 = !v->utf8.bad;
	return got;
}

static void measure_close(struct mr_stream *s)
{
	struct measure *v = mr_container_of(s, struct measure, base);

	mr_stream_close(v->src);
	mr_hash_free(v->hash);
	mr_release(v);
}

static const struct mr_stream_ops measure_ops = {
	.read = measure_read,
	.close = measure_close,
};

int mr_stream_measure(struct mr_stream *src, struct mr_measure *m,
		      struct mr_stream **out, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *owned = src;
	struct measure *v = mr_zalloc(sizeof(*v));
	int rc;

	if (!v)
		return mr_fail_nomem(err);
	rc = mr_hash_new(MREG_SHA256, &v->hash, err);
	if (rc < 0) {
		mr_release(v);
		return rc;
	}
	memset(m, 0, sizeof(*m));
	m->utf8 = true;
	v->base.ops = &measure_ops;
	v->src = mr_steal(&owned);
	v->m = m;
	*out = &v->base;
	return 0;
}

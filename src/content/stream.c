/*
 * stream.c - reading streams, and the stream over memory.
 */
#include "content/stream.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define LOAD_BYTES 16384

struct memory {
	struct mr_stream base;
	const char *data; /* borrowed */
	size_t left;
};

static ssize_t memory_read(struct mr_stream *s, void *buf, size_t n,
			   struct mreg_error *err)
{
	struct memory *m = mr_container_of(s, struct memory, base);

	(void)err;
	if (n > m->left)
		n = m->left;
	if (n > 0)
		memcpy(buf, m->data, n);
	m->data += n;
	m->left -= n;
	return (ssize_t)n;
}

static void memory_close(struct mr_stream *s)
{
	mr_release(mr_container_of(s, struct memory, base));
}

static const struct mr_stream_ops memory_ops = {
	.read = memory_read,
	.close = memory_close,
};

ssize_t mr_stream_read(struct mr_stream *s, void *buf, size_t n,
		       struct mreg_error *err)
{
	assert(n > 0);
	return s->ops->read(s, buf, n, err);
}

void mr_stream_close(struct mr_stream *s)
{
	if (s)
		s->ops->close(s);
}

void mr_stream_closep(struct mr_stream **s)
{
	mr_stream_close(*s);
	*s = NULL;
}

ssize_t mr_stream_fill(struct mr_stream *s, void *buf, size_t n,
		       struct mreg_error *err)
{
	size_t len = 0;
	ssize_t got;

	while (len < n) {
		got = mr_stream_read(s, (char *)buf + len, n - len, err);
		if (got < 0)
			return got;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

int mr_stream_load(struct mr_stream *s, struct mr_buf *out,
		   struct mreg_error *err)
{
	char piece[LOAD_BYTES];
	ssize_t got;

	while (!out->failed) {
		got = mr_stream_read(s, piece, sizeof(piece), err);
		if (got < 0)
			return (int)got;
		if (got == 0)
			break;
		mr_buf_add(out, piece, (size_t)got);
	}
	return mr_buf_check(out, "content", err);
}

int mr_stream_memory(const void *data, size_t n, struct mr_stream **out,
		     struct mreg_error *err)
{
	struct memory *m = mr_zalloc(sizeof(*m));

	if (!m)
		return mr_fail_nomem(err);
	m->base.ops = &memory_ops;
	m->data = data ? data : "";
	m->left = data ? n : 0;
	*out = &m->base;
	return 0;
}

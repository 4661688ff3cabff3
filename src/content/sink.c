/*
 * sink.c - the calls into a sink's table, and a stream poured into a sink.
 */
#include "content/sink.h"

#include <errno.h>

#include "base/env.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

int mr_sink_write_at(struct mr_sink *s, const void *buf, size_t n,
		     uint64_t offset, struct mreg_error *err)
{
	return s->ops->write_at(s, buf, n, offset, err);
}

int mr_sink_commit(struct mr_sink *s, struct mreg_error *err)
{
	return s->ops->commit(s, err);
}

void mr_sink_abort(struct mr_sink *s)
{
	if (s)
		s->ops->abort(s);
}

void mr_sink_keep(struct mr_sink *s)
{
	if (s->ops->keep)
		s->ops->keep(s);
	else
		s->ops->abort(s);
}

void mr_sink_give_up(struct mr_sink *s, const struct mreg_error *why)
{
	bool full = why->sys == ENOSPC || why->sys == EDQUOT;

	switch (why->code) {
	case MREG_EIO:
		if (full)
			mr_sink_keep(s);
		else
			mr_sink_abort(s);
		break;
	case MREG_ENETWORK:
	case MREG_EINTEGRITY:
	case MREG_ENOTFOUND:
	case MREG_EREMOTE:
	case MREG_EAUTH:
	case MREG_EDENIED:
	case MREG_ENOMEM:
	case MREG_ECANCELED:
		mr_sink_keep(s);
		break;
	default:
		mr_sink_abort(s);
		break;
	}
}

/* Fill `buf` as far as the stream goes: how many bytes, or a code.  Streams
 * from a network bring a few KiB a read, and what is cancelled or shown must
 * not wait for a whole chunk of those. */
static ssize_t next_chunk(struct mr_stream *src, char *buf, struct mr_env *env,
			  const char *label, struct mreg_error *err)
{
	size_t len = 0;
	ssize_t got;
	int rc;

	while (len < MR_CHUNK_BYTES) {
		rc = mr_check_cancel(env, err);
		if (rc < 0)
			return rc;
		got = mr_stream_read(src, buf + len, MR_CHUNK_BYTES - len, err);
		if (got < 0)
			return got;
		if (got == 0)
			break;
		len += (size_t)got;
		if (label)
			mr_progress_bytes(env, label, (uint64_t)got);
	}
	return (ssize_t)len;
}

int mr_sink_fill(struct mr_sink *s, struct mr_stream *src, uint64_t offset,
		 struct mr_env *env, const char *label, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *buf = mr_alloc(MR_CHUNK_BYTES);
	ssize_t got;
	int rc;

	if (!buf)
		return mr_fail_nomem(err);
	while ((got = next_chunk(src, buf, env, label, err)) > 0) {
		rc = mr_sink_write_at(s, buf, (size_t)got, offset, err);
		if (rc < 0)
			return rc;
		offset += (uint64_t)got;
	}
	return (int)got;
}

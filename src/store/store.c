/*
 * store.c - the only caller of the tables: what is read is verified here, what
 * a store does not do itself is done or refused here, and errors learn which
 * store they are about.
 *
 * Calls about blobs put the digest and the store in front of an error; calls
 * about manifests and tags leave it as it is, for the store knows the name the
 * user gave.
 */
#include "store/internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

/* One blob in memory that somebody else owns, as a store to copy from. */
struct bytes {
	struct mr_store base;
	const struct mreg_desc *desc; /* borrowed */
	const void *data;             /* borrowed */
};

int mr_store_explain(struct mr_store *s, const char *what,
		     const struct mreg_digest *digest, int rc,
		     struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];

	if (rc == MREG_ECANCELED || rc == MREG_ENOMEM)
		return rc;
	(void)mr_wrap(err, "%s '%s' in %s store '%s'", what,
		      mreg_digest_text(digest, text), s->ops->kind, s->name);
	if (rc == MREG_EINTEGRITY && s->ops->damaged)
		s->ops->damaged(s, digest, err);
	return rc;
}

static int unsupported(const struct mr_store *s, const char *what,
		       struct mreg_error *err)
{
	return mr_fail(err, MREG_EUNSUPPORTED, "%s store '%s' cannot %s",
		       s->ops->kind, s->name, what);
}

void mr_doc_release(struct mr_doc *d)
{
	mr_buf_release(&d->bytes);
}

void mr_store_close(struct mr_store *s)
{
	char *label = s ? s->label : NULL;

	if (s)
		s->ops->free(s);
	mr_release(label);
}

void mr_store_closep(struct mr_store **s)
{
	mr_store_close(*s);
	*s = NULL;
}

/* -- blobs ------------------------------------------------------------- */

int mr_store_has(struct mr_store *s, const struct mreg_desc *d, bool *found,
		 struct mreg_error *err)
{
	int rc;

	assert(mr_digest_known(&d->digest));
	*found = false;
	rc = s->ops->has(s, d, found, err);
	if (rc < 0)
		return mr_store_explain(s, "cannot look for", &d->digest, rc,
					err);
	return 0;
}

static int open_raw(struct mr_store *s, const struct mreg_desc *d,
		    uint64_t offset, uint64_t length, struct mr_stream **out,
		    struct mreg_error *err)
{
	int rc;

	assert(mr_digest_known(&d->digest));
	rc = s->ops->open(s, d, offset, length, out, err);
	if (rc < 0)
		return mr_store_explain(s, "cannot open", &d->digest, rc, err);
	return 0;
}

int mr_store_open(struct mr_store *s, const struct mreg_desc *d,
		  struct mr_stream **out, struct mreg_error *err)
{
	struct mr_stream *in;
	int rc;

	rc = open_raw(s, d, 0, d->size, &in, err);
	if (rc < 0)
		return rc;
	rc = mr_stream_verify(in, d, &in, err);
	if (rc < 0)
		return rc;
	return mr_stream_name(in, s, d, out, err);
}

int mr_store_open_range(struct mr_store *s, const struct mreg_desc *d,
			uint64_t offset, uint64_t length,
			struct mr_stream **out, struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	struct mr_stream *in;
	int rc;

	if (offset > d->size || length > d->size - offset)
		return mr_fail(err, MREG_EUSAGE,
			       "'%s' has %" PRIu64 " bytes, not %" PRIu64
			       " from offset %" PRIu64,
			       mreg_digest_text(&d->digest, text), d->size,
			       length, offset);
	rc = open_raw(s, d, offset, length, &in, err);
	if (rc < 0)
		return rc;
	return mr_stream_name(in, s, d, out, err);
}

int mr_store_load(struct mr_store *s, const struct mreg_desc *d,
		  struct mr_buf *out, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	char text[MREG_DIGEST_TEXT];
	int rc;

	if (d->size > out->max)
		return mr_fail(
			err, MREG_ELIMIT,
			"'%s' has %" PRIu64 " bytes, more than the %zu allowed",
			mreg_digest_text(&d->digest, text), d->size, out->max);
	rc = mr_store_open(s, d, &in, err);
	if (rc < 0)
		return rc;
	return mr_stream_load(in, out, err);
}

int mr_store_begin(struct mr_store *s, const struct mreg_desc *d,
		   struct mr_sink **out, struct mreg_error *err)
{
	struct mr_sink *raw = NULL;
	int rc;

	assert(mr_digest_known(&d->digest));
	if (!s->ops->begin)
		return unsupported(s, "take parts of a blob", err);
	rc = s->ops->begin(s, d, &raw, err);
	if (rc < 0)
		return mr_store_explain(s, "cannot begin", &d->digest, rc, err);
	*out = NULL;
	return raw ? mr_sink_verify(raw, d, out, err) : 0;
}

int mr_store_finish(struct mr_store *s, const struct mreg_desc *d,
		    struct mr_store *from, struct mr_sink *sink,
		    struct mreg_error *err)
{
	int rc = mr_sink_commit(sink, err);

	if (rc == MREG_EINTEGRITY) /* written as it was read: the source's */
		return mr_store_explain(from, "cannot read", &d->digest, rc,
					err);
	if (rc < 0)
		return mr_store_explain(s, "cannot put", &d->digest, rc, err);
	return 0;
}

bool mr_store_sinks(const struct mr_store *s)
{
	return s->ops->begin && !s->ops->put;
}

bool mr_store_ranges(struct mr_store *s)
{
	return s->ops->ranges && s->ops->ranges(s);
}

/* Pour what the sink lacks of the blob into it.  Its bytes are hashed once, by
 * the sink. */
static int pour(struct mr_store *from, const struct mreg_desc *d,
		struct mr_sink *sink, struct mr_env *env, const char *label,
		struct mreg_error *err)
{
	struct mr_span hole = { .end = 0 };
	bool whole = mr_sink_resumed(sink) == 0;
	int rc = mr_sink_catch_up(sink, err);

	while (rc >= 0 && (mr_sink_hole(sink, hole.end, &hole) || whole)) {
		MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;

		/* Of an empty blob too: is it there, and empty? */
		whole = false;
		rc = mr_store_open_range(from, d, hole.start,
					 hole.end - hole.start, &in, err);
		if (rc >= 0)
			rc = mr_sink_fill(sink, in, hole.start, env, label,
					  err);
	}
	return rc;
}

/* `*stale`: all bytes were there and were wrong, and some of them had been
 * there before. */
static int copy_once(struct mr_store *s, const struct mreg_desc *d,
		     struct mr_store *from, const char *label, bool *stale,
		     struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_sink *sink;
	bool resumed;
	int rc;

	*stale = false;
	rc = mr_store_begin(s, d, &sink, err);
	if (rc < 0 || !sink)
		return rc;
	resumed = mr_sink_resumed(sink) > 0;
	rc = pour(from, d, sink, s->env, label, &why);
	if (rc < 0) {
		mr_sink_give_up(sink, &why);
		if (err)
			*err = why;
		return rc;
	}
	rc = mr_store_finish(s, d, from, sink, err);
	*stale = rc == MREG_EINTEGRITY && resumed;
	return rc;
}

static int copy(struct mr_store *s, const struct mreg_desc *d,
		struct mr_store *from, const char *label,
		struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	bool stale;
	int rc = copy_once(s, d, from, label, &stale, &why);

	/* Nothing is left of what the one before wrote: all anew. */
	if (stale)
		rc = copy_once(s, d, from, label, &stale, &why);
	if (rc < 0 && err)
		*err = why;
	return rc;
}

int mr_store_put(struct mr_store *s, const struct mreg_desc *d,
		 struct mr_store *from, const char *label,
		 struct mreg_error *err)
{
	int rc;

	assert(mr_digest_known(&d->digest));
	if (!s->ops->put && !s->ops->begin)
		return unsupported(s, "be written", err);
	if (!s->ops->put)
		return copy(s, d, from, label, err);
	rc = s->ops->put(s, d, from, label, err);
	if (rc < 0)
		return mr_store_explain(s, "cannot put", &d->digest, rc, err);
	return 0;
}

static int bytes_has(struct mr_store *s, const struct mreg_desc *d, bool *found,
		     struct mreg_error *err)
{
	const struct bytes *b = mr_container_of(s, struct bytes, base);

	(void)err;
	*found = mreg_digest_equal(&b->desc->digest, &d->digest);
	return 0;
}

static int bytes_open(struct mr_store *s, const struct mreg_desc *d,
		      uint64_t offset, uint64_t length, struct mr_stream **out,
		      struct mreg_error *err)
{
	const struct bytes *b = mr_container_of(s, struct bytes, base);

	assert(mreg_digest_equal(&b->desc->digest, &d->digest));
	return mr_stream_memory((const char *)b->data + offset, (size_t)length,
				out, err);
}

static void bytes_free(struct mr_store *s)
{
	(void)s; /* on the stack */
}

static const struct mr_store_ops bytes_ops = {
	.kind = "memory",
	.has = bytes_has,
	.open = bytes_open,
	.free = bytes_free,
};

int mr_store_put_bytes(struct mr_store *s, const struct mreg_desc *d,
		       const void *bytes, struct mreg_error *err)
{
	char name[] = "bytes";
	struct bytes from = {
		.base = { .ops = &bytes_ops, .env = s->env, .name = name },
		.desc = d,
		.data = bytes,
	};

	return mr_store_put(s, d, &from.base, NULL, err);
}

bool mr_store_streams(const struct mr_store *s)
{
	return s->ops->put_stream != NULL;
}

int mr_store_put_stream(struct mr_store *s, struct mr_stream *src,
			uint64_t size, const char *label, struct mr_measure *m,
			struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	int rc;

	if (!s->ops->put_stream) {
		mr_stream_close(src);
		return unsupported(s, "take content of unknown digest", err);
	}
	rc = mr_stream_progress(src, s->env, label, &src, err);
	if (rc < 0)
		return rc;
	rc = mr_stream_measure(src, m, &in, err);
	if (rc < 0)
		return rc;
	rc = s->ops->put_stream(s, in, size, m, err);
	if (rc < 0)
		return rc;
	if (!m->complete || m->size != size)
		return mr_fail(err, MREG_ECONFLICT,
			       "'%s' changed while it was read: it has %" PRIu64
			       " bytes instead of %" PRIu64,
			       label ? label : "content", m->size, size);
	return 0;
}

int mr_store_open_item(struct mr_store *s, size_t index, struct mr_stream **out,
		       struct mreg_error *err)
{
	if (!s->ops->open_item)
		return unsupported(s, "give content of unknown digest", err);
	return s->ops->open_item(s, index, out, err);
}

void mr_store_learn(struct mr_store *s, size_t index,
		    const struct mreg_digest *digest)
{
	if (s->ops->learn)
		s->ops->learn(s, index, digest);
}

int mr_store_mount(struct mr_store *s, const struct mreg_desc *d,
		   const char *from_repository, bool *done,
		   struct mreg_error *err)
{
	int rc;

	assert(mr_digest_known(&d->digest));
	*done = false;
	if (!s->ops->mount)
		return 0;
	rc = s->ops->mount(s, d, from_repository, done, err);
	if (rc < 0)
		return mr_store_explain(s, "cannot mount", &d->digest, rc, err);
	return 0;
}

int mr_store_file(struct mr_store *s, const struct mreg_desc *d, int *fd,
		  struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	assert(mr_digest_known(&d->digest));
	*fd = -1;
	if (!s->ops->file)
		return 0;
	rc = s->ops->file(s, d, fd, &why);
	if (rc == MREG_ENOTFOUND)
		return 0;
	if (rc < 0 && err)
		*err = why;
	if (rc < 0)
		return mr_store_explain(s, "cannot open", &d->digest, rc, err);
	return 0;
}

int mr_store_need_blobs(struct mr_store *s, const struct mr_manifest *m,
			struct mr_list *missing, struct mreg_error *err)
{
	char first[MREG_DIGEST_TEXT] = "";
	char text[MREG_DIGEST_TEXT];
	size_t n = m->is_index ? 0 : m->layer_count + 1;
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		const struct mreg_desc *d =
			i ? &m->layers[i - 1].desc : &m->config.desc;
		bool found = false;

		rc = mr_store_has(s, d, &found, err);
		if (rc < 0)
			return rc;
		if (found)
			continue;
		mreg_digest_text(&d->digest, text);
		if (!first[0])
			memcpy(first, text, sizeof(first));
		if (missing && !mr_list_has(missing, text)) {
			rc = mr_list_add(missing, text, err);
			if (rc < 0)
				return rc;
		}
	}
	if (!first[0])
		return 0;
	return mr_fail(err, MREG_ECONFLICT,
		       "manifest names '%s', which is not in %s store '%s'",
		       first, s->ops->kind, s->name);
}

/*
 * source.c - a layer is read by walking over its members: header, bytes,
 * zeros, and the end.
 */
#include "profile/source.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "profile/tar.h"

struct source {
	struct mr_store base;
	struct mr_image_layer *const *layers; /* borrowed */
	size_t count;
	struct mr_store *from; /* borrowed */
	struct mr_lock lock;   /* of the layers' digests */
};

struct walk {
	struct mr_stream base;
	const struct mr_image_layer *layer; /* borrowed */
	struct mr_store *from;              /* borrowed */
	size_t member;        /* that `at` is in; count: the end */
	uint64_t at, end;     /* in the layer */
	struct mr_stream *in; /* owned; of the member's bytes */
	struct mr_buf header; /* of the member; empty: not made */
	int failed;           /* what every further read says */
	struct mreg_error why;
};

static struct source *source_of(struct mr_store *s)
{
	return mr_container_of(s, struct source, base);
}

/* Where the next member begins, or the end. */
static uint64_t member_end(const struct walk *w)
{
	const struct mr_image_layer *l = w->layer;

	return w->member + 1 < l->count ? l->members[w->member + 1].at
					: l->desc.size - MR_USTAR_END_BYTES;
}

static uint64_t bytes_of(const struct mr_image_member *m)
{
	return m->folder ? 0 : m->desc.size;
}

static size_t part(const struct walk *w, uint64_t until, size_t n)
{
	uint64_t left = (until < w->end ? until : w->end) - w->at;

	return left < n ? (size_t)left : n;
}

static ssize_t read_zeros(struct walk *w, void *buf, size_t n, uint64_t until)
{
	size_t some = part(w, until, n);

	memset(buf, 0, some);
	return (ssize_t)some;
}

static ssize_t read_header(struct walk *w, const struct mr_image_member *m,
			   void *buf, size_t n, struct mreg_error *err)
{
	size_t some = part(w, m->begin, n);
	int rc;

	if (!w->header.len) {
		struct mr_ustar_entry e = {
			.path = m->path,
			.size = bytes_of(m),
			.executable = m->executable,
			.paged = m->paged,
		};

		mr_ustar_header(&e, m->at, &w->header);
		rc = mr_buf_check(&w->header, "a layer's header", err);
		if (rc < 0)
			return rc;
		assert(w->header.len == m->begin - m->at);
	}
	memcpy(buf, w->header.data + (w->at - m->at), some);
	return (ssize_t)some;
}

static int open_bytes(struct walk *w, const struct mr_image_member *m,
		      struct mreg_error *err)
{
	uint64_t from = w->at - m->begin;
	uint64_t left = m->desc.size - from;
	uint64_t wanted = w->end - w->at;

	if (from == 0 && wanted >= left)
		return mr_store_open(w->from, &m->desc, &w->in, err);
	return mr_store_open_range(w->from, &m->desc, from,
				   wanted < left ? wanted : left, &w->in, err);
}

/* All of them were read: only the end of the stream is the proof. */
static int close_bytes(struct walk *w, struct mreg_error *err)
{
	char more;
	ssize_t got = mr_stream_read(w->in, &more, 1, err);

	mr_stream_closep(&w->in);
	if (got > 0)
		return mr_fail(err, MREG_EINTEGRITY,
			       "a file runs past its own size");
	return (int)got;
}

static ssize_t read_bytes(struct walk *w, const struct mr_image_member *m,
			  void *buf, size_t n, struct mreg_error *err)
{
	uint64_t until = m->begin + m->desc.size;
	size_t some = part(w, until, n);
	ssize_t got;
	int rc;

	if (m->bytes) {
		memcpy(buf, (const char *)m->bytes + (w->at - m->begin), some);
		return (ssize_t)some;
	}
	if (!w->in) {
		rc = open_bytes(w, m, err);
		if (rc < 0)
			return rc;
	}
	got = mr_stream_read(w->in, buf, some, err);
	if (got == 0)
		return mr_fail(err, MREG_EINTEGRITY,
			       "'%s' ends after %" PRIu64 " of its %" PRIu64
			       " bytes",
			       m->path, w->at - m->begin, m->desc.size);
	if (got > 0 &&
	    w->at + (uint64_t)got == (until < w->end ? until : w->end)) {
		rc = close_bytes(w, err);
		if (rc < 0)
			return rc;
	}
	return got;
}

/* An empty file has no bytes to read, so its blob is asked for nothing. */
static ssize_t read_some(struct walk *w, void *buf, size_t n,
			 struct mreg_error *err)
{
	const struct mr_image_member *m;

	while (w->member < w->layer->count && w->at >= member_end(w)) {
		w->member++;
		mr_buf_clear(&w->header);
	}
	if (w->member == w->layer->count)
		return read_zeros(w, buf, n, w->end);
	m = &w->layer->members[w->member];
	if (w->at < m->begin)
		return read_header(w, m, buf, n, err);
	if (w->at < m->begin + bytes_of(m))
		return read_bytes(w, m, buf, n, err);
	return read_zeros(w, buf, n, member_end(w));
}

static ssize_t walk_read(struct mr_stream *s, void *buf, size_t n,
			 struct mreg_error *err)
{
	struct walk *w = mr_container_of(s, struct walk, base);
	ssize_t got = 0;

	if (w->failed == 0 && w->at < w->end) {
		got = read_some(w, buf, n, &w->why);
		if (got > 0)
			w->at += (uint64_t)got;
		else
			w->failed = (int)got;
	}
	if (w->failed < 0) {
		if (err)
			*err = w->why;
		return w->failed;
	}
	return got;
}

static void walk_close(struct mr_stream *s)
{
	struct walk *w = mr_container_of(s, struct walk, base);

	mr_stream_close(w->in);
	mr_buf_release(&w->header);
	mr_release(w);
}

static const struct mr_stream_ops walk_ops = {
	.read = walk_read,
	.close = walk_close,
};

/* The last member that begins at or before `at`. */
static size_t find_member(const struct mr_image_layer *l, uint64_t at)
{
	size_t low = 0;
	size_t high = l->count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (l->members[mid].at <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static int open_layer(const struct source *s, const struct mr_image_layer *l,
		      uint64_t offset, uint64_t length, struct mr_stream **out,
		      struct mreg_error *err)
{
	struct walk *w = mr_zalloc(sizeof(*w));

	if (!w)
		return mr_fail_nomem(err);
	w->base.ops = &walk_ops;
	mr_buf_init(&w->header, MR_USTAR_HEADER_MAX_BYTES);
	w->layer = l;
	w->from = s->from;
	w->at = offset;
	w->end = offset + length;
	w->member = find_member(l, offset);
	*out = &w->base;
	return 0;
}

static const struct mr_image_layer *find(struct source *s,
					 const struct mreg_digest *digest)
{
	const struct mr_image_layer *found = NULL;
	size_t i;

	mr_lock_enter(&s->lock);
	for (i = 0; !found && i < s->count; i++)
		if (mreg_digest_equal(&s->layers[i]->desc.digest, digest))
			found = s->layers[i];
	mr_lock_leave(&s->lock);
	return found;
}

static int source_has(struct mr_store *s, const struct mreg_desc *d,
		      bool *found, struct mreg_error *err)
{
	(void)err;
	*found = find(source_of(s), &d->digest) != NULL;
	return 0;
}

static int source_open(struct mr_store *s, const struct mreg_desc *d,
		       uint64_t offset, uint64_t length, struct mr_stream **out,
		       struct mreg_error *err)
{
	const struct mr_image_layer *l = find(source_of(s), &d->digest);

	if (!l)
		return mr_fail(err, MREG_ENOTFOUND, "no layer has this digest");
	if (l->desc.size != d->size)
		return mr_fail(err, MREG_EINTEGRITY,
			       "it has %" PRIu64 " bytes instead of %" PRIu64,
			       l->desc.size, d->size);
	return open_layer(source_of(s), l, offset, length, out, err);
}

static int source_open_item(struct mr_store *s, size_t index,
			    struct mr_stream **out, struct mreg_error *err)
{
	const struct source *src = source_of(s);

	assert(index < src->count);
	return open_layer(src, src->layers[index], 0,
			  src->layers[index]->desc.size, out, err);
}

static void source_learn(struct mr_store *s, size_t index,
			 const struct mreg_digest *digest)
{
	struct source *src = source_of(s);

	assert(index < src->count);
	mr_lock_enter(&src->lock);
	src->layers[index]->desc.digest = *digest;
	mr_lock_leave(&src->lock);
}

static void source_free(struct mr_store *s)
{
	struct source *src = source_of(s);

	mr_lock_release(&src->lock);
	mr_release(src->base.name);
	mr_release(src);
}

static const struct mr_store_ops source_ops = {
	.kind = "image",
	.has = source_has,
	.open = source_open,
	.free = source_free,
	.open_item = source_open_item,
	.learn = source_learn,
};

int mr_image_source(struct mr_env *env, struct mr_image_layer *const *layers,
		    size_t count, struct mr_store *from, struct mr_store **out,
		    struct mreg_error *err)
{
	struct source *src = mr_zalloc(sizeof(*src));
	char *name = mr_strdup("layers");

	if (!src || !name) {
		mr_release(src);
		mr_release(name);
		return mr_fail_nomem(err);
	}
	mr_lock_init(&src->lock);
	src->base.ops = &source_ops;
	src->base.env = env;
	src->base.name = name;
	src->layers = layers;
	src->count = count;
	src->from = from;
	*out = &src->base;
	return 0;
}

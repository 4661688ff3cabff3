/*
 * memory.c - a store that lives as long as the process.
 *
 * Invariants
 * 1. A blob that is in the list never changes or moves until the store is
 *    freed, so streams read it without the lock.
 * 2. A manifest is a blob whose media type is known.
 */
#include "store/internal.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

/* For what is small or a test: more would not be noticed before the machine
 * swaps. */
#define BLOB_MAX_BYTES (256u << 20)

struct blob {
	struct blob *next;     /* owned */
	struct mreg_desc desc; /* type "": no manifest */
	char *data;            /* owned */
};

struct tag {
	struct tag *next;        /* owned */
	const struct blob *blob; /* borrowed */
	char name[129];
};

struct memory {
	struct mr_store base;
	pthread_mutex_t lock; /* of the lists */
	struct blob *blobs;
	struct tag *tags;
};

struct memory_sink {
	struct mr_sink base;
	struct memory *store; /* borrowed */
	struct blob *blob;    /* owned until commit */
};

static struct memory *memory_of(struct mr_store *s)
{
	return mr_container_of(s, struct memory, base);
}

/* Under the lock. */
static struct blob *find_blob(const struct memory *m,
			      const struct mreg_digest *digest)
{
	struct blob *b = m->blobs;

	while (b && !mreg_digest_equal(&b->desc.digest, digest))
		b = b->next;
	return b;
}

static struct blob *get_blob(struct memory *m, const struct mreg_digest *digest)
{
	struct blob *b;

	(void)pthread_mutex_lock(&m->lock);
	b = find_blob(m, digest);
	(void)pthread_mutex_unlock(&m->lock);
	return b;
}

static void free_blob(struct blob *b)
{
	if (b)
		mr_release(b->data);
	mr_release(b);
}

static void free_blobp(struct blob **b)
{
	free_blob(*b);
}

static int new_blob(const struct mreg_desc *d, struct blob **out,
		    struct mreg_error *err)
{
	MR_AUTO(free_blobp) struct blob *b = mr_zalloc(sizeof(*b));

	if (d->size > BLOB_MAX_BYTES)
		return mr_fail(err, MREG_ELIMIT,
			       "%" PRIu64
			       " bytes are too many for a store in memory",
			       d->size);
	if (!b)
		return mr_fail_nomem(err);
	b->desc.digest = d->digest;
	b->desc.size = d->size;
	b->data = mr_alloc((size_t)d->size);
	if (!b->data)
		return mr_fail_nomem(err);
	*out = mr_steal(&b);
	return 0;
}

/* Keep `b`, or free it when its content is here already; the one that stays
 * is returned. */
static struct blob *keep_blob(struct memory *m, struct blob *b)
{
	struct blob *old;

	(void)pthread_mutex_lock(&m->lock);
	old = find_blob(m, &b->desc.digest);
	if (!old) {
		b->next = m->blobs;
		m->blobs = b;
	}
	(void)pthread_mutex_unlock(&m->lock);
	if (!old)
		return b;
	free_blob(b);
	return old;
}

static int memory_has(struct mr_store *s, const struct mreg_desc *d,
		      bool *found, struct mreg_error *err)
{
	const struct blob *b = get_blob(memory_of(s), &d->digest);

	(void)err;
	*found = b && b->desc.size == d->size;
	return 0;
}

static int memory_open(struct mr_store *s, const struct mreg_desc *d,
		       uint64_t offset, uint64_t length, struct mr_stream **out,
		       struct mreg_error *err)
{
	const struct blob *b = get_blob(memory_of(s), &d->digest);

	if (!b)
		return mr_fail(err, MREG_ENOTFOUND, "no such blob");
	if (b->desc.size != d->size)
		return mr_fail(err, MREG_EINTEGRITY,
			       "it has %" PRIu64 " bytes instead of %" PRIu64,
			       b->desc.size, d->size);
	return mr_stream_memory(b->data + offset, (size_t)length, out, err);
}

static int sink_write_at(struct mr_sink *s, const void *buf, size_t n,
			 uint64_t offset, struct mreg_error *err)
{
	struct memory_sink *sink = mr_container_of(s, struct memory_sink, base);

	(void)err; /* the verified sink has checked the bounds */
	memcpy(sink->blob->data + offset, buf, n);
	return 0;
}

static ssize_t sink_read_at(struct mr_sink *s, void *buf, size_t n,
			    uint64_t offset, struct mreg_error *err)
{
	struct memory_sink *sink = mr_container_of(s, struct memory_sink, base);

	(void)err;
	memcpy(buf, sink->blob->data + offset, n);
	return (ssize_t)n;
}

static int sink_commit(struct mr_sink *s, struct mreg_error *err)
{
	struct memory_sink *sink = mr_container_of(s, struct memory_sink, base);

	(void)err;
	(void)keep_blob(sink->store, sink->blob);
	mr_release(sink);
	return 0;
}

static void sink_abort(struct mr_sink *s)
{
	struct memory_sink *sink = mr_container_of(s, struct memory_sink, base);

	free_blob(sink->blob);
	mr_release(sink);
}

static const struct mr_sink_ops sink_ops = {
	.write_at = sink_write_at,
	.read_at = sink_read_at,
	.commit = sink_commit,
	.abort = sink_abort,
};

static int memory_begin(struct mr_store *s, const struct mreg_desc *d,
			struct mr_sink **out, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct memory_sink *sink = mr_zalloc(sizeof(*sink));
	int rc;

	if (!sink)
		return mr_fail_nomem(err);
	rc = new_blob(d, &sink->blob, err);
	if (rc < 0)
		return rc;
	sink->base.ops = &sink_ops;
	sink->store = memory_of(s);
	*out = &sink->base;
	sink = NULL;
	return 0;
}

static int memory_put_stream(struct mr_store *s, struct mr_stream *src,
			     uint64_t size, const struct mr_measure *m,
			     struct mreg_error *err)
{
	MR_AUTO(free_blobp) struct blob *b = NULL;
	struct mreg_desc d = { .size = size };
	ssize_t got;
	char more;
	int rc;

	rc = new_blob(&d, &b, err);
	if (rc < 0)
		return rc;
	got = size ? mr_stream_fill(src, b->data, (size_t)size, err) : 0;
	if (got < 0)
		return (int)got;
	/* The end must be seen for the measure to be complete. */
	got = mr_stream_read(src, &more, 1, err);
	if (got < 0)
		return (int)got;
	if (!m->complete || m->size != size)
		return mr_fail(err, MREG_ECONFLICT,
			       "content is not the %" PRIu64
			       " bytes it was said to be",
			       size);
	b->desc.digest = m->digest;
	(void)keep_blob(memory_of(s), mr_steal(&b));
	return 0;
}

/* Under the lock. */
static struct tag **find_tag(struct memory *m, const char *name)
{
	struct tag **t = &m->tags;

	while (*t && strcmp((*t)->name, name) != 0)
		t = &(*t)->next;
	return t;
}

/* Under the lock: the manifest, or NULL. */
static const struct blob *find_manifest(struct memory *m, const char *reference)
{
	struct mreg_digest digest;
	const struct blob *b;

	if (mreg_digest_parse(reference, &digest, NULL) == 0) {
		b = find_blob(m, &digest);
	} else {
		struct tag *t = *find_tag(m, reference);

		b = t ? t->blob : NULL;
	}
	return b && b->desc.media_type[0] ? b : NULL;
}

static int memory_get(struct mr_store *s, const char *reference,
		      struct mr_doc *out, bool *found, struct mreg_error *err)
{
	struct memory *m = memory_of(s);
	const struct blob *b;

	(void)pthread_mutex_lock(&m->lock);
	b = find_manifest(m, reference);
	if (b)
		out->desc = b->desc;
	(void)pthread_mutex_unlock(&m->lock);
	*found = b != NULL;
	if (!b)
		return 0;
	mr_buf_add(&out->bytes, b->data, (size_t)b->desc.size);
	return mr_buf_check(&out->bytes, "manifest", err);
}

static int move_tag(struct memory *m, const char *name, const struct blob *to,
		    struct mreg_error *err)
{
	struct tag **t;
	int rc = 0;

	(void)pthread_mutex_lock(&m->lock);
	t = find_tag(m, name);
	if (!*t)
		*t = mr_zalloc(sizeof(**t));
	if (*t) {
		(void)snprintf((*t)->name, sizeof((*t)->name), "%s", name);
		(*t)->blob = to;
	} else {
		rc = mr_fail_nomem(err);
	}
	(void)pthread_mutex_unlock(&m->lock);
	return rc;
}

static int memory_set(struct mr_store *s, const char *reference,
		      const struct mreg_desc *d, const void *bytes,
		      struct mr_list *missing, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *manifest = NULL;
	struct memory *m = memory_of(s);
	struct blob *b;
	int rc;

	rc = mr_manifest_parse(bytes, (size_t)d->size, d->media_type, &manifest,
			       err);
	if (rc == 0)
		rc = mr_store_need_blobs(s, manifest, missing, err);
	if (rc == 0)
		rc = new_blob(d, &b, err);
	if (rc < 0)
		return rc;
	memcpy(b->data, bytes, (size_t)d->size);
	b = keep_blob(m, b);
	(void)pthread_mutex_lock(&m->lock);
	memcpy(b->desc.media_type, d->media_type, sizeof(d->media_type));
	(void)pthread_mutex_unlock(&m->lock);
	if (mr_tag_kind(reference) == MR_TAG_INVALID)
		return 0;
	return move_tag(m, reference, b, err);
}

static int memory_untag(struct mr_store *s, const char *tag,
			struct mreg_error *err)
{
	struct memory *m = memory_of(s);
	struct tag **at;
	struct tag *t;

	(void)pthread_mutex_lock(&m->lock);
	at = find_tag(m, tag);
	t = *at;
	if (t)
		*at = t->next;
	(void)pthread_mutex_unlock(&m->lock);
	if (!t)
		return mr_fail(err, MREG_ENOTFOUND, "no tag '%s' in memory",
			       tag);
	mr_release(t);
	return 0;
}

static int memory_tags(struct mr_store *s, struct mr_list *out, bool *found,
		       struct mreg_error *err)
{
	struct memory *m = memory_of(s);
	const struct tag *t;
	int rc = 0;

	(void)pthread_mutex_lock(&m->lock);
	*found = m->blobs != NULL;
	for (t = m->tags; t && rc == 0; t = t->next)
		rc = mr_list_add(out, t->name, err);
	(void)pthread_mutex_unlock(&m->lock);
	mr_list_sort(out);
	return rc;
}

/* The blob as a manifest, if it was put as one; NULL in `*out` if not. */
static int parse_manifest(struct memory *m, const struct blob *b,
			  struct mr_manifest **out, struct mreg_error *err)
{
	struct mreg_desc d;

	(void)pthread_mutex_lock(&m->lock);
	d = b->desc;
	(void)pthread_mutex_unlock(&m->lock);
	if (!d.media_type[0])
		return 0;
	return mr_manifest_parse(b->data, (size_t)d.size, d.media_type, out,
				 err);
}

static int memory_referrers(struct mr_store *s,
			    const struct mreg_digest *subject,
			    const char *artifact_type, struct mr_referrers *out,
			    struct mreg_error *err)
{
	struct memory *m = memory_of(s);
	const struct blob *b;
	int rc = 0;

	(void)pthread_mutex_lock(&m->lock);
	b = m->blobs; /* what comes later is in front of it */
	(void)pthread_mutex_unlock(&m->lock);
	for (; b && rc == 0; b = b->next) {
		MR_AUTO(mr_manifest_freep) struct mr_manifest *parsed = NULL;

		rc = parse_manifest(m, b, &parsed, err);
		if (rc == 0 && parsed)
			rc = mr_referrers_look(out, parsed, subject,
					       artifact_type, err);
	}
	return rc;
}

static void memory_free(struct mr_store *s)
{
	struct memory *m = memory_of(s);

	while (m->blobs) {
		struct blob *next = m->blobs->next;

		free_blob(m->blobs);
		m->blobs = next;
	}
	while (m->tags) {
		struct tag *next = m->tags->next;

		mr_release(m->tags);
		m->tags = next;
	}
	(void)pthread_mutex_destroy(&m->lock);
	mr_release(m->base.name);
	mr_release(m);
}

/* No lock: nobody else can be in this memory. */
static const struct mr_store_ops memory_ops = {
	.kind = "memory",
	.has = memory_has,
	.open = memory_open,
	.free = memory_free,
	.begin = memory_begin,
	.put_stream = memory_put_stream,
	.get = memory_get,
	.set = memory_set,
	.untag = memory_untag,
	.tags = memory_tags,
	.referrers = memory_referrers,
};

int mr_memory_open(struct mr_env *env, struct mr_store **out,
		   struct mreg_error *err)
{
	struct memory *m = mr_zalloc(sizeof(*m));
	char *name = mr_strdup("memory");

	if (!m || !name) {
		mr_release(m);
		mr_release(name);
		return mr_fail_nomem(err);
	}
	m->base.ops = &memory_ops;
	m->base.env = env;
	m->base.name = name;
	(void)pthread_mutex_init(&m->lock, NULL); /* cannot fail on Linux */
	*out = &m->base;
	return 0;
}

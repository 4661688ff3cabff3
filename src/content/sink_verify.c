/*
 * sink_verify.c - the sink that commits only what it has proven.
 *
 * Invariants
 * 1. `extents` is sorted, its members do not touch `frontier`'s left side and
 *    do not overlap: a write that would is refused before it reaches `raw`,
 *    so no byte changes after it was hashed.
 * 2. An extent is entered before its write begins (`written` false) and can
 *    be read back and hashed once that has returned (`written` true).
 * 3. One thread at a time advances the frontier (`busy`); it hashes and reads
 *    back without the lock.  Others enter their extents and go: whoever is
 *    busy looks again before it stops, so no written extent at the frontier
 *    is left behind.
 * 4. Written neighbours are merged, so there are about as many extents as
 *    there are workers.
 * 5. An `ordered` extent is hashed from memory.  Those begin at the frontier
 *    and follow each other without a gap up to `ordered_to`; while there are
 *    any nobody reads back.  It stays until it is both written and hashed, so
 *    a commit that finds no extent knows that every byte is both.
 */
#include "content/sink.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

struct extent {
	uint64_t start, end; /* offsets; end exclusive */
	bool written;
	bool ordered; /* hashed from memory, not read back */
};

struct verify {
	struct mr_sink base;
	struct mr_sink *raw;  /* owned */
	struct mr_hash *hash; /* owned; of whoever is busy */
	struct mreg_desc want;
	char *chunk;          /* owned, of whoever is busy; NULL until needed */
	pthread_mutex_t lock; /* of what follows */
	uint64_t frontier;    /* all before it is hashed */
	uint64_t ordered_to;  /* end of the last ordered extent, or less */
	uint64_t resumed;     /* bytes that were here at the beginning */
	struct extent *extents; /* owned */
	size_t n, cap;
	bool busy;
	struct mreg_error failed; /* of the proof; repeated once set */
};

static void remove_at(struct verify *v, size_t i)
{
	v->n--;
	memmove(&v->extents[i], &v->extents[i + 1],
		(v->n - i) * sizeof(*v->extents));
}

/* The index of the first extent that ends behind `start`. */
static size_t lower(const struct verify *v, uint64_t start)
{
	size_t i = 0;

	while (i < v->n && v->extents[i].end <= start)
		i++;
	return i;
}

/* Under the lock: the failure there was, if there was one. */
static int repeat_failure(const struct verify *v, struct mreg_error *err)
{
	if (v->failed.code != MREG_OK && err)
		*err = v->failed;
	return v->failed.code;
}

/* Under the lock: enter [start, end) as being written. */
static int enter(struct verify *v, uint64_t start, uint64_t end,
		 struct mreg_error *err)
{
	size_t i = lower(v, start);
	int rc = repeat_failure(v, err);

	if (rc < 0)
		return rc;
	if (start < v->frontier || (i < v->n && v->extents[i].start < end))
		return mr_fail(err, MREG_EINTERNAL,
			       "bytes at offset %" PRIu64 " written twice",
			       start);
	if (mr_grow((void **)&v->extents, &v->cap, v->n + 1,
		    sizeof(*v->extents)) < 0)
		return mr_fail_nomem(err);
	memmove(&v->extents[i + 1], &v->extents[i],
		(v->n - i) * sizeof(*v->extents));
	v->extents[i] = (struct extent){ .start = start, .end = end };
	v->n++;
	return 0;
}

static bool joins(const struct extent *a, const struct extent *b)
{
	return a->written && b->written && !a->ordered && !b->ordered &&
	       a->end == b->start;
}

/* Under the lock: the write of the extent that starts at `start` returned. */
static void leave(struct verify *v, uint64_t start, bool written)
{
	size_t i = lower(v, start);
	struct extent *e = v->extents;

	assert(i < v->n && e[i].start == start);
	/* Not written: a hole again; commit refuses it. */
	if (!written || (e[i].ordered && e[i].end <= v->frontier)) {
		remove_at(v, i);
		return;
	}
	e[i].written = true;
	if (i + 1 < v->n && joins(&e[i], &e[i + 1])) {
		e[i].end = e[i + 1].end;
		remove_at(v, i + 1);
	}
	if (i > 0 && joins(&e[i - 1], &e[i])) {
		e[i - 1].end = e[i].end;
		remove_at(v, i);
	}
}

/* Under the lock: how many written bytes lie at the frontier, to be read
 * back. */
static uint64_t ready(const struct verify *v)
{
	const struct extent *e;
	size_t i = lower(v, v->frontier);

	if (i == v->n)
		return 0;
	e = &v->extents[i];
	if (!e->written || e->ordered || e->start != v->frontier)
		return 0;
	return e->end - e->start;
}

/* Under the lock: `n` more bytes are hashed. */
static void advance(struct verify *v, size_t n)
{
	size_t i = lower(v, v->frontier);
	struct extent *e = &v->extents[i];

	v->frontier += n;
	if (!e->ordered)
		e->start = v->frontier;
	if (e->written && e->end <= v->frontier)
		remove_at(v, i);
}

/* Busy, without the lock: hash `n` bytes at `offset` as they were stored. */
static int hash_stored(struct verify *v, size_t n, uint64_t offset,
		       struct mreg_error *err)
{
	size_t len = 0;
	ssize_t got;

	if (!v->chunk)
		v->chunk = mr_alloc(MR_CHUNK_BYTES);
	if (!v->chunk)
		return mr_fail_nomem(err);
	while (len < n) {
		got = v->raw->ops->read_at(v->raw, v->chunk, n - len,
					   offset + len, err);
		if (got == 0)
			return mr_fail(err, MREG_EIO,
				       "cannot read back what was written at "
				       "offset %" PRIu64,
				       offset + len);
		if (got < 0)
			return (int)got;
		mr_hash_add(v->hash, v->chunk, (size_t)got);
		len += (size_t)got;
	}
	return 0;
}

/*
 * Under the lock, which is given up meanwhile: hash what lies at the frontier.
 * The first bytes may be at hand in `buf` (`n` of them, for `offset`): bytes
 * that arrive in order are never read back.
 */
static int read_back(struct verify *v, const void *buf, size_t n,
		     uint64_t offset, struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = 0;

	if (v->busy || v->failed.code != MREG_OK)
		return 0;
	v->busy = true;
	while (rc == 0 && v->failed.code == MREG_OK && ready(v) > 0) {
		uint64_t from = v->frontier;
		uint64_t most = ready(v);
		bool at_hand = from == offset;
		size_t size =
			most < MR_CHUNK_BYTES ? (size_t)most : MR_CHUNK_BYTES;

		(void)pthread_mutex_unlock(&v->lock);
		if (at_hand) {
			size = n;
			mr_hash_add(v->hash, buf, n);
		} else {
			rc = hash_stored(v, size, from, &why);
		}
		(void)pthread_mutex_lock(&v->lock);
		if (rc == 0)
			advance(v, size);
	}
	v->busy = false;
	if (rc < 0) {
		v->failed = why;
		if (err)
			*err = why;
	}
	return rc;
}

static int check_bounds(const struct verify *v, size_t n, uint64_t offset,
			struct mreg_error *err)
{
	char want[MREG_DIGEST_TEXT];

	if (offset <= v->want.size && n <= v->want.size - offset)
		return 0;
	return mr_fail(err, MREG_EINTEGRITY,
		       "'%s' runs past its %" PRIu64 " bytes",
		       mreg_digest_text(&v->want.digest, want), v->want.size);
}

static int verify_write_at(struct mr_sink *s, const void *buf, size_t n,
			   uint64_t offset, struct mreg_error *err)
{
	struct verify *v = mr_container_of(s, struct verify, base);
	int rc = check_bounds(v, n, offset, err);

	if (rc < 0 || n == 0)
		return rc;
	(void)pthread_mutex_lock(&v->lock);
	rc = enter(v, offset, offset + n, err);
	(void)pthread_mutex_unlock(&v->lock);
	if (rc < 0)
		return rc;
	rc = v->raw->ops->write_at(v->raw, buf, n, offset, err);
	(void)pthread_mutex_lock(&v->lock);
	leave(v, offset, rc >= 0);
	if (rc >= 0)
		rc = read_back(v, buf, n, offset, err);
	(void)pthread_mutex_unlock(&v->lock);
	return rc;
}

static ssize_t verify_read_at(struct mr_sink *s, void *buf, size_t n,
			      uint64_t offset, struct mreg_error *err)
{
	struct verify *v = mr_container_of(s, struct verify, base);

	return v->raw->ops->read_at(v->raw, buf, n, offset, err);
}

static void free_verify(struct verify *v)
{
	mr_hash_free(v->hash);
	mr_release(v->chunk);
	mr_release(v->extents);
	(void)pthread_mutex_destroy(&v->lock);
	mr_release(v);
}

static int check_whole(struct verify *v, struct mreg_error *err)
{
	char want[MREG_DIGEST_TEXT], got[MREG_DIGEST_TEXT];
	struct mreg_digest d;

	if (v->failed.code != MREG_OK)
		return repeat_failure(v, err);
	mreg_digest_text(&v->want.digest, want);
	if (v->n > 0)
		return mr_fail(err, MREG_EINTEGRITY,
			       "'%s' has a hole: nothing came for offsets "
			       "%" PRIu64 " to %" PRIu64,
			       want, v->frontier, v->extents[0].start);
	if (v->frontier != v->want.size)
		return mr_fail(err, MREG_EINTEGRITY,
			       "'%s' ends after %" PRIu64 "/%" PRIu64 " bytes",
			       want, v->frontier, v->want.size);
	mr_hash_end(v->hash, &d);
	if (!mreg_digest_equal(&d, &v->want.digest)) {
		(void)mr_fail(err, MREG_EINTEGRITY,
			      "the bytes of '%s' do not match its digest",
			      want);
		(void)mr_cause(err, "its bytes have another digest, '%s'",
			       mreg_digest_text(&d, got));
		return MREG_EINTEGRITY;
	}
	return 0;
}

static int verify_commit(struct mr_sink *s, struct mreg_error *err)
{
	struct verify *v = mr_container_of(s, struct verify, base);
	struct mr_sink *raw = v->raw;
	int rc = check_whole(v, err);

	free_verify(v);
	if (rc < 0) {
		raw->ops->abort(raw);
		return rc;
	}
	return raw->ops->commit(raw, err);
}

static void verify_abort(struct mr_sink *s)
{
	struct verify *v = mr_container_of(s, struct verify, base);

	v->raw->ops->abort(v->raw);
	free_verify(v);
}

static void verify_keep(struct mr_sink *s)
{
	struct verify *v = mr_container_of(s, struct verify, base);

	mr_sink_keep(v->raw);
	free_verify(v);
}

static const struct mr_sink_ops verify_ops = {
	.write_at = verify_write_at,
	.read_at = verify_read_at,
	.commit = verify_commit,
	.abort = verify_abort,
	.keep = verify_keep,
};

static struct verify *verify_of(struct mr_sink *s)
{
	assert(s->ops == &verify_ops);
	return mr_container_of(s, struct verify, base);
}

/* -- two threads at one piece ------------------------------------------ */

int mr_sink_enter(struct mr_sink *s, size_t n, uint64_t offset, bool *in_order,
		  struct mreg_error *err)
{
	struct verify *v = verify_of(s);
	uint64_t turn;
	int rc = check_bounds(v, n, offset, err);

	*in_order = false;
	if (rc < 0 || n == 0)
		return rc;
	(void)pthread_mutex_lock(&v->lock);
	turn = v->ordered_to > v->frontier ? v->ordered_to : v->frontier;
	rc = enter(v, offset, offset + n, err);
	if (rc == 0 && offset == turn) {
		v->extents[lower(v, offset)].ordered = true;
		v->ordered_to = offset + n;
		*in_order = true;
	}
	(void)pthread_mutex_unlock(&v->lock);
	return rc;
}

int mr_sink_store(struct mr_sink *s, const void *buf, size_t n, uint64_t offset,
		  bool in_order, struct mreg_error *err)
{
	struct verify *v = verify_of(s);
	const struct mr_sink_ops *raw = v->raw->ops;
	struct mreg_error why = MREG_ERROR_INIT;
	int rc;

	if (n == 0)
		return 0;
	rc = in_order && raw->write_through
		     ? raw->write_through(v->raw, buf, n, offset, &why)
		     : raw->write_at(v->raw, buf, n, offset, &why);
	(void)pthread_mutex_lock(&v->lock);
	leave(v, offset, rc >= 0);
	if (rc < 0 && v->failed.code == MREG_OK)
		v->failed = why;
	(void)pthread_mutex_unlock(&v->lock);
	if (rc < 0 && err)
		*err = why;
	return rc;
}

int mr_sink_prove(struct mr_sink *s, const void *buf, size_t n, uint64_t offset,
		  struct mreg_error *err)
{
	struct verify *v = verify_of(s);
	int rc;

	if (n == 0)
		return 0;
	(void)pthread_mutex_lock(&v->lock);
	rc = repeat_failure(v, err);
	if (rc == 0) {
		assert(!v->busy && offset == v->frontier);
		v->busy = true;
		(void)pthread_mutex_unlock(&v->lock);
		mr_hash_add(v->hash, buf, n);
		(void)pthread_mutex_lock(&v->lock);
		if (v->failed.code == MREG_OK)
			advance(v, n);
		v->busy = false;
		rc = read_back(v, NULL, 0, UINT64_MAX, err);
	}
	(void)pthread_mutex_unlock(&v->lock);
	return rc;
}

int mr_sink_catch_up(struct mr_sink *s, struct mreg_error *err)
{
	struct verify *v = verify_of(s);
	int rc;

	(void)pthread_mutex_lock(&v->lock);
	rc = read_back(v, NULL, 0, UINT64_MAX, err);
	(void)pthread_mutex_unlock(&v->lock);
	return rc;
}

bool mr_sink_hole(struct mr_sink *s, uint64_t from, struct mr_span *hole)
{
	struct verify *v = verify_of(s);
	size_t i;

	(void)pthread_mutex_lock(&v->lock);
	hole->start = from > v->frontier ? from : v->frontier;
	i = lower(v, hole->start);
	while (i < v->n && v->extents[i].start <= hole->start)
		hole->start = v->extents[i++].end;
	hole->end = i < v->n ? v->extents[i].start : v->want.size;
	(void)pthread_mutex_unlock(&v->lock);
	return hole->start < hole->end;
}

uint64_t mr_sink_resumed(struct mr_sink *s)
{
	return verify_of(s)->resumed;
}

/* -- beginning ---------------------------------------------------------- */

/* What an earlier sink wrote is as good as written now: it is read back. */
static int take_over(struct verify *v, struct mreg_error *err)
{
	const struct mr_spans *left =
		v->raw->ops->left ? v->raw->ops->left(v->raw) : NULL;
	size_t i;
	int rc = 0;

	for (i = 0; left && i < left->n && rc == 0; i++) {
		rc = enter(v, left->items[i].start, left->items[i].end, err);
		if (rc == 0)
			leave(v, left->items[i].start, true);
	}
	v->resumed = left ? mr_spans_sum(left) : 0;
	return rc;
}

void mr_sink_stop(struct mr_sink *s)
{
	struct verify *v = mr_container_of(s, struct verify, base);

	(void)pthread_mutex_lock(&v->lock);
	if (v->failed.code == MREG_OK)
		(void)mr_fail(&v->failed, MREG_ECANCELED, "given up");
	(void)pthread_mutex_unlock(&v->lock);
}

int mr_sink_verify(struct mr_sink *raw, const struct mreg_desc *want,
		   struct mr_sink **out, struct mreg_error *err)
{
	struct verify *v = mr_zalloc(sizeof(*v));
	int rc;

	if (!v) {
		mr_sink_keep(raw);
		return mr_fail_nomem(err);
	}
	rc = mr_hash_new(want->digest.algorithm, &v->hash, err);
	if (rc < 0) {
		mr_sink_keep(raw);
		mr_release(v);
		return rc;
	}
	v->base.ops = &verify_ops;
	v->raw = raw;
	v->want = *want;
	(void)pthread_mutex_init(&v->lock, NULL); /* cannot fail on Linux */
	rc = take_over(v, err);
	if (rc < 0) {
		verify_keep(&v->base);
		return rc;
	}
	*out = &v->base;
	return 0;
}

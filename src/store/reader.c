/*
 * reader.c - any part of a blob, by ranged requests.
 *
 * Who reads a header reads on from where it was, or jumps over a tensor.  The
 * first request takes a whole small header, one after a jump little, and one
 * that reads on, or passes over little, twice as much as the one before: so the
 * number of requests grows with the logarithm of what is read, and with the
 * jumps.  A few windows are kept for readers that go back and forth between a
 * table and what it names.
 *
 * Nothing is verified: only a whole blob can be.  And what the bytes say may
 * be made to have us ask on and on, so there is a budget.
 */
#include "store/internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

/* What a round trip costs anyway: 64 KiB are there in one or two more. */
#define FIRST_BYTES (64u << 10)
/* Behind a jump stands most often a name before the next tensor. */
#define JUMP_BYTES (4u << 10)
#define WINDOW_MAX_BYTES MR_CHUNK_BYTES
/* A request more would be slower than what it skips. */
#define SKIP_MAX_BYTES (64u << 10)
#define WINDOWS 4
/* Where a registry answers ranges with the whole blob, all that lies before
 * the part comes too: up to here that is bearable. */
#define PASSED_MAX_BYTES (UINT64_C(8) << 20)

struct window {
	uint64_t start; /* in the blob */
	size_t len;
	char *data; /* owned */
	size_t cap;
	uint64_t used;  /* when; by `clock` */
	uint64_t given; /* behind the last byte that was wanted of it */
};

struct ranges {
	struct mr_reader base;
	struct mr_store *store; /* borrowed */
	struct mreg_desc desc;
	struct window windows[WINDOWS];
	uint64_t clock;
	struct mr_reader_cost cost, most;
};

static const struct mr_reader_ops ranges_ops;

/* The window that has the byte at `offset`. */
static struct window *find(struct ranges *r, uint64_t offset)
{
	size_t i;

	for (i = 0; i < WINDOWS; i++) {
		struct window *w = &r->windows[i];

		if (offset >= w->start && offset - w->start < w->len)
			return w;
	}
	return NULL;
}

/* The window that was read nearly up to `offset`, else the one not used for
 * longest. */
static struct window *pick(struct ranges *r, uint64_t offset, bool *goes_on)
{
	struct window *oldest = &r->windows[0];
	size_t i;

	*goes_on = true;
	for (i = 0; i < WINDOWS; i++) {
		struct window *w = &r->windows[i];

		/* It does not have `offset`: that is behind its end. */
		if (w->len > 0 && offset >= w->given &&
		    offset - w->given < SKIP_MAX_BYTES)
			return w;
		if (w->used < oldest->used)
			oldest = w;
	}
	*goes_on = false;
	return oldest;
}

static int check_ranges(const struct ranges *r, uint64_t offset,
			struct mreg_error *err)
{
	struct mr_store *s = r->store;

	if (!s->ops->ranges || s->ops->ranges(s) || offset <= PASSED_MAX_BYTES)
		return 0;
	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "'%s' sends whole files where a part is asked for",
		      s->name);
	return mr_hint(err, "pull the file, and look at it here");
}

/* What came before the part that was asked for. */
static uint64_t passed(const struct ranges *r, uint64_t offset)
{
	const struct mr_store *s = r->store;

	return s->ops->ranges && !s->ops->ranges(r->store) ? offset : 0;
}

/* Whether `n` bytes more from `offset` may be asked for. */
static int check_budget(const struct ranges *r, size_t n, uint64_t offset,
			struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];
	uint64_t bytes = n + passed(r, offset);

	if (r->cost.requests < r->most.requests &&
	    r->cost.bytes <= r->most.bytes &&
	    bytes <= r->most.bytes - r->cost.bytes)
		return 0;
	(void)mreg_digest_text(&r->desc.digest, text);
	if (mr_store_is_far(r->store))
		(void)mr_fail(err, MREG_ELIMIT,
			      "to look at '%s' takes more than %" PRIu64
			      " bytes, or %" PRIu64 " requests",
			      text, r->most.bytes, r->most.requests);
	else
		(void)mr_fail(err, MREG_ELIMIT,
			      "to look at '%s' takes more than %" PRIu64
			      " bytes",
			      text, r->most.bytes);
	return mr_hint(err, "pull the file, and look at it here");
}

static int fetch(struct ranges *r, void *buf, size_t n, uint64_t offset,
		 struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	ssize_t got;
	int rc = check_ranges(r, offset, err);

	if (rc == 0)
		rc = check_budget(r, n, offset, err);
	if (rc == 0)
		rc = mr_store_open_range(r->store, &r->desc, offset, n, &in,
					 err);
	if (rc < 0)
		return rc;
	r->cost.requests++;
	got = mr_stream_fill(in, buf, n, err);
	if (got < 0)
		return (int)got;
	r->cost.bytes += (uint64_t)got + passed(r, offset);
	if ((size_t)got < n) {
		(void)mr_fail(err, MREG_EINTEGRITY,
			      "it ends %zu bytes before the %" PRIu64
			      " it should have",
			      n - (size_t)got, r->desc.size);
		return mr_store_explain(r->store, "cannot read",
					&r->desc.digest, MREG_EINTEGRITY, err);
	}
	return 0;
}

/* How much to ask for from `offset` on, where `n` bytes are wanted. */
static size_t window_size(const struct ranges *r, const struct window *w,
			  bool goes_on, size_t n, uint64_t offset)
{
	size_t want = goes_on ? 2 * w->len : JUMP_BYTES;

	if (!r->cost.requests)
		want = FIRST_BYTES;
	if (want > WINDOW_MAX_BYTES)
		want = WINDOW_MAX_BYTES;
	if (want < n)
		want = n;
	return want > r->base.size - offset ? (size_t)(r->base.size - offset)
					    : want;
}

/* Fill a window from `offset` on with at least `n` bytes. */
static int fill(struct ranges *r, size_t n, uint64_t offset,
		struct window **out, struct mreg_error *err)
{
	bool goes_on;
	struct window *w = pick(r, offset, &goes_on);
	size_t want = window_size(r, w, goes_on, n, offset);
	int rc;

	if (want > w->cap) {
		char *data = mr_resize(w->data, want);

		if (!data)
			return mr_fail_nomem(err);
		w->data = data;
		w->cap = want;
	}
	w->len = 0; /* until it has them */
	rc = fetch(r, w->data, want, offset, err);
	if (rc < 0)
		return rc;
	w->start = offset;
	w->given = offset;
	w->len = want;
	*out = w;
	return 0;
}

static ssize_t ranges_read_at(struct mr_reader *base, void *buf, size_t n,
			      uint64_t offset, struct mreg_error *err)
{
	struct ranges *r = mr_container_of(base, struct ranges, base);
	struct window *w = find(r, offset);
	size_t rest;
	int rc;

	if (!w && n > WINDOW_MAX_BYTES) {
		rc = fetch(r, buf, n, offset, err);
		return rc < 0 ? rc : (ssize_t)n;
	}
	if (!w) {
		rc = fill(r, n, offset, &w, err);
		if (rc < 0)
			return rc;
	}
	w->used = ++r->clock;
	rest = w->len - (size_t)(offset - w->start);
	if (n > rest)
		n = rest;
	memcpy(buf, w->data + (offset - w->start), n);
	if (w->given < offset + n)
		w->given = offset + n;
	return (ssize_t)n;
}

static void ranges_close(struct mr_reader *base)
{
	struct ranges *r = mr_container_of(base, struct ranges, base);
	size_t i;

	for (i = 0; i < WINDOWS; i++)
		mr_release(r->windows[i].data);
	mr_release(r);
}

static const struct mr_reader_ops ranges_ops = {
	.read_at = ranges_read_at,
	.close = ranges_close,
};

bool mr_store_is_far(const struct mr_store *s)
{
	return s->ops->ranges;
}

int mr_store_reader(struct mr_store *s, const struct mreg_desc *d,
		    struct mr_reader **out, struct mreg_error *err)
{
	struct ranges *r = mr_zalloc(sizeof(*r));

	if (!r)
		return mr_fail_nomem(err);
	r->base.ops = &ranges_ops;
	r->base.size = d->size;
	r->store = s;
	r->desc = *d;
	r->most = (struct mr_reader_cost){ MR_READER_MAX_BYTES,
					   mr_store_is_far(s)
						   ? MR_READER_MAX_REQUESTS
						   : UINT64_MAX };
	*out = &r->base;
	return 0;
}

void mr_store_reader_cost(struct mr_reader *r, struct mr_reader_cost *out)
{
	assert(r->ops == &ranges_ops);
	*out = mr_container_of(r, struct ranges, base)->cost;
}

void mr_store_reader_bound(struct mr_reader *r,
			   const struct mr_reader_cost *most)
{
	struct mr_reader_cost *own;

	assert(r->ops == &ranges_ops);
	own = &mr_container_of(r, struct ranges, base)->most;
	if (own->bytes > most->bytes)
		own->bytes = most->bytes;
	if (own->requests > most->requests)
		own->requests = most->requests;
}

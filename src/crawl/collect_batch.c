/*
 * collect_batch.c - all versions of a repository: read, many at once, then
 * written.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "crawl/collect_spool.h"

/* Versions in memory at once, a card each; and about how many bytes.  More go
 * to a file until all are read: the index is locked while they are written, not
 * while requests are made. */
#define BATCH 8192
#define BATCH_BYTES (64u << 20)
/* What a manifest takes, parsed, by its bytes. */
#define PARSED 4

struct batch {
	struct mr_collect *c;
	struct mr_read_version *items;
	struct mr_spool spool; /* of those before them */
};

static int read_one(void *ctx, size_t i, struct mreg_error *err)
{
	struct batch *b = ctx;

	return mr_collect_version(b->c, &b->items[i], err);
}

static size_t bytes_of(const struct mr_read_version *v)
{
	size_t n = sizeof(*v) + (v->card ? strlen(v->card) : 0);

	return v->looked ? n + PARSED * v->look.manifest->raw_len +
				   v->look.config.len
			 : n;
}

/* As many of `n` as there is room for: `*done`. */
static int read_batch(struct batch *b, size_t n, size_t *done,
		      struct mreg_error *err)
{
	size_t bytes = 0;
	size_t some;
	int rc = 0;

	*done = 0;
	while (rc >= 0 && *done < n && bytes < BATCH_BYTES) {
		rc = mr_collect_some(b->c, *done, n - *done, read_one, b, &some,
				     err);
		for (; some; some--)
			bytes += bytes_of(&b->items[(*done)++]);
	}
	return rc;
}

/* Those that were read make room for others. */
static int spool(struct batch *b, size_t n, struct mreg_error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n; i++) {
		if (rc >= 0)
			rc = mr_spool_put(&b->spool, &b->items[i], err);
		mr_read_version_release(&b->items[i]);
	}
	return rc;
}

static int put_spooled(struct batch *b, struct mreg_error *err)
{
	struct mr_read_version v;
	bool more = true;
	int rc = 0;

	while (rc >= 0 && more) {
		rc = mr_spool_next(&b->spool, b->c, &v, &more, err);
		if (rc >= 0 && more)
			rc = mr_collect_put(b->c, &v, err);
		mr_read_version_release(&v);
	}
	return rc;
}

/* Into `items`, as many as there is room for, from the version `*at` on:
 * `*done`, of which the last is the model's when `*at` is behind them all. */
static int read_from(struct batch *b, size_t room, size_t *at, size_t *done,
		     struct mreg_error *err)
{
	struct mr_collect *c = b->c;
	size_t n = 0;
	size_t i;
	int rc;

	memset(b->items, 0, room * sizeof(*b->items));
	for (i = *at; n < room && i < c->version_count; i++) {
		if (c->versions[i].gone)
			continue;
		b->items[n].attached =
			(struct mr_attached_rows)MR_ATTACHED_INIT;
		b->items[n++].of = &c->versions[i];
	}
	rc = read_batch(b, n, done, err);
	*at = *done < n ? (size_t)(b->items[*done].of - c->versions) : i;
	return rc;
}

/* All are read before the first is written. */
static int do_batches(struct batch *b, size_t room, struct mreg_error *err)
{
	struct mr_collect *c = b->c;
	size_t at = 0;
	size_t done = 0;
	size_t i;
	int rc = 0;

	while (rc >= 0 && at < c->version_count) {
		rc = spool(b, done, err);
		done = 0;
		if (rc >= 0)
			rc = read_from(b, room, &at, &done, err);
	}
	if (rc >= 0)
		rc = mr_collect_begin(c, err);
	if (rc >= 0)
		rc = put_spooled(b, err);
	for (i = 0; i < done; i++) {
		if (rc >= 0)
			rc = mr_collect_put(c, &b->items[i], err);
		mr_read_version_release(&b->items[i]);
	}
	return rc;
}

int mr_collect_versions(struct mr_collect *c, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_read_version *items = NULL;
	struct batch b = { .c = c };
	size_t room = c->version_count < BATCH ? c->version_count : BATCH;
	int rc;

	if (!room)
		return 0;
	items = mr_array(room, sizeof(*items));
	if (!items)
		return mr_fail_nomem(err);
	b.items = items;
	rc = do_batches(&b, room, err);
	mr_spool_release(&b.spool);
	return rc;
}

/*
 * plan.c - deciding what has to move.
 */
#include "transfer/ask.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

int mr_plan_init(struct mr_plan *p, size_t count, struct mreg_error *err)
{
	size_t i;

	p->items = mr_array(count, sizeof(*p->items));
	p->count = 0;
	if (!p->items)
		return mr_fail_nomem(err);
	p->count = count;
	for (i = 0; i < count; i++)
		p->items[i].file = MR_NO_FILE;
	return 0;
}

void mr_plan_release(struct mr_plan *p)
{
	mr_release(p->items);
	p->items = NULL;
	p->count = 0;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int compare_item_digest(const void *a, const void *b)
{
	const struct mr_item *x = *(struct mr_item *const *)a;
	const struct mr_item *y = *(struct mr_item *const *)b;
	int order = mr_digest_compare(&x->desc.digest, &y->desc.digest);

	return order ? order : (x > y) - (x < y);
}

/* Items that share a digest: the first one decides and moves, the others
 * follow it (invariant 2). */
static int follow_first(struct mr_plan *p, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_item **order = NULL;
	size_t n = 0;
	size_t i;

	order = mr_array(p->count, sizeof(struct mr_item *));
	if (!order)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++)
		if (mr_digest_known(&p->items[i].desc.digest))
			order[n++] = &p->items[i];
	qsort(order, n, sizeof(*order), compare_item_digest);
	for (i = 1; i < n; i++)
		if (mreg_digest_equal(&order[i - 1]->desc.digest,
				      &order[i]->desc.digest))
			order[i]->step = MR_STEP_REUSE;
	return 0;
}

static bool size_known(const uint64_t *sizes, size_t n, uint64_t size)
{
	return n && bsearch(&size, sizes, n, sizeof(*sizes), compare_u64);
}

int mr_plan_look(struct mr_plan *p, struct mr_store *to, const uint64_t *sizes,
		 size_t size_count, unsigned int jobs, struct mreg_error *err)
{
	MR_AUTO(mr_free) uint64_t *sorted = NULL;
	size_t i;
	int rc;

	sorted = mr_array(size_count, sizeof(*sorted));
	if (!sorted)
		return mr_fail_nomem(err);
	for (i = 0; i < size_count; i++)
		sorted[i] = sizes[i];
	qsort(sorted, size_count, sizeof(*sorted), compare_u64);

	for (i = 0; i < p->count; i++) {
		struct mr_item *it = &p->items[i];

		it->done = false;
		it->sent = false;
		it->resumed = 0;
		if (mr_digest_known(&it->desc.digest))
			it->step = MR_STEP_LOOK;
		else if (!mr_store_streams(to) || mr_plan_hash_first(p, it) ||
			 size_known(sorted, size_count, it->desc.size))
			it->step = MR_STEP_HASH;
		else
			it->step = MR_STEP_STREAM;
	}
	rc = follow_first(p, err);
	if (rc < 0)
		return rc;
	return mr_plan_ask_all(p, to, jobs, err);
}

size_t mr_plan_again(struct mr_plan *p, const struct mr_list *digests)
{
	char text[MREG_DIGEST_TEXT];
	size_t n = 0;
	size_t i;

	for (i = 0; i < p->count; i++) {
		struct mr_item *it = &p->items[i];

		it->step = MR_STEP_REUSE;
		if (!mr_list_has(digests,
				 mreg_digest_text(&it->desc.digest, text)))
			continue;
		it->done = false;
		it->step = MR_STEP_COPY;
		n++;
	}
	return n;
}

static bool moves(const struct mr_item *it)
{
	return it->done ? it->sent : it->step != MR_STEP_REUSE;
}

uint64_t mr_plan_bytes(const struct mr_plan *p)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < p->count; i++)
		sum += p->items[i].desc.size;
	return sum;
}

uint64_t mr_plan_bytes_moving(const struct mr_plan *p)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < p->count; i++)
		if (moves(&p->items[i]))
			sum += p->items[i].desc.size - p->items[i].resumed;
	return sum;
}

/*
 * ask.c - asking the target what it has, and where that is not worth a
 * request; blobs that it can take over from elsewhere.
 */
#include "transfer/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"

/* Enough to tell whether an earlier run brought something: it began with the
 * largest, as the questions do. */
#define FRESH_LACKS 16

struct asking {
	struct mr_plan *plan;
	struct mr_store *to;
	struct mr_item **order; /* largest first */
};

struct taking_over {
	struct mr_plan *plan;
	struct mr_store *to;
	const char *repository; /* borrowed */
	atomic_bool refused;    /* once is enough */
};

/* Largest first: a big blob begun last would be waited for alone. */
static int compare_size(const void *a, const void *b)
{
	const struct mr_item *x = *(struct mr_item *const *)a;
	const struct mr_item *y = *(struct mr_item *const *)b;

	if (x->desc.size != y->desc.size)
		return x->desc.size < y->desc.size ? 1 : -1;
	return (x > y) - (x < y);
}

struct mr_item **mr_plan_order(struct mr_plan *p)
{
	struct mr_item **order = mr_array(p->count, sizeof(*order));
	size_t i;

	if (!order)
		return NULL;
	for (i = 0; i < p->count; i++)
		order[i] = &p->items[i];
	qsort(order, p->count, sizeof(*order), compare_size);
	return order;
}

int mr_plan_ask(struct mr_plan *p, struct mr_store *to, struct mr_item *it,
		struct mreg_error *err)
{
	bool found = false;
	int rc = 0;

	if (!p->fresh || it->desc.size > MR_SMALL_BLOB_BYTES ||
	    atomic_load(&p->has) || atomic_load(&p->lacks) < FRESH_LACKS)
		rc = mr_store_has(to, &it->desc, &found, err);
	if (rc < 0)
		return rc;
	(void)atomic_fetch_add(found ? &p->has : &p->lacks, 1);
	it->step = found ? MR_STEP_REUSE : MR_STEP_COPY;
	return 0;
}

static int ask_one(void *ctx, size_t index, struct mreg_error *err)
{
	const struct asking *a = ctx;
	struct mr_item *it = a->order[index];

	if (it->step != MR_STEP_LOOK || !mr_digest_known(&it->desc.digest))
		return 0;
	return mr_plan_ask(a->plan, a->to, it, err);
}

int mr_plan_ask_all(struct mr_plan *p, struct mr_store *to, unsigned int jobs,
		    struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_item **order = mr_plan_order(p);
	struct asking a = { .plan = p, .to = to, .order = order };

	if (!order)
		return mr_fail_nomem(err);
	atomic_store(&p->has, 0);
	atomic_store(&p->lacks, 0);
	return mr_task_run(to->env, jobs, p->count, ask_one, &a, err);
}

bool mr_plan_hash_first(const struct mr_plan *p, const struct mr_item *it)
{
	return p->hash_small && it->desc.size <= MR_SMALL_BLOB_BYTES;
}

int mr_plan_mount(struct mr_store *to, const struct mr_item *it, bool *done,
		  struct mreg_error *err)
{
	return mr_remote_mount_noted(to, &it->desc, done, err);
}

static int take_over_one(void *ctx, size_t i, struct mreg_error *err)
{
	struct taking_over *t = ctx;
	struct mr_item *it = &t->plan->items[i];
	bool done = false;
	int rc;

	if (it->step != MR_STEP_COPY || atomic_load(&t->refused))
		return 0;
	rc = mr_store_mount(t->to, &it->desc, t->repository, &done, err);
	if (rc < 0)
		return rc;
	if (done)
		it->step = MR_STEP_REUSE;
	else
		atomic_store(&t->refused, true);
	return 0;
}

int mr_plan_take_over(struct mr_plan *p, const struct mreg_ref *from,
		      struct mr_store *to, const struct mreg_ref *at,
		      unsigned int jobs, struct mreg_error *err)
{
	struct taking_over t = { .plan = p,
				 .to = to,
				 .repository = from->repository };

	atomic_init(&t.refused, false);
	if (!from->repository[0] || !at->repository[0] ||
	    strcmp(from->host, at->host) != 0 ||
	    strcmp(from->dir, at->dir) != 0)
		return 0;
	return mr_task_run(to->env, jobs, p->count, take_over_one, &t, err);
}

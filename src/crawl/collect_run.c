/*
 * collect_run.c - how many requests a repository makes at once: those that are
 * under way share what there is, and a large one has all of it when the others
 * are done, or wait for the index.
 */
#include "crawl/collect.h"

/* What a thread does before it is looked again how many there may be. */
#define SHARE 8

void mr_collect_rest(struct mr_collect *c)
{
	atomic_fetch_sub(&c->crawl->busy, 1);
}

void mr_collect_resume(struct mr_collect *c)
{
	atomic_fetch_add(&c->crawl->busy, 1);
}

static unsigned int lanes_of(const struct mr_collect *c)
{
	unsigned int busy = atomic_load(&c->crawl->busy);
	unsigned int lanes = c->crawl->jobs / (busy ? busy : 1);

	return lanes ? lanes : 1;
}

struct part {
	mr_task_fn *fn;
	void *ctx;
	size_t from;
};

static int run_part(void *ctx, size_t i, struct mreg_error *err)
{
	const struct part *p = ctx;

	return p->fn(p->ctx, p->from + i, err);
}

int mr_collect_some(struct mr_collect *c, size_t from, size_t n, mr_task_fn *fn,
		    void *ctx, size_t *done, struct mreg_error *err)
{
	struct part p = { .fn = fn, .ctx = ctx, .from = from };
	unsigned int lanes = lanes_of(c);

	*done = n < (size_t)lanes * SHARE ? n : (size_t)lanes * SHARE;
	return mr_task_run(&c->m->env, lanes, *done, run_part, &p, err);
}

int mr_collect_all(struct mr_collect *c, size_t n, mr_task_fn *fn, void *ctx,
		   struct mreg_error *err)
{
	size_t at = 0;
	size_t done;
	int rc = 0;

	for (; rc >= 0 && at < n; at += done)
		rc = mr_collect_some(c, at, n - at, fn, ctx, &done, err);
	return rc;
}

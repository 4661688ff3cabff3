/*
 * run.c - moving what the plan says.
 *
 * States of an item: LOOK -> HASH | STREAM | COPY | REUSE -> done.  A stream
 * that broke off becomes HASH (its source can be read again, the registry's
 * session cannot be taken up), HASH becomes COPY or REUSE once the digest is
 * known.
 */
#include "transfer/transfer.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"

struct run {
	struct mr_plan *plan;
	struct mr_store *from;
	struct mr_store *to;
	struct mr_env *env;
	struct mr_item **order; /* largest first */
};

static void tell(struct mr_env *env, enum mreg_progress_kind kind,
		 const struct mr_item *it)
{
	struct mreg_progress p = {
		.kind = kind,
		.label = it->label,
		.total = it->desc.size,
		.count = 1,
	};

	mr_progress(env, &p);
}

static void learn(struct mr_item *it, const struct mr_measure *m)
{
	it->desc.digest = m->digest;
	it->hashed = true;
	it->utf8 = m->utf8;
}

/* Read a file to its end for its digest's sake. */
static int hash_item(struct mr_store *from, struct mr_env *env,
		     struct mr_item *it, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	MR_AUTO(mr_free) char *chunk = NULL;
	struct mr_stream *raw;
	struct mr_measure m = { .size = 0 };
	ssize_t got;
	int rc;

	tell(env, MREG_PROGRESS_PHASE, it);
	rc = mr_files_open(from, it->file, &raw, err);
	if (rc < 0)
		return rc;
	rc = mr_stream_measure(raw, &m, &in, err);
	if (rc < 0)
		return rc;
	chunk = mr_alloc(MR_CHUNK_BYTES);
	if (!chunk)
		return mr_fail_nomem(err);
	do {
		rc = mr_check_cancel(env, err);
		if (rc < 0)
			return rc;
		got = mr_stream_read(in, chunk, MR_CHUNK_BYTES, err);
	} while (got > 0);
	if (got < 0)
		return (int)got;
	learn(it, &m);
	return mr_files_learn(from, it->file, &it->desc.digest, err);
}

static int stream_item(struct run *r, struct mr_item *it,
		       struct mreg_error *err)
{
	struct mr_measure m = { .size = 0 };
	struct mr_stream *in;
	int rc;

	rc = mr_files_open(r->from, it->file, &in, err);
	if (rc < 0)
		return rc;
	rc = mr_store_put_stream(r->to, in, it->desc.size, it->label, &m, err);
	if (rc < 0)
		return rc;
	learn(it, &m);
	it->sent = true;
	return mr_files_learn(r->from, it->file, &it->desc.digest, err);
}

static int hash_then_look(struct run *r, struct mr_item *it,
			  struct mreg_error *err)
{
	bool found = false;
	int rc;

	rc = hash_item(r->from, r->env, it, err);
	if (rc < 0)
		return rc;
	rc = mr_store_has(r->to, &it->desc, &found, err);
	if (rc < 0)
		return rc;
	it->step = found ? MR_STEP_REUSE : MR_STEP_COPY;
	return 0;
}

static int do_steps(struct run *r, struct mr_item *it, struct mreg_error *err)
{
	int rc;

	if (it->step == MR_STEP_STREAM) {
		struct mreg_error first = MREG_ERROR_INIT;

		rc = stream_item(r, it, &first);
		if (rc >= 0)
			return rc;
		if (!mreg_code_retry(first.code)) {
			if (err)
				*err = first;
			return rc;
		}
		mr_log(r->env, MREG_LOG_INFO,
		       "upload of '%s' broke off (%s), hashing and sending again",
		       it->label, first.msg);
		it->step = MR_STEP_HASH;
	}
	if (it->step == MR_STEP_HASH) {
		rc = hash_then_look(r, it, err);
		if (rc < 0)
			return rc;
	}
	if (it->step == MR_STEP_COPY) {
		rc = mr_store_put(r->to, &it->desc, r->from, it->label, err);
		if (rc < 0)
			return rc;
		it->sent = true;
	}
	return 0;
}

static int run_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct run *r = ctx;
	struct mr_item *it = r->order[index];
	int rc;

	if (it->step == MR_STEP_REUSE) {
		tell(r->env, MREG_PROGRESS_REUSED, it);
	} else {
		tell(r->env, MREG_PROGRESS_START, it);
		rc = do_steps(r, it, err);
		if (rc < 0)
			return rc == MREG_ECANCELED
				       ? rc
				       : mr_wrap(err, "cannot transfer '%s'",
						 it->label);
		tell(r->env,
		     it->sent ? MREG_PROGRESS_DONE : MREG_PROGRESS_REUSED, it);
	}
	it->done = true;
	return 0;
}

/* Largest first: a big blob begun last would be waited for alone. */
static int compare_size(const void *a, const void *b)
{
	const struct mr_item *x = *(struct mr_item *const *)a;
	const struct mr_item *y = *(struct mr_item *const *)b;

	if (x->desc.size != y->desc.size)
		return x->desc.size < y->desc.size ? 1 : -1;
	return (x > y) - (x < y);
}

static struct mr_item **sorted_items(struct mr_plan *p)
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

int mr_plan_run(struct mr_plan *p, struct mr_store *from, struct mr_store *to,
		unsigned int jobs, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_item **order = sorted_items(p);
	struct mreg_progress total = {
		.kind = MREG_PROGRESS_PLAN,
		.label = "",
		.total = mr_plan_bytes_moving(p),
	};
	struct run r = {
		.plan = p,
		.from = from,
		.to = to,
		.env = to->env,
		.order = order,
	};
	size_t i;

	if (!order)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++)
		if (p->items[i].step != MR_STEP_REUSE)
			total.count++;
	mr_progress(r.env, &total);
	return mr_task_run(r.env, jobs, p->count, run_one, &r, err);
}

static int hash_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct run *r = ctx;
	struct mr_item *it = r->order[index];

	if (mr_digest_known(&it->desc.digest))
		return 0;
	return hash_item(r->from, r->env, it, err);
}

int mr_plan_hash(struct mr_plan *p, struct mr_store *from, unsigned int jobs,
		 struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_item **order = sorted_items(p);
	struct run r = {
		.plan = p,
		.from = from,
		.env = from->env,
		.order = order,
	};

	if (!order)
		return mr_fail_nomem(err);
	return mr_task_run(r.env, jobs, p->count, hash_one, &r, err);
}

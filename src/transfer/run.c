/*
 * run.c - moving what the plan says.
 *
 * States of an item: LOOK -> HASH | STREAM | COPY | REUSE -> done.  A stream
 * that broke off becomes HASH (its source can be read again, the registry's
 * session cannot be taken up), HASH becomes COPY or REUSE once the digest is
 * known.
 *
 * Workers begin items in order, and once there are none left to begin they
 * help with those under way (fetch.c).
 */
#include "transfer/internal.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "transfer/ask.h"

/* How often a worker with nothing to begin looks whether help is wanted. */
#define LOOK_MS 100
/* Small enough for more of them at once, whatever has to be done. */
#define TINY_BYTES (UINT64_C(1) << 20)
/* Pieces: enough for every leg to fill one while others are under way; and
 * not more memory than that (product.md 5.4). */
#define PIECES_MIN 12
#define PIECES_SPARE 4

struct run {
	struct mr_plan *plan;
	struct mr_store *from;
	struct mr_store *to;
	struct mr_env *env;
	struct mr_item **order; /* largest first */
	struct mr_crew crew;
	size_t next; /* the item that begins next; under the crew's lock */
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

static void learn(struct run *r, struct mr_item *it, const struct mr_measure *m)
{
	it->desc.digest = m->digest;
	it->hashed = true;
	it->utf8 = m->utf8;
	mr_store_learn(r->from, it->file, &it->desc.digest);
	if (r->plan->learned)
		r->plan->learned(r->plan->ctx, (size_t)(it - r->plan->items));
}

/* For what looks at nothing else: whether it goes on. */
static int check(struct run *r, struct mreg_error *err)
{
	int rc = mr_check_cancel(r->env, err);

	if (rc < 0)
		return rc;
	mr_lock_enter(&r->crew.lock);
	if (r->crew.rc < 0)
		rc = mr_fail(err, MREG_ECANCELED,
			     "given up, because the run has failed");
	mr_lock_leave(&r->crew.lock);
	return rc;
}

/* Read a file to its end for its digest's sake. */
static int hash_item(struct run *r, struct mr_item *it, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	MR_AUTO(mr_free) char *chunk = NULL;
	struct mr_stream *raw;
	struct mr_measure m = { .size = 0 };
	ssize_t got;
	int rc;

	tell(r->env, MREG_PROGRESS_PHASE, it);
	rc = mr_store_open_item(r->from, it->file, &raw, err);
	if (rc < 0)
		return rc;
	rc = mr_stream_measure(raw, &m, &in, err);
	if (rc < 0)
		return rc;
	chunk = mr_alloc(MR_CHUNK_BYTES);
	if (!chunk)
		return mr_fail_nomem(err);
	do {
		rc = check(r, err);
		if (rc < 0)
			return rc;
		got = mr_stream_read(in, chunk, MR_CHUNK_BYTES, err);
	} while (got > 0);
	if (got < 0)
		return (int)got;
	learn(r, it, &m);
	return 0;
}

static int stream_item(struct run *r, struct mr_item *it,
		       struct mreg_error *err)
{
	struct mr_measure m = { .size = 0 };
	struct mr_stream *in;
	int rc;

	rc = mr_store_open_item(r->from, it->file, &in, err);
	if (rc < 0)
		return rc;
	rc = mr_store_put_stream(r->to, in, it->desc.size, it->label, &m, err);
	if (rc < 0)
		return rc;
	it->sent = true;
	learn(r, it, &m);
	return 0;
}

static int hash_then_look(struct run *r, struct mr_item *it,
			  struct mreg_error *err)
{
	int rc = hash_item(r, it, err);

	return rc < 0 ? rc : mr_plan_ask(r->plan, r->to, it, err);
}

static int copy_item(struct run *r, struct mr_item *it, struct mreg_error *err)
{
	bool moved = true;
	int rc;

	if (it->desc.size >= MR_SMALL_BYTES && mr_store_sinks(r->to))
		rc = mr_fetch(&r->crew, it, &moved, err);
	else
		rc = mr_store_put(r->to, &it->desc, r->from, it->label, err);
	it->sent = rc == 0 && moved;
	return rc;
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
		bool mounted = false;

		rc = check(r, err);
		if (rc >= 0)
			rc = mr_plan_mount(r->to, it, &mounted, err);
		if (rc >= 0 && !mounted)
			rc = copy_item(r, it, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int run_item(struct run *r, struct mr_item *it, struct mreg_error *err)
{
	int rc;

	if (it->step == MR_STEP_REUSE) {
		tell(r->env, MREG_PROGRESS_REUSED, it);
	} else {
		tell(r->env, MREG_PROGRESS_START, it);
		rc = do_steps(r, it, err);
		if (rc < 0)
			return rc;
		tell(r->env,
		     it->sent ? MREG_PROGRESS_DONE : MREG_PROGRESS_REUSED, it);
	}
	it->done = true;
	return 0;
}

/* -- workers ------------------------------------------------------------- */

/* Under the lock: how many items like the next one may run at once. */
static unsigned int room_for_next(const struct run *r)
{
	bool tiny = r->order[r->next]->desc.size < TINY_BYTES;

	return tiny ? r->crew.most : r->crew.jobs;
}

/* Under the lock: the next item, if it may begin now. */
static struct mr_item *begin_next(struct run *r)
{
	struct mr_item *it;

	if (r->crew.rc < 0 || r->next == r->plan->count ||
	    r->crew.running >= room_for_next(r))
		return NULL;
	it = r->order[r->next++];
	r->crew.running++;
	r->crew.more = r->next < r->plan->count &&
		       r->order[r->next]->desc.size >= MR_SMALL_BYTES;
	return it;
}

/* Under the lock, given up meanwhile. */
static void do_item(struct run *r, struct mr_item *it)
{
	struct mreg_error why = MREG_ERROR_INIT;
	struct mr_crew *c = &r->crew;
	int rc;

	mr_lock_leave(&c->lock);
	rc = mr_check_cancel(r->env, &why);
	if (rc == 0)
		rc = run_item(r, it, &why);
	mr_lock_enter(&c->lock);
	if (rc < 0)
		mr_crew_fail(c, it->label, rc, &why);
	c->running--;
	mr_signal_all(&c->changed);
}

/* All workers end with the first failure there was: who was stopped for it may
 * well be the first to return. */
static int work(void *ctx, size_t index, struct mreg_error *err)
{
	struct run *r = ctx;
	struct mr_crew *c = &r->crew;
	struct mr_item *it;
	int rc;

	(void)index;
	mr_lock_enter(&c->lock);
	for (;;) {
		it = begin_next(r);
		if (it) {
			do_item(r, it);
			continue;
		}
		if (c->running == 0 || c->rc < 0)
			break;
		if (mr_fetch_help(c))
			continue;
		mr_signal_wait_ms(&c->changed, &c->lock, LOOK_MS);
	}
	rc = c->rc;
	if (rc < 0)
		*err = c->err;
	mr_lock_leave(&c->lock);
	return rc;
}

/* More than `jobs` where that is cheap, unless the user wants one, or a rate:
 * what is slow for that is not helped by more connections. */
static void man_crew(struct run *r, unsigned int jobs)
{
	struct mr_crew *c = &r->crew;

	mr_crew_init(c);
	c->env = r->env;
	c->from = r->from;
	c->to = r->to;
	c->jobs = jobs > 0 ? jobs : 1;
	if (c->jobs > MR_JOBS_MAX)
		c->jobs = MR_JOBS_MAX;
	c->most = c->jobs;
	if (c->jobs > 1 && c->jobs < MR_LEGS_MAX && !r->plan->limited)
		c->most = MR_LEGS_MAX;
	c->pieces_max = c->most + PIECES_SPARE;
	if (c->pieces_max < PIECES_MIN)
		c->pieces_max = PIECES_MIN;
}

int mr_plan_run(struct mr_plan *p, struct mr_store *from, struct mr_store *to,
		unsigned int jobs, struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_item **order = mr_plan_order(p);
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
	unsigned int workers;
	bool large = false;
	size_t i;
	int rc;

	if (!order)
		return mr_fail_nomem(err);
	for (i = 0; i < p->count; i++) {
		if (p->items[i].step == MR_STEP_REUSE)
			continue;
		total.count++;
		large = large || p->items[i].desc.size >= MR_SMALL_BYTES;
	}
	mr_progress(r.env, &total);
	man_crew(&r, jobs);
	workers = r.crew.most;
	if (!large && total.count < workers) /* none would find help to give */
		workers = total.count > 0 ? (unsigned int)total.count : 1;
	rc = mr_task_run(r.env, workers, workers, work, &r, err);
	mr_crew_release(&r.crew);
	return rc;
}

static int hash_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct run *r = ctx;
	struct mr_item *it = r->order[index];

	if (mr_digest_known(&it->desc.digest))
		return 0;
	return hash_item(r, it, err);
}

int mr_plan_hash(struct mr_plan *p, struct mr_store *from, unsigned int jobs,
		 struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mr_item **order = mr_plan_order(p);
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

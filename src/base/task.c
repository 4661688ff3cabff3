/*
 * task.c - the one place that starts and joins threads.
 *
 * Invariants
 * 1. Workers have every signal blocked, so SIGINT reaches the main thread
 *    and its handler sets the cancel flag; workers see the flag.
 * 2. Items start in the order of their indexes, and none after a failure.
 * 3. The first failure recorded is the one returned; the lock decides which
 *    of two is first.
 */
#include "base/task.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

struct pool {
	struct mr_env *env; /* borrowed */
	mr_task_fn *fn;
	void *ctx; /* borrowed */
	size_t count;
	pthread_mutex_t lock; /* of what follows */
	size_t next;          /* the index that starts next */
	int rc;               /* first failure */
	struct mreg_error err;
};

struct mr_side {
	mr_task_fn *fn;
	void *ctx; /* borrowed */
	pthread_t thread;
	bool started;
	int rc;
	struct mreg_error err;
};

/* Start a thread that sees no signals; false if there is none to be had. */
static bool start(pthread_t *t, void *(*fn)(void *), void *arg)
{
	sigset_t all, old;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(t, NULL, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc == 0;
}

static bool take(struct pool *p, size_t *index)
{
	bool more;

	(void)pthread_mutex_lock(&p->lock);
	more = p->rc == 0 && p->next < p->count;
	if (more)
		*index = p->next++;
	(void)pthread_mutex_unlock(&p->lock);
	return more;
}

static void record(struct pool *p, int rc, const struct mreg_error *err)
{
	(void)pthread_mutex_lock(&p->lock);
	if (p->rc == 0) {
		p->rc = rc;
		p->err = *err;
	}
	(void)pthread_mutex_unlock(&p->lock);
}

static void *work(void *arg)
{
	struct pool *p = arg;
	struct mreg_error err = MREG_ERROR_INIT;
	size_t index;
	int rc;

	while (take(p, &index)) {
		rc = mr_check_cancel(p->env, &err);
		if (rc == 0)
			rc = p->fn(p->ctx, index, &err);
		if (rc < 0)
			record(p, rc, &err);
	}
	return NULL;
}

int mr_task_run(struct mr_env *env, unsigned int jobs, size_t count,
		mr_task_fn *fn, void *ctx, struct mreg_error *err)
{
	struct pool p = { .env = env, .fn = fn, .ctx = ctx, .count = count };
	pthread_t threads[MR_JOBS_MAX];
	size_t wanted = jobs < MR_JOBS_MAX ? jobs : MR_JOBS_MAX;
	size_t n = 0;

	if (wanted > count)
		wanted = count;
	(void)pthread_mutex_init(&p.lock, NULL); /* cannot fail on Linux */
	/* Fewer threads than wanted are no failure: this one works too. */
	while (n + 1 < wanted && start(&threads[n], work, &p))
		n++;
	work(&p);
	while (n > 0)
		(void)pthread_join(threads[--n], NULL);
	(void)pthread_mutex_destroy(&p.lock);
	if (p.rc < 0 && err)
		*err = p.err;
	return p.rc;
}

static void *run_side(void *arg)
{
	struct mr_side *s = arg;

	s->rc = s->fn(s->ctx, 0, &s->err);
	return NULL;
}

int mr_side_start(mr_task_fn *fn, void *ctx, struct mr_side **out,
		  struct mreg_error *err)
{
	struct mr_side *s = mr_zalloc(sizeof(*s));

	if (!s)
		return mr_fail_nomem(err);
	s->fn = fn;
	s->ctx = ctx;
	s->started = start(&s->thread, run_side, s);
	*out = s;
	return 0;
}

bool mr_side_runs(const struct mr_side *s)
{
	return s->started;
}

int mr_side_join(struct mr_side *s, struct mreg_error *err)
{
	int rc;

	if (s->started)
		(void)pthread_join(s->thread, NULL);
	else
		run_side(s);
	rc = s->rc;
	if (rc < 0 && err)
		*err = s->err;
	mr_release(s);
	return rc;
}

/* -- locks and signals; on Linux none of these calls can fail ------------- */

void mr_lock_init(struct mr_lock *l)
{
	(void)pthread_mutex_init(&l->mutex, NULL);
}

void mr_lock_release(struct mr_lock *l)
{
	(void)pthread_mutex_destroy(&l->mutex);
}

void mr_lock_enter(struct mr_lock *l)
{
	(void)pthread_mutex_lock(&l->mutex);
}

void mr_lock_leave(struct mr_lock *l)
{
	(void)pthread_mutex_unlock(&l->mutex);
}

void mr_signal_init(struct mr_signal *s)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
}

void mr_signal_release(struct mr_signal *s)
{
	(void)pthread_cond_destroy(&s->changed);
}

void mr_signal_wait(struct mr_signal *s, struct mr_lock *l)
{
	(void)pthread_cond_wait(&s->changed, &l->mutex);
}

void mr_signal_wait_ms(struct mr_signal *s, struct mr_lock *l, int64_t ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_cond_timedwait(&s->changed, &l->mutex, &until);
}

void mr_signal_one(struct mr_signal *s)
{
	(void)pthread_cond_signal(&s->changed);
}

void mr_signal_all(struct mr_signal *s)
{
	(void)pthread_cond_broadcast(&s->changed);
}

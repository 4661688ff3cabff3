/*
 * base/task.h - the one place that starts and joins threads.
 */
#ifndef MR_BASE_TASK_H
#define MR_BASE_TASK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "mreg/error.h"

/* Do item `index`.  Called from any worker; two calls never share an index. */
typedef int mr_task_fn(void *ctx, size_t index, struct mreg_error *err);

/*
 * Call fn for 0 .. count-1 on up to `jobs` threads (at least 1; the calling
 * thread is one of them), in order of start.  After the first failure no new
 * item starts; running ones finish.  Returns 0, or the first failure with its
 * error; MREG_ECANCELED when env was cancelled.
 */
int mr_task_run(struct mr_env *env, unsigned int jobs, size_t count,
		mr_task_fn *fn, void *ctx, struct mreg_error *err);

/*
 * One task beside the calling thread: start, do other things, join.  A task
 * that could not get a thread runs inside join.  `fn` is called with index 0.
 */
struct mr_side;
int mr_side_start(mr_task_fn *fn, void *ctx, struct mr_side **out,
		  struct mreg_error *err);
/* Whether it has a thread; who would wait for its work asks first. */
bool mr_side_runs(const struct mr_side *s);
/* Wait and free; returns what fn returned, with its error. */
int mr_side_join(struct mr_side *s, struct mreg_error *err);

/*
 * What several tasks share, and wait for: a lock, and signals that something
 * under it has changed.  Waiting gives the lock up meanwhile; what is waited
 * for is looked at again after it.
 */
struct mr_lock {
	pthread_mutex_t mutex;
};
void mr_lock_init(struct mr_lock *l);
void mr_lock_release(struct mr_lock *l);
void mr_lock_enter(struct mr_lock *l);
void mr_lock_leave(struct mr_lock *l);

struct mr_signal {
	pthread_cond_t changed;
};
void mr_signal_init(struct mr_signal *s);
void mr_signal_release(struct mr_signal *s);
void mr_signal_wait(struct mr_signal *s, struct mr_lock *l);
/* At most `ms` of real time. */
void mr_signal_wait_ms(struct mr_signal *s, struct mr_lock *l, int64_t ms);
void mr_signal_one(struct mr_signal *s); /* any of those who wait */
void mr_signal_all(struct mr_signal *s);

#endif

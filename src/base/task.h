/*
 * base/task.h - the one place that starts and joins threads.
 */
#ifndef MR_BASE_TASK_H
#define MR_BASE_TASK_H

#include <stddef.h>

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
/* Wait and free; returns what fn returned, with its error. */
int mr_side_join(struct mr_side *s, struct mreg_error *err);

#endif

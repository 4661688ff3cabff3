/*
 * base/env.h - what comes from outside the code: log, progress, clock, sleep,
 * random numbers, cancellation.
 *
 * One struct mr_env lives as long as a session and is shared by all threads;
 * its functions may be called from any of them.  Tests put their own clock
 * and sleep in, so no test waits.
 */
#ifndef MR_BASE_ENV_H
#define MR_BASE_ENV_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "mreg/types.h"

struct mr_env {
	void *ctx; /* borrowed; first argument of what follows */
	/* Each may be NULL: no log, no progress. */
	void (*log)(void *ctx, enum mreg_log_level level, const char *text);
	void (*progress)(void *ctx, const struct mreg_progress *p);
	enum mreg_log_level level; /* less important ones are not formatted */
	/* Where warnings go instead, each once, whatever the level is;
	 * borrowed; NULL: to the log. */
	struct mr_list *warnings;
	/* Each may be NULL: the real thing. */
	int64_t (*now_s)(void *ctx);   /* seconds since 1970 */
	int64_t (*mono_ms)(void *ctx); /* never goes back */
	void (*sleep_ms)(void *ctx, int64_t ms);
	uint32_t (*random)(void *ctx);
	atomic_bool
		*cancel; /* borrowed; set by a signal handler; may be NULL */
	pthread_mutex_t lock; /* one log line, one progress event at a time */
};

/* Real clock, no log, no progress. */
void mr_env_init(struct mr_env *env);
void mr_env_release(struct mr_env *env);

void mr_log(struct mr_env *env, enum mreg_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void mr_progress(struct mr_env *env, const struct mreg_progress *p);
/* The usual event in one call. */
void mr_progress_bytes(struct mr_env *env, const char *label, uint64_t n);

int64_t mr_now_s(struct mr_env *env);
int64_t mr_mono_ms(struct mr_env *env);
uint32_t mr_random(struct mr_env *env);
bool mr_cancelled(struct mr_env *env);

/* Sleep, in slices; MREG_ECANCELED when cancelled meanwhile. */
int mr_sleep_ms(struct mr_env *env, int64_t ms, struct mreg_error *err);

/* 0, or MREG_ECANCELED "interrupted". */
int mr_check_cancel(struct mr_env *env, struct mreg_error *err);

#endif

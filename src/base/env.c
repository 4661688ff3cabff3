/*
 * env.c - log, progress, clock, sleep, random numbers, cancellation.
 */
#include "base/env.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/error.h"
#include "base/text.h"

/* One line of the log; longer ones end in "...". */
#define LOG_LINE_BYTES 2048
/* How long a cancelled sleep may go on. */
#define SLICE_MS 50

static int64_t clock_ms(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t); /* cannot fail for these clocks */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void real_sleep(int64_t ms)
{
	struct timespec t;

	t.tv_sec = (time_t)(ms / 1000);
	t.tv_nsec = (long)(ms % 1000) * 1000000;
	/* A signal ends it early: the caller looks at the clock again. */
	(void)nanosleep(&t, NULL);
}

void mr_env_init(struct mr_env *env)
{
	memset(env, 0, sizeof(*env));
	env->level = MREG_LOG_WARN;
	(void)pthread_mutex_init(&env->lock, NULL); /* cannot fail on Linux */
}

void mr_env_release(struct mr_env *env)
{
	(void)pthread_mutex_destroy(&env->lock);
}

void mr_log(struct mr_env *env, enum mreg_log_level level, const char *fmt, ...)
{
	char draft[LOG_LINE_BYTES + 8]; /* a cut here is cut again, visibly */
	char line[LOG_LINE_BYTES];
	va_list ap;
	bool keep = env && env->warnings && level == MREG_LOG_WARN;
	int n;

	if (!keep && (!env || !env->log || level > env->level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(draft, sizeof(draft), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	mr_text_safe(draft, line, sizeof(line));
	(void)pthread_mutex_lock(&env->lock);
	/* One that is not kept for want of memory is told. */
	if (keep)
		keep = mr_list_has(env->warnings, line) ||
		       mr_list_add(env->warnings, line, NULL) >= 0;
	if (!keep && env->log)
		env->log(env->ctx, level, line);
	(void)pthread_mutex_unlock(&env->lock);
}

void mr_progress(struct mr_env *env, const struct mreg_progress *p)
{
	if (!env || !env->progress)
		return;
	(void)pthread_mutex_lock(&env->lock);
	env->progress(env->ctx, p);
	(void)pthread_mutex_unlock(&env->lock);
}

void mr_progress_bytes(struct mr_env *env, const char *label, uint64_t n)
{
	struct mreg_progress p = {
		.kind = MREG_PROGRESS_BYTES,
		.label = label,
		.bytes = n,
	};

	mr_progress(env, &p);
}

int64_t mr_now_s(struct mr_env *env)
{
	if (env && env->now_s)
		return env->now_s(env->ctx);
	return (int64_t)time(NULL);
}

int64_t mr_mono_ms(struct mr_env *env)
{
	if (env && env->mono_ms)
		return env->mono_ms(env->ctx);
	return clock_ms(CLOCK_MONOTONIC);
}

uint32_t mr_random(struct mr_env *env)
{
	uint32_t r;

	if (env && env->random)
		return env->random(env->ctx);
	/* Used for jitter and names, never for keys: where the kernel has no
	 * random numbers the clock's nanoseconds will do. */
	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r)) {
		struct timespec t;

		(void)clock_gettime(CLOCK_MONOTONIC, &t);
		r = (uint32_t)t.tv_nsec * 2654435761u;
	}
	return r;
}

bool mr_cancelled(struct mr_env *env)
{
	return env && env->cancel && atomic_load(env->cancel);
}

int mr_check_cancel(struct mr_env *env, struct mreg_error *err)
{
	if (mr_cancelled(env))
		return mr_fail(err, MREG_ECANCELED, "interrupted");
	return 0;
}

int mr_sleep_ms(struct mr_env *env, int64_t ms, struct mreg_error *err)
{
	int64_t end, rest;
	int rc;

	rc = mr_check_cancel(env, err);
	if (rc < 0 || ms <= 0)
		return rc;
	/* Somebody else's sleep gets the whole time at once: that is what a
	 * test wants to see. */
	if (env && env->sleep_ms) {
		env->sleep_ms(env->ctx, ms);
		return mr_check_cancel(env, err);
	}
	end = clock_ms(CLOCK_MONOTONIC) + ms;
	while ((rest = end - clock_ms(CLOCK_MONOTONIC)) > 0) {
		real_sleep(rest < SLICE_MS ? rest : SLICE_MS);
		rc = mr_check_cancel(env, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/*
 * tests/support/test_env.c - an environment in which nothing waits and
 * nothing is random.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

/* 2026-01-01T00:00:00Z */
#define EPOCH_MS INT64_C(1767225600000)

static const char *const level_names[] = { "error", "warn", "info", "debug" };

/* Called under env.lock, one line at a time. */
static void env_log(void *ctx, enum mreg_log_level level, const char *text)
{
	struct test_env *t = ctx;
	size_t room = sizeof(t->log) - t->log_len;
	int n;

	n = snprintf(t->log + t->log_len, room, "%s %s\n", level_names[level],
		     text);
	if (n > 0)
		t->log_len += (size_t)n < room ? (size_t)n : room - 1;
}

/* Called under env.lock, one event at a time. */
static void env_progress(void *ctx, const struct mreg_progress *p)
{
	struct test_env *t = ctx;

	t->progress[p->kind]++;
	if (p->kind == MREG_PROGRESS_BYTES)
		t->progress_bytes += p->bytes;
}

static int64_t env_now_s(void *ctx)
{
	struct test_env *t = ctx;
	int64_t now_s;

	pthread_mutex_lock(&t->lock);
	now_s = t->now_ms / 1000;
	pthread_mutex_unlock(&t->lock);
	return now_s;
}

static int64_t env_mono_ms(void *ctx)
{
	struct test_env *t = ctx;
	int64_t mono_ms;

	pthread_mutex_lock(&t->lock);
	mono_ms = t->now_ms - EPOCH_MS;
	pthread_mutex_unlock(&t->lock);
	return mono_ms;
}

static void env_sleep_ms(void *ctx, int64_t ms)
{
	struct test_env *t = ctx;

	if (ms <= 0)
		return;
	pthread_mutex_lock(&t->lock);
	t->now_ms += ms;
	t->slept_ms += ms;
	t->sleeps++;
	pthread_mutex_unlock(&t->lock);
}

/* Constants of Numerical Recipes' LCG; the upper half is good enough. */
static uint32_t env_random(void *ctx)
{
	struct test_env *t = ctx;
	uint32_t high;
	uint32_t low;

	pthread_mutex_lock(&t->lock);
	t->seed = t->seed * 1664525u + 1013904223u;
	high = t->seed >> 16;
	t->seed = t->seed * 1664525u + 1013904223u;
	low = t->seed >> 16;
	pthread_mutex_unlock(&t->lock);
	return high << 16 | low;
}

void test_env_init(struct test_env *t)
{
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
	mr_env_init(&t->env);
	t->now_ms = EPOCH_MS;
	t->seed = 1;
	t->env.ctx = t;
	t->env.log = env_log;
	t->env.progress = env_progress;
	t->env.level = MREG_LOG_DEBUG;
	t->env.now_s = env_now_s;
	t->env.mono_ms = env_mono_ms;
	t->env.sleep_ms = env_sleep_ms;
	t->env.random = env_random;
	t->env.cancel = &t->cancel;
}

void test_env_release(struct test_env *t)
{
	mr_env_release(&t->env);
	pthread_mutex_destroy(&t->lock);
}

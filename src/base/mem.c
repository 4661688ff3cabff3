/*
 * mem.c - allocation that can be made to fail, and the wipe that stays.
 *
 * What MREG_FAIL_ALLOC asked for is the library's only mutable global: the
 * N-th allocation of a process is counted over all sessions and threads.
 */
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mreg/error.h"

enum plan {
	PLAN_OFF,  /* the ordinary case */
	PLAN_ONE,  /* fail the one when `left` reaches 1 */
	PLAN_REST, /* that one and all later ones */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum plan plan; /* written once, then only read */
static atomic_llong left;

static void read_plan(void)
{
	const char *text = getenv("MREG_FAIL_ALLOC");
	char *end = NULL;
	long long n;

	if (!text)
		return;
	n = strtoll(text, &end, 10);
	if (n <= 0)
		return;
	atomic_store(&left, n);
	plan = *end == '+' ? PLAN_REST : PLAN_ONE;
}

static bool refused(void)
{
	long long before;

	(void)pthread_once(&once, read_plan); /* one load but the first time */
	if (plan == PLAN_OFF)
		return false;
	before = atomic_fetch_sub(&left, 1);
	return plan == PLAN_REST ? before <= 1 : before == 1;
}

void *mr_alloc(size_t n)
{
	return refused() ? NULL : malloc(n ? n : 1);
}

void *mr_zalloc(size_t n)
{
	return refused() ? NULL : calloc(1, n ? n : 1);
}

void *mr_array(size_t count, size_t each)
{
	if (refused())
		return NULL;
	if (count == 0 || each == 0)
		return calloc(1, 1);
	return calloc(count, each);
}

void *mr_resize(void *p, size_t n)
{
	return refused() ? NULL : realloc(p, n ? n : 1);
}

int mr_grow(void **items, size_t *cap, size_t need, size_t each)
{
	size_t want = *cap ? *cap : 8;
	void *old;
	void *grown;

	if (need <= *cap)
		return 0;
	while (want < need) {
		if (want > SIZE_MAX / 2)
			return MREG_ENOMEM;
		want *= 2;
	}
	if (each && want > SIZE_MAX / each)
		return MREG_ENOMEM;
	/* memcpy, because `*items` is a pointer of another type in truth. */
	memcpy(&old, items, sizeof(old));
	grown = mr_resize(old, want * each);
	if (!grown)
		return MREG_ENOMEM;
	memcpy(items, &grown, sizeof(grown));
	*cap = want;
	return 0;
}

char *mr_strdup(const char *s)
{
	return mr_strndup(s, strlen(s));
}

char *mr_strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = mr_alloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

void mr_release(void *p)
{
	free(p);
}

void mr_free(void *p)
{
	void *value;

	memcpy(&value, p, sizeof(value));
	free(value);
	value = NULL;
	memcpy(p, &value, sizeof(value));
}

void mr_wipe(void *p, size_t n)
{
	if (p && n)
		explicit_bzero(p, n);
}

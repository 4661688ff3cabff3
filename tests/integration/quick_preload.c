/*
 * quick_preload.c - sleeping is twenty times as fast: what waits between two
 * attempts is tested without waiting.
 *
 * Preloaded into mreg (fake.py).  A sleep takes a twentieth of its time, and
 * the monotonic clock is put forward by the rest, so that whoever measures
 * sees it pass.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#define SPEED 20
#define SECOND_NS 1000000000LL

int clock_gettime(clockid_t id, struct timespec *t);
int nanosleep(const struct timespec *t, struct timespec *rest);
int pthread_cond_timedwait(pthread_cond_t *restrict c,
			   pthread_mutex_t *restrict m,
			   const struct timespec *restrict until);

static atomic_llong ahead_ns; /* the clock is before the real one */

/* The next definition of `name`, into a pointer to a function. */
static void next(const char *name, void *out)
{
	*(void **)out = dlsym(RTLD_NEXT, name);
}

static struct timespec add(struct timespec t, long long ns)
{
	long long sum = t.tv_sec * SECOND_NS + t.tv_nsec + ns;

	t.tv_sec = (time_t)(sum / SECOND_NS);
	t.tv_nsec = (long)(sum % SECOND_NS);
	return t;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	int rc;

	if (!real)
		next("clock_gettime", &real);
	rc = real(id, t);
	if (rc == 0 && id == CLOCK_MONOTONIC)
		*t = add(*t, atomic_load(&ahead_ns));
	return rc;
}

int nanosleep(const struct timespec *t, struct timespec *rest)
{
	static int (*real)(const struct timespec *, struct timespec *);
	long long ns = t->tv_sec * SECOND_NS + t->tv_nsec;
	struct timespec less = add((struct timespec){ 0 }, ns / SPEED);

	if (!real)
		next("nanosleep", &real);
	atomic_fetch_add(&ahead_ns, ns - ns / SPEED);
	return real(&less, rest);
}

/* An end by the clock above, not by the kernel's; the time since 1970, which
 * is not changed, is far larger. */
int pthread_cond_timedwait(pthread_cond_t *restrict c,
			   pthread_mutex_t *restrict m,
			   const struct timespec *restrict until)
{
	static int (*real)(pthread_cond_t *restrict, pthread_mutex_t *restrict,
			   const struct timespec *restrict);
	struct timespec t = *until;

	if (!real)
		next("pthread_cond_timedwait", &real);
	if (t.tv_sec < 1000000000)
		t = add(t, -atomic_load(&ahead_ns));
	return real(c, m, &t);
}

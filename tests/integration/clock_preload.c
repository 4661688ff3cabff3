/*
 * clock_preload.c - the time of day is another one: what depends on dates is
 * tested without waiting.
 *
 * Preloaded into mreg (conftest.py of tests/cli).  TEST_CLOCK_AHEAD_S seconds
 * are added to the time since 1970; other clocks are as they are.
 */
#include <stdlib.h>
#include <time.h>

time_t time(time_t *out)
{
	const char *ahead = getenv("TEST_CLOCK_AHEAD_S");
	struct timespec now;
	time_t t;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	t = now.tv_sec + (ahead ? (time_t)strtoll(ahead, NULL, 10) : 0);
	if (out)
		*out = t;
	return t;
}

/*
 * retry.c - what is worth asking again, and how long to wait before.
 */
#include "net/internal.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* protocol.md P-94, the list that clients of many registries settled on. */
bool mr_retry_status(int status)
{
	static const int again[] = {
		408, 425, 429, 499, 500, 502, 503, 504, 522
	};
	size_t i;

	for (i = 0; i < MR_COUNT(again); i++)
		if (again[i] == status)
			return true;
	return false;
}

unsigned int mr_retry_after_s(const char *value, int64_t now_s)
{
	uint64_t seconds;
	time_t when;

	if (!value)
		return 0;
	if (mr_text_u64(value, UINT32_MAX, &seconds) == 0)
		return (unsigned int)seconds;
	when = curl_getdate(value, NULL);
	if (when < 0 || (int64_t)when <= now_s)
		return 0;
	seconds = (uint64_t)((int64_t)when - now_s);
	return seconds > UINT32_MAX ? UINT32_MAX : (unsigned int)seconds;
}

/*
 * Exponential with full jitter: a random point in [0, cap], where cap starts
 * at 250 ms and doubles up to 30 s.  Full jitter, not a fixed delay plus
 * noise, because a registry that just restarted is hit by every client at
 * once, and only a wide spread drains that queue.
 *
 * `retry_after_s` is the server's Retry-After in seconds, 0 if absent (RFC
 * 9110, section 10.2.3); it wins over our own estimate up to 300 s, and the
 * wait is shown: beyond that the user would rather see the error.
 */
int64_t mr_retry_delay_ms(unsigned int attempt, unsigned int retry_after_s,
			  uint32_t random)
{
	const uint32_t first_ms = 250;
	const uint32_t cap_ms = 30000;
	uint32_t cap = first_ms;

	if (attempt == 0 || attempt > MR_RETRY_MAX)
		return -1;
	if (retry_after_s > MR_RETRY_AFTER_MAX_S)
		return -1;
	if (retry_after_s > 0)
		return (int64_t)retry_after_s * 1000;
	while (--attempt > 0 && cap < cap_ms)
		cap *= 2;
	if (cap > cap_ms)
		cap = cap_ms;
	return random % (cap + 1);
}

/*
 * text_real.c - numbers as text.
 */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

/* Most numbers that people write have few digits behind the point, and are told
 * a tenth of the time later.  `r` divided by a million is rounded as the text
 * is when it is read, so where that is `v` the text is right; and it has no
 * more digits than 15, so it is the one that "%.15g" writes. */
static bool is_plain(double v, char out[32])
{
	const uint64_t unit = 1000000;
	double size = v < 0 ? -v : v;
	uint64_t r;
	char *p = out;

	if (!(size >= 1e-4 && size < 1e9))
		return false;
	r = (uint64_t)(size * 1e6 + 0.5);
	if ((double)r / 1e6 != size)
		return false;
	if (v < 0)
		*p++ = '-';
	p += snprintf(p, 16, "%u", (unsigned int)(r / unit));
	r %= unit;
	if (r)
		*p++ = '.';
	for (; r; r %= unit) {
		r *= 10;
		*p++ = (char)('0' + r / unit);
	}
	*p = 0;
	return true;
}

const char *mr_text_real(double v, char out[32])
{
	int digits;

	if (is_plain(v, out))
		return out;
	/* 17 are enough for any double, and 15 for most that people write. */
	for (digits = 15; digits <= 17; digits++) {
		(void)snprintf(out, 32, "%.*g", digits, v);
		if (strtod(out, NULL) == v)
			break;
	}
	return out;
}

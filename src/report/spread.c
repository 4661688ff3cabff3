/*
 * spread.c - how long things took.
 */
#include <stdlib.h>

#include "report/report.h"

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

void mr_spread_of(int64_t *values, size_t n, struct mreg_spread *out)
{
	*out = (struct mreg_spread){ .count = n, .median_s = -1, .p90_s = -1 };
	if (n == 0)
		return;
	qsort(values, n, sizeof(*values), by_value);
	out->median_s = n % 2 ? values[n / 2]
			      : values[n / 2 - 1] +
					(values[n / 2] - values[n / 2 - 1]) / 2;
	out->p90_s = values[(n * 9 + 9) / 10 - 1];
}

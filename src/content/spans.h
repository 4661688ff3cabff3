/*
 * content/spans.h - which bytes of something are there: a sorted set of
 * ranges.
 *
 * Not locked; offsets are bytes, ends exclusive.
 */
#ifndef MR_CONTENT_SPANS_H
#define MR_CONTENT_SPANS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mreg/error.h"

struct mr_span {
	uint64_t start, end;
};

/* Sorted, disjoint, not touching.  Zeroed is empty. */
struct mr_spans {
	struct mr_span *items; /* owned */
	size_t n, cap;
};

void mr_spans_release(struct mr_spans *s); /* for MR_AUTO too */
/* Also what overlaps; an empty range does nothing. */
int mr_spans_add(struct mr_spans *s, uint64_t start, uint64_t end,
		 struct mreg_error *err);
uint64_t mr_spans_sum(const struct mr_spans *s);
void mr_spans_drop_first(struct mr_spans *s); /* there has to be one */

/* "0-4096 8192-12288"; nothing for the empty set. */
void mr_spans_text(const struct mr_spans *s, struct mr_buf *out);
/* -1, with `out` empty, for what is no such text, not sorted, or ends behind
 * `size`. */
int mr_spans_parse(const char *text, uint64_t size, struct mr_spans *out);

#endif

/*
 * spans.c - which bytes of something are there.
 */
#include "content/spans.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

void mr_spans_release(struct mr_spans *s)
{
	mr_free(&s->items);
	s->n = s->cap = 0;
}

int mr_spans_add(struct mr_spans *s, uint64_t start, uint64_t end,
		 struct mreg_error *err)
{
	void *items = s->items;
	size_t first = 0;
	size_t past;

	if (start >= end)
		return 0;
	while (first < s->n && s->items[first].end < start)
		first++;
	/* All in [first, past) touch it, and become one with it. */
	for (past = first; past < s->n && s->items[past].start <= end; past++) {
		if (s->items[past].start < start)
			start = s->items[past].start;
		if (s->items[past].end > end)
			end = s->items[past].end;
	}
	if (past == first) {
		if (mr_grow(&items, &s->cap, s->n + 1, sizeof(*s->items)) < 0)
			return mr_fail_nomem(err);
		s->items = items;
		past = first + 1;
		memmove(&s->items[past], &s->items[first],
			(s->n - first) * sizeof(*s->items));
		s->n++;
	}
	s->items[first] = (struct mr_span){ .start = start, .end = end };
	memmove(&s->items[first + 1], &s->items[past],
		(s->n - past) * sizeof(*s->items));
	s->n -= past - first - 1;
	return 0;
}

void mr_spans_drop_first(struct mr_spans *s)
{
	s->n--;
	memmove(s->items, s->items + 1, s->n * sizeof(*s->items));
}

uint64_t mr_spans_sum(const struct mr_spans *s)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		sum += s->items[i].end - s->items[i].start;
	return sum;
}

void mr_spans_text(const struct mr_spans *s, struct mr_buf *out)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		mr_buf_printf(out, "%s%" PRIu64 "-%" PRIu64, i ? " " : "",
			      s->items[i].start, s->items[i].end);
}

/* The digits at `p`; what follows them, or NULL when there are none. */
static const char *number(const char *p, uint64_t *out)
{
	size_t n = strspn(p, "0123456789");
	char text[24];

	if (n == 0 || n >= sizeof(text))
		return NULL;
	memcpy(text, p, n);
	text[n] = '\0';
	return mr_text_u64(text, INT64_MAX, out) == 0 ? p + n : NULL;
}

static int parse(const char *p, uint64_t size, struct mr_spans *out)
{
	uint64_t start, end;
	uint64_t last = 0;

	while (*p) {
		if (out->n && *p++ != ' ')
			return -1;
		p = number(p, &start);
		if (!p || *p++ != '-')
			return -1;
		p = number(p, &end);
		if (!p || (out->n && start <= last) || end <= start ||
		    end > size)
			return -1;
		last = end;
		if (mr_spans_add(out, start, end, NULL) < 0)
			return -1;
	}
	return 0;
}

int mr_spans_parse(const char *text, uint64_t size, struct mr_spans *out)
{
	memset(out, 0, sizeof(*out));
	if (parse(text, size, out) == 0)
		return 0;
	mr_spans_release(out);
	return -1;
}

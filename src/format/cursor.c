/*
 * cursor.c - one pass over a file through a window, which stops at the first
 * wrong thing.
 */
#include "format/read.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* After a jump the next bytes are most often a few before the next jump, over
 * a tensor's bytes; each window after that is twice as large. */
#define JUMP_BYTES 1024
/* One line, with a name in it. */
#define TROUBLE_BYTES 512

int mr_cursor_new(struct mr_reader *r, struct mr_arena *a,
		  struct mr_cursor **out, struct mreg_error *err)
{
	struct mr_cursor *c = mr_alloc(sizeof(*c));

	if (!c)
		return mr_fail_nomem(err);
	/* Not the window: it is written before it is read. */
	memset(c, 0, offsetof(struct mr_cursor, window));
	c->r = r;
	c->arena = a;
	c->err = err;
	c->limit = r->size;
	c->step = MR_CURSOR_BYTES;
	*out = c;
	return 0;
}

void mr_cursor_freep(struct mr_cursor **c)
{
	mr_release(*c);
	*c = NULL;
}

bool mr_cursor_over(const struct mr_cursor *c)
{
	return c->trouble || c->rc < 0;
}

static void fail(struct mr_cursor *c, bool limited, const char *fmt, va_list ap)
{
	char draft[TROUBLE_BYTES];
	char safe[TROUBLE_BYTES];

	if (mr_cursor_over(c))
		return;
	c->limited = limited;
	if (!c->arena) {
		c->trouble = "malformed"; /* nobody reads it */
		return;
	}
	if (vsnprintf(draft, sizeof(draft), fmt, ap) < 0)
		draft[0] = '\0';
	c->trouble = mr_arena_strdup(c->arena,
				     mr_text_safe(draft, safe, sizeof(safe)));
	if (!c->trouble)
		c->rc = mr_fail_nomem(c->err);
}

void mr_cursor_fail(struct mr_cursor *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(c, false, fmt, ap);
	va_end(ap);
}

void mr_cursor_limit(struct mr_cursor *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(c, true, fmt, ap);
	va_end(ap);
}

bool mr_cursor_has(struct mr_cursor *c, uint64_t n)
{
	uint64_t left = c->at < c->limit ? c->limit - c->at : 0;

	if (!mr_cursor_over(c) && n > left)
		mr_cursor_fail(c,
			       "ends early: %" PRIu64
			       " bytes should follow byte %" PRIu64
			       ", and %" PRIu64 " do",
			       n, c->at, left);
	return !mr_cursor_over(c);
}

void mr_cursor_skip(struct mr_cursor *c, uint64_t n)
{
	if (mr_cursor_has(c, n))
		c->at += n;
}

void mr_cursor_seek(struct mr_cursor *c, uint64_t at)
{
	if (at > c->limit)
		mr_cursor_fail(c,
			       "ends early: byte %" PRIu64
			       " is behind its %" PRIu64 " bytes",
			       at, c->limit);
	if (!mr_cursor_over(c))
		c->at = at;
}

/* Some of the `n` bytes at `at`; 0 when over. */
static size_t ask(struct mr_cursor *c, void *buf, size_t n)
{
	ssize_t got = mr_reader_read_at(c->r, buf, n, c->at, c->err);

	if (got < 0)
		c->rc = (int)got;
	else if (got == 0)
		mr_cursor_fail(c, "ends early, at byte %" PRIu64, c->at);
	if (got <= 0)
		return 0;
	c->bytes_read += (uint64_t)got;
	return (size_t)got;
}

static bool in_window(const struct mr_cursor *c)
{
	return c->at >= c->base && c->at - c->base < c->len;
}

static void fill(struct mr_cursor *c)
{
	uint64_t left = c->r->size - c->at;
	/* A short skip is no jump: many of them would be as many requests.
	 * From what was wanted, not from what the window brought along: else
	 * who jumps by a little more than a window reads all there is. */
	bool next = c->at >= c->given && c->at - c->given < MR_CURSOR_BYTES;
	size_t n;

	if (!next)
		c->step = JUMP_BYTES;
	n = c->step < left ? c->step : (size_t)left;
	c->len = 0;
	c->base = c->at;
	c->len = ask(c, c->window, n);
	if (c->step < MR_CURSOR_BYTES)
		c->step *= 2;
}

void mr_cursor_get(struct mr_cursor *c, void *out, size_t n)
{
	unsigned char *to = out;
	size_t left = n;
	size_t part;

	if (!mr_cursor_has(c, n))
		left = 0;
	while (left && !mr_cursor_over(c)) {
		if (!in_window(c) && left >= MR_CURSOR_BYTES) {
			part = ask(c, to, left);
		} else {
			if (!in_window(c))
				fill(c);
			part = (size_t)(c->base + c->len - c->at);
			part = part < left ? part : left;
			memcpy(to, c->window + (c->at - c->base), part);
		}
		to += part;
		left -= part;
		c->at += part;
		c->given = c->at;
	}
	if (mr_cursor_over(c))
		memset(out, 0, n);
}

uint64_t mr_cursor_number(struct mr_cursor *c, size_t n)
{
	unsigned char bytes[8];
	uint64_t value = 0;

	mr_cursor_get(c, bytes, n);
	while (n-- > 0)
		value = value << 8 | bytes[n];
	return value;
}

uint8_t mr_cursor_u8(struct mr_cursor *c)
{
	return (uint8_t)mr_cursor_number(c, 1);
}

uint16_t mr_cursor_u16(struct mr_cursor *c)
{
	return (uint16_t)mr_cursor_number(c, 2);
}

uint32_t mr_cursor_u32(struct mr_cursor *c)
{
	return (uint32_t)mr_cursor_number(c, 4);
}

uint64_t mr_cursor_u64(struct mr_cursor *c)
{
	return mr_cursor_number(c, 8);
}

const char *mr_cursor_text(struct mr_cursor *c, uint64_t n)
{
	/* The rest of a character that is cut. */
	char bytes[MR_FACT_TEXT_MAX_BYTES + 3];
	size_t part = n < sizeof(bytes) ? (size_t)n : sizeof(bytes);

	if (!c->arena)
		part = 0;
	if (!mr_cursor_has(c, n))
		return NULL;
	mr_cursor_get(c, bytes, part);
	mr_cursor_skip(c, n - part);
	return mr_keep_text(c, bytes, part);
}

int mr_cursor_end(const struct mr_cursor *c, struct mr_facts *out)
{
	out->bytes_read += c->bytes_read;
	if (c->trouble)
		*out = (struct mr_facts){ .format = out->format,
					  .trouble = c->trouble,
					  .limited = c->limited,
					  .globals = out->globals,
					  .unsafe = out->unsafe,
					  .bytes_read = out->bytes_read };
	return c->rc;
}

/*
 * buf.c - bytes that grow up to a mandatory maximum.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Room for `n` more bytes and the NUL; false: failed now or before. */
static bool reserve(struct mr_buf *b, size_t n)
{
	size_t need, cap;
	char *grown;

	if (b->failed)
		return false;
	if (n > b->max - b->len) {
		b->failed = MREG_ELIMIT;
		return false;
	}
	if (n > SIZE_MAX / 2 - b->len) {
		b->failed = MREG_ENOMEM;
		return false;
	}
	need = b->len + n + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap < 128 ? 256 : b->cap * 2;
	if (cap > b->max)
		cap = b->max + 1; /* a full buffer wastes nothing */
	if (cap < need)
		cap = need;
	grown = mr_resize(b->data, cap);
	if (!grown) {
		b->failed = MREG_ENOMEM;
		return false;
	}
	b->data = grown;
	b->cap = cap;
	b->data[b->len] = '\0';
	return true;
}

void mr_buf_init(struct mr_buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void mr_buf_release(struct mr_buf *b)
{
	mr_release(b->data);
	mr_buf_init(b, b->max);
}

void mr_buf_clear(struct mr_buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void mr_buf_add(struct mr_buf *b, const void *data, size_t n)
{
	if (!reserve(b, n))
		return;
	if (n)
		memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void mr_buf_puts(struct mr_buf *b, const char *s)
{
	mr_buf_add(b, s, strlen(s));
}

void mr_buf_putc(struct mr_buf *b, char c)
{
	mr_buf_add(b, &c, 1);
}

void mr_buf_printf(struct mr_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		if (!b->failed)
			b->failed = MREG_ENOMEM;
		return;
	}
	if (!reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

int mr_buf_check(const struct mr_buf *b, const char *what,
		 struct mreg_error *err)
{
	if (b->failed == MREG_OK)
		return 0;
	if (b->failed == MREG_ELIMIT)
		return mr_fail(err, MREG_ELIMIT, "%s is larger than %zu bytes",
			       what, b->max);
	return mr_fail_nomem(err);
}

const char *mr_buf_text(const struct mr_buf *b)
{
	return b->data ? b->data : "";
}

char *mr_buf_take(struct mr_buf *b)
{
	char *data;

	if (!reserve(b, 0))
		return NULL;
	data = mr_steal(&b->data);
	mr_buf_init(b, b->max);
	return data;
}

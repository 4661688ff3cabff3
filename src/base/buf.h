/*
 * base/buf.h - bytes that grow up to a mandatory maximum.
 *
 * Fails softly: after an allocation failure or the maximum the buffer stays
 * failed and ignores what is added, so build first, check once with
 * mr_buf_check.  `data` is always NUL-terminated behind `len` once anything
 * was added (the NUL is not counted), and NULL before.
 */
#ifndef MR_BASE_BUF_H
#define MR_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "mreg/error.h"

struct mr_buf {
	char *data; /* owned */
	size_t len;
	size_t cap;
	size_t max;
	enum mreg_code failed; /* MREG_OK, MREG_ENOMEM or MREG_ELIMIT */
};

#define MR_BUF_INIT(maximum)                                                   \
	{                                                                      \
		.max = (maximum)                                               \
	}

void mr_buf_init(struct mr_buf *b, size_t max);
void mr_buf_release(struct mr_buf *b); /* back to empty, not failed */
void mr_buf_clear(struct mr_buf *b);   /* len 0; memory and failure kept */

void mr_buf_add(struct mr_buf *b, const void *data, size_t n);
void mr_buf_puts(struct mr_buf *b, const char *s);
void mr_buf_putc(struct mr_buf *b, char c);
void mr_buf_printf(struct mr_buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* 0, or the failure as an error about `what`. */
int mr_buf_check(const struct mr_buf *b, const char *what,
		 struct mreg_error *err);

/* The text so far, "" when empty; borrowed. */
const char *mr_buf_text(const struct mr_buf *b);

/* Hand over the bytes (never NULL on success; NUL-terminated); the buffer is
 * empty afterwards.  NULL if it had failed. */
char *mr_buf_take(struct mr_buf *b);

#endif

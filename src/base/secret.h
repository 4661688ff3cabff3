/*
 * base/secret.h - passwords and tokens: a type of their own, so that they
 * cannot reach a log by accident.
 */
#ifndef MR_BASE_SECRET_H
#define MR_BASE_SECRET_H

#include <stddef.h>

struct mr_secret {
	char *bytes; /* owned, NUL-terminated; NULL: none */
	size_t len;
};

/* Copies; 0 or MREG_ENOMEM. */
int mr_secret_set(struct mr_secret *s, const char *bytes, size_t n);
void mr_secret_release(struct mr_secret *s); /* wiped; for MR_AUTO too */
/* What may be shown: "***", or "" when there is none. */
const char *mr_secret_text(const struct mr_secret *s);

#endif

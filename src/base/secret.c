/*
 * secret.c - passwords and tokens, overwritten before they are given back.
 */
#include "base/secret.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "mreg/error.h"

int mr_secret_set(struct mr_secret *s, const char *bytes, size_t n)
{
	char *copy;

	if (n == SIZE_MAX)
		return MREG_ENOMEM;
	/* `bytes` may be the secret's own: copy before the old one goes. */
	copy = mr_alloc(n + 1);
	if (!copy)
		return MREG_ENOMEM;
	if (n)
		memcpy(copy, bytes, n);
	copy[n] = '\0';
	mr_secret_release(s);
	s->bytes = copy;
	s->len = n;
	return 0;
}

void mr_secret_release(struct mr_secret *s)
{
	mr_wipe(s->bytes, s->len);
	mr_release(s->bytes);
	s->bytes = NULL;
	s->len = 0;
}

const char *mr_secret_text(const struct mr_secret *s)
{
	return s->bytes ? "***" : "";
}

/*
 * tests/fuzz/fuzz_challenge.c - WWW-Authenticate: what was read can be written
 * and is read the same again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "net/auth.h"

static void write_param(struct mr_buf *b, const char *name, const char *value,
			const char **comma)
{
	if (!value)
		return;
	mr_buf_printf(b, "%s %s=\"", *comma, name);
	for (; *value; value++) {
		/* A quoted-string lets no control byte through. */
		assert((unsigned char)*value >= 0x20 || *value == '\t');
		assert(*value != 0x7f);
		if (*value == '"' || *value == '\\')
			mr_buf_putc(b, '\\');
		mr_buf_putc(b, *value);
	}
	mr_buf_putc(b, '"');
	*comma = ",";
}

static void write_all(const struct mr_challenges *c, struct mr_buf *b)
{
	const char *comma;
	size_t i;

	for (i = 0; i < c->n; i++) {
		comma = "";
		mr_buf_puts(b, i ? ", " : "");
		mr_buf_puts(b, c->items[i].scheme);
		write_param(b, "realm", c->items[i].realm, &comma);
		write_param(b, "service", c->items[i].service, &comma);
		write_param(b, "scope", c->items[i].scope, &comma);
		write_param(b, "error", c->items[i].error, &comma);
	}
}

static int same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_challenges a = { .n = 0 };
	struct mr_challenges b = { .n = 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf text = MR_BUF_INIT(1u << 22);
	char *in;
	size_t i;

	if (size > (64u << 10))
		return 0; /* no header is longer */
	in = strndup((const char *)data, size);
	if (!in)
		return 0;
	if (mr_challenge_parse(in, &a, &err) < 0)
		assert(err.msg[0]); /* failing without a reason is a bug */
	write_all(&a, &text);
	assert(!text.failed);
	assert(mr_challenge_parse(mr_buf_text(&text), &b, &err) == 0);
	assert(a.n == b.n);
	for (i = 0; i < a.n; i++) {
		assert(same(a.items[i].scheme, b.items[i].scheme));
		assert(same(a.items[i].realm, b.items[i].realm));
		assert(same(a.items[i].service, b.items[i].service));
		assert(same(a.items[i].scope, b.items[i].scope));
		assert(same(a.items[i].error, b.items[i].error));
	}
	mr_buf_release(&text);
	mr_challenges_release(&a);
	mr_challenges_release(&b);
	free(in);
	return 0;
}

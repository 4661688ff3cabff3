/*
 * fuzz_uri.c - any text as an mreg:// URI: what is read is nothing of this
 * machine and reads the same when it is written again; what is refused says
 * why, and no password.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "ops/uri.h"

#define ARENA_BYTES (1u << 22)
#define TEXT_MAX_BYTES (1u << 22)
/* Begins with what no escape ends with. */
#define SECRET "s3cr3t"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_told(int rc, const struct mreg_error *err)
{
	const char *p;

	assert(rc == MREG_EUSAGE && (int)err->code == rc);
	assert(err->msg[0] && err->hint[0]);
	for (p = err->msg; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void assert_inside(const char *path)
{
	char around[4096];

	assert(path[0] && path[0] != '/');
	assert(strpbrk(path, "\n\r\033") == NULL);
	if (strlen(path) + 3 > sizeof(around))
		return;
	(void)snprintf(around, sizeof(around), "/%s/", path);
	assert(!strstr(around, "/../") && !strstr(around, "/./"));
}

static void put_value(struct mr_buf *b, const char *key, const char *value)
{
	mr_buf_putc(b, strchr(mr_buf_text(b), '?') ? '&' : '?');
	mr_buf_printf(b, "%s=", key);
	for (; *value; value++)
		mr_buf_printf(b, "%%%02x", (unsigned char)*value);
}

static void assert_same(const struct mr_uri *x, const struct mr_uri *y)
{
	size_t i;

	assert(strcmp(x->ref, y->ref) == 0);
	assert(!x->below == !y->below);
	assert(!x->below || strcmp(x->below, y->below) == 0);
	assert(x->glob_count == y->glob_count);
	for (i = 0; i < x->glob_count; i++)
		assert(strcmp(x->globs[i], y->globs[i]) == 0);
}

static void check(const struct mr_uri *u)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TEXT_MAX_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_uri again;
	size_t i;

	assert(u->ref[0] && !strpbrk(u->ref, "?#"));
	assert(!mr_text_starts(u->ref, "oci:"));
	assert(u->glob_count <= MR_URI_GLOBS_MAX);
	if (u->below)
		assert_inside(u->below);
	mr_buf_printf(&b, "mreg://%s", u->ref);
	if (u->below)
		put_value(&b, "path", u->below);
	for (i = 0; i < u->glob_count; i++)
		put_value(&b, "files", u->globs[i]);
	assert(!b.failed);
	assert(mr_uri_parse(a, mr_buf_text(&b), &again, &err) == 0);
	assert_same(u, &again);
}

/* The same behind a user's password: never read, never told. */
static void check_secret(const char *text)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(TEXT_MAX_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_uri u;
	int rc;

	/* A name may be before a digest. */
	if (strstr(text, SECRET) || mr_text_starts(text, "sha256:") ||
	    mr_text_starts(text, "sha512:"))
		return;
	mr_buf_printf(&b, "mreg://ada:" SECRET "@%s", text);
	assert(!b.failed);
	rc = mr_uri_parse(a, mr_buf_text(&b), &u, &err);
	assert_told(rc, &err);
	assert(!strstr(err.msg, SECRET) && !strstr(err.cause, SECRET));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_uri u;
	char *text;
	int rc;

	assert(a);
	text = mr_strndup((const char *)data, size);
	assert(text);
	rc = mr_uri_parse(a, text, &u, &err);
	if (rc < 0)
		assert_told(rc, &err);
	else
		check(&u);
	check_secret(text);
	mr_release(text);
	return 0;
}

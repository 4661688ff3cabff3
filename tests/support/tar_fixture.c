/*
 * tar_fixture.c - tar archives for tests, by hand.
 */
#include "tests/support/tar_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"

#define BLOCK MR_TAR_BLOCK_BYTES

int tar_setup(void **state)
{
	struct tar_fixture *f = mr_zalloc(sizeof(*f));

	test_env_init(&f->env);
	mr_buf_init(&f->bytes, 8 << 20);
	*state = f;
	return 0;
}

int tar_teardown(void **state)
{
	struct tar_fixture *f = *state;
	size_t i;

	mr_members_free(f->members);
	for (i = 0; i < TAR_LAYERS; i++)
		mr_members_free(f->layers[i]);
	mr_buf_release(&f->bytes);
	test_env_release(&f->env);
	mr_release(f);
	return 0;
}

/* -- making archives --------------------------------------------------------
 */

void tar_zeros(struct tar_fixture *f, size_t n)
{
	static const char zeros[BLOCK];

	for (; n > BLOCK; n -= BLOCK)
		mr_buf_add(&f->bytes, zeros, BLOCK);
	mr_buf_add(&f->bytes, zeros, n);
}

/* A header by hand: what no honest program writes. */
void tar_header(struct tar_fixture *f, const char *path, char type,
		unsigned int mode, size_t size, const char *target)
{
	unsigned char h[BLOCK] = { 0 };
	unsigned int sum = 0;
	size_t i;

	memcpy(h, path, strlen(path) < 100 ? strlen(path) : 100);
	snprintf((char *)h + 100, 8, "%07o", mode);
	memcpy(h + 108, "0000000", 8);
	memcpy(h + 116, "0000000", 8);
	snprintf((char *)h + 124, 12, "%011zo", size);
	memcpy(h + 136, "00000000000", 12);
	memset(h + 148, ' ', 8);
	h[156] = (unsigned char)type;
	memcpy(h + 157, target, strlen(target));
	memcpy(h + 257,
	       "ustar\0"
	       "00",
	       8);
	for (i = 0; i < BLOCK; i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	mr_buf_add(&f->bytes, h, BLOCK);
}

void tar_bytes(struct tar_fixture *f, const void *bytes, size_t n)
{
	mr_buf_add(&f->bytes, bytes, n);
	tar_zeros(f, (BLOCK - n % BLOCK) % BLOCK);
}

void tar_add(struct tar_fixture *f, const char *path, const char *text)
{
	tar_header(f, path, '0', 0644, strlen(text), "");
	tar_bytes(f, text, strlen(text));
}

/* A pax header of one record in front of the next one. */
void tar_pax(struct tar_fixture *f, const char *key, const char *value)
{
	char record[2048];
	int n = snprintf(NULL, 0, " %s=%s\n", key, value);
	int len = n + 2;

	if (len > 99)
		len = n + 3;
	n = snprintf(record, sizeof(record), "%d %s=%s\n", len, key, value);
	assert_int_equal(n, len);
	tar_header(f, "pax", 'x', 0644, (size_t)n, "");
	tar_bytes(f, record, (size_t)n);
}

struct mr_stream *tar_stream(struct tar_fixture *f)
{
	struct mr_stream *s = NULL;

	assert_int_equal(f->bytes.failed, MREG_OK);
	assert_ok(mr_stream_memory(mr_buf_text(&f->bytes), f->bytes.len, &s,
				   &f->err),
		  f->err);
	return s;
}

int tar_list(struct tar_fixture *f, bool image)
{
	int rc;

	mr_members_free(f->members);
	f->members = NULL;
	tar_zeros(f, MR_TAR_END_BYTES);
	rc = mr_members_list(&f->env.env, tar_stream(f), "layer one", image,
			     NULL, &f->members, &f->err);
	mr_buf_clear(&f->bytes);
	return rc;
}

const struct mr_member *tar_find(const struct mr_members *m, const char *path)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (strcmp(m->items[i].path, path) == 0)
			return &m->items[i];
	fail_msg("no '%s'", path);
	return NULL;
}

void tar_assert_content(const struct mr_member *m, const char *text)
{
	struct mreg_digest want;

	assert_int_equal(mr_digest_of(text, strlen(text), &want, NULL), 0);
	assert_int_equal(m->kind, MR_MEMBER_FILE);
	assert_int_equal(m->size, strlen(text));
	assert_true(mreg_digest_equal(&m->digest, &want));
}

/*
 * test_verify.c - the stream that refuses to end on the wrong bytes.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "content/stream.h"

static struct mr_stream *open_verified(const char *sent, const char *wanted,
				       uint64_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc want = { .size = size };
	struct mr_stream *src = NULL;
	struct mr_stream *s = NULL;

	assert_ok(mr_digest_of(wanted, strlen(wanted), &want.digest, &err),
		  err);
	assert_ok(mr_stream_memory(sent, strlen(sent), &src, &err), err);
	assert_ok(mr_stream_verify(src, &want, &s, &err), err);
	return s;
}

/* Send `sent` where `wanted` was promised with `size` bytes, read to the end:
 * 0 or what the last read said. */
static int check(const char *sent, const char *wanted, uint64_t size,
		 struct mreg_error *err)
{
	struct mr_stream *s = open_verified(sent, wanted, size);
	char buf[3];
	ssize_t got;

	while ((got = mr_stream_read(s, buf, sizeof(buf), err)) > 0)
		continue;
	mr_stream_close(s);
	return (int)got;
}

static void passes_what_was_promised(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(check("weights", "weights", 7, &err), err);
	assert_ok(check("", "", 0, &err), err);
	assert_string_equal(err.msg, "");
}

static void refuses_truncation(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_code(MREG_EINTEGRITY, check("weig", "weights", 7, &err), err);
	assert_has(err.msg, "after 4/7 bytes");
	assert_has(err.msg, "'sha256:");
	assert_code(MREG_EINTEGRITY, check("", "weights", 7, &err), err);
	assert_has(err.msg, "after 0/7 bytes");
}

static void refuses_more_than_was_promised(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_code(MREG_EINTEGRITY, check("weights!", "weights", 7, &err),
		    err);
	assert_has(err.msg, "runs past its 7 bytes");
	assert_code(MREG_EINTEGRITY, check("x", "", 0, &err), err);
}

static void refuses_other_bytes(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_code(MREG_EINTEGRITY, check("weighty", "weights", 7, &err), err);
	assert_has(err.msg, "do not match its digest");
	assert_has(err.cause, "its bytes have another digest, 'sha256:");
	/* The right size of the wrong promise does not help. */
	assert_code(MREG_EINTEGRITY, check("weig", "weights", 4, &err), err);
}

static void the_end_can_be_read_again(void **state)
{
	MR_AUTO(mr_stream_closep)
	struct mr_stream *s = open_verified("ab", "ab", 2);
	struct mreg_error err = MREG_ERROR_INIT;
	char buf[4];

	(void)state;
	assert_int_equal(mr_stream_fill(s, buf, 4, &err), 2);
	assert_int_equal(mr_stream_read(s, buf, 4, &err), 0);
	assert_int_equal(mr_stream_read(s, buf, 4, &err), 0);
}

static void a_failure_is_repeated(void **state)
{
	MR_AUTO(mr_stream_closep)
	struct mr_stream *s = open_verified("abcdef", "ab", 2);
	struct mreg_error first = MREG_ERROR_INIT;
	struct mreg_error second = MREG_ERROR_INIT;
	char buf[4];

	(void)state;
	assert_code(MREG_EINTEGRITY, mr_stream_read(s, buf, 4, &first), first);
	assert_code(MREG_EINTEGRITY, mr_stream_read(s, buf, 4, &second),
		    second);
	assert_string_equal(first.msg, second.msg);
	assert_int_equal(mr_stream_read(s, buf, 4, NULL), MREG_EINTEGRITY);
}

static void proves_sha512_too(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc want = { .size = 3 };
	struct mr_stream *src = NULL;
	struct mr_stream *s = NULL;
	struct mr_hash *h = NULL;
	char buf[8];

	(void)state;
	assert_ok(mr_hash_new(MREG_SHA512, &h, &err), err);
	mr_hash_add(h, "abc", 3);
	mr_hash_end(h, &want.digest);
	mr_hash_free(h);
	assert_ok(mr_stream_memory("abd", 3, &src, &err), err);
	assert_ok(mr_stream_verify(src, &want, &s, &err), err);
	assert_code(MREG_EINTEGRITY, mr_stream_fill(s, buf, 8, &err), err);
	mr_stream_close(s);
}

static void nothing_is_proven_without_a_digest(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc want = { .size = 3 };
	struct mr_stream *src = NULL;
	struct mr_stream *s = NULL;

	(void)state;
	assert_ok(mr_stream_memory("abc", 3, &src, &err), err);
	assert_code(MREG_EINTERNAL, mr_stream_verify(src, &want, &s, &err),
		    err);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_what_was_promised),
		cmocka_unit_test(refuses_truncation),
		cmocka_unit_test(refuses_more_than_was_promised),
		cmocka_unit_test(refuses_other_bytes),
		cmocka_unit_test(the_end_can_be_read_again),
		cmocka_unit_test(a_failure_is_repeated),
		cmocka_unit_test(proves_sha512_too),
		cmocka_unit_test(nothing_is_proven_without_a_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

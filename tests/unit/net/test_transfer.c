/*
 * tests/unit/net/test_transfer.c - what we send: streams and memory, answered
 * early or late.
 */
#include "tests/support/body_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void sends_a_stream_with_its_exact_length(void **state)
{
	struct bx *f = *state;
	struct bx_source src;
	struct mr_request rq = bx_upload(f, &src, 8 * MIB + 1);
	char value[64];
	int status;

	assert_int_equal(6, bx_fetch(f, &rq, &status));
	assert_int_equal(201, status);
	assert_int_equal(8 * MIB + 1, httpd_seen(f->server, 0)->body_len);
	assert_string_equal("8388609", httpd_header(httpd_seen(f->server, 0),
						    "Content-Length", value,
						    sizeof(value)));
	assert_string_equal("", httpd_header(httpd_seen(f->server, 0),
					     "Transfer-Encoding", value,
					     sizeof(value)));
}

static const char *expect_of(struct bx *f, size_t index)
{
	static char value[64];

	return httpd_header(httpd_seen(f->server, index), "Expect", value,
			    sizeof(value));
}

static void expects_100_until_a_body_was_accepted(void **state)
{
	struct bx *f = *state;
	struct bx_source src;
	struct mr_request rq;
	int i;

	for (i = 0; i < 2; i++) {
		rq = bx_upload(f, &src, 1000);
		assert_int_equal(6, bx_fetch(f, &rq, NULL));
	}
	assert_string_equal("100-continue", expect_of(f, 0));
	assert_string_equal("", expect_of(f, 1));
}

static void goes_on_without_expect_after_417(void **state)
{
	struct bx *f = *state;
	struct bx_source src;
	struct mr_request rq = bx_upload(f, &src, 3 * MIB);
	int status;

	f->expects = 9;
	assert_int_equal(6, bx_fetch(f, &rq, &status));
	assert_int_equal(201, status);
	assert_int_equal(2, httpd_count(f->server));
	assert_string_equal("", expect_of(f, 1));
	assert_int_equal(3 * MIB, src.taken);
}

static void an_early_refusal_ends_an_upload(void **state)
{
	static const char *const headers[] = { "", "Connection: close\r\n" };
	struct bx *f = *state;
	struct bx_source src;
	struct mr_request rq;
	struct mr_response *r;
	size_t i;

	/* Expect would hide it: get that out of the way. */
	rq = bx_upload(f, &src, 10);
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	f->early = 413;
	f->hold = true;
	for (i = 0; i < MR_COUNT(headers); i++) {
		f->early_headers = headers[i];
		rq = bx_upload(f, &src, UINT64_C(1) << 40);
		assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
		assert_int_equal(413, r->status);
		assert_true(src.taken < 64 * MIB);
		src.left = 0;
		assert_int_equal(9, bx_read_all(f, r, 100));
		mr_response_free(r);
	}
}

static void a_body_in_memory_is_not_read_after_the_answer(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "PUT", "/up");
	const size_t size = 64 * MIB;
	char *body = malloc(size);
	struct mr_response *r;

	assert_non_null(body);
	memset(body, 'm', size);
	rq.body = body;
	rq.body_len = 100;
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	f->early = 413;
	f->hold = true;
	f->early_headers = "Connection: close\r\n";
	rq.body_len = size;
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	free(body); /* a sanitizer would tell */
	assert_int_equal(413, r->status);
	assert_int_equal(9, bx_read_all(f, r, 100));
	mr_response_free(r);
}

static void with_expect_a_refused_body_is_not_even_begun(void **state)
{
	struct bx *f = *state;
	struct bx_source src;
	struct mr_request rq = bx_upload(f, &src, 10 * MIB);
	int status;

	f->early = 403;
	assert_int_equal(9, bx_fetch(f, &rq, &status));
	assert_int_equal(403, status);
	assert_int_equal(0, src.taken);
}

static void the_sources_own_error_comes_through(void **state)
{
	struct bx *f = *state;
	struct bx_source src;
	struct mr_request rq = bx_upload(f, &src, 1000);

	src.left = 500;
	src.fails = MREG_EIO;
	assert_code(MREG_EIO, bx_fetch(f, &rq, NULL), f->err);
	assert_string_equal("source broke", f->err.msg);
	rq = bx_upload(f, &src, 1000);
	src.left = 400;
	assert_code(MREG_ECONFLICT, bx_fetch(f, &rq, NULL), f->err);
	assert_has(f->err.msg, "source ended 600 bytes early");
}

static void a_stream_is_not_sent_twice(void **state)
{
	struct bx *f = *state;
	struct bx_source src;
	struct mr_request rq = bx_upload(f, &src, 1000);

	f->dead = true;
	rq.once = false;
	assert_code(MREG_ENETWORK, bx_fetch(f, &rq, NULL), f->err);
	assert_int_equal(1, httpd_count(f->server));
}

static void an_empty_stream_is_a_body_too(void **state)
{
	struct bx *f = *state;
	struct bx_source src;
	struct mr_request rq = bx_upload(f, &src, 0);
	char value[64];

	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_string_equal("0", httpd_header(httpd_seen(f->server, 0),
					      "Content-Length", value,
					      sizeof(value)));
}

static void an_upload_may_wait_for_its_answer(void **state)
{
	struct bx *f = *state;
	struct bx_source src;
	struct mr_request rq = bx_upload(f, &src, 1000);

	f->slow = true;
	assert_int_equal(0, bx_fetch(f, &rq, NULL));
	/* The empty PUT that closes an upload as well. */
	rq = bx_request(f, "PUT", "/up?digest=x");
	assert_int_equal(0, bx_fetch(f, &rq, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BX(sends_a_stream_with_its_exact_length),
		BX(expects_100_until_a_body_was_accepted),
		BX(goes_on_without_expect_after_417),
		BX(an_early_refusal_ends_an_upload),
		BX(a_body_in_memory_is_not_read_after_the_answer),
		BX(with_expect_a_refused_body_is_not_even_begun),
		BX(the_sources_own_error_comes_through),
		BX(a_stream_is_not_sent_twice),
		BX(an_empty_stream_is_a_body_too),
		BX(an_upload_may_wait_for_its_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

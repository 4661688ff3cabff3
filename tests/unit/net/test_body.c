/*
 * tests/unit/net/test_body.c - what comes: large, slow, cut short, hostile.
 */
#include "tests/support/body_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"

/* Far below a body of 64 MiB; but sanitizers keep what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PEAK_MAX_KIB (1024 * 1024)
#else
#define PEAK_MAX_KIB (8 * 1024)
#endif

static int64_t fetch_raw(struct bx *f, const char *raw)
{
	struct mr_request rq = bx_request(f, "GET", "/");

	bx_answer(f, raw);
	return bx_fetch(f, &rq, NULL);
}

static long peak_kib(void)
{
	struct rusage u;

	assert_int_equal(0, getrusage(RUSAGE_SELF, &u));
	return u.ru_maxrss;
}

static void a_large_body_needs_little_memory(void **state)
{
	static const size_t pieces[] = { 100, 65536, 4 * MIB };
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/large");
	struct mr_response *r;
	struct timespec pause = { .tv_nsec = 200000000 };
	char first[3];
	long before;
	size_t i;

	for (i = 0; i < MR_COUNT(pieces); i++) {
		assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
		assert_int_equal(64 * MIB, r->length);
		/* The server runs ahead; only the socket may fill. */
		before = peak_kib();
		assert_int_equal(3, mr_stream_fill(r->body, first, 3, &f->err));
		nanosleep(&pause, NULL);
		assert_int_equal(64 * MIB - 3, bx_read_all(f, r, pieces[i]));
		assert_true(peak_kib() - before < PEAK_MAX_KIB);
		mr_response_free(r);
	}
	assert_int_equal(1, httpd_connections(f->server));
}

static void a_body_nobody_wants_is_cut_off(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/large");
	struct mr_response *r;
	char some[10];

	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_int_equal(10, mr_stream_fill(r->body, some, 10, &f->err));
	mr_response_free(r);
	rq = bx_request(f, "GET", "/");
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_int_equal(2, httpd_connections(f->server));
}

static void refuses_a_body_cut_short(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/");
	struct mr_response *r;
	char buf[100];

	f->raw = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123456789";
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_int_equal(9, mr_stream_read(r->body, buf, 100, &f->err));
	assert_code(MREG_ENETWORK, mr_stream_read(r->body, buf, 100, &f->err),
		    f->err);
	assert_has(f->err.msg, "in the middle of its answer");
	/* It stays an error. */
	assert_code(MREG_ENETWORK, mr_stream_read(r->body, buf, 100, &f->err),
		    f->err);
	mr_response_free(r);
	assert_code(MREG_ENETWORK,
		    fetch_raw(f, "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
				 "chunked\r\n\r\n5\r\nhello\r\n"),
		    f->err);
}

static void reads_chunked_and_unmeasured_bodies(void **state)
{
	struct bx *f = *state;

	assert_int_equal(5, fetch_raw(f, "HTTP/1.1 200 OK\r\nTransfer-Encoding:"
					 " chunked\r\n\r\n5\r\nhello\r\n"
					 "0\r\nX-Trailer: 1\r\n\r\n"));
	assert_int_equal(7, fetch_raw(f, "HTTP/1.0 200 OK\r\n\r\nuntil 0"));
}

static void passes_over_interim_answers(void **state)
{
	struct bx *f = *state;

	assert_int_equal(2, fetch_raw(f, "HTTP/1.1 103 Early Hints\r\n"
					 "Link: x\r\n\r\n"
					 "HTTP/1.1 200 OK\r\n"
					 "Content-Length: 2\r\n\r\nok"));
}

static void refuses_a_flood_of_headers(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/flood");

	assert_code(MREG_EREMOTE, bx_fetch(f, &rq, NULL), f->err);
	assert_has(f->err.msg, "more than 65536 bytes of headers");
}

static void refuses_a_coded_body(void **state)
{
	struct bx *f = *state;

	assert_code(MREG_EREMOTE,
		    fetch_raw(f, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
				 "Content-Encoding: gzip\r\n\r\nzz"),
		    f->err);
	assert_has(f->err.msg, "coded as 'gzip'");
	assert_int_equal(2, fetch_raw(f, "HTTP/1.1 200 OK\r\nContent-Length: "
					 "2\r\nContent-Encoding: identity\r\n"
					 "\r\nok"));
}

static void refuses_what_is_no_http(void **state)
{
	struct bx *f = *state;

	assert_code(MREG_EREMOTE, fetch_raw(f, "SSH-2.0-OpenSSH_9.2\r\n"),
		    f->err);
	assert_has(f->err.msg, "does not speak http");
	f->dead = true;
	assert_code(MREG_ENETWORK, fetch_raw(f, ""), f->err);
	assert_has(f->err.msg, "without an answer");
}

static void a_stalled_answer_is_given_up(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/");

	f->slow = true;
	assert_code(MREG_ENETWORK, bx_fetch(f, &rq, NULL), f->err);
	assert_has(f->err.msg, "stalled: '127.0.0.1:");
}

static void a_slow_reader_is_no_stall(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/large");
	struct mr_response *r;
	char some[10];

	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_int_equal(10, mr_stream_fill(r->body, some, 10, &f->err));
	pthread_mutex_lock(&f->t.lock);
	f->t.now_ms += 600000;
	pthread_mutex_unlock(&f->t.lock);
	assert_int_equal(64 * MIB - 10, bx_read_all(f, r, MIB));
	mr_response_free(r);
}

static void cancelling_is_noticed_soon(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/");
	struct timespec a;
	struct timespec b;

	f->stop = true;
	rq.once = false;
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_code(MREG_ECANCELED, bx_fetch(f, &rq, NULL), f->err);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true((b.tv_sec - a.tv_sec) * 1000 +
			    (b.tv_nsec - a.tv_nsec) / 1000000 <
		    1000);
	assert_int_equal(1, httpd_count(f->server));
}

static void a_registrys_warnings_are_told_once(void **state)
{
	struct bx *f = *state;
	static const char raw[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
		"Warning: 299 - \"you are \\\"old\\\"\x1b[31m\"\r\n"
		"Warning: 110 - \"stale\"\r\n"
		"Warning: 299 - \"and so are we\r\n"
		"Warning: 299 -\r\n\r\nok";
	char *first;

	f->t.env.level = MREG_LOG_WARN;
	assert_int_equal(2, fetch_raw(f, raw));
	assert_int_equal(2, fetch_raw(f, raw));
	first = strstr(f->t.log, "' says: you are \"old\"");
	assert_non_null(first);
	assert_null(strstr(first + 10, "you are"));
	assert_has(f->t.log, "and so are we");
	assert_has_not(f->t.log, "stale");
	assert_has_not(f->t.log, "\x1b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BX(a_large_body_needs_little_memory),
		BX(a_body_nobody_wants_is_cut_off),
		BX(refuses_a_body_cut_short),
		BX(reads_chunked_and_unmeasured_bodies),
		BX(passes_over_interim_answers),
		BX(refuses_a_flood_of_headers),
		BX(refuses_a_coded_body),
		BX(refuses_what_is_no_http),
		BX(a_stalled_answer_is_given_up),
		BX(a_slow_reader_is_no_stall),
		BX(cancelling_is_noticed_soon),
		BX(a_registrys_warnings_are_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

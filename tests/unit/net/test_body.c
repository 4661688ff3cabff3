/*
 * tests/unit/net/test_body.c - bodies both ways: large, slow, cut short,
 * hostile, answered early.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/net.h"
#include "tests/support/httpd.h"

#define MIB (1u << 20)
/* Far below a body of 64 MiB; but sanitizers keep what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PEAK_MAX_KIB (1024 * 1024)
#else
#define PEAK_MAX_KIB (8 * 1024)
#endif

struct fix {
	struct test_env t;
	struct mr_net *net;
	struct httpd *server;
	char origin[64];
	char url[256];
	struct mreg_error err;
	const char *raw; /* answered to everything, then closed */
	int early;       /* status answered before the body; 0: none */
	const char *early_headers;
	bool hold;            /* then stop reading */
	bool slow;            /* advance the clock before answering */
	bool dead;            /* close without an answer */
	bool stop;            /* cancel instead of answering */
	unsigned int expects; /* 417 to so many requests that expect 100 */
};

static void send_large(struct httpd_conn *c, unsigned int mib)
{
	char *chunk = malloc(MIB);
	unsigned int i;

	if (!chunk)
		return;
	memset(chunk, 'L', MIB);
	(void)snprintf(chunk, 100,
		       "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n",
		       mib * MIB);
	httpd_puts(c, chunk);
	memset(chunk, 'L', MIB);
	for (i = 0; i < mib; i++)
		if (!httpd_send(c, chunk, MIB))
			break;
	free(chunk);
}

static void send_flood(struct httpd_conn *c)
{
	int i;

	httpd_puts(c, "HTTP/1.1 200 OK\r\n");
	for (i = 0; i < 10000; i++)
		if (!httpd_puts(c, "X-Flood: 0123456789abcdef\r\n"))
			break;
	httpd_close(c);
}

static void serve(struct httpd_conn *c, const struct httpd_request *rq,
		  void *ctx)
{
	struct fix *f = ctx;

	if (f->dead) {
		httpd_close(c);
	} else if (f->stop) {
		atomic_store(&f->t.cancel, true);
		httpd_hold(c);
	} else if (f->slow) {
		pthread_mutex_lock(&f->t.lock);
		f->t.now_ms += 61000;
		pthread_mutex_unlock(&f->t.lock);
		if (!strcmp(rq->method, "GET"))
			httpd_hold(c);
		else
			httpd_answer(c, 201, "", "");
	} else if (f->raw) {
		httpd_puts(c, f->raw);
		httpd_close(c);
	} else if (!strcmp(rq->target, "/large")) {
		send_large(c, 64);
	} else if (!strcmp(rq->target, "/flood")) {
		send_flood(c);
	} else {
		httpd_answer(c, 201, "", "thanks");
	}
}

static void early(struct httpd_conn *c, const struct httpd_request *rq,
		  void *ctx)
{
	struct fix *f = ctx;
	char value[64];

	httpd_header(rq, "Expect", value, sizeof(value));
	if (f->expects && value[0]) {
		f->expects--;
		httpd_answer(c, 417, "", "");
		httpd_hold(c);
		return;
	}
	if (!f->early)
		return;
	httpd_answer(c, f->early, f->early_headers, "too early");
	if (f->hold)
		httpd_hold(c);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct mr_net_opts o = { .user_agent = "mreg/test",
				 .plain_http = true };

	assert_non_null(f);
	test_env_init(&f->t);
	o.env = &f->t.env;
	assert_ok(mr_net_open(&o, &f->net, &f->err), f->err);
	f->server = httpd_start(serve, f);
	httpd_early(f->server, early);
	httpd_url(f->server, "", f->origin, sizeof(f->origin));
	f->early_headers = "";
	setenv("DOCKER_CONFIG", "/nonexistent", 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	mr_net_close(f->net);
	httpd_stop(f->server);
	test_env_release(&f->t);
	free(f);
	return 0;
}

static struct mr_request request(struct fix *f, const char *method,
				 const char *path)
{
	struct mr_request rq = { .method = method,
				 .origin = f->origin,
				 .once = true };

	httpd_url(f->server, path, f->url, sizeof(f->url));
	rq.url = f->url;
	return rq;
}

/* Everything in pieces of `piece`; the bytes read, or the failure. */
static int64_t read_all(struct fix *f, struct mr_response *r, size_t piece)
{
	char *buf = malloc(piece);
	int64_t total = 0;
	ssize_t n;

	assert_non_null(buf);
	while ((n = mr_stream_read(r->body, buf, piece, &f->err)) > 0) {
		assert_true((size_t)n <= piece);
		total += n;
	}
	free(buf);
	return n < 0 ? n : total;
}

static int64_t fetch(struct fix *f, const struct mr_request *rq, int *status)
{
	struct mr_response *r;
	int64_t n;
	int rc = mr_net_send(f->net, rq, &r, &f->err);

	if (rc < 0)
		return rc;
	if (status)
		*status = r->status;
	n = read_all(f, r, 4096);
	mr_response_free(r);
	return n;
}

static int64_t fetch_raw(struct fix *f, const char *raw)
{
	struct mr_request rq = request(f, "GET", "/");

	f->raw = raw;
	return fetch(f, &rq, NULL);
}

/* -- their body
 * -------------------------------------------------------------------- */

static long peak_kib(void)
{
	struct rusage u;

	assert_int_equal(0, getrusage(RUSAGE_SELF, &u));
	return u.ru_maxrss;
}

static void a_large_body_needs_little_memory(void **state)
{
	static const size_t pieces[] = { 100, 65536, 4 * MIB };
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/large");
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
		assert_int_equal(64 * MIB - 3, read_all(f, r, pieces[i]));
		assert_true(peak_kib() - before < PEAK_MAX_KIB);
		mr_response_free(r);
	}
	assert_int_equal(1, httpd_connections(f->server));
}

static void a_body_nobody_wants_is_cut_off(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/large");
	struct mr_response *r;
	char some[10];

	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_int_equal(10, mr_stream_fill(r->body, some, 10, &f->err));
	mr_response_free(r);
	rq = request(f, "GET", "/");
	assert_int_equal(6, fetch(f, &rq, NULL));
	assert_int_equal(2, httpd_connections(f->server));
}

static void refuses_a_body_cut_short(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/");
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
	struct fix *f = *state;

	assert_int_equal(5, fetch_raw(f, "HTTP/1.1 200 OK\r\nTransfer-Encoding:"
					 " chunked\r\n\r\n5\r\nhello\r\n"
					 "0\r\nX-Trailer: 1\r\n\r\n"));
	assert_int_equal(7, fetch_raw(f, "HTTP/1.0 200 OK\r\n\r\nuntil 0"));
}

static void passes_over_interim_answers(void **state)
{
	struct fix *f = *state;

	assert_int_equal(2, fetch_raw(f, "HTTP/1.1 103 Early Hints\r\n"
					 "Link: x\r\n\r\n"
					 "HTTP/1.1 200 OK\r\n"
					 "Content-Length: 2\r\n\r\nok"));
}

static void refuses_a_flood_of_headers(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/flood");

	assert_code(MREG_EREMOTE, fetch(f, &rq, NULL), f->err);
	assert_has(f->err.msg, "more than 65536 bytes of headers");
}

static void refuses_a_coded_body(void **state)
{
	struct fix *f = *state;

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
	struct fix *f = *state;

	assert_code(MREG_EREMOTE, fetch_raw(f, "SSH-2.0-OpenSSH_9.2\r\n"),
		    f->err);
	assert_has(f->err.msg, "does not speak http");
	f->dead = true;
	assert_code(MREG_ENETWORK, fetch_raw(f, ""), f->err);
	assert_has(f->err.msg, "without an answer");
}

/* -- our body
 * ---------------------------------------------------------------------- */

/* Endless, of one letter; counts what was taken. */
struct source {
	struct mr_stream base;
	uint64_t left;
	uint64_t taken;
	int fails; /* code to fail with at the end; 0: just end */
};

static ssize_t source_read(struct mr_stream *s, void *buf, size_t n,
			   struct mreg_error *err)
{
	struct source *src = mr_container_of(s, struct source, base);

	if (n > src->left)
		n = (size_t)src->left;
	if (n == 0 && src->fails) {
		err->code = (enum mreg_code)src->fails;
		(void)snprintf(err->msg, sizeof(err->msg), "source broke");
		return src->fails;
	}
	memset(buf, 'S', n);
	src->left -= n;
	src->taken += n;
	return (ssize_t)n;
}

static const struct mr_stream_ops source_ops = { .read = source_read };

static struct mr_request upload(struct fix *f, struct source *src,
				uint64_t size)
{
	struct mr_request rq = request(f, "PUT", "/up");

	memset(src, 0, sizeof(*src));
	src->base.ops = &source_ops;
	src->left = size;
	rq.stream = &src->base;
	rq.stream_size = size;
	return rq;
}

static void sends_a_stream_with_its_exact_length(void **state)
{
	struct fix *f = *state;
	struct source src;
	struct mr_request rq = upload(f, &src, 8 * MIB + 1);
	char value[64];
	int status;

	assert_int_equal(6, fetch(f, &rq, &status));
	assert_int_equal(201, status);
	assert_int_equal(8 * MIB + 1, httpd_seen(f->server, 0)->body_len);
	assert_string_equal("8388609", httpd_header(httpd_seen(f->server, 0),
						    "Content-Length", value,
						    sizeof(value)));
	assert_string_equal("", httpd_header(httpd_seen(f->server, 0),
					     "Transfer-Encoding", value,
					     sizeof(value)));
}

static const char *expect_of(struct fix *f, size_t index)
{
	static char value[64];

	return httpd_header(httpd_seen(f->server, index), "Expect", value,
			    sizeof(value));
}

static void expects_100_until_a_body_was_accepted(void **state)
{
	struct fix *f = *state;
	struct source src;
	struct mr_request rq;
	int i;

	for (i = 0; i < 2; i++) {
		rq = upload(f, &src, 1000);
		assert_int_equal(6, fetch(f, &rq, NULL));
	}
	assert_string_equal("100-continue", expect_of(f, 0));
	assert_string_equal("", expect_of(f, 1));
}

static void goes_on_without_expect_after_417(void **state)
{
	struct fix *f = *state;
	struct source src;
	struct mr_request rq = upload(f, &src, 3 * MIB);
	int status;

	f->expects = 9;
	assert_int_equal(6, fetch(f, &rq, &status));
	assert_int_equal(201, status);
	assert_int_equal(2, httpd_count(f->server));
	assert_string_equal("", expect_of(f, 1));
	assert_int_equal(3 * MIB, src.taken);
}

static void an_early_refusal_ends_an_upload(void **state)
{
	static const char *const headers[] = { "", "Connection: close\r\n" };
	struct fix *f = *state;
	struct source src;
	struct mr_request rq;
	struct mr_response *r;
	size_t i;

	/* Expect would hide it: get that out of the way. */
	rq = upload(f, &src, 10);
	assert_int_equal(6, fetch(f, &rq, NULL));
	f->early = 413;
	f->hold = true;
	for (i = 0; i < MR_COUNT(headers); i++) {
		f->early_headers = headers[i];
		rq = upload(f, &src, UINT64_C(1) << 40);
		assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
		assert_int_equal(413, r->status);
		assert_true(src.taken < 64 * MIB);
		src.left = 0;
		assert_int_equal(9, read_all(f, r, 100));
		mr_response_free(r);
	}
}

static void a_body_in_memory_is_not_read_after_the_answer(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "PUT", "/up");
	const size_t size = 64 * MIB;
	char *body = malloc(size);
	struct mr_response *r;

	assert_non_null(body);
	memset(body, 'm', size);
	rq.body = body;
	rq.body_len = 100;
	assert_int_equal(6, fetch(f, &rq, NULL));
	f->early = 413;
	f->hold = true;
	f->early_headers = "Connection: close\r\n";
	rq.body_len = size;
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	free(body); /* a sanitizer would tell */
	assert_int_equal(413, r->status);
	assert_int_equal(9, read_all(f, r, 100));
	mr_response_free(r);
}

static void with_expect_a_refused_body_is_not_even_begun(void **state)
{
	struct fix *f = *state;
	struct source src;
	struct mr_request rq = upload(f, &src, 10 * MIB);
	int status;

	f->early = 403;
	assert_int_equal(9, fetch(f, &rq, &status));
	assert_int_equal(403, status);
	assert_int_equal(0, src.taken);
}

static void the_sources_own_error_comes_through(void **state)
{
	struct fix *f = *state;
	struct source src;
	struct mr_request rq = upload(f, &src, 1000);

	src.left = 500;
	src.fails = MREG_EIO;
	assert_code(MREG_EIO, fetch(f, &rq, NULL), f->err);
	assert_string_equal("source broke", f->err.msg);
	rq = upload(f, &src, 1000);
	src.left = 400;
	assert_code(MREG_ECONFLICT, fetch(f, &rq, NULL), f->err);
	assert_has(f->err.msg, "source ended 600 bytes early");
}

static void a_stream_is_not_sent_twice(void **state)
{
	struct fix *f = *state;
	struct source src;
	struct mr_request rq = upload(f, &src, 1000);

	f->dead = true;
	rq.once = false;
	assert_code(MREG_ENETWORK, fetch(f, &rq, NULL), f->err);
	assert_int_equal(1, httpd_count(f->server));
}

static void an_empty_stream_is_a_body_too(void **state)
{
	struct fix *f = *state;
	struct source src;
	struct mr_request rq = upload(f, &src, 0);
	char value[64];

	assert_int_equal(6, fetch(f, &rq, NULL));
	assert_string_equal("0", httpd_header(httpd_seen(f->server, 0),
					      "Content-Length", value,
					      sizeof(value)));
}

/* -- time
 * -------------------------------------------------------------------------- */

static void a_stalled_answer_is_given_up(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/");

	f->slow = true;
	assert_code(MREG_ENETWORK, fetch(f, &rq, NULL), f->err);
	assert_has(f->err.msg, "stalled: '127.0.0.1:");
}

static void an_upload_may_wait_for_its_answer(void **state)
{
	struct fix *f = *state;
	struct source src;
	struct mr_request rq = upload(f, &src, 1000);

	f->slow = true;
	assert_int_equal(0, fetch(f, &rq, NULL));
	/* The empty PUT that closes an upload as well. */
	rq = request(f, "PUT", "/up?digest=x");
	assert_int_equal(0, fetch(f, &rq, NULL));
}

static void a_slow_reader_is_no_stall(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/large");
	struct mr_response *r;
	char some[10];

	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_int_equal(10, mr_stream_fill(r->body, some, 10, &f->err));
	pthread_mutex_lock(&f->t.lock);
	f->t.now_ms += 600000;
	pthread_mutex_unlock(&f->t.lock);
	assert_int_equal(64 * MIB - 10, read_all(f, r, MIB));
	mr_response_free(r);
}

static void cancelling_is_noticed_soon(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/");
	struct timespec a;
	struct timespec b;

	f->stop = true;
	rq.once = false;
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_code(MREG_ECANCELED, fetch(f, &rq, NULL), f->err);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true((b.tv_sec - a.tv_sec) * 1000 +
			    (b.tv_nsec - a.tv_nsec) / 1000000 <
		    1000);
	assert_int_equal(1, httpd_count(f->server));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_large_body_needs_little_memory),
		CASE(a_body_nobody_wants_is_cut_off),
		CASE(refuses_a_body_cut_short),
		CASE(reads_chunked_and_unmeasured_bodies),
		CASE(passes_over_interim_answers),
		CASE(refuses_a_flood_of_headers),
		CASE(refuses_a_coded_body),
		CASE(refuses_what_is_no_http),
		CASE(sends_a_stream_with_its_exact_length),
		CASE(expects_100_until_a_body_was_accepted),
		CASE(goes_on_without_expect_after_417),
		CASE(an_early_refusal_ends_an_upload),
		CASE(a_body_in_memory_is_not_read_after_the_answer),
		CASE(with_expect_a_refused_body_is_not_even_begun),
		CASE(the_sources_own_error_comes_through),
		CASE(a_stream_is_not_sent_twice),
		CASE(an_empty_stream_is_a_body_too),
		CASE(a_stalled_answer_is_given_up),
		CASE(an_upload_may_wait_for_its_answer),
		CASE(a_slow_reader_is_no_stall),
		CASE(cancelling_is_noticed_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

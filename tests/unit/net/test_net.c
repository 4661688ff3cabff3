/*
 * tests/unit/net/test_net.c - requests over real sockets: answers, redirects,
 * trying again, and what goes wrong on the way.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/net.h"
#include "tests/support/httpd.h"

struct fix {
	struct test_env t;
	struct mr_net *net;
	struct httpd *one, *two; /* two origins: their ports differ */
	char origin[64];
	char url[2048];
	char body[4096]; /* of the last answer read */
	struct mreg_error err;
	/* what the servers do */
	int status; /* answered as often as `times` says, then 200 */
	int times;
	char headers[2048];
	char location[1024];
};

static void serve(struct httpd_conn *c, const struct httpd_request *rq,
		  void *ctx)
{
	struct fix *f = ctx;
	char headers[1200];

	if (!strcmp(rq->target, "/go")) {
		(void)snprintf(headers, sizeof(headers), "Location: %s\r\n",
			       f->location);
		httpd_answer(c, 307, headers, "elsewhere");
	} else if (!strcmp(rq->target, "/loop")) {
		httpd_answer(c, 302, "Location: /loop\r\n", "");
	} else if (!strcmp(rq->target, "/sick") && f->times-- > 0) {
		httpd_answer(c, f->status, f->headers, "sick");
	} else if (!strcmp(rq->target, "/dies") && f->times-- > 0) {
		httpd_reset(c);
	} else if (!strcmp(rq->target, "/404")) {
		httpd_answer(c, 404, "Content-Type: application/json\r\n",
			     "{\"errors\":[{\"code\":\"NAME_UNKNOWN\","
			     "\"message\":\"no such \\u001b[31m name\"}]}");
	} else if (!strcmp(rq->method, "HEAD")) {
		httpd_puts(c, "HTTP/1.1 200 OK\r\nContent-Length: 123\r\n"
			      "X-One: 1\r\nx-one: 2\r\n\r\n");
	} else {
		httpd_answer(c, 200, "X-One: 1\r\nx-one: 2\r\n", "hello");
	}
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
	f->one = httpd_start(serve, f);
	f->two = httpd_start(serve, f);
	httpd_url(f->one, "", f->origin, sizeof(f->origin));
	setenv("DOCKER_CONFIG", "/nonexistent", 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	mr_net_close(f->net);
	httpd_stop(f->one);
	httpd_stop(f->two);
	test_env_release(&f->t);
	free(f);
	return 0;
}

static struct mr_request request(struct fix *f, const char *method,
				 const char *path)
{
	struct mr_request rq = { .method = method, .origin = f->origin };

	httpd_url(f->one, path, f->url, sizeof(f->url));
	rq.url = f->url;
	return rq;
}

/* Send, read all of the body, free: the status, or the failure. */
static int fetch(struct fix *f, const struct mr_request *rq)
{
	struct mr_response *r;
	ssize_t n;
	int rc;

	f->body[0] = '\0';
	rc = mr_net_send(f->net, rq, &r, &f->err);
	if (rc < 0)
		return rc;
	rc = r->status;
	n = mr_stream_fill(r->body, f->body, sizeof(f->body) - 1, &f->err);
	if (n < 0)
		rc = (int)n;
	else
		f->body[n] = '\0';
	mr_response_free(r);
	return rc;
}

static int get(struct fix *f, const char *path)
{
	struct mr_request rq = request(f, "GET", path);

	return fetch(f, &rq);
}

static const char *header(struct httpd *h, size_t index, const char *name)
{
	static char value[1024];

	return httpd_header(httpd_seen(h, index), name, value, sizeof(value));
}

/* -- plain
 * ---------------------------------------------------------------------- */

static void sends_what_a_registry_expects(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/v2/?x=a%2Fb");

	rq.accept = "application/json";
	rq.ranged = true;
	rq.first = 5;
	rq.last = 9;
	assert_int_equal(200, fetch(f, &rq));
	assert_string_equal("hello", f->body);
	assert_string_equal("/v2/?x=a%2Fb", httpd_seen(f->one, 0)->target);
	assert_string_equal("mreg/test", header(f->one, 0, "User-Agent"));
	assert_string_equal("application/json", header(f->one, 0, "Accept"));
	assert_string_equal("identity", header(f->one, 0, "Accept-Encoding"));
	assert_string_equal("bytes=5-9", header(f->one, 0, "Range"));
	assert_string_equal("", header(f->one, 0, "Authorization"));
	assert_string_equal("", header(f->one, 0, "Content-Type"));
}

static void headers_are_there_before_the_body(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "HEAD", "/");
	struct mr_response *r;

	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_int_equal(200, r->status);
	assert_true(r->has_length);
	assert_int_equal(123, r->length);
	assert_string_equal("1", mr_response_header(r, "X-ONE"));
	assert_null(mr_response_header(r, "X-Two"));
	assert_null(mr_response_header(r, "X-On"));
	mr_response_free(r);
	mr_response_free(NULL);
}

static void keeps_a_connection_for_the_next_request(void **state)
{
	struct fix *f = *state;
	struct mr_request rq;
	struct mr_response *r;
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(200, get(f, "/"));
	/* A short body nobody read does not cost the connection either. */
	rq = request(f, "GET", "/404");
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	mr_response_free(r);
	rq = request(f, "HEAD", "/");
	assert_int_equal(200, fetch(f, &rq));
	assert_int_equal(7, httpd_count(f->one));
	assert_int_equal(1, httpd_connections(f->one));
}

static void says_content_length_also_for_nothing(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "POST", "/");

	assert_int_equal(200, fetch(f, &rq));
	assert_string_equal("0", header(f->one, 0, "Content-Length"));
	assert_string_equal("", header(f->one, 0, "Content-Type"));
	rq = request(f, "DELETE", "/");
	assert_int_equal(200, fetch(f, &rq));
	assert_string_equal("DELETE", httpd_seen(f->one, 1)->method);
}

static void refuses_control_bytes_in_headers(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "PUT", "/");

	rq.content_type = "text/x\r\nAuthorization: Basic eA==";
	assert_code(MREG_EUSAGE, fetch(f, &rq), f->err);
	assert_has(f->err.msg, "Content-Type");
	assert_int_equal(0, httpd_count(f->one));
}

static void logs_requests_without_secrets(void **state)
{
	struct fix *f = *state;

	assert_int_equal(200, get(f, "/x?X-Amz-Signature=s3cret&n=5"));
	assert_has(f->t.log, "debug GET http://127.0.0.1:");
	assert_has(f->t.log, "/x?X-Amz-Signature=***&n=5: 200, ");
	assert_has_not(f->t.log, "s3cret");
}

/* -- redirects
 * ------------------------------------------------------------------- */

static void follows_a_redirect_to_another_origin(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/go");
	struct mr_response *r;

	httpd_url(f->two, "/blob?sig=a%2Bb", f->location, sizeof(f->location));
	rq.ranged = true;
	rq.last = 9;
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_int_equal(200, r->status);
	assert_string_equal(f->location, r->url);
	mr_response_free(r);
	assert_string_equal("/blob?sig=a%2Bb", httpd_seen(f->two, 0)->target);
	assert_string_equal("bytes=0-9", header(f->two, 0, "Range"));
}

static void gives_up_in_a_redirect_loop(void **state)
{
	struct fix *f = *state;

	assert_code(MREG_EREMOTE, get(f, "/loop"), f->err);
	assert_has(f->err.msg, "redirects more than 5 times");
	assert_int_equal(6, httpd_count(f->one));
}

static void hands_out_a_redirect_of_a_body(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "PUT", "/go");

	httpd_url(f->two, "/", f->location, sizeof(f->location));
	rq.body = "x";
	rq.body_len = 1;
	assert_int_equal(307, fetch(f, &rq));
	assert_int_equal(0, httpd_count(f->two));
}

static void refuses_redirects_to_nowhere(void **state)
{
	static const char *const bad[] = { "file:///etc/passwd",
					   "https://u:p@a.example/",
					   "gopher://a.example/", "" };
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < 3; i++) {
		(void)snprintf(f->location, sizeof(f->location), "%s", bad[i]);
		assert_code(MREG_EREMOTE, get(f, "/go"), f->err);
		assert_has(f->err.msg, "redirects to what is no URL");
	}
}

static void an_upload_location_is_judged_too(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/a/b?c");
	struct mr_response *r;
	char *out = NULL;

	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_ok(mr_response_resolve(r, "?_state=x%3D", &out, &f->err),
		  f->err);
	assert_has(out, "/a/b?_state=x%3D");
	mr_release(out);
	assert_code(MREG_EREMOTE,
		    mr_response_resolve(r, "https://u@h/", &out, &f->err),
		    f->err);
	assert_has(f->err.msg, "no URL");
	mr_response_free(r);
}

/* -- again
 * ----------------------------------------------------------------------- */

static void waits_as_long_as_the_registry_says(void **state)
{
	struct fix *f = *state;

	f->status = 429;
	f->times = 1;
	strcpy(f->headers, "Retry-After: 7\r\n");
	assert_int_equal(200, get(f, "/sick"));
	assert_true(f->t.slept_ms >= 7000 && f->t.slept_ms < 8000);
	assert_has(f->t.log, "warn '127.0.0.1:");
	assert_has(f->t.log, "answered 429; waiting 7000 ms");
	assert_int_equal(2, httpd_count(f->one));
}

static void returns_the_answer_when_waiting_is_too_long(void **state)
{
	struct fix *f = *state;

	f->status = 429;
	f->times = 1;
	strcpy(f->headers, "Retry-After: 3600\r\n");
	assert_int_equal(429, get(f, "/sick"));
	assert_int_equal(0, f->t.slept_ms);
}

static void gives_up_after_six_more_tries(void **state)
{
	struct fix *f = *state;

	f->status = 503;
	f->times = 100;
	assert_int_equal(503, get(f, "/sick"));
	assert_int_equal(7, httpd_count(f->one));
	assert_int_equal(6, f->t.sleeps);
}

static void tries_once_what_must_not_be_repeated(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "PATCH", "/sick");

	f->status = 503;
	f->times = 100;
	rq.once = true;
	assert_int_equal(503, fetch(f, &rq));
	assert_int_equal(1, httpd_count(f->one));
}

static void tries_again_after_a_reset(void **state)
{
	struct fix *f = *state;

	assert_int_equal(200, get(f, "/"));
	f->times = 3;
	assert_int_equal(200, get(f, "/dies"));
	assert_string_equal("hello", f->body);
	assert_has(f->t.log, "the connection to '127.0.0.1:");
}

static void sends_a_body_in_memory_again(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "PUT", "/sick");
	char *body = malloc(300000);

	assert_non_null(body);
	memset(body, 'b', 300000);
	f->status = 502;
	f->times = 2;
	rq.body = body;
	rq.body_len = 300000;
	assert_int_equal(200, fetch(f, &rq));
	assert_int_equal(3, httpd_count(f->one));
	assert_int_equal(300000, httpd_seen(f->one, 2)->body_len);
	free(body);
}

/* -- trouble
 * --------------------------------------------------------------------- */

static unsigned int closed_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&at, sizeof(at)));
	assert_int_equal(0, getsockname(fd, (struct sockaddr *)&at, &len));
	close(fd);
	return ntohs(at.sin_port);
}

static void a_refused_connection_is_told_at_once(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = { .method = "GET" };
	char want[100];
	unsigned int port = closed_port();

	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/v2/", port);
	(void)snprintf(want, sizeof(want),
		       "cannot reach '127.0.0.1:%u': connection refused", port);
	rq.origin = rq.url = f->url;
	assert_code(MREG_ENETWORK, fetch(f, &rq), f->err);
	assert_string_equal(want, f->err.msg);
	assert_string_equal("check the host and port; is the registry running?",
			    f->err.hint);
	assert_int_equal(0, f->t.slept_ms);
}

static void an_unknown_host_is_told_at_once(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = { .method = "GET",
				 .origin = "http://nosuch.invalid",
				 .url = "http://nosuch.invalid/v2/" };

	assert_code(MREG_ENETWORK, fetch(f, &rq), f->err);
	assert_string_equal("cannot reach 'nosuch.invalid': unknown host",
			    f->err.msg);
}

static void this_machine_is_not_behind_a_proxy(void **state)
{
	struct fix *f = *state;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	assert_int_equal(200, get(f, "/"));
	unsetenv("http_proxy");
}

static void an_error_body_goes_into_the_cause(void **state)
{
	struct fix *f = *state;
	struct mr_request rq = request(f, "GET", "/404");
	struct mr_response *r;
	char code[64];

	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_code(
		MREG_ENOTFOUND,
		mr_response_fail(r, "cannot read manifest 'v3'", code, &f->err),
		f->err);
	assert_string_equal("NAME_UNKNOWN", code);
	assert_has(f->err.msg, "cannot read manifest 'v3': not found on '127.");
	assert_has(f->err.cause, "NAME_UNKNOWN: no such \\x1b[31m name");
	assert_int_equal(404, f->err.sys);
	mr_response_free(r);
}

static int fail_with(struct fix *f, int status, const char *headers)
{
	struct mr_request rq = request(f, "GET", "/sick");
	struct mr_response *r;
	int rc;

	f->status = status;
	f->times = 1;
	rq.once = true;
	(void)snprintf(f->headers, sizeof(f->headers), "%s", headers);
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	rc = mr_response_fail(r, "cannot x", NULL, &f->err);
	mr_response_free(r);
	return rc;
}

static void statuses_become_codes(void **state)
{
	static const int codes[][2] = {
		{ 400, MREG_EREMOTE },      { 401, MREG_EAUTH },
		{ 403, MREG_EDENIED },      { 404, MREG_ENOTFOUND },
		{ 405, MREG_EUNSUPPORTED }, { 409, MREG_ECONFLICT },
		{ 412, MREG_ECONFLICT },    { 413, MREG_ELIMIT },
		{ 415, MREG_EUNSUPPORTED }, { 429, MREG_EREMOTE },
		{ 500, MREG_EREMOTE },      { 501, MREG_EUNSUPPORTED },
		{ 503, MREG_EREMOTE },      { 302, MREG_EREMOTE },
	};
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(codes); i++) {
		assert_code(codes[i][1], fail_with(f, codes[i][0], ""), f->err);
		assert_int_equal(codes[i][0], f->err.sys);
		assert_has(f->err.cause, "the answer was: sick");
	}
	assert_code(MREG_EREMOTE,
		    fail_with(f, 502, "Content-Type: text/html\r\n"), f->err);
	assert_has(f->err.cause, "HTML page");
	assert_has_not(f->err.cause, "sick");
	(void)fail_with(f, 502, "Content-Encoding: br\r\n");
	assert_has_not(f->err.cause, "sick");
}

static void finds_http_on_a_loopback_port(void **state)
{
	struct fix *f = *state;
	struct mr_net_opts o = { .env = &f->t.env, .user_agent = "mreg/test" };
	struct mr_net *n;
	char host[64];
	char out[300];

	assert_ok(mr_net_open(&o, &n, &f->err), f->err);
	(void)snprintf(host, sizeof(host), "127.0.0.1:%u", closed_port());
	assert_code(MREG_ENETWORK,
		    mr_net_origin(n, host, out, sizeof(out), &f->err), f->err);
	assert_has(f->err.msg, host);
	assert_ok(mr_net_origin(n, "ghcr.io", out, sizeof(out), &f->err),
		  f->err);
	assert_string_equal("https://ghcr.io", out);
	assert_ok(mr_net_origin(n, "docker.io", out, sizeof(out), &f->err),
		  f->err);
	assert_string_equal("https://registry-1.docker.io", out);
	assert_ok(mr_net_origin(f->net, "ghcr.io", out, sizeof(out), &f->err),
		  f->err);
	assert_string_equal("http://ghcr.io", out);
	mr_net_close(n);
}

static void refuses_hosts_that_are_none(void **state)
{
	static const char *const bad[] = { "",     "-x",   "a b",    "a\nb",
					   "a/b",  "u@h",  "a;b",    "$(x)",
					   "a%2f", "a\rb", "h:99999" };
	struct fix *f = *state;
	char out[300];
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++)
		assert_code(MREG_EUSAGE,
			    mr_net_origin(f->net, bad[i], out, sizeof(out),
					  &f->err),
			    f->err);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(sends_what_a_registry_expects),
		CASE(headers_are_there_before_the_body),
		CASE(keeps_a_connection_for_the_next_request),
		CASE(says_content_length_also_for_nothing),
		CASE(refuses_control_bytes_in_headers),
		CASE(logs_requests_without_secrets),
		CASE(follows_a_redirect_to_another_origin),
		CASE(gives_up_in_a_redirect_loop),
		CASE(hands_out_a_redirect_of_a_body),
		CASE(refuses_redirects_to_nowhere),
		CASE(an_upload_location_is_judged_too),
		CASE(waits_as_long_as_the_registry_says),
		CASE(returns_the_answer_when_waiting_is_too_long),
		CASE(gives_up_after_six_more_tries),
		CASE(tries_once_what_must_not_be_repeated),
		CASE(tries_again_after_a_reset),
		CASE(sends_a_body_in_memory_again),
		CASE(a_refused_connection_is_told_at_once),
		CASE(an_unknown_host_is_told_at_once),
		CASE(this_machine_is_not_behind_a_proxy),
		CASE(an_error_body_goes_into_the_cause),
		CASE(statuses_become_codes),
		CASE(finds_http_on_a_loopback_port),
		CASE(refuses_hosts_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

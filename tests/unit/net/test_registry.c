/*
 * tests/unit/net/test_registry.c - what answers to /v2/ is a registry, or is
 * told from one; and a host that says nothing.
 */
#include "tests/support/body_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static const char page[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
			   "\n <!DOCTYPE html><p>welcome";
static const char lost[] = "HTTP/1.1 404 Not Found\r\n"
			   "Content-Type: text/html; charset=utf-8\r\n\r\n"
			   "<html>";

/* The judgement about one answer to GET /v2/. */
static int check(struct bx *f, const char *raw)
{
	struct mr_request rq = bx_request(f, "GET", "/v2/");
	struct mr_response *r;
	int rc;

	bx_answer(f, raw);
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	rc = mr_response_check_registry(r, "cannot ask", &f->err);
	mr_response_free(r);
	return rc;
}

static int ask(struct bx *f, const char *raw)
{
	char host[64];

	bx_answer(f, raw);
	return mr_net_check_registry(
		f->net, httpd_host(f->server, host, sizeof(host)), &f->err);
}

static void what_registries_answer_is_taken(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n {}\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		/* Quay */
		"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\ntrue",
		"HTTP/1.1 200 OK\r\n"
		"Docker-Distribution-API-Version: registry/2.0\r\n\r\nhello",
		/* nginx asks for a password in front of one. */
		"HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\n\r\n"
		"<html>",
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
	};
	size_t i;

	for (i = 0; i < MR_COUNT(answers); i++)
		assert_ok(check(*state, answers[i]),
			  ((struct bx *)*state)->err);
}

static void web_pages_are_no_registry(void **state)
{
	struct bx *f = *state;

	assert_code(MREG_EREMOTE, check(f, page), f->err);
	assert_has(f->err.msg, "answers with a web page to /v2/: it is no "
			       "registry");
	assert_has(f->err.hint, "login page");
	/* Whatever else it says. */
	assert_code(MREG_EREMOTE,
		    check(f, "HTTP/1.1 200 OK\r\n"
			     "Docker-Distribution-API-Version: registry/2.0\r\n"
			     "\r\n<html>"),
		    f->err);
	assert_code(MREG_EREMOTE,
		    check(f, "HTTP/1.1 200 OK\r\n"
			     "Content-Type: text/plain\r\n\r\nwelcome"),
		    f->err);
	assert_has(f->err.msg, "with something else");
	assert_code(MREG_EREMOTE, check(f, lost), f->err);
	assert_has(f->err.msg, "answers 404 with a web page to /v2/");
}

static void a_registry_that_fails_is_one(void **state)
{
	struct bx *f = *state;

	assert_code(MREG_EREMOTE,
		    check(f, "HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\n\r\n"),
		    f->err);
	assert_has(f->err.msg, "cannot ask: '127.0.0.1:");
	assert_has_not(f->err.msg, "no registry");
}

static void only_an_answer_is_proof(void **state)
{
	struct bx *f = *state;

	assert_code(MREG_EREMOTE, ask(f, page), f->err);
	assert_code(MREG_EREMOTE, ask(f, lost), f->err);
	assert_ok(ask(f, "HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\n\r\n"),
		  f->err);
	assert_ok(ask(f, ""), f->err);
	atomic_store(&f->t.cancel, true);
	assert_code(MREG_ECANCELED, ask(f, page), f->err);
}

static void pages_are_known_by_their_type(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "HEAD", "/v2/a/tags/list");
	struct mr_response *r;

	bx_answer(f, lost);
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_true(mr_response_is_page(r));
	mr_response_free(r);
	bx_answer(f, "HTTP/1.1 404 No\r\nContent-Type: application/json\r\n"
		     "\r\n{}");
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_false(mr_response_is_page(r));
	mr_response_free(r);
}

/* D-03, P-94: a minute each time, which nobody waits seven times for. */
static void silence_is_told_and_not_tried_for_long(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/");

	f->slow = true;
	rq.once = false;
	assert_code(MREG_ENETWORK, bx_fetch(f, &rq, NULL), f->err);
	assert_int_equal(3, httpd_count(f->server));
	assert_has(f->err.msg, "stalled: ");
	assert_has(f->t.log, "warn stalled: '127.0.0.1:");
	assert_has(f->t.log, "then try 2 of 3\n");
	assert_has(f->t.log, "then try 3 of 3\n");
}

static void a_lost_moment_is_not_told_to_everybody(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/");

	rq.once = false;
	bx_answer(f, "HTTP/1.1 500 Sorry\r\nContent-Length: 0\r\n\r\n");
	(void)bx_fetch(f, &rq, NULL);
	assert_int_equal(7, httpd_count(f->server));
	assert_has(f->t.log, "info '127.0.0.1:");
	assert_has(f->t.log, "then try 2 of 7\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BX(what_registries_answer_is_taken),
		BX(web_pages_are_no_registry),
		BX(a_registry_that_fails_is_one),
		BX(only_an_answer_is_proof),
		BX(pages_are_known_by_their_type),
		BX(silence_is_told_and_not_tried_for_long),
		BX(a_lost_moment_is_not_told_to_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

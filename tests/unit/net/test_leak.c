/*
 * tests/unit/net/test_leak.c - credentials stay at the origin they are for.
 */
#include "tests/support/auth_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static void a_redirect_takes_no_credentials_along(void **state)
{
	struct ax *f = *state;
	char at[64];

	ax_log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	assert_int_equal(200, ax_get(f, "/", "s"));
	httpd_url(f->other, "/blob", f->location, sizeof(f->location));
	assert_int_equal(200, ax_get(f, "/go", "s"));
	assert_string_equal("Bearer t1", ax_sent(f->registry, 2));
	assert_string_equal("", ax_sent(f->other, 0));
	/* Nor does its 401 make us send any. */
	httpd_url(f->other, "/401", f->location, sizeof(f->location));
	assert_int_equal(401, ax_get(f, "/go", "s"));
	assert_string_equal("", ax_sent(f->other, 1));
	assert_int_equal(2, httpd_count(f->other));
	assert_has(f->err.msg, httpd_host(f->other, at, sizeof(at)));
}

static void an_upload_elsewhere_takes_no_credentials_along(void **state)
{
	struct ax *f = *state;
	struct mr_request rq = { .method = "PUT",
				 .origin = f->origin,
				 .scope = "s",
				 .body = "x",
				 .body_len = 1 };
	struct mr_response *r;

	assert_int_equal(200, ax_get(f, "/", "s"));
	httpd_url(f->other, "/up", f->url, sizeof(f->url));
	rq.url = f->url;
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	mr_response_free(r);
	assert_string_equal("", ax_sent(f->other, 0));
}

static void the_realm_is_remembered(void **state)
{
	struct ax *f = *state;
	struct mr_credentials c = { .username = NULL };
	char realm[64];
	char host[64];

	assert_int_equal(200, ax_get(f, "/", "s"));
	httpd_url(f->other, "/token", realm, sizeof(realm));
	(void)snprintf(f->challenge, sizeof(f->challenge),
		       "WWW-Authenticate: Bearer realm=\"%s\"\r\n", realm);
	ax_log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	ax_open_net(f);
	assert_code(MREG_EAUTH, ax_get(f, "/", "s"), f->err);
	assert_has(f->err.msg, "now wants credentials sent to '127.0.0.1:");
	assert_has(f->err.hint, "mreg login 127.0.0.1:");
	assert_int_equal(0, httpd_count(f->other));
	/* Logging in is how one agrees. */
	ax_bearer(f, "");
	assert_ok(mr_net_login(f->net,
			       httpd_host(f->registry, host, sizeof(host)), &c,
			       &f->err),
		  f->err);
	assert_int_equal(200, ax_get(f, "/", "s"));
}

static int send_to(struct ax *f, const char *method, const char *url,
		   const char *scope)
{
	struct mr_request rq = { .method = method,
				 .origin = f->origin,
				 .url = url,
				 .scope = scope };
	struct mr_response *r;
	int rc = mr_net_send(f->net, &rq, &r, &f->err);

	if (rc < 0)
		return rc;
	rc = r->status;
	mr_response_free(r);
	return rc;
}

/* What an object store answered to a redirect is asked again directly. */
static void a_direct_url_gets_no_credentials(void **state)
{
	static const int statuses[] = { 400, 401, 403 };
	struct ax *f = *state;
	size_t i;

	assert_int_equal(200, ax_get(f, "/", "s"));
	httpd_url(f->other, "/blob?sig=x", f->location, sizeof(f->location));
	assert_int_equal(200, send_to(f, "GET", f->location, "s"));
	assert_string_equal("", ax_sent(f->other, 0));
	assert_int_equal(2, httpd_count(f->registry));
	/* One that has ended is told at once. */
	for (i = 0; i < MR_COUNT(statuses); i++) {
		char path[16];

		(void)snprintf(path, sizeof(path), "/%d", statuses[i]);
		httpd_url(f->other, path, f->location, sizeof(f->location));
		assert_int_equal(statuses[i],
				 send_to(f, "GET", f->location, "s"));
		assert_string_equal("", ax_sent(f->other, i + 1));
	}
	assert_int_equal(4, httpd_count(f->other));
	assert_int_equal(0, f->t.sleeps);
	assert_int_equal(2, httpd_count(f->registry));
}

/* http beside http only where nobody is between (product.md 5.8 allows
 * uploads elsewhere for https only). */
static void an_upload_goes_nowhere_without_tls(void **state)
{
	static const struct {
		const char *origin, *url;
	} bad[] = {
		{ "http://registry.example", "http://storage.example/up" },
		{ "http://registry.example", "http://registry.example:81/up" },
		{ "http://127.0.0.1:1", "http://storage.example/up" },
		{ "https://registry.example", "http://storage.example/up" },
		{ "http://registry.example", "http://127.0.0.1:1/up" },
	};
	struct ax *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		(void)snprintf(f->origin, sizeof(f->origin), "%s",
			       bad[i].origin);
		assert_code(MREG_EREMOTE, send_to(f, "PATCH", bad[i].url, NULL),
			    f->err);
		assert_has(f->err.msg, "refused");
	}
}

/* A cause of one request is not taken to the next: the token of a registry
 * stays its own even when another asks for the same scope. */
static void another_registry_gets_no_token_of_this_one(void **state)
{
	struct ax *f = *state;

	ax_log_in(f, LOGIN_MIA);
	assert_int_equal(200, ax_get(f, "/", "s"));
	httpd_url(f->other, "", f->origin, sizeof(f->origin));
	httpd_url(f->other, "/401", f->location, sizeof(f->location));
	assert_int_equal(401, send_to(f, "GET", f->location, "s"));
	assert_int_equal(1, httpd_count(f->other));
	assert_string_equal("", ax_sent(f->other, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AX(a_redirect_takes_no_credentials_along),
		AX(an_upload_elsewhere_takes_no_credentials_along),
		AX(the_realm_is_remembered),
		AX(a_direct_url_gets_no_credentials),
		AX(an_upload_goes_nowhere_without_tls),
		AX(another_registry_gets_no_token_of_this_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

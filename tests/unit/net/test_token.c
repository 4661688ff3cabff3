/*
 * tests/unit/net/test_token.c - the two ways to ask for a token, and what comes
 * back.
 */
#include "tests/support/auth_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static void the_password_goes_to_the_token_server(void **state)
{
	struct ax *f = *state;

	ax_log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	f->need = BASIC_MIA;
	assert_int_equal(200, ax_get(f, "/", "s"));
	assert_string_equal(BASIC_MIA, ax_sent(f->tokens, 0));
	assert_string_equal("Bearer t1", ax_sent(f->registry, 1));
	assert_has_not(f->t.log, "s3cret");
	assert_has_not(f->t.log, "bWlh");
}

static void believes_no_odd_lifetimes(void **state)
{
	static const char *const odd[] = {
		"{\"access_token\":\"t1\"}",
		"{\"token\":\"t1\",\"expires_in\":-5}",
		"{\"token\":\"t1\",\"expires_in\":\"1e9\"}",
		"{\"token\":\"t1\",\"expires_in\":1}",
		"{\"token\":\"\",\"access_token\":\"t1\",\"expires_in\":0.5}",
	};
	struct ax *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(odd); i++) {
		strcpy(f->answer, odd[i]);
		ax_open_net(f);
		assert_int_equal(200, ax_get(f, "/", "s"));
		f->t.now_ms += 29000;
		assert_int_equal(200, ax_get(f, "/", "s"));
		assert_int_equal(2 * i + 1, httpd_count(f->tokens));
		f->t.now_ms += 2000;
		assert_int_equal(200, ax_get(f, "/", "s"));
		assert_int_equal(2 * i + 2, httpd_count(f->tokens));
	}
	strcpy(f->answer, "{\"token\":\"t1\",\"expires_in\":1e300}");
	ax_open_net(f);
	assert_int_equal(200, ax_get(f, "/", "s"));
	f->t.now_ms += 60000000;
	assert_int_equal(200, ax_get(f, "/", "s"));
	assert_int_equal(2 * i + 1, httpd_count(f->tokens));
}

static void refuses_tokens_that_are_none(void **state)
{
	static const char *const bad[] = {
		"{\"token\":\"a\\r\\nX-Evil: 1\"}",
		"{\"token\":\"a b\"}",
		"{\"token\":\"\"}",
		"{\"token\":7}",
		"{}",
		"[]",
		"<html>",
		"",
		"{\"token\":\"a\",\"token\":\"b\"}",
	};
	struct ax *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		strcpy(f->answer, bad[i]);
		assert_code(MREG_EREMOTE, ax_get(f, "/", "s"), f->err);
		assert_has(f->err.msg, "token server '127.0.0.1:");
		assert_has_not(f->err.cause, "Evil");
	}
}

static void an_identity_token_goes_into_the_form(void **state)
{
	struct ax *f = *state;

	ax_log_in(f, "{\"auth\":\"\",\"identitytoken\":\"r+1\"}");
	assert_int_equal(200, ax_get(f, "/", "repository:a:pull"));
	assert_string_equal("POST", httpd_seen(f->tokens, 0)->method);
	assert_string_equal("grant_type=refresh_token&refresh_token=r%2B1&"
			    "scope=repository%3Aa%3Apull&service=a%20b&"
			    "client_id=mreg",
			    httpd_seen(f->tokens, 0)->body);
	/* Nobody there who takes the form: without a name there is no other
	 * way, and never anonymous. */
	f->post_status = 404;
	ax_open_net(f);
	assert_code(MREG_ENOTFOUND, ax_get(f, "/", "s"), f->err);
	assert_int_equal(2, httpd_count(f->tokens));
}

static void a_named_identity_token_falls_back_to_get(void **state)
{
	static const int no_form[] = { 400, 401, 404, 405 };
	struct ax *f = *state;
	size_t i;

	ax_log_in(f, "{\"auth\":\"bWlhOg==\",\"identitytoken\":\"s3cret\"}");
	f->need = BASIC_MIA;
	for (i = 0; i < MR_COUNT(no_form); i++) {
		f->post_status = no_form[i];
		ax_open_net(f);
		assert_int_equal(200, ax_get(f, "/", "s"));
		assert_string_equal("GET",
				    httpd_seen(f->tokens, 2 * i + 1)->method);
	}
}

static void a_server_without_get_gets_the_form(void **state)
{
	struct ax *f = *state;

	ax_log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	f->get_status = 405;
	assert_int_equal(200, ax_get(f, "/", "s"));
	assert_has(httpd_seen(f->tokens, 1)->body,
		   "grant_type=password&username=mia&password=s3cret&");
}

static void a_wrong_password_is_told(void **state)
{
	struct ax *f = *state;
	char host[64];

	ax_log_in(f, "{\"auth\":\"bWlhOnMzY3JldA==\"}");
	f->need = "Basic other";
	assert_code(MREG_EAUTH, ax_get(f, "/", "s"), f->err);
	assert_has(f->err.msg, "refused the credentials of 'mia'");
	assert_has(f->err.msg, httpd_host(f->registry, host, sizeof(host)));
	assert_has(f->err.hint, "mreg login 127.0.0.1:");
	assert_has_not(f->err.msg, "s3cret");
	f->token_status = f->get_status = 403;
	assert_code(MREG_EAUTH, ax_get(f, "/", "s"), f->err);
}

static void a_sick_token_server_is_asked_again(void **state)
{
	struct ax *f = *state;

	f->token_status = 503;
	assert_code(MREG_EREMOTE, ax_get(f, "/", "s"), f->err);
	assert_int_equal(7, httpd_count(f->tokens));
	assert_true(f->t.slept_ms > 0);
}

static void refuses_realms_that_are_no_web_address(void **state)
{
	static const char *const bad[] = { "file:///etc/passwd", "gopher://x/",
					   "https://u:p@h/", "https://h h/" };
	struct ax *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		(void)snprintf(f->challenge, sizeof(f->challenge),
			       "WWW-Authenticate: Bearer realm=\"%s\"\r\n",
			       bad[i]);
		assert_code(MREG_EREMOTE, ax_get(f, "/", "s"), f->err);
		assert_has(f->err.msg, "token server that is no URL");
	}
}

static void a_relative_realm_is_the_registrys_own(void **state)
{
	struct ax *f = *state;

	strcpy(f->challenge, "WWW-Authenticate: Bearer realm=\"/token\"\r\n");
	strcpy(f->good, "");
	assert_int_equal(200, ax_get(f, "/", "s"));
	strcpy(f->good, "Bearer none");
	/* It answers 401 for its token, too. */
	assert_code(MREG_EAUTH, ax_get(f, "/", "s"), f->err);
	assert_string_equal("/token?scope=s",
			    httpd_seen(f->registry, 2)->target);
}

/* User names of real registries: a shell or a URL would make something else
 * of some of them. */
static void names_of_robots_arrive_as_they_are(void **state)
{
	static const struct {
		const char *entry, *basic, *form;
	} cases[] = {
		{ "{\"username\":\"robot$proj+ci\",\"password\":\"a&b=%2B $\"}",
		  "Basic cm9ib3QkcHJvaitjaTphJmI9JTJCICQ=",
		  "username=robot%24proj%2Bci&password=a%26b%3D%252B%20%24&" },
		{ "{\"username\":\"AWS\",\"password\":\"ey+/=\"}",
		  "Basic QVdTOmV5Ky89", "username=AWS&password=ey%2B%2F%3D&" },
		{ "{\"username\":\"oauth2accesstoken\",\"password\":\"ya29.x\"}",
		  "Basic b2F1dGgyYWNjZXNzdG9rZW46eWEyOS54",
		  "username=oauth2accesstoken&password=ya29.x&" },
		{ "{\"username\":\"00000000-0000-0000-0000-000000000000\","
		  "\"password\":\"r\"}",
		  "Basic MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwOnI=",
		  "username=00000000-0000-0000-0000-000000000000&password=r&" },
		{ "{\"username\":\"org+bot\",\"password\":\"p:q\"}",
		  "Basic b3JnK2JvdDpwOnE=",
		  "username=org%2Bbot&password=p%3Aq&" },
	};
	struct ax *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(cases); i++) {
		size_t before = httpd_count(f->tokens);

		ax_log_in(f, cases[i].entry);
		f->get_status = 0;
		ax_open_net(f);
		assert_int_equal(200, ax_get(f, "/", "s"));
		assert_string_equal(cases[i].basic, ax_sent(f->tokens, before));
		assert_has_not(httpd_seen(f->tokens, before)->target, "robot");
		f->get_status = 404;
		ax_open_net(f);
		assert_int_equal(200, ax_get(f, "/", "s"));
		assert_has(httpd_seen(f->tokens, before + 2)->body,
			   cases[i].form);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AX(the_password_goes_to_the_token_server),
		AX(believes_no_odd_lifetimes),
		AX(refuses_tokens_that_are_none),
		AX(an_identity_token_goes_into_the_form),
		AX(a_named_identity_token_falls_back_to_get),
		AX(a_server_without_get_gets_the_form),
		AX(a_wrong_password_is_told),
		AX(a_sick_token_server_is_asked_again),
		AX(refuses_realms_that_are_no_web_address),
		AX(a_relative_realm_is_the_registrys_own),
		AX(names_of_robots_arrive_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

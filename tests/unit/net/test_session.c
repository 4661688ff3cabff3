/*
 * tests/unit/net/test_session.c - logging in, and who we are.
 */
#include "tests/support/auth_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static int log_in_as(struct ax *f, const char *user, const char *password)
{
	struct mr_credentials c = { .username = (char *)user };
	char host[64];
	int rc;

	assert_int_equal(
		0, mr_secret_set(&c.password, password, strlen(password)));
	rc = mr_net_login(f->net, httpd_host(f->registry, host, sizeof(host)),
			  &c, &f->err);
	mr_secret_release(&c.password);
	return rc;
}

static void login_tries_the_credentials(void **state)
{
	struct ax *f = *state;
	char host[64];
	char user[64];

	f->need = BASIC_MIA;
	assert_code(MREG_EAUTH, log_in_as(f, "mia", "wrong"), f->err);
	assert_ok(log_in_as(f, "mia", "s3cret"), f->err);
	assert_ok(mr_net_user(f->net,
			      httpd_host(f->registry, host, sizeof(host)), user,
			      sizeof(user), &f->err),
		  f->err);
	assert_string_equal("mia", user);
	strcpy(f->challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
	strcpy(f->good, BASIC_MIA);
	assert_code(MREG_EAUTH, log_in_as(f, "mia", "wrong"), f->err);
	assert_has(f->err.msg, "cannot log in: '127.0.0.1:");
	assert_ok(log_in_as(f, "mia", "s3cret"), f->err);
}

static void nobody_is_anonymous(void **state)
{
	struct ax *f = *state;
	char user[64] = "?";

	assert_ok(mr_net_user(f->net, "ghcr.io", user, sizeof(user), &f->err),
		  f->err);
	assert_string_equal("", user);
}

static void the_state_is_the_one_that_was_given(void **state)
{
	struct ax *f = *state;

	assert_ptr_equal(f->state, mr_net_state(f->net));
}

static void counts_every_request_and_apart_those_for_tokens(void **state)
{
	struct ax *f = *state;
	uint64_t requests, beside;

	mr_net_counted(f->net, &requests, &beside);
	assert_int_equal(requests, 0);
	assert_int_equal(beside, 0);
	ax_bearer(f, "");
	assert_int_equal(200, ax_get(f, "/v2/a", "repository:a:pull"));
	mr_net_counted(f->net, &requests, &beside);
	assert_int_equal(requests, 2); /* 401, 200 */
	assert_int_equal(beside, 1);
	assert_int_equal(200, ax_get(f, "/v2/a", "repository:a:pull"));
	httpd_url(f->other, "/", f->location, sizeof(f->location));
	assert_int_equal(200, ax_get(f, "/go", "repository:a:pull"));
	mr_net_counted(f->net, &requests, &beside);
	assert_int_equal(requests, 5); /* the redirect is one */
	assert_int_equal(beside, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AX(login_tries_the_credentials),
		AX(nobody_is_anonymous),
		AX(the_state_is_the_one_that_was_given),
		AX(counts_every_request_and_apart_those_for_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

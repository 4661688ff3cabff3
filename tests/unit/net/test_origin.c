/*
 * tests/unit/net/test_origin.c - the rules about where one may go.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/internal.h"

struct fix {
	struct test_env t;
	char *dir;
	struct mr_net net; /* only what the rules look at */
	struct mreg_error err;
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	char path[4096];

	assert_non_null(f);
	test_env_init(&f->t);
	f->dir = test_tmpdir_new();
	(void)snprintf(path, sizeof(path), "%s/state.db", f->dir);
	f->net.env = &f->t.env;
	f->net.state = mr_state_open(path, &f->t.env);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	mr_state_close(f->net.state);
	test_env_release(&f->t);
	test_tmpdir_free(f->dir);
	free(f);
	return 0;
}

static void a_target_may_be_public_https(void **state)
{
	static const char *const good[][2] = {
		{ "https://r.example", "https://s3.example/x" },
		{ "https://r.example", "https://r.example:8443/x" },
		{ "http://r.example", "https://s3.example/x" },
		{ "http://r.example", "http://s3.example/x" },
		{ "https://10.0.0.1:5000", "https://10.0.0.2/x" },
		{ "http://localhost:5000", "http://127.0.0.1:9000/x" },
		{ "http://localhost:5000", "https://s3.example/x" },
	};
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(good); i++)
		assert_ok(mr_origin_check_target(good[i][0], good[i][0],
						 good[i][1], &f->err),
			  f->err);
}

static void a_target_may_not_be_less_safe(void **state)
{
	static const char *const bad[][3] = {
		{ "https://r.example", "http://s3.example/x",
		  "from https to http" },
		{ "https://r.example", "http://r.example/x",
		  "from https to http" },
		{ "https://r.example", "https://169.254.169.254/latest",
		  "private address" },
		{ "https://r.example", "https://localhost/x",
		  "private address" },
		{ "https://r.example", "https://[::1]:6379/",
		  "private address" },
		{ "http://r.example", "http://0x7f000001/", "private address" },
		{ "https://r.example", "https://u@s3.example/", "no URL" },
		{ "https://r.example", "ftp://s3.example/", "no URL" },
		{ "https://r.example", "/relative", "no URL" },
	};
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		assert_code(MREG_EREMOTE,
			    mr_origin_check_target(bad[i][0], bad[i][0],
						   bad[i][1], &f->err),
			    f->err);
		assert_has(f->err.msg, bad[i][2]);
	}
}

static void the_way_counts_not_only_its_beginning(void **state)
{
	struct fix *f = *state;

	/* http registry -> https -> http */
	assert_code(MREG_EREMOTE,
		    mr_origin_check_target("http://r.example",
					   "https://a.example/",
					   "http://b.example/", &f->err),
		    f->err);
}

static int realm(struct fix *f, const char *origin, const char *url)
{
	return mr_origin_check_realm(&f->net, origin, url, &f->err);
}

static void a_realm_is_https_and_public(void **state)
{
	struct fix *f = *state;

	assert_ok(realm(f, "https://a.x", "https://auth.x/token"), f->err);
	assert_ok(realm(f, "http://b.x", "http://auth.x/token"), f->err);
	assert_ok(realm(f, "http://c.x", "https://auth.x/token"), f->err);
	assert_ok(realm(f, "https://10.0.0.1", "https://10.0.0.2/t"), f->err);
	assert_code(MREG_EAUTH, realm(f, "https://d.x", "http://auth.x/token"),
		    f->err);
	assert_has(f->err.msg, "without TLS: refused");
	assert_code(MREG_EAUTH, realm(f, "https://d.x", "https://10.0.0.1/t"),
		    f->err);
	assert_has(f->err.msg, "private address '10.0.0.1'");
	assert_code(MREG_EAUTH,
		    realm(f, "https://d.x", "https://169.254.169.254/"),
		    f->err);
	assert_code(MREG_EAUTH, realm(f, "http://d.x", "http://127.0.0.1:1/"),
		    f->err);
	assert_code(MREG_EAUTH, realm(f, "https://d.x", "https://u:p@a.x/"),
		    f->err);
	/* A refused one is not remembered. */
	assert_ok(realm(f, "https://d.x", "https://auth.d.x/"), f->err);
}

static void the_first_realm_is_the_one(void **state)
{
	struct fix *f = *state;

	assert_ok(realm(f, "https://a.x", "https://auth.x/token"), f->err);
	assert_ok(realm(f, "https://a.x", "https://auth.x:443/v2?x=y"), f->err);
	assert_code(MREG_EAUTH, realm(f, "https://a.x", "https://evil.x/token"),
		    f->err);
	assert_string_equal("'a.x' now wants credentials sent to 'evil.x', "
			    "before it was 'auth.x'",
			    f->err.msg);
	assert_string_equal("if that is right: mreg login a.x", f->err.hint);
	assert_ok(realm(f, "https://b.x", "https://evil.x/token"), f->err);
}

static void without_state_every_realm_is_the_first(void **state)
{
	struct fix *f = *state;

	mr_state_close(f->net.state);
	f->net.state = NULL;
	assert_ok(realm(f, "https://a.x", "https://auth.x/token"), f->err);
	assert_ok(realm(f, "https://a.x", "https://other.x/token"), f->err);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_target_may_be_public_https),
		CASE(a_target_may_not_be_less_safe),
		CASE(the_way_counts_not_only_its_beginning),
		CASE(a_realm_is_https_and_public),
		CASE(the_first_realm_is_the_one),
		CASE(without_state_every_realm_is_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

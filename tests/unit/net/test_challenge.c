/*
 * tests/unit/net/test_challenge.c - WWW-Authenticate as registries write it.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/auth.h"

static int parse(const char *value, struct mr_challenges *c,
		 struct mreg_error *err)
{
	memset(c, 0, sizeof(*c));
	return mr_challenge_parse(value, c, err);
}

static void reads_a_bearer_challenge(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_challenges c;

	(void)state;
	assert_ok(parse("Bearer realm=\"https://auth.example/token\","
			"service=\"reg \\\"x\\\"\" , "
			"scope=\"repository:a/b:pull,push\",error=\"invalid\"",
			&c, &err),
		  err);
	assert_int_equal(1, c.n);
	assert_string_equal("bearer", c.items[0].scheme);
	assert_string_equal("https://auth.example/token", c.items[0].realm);
	assert_string_equal("reg \"x\"", c.items[0].service);
	assert_string_equal("repository:a/b:pull,push", c.items[0].scope);
	assert_string_equal("invalid", c.items[0].error);
	mr_challenges_release(&c);
}

static void reads_several_in_one_value(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_challenges c;

	(void)state;
	assert_ok(parse("Negotiate, NTLM TlRMTVNTUAAB==, BASIC Realm = x,"
			"bearer realm=https://a/t?x=1, charset=\"UTF-8\",,"
			"Digest qop=\"auth, auth-int\", nonce=abc",
			&c, &err),
		  err);
	assert_int_equal(5, c.n);
	assert_string_equal("negotiate", c.items[0].scheme);
	assert_string_equal("ntlm", c.items[1].scheme);
	assert_string_equal("basic", c.items[2].scheme);
	assert_string_equal("x", c.items[2].realm);
	assert_string_equal("bearer", c.items[3].scheme);
	assert_string_equal("https://a/t?x=1", c.items[3].realm);
	assert_string_equal("digest", c.items[4].scheme);
	mr_challenges_release(&c);
}

static void adds_up_over_values(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_challenges c;

	(void)state;
	assert_ok(parse("Bearer realm=\"https://a/t\"", &c, &err), err);
	assert_ok(mr_challenge_parse("Basic", &c, &err), err);
	assert_int_equal(2, c.n);
	assert_string_equal("basic", c.items[1].scheme);
	assert_null(c.items[1].realm);
	mr_challenges_release(&c);
}

static void the_first_of_two_realms_counts(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_challenges c;

	(void)state;
	assert_ok(parse("Bearer realm=\"https://a/\",realm=\"https://b/\"", &c,
			&err),
		  err);
	assert_string_equal("https://a/", c.items[0].realm);
	mr_challenges_release(&c);
}

static void keeps_what_came_before_nonsense(void **state)
{
	static const char *const bad[] = {
		"Basic realm=\"x\", Bearer realm=\"never ends",
		"Basic realm=\"x\", Bearer realm=\"a\\",
		"Basic realm=\"x\", \"quoted\"",
		"Basic realm=\"x\", =y",
		"Basic realm=\"x\" junk",
		"Basic realm=\"x\", Bearer realm=\"a\x01\"",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_challenges c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_code(MREG_EREMOTE, parse(bad[i], &c, &err), err);
		assert_has(err.msg, "malformed WWW-Authenticate");
		assert_string_equal("basic", c.items[0].scheme);
		assert_string_equal("x", c.items[0].realm);
		mr_challenges_release(&c);
	}
}

static void refuses_too_many(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_challenges c;
	char value[200] = "";
	size_t i;

	(void)state;
	for (i = 0; i < 17; i++)
		strcat(value, "Basic, ");
	assert_code(MREG_EREMOTE, parse(value, &c, &err), err);
	assert_has(err.msg, "more than 16");
	mr_challenges_release(&c);
}

static void a_long_value_costs_little(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const size_t size = 64u << 10;
	char *value = malloc(size);
	struct mr_challenges c;
	size_t n;

	(void)state;
	assert_non_null(value);
	n = (size_t)sprintf(value, "Bearer ");
	while (n + 8 < size)
		n += (size_t)sprintf(value + n, "a=\"b\",");
	assert_ok(parse(value, &c, &err), err);
	mr_challenges_release(&c);
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_bearer_challenge),
		cmocka_unit_test(reads_several_in_one_value),
		cmocka_unit_test(adds_up_over_values),
		cmocka_unit_test(the_first_of_two_realms_counts),
		cmocka_unit_test(keeps_what_came_before_nonsense),
		cmocka_unit_test(refuses_too_many),
		cmocka_unit_test(a_long_value_costs_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

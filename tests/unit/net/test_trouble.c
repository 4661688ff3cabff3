/*
 * tests/unit/net/test_trouble.c - who is blamed when nothing can be reached:
 * the registry, or the proxy in front of it.
 */
#include "tests/support/body_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define SECRET "s3cret"

static void set_variable(const char *name, const char *value)
{
	static const char *const all[] = { "https_proxy", "HTTPS_PROXY",
					   "http_proxy",  "HTTP_PROXY",
					   "all_proxy",   "ALL_PROXY",
					   "no_proxy",    "NO_PROXY" };
	size_t i;

	for (i = 0; i < MR_COUNT(all); i++)
		unsetenv(all[i]);
	if (name)
		setenv(name, value, 1);
}

static int teardown(void **state)
{
	set_variable(NULL, NULL);
	return bx_teardown(state);
}

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

static int64_t ask(struct bx *f, const char *url)
{
	struct mr_request rq = { .method = "GET", .origin = url, .url = url };

	return bx_fetch(f, &rq, NULL);
}

static void a_dead_proxy_is_not_the_registry(void **state)
{
	static const struct {
		const char *variable, *scheme, *url;
	} cases[] = {
		{ "HTTPS_PROXY", "http://", "https://registry.invalid/v2/" },
		{ "https_proxy", "", "https://registry.invalid/v2/" },
		{ "ALL_PROXY", "http://", "https://registry.invalid/v2/" },
		{ "all_proxy", "socks5h://", "https://registry.invalid/v2/" },
		{ "HTTP_PROXY", "http://", "http://registry.invalid/v2/" },
		{ "http_proxy", "", "http://registry.invalid/v2/" },
	};
	struct bx *f = *state;
	unsigned int port = closed_port();
	char value[100];
	char want[200];
	size_t i;

	(void)snprintf(want, sizeof(want),
		       "cannot reach 'registry.invalid' through the proxy "
		       "'127.0.0.1:%u': connection refused",
		       port);
	for (i = 0; i < MR_COUNT(cases); i++) {
		(void)snprintf(value, sizeof(value),
			       "%sada:" SECRET "@127.0.0.1:%u", cases[i].scheme,
			       port);
		set_variable(cases[i].variable, value);
		assert_code(MREG_ENETWORK, ask(f, cases[i].url), f->err);
		assert_string_equal(want, f->err.msg);
		assert_has(f->err.hint, "HTTPS_PROXY");
		assert_has(f->err.hint, "is the proxy running?");
		assert_has_not(f->err.cause, SECRET);
		assert_int_equal(ECONNREFUSED, f->err.sys);
	}
	assert_has_not(f->t.log, SECRET);
}

static void a_proxy_that_is_not_used_is_not_blamed(void **state)
{
	struct bx *f = *state;
	char proxy[100];
	char url[100];

	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u",
		       closed_port());
	set_variable("HTTPS_PROXY", proxy);
	setenv("NO_PROXY", "registry.invalid", 1);
	assert_code(MREG_ENETWORK, ask(f, "https://registry.invalid/"), f->err);
	assert_has_not(f->err.msg, "proxy");
	/* This machine is not behind it. */
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/",
		       closed_port());
	assert_code(MREG_ENETWORK, ask(f, url), f->err);
	assert_has(f->err.msg, "': connection refused");
	assert_has_not(f->err.msg, "proxy");
	assert_has(f->err.hint, "is the registry running?");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, bx_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_dead_proxy_is_not_the_registry),
		CASE(a_proxy_that_is_not_used_is_not_blamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

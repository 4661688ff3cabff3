/*
 * tests/unit/net/test_helper.c - credential helpers, well behaved and not.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "net/auth.h"

struct fix {
	struct test_env t;
	char *dir;
	struct mreg_error err;
	struct mr_credentials c;
	int64_t tick_ms; /* how far each look at the clock moves it */
};

/* Time passes without anybody sleeping. */
static int64_t ticking(void *ctx)
{
	struct test_env *t = ctx;
	struct fix *f = mr_container_of(t, struct fix, t);

	t->now_ms += f->tick_ms;
	return t->now_ms;
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	char path[4096];

	assert_non_null(f);
	test_env_init(&f->t);
	f->t.env.mono_ms = ticking;
	f->dir = test_tmpdir_new();
	(void)snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", f->dir);
	setenv("PATH", path, 1);
	setenv("HOME", f->dir, 1);
	setenv("DOCKER_CONFIG", f->dir, 1);
	setenv("HELPER_DIR", f->dir, 1);
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("REGISTRY_AUTH_FILE");
	unsetenv("DOCKER_AUTH_CONFIG");
	unsetenv("MREG_DOCKER_CONFIG_JSON");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	mr_credentials_release(&f->c);
	test_env_release(&f->t);
	test_tmpdir_free(f->dir);
	free(f);
	return 0;
}

static void helper(struct fix *f, const char *suffix, const char *body)
{
	char name[128];
	char path[4096];
	char text[2048];

	(void)snprintf(name, sizeof(name), "bin/docker-credential-%s", suffix);
	(void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", body);
	test_write_text(f->dir, name, text);
	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(0, chmod(path, 0755));
}

static void config(struct fix *f, const char *text)
{
	test_write_text(f->dir, "config.json", text);
}

static int find(struct fix *f, const char *host)
{
	mr_credentials_release(&f->c);
	return mr_credentials_find(&f->t.env, host, &f->c, &f->err);
}

static void asks_the_helper_named_for_the_host(void **state)
{
	struct fix *f = *state;
	char *said;

	helper(f, "one",
	       "cat >$HELPER_DIR/asked; echo \"$1\" >$HELPER_DIR/action\n"
	       "echo '{\"ServerURL\":\"x\",\"Username\":\"mia\","
	       "\"Secret\":\"s3cret\"}'");
	helper(f, "two", "exit 1");
	config(f, "{\"credsStore\":\"two\",\"credHelpers\":{\"a.b\":\"one\"},"
		  "\"auths\":{\"a.b\":{\"auth\":\"Ym9iOnBhc3M=\"}}}");
	assert_ok(find(f, "a.b"), f->err);
	assert_string_equal("mia", f->c.username);
	assert_string_equal("s3cret", f->c.password.bytes);
	said = test_read(f->dir, "asked", NULL);
	assert_string_equal("a.b", said);
	free(said);
	said = test_read(f->dir, "action", NULL);
	assert_string_equal("get\n", said);
	free(said);
	assert_has_not(f->t.log, "s3cret");
}

static void asks_for_docker_hub_by_its_key(void **state)
{
	struct fix *f = *state;
	char *said;

	helper(f, "one",
	       "cat >$HELPER_DIR/asked\n"
	       "echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'");
	config(f, "{\"credsStore\":\"one\"}");
	assert_ok(find(f, "docker.io"), f->err);
	assert_true(f->c.identity_token);
	said = test_read(f->dir, "asked", NULL);
	assert_string_equal("https://index.docker.io/v1/", said);
	free(said);
}

static void not_found_is_no_failure(void **state)
{
	struct fix *f = *state;

	helper(f, "one",
	       "echo 'credentials not found in native keychain'; exit 1");
	config(f, "{\"credsStore\":\"one\"}");
	assert_ok(find(f, "a.b"), f->err);
	assert_null(f->c.username);
	config(f, "{\"credsStore\":\"one\",\"auths\":{\"a.b\":{\"auth\":"
		  "\"Ym9iOnBhc3M=\"}}}");
	assert_ok(find(f, "a.b"), f->err);
	assert_string_equal("bob", f->c.username);
}

static void a_helper_that_fails_is_an_error(void **state)
{
	static const char *const bad[][2] = {
		{ "echo 'the vault\033[31m is locked'; exit 1",
		  "cannot get credentials for 'a.b'" },
		{ "exit 3", "cannot get credentials for 'a.b'" },
		{ "kill -9 $$", "cannot get credentials for 'a.b'" },
		{ "echo '{'", "malformed answer" },
		{ "echo '{\"Username\":\"mia\"}'", "malformed answer" },
		{ "echo '{\"Username\":7,\"Secret\":\"s3cret\"}'",
		  "malformed answer" },
		{ "echo nonsense s3cret", "malformed answer" },
		{ "head -c 1000000 /dev/zero", "said more than 65536 bytes" },
	};
	struct fix *f = *state;
	size_t i;

	/* What is written down does not stand in for it. */
	config(f, "{\"credsStore\":\"one\",\"auths\":{\"a.b\":{\"auth\":"
		  "\"Ym9iOnBhc3M=\"}}}");
	for (i = 0; i < MR_COUNT(bad); i++) {
		helper(f, "one", bad[i][0]);
		assert_code(MREG_EAUTH, find(f, "a.b"), f->err);
		assert_has(f->err.msg, "'docker-credential-one'");
		assert_has(f->err.msg, bad[i][1]);
		assert_has_not(f->err.cause, "s3cret");
		assert_null(f->c.username);
		if (i == 0)
			assert_has(f->err.cause, "the vault\\x1b[31m is");
	}
}

static void a_missing_helper_is_an_error(void **state)
{
	struct fix *f = *state;

	config(f, "{\"credHelpers\":{\"a.b\":\"absent\"}}");
	assert_code(MREG_EAUTH, find(f, "a.b"), f->err);
	assert_has(f->err.msg, "'docker-credential-absent' is not installed");
	assert_ok(find(f, "c.d"), f->err); /* not for everybody */
}

static void a_helper_that_hangs_is_ended(void **state)
{
	struct fix *f = *state;

	helper(f, "one", "exec sleep 1000");
	config(f, "{\"credsStore\":\"one\"}");
	f->tick_ms = 10000;
	assert_code(MREG_EAUTH, find(f, "a.b"), f->err);
	assert_has(f->err.cause, "did not answer within 30 s");
}

static void refuses_helper_names_that_are_paths_or_words(void **state)
{
	static const char *const bad[] = { "../x", "a b", "a;b",  "-x",
					   "$(x)", "a/b", "a\\nb" };
	struct fix *f = *state;
	char text[128];
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		(void)snprintf(text, sizeof(text), "{\"credsStore\":\"%s\"}",
			       bad[i]);
		config(f, text);
		assert_code(MREG_EAUTH, find(f, "a.b"), f->err);
		assert_has(f->err.msg, "not the name of a credential helper");
	}
}

static void odd_hosts_reach_no_helper(void **state)
{
	static const char *const bad[] = { "-h",  "a b",  "a\nb",
					   "a;b", "$(x)", "a\rb" };
	struct fix *f = *state;
	size_t i;

	helper(f, "one", "touch $HELPER_DIR/ran");
	config(f, "{\"credsStore\":\"one\"}");
	for (i = 0; i < MR_COUNT(bad); i++)
		assert_code(MREG_EUSAGE, find(f, bad[i]), f->err);
	assert_false(test_exists(f->dir, "ran"));
}

static void stores_and_erases_through_the_helper(void **state)
{
	struct fix *f = *state;
	struct mr_credentials c = { .username = NULL };
	char where[256];
	bool found;
	char *said;

	helper(f, "one",
	       "cat >$HELPER_DIR/$1\n"
	       "[ $1 != get ] || echo '{\"Username\":\"u\",\"Secret\":\"s\"}'");
	config(f, "{\"credsStore\":\"one\"}");
	assert_ok(mr_credentials_set(&c, "mia", "q\"\\z", 4, false, &f->err),
		  f->err);
	assert_ok(mr_credentials_store(&f->t.env, "a.b", &c, where, &f->err),
		  f->err);
	mr_credentials_release(&c);
	assert_string_equal("helper 'docker-credential-one'", where);
	said = test_read(f->dir, "store", NULL);
	assert_string_equal("{\"ServerURL\":\"a.b\",\"Username\":\"mia\","
			    "\"Secret\":\"q\\\"\\\\z\"}",
			    said);
	free(said);
	assert_ok(mr_credentials_erase(&f->t.env, "a.b", &found, &f->err),
		  f->err);
	assert_true(found);
	said = test_read(f->dir, "erase", NULL);
	assert_string_equal("a.b", said);
	free(said);
	said = test_read(f->dir, "config.json", NULL);
	assert_string_equal("{\"credsStore\":\"one\"}", said);
	free(said);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(asks_the_helper_named_for_the_host),
		CASE(asks_for_docker_hub_by_its_key),
		CASE(not_found_is_no_failure),
		CASE(a_helper_that_fails_is_an_error),
		CASE(a_missing_helper_is_an_error),
		CASE(a_helper_that_hangs_is_ended),
		CASE(refuses_helper_names_that_are_paths_or_words),
		CASE(odd_hosts_reach_no_helper),
		CASE(stores_and_erases_through_the_helper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * tests/unit/net/test_credentials.c - the files of docker and podman: order,
 * spellings, and changing nothing but what was asked.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/auth.h"

#define MIA "bWlhOnMzOmNyZXQ=" /* mia:s3:cret */
#define BOB "Ym9iOnBhc3M="     /* bob:pass */

struct fix {
	struct test_env t;
	char *dir;
	struct mreg_error err;
	struct mr_credentials c;
};

static void set_path(const char *name, const char *dir, const char *rest)
{
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s%s", dir, rest);
	setenv(name, path, 1);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_env_init(&f->t);
	f->dir = test_tmpdir_new();
	set_path("HOME", f->dir, "/home");
	set_path("DOCKER_CONFIG", f->dir, "/docker");
	set_path("XDG_RUNTIME_DIR", f->dir, "/run");
	set_path("XDG_CONFIG_HOME", f->dir, "/config");
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

static void docker(struct fix *f, const char *text)
{
	test_write_text(f->dir, "docker/config.json", text);
}

static int find(struct fix *f, const char *host)
{
	mr_credentials_release(&f->c);
	return mr_credentials_find(&f->t.env, host, &f->c, &f->err);
}

static void finds(struct fix *f, const char *host, const char *user,
		  const char *secret)
{
	assert_ok(find(f, host), f->err);
	if (!user) {
		assert_null(f->c.username);
		return;
	}
	assert_non_null(f->c.username);
	assert_string_equal(user, f->c.username);
	assert_string_equal(secret, f->c.password.bytes);
}

static void splits_at_the_first_colon(void **state)
{
	struct fix *f = *state;

	docker(f, "{\"auths\":{\"ghcr.io\":{\"auth\":\"" MIA "\"}}}");
	finds(f, "ghcr.io", "mia", "s3:cret");
	assert_string_equal("docker config", f->c.origin);
	assert_false(f->c.identity_token);
	/* bob:pass and two NULs */
	docker(f, "{\"auths\":{\"ghcr.io\":{\"auth\":\"Ym9iOnBhc3MAAA==\"}}}");
	finds(f, "ghcr.io", "bob", "pass");
	assert_int_equal(4, f->c.password.len);
}

static void knows_all_spellings_of_a_key(void **state)
{
	static const char *const keys[] = {
		"r.example:5000",
		"https://r.example:5000",
		"https://r.example:5000/",
		"https://R.example:5000/v1/",
		"http://r.example:5000/v2/",
	};
	struct fix *f = *state;
	char text[256];
	size_t i;

	for (i = 0; i < MR_COUNT(keys); i++) {
		(void)snprintf(text, sizeof(text),
			       "{\"auths\":{\"%s\":{\"auth\":\"" BOB "\"}}}",
			       keys[i]);
		docker(f, text);
		finds(f, "r.example:5000", "bob", "pass");
		finds(f, "r.example", NULL, NULL);
		finds(f, "xr.example:5000", NULL, NULL);
	}
	docker(f, "{\"auths\":{\"r.example\":{\"auth\":\"" BOB "\"}}}");
	finds(f, "r.example:443", "bob", "pass");
	/* A key for one repository is not for the host. */
	docker(f, "{\"auths\":{\"r.example/team\":{\"auth\":\"" BOB "\"}}}");
	finds(f, "r.example", NULL, NULL);
}

static void docker_hub_has_a_key_of_its_own(void **state)
{
	struct fix *f = *state;

	docker(f, "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":"
		  "\"" BOB "\"}}}");
	finds(f, "docker.io", "bob", "pass");
	finds(f, "registry-1.docker.io", "bob", "pass");
	finds(f, "index.docker.io", "bob", "pass");
	finds(f, "hub.docker.io", NULL, NULL);
}

static void knows_the_other_fields(void **state)
{
	struct fix *f = *state;

	docker(f, "{\"auths\":{\"a.b\":{\"username\":\"u\",\"password\":\"p\"},"
		  "\"c.d\":{\"auth\":\"" BOB "\",\"identitytoken\":\"tok\"},"
		  "\"e.f\":{}}}");
	finds(f, "a.b", "u", "p");
	finds(f, "c.d", "bob", "tok");
	assert_true(f->c.identity_token);
	finds(f, "e.f", NULL, NULL);
}

static void looks_in_the_files_in_their_order(void **state)
{
	static const char *const files[] = { "config/containers/auth.json",
					     "run/containers/auth.json",
					     "named.json" };
	struct fix *f = *state;
	char text[256];
	size_t i;

	docker(f, "{\"auths\":{\"r.x\":{\"username\":\"docker\","
		  "\"password\":\"p\"}}}");
	finds(f, "r.x", "docker", "p");
	set_path("REGISTRY_AUTH_FILE", f->dir, "/named.json");
	for (i = 0; i < MR_COUNT(files); i++) {
		(void)snprintf(text, sizeof(text),
			       "{\"auths\":{\"r.x\":{\"username\":\"%s\","
			       "\"password\":\"p\"}}}",
			       files[i]);
		test_write_text(f->dir, files[i], text);
		finds(f, "r.x", files[i], "p");
	}
	setenv("DOCKER_AUTH_CONFIG",
	       "{\"auths\":{\"r.x\":{\"username\":\"env\",\"password\":\"p\"}}}",
	       1);
	finds(f, "r.x", "env", "p");
	setenv("MREG_DOCKER_CONFIG_JSON",
	       "{\"auths\":{\"r.x\":{\"username\":\"own\",\"password\":\"p\"}}}",
	       1);
	finds(f, "r.x", "own", "p");
	assert_string_equal(f->c.origin, "MREG_DOCKER_CONFIG_JSON");
}

static void a_variable_without_the_host_hides_nothing(void **state)
{
	struct fix *f = *state;
	const char *shadow = "";

	setenv("MREG_DOCKER_CONFIG_JSON", "{}", 1);
	setenv("DOCKER_AUTH_CONFIG",
	       "{\"auths\":{\"r.y\":{\"username\":\"env\",\"password\":\"p\"}}}",
	       1);
	docker(f, "{\"auths\":{\"r.x\":{\"auth\":\"" BOB "\"}}}");
	finds(f, "r.x", "bob", "pass");
	assert_ok(mr_credentials_shadow(&f->t.env, "r.x", &shadow, &f->err),
		  f->err);
	assert_null(shadow);
	assert_ok(mr_credentials_shadow(&f->t.env, "r.y", &shadow, &f->err),
		  f->err);
	assert_string_equal(shadow, "DOCKER_AUTH_CONFIG");
}

/* Not even the line that is wrong: it may be the one with the password. */
static void says_nothing_of_what_a_broken_variable_holds(void **state)
{
	static const char *const broken[] = {
		"s3cret-of-mine",
		"{\"auths\":{\"r.x\":{\"password\":\"s3cret-of-mine}}}",
		"{\"auths\":{\"s3cret-of-mine\":1,\"s3cret-of-mine\":2}}",
		"[\"s3cret-of-mine\"]",
		"{\"auths\":{\"r.x\":{\"auth\":\"s3cret-of-mine\"}}}",
		"{\"auths\":{\"r.x\":{\"password\":[\"s3cret-of-mine\"]}}}",
	};
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(broken); i++) {
		setenv("MREG_DOCKER_CONFIG_JSON", broken[i], 1);
		assert_code(MREG_EFORMAT, find(f, "r.x"), f->err);
		assert_has(f->err.msg, "MREG_DOCKER_CONFIG_JSON");
		assert_has(f->err.hint, "unset it");
		assert_has_not(f->err.msg, "s3cret");
		assert_has_not(f->err.hint, "s3cret");
		assert_has_not(f->err.cause, "s3cret");
		memset(&f->err, 0, sizeof(f->err));
	}
}

static void without_variables_home_is_used(void **state)
{
	struct fix *f = *state;

	unsetenv("DOCKER_CONFIG");
	unsetenv("XDG_CONFIG_HOME");
	test_write_text(f->dir, "home/.docker/config.json",
			"{\"auths\":{\"a.b\":{\"auth\":\"" BOB "\"}}}");
	test_write_text(f->dir, "home/.config/containers/auth.json",
			"{\"auths\":{\"c.d\":{\"auth\":\"" MIA "\"}}}");
	finds(f, "a.b", "bob", "pass");
	finds(f, "c.d", "mia", "s3:cret");
}

static void names_the_file_that_is_broken(void **state)
{
	static const char *const bad[] = {
		"{",
		"[]",
		"{\"auths\":[]}",
		"{\"auths\":{},\"auths\":{}}",
		"{\"auths\":{\"a.b\":{\"auth\":7}}}",
		"{\"auths\":{\"a.b\":{\"auth\":\"%%%\"}}}",
		"{\"auths\":{\"a.b\":{\"auth\":\"Ym9i\"}}}", /* no colon */
		"{\"credHelpers\":7}",
	};
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		docker(f, bad[i]);
		assert_code(MREG_EFORMAT, find(f, "a.b"), f->err);
		assert_has(f->err.msg, "/docker/config.json'");
	}
}

static void refuses_hosts_that_are_none(void **state)
{
	struct fix *f = *state;

	assert_code(MREG_EUSAGE, find(f, "-x"), f->err);
	assert_code(MREG_EUSAGE, find(f, "a\nb"), f->err);
	assert_has(f->err.msg, "'a\\x0ab'");
}

/* -- store and erase
 * --------------------------------------------------------------------- */

static int store(struct fix *f, const char *host, const char *user,
		 const char *secret, bool identity, char where[256])
{
	struct mr_credentials c = { .username = NULL };
	int rc;

	assert_int_equal(0, mr_credentials_set(&c, user, secret, strlen(secret),
					       identity, &f->err));
	rc = mr_credentials_store(&f->t.env, host, &c, where, &f->err);
	mr_credentials_release(&c);
	return rc;
}

static void writes_a_new_file_for_oneself_only(void **state)
{
	struct fix *f = *state;
	char where[256];
	char path[1024];
	struct stat st;

	assert_ok(store(f, "ghcr.io", "mia", "s3:cret", false, where), f->err);
	assert_has(where, "/docker/config.json");
	finds(f, "ghcr.io", "mia", "s3:cret");
	(void)snprintf(path, sizeof(path), "%s/docker/config.json", f->dir);
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 0777);
	(void)snprintf(path, sizeof(path), "%s/docker", f->dir);
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0700, st.st_mode & 0777);
}

static void keeps_everything_else_in_the_file(void **state)
{
	struct fix *f = *state;
	char where[256];
	bool found;
	char *text;

	docker(f, "{\"HttpHeaders\":{\"X\":\"1\"},\"auths\":{\"a.b\":{\"auth\":"
		  "\"" BOB "\",\"email\":\"e\"},\"https://c.d/v1/\":{\"auth\":"
		  "\"" BOB "\"}},\"psFormat\":\"x\\u00e9\"}");
	assert_ok(store(f, "c.d", "mia", "new", false, where), f->err);
	finds(f, "c.d", "mia", "new");
	finds(f, "a.b", "bob", "pass");
	text = test_read(f->dir, "docker/config.json", NULL);
	assert_has(text, "\"X\": \"1\"");
	assert_has(text, "\"email\": \"e\"");
	assert_has(text, "\"psFormat\": \"x\xc3\xa9\"");
	assert_has_not(text, "https://c.d/v1/"); /* replaced, not doubled */
	free(text);
	assert_ok(mr_credentials_erase(&f->t.env, "c.d", &found, &f->err),
		  f->err);
	assert_true(found);
	finds(f, "c.d", NULL, NULL);
	finds(f, "a.b", "bob", "pass");
	assert_ok(mr_credentials_erase(&f->t.env, "c.d", &found, &f->err),
		  f->err);
	assert_false(found);
}

static void keeps_an_identity_token(void **state)
{
	struct fix *f = *state;
	char where[256];

	assert_ok(store(f, "docker.io", "mia", "tok", true, where), f->err);
	finds(f, "docker.io", "mia", "tok");
	assert_true(f->c.identity_token);
}

static void writes_where_it_will_be_found(void **state)
{
	struct fix *f = *state;
	char where[256];
	bool found;

	test_write_text(f->dir, "run/containers/auth.json",
			"{\"auths\":{\"a.b\":{\"auth\":\"" BOB "\"}}}");
	assert_ok(store(f, "a.b", "mia", "new", false, where), f->err);
	assert_has(where, "/run/containers/auth.json");
	finds(f, "a.b", "mia", "new");
	assert_ok(store(f, "c.d", "mia", "new", false, where), f->err);
	assert_has(where, "/docker/config.json");
	set_path("REGISTRY_AUTH_FILE", f->dir, "/named.json");
	assert_ok(store(f, "a.b", "mia", "newer", false, where), f->err);
	assert_has(where, "/named.json");
	finds(f, "a.b", "mia", "newer");
	assert_ok(mr_credentials_erase(&f->t.env, "a.b", &found, &f->err),
		  f->err);
	finds(f, "a.b", NULL, NULL); /* gone from everywhere */
}

static void a_link_stays_a_link(void **state)
{
	struct fix *f = *state;
	char where[256];
	char path[1024];
	struct stat st;

	test_write_text(f->dir, "dotfiles/config.json", "{}");
	test_write_text(f->dir, "docker/other", "");
	(void)snprintf(path, sizeof(path), "%s/docker/config.json", f->dir);
	assert_int_equal(0, symlink("../dotfiles/config.json", path));
	assert_ok(store(f, "a.b", "mia", "x", false, where), f->err);
	assert_int_equal(0, lstat(path, &st));
	assert_true(S_ISLNK(st.st_mode));
	finds(f, "a.b", "mia", "x");
}

static void writes_nothing_over_a_broken_file(void **state)
{
	struct fix *f = *state;
	char where[256];
	char *text;

	docker(f, "{ broken");
	assert_code(MREG_EFORMAT, store(f, "a.b", "mia", "x", false, where),
		    f->err);
	text = test_read(f->dir, "docker/config.json", NULL);
	assert_string_equal("{ broken", text);
	free(text);
}

static void says_when_there_is_no_place(void **state)
{
	struct fix *f = *state;
	char where[256];

	unsetenv("HOME");
	unsetenv("DOCKER_CONFIG");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("XDG_CONFIG_HOME");
	assert_code(MREG_EUSAGE, store(f, "a.b", "mia", "x", false, where),
		    f->err);
	assert_has(f->err.hint, "HOME");
	finds(f, "a.b", NULL, NULL);
}

/* -- parts of a host
 * ------------------------------------------------------------------------------
 */

static const char *user_for(struct fix *f, const char *repository,
			    bool *namespaced)
{
	mr_credentials_release(&f->c);
	assert_ok(mr_credentials_look(&f->t.env, "r.example:5000", repository,
				      &f->c, namespaced, &f->err),
		  f->err);
	return f->c.username ? f->c.username : "";
}

static void the_longest_key_wins(void **state)
{
	struct fix *f = *state;
	bool is;

	docker(f, "{\"auths\":{"
		  "\"r.example:5000/a/b\":{\"username\":\"ab\"},"
		  "\"r.example:5000\":{\"username\":\"host\"},"
		  "\"r.example:5000/a/b/c/\":{\"username\":\"abc\"},"
		  "\"r.example:5000/a\":{\"username\":\"a\"},"
		  "\"r.example:5000/empty\":{},"
		  "\"https://r.example:5000/a/b/c/d\":{\"username\":\"no\"},"
		  "\"r.example/a/b/c/d\":{\"username\":\"port\"}}}");
	assert_string_equal("abc", user_for(f, "a/b/c/d", &is));
	assert_true(is);
	assert_string_equal("abc", user_for(f, "a/b/c", &is));
	assert_string_equal("ab", user_for(f, "a/b", &is));
	assert_string_equal("ab", user_for(f, "a/b/cc", &is));
	assert_string_equal("a", user_for(f, "a/bb", &is));
	assert_string_equal("host", user_for(f, "aa", &is));
	assert_string_equal("host", user_for(f, "empty/x", &is));
	assert_string_equal("host", user_for(f, NULL, &is));
	assert_true(is);
	finds(f, "r.example:5000", "host", "");
}

static void keys_of_the_whole_host_are_for_all_of_it(void **state)
{
	struct fix *f = *state;
	bool is = true;

	docker(f, "{\"auths\":{\"https://r.example:5000/v1/\":"
		  "{\"username\":\"old\"},"
		  "\"r.other/a\":{\"username\":\"no\"}}}");
	assert_string_equal("old", user_for(f, "v1/x", &is));
	assert_false(is);
	/* A file of its own for a part of it, and nothing for the rest. */
	test_write_text(f->dir, "run/containers/auth.json",
			"{\"auths\":{\"r.example:5000/a\":"
			"{\"username\":\"part\"}}}");
	assert_string_equal("part", user_for(f, "a/b", &is));
	assert_string_equal("old", user_for(f, "b", &is));
	assert_true(is);
}

static void an_old_docker_is_read_too(void **state)
{
	struct fix *f = *state;

	test_write_text(f->dir, "home/.dockercfg",
			"{\"r.example\":{\"auth\":\"" MIA "\","
			"\"email\":\"x\"}}");
	finds(f, "r.example", "mia", "s3:cret");
	assert_has(f->c.origin, ".dockercfg");
	/* It is after the others. */
	docker(f, "{\"auths\":{\"r.example\":{\"auth\":\"" BOB "\"}}}");
	finds(f, "r.example", "bob", "pass");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(splits_at_the_first_colon),
		CASE(knows_all_spellings_of_a_key),
		CASE(docker_hub_has_a_key_of_its_own),
		CASE(knows_the_other_fields),
		CASE(looks_in_the_files_in_their_order),
		CASE(a_variable_without_the_host_hides_nothing),
		CASE(says_nothing_of_what_a_broken_variable_holds),
		CASE(without_variables_home_is_used),
		CASE(names_the_file_that_is_broken),
		CASE(refuses_hosts_that_are_none),
		CASE(writes_a_new_file_for_oneself_only),
		CASE(keeps_everything_else_in_the_file),
		CASE(keeps_an_identity_token),
		CASE(writes_where_it_will_be_found),
		CASE(a_link_stays_a_link),
		CASE(writes_nothing_over_a_broken_file),
		CASE(says_when_there_is_no_place),
		CASE(the_longest_key_wins),
		CASE(keys_of_the_whole_host_are_for_all_of_it),
		CASE(an_old_docker_is_read_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

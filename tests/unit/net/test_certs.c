/*
 * tests/unit/net/test_certs.c - certs.d: which folder counts, and what is in
 * it.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/internal.h"

/* Nobody parses them before there is a connection. */
#define PEM "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"

struct fix {
	struct test_env t;
	struct mr_net *net;
	char *dir;
	struct mreg_error err;
};

static void open_net(struct fix *f, const char *ca_file)
{
	struct mr_net_opts o = { .env = &f->t.env, .ca_file = ca_file };

	mr_net_close(f->net);
	f->net = NULL;
	assert_ok(mr_net_open(&o, &f->net, &f->err), f->err);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	char path[4096];

	assert_non_null(f);
	test_env_init(&f->t);
	f->dir = test_tmpdir_new();
	(void)snprintf(path, sizeof(path), "%s/one:%s/two", f->dir, f->dir);
	setenv("MREG_CERTS_D", path, 1);
	(void)snprintf(path, sizeof(path), "%s/system.pem", f->dir);
	setenv("SSL_CERT_FILE", path, 1);
	test_write_text(f->dir, "system.pem", "the system's\n");
	open_net(f, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	mr_net_close(f->net);
	test_env_release(&f->t);
	test_tmpdir_free(f->dir);
	unsetenv("MREG_CERTS_D");
	unsetenv("SSL_CERT_FILE");
	free(f);
	return 0;
}

static void authority(struct fix *f, const char *name, const char *text)
{
	char pem[256];

	(void)snprintf(pem, sizeof(pem), PEM, text);
	test_write_text(f->dir, name, pem);
}

static const struct mr_certs *certs_of(struct fix *f, const char *url)
{
	const struct mr_certs *c = NULL;

	open_net(f, NULL); /* what was read is kept */
	assert_ok(mr_certs_get(f->net, url, &c, &f->err), f->err);
	return c;
}

static void most_hosts_have_none(void **state)
{
	struct fix *f = *state;
	const struct mr_certs *c = certs_of(f, "https://r.example/v2/");

	assert_non_null(c);
	assert_int_equal(0, c->ca.len);
	assert_null(c->cert);
	assert_null(certs_of(f, "http://r.example/v2/"));
}

static void an_authority_is_trusted_beside_the_others(void **state)
{
	struct fix *f = *state;
	const struct mr_certs *c = NULL;
	char path[4096];

	authority(f, "one/r.example:5000/b.crt", "ours-b");
	authority(f, "one/r.example:5000/a.crt", "ours-a");
	test_write_text(f->dir, "one/r.example:5000/README", "not looked at");
	c = certs_of(f, "https://r.example:5000/v2/");
	assert_has(mr_buf_text(&c->ca), "the system's");
	assert_has(mr_buf_text(&c->ca), "ours-a");
	assert_has(mr_buf_text(&c->ca), "ours-b");
	assert_null(c->cert);
	/* No other port, no other host. */
	assert_int_equal(0, certs_of(f, "https://r.example/")->ca.len);
	/* --ca-file counts everywhere. */
	authority(f, "flag.pem", "by-flag");
	(void)snprintf(path, sizeof(path), "%s/flag.pem", f->dir);
	open_net(f, path);
	assert_ok(mr_certs_get(f->net, "https://r.example:5000/", &c, &f->err),
		  f->err);
	assert_has(mr_buf_text(&c->ca), "the system's");
	assert_has(mr_buf_text(&c->ca), "by-flag");
	assert_has(mr_buf_text(&c->ca), "ours-a");
}

static void the_first_folder_of_a_host_is_the_only_one(void **state)
{
	struct fix *f = *state;

	authority(f, "two/r.example/a.crt", "second");
	assert_has(mr_buf_text(&certs_of(f, "https://r.example/")->ca),
		   "second");
	test_write_text(f->dir, "one/r.example/empty", "");
	assert_int_equal(0, certs_of(f, "https://r.example/")->ca.len);
}

static void hosts_have_names_of_several_spellings(void **state)
{
	static const struct {
		const char *file, *url;
	} cases[] = {
		{ "one/r.example:443/a.crt", "https://r.example/" },
		{ "one/r.example/a.crt", "https://R.example:443/" },
		{ "one/docker.io/a.crt", "https://registry-1.docker.io/" },
		{ "one/[::1]:5000/a.crt", "https://[::1]:5000/" },
		{ "one/[::2]:443/a.crt", "https://[::2]/" },
	};
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(cases); i++) {
		authority(f, cases[i].file, "found");
		assert_has(mr_buf_text(&certs_of(f, cases[i].url)->ca),
			   "found");
	}
}

static void a_pair_is_shown_to_its_host_only(void **state)
{
	struct fix *f = *state;
	const struct mr_certs *c;
	char path[4096];

	test_write_text(f->dir, "one/r.example/me.cert", "c");
	test_write_text(f->dir, "one/r.example/me.key", "k");
	test_write_text(f->dir, "one/r.example/other.cert", "c");
	test_write_text(f->dir, "one/r.example/other.key", "k");
	c = certs_of(f, "https://r.example/");
	(void)snprintf(path, sizeof(path), "%s/one/r.example/me.cert", f->dir);
	assert_string_equal(path, c->cert);
	(void)snprintf(path, sizeof(path), "%s/one/r.example/me.key", f->dir);
	assert_string_equal(path, c->key);
	assert_null(certs_of(f, "https://r.example:444/")->cert);
}

static int refused(struct fix *f)
{
	const struct mr_certs *c;

	open_net(f, NULL);
	return mr_certs_get(f->net, "https://r.example/", &c, &f->err);
}

static void half_a_pair_is_an_error(void **state)
{
	struct fix *f = *state;

	test_write_text(f->dir, "one/r.example/me.cert", "c");
	assert_code(MREG_EUSAGE, refused(f), f->err);
	assert_has(f->err.msg, "/one/r.example/me.cert' has no key");
	assert_has(f->err.hint, "'me.key'");
	/* It is no less an error the next time. */
	assert_code(MREG_EUSAGE, refused(f), f->err);
	test_write_text(f->dir, "two/r.example/me.key", "k");
	setenv("MREG_CERTS_D", strchr(getenv("MREG_CERTS_D"), ':') + 1, 1);
	assert_code(MREG_EUSAGE, refused(f), f->err);
	assert_has(f->err.msg, "/two/r.example/me.key' has no certificate");
	assert_has(f->err.hint, "'me.cert'");
}

static void what_is_no_certificate_is_named(void **state)
{
	struct fix *f = *state;

	test_write_text(f->dir, "one/r.example/ca.crt", "DER?");
	assert_code(MREG_EUSAGE, refused(f), f->err);
	assert_has(f->err.msg, "/one/r.example/ca.crt'");
}

static void without_the_variable_home_is_first(void **state)
{
	struct fix *f = *state;

	unsetenv("MREG_CERTS_D");
	setenv("HOME", f->dir, 1);
	authority(f, ".config/containers/certs.d/r.example/a.crt", "at home");
	assert_has(mr_buf_text(&certs_of(f, "https://r.example/")->ca),
		   "at home");
}

/* Another user's folder, or what leads nowhere, is no reason to stop: the
 * request shows what it lacks. */
static void a_folder_that_does_not_open_is_passed_over(void **state)
{
	struct fix *f = *state;
	char path[4096];

	authority(f, "two/r.example/a.crt", "second");
	(void)snprintf(path, sizeof(path), "%s/one", f->dir);
	assert_int_equal(0, mkdir(path, 0755));
	(void)snprintf(path, sizeof(path), "%s/one/r.example", f->dir);
	assert_int_equal(0, symlink("r.example", path));
	assert_has(mr_buf_text(&certs_of(f, "https://r.example/")->ca),
		   "second");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(most_hosts_have_none),
		CASE(an_authority_is_trusted_beside_the_others),
		CASE(the_first_folder_of_a_host_is_the_only_one),
		CASE(hosts_have_names_of_several_spellings),
		CASE(a_pair_is_shown_to_its_host_only),
		CASE(half_a_pair_is_an_error),
		CASE(what_is_no_certificate_is_named),
		CASE(without_the_variable_home_is_first),
		CASE(a_folder_that_does_not_open_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

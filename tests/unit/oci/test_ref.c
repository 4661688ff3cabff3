/*
 * test_ref.c - what is a reference, what is not and why, and that its text
 * gives it back.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "oci/oci.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA256 "sha256:" HEX64
#define SHA512 "sha512:" HEX64 HEX64

static struct mreg_ref parsed(const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_ref r;

	assert_ok(mr_ref_parse(text, &r, &err), err);
	return r;
}

static void refused(const char *text, const char *msg, const char *hint)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_ref r;

	assert_code(MREG_EUSAGE, mr_ref_parse(text, &r, &err), err);
	assert_has(err.msg, msg);
	assert_has(err.hint, hint);
}

static void splits_a_registry_reference(void **state)
{
	struct mreg_ref r = parsed("ghcr.io/acme/models/churn:v3@" SHA256);
	char text[MREG_DIGEST_TEXT];

	(void)state;
	assert_string_equal(r.host, "ghcr.io");
	assert_string_equal(r.dir, "");
	assert_string_equal(r.repository, "acme/models/churn");
	assert_string_equal(r.tag, "v3");
	assert_string_equal(mreg_digest_text(&r.digest, text), SHA256);
}

static void knows_hosts_by_dot_colon_or_localhost(void **state)
{
	static const char *const hosts[] = {
		"localhost",  "localhost:5000", "a.b",     "registry:443",
		"[::1]:5000", "192.0.2.7:5000", "GHCR.io", "[2001:db8::1]",
	};
	char text[MREG_REF_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct mreg_ref r;

		(void)snprintf(text, sizeof(text), "%s/x/churn", hosts[i]);
		r = parsed(text);
		assert_string_equal(r.host, hosts[i]);
		assert_string_equal(r.repository, "x/churn");
	}
}

static void leaves_short_names_without_host(void **state)
{
	struct mreg_ref r = parsed("acme/churn:production");

	(void)state;
	assert_string_equal(r.host, "");
	assert_string_equal(r.dir, "");
	assert_string_equal(r.repository, "acme/churn");
	assert_string_equal(r.tag, "production");
	r = parsed("localhost:5000");
	assert_string_equal(r.repository, "localhost");
	assert_string_equal(r.tag, "5000");
}

static void splits_a_local_reference_at_the_first_slashes(void **state)
{
	struct mreg_ref r = parsed("oci:/srv/a:b@c/models//acme/churn:v1");

	(void)state;
	assert_string_equal(r.dir, "/srv/a:b@c/models");
	assert_string_equal(r.host, "");
	assert_string_equal(r.repository, "acme/churn");
	assert_string_equal(r.tag, "v1");
	r = parsed("oci:store//localhost/churn");
	assert_string_equal(r.dir, "store");
	assert_string_equal(r.repository, "localhost/churn");
	r = parsed("oci:store///churn");
	assert_string_equal(r.dir, "store");
	assert_string_equal(r.repository, "churn");
}

static void text_gives_the_same_reference(void **state)
{
	static const char *const texts[] = {
		"churn",
		"churn:v3",
		"churn@" SHA256,
		"ghcr.io/acme/churn:v3@" SHA256,
		"localhost:5000/churn@" SHA512,
		"oci:/srv/models//acme/churn:latest@" SHA256,
		"oci:.//churn",
	};
	char text[MREG_REF_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct mreg_ref r = parsed(texts[i]);

		assert_string_equal(mr_ref_text(&r, text), texts[i]);
	}
}

static void name_has_neither_tag_nor_digest(void **state)
{
	char text[MREG_REF_TEXT];
	struct mreg_ref r = parsed("ghcr.io/acme/churn:v3@" SHA256);

	(void)state;
	assert_string_equal(mr_ref_name(&r, text), "ghcr.io/acme/churn");
	assert_string_equal(mr_ref_portable(&r, text), "ghcr.io/acme/churn:v3");
	r = parsed("oci:dir//acme/churn:v3");
	assert_string_equal(mr_ref_name(&r, text), "oci:dir//acme/churn");
	assert_string_equal(mr_ref_portable(&r, text), "acme/churn:v3");
	r = parsed("oci:dir//acme/churn");
	assert_string_equal(mr_ref_portable(&r, text), "acme/churn");
}

static void names_the_wrong_part(void **state)
{
	(void)state;
	refused("", "names no repository", "");
	refused("ghcr.io/", "names no repository", "");
	refused(":v3", "names no repository", "");
	refused("@" SHA256, "names no repository", "");
	refused("a//b", "repository 'a//b'", "");
	refused("-x", "repository '-x'", "lower-case letters");
	refused("../x", "'..' is not a valid host", "");
	refused("a/../b", "repository 'a/../b'", "");
	refused("a/b/", "repository 'a/b/'", "");
	refused("a b", "repository 'a b'", "");
	refused("churn:", "'' is not a valid tag", "");
	refused("churn:.x", "'.x' is not a valid tag", "");
	refused("churn:v1:v2", "'v1:v2' is not a valid tag", "");
	refused("churn:1.0+b", "'1.0+b' is not a valid tag", "");
	refused("localhost:99999/x", "'localhost:99999' is not a valid host",
		"HOST[:PORT]");
	refused("localhost:0/x", "not a valid host", "");
	refused("localhost:/x", "not a valid host", "");
	refused("-a.b/x", "'-a.b' is not a valid host", "");
	refused("[::1/x", "not a valid host", "");
	refused("[::g]/x", "not a valid host", "");
	refused("[::1]x/x", "not a valid host", "");
	refused("a..b/x", "not a valid host", "");
	refused("a.b;$(id)/x", "not a valid host", "");
	refused("a\n.b/x", "'a\\x0a.b' is not a valid host", "");
}

static void suggests_lower_case(void **state)
{
	(void)state;
	refused("ghcr.io/Acme/Churn:v3", "'Acme/Churn' is not a valid name",
		"use lower case: 'acme/churn'");
}

static void refuses_what_is_no_digest(void **state)
{
	(void)state;
	refused("x@", "'' is not a digest", "64 lower-case hex");
	refused("x@sha256:../../x", "'sha256:../../x' is not a digest", "");
	refused("x@sha256:0123", "is not a digest", "");
	refused("x@" SHA256 "0", "is not a digest", "");
	refused("x@md5:0123", "is not a digest", "");
	refused("x@sha512:" HEX64, "is not a digest", "");
	refused("x@SHA256:" HEX64, "is not a digest", "");
	refused("x@" SHA256 "@" SHA256, "is not a digest", "");
}

static void does_not_show_a_password(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_ref r;

	(void)state;
	assert_code(MREG_EUSAGE,
		    mr_ref_parse("me:secret@ghcr.io/acme/churn", &r, &err),
		    err);
	assert_has_not(err.msg, "secret");
	assert_has(err.msg, "credentials");
	assert_has(err.hint, "mreg login");
}

static void refuses_schemes(void **state)
{
	(void)state;
	refused("https://ghcr.io/x", "'https://' is not part of a reference",
		"HOST[:PORT]");
	refused("oci://ghcr.io/x", "names no directory", "leave out 'oci://'");
	refused("oci:dir", "names no repository", "oci:DIR//REPOSITORY");
	refused("oci:dir//", "names no repository", "");
	refused("oci:a\nb//x", "'a\\x0ab' has a control byte", "");
	refused("oci:a\xff//x", "is not UTF-8", "");
}

static void refuses_names_a_store_keeps_for_itself(void **state)
{
	(void)state;
	refused("oci:d//blobs", "'blobs' is reserved", "mreg.");
	refused("oci:d//a/blobs/c", "'blobs' is reserved", "");
	refused("oci:d//a/index.json", "'index.json' is reserved", "");
	refused("oci:d//oci-layout", "'oci-layout' is reserved", "");
	refused("oci:d//a/mreg.lock", "'mreg.lock' is reserved", "");
	assert_string_equal(parsed("oci:d//blobs2/mreg").repository,
			    "blobs2/mreg");
	assert_string_equal(parsed("ghcr.io/blobs/mreg.x").repository,
			    "blobs/mreg.x");
}

/* `n` times 'a', between `head` and `tail`. */
static const char *long_text(char *buf, const char *head, size_t n,
			     const char *tail)
{
	size_t at = strlen(head);

	memcpy(buf, head, at);
	memset(buf + at, 'a', n);
	memcpy(buf + at + n, tail, strlen(tail) + 1);
	return buf;
}

static void takes_the_longest_parts_and_no_longer(void **state)
{
	static char b[8192];

	(void)state;
	assert_int_equal(strlen(parsed(long_text(b, "", 255, "")).repository),
			 255);
	refused(long_text(b, "", 256, ""), "longer than 255 bytes", "");
	assert_int_equal(strlen(parsed(long_text(b, "x:", 128, "")).tag), 128);
	refused(long_text(b, "x:", 129, ""), "is not a valid tag", "");
	assert_int_equal(strlen(parsed(long_text(b, "", 251, ".com/x")).host),
			 255);
	refused(long_text(b, "", 252, ".com/x"), "is not a valid host", "");
	assert_int_equal(strlen(parsed(long_text(b, "oci:", 1023, "//x")).dir),
			 1023);
	refused(long_text(b, "oci:", 1024, "//x"), "longer than 1023 bytes",
		"");
	refused(long_text(b, "", 5000, ""), "reference is longer than", "");
}

static void repositories_follow_the_grammar(void **state)
{
	static const char *const good[] = { "a",     "a.b",    "a_b", "a__b",
					    "a---b", "0/1/2",  "a/b", "a-b.c",
					    "a1",    "a.b/c_d" };
	static const char *const bad[] = { "",      "A",    "a.",   "a_",
					   "a___b", "a..b", ".a",   "/a",
					   "a/",    "a//b", "a.-b", "a/.",
					   "a/..",  "a:b",  "a\x80" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(mr_repository_valid(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mr_repository_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_a_registry_reference),
		cmocka_unit_test(knows_hosts_by_dot_colon_or_localhost),
		cmocka_unit_test(leaves_short_names_without_host),
		cmocka_unit_test(splits_a_local_reference_at_the_first_slashes),
		cmocka_unit_test(text_gives_the_same_reference),
		cmocka_unit_test(name_has_neither_tag_nor_digest),
		cmocka_unit_test(names_the_wrong_part),
		cmocka_unit_test(suggests_lower_case),
		cmocka_unit_test(refuses_what_is_no_digest),
		cmocka_unit_test(does_not_show_a_password),
		cmocka_unit_test(refuses_schemes),
		cmocka_unit_test(refuses_names_a_store_keeps_for_itself),
		cmocka_unit_test(takes_the_longest_parts_and_no_longer),
		cmocka_unit_test(repositories_follow_the_grammar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_ref_complete.c - short names below a prefix, and what no prefix can
 * be.
 */
#include "tests/support/test.h"

#include <string.h>

#include "oci/oci.h"

/* `name` completed, as text that must parse to the same. */
static void completes(const char *name, const char *prefix, const char *want)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char text[MREG_REF_TEXT];
	struct mreg_ref r, again;

	assert_ok(mr_ref_parse(name, &r, &err), err);
	assert_ok(mr_ref_complete(&r, prefix, "/home/me/store", &err), err);
	assert_string_equal(mr_ref_text(&r, text), want);
	assert_ok(mr_ref_parse(text, &again, &err), err);
	assert_string_equal(again.dir, r.dir);
	assert_string_equal(again.host, r.host);
	assert_string_equal(again.repository, r.repository);
}

static void refused(const char *name, const char *prefix, const char *store,
		    const char *why)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_ref r, before;

	assert_ok(mr_ref_parse(name, &r, &err), err);
	before = r;
	assert_code(MREG_EUSAGE, mr_ref_complete(&r, prefix, store, &err), err);
	assert_has(err.cause[0] ? err.cause : err.msg, why);
	assert_memory_equal(&r, &before, sizeof(r));
}

static void goes_below_a_registry(void **state)
{
	(void)state;
	completes("churn:v1", "ghcr.io/acme/models",
		  "ghcr.io/acme/models/churn:v1");
	completes("churn", "localhost:5000", "localhost:5000/churn");
	completes("a/churn", "localhost/", "localhost/a/churn");
	completes("churn", "ghcr.io/acme/", "ghcr.io/acme/churn");
}

static void goes_below_a_store(void **state)
{
	(void)state;
	completes("churn:v1", NULL, "oci:/home/me/store//churn:v1");
	completes("churn", "", "oci:/home/me/store//churn");
	completes("churn", "oci:models", "oci:models//churn");
	completes("churn", "oci:/srv//acme/", "oci:/srv//acme/churn");
	completes("churn", "oci:/srv//", "oci:/srv//churn");
}

static void keeps_the_text_parseable_for_any_directory(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char text[MREG_REF_TEXT];
	struct mreg_ref r;

	(void)state;
	completes("churn", "oci:/srv/", "oci:/srv//churn");
	completes("churn", "oci:/", "oci:/.//churn");
	assert_ok(mr_ref_parse("churn", &r, &err), err);
	assert_ok(mr_ref_complete(&r, NULL, "//home//me/store//", &err), err);
	assert_string_equal(mr_ref_text(&r, text), "oci:/home/me/store//churn");
}

static void leaves_whole_references_alone(void **state)
{
	(void)state;
	completes("ghcr.io/a/b:v1", "localhost:5000", "ghcr.io/a/b:v1");
	completes("oci:d//b", "localhost:5000", "oci:d//b");
}

static void refuses_what_is_no_prefix(void **state)
{
	(void)state;
	refused("churn", "https://ghcr.io", NULL, "'://'");
	refused("churn", "ghcr", NULL, "neither dot nor port");
	refused("churn", "ghcr.io;id/x", NULL, "host is not valid");
	refused("churn", "ghcr.io/Acme", NULL, "'Acme/churn'");
	refused("churn", "ghcr.io/acme:v1", NULL, "'acme:v1/churn'");
	refused("churn", "ghcr.io//x", NULL, "'/x/churn'");
	refused("churn", "oci:", NULL, "directory is empty");
	refused("churn", NULL, "", "directory is empty");
}

static void refuses_names_a_store_keeps_for_itself(void **state)
{
	(void)state;
	refused("blobs", NULL, "/s", "'blobs' is reserved");
	refused("a/mreg.lock", "oci:/s", NULL, "'mreg.lock' is reserved");
	refused("churn", "oci:/s//a/blobs", NULL, "'blobs' is reserved");
	completes("blobs", "ghcr.io", "ghcr.io/blobs");
}

static void refuses_what_becomes_too_long(void **state)
{
	static char b[4096];

	(void)state;
	memset(b, 'a', 300);
	memcpy(b, "a.b/", 4);
	b[300] = '\0';
	refused("churn", b, NULL, "longer than 255 bytes");
	memset(b, 'a', 1100);
	b[1100] = '\0';
	refused("churn", NULL, b, "longer than 1023 bytes");
	memset(b, 'a', 4095);
	refused("churn", b, NULL, "it is longer than");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_below_a_registry),
		cmocka_unit_test(goes_below_a_store),
		cmocka_unit_test(keeps_the_text_parseable_for_any_directory),
		cmocka_unit_test(leaves_whole_references_alone),
		cmocka_unit_test(refuses_what_is_no_prefix),
		cmocka_unit_test(refuses_names_a_store_keeps_for_itself),
		cmocka_unit_test(refuses_what_becomes_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

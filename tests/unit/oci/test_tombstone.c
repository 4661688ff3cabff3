/*
 * test_tombstone.c - the fixed manifest is what its constants say and what
 * our own writer gives.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "oci/oci.h"

static void its_digest_is_that_of_its_bytes(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest digest;
	struct mreg_desc desc;
	const char *bytes;
	size_t len;

	(void)state;
	bytes = mr_tombstone(&desc, &len);
	assert_int_equal(strlen(bytes), len);
	assert_int_equal(desc.size, len);
	assert_string_equal(desc.media_type, MR_MEDIA_MANIFEST);
	assert_ok(mr_digest_of(bytes, len, &digest, &err), err);
	assert_true(mreg_digest_equal(&digest, &desc.digest));
	assert_ptr_equal(mr_tombstone(NULL, NULL), bytes);
}

static void the_empty_blob_is_two_bytes(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest digest;

	(void)state;
	assert_ok(mr_digest_of("{}", 2, &digest, &err), err);
	assert_true(mreg_digest_equal(&digest, &mr_empty_desc.digest));
	assert_int_equal(mr_empty_desc.size, 2);
	assert_string_equal(mr_empty_desc.media_type, MR_MEDIA_EMPTY);
}

static void is_what_the_writer_gives(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_descriptor layer = { .desc = mr_empty_desc };
	struct mr_manifest_draft d = {
		.artifact_type = MR_MEDIA_REMOVED,
		.config = { .desc = mr_empty_desc, .data = "e30=" },
		.layers = &layer,
		.layer_count = 1,
	};
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(4096);

	(void)state;
	assert_ok(mr_manifest_write(&d, &b, &err), err);
	assert_string_equal(mr_buf_text(&b), mr_tombstone(NULL, NULL));
}

static void is_recognised(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	size_t len;
	const char *bytes = mr_tombstone(NULL, &len);

	(void)state;
	assert_ok(mr_manifest_parse(bytes, len, MR_MEDIA_MANIFEST, &m, &err),
		  err);
	assert_true(mr_manifest_removed(m));
	m->artifact_type = NULL;
	assert_false(mr_manifest_removed(m));
	m->artifact_type = MR_MEDIA_EMPTY;
	assert_false(mr_manifest_removed(m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_digest_is_that_of_its_bytes),
		cmocka_unit_test(the_empty_blob_is_two_bytes),
		cmocka_unit_test(is_what_the_writer_gives),
		cmocka_unit_test(is_recognised),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * tests/support/version_fixture.c - what version_fixture.h says.
 */
#include "tests/support/version_fixture.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "oci/oci.h"
#include "tests/support/test.h"

struct mreg_desc version_put(struct mr_store *s, unsigned int n,
			     struct mr_buf *bytes)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf own = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	struct mr_buf *b = bytes ? bytes : &own;
	struct mreg_error err = MREG_ERROR_INIT;
	char text[32];
	struct mreg_pair pair = { "org.mreg.test", text };
	struct mr_descriptor layer = { .desc = mr_empty_desc };
	struct mr_manifest_draft d = {
		.artifact_type = "application/vnd.mreg.test",
		.config = { .desc = mr_empty_desc },
		.annotations = { .items = &pair, .n = 1 },
		.layers = &layer,
		.layer_count = 1,
	};
	struct mreg_desc desc = { .size = 0 };
	char digest[MREG_DIGEST_TEXT];

	(void)snprintf(text, sizeof(text), "%u", n);
	if (bytes)
		mr_buf_init(bytes, MR_MANIFEST_MAX_BYTES);
	assert_ok(mr_manifest_write(&d, b, &err), err);
	(void)snprintf(desc.media_type, sizeof(desc.media_type), "%s",
		       MR_MEDIA_MANIFEST);
	desc.size = b->len;
	assert_ok(mr_digest_of(b->data, b->len, &desc.digest, &err), err);
	assert_ok(mr_store_put_bytes(s, &mr_empty_desc, "{}", &err), err);
	assert_ok(mr_store_set(s, mreg_digest_text(&desc.digest, digest), &desc,
			       b->data, NULL, &err),
		  err);
	return desc;
}

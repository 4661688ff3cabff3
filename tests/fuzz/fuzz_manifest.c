/*
 * fuzz_manifest.c - what is read as a manifest and written again reads the
 * same.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "oci/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Both absent, or equal. */
static void assert_same_text(const char *a, const char *b)
{
	assert(!a == !b);
	assert(!a || strcmp(a, b) == 0);
}

static void assert_same(const struct mr_descriptor *a,
			const struct mr_descriptor *b)
{
	size_t i;

	assert(strcmp(a->desc.media_type, b->desc.media_type) == 0);
	assert(mreg_digest_equal(&a->desc.digest, &b->desc.digest));
	assert(a->desc.size == b->desc.size);
	assert_same_text(a->data, b->data);
	assert_same_text(a->artifact_type, b->artifact_type);
	assert(a->annotations.n == b->annotations.n);
	for (i = 0; i < a->annotations.n; i++) {
		assert_same_text(a->annotations.items[i].name,
				 b->annotations.items[i].name);
		assert_same_text(a->annotations.items[i].value,
				 b->annotations.items[i].value);
	}
}

static void check(const struct mr_manifest *m)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest_draft d = {
		.artifact_type = m->artifact_type,
		.config = m->config,
		.layers = m->layers,
		.layer_count = m->layer_count,
		.subject = m->has_subject ? &m->subject : NULL,
		.annotations = m->annotations,
	};
	MR_AUTO(mr_buf_release)
	struct mr_buf out = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	MR_AUTO(mr_manifest_freep) struct mr_manifest *again = NULL;
	size_t i;
	int rc;

	rc = mr_manifest_write(&d, &out, &err);
	assert(rc == 0 || rc == MREG_ELIMIT); /* our media type is longer */
	if (rc < 0)
		return;
	assert(mr_manifest_parse(out.data, out.len, MR_MEDIA_MANIFEST, &again,
				 &err) == 0);
	assert_same_text(m->artifact_type, again->artifact_type);
	assert(m->annotations.n == again->annotations.n);
	assert(m->layer_count == again->layer_count);
	assert_same(&m->config, &again->config);
	for (i = 0; i < m->layer_count; i++)
		assert_same(&m->layers[i], &again->layers[i]);
	assert(m->has_subject == again->has_subject);
	if (m->has_subject)
		assert_same(&m->subject, &again->subject);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;

	if (mr_manifest_parse(data, size, NULL, &m, &err) < 0) {
		assert(err.msg[0]);
		return 0;
	}
	assert(m->raw_len == size && memcmp(m->raw, data, size) == 0);
	if (!m->is_index)
		check(m);
	return 0;
}

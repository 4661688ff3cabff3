/*
 * test_manifest_write.c - one draft, one text: the samples of peers.md 6.7 by
 * their digests, and what cannot be written.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"
#include "oci/oci.h"

#define CREATED "2026-01-01T00:00:00Z"
#define PARENT                                                                 \
	"sha256:"                                                              \
	"0000000000000000000000000000000000000000000000000000000000000001"
#define PARENT_REF "registry.example.com/models/toy-base:1.0.0"

static struct mr_descriptor descriptor(const char *type, const char *digest,
				       uint64_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_descriptor d = { .desc = { .size = size } };

	(void)snprintf(d.desc.media_type, sizeof(d.desc.media_type), "%s",
		       type);
	assert_ok(mreg_digest_parse(digest, &d.desc.digest, &err), err);
	return d;
}

static void assert_written(const struct mr_manifest_draft *d, size_t len,
			   const char *digest)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	char text[MREG_DIGEST_TEXT];

	assert_ok(mr_manifest_write(d, &b, &err), err);
	assert_int_equal(b.len, len);
	assert_ok(mr_manifest_parse(b.data, b.len, MR_MEDIA_MANIFEST, &m, &err),
		  err);
	assert_string_equal(mreg_digest_text(&m->desc.digest, text), digest);
}

/* The annotations of a raw file's layer: peers.md 6.3 rule 3 and 4. */
static struct mr_annotations file_annotations(struct mreg_pair pairs[4],
					      char metadata[256],
					      const char *name, int size)
{
	struct mr_annotations a = { .items = pairs, .n = 4 };

	(void)snprintf(metadata, 256,
		       "{\"name\":\"%s\",\"mode\":420,\"uid\":0,\"gid\":0,"
		       "\"size\":%d,\"mtime\":\"1970-01-01T00:00:00Z\","
		       "\"typeflag\":0}",
		       name, size);
	pairs[0] = (struct mreg_pair){ "org.cncf.model.filepath", name };
	pairs[1] = (struct mreg_pair){ "org.cncf.model.file.metadata+json",
				       metadata };
	pairs[2] = (struct mreg_pair){ "org.cncf.model.file.mediatype.untested",
				       "false" };
	pairs[3] = (struct mreg_pair){ "org.opencontainers.image.title", name };
	return a;
}

static void gives_sample_a_byte_for_byte(void **state)
{
	/* Out of order on purpose. */
	struct mreg_pair manifest[] = {
		{ "org.opencontainers.image.version", "1.0.0" },
		{ "org.opencontainers.image.title", "toy" },
		{ "org.mreg.schema", "1" },
		{ "org.mreg.fileset.digest",
		  "sha256:662721652052440bf33b5f123c3a3dbfaaa7454b48e655dd01b34a63f61e4070" },
		{ "org.mreg.parents",
		  "[{\"relation\":\"finetune\",\"ref\":\"" PARENT_REF
		  "\",\"digest\":\"" PARENT "\"}]" },
		{ "org.mreg.metric.accuracy", "0.91" },
		{ "org.opencontainers.image.base.name", PARENT_REF },
		{ "org.opencontainers.image.base.digest", PARENT },
		{ "org.opencontainers.image.created", CREATED },
		{ "org.opencontainers.image.licenses", "Apache-2.0" },
	};
	struct mreg_pair pairs[3][4];
	char metadata[3][256];
	struct mr_descriptor layers[3];
	struct mr_manifest_draft d = {
		.artifact_type = "application/vnd.cncf.model.manifest.v1+json",
		.layers = layers,
		.layer_count = 3,
		.annotations = { manifest, MR_COUNT(manifest) },
	};

	(void)state;
	d.config = descriptor(
		"application/vnd.cncf.model.config.v1+json",
		"sha256:560cfdcc774fdbaa1bf34cda668e5aadb72e4791708ce3f083aebac67d09dc4a",
		486);
	layers[0] = descriptor(
		"application/vnd.cncf.model.weight.v1.raw",
		"sha256:3622b7c0d5cbdea5ed3b43c94598c239ef5fa897985a1a2fd1ddf470e2d67d36",
		104);
	layers[1] = descriptor(
		"application/vnd.cncf.model.weight.config.v1.raw",
		"sha256:69e47a521e8d71aed22be7802824e35ce7e80b14d6ad6cbe3fd33faaacc3dbeb",
		21);
	layers[2] = descriptor(
		"application/vnd.cncf.model.doc.v1.raw",
		"sha256:e8cb8f639a82bde83ac571a3a8049e1763c871d037a066cc556a3a7aafe3207a",
		6);
	layers[0].annotations = file_annotations(pairs[0], metadata[0],
						 "model.safetensors", 104);
	layers[1].annotations =
		file_annotations(pairs[1], metadata[1], "config.json", 21);
	layers[2].annotations =
		file_annotations(pairs[2], metadata[2], "README.md", 6);
	assert_written(
		&d, 2460,
		"sha256:c257b3f9efb76ea2a9198046a5a4b6ba7557620ce020836fba367a3465af75a3");
	assert_string_equal(manifest[0].value, "1.0.0"); /* left in order */
}

static void gives_sample_e_byte_for_byte(void **state)
{
	struct mreg_pair manifest[] = {
		{ "org.mreg.evaluation.suite", "toy-eval" },
		{ "org.mreg.metric.accuracy", "0.93" },
		{ "org.opencontainers.image.created", CREATED },
	};
	struct mreg_pair title = { "org.opencontainers.image.title",
				   "evaluation.json" };
	struct mr_descriptor layer, subject;
	struct mr_manifest_draft d = {
		.artifact_type = "application/vnd.mreg.evaluation.v1+json",
		.config = { .desc = mr_empty_desc, .data = "e30=" },
		.layers = &layer,
		.layer_count = 1,
		.subject = &subject,
		.annotations = { manifest, MR_COUNT(manifest) },
	};

	(void)state;
	layer = descriptor(
		"application/vnd.mreg.evaluation.v1+json",
		"sha256:3f8b81f06a3b8327cdda86c08c4b464e3c8fa098a0fcca6a0c79147183cdd6b9",
		67);
	layer.annotations.items = &title;
	layer.annotations.n = 1;
	subject = descriptor(
		MR_MEDIA_MANIFEST,
		"sha256:c257b3f9efb76ea2a9198046a5a4b6ba7557620ce020836fba367a3465af75a3",
		2460);
	subject.artifact_type = "application/vnd.cncf.model.manifest.v1+json";
	assert_written(
		&d, 897,
		"sha256:a3012db9aa622ebc194726aa64a65d4616f0128da944da5e4d746d6f933fa962");
}

static void appends_and_leaves_out_what_is_absent(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest_draft d = { .config = { .desc = mr_empty_desc } };
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(4096);

	(void)state;
	mr_buf_puts(&b, "before");
	assert_ok(mr_manifest_write(&d, &b, &err), err);
	assert_string_equal(
		mr_buf_text(&b),
		"before{\"schemaVersion\":2,"
		"\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\","
		"\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\","
		"\"size\":2},\"layers\":[]}");
}

static void refuses_an_annotation_given_twice(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_pair pairs[] = {
		{ "b", "1" }, { "a\n", "2" }, { "c", "3" }, { "a\n", "2" }
	};
	struct mr_manifest_draft d = {
		.config = { .desc = mr_empty_desc },
		.annotations = { pairs, MR_COUNT(pairs) },
	};
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(4096);

	(void)state;
	assert_code(MREG_EUSAGE, mr_manifest_write(&d, &b, &err), err);
	assert_has(err.msg, "'a\\x0a' is given twice");
}

static void refuses_more_than_registries_take(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	size_t count = 40000;
	struct mr_descriptor *layers = calloc(count, sizeof(*layers));
	struct mr_manifest_draft d = {
		.config = { .desc = mr_empty_desc },
		.layers = layers,
		.layer_count = count,
	};
	MR_AUTO(mr_buf_release)
	struct mr_buf tight = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	MR_AUTO(mr_buf_release)
	struct mr_buf wide = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES * 2);
	size_t i;

	(void)state;
	assert_non_null(layers);
	for (i = 0; i < count; i++)
		layers[i].desc = mr_empty_desc;
	assert_code(MREG_ELIMIT, mr_manifest_write(&d, &tight, &err), err);
	assert_has(err.msg, "40000 layers");
	assert_code(MREG_ELIMIT, mr_manifest_write(&d, &wide, &err), err);
	assert_has(err.msg, "larger than 4194304 bytes");
	assert_has(err.hint, "fewer files");
	free(layers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_sample_a_byte_for_byte),
		cmocka_unit_test(gives_sample_e_byte_for_byte),
		cmocka_unit_test(appends_and_leaves_out_what_is_absent),
		cmocka_unit_test(refuses_an_annotation_given_twice),
		cmocka_unit_test(refuses_more_than_registries_take),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

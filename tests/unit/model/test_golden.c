/*
 * test_golden.c - the sample of spec/samples byte for byte: three files and a
 * metadata file become exactly these two documents (facts: peers.md 6.7 A).
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "model/model.h"

#define TOY "tests/golden/toy"

static const char *const names[] = { "README.md", "config.json",
				     "model.safetensors" };

static void load_files(struct mr_model_file files[3])
{
	struct mreg_error err = MREG_ERROR_INIT;
	char *bytes;
	size_t n;
	size_t i;

	for (i = 0; i < 3; i++) {
		bytes = test_read(TOY "/files", names[i], &n);
		files[i] = (struct mr_model_file){
			.path = names[i],
			.size = n,
			.tested = true,
		};
		assert_ok(mr_digest_of(bytes, n, &files[i].digest, &err), err);
		free(bytes);
	}
}

static void write_toy(const char *metadata, struct mr_model_docs *out)
{
	MR_AUTO(mr_meta_freep) struct mr_meta *meta = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_model_file files[3];
	char *bytes;
	size_t n;

	assert_ok(mr_meta_new(&meta, &err), err);
	bytes = test_read(TOY, metadata, &n);
	assert_ok(mr_meta_load(meta, bytes, n, metadata, &err), err);
	free(bytes);
	load_files(files);
	assert_ok(mr_model_write(meta, "toy", files, 3, out, &err), err);
}

static void is_digest(const struct mreg_digest *got, const char *want)
{
	char text[MREG_DIGEST_TEXT];

	assert_string_equal(mreg_digest_text(got, text), want);
}

static void writes_the_sample_from_json(void **state)
{
	MR_AUTO(mr_model_docs_release) struct mr_model_docs docs = { 0 };

	(void)state;
	write_toy("metadata.json", &docs);
	assert_golden("toy/config.json", docs.config.data, docs.config.len);
	assert_golden("toy/manifest.json", docs.manifest.data,
		      docs.manifest.len);
}

static void writes_the_same_from_yaml(void **state)
{
	MR_AUTO(mr_model_docs_release) struct mr_model_docs docs = { 0 };

	(void)state;
	write_toy("metadata.yaml", &docs);
	assert_golden("toy/config.json", docs.config.data, docs.config.len);
	assert_golden("toy/manifest.json", docs.manifest.data,
		      docs.manifest.len);
}

/* Not from files: an update of the golden files must not move these.  They
 * are what has been published. */
static void keeps_the_published_digests(void **state)
{
	MR_AUTO(mr_model_docs_release) struct mr_model_docs docs = { 0 };

	(void)state;
	write_toy("metadata.json", &docs);
	is_digest(&docs.config_desc.digest,
		  "sha256:560cfdcc774fdbaa1bf34cda668e5aad"
		  "b72e4791708ce3f083aebac67d09dc4a");
	assert_int_equal(docs.config_desc.size, 486);
	is_digest(&docs.manifest_desc.digest,
		  "sha256:c257b3f9efb76ea2a9198046a5a4b6ba"
		  "7557620ce020836fba367a3465af75a3");
	assert_int_equal(docs.manifest_desc.size, 2460);
	is_digest(&docs.fileset, "sha256:662721652052440bf33b5f123c3a3dbf"
				 "aaa7454b48e655dd01b34a63f61e4070");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_sample_from_json),
		cmocka_unit_test(writes_the_same_from_yaml),
		cmocka_unit_test(keeps_the_published_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

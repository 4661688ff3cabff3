/*
 * test_read.c - metadata back from documents, ours and others'.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "model/model.h"

#define HEX "000000000000000000000000000000000000000000000000000000000000000"

static int fresh(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = NULL;

	assert_ok(mr_meta_new(&m, &err), err);
	*state = m;
	return 0;
}

static int gone(void **state)
{
	mr_meta_free(*state);
	return 0;
}

static void reads(struct mr_meta *m, const char *annotations)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *doc = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	char text[8192];

	snprintf(
		text, sizeof(text),
		"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\","
		"\"digest\":\"sha256:" HEX
		"c\",\"size\":2},\"layers\":[],\"annotations\":{%s}}",
		annotations);
	assert_ok(mr_manifest_parse(text, strlen(text), NULL, &doc, &err), err);
	assert_ok(mr_meta_read(doc, m, &err), err);
}

static void reads_config(struct mr_meta *m, const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_read_config(text, strlen(text), m, &err), err);
}

static const char everything[] =
	"{\"architecture\":\"cnn\",\"family\":\"f\",\"paramSize\":\"6B\",\"precision\":\"p\","
	"\"quantization\":\"q\",\"format\":\"own\",\"vendor\":\"Acme\",\"created\":\"2026-01-02T03:04:05Z\","
	"\"versionLabel\":\"1.2.3\",\"description\":\"d\\nd\",\"license\":\"A OR B\",\"source\":\"s\",\"revision\":\"r\","
	"\"url\":\"u\",\"documentation\":\"doc\",\"authors\":[\"Ada, B\",\"Bob\"],\"kind\":\"prompt\","
	"\"runId\":\"7\",\"runUrl\":\"https://r\",\"because\":\"sha256:" HEX
	"1\",\"environment\":\"conda.yaml\",\"signature\":{\"b\":1.50,\"a\":\"x\"},"
	"\"metrics\":{\"auc\":0.910},\"params\":{\"lr\":1e-3},\"tags\":{\"t\":\"\"},\"annotations\":{\"com.example\":\"e\"},"
	"\"parents\":[\"merge=hf://a/b\",\"base:v1@sha256:" HEX "1\"],"
	"\"inputs\":[{\"role\":\"train\",\"name\":\"n\",\"consent\":\"c\",\"license\":\"l\",\"uri\":\"s3://u\",\"classification\":\"k\",\"digest\":\"md5:0a\"}]}";

static void write_docs(const struct mr_meta *m, struct mr_model_docs *out)
{
	struct mr_model_file f = { .path = "a.bin", .size = 1 };
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_digest_of("a", 1, &f.digest, &err), err);
	assert_ok(mr_model_write(m, "churn", &f, 1, out, &err), err);
}

static void reads_back_all_that_was_written(void **state)
{
	MR_AUTO(mr_model_docs_release) struct mr_model_docs first = { 0 };
	MR_AUTO(mr_model_docs_release) struct mr_model_docs second = { 0 };
	MR_AUTO(mr_manifest_freep) struct mr_manifest *doc = NULL;
	MR_AUTO(mr_meta_freep) struct mr_meta *again = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = *state;

	assert_ok(mr_meta_load(m, everything, sizeof(everything) - 1, "all",
			       &err),
		  err);
	write_docs(m, &first);
	assert_ok(mr_manifest_parse(first.manifest.data, first.manifest.len,
				    NULL, &doc, &err),
		  err);
	assert_ok(mr_meta_new(&again, &err), err);
	assert_ok(mr_meta_read(doc, again, &err), err);
	reads_config(again, first.config.data);
	assert_int_equal(again->authors.n, 2);
	assert_string_equal(again->authors.items[0], "Ada, B");
	assert_string_equal(again->metrics[0].value, "0.910");
	write_docs(again, &second);
	assert_string_equal(second.manifest.data, first.manifest.data);
	assert_string_equal(second.config.data, first.config.data);
}

static void leaves_out_what_it_cannot_read(void **state)
{
	struct mr_meta *m = *state;

	reads(m,
	      "\"org.mreg.metric.good\":\"1\",\"org.mreg.metric.bad\":\"nan\",\"org.mreg.metric.\":\"1\","
	      "\"org.mreg.kind\":\"spaceship\",\"org.mreg.because\":\"x\",\"org.mreg.signature\":\"{\","
	      "\"org.mreg.parents\":\"no json\",\"org.mreg.inputs\":\"{}\","
	      "\"org.mreg.later\":\"x\",\"org.opencontainers.image.title\":\"t\","
	      "\"org.opencontainers.image.created\":\"soon\",\"org.opencontainers.image.version\":\"\","
	      "\"org.opencontainers.image.base.name\":\"b\",\"org.opencontainers.image.vendor\":\"v\"");
	assert_int_equal(m->metric_count, 1);
	assert_string_equal(m->metrics[0].name, "good");
	assert_null(m->kind);
	assert_null(m->because);
	assert_null(m->signature);
	assert_null(m->created);
	assert_null(m->version_label);
	assert_int_equal(m->parent_count, 0);
	assert_int_equal(m->input_count, 0);
	assert_int_equal(m->annotation_count, 1);
	assert_string_equal(m->annotations[0].name,
			    "org.opencontainers.image.vendor");
}

static void reads_the_good_edges_among_bad_ones(void **state)
{
	struct mr_meta *m = *state;

	reads(m,
	      "\"org.mreg.parents\":\"[1,null,[],{},{\\\"ref\\\":\\\"a\\\"},"
	      "{\\\"relation\\\":\\\"later\\\",\\\"ref\\\":\\\"b:v1\\\",\\\"digest\\\":\\\"sha256:1\\\"},"
	      "{\\\"relation\\\":\\\"merge\\\",\\\"ref\\\":7}]\","
	      "\"org.mreg.inputs\":\"[{\\\"uri\\\":\\\"a\\\"},{\\\"role\\\":\\\"train\\\",\\\"uri\\\":[]}]\"");
	assert_int_equal(m->parent_count, 1);
	assert_string_equal(m->parents[0].relation, "later");
	assert_string_equal(m->parents[0].ref, "b:v1");
	assert_null(m->parents[0].digest);
	assert_int_equal(m->input_count, 1);
	assert_null(m->inputs[0].uri);
}

static void reads_annotations_of_other_tools(void **state)
{
	struct mr_meta *m = *state;

	reads(m,
	      "\"org.cncf.modctl.modelfile\":\"FROM x\\nNAME y\",\"org.opencontainers.image.authors\":\"A, B\","
	      "\"org.opencontainers.image.description\":\"a\\u0007\"");
	assert_int_equal(m->annotation_count, 1);
	assert_string_equal(m->annotations[0].value, "FROM x\nNAME y");
	assert_int_equal(m->authors.n, 2);
	assert_string_equal(m->description, "a\a");
}

static void reads_a_config_alone(void **state)
{
	struct mr_meta *m = *state;

	reads_config(
		m,
		"{\"descriptor\":{\"createdAt\":\"2025-01-01T00:00:00Z\",\"family\":\"bert\",\"name\":\"n\",\"licenses\":[\"MIT\",\"X\"],\"authors\":[\"A\",7]},"
		"\"config\":{\"architecture\":\"transformer\",\"format\":\"gguf\",\"paramSize\":\"7b\"},\"modelfs\":{}}");
	assert_string_equal(m->architecture, "transformer");
	assert_string_equal(m->family, "bert");
	assert_string_equal(m->licenses, "MIT, X");
	assert_string_equal(m->created, "2025-01-01T00:00:00Z");
	assert_int_equal(m->authors.n, 1);
}

static void keeps_annotations_before_the_config(void **state)
{
	struct mr_meta *m = *state;

	reads(m, "\"org.opencontainers.image.licenses\":\"MIT\"");
	reads_config(
		m,
		"{\"descriptor\":{\"licenses\":[\"GPL-3.0\"],\"createdAt\":\"1970-01-01T00:00:00Z\"},\"config\":{\"architecture\":\"unknown\"}}");
	assert_string_equal(m->licenses, "MIT");
	assert_null(m->created);
	assert_null(m->architecture);
}

static void survives_any_config(void **state)
{
	static const char *const configs[] = {
		"",
		"{",
		"null",
		"[]",
		"7",
		"{}",
		"{\"descriptor\":7,\"config\":[]}",
		"{\"descriptor\":{\"createdAt\":{},\"authors\":{},\"licenses\":\"MIT\",\"family\":[]},\"config\":{\"architecture\":null}}",
		"{\"descriptor\":{\"licenses\":[null,\"\"],\"authors\":[]},\"config\":{\"architecture\":\"\"}}",
	};
	struct mr_meta *m = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(configs); i++)
		reads_config(m, configs[i]);
	assert_null(m->architecture);
	assert_null(m->family);
	assert_null(m->licenses);
	assert_int_equal(m->authors.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_back_all_that_was_written,
						fresh, gone),
		cmocka_unit_test_setup_teardown(leaves_out_what_it_cannot_read,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			reads_the_good_edges_among_bad_ones, fresh, gone),
		cmocka_unit_test_setup_teardown(
			reads_annotations_of_other_tools, fresh, gone),
		cmocka_unit_test_setup_teardown(reads_a_config_alone, fresh,
						gone),
		cmocka_unit_test_setup_teardown(
			keeps_annotations_before_the_config, fresh, gone),
		cmocka_unit_test_setup_teardown(survives_any_config, fresh,
						gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

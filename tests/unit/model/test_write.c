/*
 * test_write.c - files and metadata to documents: order, omission, limits,
 * and that nothing but the arguments has a say.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "model/model.h"

#define DIGEST                                                                 \
	"sha256:0000000000000000000000000000000000000000000000000000000000000001"

static struct mr_model_file file(const char *path, uint64_t size)
{
	struct mr_model_file f = { .path = path, .size = size };
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_digest_of(path, strlen(path), &f.digest, &err), err);
	return f;
}

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

static void sets(struct mr_meta *m, const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_load(m, text, strlen(text), "test", &err), err);
}

static void writes(struct mr_meta *m, struct mr_model_file *files, size_t n,
		   struct mr_model_docs *out)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_model_write(m, "churn", files, n, out, &err), err);
}

/* `first` stands before `second` in `text`. */
static void in_order(const char *text, const char *first, const char *second)
{
	assert_has(text, first);
	assert_has(strstr(text, first) + 1, second);
}

static void says_no_more_than_it_knows(void **state)
{
	struct mr_model_file f = file("a.gguf", 5);
	MR_AUTO(mr_model_docs_release) struct mr_model_docs d = { 0 };
	char want[512];
	char digest[MREG_DIGEST_TEXT];

	writes(*state, &f, 1, &d);
	snprintf(
		want, sizeof(want),
		"{\"descriptor\":{\"createdAt\":\"1970-01-01T00:00:00Z\",\"name\":\"churn\"},"
		"\"config\":{\"architecture\":\"unknown\",\"format\":\"gguf\"},"
		"\"modelfs\":{\"type\":\"layers\",\"diffIds\":[\"%s\"]}}",
		mreg_digest_text(&f.digest, digest));
	assert_string_equal(d.config.data, want);
	assert_has_not(d.manifest.data, "created");
	assert_has_not(d.manifest.data, "org.mreg.kind");
	assert_has_not(d.manifest.data, "null");
	assert_has(d.manifest.data,
		   "\"org.cncf.model.file.mediatype.untested\":\"true\"");
}

static void writes_every_field_in_its_place(void **state)
{
	struct mr_model_file f = file("a.bin", 5);
	MR_AUTO(mr_model_docs_release) struct mr_model_docs d = { 0 };

	sets(*state,
	     "{\"architecture\":\"cnn\",\"family\":\"f\",\"paramSize\":\"6B\",\"precision\":\"p\","
	     "\"quantization\":\"q\",\"format\":\"own\",\"vendor\":\"Acme\",\"created\":\"2026-01-02T03:04:05Z\","
	     "\"versionLabel\":\"1.2.3\",\"description\":\"d\\nd\",\"license\":\"A OR B\",\"source\":\"s\",\"revision\":\"r\","
	     "\"url\":\"u\",\"documentation\":\"doc\",\"authors\":[\"Ada\",\"Bob\"],"
	     "\"inputs\":[\"train=s3://t\",\"prompt=s3://p\",\"test=data:v1\",\"validate=https://v/w\"]}");
	writes(*state, &f, 1, &d);
	assert_has(
		d.config.data,
		"{\"descriptor\":{\"createdAt\":\"2026-01-02T03:04:05Z\",\"authors\":[\"Ada\",\"Bob\"],"
		"\"vendor\":\"Acme\",\"family\":\"f\",\"name\":\"churn\",\"version\":\"1.2.3\",\"description\":\"d\\nd\","
		"\"docURL\":\"doc\",\"sourceURL\":\"s\",\"datasetsURL\":[\"s3://t\",\"https://v/w\"],"
		"\"revision\":\"r\",\"licenses\":[\"A OR B\"]},"
		"\"config\":{\"architecture\":\"cnn\",\"format\":\"own\",\"paramSize\":\"6B\",\"precision\":\"p\","
		"\"quantization\":\"q\"},\"modelfs\"");
	assert_has(
		d.manifest.data,
		"\"org.opencontainers.image.authors\":\"Ada, Bob\","
		"\"org.opencontainers.image.created\":\"2026-01-02T03:04:05Z\","
		"\"org.opencontainers.image.description\":\"d\\nd\","
		"\"org.opencontainers.image.documentation\":\"doc\","
		"\"org.opencontainers.image.licenses\":\"A OR B\","
		"\"org.opencontainers.image.revision\":\"r\","
		"\"org.opencontainers.image.source\":\"s\","
		"\"org.opencontainers.image.title\":\"churn\","
		"\"org.opencontainers.image.url\":\"u\","
		"\"org.opencontainers.image.version\":\"1.2.3\"}");
	assert_has_not(d.manifest.data, "Acme");
}

static void writes_maps_and_edges(void **state)
{
	struct mr_model_file f = file("a.bin", 5);
	MR_AUTO(mr_model_docs_release) struct mr_model_docs d = { 0 };

	sets(*state,
	     "{\"kind\":\"prompt\",\"runId\":\"7\",\"runUrl\":\"https://r\",\"because\":\"" DIGEST
	     "\",\"environment\":\"conda.yaml\",\"signature\":{\"b\":1.50,\"a\":\"x\"},"
	     "\"metrics\":{\"auc\":0.910},\"params\":{\"lr\":1e-3},\"tags\":{\"t\":\"\"},\"annotations\":{\"com.example\":\"e\"},"
	     "\"parents\":[\"merge=hf://a/b\",\"base:v1@" DIGEST "\"],"
	     "\"inputs\":[{\"role\":\"train\",\"name\":\"n\",\"consent\":\"c\",\"license\":\"l\",\"uri\":\"s3://u\",\"classification\":\"k\",\"digest\":\"md5:0a\"}]}");
	writes(*state, &f, 1, &d);
	assert_has(
		d.manifest.data,
		"\"annotations\":{\"com.example\":\"e\",\"org.mreg.because\":\"" DIGEST
		"\",\"org.mreg.environment\":\"conda.yaml\",\"org.mreg.fileset.digest\":\"");
	assert_has(
		d.manifest.data,
		"\"org.mreg.inputs\":\"[{\\\"role\\\":\\\"train\\\",\\\"name\\\":\\\"n\\\",\\\"uri\\\":\\\"s3://u\\\","
		"\\\"digest\\\":\\\"md5:0a\\\",\\\"license\\\":\\\"l\\\",\\\"classification\\\":\\\"k\\\",\\\"consent\\\":\\\"c\\\"}]\","
		"\"org.mreg.kind\":\"prompt\",\"org.mreg.metric.auc\":\"0.910\",\"org.mreg.param.lr\":\"1e-3\","
		"\"org.mreg.parents\":\"[{\\\"relation\\\":\\\"merge\\\",\\\"ref\\\":\\\"hf://a/b\\\"},"
		"{\\\"relation\\\":\\\"finetune\\\",\\\"ref\\\":\\\"base:v1\\\",\\\"digest\\\":\\\"" DIGEST
		"\\\"}]\",\"org.mreg.run.id\":\"7\",\"org.mreg.run.url\":\"https://r\",\"org.mreg.schema\":\"1\","
		"\"org.mreg.signature\":\"{\\\"a\\\":\\\"x\\\",\\\"b\\\":1.50}\",\"org.mreg.tag.t\":\"\","
		"\"org.opencontainers.image.base.name\":\"hf://a/b\",");
	/* The first parent lies outside and has no digest. */
	assert_has_not(d.manifest.data, "base.digest");
}

static void orders_layers_by_role_then_path(void **state)
{
	struct mr_model_file files[] = {
		file("z.md", 1),          file("b.safetensors", 1),
		file("run.py", 1),        file("B.safetensors", 1),
		file("config.json", 1),   file("a/b.safetensors", 1),
		file("a.safetensors", 1), file("\xc3\xa4.safetensors", 1),
	};
	static const char *const order[] = {
		"\"org.cncf.model.filepath\":\"B.safetensors\"",
		"\"org.cncf.model.filepath\":\"a.safetensors\"",
		"\"org.cncf.model.filepath\":\"a/b.safetensors\"",
		"\"org.cncf.model.filepath\":\"b.safetensors\"",
		"\"org.cncf.model.filepath\":\"\xc3\xa4.safetensors\"",
		"\"org.cncf.model.filepath\":\"config.json\"",
		"\"org.cncf.model.filepath\":\"run.py\"",
		"\"org.cncf.model.filepath\":\"z.md\"",
	};
	MR_AUTO(mr_model_docs_release) struct mr_model_docs d = { 0 };
	size_t i;

	writes(*state, files, MR_COUNT(files), &d);
	for (i = 1; i < MR_COUNT(order); i++)
		in_order(d.manifest.data, order[i - 1], order[i]);
	assert_has(d.manifest.data,
		   "{\\\"name\\\":\\\"b.safetensors\\\",\\\"mode\\\":420");
}

static void does_not_depend_on_the_order_given(void **state)
{
	struct mr_model_file one[] = { file("a.bin", 1), file("b.md", 2),
				       file("c.py", 3) };
	struct mr_model_file two[] = { one[2], one[0], one[1] };
	MR_AUTO(mr_model_docs_release) struct mr_model_docs a = { 0 };
	MR_AUTO(mr_model_docs_release) struct mr_model_docs b = { 0 };
	MR_AUTO(mr_meta_freep) struct mr_meta *other = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	sets(*state, "{\"metrics\":{\"a\":1,\"b\":2}}");
	writes(*state, one, 3, &a);
	assert_ok(mr_meta_new(&other, &err), err);
	sets(other, "{\"metrics\":{\"b\":2}}");
	sets(other, "{\"metrics\":{\"a\":1}}");
	writes(other, two, 3, &b);
	assert_true(mreg_digest_equal(&a.manifest_desc.digest,
				      &b.manifest_desc.digest));
	assert_string_equal(a.manifest.data, b.manifest.data);
}

static void keeps_the_executable_bit(void **state)
{
	struct mr_model_file f = file("run.sh", 3);
	MR_AUTO(mr_model_docs_release) struct mr_model_docs d = { 0 };

	f.executable = true;
	writes(*state, &f, 1, &d);
	assert_has(
		d.manifest.data,
		"\\\"mode\\\":493,\\\"uid\\\":0,\\\"gid\\\":0,\\\"size\\\":3,");
}

static void keeps_names_that_are_not_ascii(void **state)
{
	struct mr_model_file f = file("d\xc3\xa9j\xc3\xa0 vu/\"q\"\\.bin", 3);
	MR_AUTO(mr_model_docs_release) struct mr_model_docs d = { 0 };

	writes(*state, &f, 1, &d);
	assert_has(
		d.manifest.data,
		"\"org.opencontainers.image.title\":\"d\xc3\xa9j\xc3\xa0 vu/\\\"q\\\"\\\\.bin\"");
	assert_has(d.manifest.data,
		   "{\\\"name\\\":\\\"\\\\\\\"q\\\\\\\"\\\\\\\\.bin\\\"");
}

static void makes_datasets_of_data(void **state)
{
	struct mr_model_file f = file("train.parquet", 3);
	MR_AUTO(mr_model_docs_release) struct mr_model_docs d = { 0 };

	sets(*state, "kind: dataset");
	writes(*state, &f, 1, &d);
	assert_has(d.manifest.data,
		   "\"application/vnd.cncf.model.dataset.v1.raw\"");
	assert_has(d.manifest.data, "\"org.mreg.kind\":\"dataset\"");
	assert_has_not(d.config.data, "format");
}

static void takes_the_format_of_the_largest_weights(void **state)
{
	struct mr_model_file files[] = { file("a.safetensors", 10),
					 file("b.onnx", 11),
					 file("c.xyz", 99u << 20),
					 file("z.gguf", 11) };
	MR_AUTO(mr_model_docs_release) struct mr_model_docs d = { 0 };

	writes(*state, files, 4, &d);
	assert_has(d.config.data, "\"format\":\"onnx\"");
}

/* sha256sum's own output for two files of these contents. */
static void names_the_fileset_as_sha256sum_would(void **state)
{
	struct mr_model_file files[] = { file("b", 1), file("a", 1) };
	static const char lines[] =
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a\n"
		"3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  b\n";
	MR_AUTO(mr_model_docs_release) struct mr_model_docs d = { 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest want;

	writes(*state, files, 2, &d);
	assert_ok(mr_digest_of(lines, sizeof(lines) - 1, &want, &err), err);
	assert_true(mreg_digest_equal(&d.fileset, &want));
}

static void refuses_paths_it_cannot_write(void **state)
{
	static const char *const bad[] = { "", "a\nb", "\xff" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_model_docs d;
	struct mr_model_file f;
	struct mr_model_file twice[] = { file("a", 1), file("b", 1),
					 file("a", 1) };
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		f = file(bad[i], 1);
		assert_code(MREG_EUSAGE,
			    mr_model_write(*state, "m", &f, 1, &d, &err), err);
		assert_has(err.msg, "'path'");
	}
	assert_code(MREG_EUSAGE,
		    mr_model_write(*state, "m", twice, 3, &d, &err), err);
	assert_string_equal(err.msg, "'a' is given twice");
	assert_code(MREG_EUSAGE,
		    mr_model_write(*state, "m", twice, 0, &d, &err), err);
	assert_string_equal(err.msg, "'m' would have no file");
}

static void says_how_many_files_are_too_many(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_model_file *files = calloc(10001, sizeof(*files));
	char(*paths)[32] = calloc(10001, sizeof(*paths));
	struct mr_model_docs d;
	size_t i;

	assert_non_null(files);
	assert_non_null(paths);
	for (i = 0; i < 10001; i++) {
		snprintf(paths[i], sizeof(paths[i]), "dir/file-%05zu.json", i);
		files[i] = file(paths[i], i);
	}
	/* Five thousand must fit (issue: it must show). */
	assert_ok(mr_model_write(*state, "m", files, 5000, &d, &err), err);
	mr_model_docs_release(&d);
	assert_code(MREG_ELIMIT,
		    mr_model_write(*state, "m", files, 10000, &d, &err), err);
	assert_string_equal(err.msg,
			    "manifest of 10000 files is larger than 4 MiB");
	assert_code(MREG_ELIMIT,
		    mr_model_write(*state, "m", files, 10001, &d, &err), err);
	assert_has(err.msg, "10001 files");
	free(paths);
	free(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_no_more_than_it_knows,
						fresh, gone),
		cmocka_unit_test_setup_teardown(writes_every_field_in_its_place,
						fresh, gone),
		cmocka_unit_test_setup_teardown(writes_maps_and_edges, fresh,
						gone),
		cmocka_unit_test_setup_teardown(orders_layers_by_role_then_path,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			does_not_depend_on_the_order_given, fresh, gone),
		cmocka_unit_test_setup_teardown(keeps_the_executable_bit, fresh,
						gone),
		cmocka_unit_test_setup_teardown(keeps_names_that_are_not_ascii,
						fresh, gone),
		cmocka_unit_test_setup_teardown(makes_datasets_of_data, fresh,
						gone),
		cmocka_unit_test_setup_teardown(
			takes_the_format_of_the_largest_weights, fresh, gone),
		cmocka_unit_test_setup_teardown(
			names_the_fileset_as_sha256sum_would, fresh, gone),
		cmocka_unit_test_setup_teardown(refuses_paths_it_cannot_write,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			says_how_many_files_are_too_many, fresh, gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

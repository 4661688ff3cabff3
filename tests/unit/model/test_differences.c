/*
 * test_differences.c - what "new version, because ..." may say.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "model/model.h"

static struct mr_manifest *version(const char *metadata, const char *content)
{
	MR_AUTO(mr_model_docs_release) struct mr_model_docs docs = { 0 };
	MR_AUTO(mr_meta_freep) struct mr_meta *meta = NULL;
	struct mr_model_file f = { .path = "a.bin", .size = 1 };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest *m = NULL;

	assert_ok(mr_meta_new(&meta, &err), err);
	assert_ok(mr_meta_load(meta, metadata, strlen(metadata), "m", &err),
		  err);
	assert_ok(mr_digest_of(content, strlen(content), &f.digest, &err), err);
	assert_ok(mr_model_write(meta, "churn", &f, 1, &docs, &err), err);
	assert_ok(mr_manifest_parse(docs.manifest.data, docs.manifest.len, NULL,
				    &m, &err),
		  err);
	return m;
}

static void differ_manifests(const struct mr_manifest *a,
			     const struct mr_manifest *b, const char *want)
{
	MR_AUTO(mr_list_release) struct mr_list names = { 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	char got[512] = "";
	size_t i;

	assert_ok(mr_model_differences(a, b, &names, &err), err);
	for (i = 0; i < names.n; i++) {
		strcat(got, i > 0 ? " " : "");
		strcat(got, names.items[i]);
	}
	assert_string_equal(got, want);
}

/* Both ways: a difference has no direction. */
static void differ(const char *a, const char *b, const char *want)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *x = version(a, "1");
	MR_AUTO(mr_manifest_freep) struct mr_manifest *y = version(b, "1");

	differ_manifests(x, y, want);
	differ_manifests(y, x, want);
}

static void finds_none_between_equals(void **state)
{
	(void)state;
	differ("", "", "");
	differ("license: MIT", "license: MIT", "");
}

static void names_changed_added_and_removed_ones(void **state)
{
	(void)state;
	differ("license: MIT\nmetrics: {auc: 0.1, f1: 1}\ntags: {a: b}",
	       "license: X\nmetrics: {auc: 0.2, f1: 1}\nrunId: 7\nannotations: {com.example.x: y}",
	       "com.example.x license metric.auc runId tag.a");
	differ("metrics: {auc: 0.9}", "metrics: {auc: 0.90}", "metric.auc");
}

static void names_parents_once(void **state)
{
	(void)state;
	differ("parents: base:v1", "parents: base:v2", "parents");
}

static void names_the_config_only_when_nothing_else_explains_it(void **state)
{
	(void)state;
	differ("architecture: a", "architecture: b", "config");
	differ("architecture: a\nmetrics: {m: 1}", "architecture: b",
	       "config metric.m");
	differ("license: a\narchitecture: a", "license: b\narchitecture: b",
	       "license");
	differ("versionLabel: a\narchitecture: a",
	       "versionLabel: b\narchitecture: b", "versionLabel");
}

static void names_files_that_differ(void **state)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *a = version("", "1");
	MR_AUTO(mr_manifest_freep) struct mr_manifest *b = version("", "2");

	(void)state;
	differ_manifests(a, b, "files");
}

static struct mr_manifest *foreign(const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest *m = NULL;

	assert_ok(mr_manifest_parse(text, strlen(text), NULL, &m, &err), err);
	return m;
}

#define HEX "000000000000000000000000000000000000000000000000000000000000000"
#define FOREIGN(a, b)                                                                                      \
	"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\","            \
	"\"digest\":\"sha256:" HEX                                                                         \
	"c\",\"size\":2},\"layers\":[{\"mediaType\":\"application/octet-stream\",\"digest\":\"sha256:" HEX \
	"1\",\"size\":1,\"annotations\":{\"org.opencontainers.image.title\":\"" a                          \
	"\"}},{\"mediaType\":\"application/octet-stream\",\"digest\":\"sha256:" HEX                        \
	"1\",\"size\":1,\"annotations\":{\"org.opencontainers.image.title\":\"" b                          \
	"\"}}]}"

static void compares_files_of_other_tools_by_layers(void **state)
{
	MR_AUTO(mr_manifest_freep)
	struct mr_manifest *a = foreign(FOREIGN("a", "b"));
	MR_AUTO(mr_manifest_freep)
	struct mr_manifest *b = foreign(FOREIGN("b", "a"));
	MR_AUTO(mr_manifest_freep)
	struct mr_manifest *c = foreign(FOREIGN("a", "c"));

	(void)state;
	differ_manifests(a, b, "");
	differ_manifests(a, c, "files");
}

/* Of others' manifests the base is told by two annotations, and by nothing
 * else. */
#define BASED(name, hex)                                                       \
	"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"        \
	"vnd.oci.empty.v1+json\",\"digest\":\"sha256:" HEX                     \
	"c\",\"size\":2},\"layers\":[],\"annotations\":{"                      \
	"\"org.opencontainers.image.base.digest\":\"sha256:" HEX hex           \
	"\",\"org.opencontainers.image.base.name\":\"" name "\"}}"

static void names_the_base_as_parents(void **state)
{
	MR_AUTO(mr_manifest_freep)
	struct mr_manifest *a = foreign(BASED("x", "1"));
	MR_AUTO(mr_manifest_freep)
	struct mr_manifest *b = foreign(BASED("y", "2"));

	(void)state;
	differ_manifests(a, b, "parents");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_none_between_equals),
		cmocka_unit_test(names_changed_added_and_removed_ones),
		cmocka_unit_test(names_parents_once),
		cmocka_unit_test(
			names_the_config_only_when_nothing_else_explains_it),
		cmocka_unit_test(names_files_that_differ),
		cmocka_unit_test(names_the_base_as_parents),
		cmocka_unit_test(compares_files_of_other_tools_by_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

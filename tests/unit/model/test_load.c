/*
 * test_load.c - metadata files: what JSON and YAML say alike, and what a file
 * may not do.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/model.h"

#define DIGEST                                                                 \
	"sha256:0000000000000000000000000000000000000000000000000000000000000001"

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

static void loads(struct mr_meta *m, const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_load(m, text, strlen(text), "m.yaml", &err), err);
}

static struct mreg_error refused(int code, const char *text)
{
	MR_AUTO(mr_meta_freep) struct mr_meta *m = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_new(&m, &err), err);
	assert_code(code, mr_meta_load(m, text, strlen(text), "m.yaml", &err),
		    err);
	return err;
}

static void reads_everything_from_yaml(void **state)
{
	struct mr_meta *m = *state;

	loads(m,
	      "# a comment\n"
	      "architecture: transformer\n"
	      "paramSize: 7\n"
	      "versionLabel: 1.10\n"
	      "description: |\n"
	      "  two\n"
	      "  lines\n"
	      "authors: [Ada, 'B, C']\n"
	      "kind: dataset\n"
	      "signature: {outputs: [label], inputs: {x: 1.0, on: true, no: null}}\n"
	      "metrics:\n"
	      "  auc: 0.910\n"
	      "  f1: \"0.5\"\n"
	      "params: {lr: 1e-3, depth: null, flag: true}\n"
	      "tags:\n"
	      "  team: fraud\n"
	      "  empty:\n"
	      "annotations:\n"
	      "  com.example.x: y\n"
	      "parents:\n"
	      "  - quantized=base:v1\n"
	      "  - {ref: 'hf://a/b', relation: adapter}\n"
	      "inputs:\n"
	      "  - role: train\n"
	      "    uri: s3://b/k\n"
	      "    consent: yes\n"
	      "  - test=data:v2\n");
	assert_string_equal(m->architecture, "transformer");
	assert_string_equal(m->param_size, "7");
	assert_string_equal(m->version_label, "1.10");
	assert_string_equal(m->description, "two\nlines\n");
	assert_int_equal(m->authors.n, 2);
	assert_string_equal(m->authors.items[1], "B, C");
	assert_string_equal(m->kind, "dataset");
	assert_string_equal(
		m->signature,
		"{\"inputs\":{\"no\":null,\"on\":true,\"x\":1.0},\"outputs\":[\"label\"]}");
	assert_string_equal(m->metrics[0].value, "0.910");
	assert_string_equal(m->metrics[1].value, "0.5");
	assert_int_equal(m->param_count, 3);
	assert_string_equal(m->params[0].name, "depth");
	assert_string_equal(m->params[0].value, "null");
	assert_string_equal(m->params[2].value, "1e-3");
	assert_string_equal(m->tags[0].value, "");
	assert_string_equal(m->annotations[0].value, "y");
	assert_string_equal(m->parents[0].relation, "quantized");
	assert_string_equal(m->parents[1].ref, "hf://a/b");
	assert_string_equal(m->inputs[0].consent, "yes");
	assert_string_equal(m->inputs[1].role, "test");
}

static void reads_the_sample_with_every_field(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = *state;
	char *bytes;
	size_t n;

	bytes = test_read("spec/samples", "metadata-all.json", &n);
	assert_ok(mr_meta_load(m, bytes, n, "metadata-all.json", &err), err);
	free(bytes);
	assert_string_equal(m->quantization, "none");
	assert_string_equal(m->environment, "conda.yaml");
	assert_string_equal(m->params[2].value, "null");
	assert_int_equal(m->metric_count, 3);
	assert_int_equal(m->parent_count, 2);
	assert_int_equal(m->input_count, 2);
	assert_string_equal(m->parents[1].relation, "distill");
	assert_non_null(m->inputs[1].digest);
}

static void keeps_digits_of_json_numbers(void **state)
{
	struct mr_meta *m = *state;

	loads(m, " \t\r\n{\"metrics\": {\"a\": 0.910, \"b\": 1E-7, \"c\":-0},\n"
		 "\t\"params\":{\"seed\":9007199254740993},\"paramSize\":2}\n");
	assert_string_equal(m->metrics[0].value, "0.910");
	assert_string_equal(m->metrics[1].value, "1E-7");
	assert_string_equal(m->metrics[2].value, "-0");
	assert_string_equal(m->params[0].value, "9007199254740993");
	assert_string_equal(m->param_size, "2");
}

static void reads_json_strings_as_json(void **state)
{
	struct mr_meta *m = *state;

	loads(m,
	      "{\"tags\":{\"a\":\"\\ud83d\\ude00\",\"b\":\"\\u00e9\\/\\\\n\","
	      "\"c\":\"x: y # z\",\"d\":\"true\",\"e\":\"\\t\\n\"}}");
	assert_string_equal(m->tags[0].value, "\xf0\x9f\x98\x80");
	assert_string_equal(m->tags[1].value, "\xc3\xa9/\\n");
	assert_string_equal(m->tags[2].value, "x: y # z");
	assert_string_equal(m->tags[3].value, "true");
	assert_string_equal(m->tags[4].value, "\t\n");
}

static void adds_to_lists_and_replaces_the_rest(void **state)
{
	struct mr_meta *m = *state;

	loads(m, "family: a\nauthors: One\nmetrics: {auc: 1, f1: 1}\n");
	loads(m, "family: b\nauthors: Two\nmetrics: {auc: 2, mse: 3}\n");
	assert_string_equal(m->family, "b");
	assert_int_equal(m->authors.n, 2);
	assert_int_equal(m->metric_count, 3);
	assert_string_equal(m->metrics[0].value, "2");
}

static void passes_over_what_was_not_filled_in(void **state)
{
	struct mr_meta *m = *state;

	loads(m, "");
	loads(m, "# nothing\n");
	loads(m, "license:\nfamily: ~\nmetrics: null\nparents:\n");
	loads(m, "{\"license\": null}");
	assert_null(m->licenses);
	assert_int_equal(m->metric_count, 0);
}

static void names_file_line_and_nearest_key(void **state)
{
	struct mreg_error err;

	(void)state;
	err = refused(MREG_EUSAGE, "family: x\nlicence: MIT\n");
	assert_string_equal(err.msg,
			    "unknown key 'licence' in 'm.yaml', line 2");
	assert_string_equal(err.hint, "did you mean 'license'?");
	err = refused(MREG_EUSAGE, "metric: {a: 1}\n");
	assert_string_equal(err.hint, "did you mean 'metrics'?");
	err = refused(MREG_EUSAGE, "parents: [{reff: a}]\n");
	assert_string_equal(
		err.msg, "unknown key 'reff' of a parent in 'm.yaml', line 1");
	assert_string_equal(err.hint, "did you mean 'ref'?");
	err = refused(MREG_EUSAGE, "inputs:\n- {role: train, url: 'a:v1'}\n");
	assert_string_equal(err.hint, "did you mean 'uri'?");
	err = refused(MREG_EUSAGE, "metrics:\n  auc: nan\n");
	assert_string_equal(
		err.msg,
		"metric 'auc' is no finite decimal number: 'nan' in 'm.yaml', line 2");
	assert_has(err.hint, "0.91");
	err = refused(MREG_EUSAGE, "{\"metrics\": {\"auc\": \"Infinity\"}}");
	assert_has(err.msg, "metric 'auc'");
	err = refused(MREG_EUSAGE, "license: ''\n");
	assert_has(err.msg, "'license' is empty in 'm.yaml', line 1");
}

static void refuses_values_of_the_wrong_shape(void **state)
{
	static const struct {
		const char *text, *msg;
	} bad[] = {
		{ "license: [MIT]", "'license' must be one value, not a list" },
		{ "license: {a: b}", "'license' must be one value, not a map" },
		{ "metrics: 1", "'metrics' must be a map, not one value" },
		{ "metrics: [1]", "'metrics' must be a map, not a list" },
		{ "params: {a: [1]}", "'a' must be one value, not a list" },
		{ "authors: {a: b}", "'authors' must be a list of names" },
		{ "parents: [[a]]", "'parents' must be a list of maps" },
		{ "parents: [{ref: [a]}]", "'ref' must be one value" },
		{ "inputs: [[a]]", "'inputs' must be a list of maps" },
		{ "- a\n- b\n",
		  "'m.yaml' must be a map of fields, not a list" },
		{ "just text", "'m.yaml' must be a map of fields" },
		{ "[1]", "'m.yaml' must be a map of fields, not a list" },
	};
	struct mreg_error err;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		err = refused(MREG_EFORMAT, bad[i].text);
		assert_has(err.msg, bad[i].msg);
	}
}

static void refuses_what_a_document_may_not_do(void **state)
{
	static const struct {
		const char *text, *msg;
	} bad[] = {
		{ "family: &a x\n", "an anchor" },
		{ "metrics: &a {a: 1}\n", "an anchor" },
		{ "authors: &a [x]\n", "an anchor" },
		{ "family: *a\n", "" },
		{ "? *a\n: x\n", "" },
		{ "family: x\n<<: *a\n", "" },
		{ "family: !!python/object/apply:os.system [ls]\n", "a tag" },
		{ "family: !x y\n", "a tag" },
		{ "? !x family\n: y\n", "a tag" },
		{ "metrics: !!map {a: 1}\n", "a tag" },
		{ "family: a\n---\nfamily: b\n", "a second document" },
		{ "family: a\nfamily: b\n", "key 'family' twice" },
		{ "tags: {x: 1, y: 2, x: 3}\n", "key 'x' twice" },
		{ "? [a]\n: b\n", "a key that is no text" },
		{ "family: \"a\\0b\"\n", "a NUL character" },
		{ "family: \xff\n", "" },
		{ "family: [\n", "" },
		{ "a: b: c\n", "" },
		{ "\tfamily: x\n", "" },
	};
	struct mreg_error err;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		err = refused(MREG_EFORMAT, bad[i].text);
		assert_has(err.msg, bad[i].msg);
		assert_has(err.msg, "m.yaml");
	}
	err = refused(MREG_EFORMAT, "a: 1\nb: 2\na: 3\nb: 4\n");
	assert_string_equal(err.msg, "key 'a' twice in 'm.yaml', line 3");
	err = refused(MREG_EFORMAT, "family: &a x\n");
	assert_has(err.hint, "no anchors");
}

static void takes_json_strictly(void **state)
{
	static const char *const bad[] = {
		"{family: x}",
		"{'family': 'x'}",
		"{\"family\": \"x\",}",
		"{\"family\": \"x\"} trailing",
		"{\"family\": \"x\"}{}",
		"{\"family\": \"x\", \"family\": \"y\"}",
		"{\"family\": \"\\ud800\"}",
		"{\"family\": \"a\\u0000b\"}",
		"{\"metrics\": {\"a\": NaN}}",
		"{\"metrics\": {\"a\": 0x10}}",
		"{\"metrics\": {\"a\": .5}}",
		"{",
	};
	struct mreg_error err;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		err = refused(MREG_EFORMAT, bad[i]);
		assert_has(err.msg, "m.yaml");
	}
}

static void refuses_line_breaks_that_json_hides(void **state)
{
	struct mreg_error err;

	(void)state;
	err = refused(MREG_EUSAGE, "{\"family\": \"a\xe2\x80\xa8"
				   "b\"}");
	assert_has(err.msg, "U+2028");
	err = refused(MREG_EUSAGE, "{\"family\": \"a\xe2\x80\xa9"
				   "b\"}");
	assert_has(err.msg, "U+2029");
	err = refused(MREG_EUSAGE, "{\"family\": \"a\xc2\x85"
				   "b\"}");
	assert_has(err.msg, "U+0085");
}

static char *repeated(const char *before, const char *unit, size_t n)
{
	size_t len = strlen(unit);
	char *text = malloc(strlen(before) + n * len + 1);
	size_t i;

	assert_non_null(text);
	strcpy(text, before);
	for (i = 0; i < n; i++)
		memcpy(text + strlen(before) + i * len, unit, len);
	text[strlen(before) + n * len] = '\0';
	return text;
}

static void refuses_what_is_too_large_or_deep(void **state)
{
	struct mreg_error err;
	char *text;

	(void)state;
	text = repeated("signature: ", "[", 65);
	err = refused(MREG_ELIMIT, text);
	assert_has(err.msg, "more than 64 levels in 'm.yaml'");
	free(text);
	text = repeated("signature: ", "[", 1u << 19);
	(void)refused(MREG_ELIMIT, text);
	free(text);
	text = repeated("signature: ", "{a: ", 100000);
	(void)refused(MREG_ELIMIT, text);
	free(text);
	text = repeated("authors:\n", "- a\n", 200000);
	err = refused(MREG_ELIMIT, text);
	assert_has(err.msg, "more than 100000 values in 'm.yaml'");
	free(text);
	text = repeated("# ", "x", 1u << 20);
	err = refused(MREG_ELIMIT, text);
	assert_has(err.msg, "'m.yaml' is larger than 1048576 bytes");
	free(text);
}

static void shows_names_from_outside_safely(void **state)
{
	MR_AUTO(mr_meta_freep) struct mr_meta *m = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	const char *text = "\"a\\e[2J\": x\n";

	(void)state;
	assert_ok(mr_meta_new(&m, &err), err);
	assert_code(MREG_EUSAGE,
		    mr_meta_load(m, text, strlen(text), "m\x1b.yaml", &err),
		    err);
	assert_has_not(err.msg, "\x1b");
}

static void needs_what_an_edge_needs(void **state)
{
	struct mreg_error err;

	(void)state;
	err = refused(MREG_EUSAGE, "parents: [{relation: merge}]\n");
	assert_has(err.msg, "a parent without 'ref'");
	err = refused(MREG_EUSAGE, "inputs: [{uri: 's3://a/b'}]\n");
	assert_has(err.msg, "an input without 'role'");
	err = refused(MREG_EUSAGE, "inputs: [{role: train}]\n");
	assert_has(err.msg, "neither 'uri' nor 'name'");
	err = refused(MREG_EUSAGE,
		      "parents: [{ref: 'a@" DIGEST "', digest: 'sha256:1'}]\n");
	assert_has(err.msg, "two digests");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_everything_from_yaml,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			reads_the_sample_with_every_field, fresh, gone),
		cmocka_unit_test_setup_teardown(keeps_digits_of_json_numbers,
						fresh, gone),
		cmocka_unit_test_setup_teardown(reads_json_strings_as_json,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			adds_to_lists_and_replaces_the_rest, fresh, gone),
		cmocka_unit_test_setup_teardown(
			passes_over_what_was_not_filled_in, fresh, gone),
		cmocka_unit_test(names_file_line_and_nearest_key),
		cmocka_unit_test(refuses_values_of_the_wrong_shape),
		cmocka_unit_test(refuses_what_a_document_may_not_do),
		cmocka_unit_test(takes_json_strictly),
		cmocka_unit_test(refuses_line_breaks_that_json_hides),
		cmocka_unit_test(refuses_what_is_too_large_or_deep),
		cmocka_unit_test(shows_names_from_outside_safely),
		cmocka_unit_test(needs_what_an_edge_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

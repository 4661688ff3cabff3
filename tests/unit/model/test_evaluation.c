/*
 * test_evaluation.c - evaluations: what is read, what is refused and how, and
 * the bytes that are written.
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
	*state = mr_arena_new(8u << 20);
	assert_non_null(*state);
	return 0;
}

static int gone(void **state)
{
	mr_arena_free(*state);
	return 0;
}

static void parses(struct mr_arena *a, const char *text,
		   struct mr_evaluation *out)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_evaluation_parse(text, strlen(text), "e.json", false, a,
				      out, &err),
		  err);
}

static void refuses(struct mr_arena *a, const char *text, const char *says)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_evaluation e;

	assert_code(MREG_EFORMAT,
		    mr_evaluation_parse(text, strlen(text), "e.json", false, a,
					&e, &err),
		    err);
	assert_has(err.msg, says);
}

static void writes(const struct mr_evaluation *e, const char *text)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_EVALUATION_MAX_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_evaluation_write(e, &b, &err), err);
	assert_string_equal(mr_buf_text(&b), text);
}

static void writes_the_sample_as_it_reads_it(void **state)
{
	struct mr_evaluation e;
	size_t n;
	char *text = test_read("spec/samples", "evaluation.json", &n);

	parses(*state, text, &e);
	assert_string_equal(e.suite, "holdout");
	assert_string_equal(e.suite_version, "2026-01");
	assert_true(e.passed);
	assert_string_equal(e.dataset, "churn-holdout");
	assert_int_equal(e.metric_count, 2);
	assert_string_equal(e.metrics[0].value, "0.930");
	assert_int_equal(e.segment_count, 2);
	assert_string_equal(e.segments[1].name, "country=FR");
	assert_string_equal(e.segments[1].metrics[0].value, "0.95");
	writes(&e, text);
	free(text);
}

static void writes_the_same_of_any_order_and_layout(void **state)
{
	struct mr_evaluation e;

	parses(*state,
	       "# what the nightly run found\n"
	       "suite: nightly\n"
	       "passed: false\n"
	       "segments:\n"
	       "  b: {y: 2, x: 1}\n"
	       "  a: {}\n"
	       "metrics:\n"
	       "  loss: 1e-3\n"
	       "  auc: 0.910\n"
	       "dataset: data@" DIGEST "\n",
	       &e);
	writes(&e, "{\"dataset\":{\"digest\":\"" DIGEST "\",\"name\":\"data\"},"
		   "\"metrics\":{\"auc\":0.910,\"loss\":1e-3},\"passed\":false,"
		   "\"schema\":\"mreg.evaluation/1\",\"segments\":{\"a\":{},"
		   "\"b\":{\"x\":1,\"y\":2}},\"suite\":\"nightly\"}");
}

static void adds_what_flags_say(void **state)
{
	struct mr_evaluation e = { .suite = "s", .judged = true };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a = *state;

	assert_ok(mr_evaluation_metric(&e, "loss=0.2", a, &err), err);
	assert_ok(mr_evaluation_metric(&e, "auc=0.9", a, &err), err);
	assert_ok(mr_evaluation_metric(&e, "loss=0.10", a, &err), err);
	assert_ok(
		mr_evaluation_segment(&e, "age<25:country=DE:auc=0.8", a, &err),
		err);
	assert_ok(
		mr_evaluation_segment(&e, "age<25:country=DE:loss=1", a, &err),
		err);
	assert_ok(mr_evaluation_segment(&e, "a:auc=0.7", a, &err), err);
	assert_ok(mr_evaluation_dataset(&e, "hf://datasets/x@main", a, &err),
		  err);
	writes(&e, "{\"dataset\":{\"name\":\"hf://datasets/x@main\"},"
		   "\"metrics\":{\"auc\":0.9,\"loss\":0.10},\"passed\":false,"
		   "\"schema\":\"mreg.evaluation/1\",\"segments\":{\"a\":"
		   "{\"auc\":0.7},\"age<25:country=DE\":{\"auc\":0.8,"
		   "\"loss\":1}},\"suite\":\"s\"}");
}

static void refuses_flags_that_say_nothing(void **state)
{
	struct mr_evaluation e = { .suite = "s", .judged = true };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a = *state;

	assert_code(MREG_EUSAGE, mr_evaluation_metric(&e, "auc", a, &err), err);
	assert_has(err.msg, "metric 'auc' has no value");
	assert_code(MREG_EUSAGE, mr_evaluation_metric(&e, "auc=nan", a, &err),
		    err);
	assert_has(err.msg, "metric 'auc' is no finite decimal number: 'nan'");
	assert_code(MREG_EUSAGE, mr_evaluation_metric(&e, "a b=1", a, &err),
		    err);
	assert_code(MREG_EUSAGE, mr_evaluation_segment(&e, "auc=1", a, &err),
		    err);
	assert_has(err.msg, "'auc=1' names no segment");
	assert_has(err.hint, "country=DE:auc=0.91");
	assert_code(MREG_EUSAGE, mr_evaluation_segment(&e, ":auc=1", a, &err),
		    err);
	assert_code(MREG_EUSAGE, mr_evaluation_dataset(&e, "", a, &err), err);
	assert_code(MREG_EUSAGE,
		    mr_evaluation_dataset(&e, "d@sha256:12", a, &err), err);
	assert_int_equal(e.metric_count, 0);
	assert_null(e.dataset);
}

static void refuses_what_is_no_evaluation(void **state)
{
	refuses(*state, "[]", "'e.json' is no evaluation");
	refuses(*state, "", "'e.json' is no evaluation");
	refuses(*state, "{\"passed\":true}", "'e.json' says no 'suite'");
	refuses(*state, "suite: s", "'e.json' says no 'passed'");
	refuses(*state, "suite: s\npassed: maybe\n",
		"'passed' must be true or false in 'e.json', line 2");
	refuses(*state, "suite: s\npassed: \"true\"\n",
		"'passed' must be true or false");
	refuses(*state, "suite: [s]\n", "'suite' must be a text");
	refuses(*state, "suite: s\nschema: mreg.evaluation/9\n",
		"'schema' must be 'mreg.evaluation/1'");
	refuses(*state, "metrics: [1]\n", "'metrics' must be a map of numbers");
	refuses(*state, "metrics: {auc: {}}\n", "'auc' must be a number");
	refuses(*state, "metrics:\n  auc: inf\n",
		"no finite decimal number: 'inf' in 'e.json', line 2");
	refuses(*state, "segments: {a: 1}\n",
		"'a' must be a map of numbers in 'e.json'");
	refuses(*state, "dataset: {digest: " DIGEST "}\n",
		"'dataset' must be a map with 'name' and 'digest'");
	refuses(*state, "dataset: {name: d, digest: md5:0a}\n",
		"'digest' is no digest");
	refuses(*state, "dataset:\n  name: d\n  digest: [" DIGEST "]\n",
		"'digest' must be a text in 'e.json', line 3");
	refuses(*state, "dataset: {name: [d]}\n", "'name' must be a text");
	refuses(*state, "dataset: [d]\n",
		"'dataset' must be a map with 'name' and 'digest'");
	refuses(*state, "{\"suite\":\"a\",\"suite\":\"b\"}", "suite");
}

static void names_the_nearest_key(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	static const char text[] = "suite: s\npased: true\n";
	static const char inside[] = "dataset:\n  name: d\n  digset: x\n";
	struct mr_evaluation e;

	assert_code(MREG_EFORMAT,
		    mr_evaluation_parse(text, sizeof(text) - 1, "e.json", false,
					*state, &e, &err),
		    err);
	assert_has(err.msg, "unknown key 'pased' in 'e.json', line 2");
	assert_string_equal(err.hint, "did you mean 'passed'?");
	assert_code(MREG_EFORMAT,
		    mr_evaluation_parse(inside, sizeof(inside) - 1, "e.json",
					true, *state, &e, &err),
		    err);
	assert_has(err.msg, "unknown key 'digset' in 'e.json', line 3");
	assert_string_equal(err.hint, "did you mean 'digest'?");
}

static void keeps_the_hint_of_what_is_wrong_with_a_value(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	static const char text[] = "dataset: {name: d, digest: 'sha256:zz'}";
	struct mr_evaluation e;

	assert_code(MREG_EFORMAT,
		    mr_evaluation_parse(text, sizeof(text) - 1, "e.json", true,
					*state, &e, &err),
		    err);
	assert_has(err.msg, "'sha256:zz' in 'e.json', line 1");
	assert_string_equal(err.hint,
			    "a digest is sha256: and 64 hexadecimal digits");
}

static void lets_a_part_be_told_elsewhere(void **state)
{
	static const char text[] = "{\"metrics\":{\"auc\":0.5}}";
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_EVALUATION_MAX_BYTES);
	struct mr_evaluation e;

	assert_ok(mr_evaluation_parse(text, sizeof(text) - 1, "e.json", true,
				      *state, &e, &err),
		  err);
	assert_code(MREG_EUSAGE, mr_evaluation_write(&e, &b, &err), err);
	assert_has(err.msg, "without suite");
	e.suite = "s";
	assert_code(MREG_EUSAGE, mr_evaluation_write(&e, &b, &err), err);
	assert_has(err.hint, "--pass or --fail");
}

static void refuses_a_document_that_is_too_large(void **state)
{
	const size_t n = MR_EVALUATION_MAX_BYTES + 1;
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_free) char *text = mr_alloc(n);
	struct mr_evaluation e;

	assert_non_null(text);
	memset(text, ' ', n);
	assert_code(
		MREG_ELIMIT,
		mr_evaluation_parse(text, n, "e.json", false, *state, &e, &err),
		err);
	assert_has(err.msg, "larger than 1048576 bytes");
}

/* YAML's reader never had a limit; JSON's would stop at 64 bits. */
static void reads_whole_numbers_of_any_length_as_it_writes_them(void **state)
{
	static const char long_one[] =
		"100000000000000000000000000000000000000000000";
	struct mr_evaluation from_yaml;
	struct mr_evaluation from_json;
	MR_AUTO(mr_buf_release)
	struct mr_buf b = MR_BUF_INIT(MR_EVALUATION_MAX_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;

	parses(*state,
	       "suite: s\npassed: false\nmetrics:\n  loss: "
	       "100000000000000000000000000000000000000000000\n"
	       "  size: -9223372036854775809\n",
	       &from_yaml);
	assert_ok(mr_evaluation_write(&from_yaml, &b, &err), err);
	parses(*state, mr_buf_text(&b), &from_json);
	assert_int_equal(from_json.metric_count, 2);
	assert_string_equal(from_json.metrics[0].value, long_one);
	assert_string_equal(from_json.metrics[1].value, "-9223372036854775809");
	writes(&from_json, mr_buf_text(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			writes_the_sample_as_it_reads_it, fresh, gone),
		cmocka_unit_test_setup_teardown(
			writes_the_same_of_any_order_and_layout, fresh, gone),
		cmocka_unit_test_setup_teardown(adds_what_flags_say, fresh,
						gone),
		cmocka_unit_test_setup_teardown(refuses_flags_that_say_nothing,
						fresh, gone),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_evaluation,
						fresh, gone),
		cmocka_unit_test_setup_teardown(names_the_nearest_key, fresh,
						gone),
		cmocka_unit_test_setup_teardown(
			keeps_the_hint_of_what_is_wrong_with_a_value, fresh,
			gone),
		cmocka_unit_test_setup_teardown(lets_a_part_be_told_elsewhere,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			refuses_a_document_that_is_too_large, fresh, gone),
		cmocka_unit_test_setup_teardown(
			reads_whole_numbers_of_any_length_as_it_writes_them,
			fresh, gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

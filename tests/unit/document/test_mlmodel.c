/*
 * test_mlmodel.c - MLflow's MLmodel, as its versions write it.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "document/document.h"

#define ARENA_BYTES (8u << 20)

static struct mr_mlmodel read_model(struct mr_arena *a, const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_mlmodel m;

	memset(&m, 0xff, sizeof(m));
	assert_ok(mr_mlmodel_read(text, strlen(text), a, &m, &err), err);
	return m;
}

static int arena(void **state)
{
	*state = mr_arena_new(ARENA_BYTES);
	return *state ? 0 : -1;
}

static int arena_end(void **state)
{
	mr_arena_free(*state);
	return 0;
}

static void reads_what_mlflow_3_writes(void **state)
{
	struct mr_mlmodel m = read_model(
		*state,
		"artifact_path: mlflow-artifacts:/2/models/m-0112/artifacts\n"
		"flavors:\n"
		"  python_function:\n"
		"    env:\n"
		"      conda: conda.yaml\n"
		"      virtualenv: python_env.yaml\n"
		"    loader_module: mlflow.sklearn\n"
		"    model_path: model.pkl\n"
		"    predict_fn: predict\n"
		"    python_version: 3.10.19\n"
		"  sklearn:\n"
		"    code: null\n"
		"    pickled_model: model.pkl\n"
		"    serialization_format: cloudpickle\n"
		"    sklearn_version: 1.7.2\n"
		"is_signature_from_type_hint: false\n"
		"mlflow_version: 3.4.0\n"
		"model_id: m-0112ba8babe744e9b9c2e4a61086b08e\n"
		"model_size_bytes: 46571\n"
		"model_uuid: m-0112ba8babe744e9b9c2e4a61086b08e\n"
		"prompts: null\n"
		"run_id: 0d099223a0aa4e05976741242b1fb931\n"
		"signature:\n"
		"  inputs: '[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\":"
		" \"float64\", \"shape\":\n    [-1, 1]}}]'\n"
		"  outputs: '[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\":"
		" \"float64\", \"shape\": [-1]}}]'\n"
		"  params: null\n"
		"type_hint_from_example: false\n"
		"utc_time_created: '2025-11-06 03:46:33.071805'\n");

	assert_null(m.trouble);
	assert_int_equal(m.flavors.n, 2);
	assert_string_equal(m.flavors.items[0], "python_function");
	assert_string_equal(m.flavors.items[1], "sklearn");
	assert_string_equal(m.run_id, "0d099223a0aa4e05976741242b1fb931");
	assert_string_equal(m.environment, "conda.yaml");
	assert_string_equal(
		m.signature,
		"{\"inputs\":[{\"tensor-spec\":{\"dtype\":\"float64\","
		"\"shape\":[-1,1]},\"type\":\"tensor\"}],"
		"\"outputs\":[{\"tensor-spec\":{\"dtype\":\"float64\","
		"\"shape\":[-1]},\"type\":\"tensor\"}]}");
}

static void reads_what_mlflow_1_wrote(void **state)
{
	struct mr_mlmodel m = read_model(
		*state, "flavors:\n"
			"  python_function:\n"
			"    data: model.xgb\n"
			"    env: conda.yaml\n"
			"    loader_module: mlflow.xgboost\n"
			"  xgboost:\n"
			"    data: other.xgb\n"
			"model_uuid: 0badaf06aa254da9811188d6c060a176\n"
			"saved_input_example_info:\n"
			"  artifact_path: input_example.json\n");

	assert_string_equal(m.environment, "conda.yaml");
	assert_null(m.run_id);
	assert_null(m.signature);
}

static void finds_the_environment_of_any_tool(void **state)
{
	assert_string_equal(read_model(*state,
				       "flavors: {python_function: {env: "
				       "{virtualenv: python_env.yaml}}}\n")
				    .environment,
			    "python_env.yaml");
}

static void keeps_the_numbers_of_params(void **state)
{
	struct mr_mlmodel m = read_model(
		*state,
		"signature:\n"
		"  inputs: null\n"
		"  params: '[{\"name\": \"t\", \"default\": 0.10, "
		"\"shape\": null}, {\"name\": \"n\", \"default\": 1e-05}]'\n");

	assert_string_equal(
		m.signature,
		"{\"params\":[{\"default\":0.10,\"name\":\"t\","
		"\"shape\":null},{\"default\":1e-05,\"name\":\"n\"}]}");
}

static void takes_a_signature_that_is_no_string(void **state)
{
	assert_string_equal(
		read_model(*state, "signature:\n  outputs:\n  - {type: long}\n"
				   "  inputs: {a: b}\n")
			.signature,
		"{\"inputs\":{\"a\":\"b\"},\"outputs\":[{\"type\":\"long\"}]}");
}

static void leaves_out_parts_of_a_signature_that_are_none(void **state)
{
	char text[200];

	assert_string_equal(
		read_model(*state,
			   "signature: {inputs: '[1', outputs: '[2]'}\n")
			.signature,
		"{\"outputs\":[2]}");
	assert_null(read_model(*state, "signature: {inputs: 'x'}\n").signature);
	assert_null(read_model(*state, "signature: {inputs: ''}\n").signature);
	assert_null(
		read_model(*state, "signature: {inputs: '\"a\"'}\n").signature);
	assert_null(read_model(*state, "signature: null\n").signature);
	/* Alone it is just not too deep. */
	memset(text, 0, sizeof(text));
	snprintf(text, sizeof(text), "signature: {inputs: '");
	memset(text + strlen(text), '[', MR_JSON_DEPTH_MAX);
	memset(text + strlen(text), ']', MR_JSON_DEPTH_MAX);
	strcat(text, "'}\n");
	assert_null(read_model(*state, text).trouble);
	assert_null(read_model(*state, text).signature);
	assert_null(read_model(*state, "signature: '[1]'\n").signature);
	/* U+2028 would forge a line. */
	assert_null(read_model(*state, "signature: {inputs: "
				       "'[\"\\u2028\"]'}\n")
			    .signature);
}

static void leaves_out_paths_that_lead_elsewhere(void **state)
{
	static const char *const paths[] = {
		"../model.pkl", "/etc/passwd", "a/../../b", "a//b",
		"./a",          "a\\b",        "a/.",       "''",
	};
	char text[200];
	size_t i;

	for (i = 0; i < MR_COUNT(paths); i++) {
		struct mr_mlmodel m;

		snprintf(text, sizeof(text),
			 "flavors: {python_function: {env: %s}}\n", paths[i]);
		m = read_model(*state, text);
		assert_null(m.trouble);
		assert_null(m.environment);
	}
	assert_string_equal(read_model(*state,
				       "flavors: {python_function: {env: "
				       "a/..b/c...}}\n")
				    .environment,
			    "a/..b/c...");
}

static void takes_fields_of_the_wrong_kind_for_none(void **state)
{
	struct mr_mlmodel m = read_model(*state, "flavors: [a]\nrun_id: [x]\n");

	assert_null(m.trouble);
	assert_int_equal(m.flavors.n, 0);
	assert_null(m.run_id);
	m = read_model(*state, "flavors: {a: b, python_function: [c]}\n");
	assert_int_equal(m.flavors.n, 2);
}

static void says_why_it_cannot_read_a_document(void **state)
{
	struct mr_mlmodel m = read_model(*state, "run_id: a\nb: *x\n");

	assert_string_equal(m.trouble, "an alias ('*') in 'MLmodel', line 2");
	assert_null(m.run_id);
	assert_string_equal(read_model(*state, "text\n").trouble,
			    "no map of fields in 'MLmodel'");
	assert_has(read_model(*state, "a: 1\n---\nb: 2\n").trouble,
		   "a second document");
	m = read_model(*state, "");
	assert_null(m.trouble);
	assert_int_equal(m.flavors.n, 0);
}

static void reports_lack_of_memory(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *small = mr_arena_new(16);
	static const char text[] = "run_id: 0d099223a0aa4e05976741242b1fb931\n";
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_mlmodel m;

	(void)state;
	assert_code(MREG_ENOMEM,
		    mr_mlmodel_read(text, strlen(text), small, &m, &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_what_mlflow_3_writes,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(reads_what_mlflow_1_wrote,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(
			finds_the_environment_of_any_tool, arena, arena_end),
		cmocka_unit_test_setup_teardown(keeps_the_numbers_of_params,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(
			takes_a_signature_that_is_no_string, arena, arena_end),
		cmocka_unit_test_setup_teardown(
			leaves_out_parts_of_a_signature_that_are_none, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(
			leaves_out_paths_that_lead_elsewhere, arena, arena_end),
		cmocka_unit_test_setup_teardown(
			takes_fields_of_the_wrong_kind_for_none, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(
			says_why_it_cannot_read_a_document, arena, arena_end),
		cmocka_unit_test(reports_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

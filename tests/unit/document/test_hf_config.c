/*
 * test_hf_config.c - config.json of transformers and diffusers.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "document/document.h"

#define ARENA_BYTES 65536

static struct mr_hf_config read_n(struct mr_arena *a, const char *text,
				  size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_hf_config c;

	memset(&c, 0xff, sizeof(c));
	assert_ok(mr_hf_config_read(text, n, a, &c, &err), err);
	return c;
}

static struct mr_hf_config read_config(struct mr_arena *a, const char *text)
{
	return read_n(a, text, strlen(text));
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

static void reads_a_small_encoder(void **state)
{
	struct mr_hf_config c = read_config(
		*state,
		"{\n"
		"  \"_name_or_path\": \"nreimers/MiniLM-L6-H384-uncased\",\n"
		"  \"architectures\": [\n    \"BertModel\"\n  ],\n"
		"  \"hidden_size\": 384,\n"
		"  \"layer_norm_eps\": 1e-12,\n"
		"  \"max_position_embeddings\": 512,\n"
		"  \"model_type\": \"bert\",\n"
		"  \"transformers_version\": \"4.8.2\",\n"
		"  \"vocab_size\": 30522\n"
		"}\n");

	assert_null(c.trouble);
	assert_string_equal(c.architecture, "bert");
	assert_null(c.precision);
	assert_null(c.quantization);
	assert_int_equal(c.context_length, 512);
	assert_false(c.remote_code);
}

static void looks_into_the_language_model_of_several_parts(void **state)
{
	struct mr_hf_config c = read_config(
		*state,
		"{\"architectures\":[\"LlavaForConditionalGeneration\"],"
		"\"model_type\":\"llava\",\"torch_dtype\":null,"
		"\"text_config\":{\"model_type\":\"llama\",\"dtype\":\"bfloat16\","
		"\"max_position_embeddings\":4096,"
		"\"quantization_config\":{\"quant_method\":\"awq\",\"bits\":4}},"
		"\"vision_config\":{\"model_type\":\"clip\"}}");

	assert_string_equal(c.architecture, "llava");
	assert_string_equal(c.precision, "bfloat16");
	assert_string_equal(c.quantization, "awq-4bit");
	assert_int_equal(c.context_length, 4096);
	c = read_config(*state, "{\"llm_config\":{\"model_type\":\"qwen2\","
				"\"n_positions\":7}}");
	assert_string_equal(c.architecture, "qwen2");
	assert_int_equal(c.context_length, 7);
}

static void reads_precision_in_its_spellings(void **state)
{
	assert_string_equal(
		read_config(*state, "{\"torch_dtype\":\"torch.float16\"}")
			.precision,
		"float16");
	assert_string_equal(
		read_config(*state, "{\"torch_dtype\":\"bfloat16\"}").precision,
		"bfloat16");
	assert_string_equal(
		read_config(*state, "{\"dtype\":\"float32\"}").precision,
		"float32");
	assert_null(
		read_config(*state, "{\"torch_dtype\":\"auto\"}").precision);
	assert_null(read_config(*state, "{\"torch_dtype\":16}").precision);
}

static const char *quantization(void **state, const char *config)
{
	char text[200];

	snprintf(text, sizeof(text), "{\"quantization_config\":%s}", config);
	return read_config(*state, text).quantization;
}

static void reads_how_it_is_quantized(void **state)
{
	assert_string_equal(
		quantization(state, "{\"quant_method\":\"gptq\",\"bits\":4,"
				    "\"group_size\":128}"),
		"gptq-4bit");
	assert_string_equal(quantization(state, "{\"quant_method\":\"fp8\"}"),
			    "fp8");
	assert_string_equal(quantization(state,
					 "{\"quant_method\":\"bitsandbytes\","
					 "\"load_in_4bit\":true,"
					 "\"load_in_8bit\":false}"),
			    "bitsandbytes-4bit");
	assert_string_equal(
		quantization(state, "{\"group_size\":64,\"bits\":8}"), "8bit");
	assert_null(quantization(state, "{\"bits\":-4}"));
	assert_null(quantization(state, "{\"bits\":1000000}"));
	assert_null(quantization(state, "\"gptq\""));
}

static void knows_context_lengths_by_their_names(void **state)
{
	assert_int_equal(
		read_config(*state, "{\"n_positions\":1024,\"n_ctx\":9}")
			.context_length,
		1024);
	assert_int_equal(
		read_config(*state, "{\"seq_length\":32768}").context_length,
		32768);
	assert_int_equal(read_config(*state, "{\"max_position_embeddings\":-1,"
					     "\"max_target_positions\":448}")
				 .context_length,
			 448);
	assert_int_equal(
		read_config(*state, "{\"max_position_embeddings\":\"512\"}")
			.context_length,
		0);
}

/* security.md H68. */
static void tells_of_code_of_its_own(void **state)
{
	assert_true(read_config(*state,
				"{\"auto_map\":{\"AutoModel\":\"m.Model\"}}")
			    .remote_code);
	assert_false(read_config(*state, "{\"auto_map\":{}}").remote_code);
	assert_false(read_config(*state, "{\"auto_map\":null}").remote_code);
}

static void takes_pythons_infinite_numbers(void **state)
{
	struct mr_hf_config c = read_config(
		*state, "{\"time_step_limit\": [0.0, Infinity],"
			"\"a\":[-Infinity,NaN], \"b\": \"NaN\\\" Infinity\","
			"\"model_type\": \"Infinity\"}");

	assert_null(c.trouble);
	assert_string_equal(c.architecture, "Infinity");
	assert_has(read_config(*state, "{\"a\": 1NaN}").trouble,
		   "no valid JSON");
}

static void leaves_out_what_is_unfit(void **state)
{
	struct mr_hf_config c = read_config(
		*state, "{\"model_type\":\"a\\u001bb\",\"architectures\":"
			"[7,\"X\"],\"torch_dtype\":\" float16 \"}");

	assert_null(c.trouble);
	assert_null(c.architecture);
	assert_string_equal(c.precision, "float16");
}

static void says_why_it_cannot_read_a_document(void **state)
{
	char *large = calloc(1, MR_PARSED_FILE_MAX_BYTES + 1);

	assert_non_null(large);
	assert_has(read_config(*state, "{\"a\":1,\"a\":2}").trouble,
		   "config.json is no valid JSON: duplicate object key");
	assert_has(read_config(*state, "").trouble, "config.json is empty");
	assert_string_equal(read_config(*state, "[1]").trouble,
			    "config.json is no JSON object");
	assert_has(read_n(*state, large, MR_PARSED_FILE_MAX_BYTES + 1).trouble,
		   "too large");
	memset(large, '[', 100);
	assert_has(read_n(*state, large, 100).trouble, "nested deeper than 64");
	free(large);
}

static void reports_lack_of_memory(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *small = mr_arena_new(16);
	static const char text[] =
		"{\"model_type\":\"twenty characters long\"}";
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_hf_config c;

	(void)state;
	assert_code(MREG_ENOMEM,
		    mr_hf_config_read(text, strlen(text), small, &c, &err),
		    err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_a_small_encoder, arena,
						arena_end),
		cmocka_unit_test_setup_teardown(
			looks_into_the_language_model_of_several_parts, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(
			reads_precision_in_its_spellings, arena, arena_end),
		cmocka_unit_test_setup_teardown(reads_how_it_is_quantized,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(
			knows_context_lengths_by_their_names, arena, arena_end),
		cmocka_unit_test_setup_teardown(tells_of_code_of_its_own, arena,
						arena_end),
		cmocka_unit_test_setup_teardown(takes_pythons_infinite_numbers,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(leaves_out_what_is_unfit, arena,
						arena_end),
		cmocka_unit_test_setup_teardown(
			says_why_it_cannot_read_a_document, arena, arena_end),
		cmocka_unit_test(reports_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_summary.c - which weights are the model's, and what of their facts is
 * kept.
 */
#include "tests/support/test.h"

#include "base/mem.h"
#include "tests/support/fill_fixture.h"

static void counts_all_shards_of_a_set(void **state)
{
	struct mr_summary w[] = {
		rig_weight("m-00001-of-00002.safetensors", 10,
			   MR_FORMAT_SAFETENSORS, 700),
		rig_weight("m-00002-of-00002.safetensors", 10,
			   MR_FORMAT_SAFETENSORS, 300),
		rig_weight("other.safetensors", 15, MR_FORMAT_SAFETENSORS, 9),
	};
	struct mr_summary_main m;

	(void)state;
	w[0].precision = "bfloat16";
	w[1].precision = "float32";
	m = rig_chosen(w, 3);
	assert_int_equal(m.files, 2);
	assert_int_equal(m.parameters, 1000);
	assert_string_equal(m.precision, "bfloat16");
	assert_string_equal(m.first->path, "m-00001-of-00002.safetensors");
}

static void knows_no_sum_that_lacks_a_shard(void **state)
{
	struct mr_summary w[] = {
		rig_weight("m-00001-of-00003.gguf", 10, MR_FORMAT_GGUF, 700),
		rig_weight("m-00002-of-00003.gguf", 10, MR_FORMAT_GGUF, 300),
	};

	(void)state;
	assert_int_equal(rig_chosen(w, 2).parameters, 0);
	assert_int_equal(rig_chosen(w, 2).files, 2);
}

static void keeps_variants_apart(void **state)
{
	struct mr_summary w[] = {
		rig_weight("model.fp16.safetensors", 50, MR_FORMAT_SAFETENSORS,
			   7),
		rig_weight("model.safetensors", 100, MR_FORMAT_SAFETENSORS, 7),
		rig_weight("onnx/model.onnx", 150, MR_FORMAT_ONNX, 8),
		rig_weight("pytorch_model.bin", 400, MR_FORMAT_TORCH, 0),
	};

	(void)state;
	assert_string_equal(rig_chosen(w, 4).first->path, "model.safetensors");
	assert_int_equal(rig_chosen(w, 4).parameters, 7);
	/* What can be counted comes before what cannot. */
	assert_string_equal(rig_chosen(w + 2, 2).first->path,
			    "onnx/model.onnx");
	assert_string_equal(rig_chosen(w + 3, 1).first->path,
			    "pytorch_model.bin");
	assert_int_equal(rig_chosen(w + 3, 1).parameters, 0);
}

static void does_not_overflow(void **state)
{
	struct mr_summary w[] = {
		rig_weight("m-00001-of-00002.gguf", 10, MR_FORMAT_GGUF,
			   INT64_MAX),
		rig_weight("m-00002-of-00002.gguf", 10, MR_FORMAT_GGUF, 1),
	};

	(void)state;
	assert_int_equal(rig_chosen(w, 2).parameters, 0);
	w[1].parameters = UINT64_MAX;
	assert_int_equal(rig_chosen(w, 2).parameters, 0);
}

static void writes_sizes_as_people_say_them(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1k" },
		{ 1049, "1k" },
		{ 1050, "1.1k" },
		{ 22713216, "22.7m" },
		{ 999949, "999.9k" },
		{ 999950, "1m" },
		{ 6738415616, "6.7b" },
		{ 1000000000000, "1t" },
		{ INT64_MAX, "9223372t" },
	};
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++)
		assert_string_equal(mr_param_size_text(rows[i].n, text),
				    rows[i].text);
}

static void keeps_what_matters_of_facts(void **state)
{
	static const char *dims[] = { "1", "batch", "?" };
	static const char *unsafe[] = { "os system", "posix system" };
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1u << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_port in = { .name = "input \"x\"",
			      .dtype = "float32",
			      .dims = { dims, 3 },
			      .ranked = true };
	struct mr_port out = { .name = "y", .dtype = "int64" };
	struct mr_facts f = {
		.format = MR_FORMAT_ONNX,
		.parameters = 7,
		.inputs = &in,
		.outputs = &out,
		.input_count = 1,
		.output_count = 1,
	};
	struct mr_summary s;

	(void)state;
	f.unsafe = rig_words(unsafe, 2);
	assert_ok(mr_summary_take(&f, "m.onnx", 9, a, &s, &err), err);
	assert_string_equal(
		s.signature,
		"{\"inputs\":[{\"name\":\"input \\\"x\\\"\",\"tensor-spec\":{"
		"\"dtype\":\"float32\",\"shape\":[1,-1,-1]},\"type\":"
		"\"tensor\"}],\"outputs\":[{\"name\":\"y\",\"tensor-spec\":{"
		"\"dtype\":\"int64\"},\"type\":\"tensor\"}]}");
	assert_int_equal(s.unsafe_count, 2);
	assert_string_equal(s.unsafe.items[1], "posix system");
	assert_int_equal(s.parameters, 7);
	assert_null(s.trouble);
}

static void keeps_few_of_many_globals(void **state)
{
	const char *many[MR_SUMMARY_WORDS_MAX + 5];
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1u << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_facts f = { .format = MR_FORMAT_PICKLE };
	struct mr_summary s;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(many); i++)
		many[i] = "os system";
	f.unsafe = rig_words(many, MR_COUNT(many));
	assert_ok(mr_summary_take(&f, "m.pkl", 9, a, &s, &err), err);
	assert_int_equal(s.unsafe.n, MR_SUMMARY_WORDS_MAX);
	assert_int_equal(s.unsafe_count, MR_SUMMARY_WORDS_MAX + 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_all_shards_of_a_set),
		cmocka_unit_test(knows_no_sum_that_lacks_a_shard),
		cmocka_unit_test(keeps_variants_apart),
		cmocka_unit_test(does_not_overflow),
		cmocka_unit_test(writes_sizes_as_people_say_them),
		cmocka_unit_test(keeps_what_matters_of_facts),
		cmocka_unit_test(keeps_few_of_many_globals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

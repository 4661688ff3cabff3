/*
 * test_fill.c - what files say, where nobody said anything: order of
 * precedence, and what is left out and told.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/fill_fixture.h"

static const char *bases[] = { "nreimers/MiniLM-L6", "./checkpoint" };
static const char *datasets[] = { "s2orc", "flax/stackexchange_xml",
				  "data of ours" };
static const char *languages[] = { "en", "de" };
static const char *keywords[] = { "embeddings", "bert" };

static const struct mr_card card = {
	.license = "Apache-2.0",
	.description = "Maps sentences to vectors.",
	.base_models = { bases, 2 },
	.datasets = { datasets, 3 },
	.languages = { languages, 2 },
	.tags = { keywords, 2 },
	.pipeline = "sentence-similarity",
	.library = "sentence-transformers",
};
static const struct mr_hf_config config = {
	.architecture = "bert",
	.precision = "float16",
	.context_length = 512,
};

static void reads_a_folder_of_the_hub(void **state)
{
	struct rig *r = *state;
	struct mr_summary w = rig_weight("model.safetensors", 90868376,
					 MR_FORMAT_SAFETENSORS, 22713216);
	const struct mr_said said = {
		.card = &card,
		.card_path = "README.md",
		.config = &config,
		.weights = &w,
		.weight_count = 1,
	};

	w.precision = "float32";
	rig_fills(r, &said);
	assert_string_equal(r->m->licenses, "Apache-2.0");
	assert_string_equal(r->m->description, "Maps sentences to vectors.");
	assert_string_equal(r->m->architecture, "bert");
	assert_string_equal(r->m->family, "bert");
	assert_string_equal(r->m->parameters, "22713216");
	assert_string_equal(r->m->param_size, "22.7m");
	assert_string_equal(r->m->format, "safetensors");
	/* The weights know better than what was written about them. */
	assert_string_equal(r->m->precision, "float32");
	assert_string_equal(rig_tag(r->m, "pipeline"), "sentence-similarity");
	assert_string_equal(rig_tag(r->m, "library"), "sentence-transformers");
	assert_string_equal(rig_tag(r->m, "language"), "en,de");
	assert_string_equal(rig_tag(r->m, "keywords"), "embeddings,bert");
	assert_string_equal(rig_tag(r->m, "context-length"), "512");
	assert_int_equal(r->m->metric_count, 0);
	assert_int_equal(r->notes.n, 0);
	assert_true(mr_list_has(&r->filled, "license"));
	assert_true(mr_list_has(&r->filled, "inputs"));
	assert_false(mr_list_has(&r->filled, "signature"));
}

static void changes_nothing_that_was_given(void **state)
{
	struct rig *r = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_summary w = rig_weight("m.gguf", 10, MR_FORMAT_GGUF, 5000);
	const struct mr_said said = {
		.card = &card,
		.card_path = "README.md",
		.config = &config,
		.weights = &w,
		.weight_count = 1,
	};

	rig_gives(r, "license", "MIT");
	rig_gives(r, "architecture", "mine");
	rig_gives(r, "family", "ours");
	rig_gives(r, "parameters", "12");
	rig_gives(r, "precision", "int8");
	rig_gives(r, "format", "own");
	rig_gives(r, "description", "Mine.");
	assert_ok(mr_meta_add(r->m, "tags", "pipeline=ranking", &err), err);
	assert_ok(mr_meta_add_parent(r->m, "merge=hf://a/b", &err), err);
	assert_ok(mr_meta_add_input(r->m, "test=s3://b/k", &err), err);
	rig_fills(r, &said);
	assert_string_equal(r->m->licenses, "MIT");
	assert_string_equal(r->m->architecture, "mine");
	assert_string_equal(r->m->family, "ours");
	assert_string_equal(r->m->parameters, "12");
	/* From the count that was given, not from the files'. */
	assert_string_equal(r->m->param_size, "12");
	assert_string_equal(r->m->precision, "int8");
	assert_string_equal(r->m->format, "own");
	assert_string_equal(r->m->description, "Mine.");
	assert_string_equal(rig_tag(r->m, "pipeline"), "ranking");
	assert_string_equal(rig_tag(r->m, "language"), "en,de");
	assert_int_equal(r->m->parent_count, 1);
	/* What it comes from besides is not lost by naming one more. */
	assert_int_equal(r->m->input_count, 4);
	assert_string_equal(r->m->inputs[0].uri, "s3://b/k");
	assert_false(mr_list_has(&r->filled, "license"));
	assert_false(mr_list_has(&r->filled, "parents"));
	assert_true(mr_list_has(&r->filled, "paramSize"));
}

static void counts_nothing_where_a_size_was_given(void **state)
{
	struct rig *r = *state;
	struct mr_summary w = rig_weight("m.gguf", 10, MR_FORMAT_GGUF, 5000);
	const struct mr_said said = { .weights = &w, .weight_count = 1 };

	rig_gives(r, "paramSize", "7B");
	rig_fills(r, &said);
	assert_string_equal(r->m->param_size, "7B");
	assert_null(r->m->parameters);
}

static void fills_nothing_from_nothing(void **state)
{
	struct rig *r = *state;
	const struct mr_said said = { .card = NULL };

	rig_fills(r, &said);
	assert_int_equal(r->filled.n, 0);
	assert_null(r->m->param_size);
	assert_null(r->m->format);
}

static void tells_what_it_cannot_keep(void **state)
{
	struct rig *r = *state;
	struct mr_card bad = { .license = "two\nlines",
			       .description = "Fine." };
	const struct mr_said said = { .card = &bad, .card_path = "README.md" };

	rig_fills(r, &said);
	assert_null(r->m->licenses);
	assert_string_equal(r->m->description, "Fine.");
	assert_int_equal(r->notes.n, 1);
	assert_has(r->notes.items[0],
		   "'license' of 'README.md' is left out: 'license' has the "
		   "control character U+000A");
}

static void reads_an_mlflow_model(void **state)
{
	static const char *flavors[] = { "python_function", "sklearn" };
	static const char *paths[] = { "MLmodel", "conda.yaml", "model.pkl",
				       "requirements.txt" };
	struct rig *r = *state;
	const struct mr_mlmodel mlmodel = {
		.flavors = { flavors, 2 },
		.run_id = "a3f81c",
		.signature = "{\"outputs\":[{\"type\":\"long\"}],"
			     "\"inputs\":[{\"type\":\"double\",\"name\":"
			     "\"x\"}]}",
		.environment = "conda.yaml",
	};
	const struct mr_said said = { .mlmodel = &mlmodel,
				      .paths = paths,
				      .path_count = 4 };

	rig_fills(r, &said);
	assert_string_equal(r->m->run_id, "a3f81c");
	assert_string_equal(r->m->environment, "conda.yaml");
	assert_string_equal(rig_tag(r->m, "flavors"),
			    "python_function,sklearn");
	assert_string_equal(r->m->signature,
			    "{\"inputs\":[{\"name\":\"x\",\"type\":\"double\"}"
			    "],\"outputs\":[{\"type\":\"long\"}]}");
}

static void names_no_environment_that_is_not_there(void **state)
{
	static const char *paths[] = { "MLmodel", "requirements.txt" };
	struct rig *r = *state;
	const struct mr_mlmodel mlmodel = { .environment = "../conda.yaml" };
	const struct mr_said said = { .mlmodel = &mlmodel,
				      .paths = paths,
				      .path_count = 2 };

	rig_fills(r, &said);
	assert_string_equal(r->m->environment, "requirements.txt");
}

static void takes_nothing_from_malformed_weights(void **state)
{
	struct rig *r = *state;
	struct mr_summary w[] = {
		rig_weight("a.safetensors", 50, MR_FORMAT_SAFETENSORS, 7),
		rig_weight("b.bin", 50, MR_FORMAT_UNKNOWN, 0),
	};
	const struct mr_said said = { .weights = w, .weight_count = 2 };

	w[0].trouble = "tensor 'w' overlaps the one before it";
	rig_fills(r, &said);
	assert_null(r->m->parameters);
	assert_null(r->m->format);
	assert_int_equal(r->filled.n, 0);
}

static void reads_a_gguf_file(void **state)
{
	struct rig *r = *state;
	struct mr_summary w =
		rig_weight("m.gguf", 100, MR_FORMAT_GGUF, 8030261312);
	const struct mr_said said = { .weights = &w, .weight_count = 1 };

	w.architecture = "llama";
	w.quantization = "Q4_K_M";
	w.license = "Some Words, 2.0";
	w.base_model = "https://huggingface.co/meta-llama/Llama-3.1-8B";
	w.context_length = 131072;
	rig_fills(r, &said);
	assert_string_equal(r->m->architecture, "llama");
	assert_string_equal(r->m->family, "llama");
	assert_string_equal(r->m->quantization, "Q4_K_M");
	assert_string_equal(r->m->param_size, "8b");
	assert_string_equal(r->m->licenses, "LicenseRef-some-words--2.0");
	assert_string_equal(r->m->parents[0].ref,
			    "hf://meta-llama/Llama-3.1-8B");
	assert_string_equal(rig_tag(r->m, "context-length"), "131072");
}

static void knows_licences_of_gguf_by_any_case(void **state)
{
	struct rig *r = *state;
	struct mr_summary w = rig_weight("m.gguf", 100, MR_FORMAT_GGUF, 1);
	const struct mr_said said = { .weights = &w, .weight_count = 1 };

	w.license = "Apache-2.0";
	rig_fills(r, &said);
	assert_string_equal(r->m->licenses, "Apache-2.0");
}

static const char *metric(const struct rig *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->m->metric_count; i++)
		if (strcmp(r->m->metrics[i].name, name) == 0)
			return r->m->metrics[i].value;
	return NULL;
}

static void takes_what_a_card_measured(void **state)
{
	struct rig *r = *state;
	struct mr_card_metric values[] = {
		{ "common voice", "wer", "20.90" },
		{ "librispeech", "wer", "4" },
		{ "common voice", "Test CER", "7.5" },
		{ NULL, "bleu", "1" },
		{ NULL, "bleu", "2" },
		{ "x", "huge", "1e999999" },
	};
	const struct mr_card measured = { .metrics = values,
					  .metric_count = MR_COUNT(values) };
	const struct mr_said said = { .card = &measured,
				      .card_path = "README.md" };

	rig_fills(r, &said);
	assert_int_equal(r->m->metric_count, 3);
	assert_string_equal(metric(r, "wer.common_voice"), "20.90");
	assert_string_equal(metric(r, "wer.librispeech"), "4");
	assert_string_equal(metric(r, "Test_CER"), "7.5");
	assert_true(mr_list_has(&r->filled, "metrics"));
	assert_int_equal(r->notes.n, 2);
	assert_string_equal(r->notes.items[0],
			    "metric 'bleu' of 'README.md' is left out: it has "
			    "several values");
	assert_has(r->notes.items[1],
		   "'metrics.huge' of 'README.md' is left out: metric 'huge' "
		   "is no finite decimal number");
}

static void takes_no_metrics_where_one_was_given(void **state)
{
	struct rig *r = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_card_metric value = { "d", "wer", "20.90" };
	const struct mr_card measured = { .metrics = &value,
					  .metric_count = 1 };
	const struct mr_said said = { .card = &measured,
				      .card_path = "README.md" };

	assert_ok(mr_meta_add(r->m, "metrics", "auc=0.5", &err), err);
	rig_fills(r, &said);
	assert_int_equal(r->m->metric_count, 1);
	assert_null(metric(r, "wer"));
}

static void takes_no_leaderboard(void **state)
{
	struct rig *r = *state;
	struct mr_card_metric values[101];
	char names[101][8];
	struct mr_card measured = { .metrics = values, .metric_count = 101 };
	const struct mr_said said = { .card = &measured,
				      .card_path = "README.md" };
	size_t i;

	for (i = 0; i < 101; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "m%zu", i);
		values[i] = (struct mr_card_metric){ NULL, names[i], "1" };
	}
	rig_fills(r, &said);
	assert_int_equal(r->m->metric_count, 0);
	assert_int_equal(r->notes.n, 1);
	assert_string_equal(r->notes.items[0],
			    "the 101 metrics of 'README.md' are left out: more "
			    "than 100 are no summary");
	measured.metric_count = 100;
	rig_fills(r, &said);
	assert_int_equal(r->m->metric_count, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(takes_what_a_card_measured,
						rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(
			takes_no_metrics_where_one_was_given, rig_fresh,
			rig_gone),
		cmocka_unit_test_setup_teardown(takes_no_leaderboard, rig_fresh,
						rig_gone),
		cmocka_unit_test_setup_teardown(reads_a_folder_of_the_hub,
						rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(changes_nothing_that_was_given,
						rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(
			counts_nothing_where_a_size_was_given, rig_fresh,
			rig_gone),
		cmocka_unit_test_setup_teardown(fills_nothing_from_nothing,
						rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(tells_what_it_cannot_keep,
						rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(reads_an_mlflow_model,
						rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(
			names_no_environment_that_is_not_there, rig_fresh,
			rig_gone),
		cmocka_unit_test_setup_teardown(
			takes_nothing_from_malformed_weights, rig_fresh,
			rig_gone),
		cmocka_unit_test_setup_teardown(reads_a_gguf_file, rig_fresh,
						rig_gone),
		cmocka_unit_test_setup_teardown(
			knows_licences_of_gguf_by_any_case, rig_fresh,
			rig_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

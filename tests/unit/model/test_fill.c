/*
 * test_fill.c - what files and runs say, where nobody said anything: order of
 * precedence, what is left out and told, and which weights are the model's.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/model.h"

/* A model to be filled, and what came of it. */
struct rig {
	struct mr_meta *m;
	struct mr_list filled, notes;
};

static int fresh(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct rig *r = mr_zalloc(sizeof(*r));

	assert_non_null(r);
	assert_ok(mr_meta_new(&r->m, &err), err);
	*state = r;
	return 0;
}

static int gone(void **state)
{
	struct rig *r = *state;

	mr_list_release(&r->filled);
	mr_list_release(&r->notes);
	mr_meta_free(r->m);
	mr_release(r);
	return 0;
}

static void fills(struct rig *r, const struct mr_said *said)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_fill(r->m, said, &r->filled, &r->notes, &err), err);
}

static void run_fills(struct rig *r, const struct mr_run *run)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_fill_run(r->m, run, &r->filled, &r->notes, &err),
		  err);
}

static void gives(struct rig *r, const char *key, const char *value)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_set(r->m, key, value, &err), err);
}

static const char *tag_of(const struct mr_meta *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->tag_count; i++)
		if (strcmp(m->tags[i].name, name) == 0)
			return m->tags[i].value;
	return NULL;
}

static struct mr_words words(const char **items, size_t n)
{
	return (struct mr_words){ items, n };
}

static struct mr_summary weight(const char *path, uint64_t size,
				enum mr_format format, uint64_t parameters)
{
	return (struct mr_summary){ .path = path,
				    .size = size,
				    .format = format,
				    .parameters = parameters };
}

static struct mr_summary_main chosen(const struct mr_summary *w, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_summary_main out;

	assert_ok(mr_summary_choose(w, n, &out, &err), err);
	return out;
}

/* -- a whole folder
 * -------------------------------------------------------------- */

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
	.model_class = "BertModel",
	.precision = "float16",
	.context_length = 512,
};

static void reads_a_folder_of_the_hub(void **state)
{
	struct rig *r = *state;
	struct mr_summary w = weight("model.safetensors", 90868376,
				     MR_FORMAT_SAFETENSORS, 22713216);
	const struct mr_said said = {
		.card = &card,
		.card_path = "README.md",
		.config = &config,
		.weights = &w,
		.weight_count = 1,
	};

	w.precision = "float32";
	fills(r, &said);
	assert_string_equal(r->m->licenses, "Apache-2.0");
	assert_string_equal(r->m->description, "Maps sentences to vectors.");
	assert_string_equal(r->m->architecture, "bert");
	assert_string_equal(r->m->family, "bert");
	assert_string_equal(r->m->parameters, "22713216");
	assert_string_equal(r->m->param_size, "22.7m");
	assert_string_equal(r->m->format, "safetensors");
	/* The weights know better than what was written about them. */
	assert_string_equal(r->m->precision, "float32");
	assert_string_equal(tag_of(r->m, "pipeline"), "sentence-similarity");
	assert_string_equal(tag_of(r->m, "library"), "sentence-transformers");
	assert_string_equal(tag_of(r->m, "language"), "en,de");
	assert_string_equal(tag_of(r->m, "keywords"), "embeddings,bert");
	assert_string_equal(tag_of(r->m, "context-length"), "512");
	assert_int_equal(r->m->metric_count, 0);
	assert_int_equal(r->notes.n, 0);
	assert_true(mr_list_has(&r->filled, "license"));
	assert_true(mr_list_has(&r->filled, "inputs"));
	assert_false(mr_list_has(&r->filled, "signature"));
}

static void makes_edges_of_what_a_card_names(void **state)
{
	struct rig *r = *state;
	const struct mr_said said = { .card = &card, .card_path = "README.md" };

	fills(r, &said);
	/* A folder of its author's is no parent anybody could follow. */
	assert_int_equal(r->m->parent_count, 1);
	assert_string_equal(r->m->parents[0].relation, "finetune");
	assert_string_equal(r->m->parents[0].ref, "hf://nreimers/MiniLM-L6");
	assert_null(r->m->parents[0].digest);
	assert_int_equal(r->m->input_count, 3);
	assert_string_equal(r->m->inputs[0].role, "train");
	assert_string_equal(r->m->inputs[0].name, "s2orc");
	assert_string_equal(r->m->inputs[0].uri, "hf://datasets/s2orc");
	assert_string_equal(r->m->inputs[1].uri,
			    "hf://datasets/flax/stackexchange_xml");
	assert_string_equal(r->m->inputs[2].name, "data of ours");
	assert_null(r->m->inputs[2].uri);
}

static void takes_the_relation_that_a_card_tells(void **state)
{
	struct rig *r = *state;
	struct mr_card quantized = { .base_models = { bases, 1 },
				     .relation = "quantized" };
	const struct mr_said said = { .card = &quantized,
				      .card_path = "README.md" };

	fills(r, &said);
	assert_string_equal(r->m->parents[0].relation, "quantized");
}

static void changes_nothing_that_was_given(void **state)
{
	struct rig *r = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_summary w = weight("m.gguf", 10, MR_FORMAT_GGUF, 5000);
	const struct mr_said said = {
		.card = &card,
		.card_path = "README.md",
		.config = &config,
		.weights = &w,
		.weight_count = 1,
	};

	gives(r, "license", "MIT");
	gives(r, "architecture", "mine");
	gives(r, "family", "ours");
	gives(r, "parameters", "12");
	gives(r, "precision", "int8");
	gives(r, "format", "own");
	gives(r, "description", "Mine.");
	assert_ok(mr_meta_add(r->m, "tags", "pipeline=ranking", &err), err);
	assert_ok(mr_meta_add_parent(r->m, "merge=hf://a/b", &err), err);
	assert_ok(mr_meta_add_input(r->m, "test=s3://b/k", &err), err);
	fills(r, &said);
	assert_string_equal(r->m->licenses, "MIT");
	assert_string_equal(r->m->architecture, "mine");
	assert_string_equal(r->m->family, "ours");
	assert_string_equal(r->m->parameters, "12");
	/* From the count that was given, not from the files'. */
	assert_string_equal(r->m->param_size, "12");
	assert_string_equal(r->m->precision, "int8");
	assert_string_equal(r->m->format, "own");
	assert_string_equal(r->m->description, "Mine.");
	assert_string_equal(tag_of(r->m, "pipeline"), "ranking");
	assert_string_equal(tag_of(r->m, "language"), "en,de");
	assert_int_equal(r->m->parent_count, 1);
	assert_int_equal(r->m->input_count, 1);
	assert_false(mr_list_has(&r->filled, "license"));
	assert_false(mr_list_has(&r->filled, "parents"));
	assert_true(mr_list_has(&r->filled, "paramSize"));
}

static void counts_nothing_where_a_size_was_given(void **state)
{
	struct rig *r = *state;
	struct mr_summary w = weight("m.gguf", 10, MR_FORMAT_GGUF, 5000);
	const struct mr_said said = { .weights = &w, .weight_count = 1 };

	gives(r, "paramSize", "7B");
	fills(r, &said);
	assert_string_equal(r->m->param_size, "7B");
	assert_null(r->m->parameters);
}

static void fills_nothing_from_nothing(void **state)
{
	struct rig *r = *state;
	const struct mr_said said = { .card = NULL };

	fills(r, &said);
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

	fills(r, &said);
	assert_null(r->m->licenses);
	assert_string_equal(r->m->description, "Fine.");
	assert_int_equal(r->notes.n, 1);
	assert_has(r->notes.items[0],
		   "'license' of 'README.md' is left out: 'license' has the "
		   "control character U+000A");
}

/* -- MLflow, environments, DVC
 * ------------------------------------------------------ */

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

	fills(r, &said);
	assert_string_equal(r->m->run_id, "a3f81c");
	assert_string_equal(r->m->environment, "conda.yaml");
	assert_string_equal(tag_of(r->m, "flavors"), "python_function,sklearn");
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

	fills(r, &said);
	assert_string_equal(r->m->environment, "requirements.txt");
}

static void takes_inputs_of_dvc_by_their_hash(void **state)
{
	static const char *paths[] = { "data/here.csv", "data/here.csv.dvc",
				       "data/train.csv.dvc", "dvc.lock" };
	struct rig *r = *state;
	struct mr_dvc_item here = {
		.path = "here.csv",
		.hash = "md5:00000000000000000000000000000001",
		.output = true
	};
	struct mr_dvc_item train = {
		.path = "train.csv",
		.hash = "md5:5d41402abc4b2a76b9719d911017c592",
		.output = true,
	};
	struct mr_dvc_item import = { .path = "sets/more.csv",
				      .repo = "https://git.example.com/d",
				      .revision = "5d41402a" };
	struct mr_dvc_item stages[] = {
		{ .path = "raw", .hash = "md5:0a.dir", .stage = "prepare" },
		{ .path = "clean",
		  .hash = "md5:0b",
		  .stage = "prepare",
		  .output = true },
		{ .path = "clean", .hash = "md5:0b", .stage = "train" },
		{ .path = "s3://b/more", .hash = "etag:0c", .stage = "train" },
		{ .path = "/home/ada/x", .hash = "md5:0d", .stage = "train" },
	};
	const struct mr_dvc_file files[] = {
		{ "data/here.csv.dvc", { .items = &here, .count = 1 } },
		{ "data/train.csv.dvc", { .items = &train, .count = 1 } },
		{ "dvc.lock", { .items = stages, .count = 5 } },
		{ "more.csv.dvc", { .items = &import, .count = 1 } },
	};
	const struct mr_said said = {
		.dvc = files, .dvc_count = 4, .paths = paths, .path_count = 4
	};

	fills(r, &said);
	assert_int_equal(r->notes.n, 0);
	assert_int_equal(r->m->input_count, 4);
	assert_string_equal(r->m->inputs[0].role, "data");
	assert_string_equal(r->m->inputs[0].uri, "dvc:data/train.csv");
	assert_string_equal(r->m->inputs[0].digest,
			    "md5:5d41402abc4b2a76b9719d911017c592");
	assert_string_equal(r->m->inputs[1].role, "pipeline");
	assert_string_equal(r->m->inputs[1].uri, "dvc:raw");
	assert_string_equal(r->m->inputs[1].digest, "md5:0a.dir");
	assert_string_equal(r->m->inputs[2].uri, "s3://b/more");
	assert_string_equal(r->m->inputs[3].uri, "https://git.example.com/d");
	assert_string_equal(r->m->inputs[3].name, "sets/more.csv");
	assert_string_equal(r->m->inputs[3].digest, "git:5d41402a");
}

static void keeps_no_password_of_an_address(void **state)
{
	struct rig *r = *state;
	struct mr_dvc_item items[] = {
		{ .path = "https://ada:s3@cret@h.example/a@b.csv?c@d" },
		{ .path = "more.csv", .repo = "https://t0ken@git.example/d" },
		{ .path = "s3://bucket/k@1", .hash = "etag:0c" },
	};
	const struct mr_dvc_file file = { "x.dvc",
					  { .items = items, .count = 3 } };
	const struct mr_said said = { .dvc = &file, .dvc_count = 1 };
	struct mr_run_input input = { "https://t0ken@h.example/x", NULL, NULL,
				      "https://t0ken@h.example/x" };
	const struct mr_run run = { .inputs = &input, .input_count = 1 };

	fills(r, &said);
	assert_int_equal(r->m->input_count, 3);
	assert_string_equal(r->m->inputs[0].name,
			    "https://h.example/a@b.csv?c@d");
	assert_string_equal(r->m->inputs[0].uri,
			    "https://h.example/a@b.csv?c@d");
	assert_string_equal(r->m->inputs[1].name, "more.csv");
	assert_string_equal(r->m->inputs[1].uri, "https://git.example/d");
	assert_string_equal(r->m->inputs[2].uri, "s3://bucket/k@1");
	assert_int_equal(r->notes.n, 1);
	assert_string_equal(r->notes.items[0],
			    "an address in 'x.dvc' has a user or a password "
			    "in it: they are left out");

	r->m->input_count = 0;
	run_fills(r, &run);
	assert_string_equal(r->m->inputs[0].name, "https://h.example/x");
	assert_string_equal(r->m->inputs[0].uri, "https://h.example/x");
	assert_int_equal(r->notes.n, 2);
}

static void keeps_an_input_whose_digest_is_none(void **state)
{
	struct rig *r = *state;
	struct mr_dvc_item item = { .path = "https://h.example/a",
				    .hash = "etag:\"a b\"" };
	const struct mr_dvc_file file = { "x.dvc",
					  { .items = &item, .count = 1 } };
	const struct mr_said said = { .dvc = &file, .dvc_count = 1 };

	fills(r, &said);
	assert_int_equal(r->m->input_count, 1);
	assert_string_equal(r->m->inputs[0].uri, "https://h.example/a");
	assert_null(r->m->inputs[0].digest);
	assert_int_equal(r->notes.n, 1);
	assert_has(r->notes.items[0],
		   "input 'https://h.example/a' of 'x.dvc' is taken without "
		   "its digest: 'digest' is no digest");
}

static void tells_of_inputs_beyond_a_thousand(void **state)
{
	struct rig *r = *state;
	struct mr_dvc_item *items = mr_array(1002, sizeof(*items));
	struct mr_dvc_file file = { "x.dvc",
				    { .items = items, .count = 1002 } };
	const struct mr_said said = { .dvc = &file, .dvc_count = 1 };
	char paths[1002][8];
	size_t i;

	assert_non_null(items);
	for (i = 0; i < 1002; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "f%zu", i);
		items[i] = (struct mr_dvc_item){ .path = paths[i] };
	}
	fills(r, &said);
	mr_release(items);
	assert_int_equal(r->m->input_count, 1000);
	assert_int_equal(r->notes.n, 1);
	assert_string_equal(r->notes.items[0],
			    "inputs of 'x.dvc' are left out: there are 1000 "
			    "already");
}

/* -- weights
 * ------------------------------------------------------------------------- */

static void counts_all_shards_of_a_set(void **state)
{
	struct mr_summary w[] = {
		weight("m-00001-of-00002.safetensors", 10,
		       MR_FORMAT_SAFETENSORS, 700),
		weight("m-00002-of-00002.safetensors", 10,
		       MR_FORMAT_SAFETENSORS, 300),
		weight("other.safetensors", 15, MR_FORMAT_SAFETENSORS, 9),
	};
	struct mr_summary_main m;

	(void)state;
	w[0].precision = "bfloat16";
	w[1].precision = "float32";
	m = chosen(w, 3);
	assert_int_equal(m.files, 2);
	assert_int_equal(m.parameters, 1000);
	assert_string_equal(m.precision, "bfloat16");
	assert_string_equal(m.first->path, "m-00001-of-00002.safetensors");
}

static void knows_no_sum_that_lacks_a_shard(void **state)
{
	struct mr_summary w[] = {
		weight("m-00001-of-00003.gguf", 10, MR_FORMAT_GGUF, 700),
		weight("m-00002-of-00003.gguf", 10, MR_FORMAT_GGUF, 300),
	};

	(void)state;
	assert_int_equal(chosen(w, 2).parameters, 0);
	assert_int_equal(chosen(w, 2).files, 2);
}

static void keeps_variants_apart(void **state)
{
	struct mr_summary w[] = {
		weight("model.fp16.safetensors", 50, MR_FORMAT_SAFETENSORS, 7),
		weight("model.safetensors", 100, MR_FORMAT_SAFETENSORS, 7),
		weight("onnx/model.onnx", 150, MR_FORMAT_ONNX, 8),
		weight("pytorch_model.bin", 400, MR_FORMAT_TORCH, 0),
	};

	(void)state;
	assert_string_equal(chosen(w, 4).first->path, "model.safetensors");
	assert_int_equal(chosen(w, 4).parameters, 7);
	/* What can be counted comes before what cannot. */
	assert_string_equal(chosen(w + 2, 2).first->path, "onnx/model.onnx");
	assert_string_equal(chosen(w + 3, 1).first->path, "pytorch_model.bin");
	assert_int_equal(chosen(w + 3, 1).parameters, 0);
}

static void takes_nothing_from_malformed_weights(void **state)
{
	struct rig *r = *state;
	struct mr_summary w[] = {
		weight("a.safetensors", 50, MR_FORMAT_SAFETENSORS, 7),
		weight("b.bin", 50, MR_FORMAT_UNKNOWN, 0),
	};
	const struct mr_said said = { .weights = w, .weight_count = 2 };

	w[0].trouble = "tensor 'w' overlaps the one before it";
	fills(r, &said);
	assert_null(r->m->parameters);
	assert_null(r->m->format);
	assert_int_equal(r->filled.n, 0);
}

static void does_not_overflow(void **state)
{
	struct mr_summary w[] = {
		weight("m-00001-of-00002.gguf", 10, MR_FORMAT_GGUF, INT64_MAX),
		weight("m-00002-of-00002.gguf", 10, MR_FORMAT_GGUF, 1),
	};

	(void)state;
	assert_int_equal(chosen(w, 2).parameters, 0);
	w[1].parameters = UINT64_MAX;
	assert_int_equal(chosen(w, 2).parameters, 0);
}

static void reads_a_gguf_file(void **state)
{
	struct rig *r = *state;
	struct mr_summary w = weight("m.gguf", 100, MR_FORMAT_GGUF, 8030261312);
	const struct mr_said said = { .weights = &w, .weight_count = 1 };

	w.architecture = "llama";
	w.quantization = "Q4_K_M";
	w.license = "Some Words, 2.0";
	w.base_model = "https://huggingface.co/meta-llama/Llama-3.1-8B";
	w.context_length = 131072;
	fills(r, &said);
	assert_string_equal(r->m->architecture, "llama");
	assert_string_equal(r->m->family, "llama");
	assert_string_equal(r->m->quantization, "Q4_K_M");
	assert_string_equal(r->m->param_size, "8b");
	assert_string_equal(r->m->licenses, "LicenseRef-some-words--2.0");
	assert_string_equal(r->m->parents[0].ref,
			    "hf://meta-llama/Llama-3.1-8B");
	assert_string_equal(tag_of(r->m, "context-length"), "131072");
}

static void knows_licences_of_gguf_by_any_case(void **state)
{
	struct rig *r = *state;
	struct mr_summary w = weight("m.gguf", 100, MR_FORMAT_GGUF, 1);
	const struct mr_said said = { .weights = &w, .weight_count = 1 };

	w.license = "Apache-2.0";
	fills(r, &said);
	assert_string_equal(r->m->licenses, "Apache-2.0");
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
	f.unsafe = words(unsafe, 2);
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
	f.unsafe = words(many, MR_COUNT(many));
	assert_ok(mr_summary_take(&f, "m.pkl", 9, a, &s, &err), err);
	assert_int_equal(s.unsafe.n, MR_SUMMARY_WORDS_MAX);
	assert_int_equal(s.unsafe_count, MR_SUMMARY_WORDS_MAX + 5);
}

/* -- runs
 * ----------------------------------------------------------------------------
 */

static void takes_a_run(void **state)
{
	struct rig *r = *state;
	struct mreg_pair metrics[] = { { "auc", "0.910" }, { "loss", "nan" } };
	struct mreg_pair params[] = { { "lr", "0.01" }, { "epochs", "3" } };
	struct mreg_pair tags[] = { { "team", "growth" } };
	struct mr_run_input inputs[] = {
		{ "train", "4b2f3c1a", "training", "s3://b/train.csv" },
		{ "mine", "sha256:00", "eval", "file:///home/ada/x.csv" },
		{ "rest", NULL, "holdout", "/home/ada/y.csv" },
	};
	const struct mr_run run = {
		.id = "a3f81c",
		.revision = "5d41402a",
		.source = "https://git.example.com/other",
		.metrics = metrics,
		.metric_count = 2,
		.params = params,
		.param_count = 2,
		.tags = tags,
		.tag_count = 1,
		.inputs = inputs,
		.input_count = 3,
	};

	gives(r, "revision", "mine");
	run_fills(r, &run);
	assert_string_equal(r->m->run_id, "a3f81c");
	assert_string_equal(r->m->revision, "mine");
	assert_null(r->m->source);
	assert_int_equal(r->m->authors.n, 0);
	/* A number that is none is told, and the others stay. */
	assert_int_equal(r->m->metric_count, 1);
	assert_string_equal(r->m->metrics[0].value, "0.910");
	assert_int_equal(r->m->param_count, 2);
	assert_string_equal(tag_of(r->m, "team"), "growth");
	assert_int_equal(r->m->input_count, 3);
	assert_string_equal(r->m->inputs[0].role, "train");
	assert_string_equal(r->m->inputs[0].digest, "mlflow:4b2f3c1a");
	assert_string_equal(r->m->inputs[0].uri, "s3://b/train.csv");
	assert_string_equal(r->m->inputs[1].name, "mine");
	assert_null(r->m->inputs[1].digest);
	assert_string_equal(r->m->inputs[2].role, "data");
	assert_string_equal(r->m->inputs[2].name, "rest");
	assert_null(r->m->inputs[2].uri);
	assert_int_equal(r->notes.n, 2);
	assert_has(r->notes.items[0],
		   "'metrics.loss' of 'the run' is left out: "
		   "metric 'loss' is no finite decimal");
	assert_has(r->notes.items[1],
		   "input 'mine' of 'the run' is taken without its digest: "
		   "'digest' is no digest");
}

static void takes_the_source_of_a_run_with_its_revision(void **state)
{
	struct rig *r = *state;
	const struct mr_run run = {
		.revision = "5d41402a",
		.source = "https://ada:t0ken@git.example.com/churn",
		.description = "Two lines\nof a note",
	};

	run_fills(r, &run);
	assert_string_equal(r->m->revision, "5d41402a");
	assert_string_equal(r->m->source, "https://git.example.com/churn");
	assert_string_equal(r->m->description, "Two lines\nof a note");
	assert_int_equal(r->notes.n, 1);
	assert_has(r->notes.items[0], "they are left out");
}

static void tells_of_metrics_that_a_run_lost(void **state)
{
	struct rig *r = *state;
	const char *names[] = { "bad", "loss" };
	const struct mr_run run = { .lost = { names, 2 } };

	run_fills(r, &run);
	assert_int_equal(r->notes.n, 2);
	assert_string_equal(r->notes.items[1],
			    "metric 'loss' of the run is left out: its last "
			    "value is no finite number");
}

static void spells_names_that_metadata_cannot_have(void **state)
{
	struct rig *r = *state;
	struct mreg_pair metrics[] = { { "val loss", "1" },
				       { "val_auc", "2" },
				       { "val:auc", "3" } };
	const struct mr_run run = { .metrics = metrics, .metric_count = 3 };

	run_fills(r, &run);
	assert_int_equal(r->m->metric_count, 2);
	assert_string_equal(r->m->metrics[0].name, "val_loss");
	assert_string_equal(r->m->metrics[1].value, "2");
	assert_int_equal(r->notes.n, 2);
	assert_string_equal(r->notes.items[0],
			    "metric 'val loss' of the run is called "
			    "'val_loss' here");
	assert_string_equal(r->notes.items[1],
			    "metric 'val:auc' of the run is left out: there "
			    "is a 'val_auc' already");
}

static void leaves_inputs_alone_that_were_given(void **state)
{
	struct rig *r = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_run_input input = { "train", "4b2f", "training", NULL };
	const struct mr_run run = { .inputs = &input, .input_count = 1 };

	assert_ok(mr_meta_add_input(r->m, "test=s3://b/k", &err), err);
	run_fills(r, &run);
	assert_int_equal(r->m->input_count, 1);
	assert_string_equal(r->m->inputs[0].role, "test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			takes_the_source_of_a_run_with_its_revision, fresh,
			gone),
		cmocka_unit_test_setup_teardown(
			tells_of_metrics_that_a_run_lost, fresh, gone),
		cmocka_unit_test_setup_teardown(keeps_no_password_of_an_address,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			keeps_an_input_whose_digest_is_none, fresh, gone),
		cmocka_unit_test_setup_teardown(
			tells_of_inputs_beyond_a_thousand, fresh, gone),
		cmocka_unit_test_setup_teardown(reads_a_folder_of_the_hub,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			makes_edges_of_what_a_card_names, fresh, gone),
		cmocka_unit_test_setup_teardown(
			takes_the_relation_that_a_card_tells, fresh, gone),
		cmocka_unit_test_setup_teardown(changes_nothing_that_was_given,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			counts_nothing_where_a_size_was_given, fresh, gone),
		cmocka_unit_test_setup_teardown(fills_nothing_from_nothing,
						fresh, gone),
		cmocka_unit_test_setup_teardown(tells_what_it_cannot_keep,
						fresh, gone),
		cmocka_unit_test_setup_teardown(reads_an_mlflow_model, fresh,
						gone),
		cmocka_unit_test_setup_teardown(
			names_no_environment_that_is_not_there, fresh, gone),
		cmocka_unit_test_setup_teardown(
			takes_inputs_of_dvc_by_their_hash, fresh, gone),
		cmocka_unit_test(counts_all_shards_of_a_set),
		cmocka_unit_test(knows_no_sum_that_lacks_a_shard),
		cmocka_unit_test(keeps_variants_apart),
		cmocka_unit_test_setup_teardown(
			takes_nothing_from_malformed_weights, fresh, gone),
		cmocka_unit_test(does_not_overflow),
		cmocka_unit_test_setup_teardown(reads_a_gguf_file, fresh, gone),
		cmocka_unit_test_setup_teardown(
			knows_licences_of_gguf_by_any_case, fresh, gone),
		cmocka_unit_test(writes_sizes_as_people_say_them),
		cmocka_unit_test(keeps_what_matters_of_facts),
		cmocka_unit_test(keeps_few_of_many_globals),
		cmocka_unit_test_setup_teardown(takes_a_run, fresh, gone),
		cmocka_unit_test_setup_teardown(
			spells_names_that_metadata_cannot_have, fresh, gone),
		cmocka_unit_test_setup_teardown(
			leaves_inputs_alone_that_were_given, fresh, gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_run.c - an MLflow run's folder, as its file store writes it, and what a
 * folder from elsewhere may try.
 */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "document/document.h"

#define ARENA_BYTES (16u << 20)
#define ID "0d099223a0aa4e05976741242b1fb931"
#define RUN "mlruns/1/" ID "/"
#define META                                                                   \
	"artifact_uri: file:///w/mlruns/1/" ID "/artifacts\n"                  \
	"end_time: 1629947184041\n"                                            \
	"entry_point_name: ''\n"                                               \
	"experiment_id: '1'\n"                                                 \
	"lifecycle_stage: active\n"                                            \
	"run_id: " ID "\n"                                                     \
	"run_name: rumbling-shrike-12\n"                                       \
	"run_uuid: " ID "\n"                                                   \
	"source_name: ''\n"                                                    \
	"source_type: 4\n"                                                     \
	"source_version: ''\n"                                                 \
	"start_time: 1629947182813\n"                                          \
	"status: 3\n"                                                          \
	"tags: []\n"                                                           \
	"user_id: ada\n"

struct fixture {
	char *dir; /* owned */
	char path[1024];
	struct mr_arena *arena;
	struct mr_run run;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->dir = test_tmpdir_new();
	f->arena = mr_arena_new(ARENA_BYTES);
	test_write_text(f->dir, RUN "meta.yaml", META);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	test_tmpdir_free(f->dir);
	mr_arena_free(f->arena);
	free(f);
	return 0;
}

/* Until the next call. */
static const char *full(struct fixture *f, const char *path)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, path);
	return f->path;
}

static int try_read(struct fixture *f, const char *path, struct mreg_error *err)
{
	memset(&f->run, 0xff, sizeof(f->run));
	return mr_run_read(full(f, path), f->arena, &f->run, err);
}

static const struct mr_run *read_run(struct fixture *f)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(try_read(f, RUN, &err), err);
	return &f->run;
}

/* Make one file of the run and read it again. */
static const struct mr_run *with(struct fixture *f, const char *name,
				 const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), RUN "%s", name);
	test_write_text(f->dir, path, text);
	return read_run(f);
}

/* "a=1|b=2" */
static void assert_pairs(const struct mreg_pair *pairs, size_t n,
			 const char *joined)
{
	char text[1024] = "";
	size_t i;

	for (i = 0; i < n; i++) {
		strcat(text, i > 0 ? "|" : "");
		strcat(text, pairs[i].name);
		strcat(text, "=");
		strcat(text, pairs[i].value);
	}
	assert_string_equal(text, joined);
}

/* -- what there is -----------------------------------------------------------
 */

static void reads_a_run(void **state)
{
	struct fixture *f = *state;
	const struct mr_run *r;

	test_write_text(f->dir, RUN "params/depth", "4");
	test_write_text(f->dir, RUN "params/data/path", "s3://b/k");
	test_write_text(f->dir, RUN "params/empty", "");
	test_write_text(f->dir, RUN "metrics/auc", "1629947183157 0.910 0\n");
	test_write_text(f->dir, RUN "tags/team", "fraud");
	test_write_text(f->dir, RUN "tags/mlflow.user", "bob");
	test_write_text(f->dir, RUN "tags/mlflow.source.git.repoURL",
			"https://h/r");
	test_write_text(f->dir, RUN "tags/mlflow.source.git.commit",
			"8d3f1f6a2c\n");
	test_write_text(f->dir, RUN "tags/mlflow.log-model.history", "[{}]");
	test_write_text(f->dir, RUN "artifacts/model/MLmodel", "a: b\n");
	r = read_run(f);
	assert_string_equal(r->id, ID);
	assert_string_equal(r->revision, "8d3f1f6a2c");
	assert_string_equal(r->source, "https://h/r");
	assert_pairs(r->params, r->param_count,
		     "data/path=s3://b/k|depth=4|empty=");
	assert_pairs(r->metrics, r->metric_count, "auc=0.910");
	assert_pairs(r->tags, r->tag_count, "team=fraud");
	assert_int_equal(r->input_count, 0);
}

static void reads_a_run_by_its_meta_yaml_or_a_link_to_its_folder(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(try_read(f, RUN "meta.yaml", &err), err);
	assert_string_equal(f->run.id, ID);
	assert_int_equal(symlink("mlruns/1/" ID, full(f, "run")), 0);
	assert_ok(try_read(f, "run", &err), err);
	assert_string_equal(f->run.id, ID);
}

static void reads_a_run_in_the_working_directory(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	char before[1024];

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(full(f, RUN)), 0);
	assert_ok(mr_run_read("meta.yaml", f->arena, &f->run, &err), err);
	assert_int_equal(chdir(before), 0);
	assert_string_equal(f->run.id, ID);
}

static void reads_the_id_of_before_mlflow_1(void **state)
{
	const struct mr_run *r =
		with(*state, "meta.yaml", "run_uuid: abc\nstatus: 9\n");

	assert_string_equal(r->id, "abc");
}

static void shows_the_metric_that_mlflow_shows(void **state)
{
	static const struct mreg_pair histories[] = {
		{ "5 0.1 0\n6 0.2 1\n7 0.3 2\n", "m=0.3" },
		/* The largest step, wherever it stands. */
		{ "7 0.3 2\n8 0.4 10\n9 0.1 1\n", "m=0.4" },
		/* Of one step the latest, of one time the largest. */
		{ "9 0.3 2\n8 0.4 2\n", "m=0.3" },
		{ "9 0.3 2\n9 0.4 2\n9 0.35 2\n", "m=0.4" },
		/* Older files have no step, newer ones a data set. */
		{ "1 0.5\n2 0.6\n", "m=0.6" },
		{ "1 0.5 1 train 0f3a\n2 0.6 0 train 0f3a\n", "m=0.5" },
		{ "1 1e-05 -1\n1 7 -2\r\n", "m=1e-05" },
		/* The last line is being written. */
		{ "1 0.5 1\n2 0.6 2", "m=0.6" },
		{ "x\n\n1 0.5 1\n1 0.6\tq\n1 0.7 x\n", "m=0.5" },
		/* No finite number is the last one. */
		{ "1 0.5 1\n2 nan 2\n", "" },
		{ "1 0.5 1\n2 inf 2\n", "" },
		{ "1 1e999 1\n", "" },
		{ "1 0x10 1\n", "" },
		{ "", "" },
	};
	struct fixture *f = *state;
	const struct mr_run *r;
	size_t i;

	for (i = 0; i < MR_COUNT(histories); i++) {
		r = with(f, "metrics/m", histories[i].name);
		assert_pairs(r->metrics, r->metric_count, histories[i].value);
		assert_int_equal(r->lost.n, histories[i].value[0] ? 0 : 1);
		if (r->lost.n)
			assert_string_equal(r->lost.items[0], "m");
	}
}

static void reads_a_long_history(void **state)
{
	struct fixture *f = *state;
	size_t size = 3u << 20;
	char *text = malloc(size);
	const struct mr_run *r;
	size_t n = 0;
	int i;

	assert_non_null(text);
	for (i = 0; n + 100 < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%d 0.%d %d\n",
				      1000 + i, i, i);
	/* A line that cannot be one does not take the next with it. */
	memset(text + 100000, 'x', 5000);
	text[105000] = '\n';
	r = with(f, "metrics/m", text);
	assert_int_equal(r->metric_count, 1);
	snprintf(text, size, "0.%d", i - 1);
	assert_string_equal(r->metrics[0].value, text);
	free(text);
}

static void keeps_lines_in_values(void **state)
{
	struct fixture *f = *state;
	const struct mr_run *r = with(f, "params/p", "{'a': 1,\r\n\t'b': 2}\n");

	assert_pairs(r->params, r->param_count, "p={'a': 1,\n\t'b': 2}");
	r = with(f, "params/p", "\n\r\n");
	assert_pairs(r->params, r->param_count, "p=");
}

/* -- data sets ---------------------------------------------------------------
 */

static void write_input(struct fixture *f, const char *id, const char *context,
			const char *dataset)
{
	char path[512];
	char text[2048];

	snprintf(path, sizeof(path), RUN "inputs/%s/meta.yaml", id);
	snprintf(text, sizeof(text),
		 "destination_id: %s\n"
		 "destination_type: RUN\n"
		 "source_id: d%s\n"
		 "source_type: DATASET\n"
		 "tags:\n"
		 "  mlflow.data.context: %s\n",
		 id, id, context);
	test_write_text(f->dir, path, text);
	snprintf(path, sizeof(path), "mlruns/1/datasets/d%s/meta.yaml", id);
	test_write_text(f->dir, path, dataset);
}

static void reads_data_sets(void **state)
{
	struct fixture *f = *state;
	const struct mr_run *r;

	write_input(f, "1", "training",
		    "digest: f0f3e026\n"
		    "name: wine\n"
		    "profile: '{\"num_rows\": 1599}'\n"
		    "schema: '{\"mlflow_colspec\": []}'\n"
		    "source: '{\"uri\": \"s3://b/wine.csv\"}'\n"
		    "source_type: s3\n");
	write_input(f, "2", "validation",
		    "digest: 0a\nname: imdb\nsource_type: hugging_face\n"
		    "source: '{\"path\": \"stanford/imdb\", \"revision\": "
		    "\"main\", \"split\": \"train\"}'\n");
	write_input(f, "3", "x",
		    "digest: 0b\nname: local\nsource_type: local\n"
		    "source: '{\"path\": \"/data/x\"}'\n");
	write_input(f, "4", "x",
		    "digest: 0c\nname: web\nsource_type: http\n"
		    "source: '{\"url\": \"https://a.b/c\"}'\n");
	write_input(f, "5", "x",
		    "name: code\nsource_type: code\n"
		    "source: '{\"tags\": {\"mlflow.user\": \"a\"}}'\n");
	r = read_run(f);
	assert_int_equal(r->input_count, 5);
	assert_string_equal(r->inputs[0].name, "code");
	assert_null(r->inputs[0].digest);
	assert_null(r->inputs[0].uri);
	assert_string_equal(r->inputs[1].name, "imdb");
	assert_string_equal(r->inputs[1].context, "validation");
	assert_string_equal(r->inputs[1].uri,
			    "hf://datasets/stanford/imdb@main");
	assert_string_equal(r->inputs[2].uri, "/data/x");
	assert_string_equal(r->inputs[3].uri, "https://a.b/c");
	assert_string_equal(r->inputs[4].name, "wine");
	assert_string_equal(r->inputs[4].digest, "f0f3e026");
	assert_string_equal(r->inputs[4].context, "training");
	assert_string_equal(r->inputs[4].uri, "s3://b/wine.csv");
}

static void leaves_out_inputs_that_name_no_data_set(void **state)
{
	struct fixture *f = *state;

	write_input(f, "1", "x", "digest: 0a\n");
	write_input(f, "2", "x", "name: &a b\n");
	write_input(f, "3", "x", "name: kept\nsource: '{'\n");
	test_write_text(f->dir, RUN "inputs/4/meta.yaml",
			"source_type: MODEL\nsource_id: d3\n");
	test_write_text(f->dir, RUN "inputs/5/meta.yaml",
			"source_type: DATASET\nsource_id: gone\n");
	test_write_text(f->dir, RUN "inputs/6/meta.yaml",
			"source_type: DATASET\nsource_id: ../datasets/d3\n");
	test_write_text(f->dir, RUN "inputs/7/meta.yaml",
			"source_type: DATASET\nsource_id: ..\n");
	test_write_text(f->dir, "mlruns/meta.yaml", "name: outside\n");
	test_write_text(f->dir, RUN "inputs/8/meta.yaml", "[");
	test_write_text(f->dir, RUN "inputs/9/other.yaml",
			"source_type: DATASET\nsource_id: d3\n");
	read_run(f);
	assert_int_equal(f->run.input_count, 1);
	assert_string_equal(f->run.inputs[0].name, "kept");
	assert_null(f->run.inputs[0].uri);
}

/* -- what is no run ----------------------------------------------------------
 */

static void says_what_was_expected(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_code(MREG_ENOTFOUND, try_read(f, "nowhere", &err), err);
	assert_has(err.msg, "cannot open '");
	assert_code(MREG_ENOTFOUND, try_read(f, "mlruns", &err), err);
	assert_has(err.msg, "no readable meta.yaml in '");
	assert_has(err.hint, "mlruns/EXPERIMENT/RUN");
	test_write_text(f->dir, "other.yaml", META);
	assert_code(MREG_EFORMAT, try_read(f, "other.yaml", &err), err);
	assert_has(err.msg, "other.yaml' is no MLflow run");
	test_write_text(f->dir, "mlruns/1/meta.yaml",
			"artifact_location: file:///w/mlruns/1\n"
			"experiment_id: '1'\nname: Default\n");
	assert_code(MREG_EFORMAT, try_read(f, "mlruns/1", &err), err);
	assert_has(err.msg, "is an MLflow experiment, no run");
	assert_has(err.hint, "one of its runs");
	test_write_text(f->dir, RUN "meta.yaml", "");
	assert_code(MREG_EFORMAT, try_read(f, RUN, &err), err);
	assert_has(err.msg, "is no MLflow run");
	test_write_text(f->dir, RUN "meta.yaml", "run_id: &a b\n");
	assert_code(MREG_EFORMAT, try_read(f, RUN, &err), err);
	assert_has(err.msg, "an anchor ('&') in 'meta.yaml', line 1");
	test_write_text(f->dir, RUN "meta.yaml", "run_id: [a]\n");
	assert_code(MREG_EFORMAT, try_read(f, RUN, &err), err);
	assert_int_equal(mkfifo(full(f, "pipe"), 0600), 0);
	assert_code(MREG_EFORMAT, try_read(f, "pipe", &err), err);
}

/* -- what a folder may try ---------------------------------------------------
 */

static void follows_no_link_out_of_the_folder(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mr_run *r;

	test_write_text(f->dir, "secret", "x");
	test_write_text(f->dir, "secrets/name", "x");
	test_write_text(f->dir, RUN "params/kept", "1");
	assert_int_equal(
		symlink("../../../../secret", full(f, RUN "params/link")), 0);
	assert_int_equal(
		symlink("../../../../secrets", full(f, RUN "params/folder")),
		0);
	assert_int_equal(symlink("../../../secrets", full(f, RUN "tags")), 0);
	assert_int_equal(symlink("../../../secrets", full(f, RUN "inputs")), 0);
	r = read_run(f);
	assert_pairs(r->params, r->param_count, "kept=1");
	assert_int_equal(r->tag_count, 0);
	assert_int_equal(r->input_count, 0);
	assert_int_equal(unlink(full(f, RUN "meta.yaml")), 0);
	test_write_text(f->dir, "meta.yaml", META);
	assert_int_equal(
		symlink("../../../meta.yaml", full(f, RUN "meta.yaml")), 0);
	assert_code(MREG_ENOTFOUND, try_read(f, RUN, &err), err);
}

static void follows_no_link_of_the_data_sets(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "secrets/meta.yaml", "name: secret\n");
	write_input(f, "1", "x", "name: a\n");
	test_write_text(f->dir, RUN "inputs/2/meta.yaml",
			"source_type: DATASET\nsource_id: d2\n");
	assert_int_equal(
		symlink("../../../secrets", full(f, "mlruns/1/datasets/d2")),
		0);
	read_run(f);
	assert_int_equal(f->run.input_count, 1);
	assert_string_equal(f->run.inputs[0].name, "a");
}

static void waits_for_no_pipe(void **state)
{
	struct fixture *f = *state;
	const struct mr_run *r;

	test_write_text(f->dir, RUN "params/a", "1");
	test_write_text(f->dir, RUN "metrics/b", "1 2 3\n");
	assert_int_equal(mkfifo(full(f, RUN "params/pipe"), 0600), 0);
	assert_int_equal(mkfifo(full(f, RUN "metrics/pipe"), 0600), 0);
	assert_int_equal(mkfifo(full(f, RUN "tags"), 0600), 0);
	assert_int_equal(mkfifo(full(f, RUN "inputs"), 0600), 0);
	r = read_run(f);
	assert_pairs(r->params, r->param_count, "a=1");
	assert_pairs(r->metrics, r->metric_count, "b=2");
}

static void leaves_out_strange_names_and_values(void **state)
{
	static const struct mreg_pair files[] = {
		{ ".hidden", "1" },        { "control\x1b", "1" },
		{ "invalid\xff", "1" },    { "escape", "a\x1b[2J" },
		{ "latin", "caf\xe9" },    { "a space:and colon", "1" },
		{ ".folder/inside", "1" },
	};
	struct fixture *f = *state;
	const struct mr_run *r;
	char name[400];
	size_t i;

	for (i = 0; i < MR_COUNT(files); i++) {
		snprintf(name, sizeof(name), RUN "params/%s", files[i].name);
		test_write_text(f->dir, name, files[i].value);
	}
	test_write(f->dir, RUN "params/nul", "a\0b", 3);
	/* Longer than MLflow's names: 200 and more, in two folders. */
	memset(name, 0, sizeof(name));
	strcpy(name, RUN "params/");
	memset(name + strlen(name), 'x', 120);
	strcat(name, "/");
	memset(name + strlen(name), 'y', 120);
	strcat(name, "/tail-of-it");
	test_write_text(f->dir, name, "1");
	r = read_run(f);
	assert_pairs(r->params, r->param_count, "a space:and colon=1");
}

static void leaves_out_files_that_are_too_large(void **state)
{
	struct fixture *f = *state;
	const struct mr_run *r;
	size_t size = 65537;
	char *text = malloc(size);

	assert_non_null(text);
	memset(text, 'x', size);
	test_write(f->dir, RUN "params/value", text, size);
	test_write(f->dir, RUN "params/just", text, size - 1);
	r = read_run(f);
	assert_int_equal(r->param_count, 1);
	assert_string_equal(r->params[0].name, "just");
	assert_int_equal(strlen(r->params[0].value), 65536);
	free(text);
	/* A metric of 65 MiB, but on no disk. */
	test_write_text(f->dir, RUN "metrics/m", "1 2 3\n");
	assert_int_equal(truncate(full(f, RUN "metrics/m"), 65u << 20), 0);
	assert_int_equal(read_run(f)->metric_count, 0);
}

static void stops_at_too_many_files(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	char name[1024];
	int i;

	test_write_text(f->dir, RUN "params/first", "1");
	for (i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "%s/" RUN "params/p%d", f->dir, i);
		assert_int_equal(link(full(f, RUN "params/first"), name), 0);
	}
	assert_code(MREG_ELIMIT, try_read(f, RUN, &err), err);
	assert_string_equal(err.msg,
			    "more than 10000 files in 'params' of the run");
}

static void stops_at_too_many_folders_in_each_other(void **state)
{
	struct fixture *f = *state;
	char name[400] = RUN "params/";
	int i;

	for (i = 0; i < 30; i++)
		strcat(name, "d/");
	strcat(name, "p");
	test_write_text(f->dir, name, "1");
	assert_int_equal(read_run(f)->param_count, 0);
}

static void reports_lack_of_memory(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	test_write_text(f->dir, RUN "params/a", "some value");
	mr_arena_free(f->arena);
	f->arena = mr_arena_new(96);
	assert_code(MREG_ENOMEM, try_read(f, RUN, &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_a_run, setup, teardown),
		cmocka_unit_test_setup_teardown(
			reads_a_run_by_its_meta_yaml_or_a_link_to_its_folder,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			reads_a_run_in_the_working_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_the_id_of_before_mlflow_1,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			shows_the_metric_that_mlflow_shows, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_a_long_history, setup,
						teardown),
		cmocka_unit_test_setup_teardown(keeps_lines_in_values, setup,
						teardown),
		cmocka_unit_test_setup_teardown(reads_data_sets, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			leaves_out_inputs_that_name_no_data_set, setup,
			teardown),
		cmocka_unit_test_setup_teardown(says_what_was_expected, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			follows_no_link_out_of_the_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(
			follows_no_link_of_the_data_sets, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_for_no_pipe, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			leaves_out_strange_names_and_values, setup, teardown),
		cmocka_unit_test_setup_teardown(
			leaves_out_files_that_are_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(stops_at_too_many_files, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			stops_at_too_many_folders_in_each_other, setup,
			teardown),
		cmocka_unit_test_setup_teardown(reports_lack_of_memory, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

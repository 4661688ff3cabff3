/*
 * test_dvc.c - NAME.dvc and dvc.lock.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "document/document.h"

#define ARENA_BYTES (16u << 20)
#define MD5 "a304afb96060aad90176268345e10355"

static struct mr_dvc read_dvc(struct mr_arena *a, const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_dvc d;

	memset(&d, 0xff, sizeof(d));
	assert_ok(mr_dvc_read(text, strlen(text), a, &d, &err), err);
	return d;
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

static void reads_what_dvc_add_writes(void **state)
{
	struct mr_dvc d = read_dvc(*state, "outs:\n"
					   "- md5: " MD5 "\n"
					   "  size: 14445097\n"
					   "  hash: md5\n"
					   "  path: data.xml\n");

	assert_null(d.trouble);
	assert_int_equal(d.count, 1);
	assert_string_equal(d.items[0].path, "data.xml");
	assert_string_equal(d.items[0].hash, "md5:" MD5);
	assert_null(d.items[0].stage);
	assert_null(d.items[0].repo);
	assert_true(d.items[0].output);
}

static void reads_what_dvc_import_writes(void **state)
{
	struct mr_dvc d = read_dvc(
		*state,
		"md5: 5d41402abc4b2a76b9719d911017c592\n"
		"frozen: true\n"
		"wdir: ../data\n"
		"deps:\n"
		"- path: get-started/data.xml\n"
		"  repo:\n"
		"    url: https://github.com/iterative/dataset-registry\n"
		"    rev_lock: f31f5c4cdae787b4bdeb97a717687d44667d9e62\n"
		"- etag: '\"f432e270cd634c51296ecd2bc2f5e752-5\"'\n"
		"  path: https://data.dvc.org/get-started/data.xml\n"
		"- checksum: abc\n"
		"  path: hdfs://h/x\n"
		"outs:\n"
		"- md5: " MD5 "\n"
		"  path: data.xml\n"
		"- path: /abs\n");

	assert_int_equal(d.count, 5);
	assert_string_equal(d.items[0].path, "get-started/data.xml");
	assert_string_equal(d.items[0].repo,
			    "https://github.com/iterative/dataset-registry");
	assert_string_equal(d.items[0].revision,
			    "f31f5c4cdae787b4bdeb97a717687d44667d9e62");
	assert_null(d.items[0].hash);
	assert_false(d.items[0].output);
	assert_string_equal(d.items[1].hash,
			    "etag:f432e270cd634c51296ecd2bc2f5e752-5");
	assert_string_equal(d.items[1].path,
			    "https://data.dvc.org/get-started/data.xml");
	assert_string_equal(d.items[2].hash, "checksum:abc");
	assert_string_equal(d.items[3].path, "../data/data.xml");
	assert_true(d.items[3].output);
	assert_string_equal(d.items[4].path, "/abs");
	assert_null(d.items[4].hash);
}

static void reads_a_lock_by_its_stages(void **state)
{
	struct mr_dvc d = read_dvc(
		*state, "schema: '2.0'\n"
			"stages:\n"
			"  train:\n"
			"    cmd: python src/train.py data/features model.pkl\n"
			"    deps:\n"
			"    - path: data/features\n"
			"      hash: md5\n"
			"      md5: f35d4cc2c552ac959ae602162b8543f3.dir\n"
			"      size: 2232588\n"
			"      nfiles: 2\n"
			"    params:\n"
			"      params.yaml:\n"
			"        train.seed: 20170428\n"
			"    outs:\n"
			"    - path: model.pkl\n"
			"      md5: " MD5 "\n"
			"  prepare:\n"
			"    cmd: python src/prepare.py data/data.xml\n"
			"    deps:\n"
			"    - path: data/data.xml\n"
			"      md5: 22a1a2931c8370d3aeedd7183606fd7f\n");

	assert_null(d.trouble);
	assert_int_equal(d.count, 3);
	assert_string_equal(d.items[0].stage, "prepare");
	assert_string_equal(d.items[0].path, "data/data.xml");
	assert_string_equal(d.items[1].stage, "train");
	assert_string_equal(d.items[1].hash,
			    "md5:f35d4cc2c552ac959ae602162b8543f3.dir");
	assert_false(d.items[1].output);
	assert_string_equal(d.items[2].path, "model.pkl");
	assert_true(d.items[2].output);
}

static void reads_a_lock_of_dvc_1(void **state)
{
	struct mr_dvc d = read_dvc(*state, "prepare:\n"
					   "  cmd: ./x\n"
					   "  deps:\n"
					   "  - path: a\n"
					   "    md5: " MD5 "\n");

	assert_int_equal(d.count, 1);
	assert_string_equal(d.items[0].stage, "prepare");
	assert_string_equal(d.items[0].path, "a");
}

static void joins_paths_with_the_working_directory(void **state)
{
	assert_string_equal(read_dvc(*state, "wdir: .\nouts: [{path: a/b}]\n")
				    .items[0]
				    .path,
			    "a/b");
	assert_string_equal(
		read_dvc(*state, "wdir: ..\nouts: [{path: a}]\n").items[0].path,
		"../a");
	assert_string_equal(
		read_dvc(*state, "wdir: d/\nouts: [{path: a}]\n").items[0].path,
		"d/a");
	assert_string_equal(
		read_dvc(*state, "wdir: d\nouts: [{path: 's3://b/k'}]\n")
			.items[0]
			.path,
		"s3://b/k");
}

static void leaves_out_what_is_unfit(void **state)
{
	struct mr_dvc d =
		read_dvc(*state, "outs:\n"
				 "- md5: not-hexadecimal\n  path: a\n"
				 "- md5: " MD5 "0\n  path: b\n"
				 "- {md5: [x], etag: 'W/\"y\"', path: c}\n"
				 "- {path: \"d\\n\", md5: " MD5 "}\n"
				 "- {path: \"e\\nf\", md5: " MD5 "}\n"
				 "- {md5: " MD5 "}\n"
				 "- text\n"
				 "deps: text\n"
				 "stages: [x]\n");

	assert_null(d.trouble);
	assert_int_equal(d.count, 4);
	assert_null(d.items[0].hash);
	assert_null(d.items[1].hash);
	assert_string_equal(d.items[2].hash, "etag:y");
	assert_string_equal(d.items[3].path, "d");
}

static void finds_nothing_in_another_document(void **state)
{
	assert_int_equal(read_dvc(*state, "a: b\n").count, 0);
	assert_int_equal(read_dvc(*state, "{}").count, 0);
	assert_int_equal(read_dvc(*state, "").count, 0);
	assert_int_equal(
		read_dvc(*state, "stages:\n  a:\n    foreach: [1]\n").count, 0);
}

static void says_why_it_cannot_read_a_document(void **state)
{
	struct mr_dvc d = read_dvc(*state, "outs:\n- &a {path: x}\n- *a\n");

	assert_string_equal(d.trouble, "an anchor ('&') in 'DVC file', line 2");
	assert_int_equal(d.count, 0);
	assert_null(d.items);
	assert_string_equal(read_dvc(*state, "[]").trouble,
			    "no map of fields in 'DVC file'");
}

static void is_bounded_in_what_it_takes(void **state)
{
	size_t size = 1u << 20;
	char *text = malloc(size);
	size_t n;
	size_t i;

	assert_non_null(text);
	n = (size_t)snprintf(text, size, "outs:\n");
	for (i = 0; i < 15000; i++)
		n += (size_t)snprintf(text + n, size - n,
				      "- path: f%zu\n  md5: " MD5 "\n", i);
	assert_int_equal(read_dvc(*state, text).count, 10000);
	/* A folder that is longer than a path may be. */
	memset(text, 0, size);
	n = (size_t)snprintf(text, size,
			     "outs: [{path: a}, {path: /b}]\nwdir: ");
	memset(text + n, 'd', 2000);
	assert_int_equal(read_dvc(*state, text).count, 1);
	free(text);
}

static void reports_lack_of_memory(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *small = mr_arena_new(16);
	static const char text[] = "outs: [{path: a}]\n";
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_dvc d;

	(void)state;
	assert_code(MREG_ENOMEM,
		    mr_dvc_read(text, strlen(text), small, &d, &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_what_dvc_add_writes,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(reads_what_dvc_import_writes,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(reads_a_lock_by_its_stages,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(reads_a_lock_of_dvc_1, arena,
						arena_end),
		cmocka_unit_test_setup_teardown(
			joins_paths_with_the_working_directory, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(leaves_out_what_is_unfit, arena,
						arena_end),
		cmocka_unit_test_setup_teardown(
			finds_nothing_in_another_document, arena, arena_end),
		cmocka_unit_test_setup_teardown(
			says_why_it_cannot_read_a_document, arena, arena_end),
		cmocka_unit_test_setup_teardown(is_bounded_in_what_it_takes,
						arena, arena_end),
		cmocka_unit_test(reports_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

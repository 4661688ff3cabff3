/*
 * test_name.c - formats by extension, git-lfs pointers, shard indexes.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "format/format.h"

static void knows_formats_by_extension(void **state)
{
	(void)state;
	assert_string_equal(mr_format_by_name("a/model.safetensors"),
			    "safetensors");
	assert_string_equal(mr_format_by_name("x.Q4_0.GGUF"), "gguf");
	assert_string_equal(mr_format_by_name("x.onnx"), "onnx");
	assert_string_equal(mr_format_by_name("pytorch_model.bin"), "pytorch");
	assert_string_equal(mr_format_by_name("x.pth"), "pytorch");
	assert_null(mr_format_by_name("config.json"));
	assert_null(mr_format_by_name("safetensors"));
	assert_null(mr_format_by_name("a.gguf/README"));
	assert_null(mr_format_by_name("x."));
	assert_null(mr_format_by_name(""));
}

#define OID "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
#define POINTER                                                                \
	"version https://git-lfs.github.com/spec/v1\noid sha256:" OID          \
	"\nsize 12345\n"

static bool is_pointer(const char *text)
{
	return mr_format_is_lfs_pointer(text, strlen(text));
}

static void knows_a_git_lfs_pointer(void **state)
{
	char large[1200];

	(void)state;
	assert_true(is_pointer(POINTER));
	assert_true(is_pointer("version https://git-lfs.github.com/spec/v1\n"
			       "ext-0-foo sha256:" OID "\noid sha256:" OID
			       "\nsize 0\n"));
	assert_false(is_pointer(""));
	assert_false(is_pointer("version https://git-lfs.github.com/spec/v1"));
	assert_false(is_pointer("see " POINTER));
	assert_false(is_pointer("version https://git-lfs.github.com/spec/v1\n"
				"oid sha256:12\nsize 1\n"));
	assert_false(is_pointer("version https://git-lfs.github.com/spec/v1\n"
				"oid sha256:" OID "\nsize many\n"));
	assert_false(mr_format_is_lfs_pointer(POINTER "\0", sizeof(POINTER)));
	/* A real file that begins like one is none. */
	snprintf(large, sizeof(large), "%s%*s", POINTER, 1024, "x");
	assert_false(is_pointer(large));
}

static void knows_shard_indexes_by_name(void **state)
{
	(void)state;
	assert_true(mr_format_is_shard_index("model.safetensors.index.json"));
	assert_true(
		mr_format_is_shard_index("unet/x.safetensors.index.fp16.json"));
	assert_true(mr_format_is_shard_index("pytorch_model.bin.index.json"));
	assert_true(mr_format_is_shard_index("tf_model.h5.index.json"));
	assert_true(mr_format_is_shard_index("flax_model.msgpack.index.json"));
	assert_false(mr_format_is_shard_index("index.json"));
	assert_false(mr_format_is_shard_index(".safetensors.index.json"));
	assert_false(mr_format_is_shard_index("model.safetensors.index"));
	assert_false(mr_format_is_shard_index("a.bin.index.json/b.json"));
	assert_false(mr_format_is_shard_index("m.safetensors.index.a.b.json"));
	assert_false(mr_format_is_shard_index("m.safetensors.index.jsonl"));
}

static int shards(const char *text, struct mr_list *out, struct mreg_error *err)
{
	return mr_format_shards(text, strlen(text), "shard index 'x'", out,
				err);
}

static void lists_each_shard_once_and_sorted(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_list out = { .n = 0 };

	(void)state;
	assert_ok(shards("{\"metadata\":{\"total_size\":9},\"weight_map\":{"
			 "\"a\":\"m-2.bin\",\"b\":\"m-1.bin\","
			 "\"c\":\"m-2.bin\",\"d\":\"sub/m-3.bin\"}}",
			 &out, &err),
		  err);
	assert_int_equal(out.n, 3);
	assert_string_equal(out.items[0], "m-1.bin");
	assert_string_equal(out.items[1], "m-2.bin");
	assert_string_equal(out.items[2], "sub/m-3.bin");
	mr_list_release(&out);
	assert_ok(shards("{\"weight_map\":{}}", &out, &err), err);
	assert_int_equal(out.n, 0);
}

static void tells_which_tensors_a_shard_should_have(void **state)
{
	static const char text[] = "{\"weight_map\":{\"b\":\"m-2.bin\","
				   "\"c\":\"m-1.bin\",\"a\":\"m-2.bin\"}}";
	static const char *const want[][2] = { { "m-1.bin", "c" },
					       { "m-2.bin", "a" },
					       { "m-2.bin", "b" } };
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_SHARD_ROWS_MAX_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_shard_row *rows;
	size_t n, i;

	(void)state;
	assert_ok(mr_format_shard_rows(text, strlen(text), "index", a, &rows,
				       &n, &err),
		  err);
	assert_int_equal(n, 3);
	for (i = 0; i < n; i++) {
		assert_string_equal(rows[i].shard, want[i][0]);
		assert_string_equal(rows[i].tensor, want[i][1]);
	}
	assert_code(MREG_EFORMAT,
		    mr_format_shard_rows("{}", 2, "index", a, &rows, &n, &err),
		    err);
	assert_has(err.msg, "index has no 'weight_map'");
}

static void refuses_what_is_no_shard_index(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"weight_map\":[]}",
		"{\"weight_map\":null}",
		"{\"weight_map\":{\"a\":1}}",
		"{\"weight_map\":{\"a\":\"b\",\"a\":\"c\"}}",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_list out = { .n = 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_code(MREG_EFORMAT, shards(bad[i], &out, &err), err);
		assert_has(err.msg, "shard index 'x'");
		assert_int_equal(out.n, 0);
	}
}

static void refuses_shards_elsewhere(void **state)
{
	static const char *const bad[] = {
		"../x", "a/../../x", "/etc/passwd",      "..", ".", "",
		"a//b", "a/",        "\\\\\\\\host\\\\x"
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_list out = { .n = 0 };
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "{\"weight_map\":{\"t\":\"%s\"}}",
			 bad[i]);
		assert_code(MREG_EFORMAT, shards(text, &out, &err), err);
		assert_has(err.msg, "is not below it");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_formats_by_extension),
		cmocka_unit_test(knows_a_git_lfs_pointer),
		cmocka_unit_test(knows_shard_indexes_by_name),
		cmocka_unit_test(lists_each_shard_once_and_sorted),
		cmocka_unit_test(tells_which_tensors_a_shard_should_have),
		cmocka_unit_test(refuses_what_is_no_shard_index),
		cmocka_unit_test(refuses_shards_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

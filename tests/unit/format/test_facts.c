/*
 * test_facts.c - the content of a file decides what reads it, its name only
 * where content does not (security.md H65, H66); and shards make one model.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/weights_fixture.h"

#define ONE "{\"w\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]}}"

static void content_decides_whatever_the_name(void **state)
{
	static const char *const names[] = {
		"model.safetensors",
		"model.gguf",
		"model.onnx",
		"model.bin",
		"notes.txt",
		"saved_model.pb",
		"model",
		"a/b.h5",
	};
	struct weights safetensors = { 0 };
	struct weights gguf = { 0 };
	char why[512];
	size_t i;

	(void)state;
	safetensors_write(&safetensors, ONE, 8);
	gguf_begin(&gguf, 3, 0, 0);
	for (i = 0; i < MR_COUNT(names); i++) {
		assert_int_equal(facts_kind(safetensors.bytes, safetensors.n,
					    names[i], why),
				 MR_FORMAT_SAFETENSORS);
		assert_string_equal(why, "");
		assert_int_equal(facts_kind(gguf.bytes, gguf.n, names[i], why),
				 MR_FORMAT_GGUF);
		assert_string_equal(why, "");
		assert_int_equal(facts_kind("\x80\004}.", 4, names[i], why),
				 MR_FORMAT_PICKLE);
		assert_string_equal(why, "");
		/* Protocol 0: an empty dictionary. */
		assert_int_equal(facts_kind("(dp0\n.", 6, names[i], why),
				 MR_FORMAT_PICKLE);
		assert_string_equal(why, "");
		/* Protocol 4 without PROTO, which unpicklers take. */
		assert_int_equal(
			facts_kind("\214\002os\214\006system\223\214\002"
				   "id\205R.",
				   20, names[i], why),
			MR_FORMAT_PICKLE);
	}
}

static void other_files_are_unknown_and_in_no_trouble(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *path;
	} others[] = {
		{ "", 0, "empty" },
		{ "x", 1, "x" },
		{ "# A model\n\ntext\n", 16, "README.md" },
		{ "{\"a\": [1, 2]}", 13, "config.json" },
		{ "(not a pickle)\n", 15, "notes.txt" },
		{ "\x89PNG\r\n\032\n", 8, "a.png" },
		{ "\x80\x90 bytes", 8, "vocab.dat" },
		{ "\037\213\010", 3, "data.csv.gz" },
		{ "any bytes", 9, "tokenizer.bin" },
		{ "outs:\n- md5: 1", 14, "model.pkl.dvc" },
		{ "PK", 2, "short.zip" },
	};
	char why[512];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(others); i++) {
		if (facts_kind(others[i].bytes, others[i].n, others[i].path,
			       why) != MR_FORMAT_UNKNOWN)
			fail_msg("'%s' is taken for a weight file",
				 others[i].path);
		assert_string_equal(why, "");
	}
}

static void a_name_must_keep_what_it_promises(void **state)
{
	static const struct {
		const char *path;
		enum mr_format format;
		const char *why;
	} named[] = {
		{ "m.safetensors", MR_FORMAT_SAFETENSORS, "safetensors" },
		{ "M.SAFETENSORS", MR_FORMAT_SAFETENSORS, "safetensors" },
		{ "m.gguf", MR_FORMAT_GGUF, "does not begin with 'GGUF'" },
		{ "m.onnx", MR_FORMAT_ONNX, "its name says" },
		{ "m/saved_model.pb", MR_FORMAT_SAVED_MODEL, "its name says" },
		{ "m.pkl", MR_FORMAT_PICKLE, "its name says" },
		{ "m.pickle", MR_FORMAT_PICKLE, "its name says" },
		{ "m.joblib", MR_FORMAT_PICKLE, "its name says" },
		{ "m.dill", MR_FORMAT_PICKLE, "its name says" },
		{ "m.pt", MR_FORMAT_PICKLE, "its name says" },
		{ "m.PTH", MR_FORMAT_PICKLE, "its name says" },
		{ "m.ckpt", MR_FORMAT_PICKLE, "its name says" },
		{ "m.h5", MR_FORMAT_HDF5, "its name says" },
		{ "m.keras", MR_FORMAT_KERAS, "its name says" },
	};
	const char *bytes = "# no weights but a text\n";
	char why[512];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(named); i++) {
		assert_int_equal(
			facts_kind(bytes, strlen(bytes), named[i].path, why),
			named[i].format);
		assert_true(why[0] != '\0');
		assert_has(why, named[i].why);
		/* Nothing at all is no such file either. */
		assert_int_equal(facts_kind("", 0, named[i].path, why),
				 named[i].format);
		assert_string_equal(why, "is empty");
	}
}

static void what_hides_a_pickle_is_never_clean(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *path, *why;
	} packed[] = {
		{ "\037\213\010........", 11, "model.pkl.gz", "gzip" },
		{ "\037\213\010........", 11, "model.joblib", "gzip" },
		{ "x\234........", 10, "model.joblib.z", "zlib" },
		{ "x\332........", 10, "model.pkl", "zlib" },
		{ "BZh9....", 8, "a/b.pickle", "bzip2" },
		{ "\3757zXZ\0....", 10, "model.pt", "xz" },
		{ "]\0\0....", 7, "model.pkl", "lzma" },
		{ "(\265/\375....", 8, "model.bin", "zstd" },
		{ "\004\"M\030....", 8, "model.ckpt", "lz4" },
	};
	char why[512];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(packed); i++) {
		assert_int_equal(facts_kind(packed[i].bytes, packed[i].n,
					    packed[i].path, why),
				 MR_FORMAT_PICKLE);
		assert_has(why, "cannot be inspected: ");
		assert_has(why, packed[i].why);
	}
	(void)facts_kind("7z\274\257\047\034\0\004........", 16, "model.bin",
			 why);
	assert_has(why, "cannot be inspected: ");
}

#define SYSTEM "cos\nsystem\n(S'id'\ntR."
#define TWO_HEADER 0x2054

/* A safetensors file whose length begins with the opcode BINSTRING, and whose
 * metadata are texts that are jumped over, into the tensor. */
static void write_two_kinds(struct weights *w)
{
	static const char tail[] = "\"},\"t\":{\"dtype\":\"U8\",\"shape\":[%zu]"
				   ",\"data_offsets\":[0,%zu]}}";
	char end[100];
	size_t n = 7 + strlen(SYSTEM);
	size_t i;

	memset(w, 0, sizeof(*w));
	weights_put(w, TWO_HEADER, 8);
	weights_add(w, "{\"__metadata__\":{\"a\":\"xxxxxxxx", 29);
	for (i = 0; i < 63; i++) {
		weights_add(w, "U~", 2);
		while (w->n < 8 + 29 + 128 * (i + 1))
			weights_put(w, 'y', 1);
	}
	weights_add(w, "U<", 2);
	while (w->n < 8 + 8155)
		weights_put(w, 'y', 1);
	weights_add(w, "U~", 2);
	snprintf(end, sizeof(end), tail, n, n);
	while (w->n < 8 + TWO_HEADER - strlen(end))
		weights_put(w, 'y', 1);
	weights_add(w, end, strlen(end));
	weights_add(w, "zzzzzzz" SYSTEM, n);
}

static void a_file_of_two_kinds_is_a_pickle_in_trouble(void **state)
{
	static const char *const names[] = { "pytorch_model.bin", "model.pkl",
					     "model.safetensors" };
	struct weights w;
	char why[512];
	size_t i;

	(void)state;
	write_two_kinds(&w);
	for (i = 0; i < MR_COUNT(names); i++) {
		assert_int_equal(facts_kind(w.bytes, w.n, names[i], why),
				 MR_FORMAT_PICKLE);
		assert_string_equal(why, "is a pickle as well as a file of the "
					 "kind safetensors");
	}
	/* Without what it would run it is but an odd file. */
	memset(w.bytes + w.n - strlen(SYSTEM), 0, strlen(SYSTEM));
	assert_int_equal(facts_kind(w.bytes, w.n, "model.bin", why),
			 MR_FORMAT_SAFETENSORS);
	assert_string_equal(why, "");
	/* GGUF begins with BINFLOAT, and its counts with BINSTRING. */
	memset(&w, 0, sizeof(w));
	weights_add(&w, "GGUF", 4);
	weights_put(&w, 3, 4);
	weights_put(&w, 0x035401, 8);
	weights_put(&w, 0x035401, 8);
	weights_put(&w, 0x4701, 8);
	weights_add(&w, "ab" SYSTEM, 2 + strlen(SYSTEM));
	weights_pad(&w, 1024);
	assert_int_equal(facts_kind(w.bytes, w.n, "model.gguf", why),
			 MR_FORMAT_PICKLE);
	assert_has(why, "is a pickle as well as a file of the kind gguf");
}

static void a_zip_behind_another_format_is_found(void **state)
{
	static const char *const names[] = { "model.keras", "model.h5",
					     "model.pt", "model.pkl",
					     "model.bin" };
	char plain[100] = "\200\002N.";
	struct weights w;
	char why[512];
	size_t i;

	(void)state;
	safetensors_write(&w,
			  "{\"w\":{\"dtype\":\"U8\",\"shape\":[30],"
			  "\"data_offsets\":[0,30]}}",
			  30);
	memcpy(w.bytes + w.n - 22, "PK\005\006", 4);
	memcpy(plain + 60, "PK\005\006", 4);
	for (i = 0; i < MR_COUNT(names); i++) {
		assert_int_equal(facts_kind(w.bytes, w.n, names[i], why),
				 MR_FORMAT_TORCH);
		assert_has(why, "cannot be inspected: it ends as a zip");
		assert_int_equal(
			facts_kind(plain, sizeof(plain), names[i], why),
			MR_FORMAT_TORCH);
		assert_has(why, "cannot be inspected: it ends as a zip");
	}
	/* Who loads this one does not look there. */
	(void)facts_kind(w.bytes, w.n, "model.safetensors", why);
	assert_string_equal(why, "");
}

/* torch.save before 0.1.10; the sum as tar writes it. */
static void a_tar_under_a_pickles_name_is_in_trouble(void **state)
{
	char bytes[1024] = "sys_info";
	char why[512];
	unsigned int sum = 8 * ' ';
	size_t i;

	(void)state;
	memcpy(bytes + 257, "ustar", 6);
	for (i = 0; i < 512; i++)
		sum += (unsigned char)bytes[i];
	snprintf(bytes + 148, 8, "%06o", sum);
	bytes[155] = ' ';
	assert_int_equal(facts_kind(bytes, sizeof(bytes), "model.pt", why),
			 MR_FORMAT_TORCH);
	assert_string_equal(why, "cannot be inspected: it is a tar archive");
	(void)facts_kind(bytes, sizeof(bytes), "pytorch_model.bin", why);
	assert_has(why, "tar archive");
	assert_int_equal(facts_kind(bytes, sizeof(bytes), "asr.nemo", why),
			 MR_FORMAT_TORCH);
	assert_has(why, "tar archive");
	assert_int_equal(facts_kind(bytes, sizeof(bytes), "data.tar", why),
			 MR_FORMAT_UNKNOWN);
	bytes[0]++;
	(void)facts_kind(bytes, sizeof(bytes), "pytorch_model.bin", why);
	assert_string_equal(why, "");
	assert_int_equal(facts_kind(bytes, sizeof(bytes), "asr.nemo", why),
			 MR_FORMAT_UNKNOWN);
	assert_int_equal(facts_kind("\037\213\010", 3, "asr.nemo", why),
			 MR_FORMAT_PICKLE);
	assert_has(why, "it is compressed with gzip");
}

/* Python and PyTorch look for a zip's end record, not for its beginning. */
static void finds_a_zip_from_its_end(void **state)
{
	char bytes[200] = "not the beginning of a zip";
	char why[512];
	enum mr_format format;

	(void)state;
	memcpy(bytes + 100, "PK\005\006", 4);
	format = facts_kind(bytes, 122, "model.pt", why);
	assert_true(format != MR_FORMAT_UNKNOWN);
	assert_has(why, "cannot be inspected: ");
	assert_int_equal(facts_kind(bytes, 122, "notes.txt", why),
			 MR_FORMAT_UNKNOWN);
}

static void finds_hdf5_behind_a_user_block(void **state)
{
	char bytes[4096] = { 0 };
	char why[512];

	(void)state;
	memcpy(bytes + 1024, "\211HDF\r\n\032\n", 8);
	assert_int_equal(facts_kind(bytes, sizeof(bytes), "model.h5", why),
			 MR_FORMAT_HDF5);
	assert_int_equal(facts_kind(bytes, sizeof(bytes), "model.dat", why),
			 MR_FORMAT_UNKNOWN);
}

static ssize_t broken_read(struct mr_reader *r, void *buf, size_t n,
			   uint64_t offset, struct mreg_error *err)
{
	(void)r;
	memset(buf, 0, n);
	if (offset == 0 && n <= 16) {
		memcpy(buf, "GGUF\003", n < 5 ? n : 5);
		return (ssize_t)n;
	}
	err->code = MREG_EIO;
	strcpy(err->msg, "the disk is gone");
	return MREG_EIO;
}

static void broken_close(struct mr_reader *r)
{
	(void)r;
}

static void reading_trouble_is_an_error(void **state)
{
	static const struct mr_reader_ops ops = { .read_at = broken_read,
						  .close = broken_close };
	struct mr_reader r = { .ops = &ops, .size = 1000 };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	struct mr_facts f;

	(void)state;
	assert_code(MREG_EIO, mr_facts_read(&r, "m", a, &f, &err), err);
	assert_has(err.msg, "the disk is gone");
	mr_arena_free(a);
}

static void an_arena_too_small_is_an_error(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a = mr_arena_new(64);
	struct weights w = { 0 };
	struct counted c;
	struct mr_facts f;

	(void)state;
	safetensors_write(&w, ONE, 8);
	counted_init(&c, w.bytes, w.n, w.n);
	assert_code(MREG_ENOMEM, mr_facts_read(&c.base, "m", a, &f, &err), err);
	mr_arena_free(a);
}

static void every_format_has_a_name(void **state)
{
	int i;

	(void)state;
	assert_string_equal(mr_format_name(MR_FORMAT_UNKNOWN), "");
	assert_string_equal(mr_format_name(MR_FORMAT_COUNT), "");
	assert_string_equal(mr_format_name(MR_FORMAT_SAFETENSORS),
			    "safetensors");
	assert_string_equal(mr_format_name(MR_FORMAT_SAVED_MODEL),
			    "tensorflow");
	for (i = MR_FORMAT_UNKNOWN + 1; i < MR_FORMAT_COUNT; i++)
		assert_true(mr_format_name((enum mr_format)i)[0] != '\0');
}

/* -- shards ------------------------------------------------------------------
 */

static void shards_make_one_model(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	struct weights w = { 0 };
	struct mr_facts parts[2];
	struct looked first;
	struct looked second;
	struct mr_facts f;

	(void)state;
	safetensors_write(&w,
			  "{\"__metadata__\":{\"format\":\"pt\",\"n\":\"1\"},"
			  "\"b\":{\"dtype\":\"F16\",\"shape\":[4],"
			  "\"data_offsets\":[0,8]}}",
			  8);
	facts_look(&first, w.bytes, w.n, w.n, "1");
	safetensors_write(&w,
			  "{\"__metadata__\":{\"n\":\"2\",\"last\":\"y\"},"
			  "\"a\":{\"dtype\":\"F32\",\"shape\":[3],"
			  "\"data_offsets\":[0,12]},"
			  "\"c\":{\"dtype\":\"F32\",\"shape\":[2,1],"
			  "\"data_offsets\":[12,20]}}",
			  20);
	facts_look(&second, w.bytes, w.n, w.n, "2");
	parts[0] = first.f;
	parts[1] = second.f;
	assert_ok(mr_facts_merge(parts, 2, a, &f, &err), err);
	/* What is merged lives on its own. */
	facts_release(&first);
	facts_release(&second);
	assert_int_equal(f.format, MR_FORMAT_SAFETENSORS);
	assert_null(f.trouble);
	assert_int_equal(f.parameters, 9);
	assert_string_equal(f.precision, "float32");
	assert_int_equal(f.tensor_count, 3);
	assert_string_equal(f.tensors[0].name, "b");
	assert_string_equal(f.tensors[0].dtype, "F16");
	assert_string_equal(f.tensors[1].name, "a");
	assert_string_equal(f.tensors[2].name, "c");
	assert_int_equal(f.tensors[2].dims[0], 2);
	assert_int_equal(f.metadata_count, 3);
	assert_string_equal(facts_value(&f, "n"), "1");
	assert_string_equal(facts_value(&f, "last"), "y");
	assert_int_equal(f.bytes_read,
			 parts[0].bytes_read + parts[1].bytes_read);
	mr_arena_free(a);
}

static void lists_of_shards_are_joined(void **state)
{
	const char *one[] = { "os system", "torch FloatStorage" };
	const char *two[] = { "builtins eval", "torch FloatStorage" };
	const char *dims[] = { "1", "batch" };
	struct mr_port port = { .name = "x",
				.dtype = "float32",
				.dims = { .items = dims, .n = 2 },
				.ranked = true };
	const struct mr_facts parts[] = {
		{ .format = MR_FORMAT_TORCH,
		  .globals = { .items = one, .n = 2 },
		  .unsafe = { .items = one, .n = 1 },
		  .parameters = 10,
		  .precision = "float16",
		  .warnings = { .items = one, .n = 1 } },
		{ .format = MR_FORMAT_TORCH,
		  .globals = { .items = two, .n = 2 },
		  .unsafe = { .items = two, .n = 1 },
		  .parameters = 20,
		  .precision = "float32",
		  .architecture = "bert",
		  .inputs = &port,
		  .input_count = 1,
		  .warnings = { .items = one, .n = 1 } },
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	struct mr_facts f;

	(void)state;
	assert_ok(mr_facts_merge(parts, 2, a, &f, &err), err);
	assert_int_equal(f.globals.n, 3);
	assert_string_equal(f.globals.items[0], "builtins eval");
	assert_string_equal(f.globals.items[1], "os system");
	assert_string_equal(f.globals.items[2], "torch FloatStorage");
	assert_int_equal(f.unsafe.n, 2);
	assert_int_equal(f.warnings.n, 1);
	assert_string_equal(f.architecture, "bert");
	assert_int_equal(f.parameters, 30);
	assert_string_equal(f.precision, "float32");
	assert_int_equal(f.input_count, 1);
	assert_string_equal(f.inputs[0].dims.items[1], "batch");
	assert_true(f.inputs[0].ranked);
	assert_int_equal(f.output_count, 0);
	mr_arena_free(a);
}

static void merging_needs_room(void **state)
{
	const struct mr_facts part = { .format = MR_FORMAT_GGUF,
				       .name = "a name of some length" };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a = mr_arena_new(16);
	struct mr_facts f;

	(void)state;
	assert_code(MREG_ENOMEM, mr_facts_merge(&part, 1, a, &f, &err), err);
	mr_arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_decides_whatever_the_name),
		cmocka_unit_test(other_files_are_unknown_and_in_no_trouble),
		cmocka_unit_test(a_name_must_keep_what_it_promises),
		cmocka_unit_test(what_hides_a_pickle_is_never_clean),
		cmocka_unit_test(a_file_of_two_kinds_is_a_pickle_in_trouble),
		cmocka_unit_test(a_zip_behind_another_format_is_found),
		cmocka_unit_test(a_tar_under_a_pickles_name_is_in_trouble),
		cmocka_unit_test(finds_a_zip_from_its_end),
		cmocka_unit_test(finds_hdf5_behind_a_user_block),
		cmocka_unit_test(reading_trouble_is_an_error),
		cmocka_unit_test(an_arena_too_small_is_an_error),
		cmocka_unit_test(every_format_has_a_name),
		cmocka_unit_test(shards_make_one_model),
		cmocka_unit_test(lists_of_shards_are_joined),
		cmocka_unit_test(merging_needs_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

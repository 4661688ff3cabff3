/*
 * test_gguf_facts.c - what a GGUF file says about itself, and why not.
 */
#include "base/limits.h"
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/support/weights_fixture.h"

enum {
	UINT8 = 0,
	INT8,
	UINT16,
	INT16,
	UINT32,
	INT32,
	FLOAT32,
	BOOL,
	STRING,
	ARRAY,
	UINT64,
	INT64,
	FLOAT64,
};

/* What llama.cpp's converter writes, in small. */
static void llama(struct weights *w, uint32_t version)
{
	const uint64_t embedding[] = { 256, 3 };
	const uint64_t norm[] = { 256 };

	gguf_begin(w, version, 2, 12);
	gguf_string(w, "general.architecture", "llama");
	gguf_string(w, "general.name", "Tiny Llama");
	gguf_string(w, "general.license", "apache-2.0");
	gguf_number(w, "general.file_type", UINT32, 15, 4);
	gguf_number(w, "general.quantization_version", UINT32, 2, 4);
	gguf_number(w, "llama.context_length", UINT32, 4096, 4);
	gguf_number(w, "llama.rope.freq_base", FLOAT32, 0x461c4000, 4);
	gguf_string(w, "tokenizer.ggml.model", "gpt2");
	gguf_name(w, "tokenizer.ggml.tokens");
	weights_put(w, ARRAY, 4);
	weights_put(w, STRING, 4);
	weights_put(w, 3, w->wide);
	gguf_name(w, "<s>");
	gguf_name(w, "a");
	gguf_name(w, "");
	gguf_string(w, "general.base_model.0.name", "Llama");
	gguf_string(w, "general.base_model.0.organization", "Acme");
	gguf_number(w, "general.base_model.count", UINT32, 1, 4);
	gguf_tensor(w, "token_embd.weight", 12, 2, embedding, 0);
	gguf_tensor(w, "norm.weight", 0, 1, norm, 448);
	weights_pad(w, 32);
	w->n += 448 + 1024;
}

static void says_what_the_converter_wrote(void **state)
{
	struct weights w = { 0 };
	struct looked l;
	uint32_t version;

	(void)state;
	for (version = 1; version <= 3; version++) {
		llama(&w, version);
		facts_look(&l, w.bytes, w.n, w.n, "any");
		assert_null(l.f.trouble);
		assert_int_equal(l.f.format, MR_FORMAT_GGUF);
		assert_string_equal(l.f.architecture, "llama");
		assert_string_equal(l.f.name, "Tiny Llama");
		assert_string_equal(l.f.license, "apache-2.0");
		assert_string_equal(l.f.tokenizer, "gpt2");
		assert_string_equal(l.f.base_model, "Acme/Llama");
		assert_string_equal(l.f.quantization, "Q4_K_M");
		assert_null(l.f.precision);
		assert_int_equal(l.f.context_length, 4096);
		assert_int_equal(l.f.parameters, 256 * 3 + 256);
		assert_int_equal(l.f.metadata_count, 12);
		assert_string_equal(facts_value(&l.f, "tokenizer.ggml.tokens"),
				    "[3 strings]");
		assert_string_equal(facts_value(&l.f, "llama.rope.freq_base"),
				    "10000");
		assert_string_equal(
			facts_value(&l.f, "general.quantization_version"), "2");
		assert_int_equal(l.f.warnings.n, 0);
		facts_release(&l);
	}
}

static void lists_tensors_as_the_file_orders_them(void **state)
{
	struct weights w = { 0 };
	struct looked l;

	(void)state;
	llama(&w, 3);
	facts_look(&l, w.bytes, w.n, w.n, "any");
	assert_int_equal(l.f.tensor_count, 2);
	assert_string_equal(l.f.tensors[0].name, "token_embd.weight");
	assert_string_equal(l.f.tensors[0].dtype, "Q4_K");
	assert_int_equal(l.f.tensors[0].rank, 2);
	assert_int_equal(l.f.tensors[0].dims[0], 256);
	assert_int_equal(l.f.tensors[0].dims[1], 3);
	assert_int_equal(l.f.tensors[0].elements, 768);
	assert_int_equal(l.f.tensors[0].bytes, 3 * 144);
	assert_string_equal(l.f.tensors[1].name, "norm.weight");
	assert_string_equal(l.f.tensors[1].dtype, "F32");
	assert_int_equal(l.f.tensors[1].rank, 1);
	assert_int_equal(l.f.tensors[1].bytes, 1024);
	facts_release(&l);
}

static void reads_big_endian_and_says_so(void **state)
{
	struct weights w = { .big = true };
	struct looked l;

	(void)state;
	llama(&w, 3);
	facts_look(&l, w.bytes, w.n, w.n, "any");
	assert_null(l.f.trouble);
	assert_string_equal(l.f.architecture, "llama");
	assert_string_equal(l.f.quantization, "Q4_K_M");
	assert_int_equal(l.f.context_length, 4096);
	assert_string_equal(facts_value(&l.f, "llama.rope.freq_base"), "10000");
	assert_int_equal(l.f.parameters, 1024);
	assert_int_equal(l.f.warnings.n, 1);
	assert_has(l.f.warnings.items[0], "big endian");
	facts_release(&l);

	llama(&w, 2);
	facts_look(&l, w.bytes, w.n, w.n, "any");
	assert_string_equal(l.f.trouble, "is of the unknown version 2");
	facts_release(&l);
}

static void shows_scalars_as_people_write_them(void **state)
{
	static const struct {
		uint32_t kind;
		uint64_t bits;
		int bytes;
		const char *text;
	} values[] = {
		{ UINT8, 255, 1, "255" },
		{ INT8, 255, 1, "-1" },
		{ UINT16, 65535, 2, "65535" },
		{ INT16, 0x8000, 2, "-32768" },
		{ UINT32, UINT32_MAX, 4, "4294967295" },
		{ INT32, UINT32_MAX, 4, "-1" },
		{ FLOAT32, 0x3727c5ac, 4, "1e-05" },
		{ FLOAT32, 0x3dcccccd, 4, "0.1" },
		{ FLOAT32, 0x3eaaaaab, 4, "0.33333334" },
		{ FLOAT32, 0x7f800000, 4, "inf" },
		{ BOOL, 1, 1, "true" },
		{ BOOL, 0, 1, "false" },
		{ UINT64, UINT64_MAX, 8, "18446744073709551615" },
		{ INT64, UINT64_MAX, 8, "-1" },
		{ FLOAT64, UINT64_C(0x3fb999999999999a), 8, "0.1" },
	};
	struct weights w = { 0 };
	struct looked l;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(values); i++) {
		gguf_begin(&w, 3, 0, 1);
		gguf_number(&w, "k", values[i].kind, values[i].bits,
			    values[i].bytes);
		facts_look(&l, w.bytes, w.n, w.n, "any");
		assert_null(l.f.trouble);
		assert_string_equal(facts_value(&l.f, "k"), values[i].text);
		facts_release(&l);
	}
}

/* security.md H63: a template is data, and only its beginning is kept. */
static void keeps_a_chat_template_as_data(void **state)
{
	const char *script = "{% for x in ().__class__ %}<script>\n\t";
	struct weights w = { 0 };
	struct looked l;
	const char *value;
	size_t n = 200000;
	size_t at;

	(void)state;
	gguf_begin(&w, 3, 0, 2);
	gguf_string(&w, "general.name", script);
	gguf_name(&w, "tokenizer.chat_template");
	weights_put(&w, STRING, 4);
	weights_put(&w, n, 8);
	/* Two bytes a character, so that the cut falls into one. */
	weights_add(&w, "x", 1);
	for (at = 1; at + 2 <= n; at += 2)
		weights_add(&w, "\303\244", 2);
	weights_add(&w, "y", 1);
	facts_look(&l, w.bytes, w.n, w.n, "any");
	assert_null(l.f.trouble);
	assert_string_equal(l.f.name, script);
	value = facts_value(&l.f, "tokenizer.chat_template");
	assert_int_equal(strlen(value), MR_FACT_TEXT_MAX_BYTES - 1);
	assert_true(mr_utf8_valid(value));
	facts_release(&l);
}

static void what_is_no_utf8_is_replaced(void **state)
{
	struct weights w = { 0 };
	struct looked l;

	(void)state;
	gguf_begin(&w, 3, 0, 1);
	gguf_name(&w, "general.name");
	weights_put(&w, STRING, 4);
	weights_put(&w, 6, 8);
	weights_add(&w, "a\0b\377\303c", 6);
	facts_look(&l, w.bytes, w.n, w.n, "any");
	assert_string_equal(l.f.name,
			    "a\357\277\275b\357\277\275\357\277\275c");
	facts_release(&l);
}

static void other_types_do_not_pass_for_facts(void **state)
{
	struct weights w = { 0 };
	struct looked l;

	(void)state;
	gguf_begin(&w, 3, 0, 4);
	gguf_number(&w, "general.architecture", UINT32, 7, 4);
	gguf_string(&w, "general.file_type", "15");
	gguf_string(&w, "general.name", "");
	gguf_number(&w, "llama.context_length", UINT32, 7, 4);
	facts_look(&l, w.bytes, w.n, w.n, "any");
	assert_null(l.f.trouble);
	assert_null(l.f.architecture);
	assert_null(l.f.quantization);
	assert_null(l.f.name);
	assert_int_equal(l.f.context_length, 0);
	facts_release(&l);
}

static void quantization_comes_from_tensors_where_no_type_is_told(void **state)
{
	const uint64_t many[] = { 64 };
	const uint64_t few[] = { 8 };
	struct weights w = { 0 };
	struct looked l;

	(void)state;
	gguf_begin(&w, 3, 2, 0);
	gguf_tensor(&w, "q", 8, 1, many, 0);
	gguf_tensor(&w, "f", 0, 1, few, 96);
	weights_pad(&w, 32);
	facts_look(&l, w.bytes, w.n, w.n + 128, "any");
	assert_null(l.f.trouble);
	assert_string_equal(l.f.quantization, "Q8_0");
	assert_null(l.f.precision);
	facts_release(&l);

	gguf_begin(&w, 3, 1, 1);
	gguf_number(&w, "general.file_type", UINT32, 1, 4);
	gguf_tensor(&w, "h", 1, 1, many, 0);
	weights_pad(&w, 32);
	facts_look(&l, w.bytes, w.n, w.n + 128, "any");
	assert_null(l.f.trouble);
	assert_null(l.f.quantization);
	assert_string_equal(l.f.precision, "float16");
	facts_release(&l);
}

static const char *trouble_of(struct looked *l, const struct weights *w,
			      uint64_t size)
{
	facts_look(l, w->bytes, w->n, size, "any");
	assert_int_equal(l->f.format, MR_FORMAT_GGUF);
	assert_non_null(l->f.trouble);
	assert_int_equal(l->f.tensor_count, 0);
	assert_int_equal(l->f.metadata_count, 0);
	return l->f.trouble;
}

/* One tensor of 8 elements of `type`, `count` dimensions said. */
static void one(struct weights *w, const char *name, uint32_t type,
		uint32_t count, uint64_t dim, uint64_t offset)
{
	const uint64_t dims[] = { dim, 1, 1, 1 };

	gguf_begin(w, 3, 1, 0);
	gguf_tensor(w, name, type, count < 4 ? count : 4, dims, offset);
	if (count > 4)
		memcpy(w->bytes + 24 + 8 + strlen(name), &count, 4);
	weights_pad(w, 32);
}

static void each_wrong_tensor_says_why(void **state)
{
	static const struct {
		uint32_t type, count;
		uint64_t dim, offset, data;
		const char *why;
	} bad[] = {
		{ 0, 5, 8, 0, 32, "tensor 'w' has 5 dimensions" },
		{ 0, UINT32_MAX, 8, 0, 32,
		  "tensor 'w' has 4294967295 dimensions" },
		{ 0, 1, 0, 0, 32, "tensor 'w' has no elements" },
		{ 4, 1, 8, 0, 32, "tensor 'w' has an unknown type, 4" },
		{ 2, 1, 8, 0, 32,
		  "tensor 'w' has rows that end within a block" },
		{ 0, 1, UINT64_C(1) << 62, 0, 32,
		  "tensor 'w' has more bytes than can be counted" },
		{ 0, 1, 8, 32, 64, "tensor 'w' has a hole before it" },
		{ 0, 1, 8, 0, 31,
		  "ends early: its tensors take 32 bytes, and it has 31" },
		{ 0, 1, 8, 0, 40, "has 8 bytes behind its tensors" },
	};
	struct weights w = { 0 };
	struct looked l;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		one(&w, "w", bad[i].type, bad[i].count, bad[i].dim,
		    bad[i].offset);
		assert_string_equal(trouble_of(&l, &w, w.n + bad[i].data),
				    bad[i].why);
		facts_release(&l);
	}
}

static void names_in_trouble_are_safe_to_show(void **state)
{
	struct weights w = { 0 };
	struct looked l;

	(void)state;
	one(&w, "\033[2Jw\n", 4, 1, 8, 0);
	assert_has(trouble_of(&l, &w, w.n + 32), "\\x1b[2Jw\\x0a");
	facts_release(&l);
}

static void hostile_numbers_cost_neither_time_nor_memory(void **state)
{
	struct weights w = { 0 };
	struct looked l;

	(void)state;
	gguf_begin(&w, 3, UINT64_MAX, UINT64_MAX);
	assert_has(trouble_of(&l, &w, w.n), "more than any model");
	facts_release(&l);

	gguf_begin(&w, 3, 0, 1);
	weights_put(&w, UINT64_C(1) << 63, 8);
	assert_has(trouble_of(&l, &w, w.n), "the name of a key has 9223");
	facts_release(&l);

	gguf_begin(&w, 3, 0, 1);
	gguf_name(&w, "k");
	weights_put(&w, STRING, 4);
	weights_put(&w, UINT64_MAX, 8);
	assert_has(trouble_of(&l, &w, w.n), "ends early");
	facts_release(&l);

	gguf_begin(&w, 3, 0, 1);
	gguf_name(&w, "k");
	weights_put(&w, ARRAY, 4);
	weights_put(&w, UINT32, 4);
	weights_put(&w, UINT64_C(1) << 62, 8);
	assert_has(trouble_of(&l, &w, w.n), "'k' is an array of 4611");
	facts_release(&l);

	gguf_begin(&w, 3, 0, 1);
	gguf_name(&w, "k");
	weights_put(&w, ARRAY, 4);
	weights_put(&w, ARRAY, 4);
	weights_put(&w, 1, 8);
	assert_has(trouble_of(&l, &w, w.n), "unknown type, 9");
	facts_release(&l);

	/* 2^36 empty strings in a file of 1 TiB. */
	gguf_begin(&w, 3, 0, 1);
	gguf_name(&w, "k");
	weights_put(&w, ARRAY, 4);
	weights_put(&w, STRING, 4);
	weights_put(&w, UINT64_C(1) << 36, 8);
	assert_has(trouble_of(&l, &w, UINT64_C(1) << 40),
		   "larger than the 64 MiB");
	assert_true(l.f.bytes_read <= UINT64_C(65) << 20);
	facts_release(&l);
}

static void reads_the_header_and_no_tensors(void **state)
{
	const uint64_t dims[] = { UINT64_C(1) << 38 };
	struct weights w = { 0 };
	struct looked l;

	(void)state;
	gguf_begin(&w, 3, 1, 1);
	gguf_name(&w, "skipped");
	weights_put(&w, STRING, 4);
	weights_put(&w, 150000, 8);
	w.n += 150000;
	gguf_tensor(&w, "w", 24, 1, dims, 0);
	weights_pad(&w, 32);
	facts_look(&l, w.bytes, w.n, w.n + dims[0], "any");
	assert_null(l.f.trouble);
	assert_int_equal(l.f.parameters, dims[0]);
	assert_true(l.f.bytes_read <= 16 + (128u << 10));
	facts_release(&l);
}

static void a_file_cut_anywhere_is_in_trouble(void **state)
{
	struct weights w = { 0 };
	struct looked l;
	uint64_t n;

	(void)state;
	llama(&w, 3);
	for (n = 4; n < w.n; n++) {
		facts_look(&l, w.bytes, n, n, "any");
		assert_int_equal(l.f.format, MR_FORMAT_GGUF);
		assert_non_null(l.f.trouble);
		assert_has(l.f.trouble, "ends early");
		facts_release(&l);
	}
}

static void says_the_same_however_it_is_read(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_arena *a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	struct weights w = { 0 };
	struct mr_facts f;
	struct counted c;
	size_t n;

	(void)state;
	llama(&w, 3);
	for (n = 1; n < 20; n++) {
		counted_init(&c, w.bytes, w.n, w.n);
		c.most = n;
		assert_ok(mr_facts_read(&c.base, "any", a, &f, &err), err);
		assert_null(f.trouble);
		assert_int_equal(f.parameters, 1024);
		assert_string_equal(f.tensors[1].name, "norm.weight");
	}
	mr_arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_converter_wrote),
		cmocka_unit_test(lists_tensors_as_the_file_orders_them),
		cmocka_unit_test(reads_big_endian_and_says_so),
		cmocka_unit_test(shows_scalars_as_people_write_them),
		cmocka_unit_test(keeps_a_chat_template_as_data),
		cmocka_unit_test(what_is_no_utf8_is_replaced),
		cmocka_unit_test(other_types_do_not_pass_for_facts),
		cmocka_unit_test(
			quantization_comes_from_tensors_where_no_type_is_told),
		cmocka_unit_test(each_wrong_tensor_says_why),
		cmocka_unit_test(names_in_trouble_are_safe_to_show),
		cmocka_unit_test(hostile_numbers_cost_neither_time_nor_memory),
		cmocka_unit_test(reads_the_header_and_no_tensors),
		cmocka_unit_test(a_file_cut_anywhere_is_in_trouble),
		cmocka_unit_test(says_the_same_however_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

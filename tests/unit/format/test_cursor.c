/*
 * test_cursor.c - a cursor gives what is there, stops at the first wrong
 * thing, and asks for little more than it needs.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/read.h"
#include "tests/support/weights_fixture.h"

struct rig {
	struct counted r;
	struct mr_arena *a;
	struct mr_cursor *c;
	struct mreg_error err;
};

static void begin(struct rig *t, const void *bytes, size_t n, uint64_t size)
{
	memset(t, 0, sizeof(*t));
	counted_init(&t->r, bytes, n, size);
	t->a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	assert_ok(mr_cursor_new(&t->r.base, t->a, &t->c, &t->err), t->err);
}

static void end(struct rig *t)
{
	mr_cursor_freep(&t->c);
	mr_arena_freep(&t->a);
}

static void numbers_are_little_endian(void **state)
{
	struct rig t;

	(void)state;
	begin(&t,
	      "\001\001\002\001\002\003\004\001\002\003\004\005\006\007\010",
	      15, 15);
	assert_int_equal(mr_cursor_u8(t.c), 1);
	assert_int_equal(mr_cursor_u16(t.c), 0x0201);
	assert_int_equal(mr_cursor_u32(t.c), 0x04030201);
	assert_true(mr_cursor_u64(t.c) == UINT64_C(0x0807060504030201));
	assert_false(mr_cursor_over(t.c));
	assert_int_equal(mr_cursor_u8(t.c), 0);
	assert_string_equal(t.c->trouble, "ends early: 1 bytes should follow "
					  "byte 15, and 0 do");
	end(&t);
}

static void after_the_first_trouble_all_is_zero(void **state)
{
	char bytes[4] = "abc";
	struct rig t;

	(void)state;
	begin(&t, "12345678", 8, 8);
	mr_cursor_skip(t.c, 2);
	mr_cursor_fail(t.c, "first %d", 1);
	mr_cursor_fail(t.c, "second");
	assert_string_equal(t.c->trouble, "first 1");
	mr_cursor_get(t.c, bytes, 3);
	assert_memory_equal(bytes, "\0\0\0", 3);
	assert_int_equal(mr_cursor_u8(t.c), 0);
	assert_null(mr_cursor_text(t.c, 1));
	assert_null(mr_keep(t.c, 1));
	mr_cursor_seek(t.c, 5);
	assert_int_equal(t.c->at, 2);
	assert_int_equal(t.r.reads, 0);
	end(&t);
}

static void a_limit_is_kept_and_can_be_moved(void **state)
{
	struct rig t;

	(void)state;
	begin(&t, "12345678", 8, 8);
	t.c->limit = 4;
	assert_true(mr_cursor_has(t.c, 4));
	mr_cursor_seek(t.c, 4);
	t.c->limit = 8;
	assert_int_equal(mr_cursor_u8(t.c), '5');
	t.c->limit = 6;
	assert_int_equal(mr_cursor_u16(t.c), 0);
	assert_has(t.c->trouble, "2 bytes should follow byte 5, and 1 do");
	end(&t);

	begin(&t, "12345678", 8, 8);
	mr_cursor_seek(t.c, 9);
	assert_has(t.c->trouble, "byte 9 is behind its 8 bytes");
	end(&t);

	begin(&t, "12345678", 8, 8);
	mr_cursor_skip(t.c, 1);
	mr_cursor_skip(t.c, UINT64_MAX);
	assert_has(t.c->trouble, "18446744073709551615 bytes should follow");
	end(&t);
}

static void bytes_are_the_same_in_any_portions(void **state)
{
	static const size_t portions[] = { 1,     7,     4096,   65535,
					   65536, 65537, 150000, 299999 };
	const size_t n = 300000;
	unsigned char *bytes = malloc(n);
	unsigned char *got = malloc(n);
	struct rig t;
	size_t i;
	size_t k;

	(void)state;
	assert_non_null(bytes);
	assert_non_null(got);
	for (i = 0; i < n; i++)
		bytes[i] = (unsigned char)(i * 31 + i / 251);
	for (i = 0; i < MR_COUNT(portions) * 2; i++) {
		size_t part = portions[i / 2];

		begin(&t, bytes, n, n);
		t.r.most = i % 2 ? SIZE_MAX : 1000;
		memset(got, 0, n);
		for (k = 0; k < n; k += part)
			mr_cursor_get(t.c, got + k,
				      k + part < n ? part : n - k);
		assert_false(mr_cursor_over(t.c));
		assert_memory_equal(got, bytes, n);
		assert_int_equal(t.c->bytes_read, n);
		end(&t);
	}
	free(bytes);
	free(got);
}

/* A few bytes between tensors of a mebibyte each: a window of them all would
 * be as much as the tensors. */
static void jumps_ask_for_little(void **state)
{
	struct rig t;
	size_t i;

	(void)state;
	begin(&t, "", 0, UINT64_C(1) << 40);
	for (i = 0; i < 100; i++) {
		mr_cursor_seek(t.c, (uint64_t)i << 20);
		(void)mr_cursor_u64(t.c);
	}
	assert_false(mr_cursor_over(t.c));
	assert_int_equal(t.r.reads, 100);
	assert_int_equal(t.c->bytes_read, t.r.bytes);
	assert_true(t.r.bytes <= MR_CURSOR_BYTES + 100 * 1024);
	/* Going on from there asks for more at once, up to a whole window. */
	mr_cursor_seek(t.c, UINT64_C(1) << 30);
	t.r.reads = 0;
	for (i = 0; i < MR_CURSOR_BYTES; i++)
		(void)mr_cursor_u64(t.c);
	assert_true(t.r.reads <= 7 + 8);
	end(&t);
}

/* Each ends a little behind a window: that is no reason to read on. */
static void jumps_over_little_more_than_a_window_ask_for_little(void **state)
{
	struct rig t;
	size_t i;

	(void)state;
	begin(&t, "", 0, UINT64_C(1) << 40);
	for (i = 0; i < 100; i++) {
		mr_cursor_seek(t.c, (uint64_t)i * 70 * 1024);
		(void)mr_cursor_u64(t.c);
	}
	assert_int_equal(t.r.bytes, MR_CURSOR_BYTES + 99 * 1024);
	end(&t);
}

static void a_file_that_shrinks_is_trouble(void **state)
{
	struct rig t;

	(void)state;
	begin(&t, "1234", 4, 4);
	t.c->limit = 8;
	t.r.base.size = 8;
	t.r.most = 0;
	assert_int_equal(mr_cursor_u32(t.c), 0);
	assert_string_equal(t.c->trouble, "ends early, at byte 0");
	end(&t);
}

static void trouble_leaves_nothing_else(void **state)
{
	struct mr_facts f = { .format = MR_FORMAT_GGUF,
			      .name = "x",
			      .parameters = 7,
			      .bytes_read = 16 };
	struct rig t;

	(void)state;
	begin(&t, "12345678", 8, 8);
	(void)mr_cursor_u8(t.c);
	assert_int_equal(mr_cursor_end(t.c, &f), 0);
	assert_string_equal(f.name, "x");
	assert_int_equal(f.bytes_read, 24);
	mr_cursor_fail(t.c, "bad '%s'", "\033[1m");
	assert_int_equal(mr_cursor_end(t.c, &f), 0);
	assert_int_equal(f.format, MR_FORMAT_GGUF);
	assert_string_equal(f.trouble, "bad '\\x1b[1m'");
	assert_null(f.name);
	assert_int_equal(f.parameters, 0);
	assert_int_equal(f.bytes_read, 32);
	end(&t);
}

static void keeps_no_more_than_its_budget(void **state)
{
	struct rig t;
	size_t kept = 0;

	(void)state;
	begin(&t, "", 0, 0);
	while (mr_keep(t.c, 1000))
		kept += 1000;
	assert_int_equal(t.c->rc, 0);
	assert_string_equal(t.c->trouble, "says more about itself than the 64 "
					  "MiB that are read");
	assert_in_range(kept, 60u << 20, 64u << 20);
	end(&t);

	begin(&t, "", 0, 0);
	assert_null(mr_keep(t.c, SIZE_MAX));
	assert_non_null(t.c->trouble);
	end(&t);
}

static void arrays_grow_and_keep_what_they_have(void **state)
{
	struct mr_facts f = { 0 };
	struct rig t;
	size_t i;

	(void)state;
	begin(&t, "", 0, 0);
	for (i = 0; i < 1000; i++) {
		struct mr_tensor *to = mr_keep_tensor(t.c, &f);

		assert_non_null(to);
		assert_null(to->name);
		to->elements = i;
		to->dtype = i % 3 ? "F32" : "Q4_K";
	}
	assert_int_equal(f.tensor_count, 1000);
	for (i = 0; i < 1000; i++)
		assert_int_equal(f.tensors[i].elements, i);
	mr_facts_count(&f);
	assert_int_equal(f.parameters, 999 * 1000 / 2);
	assert_string_equal(f.precision, "float32");
	end(&t);
}

static void blocks_of_all_kinds_count_together(void **state)
{
	struct mr_tensor tensors[] = {
		{ .dtype = "F32", .elements = 40 },
		{ .dtype = "Q4_K", .elements = 30 },
		{ .dtype = "Q6_K", .elements = 31 },
	};
	struct mr_facts f = { .tensors = tensors, .tensor_count = 3 };

	(void)state;
	mr_facts_count(&f);
	assert_null(f.precision);
	assert_int_equal(f.parameters, 101);
	assert_string_equal(mr_facts_most(&f), "F32");
	tensors[0].elements = UINT64_MAX - 10;
	mr_facts_count(&f);
	assert_true(f.parameters == UINT64_MAX);
	assert_string_equal(f.precision, "float32");
}

static void types_have_one_name_in_all_formats(void **state)
{
	static const struct {
		const char *dtype, *name;
	} types[] = {
		{ "F32", "float32" },
		{ "FLOAT", "float32" },
		{ "float32", "float32" },
		{ "BF16", "bfloat16" },
		{ "BFLOAT16", "bfloat16" },
		{ "DOUBLE", "float64" },
		{ "F8_E4M3", "float8_e4m3" },
		{ "FLOAT8E4M3FN", "float8_e4m3" },
		{ "I8", "int8" },
		{ "UINT8", "uint8" },
		{ "C64", "complex64" },
	};
	static const char *const none[] = { "Q4_K", "IQ2_XXS", "",
					    "f32",  "F33",     "F3" };
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(types); i++) {
		assert_non_null(mr_precision_of(types[i].dtype));
		assert_string_equal(mr_precision_of(types[i].dtype),
				    types[i].name);
	}
	for (i = 0; i < MR_COUNT(none); i++)
		assert_null(mr_precision_of(none[i]));
}

static void warnings_come_to_an_end(void **state)
{
	struct mr_facts f = { 0 };
	struct rig t;
	int i;

	(void)state;
	begin(&t, "", 0, 0);
	for (i = 0; i < 1000; i++)
		mr_keep_warning(t.c, &f, "file '%d\n'", i);
	assert_int_equal(f.warnings.n, 51);
	assert_string_equal(f.warnings.items[0], "file '0\\x0a'");
	assert_string_equal(f.warnings.items[50], "and more of that kind");
	end(&t);
}

static void words_are_sorted_and_there_once(void **state)
{
	struct mr_words words = { 0 };
	struct rig t;

	(void)state;
	begin(&t, "", 0, 0);
	mr_words_sort(&words);
	assert_int_equal(words.n, 0);
	mr_keep_word(t.c, &words, "b");
	mr_keep_word(t.c, &words, NULL);
	mr_keep_word(t.c, &words, "a");
	mr_keep_word(t.c, &words, "b");
	mr_words_sort(&words);
	assert_int_equal(words.n, 2);
	assert_string_equal(words.items[0], "a");
	assert_string_equal(words.items[1], "b");
	end(&t);
}

static void without_an_arena_nothing_is_kept(void **state)
{
	struct mr_cursor *c = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct counted r;

	(void)state;
	counted_init(&r, "12345678", 8, 8);
	assert_ok(mr_cursor_new(&r.base, NULL, &c, &err), err);
	assert_null(mr_cursor_text(c, 4));
	assert_null(mr_keep(c, 4));
	assert_false(mr_cursor_over(c));
	assert_int_equal(mr_cursor_u8(c), '5');
	mr_cursor_fail(c, "whatever");
	assert_true(mr_cursor_over(c));
	mr_cursor_freep(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(after_the_first_trouble_all_is_zero),
		cmocka_unit_test(a_limit_is_kept_and_can_be_moved),
		cmocka_unit_test(bytes_are_the_same_in_any_portions),
		cmocka_unit_test(jumps_ask_for_little),
		cmocka_unit_test(
			jumps_over_little_more_than_a_window_ask_for_little),
		cmocka_unit_test(a_file_that_shrinks_is_trouble),
		cmocka_unit_test(trouble_leaves_nothing_else),
		cmocka_unit_test(keeps_no_more_than_its_budget),
		cmocka_unit_test(arrays_grow_and_keep_what_they_have),
		cmocka_unit_test(blocks_of_all_kinds_count_together),
		cmocka_unit_test(types_have_one_name_in_all_formats),
		cmocka_unit_test(warnings_come_to_an_end),
		cmocka_unit_test(words_are_sorted_and_there_once),
		cmocka_unit_test(without_an_arena_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_arena.c - many allocations, one free, one maximum.
 */
#include "tests/support/test.h"

#include <stdalign.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

static void gives_zeroed_aligned_memory(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(10 << 20);
	size_t n;

	(void)state;
	for (n = 0; n < 3000; n += 7) {
		unsigned char *p = mr_arena_alloc(a, n);
		size_t i;

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
	assert_false(mr_arena_failed(a));
}

static void gives_pieces_larger_than_a_block(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(10 << 20);
	char *big = mr_arena_alloc(a, 5 << 20);
	char *small = mr_arena_strdup(a, "small");

	(void)state;
	assert_non_null(big);
	memset(big, 1, 5 << 20);
	assert_string_equal(small, "small");
}

static void keeps_strings(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(10000);
	char *first = mr_arena_strdup(a, "first");

	(void)state;
	assert_string_equal(mr_arena_strndup(a, "second", 3), "sec");
	assert_string_equal(mr_arena_strndup(a, "third", 99), "third");
	assert_string_equal(mr_arena_strdup(a, ""), "");
	assert_string_equal(mr_arena_printf(a, "%s-%d", "v", 12), "v-12");
	assert_string_equal(first, "first");
}

static void joins_texts(void **state)
{
	static const char *const words[] = { "a", "", "bc" };
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(10000);

	(void)state;
	assert_null(mr_arena_join(a, words, 0, ", "));
	assert_string_equal(mr_arena_join(a, words, 1, ", "), "a");
	assert_string_equal(mr_arena_join(a, words, 3, ", "), "a, , bc");
	assert_string_equal(mr_arena_join(a, words, 3, ""), "abc");
	assert_false(mr_arena_failed(a));
}

/* Joined one to the other they would take the square of it. */
static void joins_many_texts_in_the_room_of_one_copy(void **state)
{
	const char *words[5000];
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(50000);
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(words); i++)
		words[i] = "four";
	assert_int_equal(strlen(mr_arena_join(a, words, MR_COUNT(words), " ")),
			 5 * MR_COUNT(words) - 1);
}

static void stays_failed_after_its_maximum(void **state)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(100);

	(void)state;
	assert_non_null(mr_arena_alloc(a, 64));
	assert_null(mr_arena_alloc(a, 64));
	assert_true(mr_arena_failed(a));
	assert_null(mr_arena_alloc(a, 1));
	assert_null(mr_arena_strdup(a, "x"));
	assert_null(mr_arena_printf(a, "x"));
}

static void sizes_near_the_end_of_the_world_fail(void **state)
{
	struct mr_arena *a = mr_arena_new(SIZE_MAX);

	(void)state;
	assert_non_null(mr_arena_alloc(a, 1));
	assert_null(mr_arena_alloc(a, SIZE_MAX));
	assert_true(mr_arena_failed(a));
	mr_arena_free(a);
	mr_arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_zeroed_aligned_memory),
		cmocka_unit_test(gives_pieces_larger_than_a_block),
		cmocka_unit_test(keeps_strings),
		cmocka_unit_test(joins_texts),
		cmocka_unit_test(joins_many_texts_in_the_room_of_one_copy),
		cmocka_unit_test(stays_failed_after_its_maximum),
		cmocka_unit_test(sizes_near_the_end_of_the_world_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

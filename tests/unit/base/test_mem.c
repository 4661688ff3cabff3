/*
 * test_mem.c - allocation, growth, and the failures that can be asked for.
 *
 * With arguments it is the process whose allocations fail: the plan is read
 * once, so each case needs a fresh one.
 */
#include "tests/support/test.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

/* Allocate ten times; the exit status has bit i set if the i-th of the first
 * seven failed. */
static int allocate_ten(void)
{
	int failed = 0;
	int i;

	for (i = 0; i < 10; i++) {
		void *p = i % 2 ? mr_alloc(1) : mr_zalloc(1);

		if (!p && i < 7)
			failed |= 1 << i;
		mr_release(p);
	}
	return failed;
}

static int run_with(const char *plan)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		setenv("MREG_FAIL_ALLOC", plan, 1);
		execl("/proc/self/exe", "test_mem", "child", (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void fails_the_allocation_asked_for(void **state)
{
	(void)state;
	assert_int_equal(run_with("1"), 1);
	assert_int_equal(run_with("3"), 1 << 2);
	assert_int_equal(run_with("3+"), 0x7c);
	assert_int_equal(run_with("100"), 0);
}

static void takes_nonsense_for_no_plan(void **state)
{
	(void)state;
	assert_int_equal(run_with(""), 0);
	assert_int_equal(run_with("0"), 0);
	assert_int_equal(run_with("-1"), 0);
	assert_int_equal(run_with("many"), 0);
}

static void nothing_is_still_something(void **state)
{
	void *p = mr_alloc(0);
	char *none = NULL;

	(void)state;
	assert_non_null(p);
	p = mr_resize(p, 0);
	assert_non_null(p);
	mr_free(&p);
	assert_null(p);
	mr_free(&p);
	mr_free(&none);
	mr_release(NULL);
	p = mr_array(0, 8);
	assert_non_null(p);
	mr_release(p);
}

static void arrays_are_zeroed_and_cannot_overflow(void **state)
{
	MR_AUTO(mr_free) uint64_t *a = mr_array(100, sizeof(*a));
	volatile size_t huge = SIZE_MAX / 4;
	int i;

	(void)state;
	assert_non_null(a);
	for (i = 0; i < 100; i++)
		assert_true(a[i] == 0);
	assert_null(mr_array(huge, 8));
}

static void grows_by_doubling(void **state)
{
	int *items = NULL;
	size_t cap = 0;
	size_t grown = 0;
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		size_t before = cap;

		assert_int_equal(
			mr_grow((void **)&items, &cap, i + 1, sizeof(*items)),
			0);
		assert_true(cap > i);
		grown += cap != before;
		items[i] = (int)i;
	}
	assert_true(grown < 10);
	assert_int_equal(items[0], 0);
	assert_int_equal(items[999], 999);
	mr_release(items);
}

static void refuses_to_grow_beyond_memory(void **state)
{
	char *items = mr_strdup("kept");
	size_t cap = 5;
	char *before = items;

	(void)state;
	assert_int_equal(mr_grow((void **)&items, &cap, SIZE_MAX, 1),
			 MREG_ENOMEM);
	assert_int_equal(mr_grow((void **)&items, &cap, SIZE_MAX / 8, 16),
			 MREG_ENOMEM);
	assert_ptr_equal(items, before);
	assert_int_equal(cap, 5);
	assert_string_equal(items, "kept");
	mr_release(items);
}

static void copies_strings(void **state)
{
	static const char unterminated[3] = { 'a', 'b', 'c' };
	MR_AUTO(mr_free) char *whole = mr_strdup("model");
	MR_AUTO(mr_free) char *part = mr_strndup("model", 3);
	MR_AUTO(mr_free) char *more = mr_strndup("model", 300);
	MR_AUTO(mr_free) char *raw = mr_strndup(unterminated, 3);

	(void)state;
	assert_string_equal(whole, "model");
	assert_string_equal(part, "mod");
	assert_string_equal(more, "model");
	assert_string_equal(raw, "abc");
}

static void stealing_leaves_null(void **state)
{
	MR_AUTO(mr_free) char *s = mr_strdup("x");
	char *mine = mr_steal(&s);

	(void)state;
	assert_null(s);
	assert_string_equal(mine, "x");
	mr_release(mine);
}

static void wipes(void **state)
{
	char secret[8] = "hunter2";
	static const char zero[8];

	(void)state;
	mr_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, zero, sizeof(secret));
	mr_wipe(NULL, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fails_the_allocation_asked_for),
		cmocka_unit_test(takes_nonsense_for_no_plan),
		cmocka_unit_test(nothing_is_still_something),
		cmocka_unit_test(arrays_are_zeroed_and_cannot_overflow),
		cmocka_unit_test(grows_by_doubling),
		cmocka_unit_test(refuses_to_grow_beyond_memory),
		cmocka_unit_test(copies_strings),
		cmocka_unit_test(stealing_leaves_null),
		cmocka_unit_test(wipes),
	};

	(void)argv;
	if (argc > 1)
		return allocate_ten();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

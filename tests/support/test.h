/*
 * tests/support/test.h - what every unit test includes, and nothing else of
 * cmocka: only what versions 1.1 and 2.x share may be used.
 *
 * A test program has a plain main:
 *
 *	int main(void)
 *	{
 *		const struct CMUnitTest tests[] = {
 *			cmocka_unit_test(refuses_truncation),
 *			cmocka_unit_test_setup_teardown(
 *				keeps_the_old_file, test_tmpdir,
 *				test_tmpdir_end),
 *		};
 *		return cmocka_run_group_tests(tests, NULL, NULL);
 *	}
 *
 * Programs run in the root of the source tree.  A failed assert jumps: assert
 * on the main thread only.
 */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/env.h"
#include "mreg/error.h"

/*
 * `rc` is `expected` (a negative enum mreg_code) and `err`, a struct
 * mreg_error, is complete: same code, a message of one line.  Prints the
 * error when not.
 */
#define assert_code(expected, rc, err)                                         \
	test_code((expected), (rc), &(err), __FILE__, __LINE__)

/* `rc` is not negative; prints message, hint and cause of `err` when it is. */
#define assert_ok(rc, err) test_ok((rc), &(err), __FILE__, __LINE__)

/* The string `haystack` contains `needle`. */
#define assert_has(haystack, needle)                                           \
	test_has((haystack), (needle), __FILE__, __LINE__)
#define assert_has_not(haystack, needle)                                       \
	test_has_not((haystack), (needle), __FILE__, __LINE__)

/*
 * The bytes are those of tests/golden/NAME.  With MREG_GOLDEN_UPDATE=1 (`make
 * golden`) they are written there instead.  Only in test_golden*.c.
 */
#define assert_golden(name, data, n)                                           \
	test_golden((name), (data), (n), __FILE__, __LINE__)

/* What the macros call. */
void test_code(int expected, long rc, const struct mreg_error *err,
	       const char *file, int line);
void test_ok(long rc, const struct mreg_error *err, const char *file, int line);
void test_has(const char *haystack, const char *needle, const char *file,
	      int line);
void test_has_not(const char *haystack, const char *needle, const char *file,
		  int line);
void test_golden(const char *name, const void *data, size_t n, const char *file,
		 int line);

/*
 * Setup and teardown: an empty directory of its own per test.  Its absolute
 * path is the state: `const char *dir = *state;`.  Removed with everything in
 * it, also what a test made unreadable.
 */
int test_tmpdir(void **state);
int test_tmpdir_end(void **state);

/* The same for tests that keep more in their state. */
char *test_tmpdir_new(void);
void test_tmpdir_free(char *dir);

/*
 * Files by directory and relative name; the test fails when one cannot be
 * written or read.  Missing folders are made.
 */
void test_write(const char *dir, const char *name, const void *data, size_t n);
void test_write_text(const char *dir, const char *name, const char *text);
/* `size` bytes that differ everywhere and are the same for the same `seed`. */
void test_write_noise(const char *dir, const char *name, size_t size,
		      uint32_t seed);
/* The bytes with a NUL behind them, to be freed with free(3); `n` may be
 * NULL. */
char *test_read(const char *dir, const char *name, size_t *n);
bool test_exists(const char *dir, const char *name);
/* Entries of a directory, "." and ".." not counted; `dir` may end in any
 * sub-folder. */
size_t test_count(const char *dir);

/*
 * An environment in which nothing waits and nothing is random: the clock
 * starts at 2026-01-01T00:00:00Z and moves only by sleeping; random numbers
 * come from a seed.  Thread-safe like the real one.
 */
struct test_env {
	struct mr_env env;   /* what code under test gets */
	int64_t now_ms;      /* since 1970; set it as the test needs */
	int64_t slept_ms;    /* in total */
	unsigned int sleeps; /* calls with more than 0 ms */
	uint32_t seed;
	atomic_bool cancel; /* env.cancel points here */
	pthread_mutex_t lock;
	char log[8192]; /* "LEVEL text\n" lines, the first ones */
	size_t log_len;
	/* Progress events by kind, and the bytes they told of. */
	unsigned int progress[MREG_PROGRESS_END + 1];
	uint64_t progress_bytes;
};

/* In place: the environment points into itself, so it must not move. */
void test_env_init(struct test_env *t);
void test_env_release(struct test_env *t);

#endif

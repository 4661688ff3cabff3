/*
 * test_env.c - log, progress, sleep and cancellation.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/task.h"

static void logs_what_the_level_allows(void **state)
{
	struct test_env t;

	(void)state;
	test_env_init(&t);
	t.env.level = MREG_LOG_INFO;
	mr_log(&t.env, MREG_LOG_WARN, "tag '%s'", "latest");
	mr_log(&t.env, MREG_LOG_INFO, "two");
	mr_log(&t.env, MREG_LOG_DEBUG, "three");
	assert_has(t.log, "tag 'latest'\n");
	assert_has(t.log, "two\n");
	assert_has_not(t.log, "three");
	test_env_release(&t);
}

static void a_log_line_is_one_line(void **state)
{
	struct test_env t;

	(void)state;
	test_env_init(&t);
	mr_log(&t.env, MREG_LOG_ERROR, "x%sy", "\nerror: forged\x1b[1A");
	assert_has(t.log, "x\\x0aerror: forged\\x1b[1Ay\n");
	test_env_release(&t);
}

static void keep_end(void *ctx, enum mreg_log_level level, const char *text)
{
	size_t n = strlen(text);

	(void)level;
	snprintf(ctx, 8, "%s", n > 4 ? text + n - 4 : text);
}

static void a_long_log_line_ends_in_dots(void **state)
{
	struct mr_env env;
	char big[5000];
	char end[8];

	(void)state;
	memset(big, 'z', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	mr_env_init(&env);
	env.ctx = end;
	env.log = keep_end;
	mr_log(&env, MREG_LOG_ERROR, "%s", big);
	assert_string_equal(end, "z...");
	mr_env_release(&env);
}

static void nobody_listening_is_fine(void **state)
{
	struct mr_env env;
	struct mreg_progress p = { .kind = MREG_PROGRESS_END };
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	mr_env_init(&env);
	mr_log(&env, MREG_LOG_ERROR, "x");
	mr_log(NULL, MREG_LOG_ERROR, "x");
	mr_progress(&env, &p);
	mr_progress(NULL, &p);
	assert_false(mr_cancelled(&env));
	assert_false(mr_cancelled(NULL));
	assert_ok(mr_check_cancel(NULL, &err), err);
	mr_env_release(&env);
}

static void reports_bytes(void **state)
{
	struct test_env t;

	(void)state;
	test_env_init(&t);
	mr_progress_bytes(&t.env, "file", 10);
	mr_progress_bytes(&t.env, "file", 5);
	assert_int_equal(t.progress[MREG_PROGRESS_BYTES], 2);
	assert_int_equal(t.progress_bytes, 15);
	test_env_release(&t);
}

static void the_real_clock_runs(void **state)
{
	struct mr_env env;
	struct mreg_error err = MREG_ERROR_INIT;
	int64_t before;

	(void)state;
	mr_env_init(&env);
	/* 2026-01-01, when this was written. */
	assert_true(mr_now_s(&env) > 1767225600);
	before = mr_mono_ms(&env);
	assert_ok(mr_sleep_ms(&env, 20, &err), err);
	assert_true(mr_mono_ms(&env) - before >= 19);
	before = mr_mono_ms(NULL);
	assert_ok(mr_sleep_ms(NULL, -5, &err), err);
	assert_true(mr_mono_ms(NULL) - before < 1000);
	mr_env_release(&env);
}

static void random_numbers_differ(void **state)
{
	uint32_t first = mr_random(NULL);
	int same = 0;
	int i;

	(void)state;
	for (i = 0; i < 8; i++)
		same += mr_random(NULL) == first;
	assert_true(same < 8);
}

static void sleeps_in_a_test_take_no_time(void **state)
{
	struct test_env t;
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	test_env_init(&t);
	assert_ok(mr_sleep_ms(&t.env, 3600000, &err), err);
	assert_int_equal(t.slept_ms, 3600000);
	assert_int_equal(t.sleeps, 1);
	test_env_release(&t);
}

static void sleep_ends_when_cancelled(void **state)
{
	struct test_env t;
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	test_env_init(&t);
	atomic_store(&t.cancel, true);
	assert_code(MREG_ECANCELED, mr_sleep_ms(&t.env, 10, &err), err);
	assert_string_equal(err.msg, "interrupted");
	assert_int_equal(t.slept_ms, 0);
	assert_code(MREG_ECANCELED, mr_check_cancel(&t.env, &err), err);
	test_env_release(&t);
}

static int cancel_soon(void *ctx, size_t index, struct mreg_error *err)
{
	(void)index;
	if (mr_sleep_ms(NULL, 30, err) < 0)
		return MREG_EINTERNAL;
	atomic_store((atomic_bool *)ctx, true);
	return 0;
}

static void a_real_sleep_notices_cancellation(void **state)
{
	struct mr_env env;
	atomic_bool cancel = false;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_side *side = NULL;
	int64_t before = mr_mono_ms(NULL);

	(void)state;
	mr_env_init(&env);
	env.cancel = &cancel;
	assert_ok(mr_side_start(cancel_soon, &cancel, &side, &err), err);
	assert_code(MREG_ECANCELED, mr_sleep_ms(&env, 60000, &err), err);
	assert_true(mr_mono_ms(NULL) - before < 10000);
	assert_ok(mr_side_join(side, &err), err);
	mr_env_release(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_what_the_level_allows),
		cmocka_unit_test(a_log_line_is_one_line),
		cmocka_unit_test(a_long_log_line_ends_in_dots),
		cmocka_unit_test(nobody_listening_is_fine),
		cmocka_unit_test(reports_bytes),
		cmocka_unit_test(the_real_clock_runs),
		cmocka_unit_test(random_numbers_differ),
		cmocka_unit_test(sleeps_in_a_test_take_no_time),
		cmocka_unit_test(sleep_ends_when_cancelled),
		cmocka_unit_test(a_real_sleep_notices_cancellation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

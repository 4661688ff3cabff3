/*
 * test_process.c - when another process is gone.
 */
#include "tests/support/test.h"

#include "base/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_process_is_gone_when_it_can_do_nothing_more(void **state)
{
	siginfo_t info;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(60); /* nobody kills it after a failed assert */
		pause();
		_exit(0);
	}
	assert_false(mr_process_is_gone(getpid()));
	assert_false(mr_process_is_gone(pid));
	assert_int_equal(kill(pid, SIGKILL), 0);
	/* Dead, and not waited for yet. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(mr_process_is_gone(pid));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(mr_process_is_gone(pid));
}

static void somebody_else_s_process_is_not_gone(void **state)
{
	(void)state;
	assert_false(mr_process_is_gone(1));
}

/* More than pipes and sockets hold, both ways. */
static void takes_as_much_as_it_says(void **state)
{
	const char *const argv[] = { "cat", NULL };
	struct mr_buf out = MR_BUF_INIT(4u << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_process p = { .argv = argv,
				.input_len = 3u << 20,
				.timeout_ms = 60000 };
	struct mr_env env;
	bool ok;
	char *input = malloc(p.input_len);

	(void)state;
	assert_non_null(input);
	memset(input, 'x', p.input_len);
	input[p.input_len - 1] = 'y';
	p.input = input;
	mr_env_init(&env);
	assert_ok(mr_process_run(&env, &p, &out, &ok, &err), err);
	assert_true(ok);
	assert_int_equal(out.len, p.input_len);
	assert_memory_equal(out.data, input, out.len);
	mr_buf_release(&out);
	mr_env_release(&env);
	free(input);
}

static void one_that_reads_nothing_may_end(void **state)
{
	const char *const argv[] = { "true", NULL };
	struct mr_buf out = MR_BUF_INIT(4096);
	struct mreg_error err = MREG_ERROR_INIT;
	static const char input[1u << 20];
	struct mr_process p = { .argv = argv,
				.input = input,
				.input_len = sizeof(input),
				.timeout_ms = 60000 };
	struct mr_env env;
	bool ok;

	(void)state;
	mr_env_init(&env);
	assert_ok(mr_process_run(&env, &p, &out, &ok, &err), err);
	assert_true(ok);
	assert_int_equal(out.len, 0);
	mr_buf_release(&out);
	mr_env_release(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_gone_when_it_can_do_nothing_more),
		cmocka_unit_test(somebody_else_s_process_is_not_gone),
		cmocka_unit_test(takes_as_much_as_it_says),
		cmocka_unit_test(one_that_reads_nothing_may_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

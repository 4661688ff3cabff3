/*
 * test_process.c - when another process is gone.
 */
#include "tests/support/test.h"

#include "base/process.h"

#include <signal.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_gone_when_it_can_do_nothing_more),
		cmocka_unit_test(somebody_else_s_process_is_not_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * tests/unit/net/test_auth_memory.c - a session that ran out of memory in the
 * middle of a challenge can still be used.
 */
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/net.h"
#include "tests/support/httpd.h"

/* More than three requests, their challenge and their token take. */
#define ALLOCATIONS 200

/* What a child found; its exit status, of which cmocka uses the low ones where
 * a child breaks. */
enum outcome {
	ALL_WELL = 100, /* all requests went through */
	RAN_OUT,        /* but the one that ran out of memory */
	NOT_OPENED,     /* no session came about */
	BROKEN
};

static void serve(struct httpd_conn *c, const struct httpd_request *rq,
		  void *ctx)
{
	char challenge[200];
	char shown[64];

	httpd_header(rq, "Authorization", shown, sizeof(shown));
	(void)snprintf(challenge, sizeof(challenge),
		       "WWW-Authenticate: Bearer realm=\"%s/token\","
		       "service=\"x\"\r\n",
		       (const char *)ctx);
	if (!strncmp(rq->target, "/token", 6))
		httpd_answer(c, 200, "", "{\"token\":\"t\"}");
	else if (!strcmp(shown, "Bearer t"))
		httpd_answer(c, 200, "", "");
	else
		httpd_answer(c, 401, challenge, "");
}

static int ask(struct mr_net *n, const char *origin)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_request rq = {
		.method = "GET", .origin = origin, .url = origin, .scope = "s"
	};
	struct mr_response *r;
	int rc = mr_net_send(n, &rq, &r, &err);

	if (rc < 0)
		return rc;
	rc = r->status;
	mr_response_free(r);
	return rc;
}

/* In a process of its own: the plan is read once. */
static enum outcome run_out_at(int n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_net_opts o = { .user_agent = "mreg/test",
				 .plain_http = true };
	char origin[64];
	struct test_env t;
	struct mr_net *net;
	struct httpd *h;
	char plan[16];
	int failed = 0;
	int i;

	(void)snprintf(plan, sizeof(plan), "%d", n);
	setenv("MREG_FAIL_ALLOC", plan, 1);
	setenv("DOCKER_CONFIG", "/nonexistent", 1);
	test_env_init(&t);
	o.env = &t.env;
	h = httpd_start(serve, origin);
	httpd_url(h, "", origin, sizeof(origin));
	if (mr_net_open(&o, &net, &err) < 0)
		return NOT_OPENED;
	for (i = 0; i < 3; i++)
		failed += ask(net, origin) != 200;
	mr_net_close(net);
	httpd_stop(h);
	test_env_release(&t);
	return failed == 0 ? ALL_WELL : failed == 1 ? RAN_OUT : BROKEN;
}

static void running_out_of_memory_leaves_a_usable_session(void **state)
{
	unsigned int found[BROKEN + 1] = { 0 };
	int status;
	pid_t pid;
	int n;

	(void)state;
	for (n = 1; n <= ALLOCATIONS; n++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			(void)signal(SIGSEGV, SIG_DFL); /* not cmocka's */
			_exit(run_out_at(n));
		}
		assert_int_equal(pid, waitpid(pid, &status, 0));
		assert_true(WIFEXITED(status));
		assert_in_range(WEXITSTATUS(status), ALL_WELL, NOT_OPENED);
		found[WEXITSTATUS(status)]++;
	}
	assert_true(found[RAN_OUT] > 20);
	/* The last ones came too late to matter. */
	assert_true(found[ALL_WELL] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_out_of_memory_leaves_a_usable_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

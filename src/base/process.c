/*
 * process.c - running another program.
 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

#define POLL_MS 100
#define REAP_MS 10

extern char **environ;

struct run {
	const struct mr_process *p;
	struct mr_env *env;
	int64_t began_ms;
	pid_t pid;
	int in, out; /* our ends; -1 when closed */
	size_t sent; /* of the input */
	int status;  /* of waitpid */
};

static void run_end(struct run *r)
{
	mr_fd_close(&r->in);
	mr_fd_close(&r->out);
	if (r->pid <= 0)
		return;
	(void)kill(r->pid, SIGKILL); /* not reaped yet, so it is ours */
	(void)waitpid(r->pid, NULL, 0);
}

static int plumb(posix_spawn_file_actions_t *fa, int in, int out)
{
	int rc;

	rc = posix_spawn_file_actions_adddup2(fa, in, STDIN_FILENO);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, out, STDOUT_FILENO);
	rc = rc ? rc
		: posix_spawn_file_actions_addopen(fa, STDERR_FILENO,
						   "/dev/null", O_WRONLY, 0);
	return rc ? rc : posix_spawn_file_actions_addclosefrom_np(fa, 3);
}

/* It starts with the signals a program expects, whatever ours are. */
static int set_signals(posix_spawnattr_t *attr)
{
	sigset_t all;
	sigset_t none;
	int rc;

	(void)sigfillset(&all); /* cannot fail with a good pointer */
	(void)sigemptyset(&none);
	rc = posix_spawnattr_setsigdefault(attr, &all);
	rc = rc ? rc : posix_spawnattr_setsigmask(attr, &none);
	return rc ? rc
		  : posix_spawnattr_setflags(attr,
					     POSIX_SPAWN_SETSIGDEF |
						     POSIX_SPAWN_SETSIGMASK);
}

static int spawn(struct run *r, int in, int out)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&fa);

	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc) {
		(void)posix_spawn_file_actions_destroy(&fa);
		return rc;
	}
	rc = plumb(&fa, in, out);
	rc = rc ? rc : set_signals(&attr);
	/* posix_spawnp does not change the words; its type predates const. */
	rc = rc ? rc
		: posix_spawnp(&r->pid, r->p->argv[0], &fa, &attr,
			       (char *const *)(uintptr_t)r->p->argv, environ);
	if (rc)
		r->pid = 0;
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&fa);
	return rc;
}

static int start(struct run *r, struct mreg_error *err)
{
	int in[2] = { -1, -1 };
	int out[2] = { -1, -1 };
	int rc = 0;

	/* A socket, not a pipe: a program that does not read must not kill us
	 * with SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0 ||
	    pipe2(out, O_CLOEXEC) < 0)
		rc = errno;
	if (!rc)
		rc = spawn(r, in[1], out[1]);
	mr_fd_close(&in[1]);
	mr_fd_close(&out[1]);
	r->in = in[0];
	r->out = out[0];
	if (!rc)
		return 0;
	return mr_fail(err, rc == ENOENT ? MREG_ENOTFOUND : MREG_EIO,
		       "cannot run '%s': %s", r->p->argv[0], strerror(rc));
}

static int check_time(const struct run *r, struct mreg_error *err)
{
	if (mr_mono_ms(r->env) - r->began_ms < r->p->timeout_ms)
		return mr_check_cancel(r->env, err);
	return mr_fail(err, MREG_EIO, "'%s' did not answer within %d s",
		       r->p->argv[0], (int)(r->p->timeout_ms / 1000));
}

/* As much of the input as it has room for.  One that reads no further has gone
 * or needs no more: what it says tells. */
static void feed(struct run *r)
{
	const char *input = r->p->input;
	size_t left = r->p->input_len - r->sent;
	ssize_t n = 0;

	if (left)
		n = send(r->in, input + r->sent, left,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		r->sent += (size_t)n;
	if (r->sent == r->p->input_len ||
	    (n < 0 && errno != EAGAIN && errno != EINTR))
		mr_fd_close(&r->in);
}

static int hear(struct run *r, struct mr_buf *out, bool *end,
		struct mreg_error *err)
{
	char chunk[4096];
	ssize_t got = read(r->out, chunk, sizeof(chunk));
	int rc = 0;

	*end = got == 0;
	if (got < 0 && errno != EINTR)
		rc = mr_fail_sys(err, errno, "cannot read from '%s'",
				 r->p->argv[0]);
	if (got > 0)
		mr_buf_add(out, chunk, (size_t)got);
	if (out->failed)
		rc = mr_buf_check(out, r->p->argv[0], err);
	mr_wipe(chunk, sizeof(chunk)); /* it may have been a secret */
	return rc;
}

/* Everything it says, until it closes its stdout.  Both ways at once: it may
 * say more than a pipe holds before it has read everything. */
static int converse(struct run *r, struct mr_buf *out, struct mreg_error *err)
{
	bool end = false;
	int rc = 0;

	while (!end && rc >= 0) {
		struct pollfd p[] = {
			{ .fd = r->out, .events = POLLIN },
			{ .fd = r->in, .events = POLLOUT },
		};

		rc = check_time(r, err);
		if (rc < 0 || poll(p, MR_COUNT(p), POLL_MS) <= 0)
			continue;
		if (p[1].revents)
			feed(r);
		if (p[0].revents)
			rc = hear(r, out, &end, err);
	}
	return rc;
}

static int reap(struct run *r, struct mreg_error *err)
{
	struct pollfd nothing = { .fd = -1 };
	pid_t done;
	int rc;

	for (;;) {
		done = waitpid(r->pid, &r->status, WNOHANG);
		if (done == r->pid)
			break;
		if (done < 0 && errno != EINTR)
			break; /* somebody ignores SIGCHLD: status unknown */
		rc = check_time(r, err);
		if (rc < 0)
			return rc;
		(void)poll(&nothing, 1, REAP_MS); /* a sleep of real time */
	}
	r->pid = 0;
	return 0;
}

int mr_process_run(struct mr_env *env, const struct mr_process *p,
		   struct mr_buf *out, bool *ok, struct mreg_error *err)
{
	struct run r = {
		.p = p,
		.env = env,
		.began_ms = mr_mono_ms(env),
		.in = -1,
		.out = -1,
		.status = -1,
	};
	int rc = start(&r, err);

	*ok = false;
	if (rc >= 0)
		feed(&r);
	if (rc >= 0)
		rc = converse(&r, out, err);
	if (rc >= 0)
		rc = reap(&r, err);
	*ok = rc >= 0 && WIFEXITED(r.status) && WEXITSTATUS(r.status) == 0;
	run_end(&r);
	return rc;
}

bool mr_process_is_gone(pid_t pid)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(4096);
	struct mreg_error ignored = MREG_ERROR_INIT;
	const char *state;
	char path[64];

	if (kill(pid, 0) < 0)
		return errno == ESRCH;
	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (mr_file_load(AT_FDCWD, path, &b, &ignored) < 0)
		return false;
	/* "PID (NAME) STATE ...", and a name may have brackets: proc(5). */
	state = strrchr(mr_buf_text(&b), ')');
	return state &&
	       (strncmp(state, ") Z", 3) == 0 || strncmp(state, ") X", 3) == 0);
}

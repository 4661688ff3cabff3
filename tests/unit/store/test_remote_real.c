/*
 * test_remote_real.c - the contract of every store over two registries: the
 * fake one, with tokens, and Debian's docker-registry (distribution 2.8).
 */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/contract.h"
#include "tests/support/fakereg.h"

#define REGISTRY "/usr/bin/docker-registry"

struct server {
	struct mr_net *net;
	char host[64];
};

static int open_remote(void *ctx, struct mr_env *env, const char *repository,
		       struct mr_store **out, struct mreg_error *err)
{
	const struct server *s = ctx;

	return mr_remote_open(env, s->net, s->host, repository, out, err);
}

/* A real registry needs a moment to get over what it answered 500 to: 2.8
 * does not write its files in one piece. */
static void doze(void *ctx, int64_t ms)
{
	struct timespec t = { .tv_nsec = (ms < 20 ? ms : 20) * 1000000 };

	(void)ctx;
	(void)nanosleep(&t, NULL);
}

static struct mr_net *open_net(struct test_env *t, const char *username,
			       const char *password)
{
	const struct mr_net_opts o = {
		.env = &t->env,
		.user_agent = "mreg-test",
		.plain_http = true,
		.username = username,
		.password = password,
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_net *net = NULL;

	if (mr_net_open(&o, &net, &err) < 0) {
		fprintf(stderr, "test_remote_real: %s\n", err.msg);
		exit(1);
	}
	return net;
}

static int run(const char *name, struct server *s, unsigned int can)
{
	const struct contract c = {
		.name = name,
		.ctx = s,
		.open = open_remote,
		.can = can,
	};

	return contract_run(&c);
}

static int over_fake(struct test_env *t)
{
	const struct fakereg_opts o = {
		.username = "ann",
		.password = "secret",
		.bearer = true,
		.token_uses = 20,
		.tag_delete = true,
		.redirect_blobs = true,
		.page = 3,
	};
	struct fakereg *f = fakereg_start(&o);
	struct server s = { .net = open_net(t, "ann", "secret") };
	int failed;

	if (!f) {
		fprintf(stderr, "test_remote_real: cannot listen\n");
		return 1;
	}
	snprintf(s.host, sizeof(s.host), "%s", fakereg_host(f));
	failed = run("remote (fake)", &s,
		     CONTRACT_ALL & ~(unsigned int)CONTRACT_SINK);
	mr_net_close(s.net);
	fakereg_stop(f);
	return failed;
}

/* -- docker-registry --------------------------------------------------------
 */

static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -1;
	(void)close(fd);
	return ntohs(a.sin_port);
}

static bool answers(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)port);
	ok = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static pid_t start_registry(const char *dir, int port)
{
	const struct timespec moment = { .tv_nsec = 50 * 1000 * 1000 };
	char config[512];
	char path[300];
	pid_t pid;
	int i;

	snprintf(config, sizeof(config),
		 "version: 0.1\n"
		 "log: {level: error, accesslog: {disabled: true}}\n"
		 "storage:\n"
		 "  filesystem: {rootdirectory: %s/root}\n"
		 "http: {addr: '127.0.0.1:%d'}\n",
		 dir, port);
	test_write_text(dir, "config.yml", config);
	snprintf(path, sizeof(path), "%s/config.yml", dir);
	pid = fork();
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(127);
		execl(REGISTRY, "docker-registry", "serve", path, (char *)NULL);
		_exit(127);
	}
	for (i = 0; i < 200 && pid > 0; i++) {
		if (answers(port))
			return pid;
		(void)nanosleep(&moment, NULL);
	}
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return -1;
}

static int over_distribution(struct test_env *t, const char *dir)
{
	struct server s = { .net = NULL };
	int port = free_port();
	pid_t pid;
	int failed;

	if (access(REGISTRY, X_OK) != 0) {
		printf("# skipped: the contract over " REGISTRY
		       ", which is not installed\n");
		return 0;
	}
	pid = start_registry(dir, port);
	if (pid < 0) {
		fprintf(stderr,
			"test_remote_real: " REGISTRY " does not start\n");
		return 1;
	}
	t->env.sleep_ms = doze;
	s.net = open_net(t, NULL, NULL);
	snprintf(s.host, sizeof(s.host), "127.0.0.1:%d", port);
	failed = run("remote (docker-registry)", &s,
		     CONTRACT_STREAM | CONTRACT_MANIFESTS | CONTRACT_ANY_BLOB |
			     CONTRACT_AGAIN);
	mr_net_close(s.net);
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
	return failed;
}

int main(void)
{
	char *dir = test_tmpdir_new();
	struct test_env t;
	int failed;

	/* Nobody's own credentials. */
	(void)setenv("HOME", dir, 1);
	(void)setenv("DOCKER_CONFIG", dir, 1);
	(void)unsetenv("DOCKER_AUTH_CONFIG");
	(void)unsetenv("MREG_DOCKER_CONFIG_JSON");
	(void)unsetenv("REGISTRY_AUTH_FILE");
	(void)unsetenv("XDG_RUNTIME_DIR");
	(void)unsetenv("XDG_CONFIG_HOME");
	test_env_init(&t);
	failed = over_fake(&t);
	failed += over_distribution(&t, dir);
	test_env_release(&t);
	test_tmpdir_free(dir);
	return failed;
}

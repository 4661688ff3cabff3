/*
 * run.c - run a program and say what it used.
 *
 * usage: run [-n TIMES] [-s DIR] [-t MIB] [-l LOG] OUT PROGRAM [ARGUMENT...]
 *
 * Writes one JSON object to the file OUT.  A program of its own, and a small
 * one, because the peak of memory that wait4 reports begins with that of
 * whoever forked.
 *
 * -n  that many times, one after the other; the sums of all, the highest peak
 * -s  sync the file system of DIR before the clock is stopped
 * -t  touch that much memory first: a guest's memory is backed by its host
 *     when it is used, and the first to use it would pay (performance.md 1)
 * -l  where its output goes; else nowhere
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct used {
	int status; /* as wait4 gives it; the first that is not 0 */
	double wall_s, user_s, system_s;
	long maxrss_kib;
	uint64_t rchar, wchar, read_bytes, write_bytes; /* proc(5), io */
};

static void die(const char *what)
{
	fprintf(stderr, "run: %s: %s\n", what, strerror(errno));
	exit(126);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec * 1e-6;
}

struct stretch {
	unsigned char *p;
	size_t bytes;
};

static void *touch_stretch(void *arg)
{
	const struct stretch *s = arg;
	size_t i;

	for (i = 0; i < s->bytes; i += 4096)
		s->p[i] = 1;
	return NULL;
}

/* By two threads: it is the host that takes its time. */
static void touch(size_t bytes)
{
	struct stretch half[2] = { { NULL, bytes / 2 },
				   { NULL, bytes - bytes / 2 } };
	pthread_t second;
	unsigned char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("cannot map memory");
	half[0].p = p;
	half[1].p = p + half[0].bytes;
	if (pthread_create(&second, NULL, touch_stretch, &half[1]) != 0)
		die("cannot start a thread");
	(void)touch_stretch(&half[0]);
	(void)pthread_join(second, NULL);
	(void)munmap(p, bytes);
}

/* Ended, but not yet reaped: /proc still has its counters. */
static void add_io(pid_t pid, struct used *u)
{
	char path[64], line[128];
	uint64_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/io", (long)pid);
	f = fopen(path, "r");
	if (!f)
		return; /* counted as nothing: not every kernel has it */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "rchar: %" SCNu64, &n) == 1)
			u->rchar += n;
		else if (sscanf(line, "wchar: %" SCNu64, &n) == 1)
			u->wchar += n;
		else if (sscanf(line, "read_bytes: %" SCNu64, &n) == 1)
			u->read_bytes += n;
		else if (sscanf(line, "write_bytes: %" SCNu64, &n) == 1)
			u->write_bytes += n;
	}
	(void)fclose(f);
}

static void run_once(char **argv, int log, int sync_fd, struct used *u)
{
	double start = now_s();
	pid_t pid = fork();
	struct rusage r;
	siginfo_t ended;
	int status;

	if (pid < 0)
		die("cannot fork");
	if (pid == 0) {
		(void)dup2(log, STDOUT_FILENO);
		(void)dup2(log, STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT) < 0)
		die("cannot wait");
	add_io(pid, u);
	if (sync_fd >= 0 && syncfs(sync_fd) < 0)
		die("cannot sync");
	u->wall_s += now_s() - start;
	if (wait4(pid, &status, 0, &r) < 0)
		die("cannot wait");
	if (u->status == 0)
		u->status = status;
	u->user_s += seconds(&r.ru_utime);
	u->system_s += seconds(&r.ru_stime);
	if (r.ru_maxrss > u->maxrss_kib)
		u->maxrss_kib = r.ru_maxrss;
}

static void tell(const char *path, const struct used *u)
{
	FILE *f = fopen(path, "w");

	if (!f)
		die(path);
	fprintf(f,
		"{\"status\": %d, \"wall_s\": %.6f, \"user_s\": %.6f, "
		"\"system_s\": %.6f, \"maxrss_bytes\": %ld, "
		"\"rchar\": %" PRIu64 ", \"wchar\": %" PRIu64 ", "
		"\"read_bytes\": %" PRIu64 ", \"write_bytes\": %" PRIu64 "}\n",
		WIFEXITED(u->status) ? WEXITSTATUS(u->status) : -1, u->wall_s,
		u->user_s, u->system_s, u->maxrss_kib * 1024, u->rchar,
		u->wchar, u->read_bytes, u->write_bytes);
	if (fclose(f) != 0)
		die(path);
}

int main(int argc, char **argv)
{
	const char *sync_dir = NULL, *log_path = "/dev/null";
	struct used u = { 0 };
	long times = 1, touch_mib = 0;
	int log, sync_fd = -1, opt;

	while ((opt = getopt(argc, argv, "+n:s:t:l:")) != -1) {
		if (opt == 'n')
			times = strtol(optarg, NULL, 10);
		else if (opt == 's')
			sync_dir = optarg;
		else if (opt == 't')
			touch_mib = strtol(optarg, NULL, 10);
		else if (opt == 'l')
			log_path = optarg;
		else
			return 126;
	}
	if (argc - optind < 2)
		return 126;
	log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (log < 0)
		die(log_path);
	if (sync_dir) {
		sync_fd = open(sync_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (sync_fd < 0)
			die(sync_dir);
	}
	if (touch_mib > 0)
		touch((size_t)touch_mib << 20);
	for (; times > 0; times--)
		run_once(argv + optind + 1, log, sync_fd, &u);
	tell(argv[optind], &u);
	return 0;
}

/*
 * fault_preload.c - preloaded into mreg: the N-th call that changes
 * something kills the process, is torn, or fails.
 *
 * Calls are counted over all threads (strace counts each thread alone), so a
 * sweep over N meets every moment between two of them.  What it does is in
 * the environment:
 *
 *   FAULT_ON     calls that count: a list of write, send, sync, name, open,
 *                size, read
 *   FAULT_NOT    files with this in their path do not count
 *   FAULT_AT     N, from 1; 0 only counts
 *   FAULT_DO     kill (before the call), torn (after half of a write), or the
 *                number of an error
 *   FAULT_COUNT  file of eight bytes in which the count is kept
 *   FAULT_FOLD   a file system that folds case: relative names are lowered
 *
 * Built by faults.py, outside of the Makefile: it defines names of libc.
 */
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_llong own_count;
static atomic_llong *count = &own_count;
static long long fault_at;
static const char *fault_do = "";
static const char *fault_on = "";
static const char *fault_not;
static bool fold;

static __attribute__((constructor)) void start(void)
{
	const char *text = getenv("FAULT_COUNT");
	void *page;
	int fd;

	if (getenv("FAULT_AT"))
		fault_at = atoll(getenv("FAULT_AT"));
	if (getenv("FAULT_DO"))
		fault_do = getenv("FAULT_DO");
	if (getenv("FAULT_ON"))
		fault_on = getenv("FAULT_ON");
	fault_not = getenv("FAULT_NOT");
	fold = getenv("FAULT_FOLD") != NULL;
	/* Programs that mreg starts are not what is tested. */
	unsetenv("LD_PRELOAD");
	if (!text)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, text, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		_exit(99);
	page = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	if (page == MAP_FAILED)
		_exit(99);
	count = page;
	(void)syscall(SYS_close, fd);
}

static void die(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

enum verdict {
	PASS,
	FAIL, /* errno is set */
	TEAR
};

/* Of the file `name`, or the open one `fd`. */
static bool spared(int fd, const char *name)
{
	char link[64], path[4096];
	ssize_t n;

	if (!fault_not)
		return false;
	if (name)
		return strstr(name, fault_not) != NULL;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	return strstr(path, fault_not) != NULL;
}

static enum verdict meet(const char *class, int fd, const char *name)
{
	if (!strstr(fault_on, class) || spared(fd, name) ||
	    atomic_fetch_add(count, 1) + 1 != fault_at)
		return PASS;
	if (strcmp(fault_do, "torn") == 0)
		return TEAR;
	if (strcmp(fault_do, "kill") == 0)
		die();
	errno = atoi(fault_do);
	return FAIL;
}

/* For calls that cannot be torn. */
static bool meets(const char *class, int fd, const char *name)
{
	enum verdict v = meet(class, fd, name);

	if (v == TEAR)
		die();
	return v == FAIL;
}

static void *real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		_exit(98);
	return f;
}

/* What is written to the terminal counts as nothing. */
static bool told(int fd)
{
	return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

/* -- reads and writes
 * ------------------------------------------------------------- */

ssize_t write(int fd, const void *buf, size_t n)
{
	enum verdict v = told(fd) ? PASS : meet("write", fd, NULL);

	if (v == FAIL)
		return -1;
	if (v == TEAR) {
		(void)syscall(SYS_write, fd, buf, n / 2);
		die();
	}
	return syscall(SYS_write, fd, buf, n);
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at)
{
	enum verdict v = meet("write", fd, NULL);

	if (v == FAIL)
		return -1;
	if (v == TEAR) {
		(void)syscall(SYS_pwrite64, fd, buf, n / 2, at);
		die();
	}
	return syscall(SYS_pwrite64, fd, buf, n, at);
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off_t at)
{
	return pwrite(fd, buf, n, at);
}

ssize_t copy_file_range(int in, off_t *from, int out, off_t *to, size_t n,
			unsigned int flags)
{
	enum verdict v = meet("write", out, NULL);

	if (v == FAIL)
		return -1;
	if (v == TEAR) {
		(void)syscall(SYS_copy_file_range, in, from, out, to, n / 2,
			      flags);
		die();
	}
	return syscall(SYS_copy_file_range, in, from, out, to, n, flags);
}

ssize_t read(int fd, void *buf, size_t n)
{
	if (fd != STDIN_FILENO && meets("read", fd, NULL))
		return -1;
	return syscall(SYS_read, fd, buf, n);
}

ssize_t pread(int fd, void *buf, size_t n, off_t at)
{
	return meets("read", fd, NULL) ? -1
				       : syscall(SYS_pread64, fd, buf, n, at);
}

ssize_t pread64(int fd, void *buf, size_t n, off_t at)
{
	return pread(fd, buf, n, at);
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	enum verdict v = meet("send", fd, NULL);

	if (v == FAIL)
		return -1;
	if (v == TEAR) {
		(void)syscall(SYS_sendto, fd, buf, n / 2, flags, NULL, 0);
		die();
	}
	return syscall(SYS_sendto, fd, buf, n, flags, NULL, 0);
}

/* -- sizes and syncs ------------------------------------------------------ */

int ftruncate(int fd, off_t size)
{
	return meets("size", fd, NULL) ? -1
				       : (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

int fallocate(int fd, int mode, off_t at, off_t size)
{
	return meets("size", fd, NULL)
		       ? -1
		       : (int)syscall(SYS_fallocate, fd, mode, at, size);
}

int posix_fallocate(int fd, off_t at, off_t size)
{
	if (meets("size", fd, NULL))
		return errno;
	return syscall(SYS_fallocate, fd, 0, at, size) < 0 ? errno : 0;
}

int fsync(int fd)
{
	return meets("sync", fd, NULL) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return meets("sync", fd, NULL) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
	return meets("sync", fd, NULL) ? -1 : (int)syscall(SYS_syncfs, fd);
}

/* -- names ------------------------------------------------------------------
 */

/* `name` as a file system that folds case keeps it, in `buf`. */
static const char *lower(const char *name, char buf[4096])
{
	size_t i;

	if (!fold || name[0] == '/' || strlen(name) >= 4096)
		return name;
	for (i = 0; name[i]; i++)
		buf[i] = (char)tolower((unsigned char)name[i]);
	buf[i] = '\0';
	return buf;
}

int renameat(int fd, const char *a, int into, const char *b)
{
	char x[4096], y[4096];

	if (meets("name", -1, b))
		return -1;
	return (int)syscall(SYS_renameat2, fd, lower(a, x), into, lower(b, y),
			    0);
}

int rename(const char *a, const char *b)
{
	return renameat(AT_FDCWD, a, AT_FDCWD, b);
}

int linkat(int fd, const char *a, int into, const char *b, int flags)
{
	char x[4096], y[4096];

	if (meets("name", -1, b))
		return -1;
	return (int)syscall(SYS_linkat, fd, lower(a, x), into, lower(b, y),
			    flags);
}

int link(const char *a, const char *b)
{
	return linkat(AT_FDCWD, a, AT_FDCWD, b, 0);
}

int unlinkat(int fd, const char *name, int flags)
{
	char x[4096];

	if (meets("name", -1, name))
		return -1;
	return (int)syscall(SYS_unlinkat, fd, lower(name, x), flags);
}

int unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

int mkdirat(int fd, const char *name, mode_t mode)
{
	char x[4096];

	if (meets("name", -1, name))
		return -1;
	return (int)syscall(SYS_mkdirat, fd, lower(name, x), mode);
}

int mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}

int fstatat(int fd, const char *restrict name, struct stat *restrict st,
	    int flags)
{
	int (*next)(int, const char *, struct stat *, int);
	char x[4096];

	*(void **)&next = real("fstatat");
	return next(fd, lower(name, x), st, flags);
}

/* -- opening ------------------------------------------------------------------
 */

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

static int open_any(int dir, const char *name, int flags, mode_t mode)
{
	char x[4096];

	if (meets("open", -1, name))
		return -1;
	return (int)syscall(SYS_openat, dir, lower(name, x), flags, mode);
}

int openat(int dir, const char *name, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_any(dir, name, flags, mode);
}

int openat64(int dir, const char *name, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_any(dir, name, flags, mode);
}

int open(const char *name, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_any(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_any(AT_FDCWD, name, flags, mode);
}

/* Also what this file itself calls. */
static long next_syscall(long number, long a, long b, long c, long d, long e,
			 long f)
{
	long (*next)(long, ...);

	*(void **)&next = real("syscall");
	return next(number, a, b, c, d, e, f);
}

long syscall(long number, ...)
{
	char x[4096];
	long arg[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2) {
		if (meets("open", -1, (const char *)arg[1]))
			return -1;
		arg[1] = (long)lower((const char *)arg[1], x);
	}
	return next_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4],
			    arg[5]);
}

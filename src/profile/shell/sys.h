/*
 * src/profile/shell/sys.h - the kernel's calls that the stand-in needs, by
 * number: it has no C library.
 */
#ifndef PROFILE_SHELL_SYS_H
#define PROFILE_SHELL_SYS_H

/* Numbers of Linux: arch/x86/entry/syscalls/syscall_64.tbl, and
 * include/uapi/asm-generic/unistd.h for aarch64. */
#if defined(__x86_64__)
enum {
	SYS_WRITE = 1,
	SYS_CLOSE = 3,
	SYS_SIGMASK = 14,
	SYS_GETPID = 39,
	SYS_SIGWAIT = 128,
	SYS_GETDENTS = 217,
	SYS_EXIT = 231,
	SYS_OPENAT = 257,
	SYS_MKDIRAT = 258,
	SYS_STATAT = 262,
	SYS_UNLINKAT = 263,
	SYS_SYMLINKAT = 266,
	OPEN_DIRECTORY = 0200000,
	STAT_MODE_AT = 24, /* where struct stat has st_mode */
};
#elif defined(__aarch64__)
enum {
	SYS_MKDIRAT = 34,
	SYS_UNLINKAT = 35,
	SYS_SYMLINKAT = 36,
	SYS_OPENAT = 56,
	SYS_CLOSE = 57,
	SYS_GETDENTS = 61,
	SYS_WRITE = 64,
	SYS_STATAT = 79,
	SYS_EXIT = 94,
	SYS_SIGMASK = 135,
	SYS_SIGWAIT = 137,
	SYS_GETPID = 172,
	OPEN_DIRECTORY = 040000,
	STAT_MODE_AT = 16,
};
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "the stand-in knows x86_64 and aarch64"
#endif

enum {
	AT_HERE = -100,          /* AT_FDCWD */
	OPEN_CLOEXEC = 02000000, /* O_RDONLY | O_CLOEXEC */
	STAT_BYTES = 256,        /* more than struct stat has anywhere */
	STAT_NOFOLLOW = 0x100,   /* AT_SYMLINK_NOFOLLOW */
	MODE_TYPE = 0170000,
	MODE_DIRECTORY = 0040000,
	MODE_FILE = 0100000,
	MODE_LINK = 0120000,

	E_NOENT = 2,
	E_INTR = 4,
	E_AGAIN = 11,
	E_EXIST = 17,

	SIG_INT = 2,
	SIG_TERM = 15,
	SIG_SET_BYTES = 8,
};

/* The kernel's answer: negative is an error number. */
static inline long sys4(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	long rc;

	__asm__ volatile("syscall"
			 : "=a"(rc)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return rc;
#else
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3)
			 : "memory");
	return x0;
#endif
}

#endif

/*
 * tests/support/test.c - asserts that say what the code under test said, and
 * directories that go away.
 */
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The test cannot go on; says so with errno. */
static _Noreturn void stop(const char *verb, const char *path)
{
	print_error("cannot %s '%s': %s\n", verb, path, strerror(errno));
	fail();
	abort(); /* not reached: fail jumps, which its type does not say */
}

static void show(const struct mreg_error *err)
{
	print_error("  code  %s\n", mreg_code_name(err->code));
	print_error("  msg   %s\n", err->msg);
	print_error("  hint  %s\n", err->hint);
	print_error("  cause %s\n", err->cause);
}

void test_code(int expected, long rc, const struct mreg_error *err,
	       const char *file, int line)
{
	if (rc != expected)
		print_error("expected %s (%d), got %ld\n",
			    mreg_code_name((enum mreg_code)expected), expected,
			    rc);
	else if ((int)err->code != expected)
		print_error("rc is right, but err.code is not set to it\n");
	else if (!err->msg[0] || strchr(err->msg, '\n'))
		print_error("the message is not one line\n");
	else
		return;
	show(err);
	_fail(file, line);
}

void test_ok(long rc, const struct mreg_error *err, const char *file, int line)
{
	if (rc >= 0)
		return;
	print_error("failed with %ld\n", rc);
	show(err);
	_fail(file, line);
}

void test_has(const char *haystack, const char *needle, const char *file,
	      int line)
{
	if (haystack && strstr(haystack, needle))
		return;
	print_error("'%s' is not in '%s'\n", needle,
		    haystack ? haystack : "(null)");
	_fail(file, line);
}

void test_has_not(const char *haystack, const char *needle, const char *file,
		  int line)
{
	if (!haystack || !strstr(haystack, needle))
		return;
	print_error("'%s' is in '%s'\n", needle, haystack);
	_fail(file, line);
}

static void join(char path[PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	if (n < 0 || n >= PATH_MAX)
		fail_msg("path too long: '%s'", name);
}

static int remove_entry(const char *path, const struct stat *st, int kind,
			struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int open_entry(const char *path, const struct stat *st, int kind,
		      struct FTW *at)
{
	(void)at;
	if (kind == FTW_D || kind == FTW_DNR)
		return chmod(path, st->st_mode | S_IRWXU);
	return 0;
}

char *test_tmpdir_new(void)
{
	const char *base = getenv("TMPDIR");
	char path[PATH_MAX];
	char *real;

	if (!base || !base[0])
		base = "/tmp";
	join(path, base, "mreg-test-XXXXXX");
	if (!mkdtemp(path))
		stop("make", path);
	real = realpath(path, NULL);
	if (!real)
		stop("resolve", path);
	return real;
}

void test_tmpdir_free(char *dir)
{
	if (!dir)
		return;
	/* Folders first become ours again, or they could not be emptied. */
	(void)nftw(dir, open_entry, 16, FTW_PHYS);
	if (nftw(dir, remove_entry, 16, FTW_PHYS | FTW_DEPTH) < 0)
		print_error("cannot remove '%s': %s\n", dir, strerror(errno));
	free(dir);
}

int test_tmpdir(void **state)
{
	*state = test_tmpdir_new();
	return 0;
}

int test_tmpdir_end(void **state)
{
	test_tmpdir_free(*state);
	*state = NULL;
	return 0;
}

static void make_parents(char *path)
{
	char *p;

	for (p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			stop("make", path);
		*p = '/';
	}
}

void test_write(const char *dir, const char *name, const void *data, size_t n)
{
	char path[PATH_MAX];
	FILE *f;

	join(path, dir, name);
	make_parents(path);
	f = fopen(path, "wb");
	if (!f)
		stop("write", path);
	if (fwrite(data, 1, n, f) != n || fclose(f) != 0)
		stop("write", path);
}

void test_write_text(const char *dir, const char *name, const char *text)
{
	test_write(dir, name, text, strlen(text));
}

/* xorshift32: Marsaglia, "Xorshift RNGs", 2003; never 0 from a state that is
 * not 0. */
static uint32_t next_random(uint32_t *state)
{
	uint32_t x = *state ? *state : 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x;
}

void test_write_noise(const char *dir, const char *name, size_t size,
		      uint32_t seed)
{
	unsigned char *bytes = malloc(size ? size : 1);
	size_t i;

	if (!bytes)
		stop("allocate for", name);
	for (i = 0; i < size; i++)
		bytes[i] = (unsigned char)(next_random(&seed) >> 24);
	test_write(dir, name, bytes, size);
	free(bytes);
}

static char *slurp(FILE *f, const char *path, size_t *n)
{
	char *bytes = NULL;
	size_t cap = 0;
	size_t len = 0;
	size_t got;

	do {
		if (len + 1 >= cap) {
			cap = cap ? 2 * cap : 4096;
			bytes = realloc(bytes, cap);
			if (!bytes)
				stop("read", path);
		}
		got = fread(bytes + len, 1, cap - len - 1, f);
		len += got;
	} while (got > 0);
	bytes[len] = '\0';
	if (n)
		*n = len;
	return bytes;
}

char *test_read(const char *dir, const char *name, size_t *n)
{
	char path[PATH_MAX];
	char *bytes;
	FILE *f;

	join(path, dir, name);
	f = fopen(path, "rb");
	if (!f)
		stop("read", path);
	bytes = slurp(f, path, n);
	(void)fclose(f); /* only read from */
	return bytes;
}

bool test_exists(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	join(path, dir, name);
	return lstat(path, &st) == 0;
}

size_t test_count(const char *dir)
{
	struct dirent *entry;
	size_t n = 0;
	DIR *d = opendir(dir);

	if (!d)
		stop("list", dir);
	while ((entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			n++;
	(void)closedir(d); /* only read from */
	return n;
}

static bool golden_update(void)
{
	const char *update = getenv("MREG_GOLDEN_UPDATE");

	return update && !strcmp(update, "1");
}

void test_golden(const char *name, const void *data, size_t n, const char *file,
		 int line)
{
	const unsigned char *got = data;
	size_t want_n;
	size_t i;
	char *want;

	if (golden_update()) {
		test_write("tests/golden", name, data, n);
		return;
	}
	want = test_read("tests/golden", name, &want_n);
	for (i = 0; i < n && i < want_n; i++)
		if (got[i] != (unsigned char)want[i])
			break;
	if (i == n && n == want_n) {
		free(want);
		return;
	}
	print_error("tests/golden/%s: differs from byte %zu on (%zu bytes, "
		    "golden has %zu)\n",
		    name, i, n, want_n);
	print_error("  golden ...%.60s\n", want + i);
	free(want);
	print_error("  got    ...%.*s\n", (int)(n - i < 60 ? n - i : 60),
		    (const char *)got + i);
	print_error("  if the change is meant: make golden, then review\n");
	_fail(file, line);
}

/*
 * tests/support/fuzz_main.c - runs a fuzz target over files and folders of
 * files, where libFuzzer is not there: with any compiler, in `make corpus`.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void die(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

/* Each input gets memory of exactly its size, so that a sanitizer sees one
 * byte too many. */
static void run_file(const char *path, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);
	FILE *f = fopen(path, "rb");

	if (!bytes || !f || fread(bytes, 1, size, f) != size)
		die(path);
	(void)fclose(f); /* only read from */
	/* An input that kills the process is named last. */
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static size_t run_path(const char *path)
{
	struct dirent **entries;
	char inner[PATH_MAX];
	struct stat st;
	size_t done = 0;
	int n;
	int i;

	if (stat(path, &st) < 0)
		die(path);
	if (!S_ISDIR(st.st_mode)) {
		run_file(path, (size_t)st.st_size);
		return 1;
	}
	n = scandir(path, &entries, is_visible, alphasort);
	if (n < 0)
		die(path);
	for (i = 0; i < n; i++) {
		snprintf(inner, sizeof(inner), "%s/%s", path,
			 entries[i]->d_name);
		done += run_path(inner);
		free(entries[i]);
	}
	free(entries);
	return done;
}

int main(int argc, char **argv)
{
	size_t done = 0;
	int i;

	for (i = 1; i < argc; i++)
		done += run_path(argv[i]);
	printf("%s: %zu inputs\n", argv[0], done);
	return done == 0; /* nothing to run is not a pass */
}

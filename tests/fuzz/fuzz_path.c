/*
 * fuzz_path.c - a set of paths that is taken can be laid out below a folder:
 * nothing leaves it, nothing is there twice, no file is a folder.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "pack/ignore.h"
#include "pack/pack.h"

#define PATHS_MAX 64

static void check_one(const char *path)
{
	char text[2048];
	char *part;
	char *rest = text;

	assert(strlen(path) < sizeof(text));
	assert(path[0] && path[0] != '/' && mr_utf8_valid(path));
	memcpy(text, path, strlen(path) + 1);
	while ((part = strsep(&rest, "/")) != NULL) {
		assert(part[0] && strlen(part) < 256);
		assert(strcmp(part, ".") != 0 && strcmp(part, "..") != 0);
		assert(strncmp(part, MR_PART_PREFIX, 11) != 0);
	}
}

static void check_pair(const char *a, const char *b)
{
	size_t n = strlen(a);

	assert(strcmp(a, b) != 0);
	assert(strncmp(a, b, n) != 0 || b[n] != '/');
}

static void check_set(const char *const *paths, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;
	size_t j;

	if (mr_paths_check(paths, n, false, &err) < 0) {
		assert(err.msg[0]); /* failing without a reason is a bug */
		/* What folds is stricter, never less. */
		assert(mr_paths_check(paths, n, true, &err) < 0);
		return;
	}
	for (i = 0; i < n; i++)
		check_one(paths[i]);
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			if (i != j)
				check_pair(paths[i], paths[j]);
	(void)mr_paths_check(paths, n, true, &err);
}

/* The same text as patterns: any of them, for any path. */
static void check_patterns(const char *text, size_t size,
			   const char *const *paths, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ignore *ig = NULL;
	size_t i;

	if (mr_ignore_parse(text, size, &ig, &err) < 0)
		return;
	for (i = 0; i < n; i++) {
		(void)mr_ignore_match(ig, paths[i], true);
		(void)mr_ignore_match(ig, paths[i], false);
	}
	mr_ignore_free(ig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *paths[PATHS_MAX];
	char *text = malloc(size + 1);
	char *copy = malloc(size + 1);
	char *rest = copy;
	size_t n = 0;

	if (text && copy) {
		memcpy(text, data, size);
		memcpy(copy, data, size);
		text[size] = '\0';
		copy[size] = '\0';
		while (n < PATHS_MAX && rest)
			paths[n++] = strsep(&rest, "\n");
		check_set(paths, n);
		check_patterns(text, size, paths, n);
	}
	free(text);
	free(copy);
	return 0;
}

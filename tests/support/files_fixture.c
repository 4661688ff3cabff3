/*
 * files_fixture.c - a model's files, a store that has them and a directory that
 * they arrive in.
 */
#include "tests/support/files_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"

#define RUNS_MAX 20
;

/* Two share a digest with another one, one is empty, one larger than a
 * chunk. */
const struct ff_file ff_files[FF_FILES] = {
	{ "weights.bin", NULL, (1 << 20) + 4321, false },
	{ "config.json", "{\"a\":1}", 0, false },
	{ "sub/folder/tool.sh", "#!/bin/sh\n", 0, true },
	{ "sub/copy.json", "{\"a\":1}", 0, false },
	{ "sub/other/run.json", "{\"a\":1}", 0, true },
	{ "empty", "", 0, false },
};

static void fill_places(struct ff *f)
{
	size_t i, k;

	for (i = 0; i < FF_FILES; i++) {
		size_t n = ff_files[i].noise ? ff_files[i].noise
					     : strlen(ff_files[i].text);
		uint32_t x = 7;

		f->texts[i] = mr_zalloc(n + 1);
		if (!ff_files[i].noise)
			memcpy(f->texts[i], ff_files[i].text, n);
		for (k = 0; k < ff_files[i].noise; k++) {
			x = x * 1664525u + 1013904223u;
			f->texts[i][k] = (char)(x >> 24);
		}
		f->places[i].path = ff_files[i].path;
		f->places[i].executable = ff_files[i].executable;
		f->places[i].desc.size = n;
		assert_ok(mr_digest_of(f->texts[i], n,
				       &f->places[i].desc.digest, &f->err),
			  f->err);
		assert_ok(mr_store_put_bytes(f->from, &f->places[i].desc,
					     f->texts[i], &f->err),
			  f->err);
	}
}

int ff_setup(void **state)
{
	struct ff *f = mr_zalloc(sizeof(*f));

	mr_env_init(&f->env);
	f->dir = test_tmpdir_new();
	snprintf(f->out, sizeof(f->out), "%.3000s/out", f->dir);
	assert_int_equal(mkdir(f->out, 0755), 0);
	assert_ok(mr_memory_open(&f->env, &f->from, &f->err), f->err);
	fill_places(f);
	*state = f;
	return 0;
}

void ff_close(struct ff *f)
{
	mr_store_close(f->to);
	mr_tree_close(f->tree);
	f->to = NULL;
	f->tree = NULL;
}

int ff_teardown(void **state)
{
	struct ff *f = *state;
	size_t i;

	ff_close(f);
	mr_store_close(f->from);
	mr_env_release(&f->env);
	test_tmpdir_free(f->dir);
	for (i = 0; i < FF_FILES; i++)
		mr_release(f->texts[i]);
	mr_release(f);
	return 0;
}

/* -- pulling; no asserts, for other processes do it too ---------------------
 */

int ff_open(struct ff *f, struct mr_state *state, struct mreg_error *err)
{
	int rc;

	ff_close(f);
	rc = mr_tree_open(f->out, true, &f->tree, err);
	if (rc < 0)
		return rc;
	return mr_files_target(&f->env, state, f->tree, f->places, FF_FILES,
			       &f->to, err);
}

/* Fetch what is missing. */
int ff_fetch(struct ff *f, struct mreg_error *err)
{
	bool found;
	size_t i;
	int rc = 0;

	f->fetched = 0;
	for (i = 0; i < FF_FILES && rc == 0; i++) {
		const struct mreg_desc *d = &f->places[i].desc;

		rc = mr_store_has(f->to, d, &found, err);
		if (rc < 0 || found)
			continue;
		f->fetched++;
		rc = mr_store_put(f->to, d, f->from, f->places[i].path, err);
	}
	return rc;
}

int ff_pull(struct ff *f, struct mr_state *state, struct mreg_error *err)
{
	size_t runs = 0;
	int rc;

	rc = ff_open(f, state, err);
	do {
		if (rc == 0)
			rc = ff_fetch(f, err);
		if (rc == 0)
			rc = mr_files_publish(f->to, &f->done, err);
	} while (rc == 0 && f->done.again && ++runs < RUNS_MAX);
	if (rc == 0 && f->done.again)
		rc = mr_fail(err, MREG_EINTERNAL, "it never ends");
	return rc;
}

void ff_pull_ok(struct ff *f)
{
	assert_ok(ff_pull(f, NULL, &f->err), f->err);
}

/* Whether the file is right, absent (`absent_too`), or neither. */
bool ff_is_right(struct ff *f, size_t i, bool absent_too)
{
	size_t n;
	char *bytes;
	bool right;

	if (!test_exists(f->out, ff_files[i].path))
		return absent_too;
	bytes = test_read(f->out, ff_files[i].path, &n);
	right = n == f->places[i].desc.size &&
		memcmp(bytes, f->texts[i], n) == 0;
	free(bytes);
	return right;
}

void ff_assert_all_right(struct ff *f)
{
	size_t i;

	for (i = 0; i < FF_FILES; i++) {
		if (!ff_is_right(f, i, false))
			print_error("%s is wrong\n", ff_files[i].path);
		assert_true(ff_is_right(f, i, false));
	}
	/* weights.bin config.json sub empty: no part is left. */
	assert_int_equal(test_count(f->out), 4);
}

const char *ff_path(struct ff *f, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.3000s/%s", f->out, name);
	return path;
}

mode_t ff_mode(struct ff *f, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	assert_int_equal(stat(ff_path(f, name, path), &st), 0);
	return st.st_mode & 07777;
}

ino_t ff_inode(struct ff *f, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	assert_int_equal(stat(ff_path(f, name, path), &st), 0);
	return st.st_ino;
}

const char *ff_part(struct ff *f, size_t i, char name[200])
{
	char hex[129];

	snprintf(name, 200, MR_PART_PREFIX "%s",
		 mr_digest_hex(&f->places[i].desc.digest, hex));
	return name;
}

void ff_nap_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

/*
 * test_store.c - the contract of house.md 6 over the stores in this process;
 * test_remote.c runs it over a registry.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/support/contract.h"

/* A files target needs a tree and places that outlive it; the store that was
 * opened last belongs to them. */
struct files {
	const char *dir;
	struct mr_place places[CONTRACT_BLOBS];
	struct mr_tree *trees[256];
	size_t n;
};

static int open_memory(void *ctx, struct mr_env *env, const char *repository,
		       struct mr_store **out, struct mreg_error *err)
{
	(void)ctx;
	(void)repository;
	return mr_memory_open(env, out, err);
}

static int open_layout(void *ctx, struct mr_env *env, const char *repository,
		       struct mr_store **out, struct mreg_error *err)
{
	return mr_layout_open(env, ctx, repository, out, err);
}

/* One that is never finished: that is test_archive.c's. */
static int open_archive(void *ctx, struct mr_env *env, const char *repository,
			struct mr_store **out, struct mreg_error *err)
{
	char path[512];
	char *c;

	snprintf(path, sizeof(path), "%s/%s.tar", (const char *)ctx,
		 repository);
	for (c = path + strlen(ctx) + 1; *c; c++)
		*c = *c == '/' ? '-' : *c;
	return mr_archive_create(env, path, out, err);
}

static int open_files(void *ctx, struct mr_env *env, const char *repository,
		      struct mr_store **out, struct mreg_error *err)
{
	static const char *const names[] = { "small.txt", "sub/empty",
					     "sub/deeper/large.bin" };
	struct files *f = ctx;
	char path[512];
	size_t i;
	int rc;

	for (i = 0; i < CONTRACT_BLOBS; i++)
		f->places[i] = (struct mr_place){
			.path = names[i],
			.desc = contract_blob(i)->desc,
		};
	snprintf(path, sizeof(path), "%s/%s", f->dir, repository);
	rc = mr_tree_open(path, true, &f->trees[f->n], err);
	if (rc < 0)
		return rc;
	return mr_files_target(env, NULL, f->trees[f->n++], f->places,
			       CONTRACT_BLOBS, out, err);
}

/* What did not arrive is no trouble here: a test puts what it wants. */
static int settle_files(void *ctx, struct mr_store *s, struct mreg_error *err)
{
	struct mr_published done;

	(void)ctx;
	return mr_files_publish(s, &done, err);
}

int main(void)
{
	char *dir = test_tmpdir_new();
	struct files files = { .dir = dir };
	const struct contract memory = {
		.name = "memory",
		.open = open_memory,
		.can = CONTRACT_ALL & ~(unsigned int)CONTRACT_AGAIN,
	};
	const struct contract layout = {
		.name = "layout",
		.ctx = dir,
		.open = open_layout,
		.can = CONTRACT_ALL,
	};
	const struct contract target = {
		.name = "files",
		.ctx = &files,
		.open = open_files,
		.settle = settle_files,
		.can = CONTRACT_SINK | CONTRACT_AGAIN,
	};
	const struct contract archive = {
		.name = "archive",
		.ctx = dir,
		.open = open_archive,
		.can = CONTRACT_SINK | CONTRACT_MANIFESTS | CONTRACT_UNTAG |
		       CONTRACT_ANY_BLOB,
	};
	int failed;

	failed = contract_run(&memory) + contract_run(&layout);
	failed += contract_run(&archive);
	failed += contract_run(&target);
	while (files.n > 0)
		mr_tree_close(files.trees[--files.n]);
	test_tmpdir_free(dir);
	return failed;
}

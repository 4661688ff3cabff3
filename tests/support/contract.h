/*
 * tests/support/contract.h - the one suite that every store passes (house.md
 * 6).
 *
 * A test program says how its kind of store is opened and what it can do, and
 * runs the suite:
 *
 *	static int open_it(void *ctx, struct mr_env *env,
 *			   const char *repository, struct mr_store **out,
 *			   struct mreg_error *err);
 *	...
 *	const struct contract c = {
 *		.name = "layout", .open = open_it, .ctx = &mine,
 *		.can = CONTRACT_ALL,
 *	};
 *	return contract_run(&c);
 */
#ifndef TESTS_SUPPORT_CONTRACT_H
#define TESTS_SUPPORT_CONTRACT_H

#include <stddef.h>

#include "store/store.h"

enum contract_can {
	CONTRACT_STREAM = 1,    /* put_stream */
	CONTRACT_SINK = 2,      /* begin */
	CONTRACT_MANIFESTS = 4, /* get, set, tags */
	CONTRACT_UNTAG = 8,     /* tags can be removed */
	CONTRACT_ANY_BLOB = 16, /* takes blobs that nobody announced */
	CONTRACT_AGAIN = 32,    /* a second store over the same repository sees
				   what the first one wrote */
	CONTRACT_ALL = 63,
};

struct contract {
	const char *name;
	void *ctx; /* first argument of what follows */
	/* A store over `repository`, which is empty at first. */
	int (*open)(void *ctx, struct mr_env *env, const char *repository,
		    struct mr_store **out, struct mreg_error *err);
	/* Before what was put is read; NULL: nothing to do. */
	int (*settle)(void *ctx, struct mr_store *s, struct mreg_error *err);
	unsigned int can; /* enum contract_can, or-ed */
};

/* Run the suite, in groups; how many tests failed. */
int contract_run(const struct contract *c);

/* The blobs that the suite puts into a store without CONTRACT_ANY_BLOB. */
struct contract_blob {
	struct mreg_desc desc;
	const void *bytes;
};
enum {
	CONTRACT_SMALL,
	CONTRACT_EMPTY,
	CONTRACT_LARGE,
	CONTRACT_BLOBS
};
const struct contract_blob *contract_blob(size_t i);

#endif

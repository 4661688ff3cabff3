/*
 * store/seed.h - what the files of the seeds share; private to store.
 *
 * Invariants
 * 1. What a seed is said to have is a guess, from the state, from its name or
 *    from the time it was hashed: who copies from it proves what arrived.
 * 2. A file is read for its digest's sake only if its size is wanted, and
 *    once: who else asks meanwhile waits for the answer.
 */
#ifndef MR_STORE_SEED_H
#define MR_STORE_SEED_H

#include <pthread.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/file.h"
#include "store/internal.h"

/* What is known of a file. */
enum mr_fact {
	MR_FACT_RAW,   /* nothing but its size */
	MR_FACT_BUSY,  /* somebody hashes it */
	MR_FACT_KNOWN, /* `digest`, as far as that can be without reading */
	MR_FACT_NONE,  /* it cannot be read */
};

struct mr_seed_file {
	const char *path;     /* in the arena; from the working directory, or
			       * below `tree` */
	struct mr_tree *tree; /* borrowed; NULL: none */
	struct mr_file_id id;
	enum mr_fact fact;
	struct mreg_digest digest;
};

struct mr_seeds {
	struct mr_store base;
	struct mr_state *state; /* borrowed; may be NULL */
	struct mr_arena *arena; /* owned */
	uint64_t *sizes;        /* owned; wanted, sorted */
	size_t size_count;
	struct mr_store **stores; /* owned, each owned */
	size_t store_count, store_cap;
	pthread_mutex_t lock;       /* of the facts */
	pthread_cond_t told;        /* a busy one is done */
	struct mr_seed_file *files; /* owned; sorted by size once it is asked */
	size_t count, cap;
	bool sorted;
};

/* `s` must be seeds. */
struct mr_seeds *mr_seeds_of(struct mr_store *s);
/* For qsort and bsearch of `sizes`. */
int mr_seeds_compare_size(const void *a, const void *b);

#endif

/*
 * ops/pull.h - the state of one pull, shared by its steps.
 */
#ifndef MR_OPS_PULL_H
#define MR_OPS_PULL_H

#include "mreg/pull.h"
#include "ops/internal.h"
#include "transfer/transfer.h"

/* Where a blob that is not there may come from. */
enum mr_seed {
	MR_SEED_NONE,   /* the source alone */
	MR_SEED_COPY,   /* a seed has it */
	MR_SEED_SHARED, /* a seed's file can share its blocks */
	MR_SEED_SOURCE, /* the source itself can: a local store beside us */
};

struct pull {
	struct mreg *m;
	const struct mreg_pull_opts *o;
	struct mreg_ref ref;
	const char *output;            /* borrowed */
	struct mr_store *from;         /* owned */
	struct mr_store *to;           /* owned */
	struct mr_store *seeds;        /* owned; NULL: none were needed */
	struct mr_tree *tree;          /* owned */
	struct mr_manifest *manifest;  /* owned */
	struct mr_model_layer *layers; /* owned; those that were asked for */
	size_t count;
	struct mr_place *places;      /* owned; one per layer */
	struct mr_plan plan;          /* owned; one item per layer */
	enum mr_seed *source;         /* owned; one per layer: found, then
				       * what was taken */
	struct mr_listing *strangers; /* owned; to remove; NULL: not asked */
	struct mr_list removed;       /* owned; paths */
	struct mr_published published;
	uint64_t fetched; /* bytes, over all rounds */
	uint64_t number;  /* written by the side task, read after its join */
	unsigned int jobs;
	bool made; /* the target was not there before */
};

/* pull_choose.c: the manifest, and which of its files. */
int mr_pull_choose(struct pull *p, const char *text, struct mreg_error *err);

/* pull_seed.c: bytes that are on this machine already. */

/* What can never work, before anything is asked. */
int mr_pull_check_seeds(const struct pull *p, struct mreg_error *err);
/* Which of the items that the plan moves a seed has. */
int mr_pull_find_seeds(struct pull *p, struct mreg_error *err);
/* Whether there is room for the rest. */
int mr_pull_check_room(struct pull *p, struct mreg_error *err);
/* Take them.  A seed that fails is no error: the source has it too. */
int mr_pull_take_seeds(struct pull *p, struct mreg_error *err);

/* pull_exact.c: files that the version does not have. */

/* List them in `strangers`, and refuse what looks like a mistake. */
int mr_pull_find_strangers(struct pull *p, struct mreg_error *err);
int mr_pull_remove_strangers(struct pull *p, struct mreg_error *err);
/* This directory has had a model in it. */
void mr_pull_remember(struct pull *p);

#endif

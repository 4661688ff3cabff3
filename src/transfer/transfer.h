/*
 * transfer/transfer.h - what has to move between two stores, as a value, and
 * moving it.
 *
 *   fill the items -> mr_plan_look -> (show it: --dry-run) -> mr_plan_run
 *
 * The plan is the same value that is shown, tested, counted for progress and
 * then run.  It knows blobs and files; not models, tags or credentials.
 *
 * Invariants
 * 1. Whatever ends with `done` is in the target, whole and proven.
 * 2. A digest that several items share moves once.
 * 3. A run that failed can be planned and run again; what had arrived is
 *    found there by mr_plan_look.
 */
#ifndef MR_TRANSFER_TRANSFER_H
#define MR_TRANSFER_TRANSFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/list.h"
#include "mreg/types.h"
#include "store/store.h"

enum mr_step {
	MR_STEP_LOOK,   /* not decided yet */
	MR_STEP_REUSE,  /* in the target already, or another item brings it */
	MR_STEP_COPY,   /* digest known: copy */
	MR_STEP_HASH,   /* digest not known: hash, look, copy if missing */
	MR_STEP_STREAM, /* digest not known: hash while sending */
};

#define MR_NO_FILE SIZE_MAX

struct mr_item {
	/* size and media type always; digest NONE until known */
	struct mreg_desc desc;
	const char *label; /* for progress and messages; borrowed */
	size_t file;       /* index in a source whose digests need not be known;
			    * MR_NO_FILE: a blob */
	enum mr_step step;
	/* What running found. */
	bool done;
	bool hashed;      /* read to the end here: `utf8` is decided */
	bool utf8;        /* all bytes are valid UTF-8 */
	bool sent;        /* moved now, not there before */
	uint64_t resumed; /* bytes of it that an interrupted run had moved */
};

struct mr_plan {
	struct mr_item *items; /* owned */
	size_t count;
	/* The target is thought to have none of it: once it lacked the first
	 * few, small blobs are sent without asking. */
	bool fresh;
	bool hash_small; /* each request costs more than reading a small file */
	bool limited;    /* to a rate: never more than `jobs` at once */
	atomic_uint has, lacks; /* what asking found */
	/* NULL, or told from any worker, one item once: its digest, which was
	 * not known, now is; where it was streamed, its bytes have arrived. */
	void (*learned)(void *ctx, size_t index);
	void *ctx; /* borrowed */
};

int mr_plan_init(struct mr_plan *p, size_t count, struct mreg_error *err);
void mr_plan_release(struct mr_plan *p); /* for MR_AUTO too */

/*
 * Decide a step for every item: one question to `to` for each known digest.
 * A file of unknown digest is hashed first when `sizes` (bytes of layers that
 * may be the same; any order) has exactly its size, when it is small and
 * `hash_small` is set, or when `to` cannot take streams, else streamed
 * (product.md 5.3).
 */
int mr_plan_look(struct mr_plan *p, struct mr_store *to, const uint64_t *sizes,
		 size_t size_count, unsigned int jobs, struct mreg_error *err);

/*
 * Let `to`, the repository `at`, take over what is to be copied out of `from`,
 * `jobs` at once: in one registry, or one local store, no byte has to move for
 * that.  What was taken over is reused; the first that was not is the last that
 * is asked for.  Does nothing where the two are not in one place, or one of
 * them is no repository.
 */
int mr_plan_take_over(struct mr_plan *p, const struct mreg_ref *from,
		      struct mr_store *to, const struct mreg_ref *at,
		      unsigned int jobs, struct mreg_error *err);

/* Only find out the digests of files that have none (a dry run's work). */
int mr_plan_hash(struct mr_plan *p, struct mr_store *from, unsigned int jobs,
		 struct mreg_error *err);

/* Copy those items whose digests are listed when the plan is run again, and
 * none else.  Returns how many these are. */
size_t mr_plan_again(struct mr_plan *p, const struct mr_list *digests);

/*
 * Run every step, largest item first, `jobs` at once; small ones more at once
 * when `jobs` is not 1.  A stream that broke off is hashed and copied instead.
 * Into a store that takes sinks, large blobs are received, hashed and written
 * side by side, and workers with nothing to begin fetch ranges of those that
 * are slow, also more than `jobs` for the last one.  What an interrupted run
 * left is not fetched again.  The first failure is returned with the item's
 * label in front; items that are done stay done.
 */
int mr_plan_run(struct mr_plan *p, struct mr_store *from, struct mr_store *to,
		unsigned int jobs, struct mreg_error *err);

/* Bytes in all items; and those that will move, or did. */
uint64_t mr_plan_bytes(const struct mr_plan *p);
uint64_t mr_plan_bytes_moving(const struct mr_plan *p);

#endif

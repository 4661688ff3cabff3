/*
 * repo/log.h - the only reader and writer of a model's log; a part of the door
 * repo/repo.h, which includes it.
 */
#ifndef MR_REPO_LOG_H
#define MR_REPO_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "ledger/ledger.h"
#include "mreg/session.h"
#include "store/store.h"

/* Whether a registry refuses to write an mreg.* tag twice. */
enum mr_fixed {
	MR_FIXED_UNKNOWN,
	MR_FIXED_YES,
	MR_FIXED_NO
};

struct mr_history {
	struct mr_ledger *ledger; /* owned */
	struct mr_list tags;      /* all tags of the repository, sorted */
	struct mr_list read;      /* log tags that are in the ledger */
	struct mr_list absent;    /* log tags that could not be read */
	struct mr_list junk;      /* log tags that have no event of theirs */
	struct mr_list known;     /* log tags that are there, listed or not */
	struct mr_list written;   /* log tags of our own */
	bool found;               /* the repository exists */
	bool linear;              /* events go under mreg.seq. tags */
	enum mr_fixed fixed;      /* what mr_log_fixed found out */
	bool anew; /* every event from the store itself, one by one: no state,
		    * no packs */
};
void mr_history_release(struct mr_history *h); /* for MR_AUTO too */

/* Read what is new since the last call on the same `h` (zeroed at first).
 * MREG_EREMOTE when an event that was written meanwhile cannot be read. */
int mr_history_read(struct mreg *m, struct mr_store *s, struct mr_history *h,
		    struct mreg_error *err);

/* Its two halves, for those who look at the tags first: the listing alone; and
 * the events that it has and the ledger has not. */
int mr_history_list(struct mr_store *s, struct mr_history *h,
		    struct mreg_error *err);
int mr_history_take(struct mreg *m, struct mr_store *s, struct mr_history *h,
		    struct mreg_error *err);

/* log_pack.c: of the sorted `tags` those that packs have, into `docs`; what is
 * there already stays.  Packs that cannot be read are left out. */
int mr_log_unpack(struct mreg *m, struct mr_store *s, const char *const *tags,
		  struct mr_doc *docs, size_t n, struct mreg_error *err);

/* log_chain.c: the events of mreg.seq. tags, whose names do not tell what they
 * have, out of state.  `docs` of the sorted `tags` that are there already lead
 * to the one before, which they name in `prev`. */
int mr_log_chain(struct mreg *m, const char *const *tags, struct mr_doc *docs,
		 size_t n, struct mreg_error *err);
/* Whether the event in `later` names `d` in its `prev`; MREG_ENOMEM. */
int mr_log_names(const struct mr_doc *later, const struct mreg_digest *d,
		 bool *names, struct mreg_error *err);

/*
 * Write an event on top of all heads that `h`, as far as read, has; kind and
 * what belongs to it are the caller's, who holds mr_store_lock and reads `h`
 * again.  `written` (NULL: not wanted) is its digest.
 *
 * In a linear log another writer may be first: then `h` is read again and the
 * event is written on top of theirs.
 */
int mr_log_append(struct mreg *m, struct mr_store *s, struct mr_history *h,
		  const struct mreg_ref *ref, const struct mr_event *event,
		  struct mreg_digest *written, struct mreg_error *err);
/* The same for those who decide again when another one is first: `*lost`, and
 * nothing was written.  They read `h`, and pause (mr_log_pause). */
int mr_log_try(struct mreg *m, struct mr_store *s, struct mr_history *h,
	       const struct mreg_ref *ref, const struct mr_event *event,
	       struct mreg_digest *written, bool *lost, struct mreg_error *err);
/* Wait before try `round` (1: the second), for a time that spreads those who
 * met.  MREG_ECONFLICT when there were MR_LOST_MAX. */
#define MR_LOST_MAX 1000
int mr_log_pause(struct mreg *m, const struct mr_store *s, unsigned int round,
		 struct mreg_error *err);

/*
 * log_fixed.c: whether the registry refuses to write an mreg.* tag twice, found
 * out by writing one twice (mreg.seq.probe), and remembered; `ask` false: what
 * is remembered will do.  Never so where a store has a lock.
 */
int mr_log_fixed(struct mreg *m, struct mr_store *s, struct mr_history *h,
		 bool ask, bool *fixed, struct mreg_error *err);

/* What claiming came to. */
struct mr_claim {
	/* Given: its v<N> may be there without its log, which is asked for
	 * once: mr_log_foreign. */
	bool may_be_there;
	/* Results. */
	uint64_t number;
	bool existed; /* a v<N> had this digest before */
};
/*
 * Give `version`, whose manifest (these bytes) is stored, a number by
 * product.md 3.2 and write its v<N>.  `h` is read and kept up to date.  The
 * caller holds mr_store_lock.
 */
int mr_log_claim(struct mreg *m, struct mr_store *s, struct mr_history *h,
		 const struct mreg_ref *ref, const struct mreg_desc *version,
		 const void *manifest, const char *run, struct mr_claim *out,
		 struct mreg_error *err);
/* The number of a version: by the log, else of a v<N> that it does not know. */
int mr_log_any_number(struct mreg *m, struct mr_store *s, struct mr_history *h,
		      const struct mreg_digest *d, uint64_t *number,
		      struct mreg_error *err);
/* The highest number whose v<N> is there and may be `latest`, and what it has;
 * 0: none.  Tags that the log does not know count. */
int mr_log_highest(struct mr_store *s, struct mr_history *h, uint64_t *number,
		   struct mreg_desc *out, struct mreg_error *err);
/*
 * Make `latest` point at the highest version, reading the log again until it
 * does and no higher one has appeared (product.md 3.2, last paragraph).
 * `*at` is the number it points at.  `mine` is a version whose bytes are at
 * hand, which need not be fetched.
 */
int mr_log_latest(struct mreg *m, struct mr_store *s, struct mr_history *h,
		  const struct mreg_desc *mine, const void *manifest,
		  uint64_t *at, struct mreg_error *err);
/* The number whose v<N> has this digest and of which no event tells: it came
 * without its log; 0: none.  The lowest, and none that an event names with
 * another digest.  One request for each v<N> that the log does not know. */
int mr_log_foreign(struct mreg *m, struct mr_store *s,
		   const struct mr_history *h, const struct mreg_digest *d,
		   uint64_t *number, struct mreg_error *err);
/* The number whose v<N> has this digest, by the log as far as read in `h`;
 * 0: none.  Makes at most one request per standing claim of the digest. */
int mr_log_number(struct mr_store *s, struct mr_history *h,
		  const struct mreg_digest *d, uint64_t *number,
		  const struct mr_event **event, struct mreg_error *err);

/*
 * Register `version`, copied from the reference `from`, under `number`, which
 * it had there; MREG_ECONFLICT when any event names that number for another
 * one.  `run` may be NULL.  v<N> is the caller's to write, who holds
 * mr_store_lock.
 */
int mr_log_adopt(struct mreg *m, struct mr_store *s, struct mr_history *h,
		 const struct mreg_ref *ref, const struct mreg_desc *version,
		 uint64_t number, const char *from, const char *run,
		 struct mreg_error *err);
/* Whether mr_log_adopt would refuse, by the log as far as read in `h`. */
bool mr_log_taken(struct mr_history *h, uint64_t number,
		  const struct mreg_digest *version);
/* That it does, as an error. */
int mr_log_refuse(const struct mr_store *s, uint64_t number,
		  struct mreg_error *err);

/* Remembered numbers: a hint that saves reading the log. */
void mr_number_remember(struct mreg *m, const struct mr_store *s,
			const struct mreg_digest *d, uint64_t number);
uint64_t mr_number_recall(struct mreg *m, const struct mr_store *s,
			  const struct mreg_digest *d);

#endif

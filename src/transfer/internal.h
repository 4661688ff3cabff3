/*
 * transfer/internal.h - what the files of transfer share: the workers of one
 * run, and the blobs they fetch together.  Private to transfer.
 *
 * A blob that is fetched is a flight.  Its bytes come in over legs, one
 * connection each: the worker that began the flight has one, others may help.
 * Legs fill pieces (buffers of a fixed number); a thread of the flight hashes
 * them, another writes them, at the same time (content/sink.h).
 *
 * Everything below is under mr_crew.lock unless it says otherwise.
 */
#ifndef MR_TRANSFER_INTERNAL_H
#define MR_TRANSFER_INTERNAL_H

#include "base/limits.h"
#include "base/task.h"
#include "content/sink.h"
#include "content/spans.h"
#include "transfer/transfer.h"

/* Connections for one blob, and workers for small ones. */
#define MR_LEGS_MAX 8
/* Blobs below are not worth threads of their own. */
#define MR_SMALL_BYTES (UINT64_C(4) << 20)

/* What is received, hashed and written at once.  Half of what other units are:
 * twelve of these and four connections have to fit into 32 MiB with all
 * libraries (performance.md 6), and speed is the same. */
#define MR_PIECE_BYTES (512u << 10)

struct mr_flight;

struct mr_piece {
	struct mr_piece *to_hash, *to_write; /* next in the queue */
	char *memory;                        /* owned */
	char *data; /* MR_PIECE_BYTES of it, aligned for O_DIRECT */
	size_t n;
	uint64_t offset;
	bool in_order;
	unsigned int users; /* queues it is still in */
};

struct mr_crew {
	struct mr_env *env;
	struct mr_store *from, *to;
	unsigned int jobs; /* connections for large blobs together */
	unsigned int most; /* for small ones, or for the last large one */
	struct mr_lock lock;
	struct mr_signal changed; /* flights and legs, a blob begun or done */
	struct mr_signal piece_idle;
	struct mr_piece *idle; /* owned */
	unsigned int pieces, pieces_max;
	struct mr_flight *flights;
	unsigned int legs;    /* of all flights */
	bool more;            /* there are large blobs that nobody has begun */
	unsigned int running; /* items begun and not done */
	/* The run's first failure, with `err`: nothing begins any more. */
	int rc;
	struct mreg_error err;
};

/* A connection; on its worker's stack. */
struct mr_leg {
	uint64_t at;       /* what comes next; its worker's own */
	uint64_t claimed;  /* up to here it is being received */
	uint64_t end;      /* where to stop; others may lower it to `claimed` */
	uint64_t open_end; /* what was asked for */
	int64_t began_ms;
	/* Speed, without the time that it waited for us; bytes a second. */
	bool known;
	uint64_t rate;
	int64_t seen_ms; /* when `rate` was found */
	/* Its worker's own: the window that is being measured. */
	int64_t window_ms, waited_ms;
	uint64_t window_bytes;
};

struct mr_flight {
	struct mr_flight *next;
	struct mr_crew *crew;
	struct mr_item *item;
	struct mr_sink *sink; /* owned; locks inside */
	struct mr_side *hasher, *writer;
	bool threads; /* both run */
	struct mr_piece *hash_first, *hash_last;
	struct mr_piece *write_first, *write_last;
	struct mr_signal to_hash, to_write; /* work for these threads */
	bool stored;  /* something out of order, since the hasher looked */
	bool closing; /* no more pieces will come */
	bool written; /* and the writer is done */
	int rc;       /* failed, with `err` */
	struct mreg_error err;
	struct mr_spans todo; /* owned; what no leg has */
	struct mr_leg *legs[MR_LEGS_MAX];
	unsigned int leg_count;
	unsigned int leg_most; /* falls when one more did not help */
	/* At most that.  Falls when one more did not work, and rises by one
	 * when so many legs in a row got to the end of their ranges. */
	unsigned int leg_max;
	unsigned int legs_well; /* in a row, since it last changed */
	/* When help was last wanted: how many there were, and how fast. */
	unsigned int tried_legs;
	uint64_t tried_rate; /* bytes a second */
};

/* -- flight.c: from pieces to the sink ------------------------------------ */

/* Start the threads; without them the legs do their work. */
int mr_flight_start(struct mr_flight *f, struct mreg_error *err);
/* Wait until all pieces are hashed and written. */
void mr_flight_stop(struct mr_flight *f);
/* Record the first failure, which is the run's too (mr_crew_fail). */
void mr_flight_fail(struct mr_flight *f, int rc, const struct mreg_error *err);
/* The same under the lock. */
void mr_flight_broke(struct mr_flight *f, int rc, const struct mreg_error *err);
/* An idle piece, waited for; NULL: the flight has failed.  Not under the
 * lock, as the next. */
struct mr_piece *mr_piece_take(struct mr_flight *f);
/* Hand a filled piece (n > 0) over. */
void mr_piece_give(struct mr_flight *f, struct mr_piece *p);
/* One that was taken for nothing. */
void mr_piece_return(struct mr_flight *f, struct mr_piece *p);
/* Under the lock: all flights stop, and keep what they have, unless the run had
 * failed before.  `label` goes in front of the error. */
void mr_crew_fail(struct mr_crew *c, const char *label, int rc,
		  const struct mreg_error *err);
/* Under the lock: the flight stops, if the run has failed. */
void mr_crew_ground(struct mr_crew *c, struct mr_flight *f);
void mr_crew_init(struct mr_crew *c);
void mr_crew_release(struct mr_crew *c);

/* -- ranges.c: who fetches which bytes; all under the lock ----------------- */

/* Give `leg` a range: what is left over, else (`steal`) the end of another
 * leg's.  False: there is none. */
bool mr_ranges_take(struct mr_flight *f, struct mr_leg *leg, bool steal);
/* The leg ends here; what it did not fetch is left over. */
void mr_ranges_give_back(struct mr_flight *f, struct mr_leg *leg);
/* Whether one more connection would help. */
bool mr_ranges_want_help(struct mr_flight *f, int64_t now_ms);
/* Slower than a quarter of the others: better asked again. */
bool mr_ranges_is_slow(const struct mr_flight *f, const struct mr_leg *leg,
		       int64_t now_ms);

/* -- fetch.c -------------------------------------------------------------- */

/* Fetch a large blob; helpers may come.  `*fetched` false: somebody else had
 * brought it meanwhile. */
int mr_fetch(struct mr_crew *c, struct mr_item *it, bool *fetched,
	     struct mreg_error *err);
/* Under the lock: for a worker that has nothing to begin.  Whether there was
 * something to help with; the lock was given up meanwhile. */
bool mr_fetch_help(struct mr_crew *c);

#endif

/*
 * ledger/internal.h - an event as text, and the graph in memory.  Private to
 * ledger.
 */
#ifndef MR_LEDGER_INTERNAL_H
#define MR_LEDGER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "ledger/ledger.h"
#include "oci/oci.h"

#define MR_SEQ_DIGITS 8
#define MR_SEQ_MAX 99999999u /* what the tag has room for */
#define MR_LOG_HEX_DIGITS 32 /* of the digest in a tag */

/* Members of the canonical JSON that every event has or may have; those of
 * the kinds stand in kinds.c. */
#define MR_EVENT_ACTOR "actor"
#define MR_EVENT_ACTOR_SOURCE "actorSource"
#define MR_EVENT_COPIED_FROM "copiedFrom"
#define MR_EVENT_KIND "kind"
#define MR_EVENT_PREV "prev"
#define MR_EVENT_RUN "run"
#define MR_EVENT_SEQ "seq"
#define MR_EVENT_TIME "time"

enum mr_field_type {
	MR_FIELD_TEXT = 1, /* not empty */
	MR_FIELD_DIGEST,
	MR_FIELD_TIME,
	MR_FIELD_NUMBER, /* a JSON number in a text, digits as given */
	MR_FIELD_COUNT,  /* 1 and above */
	MR_FIELD_FLAG,
	MR_FIELD_MAP,  /* of texts */
	MR_FIELD_LIST, /* of texts */
};

/* A field of a kind. */
struct mr_field_row {
	enum mr_event_kind kind;
	const char *key;
	enum mr_field_type type;
	bool needed;
	size_t at; /* of its member in struct mr_event; 0: among `fields` */
};
#define MR_EVENT_FIELDS_MAX 12 /* of one kind */

/* The rows of a kind; they end where one is another kind's. */
const struct mr_field_row *mr_event_rows(enum mr_event_kind kind);

/* As mr_event_read, of its JSON alone: the digest of its manifest is not
 * known. */
int mr_event_read_json(const char *text, size_t n, struct mr_arena *arena,
		       struct mr_event *out, struct mreg_error *err);
/* The manifest, descriptor and tag of an event whose JSON is `json`. */
int mr_event_manifest(const struct mr_event *e, const char *json,
		      struct mr_event_doc *out, struct mreg_error *err);

/* Named in the graph by `child`. */
struct edge {
	struct node *child;
	struct edge *next;
};

/* A digest that is an event's, or that events name.  In the arena. */
struct node {
	struct mreg_digest digest;
	struct mr_event *event; /* NULL: not here (yet) */
	struct node **prev;     /* event->prev_count parents */
	struct edge *children;  /* events here that name it in `prev` */
	struct node *replaces;  /* the event it takes back; NULL: none */
	size_t waiting;         /* of fold: parents not placed yet */
	size_t place;           /* of fold: index in the order */
	bool replaced;          /* of fold: a claim taken back */
	bool mark;              /* of mr_ledger_follows */
};

/* Sorted digests as they were when the log had `at` events. */
struct digest_list {
	struct mreg_digest *items; /* owned; NULL: not made yet */
	size_t n;
	size_t at;
};

/*
 * Invariants
 * 1. `table` has each digest once, and room: at most half is in use.
 * 2. `order`, `ready` and `claims` have room for every event, so that the
 *    fold cannot fail.
 * 3. `events` has every event once in the order of adding; the other arrays
 *    hold something only when `folded`.
 */
struct mr_ledger {
	struct mr_arena *arena;
	struct node **table; /* owned; open addressing; a power of two */
	size_t table_cap;
	size_t node_count;
	struct node **events; /* owned */
	size_t event_cap;
	size_t count;
	struct node **order; /* owned; fold order */
	size_t order_cap;
	struct node **ready; /* owned; the fold's heap */
	size_t ready_cap;
	struct node **claims; /* owned; by number, then fold order */
	size_t claim_cap;
	size_t claim_count;
	struct digest_list heads;
	struct digest_list missing;
	struct digest_list prev; /* of the next event */
	uint64_t highest;        /* number */
	uint64_t last_seq;
	bool folded;
};

/* Parts of mr_ledger_standing: what lacks memory is told by the arena. */
void mr_standing_values(struct mr_ledger *l, int64_t until_s,
			struct mr_standing *s);
void mr_standing_approvals(struct mr_ledger *l, int64_t until_s,
			   struct mr_standing *s);

/* Bring order, replaced and claims up to date. */
void mr_ledger_fold(struct mr_ledger *l);

#endif

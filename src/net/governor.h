/*
 * net/governor.h - how many bodies a host gets at once, when it gets nothing,
 * and how fast all of them move.
 */
#ifndef MR_NET_GOVERNOR_H
#define MR_NET_GOVERNOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mreg/error.h"

struct mr_net;
struct mr_origin;

enum mr_lane_kind {
	MR_LANE_IN,
	MR_LANE_OUT,
	MR_LANES,
	MR_LANE_NONE = MR_LANES /* metadata: never waits */
};

/* How many bodies a host takes at once in one direction. */
struct mr_lane {
	unsigned int limit, busy;
	unsigned int good;  /* successes since the limit changed */
	unsigned int falls; /* how often the limit fell */
	int64_t moved_ms;   /* monotonic; when bytes last moved in it */
};

enum mr_slot_end {
	MR_SLOT_UNKNOWN, /* nothing learned: cut off, cancelled, our trouble */
	MR_SLOT_GOOD,
	MR_SLOT_TROUBLE /* 429, 503, the connection broke */
};

/* A place in a lane, held while a body moves.  Zeroed: none. */
struct mr_slot {
	struct mr_net *net;
	struct mr_lane *lane;
	unsigned int falls;
};

void mr_lanes_init(struct mr_origin *o);
/* Waits for a place, cancellably: at most some seconds once nothing moves in
 * the lane. */
int mr_slot_take(struct mr_net *n, struct mr_origin *o, enum mr_lane_kind kind,
		 struct mr_slot *out, struct mreg_error *err);
void mr_slot_give(struct mr_slot *s, enum mr_slot_end end);
/* Bytes of a body have moved; `lane` NULL does nothing. */
void mr_lane_moved(struct mr_net *n, struct mr_lane *lane);

/* The gate of a host that said how long to wait (P-93): shut until then. */
void mr_gate_shut(struct mr_net *n, struct mr_origin *o, int64_t until_ms);
bool mr_gate_is_shut(struct mr_net *n, const struct mr_origin *o);
/* Until it is open, cancellably. */
int mr_gate_wait(struct mr_net *n, const struct mr_origin *o,
		 struct mreg_error *err);
/* Under n->lock: until something changed, or a moment passed; whether it
 * did. */
bool mr_net_wait_change(struct mr_net *n);

/* -- rate.c: one limit for all bodies of the session ------------------------
 */

/* The most that may move in one piece, of `max` bytes; so that transfers
 * take turns and none of them moves a second's worth at once. */
size_t mr_rate_piece(const struct mr_net *n, size_t max);
/* `bytes` have moved: the monotonic time before which this transfer does not
 * move more; 0 without a limit. */
int64_t mr_rate_spend(struct mr_net *n, size_t bytes);

#endif

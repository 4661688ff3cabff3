/*
 * governor.c - how many bodies a host takes at once, which it shows by refusing
 * and by going on (D-05), and the gate that is shut while it wants nothing.
 *
 * Each direction is a lane of its own, and metadata has none: a HEAD never
 * waits behind blobs.  A lane's limit rises by one after as many successes as
 * it has places, and is halved by 429, 503 and broken connections.
 * 1. One fall a round: the trouble of what began before the last fall is what
 *    that fall answered.
 * 2. Nobody waits longer than WAIT_MAX_MS while nothing moves: a body that its
 *    reader leaves alone keeps its place, and must not keep up others for ever.
 *    A copy does that while it waits for a place at the other end; where bytes
 *    move, a place gets free sooner or later.
 */
#include "net/internal.h"

#include <time.h>

#include "base/limits.h"

#define LIMIT_FIRST 8
#define LIMIT_MAX MR_JOBS_MAX
#define WAIT_MAX_MS 10000
/* Those who waited for a gate do not pass it all at once. */
#define GATE_JITTER_MS 250

bool mr_net_wait_change(struct mr_net *n)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* always there */
	until.tv_nsec += MR_NET_POLL_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	return pthread_cond_timedwait(&n->changed, &n->lock, &until) == 0;
}

void mr_lanes_init(struct mr_origin *o)
{
	size_t i;

	for (i = 0; i < MR_LANES; i++)
		o->lanes[i].limit = LIMIT_FIRST;
}

/* Under n->lock: whether nothing has moved for too long, for somebody who waits
 * since `began_ms`. */
static bool is_stuck(const struct mr_net *n, const struct mr_lane *lane,
		     int64_t began_ms)
{
	int64_t since_ms =
		lane->moved_ms > began_ms ? lane->moved_ms : began_ms;

	return mr_mono_ms(n->env) - since_ms >= WAIT_MAX_MS;
}

int mr_slot_take(struct mr_net *n, struct mr_origin *o, enum mr_lane_kind kind,
		 struct mr_slot *out, struct mreg_error *err)
{
	int64_t began_ms = mr_mono_ms(n->env);
	struct mr_lane *lane;
	int64_t polled_ms = 0;
	int64_t moved_ms;
	int rc = 0;

	if (kind == MR_LANE_NONE)
		return 0;
	lane = &o->lanes[kind];
	pthread_mutex_lock(&n->lock);
	/* Two clocks: a test's own may stand still. */
	while (rc >= 0 && lane->busy >= lane->limit &&
	       polled_ms < WAIT_MAX_MS && !is_stuck(n, lane, began_ms)) {
		moved_ms = lane->moved_ms;
		if (!mr_net_wait_change(n))
			polled_ms += MR_NET_POLL_MS;
		if (lane->moved_ms != moved_ms)
			polled_ms = 0;
		rc = mr_check_cancel(n->env, err);
	}
	if (rc >= 0) {
		lane->busy++;
		lane->moved_ms = mr_mono_ms(n->env); /* it is about to */
		out->net = n;
		out->lane = lane;
		out->falls = lane->falls;
	}
	pthread_mutex_unlock(&n->lock);
	return rc;
}

void mr_lane_moved(struct mr_net *n, struct mr_lane *lane)
{
	if (!lane)
		return;
	pthread_mutex_lock(&n->lock);
	lane->moved_ms = mr_mono_ms(n->env);
	pthread_mutex_unlock(&n->lock);
}

static void rise(struct mr_lane *lane)
{
	if (++lane->good < lane->limit)
		return;
	lane->good = 0;
	if (lane->limit < LIMIT_MAX)
		lane->limit++;
}

static void fall(struct mr_lane *lane)
{
	lane->limit = lane->limit > 1 ? lane->limit / 2 : 1;
	lane->good = 0;
	lane->falls++;
}

void mr_slot_give(struct mr_slot *s, enum mr_slot_end end)
{
	struct mr_net *n = s->net;
	struct mr_lane *lane = s->lane;

	if (!lane)
		return;
	pthread_mutex_lock(&n->lock);
	lane->busy--;
	if (s->falls == lane->falls) {
		if (end == MR_SLOT_GOOD)
			rise(lane);
		else if (end == MR_SLOT_TROUBLE)
			fall(lane);
	}
	pthread_cond_broadcast(&n->changed);
	pthread_mutex_unlock(&n->lock);
	s->lane = NULL;
}

/* -- the gate ----------------------------------------------------------------
 */

void mr_gate_shut(struct mr_net *n, struct mr_origin *o, int64_t until_ms)
{
	pthread_mutex_lock(&n->lock);
	if (o->gate_ms < until_ms)
		o->gate_ms = until_ms;
	pthread_mutex_unlock(&n->lock);
}

static int64_t gate_left_ms(struct mr_net *n, const struct mr_origin *o)
{
	int64_t left_ms;

	pthread_mutex_lock(&n->lock);
	left_ms = o->gate_ms - mr_mono_ms(n->env);
	pthread_mutex_unlock(&n->lock);
	return left_ms;
}

bool mr_gate_is_shut(struct mr_net *n, const struct mr_origin *o)
{
	return gate_left_ms(n, o) > 0;
}

int mr_gate_wait(struct mr_net *n, const struct mr_origin *o,
		 struct mreg_error *err)
{
	int64_t left_ms;
	int rc = 0;

	/* Others may hear of a longer time meanwhile. */
	while (rc >= 0 && (left_ms = gate_left_ms(n, o)) > 0)
		rc = mr_sleep_ms(n->env,
				 left_ms + mr_random(n->env) % GATE_JITTER_MS,
				 err);
	return rc;
}

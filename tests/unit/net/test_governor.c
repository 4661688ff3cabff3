/*
 * tests/unit/net/test_governor.c - how many bodies a host gets at once.
 */
#include "tests/support/body_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/task.h"
#include "net/internal.h"

#define FIRST 8

static struct mr_origin *host_of(struct bx *f)
{
	struct mr_origin *o;

	assert_ok(mr_origin_get(f->net, f->origin, &o, &f->err), f->err);
	return o;
}

static void take(struct bx *f, enum mr_lane_kind kind, struct mr_slot *out,
		 size_t n)
{
	size_t i;

	memset(out, 0, n * sizeof(*out));
	for (i = 0; i < n; i++)
		assert_ok(mr_slot_take(f->net, host_of(f), kind, &out[i],
				       &f->err),
			  f->err);
}

static void give(struct mr_slot *s, size_t n, enum mr_slot_end end)
{
	size_t i;

	for (i = 0; i < n; i++)
		mr_slot_give(&s[i], end);
}

static void the_limit_rises_with_success(void **state)
{
	struct bx *f = *state;
	struct mr_lane *lane = &host_of(f)->lanes[MR_LANE_IN];
	struct mr_slot s[FIRST];

	assert_int_equal(FIRST, lane->limit);
	take(f, MR_LANE_IN, s, FIRST);
	assert_int_equal(FIRST, lane->busy);
	give(s, FIRST - 1, MR_SLOT_GOOD);
	assert_int_equal(FIRST, lane->limit);
	give(s + FIRST - 1, 1, MR_SLOT_GOOD);
	assert_int_equal(FIRST + 1, lane->limit);
	assert_int_equal(0, lane->busy);
	/* Nothing is learned from what was cut off. */
	take(f, MR_LANE_IN, s, FIRST);
	give(s, FIRST, MR_SLOT_UNKNOWN);
	assert_int_equal(0, lane->good);
	/* The other direction has its own. */
	assert_int_equal(FIRST, host_of(f)->lanes[MR_LANE_OUT].limit);
}

static void the_limit_does_not_rise_for_ever(void **state)
{
	struct bx *f = *state;
	struct mr_lane *lane = &host_of(f)->lanes[MR_LANE_IN];
	struct mr_slot s;
	int i;

	for (i = 0; i < 5000; i++) {
		take(f, MR_LANE_IN, &s, 1);
		give(&s, 1, MR_SLOT_GOOD);
	}
	assert_int_equal(64, lane->limit);
}

static void trouble_halves_the_limit_once_a_round(void **state)
{
	struct bx *f = *state;
	struct mr_lane *lane = &host_of(f)->lanes[MR_LANE_OUT];
	struct mr_slot s[FIRST];
	int i;

	take(f, MR_LANE_OUT, s, FIRST);
	give(s, FIRST - 1, MR_SLOT_TROUBLE);
	assert_int_equal(FIRST / 2, lane->limit);
	/* Success of before the fall is old news too. */
	give(s + FIRST - 1, 1, MR_SLOT_GOOD);
	assert_int_equal(0, lane->good);
	for (i = 0; i < 5; i++) {
		take(f, MR_LANE_OUT, s, 1);
		give(s, 1, MR_SLOT_TROUBLE);
	}
	assert_int_equal(1, lane->limit);
}

static void metadata_never_waits(void **state)
{
	struct bx *f = *state;
	struct mr_slot s[FIRST];
	struct mr_slot more = { .lane = NULL };
	struct mr_request rq = bx_request(f, "GET", "/");

	take(f, MR_LANE_IN, s, FIRST);
	assert_ok(
		mr_slot_take(f->net, host_of(f), MR_LANE_NONE, &more, &f->err),
		f->err);
	assert_null(more.lane);
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_int_equal(FIRST, host_of(f)->lanes[MR_LANE_IN].busy);
	give(s, FIRST, MR_SLOT_GOOD);
}

struct other {
	struct bx *f;
	struct mr_origin *origin;
	struct mr_slot *slot; /* to give back, or to fill */
	atomic_bool done;
};

/* Moves the clock until it has been seen to. */
static int pass_time(void *ctx, size_t index, struct mreg_error *err)
{
	struct other *o = ctx;
	struct timespec moment = { .tv_nsec = 5000000 };

	(void)index;
	(void)err;
	while (!atomic_load(&o->done)) {
		pthread_mutex_lock(&o->f->t.lock);
		o->f->t.now_ms += 6000;
		pthread_mutex_unlock(&o->f->t.lock);
		nanosleep(&moment, NULL);
	}
	return 0;
}

static void nobody_waits_for_ever(void **state)
{
	struct bx *f = *state;
	struct other o = { .f = f };
	struct mr_slot s[FIRST + 1];
	struct mr_side *side;

	take(f, MR_LANE_IN, s, FIRST);
	assert_ok(mr_side_start(pass_time, &o, &side, &f->err), f->err);
	take(f, MR_LANE_IN, s + FIRST, 1);
	atomic_store(&o.done, true);
	assert_ok(mr_side_join(side, &f->err), f->err);
	assert_int_equal(FIRST + 1, host_of(f)->lanes[MR_LANE_IN].busy);
	give(s, FIRST + 1, MR_SLOT_GOOD);
}

static int take_one_more(void *ctx, size_t index, struct mreg_error *err)
{
	struct other *o = ctx;
	int rc;

	(void)index;
	rc = mr_slot_take(o->f->net, o->origin, MR_LANE_IN, o->slot, err);
	atomic_store(&o->done, true);
	return rc;
}

static void pass_ms(struct bx *f, int64_t ms)
{
	struct timespec moment = { .tv_nsec = 5000000 };

	pthread_mutex_lock(&f->t.lock);
	f->t.now_ms += ms;
	pthread_mutex_unlock(&f->t.lock);
	pthread_cond_broadcast(&f->net->changed); /* look at it now */
	nanosleep(&moment, NULL);
}

/* Two minutes of it are no reason to go past a limit that fell. */
static void while_bytes_move_everybody_waits(void **state)
{
	struct bx *f = *state;
	struct mr_origin *origin = host_of(f);
	struct mr_slot s[FIRST + 1] = { { .lane = NULL } };
	struct other o = { .f = f, .origin = origin, .slot = &s[FIRST] };
	unsigned int early = 0;
	struct mr_side *side;
	int i;

	take(f, MR_LANE_IN, s, FIRST);
	assert_ok(mr_side_start(take_one_more, &o, &side, &f->err), f->err);
	for (i = 0; i < 20; i++) {
		mr_lane_moved(f->net, &origin->lanes[MR_LANE_IN]);
		pass_ms(f, 6000);
		early += atomic_load(&o.done);
	}
	/* Somebody's reader went away, and nothing moves any more. */
	while (!atomic_load(&o.done))
		pass_ms(f, 6000);
	assert_ok(mr_side_join(side, &f->err), f->err);
	assert_int_equal(0, early);
	assert_int_equal(FIRST + 1, origin->lanes[MR_LANE_IN].busy);
	give(s, FIRST + 1, MR_SLOT_GOOD);
}

static int give_back(void *ctx, size_t index, struct mreg_error *err)
{
	struct other *o = ctx;

	(void)index;
	(void)err;
	mr_slot_give(o->slot, MR_SLOT_UNKNOWN);
	return 0;
}

static void a_free_place_is_taken(void **state)
{
	struct bx *f = *state;
	struct mr_slot s[FIRST + 1];
	struct other o = { .f = f, .slot = &s[0] };
	struct mr_side *side;

	take(f, MR_LANE_IN, s, FIRST);
	assert_ok(mr_side_start(give_back, &o, &side, &f->err), f->err);
	take(f, MR_LANE_IN, s + FIRST, 1);
	assert_ok(mr_side_join(side, &f->err), f->err);
	assert_int_equal(FIRST, host_of(f)->lanes[MR_LANE_IN].busy);
	give(s + 1, FIRST, MR_SLOT_GOOD);
}

static int cancel(void *ctx, size_t index, struct mreg_error *err)
{
	struct other *o = ctx;

	(void)index;
	(void)err;
	atomic_store(&o->f->t.cancel, true);
	return 0;
}

static void waiting_for_a_place_is_cancelled(void **state)
{
	struct bx *f = *state;
	struct mr_slot s[FIRST + 1];
	struct other o = { .f = f };
	struct mr_side *side;

	take(f, MR_LANE_IN, s, FIRST);
	assert_ok(mr_side_start(cancel, &o, &side, &f->err), f->err);
	assert_code(MREG_ECANCELED,
		    mr_slot_take(f->net, host_of(f), MR_LANE_IN, &s[FIRST],
				 &f->err),
		    f->err);
	assert_ok(mr_side_join(side, &f->err), f->err);
	give(s, FIRST, MR_SLOT_UNKNOWN);
}

/* -- through requests
 * ------------------------------------------------------------------------- */

static void a_body_has_its_place_until_it_is_let_go(void **state)
{
	struct bx *f = *state;
	struct mr_lane *lane = &host_of(f)->lanes[MR_LANE_IN];
	struct mr_request rq = bx_request(f, "GET", "/large");
	struct mr_response *r;

	rq.bulk = true;
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_int_equal(1, lane->busy);
	assert_int_equal(64 * MIB, bx_read_all(f, r, MIB));
	mr_response_free(r);
	assert_int_equal(0, lane->busy);
	assert_int_equal(1, lane->good);
	/* One that was cut off says nothing. */
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	mr_response_free(r);
	assert_int_equal(0, lane->busy);
	assert_int_equal(1, lane->good);
	assert_int_equal(FIRST, lane->limit);
}

static void a_body_that_comes_moves_its_lane(void **state)
{
	struct bx *f = *state;
	struct mr_lane *lane = &host_of(f)->lanes[MR_LANE_IN];
	struct mr_request rq = bx_request(f, "GET", "/large");
	struct mr_response *r;

	rq.bulk = true;
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	f->t.now_ms += 5000;
	/* Whoever does not read keeps his place, but moves nothing. */
	assert_int_equal(0, lane->moved_ms);
	assert_int_equal(64 * MIB, bx_read_all(f, r, MIB));
	assert_int_equal(5000, lane->moved_ms);
	mr_response_free(r);
}

/* A second goes by before each piece; and how far its lane saw that. */
struct slow_source {
	struct mr_stream base;
	struct bx *f;
	struct mr_lane *lane;
	uint64_t left;
	int64_t moved_ms;
};

static ssize_t slow_read(struct mr_stream *s, void *buf, size_t n,
			 struct mreg_error *err)
{
	struct slow_source *src = mr_container_of(s, struct slow_source, base);

	(void)err;
	src->moved_ms = src->lane->moved_ms;
	src->f->t.now_ms += 1000;
	if (n > src->left)
		n = (size_t)src->left;
	memset(buf, 's', n);
	src->left -= n;
	return (ssize_t)n;
}

static const struct mr_stream_ops slow_ops = { .read = slow_read };

static void a_body_that_goes_moves_its_lane(void **state)
{
	struct bx *f = *state;
	struct slow_source src = { .base = { .ops = &slow_ops },
				   .f = f,
				   .lane = &host_of(f)->lanes[MR_LANE_OUT],
				   .left = 16 * MIB };
	struct mr_request rq = bx_request(f, "PUT", "/up");

	rq.stream = &src.base;
	rq.stream_size = src.left;
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_true(src.moved_ms > 0);
}

static void large_requests_are_bulk_by_themselves(void **state)
{
	struct bx *f = *state;
	struct mr_origin *o = host_of(f);
	struct bx_source src;
	struct mr_request rq = bx_upload(f, &src, MIB);

	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_int_equal(1, o->lanes[MR_LANE_OUT].good);
	rq = bx_upload(f, &src, MIB - 1);
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_int_equal(1, o->lanes[MR_LANE_OUT].good);
	rq = bx_request(f, "GET", "/");
	rq.ranged = true;
	rq.last = MIB - 1;
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_int_equal(1, o->lanes[MR_LANE_IN].good);
	rq.first = 1;
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_int_equal(1, o->lanes[MR_LANE_IN].good);
}

static void hosts_show_when_it_is_too_much(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
		/* breaks off in the middle */
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
	};
	struct bx *f = *state;
	struct mr_lane *lane = &host_of(f)->lanes[MR_LANE_IN];
	struct mr_request rq = bx_request(f, "GET", "/");
	size_t i;

	rq.bulk = true;
	for (i = 0; i < MR_COUNT(answers); i++) {
		bx_answer(f, answers[i]);
		(void)bx_fetch(f, &rq, NULL); /* what came of it: below */
		assert_int_equal(FIRST >> (i + 1), lane->limit);
	}
	bx_answer(f, "");
	(void)bx_fetch(f, &rq, NULL);
	assert_int_equal(1, lane->limit);
	bx_answer(f, NULL);
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_int_equal(2, lane->limit);
	assert_int_equal(0, lane->busy);
	/* A refusal is no overload. */
	bx_answer(f, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(0, bx_fetch(f, &rq, NULL));
	assert_int_equal(2, lane->limit);
}

static void nobody_keeps_a_place_while_waiting(void **state)
{
	struct bx *f = *state;
	struct mr_lane *lane = &host_of(f)->lanes[MR_LANE_IN];
	struct mr_request rq = bx_request(f, "GET", "/");

	bx_answer(f, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
	rq.bulk = true;
	rq.once = false;
	/* Seven tries, each of which found a place at a limit of one. */
	assert_int_equal(0, bx_fetch(f, &rq, NULL));
	assert_int_equal(7, httpd_count(f->server));
	assert_int_equal(1, lane->limit);
	assert_int_equal(0, lane->busy);
}

static int one_of_many(void *ctx, size_t index, struct mreg_error *err)
{
	struct bx *f = ctx;
	struct mr_request rq = { .method = "GET",
				 .origin = f->origin,
				 .url = f->url,
				 .bulk = true };
	struct mr_response *r;
	char buf[16];
	ssize_t got;
	int rc;

	(void)index;
	rc = mr_net_send(f->net, &rq, &r, err);
	if (rc < 0)
		return rc;
	while ((got = mr_stream_read(r->body, buf, sizeof(buf), err)) > 0)
		;
	mr_response_free(r);
	return (int)got;
}

static void many_threads_share_the_places(void **state)
{
	struct bx *f = *state;
	struct mr_lane *lane = &host_of(f)->lanes[MR_LANE_IN];

	(void)bx_request(f, "GET", "/"); /* sets f->url */
	assert_ok(mr_task_run(&f->t.env, 16, 300, one_of_many, f, &f->err),
		  f->err);
	assert_int_equal(0, lane->busy);
	assert_true(lane->limit > FIRST && lane->limit <= 64);
	assert_int_equal(0, lane->falls);
	assert_int_equal(300, httpd_count(f->server));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BX(the_limit_rises_with_success),
		BX(the_limit_does_not_rise_for_ever),
		BX(trouble_halves_the_limit_once_a_round),
		BX(metadata_never_waits),
		BX(nobody_waits_for_ever),
		BX(while_bytes_move_everybody_waits),
		BX(a_free_place_is_taken),
		BX(waiting_for_a_place_is_cancelled),
		BX(a_body_has_its_place_until_it_is_let_go),
		BX(a_body_that_comes_moves_its_lane),
		BX(a_body_that_goes_moves_its_lane),
		BX(large_requests_are_bulk_by_themselves),
		BX(hosts_show_when_it_is_too_much),
		BX(nobody_keeps_a_place_while_waiting),
		BX(many_threads_share_the_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * tests/unit/net/test_gate.c - when a host is left alone, and by whom.
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

static void the_gate_is_shut_for_all_requests_of_a_host(void **state)
{
	static const char *const after[] = {
		"120",
		/* 120 s later than what the clock of these tests says */
		"Thu, 01 Jan 2026 00:02:00 GMT",
	};
	struct bx *f = *state;
	struct mr_request rq;
	char raw[256];
	size_t i;

	for (i = 0; i < MR_COUNT(after); i++) {
		f->t.now_ms = INT64_C(1767225600000);
		bx_open_net(f, 0);
		(void)snprintf(raw, sizeof(raw),
			       "HTTP/1.1 429 No\r\nRetry-After: %s\r\n"
			       "Content-Length: 0\r\n\r\n",
			       after[i]);
		bx_answer(f, raw);
		f->t.slept_ms = 0;
		/* Also what is not tried again itself tells the others. */
		rq = bx_request(f, "GET", "/");
		assert_int_equal(0, bx_fetch(f, &rq, NULL));
		assert_int_equal(0, f->t.slept_ms);
		bx_answer(f, NULL);
		rq = bx_request(f, "HEAD", "/other");
		(void)bx_fetch(f, &rq, NULL); /* has no body to look at */
		assert_in_range(f->t.slept_ms, 119000, 121000);
		f->t.slept_ms = 0;
		assert_int_equal(0, bx_fetch(f, &rq, NULL));
		assert_int_equal(0, f->t.slept_ms);
	}
}

static void a_gate_for_too_long_is_no_gate(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/");

	bx_answer(f, "HTTP/1.1 429 No\r\nRetry-After: 301\r\n"
		     "Content-Length: 0\r\n\r\n");
	assert_int_equal(0, bx_fetch(f, &rq, NULL));
	bx_answer(f, NULL);
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_int_equal(0, f->t.slept_ms);
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

struct waiter {
	struct bx *f;
	int64_t opens_ms;
	atomic_uint early;
};

static int ask_when_open(void *ctx, size_t index, struct mreg_error *err)
{
	struct waiter *w = ctx;
	int rc = one_of_many(w->f, index, err);

	if (mr_mono_ms(&w->f->t.env) < w->opens_ms)
		(void)atomic_fetch_add(&w->early, 1);
	return rc;
}

static int wait_together(void *ctx, size_t index, struct mreg_error *err)
{
	struct waiter *w = ctx;

	(void)index;
	return mr_task_run(&w->f->t.env, 4, 4, ask_when_open, w, err);
}

static void who_waits_for_a_place_heeds_the_gate_then(void **state)
{
	struct bx *f = *state;
	struct mr_origin *o = host_of(f);
	struct waiter w = { .f = f, .opens_ms = 120000 };
	struct timespec moment = { .tv_nsec = 100000000 };
	struct mr_slot s[FIRST] = { { .lane = NULL } };
	struct mr_side *side;
	size_t i;

	(void)bx_request(f, "GET", "/"); /* sets f->url */
	for (i = 0; i < FIRST; i++)
		assert_ok(mr_slot_take(f->net, o, MR_LANE_IN, &s[i], &f->err),
			  f->err);
	assert_ok(mr_side_start(wait_together, &w, &side, &f->err), f->err);
	/* Time to pass the open gate; who comes later finds it shut. */
	nanosleep(&moment, NULL);
	assert_int_equal(0, httpd_count(f->server));
	mr_gate_shut(f->net, o, w.opens_ms);
	for (i = 0; i < FIRST; i++)
		mr_slot_give(&s[i], MR_SLOT_GOOD);
	assert_ok(mr_side_join(side, &f->err), f->err);
	assert_int_equal(0, atomic_load(&w.early));
	assert_int_equal(4, httpd_count(f->server));
	assert_int_equal(0, o->lanes[MR_LANE_IN].busy);
	assert_int_equal(0, o->lanes[MR_LANE_IN].falls);
}

static void sleep_on(struct bx *f, int64_t ms)
{
	pthread_mutex_lock(&f->t.lock);
	f->t.now_ms += ms;
	f->t.sleeps++;
	pthread_mutex_unlock(&f->t.lock);
}

/* Somebody hears of more while the first one sleeps. */
static void sleep_longer(void *ctx, int64_t ms)
{
	struct bx *f = mr_container_of(ctx, struct bx, t);

	sleep_on(f, ms);
	if (f->t.sleeps == 1)
		mr_gate_shut(f->net, host_of(f), 90000);
}

static void a_gate_that_is_shut_again_is_waited_for_again(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/");

	f->t.env.sleep_ms = sleep_longer;
	mr_gate_shut(f->net, host_of(f), 30000);
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_int_equal(2, f->t.sleeps);
	assert_true(mr_mono_ms(&f->t.env) >= 90000);
	/* A shorter time does not open it. */
	mr_gate_shut(f->net, host_of(f), 200000);
	mr_gate_shut(f->net, host_of(f), 100000);
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_true(mr_mono_ms(&f->t.env) >= 200000);
}

static void sleep_without_a_place(void *ctx, int64_t ms)
{
	struct bx *f = mr_container_of(ctx, struct bx, t);

	assert_int_equal(0, host_of(f)->lanes[MR_LANE_IN].busy);
	sleep_on(f, ms);
}

static void give_blob(struct httpd_conn *c, const struct httpd_request *rq,
		      void *ctx)
{
	(void)rq;
	(void)ctx;
	httpd_answer(c, 200, "", "blob");
}

static void a_redirect_heeds_the_gate_it_leads_to(void **state)
{
	struct bx *f = *state;
	struct httpd *storage = httpd_start(give_blob, NULL);
	struct mr_request rq = bx_request(f, "GET", "/");
	struct mr_origin *o;
	char url[100];
	char raw[256];

	httpd_url(storage, "/blob", url, sizeof(url));
	(void)snprintf(raw, sizeof(raw),
		       "HTTP/1.1 307 Go\r\nLocation: %s\r\n"
		       "Content-Length: 0\r\n\r\n",
		       url);
	bx_answer(f, raw);
	rq.bulk = true;
	f->t.env.sleep_ms = sleep_without_a_place;
	assert_ok(mr_origin_get(f->net, url, &o, &f->err), f->err);
	mr_gate_shut(f->net, o, 60000);
	assert_int_equal(4, bx_fetch(f, &rq, NULL));
	assert_int_equal(1, f->t.sleeps);
	assert_true(mr_mono_ms(&f->t.env) >= 60000);
	/* A signed address may have ended meanwhile: another one. */
	assert_int_equal(2, httpd_count(f->server));
	assert_int_equal(1, httpd_count(storage));
	assert_int_equal(0, host_of(f)->lanes[MR_LANE_IN].falls);
	httpd_stop(storage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BX(the_gate_is_shut_for_all_requests_of_a_host),
		BX(a_gate_for_too_long_is_no_gate),
		BX(who_waits_for_a_place_heeds_the_gate_then),
		BX(a_gate_that_is_shut_again_is_waited_for_again),
		BX(a_redirect_heeds_the_gate_it_leads_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

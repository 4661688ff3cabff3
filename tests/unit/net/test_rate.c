/*
 * tests/unit/net/test_rate.c - the limit on what a session moves in a second.
 * The clock of these tests moves only by sleeping.
 */
#include "tests/support/body_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/internal.h"

#define RATE (16 * MIB)

static int64_t clock_of(struct bx *f)
{
	return mr_mono_ms(&f->t.env);
}

/* What had come at any time was never more than the limit allows, and a
 * second's worth. */
static int64_t read_evenly(struct bx *f, struct mr_response *r, uint64_t rate)
{
	int64_t began_ms = clock_of(f);
	char *buf = malloc(MIB);
	uint64_t allowed;
	int64_t total = 0;
	ssize_t n;

	assert_non_null(buf);
	while ((n = mr_stream_read(r->body, buf, MIB, &f->err)) > 0) {
		total += n;
		allowed =
			rate + rate * (uint64_t)(clock_of(f) - began_ms) / 1000;
		assert_true((uint64_t)total <= allowed);
	}
	free(buf);
	return n < 0 ? n : total;
}

static void a_download_takes_its_time(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/large");
	int64_t began_ms = clock_of(f);
	struct mr_response *r;

	bx_open_net(f, RATE);
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_int_equal(64 * MIB, read_evenly(f, r, RATE));
	mr_response_free(r);
	assert_in_range(clock_of(f) - began_ms, 3800, 4200);
	/* Many small waits, not a few long ones. */
	assert_true(f->t.sleeps > 50);
}

static void an_upload_takes_its_time(void **state)
{
	struct bx *f = *state;
	struct bx_source src;
	struct mr_request rq = bx_upload(f, &src, 64 * MIB);
	int64_t began_ms = clock_of(f);

	bx_open_net(f, RATE);
	assert_int_equal(6, bx_fetch(f, &rq, NULL));
	assert_int_equal(64 * MIB, httpd_seen(f->server, 0)->body_len);
	assert_in_range(clock_of(f) - began_ms, 3800, 4200);
	assert_true(f->t.sleeps > 50);
}

static void bodies_in_memory_count(void **state)
{
	static const size_t sizes[] = { 20u << 10, 4 * MIB };
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "PUT", "/up");
	char *body = calloc(1, 4 * MIB);
	int64_t began_ms;
	size_t i;

	assert_non_null(body);
	for (i = 0; i < MR_COUNT(sizes); i++) {
		bx_open_net(f, sizes[i] / 2);
		rq.body = body;
		rq.body_len = sizes[i];
		began_ms = clock_of(f);
		assert_int_equal(6, bx_fetch(f, &rq, NULL));
		assert_in_range(clock_of(f) - began_ms, 1700, 2200);
	}
	free(body);
}

/* With others at the same limit, who each get their share, it is less than
 * what counts as a stall. */
static void being_slowed_down_is_no_stall(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/large");
	struct mr_response *r;
	char buf[1024];
	int64_t began_ms;
	int64_t n = 0;

	bx_open_net(f, 1); /* the least is 1 KiB/s */
	began_ms = clock_of(f);
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	while (n < 200 * 1024) {
		ssize_t got = mr_stream_read(r->body, buf, 1024, &f->err);

		assert_ok(got, f->err);
		n += got;
		(void)mr_rate_spend(f->net, 2048); /* their time: below */
	}
	assert_true(clock_of(f) - began_ms > 200000);
	mr_response_free(r);
}

static void without_a_limit_nobody_waits(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/large");

	assert_int_equal(64 * MIB, bx_fetch(f, &rq, NULL));
	assert_int_equal(0, f->t.sleeps);
}

static void waiting_is_cancelled(void **state)
{
	struct bx *f = *state;
	struct mr_request rq = bx_request(f, "GET", "/large");
	struct mr_response *r;
	char buf[4096];

	bx_open_net(f, 4096);
	assert_ok(mr_net_send(f->net, &rq, &r, &f->err), f->err);
	assert_true(mr_stream_read(r->body, buf, sizeof(buf), &f->err) > 0);
	atomic_store(&f->t.cancel, true);
	while (mr_stream_read(r->body, buf, sizeof(buf), &f->err) > 0)
		;
	assert_int_equal(MREG_ECANCELED, f->err.code);
	mr_response_free(r);
}

static void pieces_are_a_part_of_a_second(void **state)
{
	struct bx *f = *state;

	assert_int_equal(512u << 10, mr_rate_piece(f->net, 512u << 10));
	bx_open_net(f, 160 * 1024);
	assert_int_equal(10 * 1024, mr_rate_piece(f->net, 512u << 10));
	assert_int_equal(100, mr_rate_piece(f->net, 100));
	bx_open_net(f, 1);
	assert_int_equal(1024, mr_rate_piece(f->net, 512u << 10));
}

static void all_transfers_share_one_limit(void **state)
{
	struct bx *f = *state;
	int64_t now_ms;

	bx_open_net(f, 1000000);
	now_ms = clock_of(f);
	/* 0.1 s of what was not used may be made up for, no more. */
	f->t.now_ms += 60000;
	now_ms = clock_of(f);
	assert_int_equal(now_ms, mr_rate_spend(f->net, 100000));
	assert_int_equal(now_ms + 500, mr_rate_spend(f->net, 500000));
	assert_int_equal(now_ms + 1000, mr_rate_spend(f->net, 500000));
	f->t.now_ms += 400;
	assert_int_equal(now_ms + 1500, mr_rate_spend(f->net, 500000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BX(a_download_takes_its_time),
		BX(an_upload_takes_its_time),
		BX(bodies_in_memory_count),
		BX(being_slowed_down_is_no_stall),
		BX(without_a_limit_nobody_waits),
		BX(waiting_is_cancelled),
		BX(pieces_are_a_part_of_a_second),
		BX(all_transfers_share_one_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

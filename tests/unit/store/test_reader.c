/*
 * test_reader.c - any part of a blob by ranged requests: how many, of what.
 */
#include "tests/support/remote_fixture.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

#define BLOBS "/v2/*/blobs/sha256:*"
#define KIB 1024u
#define LARGE (20u << 20)

static struct mr_reader *open_noise(struct fx *x)
{
	struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	struct mr_reader *r;

	fakereg_put_blob(x->f, REPO, NULL, fx_noise(), NOISE_BYTES);
	assert_ok(mr_store_reader(x->s, &d, &r, &x->err), x->err);
	assert_true(r->size == NOISE_BYTES);
	return r;
}

static void check_part(struct fx *x, struct mr_reader *r, size_t n,
		       uint64_t offset)
{
	MR_AUTO(mr_free) char *got = mr_alloc(n);

	assert_ok(mr_reader_need_at(r, got, n, offset, &x->err), x->err);
	assert_memory_equal(got, fx_noise() + offset, n);
}

static const char *range(struct fx *x, size_t index, struct fakereg_seen *s)
{
	assert_true(fakereg_get(x->f, "GET", BLOBS, index, s));
	return s->range;
}

static void costs_nothing_until_it_is_read(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	struct mr_reader_cost cost;
	struct fakereg_seen s;
	char c;

	r = open_noise(x);
	assert_int_equal(mr_reader_read_at(r, &c, 1, NOISE_BYTES, &x->err), 0);
	mr_store_reader_cost(r, &cost);
	assert_true(cost.bytes == 0 && cost.requests == 0);
	assert_false(fakereg_get(x->f, "GET", BLOBS, 0, &s));
}

static void one_request_serves_what_is_near(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	struct mr_reader_cost cost;
	struct fakereg_seen s;
	unsigned int i;

	r = open_noise(x);
	for (i = 0; i < 1000; i++)
		check_part(x, r, 8, 65 * i);
	mr_store_reader_cost(r, &cost);
	assert_true(cost.requests == 1 && cost.bytes == 64 * KIB);
	assert_string_equal(range(x, 0, &s), "bytes=0-65535");
	assert_false(fakereg_get(x->f, "GET", BLOBS, 1, &s));
}

static void reading_on_takes_twice_as_much(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	struct mr_reader_cost cost;
	struct fakereg_seen s;
	uint64_t at;

	r = open_noise(x);
	for (at = 0; at < 2u << 20; at += KIB)
		check_part(x, r, KIB, at);
	assert_string_equal(range(x, 1, &s), "bytes=65536-196607");
	assert_string_equal(range(x, 2, &s), "bytes=196608-458751");
	assert_string_equal(range(x, 4, &s), "bytes=983040-2031615");
	mr_store_reader_cost(r, &cost);
	/* 64 KiB, 128, 256, 512, then a MiB each. */
	assert_true(cost.requests == 6);
	assert_true(cost.bytes == 960 * KIB + (2u << 20));
}

static void a_jump_takes_a_little_again(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	struct fakereg_seen s;

	r = open_noise(x);
	check_part(x, r, 10, 0);
	check_part(x, r, 10, 2u << 20);
	check_part(x, r, 10, NOISE_BYTES - 10);
	assert_string_equal(range(x, 1, &s), "bytes=2097152-2162687");
	assert_string_equal(range(x, 2, &s), "bytes=3145735-3145744");
	/* All three are still there. */
	check_part(x, r, 100, 20);
	check_part(x, r, 100, (2u << 20) + 7);
	check_part(x, r, 5, NOISE_BYTES - 5);
	assert_false(fakereg_get(x->f, "GET", BLOBS, 3, &s));
}

static void much_at_once_is_one_request(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	struct mr_reader_cost cost;
	struct fakereg_seen s;

	r = open_noise(x);
	check_part(x, r, 8, 0);
	check_part(x, r, 3u << 20, 8);
	mr_store_reader_cost(r, &cost);
	/* What the first one brought along is not asked for again. */
	assert_string_equal(range(x, 1, &s), "bytes=65536-3145735");
	assert_true(cost.requests == 2 && cost.bytes == (3u << 20) + 8);
}

static void a_blob_that_is_not_there_is_not_found(void **state)
{
	struct mreg_desc d = fx_desc("other", 5);
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	char got[5];

	assert_ok(mr_store_reader(x->s, &d, &r, &x->err), x->err);
	assert_code(MREG_ENOTFOUND, mr_reader_need_at(r, got, 5, 0, &x->err),
		    x->err);
	assert_has(x->err.msg, fx_text(&d));
}

static void a_store_without_ranges_is_read_near_the_start_only(void **state)
{
	const struct fakereg_opts o = { .no_range = true };
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	MR_AUTO(mr_free) char *large = mr_zalloc(LARGE);
	struct fx *x = *state;
	struct mr_reader_cost cost;
	struct mreg_desc d;
	char got[16];

	fx_restart(x, &o, NULL, NULL);
	memcpy(large + LARGE / 4, "a quarter", 10);
	d = fx_desc(large, LARGE);
	fakereg_put_blob(x->f, REPO, NULL, large, LARGE);
	assert_ok(mr_store_reader(x->s, &d, &r, &x->err), x->err);
	assert_ok(mr_reader_need_at(r, got, 10, 0, &x->err), x->err);
	assert_ok(mr_reader_need_at(r, got, 10, LARGE / 4, &x->err), x->err);
	assert_string_equal(got, "a quarter");
	/* What had to be passed over was moved as well. */
	mr_store_reader_cost(r, &cost);
	assert_true(cost.requests == 2);
	assert_true(cost.bytes == LARGE / 4 + 2 * 64 * KIB);
	assert_code(MREG_EUNSUPPORTED,
		    mr_reader_need_at(r, got, 10, LARGE / 2, &x->err), x->err);
	assert_has(x->err.msg, "sends whole files where a part is asked for");
	assert_has(x->err.hint, "pull");
}

static void other_stores_are_read_as_well(void **state)
{
	struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;

	assert_ok(mr_memory_open(&x->t.env, &s, &x->err), x->err);
	assert_ok(mr_store_put_bytes(s, &d, fx_noise(), &x->err), x->err);
	assert_ok(mr_store_reader(s, &d, &r, &x->err), x->err);
	check_part(x, r, 100, NOISE_BYTES - 100);
	check_part(x, r, 2u << 20, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(costs_nothing_until_it_is_read),
		FX(one_request_serves_what_is_near),
		FX(reading_on_takes_twice_as_much),
		FX(a_jump_takes_a_little_again),
		FX(much_at_once_is_one_request),
		FX(a_blob_that_is_not_there_is_not_found),
		FX(a_store_without_ranges_is_read_near_the_start_only),
		FX(other_stores_are_read_as_well),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

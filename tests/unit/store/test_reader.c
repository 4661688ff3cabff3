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
	assert_string_equal(range(x, 1, &s), "bytes=2097152-2101247");
	assert_string_equal(range(x, 2, &s), "bytes=3145735-3145744");
	/* All three are still there. */
	check_part(x, r, 100, 20);
	check_part(x, r, 100, (2u << 20) + 7);
	check_part(x, r, 5, NOISE_BYTES - 5);
	assert_false(fakereg_get(x->f, "GET", BLOBS, 3, &s));
}

static void it_takes_more_where_it_reads_on_after_a_jump(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	struct fakereg_seen s;

	r = open_noise(x);
	check_part(x, r, 10, 0);
	check_part(x, r, KIB, 1u << 20);
	check_part(x, r, 4 * KIB, (1u << 20) + KIB);
	assert_string_equal(range(x, 1, &s), "bytes=1048576-1052671");
	assert_string_equal(range(x, 2, &s), "bytes=1052672-1060863");
	/* Over what is short. */
	check_part(x, r, 10, (1u << 20) + 60 * KIB);
	assert_string_equal(range(x, 3, &s), "bytes=1110016-1126399");
	assert_false(fakereg_get(x->f, "GET", BLOBS, 4, &s));
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
	assert_true(cost.bytes == LARGE / 4 + 68 * KIB);
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

/* -- a blob of any size, that counts what is asked of it --------------------
 */

struct endless {
	struct mr_store base;
	uint64_t opened, bytes;
};

struct zeros {
	struct mr_stream base;
	uint64_t left;
};

static ssize_t zeros_read(struct mr_stream *base, void *buf, size_t n,
			  struct mreg_error *err)
{
	struct zeros *z = mr_container_of(base, struct zeros, base);

	(void)err;
	if (n > z->left)
		n = (size_t)z->left;
	memset(buf, 0, n);
	z->left -= n;
	return (ssize_t)n;
}

static void zeros_close(struct mr_stream *base)
{
	mr_release(mr_container_of(base, struct zeros, base));
}

static const struct mr_stream_ops zeros_ops = {
	.read = zeros_read,
	.close = zeros_close,
};

static int endless_has(struct mr_store *s, const struct mreg_desc *d,
		       bool *found, struct mreg_error *err)
{
	(void)s, (void)d, (void)err;
	*found = true;
	return 0;
}

static int endless_open(struct mr_store *s, const struct mreg_desc *d,
			uint64_t offset, uint64_t length,
			struct mr_stream **out, struct mreg_error *err)
{
	struct endless *e = mr_container_of(s, struct endless, base);
	struct zeros *z = mr_zalloc(sizeof(*z));

	(void)d, (void)offset, (void)err;
	assert_non_null(z);
	z->base.ops = &zeros_ops;
	z->left = length;
	e->opened++;
	e->bytes += length;
	*out = &z->base;
	return 0;
}

static void endless_free(struct mr_store *s)
{
	(void)s;
}

static bool endless_ranges(struct mr_store *s)
{
	(void)s;
	return true;
}

static const struct mr_store_ops endless_ops = {
	.kind = "endless",
	.has = endless_has,
	.open = endless_open,
	.ranges = endless_ranges,
	.free = endless_free,
};

#define ENDLESS_INIT(x)                                                        \
	{                                                                      \
		.base = {                                                      \
			.ops = &endless_ops,                                   \
			.env = &(x)->t.env,                                    \
			.name = (char[]){ "endless" }                          \
		}                                                              \
	}

static struct mr_reader *open_endless(struct fx *x, struct endless *e)
{
	struct mreg_desc d = fx_desc("", 0);
	struct mr_reader *r;

	d.size = UINT64_C(1) << 50;
	assert_ok(mr_store_reader(&e->base, &d, &r, &x->err), x->err);
	return r;
}

/* From jump to jump until it fails; the counts are the store's own. */
static void jump_until_it_fails(struct fx *x, struct mr_reader *r,
				uint64_t step)
{
	uint64_t at = 0;
	char c[8];

	while (mr_reader_need_at(r, c, sizeof(c), at, &x->err) == 0)
		at += step;
	assert_code(MREG_ELIMIT, (int)x->err.code, x->err);
	assert_has(x->err.msg, "to look at 'sha256:");
	assert_has(x->err.hint, "pull the file");
}

static void who_jumps_on_and_on_is_stopped(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	struct endless e = ENDLESS_INIT(x);
	struct mr_reader_cost cost;

	r = open_endless(x, &e);
	/* What a graph of small tensors would have us do. */
	jump_until_it_fails(x, r, 70 * KIB);
	assert_true(e.opened == MR_READER_MAX_REQUESTS);
	assert_true(e.bytes == 64 * KIB + 1023 * 4 * KIB);
	mr_store_reader_cost(r, &cost);
	assert_true(cost.requests == e.opened && cost.bytes == e.bytes);
}

/* Where a request is a read of a file, only what is read counts. */
static void who_jumps_in_a_store_here_is_stopped_by_bytes_alone(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	struct endless e = ENDLESS_INIT(x);
	struct mr_store_ops here = endless_ops;

	here.ranges = NULL;
	e.base.ops = &here;
	r = open_endless(x, &e);
	jump_until_it_fails(x, r, 70 * KIB);
	assert_true(e.opened > 10 * MR_READER_MAX_REQUESTS);
	assert_true(e.bytes <= MR_READER_MAX_BYTES);
	assert_null(strstr(x->err.msg, "requests"));
}

static void who_reads_on_and_on_is_stopped(void **state)
{
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	struct endless e = ENDLESS_INIT(x);
	MR_AUTO(mr_free) char *much = mr_alloc(3u << 20);

	r = open_endless(x, &e);
	jump_until_it_fails(x, r, KIB);
	assert_true(e.bytes <= MR_READER_MAX_BYTES);
	assert_true(e.bytes > MR_READER_MAX_BYTES - MR_CHUNK_BYTES);
	assert_true(e.opened < 100);
	/* Nor is more given at once. */
	assert_code(MREG_ELIMIT,
		    mr_reader_need_at(r, much, 3u << 20, 1u << 30, &x->err),
		    x->err);
}

static void the_budget_can_be_made_smaller_only(void **state)
{
	static const struct mr_reader_cost more = { UINT64_MAX, UINT64_MAX };
	static const struct mr_reader_cost less = { 100 * KIB, 3 };
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct fx *x = *state;
	struct endless e = ENDLESS_INIT(x);

	r = open_endless(x, &e);
	mr_store_reader_bound(r, &less);
	mr_store_reader_bound(r, &more);
	jump_until_it_fails(x, r, 70 * KIB);
	assert_has(x->err.msg, "more than 102400 bytes, or 3 requests");
	assert_true(e.opened == 3 && e.bytes == 72 * KIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(costs_nothing_until_it_is_read),
		FX(one_request_serves_what_is_near),
		FX(reading_on_takes_twice_as_much),
		FX(a_jump_takes_a_little_again),
		FX(it_takes_more_where_it_reads_on_after_a_jump),
		FX(much_at_once_is_one_request),
		FX(a_blob_that_is_not_there_is_not_found),
		FX(a_store_without_ranges_is_read_near_the_start_only),
		FX(other_stores_are_read_as_well),
		FX(who_jumps_on_and_on_is_stopped),
		FX(who_jumps_in_a_store_here_is_stopped_by_bytes_alone),
		FX(who_reads_on_and_on_is_stopped),
		FX(the_budget_can_be_made_smaller_only),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

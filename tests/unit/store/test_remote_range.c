/*
 * test_remote_range.c - ranges of a blob, asked for where the registry keeps
 * it.
 */
#include "tests/support/remote_fixture.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/task.h"

#define BLOBS "/v2/*/blobs/sha256:*"
#define SIGNED "*sig=*"
#define PART 200
#define WORKERS 8

static struct mreg_desc seed(struct fx *x)
{
	fakereg_put_blob(x->f, REPO, NULL, fx_noise(), NOISE_BYTES);
	return fx_desc(fx_noise(), NOISE_BYTES);
}

static size_t asked_registry(struct fx *x)
{
	struct fakereg_seen s;
	size_t n = 0;
	size_t i;

	for (i = 0; fakereg_get(x->f, "GET", BLOBS, i, &s); i++)
		n += !s.elsewhere && s.status != 401;
	return n;
}

/* Like the first connection to a blob: it is asked for as a whole. */
static void learn(struct fx *x, const struct mreg_desc *d)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;

	assert_ok(mr_store_open_range(x->s, d, 0, d->size, &in, &x->err),
		  x->err);
	assert_int_equal(asked_registry(x), 1);
}

/* 0, or what went wrong; from any thread. */
static int read_part(struct mr_store *s, const struct mreg_desc *d,
		     uint64_t offset, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	char got[PART];
	ssize_t n;
	int rc;

	rc = mr_store_open_range(s, d, offset, PART, &in, err);
	if (rc < 0)
		return rc;
	n = mr_stream_fill(in, got, sizeof(got), err);
	if (n < 0)
		return (int)n;
	return n == PART && memcmp(got, fx_noise() + offset, PART) == 0
		       ? 0
		       : MREG_EINTERNAL;
}

static void asks_storage_at_once(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.redirect_blobs = true };
	struct fx *x = *state;
	struct fakereg_seen s;
	struct mreg_desc d;
	size_t i;

	fx_restart(x, &o, "ann", "secret");
	d = seed(x);
	learn(x, &d);
	for (i = 0; i < 3; i++)
		assert_ok(read_part(x->s, &d, 1000 * i + 7, &x->err), x->err);
	assert_int_equal(asked_registry(x), 1);
	for (i = 0; i < 4; i++) {
		assert_true(fakereg_get(x->f, "GET", SIGNED, i, &s));
		assert_string_equal(s.scheme, "");
	}
	assert_string_equal(s.range, "bytes=2007-2206");
}

static void asks_storage_also_behind_zot(void **state)
{
	const struct fakereg_opts o = { .redirect_blobs = true,
					.redirect_unranged = true };
	struct fx *x = *state;
	struct mreg_desc d;

	fx_restart(x, &o, NULL, NULL);
	d = seed(x);
	learn(x, &d);
	assert_ok(read_part(x->s, &d, 5000, &x->err), x->err);
	assert_int_equal(asked_registry(x), 1);
}

static void asks_the_registry_where_it_keeps_blobs_itself(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x);

	learn(x, &d);
	assert_ok(read_part(x->s, &d, 5000, &x->err), x->err);
	assert_int_equal(asked_registry(x), 2);
}

/* P-24: 400, 401 and 403 are what storage says when a signature has ended. */
static void asks_anew_when_a_signature_has_ended(void **state)
{
	static const int statuses[] = { 400, 401, 403 };
	const struct fakereg_opts o = { .redirect_blobs = true };
	struct fx *x = *state;
	struct mreg_desc d;
	size_t i;

	for (i = 0; i < MR_COUNT(statuses); i++) {
		fx_restart(x, &o, NULL, NULL);
		d = seed(x);
		learn(x, &d);
		fakereg_fault(x->f,
			      &(struct fakereg_fault){ .path = SIGNED,
						       .times = 1,
						       .status = statuses[i] });
		assert_ok(read_part(x->s, &d, 5000, &x->err), x->err);
		assert_int_equal(asked_registry(x), 2);
	}
}

/* Addresses that serve one request each: one question more for each. */
static void addresses_for_one_request_will_do(void **state)
{
	const struct fakereg_opts o = { .redirect_blobs = true,
					.sign_uses = 1 };
	struct fx *x = *state;
	struct mreg_desc d;
	size_t i;

	fx_restart(x, &o, NULL, NULL);
	d = seed(x);
	learn(x, &d);
	for (i = 0; i < 2 * MR_REDIRECT_MAX; i++)
		assert_ok(read_part(x->s, &d, 1000 * i, &x->err), x->err);
	assert_int_equal(asked_registry(x), 1 + 2 * MR_REDIRECT_MAX);
}

static void storage_that_refuses_for_ever_is_an_error(void **state)
{
	const struct fakereg_opts o = { .redirect_blobs = true };
	struct fx *x = *state;
	struct mreg_desc d;

	fx_restart(x, &o, NULL, NULL);
	d = seed(x);
	learn(x, &d);
	fakereg_fault(x->f,
		      &(struct fakereg_fault){ .path = SIGNED, .status = 403 });
	assert_code(MREG_EDENIED, read_part(x->s, &d, 5000, &x->err), x->err);
	/* What it was just sent to is asked for once more. */
	assert_int_equal(asked_registry(x), 3);
}

struct many {
	struct fx *x;
	struct mreg_desc d;
};

static int one_of_many(void *ctx, size_t index, struct mreg_error *err)
{
	struct many *m = ctx;

	return read_part(m->x->s, &m->d, 10000 * index, err);
}

/* The stampede of mem9-ai/drive9#138. */
static void one_asks_anew_for_all(void **state)
{
	const struct fakereg_opts o = { .redirect_blobs = true };
	struct many m = { .x = *state };
	struct fx *x = m.x;
	struct fakereg_seen s;

	fx_restart(x, &o, NULL, NULL);
	m.d = seed(x);
	learn(x, &m.d);
	/* The address that was learned is refused for ever, others are not. */
	assert_true(fakereg_get(x->f, "GET", SIGNED, 0, &s));
	fakereg_fault(x->f,
		      &(struct fakereg_fault){ .path = s.path, .status = 403 });
	assert_ok(mr_task_run(&x->t.env, WORKERS, WORKERS, one_of_many, &m,
			      &x->err),
		  x->err);
	assert_int_equal(asked_registry(x), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(asks_storage_at_once),
		FX(asks_storage_also_behind_zot),
		FX(asks_the_registry_where_it_keeps_blobs_itself),
		FX(asks_anew_when_a_signature_has_ended),
		FX(addresses_for_one_request_will_do),
		FX(storage_that_refuses_for_ever_is_an_error),
		FX(one_asks_anew_for_all),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

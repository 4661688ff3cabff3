/*
 * test_sha256.c - our own SHA-256 against OpenSSL's: lengths, pieces, lanes
 * and threads.  On processors without the instructions the two are the same
 * code, and what only lanes have is skipped.
 */
#include "tests/support/test.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "content/sha256.h"

#define DATA_BYTES (3u << 20)

/* Bytes that differ everywhere. */
static uint8_t *noise(void)
{
	uint8_t *data = mr_alloc(DATA_BYTES);
	uint32_t seed = 20;
	size_t i;

	assert_non_null(data);
	for (i = 0; i < DATA_BYTES; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (uint8_t)(seed >> 24);
	}
	return data;
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void expect(const void *data, size_t n, struct mreg_digest *out)
{
	memset(out, 0, sizeof(*out));
	out->algorithm = MREG_SHA256;
	assert_int_equal(
		1, EVP_Digest(data, n, out->bytes, NULL, EVP_sha256(), NULL));
}

static void agrees_on_every_short_length(void **state)
{
	MR_AUTO(mr_free) uint8_t *data = noise();
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest want, got;
	size_t n;

	(void)state;
	for (n = 0; n <= 300; n++) {
		expect(data, n, &want);
		assert_ok(mr_digest_of(data, n, &got, &err), err);
		assert_true(mreg_digest_equal(&want, &got));
	}
}

static void agrees_on_random_pieces(void **state)
{
	/* Around one block, a few blocks, and what threads would share. */
	static const uint32_t most[] = { 3, 70, 1000, 400000 };
	MR_AUTO(mr_free) uint8_t *data = noise();
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_digest want, own, portable;
	uint32_t seed = 1;
	int round;

	(void)state;
	for (round = 0; round < 400; round++) {
		struct mr_hash *a = NULL, *b = NULL;
		size_t start = next(&seed) % 100, at = start;

		assert_ok(mr_hash_new(MREG_SHA256, &a, &err), err);
		assert_ok(mr_hash_new_portable(MREG_SHA256, &b, &err), err);
		while (next(&seed) % 20 > 0) {
			size_t n = next(&seed) % most[round % 4];

			if (n > DATA_BYTES - at)
				break;
			mr_hash_add(a, data + at, n);
			mr_hash_add(b, data + at, n);
			at += n;
		}
		expect(data + start, at - start, &want);
		mr_hash_end(a, &own);
		mr_hash_end(b, &portable);
		mr_hash_free(a);
		mr_hash_free(b);
		assert_true(mreg_digest_equal(&want, &own));
		assert_true(mreg_digest_equal(&want, &portable));
	}
}

static void lanes_do_not_mix(void **state)
{
	MR_AUTO(mr_free) uint8_t *data = NULL;
	uint32_t seed = 2;
	size_t n, i;
	int round;

	(void)state;
	if (!mr_sha256_fast())
		skip(); /* jumps away: nothing may be held by now */
	data = noise();
	for (round = 0; round < 200; round++) {
		struct mr_sha256_lane lanes[4], *at[4];
		struct mr_sha256 alone[4], together[4];
		size_t blocks = next(&seed) % 100;

		n = 1 + (size_t)round % 4;
		for (i = 0; i < n; i++) {
			/* Odd addresses too. */
			const uint8_t *p = data + next(&seed) % 100000;

			mr_sha256_init(&alone[i]);
			mr_sha256_add(&alone[i], p, 64 * blocks);
			mr_sha256_init(&together[i]);
			lanes[i] = (struct mr_sha256_lane){ together[i].state,
							    p, blocks + i };
			at[i] = &lanes[i];
		}
		mr_sha256_lanes(at, n, blocks);
		for (i = 0; i < n; i++) {
			assert_int_equal(i, lanes[i].blocks);
			assert_memory_equal(alone[i].state, together[i].state,
					    sizeof(alone[i].state));
		}
	}
}

/* `jobs` hashes of random lengths, some portable or of the other algorithm,
 * each in two jobs of the one call. */
static void hash_many(const uint8_t *data, size_t jobs, uint32_t *seed)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_hash_job job[24];
	struct mreg_digest want, got;
	size_t i, at[12], n[12];

	for (i = 0; i < jobs; i++) {
		size_t first;

		at[i] = next(seed) % 1000;
		n[i] = next(seed) % (next(seed) % 3 ? 100000 : 200);
		first = n[i] / (1 + next(seed) % 4);
		if (next(seed) % 5 == 0)
			assert_ok(mr_hash_new_portable(MREG_SHA256,
						       &job[i].hash, &err),
				  err);
		else
			assert_ok(mr_hash_new(MREG_SHA256, &job[i].hash, &err),
				  err);
		job[i].data = data + at[i];
		job[i].n = first;
		job[jobs + i] =
			(struct mr_hash_job){ job[i].hash, data + at[i] + first,
					      n[i] - first };
	}
	mr_hash_many(job, 2 * jobs);
	for (i = 0; i < jobs; i++) {
		expect(data + at[i], n[i], &want);
		mr_hash_end(job[i].hash, &got);
		mr_hash_free(job[i].hash);
		assert_true(mreg_digest_equal(&want, &got));
	}
}

static void many_hash_any_number_of_jobs(void **state)
{
	MR_AUTO(mr_free) uint8_t *data = noise();
	uint32_t seed = 3;
	size_t jobs;
	int round;

	(void)state;
	for (round = 0; round < 20; round++)
		for (jobs = 0; jobs <= 12; jobs++)
			hash_many(data, jobs, &seed);
}

struct crowd {
	const uint8_t *data; /* borrowed */
	atomic_uint wrong;
};

/* One thread's messages: pieces that are shared, and others between. */
static int hash_in_a_crowd(void *ctx, size_t index, struct mreg_error *err)
{
	struct crowd *c = ctx;
	uint32_t seed = (uint32_t)index;
	int round;

	for (round = 0; round < 6; round++) {
		struct mreg_digest want, got;
		struct mr_hash *h = NULL;
		size_t at = 0;
		int rc = mr_hash_new(MREG_SHA256, &h, err);

		if (rc < 0)
			return rc;
		for (;;) {
			size_t n =
				next(&seed) % (next(&seed) % 3 ? 600000 : 1000);

			if (n > DATA_BYTES - at)
				break;
			mr_hash_add(h, c->data + at, n);
			at += n;
		}
		mr_hash_end(h, &got);
		mr_hash_free(h);
		want.algorithm = MREG_SHA256;
		if (EVP_Digest(c->data, at, want.bytes, NULL, EVP_sha256(),
			       NULL) != 1 ||
		    !mreg_digest_equal(&want, &got))
			atomic_fetch_add(&c->wrong, 1);
	}
	return 0;
}

/* That it ends at all shows that nobody waits for ever. */
static void threads_that_meet_get_their_own_digests(void **state)
{
	static const unsigned int threads[] = { 1, 2, 3, 4, 5, 8, 16 };
	MR_AUTO(mr_free) uint8_t *data = noise();
	struct mreg_error err = MREG_ERROR_INIT;
	struct crowd c = { .data = data };
	struct test_env env;
	size_t i;

	(void)state;
	test_env_init(&env);
	for (i = 0; i < MR_COUNT(threads); i++)
		assert_ok(mr_task_run(&env.env, threads[i], 2 * threads[i],
				      hash_in_a_crowd, &c, &err),
			  err);
	assert_int_equal(0, atomic_load(&c.wrong));
	test_env_release(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_on_every_short_length),
		cmocka_unit_test(agrees_on_random_pieces),
		cmocka_unit_test(lanes_do_not_mix),
		cmocka_unit_test(many_hash_any_number_of_jobs),
		cmocka_unit_test(threads_that_meet_get_their_own_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

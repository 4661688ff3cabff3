/*
 * test_remote_upload_stream.c - blobs whose digest is found out on the way,
 * and blobs that another repository has.
 */
#include "tests/support/upload_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

/* -- put_stream -------------------------------------------------------------
 */

static void streams_in_three_requests(void **state)
{
	const struct fakereg_opts o = { .strict_state = true };
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	struct fx *x = *state;
	struct mr_measure m;

	fx_restart(x, &o, NULL, NULL);
	assert_true(mr_store_streams(x->s));
	assert_ok(up_stream(x, NOISE_BYTES, &m), x->err);
	up_assert_there(x);
	assert_true(mreg_digest_equal(&m.digest, &d.digest));
	assert_int_equal(up_count(x, NULL), 3);
	assert_string_equal(up_seen(x, "PATCH", 0).content_range, "");
	assert_string_equal(up_seen(x, "PATCH", 0).content_length, "3145745");
	assert_string_equal(up_seen(x, "PUT", 0).content_length, "0");
	assert_int_equal(x->t.progress_bytes, NOISE_BYTES);
}

static void takes_201_for_a_patch(void **state)
{
	struct fx *x = *state;
	struct mr_measure m;

	up_fault(x, "PATCH",
		 &(struct fakereg_fault){ .late = true, .status = 201 });
	assert_ok(up_stream(x, NOISE_BYTES, &m), x->err);
	up_assert_there(x);
}

static void a_broken_stream_is_for_the_caller(void **state)
{
	const struct fakereg_fault faults[] = {
		{ .cut_request = true, .cut_request_at = 1000000 },
		{ .status = 503 },
		{ .status = 404, .code = "BLOB_UPLOAD_UNKNOWN" },
		{ .status = 415 },
		{ .late = true, .drop = true },
	};
	struct fx *x = *state;
	struct mr_measure m;
	size_t i;

	for (i = 0; i < MR_COUNT(faults); i++) {
		up_fault(x, "PATCH", &faults[i]);
		assert_code(MREG_ENETWORK, up_stream(x, NOISE_BYTES, &m),
			    x->err);
		assert_has(x->err.msg, REPO);
		assert_false(up_is_there(x));
		fakereg_clear(x->f);
	}
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
}

static void a_limit_is_no_trouble_of_the_stream(void **state)
{
	struct fx *x = *state;
	struct mr_measure m;

	up_fault(x, "PATCH", &(struct fakereg_fault){ .status = 413 });
	assert_code(MREG_ELIMIT, up_stream(x, NOISE_BYTES, &m), x->err);
}

static void a_stream_of_another_size_is_never_committed(void **state)
{
	struct fx *x = *state;
	struct mr_measure m;

	assert_code(MREG_ECONFLICT, up_stream(x, NOISE_BYTES - 1, &m), x->err);
	assert_code(MREG_ECONFLICT, up_stream(x, NOISE_BYTES + 1, &m), x->err);
	assert_int_equal(up_count(x, "PUT"), 0);
}

static void looks_whether_a_lost_commit_was_a_yes(void **state)
{
	struct fx *x = *state;
	struct mr_measure m;

	/* Each of net's tries is lost; the first did it. */
	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .late = true, .drop = true });
	assert_ok(up_stream(x, NOISE_BYTES, &m), x->err);
	up_assert_there(x);
}

static void does_not_stream_where_it_is_not_sensible(void **state)
{
	static const char *const hosts[] = {
		"ghcr.io",
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com",
		"public.ecr.aws",
		"europe-docker.pkg.dev",
		"eu.gcr.io",
		"ghcr.io:443",
	};
	struct fx *x = *state;
	struct mr_store *s = NULL;
	size_t i;

	for (i = 0; i < MR_COUNT(hosts); i++) {
		assert_ok(mr_remote_open(&x->t.env, x->net, hosts[i], REPO, &s,
					 &x->err),
			  x->err);
		assert_false(mr_store_streams(s));
		mr_store_close(s);
	}
	assert_ok(
		mr_remote_open(&x->t.env, x->net, "quay.io", REPO, &s, &x->err),
		x->err);
	assert_true(mr_store_streams(s));
	mr_store_close(s);
}

/* -- mount ------------------------------------------------------------------
 */

static bool mount(struct fx *x)
{
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	bool done = false;

	fakereg_put_blob(x->f, "acme/base", NULL, fx_noise(), NOISE_BYTES);
	assert_ok(mr_store_mount(x->s, &d, "acme/base", &done, &x->err),
		  x->err);
	return done;
}

static void mounts_with_one_token_for_both(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.bearer = true,
					.mounts = true };
	struct fx *x = *state;

	fx_restart(x, &o, "ann", "secret");
	assert_true(mount(x));
	up_assert_there(x);
	assert_int_equal(fakereg_count(x->f, "POST", "*mount=sha256*"), 2);
	assert_int_equal(fakereg_count(x->f, NULL, "/_fake/token*"), 1);
}

static void a_mount_that_fails_is_no_error(void **state)
{
	static const int statuses[] = { 400, 403, 404, 405, 500 };
	struct fx *x = *state;
	size_t i;

	assert_false(mount(x)); /* a session was opened instead */
	assert_false(up_is_there(x));
	for (i = 0; i < MR_COUNT(statuses); i++) {
		fakereg_clear(x->f);
		up_fault(x, "POST",
			 &(struct fakereg_fault){ .path = "*mount=*",
						  .status = statuses[i] });
		assert_false(mount(x));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(streams_in_three_requests),
		FX(takes_201_for_a_patch),
		FX(a_broken_stream_is_for_the_caller),
		FX(a_limit_is_no_trouble_of_the_stream),
		FX(a_stream_of_another_size_is_never_committed),
		FX(looks_whether_a_lost_commit_was_a_yes),
		FX(does_not_stream_where_it_is_not_sensible),
		FX(mounts_with_one_token_for_both),
		FX(a_mount_that_fails_is_no_error),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

/*
 * test_remote_upload.c - uploads to registries that behave, and to those that
 * do not.
 */
#include "tests/support/remote_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

#define START "*/blobs/uploads/"
#define SESSION "*/blobs/uploads/?*"

static int put(struct fx *x)
{
	return fx_put(x, fx_noise(), NOISE_BYTES);
}

static void assert_there(struct fx *x)
{
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	size_t n = 0;
	char *bytes = fakereg_blob(x->f, REPO, fx_text(&d), &n);

	assert_non_null(bytes);
	assert_int_equal(n, NOISE_BYTES);
	assert_memory_equal(bytes, fx_noise(), n);
	free(bytes);
}

static bool is_there(struct fx *x)
{
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	char *bytes = fakereg_blob(x->f, REPO, fx_text(&d), NULL);

	free(bytes);
	return bytes != NULL;
}

static void fault(struct fx *x, const char *method,
		  const struct fakereg_fault *f)
{
	struct fakereg_fault all = *f;

	all.method = method;
	if (!all.path)
		all.path = strcmp(method, "POST") == 0 ? START : SESSION;
	fakereg_fault(x->f, &all);
}

static struct fakereg_seen seen(struct fx *x, const char *method, size_t index)
{
	struct fakereg_seen out;

	assert_true(fakereg_get(x->f, method, NULL, index, &out));
	return out;
}

static size_t count(struct fx *x, const char *method)
{
	return fakereg_count(x->f, method, NULL);
}

/* -- put --------------------------------------------------------------------
 */

static void sends_a_blob_in_two_requests(void **state)
{
	const struct fakereg_opts o = { .strict_state = true };
	struct fx *x = *state;

	fx_restart(x, &o, NULL, NULL);
	assert_ok(put(x), x->err);
	assert_there(x);
	assert_int_equal(count(x, NULL), 2);
	assert_string_equal(seen(x, "POST", 0).content_length, "0");
	assert_string_equal(seen(x, "PUT", 0).content_length, "3145745");
	assert_int_equal(x->t.progress_bytes, NOISE_BYTES);
}

static void sends_an_empty_blob(void **state)
{
	struct fx *x = *state;
	const struct mreg_desc d = fx_desc("", 0);
	char *bytes;

	assert_ok(fx_put(x, "", 0), x->err);
	bytes = fakereg_blob(x->f, REPO, fx_text(&d), NULL);
	assert_non_null(bytes);
	free(bytes);
}

static void takes_201_for_there(void **state)
{
	struct fx *x = *state;

	fault(x, "POST", &(struct fakereg_fault){ .status = 201 });
	assert_ok(put(x), x->err);
	assert_int_equal(count(x, NULL), 1);
}

static void sends_it_again_after_a_reset(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT",
	      &(struct fakereg_fault){ .times = 2,
				       .cut_request = true,
				       .cut_request_at = 1000000 });
	assert_ok(put(x), x->err);
	assert_there(x);
	assert_int_equal(count(x, "POST"), 3);
	/* Bytes sent twice are told of once. */
	assert_int_equal(x->t.progress_bytes, NOISE_BYTES);
	assert_has(x->t.log, "sending it again");
}

static void gives_up_after_enough_resets(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT",
	      &(struct fakereg_fault){ .cut_request = true,
				       .cut_request_at = 1000 });
	assert_code(MREG_ENETWORK, put(x), x->err);
	assert_has(x->err.msg, REPO);
	assert_int_equal(count(x, "PUT"), 1 + MR_RETRY_MAX);
	assert_false(is_there(x));
}

static void sends_it_again_after_trouble(void **state)
{
	static const int statuses[] = { 500, 502, 503, 504, 429, 408 };
	struct fx *x = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(statuses); i++)
		fault(x, "PUT",
		      &(struct fakereg_fault){ .times = 1,
					       .status = statuses[i] });
	assert_ok(put(x), x->err);
	assert_there(x);
	assert_int_equal(count(x, "PUT"), 1 + MR_COUNT(statuses));
	fakereg_clear(x->f);
	/* The same when the body is gone before the answer comes. */
	for (i = 0; i < MR_COUNT(statuses); i++)
		fault(x, "PUT",
		      &(struct fakereg_fault){ .times = 1,
					       .late = true,
					       .status = statuses[i] });
	assert_ok(put(x), x->err);
	assert_int_equal(count(x, "POST"), 1 + MR_COUNT(statuses));
}

static void a_start_that_fails_is_repeated_by_net_alone(void **state)
{
	struct fx *x = *state;

	fault(x, "POST", &(struct fakereg_fault){ .status = 503 });
	assert_code(MREG_EREMOTE, put(x), x->err);
	assert_int_equal(count(x, "POST"), 1 + MR_RETRY_MAX);
}

static void waits_as_long_as_it_is_told(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT",
	      &(struct fakereg_fault){ .times = 1,
				       .late = true,
				       .status = 429,
				       .set = "Retry-After",
				       .value = "7" });
	assert_ok(put(x), x->err);
	assert_true(x->t.slept_ms >= 7000);
}

static void does_not_wait_for_ever(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT",
	      &(struct fakereg_fault){ .late = true,
				       .status = 429,
				       .set = "Retry-After",
				       .value = "3600" });
	assert_code(MREG_EREMOTE, put(x), x->err);
	assert_int_equal(x->t.slept_ms, 0);
}

static void a_lost_session_is_opened_again_once(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT",
	      &(struct fakereg_fault){ .times = 1,
				       .status = 404,
				       .code = "BLOB_UPLOAD_UNKNOWN" });
	assert_ok(put(x), x->err);
	assert_there(x);
	fakereg_clear(x->f);
	fault(x, "PUT",
	      &(struct fakereg_fault){ .status = 400,
				       .code = "BLOB_UPLOAD_INVALID" });
	assert_code(MREG_EREMOTE, put(x), x->err);
	assert_has(x->err.cause, "BLOB_UPLOAD_INVALID");
	assert_int_equal(count(x, "PUT"), 2);
}

static void a_digest_refused_twice_is_refused(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT",
	      &(struct fakereg_fault){ .status = 400,
				       .code = "DIGEST_INVALID" });
	assert_code(MREG_EREMOTE, put(x), x->err);
	assert_has(x->err.cause, "DIGEST_INVALID");
	assert_int_equal(count(x, "PUT"), 2);
}

static void looks_whether_a_lost_answer_was_a_yes(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT", &(struct fakereg_fault){ .late = true, .drop = true });
	assert_ok(put(x), x->err);
	assert_there(x);
	assert_int_equal(count(x, "PUT"), 1);
	assert_int_equal(count(x, "HEAD"), 1);
}

static void believes_202_only_after_looking(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT", &(struct fakereg_fault){ .late = true, .status = 202 });
	assert_ok(put(x), x->err);
	assert_int_equal(count(x, "HEAD"), 1);
	fakereg_clear(x->f);
	fault(x, "PUT", &(struct fakereg_fault){ .status = 202 });
	assert_code(MREG_EREMOTE, fx_put(x, "weights", 7), x->err);
	assert_has(x->err.cause, "answered 202, but does not have it");
}

static void takes_204_for_done(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT", &(struct fakereg_fault){ .late = true, .status = 204 });
	assert_ok(put(x), x->err);
	assert_int_equal(count(x, NULL), 2);
}

static void refuses_another_digest(void **state)
{
	struct fx *x = *state;
	const struct mreg_desc other = fx_desc("other", 5);

	fault(x, "PUT",
	      &(struct fakereg_fault){ .set = "Docker-Content-Digest",
				       .value = fx_text(&other) });
	assert_code(MREG_EINTEGRITY, put(x), x->err);
	assert_has(x->err.cause, fx_text(&other));
}

static void stops_on_a_source_that_fails(void **state)
{
	struct fx *x = *state;
	const struct mreg_desc d = fx_desc("weights", 7);
	struct mr_store *from = NULL;

	assert_ok(mr_memory_open(&x->t.env, &from, &x->err), x->err);
	assert_code(MREG_ENOTFOUND, mr_store_put(x->s, &d, from, NULL, &x->err),
		    x->err);
	assert_has(x->err.cause, "memory");
	assert_int_equal(count(x, "POST"), 1);
	mr_store_close(from);
}

/* -- where it goes ----------------------------------------------------------
 */

static void another_origin_gets_no_credentials(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.strict_state = true,
					.upload_elsewhere = true };
	struct fx *x = *state;

	fx_restart(x, &o, "ann", "secret");
	assert_ok(put(x), x->err);
	assert_there(x);
	assert_true(seen(x, "PUT", 0).elsewhere);
	assert_string_equal(seen(x, "PUT", 0).scheme, "");
}

static void refuses_places_that_are_none(void **state)
{
	static const char *const places[] = { "http://u:p@127.0.0.1:1/x",
					      "ftp://127.0.0.1/x", "http://",
					      "//", NULL };
	struct fx *x = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(places); i++) {
		fault(x, "POST",
		      &(struct fakereg_fault){ .set = "Location",
					       .value = places[i] });
		assert_code(MREG_EREMOTE, put(x), x->err);
		assert_int_equal(count(x, "PUT"), 0);
		fakereg_clear(x->f);
	}
	assert_has(x->err.cause, "without saying where");
}

/* -- what is not allowed ----------------------------------------------------
 */

static void says_that_pushing_is_denied(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.bearer = true,
					.read_only = true };
	struct fx *x = *state;

	fx_restart(x, &o, "ann", "secret");
	assert_code(MREG_EDENIED, put(x), x->err);
	assert_has(x->err.msg, REPO);
	assert_true(x->err.hint[0]);
	assert_int_equal(count(x, "PUT"), 0);
}

static void tells_the_anonymous_to_log_in(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.bearer = true,
					.anonymous_pull = true };
	struct fx *x = *state;

	fx_restart(x, &o, NULL, NULL);
	assert_code(MREG_EAUTH, put(x), x->err);
	assert_has(x->err.hint, "mreg login 127.0.0.1:");
}

static void says_that_the_quota_is_used_up(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT",
	      &(struct fakereg_fault){
		      .status = 403,
		      .code = "DENIED",
		      .message = "adding 3 MiB will exceed the Quota" });
	assert_code(MREG_EDENIED, put(x), x->err);
	assert_has(x->err.hint, "quota");
}

static void says_that_it_is_too_large(void **state)
{
	struct fx *x = *state;

	fault(x, "PUT",
	      &(struct fakereg_fault){ .status = 413,
				       .type = "text/html",
				       .body = "<html>413</html>" });
	assert_code(MREG_ELIMIT, put(x), x->err);
	assert_has(x->err.cause, "HTML");
	assert_has(x->err.hint, "proxy");
	assert_int_equal(count(x, "PUT"), 1);
}

static void says_that_the_repository_must_be_made_first(void **state)
{
	struct fx *x = *state;

	fault(x, "POST",
	      &(struct fakereg_fault){ .status = 404, .code = "NAME_UNKNOWN" });
	assert_code(MREG_ENOTFOUND, put(x), x->err);
	assert_has(x->err.hint, "create the repository");
	assert_int_equal(count(x, "POST"), 1);
}

static void asks_for_both_rights_once_it_writes(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.bearer = true };
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	struct fx *x = *state;
	bool found = false;

	fx_restart(x, &o, "ann", "secret");
	assert_ok(put(x), x->err);
	assert_ok(mr_store_has(x->s, &d, &found, &x->err), x->err);
	assert_true(found);
	assert_int_equal(fakereg_count(x->f, NULL, "/_fake/token*"), 1);
	assert_true(fakereg_count(x->f, NULL, "*churn%3Apull%2Cpush*"));
}

static void survives_a_token_that_runs_out_under_way(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.bearer = true,
					.token_uses = 1 };
	struct fx *x = *state;

	fx_restart(x, &o, "ann", "secret");
	assert_ok(put(x), x->err);
	assert_there(x);
}

/* -- put_stream -------------------------------------------------------------
 */

static int stream(struct fx *x, size_t told, struct mr_measure *m)
{
	struct mr_stream *src = NULL;

	memset(m, 0, sizeof(*m));
	assert_ok(mr_stream_memory(fx_noise(), NOISE_BYTES, &src, &x->err),
		  x->err);
	return mr_store_put_stream(x->s, src, told, "weights", m, &x->err);
}

static void streams_in_three_requests(void **state)
{
	const struct fakereg_opts o = { .strict_state = true };
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	struct fx *x = *state;
	struct mr_measure m;

	fx_restart(x, &o, NULL, NULL);
	assert_true(mr_store_streams(x->s));
	assert_ok(stream(x, NOISE_BYTES, &m), x->err);
	assert_there(x);
	assert_true(mreg_digest_equal(&m.digest, &d.digest));
	assert_int_equal(count(x, NULL), 3);
	assert_string_equal(seen(x, "PATCH", 0).content_range, "");
	assert_string_equal(seen(x, "PATCH", 0).content_length, "3145745");
	assert_string_equal(seen(x, "PUT", 0).content_length, "0");
	assert_int_equal(x->t.progress_bytes, NOISE_BYTES);
}

static void takes_201_for_a_patch(void **state)
{
	struct fx *x = *state;
	struct mr_measure m;

	fault(x, "PATCH",
	      &(struct fakereg_fault){ .late = true, .status = 201 });
	assert_ok(stream(x, NOISE_BYTES, &m), x->err);
	assert_there(x);
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
		fault(x, "PATCH", &faults[i]);
		assert_code(MREG_ENETWORK, stream(x, NOISE_BYTES, &m), x->err);
		assert_has(x->err.msg, REPO);
		assert_false(is_there(x));
		fakereg_clear(x->f);
	}
	assert_ok(put(x), x->err);
	assert_there(x);
}

static void a_limit_is_no_trouble_of_the_stream(void **state)
{
	struct fx *x = *state;
	struct mr_measure m;

	fault(x, "PATCH", &(struct fakereg_fault){ .status = 413 });
	assert_code(MREG_ELIMIT, stream(x, NOISE_BYTES, &m), x->err);
}

static void a_stream_of_another_size_is_never_committed(void **state)
{
	struct fx *x = *state;
	struct mr_measure m;

	assert_code(MREG_ECONFLICT, stream(x, NOISE_BYTES - 1, &m), x->err);
	assert_code(MREG_ECONFLICT, stream(x, NOISE_BYTES + 1, &m), x->err);
	assert_int_equal(count(x, "PUT"), 0);
}

static void looks_whether_a_lost_commit_was_a_yes(void **state)
{
	struct fx *x = *state;
	struct mr_measure m;

	/* Each of net's tries is lost; the first did it. */
	fault(x, "PUT", &(struct fakereg_fault){ .late = true, .drop = true });
	assert_ok(stream(x, NOISE_BYTES, &m), x->err);
	assert_there(x);
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
	assert_there(x);
	assert_int_equal(fakereg_count(x->f, "POST", "*mount=sha256*"), 2);
	assert_int_equal(fakereg_count(x->f, NULL, "/_fake/token*"), 1);
}

static void a_mount_that_fails_is_no_error(void **state)
{
	static const int statuses[] = { 400, 403, 404, 405, 500 };
	struct fx *x = *state;
	size_t i;

	assert_false(mount(x)); /* a session was opened instead */
	assert_false(is_there(x));
	for (i = 0; i < MR_COUNT(statuses); i++) {
		fakereg_clear(x->f);
		fault(x, "POST",
		      &(struct fakereg_fault){ .path = "*mount=*",
					       .status = statuses[i] });
		assert_false(mount(x));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(sends_a_blob_in_two_requests),
		FX(sends_an_empty_blob),
		FX(takes_201_for_there),
		FX(sends_it_again_after_a_reset),
		FX(gives_up_after_enough_resets),
		FX(sends_it_again_after_trouble),
		FX(a_start_that_fails_is_repeated_by_net_alone),
		FX(waits_as_long_as_it_is_told),
		FX(does_not_wait_for_ever),
		FX(a_lost_session_is_opened_again_once),
		FX(a_digest_refused_twice_is_refused),
		FX(looks_whether_a_lost_answer_was_a_yes),
		FX(believes_202_only_after_looking),
		FX(takes_204_for_done),
		FX(refuses_another_digest),
		FX(stops_on_a_source_that_fails),
		FX(another_origin_gets_no_credentials),
		FX(refuses_places_that_are_none),
		FX(says_that_pushing_is_denied),
		FX(tells_the_anonymous_to_log_in),
		FX(says_that_the_quota_is_used_up),
		FX(says_that_it_is_too_large),
		FX(says_that_the_repository_must_be_made_first),
		FX(asks_for_both_rights_once_it_writes),
		FX(survives_a_token_that_runs_out_under_way),
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

/*
 * test_remote_upload.c - a blob of known digest to registries that behave, and
 * to those that do not.
 */
#include "tests/support/upload_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

/* -- put --------------------------------------------------------------------
 */

static void sends_a_blob_in_two_requests(void **state)
{
	const struct fakereg_opts o = { .strict_state = true };
	struct fx *x = *state;

	fx_restart(x, &o, NULL, NULL);
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, NULL), 2);
	assert_string_equal(up_seen(x, "POST", 0).content_length, "0");
	assert_string_equal(up_seen(x, "PUT", 0).content_length, "3145745");
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

static void asks_whether_201_is_true(void **state)
{
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	struct fx *x = *state;

	/* It does the same as 202, under another number. */
	up_fault(x, "POST",
		 &(struct fakereg_fault){ .late = true, .status = 201 });
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	/* It is there: nothing is sent. */
	fakereg_clear(x->f);
	up_fault(x, "POST", &(struct fakereg_fault){ .status = 201 });
	assert_ok(up_put(x), x->err);
	assert_int_equal(up_count(x, "POST"), 1);
	assert_int_equal(up_count(x, "PUT"), 0);
	/* It is not there, and where it goes is not said. */
	fakereg_forget_blob(x->f, REPO, fx_text(&d));
	assert_code(MREG_EREMOTE, up_put(x), x->err);
	assert_has(x->err.cause, "without saying where");
}

static void sends_it_again_after_a_reset(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .times = 2,
					  .cut_request = true,
					  .cut_request_at = 1000000 });
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "POST"), 3);
	/* Bytes sent twice are told of once. */
	assert_int_equal(x->t.progress_bytes, NOISE_BYTES);
	assert_has(x->t.log, "sending it again");
}

static void gives_up_after_enough_resets(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .cut_request = true,
					  .cut_request_at = 1000 });
	assert_code(MREG_ENETWORK, up_put(x), x->err);
	assert_has(x->err.msg, REPO);
	assert_int_equal(up_count(x, "PUT"), 1 + MR_RETRY_MAX);
	assert_false(up_is_there(x));
}

static void sends_it_again_after_trouble(void **state)
{
	static const int statuses[] = { 500, 502, 503, 504, 429, 408 };
	struct fx *x = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(statuses); i++)
		up_fault(x, "PUT",
			 &(struct fakereg_fault){ .times = 1,
						  .status = statuses[i] });
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "PUT"), 1 + MR_COUNT(statuses));
	fakereg_clear(x->f);
	/* The same when the body is gone before the answer comes. */
	for (i = 0; i < MR_COUNT(statuses); i++)
		up_fault(x, "PUT",
			 &(struct fakereg_fault){ .times = 1,
						  .late = true,
						  .status = statuses[i] });
	assert_ok(up_put(x), x->err);
	assert_int_equal(up_count(x, "POST"), 1 + MR_COUNT(statuses));
}

static void a_start_that_fails_is_repeated_by_net_alone(void **state)
{
	struct fx *x = *state;

	up_fault(x, "POST", &(struct fakereg_fault){ .status = 503 });
	assert_code(MREG_EREMOTE, up_put(x), x->err);
	assert_int_equal(up_count(x, "POST"), 1 + MR_RETRY_MAX);
}

static void waits_as_long_as_it_is_told(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .times = 1,
					  .late = true,
					  .status = 429,
					  .set = "Retry-After",
					  .value = "7" });
	assert_ok(up_put(x), x->err);
	assert_true(x->t.slept_ms >= 7000);
}

static void does_not_wait_for_ever(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .late = true,
					  .status = 429,
					  .set = "Retry-After",
					  .value = "3600" });
	assert_code(MREG_EREMOTE, up_put(x), x->err);
	assert_int_equal(x->t.slept_ms, 0);
}

static void a_lost_session_is_opened_again_once(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .times = 1,
					  .status = 404,
					  .code = "BLOB_UPLOAD_UNKNOWN" });
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	fakereg_clear(x->f);
	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .status = 400,
					  .code = "BLOB_UPLOAD_INVALID" });
	assert_code(MREG_EREMOTE, up_put(x), x->err);
	assert_has(x->err.cause, "BLOB_UPLOAD_INVALID");
	assert_int_equal(up_count(x, "PUT"), 2);
}

static void a_digest_refused_twice_is_refused(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .status = 400,
					  .code = "DIGEST_INVALID" });
	assert_code(MREG_EREMOTE, up_put(x), x->err);
	assert_has(x->err.cause, "DIGEST_INVALID");
	assert_int_equal(up_count(x, "PUT"), 2);
}

static void looks_whether_a_lost_answer_was_a_yes(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .late = true, .drop = true });
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "PUT"), 1);
	assert_int_equal(up_count(x, "HEAD"), 1);
}

static void believes_202_only_after_looking(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .late = true, .status = 202 });
	assert_ok(up_put(x), x->err);
	assert_int_equal(up_count(x, "HEAD"), 1);
	fakereg_clear(x->f);
	up_fault(x, "PUT", &(struct fakereg_fault){ .status = 202 });
	assert_code(MREG_EREMOTE, fx_put(x, "weights", 7), x->err);
	assert_has(x->err.cause, "answered 202, but does not have it");
}

static void takes_204_for_done(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .late = true, .status = 204 });
	assert_ok(up_put(x), x->err);
	assert_int_equal(up_count(x, NULL), 2);
}

static void refuses_another_digest(void **state)
{
	struct fx *x = *state;
	const struct mreg_desc other = fx_desc("other", 5);

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .set = "Docker-Content-Digest",
					  .value = fx_text(&other) });
	assert_code(MREG_EINTEGRITY, up_put(x), x->err);
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
	/* A small one is read before anybody is asked. */
	assert_int_equal(up_count(x, NULL), 0);
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
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_true(up_seen(x, "PUT", 0).elsewhere);
	assert_string_equal(up_seen(x, "PUT", 0).scheme, "");
}

static void refuses_places_that_are_none(void **state)
{
	static const char *const places[] = { "http://u:p@127.0.0.1:1/x",
					      "ftp://127.0.0.1/x", "http://",
					      "//", NULL };
	struct fx *x = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(places); i++) {
		up_fault(x, "POST",
			 &(struct fakereg_fault){ .set = "Location",
						  .value = places[i] });
		assert_code(MREG_EREMOTE, up_put(x), x->err);
		assert_int_equal(up_count(x, "PUT"), 0);
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
	assert_code(MREG_EDENIED, up_put(x), x->err);
	assert_has(x->err.msg, REPO);
	assert_true(x->err.hint[0]);
	assert_int_equal(up_count(x, "PUT"), 0);
}

static void tells_the_anonymous_to_log_in(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.bearer = true,
					.anonymous_pull = true };
	struct fx *x = *state;

	fx_restart(x, &o, NULL, NULL);
	assert_code(MREG_EAUTH, up_put(x), x->err);
	assert_has(x->err.hint, "mreg login 127.0.0.1:");
}

static void says_that_the_quota_is_used_up(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){
			 .status = 403,
			 .code = "DENIED",
			 .message = "adding 3 MiB will exceed the Quota" });
	assert_code(MREG_EDENIED, up_put(x), x->err);
	assert_has(x->err.hint, "quota");
}

static void says_that_it_is_too_large(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .status = 413,
					  .type = "text/html",
					  .body = "<html>413</html>" });
	assert_code(MREG_ELIMIT, up_put(x), x->err);
	assert_has(x->err.cause, "HTML");
	assert_has(x->err.hint, "proxy");
	assert_int_equal(up_count(x, "PUT"), 1);
}

static void says_that_the_repository_must_be_made_first(void **state)
{
	struct fx *x = *state;

	up_fault(x, "POST",
		 &(struct fakereg_fault){ .status = 404,
					  .code = "NAME_UNKNOWN" });
	assert_code(MREG_ENOTFOUND, up_put(x), x->err);
	assert_has(x->err.hint, "create the repository");
	assert_int_equal(up_count(x, "POST"), 1);
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
	assert_ok(up_put(x), x->err);
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
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(sends_a_blob_in_two_requests),
		FX(sends_an_empty_blob),
		FX(asks_whether_201_is_true),
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
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

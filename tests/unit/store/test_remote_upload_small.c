/*
 * test_remote_upload_small.c - small blobs in one POST or two requests, and
 * what is noted of large ones for mounts.
 */
#include "tests/support/upload_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/remote_upload.h"

#define BODY "*/blobs/uploads/?digest=*"

static int put_text(struct fx *x, const char *text)
{
	return fx_put(x, text, strlen(text));
}

static bool has_text(struct fx *x, const char *text)
{
	const struct mreg_desc d = fx_desc(text, strlen(text));
	char *bytes = fakereg_blob(x->f, REPO, fx_text(&d), NULL);
	bool same = bytes && strcmp(bytes, text) == 0;

	free(bytes);
	return same;
}

static void one_post_is_enough_where_it_is(void **state)
{
	const struct fakereg_opts o = { .single_post = true };
	struct fx *x = *state;

	fx_restart(x, &o, NULL, NULL);
	assert_ok(put_text(x, "one"), x->err);
	assert_ok(put_text(x, "two"), x->err);
	assert_true(has_text(x, "one") && has_text(x, "two"));
	assert_int_equal(up_count(x, NULL), 2);
	assert_int_equal(up_count(x, "POST"), 2);
	assert_int_equal(x->t.progress_bytes, 6);
}

static void one_small_body_is_wasted_where_it_is_not(void **state)
{
	struct fx *x = *state;

	assert_ok(put_text(x, "one"), x->err);
	assert_ok(put_text(x, "two"), x->err);
	assert_ok(put_text(x, "three"), x->err);
	assert_true(has_text(x, "one") && has_text(x, "three"));
	/* The session that the first opened is used. */
	assert_int_equal(up_count(x, "POST"), 3);
	assert_int_equal(up_count(x, "PUT"), 3);
	assert_int_equal(fakereg_count(x->f, "POST", BODY), 1);
}

static void what_it_learned_outlives_the_session(void **state)
{
	char *dir = test_tmpdir_new();
	char path[512];
	struct fx *x = *state;
	struct mr_state *s;

	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	s = mr_state_open(path, &x->t.env);
	assert_non_null(s);
	up_open(x, s);
	assert_ok(put_text(x, "one"), x->err);
	up_open(x, s);
	assert_ok(put_text(x, "two"), x->err);
	assert_int_equal(fakereg_count(x->f, "POST", BODY), 1);
	/* But not for ever. */
	x->t.now_ms += 8 * INT64_C(86400000);
	up_open(x, s);
	assert_ok(put_text(x, "three"), x->err);
	assert_int_equal(fakereg_count(x->f, "POST", BODY), 2);
	up_open(x, NULL);
	mr_state_close(s);
	test_tmpdir_free(dir);
}

static void a_refused_post_is_done_in_two(void **state)
{
	static const int statuses[] = {
		400, 404, 405, 411, 413, 415, 417, 501
	};
	struct fx *x = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(statuses); i++) {
		fakereg_clear(x->f);
		up_open(x, NULL);
		up_fault(x, "POST",
			 &(struct fakereg_fault){ .path = BODY,
						  .status = statuses[i] });
		assert_ok(put_text(x, "one"), x->err);
		assert_int_equal(up_count(x, "PUT"), 1);
	}
}

static void what_is_no_refusal_of_one_post_teaches_nothing(void **state)
{
	static const int statuses[] = { 404, 413, 429 };
	struct fx *x = *state;
	uint64_t works;
	size_t i;

	for (i = 0; i < MR_COUNT(statuses); i++) {
		fakereg_clear(x->f);
		up_open(x, NULL);
		up_fault(x, "POST",
			 &(struct fakereg_fault){ .path = BODY,
						  .status = statuses[i] });
		assert_ok(put_text(x, "one"), x->err);
		assert_false(mr_remote_lesson(mr_remote_of(x->s),
					      MR_LESSON_SINGLE, &works));
	}
}

static void a_post_that_breaks_is_repeated_by_net_alone(void **state)
{
	struct fx *x = *state;

	up_fault(x, "POST",
		 &(struct fakereg_fault){ .path = BODY, .drop = true });
	assert_code(MREG_ENETWORK, put_text(x, "one"), x->err);
	/* curl repeats some by itself. */
	assert_true(up_count(x, "POST") <= 2 * (1 + MR_RETRY_MAX));
}

static void a_post_that_is_denied_says_so(void **state)
{
	struct fx *x = *state;

	up_fault(x, "POST",
		 &(struct fakereg_fault){ .path = "*", .status = 403 });
	assert_code(MREG_EDENIED, put_text(x, "one"), x->err);
}

static void trouble_with_a_small_put_opens_another_session(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .times = 2,
					  .cut_request = true,
					  .cut_request_at = 1 });
	assert_ok(put_text(x, "weights"), x->err);
	assert_true(has_text(x, "weights"));
	/* curl may have used up one of the two by itself. */
	assert_true(up_count(x, "POST") >= 2);
	assert_int_equal(x->t.progress_bytes, 7);
}

/* -- mounts -----------------------------------------------------------------
 */

static void a_blob_that_was_seen_elsewhere_is_mounted(void **state)
{
	const struct fakereg_opts o = { .mounts = true };
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	const struct mreg_desc small = fx_desc("small", 5);
	char *dir = test_tmpdir_new();
	char path[512];
	struct fx *x = *state;
	struct mr_state *s;
	bool done = false;

	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	s = mr_state_open(path, &x->t.env);
	assert_non_null(s);
	fx_restart(x, &o, NULL, NULL);
	up_open(x, s);
	assert_ok(mr_remote_mount_noted(x->s, &d, &done, &x->err), x->err);
	assert_false(done);
	assert_int_equal(up_count(x, NULL), 0);

	fakereg_put_blob(x->f, "acme/base", NULL, fx_noise(), NOISE_BYTES);
	mr_remote_note_blob(s, fakereg_host(x->f), "acme/base", &d);
	mr_remote_note_blob(s, fakereg_host(x->f), "acme/base", &small);
	assert_ok(mr_remote_mount_noted(x->s, &small, &done, &x->err), x->err);
	assert_false(done);
	assert_ok(mr_remote_mount_noted(x->s, &d, &done, &x->err), x->err);
	assert_true(done);
	up_assert_there(x);
	assert_int_equal(up_count(x, NULL), 1);
	/* It is ours as well now. */
	assert_ok(mr_remote_mount_noted(x->s, &d, &done, &x->err), x->err);
	assert_false(done);
	assert_int_equal(up_count(x, NULL), 1);
	up_open(x, NULL);
	mr_state_close(s);
	test_tmpdir_free(dir);
}

static void the_session_that_a_mount_opened_is_used(void **state)
{
	const struct mreg_desc d = fx_desc(fx_noise(), NOISE_BYTES);
	char *dir = test_tmpdir_new();
	char path[512];
	struct fx *x = *state;
	struct mr_state *s;
	bool done = true;

	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	s = mr_state_open(path, &x->t.env);
	assert_non_null(s);
	up_open(x, s);
	mr_remote_note_blob(s, fakereg_host(x->f), "acme/base", &d);
	assert_ok(mr_remote_mount_noted(x->s, &d, &done, &x->err), x->err);
	assert_false(done);
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	assert_int_equal(up_count(x, "POST"), 1);
	/* Where it is not, nobody looks again. */
	up_open(x, s);
	fakereg_clear(x->f);
	assert_ok(mr_remote_mount_noted(x->s, &d, &done, &x->err), x->err);
	assert_int_equal(up_count(x, NULL), 0);
	up_open(x, NULL);
	mr_state_close(s);
	test_tmpdir_free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(one_post_is_enough_where_it_is),
		FX(one_small_body_is_wasted_where_it_is_not),
		FX(what_it_learned_outlives_the_session),
		FX(a_refused_post_is_done_in_two),
		FX(what_is_no_refusal_of_one_post_teaches_nothing),
		FX(a_post_that_breaks_is_repeated_by_net_alone),
		FX(a_post_that_is_denied_says_so),
		FX(trouble_with_a_small_put_opens_another_session),
		FX(a_blob_that_was_seen_elsewhere_is_mounted),
		FX(the_session_that_a_mount_opened_is_used),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

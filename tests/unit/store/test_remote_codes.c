/*
 * test_remote_codes.c - refusals whose status says nothing, and whose code
 * says that trying again helps (protocol.md P-94).
 */
#include "tests/support/upload_fixture.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "store/remote.h"

#define BODY START "?digest=*"

static int put_small(struct fx *x)
{
	return fx_put(x, "weights", 7);
}

static void a_status_comes_before_a_code(void **state)
{
	(void)state;
	assert_true(mr_remote_passing(400, "TOOMANYREQUESTS"));
	assert_true(mr_remote_passing(400, "UNAVAILABLE"));
	assert_true(mr_remote_passing(520, "UNAVAILABLE"));
	assert_true(mr_remote_passing(503, ""));
	assert_true(mr_remote_passing(503, "DENIED"));
	assert_false(mr_remote_passing(400, ""));
	assert_false(mr_remote_passing(400, "UNKNOWN"));
	assert_false(mr_remote_passing(400, "DIGEST_INVALID"));
	assert_false(mr_remote_passing(403, "TOOMANYREQUESTS"));
	assert_false(mr_remote_passing(404, "UNAVAILABLE"));
	assert_false(mr_remote_passing(413, "TOOMANYREQUESTS"));
	assert_false(mr_remote_passing(501, "UNAVAILABLE"));
	assert_false(mr_remote_passing(520, ""));
}

static void an_upload_waits_when_a_code_says_so(void **state)
{
	static const char *const codes[] = { "TOOMANYREQUESTS", "UNAVAILABLE" };
	static const char *const methods[] = { "POST", "PUT" };
	struct fx *x = *state;
	size_t i, k;

	for (i = 0; i < MR_COUNT(codes); i++)
		for (k = 0; k < MR_COUNT(methods); k++) {
			unsigned int sleeps = x->t.sleeps;

			fx_restart(x, NULL, NULL, NULL);
			up_fault(x, methods[k],
				 &(struct fakereg_fault){ .times = 2,
							  .status = 400,
							  .code = codes[i] });
			assert_ok(up_put(x), x->err);
			up_assert_there(x);
			assert_int_equal(up_count(x, methods[k]), 3);
			assert_int_equal(x->t.sleeps, sleeps + 2);
		}
}

static void but_not_for_ever(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .status = 400,
					  .code = "TOOMANYREQUESTS" });
	assert_code(MREG_EREMOTE, up_put(x), x->err);
	assert_has(x->err.cause, "TOOMANYREQUESTS");
	assert_int_equal(up_count(x, "PUT"), MR_RETRY_MAX + 1);
}

static void what_is_denied_stays_denied(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .status = 403,
					  .code = "TOOMANYREQUESTS" });
	assert_code(MREG_EDENIED, up_put(x), x->err);
	assert_int_equal(up_count(x, "PUT"), 1);
}

static void unknown_is_worth_one_more(void **state)
{
	struct fx *x = *state;

	up_fault(x, "PUT",
		 &(struct fakereg_fault){
			 .times = 1, .status = 400, .code = "UNKNOWN" });
	assert_ok(up_put(x), x->err);
	up_assert_there(x);
	fx_restart(x, NULL, NULL, NULL);
	up_fault(x, "PUT",
		 &(struct fakereg_fault){ .status = 400, .code = "UNKNOWN" });
	assert_code(MREG_EREMOTE, up_put(x), x->err);
	assert_int_equal(up_count(x, "PUT"), 2);
}

/* That one POST is not enough here would be a lesson for a week. */
static void a_moment_is_not_taken_for_a_rule(void **state)
{
	const struct fakereg_opts o = { .single_post = true };
	struct fx *x = *state;
	uint64_t works = 0;

	fx_restart(x, &o, NULL, NULL);
	fakereg_fault(x->f,
		      &(struct fakereg_fault){ .method = "POST",
					       .path = BODY,
					       .times = 1,
					       .status = 400,
					       .code = "TOOMANYREQUESTS" });
	assert_ok(put_small(x), x->err);
	assert_false(
		mr_remote_lesson(mr_remote_of(x->s), MR_LESSON_SINGLE, &works));
	/* One session tries once. */
	up_open(x, NULL);
	fakereg_fault(x->f, &(struct fakereg_fault){ .method = "POST",
						     .path = BODY,
						     .times = 1,
						     .status = 400,
						     .code = "UNSUPPORTED" });
	assert_ok(fx_put(x, "others", 6), x->err);
	assert_true(
		mr_remote_lesson(mr_remote_of(x->s), MR_LESSON_SINGLE, &works));
	assert_int_equal(works, 0);
}

static void a_manifest_waits_too(void **state)
{
	const struct mreg_desc layer = fx_desc("weights", 7);
	struct fakereg_fault f = { .method = "PUT",
				   .path = "*/manifests/*",
				   .times = 2,
				   .status = 400,
				   .code = "TOOMANYREQUESTS" };
	struct fx *x = *state;
	struct mreg_desc d;
	const char *text = fx_manifest(&layer, &d);

	fakereg_put_blob(x->f, REPO, NULL, "{}", 2);
	fakereg_put_blob(x->f, REPO, NULL, "weights", 7);
	fakereg_fault(x->f, &f);
	assert_ok(mr_store_set(x->s, "v1", &d, text, NULL, &x->err), x->err);
	assert_int_equal(fakereg_count(x->f, "PUT", f.path), 3);
	assert_int_equal(x->t.sleeps, 2);
	f.times = 0;
	fakereg_fault(x->f, &f);
	assert_code(MREG_EREMOTE,
		    mr_store_set(x->s, "v2", &d, text, NULL, &x->err), x->err);
	assert_has(x->err.cause, "TOOMANYREQUESTS");
	assert_int_equal(fakereg_count(x->f, "PUT", f.path),
			 3 + MR_REPAIRS_MAX + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(a_status_comes_before_a_code),
		FX(an_upload_waits_when_a_code_says_so),
		FX(but_not_for_ever),
		FX(what_is_denied_stays_denied),
		FX(unknown_is_worth_one_more),
		FX(a_moment_is_not_taken_for_a_rule),
		FX(a_manifest_waits_too),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

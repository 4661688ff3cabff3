/*
 * test_remote_profile.c - which registry a host is taken for, and what it is
 * known not to take.
 */
#include "tests/support/upload_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/remote_upload.h"

#define GIB (UINT64_C(1) << 30)

static void knows_registries_by_their_hosts(void **state)
{
	static const struct {
		const char *host, *name;
	} rows[] = {
		{ "ghcr.io", "ghcr" },
		{ "ghcr.io:443", "ghcr" },
		{ "my-ghcr.io", "unknown" },
		{ "123.dkr.ecr.eu-west-1.amazonaws.com", "ecr" },
		{ "123.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr" },
		{ "1.dkr.ecr-fips.us-east-1.amazonaws.com", "ecr" },
		{ "registry.eu-west-1.elb.amazonaws.com", "unknown" },
		{ "amazonaws.com.example.org", "unknown" },
		{ "public.ecr.aws", "ecr-public" },
		{ "europe-docker.pkg.dev", "gar" },
		{ "gcr.io", "gar" },
		{ "eu.gcr.io", "gar" },
		{ "acme.azurecr.io", "acr" },
		{ "quay.io", "quay" },
		{ "docker.io", "dockerhub" },
		{ "registry-1.docker.io", "dockerhub" },
		{ "registry.gitlab.com", "gitlab" },
		{ "acme.jfrog.io", "jfrog" },
		{ "codeberg.org", "gitea" },
		{ "localhost:5000", "unknown" },
		{ "127.0.0.1", "unknown" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++)
		assert_string_equal(mr_profile_of(rows[i].host)->name,
				    rows[i].name);
}

static void what_cannot_be_resumed_is_not_sent_in_pieces_first(void **state)
{
	static const char *const hosts[] = { "ghcr.io",
					     "1.dkr.ecr.x.amazonaws.com",
					     "gcr.io", "docker.io",
					     "localhost:5000" };
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(hosts); i++)
		assert_true(mr_profile_of(hosts[i])->chunks != MR_CHUNKS_LIKED);
}

/* A store of that host; nothing is asked of it. */
static struct mr_store *store_of(struct fx *x, const char *host)
{
	struct mr_store *s = NULL;

	assert_ok(mr_remote_open(&x->t.env, x->net, host, REPO, &s, &x->err),
		  x->err);
	return s;
}

static int check(struct fx *x, const char *host, uint64_t size)
{
	struct mr_store *s = store_of(x, host);
	int rc = mr_remote_check_size(s, "model.safetensors", size, &x->err);

	mr_store_close(s);
	return rc;
}

static void refuses_what_is_published_to_be_too_large(void **state)
{
	struct fx *x = *state;

	assert_ok(check(x, "ghcr.io", 10 * GIB), x->err);
	assert_code(MREG_ELIMIT, check(x, "ghcr.io", 10 * GIB + 1), x->err);
	assert_has(x->err.msg, "'model.safetensors' has 10.0 GiB (10737418241 "
			       "bytes), but 'ghcr.io' takes at most 10.0 GiB "
			       "(10737418240) in one layer: ");
	assert_has(x->err.msg, "the limit of GitHub");
	assert_has(x->err.hint, "MREG_LIMIT_LAYER");
	assert_code(MREG_ELIMIT,
		    check(x, "1.dkr.ecr.x.amazonaws.com", 52 * 1024 * GIB),
		    x->err);
	assert_code(MREG_ELIMIT, check(x, "a.azurecr.io", 201 * GIB), x->err);
	assert_code(MREG_ELIMIT, check(x, "quay.io", 21 * GIB), x->err);
	assert_string_equal(x->t.log, "");
}

static void warns_of_what_may_be_too_large(void **state)
{
	struct fx *x = *state;

	assert_ok(check(x, "eu.gcr.io", 11 * GIB), x->err);
	assert_has(x->t.log, "larger than 10.0 GiB; Google");
	assert_ok(check(x, "localhost:5000", 11 * GIB), x->err);
	assert_has(x->t.log, "some registries may take no such layer");
}

static void warns_of_many_layers(void **state)
{
	struct fx *x = *state;
	struct mr_store *s = store_of(x, "1.dkr.ecr.x.amazonaws.com");

	mr_remote_check_count(s, 500);
	assert_string_equal(x->t.log, "");
	mr_remote_check_count(s, 501);
	assert_has(x->t.log, "501 files are as many layers; Amazon ECR may "
			     "take at most 500");
	mr_store_close(s);
}

static void settings_replace_what_is_published(void **state)
{
	struct fx *x = *state;
	struct mr_store *s = store_of(x, "ghcr.io");

	mr_remote_limits(s, 20 * GIB, 0);
	assert_ok(mr_remote_check_size(s, "a", 20 * GIB, &x->err), x->err);
	assert_code(MREG_ELIMIT,
		    mr_remote_check_size(s, "a", 20 * GIB + 1, &x->err),
		    x->err);
	assert_has(x->err.msg, "set by limit.layer");
	mr_store_close(s);
}

static void other_stores_have_no_limits(void **state)
{
	struct fx *x = *state;
	struct mr_store *s = NULL;
	bool done = true;
	struct mreg_desc d = fx_desc("x", 1);

	assert_ok(mr_memory_open(&x->t.env, &s, &x->err), x->err);
	mr_remote_limits(s, 1, 1);
	mr_remote_check_count(s, 100000);
	assert_ok(mr_remote_check_size(s, "a", 1000 * GIB, &x->err), x->err);
	assert_string_equal(mr_remote_profile_name(s), "");
	assert_ok(mr_remote_mount_noted(s, &d, &done, &x->err), x->err);
	assert_false(done);
	mr_store_close(s);
}

/* -- lessons ----------------------------------------------------------------
 */

static bool recalls(struct fx *x, struct mr_state *s, const char *text,
		    uint64_t *value)
{
	char scope[300];

	(void)snprintf(scope, sizeof(scope), "http://%s", fakereg_host(x->f));
	mr_state_fact_put(s, scope, "upload.request", text);
	up_open(x, s);
	return mr_remote_lesson(mr_remote_of(x->s), MR_LESSON_REQUEST, value);
}

static void believes_only_lessons_that_can_be_true(void **state)
{
	struct fx *x = *state;
	char *dir = test_tmpdir_new();
	char path[512], text[64];
	struct mr_state *s;
	uint64_t value = 0;
	long long now = x->t.now_ms / 1000;

	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	s = mr_state_open(path, &x->t.env);
	assert_non_null(s);
	(void)snprintf(text, sizeof(text), "20971520 %lld", now);
	assert_true(recalls(x, s, text, &value));
	assert_int_equal(value, 20971520);
	(void)snprintf(text, sizeof(text), "20971520 %lld", now - 7 * 86400);
	assert_false(recalls(x, s, text, &value));
	(void)snprintf(text, sizeof(text), "20971520 %lld", now + 60);
	assert_false(recalls(x, s, text, &value));
	/* A limit of a few bytes would be a request for each of them. */
	(void)snprintf(text, sizeof(text), "17 %lld", now);
	assert_false(recalls(x, s, text, &value));
	assert_false(recalls(x, s, "20971520", &value));
	assert_false(recalls(x, s, "many 1", &value));
	assert_false(recalls(x, s, "", &value));

	/* What is learned now is there the next time. */
	mr_remote_learn(mr_remote_of(x->s), MR_LESSON_REQUEST, 17);
	assert_false(mr_remote_lesson(mr_remote_of(x->s), MR_LESSON_REQUEST,
				      &value));
	mr_remote_learn(mr_remote_of(x->s), MR_LESSON_REQUEST, 4 * MIB);
	up_open(x, s);
	assert_true(mr_remote_lesson(mr_remote_of(x->s), MR_LESSON_REQUEST,
				     &value));
	assert_int_equal(value, 4 * MIB);
	up_open(x, NULL);
	mr_state_close(s);
	test_tmpdir_free(dir);
}

static void a_smaller_request_is_learned_step_by_step(void **state)
{
	struct fx *x = *state;
	char *dir = test_tmpdir_new();
	char path[512];
	struct mr_state *s;
	struct mr_remote *r;
	uint64_t value;
	bool news;

	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	s = mr_state_open(path, &x->t.env);
	assert_non_null(s);
	up_open(x, s);
	r = mr_remote_of(x->s);
	assert_int_equal(mr_remote_step_down(r, 100 * MIB, &news), 90 * MIB);
	assert_true(news);
	/* As large, sent before that was known. */
	assert_int_equal(mr_remote_step_down(r, 100 * MIB, &news), 90 * MIB);
	assert_false(news);
	assert_int_equal(mr_remote_step_down(r, 64 * MIB, &news), 50 * MIB);
	assert_true(news);
	assert_int_equal(mr_remote_step_down(r, 4 * MIB, &news), 50 * MIB);
	assert_false(news);
	/* Nobody has accepted such a piece yet. */
	up_open(x, s);
	r = mr_remote_of(x->s);
	assert_false(mr_remote_lesson(r, MR_LESSON_REQUEST, &value));
	mr_remote_confirm(r);
	(void)mr_remote_step_down(r, 40 * MIB, &news);
	mr_remote_confirm(r);
	up_open(x, s);
	assert_true(mr_remote_lesson(mr_remote_of(x->s), MR_LESSON_REQUEST,
				     &value));
	assert_int_equal(value, 20 * MIB);
	up_open(x, NULL);
	mr_state_close(s);
	test_tmpdir_free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_registries_by_their_hosts),
		cmocka_unit_test(
			what_cannot_be_resumed_is_not_sent_in_pieces_first),
		FX(refuses_what_is_published_to_be_too_large),
		FX(warns_of_what_may_be_too_large),
		FX(warns_of_many_layers),
		FX(settings_replace_what_is_published),
		FX(other_stores_have_no_limits),
		FX(believes_only_lessons_that_can_be_true),
		FX(a_smaller_request_is_learned_step_by_step),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

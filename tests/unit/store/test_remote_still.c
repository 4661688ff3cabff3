/*
 * test_remote_still.c - whether a tag has what it had, asked of registries
 * that keep digests as ETags, and of those that do not.
 */
#include "tests/support/remote_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static struct mreg_desc seed(struct fx *x, const char *tag, const char *text)
{
	const struct mreg_desc layer = fx_desc(text, strlen(text));
	struct mreg_desc d;
	const char *manifest = fx_manifest(&layer, &d);

	fakereg_put_blob(x->f, REPO, NULL, "{}", 2);
	fakereg_put_blob(x->f, REPO, NULL, text, strlen(text));
	fakereg_put_manifest(x->f, REPO, tag, MR_MEDIA_MANIFEST, manifest);
	return d;
}

static void keep_etags(struct fx *x)
{
	const struct fakereg_opts o = { .etags = true };

	fx_restart(x, &o, NULL, NULL);
}

/* Whether v1 has `was`; what it has is `now` otherwise. */
static bool still(struct fx *x, const struct mreg_desc *was,
		  const struct mreg_desc *now)
{
	struct mreg_desc got = { .size = 0 };
	bool found = false, same = false;

	assert_ok(mr_store_still(x->s, "v1", &was->digest, &got, &found, &same,
				 &x->err),
		  x->err);
	assert_true(found);
	if (same)
		return true;
	assert_true(mreg_digest_equal(&got.digest, &now->digest));
	assert_int_equal(got.size, now->size);
	assert_string_equal(got.media_type, MR_MEDIA_MANIFEST);
	return false;
}

static void assert_requests(struct fx *x, size_t heads, size_t gets)
{
	assert_int_equal(fakereg_count(x->f, "HEAD", NULL), heads);
	assert_int_equal(fakereg_count(x->f, "GET", NULL), gets);
}

static void nothing_new_is_told_with_304(void **state)
{
	struct fx *x = *state;
	struct fakereg_seen seen;
	struct mreg_desc d;
	char want[160], text[MREG_DIGEST_TEXT];

	keep_etags(x);
	d = seed(x, "v1", "weights");
	assert_true(still(x, &d, NULL));
	assert_requests(x, 1, 0);
	assert_true(fakereg_get(x->f, "HEAD", NULL, 0, &seen));
	assert_int_equal(seen.status, 304);
	snprintf(want, sizeof(want), "\"%s\"",
		 mreg_digest_text(&d.digest, text));
	assert_string_equal(seen.unless, want);
}

static void a_tag_that_moved_is_told_by_the_same_request(void **state)
{
	struct fx *x = *state;
	struct mreg_desc was, now;

	keep_etags(x);
	was = seed(x, "v1", "weights");
	now = seed(x, "v1", "others");
	assert_false(still(x, &was, &now));
	assert_requests(x, 1, 0);
}

static void without_etags_the_digest_is_compared(void **state)
{
	struct fx *x = *state;
	struct mreg_desc was = seed(x, "v1", "weights"), now;

	assert_true(still(x, &was, NULL));
	now = seed(x, "v1", "others");
	assert_false(still(x, &was, &now));
	assert_requests(x, 2, 0);
}

static void without_a_digest_the_manifest_is_compared(void **state)
{
	const struct fakereg_opts o = { .no_digest_header = true };
	struct fx *x = *state;
	struct mreg_desc was, now;

	fx_restart(x, &o, NULL, NULL);
	was = seed(x, "v1", "weights");
	assert_true(still(x, &was, NULL));
	now = seed(x, "v1", "others");
	assert_false(still(x, &was, &now));
	assert_requests(x, 2, 2);
}

static void a_304_about_something_else_is_not_believed(void **state)
{
	const struct fakereg_fault stale = {
		.method = "HEAD",
		.path = "*/manifests/*",
		.status = 304,
		.headers = "Docker-Content-Digest: sha256:"
			   "e3b0c44298fc1c149afbf4c8996fb924"
			   "27ae41e4649b934ca495991b7852b855",
	};
	struct fx *x = *state;
	struct mreg_desc was = seed(x, "v1", "weights");
	struct mreg_desc now = seed(x, "v1", "others");

	fakereg_fault(x->f, &stale);
	assert_false(still(x, &was, &now));
	assert_requests(x, 1, 1);
}

static void who_does_not_ask_for_it_is_not_told_304(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d, got;
	struct fakereg_seen seen;
	bool found = false;

	keep_etags(x);
	d = seed(x, "v1", "weights");
	assert_ok(mr_store_resolve(x->s, "v1", &got, &found, &x->err), x->err);
	assert_true(found && mreg_digest_equal(&got.digest, &d.digest));
	assert_true(fakereg_get(x->f, "HEAD", NULL, 0, &seen));
	assert_string_equal(seen.unless, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(nothing_new_is_told_with_304),
		FX(a_tag_that_moved_is_told_by_the_same_request),
		FX(without_etags_the_digest_is_compared),
		FX(without_a_digest_the_manifest_is_compared),
		FX(a_304_about_something_else_is_not_believed),
		FX(who_does_not_ask_for_it_is_not_told_304),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_remote_manifest.c - manifests and tags of registries that behave, and
 * of those that do not.
 */
#include "tests/support/remote_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

#define MANIFESTS "*/manifests/*"

/* A manifest under `tag`, with its blobs. */
static struct mreg_desc seed(struct fx *x, const char *tag)
{
	const struct mreg_desc layer = fx_desc("weights", 7);
	struct mreg_desc d;
	const char *text = fx_manifest(&layer, &d);

	fakereg_put_blob(x->f, REPO, NULL, "{}", 2);
	fakereg_put_blob(x->f, REPO, NULL, "weights", 7);
	fakereg_put_manifest(x->f, REPO, tag, MR_MEDIA_MANIFEST, text);
	return d;
}

static void fault(struct fx *x, const char *method,
		  const struct fakereg_fault *f)
{
	struct fakereg_fault all = *f;

	all.method = method;
	all.path = MANIFESTS;
	fakereg_fault(x->f, &all);
}

static size_t count(struct fx *x, const char *method)
{
	return fakereg_count(x->f, method, NULL);
}

static void assert_resolves(struct fx *x, const char *reference,
			    const struct mreg_desc *want)
{
	struct mreg_desc got;
	bool found = false;

	assert_ok(mr_store_resolve(x->s, reference, &got, &found, &x->err),
		  x->err);
	assert_true(found);
	assert_true(mreg_digest_equal(&got.digest, &want->digest));
	assert_int_equal(got.size, want->size);
	assert_string_equal(got.media_type, MR_MEDIA_MANIFEST);
}

static bool is_tag(struct fx *x, const char *tag)
{
	char text[144];

	return fakereg_tag(x->f, REPO, tag, text)[0] != '\0';
}

static int get(struct fx *x, const char *reference)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	bool found = false;
	int rc;

	rc = mr_store_get(x->s, reference, &doc, &found, &x->err);
	if (rc == 0 && found)
		assert_int_equal(doc.bytes.len, doc.desc.size);
	return rc < 0 ? rc : found;
}

/* -- reading ----------------------------------------------------------------
 */

static void resolves_with_one_head(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x, "v1");
	struct fakereg_seen seen;

	assert_resolves(x, "v1", &d);
	assert_resolves(x, fx_text(&d), &d);
	assert_int_equal(count(x, "HEAD"), 2);
	assert_int_equal(count(x, NULL), 2);
	assert_true(fakereg_get(x->f, "HEAD", NULL, 0, &seen));
	assert_has(seen.accept, MR_MEDIA_MANIFEST);
	assert_has(seen.accept, MR_MEDIA_INDEX);
	assert_has(seen.accept, MR_MEDIA_DOCKER_MANIFEST);
}

static void fetches_what_head_does_not_tell(void **state)
{
	const struct fakereg_opts o = { .no_digest_header = true };
	const struct fakereg_fault heads[] = {
		{ .status = 405 },
		{ .status = 403 },
		{ .set = "Docker-Content-Digest", .value = "sha256:00" },
		{ .set = "Content-Type", .value = NULL },
		{ .set = "Content-Type", .value = "text/html; charset=utf-8" },
	};
	struct fx *x = *state;
	struct mreg_desc d;
	size_t i;

	fx_restart(x, &o, NULL, NULL);
	d = seed(x, "v1");
	assert_resolves(x, "v1", &d);
	fx_restart(x, NULL, NULL, NULL);
	d = seed(x, "v1");
	for (i = 0; i < MR_COUNT(heads); i++) {
		fault(x, "HEAD", &heads[i]);
		assert_resolves(x, "v1", &d);
		assert_int_equal(count(x, "GET"), 1);
		fakereg_clear(x->f);
	}
}

static void absence_is_no_error(void **state)
{
	struct fx *x = *state;
	struct mreg_desc got;
	bool found = true;

	assert_ok(mr_store_resolve(x->s, "v1", &got, &found, &x->err), x->err);
	assert_false(found);
	assert_int_equal(get(x, "v1"), 0);
	/* JFrog: forbidden to look at what is not there (P-62). */
	fault(x, "HEAD", &(struct fakereg_fault){ .status = 403 });
	assert_ok(mr_store_resolve(x->s, "v1", &got, &found, &x->err), x->err);
	assert_false(found);
}

static void gives_the_bytes_as_they_are(void **state)
{
	const struct mreg_desc layer = fx_desc("weights", 7);
	struct fx *x = *state;
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	struct mreg_desc d = seed(x, "v1");
	bool found = false;

	assert_ok(mr_store_get(x->s, "v1", &doc, &found, &x->err), x->err);
	assert_true(found);
	assert_string_equal(doc.bytes.data, fx_manifest(&layer, &d));
	assert_string_equal(doc.desc.media_type, MR_MEDIA_MANIFEST);
	assert_true(mreg_digest_equal(&doc.desc.digest, &d.digest));
}

static void drops_parameters_of_the_type(void **state)
{
	struct fx *x = *state;
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	bool found = false;

	(void)seed(x, "v1");
	fault(x, "GET",
	      &(struct fakereg_fault){ .type = MR_MEDIA_MANIFEST
				       "; charset=utf-8" });
	assert_ok(mr_store_get(x->s, "v1", &doc, &found, &x->err), x->err);
	assert_string_equal(doc.desc.media_type, MR_MEDIA_MANIFEST);
}

static void reads_again_what_broke_off(void **state)
{
	struct fx *x = *state;

	(void)seed(x, "v1");
	fault(x, "GET",
	      &(struct fakereg_fault){ .times = 2, .cut = true, .cut_at = 20 });
	assert_int_equal(get(x, "v1"), 1);
	assert_int_equal(count(x, "GET"), 3);
	fakereg_clear(x->f);
	fault(x, "GET", &(struct fakereg_fault){ .cut = true, .cut_at = 20 });
	assert_code(MREG_ENETWORK, get(x, "v1"), x->err);
	assert_has(x->err.msg, "cannot read manifest 'v1' of '127.0.0.1:");
	assert_has(x->err.msg, "closed the connection");
	assert_int_equal(count(x, "GET"), 1 + MR_RETRY_MAX);
}

static void refuses_a_web_page(void **state)
{
	struct fx *x = *state;

	(void)seed(x, "v1");
	fault(x, "GET",
	      &(struct fakereg_fault){ .type = "text/html",
				       .body = "<html>Sign in</html>",
				       .set = "Docker-Content-Digest" });
	assert_code(MREG_EREMOTE, get(x, "v1"), x->err);
	assert_has(x->err.msg, "is a web page");
	assert_has(x->err.hint, "proxy");
	fakereg_clear(x->f);
	fault(x, "GET",
	      &(struct fakereg_fault){ .body = " \n<!DOCTYPE html>",
				       .set = "Docker-Content-Digest" });
	assert_code(MREG_EREMOTE, get(x, "v1"), x->err);
}

static void refuses_an_empty_answer(void **state)
{
	struct fx *x = *state;

	(void)seed(x, "v1");
	fault(x, "GET", &(struct fakereg_fault){ .body = "" });
	assert_code(MREG_EREMOTE, get(x, "v1"), x->err);
	assert_has(x->err.msg, "empty");
}

static void refuses_bytes_of_another_digest(void **state)
{
	const struct mreg_desc other = fx_desc("other", 5);
	struct fx *x = *state;
	struct mreg_desc d = seed(x, "v1");
	bool found;

	fault(x, "GET", &(struct fakereg_fault){ .flip = true });
	assert_code(MREG_EINTEGRITY, get(x, "v1"), x->err);
	assert_code(MREG_EINTEGRITY, get(x, fx_text(&d)), x->err);
	fakereg_clear(x->f);
	/* Nothing announced: then what was asked for counts. */
	fault(x, "GET",
	      &(struct fakereg_fault){ .flip = true,
				       .set = "Docker-Content-Digest" });
	assert_code(MREG_EINTEGRITY, get(x, fx_text(&d)), x->err);
	fakereg_clear(x->f);
	fault(x, NULL,
	      &(struct fakereg_fault){ .set = "Docker-Content-Digest",
				       .value = fx_text(&other) });
	assert_code(MREG_EINTEGRITY, get(x, "v1"), x->err);
	assert_code(MREG_EINTEGRITY,
		    mr_store_resolve(x->s, fx_text(&d), &d, &found, &x->err),
		    x->err);
}

static void refuses_what_is_too_large(void **state)
{
	struct fx *x = *state;
	size_t n = MR_MANIFEST_MAX_BYTES + 1;
	char *big = mr_alloc(n + 1);

	assert_non_null(big);
	memset(big, ' ', n);
	big[n] = '\0';
	(void)seed(x, "v1");
	fault(x, "GET",
	      &(struct fakereg_fault){ .body = big, .chunked = true });
	assert_code(MREG_ELIMIT, get(x, "v1"), x->err);
	assert_has(x->err.msg, "cannot read manifest 'v1'");
	mr_release(big);
}

static void a_layer_answered_with_500_is_no_manifest(void **state)
{
	struct fx *x = *state;
	const struct mreg_desc layer = fx_desc("weights", 7);
	const struct mreg_desc config = fx_desc("{}", 2);

	(void)seed(x, "v1");
	fault(x, NULL, &(struct fakereg_fault){ .status = 500 });
	assert_int_equal(get(x, fx_text(&layer)), 0);
	/* What may be one is not judged. */
	assert_code(MREG_EREMOTE, get(x, fx_text(&config)), x->err);
	assert_code(MREG_EREMOTE, get(x, "v1"), x->err);
}

/* -- writing ----------------------------------------------------------------
 */

static int set(struct fx *x, const char *reference, struct mr_list *missing)
{
	const struct mreg_desc layer = fx_desc("weights", 7);
	struct mreg_desc d;
	const char *text = fx_manifest(&layer, &d);

	return mr_store_set(x->s, reference, &d, text, missing, &x->err);
}

static void put_blobs(struct fx *x)
{
	fakereg_put_blob(x->f, REPO, NULL, "{}", 2);
	fakereg_put_blob(x->f, REPO, NULL, "weights", 7);
}

static void writes_by_tag_and_by_digest(void **state)
{
	const struct mreg_desc layer = fx_desc("weights", 7);
	struct fx *x = *state;
	struct mreg_desc d;

	put_blobs(x);
	(void)fx_manifest(&layer, &d);
	assert_ok(set(x, fx_text(&d), NULL), x->err);
	assert_false(is_tag(x, "v1"));
	assert_ok(set(x, "v1", NULL), x->err);
	assert_resolves(x, "v1", &d);
}

static void names_the_blobs_that_are_missing(void **state)
{
	const struct mreg_desc layer = fx_desc("weights", 7);
	struct fx *x = *state;
	struct mr_list missing = { .n = 0 };

	fakereg_put_blob(x->f, REPO, NULL, "{}", 2);
	assert_code(MREG_ECONFLICT, set(x, "v1", &missing), x->err);
	assert_has(x->err.cause, "MANIFEST_BLOB_UNKNOWN");
	assert_int_equal(missing.n, 1);
	assert_string_equal(missing.items[0], fx_text(&layer));
	assert_code(MREG_ECONFLICT, set(x, "v1", NULL), x->err);
	mr_list_release(&missing);
}

static void understands_every_way_to_name_them(void **state)
{
#define A                                                                      \
	"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                              \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B                                                                      \
	"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"                              \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	static const char *const bodies[] = {
		"{\"errors\":[{\"code\":\"BLOB_UNKNOWN\",\"detail\":\"" A
		"\"},{\"code\":\"BLOB_UNKNOWN\",\"detail\":\"" B "\"}]}",
		"{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"detail\":"
		"[{\"digest\":\"" A "\"},{\"Digest\":\"" B "\"}]}]}",
		"{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"message\":"
		"\"layers '[" B ", " A ", " A "]' sha256:cc sha\"}]}",
	};
	struct fx *x = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(bodies); i++) {
		struct mr_list missing = { .n = 0 };

		fault(x, "PUT",
		      &(struct fakereg_fault){ .status = 404,
					       .body = bodies[i] });
		assert_code(MREG_ECONFLICT, set(x, "v1", &missing), x->err);
		assert_int_equal(missing.n, 2);
		assert_true(mr_list_has(&missing, A));
		assert_true(mr_list_has(&missing, B));
		mr_list_release(&missing);
		fakereg_clear(x->f);
	}
#undef A
#undef B
}

/* Who is told nothing by name sends all again. */
static void takes_all_for_missing_where_none_is_named(void **state)
{
	const struct mreg_desc layer = fx_desc("weights", 7);
	struct fx *x = *state;
	struct mr_list missing = { .n = 0 };

	fault(x, "PUT",
	      &(struct fakereg_fault){ .status = 404,
				       .code = "MANIFEST_BLOB_UNKNOWN" });
	assert_code(MREG_ECONFLICT, set(x, "v1", &missing), x->err);
	assert_has(x->err.cause, "MANIFEST_BLOB_UNKNOWN");
	assert_int_equal(missing.n, 2);
	assert_true(mr_list_has(&missing, fx_text(&layer)));
	mr_list_release(&missing);
}

static void keeps_what_the_registry_says(void **state)
{
	struct fx *x = *state;
	struct mr_list missing = { .n = 0 };

	fault(x, "PUT",
	      &(struct fakereg_fault){ .status = 400,
				       .code = "MANIFEST_INVALID",
				       .message = "layer type not allowed" });
	assert_code(MREG_EREMOTE, set(x, "v1", &missing), x->err);
	assert_has(x->err.msg, "cannot write manifest 'v1' of '127.0.0.1:");
	assert_has(x->err.cause, "MANIFEST_INVALID: layer type not allowed");
	assert_int_equal(missing.n, 0);
}

static void says_when_a_tag_cannot_move(void **state)
{
	const struct fakereg_opts o = { .immutable_tags = true };
	struct fx *x = *state;

	fx_restart(x, &o, NULL, NULL);
	fakereg_put_manifest(x->f, REPO, "v1", MR_MEDIA_MANIFEST, "{}");
	put_blobs(x);
	assert_code(MREG_ECONFLICT, set(x, "v1", NULL), x->err);
	assert_has(x->err.cause, "TAG_IMMUTABLE");
	assert_has(x->err.hint, "does not let this tag be written again");
}

static void says_that_a_manifest_is_too_large(void **state)
{
	const struct fakereg_opts o = { .manifest_max = 100 };
	struct fx *x = *state;

	fx_restart(x, &o, NULL, NULL);
	put_blobs(x);
	assert_code(MREG_ELIMIT, set(x, "v1", NULL), x->err);
}

static void refuses_another_digest_for_ours(void **state)
{
	const struct mreg_desc other = fx_desc("other", 5);
	struct fx *x = *state;

	put_blobs(x);
	fault(x, "PUT",
	      &(struct fakereg_fault){ .set = "Docker-Content-Digest",
				       .value = fx_text(&other) });
	assert_code(MREG_EINTEGRITY, set(x, "v1", NULL), x->err);
	assert_has(x->err.msg, fx_text(&other));
}

static void writes_again_after_trouble(void **state)
{
	struct fx *x = *state;

	put_blobs(x);
	fault(x, "PUT", &(struct fakereg_fault){ .times = 2, .status = 502 });
	fault(x, "PUT", &(struct fakereg_fault){ .times = 1, .drop = true });
	assert_ok(set(x, "v1", NULL), x->err);
	assert_true(is_tag(x, "v1"));
}

/* -- removing a tag ---------------------------------------------------------
 */

static void removes_one_tag(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.bearer = true,
					.tag_delete = true };
	struct fx *x = *state;

	fx_restart(x, &o, "ann", "secret");
	(void)seed(x, "old");
	(void)seed(x, "kept");
	assert_ok(mr_store_untag(x->s, "old", &x->err), x->err);
	assert_false(is_tag(x, "old"));
	assert_true(is_tag(x, "kept"));
	assert_code(MREG_ENOTFOUND, mr_store_untag(x->s, "old", &x->err),
		    x->err);
	assert_has(x->err.msg, "no tag 'old'");
	assert_int_equal(fakereg_count(x->f, "DELETE", "*sha256*"), 0);
}

static void removes_a_tag_without_the_right_to_ask_for(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.bearer = true,
					.no_delete_scope = true,
					.tag_delete = true };
	struct fx *x = *state;

	fx_restart(x, &o, "ann", "secret");
	(void)seed(x, "old");
	assert_ok(mr_store_untag(x->s, "old", &x->err), x->err);
	assert_false(is_tag(x, "old"));
}

static void says_where_tags_cannot_be_removed(void **state)
{
	static const int statuses[] = { 400, 403, 404, 405, 501, 202, 204 };
	struct fx *x = *state;
	size_t i;

	(void)seed(x, "old");
	for (i = 0; i < MR_COUNT(statuses); i++) {
		fault(x, "DELETE",
		      &(struct fakereg_fault){ .status = statuses[i] });
		assert_code(MREG_EUNSUPPORTED,
			    mr_store_untag(x->s, "old", &x->err), x->err);
		assert_has(x->err.msg, "does not delete tags");
		assert_true(is_tag(x, "old"));
		fakereg_clear(x->f);
	}
}

static void trouble_is_not_taken_for_refusal(void **state)
{
	struct fx *x = *state;

	(void)seed(x, "old");
	fault(x, "DELETE", &(struct fakereg_fault){ .status = 503 });
	assert_code(MREG_EREMOTE, mr_store_untag(x->s, "old", &x->err), x->err);
	fakereg_clear(x->f);
	fault(x, "DELETE", &(struct fakereg_fault){ .drop = true });
	assert_code(MREG_ENETWORK, mr_store_untag(x->s, "old", &x->err),
		    x->err);
}

static void never_deletes_by_digest(void **state)
{
	struct fx *x = *state;
	struct mreg_desc d = seed(x, "old");

	assert_code(MREG_EUSAGE, mr_store_untag(x->s, fx_text(&d), &x->err),
		    x->err);
	assert_code(MREG_EUSAGE, x->s->ops->untag(x->s, fx_text(&d), &x->err),
		    x->err);
	assert_int_equal(count(x, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(resolves_with_one_head),
		FX(fetches_what_head_does_not_tell),
		FX(absence_is_no_error),
		FX(gives_the_bytes_as_they_are),
		FX(drops_parameters_of_the_type),
		FX(reads_again_what_broke_off),
		FX(refuses_a_web_page),
		FX(refuses_an_empty_answer),
		FX(refuses_bytes_of_another_digest),
		FX(refuses_what_is_too_large),
		FX(a_layer_answered_with_500_is_no_manifest),
		FX(writes_by_tag_and_by_digest),
		FX(names_the_blobs_that_are_missing),
		FX(understands_every_way_to_name_them),
		FX(takes_all_for_missing_where_none_is_named),
		FX(keeps_what_the_registry_says),
		FX(says_when_a_tag_cannot_move),
		FX(says_that_a_manifest_is_too_large),
		FX(refuses_another_digest_for_ours),
		FX(writes_again_after_trouble),
		FX(removes_one_tag),
		FX(removes_a_tag_without_the_right_to_ask_for),
		FX(says_where_tags_cannot_be_removed),
		FX(trouble_is_not_taken_for_refusal),
		FX(never_deletes_by_digest),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

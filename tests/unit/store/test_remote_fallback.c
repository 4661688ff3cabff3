/*
 * test_remote_fallback.c - the tag that lists who refers to a manifest, where
 * the registry does not.
 */
#include "tests/support/referrers_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"

/* -- registries without it --------------------------------------------------
 */

/* P-71: the entry says what the RF_API would. */
static void keeps_a_tag_where_there_is_no_api(void **state)
{
	struct fx *x = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mreg_desc subject, a, b;
	json_t *index, *e;

	subject = rf_push(x, "model", NULL);
	assert_false(rf_has_tag(x, &subject));
	a = rf_push(x, "report", &subject);
	assert_ok(rf_attach(x, "plain", NULL, &subject, &b), x->err);
	index = rf_read_tag(x, &subject);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 2);
	e = rf_entry_of(index, &a);
	assert_string_equal(
		json_string_value(json_object_get(e, "artifactType")), RF_TYPE);
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(e, "annotations"), "org.example.note")),
		"report");
	assert_int_equal(json_integer_value(json_object_get(e, "size")),
			 (json_int_t)a.size);
	assert_string_equal(json_string_value(json_object_get(e, "mediaType")),
			    MR_MEDIA_MANIFEST);
	/* Without a type of its own, its configuration's. */
	assert_string_equal(json_string_value(json_object_get(
				    rf_entry_of(index, &b), "artifactType")),
			    MR_MEDIA_EMPTY);
	json_decref(index);
	assert_int_equal(rf_list(x, &subject, NULL, &r), 2);
	assert_int_equal(rf_list(x, &subject, RF_TYPE, &r), 1);
	mr_referrers_release(&r);
}

static void every_way_of_having_no_api_is_understood(void **state)
{
	static const struct fakereg_fault ways[] = {
		{ .status = 404 },
		{ .status = 405, .code = "UNSUPPORTED" },
		{ .status = 406 },
		{ .status = 501 },
		{ .status = 400, .code = "MANIFEST_INVALID" },
		{ .status = 200, .type = "text/html", .body = "<html>" },
		{ .status = 200, .type = "application/json", .body = "[]" },
		{ .status = 200, .type = MR_MEDIA_MANIFEST, .body = "{}" },
	};
	struct fx *x = *state;
	struct fakereg_fault f;
	struct mreg_desc subject;
	char text[32];
	size_t i;

	for (i = 0; i < MR_COUNT(ways); i++) {
		f = ways[i];
		f.path = RF_API;
		fakereg_clear(x->f);
		fakereg_fault(x->f, &f);
		snprintf(text, sizeof(text), "model %zu", i);
		subject = rf_push(x, text, NULL);
		assert_int_equal(rf_count(x, &subject), 0);
		(void)rf_push(x, "report", &subject);
		assert_true(rf_has_tag(x, &subject));
		assert_int_equal(rf_count(x, &subject), 1);
	}
}

/* P-73: it got the RF_API after the tag was written. */
static void unites_the_api_and_the_tag(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, a;
	struct mr_referrers r = MR_REFERRERS_INIT;
	char body[512];

	rf_with_api(x, (struct fakereg_opts){ .page = 0 });
	subject = rf_push(x, "model", NULL);
	a = rf_push(x, "report", &subject);
	snprintf(body, sizeof(body), RF_INDEX RF_ENTRY "," RF_ENTRY "]}", 1u,
		 2u);
	fakereg_put_manifest(x->f, REPO, rf_fallback(&subject), MR_MEDIA_INDEX,
			     body);
	assert_int_equal(rf_list(x, &subject, NULL, &r), 3);
	mr_referrers_release(&r);
	/* What both list counts once, and the one that says more. */
	fakereg_put_manifest(x->f, REPO, rf_fallback(&subject), MR_MEDIA_INDEX,
			     rf_bare_index(&a));
	assert_int_equal(rf_list(x, &subject, NULL, &r), 1);
	assert_string_equal(r.items[0].artifact_type, RF_TYPE);
	assert_int_equal(r.items[0].annotations.n, 1);
	mr_referrers_release(&r);
}

/* P-71: ggcr and cosign leave out what an entry should say. */
static void looks_at_foreign_entries_that_say_nothing(void **state)
{
	struct fx *x = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mreg_desc subject, a;
	json_t *index;

	subject = rf_push(x, "model", NULL);
	a = rf_push(x, "report", &subject);
	fakereg_put_manifest(x->f, REPO, rf_fallback(&subject), MR_MEDIA_INDEX,
			     rf_bare_index(&a));
	assert_int_equal(rf_list(x, &subject, NULL, &r), 1);
	assert_null(r.items[0].artifact_type);
	assert_int_equal(rf_list(x, &subject, RF_TYPE, &r), 1);
	assert_string_equal(r.items[0].artifact_type, RF_TYPE);
	assert_int_equal(r.items[0].annotations.n, 1);
	assert_int_equal(rf_list(x, &subject, "application/vnd.other", &r), 0);
	/* Written again, the entry is completed. */
	assert_ok(rf_attach(x, "report", RF_TYPE, &subject, &a), x->err);
	index = rf_read_tag(x, &subject);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 1);
	assert_non_null(json_object_get(rf_entry_of(index, &a), "annotations"));
	json_decref(index);
}

static void keeps_what_others_wrote_under_the_tag(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, foreign, a;
	char before[144], after[144], body[1024];
	struct mr_doc doc = MR_DOC_INIT;
	bool found = false;
	json_t *index;

	subject = rf_push(x, "model", NULL);
	foreign = rf_push(x, "not ours", NULL);
	snprintf(
		body, sizeof(body),
		"{\"schemaVersion\":2,\"mediaType\":\"" MR_MEDIA_INDEX
		"\",\"x-top\":[1],\"manifests\":[{\"mediaType\":\"" MR_MEDIA_MANIFEST
		"\",\"digest\":\"%s\",\"size\":%u,"
		"\"x-key\":true}],\"annotations\":{\"a\":\"b\"}}",
		fx_text(&foreign), (unsigned int)foreign.size);
	fakereg_put_manifest(x->f, REPO, rf_fallback(&subject), MR_MEDIA_INDEX,
			     body);
	fakereg_tag(x->f, REPO, rf_fallback(&subject), before);
	a = rf_push(x, "report", &subject);
	index = rf_read_tag(x, &subject);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 2);
	assert_non_null(rf_entry_of(index, &a));
	assert_non_null(json_object_get(rf_entry_of(index, &foreign), "x-key"));
	assert_non_null(json_object_get(index, "x-top"));
	assert_non_null(json_object_get(index, "annotations"));
	json_decref(index);
	/* The index before is another now, and still there. */
	fakereg_tag(x->f, REPO, rf_fallback(&subject), after);
	assert_string_not_equal(before, after);
	assert_int_equal(fakereg_count(x->f, "DELETE", NULL), 0);
	assert_ok(mr_store_get(x->s, before, &doc, &found, &x->err), x->err);
	assert_true(found);
	mr_doc_release(&doc);
}

/* Else nothing could be attached any more after a document was deleted. */
static void leaves_out_what_is_gone_where_the_registry_asks(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, foreign, a;
	char body[1024];
	json_t *index;

	subject = rf_push(x, "model", NULL);
	foreign = rf_push(x, "not ours", NULL);
	snprintf(body, sizeof(body),
		 RF_INDEX RF_ENTRY ",{\"mediaType\":\"" MR_MEDIA_MANIFEST
				   "\",\"digest\":\"%s\",\"size\":%u}," RF_ENTRY
				   "]}",
		 1u, fx_text(&foreign), (unsigned int)foreign.size, 2u);
	fakereg_put_manifest(x->f, REPO, rf_fallback(&subject), MR_MEDIA_INDEX,
			     body);
	a = rf_push(x, "report", &subject);
	index = rf_read_tag(x, &subject);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 2);
	assert_non_null(rf_entry_of(index, &a));
	assert_non_null(rf_entry_of(index, &foreign));
	json_decref(index);
}

/* B-20 */
static void what_is_missed_for_a_moment_only_stays(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, a, b;
	char path[256], digest[MREG_DIGEST_TEXT];
	json_t *index;

	subject = rf_push(x, "model", NULL);
	a = rf_push(x, "report", &subject);
	snprintf(path, sizeof(path), "*/manifests/%s", rf_fallback(&subject));
	fakereg_fault(x->f,
		      &(struct fakereg_fault){
			      .method = "PUT",
			      .path = path,
			      .times = 2,
			      .status = 400,
			      .code = "MANIFEST_BLOB_UNKNOWN",
			      .detail = mreg_digest_text(&a.digest, digest) });
	b = rf_push(x, "card", &subject);
	index = rf_read_tag(x, &subject);
	assert_non_null(rf_entry_of(index, &a));
	assert_non_null(rf_entry_of(index, &b));
	json_decref(index);
	/* For ever is another matter. */
	fakereg_fault(x->f,
		      &(struct fakereg_fault){ .method = "PUT",
					       .path = path,
					       .status = 400,
					       .code = "MANIFEST_BLOB_UNKNOWN",
					       .detail = digest });
	assert_code(MREG_ECONFLICT,
		    rf_attach(x, "third", RF_TYPE, &subject, &b), x->err);
	assert_true(fakereg_count(x->f, "PUT", path) < 20);
}

/* What was just written is not gone, whatever is said of it. */
static void our_own_entry_is_never_left_out(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, a, again;
	char put[256], head[256], digest[MREG_DIGEST_TEXT];
	struct fakereg_fault f = { .method = "PUT",
				   .path = put,
				   .times = 2,
				   .status = 400,
				   .code = "MANIFEST_BLOB_UNKNOWN",
				   .detail = digest };
	json_t *index;

	subject = rf_push(x, "model", NULL);
	a = rf_push(x, "report", &subject);
	snprintf(put, sizeof(put), "*/manifests/%s", rf_fallback(&subject));
	snprintf(head, sizeof(head), "*/manifests/%s",
		 mreg_digest_text(&a.digest, digest));
	fx_restart(x, &(struct fakereg_opts){ .port = 0 }, NULL, NULL);
	(void)rf_push(x, "model", NULL);
	fakereg_fault(x->f, &f);
	fakereg_fault(x->f, &(struct fakereg_fault){ .method = "HEAD",
						     .path = head,
						     .status = 404 });
	again = rf_push(x, "report", &subject);
	assert_true(mreg_digest_equal(&again.digest, &a.digest));
	index = rf_read_tag(x, &subject);
	assert_non_null(rf_entry_of(index, &a));
	json_decref(index);
	/* For ever is an error. */
	fakereg_put_manifest(x->f, REPO, rf_fallback(&subject), MR_MEDIA_INDEX,
			     RF_INDEX "]}");
	f.times = 0;
	fakereg_fault(x->f, &f);
	assert_code(MREG_ECONFLICT,
		    rf_attach(x, "report", RF_TYPE, &subject, &again), x->err);
}

static void a_tag_that_is_no_index_is_told(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, layer, d, a;
	char digest[144];

	subject = rf_push(x, "model", NULL);
	layer = fx_desc("model", 5);
	fakereg_put_manifest(x->f, REPO, rf_fallback(&subject),
			     MR_MEDIA_MANIFEST, fx_manifest(&layer, &d));
	assert_code(MREG_ECONFLICT,
		    rf_attach(x, "report", RF_TYPE, &subject, &a), x->err);
	assert_has(x->err.msg, "is no image index");
	assert_true(x->err.hint[0]);
	assert_string_equal(
		fakereg_tag(x->f, REPO, rf_fallback(&subject), digest),
		fx_text(&d));
	/* For a reader it lists nothing. */
	assert_int_equal(rf_count(x, &subject), 0);
	assert_has(x->t.log, "it is no index");
}

/* -- two writers ------------------------------------------------------------
 */

static void a_lost_update_is_put_back(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, a, b, theirs;
	char path[256];
	json_t *index;

	subject = rf_push(x, "model", NULL);
	theirs = rf_push(x, "not ours", NULL);
	a = rf_push(x, "report", &subject);
	/* Somebody read before we wrote, and writes after it: `a`, which we
	 * saw, and ours are gone. */
	snprintf(path, sizeof(path), "*/manifests/%s", rf_fallback(&subject));
	fakereg_fault(x->f,
		      &(struct fakereg_fault){ .method = "PUT",
					       .path = path,
					       .times = 2,
					       .rival = rf_bare_index(&theirs),
					       .late = true });
	b = rf_push(x, "card", &subject);
	index = rf_read_tag(x, &subject);
	assert_non_null(rf_entry_of(index, &a));
	assert_non_null(rf_entry_of(index, &b));
	assert_non_null(rf_entry_of(index, &theirs));
	json_decref(index);
}

/* A 404 for a tag that is there: what this store saw in it is not lost. */
static void a_list_that_is_denied_once_is_put_back(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, other, theirs, a, b, c;
	char path[256], body[1024];
	json_t *index;

	subject = rf_push(x, "model", NULL);
	theirs = rf_push(x, "not ours", NULL);
	snprintf(body, sizeof(body), "%s", rf_bare_index(&theirs));
	fakereg_put_manifest(x->f, REPO, rf_fallback(&subject), MR_MEDIA_INDEX,
			     body);
	a = rf_push(x, "report", &subject);
	/* Another list does not get in between. */
	other = rf_push(x, "other model", NULL);
	c = rf_push(x, "other card", &other);
	snprintf(path, sizeof(path), "*/manifests/%s", rf_fallback(&subject));
	fakereg_fault(x->f,
		      &(struct fakereg_fault){ .method = "GET",
					       .path = path,
					       .times = 1,
					       .status = 404,
					       .code = "MANIFEST_UNKNOWN" });
	b = rf_push(x, "card", &subject);
	index = rf_read_tag(x, &subject);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 3);
	assert_non_null(rf_entry_of(index, &a));
	assert_non_null(rf_entry_of(index, &b));
	assert_non_null(rf_entry_of(index, &theirs));
	json_decref(index);
	index = rf_read_tag(x, &other);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 1);
	assert_non_null(rf_entry_of(index, &c));
	json_decref(index);
}

/* By whom it may concern, while we have the store open. */
static void what_was_deleted_stays_out(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, a, b;
	char path[256];
	json_t *index;

	subject = rf_push(x, "model", NULL);
	a = rf_push(x, "report", &subject);
	fakereg_put_manifest(x->f, REPO, rf_fallback(&subject), MR_MEDIA_INDEX,
			     RF_INDEX "]}");
	snprintf(path, sizeof(path), "*/manifests/%s", fx_text(&a));
	fakereg_fault(x->f, &(struct fakereg_fault){ .method = "HEAD",
						     .path = path,
						     .status = 404 });
	fakereg_fault(x->f, &(struct fakereg_fault){ .method = "GET",
						     .path = path,
						     .status = 404 });
	b = rf_push(x, "card", &subject);
	/* It stays so when it is there again, as what nobody lists. */
	fakereg_clear(x->f);
	(void)rf_push(x, "card", &subject);
	index = rf_read_tag(x, &subject);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 1);
	assert_non_null(rf_entry_of(index, &b));
	assert_null(rf_entry_of(index, &a));
	json_decref(index);
}

static void gives_up_when_others_write_all_the_time(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, a, theirs;
	char path[256];

	subject = rf_push(x, "model", NULL);
	theirs = rf_push(x, "not ours", NULL);
	snprintf(path, sizeof(path), "*/manifests/%s", rf_fallback(&subject));
	fakereg_fault(x->f,
		      &(struct fakereg_fault){ .method = "PUT",
					       .path = path,
					       .rival = rf_bare_index(&theirs),
					       .late = true });
	assert_code(MREG_ECONFLICT,
		    rf_attach(x, "report", RF_TYPE, &subject, &a), x->err);
	assert_has(x->err.msg, "cannot list a manifest with its subject: tag '"
			       "sha256-");
	assert_has(x->err.msg, "is written by others all the time");
	assert_has(x->err.hint, "again");
	assert_int_equal(fakereg_count(x->f, "PUT", path), 5);
	assert_true(x->t.sleeps >= 3);
	/* And then it works. */
	fakereg_clear(x->f);
	assert_ok(rf_attach(x, "report", RF_TYPE, &subject, &a), x->err);
	assert_int_equal(rf_count(x, &subject), 2);
}

static void a_registry_that_refuses_the_tag_is_told(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, a;

	fx_restart(x, &(struct fakereg_opts){ .immutable_tags = true }, NULL,
		   NULL);
	subject = rf_push(x, "model", NULL);
	(void)rf_push(x, "report", &subject);
	assert_code(MREG_EUNSUPPORTED,
		    rf_attach(x, "card", RF_TYPE, &subject, &a), x->err);
	assert_has(x->err.msg, "cannot list a manifest with its subject");
	assert_true(x->err.hint[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(keeps_a_tag_where_there_is_no_api),
		FX(every_way_of_having_no_api_is_understood),
		FX(unites_the_api_and_the_tag),
		FX(looks_at_foreign_entries_that_say_nothing),
		FX(keeps_what_others_wrote_under_the_tag),
		FX(leaves_out_what_is_gone_where_the_registry_asks),
		FX(what_is_missed_for_a_moment_only_stays),
		FX(our_own_entry_is_never_left_out),
		FX(a_tag_that_is_no_index_is_told),
		FX(a_lost_update_is_put_back),
		FX(a_list_that_is_denied_once_is_put_back),
		FX(what_was_deleted_stays_out),
		FX(gives_up_when_others_write_all_the_time),
		FX(a_registry_that_refuses_the_tag_is_told),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

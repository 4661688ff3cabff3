/*
 * test_layout_sweep.c - blobs of a layout that nothing names any more.
 */
#include "tests/support/layout_fixture.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "content/digest.h"

#define DAY_S 86400

/* As if it were so much later. */
static int64_t in_ten_days(void *ctx)
{
	(void)ctx;
	return (int64_t)time(NULL) + 10 * DAY_S;
}

static bool is_here(struct lay *f, const struct mreg_digest *d)
{
	char path[PATH_MAX], name[160];

	snprintf(path, sizeof(path), "%s/%s", f->repo, lay_blob_name(d, name));
	return access(path, F_OK) == 0;
}

static void sweep(struct lay *f, struct mr_sweep *w)
{
	assert_ok(mr_store_lock(f->store, &f->err), f->err);
	assert_ok(mr_store_sweep(f->store, w, &f->err), f->err);
	mr_store_unlock(f->store);
	assert_true(w->able);
}

static void layer_of(const char *text, struct mreg_desc *out)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(lay_describe(text, strlen(text), MR_MEDIA_OCTETS, out, &err),
		  err);
}

/* A manifest about another one, by its digest alone. */
static void attach(struct lay *f, const struct mreg_desc *subject,
		   struct mreg_desc *out)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(10000);
	struct mr_descriptor about = { .desc = *subject };
	struct mr_descriptor layer = { .desc = mr_empty_desc };
	struct mr_manifest_draft draft = { .artifact_type = "application/x",
					   .config = layer,
					   .layers = &layer,
					   .layer_count = 1,
					   .subject = &about };
	char text[MREG_DIGEST_TEXT];

	assert_ok(mr_manifest_write(&draft, &b, &f->err), f->err);
	assert_ok(lay_describe(b.data, b.len, MR_MEDIA_MANIFEST, out, &f->err),
		  f->err);
	assert_ok(mr_store_set(f->store, mreg_digest_text(&out->digest, text),
			       out, b.data, NULL, &f->err),
		  f->err);
}

static void what_a_tag_names_stays_and_the_rest_goes(void **state)
{
	struct lay *f = *state;
	struct mr_sweep w = { .older_s = DAY_S };
	struct mreg_desc one, two, l1, l2;

	f->env.now_s = in_ten_days;
	lay_push_ok(f, "v1", "first weights", &one);
	lay_push_ok(f, "v2", "second weights", &two);
	layer_of("first weights", &l1);
	layer_of("second weights", &l2);
	sweep(f, &w);
	assert_int_equal(w.count, 0);
	assert_ok(mr_store_untag(f->store, "v1", &f->err), f->err);
	w.dry_run = true;
	sweep(f, &w);
	assert_int_equal(w.count, 2);
	assert_int_equal(w.bytes, one.size + l1.size);
	assert_true(is_here(f, &one.digest));
	w.dry_run = false;
	sweep(f, &w);
	assert_int_equal(w.count, 2);
	assert_false(is_here(f, &one.digest));
	assert_false(is_here(f, &l1.digest));
	assert_true(is_here(f, &two.digest));
	assert_true(is_here(f, &l2.digest));
	assert_true(is_here(f, &mr_empty_desc.digest));
}

static void what_just_came_stays_unless_it_is_known_to_go(void **state)
{
	struct lay *f = *state;
	struct mr_digest_map sure = { .n = 0 };
	struct mr_sweep w = { .older_s = DAY_S };
	struct mreg_desc one, l1;

	lay_push_ok(f, "v1", "weights", &one);
	layer_of("weights", &l1);
	assert_ok(mr_store_untag(f->store, "v1", &f->err), f->err);
	sweep(f, &w);
	assert_int_equal(w.count, 0);
	assert_ok(mr_digest_map_put(&sure, &l1.digest, 0, &f->err), f->err);
	w.sure = &sure;
	sweep(f, &w);
	assert_int_equal(w.count, 1);
	assert_false(is_here(f, &l1.digest));
	assert_true(is_here(f, &one.digest));
	mr_digest_map_release(&sure);
}

static void what_is_attached_stays_until_it_is_removed(void **state)
{
	struct lay *f = *state;
	struct mr_sweep w = { .older_s = DAY_S };
	struct mreg_desc one, note;

	f->env.now_s = in_ten_days;
	lay_push_ok(f, "v1", "weights", &one);
	attach(f, &one, &note);
	/* It keeps what it is about. */
	assert_ok(mr_store_untag(f->store, "v1", &f->err), f->err);
	sweep(f, &w);
	assert_int_equal(w.count, 0);
	assert_ok(mr_store_remove(f->store, &note.digest, &f->err), f->err);
	sweep(f, &w);
	assert_false(is_here(f, &note.digest));
	assert_false(is_here(f, &one.digest));
}

static void a_tag_outlives_the_removal_of_its_digest(void **state)
{
	struct lay *f = *state;
	struct mr_sweep w = { .older_s = DAY_S };
	struct mreg_desc one;

	f->env.now_s = in_ten_days;
	lay_push_ok(f, "v1", "weights", &one);
	assert_ok(mr_store_remove(f->store, &one.digest, &f->err), f->err);
	sweep(f, &w);
	assert_int_equal(w.count, 0);
	lay_assert_tag(f, "v1", &one);
}

/* A config may have a manifest's type, and be looked into later. */
static void what_is_named_as_a_blob_first_is_still_looked_into(void **state)
{
	struct lay *f = *state;
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(10000);
	struct mr_sweep w = { .older_s = DAY_S };
	struct mr_descriptor layer = { .artifact_type = NULL };
	struct mr_manifest_draft draft = {
		.artifact_type = "application/vnd.test.v1",
		.config = { .desc = mr_empty_desc },
		.layers = &layer,
		.layer_count = 1,
	};
	struct mreg_desc one, around, l1;

	f->env.now_s = in_ten_days;
	lay_push_ok(f, "v1", "weights", &one);
	layer_of("weights", &l1);
	layer.desc = one;
	assert_ok(mr_manifest_write(&draft, &b, &f->err), f->err);
	assert_ok(lay_describe(b.data, b.len, MR_MEDIA_MANIFEST, &around,
			       &f->err),
		  f->err);
	assert_ok(mr_store_set(f->store, "around", &around, b.data, NULL,
			       &f->err),
		  f->err);
	sweep(f, &w);
	assert_int_equal(w.count, 0);
	assert_true(is_here(f, &l1.digest));
}

static void nothing_goes_where_it_cannot_be_told_what_is_named(void **state)
{
	struct lay *f = *state;
	struct mr_sweep w = { .older_s = DAY_S };
	struct mreg_desc one, two;
	char name[160], path[PATH_MAX];
	FILE *out;

	f->env.now_s = in_ten_days;
	lay_push_ok(f, "v1", "weights", &one);
	lay_push_ok(f, "v2", "others", &two);
	assert_ok(mr_store_untag(f->store, "v2", &f->err), f->err);
	snprintf(path, sizeof(path), "%s/%s", f->repo,
		 lay_blob_name(&one.digest, name));
	out = fopen(path, "w");
	assert_non_null(out);
	fputs("{}", out);
	fclose(out);
	assert_code(MREG_EUNSUPPORTED, mr_store_sweep(f->store, &w, &f->err),
		    f->err);
	assert_has(f->err.msg, "cannot be told");
	assert_true(is_here(f, &two.digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAY_TEST(what_a_tag_names_stays_and_the_rest_goes),
		LAY_TEST(what_just_came_stays_unless_it_is_known_to_go),
		LAY_TEST(what_is_attached_stays_until_it_is_removed),
		LAY_TEST(a_tag_outlives_the_removal_of_its_digest),
		LAY_TEST(what_is_named_as_a_blob_first_is_still_looked_into),
		LAY_TEST(nothing_goes_where_it_cannot_be_told_what_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

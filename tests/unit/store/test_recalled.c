/*
 * test_recalled.c - a repository as it was, and what was written to one since.
 */
#include "tests/support/remote_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define EVENT "mreg.log.00000001.0123456789abcdef0123456789abcdef"

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

/* What v1 had is `v1`; it and an event were listed, and `gone` had nothing. */
static void recall(struct fx *x, const struct mreg_desc *v1)
{
	const struct mr_recalled_tag tags[] = {
		{ "v1", v1->digest },
		{ EVENT, { .algorithm = MREG_DIGEST_NONE } },
		{ "gone", { .algorithm = MREG_DIGEST_NONE } },
	};

	assert_ok(mr_recalled_open(&x->s, tags, MR_COUNT(tags), &x->err),
		  x->err);
}

static bool resolves(struct fx *x, const char *reference, struct mreg_desc *out)
{
	bool found = false;

	assert_ok(mr_store_resolve(x->s, reference, out, &found, &x->err),
		  x->err);
	return found;
}

/* Bytes of the manifest; 0: it is not found. */
static size_t get(struct fx *x, const char *reference)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	bool found = true;

	assert_ok(mr_store_get(x->s, reference, &doc, &found, &x->err), x->err);
	return found ? doc.bytes.len : 0;
}

static void tags_are_as_they_were_for_no_request(void **state)
{
	struct fx *x = *state;
	MR_AUTO(mr_list_release) struct mr_list tags = { .n = 0 };
	struct mreg_desc was = seed(x, "v1", "weights"), got;
	bool found = false;

	recall(x, &was);
	seed(x, "v1", "others");
	seed(x, "v2", "more");
	assert_true(resolves(x, "v1", &got));
	assert_true(mreg_digest_equal(&got.digest, &was.digest));
	assert_false(resolves(x, "v2", &got));
	assert_false(resolves(x, "gone", &got));
	assert_ok(mr_store_tags(x->s, &tags, &found, &x->err), x->err);
	assert_true(found);
	assert_int_equal(tags.n, 3);
	assert_string_equal(tags.items[0], "gone");
	assert_string_equal(tags.items[1], EVENT);
	assert_string_equal(tags.items[2], "v1");
	assert_int_equal(fakereg_count(x->f, NULL, NULL), 0);
}

static void content_comes_from_behind_by_digest(void **state)
{
	struct fx *x = *state;
	MR_AUTO(mr_buf_release) struct mr_buf bytes = MR_BUF_INIT(64);
	const struct mreg_desc blob = fx_desc("weights", 7);
	struct mreg_desc was = seed(x, "v1", "weights"), got;
	struct fakereg_seen seen;

	recall(x, &was);
	seed(x, "v1", "others");
	assert_int_equal(get(x, "v1"), was.size);
	assert_true(fakereg_get(x->f, "GET", NULL, 0, &seen));
	assert_has(seen.path, fx_text(&was));
	assert_int_equal(get(x, fx_text(&was)), was.size);
	assert_true(resolves(x, fx_text(&was), &got));
	assert_int_equal(got.size, was.size);
	assert_int_equal(fx_read(x, &blob, &bytes), 7);
	assert_int_equal(get(x, "gone"), 0);
	assert_int_equal(get(x, "v2"), 0);
}

static void an_event_is_asked_for_by_its_tag(void **state)
{
	struct fx *x = *state;
	struct mreg_desc was = seed(x, "v1", "weights");
	struct mreg_desc event = seed(x, EVENT, "event");

	recall(x, &was);
	assert_int_equal(get(x, EVENT), event.size);
	/* One that was not listed is not there. */
	assert_int_equal(
		get(x, "mreg.log.00000002.0123456789abcdef0123456789abcdef"),
		0);
}

static void nothing_is_written_through_it(void **state)
{
	const struct mreg_desc layer = fx_desc("weights", 7);
	struct fx *x = *state;
	struct mreg_desc was = seed(x, "v1", "weights"), d;
	const char *text = fx_manifest(&layer, &d);

	recall(x, &was);
	assert_code(MREG_EUNSUPPORTED,
		    mr_store_set(x->s, "v2", &d, text, NULL, &x->err), x->err);
	assert_code(MREG_EUNSUPPORTED, mr_store_untag(x->s, "v1", &x->err),
		    x->err);
	assert_code(MREG_EUNSUPPORTED,
		    mr_store_remove(x->s, &was.digest, &x->err), x->err);
	assert_code(MREG_EUNSUPPORTED,
		    mr_store_put_bytes(x->s, &layer, "weights", &x->err),
		    x->err);
}

static void it_is_as_far_as_what_is_behind_it(void **state)
{
	struct fx *x = *state;
	struct mreg_desc was = seed(x, "v1", "weights");
	struct mr_store *near = NULL;

	recall(x, &was);
	assert_true(mr_store_is_far(x->s));
	assert_ok(mr_memory_open(&x->t.env, &near, &x->err), x->err);
	assert_ok(mr_recalled_open(&near, NULL, 0, &x->err), x->err);
	assert_false(mr_store_is_far(near));
	mr_store_close(near);
}

/* -- writes ---------------------------------------------------------------- */

static void write_tag(struct fx *x, const char *tag)
{
	const struct mreg_desc layer = fx_desc("weights", 7);
	struct mreg_desc d;
	const char *text = fx_manifest(&layer, &d);

	fakereg_put_blob(x->f, REPO, NULL, "{}", 2);
	fakereg_put_blob(x->f, REPO, NULL, "weights", 7);
	assert_ok(mr_store_set(x->s, tag, &d, text, NULL, &x->err), x->err);
}

static void writes_are_noted_where_somebody_wants_to_know(void **state)
{
	struct fx *x = *state;
	char *dir = test_tmpdir_new();
	char path[PATH_MAX];
	struct mr_state *s;

	snprintf(path, sizeof(path), "%s/state.db", dir);
	s = mr_state_open(path, &x->t.env);
	assert_non_null(s);
	write_tag(x, "v1");
	mr_store_mark(x->s, s);
	write_tag(x, "v2");
	assert_int_equal(mr_store_marked(x->s, s), 0);
	mr_state_fact_put(s, MR_MARKS_SCOPE, MR_MARKS_SINCE, "1");
	mr_store_mark(x->s, s);
	seed(x, "v3", "weights");
	assert_int_equal(get(x, "v3") > 0, 1);
	assert_int_equal(mr_store_marked(x->s, s), 0); /* it only read */
	write_tag(x, "v4");
	assert_int_equal(mr_store_marked(x->s, s), mr_now_s(&x->t.env));
	mr_state_close(s);
	test_tmpdir_free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(tags_are_as_they_were_for_no_request),
		FX(content_comes_from_behind_by_digest),
		FX(an_event_is_asked_for_by_its_tag),
		FX(nothing_is_written_through_it),
		FX(it_is_as_far_as_what_is_behind_it),
		FX(writes_are_noted_where_somebody_wants_to_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

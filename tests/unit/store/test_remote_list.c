/*
 * test_remote_list.c - listings of registries that behave, and of those that
 * do not.
 */
#include "tests/support/remote_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

#define TAGS "*/tags/list*"

static void tag(struct fx *x, const char *name)
{
	fakereg_put_manifest(x->f, REPO, name, MR_MEDIA_MANIFEST, "{}");
}

static void tag_many(struct fx *x, unsigned int n)
{
	char name[32];
	unsigned int i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "t%05u", i);
		tag(x, name);
	}
}

static int list(struct fx *x, struct mr_list *out, bool *found)
{
	mr_list_release(out);
	return mr_store_tags(x->s, out, found, &x->err);
}

static size_t assert_lists(struct fx *x)
{
	struct mr_list tags = { .n = 0 };
	bool found = false;
	size_t n, i;

	assert_ok(list(x, &tags, &found), x->err);
	assert_true(found);
	for (i = 1; i < tags.n; i++)
		assert_true(strcmp(tags.items[i - 1], tags.items[i]) < 0);
	n = tags.n;
	mr_list_release(&tags);
	return n;
}

static void assert_refused(struct fx *x, int code, const char *msg)
{
	struct mr_list tags = { .n = 0 };
	bool found = true;

	assert_code(code, list(x, &tags, &found), x->err);
	assert_has(x->err.msg, "cannot list the tags of '127.0.0.1:");
	assert_has(x->err.msg, msg);
	mr_list_release(&tags);
}

static void body(struct fx *x, const char *text, unsigned int times)
{
	fakereg_fault(x->f, &(struct fakereg_fault){ .path = TAGS,
						     .times = times,
						     .body = text });
}

static void link_to(struct fx *x, const char *value)
{
	fakereg_fault(x->f, &(struct fakereg_fault){ .path = TAGS,
						     .set = "Link",
						     .value = value });
}

/* -- tags -------------------------------------------------------------------
 */

static void lists_all_tags_sorted(void **state)
{
	struct fx *x = *state;

	tag(x, "v10");
	tag(x, "latest");
	tag(x, "v1");
	assert_int_equal(assert_lists(x), 3);
	assert_int_equal(fakereg_count(x->f, NULL, NULL), 1);
}

static void a_repository_that_is_not_there_is_no_error(void **state)
{
	struct fx *x = *state;
	struct mr_list tags = { .n = 0 };
	bool found = true;

	assert_ok(list(x, &tags, &found), x->err);
	assert_false(found);
	assert_int_equal(tags.n, 0);
}

static void follows_pages(void **state)
{
	const struct fakereg_opts o = { .page = 3 };
	struct fx *x = *state;
	unsigned int n;

	for (n = 0; n < 10; n++) {
		fx_restart(x, &o, NULL, NULL);
		tag_many(x, n + 1);
		assert_int_equal(assert_lists(x), n + 1);
		assert_int_equal(fakereg_count(x->f, NULL, NULL), n / 3 + 1);
	}
}

static void asks_on_where_a_full_page_has_no_link(void **state)
{
	struct fx *x = *state;

	tag_many(x, 1005);
	fakereg_fault(x->f, &(struct fakereg_fault){
				    .path = TAGS, .times = 1, .set = "Link" });
	assert_int_equal(assert_lists(x), 1005);
	assert_int_equal(fakereg_count(x->f, NULL, "*last=t00999*"), 1);
}

static void a_server_without_pages_is_read_once_more(void **state)
{
	struct fx *x = *state;
	size_t cap = 20000, len;
	char *all = mr_alloc(cap);
	unsigned int i;

	assert_non_null(all);
	len = (size_t)snprintf(all, cap, "{\"name\":\"x\",\"tags\":[\"t0\"");
	for (i = 1; i < 1000; i++)
		len += (size_t)snprintf(all + len, cap - len, ",\"t%u\"", i);
	snprintf(all + len, cap - len, "]}");
	tag(x, "any");
	body(x, all, 0);
	assert_int_equal(assert_lists(x), 1000);
	assert_int_equal(fakereg_count(x->f, NULL, NULL), 2);
	mr_release(all);
}

static void takes_null_for_none(void **state)
{
	static const char *const none[] = {
		"{\"name\":\"x\",\"tags\":null}",
		"{\"name\":\"x\",\"tags\":[]}",
		"{\"name\":\"x\"}",
	};
	struct fx *x = *state;
	size_t i;

	tag(x, "any");
	for (i = 0; i < MR_COUNT(none); i++) {
		body(x, none[i], 0);
		assert_int_equal(assert_lists(x), 0);
		fakereg_clear(x->f);
	}
}

static void leaves_out_what_is_no_tag(void **state)
{
	struct fx *x = *state;

	tag(x, "any");
	body(x, "{\"tags\":[\"ok\",\"../x\",\"a?b\",\"\",\".dot\",\"ok\"]}", 0);
	assert_int_equal(assert_lists(x), 1);
}

static void refuses_what_is_no_listing(void **state)
{
	static const char *const wrong[][2] = {
		{ " <html>hello</html>", "the answer is a web page" },
		{ "[]", "the answer is no listing" },
		{ "{\"tags\":{}}", "the answer is no listing" },
		{ "{\"tags\":[1]}", "an entry is no string" },
		{ "{\"tags\":[\"a\"],\"tags\":[\"b\"]}",
		  "the answer is no listing" },
	};
	struct fx *x = *state;
	size_t i;

	tag(x, "any");
	for (i = 0; i < MR_COUNT(wrong); i++) {
		body(x, wrong[i][0], 0);
		assert_refused(x, MREG_EREMOTE, wrong[i][1]);
		fakereg_clear(x->f);
	}
}

static void follows_no_link_to_another_origin(void **state)
{
	struct fx *x = *state;
	char value[128];

	tag(x, "any");
	snprintf(value, sizeof(value),
		 "<http://%s/v2/" REPO "/tags/list?n=1>; rel=\"next\"",
		 fakereg_elsewhere(x->f));
	link_to(x, value);
	assert_refused(x, MREG_EREMOTE, "on another host");
	assert_int_equal(fakereg_count(x->f, NULL, NULL), 1);
}

static void understands_links(void **state)
{
	static const char *const links[] = {
		"</v2/" REPO "/tags/list?p=2>; rel=\"next\"",
		"</v2/" REPO "/tags/list?p=2>;rel=next",
		"</first>; rel=\"first\", </v2/" REPO
		"/tags/list?p=2>; rel=\"next\"",
	};
	struct fx *x = *state;
	size_t i;

	tag(x, "any");
	for (i = 0; i < MR_COUNT(links); i++) {
		fakereg_fault(x->f, &(struct fakereg_fault){
					    .path = TAGS,
					    .times = 1,
					    .body = "{\"tags\":[\"a\"]}",
					    .set = "Link",
					    .value = links[i] });
		body(x, "{\"tags\":[\"b\"]}", 0);
		assert_int_equal(assert_lists(x), 2);
		assert_int_equal(fakereg_count(x->f, NULL, "*p=2"), 1);
		fakereg_clear(x->f);
	}
	link_to(x, "</v2/" REPO "/tags/list?p=2>; rel=\"prev\"");
	assert_int_equal(assert_lists(x), 1);
	fakereg_clear(x->f);
	link_to(x, "</v2/" REPO "/tags/list?p=2; rel=\"next\"");
	assert_int_equal(assert_lists(x), 1);
}

static void a_circle_is_an_error(void **state)
{
	static const char *const pages[] = { "a", "b", "c", "d", "e" };
	struct fx *x = *state;
	char text[5][32];
	unsigned int round, i;

	tag(x, "any");
	link_to(x, "</v2/" REPO "/tags/list?p=2>; rel=\"next\"");
	assert_refused(x, MREG_EREMOTE, "the same page again");
	assert_true(fakereg_count(x->f, NULL, NULL) <= 3);
	fakereg_clear(x->f);
	/* One of five pages. */
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 5; i++) {
			snprintf(text[i], sizeof(text[i]),
				 "{\"tags\":[\"%s\"]}", pages[i]);
			fakereg_fault(x->f, &(struct fakereg_fault){
						    .path = TAGS,
						    .times = 1,
						    .body = text[i],
						    .set = "Link",
						    .value = "</v2/" REPO
							     "/tags/list?p=2>;"
							     " rel=\"next\"" });
		}
	}
	assert_refused(x, MREG_EREMOTE, "the same page again");
	assert_true(fakereg_count(x->f, NULL, NULL) <= 20);
}

static void a_page_that_fails_fails_the_listing(void **state)
{
	const struct fakereg_opts o = { .page = 2 };
	struct fx *x = *state;

	fx_restart(x, &o, NULL, NULL);
	tag_many(x, 5);
	fakereg_fault(x->f, &(struct fakereg_fault){ .path = "*last=t00003*",
						     .status = 404 });
	assert_refused(x, MREG_ENOTFOUND, "");
	fakereg_clear(x->f);
	fakereg_fault(x->f, &(struct fakereg_fault){ .path = "*last=t00003*",
						     .times = 1,
						     .cut = true,
						     .cut_at = 5 });
	assert_int_equal(assert_lists(x), 5);
}

static void says_who_may_not_list(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret" };
	struct fx *x = *state;

	fx_restart(x, &o, NULL, NULL);
	assert_refused(x, MREG_EAUTH, "");
	assert_has(x->err.hint, "mreg login 127.0.0.1:");
}

/* -- repositories ------------------------------------------------------------
 */

static int repositories(struct fx *x, const char *prefix, struct mr_list *out)
{
	mr_list_release(out);
	return mr_remote_repositories(&x->t.env, x->net, fakereg_host(x->f),
				      prefix, out, &x->err);
}

static void lists_repositories_below_a_prefix(void **state)
{
	const struct fakereg_opts o = { .username = "ann",
					.password = "secret",
					.bearer = true,
					.page = 2 };
	static const char *const names[] = { "acme/a", "acme/b/c", "acme",
					     "acmes/x", "other" };
	struct fx *x = *state;
	struct mr_list out = { .n = 0 };
	size_t i;

	fx_restart(x, &o, "ann", "secret");
	for (i = 0; i < MR_COUNT(names); i++)
		fakereg_put_blob(x->f, names[i], NULL, "x", 1);
	assert_ok(repositories(x, "acme", &out), x->err);
	assert_int_equal(out.n, 2);
	assert_string_equal(out.items[0], "acme/a");
	assert_string_equal(out.items[1], "acme/b/c");
	assert_ok(repositories(x, "", &out), x->err);
	assert_int_equal(out.n, 5);
	mr_list_release(&out);
}

static void says_where_there_is_no_catalog(void **state)
{
	const struct fakereg_opts o = { .no_catalog = true };
	struct fx *x = *state;
	struct mr_list out = { .n = 0 };

	fx_restart(x, &o, NULL, NULL);
	assert_code(MREG_EUNSUPPORTED, repositories(x, "", &out), x->err);
	assert_has(x->err.msg, "no catalog");
	assert_has(x->err.hint, "name the repositories");
	fx_restart(x, NULL, NULL, NULL);
	fakereg_fault(x->f, &(struct fakereg_fault){ .status = 403 });
	assert_code(MREG_EDENIED, repositories(x, "", &out), x->err);
	assert_code(MREG_EUSAGE,
		    mr_remote_repositories(&x->t.env, x->net, "a b", "", &out,
					   &x->err),
		    x->err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(lists_all_tags_sorted),
		FX(a_repository_that_is_not_there_is_no_error),
		FX(follows_pages),
		FX(asks_on_where_a_full_page_has_no_link),
		FX(a_server_without_pages_is_read_once_more),
		FX(takes_null_for_none),
		FX(leaves_out_what_is_no_tag),
		FX(refuses_what_is_no_listing),
		FX(follows_no_link_to_another_origin),
		FX(understands_links),
		FX(a_circle_is_an_error),
		FX(a_page_that_fails_fails_the_listing),
		FX(says_who_may_not_list),
		FX(lists_repositories_below_a_prefix),
		FX(says_where_there_is_no_catalog),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}

/*
 * test_read_kept.c - rows that are kept are those that would be read.
 */
#include "index/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "tests/support/index_fixture.h"

#define MODEL "ghcr.io/acme/churn"
#define VERSIONS 9

static void put(struct mr_index *ix, unsigned int number, const char *team,
		const char *license)
{
	struct mr_index_writer *w = test_begin(ix, "acme/churn");
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mreg_pair tags[] = { { "team", team } };
	const struct mr_ix_life l = { .number = number,
				      .updated_s = number,
				      .tags = tags,
				      .tag_count = 1,
				      .actor = "ann" };
	char of[16], json[512];

	(void)snprintf(of, sizeof(of), "content %u", number);
	(void)snprintf(json, sizeof(json),
		       "{\"metrics\":{\"auc\":0.910,\"n\":%u},"
		       "\"params\":{\"lr\":0.1},\"license\":\"%s\","
		       "\"runId\":\"run %u\"}",
		       number, license, number);
	test_put(w, number, of, json);
	assert_ok(mr_index_put_life(w, &l, &err), err);
	test_commit(w);
}

static void name_it(struct mr_index *ix, const char *of)
{
	struct mr_index_writer *w = test_begin(ix, "acme/churn");
	const struct mr_ix_name names[] = {
		{ .tag = "production", .tagged = test_digest(of) },
		{ .tag = "staging", .tagged = test_digest("content 1") },
	};
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_index_replace_names(w, names, 2, &err), err);
	test_commit(w);
}

static void add_pairs(struct mr_buf *out, const struct mreg_pair *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		mr_buf_printf(out, " %s=%s", p[i].name, p[i].value);
	mr_buf_puts(out, ";");
}

/* What rows say; the caller's. */
static char *said(const struct mr_ix_row *rows, size_t n)
{
	struct mr_buf b = MR_BUF_INIT(1 << 20);
	char digest[MREG_DIGEST_TEXT];
	size_t i, k;
	char *out;

	for (i = 0; i < n; i++) {
		const struct mr_ix_row *r = &rows[i];

		mr_buf_printf(&b, "%s %u %s %s %s %s %s;", r->model,
			      (unsigned int)r->number,
			      mreg_digest_text(&r->digest, digest),
			      r->license ? r->license : "-",
			      r->run ? r->run : "-", r->actor ? r->actor : "-",
			      r->description ? r->description : "-");
		add_pairs(&b, r->metrics, r->metric_count);
		add_pairs(&b, r->params, r->param_count);
		add_pairs(&b, r->tags, r->tag_count);
		for (k = 0; k < r->alias_count; k++)
			mr_buf_printf(&b, " %s", r->aliases[k]);
		mr_buf_puts(&b, "\n");
	}
	out = mr_strdup(mr_buf_text(&b));
	mr_buf_release(&b);
	return out;
}

static char *versions(struct mr_index *ix)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = mr_arena_new(1 << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_row *rows;
	size_t n;

	assert_ok(mr_index_versions(ix, MODEL, true, arena, &rows, &n, &err),
		  err);
	return said(rows, n);
}

/* Asked twice, as somebody else sees it. */
static char *checked(struct test_db *t, struct mr_index *ix)
{
	MR_AUTO(mr_index_closep) struct mr_index *fresh = test_index(t);
	MR_AUTO(mr_free) char *read = versions(fresh);
	MR_AUTO(mr_free) char *first = versions(ix);
	char *second = versions(ix);

	assert_string_equal(read, first);
	assert_string_equal(read, second);
	return second;
}

static void what_is_kept_is_what_was_written_last(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_index_closep) struct mr_index *ix = test_index(t);
	MR_AUTO(mr_index_closep) struct mr_index *other = test_index(t);
	MR_AUTO(mr_free) char *one = NULL, *two = NULL, *three = NULL;
	unsigned int i;

	for (i = 1; i <= VERSIONS; i++)
		put(ix, i, "a", "MIT");
	one = checked(t, ix);
	assert_non_null(strstr(one, "auc=0.910 n=9; lr=0.1; team=a;"));
	assert_null(strstr(one, "production"));
	/* By itself, and by another one. */
	put(ix, 3, "b", "MIT");
	two = checked(t, ix);
	assert_non_null(strstr(two, "auc=0.910 n=3; lr=0.1; team=b;"));
	name_it(other, "content 4");
	three = checked(t, ix);
	assert_non_null(strstr(three, "n=4; lr=0.1; team=a; production\n"));
	assert_non_null(strstr(three, "n=1; lr=0.1; team=a; staging\n"));
	name_it(other, "content 1");
	mr_release(mr_steal(&one));
	one = checked(t, ix);
	assert_non_null(strstr(one, "team=a; production staging\n"));
	assert_null(strstr(one, "n=4; lr=0.1; team=a; production"));
}

/* As a rebuild by another process does it. */
static void replace(struct test_db *t, const char *from)
{
	struct mreg_error err = MREG_ERROR_INIT;
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(mr_db_replace(t->env, t->where, from, &err) < 0);
	assert_true(pid > 0);
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(0, status);
}

static void a_database_put_in_its_place_is_what_is_read(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_index_closep) struct mr_index *ix = test_index(t);
	struct test_db other = *t;
	struct mr_index *made;
	MR_AUTO(mr_free) char *one = NULL, *two = NULL, *three = NULL;
	unsigned int i;

	for (i = 1; i <= VERSIONS; i++)
		put(ix, i, "a", "MIT");
	one = checked(t, ix);
	(void)snprintf(other.where, sizeof(other.where), "%s/other.db", t->dir);
	made = test_index(&other);
	for (i = VERSIONS; i >= 4; i--)
		put(made, i, "c", i % 2 ? "GPL-3.0" : "MIT");
	mr_index_close(made);
	replace(t, other.where);
	two = checked(t, ix);
	assert_non_null(strstr(two, "n=9; lr=0.1; team=c;"));
	assert_null(strstr(two, "n=3;"));
	/* Nor is what was remembered to write by it. */
	put(ix, 10, "a", "MIT");
	put(ix, 11, "d", "GPL-3.0");
	three = checked(t, ix);
	assert_non_null(strstr(three, " MIT run 10 ann -; auc=0.910 n=10; "
				      "lr=0.1; team=a;"));
	assert_non_null(strstr(three, " GPL-3.0 run 11 ann -; auc=0.910 n=11; "
				      "lr=0.1; team=d;"));
}

static void long_texts_are_read_as_well(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_index_closep) struct mr_index *ix = test_index(t);
	MR_AUTO(mr_free) char *rows = NULL;
	char team[1800], license[300];

	memset(team, 't', sizeof(team) - 1);
	team[sizeof(team) - 1] = 0;
	memset(license, 'l', sizeof(license) - 1);
	license[sizeof(license) - 1] = 0;
	put(ix, 1, team, license);
	put(ix, 2, team, "MIT");
	rows = checked(t, ix);
	assert_non_null(strstr(rows, team));
	assert_non_null(strstr(rows, license));
}

static void a_row_asked_for_twice_is_there_twice(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_index_closep) struct mr_index *ix = test_index(t);
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = mr_arena_new(1 << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_row *rows, *again;
	int64_t ids[4];
	size_t i, n;

	put(ix, 1, "a", "MIT");
	put(ix, 2, "b", "MIT");
	assert_ok(mr_index_versions(ix, MODEL, true, arena, &rows, &n, &err),
		  err);
	assert_int_equal(2, n);
	ids[0] = rows[0].id;
	ids[1] = rows[1].id;
	ids[2] = 123456; /* there is none */
	ids[3] = rows[0].id;
	put(ix, 1, "a", "MIT"); /* nothing is kept any more */
	for (i = 0; i < 2; i++) {
		assert_ok(mr_index_rows(ix, ids, 4, arena, &again, &err), err);
		assert_int_equal(ids[0], again[0].id);
		assert_int_equal(ids[1], again[1].id);
		assert_int_equal(0, again[2].id);
		assert_int_equal(ids[3], again[3].id);
		assert_string_equal("b", again[0].tags[0].value);
		assert_string_equal("a", again[1].tags[0].value);
		assert_string_equal("b", again[3].tags[0].value);
	}
}

static void a_digest_is_found_where_it_is_a_version(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_index_closep) struct mr_index *ix = test_index(t);
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = mr_arena_new(1 << 20);
	static const char *const places[] = { "acme/c", "acme/a", "acme/b" };
	struct mreg_digest d = test_digest("it");
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_index_writer *w;
	struct mr_ix_row *rows;
	size_t i, n;

	for (i = 0; i < 3; i++) {
		w = test_begin(ix, places[i]);
		test_put(w, 1, "it", "{}");
		test_put(w, 2, "another", "{}");
		test_put(w, 3 + i, "it", "{}");
		test_commit(w);
	}
	assert_ok(mr_index_find(ix, &d, arena, &rows, &n, &err), err);
	assert_int_equal(6, n);
	assert_string_equal("ghcr.io/acme/a", rows[0].model);
	assert_int_equal(4, rows[0].number);
	assert_int_equal(1, rows[1].number);
	assert_string_equal("ghcr.io/acme/b", rows[2].model);
	assert_int_equal(5, rows[2].number);
	assert_string_equal("ghcr.io/acme/c", rows[5].model);
	assert_int_equal(1, rows[5].number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(what_is_kept_is_what_was_written_last),
		{ "a_database_put_in_its_place_is_what_is_read",
		  a_database_put_in_its_place_is_what_is_read, test_db_sqlite,
		  test_db_end, NULL },
		TEST_BOTH_DB(long_texts_are_read_as_well),
		TEST_BOTH_DB(a_row_asked_for_twice_is_there_twice),
		TEST_BOTH_DB(a_digest_is_found_where_it_is_a_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

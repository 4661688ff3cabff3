/*
 * test_hostile.c - whatever a manifest says is indexed as data, or left out
 * with a note; both databases say the same of it.
 */
#include "index/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/support/index_fixture.h"

#define MODEL "ghcr.io/acme/churn"
#define INJECTION "'); DROP TABLE ix_versions; -- \\\" $1 {key} %s"

/* A manifest with these annotations, `"key":"value",...`. */
static struct mr_manifest *manifest_of(const char *annotations)
{
	struct mr_buf b = MR_BUF_INIT(4u << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_manifest *m = NULL;

	mr_buf_puts(&b,
		    "{\"schemaVersion\":2,\"mediaType\":\"" MR_MEDIA_MANIFEST
		    "\",\"config\":{\"mediaType\":\"" MR_MEDIA_EMPTY
		    "\",\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e"
		    "94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2},"
		    "\"layers\":[],\"annotations\":{");
	mr_buf_puts(&b, annotations);
	mr_buf_puts(&b, "}}");
	assert_ok(mr_manifest_parse(b.data, b.len, NULL, &m, &err), err);
	mr_buf_release(&b);
	return m;
}

/* Version `number` of that manifest, and its life with the same tags; its
 * digest is that of `of`, where it is given. */
static void put_raw(struct mr_index *ix, uint64_t number, const char *of,
		    const char *annotations, const char *card)
{
	MR_AUTO(mr_manifest_freep)
	struct mr_manifest *m = manifest_of(annotations);
	MR_AUTO(mr_meta_freep) struct mr_meta *meta = NULL;
	struct mr_index_writer *w = test_begin(ix, "acme/churn");
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_version v = {
		.number = number, .desc = m->desc, .manifest = m, .card = card
	};
	struct mr_ix_life l = { .number = number };

	assert_ok(mr_meta_new(&meta, &err), err);
	assert_ok(mr_meta_read(m, meta, &err), err);
	v.meta = meta;
	if (of)
		v.desc.digest = test_digest(of);
	assert_ok(mr_index_put_version(w, &v, &err), err);
	l.tags = meta->tags;
	l.tag_count = meta->tag_count;
	l.description = meta->description;
	assert_ok(mr_index_put_life(w, &l, &err), err);
	test_commit(w);
}

static struct mr_ix_row *only_row(struct mr_index *ix, struct mr_arena *arena)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_row *rows;
	size_t n;

	assert_ok(mr_index_versions(ix, MODEL, true, arena, &rows, &n, &err),
		  err);
	assert_int_equal(1, n);
	return rows;
}

/* `n` times `unit`, the caller's. */
static char *many(const char *unit, size_t n)
{
	size_t len = strlen(unit), i;
	char *out = malloc(n * len + 1);

	assert_non_null(out);
	for (i = 0; i < n; i++)
		memcpy(out + i * len, unit, len);
	out[n * len] = 0;
	return out;
}

static void cuts_long_values_between_characters(void **state)
{
	MR_AUTO(mr_index_closep)
	struct mr_index *ix = test_index(test_db(state));
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = mr_arena_new(1 << 20);
	/* A cut at 2,000 would be within the 667th. */
	char *euros = many("\xe2\x82\xac", 340000);
	struct mr_buf b = MR_BUF_INIT(4u << 20);
	struct mr_ix_row *row;
	char *note;

	mr_buf_printf(&b,
		      "\"org.mreg.tag.big\":\"%s\","
		      "\"org.mreg.param.%.3000s\":\"1\"",
		      euros, euros);
	put_raw(ix, 1, NULL, b.data, NULL);
	row = only_row(ix, arena);
	assert_int_equal(1, row->tag_count);
	assert_int_equal(1998, strlen(row->tags[0].value));
	assert_memory_equal(euros, row->tags[0].value, 1998);
	note = test_text(ix, "SELECT note FROM notes WHERE subject = 'v1 big'");
	assert_string_equal("cut: it has 1020000 bytes", note);
	free(note);
	assert_int_equal(1998, strlen(row->params[0].name));
	free(euros);
	mr_buf_release(&b);
}

static void keeps_what_looks_like_sql_or_moves_a_terminal(void **state)
{
	MR_AUTO(mr_index_closep)
	struct mr_index *ix = test_index(test_db(state));
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = mr_arena_new(1 << 20);
	struct mr_ix_row *row;
	bool found = true;
	struct mreg_digest d;
	struct mreg_error err = MREG_ERROR_INIT;

	put_raw(ix, 1, NULL,
		"\"org.mreg.tag." INJECTION "\":\"" INJECTION "\","
		"\"org.mreg.param.p\":\"" INJECTION "\","
		"\"org.mreg.run.id\":\"" INJECTION "\","
		"\"org.opencontainers.image.licenses\":\"" INJECTION "\","
		"\"org.opencontainers.image.description\":"
		"\"\\u0001\\u001b[31mred\\u202e\\r\\n" INJECTION "\"",
		INJECTION " \x1b[2J\xff\xfe");
	row = only_row(ix, arena);
	assert_string_equal("'); DROP TABLE ix_versions; -- \" $1 {key} %s",
			    row->license);
	assert_string_equal(row->license, row->run);
	assert_string_equal(row->license, row->params[0].value);
	assert_string_equal(row->license, row->tags[0].name);
	assert_string_equal(row->license, row->tags[0].value);
	assert_has(row->description, "\x01\x1b[31mred");
	assert_ok(mr_index_resolve(ix, MODEL, INJECTION, &d, &found, &err),
		  err);
	assert_false(found);
	assert_int_equal(1, test_number(ix, "SELECT count(*) FROM versions"));
}

static void leaves_out_what_is_no_number_and_no_time(void **state)
{
	MR_AUTO(mr_index_closep)
	struct mr_index *ix = test_index(test_db(state));
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = mr_arena_new(1 << 20);
	struct mr_ix_row *row;
	char *text;

	put_raw(ix, 1, NULL,
		"\"org.mreg.metric.big\":\"1e307\","
		"\"org.mreg.metric.zero\":\"-0\","
		"\"org.mreg.metric.over\":\"1e999\","
		"\"org.mreg.metric.nan\":\"NaN\","
		"\"org.mreg.parameters\":\"99999999999999999999999\","
		"\"org.mreg.param.over\":\"1e999\","
		"\"org.opencontainers.image.created\":"
		"\"0000-01-01T00:00:00Z\"",
		NULL);
	row = only_row(ix, arena);
	assert_int_equal(2, row->metric_count);
	assert_string_equal("1e307", row->metrics[0].value);
	assert_string_equal("-0", row->metrics[1].value);
	assert_string_equal("1e999", row->params[0].value);
	assert_int_equal(0, test_number(ix, "SELECT count(*) FROM params "
					    "WHERE number IS NOT NULL"));
	text = test_text(ix, "SELECT created_at FROM versions");
	assert_string_equal("", text);
	free(text);
}

static int64_t walk(struct mr_index *ix, const char *of, bool down)
{
	MR_AUTO(mr_walk_release) struct mr_walk_result r = { 0 };
	struct mreg_digest d = test_digest(of);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_walk w = { .from_count = 1, .down = down };
	int64_t node = 0;

	assert_ok(mr_index_node(ix, &d, &node, &err), err);
	assert_true(node != 0);
	w.from = &node;
	assert_ok(mr_index_walk(ix, &w, true, &r, &err), err);
	return (int64_t)r.count;
}

/* A parent by its digest, as an annotation; the caller's. */
static char *parent(const char *of)
{
	struct mr_buf b = MR_BUF_INIT(4096);
	char digest[MREG_DIGEST_TEXT];
	struct mreg_digest d = test_digest(of);

	mr_buf_printf(&b,
		      "\"org.mreg.parents\":\"[{\\\"relation\\\":\\\"merge\\\","
		      "\\\"ref\\\":\\\"a:v1\\\",\\\"digest\\\":\\\"%s\\\"}]\"",
		      mreg_digest_text(&d, digest));
	return mr_buf_take(&b);
}

static void takes_circles_as_they_are(void **state)
{
	MR_AUTO(mr_index_closep)
	struct mr_index *ix = test_index(test_db(state));
	char *self = parent("self"), *a = parent("a"), *b = parent("b");

	put_raw(ix, 1, "self", self, NULL);
	put_raw(ix, 2, "a", b, NULL);
	put_raw(ix, 3, "b", a, NULL);
	assert_int_equal(3, test_number(ix, "SELECT count(*) FROM edges"));
	assert_int_equal(1, walk(ix, "self", false));
	assert_int_equal(2, walk(ix, "a", false));
	assert_int_equal(2, walk(ix, "a", true));
	free(self);
	free(a);
	free(b);
}

static void takes_ten_thousand_parents_and_tags(void **state)
{
	MR_AUTO(mr_index_closep)
	struct mr_index *ix = test_index(test_db(state));
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = mr_arena_new(8 << 20);
	struct mr_buf b = MR_BUF_INIT(4u << 20);
	int i;

	mr_buf_puts(&b, "\"org.mreg.parents\":\"[");
	for (i = 0; i < 10000; i++)
		mr_buf_printf(&b,
			      "%s{\\\"relation\\\":\\\"merge\\\","
			      "\\\"ref\\\":\\\"hf://o/m%d\\\"}",
			      i ? "," : "", i);
	mr_buf_puts(&b, "]\"");
	for (i = 0; i < 10000; i++)
		mr_buf_printf(&b, ",\"org.mreg.tag.t%d\":\"%d\"", i, i);
	put_raw(ix, 1, "many", b.data, NULL);
	assert_int_equal(10000, test_number(ix, "SELECT count(*) FROM edges"));
	assert_int_equal(10000, only_row(ix, arena)->tag_count);
	assert_int_equal(10001, walk(ix, "many", false));
	/* And away again. */
	put_raw(ix, 1, "few", "\"org.mreg.tag.t\":\"1\"", NULL);
	assert_int_equal(0, test_number(ix, "SELECT count(*) FROM edges"));
	assert_int_equal(1, test_number(ix, "SELECT count(*) FROM tags"));
	mr_buf_release(&b);
}

static void sizes_that_are_claimed_do_not_overflow(void **state)
{
	MR_AUTO(mr_index_closep)
	struct mr_index *ix = test_index(test_db(state));
	MR_AUTO(mr_meta_freep) struct mr_meta *meta = test_meta("{}");
	struct mr_index_writer *w = test_begin(ix, "acme/churn");
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_version v = { .meta = meta,
				   .bytes = UINT64_MAX,
				   .files = UINT64_MAX };

	for (v.number = 1; v.number <= 3; v.number++) {
		char of[2] = { (char)('0' + v.number), 0 };

		v.desc.digest = test_digest(of);
		v.desc.size = UINT64_MAX;
		assert_ok(mr_index_put_version(w, &v, &err), err);
	}
	test_commit(w);
	assert_int_equal(INT64_MAX,
			 test_number(ix, "SELECT bytes FROM models"));
}

/* The words of a card are the same in both, whatever its bytes are. */
static void both_databases_say_the_same(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_index_closep) struct mr_index *ix = test_index(t);
	MR_AUTO(mr_index_closep) struct mr_index *other = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	char where[PATH_MAX], *a, *b;
	int i;

	(void)snprintf(where, sizeof(where), "%s/other.db", t->dir);
	assert_ok(mr_index_open(t->env, where, MR_DB_CREATE, &other, &err),
		  err);
	for (i = 0; i < 2; i++)
		put_raw(i ? other : ix, 1, "it",
			"\"org.mreg.metric.a\":\"0.1\","
			"\"org.mreg.metric.b\":\"1e-300\","
			"\"org.mreg.metric.c\":\"-0.0\","
			"\"org.mreg.metric.d\":\"123456789012345678901\","
			"\"org.mreg.param.p\":\"1.7976931348623157e308\","
			"\"org.opencontainers.image.created\":"
			"\"1815-12-10T00:00:00Z\","
			"\"org.mreg.tag.\xf0\x9f\x98\x80\":\"x\"",
			"\xff\xfe b\xc3\xa4r BIG \x01 a--b");
	a = test_index_dump(ix);
	b = test_index_dump(other);
	assert_string_equal(b, a);
	assert_has(a, "created_at='1815-12-10T00:00:00Z'");
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(cuts_long_values_between_characters),
		TEST_BOTH_DB(keeps_what_looks_like_sql_or_moves_a_terminal),
		TEST_BOTH_DB(leaves_out_what_is_no_number_and_no_time),
		TEST_BOTH_DB(takes_circles_as_they_are),
		TEST_BOTH_DB(takes_ten_thousand_parents_and_tags),
		TEST_BOTH_DB(sizes_that_are_claimed_do_not_overflow),
		TEST_BOTH_DB(both_databases_say_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

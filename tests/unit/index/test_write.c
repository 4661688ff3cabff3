/*
 * test_write.c - what is written of a model is what is read of it.
 */
#include "index/index.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "tests/support/index_fixture.h"

#define MODEL "ghcr.io/acme/churn"

static const char *value(const struct mreg_pair *p, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(p[i].name, name) == 0)
			return p[i].value;
	return NULL;
}

static void reads_what_was_written(void **state)
{
	MR_AUTO(mr_index_closep)
	struct mr_index *ix = test_index(test_db(state));
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = mr_arena_new(1 << 20);
	const struct mreg_pair tags[] = { { "team", "b" }, { "a", "" } };
	const struct mr_ix_name names[] = {
		{ .tag = "production", .tagged = test_digest("1") },
		{ .tag = "latest",
		  .kind = MR_IX_LATEST,
		  .tagged = test_digest("1") },
		{ .tag = "1.2.0",
		  .kind = MR_IX_RELEASE,
		  .tagged = test_digest("1") },
	};
	struct mr_index_writer *w = test_begin(ix, "acme/churn");
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_life l = { .number = 1,
				.registered_s = 100,
				.updated_s = 200,
				.actor = "ann",
				.owner = "team-a",
				.tags = tags,
				.tag_count = 2,
				.stage = "production",
				.release = "1.2.0" };
	struct mr_ix_row *rows;
	size_t n;

	test_put(
		w, 1, "1",
		"{\"metrics\":{\"auc\":0.910,\"f1\":0.5},\"params\":{\"lr\":0.1},"
		"\"license\":\"MIT\",\"runId\":\"r1\",\"tags\":{\"team\":\"a\"}}");
	assert_ok(mr_index_put_life(w, &l, &err), err);
	assert_ok(mr_index_replace_names(w, names, 3, &err), err);
	test_commit(w);
	assert_ok(mr_index_versions(ix, MODEL, true, arena, &rows, &n, &err),
		  err);
	assert_int_equal(1, n);
	assert_int_equal(1, rows[0].number);
	assert_string_equal(MODEL, rows[0].model);
	assert_string_equal("MIT", rows[0].license);
	assert_string_equal("r1", rows[0].run);
	assert_string_equal("ann", rows[0].actor);
	assert_int_equal(2, rows[0].metric_count);
	assert_string_equal("0.910", rows[0].metrics[0].value);
	assert_string_equal("0.5", rows[0].metrics[1].value);
	assert_string_equal("0.1",
			    value(rows[0].params, rows[0].param_count, "lr"));
	assert_int_equal(2, rows[0].tag_count);
	assert_string_equal("b",
			    value(rows[0].tags, rows[0].tag_count, "team"));
	assert_int_equal(2, rows[0].alias_count);
	assert_string_equal("latest", rows[0].aliases[0]);
	assert_string_equal("production", rows[0].aliases[1]);
}

#define CONTENT                                                                \
	"{\"metrics\":{\"a\":1,\"b\":2.5},\"params\":{\"lr\":0.1},"            \
	"\"tags\":{\"gone\":\"x\",\"kept\":\"y\"},\"runId\":\"run %u\","       \
	"\"parents\":[{\"ref\":\"hf://org/base\"}]}"

static void put_content(struct mr_index_writer *w, unsigned int number)
{
	char of[16], json[256];

	(void)snprintf(of, sizeof(of), "content %u", number);
	(void)snprintf(json, sizeof(json), CONTENT, number);
	test_put(w, number, of, json);
}

static void put_life(struct mr_index_writer *w, unsigned int number)
{
	const struct mreg_pair tags[] = { { "kept", "z" }, { "new", "" } };
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mr_ix_life l = { .number = number,
				      .updated_s = number,
				      .tags = tags,
				      .tag_count = 2,
				      .stage = "none" };

	assert_ok(mr_index_put_life(w, &l, &err), err);
}

/* More than one statement takes, and none of whole ones. */
static void changes_what_it_wrote_just_before(void **state)
{
	MR_AUTO(mr_index_closep)
	struct mr_index *ix = test_index(test_db(state));
	struct mr_index_writer *w = test_begin(ix, "acme/churn");
	const uint64_t kept[] = { 1, 2, 3 };
	struct mreg_error err = MREG_ERROR_INIT;
	unsigned int i;

	for (i = 1; i <= 77; i++)
		put_content(w, i);
	for (i = 1; i <= 77; i++)
		put_life(w, i);
	put_content(w, 78);
	put_life(w, 78);
	put_content(w, 1);
	test_commit(w);
	assert_int_equal(156, test_number(ix, "SELECT count(*) FROM metrics"));
	assert_int_equal(78, test_number(ix, "SELECT count(*) FROM params"));
	assert_int_equal(156, test_number(ix, "SELECT count(*) FROM tags"));
	assert_int_equal(77, test_number(ix, "SELECT count(*) FROM tags "
					     "WHERE value = 'z'"));
	assert_int_equal(1, test_number(ix, "SELECT version FROM tags "
					    "WHERE name = 'gone'"));
	assert_int_equal(78, test_number(ix, "SELECT count(*) FROM edges "
					     "WHERE relation = 'run'"));
	w = test_begin(ix, "acme/churn");
	put_content(w, 79);
	assert_ok(mr_index_keep_versions(w, kept, 3, &err), err);
	test_commit(w);
	assert_int_equal(3, test_number(ix, "SELECT count(*) FROM versions"));
	assert_int_equal(6, test_number(ix, "SELECT count(*) FROM metrics"));
	assert_int_equal(6, test_number(ix, "SELECT count(*) FROM edges"));
}

static void gives_no_id_twice(void **state)
{
	MR_AUTO(mr_index_closep)
	struct mr_index *one = test_index(test_db(state));
	MR_AUTO(mr_index_closep)
	struct mr_index *other = test_index(test_db(state));
	struct mr_index_writer *w;
	unsigned int i;

	for (i = 1; i <= 6; i++) {
		w = test_begin(i % 2 ? one : other, "acme/churn");
		put_content(w, 2 * i);
		put_life(w, 2 * i);
		test_commit(w);
		/* What is given up is given to others. */
		w = test_begin(i % 2 ? one : other, "acme/other");
		put_content(w, 100 + i);
		mr_index_abort(w);
	}
	assert_int_equal(6, test_number(one, "SELECT count(DISTINCT digest) "
					     "FROM versions"));
	assert_int_equal(6, test_number(one, "SELECT count(DISTINCT parent) "
					     "FROM edges "
					     "WHERE relation = 'run'"));
	assert_int_equal(1, test_number(one, "SELECT count(*) FROM versions "
					     "WHERE run = 'run 12'"));
	assert_int_equal(12, test_number(one, "SELECT count(*) FROM metrics"));
}

static size_t count_models(struct mr_index *ix)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *arena = mr_arena_new(1 << 20);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_ix_model_row *rows;
	size_t n;

	assert_ok(mr_index_models(ix, NULL, arena, &rows, &n, &err), err);
	return n;
}

static void what_is_held_does_not_change(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_index_closep) struct mr_index *writer = test_index(t);
	MR_AUTO(mr_index_closep) struct mr_index *reader = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_index_writer *w = test_begin(writer, "acme/churn");

	test_commit(w);
	assert_ok(mr_index_open(t->env, t->where, MR_DB_READ, &reader, &err),
		  err);
	assert_ok(mr_index_hold(reader, &err), err);
	assert_int_equal(count_models(reader), 1);
	w = test_begin(writer, "acme/fraud");
	test_commit(w);
	assert_int_equal(count_models(reader), 1);
	assert_ok(mr_index_hold(reader, &err), err);
	assert_int_equal(count_models(reader), 1);
	mr_index_let_go(reader);
	assert_int_equal(count_models(reader), 1);
	mr_index_let_go(reader);
	assert_int_equal(count_models(reader), 2);
	assert_int_equal(count_models(writer), 2);
}

/* Two that are cut to the same are one parameter with one value. */
static void a_parameters_number_is_that_of_the_text_kept(void **state)
{
	MR_AUTO(mr_index_closep)
	struct mr_index *ix = test_index(test_db(state));
	struct mr_index_writer *w = test_begin(ix, "acme/churn");
	char json[2 * MR_INDEX_VALUE_MAX_BYTES];
	unsigned int i;

	for (i = 1; i <= 2; i++) {
		(void)snprintf(json, sizeof(json),
			       "{\"params\":{\"lr\":\"1.%0*de%u\"}}",
			       MR_INDEX_VALUE_MAX_BYTES, 0, i + 4);
		test_put(w, i, i == 1 ? "1" : "2", json);
	}
	test_commit(w);
	assert_int_equal(2, test_number(ix, "SELECT count(*) FROM params "
					    "WHERE number = 1"));
}

/* All that was written: what a server that crashes may lose, which does not
 * wait for its disk. */
static void lose(struct test_db *t, struct mr_index *ix)
{
	MR_AUTO(mr_db_closep) struct mr_db *db = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_db_open(t->env, t->where, MR_DB_WRITE, &db, &err), err);
	assert_ok(mr_db_exec(db,
			     "DELETE FROM ix_texts WHERE id > 1;"
			     "TRUNCATE ix_models, ix_versions, ix_nodes, "
			     "ix_forms, ix_pairs, ix_properties, ix_metrics, "
			     "ix_edges, ix_weights, ix_inputs, ix_cards",
			     &err),
		  err);
	assert_code(MREG_EDB,
		    mr_db_exec(mr_index_db(ix),
			       "SELECT pg_terminate_backend("
			       "pg_backend_pid())",
			       &err),
		    err);
}

/* Ids of what was lost are given to others. */
static void remembers_nothing_of_what_a_server_lost(void **state)
{
	struct test_db *t = test_db(state);
	MR_AUTO(mr_index_closep) struct mr_index *ix = test_index(t);
	struct mr_index_writer *w = test_begin(ix, "acme/churn");
	MR_AUTO(mr_free) char *license = NULL;
	MR_AUTO(mr_free) char *run = NULL;

	test_put(w, 1, "1", "{\"license\":\"MIT\",\"runId\":\"r1\"}");
	test_commit(w);
	lose(t, ix);
	w = test_begin(ix, "acme/fraud");
	test_put(w, 1, "2", "{\"license\":\"GPL-3.0\",\"runId\":\"r2\"}");
	test_put(w, 2, "1", "{\"license\":\"MIT\",\"runId\":\"r1\"}");
	test_commit(w);
	license =
		test_text(ix, "SELECT license FROM versions WHERE version = 2");
	assert_string_equal(license, "MIT");
	run = test_text(ix, "SELECT run FROM versions WHERE version = 2");
	assert_string_equal(run, "r1");
	assert_int_equal(2, test_number(ix, "SELECT count(DISTINCT digest) "
					    "FROM versions"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(reads_what_was_written),
		TEST_BOTH_DB(changes_what_it_wrote_just_before),
		TEST_BOTH_DB(gives_no_id_twice),
		TEST_BOTH_DB(what_is_held_does_not_change),
		TEST_BOTH_DB(a_parameters_number_is_that_of_the_text_kept),
		{ "remembers_nothing_of_what_a_server_lost",
		  remembers_nothing_of_what_a_server_lost, test_db_postgres,
		  test_db_end, NULL },
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

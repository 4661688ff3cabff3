/*
 * test_graph.c - walks over SQL and over the file find what a plain search
 * finds.
 */
#include "tests/support/graph_fixture.h"

#include <string.h>

#include "base/mem.h"

/* A change makes the file old, so the first walks are by SQL. */
static void finds_what_a_plain_search_finds(void **state)
{
	struct test_db *t = test_db(state);
	struct mr_index *ix = graph_open(t);
	struct graph p;
	uint32_t seed;

	for (seed = 1; seed <= 60; seed++) {
		graph_make(&p, seed);
		graph_store(ix, &p);
		graph_check(ix, &p, seed, 15);
		assert_null(ix->graph);
		graph_write(ix);
		graph_check(ix, &p, seed, 15);
		assert_int_equal(ix->graph != NULL, t->kind == MR_DB_SQLITE);
	}
	mr_index_close(ix);
}

/* -- hubs ------------------------------------------------------------------ */

#define HUB 10000

static void check_hub(struct mr_index *ix)
{
	MR_AUTO(mr_walk_release) struct mr_walk_result r = { .count = 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	const int64_t hub = 1;
	const int64_t one = HUB;
	struct mr_walk w = { .from = &hub, .from_count = 1, .down = true };

	assert_ok(mr_index_walk(ix, &w, true, &r, &err), err);
	assert_int_equal(r.count, HUB + 1);
	assert_int_equal(r.edge_count, HUB);
	mr_walk_release(&r);
	w.most = 10;
	assert_ok(mr_index_walk(ix, &w, true, &r, &err), err);
	assert_int_equal(r.count, 10);
	assert_int_equal(r.left, HUB - 9);
	assert_true(r.cut);
	mr_walk_release(&r);
	/* All have the same files: from one to all others in a step. */
	w = (struct mr_walk){ .from = &one,
			      .from_count = 1,
			      .relations = UINT32_C(1) << MR_REL_SAME_FILES };
	assert_ok(mr_index_walk(ix, &w, true, &r, &err), err);
	assert_int_equal(r.count, HUB);
	assert_int_equal(r.nodes[HUB - 1].depth, 1);
	assert_int_equal(r.alike_count, HUB);
	assert_int_equal(r.alike[HUB - 1].group, 0);
}

static void walks_around_hubs_of_ten_thousand(void **state)
{
	struct test_db *t = test_db(state);
	struct mr_index *ix = graph_open(t);
	struct mreg_error err = MREG_ERROR_INIT;
	struct graph *p = mr_zalloc(sizeof(*p));
	int64_t i;

	assert_non_null(p);
	graph_store(ix, p);
	assert_ok(mr_db_begin(ix->db, true, &err), err);
	for (i = 2; i <= HUB + 1; i++) {
		graph_put_edge(ix, i, 1, MR_REL_FINETUNE, 1);
		graph_put_version(ix, i, 1);
	}
	assert_ok(mr_db_commit(ix->db, &err), err);
	check_hub(ix);
	graph_write(ix);
	check_hub(ix);
	assert_int_equal(ix->graph != NULL, t->kind == MR_DB_SQLITE);
	mr_release(p);
	mr_index_close(ix);
}

static void names_relations_both_ways(void **state)
{
	unsigned int i;
	unsigned int n = 0;

	(void)state;
	for (i = 0; i < MR_REL_COUNT; i++) {
		const char *name = mr_relation_name((enum mr_relation)i);

		if (name)
			assert_int_equal(mr_relation_parse(name), i);
		n += name != NULL;
	}
	assert_int_equal(n, 20);
	assert_int_equal(mr_relation_parse("father"), 0);
	assert_null(mr_relation_name((enum mr_relation)99));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(finds_what_a_plain_search_finds),
		TEST_BOTH_DB(walks_around_hubs_of_ten_thousand),
		cmocka_unit_test(names_relations_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_graph_describe.c - what nodes are, and what of them is in use.
 */
#include "tests/support/index_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

static int64_t node_of(struct mr_index *ix, const char *of)
{
	const struct mreg_digest d = test_digest(of);
	struct mreg_error err = MREG_ERROR_INIT;
	int64_t node;

	assert_ok(mr_index_node(ix, &d, &node, &err), err);
	return node;
}

static int64_t outside(struct mr_index *ix, enum mr_graph_kind kind,
		       const char *name)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int64_t node;

	assert_ok(mr_index_outside(ix, kind, name, &node, &err), err);
	return node;
}

static void put_sync(struct mr_index_writer *w, int64_t synced_s)
{
	const struct mr_ix_sync s = { .synced_s = synced_s };
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_index_cache_sync(w, &s, &err), err);
}

static void put_churn(struct mr_index_writer *w, uint64_t number)
{
	const struct mreg_digest base = test_digest("base");
	const struct mreg_digest gone = test_digest("gone");
	char a[MREG_DIGEST_TEXT], b[MREG_DIGEST_TEXT];
	char json[1000];

	(void)snprintf(json, sizeof(json),
		       "{\"runId\":\"r1\",\"parents\":[{\"relation\":"
		       "\"finetune\",\"ref\":\"base:v1\",\"digest\":\"%s\"},"
		       "{\"relation\":\"merge\",\"ref\":\"gone:v3\","
		       "\"digest\":\"%s\"}],\"inputs\":[{\"role\":\"train\","
		       "\"name\":\"web table\"}]}",
		       mreg_digest_text(&base, a), mreg_digest_text(&gone, b));
	test_put(w, number, "churn", json);
}

/* A base; a version that is in two models, in use, with a document. */
static struct mr_index *fill(struct test_db *t)
{
	const struct mreg_digest churn = test_digest("churn");
	const struct mr_ix_name names[] = {
		{ .tag = "production", .tagged = churn },
		{ .tag = "latest", .kind = MR_IX_LATEST, .tagged = churn },
		{ .tag = "1.0.0", .kind = MR_IX_RELEASE, .tagged = churn },
		{ .tag = "moved", .tagged = test_digest("nobody") },
	};
	const struct mr_ix_document doc = {
		.subject = churn,
		.desc = { .media_type = "a/b",
			  .digest = test_digest("card"),
			  .size = 3 },
		.artifact_type = "application/x.card",
		.title = "the card",
	};
	const struct mr_ix_deployment places[] = {
		{ .environment = "prod", .workload = "api", .version = churn },
		{ .environment = "edge",
		  .workload = "",
		  .version = test_digest("nobody") },
	};
	struct mr_index *ix = test_index(t);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_index_writer *w = test_begin(ix, "acme/base");

	test_put(w, 1, "base", "{}");
	put_sync(w, 100);
	test_commit(w);
	w = test_begin(ix, "acme/churn");
	put_churn(w, 2);
	put_sync(w, 50);
	assert_ok(mr_index_replace_names(w, names, 4, &err), err);
	assert_ok(mr_index_replace_documents(w, &churn, &doc, 1, &err), err);
	assert_ok(mr_index_replace_deployments(w, places, 2, &err), err);
	test_commit(w);
	w = test_begin(ix, "other/churn");
	put_churn(w, 7);
	test_commit(w);
	return ix;
}

static const struct mr_node_row *described(struct mr_index *ix,
					   struct mr_arena *arena, int64_t node)
{
	/* Among others, and twice. */
	const int64_t nodes[] = { node_of(ix, "base"), node, node };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_node_row *rows;

	assert_true(node > 0);
	assert_ok(mr_index_describe(ix, nodes, 3, arena, &rows, &err), err);
	assert_int_equal(rows[1].node, node);
	return &rows[1];
}

static void describes_what_nodes_are(void **state)
{
	MR_AUTO(mr_index_closep) struct mr_index *ix = fill(test_db(state));
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1 << 20);
	const struct mreg_digest churn = test_digest("churn");
	const struct mr_node_row *row = described(ix, a, node_of(ix, "churn"));

	assert_int_equal(row->kind, MR_GRAPH_MANIFEST);
	assert_true(mreg_digest_equal(&row->digest, &churn));
	assert_int_equal(row->version_count, 2);
	assert_string_equal(row->versions[0].model, "ghcr.io/acme/churn");
	assert_int_equal(row->versions[0].number, 2);
	assert_int_equal(row->versions[0].alias_count, 2);
	assert_string_equal(row->versions[1].model, "ghcr.io/other/churn");
	assert_int_equal(row->versions[1].number, 7);
	assert_false(row->gap || row->document);
	row = described(ix, a, node_of(ix, "gone"));
	assert_true(row->gap);
	assert_string_equal(row->ref, "gone:v3");
	row = described(ix, a, node_of(ix, "card"));
	assert_true(row->document && !row->gap);
	assert_string_equal(row->title, "the card");
	assert_string_equal(row->artifact_type, "application/x.card");
	row = described(ix, a, outside(ix, MR_GRAPH_RUN, "r1"));
	assert_int_equal(row->kind, MR_GRAPH_RUN);
	assert_string_equal(row->name, "r1");
	row = described(ix, a, outside(ix, MR_GRAPH_NAME, "web table"));
	assert_int_equal(row->kind, MR_GRAPH_NAME);
	row = described(ix, a, outside(ix, MR_GRAPH_DEPLOYMENT, "prod/api"));
	assert_int_equal(row->kind, MR_GRAPH_DEPLOYMENT);
}

static void check_use(const struct mr_in_use *u, const char *alias,
		      const char *environment, uint64_t number)
{
	assert_string_equal(u->model, "ghcr.io/acme/churn");
	assert_int_equal(u->number, number);
	if (alias)
		assert_string_equal(u->alias, alias);
	else
		assert_string_equal(u->environment, environment);
	assert_int_equal(u->alias == NULL, alias == NULL);
	assert_int_equal(u->environment == NULL, environment == NULL);
}

/* What an alias or a place has and no version is, is in use as well. */
static void finds_what_is_in_use(void **state)
{
	MR_AUTO(mr_index_closep) struct mr_index *ix = fill(test_db(state));
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1 << 20);
	const int64_t nodes[] = { node_of(ix, "churn"), node_of(ix, "base"),
				  node_of(ix, "nobody") };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_in_use *uses;
	size_t n;

	assert_true(nodes[2] > 0);
	assert_ok(mr_index_in_use(ix, nodes, 3, a, &uses, &n, &err), err);
	assert_int_equal(n, 5);
	check_use(&uses[0], "moved", NULL, 0);
	check_use(&uses[1], NULL, "edge", 0);
	assert_string_equal(uses[1].workload, "");
	check_use(&uses[2], "latest", NULL, 2);
	check_use(&uses[3], "production", NULL, 2);
	check_use(&uses[4], NULL, "prod", 2);
	assert_string_equal(uses[4].workload, "api");
	assert_int_equal(uses[4].node, nodes[0]);
}

static void forgets_what_nothing_names(void **state)
{
	MR_AUTO(mr_index_closep) struct mr_index *ix = fill(test_db(state));
	struct mreg_error err = MREG_ERROR_INIT;

	assert_int_equal(node_of(ix, "never seen"), 0);
	assert_int_equal(outside(ix, MR_GRAPH_URI, "s3://never"), 0);
	assert_int_equal(outside(ix, MR_GRAPH_COMMIT, "r1"), 0);
	assert_ok(mr_index_remove_model(ix, "ghcr.io/acme/churn", &err), err);
	assert_true(node_of(ix, "churn") > 0);
	assert_int_equal(node_of(ix, "card"), 0);
	assert_int_equal(node_of(ix, "nobody"), 0);
	assert_ok(mr_index_remove_model(ix, "ghcr.io/other/churn", &err), err);
	assert_int_equal(node_of(ix, "churn"), 0);
	assert_int_equal(node_of(ix, "gone"), 0);
	assert_int_equal(outside(ix, MR_GRAPH_RUN, "r1"), 0);
	assert_true(node_of(ix, "base") > 0);
}

static void tells_the_oldest_sync(void **state)
{
	MR_AUTO(mr_index_closep) struct mr_index *ix = fill(test_db(state));
	const int64_t base = node_of(ix, "base");
	const int64_t both[] = { base, node_of(ix, "churn") };
	const int64_t gone = node_of(ix, "gone");
	struct mreg_error err = MREG_ERROR_INIT;
	int64_t at;

	assert_ok(mr_index_synced(ix, &base, 1, &at, &err), err);
	assert_int_equal(at, 100);
	assert_ok(mr_index_synced(ix, both, 2, &at, &err), err);
	assert_int_equal(at, 50);
	assert_ok(mr_index_synced(ix, &gone, 1, &at, &err), err);
	assert_int_equal(at, 0);
}

static size_t below(struct mr_index *ix, int64_t node)
{
	MR_AUTO(mr_walk_release) struct mr_walk_result r = { .count = 0 };
	const struct mr_walk w = { .from = &node,
				   .from_count = 1,
				   .down = true };
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_index_walk(ix, &w, true, &r, &err), err);
	return r.count;
}

static void walks_see_what_was_written_since_the_file(void **state)
{
	MR_AUTO(mr_index_closep) struct mr_index *ix = fill(test_db(state));
	const int64_t base = node_of(ix, "base");
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_index_writer *w;

	/* The base, churn, its card and the place where it runs. */
	assert_int_equal(below(ix, base), 4);
	assert_ok(mr_index_settle(ix, &err), err);
	assert_int_equal(below(ix, base), 4);
	w = test_begin(ix, "acme/churn");
	assert_ok(mr_index_replace_deployments(w, NULL, 0, &err), err);
	test_commit(w);
	assert_int_equal(below(ix, base), 3);
	assert_ok(mr_index_settle(ix, &err), err);
	assert_int_equal(below(ix, base), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(describes_what_nodes_are),
		TEST_BOTH_DB(finds_what_is_in_use),
		TEST_BOTH_DB(forgets_what_nothing_names),
		TEST_BOTH_DB(tells_the_oldest_sync),
		TEST_BOTH_DB(walks_see_what_was_written_since_the_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

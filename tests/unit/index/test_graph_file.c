/*
 * test_graph_file.c - a file of adjacency that is not to be believed is not,
 * and the answers are the same without it.
 */
#include "tests/support/graph_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "index/graph_layout.h"

static char *graph_name(const struct test_db *t, char out[PATH_MAX])
{
	const char *slash = strrchr(t->where, '/');

	(void)snprintf(out, PATH_MAX, "%s.graph", slash + 1);
	return out;
}

/* With what another program would find there. */
static void check_anew(struct test_db *t, const struct graph *p, bool believed)
{
	struct mr_index *ix = graph_open(t);

	graph_check(ix, p, 7, 12);
	assert_int_equal(ix->graph != NULL, believed);
	mr_index_close(ix);
}

static void believes_no_damaged_file(void **state)
{
	struct test_db *t = test_db(state);
	struct mr_index *ix = graph_open(t);
	char name[PATH_MAX];
	struct graph p;
	uint32_t seed = 3;
	size_t n, at;
	char *bytes;
	int i;

	graph_make(&p, 11);
	graph_store(ix, &p);
	graph_write(ix);
	mr_index_close(ix);
	check_anew(t, &p, true);
	bytes = test_read(t->dir, graph_name(t, name), &n);
	for (at = 0; at < n; at += 1 + n / 50) {
		test_write(t->dir, name, bytes, at);
		check_anew(t, &p, false);
	}
	for (i = 0; i < 60; i++) {
		/* Behind the header's sum nothing is read. */
		at = graph_next(&seed, 112);
		if (i % 2)
			at = MR_GRAPH_HEAD_BYTES +
			     graph_next(&seed,
					(uint32_t)(n - MR_GRAPH_HEAD_BYTES));
		bytes[at] = (char)(bytes[at] ^ 1 << graph_next(&seed, 8));
		test_write(t->dir, name, bytes, n);
		check_anew(t, &p, false);
		free(bytes);
		test_write(t->dir, name, "", 0);
		ix = graph_open(t);
		graph_write(ix);
		mr_index_close(ix);
		bytes = test_read(t->dir, name, &n);
	}
	free(bytes);
	check_anew(t, &p, true);
}

/* Nothing is waited for, and nothing followed. */
static void believes_nothing_that_is_no_file(void **state)
{
	struct test_db *t = test_db(state);
	struct mr_index *ix = graph_open(t);
	char name[PATH_MAX], path[PATH_MAX];
	struct graph p;

	graph_make(&p, 12);
	graph_store(ix, &p);
	graph_write(ix);
	mr_index_close(ix);
	check_anew(t, &p, true);
	(void)snprintf(path, sizeof(path), "%s.graph", t->where);
	(void)snprintf(name, sizeof(name), "%s.moved", t->where);
	assert_int_equal(rename(path, name), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	check_anew(t, &p, false);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(name, path), 0);
	check_anew(t, &p, false);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(name, path), 0);
	check_anew(t, &p, true);
}

/* Its checksums are right, its numbers are not: answers may be wrong, but
 * nothing beyond the file is read. */
static void stays_in_a_file_that_somebody_made_up(void **state)
{
	struct test_db *t = test_db(state);
	struct mr_index *ix = graph_open(t);
	struct mreg_error err = MREG_ERROR_INIT;
	char name[PATH_MAX];
	struct graph p;
	uint32_t seed = 5;
	size_t n, body, blocks, i;
	uint8_t *bytes;
	int round;

	graph_make(&p, 12);
	graph_store(ix, &p);
	graph_write(ix);
	mr_index_close(ix);
	bytes = (uint8_t *)test_read(t->dir, graph_name(t, name), &n);
	blocks = 1;
	while (n - mr_graph_body(blocks) > blocks * MR_GRAPH_BLOCK_BYTES)
		blocks++;
	body = mr_graph_body(blocks);
	for (round = 0; round < 200; round++) {
		uint32_t value = graph_next(&seed, 3)
					 ? graph_next(&seed, 400)
					 : 0xffffff00u + (uint32_t)round;
		struct mr_walk w = { .from_count = 1, .relations = UINT32_MAX };
		size_t at =
			body + 4 * graph_next(&seed, (uint32_t)(n - body) / 4);

		memcpy(bytes + at, &value, sizeof(value));
		for (i = 0; i < blocks; i++) {
			size_t from = body + i * MR_GRAPH_BLOCK_BYTES;
			size_t len = n - from < MR_GRAPH_BLOCK_BYTES
					     ? n - from
					     : MR_GRAPH_BLOCK_BYTES;
			uint64_t sum = mr_graph_sum(bytes + from, len);

			memcpy(bytes + MR_GRAPH_HEAD_BYTES + 8 * i, &sum, 8);
		}
		test_write(t->dir, name, bytes, n);
		ix = graph_open(t);
		for (i = 1; i <= GRAPH_NODES; i++) {
			MR_AUTO(mr_walk_release)
			struct mr_walk_result r = { .count = 0 };
			int64_t from = (int64_t)i;

			w.from = &from;
			w.down = i % 2;
			assert_ok(mr_index_walk(ix, &w, true, &r, &err), err);
		}
		mr_index_close(ix);
	}
	free(bytes);
}

static void believes_no_file_of_another_time_or_database(void **state)
{
	struct test_db *t = test_db(state);
	struct mr_index *ix = graph_open(t);
	char name[PATH_MAX];
	struct graph p, q;
	char *database, *file;
	size_t n, file_n;
	const char *base = strrchr(t->where, '/') + 1;

	graph_make(&p, 13);
	graph_make(&q, 14);
	graph_store(ix, &p);
	mr_index_close(ix);
	database = test_read(t->dir, base, &n);
	ix = graph_open(t);
	graph_write(ix);
	graph_store(ix, &q);
	mr_index_close(ix);
	check_anew(t, &q, false); /* older than what was written since */
	ix = graph_open(t);
	graph_write(ix);
	mr_index_close(ix);
	check_anew(t, &q, true);
	file = test_read(t->dir, graph_name(t, name), &file_n);
	/* An older copy of the database is put back, and changed as often. */
	test_write(t->dir, base, database, n);
	check_anew(t, &p, false);
	ix = graph_open(t);
	graph_store(ix, &p);
	mr_index_close(ix);
	check_anew(t, &p, false);
	ix = graph_open(t);
	graph_write(ix);
	mr_index_close(ix);
	check_anew(t, &p, true);
	test_write(t->dir, name, file, file_n);
	check_anew(t, &p, false);
	free(database);
	free(file);
}

static void writes_the_file_once_for_a_state(void **state)
{
	struct test_db *t = test_db(state);
	struct mr_index *ix = graph_open(t);
	char name[PATH_MAX];
	struct graph p;
	char *first, *second;
	size_t n, m;

	graph_make(&p, 15);
	graph_store(ix, &p);
	graph_write(ix);
	first = test_read(t->dir, graph_name(t, name), &n);
	graph_write(ix);
	second = test_read(t->dir, name, &m);
	assert_int_equal(n, m);
	assert_memory_equal(first, second, n);
	mr_index_close(ix);
	free(first);
	free(second);
}

#define ON_SQLITE(f)                                                           \
	cmocka_unit_test_setup_teardown(f, test_db_sqlite, test_db_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SQLITE(believes_no_damaged_file),
		ON_SQLITE(believes_nothing_that_is_no_file),
		ON_SQLITE(stays_in_a_file_that_somebody_made_up),
		ON_SQLITE(believes_no_file_of_another_time_or_database),
		ON_SQLITE(writes_the_file_once_for_a_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_search.c - searches: tokens, limits, and that no list, no walk and no
 * page of few rows looks at a whole table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "index/search_ways.h"
#include "tests/support/catalogue_fixture.h"
#include "tests/support/db_fixture.h"

struct asker {
	struct test_db *db;
	struct catalogue c;
	struct mr_index *ix;
};

static void begin(struct asker *a, void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	a->db = test_db(state);
	catalogue_make(&a->c, 3);
	assert_ok(mr_index_open(a->db->env, a->db->where, MR_DB_CREATE, &a->ix,
				&err),
		  err);
	catalogue_write(&a->c, a->ix, 0, CATALOGUE_MODELS);
}

static void end(struct asker *a)
{
	mr_index_close(a->ix);
	catalogue_release(&a->c);
}

static struct mr_query *parse(const char *filter, const char *order,
			      enum mr_query_of of)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_query *q;

	assert_ok(mr_query_parse(filter, &order, order ? 1 : 0, of, 1000000, &q,
				 NULL, &err),
		  err);
	return q;
}

/* One page; the token is the caller's to free. */
static int page(struct asker *a, const struct mr_query *q, size_t limit,
		const char *token, char **next, struct mreg_error *err)
{
	struct mr_search s = { .query = q, .limit = limit, .token = token };
	struct mr_search_result r;
	int rc = mr_index_search(a->ix, &s, &r, err);

	if (rc >= 0 && next)
		*next = r.token ? strdup(r.token) : NULL;
	mr_search_release(&r);
	return rc;
}

static void a_token_is_of_one_search(void **state)
{
	static const struct {
		const char *filter, *order;
		enum mr_query_of of;
	} others[] = {
		{ "stage = 'b'", "metrics.auc DESC", MR_QUERY_VERSIONS },
		{ "stage != 'a'", "metrics.auc DESC", MR_QUERY_VERSIONS },
		{ "stage = 'a'", "metrics.auc ASC", MR_QUERY_VERSIONS },
		{ "stage = 'a'", "metrics.f1 DESC", MR_QUERY_VERSIONS },
		{ "stage = 'a'", NULL, MR_QUERY_VERSIONS },
		{ "stage = 'a' AND stage = 'a'", "metrics.auc DESC",
		  MR_QUERY_VERSIONS },
		{ NULL, NULL, MR_QUERY_MODELS },
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_query *q =
		parse("stage = 'a'", "metrics.auc DESC", MR_QUERY_VERSIONS);
	char *token = NULL;
	struct asker a;
	size_t i;

	begin(&a, state);
	assert_ok(page(&a, q, 2, NULL, &token, &err), err);
	assert_non_null(token);
	/* Of a page of another length it is as well. */
	assert_ok(page(&a, q, 3, token, NULL, &err), err);
	mr_query_free(q);
	for (i = 0; i < MR_COUNT(others); i++) {
		q = parse(others[i].filter, others[i].order, others[i].of);
		assert_code(MREG_EUSAGE, page(&a, q, 2, token, NULL, &err),
			    err);
		assert_has(err.msg, "none of this search");
		mr_query_free(q);
	}
	free(token);
	end(&a);
}

/* An age means another moment by the second page, and is the same search. */
static void a_token_outlives_an_age(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_query *q;
	char *token = NULL;
	struct asker a;

	begin(&a, state);
	q = parse("NOT updated > 2d", NULL, MR_QUERY_VERSIONS);
	assert_ok(page(&a, q, 2, NULL, &token, &err), err);
	assert_non_null(token);
	mr_query_free(q);
	assert_ok(mr_query_parse("NOT updated > 2d", NULL, 0, MR_QUERY_VERSIONS,
				 1000060, &q, NULL, &err),
		  err);
	assert_ok(page(&a, q, 2, token, NULL, &err), err);
	mr_query_free(q);
	free(token);
	end(&a);
}

/* Whatever a byte is replaced by: refused, or read as a place to go on from. */
static void a_damaged_token_is_refused(void **state)
{
	static const char *const junk[] = { "",   "A",        "*", "AAAA",
					    "AQ", "\xc3\xbc", " " };
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_query *q = parse(NULL, "tags.team ASC", MR_QUERY_VERSIONS);
	char *token = NULL;
	struct asker a;
	size_t i, n;
	int rc;

	begin(&a, state);
	for (i = 0; i < MR_COUNT(junk); i++)
		assert_code(MREG_EUSAGE, page(&a, q, 1, junk[i], NULL, &err),
			    err);
	assert_ok(page(&a, q, 1, NULL, &token, &err), err);
	n = strlen(token);
	for (i = 0; i < n; i++) {
		char was = token[i];

		token[i] = was == 'B' ? 'C' : 'B';
		rc = page(&a, q, 1, token, NULL, &err);
		if (rc < 0)
			assert_code(MREG_EUSAGE, rc, err);
		token[i] = was;
	}
	for (i = 0; i < n; i++) {
		char was = token[i];

		token[i] = 0;
		assert_code(MREG_EUSAGE, page(&a, q, 1, token, NULL, &err),
			    err);
		token[i] = was;
	}
	free(token);
	mr_query_free(q);
	end(&a);
}

static void a_page_has_a_length(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_query *q = parse(NULL, NULL, MR_QUERY_VERSIONS);
	struct asker a;

	begin(&a, state);
	assert_code(MREG_EUSAGE, page(&a, q, 0, NULL, NULL, &err), err);
	assert_code(MREG_EUSAGE, page(&a, q, 50001, NULL, NULL, &err), err);
	assert_ok(page(&a, q, 50000, NULL, NULL, &err), err);
	mr_query_free(q);
	end(&a);
}

/* -- plans ------------------------------------------------------------------
 */

/* SQLite says SCAN where it goes through all of something; of an index in its
 * order, as far as the page goes, that is meant. */
static bool is_partial(const char *step)
{
	return strstr(step, "USING INDEX ix_versions_registered") ||
	       strstr(step, "USING INDEX ix_versions_created");
}

static void check_plan(struct asker *a, const char *sql, const char *filter)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_stmt_freep) struct mr_stmt *s = NULL;
	char *text = NULL;
	int rc;

	assert_true(asprintf(&text, "EXPLAIN QUERY PLAN %s", sql) > 0);
	assert_ok(mr_stmt_new(mr_index_db(a->ix), text, &s, &err), err);
	while ((rc = mr_stmt_step(s, &err)) > 0) {
		const char *step = mr_stmt_text(s, 3);

		if (strstr(step, "SCAN") && !strstr(step, "USING COVERING") &&
		    !strstr(step, "VIRTUAL TABLE") && !strstr(step, "SCAN d") &&
		    !strstr(step, "json_each") && !is_partial(step)) {
			print_error("%s\n%s\n%s\n", filter, sql, step);
			fail();
		}
		if (strstr(step, "TEMP B-TREE") && !strstr(sql, "LIMIT") &&
		    strstr(sql, "ORDER BY")) {
			print_error("%s\n%s\n%s\n", filter, sql, step);
			fail();
		}
	}
	assert_ok(rc, err);
	free(text);
}

static void no_way_looks_at_a_whole_table(void **state)
{
	static const struct mr_ix_effort efforts[] = {
		{ 1000, 150000, 0, 50000, 300, 30000, 1000 }, /* few rows */
		{ 0, 150000, 1000000, 0, 0, 30000, 0 }, /* lists and a walk */
		{ 0, 0, 1000000, 0, 300, 30000, 0 },    /* a walk */
	};
	static const struct {
		const char *filter, *order;
	} asked[] = {
		{ NULL, NULL },
		{ NULL, "metrics.auc DESC" },
		{ NULL, "metrics.nowhere DESC" },
		{ NULL, "name" },
		{ NULL, "version_number DESC" },
		{ "stage = 'a'", "version_number" },
		{ "tags.team = 'a'", "name DESC" },
		{ NULL, "registered DESC" },
		{ "tags.team = 'a'", "registered" },
		{ "stage = 'a'", "created DESC" },
		{ "metrics.auc > 0.5", "metrics.auc ASC" },
		{ "text('alpha')", NULL },
		{ "text('alpha beta')", "metrics.auc DESC" },
		{ "tags.team = 'a' AND tags.auc = 'b'", NULL },
		{ "tags.team = 'a' AND params.auc = 'b' AND stage = 'a'",
		  NULL },
		{ "tags.team IN ('a', 'b')", "updated ASC" },
		{ "name = 'acme/a'", NULL },
		{ "alias = 'a'", NULL },
		{ "alias = 'a'", "metrics.auc DESC" },
		{ "stage = 'a'", "metrics.auc DESC" },
		{ "environment = 'a'", NULL },
		{ "evaluations.auc = 'passed'", NULL },
		{ "run_id = 'a'", NULL },
		{ "run_id IN ('a', 'b')", NULL },
		{ "run_id LIKE 'a%'", NULL },
		{ "tags.team LIKE 'a%'", NULL },
		{ "params.auc > 1", NULL },
		{ "stage LIKE 'a%' OR tags.nowhere = 'a'", NULL },
		{ "version_number = 3", NULL },
		{ "updated > 2024-01-01", NULL },
		{ "registered > 2024-01-01", NULL },
		{ "alias = 'a' OR tags.team = 'a'", NULL },
		{ "digest = 'sha256:6d30000000000000000000000000000000000000000"
		  "000000000000000000000'",
		  NULL },
		{ "fileset = 'sha256:6631000000000000000000000000000000000000"
		  "000000000000000000000000'",
		  NULL },
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct asker a;
	size_t i, k;

	begin(&a, state);
	a.db->t.env.level = MREG_LOG_DEBUG;
	for (i = 0; i < MR_COUNT(asked) * MR_COUNT(efforts); i++) {
		struct mr_query *q =
			parse(asked[i / 3].filter, asked[i / 3].order,
			      MR_QUERY_VERSIONS);
		struct mr_search s = { .query = q, .limit = 2 };
		struct mr_search_result r;
		char *line, *rest = a.db->t.log;

		a.db->t.log_len = 0;
		assert_ok(mr_ix_search(a.ix, &s, &efforts[i % 3], &r, &err),
			  err);
		mr_search_release(&r);
		for (k = 0; (line = strsep(&rest, "\n")) && *line; k++) {
			/* All rows are looked at where no list is read. */
			if (i % 3 > 0 && strstr(line, "WHERE m.id = v.model") &&
			    !strstr(line, "{ids"))
				continue;
			assert_has(line, "index: ");
			check_plan(&a, strstr(line, "index: ") + 7,
				   asked[i / 3].filter);
		}
		assert_true(k > 0);
		mr_query_free(q);
	}
	end(&a);
}

static void what_nothing_can_match_looks_at_no_version(void **state)
{
	static const char *const filters[] = {
		"owner = 'nobody'",
		"license = 'b'", /* a text, but no licence */
		"license LIKE 'No%' AND stage = 'a'",
		"tags.nowhere = 'a'",
		"tags.team = 'nobody' OR run_id IN ('never', 'ever')",
		"NOT (tags.nowhere IS NULL OR stage = 'a')",
		"params.auc > 1e9 AND metrics.auc > 0.5",
		"text('!?') OR metrics.nowhere > 1",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct asker a;
	size_t i;

	begin(&a, state);
	a.db->t.env.level = MREG_LOG_DEBUG;
	for (i = 0; i < MR_COUNT(filters); i++) {
		struct mr_query *q = parse(filters[i], NULL, MR_QUERY_VERSIONS);
		struct mr_search s = { .query = q, .limit = 2, .count = true };
		struct mr_search_result r;

		a.db->t.log_len = 0;
		a.db->t.log[0] = '\0';
		assert_ok(mr_index_search(a.ix, &s, &r, &err), err);
		assert_int_equal(r.n + r.total, 0);
		if (strstr(a.db->t.log, "FROM ix_versions"))
			fail_msg("%s\n%s", filters[i], a.db->t.log);
		mr_search_release(&r);
		mr_query_free(q);
	}
	end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BOTH_DB(a_token_is_of_one_search),
		TEST_BOTH_DB(a_token_outlives_an_age),
		TEST_BOTH_DB(a_damaged_token_is_refused),
		TEST_BOTH_DB(a_page_has_a_length),
		TEST_BOTH_DB(what_nothing_can_match_looks_at_no_version),
		cmocka_unit_test_setup_teardown(no_way_looks_at_a_whole_table,
						test_db_sqlite, test_db_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

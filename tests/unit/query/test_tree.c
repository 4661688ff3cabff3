/*
 * test_tree.c - the tree itself, times, predicates, and orders.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "query/query.h"

/* 2026-01-01T00:00:00Z */
#define NOW_S INT64_C(1767225600)
#define DAY_S INT64_C(86400)
#define MAY_3 INT64_C(1777766400) /* 2026-05-03T00:00:00Z */

static const struct mr_term *parse(const char *filter, struct mr_query **q)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_query_parse(filter, NULL, 0, MR_QUERY_VERSIONS, NOW_S, q,
				 NULL, &err),
		  err);
	return (*q)->root;
}

static void keeps_where_things_stand(void **state)
{
	MR_AUTO(mr_query_freep) struct mr_query *q = NULL;
	const struct mr_term *t =
		parse("name = 'a' AND NOT (tags.`x y` IN ('b','c''d'))", &q);

	(void)state;
	assert_int_equal(t->kind, MR_TERM_AND);
	assert_int_equal(t->child_count, 2);
	assert_int_equal(t->children[0]->at, 0);
	assert_int_equal(t->children[0]->values[0].at, 7);
	t = t->children[1];
	assert_int_equal(t->kind, MR_TERM_NOT);
	assert_int_equal(t->at, 15);
	t = t->children[0];
	assert_int_equal(t->kind, MR_TERM_COMPARE);
	assert_int_equal(t->attr, MR_ATTR_TAG);
	assert_string_equal(t->key, "x y");
	assert_int_equal(t->cmp, MR_CMP_IN);
	assert_int_equal(t->value_count, 2);
	assert_string_equal(t->values[1].text, "c'd");
	assert_int_equal(t->values[1].type, MR_VALUE_TEXT);
}

static void an_empty_filter_is_all(void **state)
{
	MR_AUTO(mr_query_freep) struct mr_query *q = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(mr_query_parse(NULL, NULL, 0, MR_QUERY_MODELS, NOW_S, &q,
				 NULL, &err),
		  err);
	assert_int_equal(q->root->kind, MR_TERM_ALL);
	assert_int_equal(q->of, MR_QUERY_MODELS);
	assert_int_equal(q->order_count, 0);
}

static void a_parameter_is_text_or_number_as_it_is_quoted(void **state)
{
	MR_AUTO(mr_query_freep) struct mr_query *a = NULL;
	MR_AUTO(mr_query_freep) struct mr_query *b = NULL;
	const struct mr_term *t = parse("params.lr = '1e-3'", &a);

	(void)state;
	assert_int_equal(t->values[0].type, MR_VALUE_TEXT);
	assert_string_equal(t->values[0].text, "1e-3");
	t = parse("params.lr = 1e-3", &b);
	assert_int_equal(t->values[0].type, MR_VALUE_NUMBER);
	assert_true(t->values[0].number == 1e-3);
	assert_false(t->values[0].whole);
	assert_string_equal(t->values[0].text, "1e-3");
}

struct moment {
	const char *filter;
	enum mr_cmp cmp;
	int64_t at_s;
};

static void tells_times_in_every_way(void **state)
{
	static const struct moment rows[] = {
		{ "created > 2026-05-03T10:00:00Z", MR_CMP_GT, MAY_3 + 36000 },
		{ "created > '2026-05-03T12:00:00+02:00'", MR_CMP_GT,
		  MAY_3 + 36000 },
		{ "created = 2026-05-03T10:00:00.5Z", MR_CMP_EQ,
		  MAY_3 + 36000 },
		/* A day has two ends. */
		{ "created > 2026-05-03", MR_CMP_GT, MAY_3 + DAY_S - 1 },
		{ "created >= 2026-05-03", MR_CMP_GE, MAY_3 },
		{ "created < 2026-05-03", MR_CMP_LT, MAY_3 },
		{ "created <= '2026-05-03'", MR_CMP_LE, MAY_3 + DAY_S - 1 },
		/* An age is a moment: what is greater came later. */
		{ "created > 30d", MR_CMP_GT, NOW_S - 30 * DAY_S },
		{ "created > 30d ago", MR_CMP_GT, NOW_S - 30 * DAY_S },
		{ "updated < 12h AGO", MR_CMP_LT, NOW_S - 12 * 3600 },
		{ "updated < '2w'", MR_CMP_LT, NOW_S - 14 * DAY_S },
		/* Milliseconds, as MLflow tells them. */
		{ "creation_timestamp = 1777766400000", MR_CMP_EQ, MAY_3 },
		{ "creation_timestamp > 1777766400999", MR_CMP_GT, MAY_3 },
		{ "creation_timestamp >= 1777766400001", MR_CMP_GE, MAY_3 + 1 },
		{ "creation_timestamp < 1777766400001", MR_CMP_LT, MAY_3 + 1 },
		{ "last_updated_timestamp <= 1777766400999", MR_CMP_LE, MAY_3 },
		{ "created > -1", MR_CMP_GT, -1 },
		{ "created > 0", MR_CMP_GT, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_query_freep) struct mr_query *q = NULL;
		const struct mr_term *t = parse(rows[i].filter, &q);

		if (t->cmp != rows[i].cmp ||
		    t->values[0].integer != rows[i].at_s)
			print_error("%s\n", rows[i].filter);
		assert_int_equal(t->kind, MR_TERM_COMPARE);
		assert_int_equal(t->values[0].type, MR_VALUE_TIME);
		assert_int_equal(t->cmp, rows[i].cmp);
		assert_int_equal(t->values[0].integer, rows[i].at_s);
	}
}

static void assert_text(const char *filter, const char *want)
{
	MR_AUTO(mr_query_freep) struct mr_query *q = NULL;
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);

	(void)parse(filter, &q);
	mr_query_text(q, &b);
	assert_string_equal(mr_buf_text(&b), want);
}

static void a_day_is_between_its_ends(void **state)
{
	(void)state;
	assert_text("created = 2026-05-03",
		    "created >= 2026-05-03T00:00:00Z AND "
		    "created <= 2026-05-03T23:59:59Z");
	assert_text("created != 2026-05-03",
		    "created < 2026-05-03T00:00:00Z OR "
		    "created > 2026-05-03T23:59:59Z");
	assert_text("NOT created = 2026-05-03",
		    "NOT (created >= 2026-05-03T00:00:00Z AND "
		    "created <= 2026-05-03T23:59:59Z)");
	assert_text("created IN (2026-05-03, 2026-06-01T00:00:00Z)",
		    "created >= 2026-05-03T00:00:00Z AND "
		    "created <= 2026-05-03T23:59:59Z OR "
		    "created = 2026-06-01T00:00:00Z");
	assert_text("created NOT IN (2026-06-01T00:00:00Z)",
		    "created IS NOT NULL AND NOT "
		    "created = 2026-06-01T00:00:00Z");
}

static void negation_of_a_word_asks_for_a_value(void **state)
{
	(void)state;
	assert_text("license NOT LIKE 'GPL%'",
		    "license IS NOT NULL AND NOT license LIKE 'GPL%'");
	assert_text("license NOT ILIKE 'GPL%' OR files = 1",
		    "license IS NOT NULL AND NOT license ILIKE 'GPL%' OR "
		    "files = 1");
	assert_text("version NOT IN (1, 2)", "NOT version_number IN (1, 2)");
	assert_text("alias NOT IN ('a')",
		    "alias IS NOT NULL AND NOT alias IN ('a')");
	assert_text("tags.k is null", "tags.k IS NULL");
	assert_text("metrics.auc Is Not Null", "metrics.auc IS NOT NULL");
}

static void knows_every_predicate(void **state)
{
	MR_AUTO(mr_query_freep) struct mr_query *q = NULL;
	const struct mr_term *t;

	(void)state;
	assert_text("text('credit risk')", "text('credit risk')");
	assert_text("Descends_From(\"base:v4\")", "descends_from('base:v4')");
	assert_text("ancestor_of('a', 'b')", "ancestor_of('a', 'b')");
	assert_text("has_ancestor_license ( 'GPL-3.0' )",
		    "has_ancestor_license('GPL-3.0')");
	assert_text("NOT same_files('a')", "NOT same_files('a')");
	assert_text("uses('s3://b/it''s') AND files = 1",
		    "uses('s3://b/it''s') AND files = 1");
	t = parse("uses('a', 'b')", &q);
	assert_int_equal(t->kind, MR_TERM_PREDICATE);
	assert_int_equal(t->predicate, MR_PRED_USES);
	assert_int_equal(t->value_count, 2);
	assert_string_equal(t->values[1].text, "b");
	assert_int_equal(t->values[1].at, 10);
}

static void reads_orders(void **state)
{
	static const char *const words[] = {
		"metrics.auc DESC, name",
		"params.`a b` asc",
		"`last_updated_timestamp` desc",
		"attribute.version_number",
	};
	MR_AUTO(mr_query_freep) struct mr_query *q = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	(void)state;
	assert_ok(mr_query_parse("", words, MR_COUNT(words), MR_QUERY_VERSIONS,
				 NOW_S, &q, NULL, &err),
		  err);
	assert_int_equal(q->order_count, 5);
	assert_int_equal(q->order[0].attr, MR_ATTR_METRIC);
	assert_string_equal(q->order[0].key, "auc");
	assert_true(q->order[0].descending);
	assert_int_equal(q->order[1].attr, MR_ATTR_NAME);
	assert_false(q->order[1].descending);
	assert_int_equal(q->order[2].attr, MR_ATTR_PARAM);
	assert_string_equal(q->order[2].key, "a b");
	assert_false(q->order[2].descending);
	assert_int_equal(q->order[3].attr, MR_ATTR_UPDATED);
	assert_true(q->order[3].descending);
	assert_int_equal(q->order[4].attr, MR_ATTR_NUMBER);
}

static void refuses_orders_that_are_none(void **state)
{
	static const struct {
		const char *order, *msg;
		enum mr_query_of of;
	} rows[] = {
		{ "", "ends where an attribute should be", 0 },
		{ "name,", "ends where an attribute should be", 0 },
		{ "name DOWN", "'DOWN' stands where ASC, DESC", 0 },
		{ "name; DROP", "';' means nothing here (byte 5 of the order)",
		  0 },
		{ "name, name DESC", "'name' orders already (byte 7 of the",
		  0 },
		{ "metrics.a, metric.a", "'a' orders already", 0 },
		{ "timestamp, updated", "'updated' orders already", 0 },
		{ "alias", "'alias' may have several values", 0 },
		{ "evaluations.x", "may have several values", 0 },
		{ "nmae", "no attribute 'nmae'", 0 },
		{ "metrics.auc", "a model as a whole has no 'metrics'",
		  MR_QUERY_MODELS },
		{ "tags.a,tags.b,tags.c,tags.d,tags.e,tags.f,tags.g,tags.h,"
		  "tags.i,tags.j,tags.k,tags.l,tags.m,tags.n,tags.o,tags.p,"
		  "tags.q",
		  "more than 16 attributes", 0 },
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_query *q = NULL;
	size_t at = 7;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		assert_code(MREG_EUSAGE,
			    mr_query_parse("name = 'x'", &rows[i].order, 1,
					   rows[i].of, NOW_S, &q, &at, &err),
			    err);
		assert_has(err.msg, rows[i].msg);
		assert_int_equal(at, 0);
	}
}

static void reads_columns(void **state)
{
	static const char *const words[] = { "alias, metrics.`a b`", "alias" };
	static const char *const bad[] = { "name DESC", "nmae", "name,", "" };
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(1u << 20);
	struct mr_order *out;
	size_t n, i;

	(void)state;
	assert_non_null(a);
	assert_ok(mr_query_columns(words, 2, MR_QUERY_VERSIONS, a, &out, &n,
				   &err),
		  err);
	assert_int_equal(n, 3);
	assert_int_equal(out[0].attr, MR_ATTR_ALIAS);
	assert_int_equal(out[1].attr, MR_ATTR_METRIC);
	assert_string_equal(out[1].key, "a b");
	for (i = 0; i < MR_COUNT(bad); i++) {
		assert_code(MREG_EUSAGE,
			    mr_query_columns(&bad[i], 1, MR_QUERY_VERSIONS, a,
					     &out, &n, &err),
			    err);
		assert_has(err.msg, "of the columns)");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_where_things_stand),
		cmocka_unit_test(an_empty_filter_is_all),
		cmocka_unit_test(a_parameter_is_text_or_number_as_it_is_quoted),
		cmocka_unit_test(tells_times_in_every_way),
		cmocka_unit_test(a_day_is_between_its_ends),
		cmocka_unit_test(negation_of_a_word_asks_for_a_value),
		cmocka_unit_test(knows_every_predicate),
		cmocka_unit_test(reads_orders),
		cmocka_unit_test(refuses_orders_that_are_none),
		cmocka_unit_test(reads_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

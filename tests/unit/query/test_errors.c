/*
 * test_errors.c - what is no filter is refused with the byte where it goes
 * wrong, and with what to write instead.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "query/query.h"

struct row {
	const char *filter;
	size_t at;        /* byte from 1 */
	const char *msg;  /* in it */
	const char *hint; /* in it; NULL: not looked at */
};

static void assert_refused(const struct row *r, enum mr_query_of of)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_query *q = NULL;
	size_t at = 0;
	int rc = mr_query_parse(r->filter, NULL, 0, of, 0, &q, &at, &err);
	char where[40];

	if (rc != MREG_EUSAGE || at != r->at)
		print_error("%s: byte %zu\n", r->filter, at);
	assert_code(MREG_EUSAGE, rc, err);
	assert_null(q);
	assert_int_equal(at, r->at);
	(void)snprintf(where, sizeof(where), "(byte %zu of the filter)", at);
	assert_has(err.msg, where);
	assert_has(err.msg, r->msg);
	assert_true(err.hint[0]);
	if (r->hint)
		assert_has(err.hint, r->hint);
}

static void assert_rows(const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		assert_refused(&rows[i], MR_QUERY_VERSIONS);
}

static void points_at_the_word_that_is_wrong(void **state)
{
	static const struct row rows[] = {
		{ "licens = 'x'", 1, "no attribute 'licens'", "'license'?" },
		{ "name = 'x' AND mertics.auc > 1", 16, "'mertics' has no keys",
		  "metrics.NAME" },
		{ "attribute.naem = 'x'", 11, "no attribute 'naem'", "'name'" },
		{ "descend_from('a')", 1, "no 'descend_from(...)'",
		  "'descends_from'" },
		{ "qqqqqqqq = 'x'", 1, "no attribute", "spec/query.md" },
		{ "qqqqqqqq('x')", 1, "no 'qqqqqqqq(...)'", "spec/query.md" },
		{ "metrics > 1", 1, "'metrics' needs a key: metrics.KEY",
		  NULL },
		{ "tags. = 'x'", 7, "'=' stands where a key should be",
		  "it is here: = 'x'" },
		{ "tags.'' = 'x'", 6, "the key is empty", NULL },
		{ "name.x = 'x'", 1, "'name' has no keys", NULL },
		{ "= 'x'", 1, "'=' stands where a comparison should be", NULL },
		{ "'name' = 'x'", 1, "'name' stands where a comparison", NULL },
		{ "name", 5, "the filter ends where a comparison should be",
		  NULL },
		{ "name 'x'", 6, "'x' stands where a comparison should be",
		  NULL },
		{ "name =", 7, "the filter ends where a value should be",
		  "write one: 'a text', 0.9" },
		{ "name = 'x' name = 'y'", 12,
		  "'name' stands where AND or OR should be", NULL },
		{ "name = 'x' AND", 15, "the filter ends where a comparison",
		  NULL },
		{ "name = 'x' OR AND", 15, "there is no attribute 'AND'",
		  NULL },
		{ "(name = 'x'", 12, "the filter ends where AND, OR or ')'",
		  "close the parenthesis" },
		{ "name = 'x')", 11, "')' stands where AND or OR",
		  "leave it out, or open it before; it is here: )" },
		{ "()", 2, "')' stands where a comparison", NULL },
		{ "name NOT = 'x'", 10, "'=' stands where IN, LIKE or ILIKE",
		  "write != instead" },
		{ "name IS 'x'", 9, "'x' stands where NULL should be", NULL },
		{ "name IS NOT 'x'", 13, "'x' stands where NULL should be",
		  NULL },
		{ "name = 'x' ; DROP TABLE versions", 12, "';' means nothing",
		  "it is here: ; DROP" },
		{ "name = 'x' -- AND", 12, "'-' means nothing", NULL },
		{ "name = 'x' /* */", 12, "'/' means nothing", NULL },
		{ "name = $1", 8, "'$' means nothing", NULL },
		{ "name = {key}", 8, "'{' means nothing", NULL },
		{ "name ! 'x'", 6, "'!' means nothing", NULL },
		{ "name = 'x\xff'", 10, "no valid UTF-8", NULL },
	};

	(void)state;
	assert_rows(rows, MR_COUNT(rows));
}

static void points_at_the_value_that_is_wrong(void **state)
{
	static const struct row rows[] = {
		{ "name = churn", 8, "the value of 'name' is a text",
		  "write 'churn', in quotes" },
		{ "name = `churn`", 8, "the value of 'name' is a text",
		  "write 'churn'" },
		{ "run_id = 5", 10, "the value of 'run_id' is a text",
		  "write '5', in quotes" },
		{ "tags.k = 5", 10, "the value of 'tags' is a text", NULL },
		{ "name = 'churn", 8, "a quote (') is not closed",
		  "written twice" },
		{ "name = 'it's'", 12, "'s' stands where AND or OR", NULL },
		{ "tags.`k = 'x'", 6, "a quote (`) is not closed", NULL },
		{ "version = 'x'", 11, "'x' is no number", "0.9, 1e-3" },
		{ "version = x", 11, "'x' stands where a value", NULL },
		{ "version = 0x10", 11, "'0x10' is no number", NULL },
		{ "version = 1.2.3", 11, "'1.2.3' is no number", NULL },
		{ "metrics.a > 'nan'", 13, "'nan' is no number", NULL },
		{ "metrics.a > '-inf'", 13, "'-inf' is no number", NULL },
		{ "metrics.a > 1e999", 13, "'1e999' is no number", NULL },
		{ "metrics.a > ''", 13, "'' is no number", NULL },
		{ "metrics.a > 1e", 13, "'1e' is no number", NULL },
		{ "metrics.a > '.'", 13, "'.' is no number", NULL },
		{ "metrics.a > 10MB", 13, "'10MB' is no number", NULL },
		{ "bytes > 10XB", 9, "'10XB' is no number", "2GiB" },
		{ "parameters > 7X", 14, "'7X' is no number", "7B" },
		{ "created > soon", 11, "'soon' stands where a value", NULL },
		{ "created > 'soon'", 11, "'soon' is no time", "2026-05-03" },
		{ "created > 2026-02-30", 11, "'2026-02-30' is no time", NULL },
		{ "created > 30m", 11, "'30m' is no time", "30d (ago)" },
		{ "created > 99999999999999999", 11, "is no time", NULL },
		{ "created = 1714694400500", 11, "is between two seconds",
		  "'<' or '>'" },
		{ "created > 2026-05-03 ago", 22, "'ago' stands where", NULL },
		{ "name > 'x'", 6, "texts are not compared with '>'", "LIKE" },
		{ "params.lr > '1'", 11, "texts are not compared with '>'",
		  "without quotes" },
		{ "version LIKE '1%'", 9,
		  "LIKE compares texts, and "
		  "'version_number' has numbers",
		  NULL },
		{ "version LIKE 1", 9, "LIKE compares texts", NULL },
		{ "created ILIKE '2026-01-01'", 9,
		  "ILIKE compares texts, and "
		  "'created' has times",
		  NULL },
		{ "name IN 'x'", 9, "'x' stands where a list", NULL },
		{ "name IN ()", 10, "')' stands where a value", NULL },
		{ "name IN ('a',)", 14, "')' stands where a value", NULL },
		{ "name IN ('a' 'b')", 14, "'b' stands where a comma or ')'",
		  NULL },
		{ "name IN ('a'", 13, "ends where a comma or ')'", NULL },
		{ "params.x IN (1, 'a')", 17, "of texts or of numbers", NULL },
		{ "text()", 6, "')' stands where a text in quotes", NULL },
		{ "text(a)", 6, "'a' stands where a text in quotes", NULL },
		{ "uses('')", 6, "the text is empty", NULL },
		{ "uses('a'", 9, "ends where a comma or ')'", NULL },
		{ "uses", 1, "'uses' needs a text: uses('...')", NULL },
	};

	(void)state;
	assert_rows(rows, MR_COUNT(rows));
}

static void asks_models_for_what_models_have(void **state)
{
	static const struct row rows[] = {
		{ "version = 1", 1,
		  "a model as a whole has no 'version_number'", "--models" },
		{ "name = 'x' AND metrics.auc > 1", 16, "has no 'metrics'",
		  "--models" },
		{ "text('x')", 1, "'text' is asked of versions", "--models" },
	};
	static const char *const good[] = {
		"name = 'x'",
		"model LIKE 'x%'",
		"owner = 'x'",
		"description ILIKE '%x%'",
		"tags.team = 'risk'",
		"last_updated_timestamp > 30d",
		"registered < 2026-01-01",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++)
		assert_refused(&rows[i], MR_QUERY_MODELS);
	for (i = 0; i < MR_COUNT(good); i++) {
		MR_AUTO(mr_query_freep) struct mr_query *q = NULL;

		assert_ok(mr_query_parse(good[i], NULL, 0, MR_QUERY_MODELS, 0,
					 &q, NULL, &err),
			  err);
		assert_int_equal(q->of, MR_QUERY_MODELS);
	}
}

/* `n` times `each` between `head` and `tail`. */
static char *repeat(const char *head, const char *each, size_t n,
		    const char *tail)
{
	size_t step = strlen(each);
	char *s = malloc(strlen(head) + n * step + strlen(tail) + 1);
	char *p;
	size_t i;

	assert_non_null(s);
	p = stpcpy(s, head);
	for (i = 0; i < n; i++)
		p = stpcpy(p, each);
	(void)stpcpy(p, tail);
	return s;
}

static void assert_bounded(char *filter, const char *msg)
{
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_query_freep) struct mr_query *q = NULL;
	int rc = mr_query_parse(filter, NULL, 0, MR_QUERY_VERSIONS, 0, &q, NULL,
				&err);

	free(filter);
	if (!msg) {
		assert_ok(rc, err);
		return;
	}
	assert_code(MREG_EUSAGE, rc, err);
	assert_has(err.msg, msg);
}

static void bounds_size_depth_and_number(void **state)
{
	(void)state;
	assert_bounded(repeat("", "(", 64, "x"), "no attribute 'x'");
	assert_bounded(repeat("", "(", 65, "x"), "nested deeper than 64");
	assert_bounded(repeat("", "NOT ", 64, "files = 1"), NULL);
	assert_bounded(repeat("", "NOT ", 65, "files = 1"), "nested deeper");
	assert_bounded(repeat("", "NOT (", 1000, "files = 1"), "nested deeper");
	assert_bounded(repeat("", "files=1 AND ", 255, "files=1"), NULL);
	assert_bounded(repeat("", "files=1 OR ", 256, "files=1"),
		       "more than 256 comparisons");
	assert_bounded(repeat("", "uses('a') OR ", 256, "files=1"),
		       "more than 256 comparisons");
	assert_bounded(repeat("files IN (1", ",1", 999, ")"), NULL);
	assert_bounded(repeat("files IN (1", ",1", 1000, ")"),
		       "more than 1000 values");
	assert_bounded(repeat("created IN (1000", ",1000", 256, ")"),
		       "more than 256 comparisons");
	assert_bounded(repeat("uses('a'", ",'a'", 1000, ")"),
		       "more than 1000 values");
	assert_bounded(repeat("name = '", "x", 16375, "'"), NULL);
	assert_bounded(repeat("name = '", "x", 16376, "'"),
		       "longer than 16384 bytes");
	assert_bounded(repeat("name = '", "x", 1u << 20, "'"),
		       "longer than 16384 bytes");
	assert_bounded(repeat("name = '", "''", 8000, "'"), NULL);
}

/* A hint and a message that end in the middle of a character are whole. */
static void says_it_in_one_safe_line(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_query *q = NULL;
	char *filter = repeat("name = 'x'\n\x1b[31m", "\xc3\xa9", 500, "");

	(void)state;
	assert_code(MREG_EUSAGE,
		    mr_query_parse(filter, NULL, 0, MR_QUERY_VERSIONS, 0, &q,
				   NULL, &err),
		    err);
	free(filter);
	assert_has_not(err.hint, "\x1b");
	assert_has(err.hint, "\\x1b[31m");
	assert_has_not(err.msg, "\x1b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_at_the_word_that_is_wrong),
		cmocka_unit_test(points_at_the_value_that_is_wrong),
		cmocka_unit_test(asks_models_for_what_models_have),
		cmocka_unit_test(bounds_size_depth_and_number),
		cmocka_unit_test(says_it_in_one_safe_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

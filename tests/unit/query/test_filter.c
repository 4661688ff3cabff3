/*
 * test_filter.c - filters and what the parser makes of them: the tree, printed
 * as a filter again.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "query/query.h"

/* 2026-01-01T00:00:00Z */
#define NOW_S INT64_C(1767225600)

struct row {
	const char *filter, *text;
};

static void parse(const char *filter, enum mr_query_of of,
		  struct mr_query **out)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int rc = mr_query_parse(filter, NULL, 0, of, NOW_S, out, NULL, &err);

	if (rc < 0)
		print_error("%s\n", filter);
	assert_ok(rc, err);
}

static void assert_text(const char *filter, enum mr_query_of of,
			const char *want)
{
	MR_AUTO(mr_query_freep) struct mr_query *q = NULL;
	MR_AUTO(mr_query_freep) struct mr_query *again = NULL;
	MR_AUTO(mr_buf_release) struct mr_buf a = MR_BUF_INIT(1u << 20);
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 20);

	parse(filter, of, &q);
	mr_query_text(q, &a);
	assert_string_equal(mr_buf_text(&a), want);
	parse(mr_buf_text(&a), of, &again);
	mr_query_text(again, &b);
	assert_string_equal(mr_buf_text(&b), want);
}

static void assert_rows(const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		assert_text(rows[i].filter, MR_QUERY_VERSIONS,
			    rows[i].text ? rows[i].text : rows[i].filter);
}

/* Shapes out of its documentation and tests; what is quoted how, which words
 * are written how, is what matters. */
static void takes_what_mlflow_takes(void **state)
{
	static const struct row rows[] = {
		{ "name = 'churn'", NULL },
		{ "name='churn'", "name = 'churn'" },
		{ "name = \"churn\"", "name = 'churn'" },
		{ "name != 'churn'", NULL },
		{ "name LIKE 'ch%'", NULL },
		{ "name like 'ch_rn%'", "name LIKE 'ch_rn%'" },
		{ "name ILIKE '%CHURN%'", NULL },
		{ "name iLiKe '%CHURN%'", "name ILIKE '%CHURN%'" },
		{ "attribute.name = 'churn'", "name = 'churn'" },
		{ "attributes.name = 'churn'", "name = 'churn'" },
		{ "run_id = '1f0b'", NULL },
		{ "run_id IN ('1f0b','2a')", "run_id IN ('1f0b', '2a')" },
		{ "run_id in (\"1f0b\")", "run_id IN ('1f0b')" },
		{ "source_path = 's3://models/a b'", NULL },
		{ "source_path LIKE 's3://%'", NULL },
		{ "version_number = 3", NULL },
		{ "version_number='3'", "version_number = 3" },
		{ "version_number != 3", NULL },
		{ "version_number>=3", "version_number >= 3" },
		{ "version_number <= 3", NULL },
		{ "version_number < 3", NULL },
		{ "version_number > 3", NULL },
		{ "tag.k = 'v'", "tags.k = 'v'" },
		{ "tags.k = 'v'", NULL },
		{ "tags.k != 'v'", NULL },
		{ "tags.`k` = 'v'", "tags.k = 'v'" },
		{ "tags.\"k\" = 'v'", "tags.k = 'v'" },
		{ "tags.`a key` = 'v'", NULL },
		{ "tags.'a key' ILIKE 'V'", "tags.`a key` ILIKE 'V'" },
		{ "tags.mlflow.source.type = 'LOCAL'", NULL },
		{ "tags.5th = 'x'", NULL },
		{ "tags.`mlflow.prompt.is_prompt` != 'true'",
		  "tags.mlflow.prompt.is_prompt != 'true'" },
		{ "name = 'a' and tags.x = '1' AND tags.x LIKE '%'",
		  "name = 'a' AND tags.x = '1' AND tags.x LIKE '%'" },
		{ "name = 'a' And version_number = 2",
		  "name = 'a' AND version_number = 2" },
		{ "run_id NOT IN ('a','b')",
		  "run_id IS NOT NULL AND NOT run_id IN ('a', 'b')" },
		{ "name NOT IN ('a')", "NOT name IN ('a')" },
		{ "  name = 'a'\n", "name = 'a'" },
		{ "", NULL },
		{ " \t", "" },
		{ "`name` = 'a' AND attribute.`run_id` = 'b'",
		  "name = 'a' AND run_id = 'b'" },
		{ "name = ''", NULL },
		{ "name = '\" OR 1=1'", NULL },
		{ "name = '; DROP TABLE versions; --'", NULL },
	};

	(void)state;
	assert_rows(rows, MR_COUNT(rows));
}

static void binds_not_before_and_before_or(void **state)
{
	static const struct row rows[] = {
		{ "name = 'a' OR name = 'b' AND NOT name = 'c'", NULL },
		{ "name = 'a' OR (name = 'b' AND (NOT (name = 'c')))",
		  "name = 'a' OR name = 'b' AND NOT name = 'c'" },
		{ "(name = 'a' OR name = 'b') AND name = 'c'", NULL },
		{ "NOT (name = 'a' OR name = 'b')", NULL },
		{ "NOT (name = 'a' AND name = 'b')", NULL },
		{ "NOT name = 'a' AND name = 'b'", NULL },
		{ "not NOT name = 'a'", "NOT NOT name = 'a'" },
		{ "((name = 'a'))", "name = 'a'" },
		{ "(name = 'a' AND name = 'b') AND name = 'c'",
		  "name = 'a' AND name = 'b' AND name = 'c'" },
		{ "name = 'a' or (name = 'b' or name = 'c')",
		  "name = 'a' OR name = 'b' OR name = 'c'" },
		{ "NOT(name='a')AND(name='b')",
		  "NOT name = 'a' AND name = 'b'" },
	};

	(void)state;
	assert_rows(rows, MR_COUNT(rows));
}

static void knows_every_attribute_and_its_synonyms(void **state)
{
	static const char *const texts[] = {
		"name",        "model",       "alias",        "release",
		"stage",       "owner",       "author",       "actor",
		"license",     "kind",        "format",       "architecture",
		"family",      "precision",   "quantization", "run_id",
		"source_path", "revision",    "description",  "digest",
		"fileset",     "environment", "status",
	};
	static const struct row rows[] = {
		{ "aliases = 'x'", "alias = 'x'" },
		{ "authors = 'x'", "author = 'x'" },
		{ "licence = 'x'", "license = 'x'" },
		{ "arch = 'x'", "architecture = 'x'" },
		{ "run = 'x'", "run_id = 'x'" },
		{ "source = 'x'", "source_path = 'x'" },
		{ "commit = 'x'", "revision = 'x'" },
		{ "fileset_digest = 'x'", "fileset = 'x'" },
		{ "Stage = 'x'", "stage = 'x'" },
		{ "version = 3", "version_number = 3" },
		{ "number = 3", "version_number = 3" },
		{ "size > 3", "bytes > 3" },
		{ "files > 3", NULL },
		{ "parameters > 3", NULL },
		{ "parameters.lr = '3'", "params.lr = '3'" },
		{ "parameter.lr = '3'", "params.lr = '3'" },
		{ "param.lr = '3'", "params.lr = '3'" },
		{ "metric.auc = 3", "metrics.auc = 3" },
		{ "evaluation.smoke = 'passed'",
		  "evaluations.smoke = 'passed'" },
		{ "attr.stage = 'x'", "stage = 'x'" },
	};
	char in[64];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(texts); i++) {
		(void)snprintf(in, sizeof(in), "%s = 'x'", texts[i]);
		assert_text(in, MR_QUERY_VERSIONS, in);
	}
	assert_rows(rows, MR_COUNT(rows));
}

static void reads_numbers_as_written(void **state)
{
	static const struct row rows[] = {
		{ "metrics.auc > 0.5", NULL },
		{ "metrics.auc > 0.1", "metrics.auc > 0.10000000000000001" },
		{ "metrics.auc > .5", "metrics.auc > 0.5" },
		{ "metrics.auc > 1e-3", "metrics.auc > 0.001" },
		{ "metrics.auc >= -2", NULL },
		{ "metrics.auc >= +2.0", "metrics.auc >= 2" },
		{ "metrics.auc >= '2'", "metrics.auc >= 2" },
		{ "metrics.auc IN (1, 2.5)", NULL },
		{ "metrics.auc < 1E+30", "metrics.auc < 1e+30" },
		{ "metrics.val-loss == 1", "metrics.val-loss = 1" },
		{ "metrics.`a b` <> 1", "metrics.`a b` != 1" },
		{ "version = 9223372036854775807",
		  "version_number = 9223372036854775807" },
		{ "version = 9007199254740993",
		  "version_number = 9007199254740993" },
		{ "bytes > 10MB", "bytes > 10000000" },
		{ "bytes > 2GiB", "bytes > 2147483648" },
		{ "bytes > '1.5 KiB'", "bytes > 1536" },
		{ "parameters >= 7B", "parameters >= 7000000000" },
		{ "parameters >= 0.35g", "parameters >= 350000000" },
		{ "parameters >= 1.5K", "parameters >= 1500" },
		{ "params.lr = 0.5", NULL },
		{ "params.lr = '0.5'", NULL },
		{ "params.lr > 1", NULL },
		{ "params.lr IN (1, 2)", NULL },
		{ "params.lr IN ('1', 'a')", NULL },
	};

	(void)state;
	assert_rows(rows, MR_COUNT(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_mlflow_takes),
		cmocka_unit_test(binds_not_before_and_before_or),
		cmocka_unit_test(knows_every_attribute_and_its_synonyms),
		cmocka_unit_test(reads_numbers_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

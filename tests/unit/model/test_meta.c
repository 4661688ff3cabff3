/*
 * test_meta.c - metadata by flags: what is kept, what is refused and how.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/model.h"

#define DIGEST                                                                 \
	"sha256:0000000000000000000000000000000000000000000000000000000000000001"

static int fresh(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = NULL;

	assert_ok(mr_meta_new(&m, &err), err);
	*state = m;
	return 0;
}

static int gone(void **state)
{
	mr_meta_free(*state);
	return 0;
}

static void sets(struct mr_meta *m, const char *key, const char *value)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_meta_set(m, key, value, &err), err);
}

static void refuses(struct mr_meta *m, const char *key, const char *value,
		    const char *says)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_code(MREG_EUSAGE, mr_meta_set(m, key, value, &err), err);
	assert_has(err.msg, says);
}

static void sets_every_field(void **state)
{
	struct mr_meta *m = *state;

	sets(m, "architecture", "transformer");
	sets(m, "family", "bert");
	sets(m, "paramSize", "6.7B");
	sets(m, "precision", "float16");
	sets(m, "quantization", "Q4_K_M");
	sets(m, "format", "gguf");
	sets(m, "vendor", "Acme");
	sets(m, "created", "2026-01-01T00:00:00+02:00");
	sets(m, "versionLabel", "1.0.0");
	sets(m, "description", "two\nlines");
	sets(m, "license", "Apache-2.0 OR MIT");
	sets(m, "source", "https://example.com/r.git");
	sets(m, "revision", "abc123");
	sets(m, "url", "https://example.com");
	sets(m, "documentation", "https://example.com/doc");
	sets(m, "runId", "run-1");
	sets(m, "runUrl", "https://example.com/run/1");
	sets(m, "because", DIGEST);
	sets(m, "environment", "conda.yaml");
	sets(m, "kind", "prompt");
	assert_string_equal(m->param_size, "6.7B");
	assert_string_equal(m->created, "2026-01-01T00:00:00+02:00");
	assert_string_equal(m->description, "two\nlines");
	assert_string_equal(m->licenses, "Apache-2.0 OR MIT");
	assert_string_equal(m->run_url, "https://example.com/run/1");
	assert_string_equal(m->because, DIGEST);
	assert_string_equal(m->kind, "prompt");
}

static void replaces_what_was_set(void **state)
{
	struct mr_meta *m = *state;

	sets(m, "family", "one");
	sets(m, "family", "two");
	assert_string_equal(m->family, "two");
}

static void takes_a_model_for_no_special_kind(void **state)
{
	struct mr_meta *m = *state;

	sets(m, "kind", "dataset");
	sets(m, "kind", "model");
	assert_null(m->kind);
	refuses(m, "kind", "datset", "'kind' cannot be 'datset'");
}

static void names_the_nearest_field(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_code(MREG_EUSAGE, mr_meta_set(*state, "licence", "MIT", &err),
		    err);
	assert_string_equal(err.msg, "unknown metadata field 'licence'");
	assert_string_equal(err.hint, "did you mean 'license'?");
	memset(&err, 0, sizeof(err));
	assert_code(MREG_EUSAGE, mr_meta_set(*state, "zzzzzzzz", "x", &err),
		    err);
	assert_string_equal(err.hint, "");
}

static void refuses_text_that_breaks_readers(void **state)
{
	char *longer = malloc((64u << 10) + 2);

	refuses(*state, "family", "", "'family' is empty");
	refuses(*state, "family", "a\nb", "control character U+000A");
	refuses(*state, "family", "a\x1b[2J", "control character U+001B");
	refuses(*state, "family", "a\xc2\x85", "control character U+0085");
	refuses(*state, "description", "a\xe2\x80\xa8", "U+2028");
	refuses(*state, "family", "\xff", "'family' is not valid UTF-8");
	refuses(*state, "family", "\xed\xa0\x80", "not valid UTF-8");
	assert_non_null(longer);
	memset(longer, 'a', (64u << 10) + 1);
	longer[(64u << 10) + 1] = '\0';
	refuses(*state, "description", longer, "longer than 65536 bytes");
	free(longer);
}

static void refuses_what_is_no_time(void **state)
{
	refuses(*state, "created", "yesterday", "'created' is no time");
	refuses(*state, "created", "2026-01-01", "no time: '2026-01-01'");
	refuses(*state, "created", "2026-13-01T00:00:00Z", "no time");
}

static void refuses_what_is_no_digest(void **state)
{
	refuses(*state, "because", "sha256:12", "'because' is no digest");
}

static void keeps_a_signature_in_one_form(void **state)
{
	struct mr_meta *m = *state;

	sets(m, "signature",
	     " {\"outputs\": [1.50, true, null],\n \"inputs\": {\"b\": \"x\", \"a\": -1e3}} ");
	assert_string_equal(
		m->signature,
		"{\"inputs\":{\"a\":-1e3,\"b\":\"x\"},\"outputs\":[1.50,true,null]}");
	sets(m, "signature", "{\"s\":\"\\ud83d\\ude00 \\u00e9\\\\u0041 \\/\"}");
	assert_string_equal(m->signature,
			    "{\"s\":\"\xf0\x9f\x98\x80 \xc3\xa9\\\\u0041 /\"}");
}

static void refuses_a_signature_that_is_no_json(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;

	refuses(*state, "signature", "double -> long",
		"'signature' is no JSON object or array");
	assert_code(MREG_EFORMAT,
		    mr_meta_set(*state, "signature", "{\"a\":1,\"a\":2}", &err),
		    err);
	assert_code(MREG_EFORMAT,
		    mr_meta_set(*state, "signature", "{a: 1}", &err), err);
	assert_code(MREG_EFORMAT,
		    mr_meta_set(*state, "signature", "{\"a\":1} x", &err), err);
}

static void keeps_metrics_as_written(void **state)
{
	static const char *const pairs[] = {
		"a=0.910",   "b=-3",    "c=1.5e-7",   "d=0",
		"e=9.9E307", "f=0e999", "g=0.000e+5",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(pairs); i++) {
		assert_ok(mr_meta_add(m, "metrics", pairs[i], &err), err);
		assert_string_equal(m->metrics[i].value, pairs[i] + 2);
	}
	assert_int_equal(m->metric_count, MR_COUNT(pairs));
}

static void refuses_metrics_that_are_no_numbers(void **state)
{
	static const char *const values[] = {
		"nan",
		"inf",
		"-Infinity",
		"NaN",
		"0x10",
		"",
		" 1",
		"1 ",
		"1,5",
		".5",
		"5.",
		"+1",
		"1e",
		"1e999",
		"01",
		"--1",
		"1e308",
		"1_000",
		"0.9\n",
		"1e99999999999999999999",
		"00000000000000000000000000000000000000000000000000000000000000001",
	};
	struct mreg_error err;
	char pair[128];
	size_t i;

	for (i = 0; i < MR_COUNT(values); i++) {
		memset(&err, 0, sizeof(err));
		snprintf(pair, sizeof(pair), "auc=%s", values[i]);
		assert_code(MREG_EUSAGE,
			    mr_meta_add(*state, "metrics", pair, &err), err);
		assert_has(err.msg,
			   "metric 'auc' is no finite decimal number: '");
	}
}

static void gives_a_name_its_last_value(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = *state;

	assert_ok(mr_meta_add(m, "metrics", "auc=0.1", &err), err);
	assert_ok(mr_meta_add(m, "metrics", "f1=0.3", &err), err);
	assert_ok(mr_meta_add(m, "metrics", "auc=0.2", &err), err);
	assert_int_equal(m->metric_count, 2);
	assert_string_equal(m->metrics[0].name, "auc");
	assert_string_equal(m->metrics[0].value, "0.2");
}

static void takes_params_and_tags_with_any_value(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = *state;

	assert_ok(mr_meta_add(m, "params", "optimizer/lr=1=2", &err), err);
	assert_string_equal(m->params[0].name, "optimizer/lr");
	assert_string_equal(m->params[0].value, "1=2");
	assert_ok(mr_meta_add(m, "tags", "reviewed=", &err), err);
	assert_string_equal(m->tags[0].value, "");
	assert_ok(mr_meta_add(m, "annotations", "com.example.team=x", &err),
		  err);
	assert_string_equal(m->annotations[0].name, "com.example.team");
}

static void refuses_odd_names(void **state)
{
	static const char *const pairs[] = {
		"a b=1", "=1", ".a=1", "-a=1", "\xc3\xa4=1", "a\n=1", "a*=1",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	char name[140];
	size_t i;

	for (i = 0; i < MR_COUNT(pairs); i++) {
		assert_code(MREG_EUSAGE,
			    mr_meta_add(*state, "tags", pairs[i], &err), err);
		assert_has(err.msg, "is no name for a tag");
	}
	memset(name, 'a', sizeof(name));
	strcpy(name + 129, "=1");
	assert_code(MREG_EUSAGE, mr_meta_add(*state, "metrics", name, &err),
		    err);
	assert_code(MREG_EUSAGE, mr_meta_add(*state, "params", "lr", &err),
		    err);
	assert_string_equal(err.msg, "param 'lr' has no value");
	assert_code(MREG_EUSAGE, mr_meta_add(*state, "colour", "a=b", &err),
		    err);
}

static void refuses_annotations_of_its_own(void **state)
{
	static const char *const pairs[][2] = {
		{ "org.mreg.schema=2", "choose a name" },
		{ "org.mreg.anything=2", "choose a name" },
		{ "org.mreg.metric.auc=2", "'metrics'" },
		{ "org.mreg.parents=[]", "'parents'" },
		{ "org.cncf.model.filepath=x", "choose a name" },
		{ "org.cnai.model.filepath=x", "choose a name" },
		{ "org.opencontainers.image.licenses=x", "'license'" },
		{ "org.opencontainers.image.title=x", "choose a name" },
		{ "org.opencontainers.image.authors=x", "'authors'" },
		{ "org.opencontainers.image.base.name=x", "'parents'" },
		{ "org.opencontainers.image.version=x", "'versionLabel'" },
	};
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	for (i = 0; i < MR_COUNT(pairs); i++) {
		assert_code(
			MREG_EUSAGE,
			mr_meta_add(*state, "annotations", pairs[i][0], &err),
			err);
		assert_has(err.msg, "is mreg's own");
		assert_has(err.hint, pairs[i][1]);
	}
	assert_code(MREG_EUSAGE,
		    mr_meta_add(*state, "annotations", "a b=c", &err), err);
	assert_has(err.msg, "'a b' is no name for an annotation");
}

static void lists_each_author_once(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = *state;

	assert_ok(mr_meta_add(m, "authors", "Ada <a@example.com>", &err), err);
	assert_ok(mr_meta_add(m, "authors", "B = C", &err), err);
	assert_ok(mr_meta_add(m, "authors", "B = C", &err), err);
	assert_int_equal(m->authors.n, 2);
	assert_code(MREG_EUSAGE, mr_meta_add(m, "authors", "a\nb", &err), err);
}

static void bounds_the_number_of_entries(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = *state;
	char pair[32];
	int i;

	for (i = 0; i < 10000; i++) {
		snprintf(pair, sizeof(pair), "n%d=%d", i, i);
		assert_ok(mr_meta_add(m, "tags", pair, &err), err);
	}
	assert_string_equal(m->tags[9999].name, "n9999");
	assert_code(MREG_ELIMIT, mr_meta_add(m, "tags", "one=more", &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sets_every_field, fresh, gone),
		cmocka_unit_test_setup_teardown(replaces_what_was_set, fresh,
						gone),
		cmocka_unit_test_setup_teardown(
			takes_a_model_for_no_special_kind, fresh, gone),
		cmocka_unit_test_setup_teardown(names_the_nearest_field, fresh,
						gone),
		cmocka_unit_test_setup_teardown(
			refuses_text_that_breaks_readers, fresh, gone),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_time, fresh,
						gone),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_digest,
						fresh, gone),
		cmocka_unit_test_setup_teardown(keeps_a_signature_in_one_form,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			refuses_a_signature_that_is_no_json, fresh, gone),
		cmocka_unit_test_setup_teardown(keeps_metrics_as_written, fresh,
						gone),
		cmocka_unit_test_setup_teardown(
			refuses_metrics_that_are_no_numbers, fresh, gone),
		cmocka_unit_test_setup_teardown(gives_a_name_its_last_value,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			takes_params_and_tags_with_any_value, fresh, gone),
		cmocka_unit_test_setup_teardown(refuses_odd_names, fresh, gone),
		cmocka_unit_test_setup_teardown(refuses_annotations_of_its_own,
						fresh, gone),
		cmocka_unit_test_setup_teardown(lists_each_author_once, fresh,
						gone),
		cmocka_unit_test_setup_teardown(bounds_the_number_of_entries,
						fresh, gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

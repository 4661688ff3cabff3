/*
 * test_edge.c - parents and inputs as they are given by flags.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "model/model.h"

#define HEX "0000000000000000000000000000000000000000000000000000000000000001"
#define DIGEST "sha256:" HEX

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

static void tells_what_lies_outside(void **state)
{
	static const char *const outside[] = {
		"hf://acme/bert@main", "s3://b/k",    "https://example.com/a",
		"dvc:data/train.csv",  "doi:10.1/x",  "models:/churn/3",
		"runs:/abc/model",     "file:/tmp/x", "HF://a/b",
	};
	static const char *const inside[] = {
		"ghcr.io/acme/bert:v1",
		"localhost:5000/a/b:v2",
		"bert:v1",
		"bert",
		"oci:/srv/store//bert:v1",
		"oci:store//bert",
		"hf",
		"",
		":/x",
		"9://x",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(outside); i++)
		if (!mr_meta_is_outside(outside[i]))
			fail_msg("'%s' lies outside", outside[i]);
	for (i = 0; i < MR_COUNT(inside); i++)
		if (mr_meta_is_outside(inside[i]))
			fail_msg("'%s' lies inside", inside[i]);
}

static void splits_relation_reference_and_digest(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = *state;

	assert_ok(
		mr_meta_add_parent(m, "quantized=ghcr.io/a/b:v3@" DIGEST, &err),
		err);
	assert_string_equal(m->parents[0].relation, "quantized");
	assert_string_equal(m->parents[0].ref, "ghcr.io/a/b:v3");
	assert_string_equal(m->parents[0].digest, DIGEST);
	assert_ok(mr_meta_add_parent(m, "base:v1", &err), err);
	assert_string_equal(m->parents[1].relation, "finetune");
	assert_string_equal(m->parents[1].ref, "base:v1");
	assert_null(m->parents[1].digest);
	assert_ok(mr_meta_add_parent(m, "adapter=hf://a/b@main", &err), err);
	assert_string_equal(m->parents[2].ref, "hf://a/b@main");
	assert_null(m->parents[2].digest);
	assert_ok(mr_meta_add_parent(m, "s3://bucket/k=v", &err), err);
	assert_string_equal(m->parents[3].ref, "s3://bucket/k=v");
	assert_string_equal(m->parents[3].relation, "finetune");
}

static void sets_the_digest_later(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = *state;

	assert_ok(mr_meta_add_parent(m, "base:v1", &err), err);
	assert_ok(
		mr_meta_parent_digest(m, 0, "ghcr.io/a/base:v1", DIGEST, &err),
		err);
	assert_string_equal(m->parents[0].ref, "ghcr.io/a/base:v1");
	assert_string_equal(m->parents[0].digest, DIGEST);
	assert_code(MREG_EUSAGE,
		    mr_meta_parent_digest(m, 0, "x", "sha256:1", &err), err);
	assert_ok(mr_meta_add_input(m, "train=data:v1", &err), err);
	assert_ok(mr_meta_input_digest(m, 0, "ghcr.io/a/data:v1", DIGEST, &err),
		  err);
	assert_string_equal(m->inputs[0].uri, "ghcr.io/a/data:v1");
	assert_string_equal(m->inputs[0].digest, DIGEST);
}

static void refuses_parents_that_are_none(void **state)
{
	static const struct {
		const char *text, *msg, *hint;
	} bad[] = {
		{ "finetuned=a:v1", "unknown relation 'finetuned'",
		  "'finetune'" },
		{ "zzz=a:v1", "unknown relation 'zzz'", "one of: finetune" },
		{ "", "'ref' is empty", "" },
		{ "merge=", "'ref' is empty", "" },
		{ "a b", "", "with a scheme" },
		{ "A:v1", "", "with a scheme" },
		{ "a:v1@sha256:12", "'digest' is no digest", "sha256:" },
		{ "oci://ghcr.io/a/b:v1", "is no reference",
		  "'ghcr.io/a/b:v1'" },
		{ "docker://ghcr.io/a/b:v1", "is no reference",
		  "'ghcr.io/a/b:v1'" },
		{ "hf://a\nb", "control character", "" },
	};
	struct mreg_error err;
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		memset(&err, 0, sizeof(err));
		assert_code(MREG_EUSAGE,
			    mr_meta_add_parent(*state, bad[i].text, &err), err);
		assert_has(err.msg, bad[i].msg);
		assert_has(err.hint, bad[i].hint);
	}
	assert_int_equal(((struct mr_meta *)*state)->parent_count, 0);
}

static void reads_an_input_with_all_its_parts(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_meta *m = *state;

	assert_ok(
		mr_meta_add_input(
			m,
			"train=s3://b/a,b=c.csv,name=clicks, 2026,digest=md5:0af,license=CC-BY-4.0,classification=internal,consent=yes",
			&err),
		err);
	assert_string_equal(m->inputs[0].role, "train");
	assert_string_equal(m->inputs[0].uri, "s3://b/a,b=c.csv");
	assert_string_equal(m->inputs[0].name, "clicks, 2026");
	assert_string_equal(m->inputs[0].digest, "md5:0af");
	assert_string_equal(m->inputs[0].license, "CC-BY-4.0");
	assert_string_equal(m->inputs[0].classification, "internal");
	assert_string_equal(m->inputs[0].consent, "yes");
	assert_ok(mr_meta_add_input(m, "test=ghcr.io/a/d:v2@" DIGEST, &err),
		  err);
	assert_string_equal(m->inputs[1].uri, "ghcr.io/a/d:v2");
	assert_string_equal(m->inputs[1].digest, DIGEST);
	assert_null(m->inputs[1].name);
}

static void refuses_inputs_that_are_none(void **state)
{
	static const struct {
		const char *text, *msg;
	} bad[] = {
		{ "train", "input 'train' has no role" },
		{ "=a:v1", "'' is no role of an input" },
		{ "Train=a:v1", "'Train' is no role of an input" },
		{ "train=", "'uri' is empty" },
		{ "train=a b", "" },
		{ "train=a:v1,name=", "'name' is empty" },
		{ "train=a:v1,name=x,name=y", "'name' twice in one input" },
		{ "train=a:v1,digest=md5:0af", "'digest' is no digest" },
		{ "train=s3://a,digest=sha256:0", "'digest' is no digest" },
		{ "train=s3://a,digest=x", "'digest' is no digest" },
		{ "train=a@" DIGEST ",digest=sha256:" HEX "2",
		  "two digests for one reference" },
	};
	struct mreg_error err;
	size_t i;

	for (i = 0; i < MR_COUNT(bad); i++) {
		memset(&err, 0, sizeof(err));
		assert_code(MREG_EUSAGE,
			    mr_meta_add_input(*state, bad[i].text, &err), err);
		assert_has(err.msg, bad[i].msg);
	}
	assert_int_equal(((struct mr_meta *)*state)->input_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_lies_outside),
		cmocka_unit_test_setup_teardown(
			splits_relation_reference_and_digest, fresh, gone),
		cmocka_unit_test_setup_teardown(sets_the_digest_later, fresh,
						gone),
		cmocka_unit_test_setup_teardown(refuses_parents_that_are_none,
						fresh, gone),
		cmocka_unit_test_setup_teardown(
			reads_an_input_with_all_its_parts, fresh, gone),
		cmocka_unit_test_setup_teardown(refuses_inputs_that_are_none,
						fresh, gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

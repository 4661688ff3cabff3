/*
 * test_fill_edges.c - what files say that a model comes from: parents and
 * inputs.
 */
#include "tests/support/test.h"

#include <string.h>

#include <stdio.h>

#include "base/mem.h"
#include "model/meta.h"
#include "tests/support/fill_fixture.h"

static const char *bases[] = { "nreimers/MiniLM-L6", "./checkpoint" };
static const char *datasets[] = { "s2orc", "flax/stackexchange_xml",
				  "data of ours" };
static const struct mr_card card = {
	.base_models = { bases, 2 },
	.datasets = { datasets, 3 },
};

static void makes_edges_of_what_a_card_names(void **state)
{
	struct rig *r = *state;
	const struct mr_said said = { .card = &card, .card_path = "README.md" };

	rig_fills(r, &said);
	/* A folder of its author's is no parent anybody could follow. */
	assert_int_equal(r->m->parent_count, 1);
	assert_string_equal(r->m->parents[0].relation, "finetune");
	assert_string_equal(r->m->parents[0].ref, "hf://nreimers/MiniLM-L6");
	assert_null(r->m->parents[0].digest);
	assert_int_equal(r->m->input_count, 3);
	assert_string_equal(r->m->inputs[0].role, "train");
	assert_string_equal(r->m->inputs[0].name, "s2orc");
	assert_string_equal(r->m->inputs[0].uri, "hf://datasets/s2orc");
	assert_string_equal(r->m->inputs[1].uri,
			    "hf://datasets/flax/stackexchange_xml");
	assert_string_equal(r->m->inputs[2].name, "data of ours");
	assert_null(r->m->inputs[2].uri);
}

static void takes_the_relation_that_a_card_tells(void **state)
{
	struct rig *r = *state;
	struct mr_card quantized = { .base_models = { bases, 1 },
				     .relation = "quantized" };
	const struct mr_said said = { .card = &quantized,
				      .card_path = "README.md" };

	rig_fills(r, &said);
	assert_string_equal(r->m->parents[0].relation, "quantized");
}

static void takes_inputs_of_dvc_by_their_hash(void **state)
{
	static const char *paths[] = { "data/here.csv", "data/here.csv.dvc",
				       "data/train.csv.dvc", "dvc.lock" };
	struct rig *r = *state;
	struct mr_dvc_item here = {
		.path = "here.csv",
		.hash = "md5:00000000000000000000000000000001",
		.output = true
	};
	struct mr_dvc_item train = {
		.path = "train.csv",
		.hash = "md5:5d41402abc4b2a76b9719d911017c592",
		.output = true,
	};
	struct mr_dvc_item import = { .path = "sets/more.csv",
				      .repo = "https://git.example.com/d",
				      .revision = "5d41402a" };
	struct mr_dvc_item stages[] = {
		{ .path = "raw", .hash = "md5:0a.dir", .stage = "prepare" },
		{ .path = "clean",
		  .hash = "md5:0b",
		  .stage = "prepare",
		  .output = true },
		{ .path = "clean", .hash = "md5:0b", .stage = "train" },
		{ .path = "s3://b/more", .hash = "etag:0c", .stage = "train" },
		{ .path = "/home/ada/x", .hash = "md5:0d", .stage = "train" },
	};
	const struct mr_dvc_file files[] = {
		{ "data/here.csv.dvc", { .items = &here, .count = 1 } },
		{ "data/train.csv.dvc", { .items = &train, .count = 1 } },
		{ "dvc.lock", { .items = stages, .count = 5 } },
		{ "more.csv.dvc", { .items = &import, .count = 1 } },
	};
	const struct mr_said said = {
		.dvc = files, .dvc_count = 4, .paths = paths, .path_count = 4
	};

	rig_fills(r, &said);
	assert_int_equal(r->notes.n, 0);
	assert_int_equal(r->m->input_count, 4);
	assert_string_equal(r->m->inputs[0].role, "data");
	assert_string_equal(r->m->inputs[0].uri, "dvc:data/train.csv");
	assert_string_equal(r->m->inputs[0].digest,
			    "md5:5d41402abc4b2a76b9719d911017c592");
	assert_string_equal(r->m->inputs[1].role, "pipeline");
	assert_string_equal(r->m->inputs[1].uri, "dvc:raw");
	assert_string_equal(r->m->inputs[1].digest, "md5:0a.dir");
	assert_string_equal(r->m->inputs[2].uri, "s3://b/more");
	assert_string_equal(r->m->inputs[3].uri, "https://git.example.com/d");
	assert_string_equal(r->m->inputs[3].name, "sets/more.csv");
	assert_string_equal(r->m->inputs[3].digest, "git:5d41402a");
}

/* As they were typed: DVC keeps them so. */
static void knows_a_path_by_any_of_its_spellings(void **state)
{
	static const char *paths[] = { "a/data.csv", "data/here.csv" };
	struct rig *r = *state;
	struct mr_dvc_item items[] = {
		{ .path = "../data/./here.csv", .hash = "md5:01" },
		{ .path = "x/..//data.csv", .hash = "md5:02" },
		{ .path = "../../raw/../sets/train.csv", .hash = "md5:03" },
		{ .path = "./deep/../../data/gone.csv", .hash = "md5:04" },
		{ .path = "..", .hash = "md5:05" },
	};
	struct mr_dvc_item stages[] = {
		{ .path = "b/../clean", .hash = "md5:06", .output = true },
		{ .path = "./clean", .hash = "md5:06", .stage = "train" },
	};
	const struct mr_dvc_file files[] = {
		{ "a/x.dvc", { .items = items, .count = 5 } },
		{ "dvc.lock", { .items = stages, .count = 2 } },
	};
	const struct mr_said said = {
		.dvc = files, .dvc_count = 2, .paths = paths, .path_count = 2
	};

	rig_fills(r, &said);
	assert_int_equal(r->m->input_count, 3);
	assert_string_equal(r->m->inputs[0].uri, "dvc:../sets/train.csv");
	assert_string_equal(r->m->inputs[1].uri, "dvc:data/gone.csv");
	assert_string_equal(r->m->inputs[2].uri, "dvc:.");
}

static void keeps_no_password_of_an_address(void **state)
{
	struct rig *r = *state;
	struct mr_dvc_item items[] = {
		{ .path = "https://ada:s3@cret@h.example/a@b.csv?c@d" },
		{ .path = "more.csv", .repo = "https://t0ken@git.example/d" },
		{ .path = "s3://bucket/k@1", .hash = "etag:0c" },
	};
	const struct mr_dvc_file file = { "x.dvc",
					  { .items = items, .count = 3 } };
	const struct mr_said said = { .dvc = &file, .dvc_count = 1 };
	struct mr_run_input input = { "https://t0ken@h.example/x", NULL, NULL,
				      "https://t0ken@h.example/x" };
	const struct mr_run run = { .inputs = &input, .input_count = 1 };

	rig_fills(r, &said);
	assert_int_equal(r->m->input_count, 3);
	assert_string_equal(r->m->inputs[0].name,
			    "https://h.example/a@b.csv?c@d");
	assert_string_equal(r->m->inputs[0].uri,
			    "https://h.example/a@b.csv?c@d");
	assert_string_equal(r->m->inputs[1].name, "more.csv");
	assert_string_equal(r->m->inputs[1].uri, "https://git.example/d");
	assert_string_equal(r->m->inputs[2].uri, "s3://bucket/k@1");
	assert_int_equal(r->notes.n, 1);
	assert_string_equal(r->notes.items[0],
			    "an address in 'x.dvc' has a user or a password "
			    "in it: they are left out");

	r->m->input_count = 0;
	rig_fills_run(r, &run);
	assert_string_equal(r->m->inputs[0].name, "https://h.example/x");
	assert_string_equal(r->m->inputs[0].uri, "https://h.example/x");
	assert_int_equal(r->notes.n, 2);
}

/* Whoever has such an address has what it is signed for. */
static void keeps_no_signature_of_an_address(void **state)
{
	static const struct {
		const char *given, *kept; /* NULL: as it is */
	} rows[] = {
		{ "https://b.s3.amazonaws.com/k.csv?X-Amz-Date=1&"
		  "X-Amz-Signature=5f&X-Amz-Expires=9",
		  "https://b.s3.amazonaws.com/k.csv" },
		{ "https://a.blob.core.windows.net/c/b?sv=1&SIG=ab%2B#top",
		  "https://a.blob.core.windows.net/c/b#top" },
		{ "https://h.example/x?access_token=t", "https://h.example/x" },
		{ "https://ada:s3cret@h.example?a=1;api_key=k",
		  "https://h.example" },
		{ "https://h.example/x?key=AIza", "https://h.example/x" },
		{ "https://h.example/x?version=2&design=token", NULL },
		{ "https://h.example/x?monkey=1&signed=yes", NULL },
		{ "https://h.example/x#a?token=t", NULL },
		{ "https://h.example/token=t/x", NULL },
		{ "https://h.example/x?", NULL },
		{ "https://h.example/x?=token", NULL },
	};
	struct rig *r = *state;
	struct mr_dvc_item items[MR_COUNT(rows)];
	const struct mr_dvc_file file = {
		"x.dvc", { .items = items, .count = MR_COUNT(rows) }
	};
	const struct mr_said said = { .dvc = &file, .dvc_count = 1 };
	size_t i;

	memset(items, 0, sizeof(items));
	for (i = 0; i < MR_COUNT(rows); i++)
		items[i].path = rows[i].given;
	rig_fills(r, &said);
	assert_int_equal(r->m->input_count, MR_COUNT(rows));
	for (i = 0; i < MR_COUNT(rows); i++) {
		const char *want = rows[i].kept ? rows[i].kept : rows[i].given;

		assert_string_equal(r->m->inputs[i].uri, want);
		assert_string_equal(r->m->inputs[i].name, want);
	}
	/* Once for the file. */
	assert_int_equal(r->notes.n, 2);
	assert_true(mr_list_has(&r->notes,
				"an address in 'x.dvc' has a signature or a "
				"secret in its query: that is left out"));
}

static void keeps_an_input_whose_digest_is_none(void **state)
{
	struct rig *r = *state;
	struct mr_dvc_item item = { .path = "https://h.example/a",
				    .hash = "etag:\"a b\"" };
	const struct mr_dvc_file file = { "x.dvc",
					  { .items = &item, .count = 1 } };
	const struct mr_said said = { .dvc = &file, .dvc_count = 1 };

	rig_fills(r, &said);
	assert_int_equal(r->m->input_count, 1);
	assert_string_equal(r->m->inputs[0].uri, "https://h.example/a");
	assert_null(r->m->inputs[0].digest);
	assert_int_equal(r->notes.n, 1);
	assert_has(r->notes.items[0],
		   "input 'https://h.example/a' of 'x.dvc' is taken without "
		   "its digest: 'digest' is no digest");
}

static void tells_of_inputs_beyond_a_thousand(void **state)
{
	struct rig *r = *state;
	struct mr_dvc_item *items = mr_array(1002, sizeof(*items));
	struct mr_dvc_file file = { "x.dvc",
				    { .items = items, .count = 1002 } };
	const struct mr_said said = { .dvc = &file, .dvc_count = 1 };
	char paths[1002][8];
	size_t i;

	assert_non_null(items);
	for (i = 0; i < 1002; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "f%zu", i);
		items[i] = (struct mr_dvc_item){ .path = paths[i] };
	}
	rig_fills(r, &said);
	mr_release(items);
	assert_int_equal(r->m->input_count, 1000);
	assert_int_equal(r->notes.n, 1);
	assert_string_equal(r->notes.items[0],
			    "inputs of 'x.dvc' are left out: there are 1000 "
			    "already");
}

static void joins_what_was_told_of_an_input_with_what_files_say(void **state)
{
	struct rig *r = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_dvc_item items[] = {
		{ .path = "s3://b/k", .hash = "etag:0c" },
		{ .path = "s3://b/other", .hash = "etag:0d" },
	};
	const struct mr_dvc_file file = { "x.dvc",
					  { .items = items, .count = 2 } };
	const struct mr_said said = { .card = &card,
				      .card_path = "README.md",
				      .dvc = &file,
				      .dvc_count = 1 };
	const struct mr_input bare = { .role = "test",
				       .name = "data of ours",
				       .consent = "given" };

	assert_ok(mr_meta_add_input(r->m,
				    "validate=hf://datasets/s2orc,"
				    "classification=public",
				    &err),
		  err);
	assert_ok(mr_meta_add_input(r->m,
				    "data=s3://b/other,name=mine,"
				    "digest=etag:ff",
				    &err),
		  err);
	assert_ok(mr_meta_add_input(r->m, "data=s3://b/k", &err), err);
	assert_ok(mr_meta_put_input(r->m, &bare, &err), err);
	rig_fills(r, &said);
	assert_int_equal(r->m->input_count, 5);
	assert_string_equal(r->m->inputs[0].role, "validate");
	assert_string_equal(r->m->inputs[0].name, "s2orc");
	assert_string_equal(r->m->inputs[0].classification, "public");
	assert_string_equal(r->m->inputs[1].name, "mine");
	assert_string_equal(r->m->inputs[1].digest, "etag:ff");
	assert_string_equal(r->m->inputs[2].digest, "etag:0c");
	assert_string_equal(r->m->inputs[3].role, "test");
	assert_string_equal(r->m->inputs[3].consent, "given");
	assert_string_equal(r->m->inputs[4].uri,
			    "hf://datasets/flax/stackexchange_xml");
	assert_int_equal(r->notes.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			joins_what_was_told_of_an_input_with_what_files_say,
			rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(
			makes_edges_of_what_a_card_names, rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(
			takes_the_relation_that_a_card_tells, rig_fresh,
			rig_gone),
		cmocka_unit_test_setup_teardown(
			takes_inputs_of_dvc_by_their_hash, rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(
			knows_a_path_by_any_of_its_spellings, rig_fresh,
			rig_gone),
		cmocka_unit_test_setup_teardown(
			keeps_no_signature_of_an_address, rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(keeps_no_password_of_an_address,
						rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(
			keeps_an_input_whose_digest_is_none, rig_fresh,
			rig_gone),
		cmocka_unit_test_setup_teardown(
			tells_of_inputs_beyond_a_thousand, rig_fresh, rig_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

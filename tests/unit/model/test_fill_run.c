/*
 * test_fill_run.c - what a training run says, where nobody said anything.
 */
#include "tests/support/test.h"

#include "tests/support/fill_fixture.h"

static void takes_a_run(void **state)
{
	struct rig *r = *state;
	struct mreg_pair metrics[] = { { "auc", "0.910" }, { "loss", "nan" } };
	struct mreg_pair params[] = { { "lr", "0.01" }, { "epochs", "3" } };
	struct mreg_pair tags[] = { { "team", "growth" } };
	struct mr_run_input inputs[] = {
		{ "train", "4b2f3c1a", "training", "s3://b/train.csv" },
		{ "mine", "sha256:00", "eval", "file:///home/ada/x.csv" },
		{ "rest", NULL, "holdout", "/home/ada/y.csv" },
	};
	const struct mr_run run = {
		.id = "a3f81c",
		.revision = "5d41402a",
		.source = "https://git.example.com/other",
		.metrics = metrics,
		.metric_count = 2,
		.params = params,
		.param_count = 2,
		.tags = tags,
		.tag_count = 1,
		.inputs = inputs,
		.input_count = 3,
	};

	rig_gives(r, "revision", "mine");
	rig_fills_run(r, &run);
	assert_string_equal(r->m->run_id, "a3f81c");
	assert_string_equal(r->m->revision, "mine");
	assert_null(r->m->source);
	assert_int_equal(r->m->authors.n, 0);
	/* A number that is none is told, and the others stay. */
	assert_int_equal(r->m->metric_count, 1);
	assert_string_equal(r->m->metrics[0].value, "0.910");
	assert_int_equal(r->m->param_count, 2);
	assert_string_equal(rig_tag(r->m, "team"), "growth");
	assert_int_equal(r->m->input_count, 3);
	assert_string_equal(r->m->inputs[0].role, "train");
	assert_string_equal(r->m->inputs[0].digest, "mlflow:4b2f3c1a");
	assert_string_equal(r->m->inputs[0].uri, "s3://b/train.csv");
	assert_string_equal(r->m->inputs[1].name, "mine");
	assert_null(r->m->inputs[1].digest);
	assert_string_equal(r->m->inputs[2].role, "data");
	assert_string_equal(r->m->inputs[2].name, "rest");
	assert_null(r->m->inputs[2].uri);
	assert_int_equal(r->notes.n, 2);
	assert_has(r->notes.items[0],
		   "'metrics.loss' of 'the run' is left out: "
		   "metric 'loss' is no finite decimal");
	assert_has(r->notes.items[1],
		   "input 'mine' of 'the run' is taken without its digest: "
		   "'digest' is no digest");
}

static void takes_the_source_of_a_run_with_its_revision(void **state)
{
	struct rig *r = *state;
	const struct mr_run run = {
		.revision = "5d41402a",
		.source = "https://ada:t0ken@git.example.com/churn",
		.description = "Two lines\nof a note",
	};

	rig_fills_run(r, &run);
	assert_string_equal(r->m->revision, "5d41402a");
	assert_string_equal(r->m->source, "https://git.example.com/churn");
	assert_string_equal(r->m->description, "Two lines\nof a note");
	assert_int_equal(r->notes.n, 1);
	assert_has(r->notes.items[0], "they are left out");
}

static void tells_of_metrics_that_a_run_lost(void **state)
{
	struct rig *r = *state;
	const char *names[] = { "bad", "loss" };
	const struct mr_run run = { .lost = { names, 2 } };

	rig_fills_run(r, &run);
	assert_int_equal(r->notes.n, 2);
	assert_string_equal(r->notes.items[1],
			    "metric 'loss' of the run is left out: its last "
			    "value is no finite number");
}

static void spells_names_that_metadata_cannot_have(void **state)
{
	struct rig *r = *state;
	struct mreg_pair metrics[] = { { "val loss", "1" },
				       { "val_auc", "2" },
				       { "val:auc", "3" } };
	const struct mr_run run = { .metrics = metrics, .metric_count = 3 };

	rig_fills_run(r, &run);
	assert_int_equal(r->m->metric_count, 2);
	assert_string_equal(r->m->metrics[0].name, "val_loss");
	assert_string_equal(r->m->metrics[1].value, "2");
	assert_int_equal(r->notes.n, 2);
	assert_string_equal(r->notes.items[0],
			    "metric 'val loss' of the run is called "
			    "'val_loss' here");
	assert_string_equal(r->notes.items[1],
			    "metric 'val:auc' of the run is left out: there "
			    "is a 'val_auc' already");
}

static void adds_inputs_to_those_that_were_given(void **state)
{
	struct rig *r = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_run_input inputs[] = {
		{ "train", "4b2f", "training", NULL },
		{ "held out", "5c3e", "eval", "s3://b/k" },
	};
	const struct mr_run run = { .inputs = inputs, .input_count = 2 };

	assert_ok(mr_meta_add_input(r->m, "test=s3://b/k", &err), err);
	rig_fills_run(r, &run);
	assert_int_equal(r->m->input_count, 2);
	assert_string_equal(r->m->inputs[0].role, "test");
	assert_string_equal(r->m->inputs[0].name, "held out");
	assert_string_equal(r->m->inputs[0].digest, "mlflow:5c3e");
	assert_string_equal(r->m->inputs[1].name, "train");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(takes_a_run, rig_fresh,
						rig_gone),
		cmocka_unit_test_setup_teardown(
			takes_the_source_of_a_run_with_its_revision, rig_fresh,
			rig_gone),
		cmocka_unit_test_setup_teardown(
			tells_of_metrics_that_a_run_lost, rig_fresh, rig_gone),
		cmocka_unit_test_setup_teardown(
			spells_names_that_metadata_cannot_have, rig_fresh,
			rig_gone),
		cmocka_unit_test_setup_teardown(
			adds_inputs_to_those_that_were_given, rig_fresh,
			rig_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_progress_log.c - what a transfer tells a log or a program.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "cli/progress.h"
#include "tests/support/progress_rig.h"

const struct cli_command *const cli_commands[] = { NULL };
const struct cli_opt cli_global_opts[] = { CLI_END };

static void short_transfers_leave_no_line_in_a_log(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "plain", false, false);
	rig_plan(r, MIB, 1);
	rig_start(r, "a", MIB);
	rig_done(r, "a", MIB);
	rig_reused(r, "b", 1);
	r->at_ms += 400;
	rig_end(r);
	assert_string_equal(rig_shown(r), "");
}

static void lines_of_the_first_half_second_come_later(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "plain", false, false);
	rig_plan(r, 3 * MIB, 3);
	rig_start(r, "a", MIB);
	rig_done(r, "a", MIB);
	rig_start(r, "b", MIB);
	assert_string_equal(rig_shown(r), "");
	r->at_ms += 600;
	rig_done(r, "b", MIB);
	assert_string_equal(rig_shown(r),
			    "done  a  1.0 MiB\ndone  b  1.0 MiB\n");
	rig_start(r, "c", MIB);
	rig_done(r, "c", MIB);
	rig_end(r);
	assert_string_equal(rig_shown(r), "done  a  1.0 MiB\ndone  b  1.0 MiB\n"
					  "done  c  1.0 MiB\n");
}

static void the_end_tells_lines_that_waited(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "plain", false, false);
	rig_plan(r, MIB, 1);
	rig_start(r, "a", MIB);
	rig_done(r, "a", MIB);
	r->at_ms += 500;
	rig_end(r);
	assert_string_equal(rig_shown(r), "done  a  1.0 MiB\n");
}

static void hostile_names_cannot_forge_a_log_line(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "plain", false, false);
	r->at_ms += 1000;
	rig_plan(r, MIB, 1);
	rig_done(r, "a\ndone  b\033[1m", MIB);
	assert_string_equal(rig_shown(r),
			    "done  a\\x0adone  b\\x1b[1m  1.0 MiB\n");
}

static void a_log_of_many_blobs_has_few_lines(void **state)
{
	struct rig *r = *state;
	char name[16];
	unsigned int i;

	rig_begin(r, "plain", false, false);
	r->at_ms += 1000;
	rig_plan(r, 5 * MIB + 500 * 1000, 501);
	rig_start(r, "large", 5 * MIB);
	for (i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		rig_start(r, name, 1000);
		rig_bytes(r, name, 1000);
		rig_done(r, name, 1000);
	}
	assert_string_equal(rig_shown(r), "");
	for (i = 0; i < 5; i++)
		rig_bytes(r, "large", MIB);
	rig_done(r, "large", 5 * MIB);
	rig_end(r);
	assert_has(rig_shown(r), "20%  1.5 MiB of 5.5 MiB, 500 of 501 blobs\n");
	assert_has(rig_shown(r), "done  large  5.0 MiB\n");
	assert_has(rig_shown(r),
		   "100%  5.5 MiB of 5.5 MiB, 501 of 501 blobs\n");
	assert_int_equal(rig_times(rig_shown(r), "%"), 6);
	assert_int_equal(rig_times(rig_shown(r), "done"), 1);
}

static void a_log_sums_what_was_there(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "plain", false, false);
	r->at_ms += 1000;
	rig_plan(r, MIB, 1);
	rig_reused(r, "a", MIB);
	rig_reused(r, "b", MIB);
	rig_start(r, "c", MIB);
	rig_tell(r, MREG_PROGRESS_PHASE, "c", 0, MIB, 1);
	rig_reused(r, "c", MIB);
	assert_string_equal(rig_shown(r), "");
	rig_end(r);
	assert_string_equal(rig_shown(r), "reused  3 blobs  3.0 MiB\n");
}

/* What seeds gave is complete before there is a plan, which finds it there. */
static void a_log_tells_seeds_once(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "plain", false, false);
	r->at_ms += 1000;
	rig_start(r, "a", MIB);
	rig_bytes(r, "a", MIB);
	rig_done(r, "a", MIB);
	assert_string_equal(rig_shown(r), "done  a  1.0 MiB\n");
	rig_plan(r, MIB, 1);
	rig_reused(r, "a", MIB);
	rig_reused(r, "b", 2 * MIB);
	rig_start(r, "c", MIB);
	rig_done(r, "c", MIB);
	rig_end(r);
	assert_string_equal(rig_shown(r), "done  a  1.0 MiB\n"
					  "done  c  1.0 MiB\n"
					  "reused  1 blob  2.0 MiB\n");
}

static void json_tells_every_event(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "json", false, true);
	rig_plan(r, 10, 1);
	rig_start(r, "a\n", 10);
	rig_bytes(r, "a\n", 10);
	rig_done(r, "a\n", 10);
	rig_end(r);
	assert_int_equal(rig_times(rig_shown(r), "\n"), 5);
	assert_int_equal(rig_times(rig_shown(r), "\"type\":\"progress\""), 5);
	assert_has(rig_shown(r), "\"event\":\"plan\"");
	assert_has(rig_shown(r), "\"label\":\"a\\n\"");
	assert_has(rig_shown(r), "\"event\":\"end\"");
}

static void json_sums_bytes_up(void **state)
{
	struct rig *r = *state;
	size_t from = 0;
	unsigned int i;

	rig_begin(r, "json", false, false);
	rig_plan(r, 2000, 2);
	rig_start(r, "a", 1000);
	rig_start(r, "b", 1000);
	(void)rig_since(r, &from);
	for (i = 0; i < 1000; i++) { /* one second */
		rig_bytes(r, "a", 1);
		r->at_ms += 1;
	}
	assert_int_equal(rig_times(rig_since(r, &from), "\"bytes\":100,"), 9);
	rig_bytes(r, "b", 7);
	rig_bytes(r, "b", 8);
	assert_has(rig_since(r, &from), "\"bytes\":7,");
	rig_done(r, "b", 1000);
	assert_has(rig_since(r, &from), "\"bytes\":8,");
	rig_end(r);
	assert_has(rig_since(r, &from), "\"bytes\":99,");
}

static void quiet_shows_nothing(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "plain", true, false);
	r->at_ms += 1000;
	rig_done(r, "a", 5);
	rig_end(r);
	assert_string_equal(rig_shown(r), "");
}

static void a_json_result_has_no_progress_unless_asked(void **state)
{
	struct rig *r = *state;

	rig_begin(r, NULL, false, true);
	r->at_ms += 1000;
	rig_tell(r, MREG_PROGRESS_PHASE, "a", 0, 9, 1);
	assert_string_equal(rig_shown(r), "");
	cli_progress_free(r->progress);
	r->progress = NULL;
	rig_begin(r, "bar", false, true);
	r->at_ms += 1000;
	rig_tell(r, MREG_PROGRESS_PHASE, "a", 0, 9, 1);
	assert_string_equal(rig_shown(r), "\rhashing a");
}

static void auto_is_a_bar_only_in_the_foreground(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "", false, false);
	r->at_ms += 1000;
	rig_tell(r, MREG_PROGRESS_PHASE, "a", 0, 9, 1);
	assert_string_equal(rig_shown(r), "\rhashing a");
	/* Sent to the background meanwhile. */
	r->foreground = false;
	r->at_ms += 1000;
	rig_tell(r, MREG_PROGRESS_PHASE, "b", 0, 9, 1);
	assert_string_equal(rig_shown(r), "\rhashing a");
}

static void auto_is_plain_elsewhere(void **state)
{
	struct rig *r = *state;

	r->foreground = false;
	rig_begin(r, "auto", false, false);
	r->at_ms += 1000;
	rig_plan(r, 5, 1);
	rig_done(r, "a", 5);
	assert_string_equal(rig_shown(r), "done  a  5 B\n");
}

static void refuses_an_unknown_mode(void **state)
{
	struct rig *r = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_code(MREG_EUSAGE, rig_try_begin(r, "b\nar", false, false, &err),
		    err);
	assert_has(err.msg, "progress cannot be 'b\\x0aar'");
	assert_has(err.hint, "auto, bar, plain, json or none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			short_transfers_leave_no_line_in_a_log, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(
			lines_of_the_first_half_second_come_later, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(the_end_tells_lines_that_waited,
						rig_new, rig_free),
		cmocka_unit_test_setup_teardown(
			hostile_names_cannot_forge_a_log_line, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(
			a_log_of_many_blobs_has_few_lines, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(a_log_sums_what_was_there,
						rig_new, rig_free),
		cmocka_unit_test_setup_teardown(a_log_tells_seeds_once, rig_new,
						rig_free),
		cmocka_unit_test_setup_teardown(json_tells_every_event, rig_new,
						rig_free),
		cmocka_unit_test_setup_teardown(json_sums_bytes_up, rig_new,
						rig_free),
		cmocka_unit_test_setup_teardown(quiet_shows_nothing, rig_new,
						rig_free),
		cmocka_unit_test_setup_teardown(
			a_json_result_has_no_progress_unless_asked, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(
			auto_is_a_bar_only_in_the_foreground, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(auto_is_plain_elsewhere,
						rig_new, rig_free),
		cmocka_unit_test_setup_teardown(refuses_an_unknown_mode,
						rig_new, rig_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

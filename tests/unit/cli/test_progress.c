/*
 * test_progress.c - the bar of a transfer, on a screen and a clock of ours.
 */
#include "tests/support/test.h"

#include <string.h>

#include "cli/progress.h"
#include "tests/support/progress_rig.h"

const struct cli_command *const cli_commands[] = { NULL };
const struct cli_opt cli_global_opts[] = { CLI_END };

static void says_nothing_in_the_first_half_second(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "bar", false, false);
	rig_plan(r, 2 * MIB, 2);
	rig_start(r, "a", MIB);
	r->at_ms += 499;
	rig_bytes(r, "a", MIB / 2);
	assert_string_equal(rig_shown(r), "");
	r->at_ms += 1;
	rig_bytes(r, "a", MIB / 4);
	assert_has(rig_shown(r), "\r 37% ");
	rig_end(r);
}

static void redraws_at_most_ten_times_a_second(void **state)
{
	struct rig *r = *state;
	unsigned int i;

	rig_begin(r, "bar", false, false);
	rig_plan(r, 100 * MIB, 1);
	rig_start(r, "a", 100 * MIB);
	r->at_ms += 1000;
	for (i = 0; i < 1000; i++) {
		rig_bytes(r, "a", 1024);
		r->at_ms += 1;
	}
	assert_int_equal(rig_times(rig_shown(r), "\r"), 10);
	rig_end(r);
}

static void the_bar_tells_bytes_rate_time_blobs_and_name(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "bar", false, false);
	rig_plan(r, 100 * MIB, 4);
	rig_start(r, "weights.safetensors", 80 * MIB);
	rig_start(r, "tokenizer.json", MIB);
	rig_done(r, "tokenizer.json", MIB);
	r->at_ms += 1000;
	rig_bytes(r, "weights.safetensors", 10 * MIB);
	assert_string_equal(rig_shown(r),
			    "\r 11% [#...............]  11.0 MiB/100.0 MiB  "
			    "10.0 MiB/s  ETA 0:09  1/4  weights.safetensors");
	rig_end(r);
}

static void the_rate_is_of_the_last_seconds(void **state)
{
	struct rig *r = *state;
	size_t from = 0;
	unsigned int i;

	rig_begin(r, "bar", false, false);
	rig_plan(r, 1000 * MIB, 1);
	rig_start(r, "a", 1000 * MIB);
	for (i = 0; i < 100; i++) { /* 10 s at 40 MiB/s */
		r->at_ms += 100;
		rig_bytes(r, "a", 4 * MIB);
	}
	assert_has(rig_shown(r), "40.0 MiB/s");
	for (i = 0; i < 55; i++) { /* then 10 MiB/s */
		r->at_ms += 100;
		(void)rig_since(r, &from);
		rig_bytes(r, "a", MIB);
	}
	assert_has(rig_since(r, &from), "  10.0 MiB/s  ETA 0:55");
	rig_end(r);
}

static void a_stall_shows_in_the_rate(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	rig_begin(r, "bar", false, false);
	rig_plan(r, 100 * MIB, 1);
	rig_start(r, "a", 100 * MIB);
	r->at_ms += 1000;
	rig_bytes(r, "a", 50 * MIB);
	(void)rig_since(r, &from);
	r->at_ms += 40000;
	rig_bytes(r, "a", MIB);
	assert_has(rig_since(r, &from), "25.6 KiB/s");
	rig_end(r);
}

static void retries_never_show_more_than_the_plan(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	rig_begin(r, "bar", false, false);
	rig_plan(r, 4 * MIB, 2);
	rig_start(r, "a", MIB);
	rig_start(r, "b", 3 * MIB);
	r->at_ms += 1000;
	rig_bytes(r, "a", 9 * MIB);
	assert_has(rig_shown(r), " 25% ");
	assert_has(rig_shown(r), "1.0 MiB/4.0 MiB");
	r->at_ms += 1000;
	(void)rig_since(r, &from);
	rig_bytes(r, "b", 900 * MIB);
	assert_has(rig_since(r, &from), " 99% ");
	rig_done(r, "a", MIB);
	rig_done(r, "b", 3 * MIB);
	r->at_ms += 1000;
	(void)rig_since(r, &from);
	rig_bytes(r, "config", 4000);
	assert_has(rig_since(r, &from), "100% [################]  "
					"4.0 MiB/4.0 MiB");
	rig_end(r);
}

static void a_repair_starts_a_plan_of_its_own(void **state)
{
	struct rig *r = *state;

	rig_begin(r, "plain", false, false);
	rig_plan(r, 2 * MIB, 1);
	rig_reused(r, "old", MIB);
	rig_start(r, "a", 2 * MIB);
	rig_done(r, "a", 2 * MIB);
	r->at_ms += 1000;
	rig_plan(r, 2 * MIB, 1);
	rig_reused(r, "old", MIB);
	rig_start(r, "a", 2 * MIB);
	rig_done(r, "a", 2 * MIB);
	rig_end(r);
	assert_string_equal(rig_shown(r), "done  a  2.0 MiB\ndone  a  2.0 MiB\n"
					  "reused  1 blob  1.0 MiB\n");
}

static void names_the_file_that_is_hashed(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	rig_begin(r, "bar", false, false);
	r->at_ms += 1000;
	rig_tell(r, MREG_PROGRESS_PHASE, "a.bin", 0, 9, 1);
	assert_string_equal(rig_shown(r), "\rhashing a.bin");
	rig_plan(r, MIB, 1);
	rig_start(r, "b.bin", MIB);
	(void)rig_since(r, &from);
	r->at_ms += 100;
	rig_tell(r, MREG_PROGRESS_PHASE, "b.bin", 0, MIB, 1);
	assert_has(rig_since(r, &from), "  hashing b.bin");
	r->at_ms += 100;
	rig_bytes(r, "b.bin", 10);
	assert_has_not(rig_since(r, &from), "hashing");
	rig_end(r);
}

static void the_end_takes_the_bar_away(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	rig_begin(r, "bar", false, false);
	r->at_ms += 1000;
	rig_tell(r, MREG_PROGRESS_PHASE, "a", 0, 9, 1);
	(void)rig_since(r, &from);
	rig_end(r);
	assert_string_equal(rig_since(r, &from), "\r         \r");
	rig_end(r);
	assert_string_equal(rig_since(r, &from), "");
}

static void clearing_makes_room_for_a_message(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	cli_progress_clear(NULL);
	rig_begin(r, "bar", false, false);
	r->at_ms += 1000;
	rig_tell(r, MREG_PROGRESS_PHASE, "a", 0, 9, 1);
	(void)rig_since(r, &from);
	cli_progress_clear(r->progress);
	assert_string_equal(rig_since(r, &from), "\r         \r");
	cli_progress_clear(r->progress);
	assert_string_equal(rig_since(r, &from), "");
	r->at_ms += 100;
	rig_tell(r, MREG_PROGRESS_PHASE, "b", 0, 9, 1);
	assert_string_equal(rig_since(r, &from), "\rhashing b");
}

static void a_shorter_bar_covers_the_longer_one(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	rig_begin(r, "bar", false, false);
	r->at_ms += 1000;
	rig_tell(r, MREG_PROGRESS_PHASE, "long-name", 0, 9, 1);
	(void)rig_since(r, &from);
	r->at_ms += 100;
	rig_tell(r, MREG_PROGRESS_PHASE, "b", 0, 9, 1);
	assert_string_equal(rig_since(r, &from), "\rhashing b        ");
}

static void hostile_names_cannot_move_the_cursor(void **state)
{
	struct rig *r = *state;
	const char *name = "\033[2J\nerror: \xe2\x80\xae\xff";
	const char *text;

	rig_begin(r, "bar", false, false);
	rig_plan(r, MIB, 1);
	rig_start(r, name, MIB);
	r->at_ms += 1000;
	rig_bytes(r, name, 10);
	text = rig_shown(r);
	assert_has(text, "\\x1b[2J\\x0aerror: \\u{202e}\\xff");
	assert_null(strpbrk(text, "\033\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			says_nothing_in_the_first_half_second, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(
			redraws_at_most_ten_times_a_second, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(
			the_bar_tells_bytes_rate_time_blobs_and_name, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(the_rate_is_of_the_last_seconds,
						rig_new, rig_free),
		cmocka_unit_test_setup_teardown(a_stall_shows_in_the_rate,
						rig_new, rig_free),
		cmocka_unit_test_setup_teardown(
			retries_never_show_more_than_the_plan, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(
			a_repair_starts_a_plan_of_its_own, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(names_the_file_that_is_hashed,
						rig_new, rig_free),
		cmocka_unit_test_setup_teardown(the_end_takes_the_bar_away,
						rig_new, rig_free),
		cmocka_unit_test_setup_teardown(
			clearing_makes_room_for_a_message, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(
			a_shorter_bar_covers_the_longer_one, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(
			hostile_names_cannot_move_the_cursor, rig_new,
			rig_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_progress.c - what a transfer shows, on a screen and a clock of ours.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/progress.h"

#define MIB (1024u * 1024u)

const struct cli_command *const cli_commands[] = { NULL };
const struct cli_opt cli_global_opts[] = { CLI_END };

struct rig {
	struct cli_progress *progress;
	int64_t at_ms;
	size_t width;
	bool foreground;
	char *text; /* what was written so far */
	size_t len;
	FILE *out;
};

static int64_t rig_now(void *ctx)
{
	return ((struct rig *)ctx)->at_ms;
}

static size_t rig_columns(void *ctx)
{
	return ((struct rig *)ctx)->width;
}

static bool rig_foreground(void *ctx)
{
	return ((struct rig *)ctx)->foreground;
}

static int rig_new(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->at_ms = 1000;
	r->width = 100;
	r->foreground = true;
	r->out = open_memstream(&r->text, &r->len);
	assert_non_null(r->out);
	*state = r;
	return 0;
}

static int rig_free(void **state)
{
	struct rig *r = *state;

	cli_progress_free(r->progress);
	(void)fclose(r->out);
	free(r->text);
	free(r);
	return 0;
}

static int try_begin(struct rig *r, const char *mode, bool quiet, bool json,
		     struct mreg_error *err)
{
	const struct cli_screen s = {
		.ctx = r,
		.out = r->out,
		.mono_ms = rig_now,
		.columns = rig_columns,
		.foreground = rig_foreground,
	};

	return cli_progress_new_on(&s, mode, quiet, json, &r->progress, err);
}

static void begin(struct rig *r, const char *mode, bool quiet, bool json)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(try_begin(r, mode, quiet, json, &err), err);
}

static void tell(struct rig *r, enum mreg_progress_kind kind, const char *label,
		 uint64_t bytes, uint64_t total, uint64_t count)
{
	const struct mreg_progress e = {
		.kind = kind,
		.label = label,
		.bytes = bytes,
		.total = total,
		.count = count,
	};

	cli_progress_event(r->progress, &e);
}

static void plan(struct rig *r, uint64_t total, uint64_t count)
{
	tell(r, MREG_PROGRESS_PLAN, "", 0, total, count);
}

static void start(struct rig *r, const char *label, uint64_t total)
{
	tell(r, MREG_PROGRESS_START, label, 0, total, 1);
}

static void bytes(struct rig *r, const char *label, uint64_t n)
{
	tell(r, MREG_PROGRESS_BYTES, label, n, 0, 0);
}

static void done(struct rig *r, const char *label, uint64_t total)
{
	tell(r, MREG_PROGRESS_DONE, label, 0, total, 1);
}

static void reused(struct rig *r, const char *label, uint64_t total)
{
	tell(r, MREG_PROGRESS_REUSED, label, 0, total, 1);
}

static void end(struct rig *r)
{
	tell(r, MREG_PROGRESS_END, "", 0, 0, 0);
}

static const char *shown(struct rig *r)
{
	(void)fflush(r->out);
	return r->text ? r->text : "";
}

/* What was written since the last call. */
static const char *since(struct rig *r, size_t *from)
{
	const char *text = shown(r) + *from;

	*from = r->len;
	return text;
}

static size_t times(const char *text, const char *needle)
{
	size_t n = 0;

	for (; (text = strstr(text, needle)); text++)
		n++;
	return n;
}

static void says_nothing_in_the_first_half_second(void **state)
{
	struct rig *r = *state;

	begin(r, "bar", false, false);
	plan(r, 2 * MIB, 2);
	start(r, "a", MIB);
	r->at_ms += 499;
	bytes(r, "a", MIB / 2);
	assert_string_equal(shown(r), "");
	r->at_ms += 1;
	bytes(r, "a", MIB / 4);
	assert_has(shown(r), "\r 37% ");
	end(r);
}

static void short_transfers_leave_no_line_in_a_log(void **state)
{
	struct rig *r = *state;

	begin(r, "plain", false, false);
	plan(r, MIB, 1);
	start(r, "a", MIB);
	done(r, "a", MIB);
	reused(r, "b", 1);
	r->at_ms += 400;
	end(r);
	assert_string_equal(shown(r), "");
}

static void lines_of_the_first_half_second_come_later(void **state)
{
	struct rig *r = *state;

	begin(r, "plain", false, false);
	plan(r, 3 * MIB, 3);
	start(r, "a", MIB);
	done(r, "a", MIB);
	start(r, "b", MIB);
	assert_string_equal(shown(r), "");
	r->at_ms += 600;
	done(r, "b", MIB);
	assert_string_equal(shown(r), "done  a  1.0 MiB\ndone  b  1.0 MiB\n");
	start(r, "c", MIB);
	done(r, "c", MIB);
	end(r);
	assert_string_equal(shown(r), "done  a  1.0 MiB\ndone  b  1.0 MiB\n"
				      "done  c  1.0 MiB\n");
}

static void the_end_tells_lines_that_waited(void **state)
{
	struct rig *r = *state;

	begin(r, "plain", false, false);
	plan(r, MIB, 1);
	start(r, "a", MIB);
	done(r, "a", MIB);
	r->at_ms += 500;
	end(r);
	assert_string_equal(shown(r), "done  a  1.0 MiB\n");
}

static void redraws_at_most_ten_times_a_second(void **state)
{
	struct rig *r = *state;
	unsigned int i;

	begin(r, "bar", false, false);
	plan(r, 100 * MIB, 1);
	start(r, "a", 100 * MIB);
	r->at_ms += 1000;
	for (i = 0; i < 1000; i++) {
		bytes(r, "a", 1024);
		r->at_ms += 1;
	}
	assert_int_equal(times(shown(r), "\r"), 10);
	end(r);
}

static void the_bar_tells_bytes_rate_time_blobs_and_name(void **state)
{
	struct rig *r = *state;

	begin(r, "bar", false, false);
	plan(r, 100 * MIB, 4);
	start(r, "weights.safetensors", 80 * MIB);
	start(r, "tokenizer.json", MIB);
	done(r, "tokenizer.json", MIB);
	r->at_ms += 1000;
	bytes(r, "weights.safetensors", 10 * MIB);
	assert_string_equal(shown(r),
			    "\r 11% [#...............]  11.0 MiB/100.0 MiB  "
			    "10.0 MiB/s  ETA 0:09  1/4  weights.safetensors");
	end(r);
}

static void the_rate_is_of_the_last_seconds(void **state)
{
	struct rig *r = *state;
	size_t from = 0;
	unsigned int i;

	begin(r, "bar", false, false);
	plan(r, 1000 * MIB, 1);
	start(r, "a", 1000 * MIB);
	for (i = 0; i < 100; i++) { /* 10 s at 40 MiB/s */
		r->at_ms += 100;
		bytes(r, "a", 4 * MIB);
	}
	assert_has(shown(r), "40.0 MiB/s");
	for (i = 0; i < 55; i++) { /* then 10 MiB/s */
		r->at_ms += 100;
		(void)since(r, &from);
		bytes(r, "a", MIB);
	}
	assert_has(since(r, &from), "  10.0 MiB/s  ETA 0:55");
	end(r);
}

static void a_stall_shows_in_the_rate(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	begin(r, "bar", false, false);
	plan(r, 100 * MIB, 1);
	start(r, "a", 100 * MIB);
	r->at_ms += 1000;
	bytes(r, "a", 50 * MIB);
	(void)since(r, &from);
	r->at_ms += 40000;
	bytes(r, "a", MIB);
	assert_has(since(r, &from), "25.6 KiB/s");
	end(r);
}

static void retries_never_show_more_than_the_plan(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	begin(r, "bar", false, false);
	plan(r, 4 * MIB, 2);
	start(r, "a", MIB);
	start(r, "b", 3 * MIB);
	r->at_ms += 1000;
	bytes(r, "a", 9 * MIB);
	assert_has(shown(r), " 25% ");
	assert_has(shown(r), "1.0 MiB/4.0 MiB");
	r->at_ms += 1000;
	(void)since(r, &from);
	bytes(r, "b", 900 * MIB);
	assert_has(since(r, &from), " 99% ");
	done(r, "a", MIB);
	done(r, "b", 3 * MIB);
	r->at_ms += 1000;
	(void)since(r, &from);
	bytes(r, "config", 4000);
	assert_has(since(r, &from), "100% [################]  "
				    "4.0 MiB/4.0 MiB");
	end(r);
}

static void a_repair_starts_a_plan_of_its_own(void **state)
{
	struct rig *r = *state;

	begin(r, "plain", false, false);
	plan(r, 2 * MIB, 1);
	reused(r, "old", MIB);
	start(r, "a", 2 * MIB);
	done(r, "a", 2 * MIB);
	r->at_ms += 1000;
	plan(r, 2 * MIB, 1);
	reused(r, "old", MIB);
	start(r, "a", 2 * MIB);
	done(r, "a", 2 * MIB);
	end(r);
	assert_string_equal(shown(r), "done  a  2.0 MiB\ndone  a  2.0 MiB\n"
				      "reused  1 blob  1.0 MiB\n");
}

static void names_the_file_that_is_hashed(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	begin(r, "bar", false, false);
	r->at_ms += 1000;
	tell(r, MREG_PROGRESS_PHASE, "a.bin", 0, 9, 1);
	assert_string_equal(shown(r), "\rhashing a.bin");
	plan(r, MIB, 1);
	start(r, "b.bin", MIB);
	(void)since(r, &from);
	r->at_ms += 100;
	tell(r, MREG_PROGRESS_PHASE, "b.bin", 0, MIB, 1);
	assert_has(since(r, &from), "  hashing b.bin");
	r->at_ms += 100;
	bytes(r, "b.bin", 10);
	assert_has_not(since(r, &from), "hashing");
	end(r);
}

static void the_end_takes_the_bar_away(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	begin(r, "bar", false, false);
	r->at_ms += 1000;
	tell(r, MREG_PROGRESS_PHASE, "a", 0, 9, 1);
	(void)since(r, &from);
	end(r);
	assert_string_equal(since(r, &from), "\r         \r");
	end(r);
	assert_string_equal(since(r, &from), "");
}

static void clearing_makes_room_for_a_message(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	cli_progress_clear(NULL);
	begin(r, "bar", false, false);
	r->at_ms += 1000;
	tell(r, MREG_PROGRESS_PHASE, "a", 0, 9, 1);
	(void)since(r, &from);
	cli_progress_clear(r->progress);
	assert_string_equal(since(r, &from), "\r         \r");
	cli_progress_clear(r->progress);
	assert_string_equal(since(r, &from), "");
	r->at_ms += 100;
	tell(r, MREG_PROGRESS_PHASE, "b", 0, 9, 1);
	assert_string_equal(since(r, &from), "\rhashing b");
}

static void a_shorter_bar_covers_the_longer_one(void **state)
{
	struct rig *r = *state;
	size_t from = 0;

	begin(r, "bar", false, false);
	r->at_ms += 1000;
	tell(r, MREG_PROGRESS_PHASE, "long-name", 0, 9, 1);
	(void)since(r, &from);
	r->at_ms += 100;
	tell(r, MREG_PROGRESS_PHASE, "b", 0, 9, 1);
	assert_string_equal(since(r, &from), "\rhashing b        ");
}

static void hostile_names_cannot_move_the_cursor(void **state)
{
	struct rig *r = *state;
	const char *name = "\033[2J\nerror: \xe2\x80\xae\xff";
	const char *text;

	begin(r, "bar", false, false);
	plan(r, MIB, 1);
	start(r, name, MIB);
	r->at_ms += 1000;
	bytes(r, name, 10);
	text = shown(r);
	assert_has(text, "\\x1b[2J\\x0aerror: \\u{202e}\\xff");
	assert_null(strpbrk(text, "\033\n"));
}

static void hostile_names_cannot_forge_a_log_line(void **state)
{
	struct rig *r = *state;

	begin(r, "plain", false, false);
	r->at_ms += 1000;
	plan(r, MIB, 1);
	done(r, "a\ndone  b\033[1m", MIB);
	assert_string_equal(shown(r), "done  a\\x0adone  b\\x1b[1m  1.0 MiB\n");
}

static void a_log_of_many_blobs_has_few_lines(void **state)
{
	struct rig *r = *state;
	char name[16];
	unsigned int i;

	begin(r, "plain", false, false);
	r->at_ms += 1000;
	plan(r, 5 * MIB + 500 * 1000, 501);
	start(r, "large", 5 * MIB);
	for (i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		start(r, name, 1000);
		bytes(r, name, 1000);
		done(r, name, 1000);
	}
	assert_string_equal(shown(r), "");
	for (i = 0; i < 5; i++)
		bytes(r, "large", MIB);
	done(r, "large", 5 * MIB);
	end(r);
	assert_has(shown(r), "20%  1.5 MiB of 5.5 MiB, 500 of 501 blobs\n");
	assert_has(shown(r), "done  large  5.0 MiB\n");
	assert_has(shown(r), "100%  5.5 MiB of 5.5 MiB, 501 of 501 blobs\n");
	assert_int_equal(times(shown(r), "%"), 6);
	assert_int_equal(times(shown(r), "done"), 1);
}

static void a_log_sums_what_was_there(void **state)
{
	struct rig *r = *state;

	begin(r, "plain", false, false);
	r->at_ms += 1000;
	plan(r, MIB, 1);
	reused(r, "a", MIB);
	reused(r, "b", MIB);
	start(r, "c", MIB);
	tell(r, MREG_PROGRESS_PHASE, "c", 0, MIB, 1);
	reused(r, "c", MIB);
	assert_string_equal(shown(r), "");
	end(r);
	assert_string_equal(shown(r), "reused  3 blobs  3.0 MiB\n");
}

static void json_tells_every_event(void **state)
{
	struct rig *r = *state;

	begin(r, "json", false, true);
	plan(r, 10, 1);
	start(r, "a\n", 10);
	bytes(r, "a\n", 10);
	done(r, "a\n", 10);
	end(r);
	assert_int_equal(times(shown(r), "\n"), 5);
	assert_int_equal(times(shown(r), "\"type\":\"progress\""), 5);
	assert_has(shown(r), "\"event\":\"plan\"");
	assert_has(shown(r), "\"label\":\"a\\n\"");
	assert_has(shown(r), "\"event\":\"end\"");
}

static void json_sums_bytes_up(void **state)
{
	struct rig *r = *state;
	size_t from = 0;
	unsigned int i;

	begin(r, "json", false, false);
	plan(r, 2000, 2);
	start(r, "a", 1000);
	start(r, "b", 1000);
	(void)since(r, &from);
	for (i = 0; i < 1000; i++) { /* one second */
		bytes(r, "a", 1);
		r->at_ms += 1;
	}
	assert_int_equal(times(since(r, &from), "\"bytes\":100,"), 9);
	bytes(r, "b", 7);
	bytes(r, "b", 8);
	assert_has(since(r, &from), "\"bytes\":7,");
	done(r, "b", 1000);
	assert_has(since(r, &from), "\"bytes\":8,");
	end(r);
	assert_has(since(r, &from), "\"bytes\":99,");
}

static void quiet_shows_nothing(void **state)
{
	struct rig *r = *state;

	begin(r, "plain", true, false);
	r->at_ms += 1000;
	done(r, "a", 5);
	end(r);
	assert_string_equal(shown(r), "");
}

static void a_json_result_has_no_progress_unless_asked(void **state)
{
	struct rig *r = *state;

	begin(r, NULL, false, true);
	r->at_ms += 1000;
	tell(r, MREG_PROGRESS_PHASE, "a", 0, 9, 1);
	assert_string_equal(shown(r), "");
	cli_progress_free(r->progress);
	r->progress = NULL;
	begin(r, "bar", false, true);
	r->at_ms += 1000;
	tell(r, MREG_PROGRESS_PHASE, "a", 0, 9, 1);
	assert_string_equal(shown(r), "\rhashing a");
}

static void auto_is_a_bar_only_in_the_foreground(void **state)
{
	struct rig *r = *state;

	begin(r, "", false, false);
	r->at_ms += 1000;
	tell(r, MREG_PROGRESS_PHASE, "a", 0, 9, 1);
	assert_string_equal(shown(r), "\rhashing a");
	/* Sent to the background meanwhile. */
	r->foreground = false;
	r->at_ms += 1000;
	tell(r, MREG_PROGRESS_PHASE, "b", 0, 9, 1);
	assert_string_equal(shown(r), "\rhashing a");
}

static void auto_is_plain_elsewhere(void **state)
{
	struct rig *r = *state;

	r->foreground = false;
	begin(r, "auto", false, false);
	r->at_ms += 1000;
	plan(r, 5, 1);
	done(r, "a", 5);
	assert_string_equal(shown(r), "done  a  5 B\n");
}

static void refuses_an_unknown_mode(void **state)
{
	struct rig *r = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_code(MREG_EUSAGE, try_begin(r, "b\nar", false, false, &err),
		    err);
	assert_has(err.msg, "progress cannot be 'b\\x0aar'");
	assert_has(err.hint, "auto, bar, plain, json or none");
}

/* Columns of text as a terminal counts them, for what the tests use. */
static size_t wide(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			n += (unsigned char)*s >= 0xe3 ? 2 : 1;
	return n;
}

static void no_bar_is_wider_than_the_terminal(void **state)
{
	static const char *const names[] = {
		"a",
		"a/very/long/folder/of/folders/in/folders/model.safetensors",
		"\xe6\xa8\xa1\xe5\x9e\x8b/\xe6\xa8\xa1\xe5\x9e\x8b\xe6\xa8\xa1"
		"\xe5\x9e\x8b\xe6\xa8\xa1\xe5\x9e\x8b\xe6\xa8\xa1\xe5\x9e\x8b",
		"\033\033\033\033\033\033\033\033\033\033\033",
	};
	char out[CLI_BAR_BYTES];
	size_t i, width;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (width = 0; width < 300; width++) {
			struct cli_bar b = {
				.planned = width % 7 != 0,
				.done = UINT64_MAX / 2,
				.total = UINT64_MAX - 1,
				.blobs = 9999,
				.count = 10000,
				.rate = UINT64_MAX / 3600 / 50,
				.label = names[i],
				.hashing = width % 2 == 0,
			};
			size_t used = cli_bar_text(&b, width, out);

			assert_true(used <= width);
			assert_true(wide(out) <= used);
			assert_true(mr_utf8_valid(out));
		}
	}
}

static void a_long_name_keeps_its_end(void **state)
{
	const struct cli_bar b = {
		.planned = true,
		.total = 100,
		.done = 50,
		.count = 2,
		.label = "some/folder/with/a/long/name/model-00001.safetensors",
	};
	char out[CLI_BAR_BYTES];

	(void)state;
	assert_int_equal(cli_bar_text(&b, 60, out), 60);
	assert_string_equal(out, " 50%  50 B/100 B  0/2  .../long/name/model-"
				 "00001.safetensors");
}

static void a_digest_is_shown_short(void **state)
{
	const struct cli_bar b = {
		.label =
			"sha256:0123456789abcdef0123456789abcdef0123456789abcdef"
			"0123456789abcdef",
		.hashing = true,
	};
	char out[CLI_BAR_BYTES];

	(void)state;
	(void)cli_bar_text(&b, 100, out);
	assert_string_equal(out, "hashing sha256:0123456789ab");
}

static void percent_is_a_hundred_only_when_all_is_done(void **state)
{
	struct cli_bar b = { .total = 10, .done = 10, .count = 3, .blobs = 2 };

	(void)state;
	assert_int_equal(cli_bar_percent(&b), 99);
	b.blobs = 3;
	assert_int_equal(cli_bar_percent(&b), 100);
	b = (struct cli_bar){ .count = 4, .blobs = 1 }; /* empty files */
	assert_int_equal(cli_bar_percent(&b), 25);
	b = (struct cli_bar){ .count = 1, .done = UINT64_MAX, .total = 1 };
	assert_int_equal(cli_bar_percent(&b), 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			says_nothing_in_the_first_half_second, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(
			short_transfers_leave_no_line_in_a_log, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(
			lines_of_the_first_half_second_come_later, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(the_end_tells_lines_that_waited,
						rig_new, rig_free),
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
		cmocka_unit_test_setup_teardown(
			hostile_names_cannot_forge_a_log_line, rig_new,
			rig_free),
		cmocka_unit_test_setup_teardown(
			a_log_of_many_blobs_has_few_lines, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(a_log_sums_what_was_there,
						rig_new, rig_free),
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
		cmocka_unit_test(no_bar_is_wider_than_the_terminal),
		cmocka_unit_test(a_long_name_keeps_its_end),
		cmocka_unit_test(a_digest_is_shown_short),
		cmocka_unit_test(percent_is_a_hundred_only_when_all_is_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_fetch.c - large blobs over several connections: who helps whom, what
 * happens when one breaks, and what the next run goes on with.
 *
 * The source is a script (tests/support/script_source.h).
 */
#include "transfer/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "content/spans.h"
#include "state/state.h"
#include "tests/support/script_source.h"
#include "tests/support/test.h"

#define MIB (1u << 20)
#define SIZE (40u * MIB + 4321)

/* -- fixture ----------------------------------------------------------------
 */

struct fixture {
	struct test_env te;
	struct mreg_error err;
	struct script_source src;
	char *data;
	char *dir;
	struct mr_state *state;
	struct mr_tree *tree;
	struct mr_store *to;
	struct mr_place place;
	struct mr_plan plan;
	bool limited;
};

static int64_t source_ms(void *ctx)
{
	struct fixture *f = mr_container_of(ctx, struct fixture, te);

	return script_source_ms(&f->src);
}

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));
	uint32_t x = 3;
	size_t i;

	assert_non_null(f);
	f->data = mr_alloc(SIZE);
	for (i = 0; i < SIZE; i++)
		f->data[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
	f->dir = test_tmpdir_new();
	test_env_init(&f->te);
	f->te.env.mono_ms = source_ms;
	script_source_init(&f->src, &f->te.env, f->dir, f->data);
	f->place.path = "model.bin";
	f->place.desc.size = SIZE;
	assert_ok(mr_digest_of(f->data, SIZE, &f->place.desc.digest, &f->err),
		  f->err);
	*state = f;
	return 0;
}

static void close_target(struct fixture *f)
{
	mr_plan_release(&f->plan);
	mr_store_close(f->to);
	mr_tree_close(f->tree);
	mr_state_close(f->state);
	f->to = NULL;
	f->tree = NULL;
	f->state = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close_target(f);
	script_source_release(&f->src);
	test_env_release(&f->te);
	test_tmpdir_free(f->dir);
	mr_release(f->data);
	mr_release(f);
	return 0;
}

static void in_dir(const struct fixture *f, const char *name, char out[4200])
{
	(void)snprintf(out, 4200, "%s/%s", f->dir, name);
}

/* A pull of the one file, by another process each time. */
static int fetch(struct fixture *f, unsigned int jobs)
{
	struct mr_published done;
	char path[4200];
	int rc;

	close_target(f);
	f->src.opened = 0;
	f->src.handed_out = 0;
	f->te.progress_bytes = 0;
	in_dir(f, "state.db", path);
	f->state = mr_state_open(path, &f->te.env);
	in_dir(f, "out", path);
	assert_ok(mr_tree_open(path, true, &f->tree, &f->err), f->err);
	assert_ok(mr_files_target(&f->te.env, f->state, f->tree, &f->place, 1,
				  &f->to, &f->err),
		  f->err);
	assert_ok(mr_plan_init(&f->plan, 1, &f->err), f->err);
	f->plan.items[0].desc = f->place.desc;
	f->plan.items[0].label = "model.bin";
	f->plan.limited = f->limited;
	assert_ok(mr_plan_look(&f->plan, f->to, NULL, 0, jobs, &f->err),
		  f->err);
	rc = mr_plan_run(&f->plan, &f->src.base, f->to, jobs, &f->err);
	if (rc == 0)
		assert_ok(mr_files_publish(f->to, &done, &f->err), f->err);
	return rc;
}

/* Right, alone, and each byte told of once. */
static void assert_fetched(struct fixture *f, unsigned int jobs)
{
	char path[4200];
	char *bytes;
	size_t n;

	assert_ok(fetch(f, jobs), f->err);
	in_dir(f, "out", path);
	assert_int_equal(test_count(path), 1);
	bytes = test_read(path, "model.bin", &n);
	assert_int_equal(n, SIZE);
	assert_memory_equal(bytes, f->data, SIZE);
	free(bytes);
	assert_int_equal(f->te.progress_bytes, SIZE - f->plan.items[0].resumed);
	assert_int_equal(mr_plan_bytes_moving(&f->plan), f->te.progress_bytes);
}

static void assert_nothing_to_do(struct fixture *f)
{
	assert_ok(fetch(f, 4), f->err);
	assert_int_equal(f->src.opened, 0);
	assert_int_equal(mr_plan_bytes_moving(&f->plan), 0);
}

static size_t parts(const struct fixture *f)
{
	char path[4200];

	in_dir(f, "out", path);
	return test_count(path);
}

/* -- one connection or several ----------------------------------------------
 */

static void a_fast_one_is_left_alone(void **state)
{
	struct fixture *f = *state;

	assert_fetched(f, 4);
	assert_int_equal(f->src.opened, 1);
	assert_int_equal(f->src.asked[0].end, SIZE);
	assert_int_equal(f->src.handed_out, SIZE);
}

static void a_slow_one_is_helped(void **state)
{
	struct fixture *f = *state;
	size_t i;

	f->src.slow = true;
	f->src.hold_at = 4 * MIB;
	f->src.hold_for = 3;
	assert_fetched(f, 4);
	assert_true(f->src.opened >= 3);
	assert_int_equal(f->src.asked[0].start, 0);
	for (i = 1; i < f->src.opened; i++)
		assert_true(f->src.asked[i].start > 0);
	/* What was asked for twice is what was on the way when it was cut. */
	assert_true(f->src.handed_out <=
		    SIZE + f->src.opened * SCRIPT_READ_BYTES);
}

static void nobody_helps_who_wants_one_connection(void **state)
{
	struct fixture *f = *state;

	f->src.slow = true;
	assert_fetched(f, 1);
	assert_int_equal(f->src.opened, 1);
}

/* The first waits for the second; a third would come soon. */
static void a_limited_one_has_no_more_than_were_asked_for(void **state)
{
	struct fixture *f = *state;

	f->src.slow = true;
	f->src.hold_at = 4 * MIB;
	f->src.hold_for = 2;
	f->limited = true;
	assert_fetched(f, 2);
	assert_int_equal(f->src.most_open, 2);
}

static void nobody_helps_where_there_are_no_ranges(void **state)
{
	struct fixture *f = *state;

	f->src.slow = true;
	f->src.ranges = false;
	assert_fetched(f, 4);
	assert_int_equal(f->src.opened, 1);
}

static void the_first_goes_on_alone_when_ranges_do_not_work(void **state)
{
	struct fixture *f = *state;

	f->src.slow = true;
	f->src.no_range = true;
	f->src.hold_at = 4 * MIB;
	f->src.hold_for = 2;
	assert_fetched(f, 4);
	/* It had asked for everything; the other one took nothing. */
	assert_int_equal(f->src.handed_out, SIZE);
}

/* -- what breaks ------------------------------------------------------------
 */

static void break_a_helper(struct fixture *f, enum mreg_code code)
{
	f->src.slow = true;
	f->src.hold_at = 4 * MIB;
	f->src.hold_for = 2;
	f->src.break_others = true;
	f->src.breaks = 1;
	f->src.break_after = MIB / 2;
	f->src.break_code = code;
	assert_fetched(f, 4);
	assert_has(f->te.log, "a connection broke off (");
}

static void a_helper_that_breaks_costs_its_own_range(void **state)
{
	break_a_helper(*state, MREG_ENETWORK);
}

/* Storage may take no second connection: the first one goes on. */
static void a_refused_helper_costs_its_own_range(void **state)
{
	break_a_helper(*state, MREG_EDENIED);
}

static void the_only_connection_that_breaks_is_the_blobs_failure(void **state)
{
	struct fixture *f = *state;

	f->src.breaks = 1;
	f->src.break_after = 10 * MIB + SCRIPT_READ_BYTES;
	f->src.break_code = MREG_ENETWORK;
	assert_code(MREG_ENETWORK, fetch(f, 4), f->err);
	assert_has(f->err.msg, "cannot transfer 'model.bin'");
	assert_has(f->err.cause, "the line is dead");
}

/* What came before stays: only the proof says that bytes are wrong. */
static void what_ends_early_is_refused(void **state)
{
	struct fixture *f = *state;

	f->src.breaks = 1;
	f->src.break_after = 10 * MIB;
	f->src.break_code = MREG_EINTEGRITY;
	assert_code(MREG_EINTEGRITY, fetch(f, 1), f->err);
	assert_int_equal(parts(f), 1);
	assert_fetched(f, 4);
	assert_int_equal(f->plan.items[0].resumed, 10 * MIB);
}

/* -- the next run -----------------------------------------------------------
 */

static void the_next_run_fetches_the_rest(void **state)
{
	struct fixture *f = *state;

	f->src.breaks = 1;
	f->src.break_after = 21 * MIB;
	f->src.break_code = MREG_ENETWORK;
	assert_code(MREG_ENETWORK, fetch(f, 4), f->err);
	assert_int_equal(parts(f), 1);
	assert_fetched(f, 4);
	assert_int_equal(f->plan.items[0].resumed, 21 * MIB);
	assert_int_equal(f->src.asked[0].start, 21 * MIB);
	assert_int_equal(f->src.handed_out, SIZE - 21 * MIB);
	assert_nothing_to_do(f);
}

static void an_interrupted_run_keeps_what_came(void **state)
{
	struct fixture *f = *state;

	f->src.breaks = 1;
	f->src.break_after = 12 * MIB;
	f->src.break_code = MREG_ECANCELED;
	f->src.cancel_at_break = &f->te.cancel;
	assert_code(MREG_ECANCELED, fetch(f, 4), f->err);
	atomic_store(&f->te.cancel, false);
	assert_fetched(f, 4);
	assert_int_equal(f->src.handed_out, SIZE - 12 * MIB);
}

static void holes_of_several_connections_are_filled(void **state)
{
	struct fixture *f = *state;

	f->src.slow = true;
	f->src.hold_at = 4 * MIB;
	f->src.hold_for = 3;
	f->src.break_others = true;
	f->src.breaks = 1;
	f->src.break_after = 2 * MIB;
	f->src.break_code = MREG_ECANCELED;
	f->src.cancel_at_break = &f->te.cancel;
	assert_code(MREG_ECANCELED, fetch(f, 4), f->err);
	atomic_store(&f->te.cancel, false);
	f->src.hold_for = 0;
	assert_fetched(f, 4);
	/* What the one that broke had brought, at least. */
	assert_true(f->plan.items[0].resumed >= 2 * MIB);
}

static void overwrite_part(const struct fixture *f, long at)
{
	char path[4200], hex[129], name[200];
	FILE *part;

	in_dir(f, "out", path);
	mr_digest_hex(&f->place.desc.digest, hex);
	(void)snprintf(name, sizeof(name), "/.mreg-part-%s", hex);
	strncat(path, name, sizeof(path) - strlen(path) - 1);
	part = fopen(path, "r+b");
	assert_non_null(part);
	assert_int_equal(fseek(part, at, SEEK_SET), 0);
	assert_int_equal(fwrite("spoiled", 1, 7, part), 7);
	assert_int_equal(fclose(part), 0);
}

static void what_was_spoiled_meanwhile_is_fetched_anew(void **state)
{
	struct fixture *f = *state;

	f->src.breaks = 1;
	f->src.break_after = 21 * MIB;
	f->src.break_code = MREG_ENETWORK;
	assert_code(MREG_ENETWORK, fetch(f, 4), f->err);
	overwrite_part(f, 5 * MIB);
	assert_ok(fetch(f, 4), f->err);
	assert_int_equal(f->plan.items[0].resumed, 0);
	assert_int_equal(f->src.handed_out, 2 * (uint64_t)SIZE - 21 * MIB);
	assert_has(f->te.log, "is not right");
	assert_nothing_to_do(f);
}

static void without_a_record_all_is_fetched(void **state)
{
	struct fixture *f = *state;
	char path[4200];

	f->src.breaks = 1;
	f->src.break_after = 21 * MIB;
	f->src.break_code = MREG_ENETWORK;
	assert_code(MREG_ENETWORK, fetch(f, 4), f->err);
	close_target(f);
	in_dir(f, "state.db", path);
	assert_int_equal(unlink(path), 0);
	(void)strncat(path, "-wal", sizeof(path) - strlen(path) - 1);
	(void)unlink(path); /* gone after a clean end */
	assert_fetched(f, 4);
	assert_int_equal(f->src.handed_out, SIZE);
}

#define FETCH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FETCH(a_fast_one_is_left_alone),
		FETCH(a_slow_one_is_helped),
		FETCH(nobody_helps_who_wants_one_connection),
		FETCH(a_limited_one_has_no_more_than_were_asked_for),
		FETCH(nobody_helps_where_there_are_no_ranges),
		FETCH(the_first_goes_on_alone_when_ranges_do_not_work),
		FETCH(a_helper_that_breaks_costs_its_own_range),
		FETCH(a_refused_helper_costs_its_own_range),
		FETCH(the_only_connection_that_breaks_is_the_blobs_failure),
		FETCH(what_ends_early_is_refused),
		FETCH(the_next_run_fetches_the_rest),
		FETCH(an_interrupted_run_keeps_what_came),
		FETCH(holes_of_several_connections_are_filled),
		FETCH(what_was_spoiled_meanwhile_is_fetched_anew),
		FETCH(without_a_record_all_is_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

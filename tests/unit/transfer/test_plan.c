/*
 * test_plan.c - what has to move is decided once, and runs as decided.
 */
#include "transfer/transfer.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "oci/oci.h"
#include "tests/support/test.h"

#define FILES 12

/* A folder of files, some equal, scanned as push does. */
struct fixture {
	char *dir;
	struct test_env te;
	struct mr_scan *scan;
	struct mr_store *from;
	struct mr_store *to;
	struct mr_plan plan;
};

static int setup(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_scan_opts o = { .all = false };
	struct fixture *f = mr_zalloc(sizeof(*f));
	const char *paths[1];
	size_t i;

	assert_non_null(f);
	f->dir = test_tmpdir_new();
	for (i = 0; i < FILES; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "f%02zu.bin", i);
		/* 10 and 11 hold the same bytes. */
		test_write_noise(f->dir, name, 1000 * (i < 11 ? i : 10),
				 (uint32_t)(i < 11 ? i : 10));
	}
	test_write_text(f->dir, "text.txt",
			"gr\xc3\xbc\xc3\x9f"
			"e\n");
	test_env_init(&f->te);
	paths[0] = f->dir;
	assert_ok(mr_scan(&f->te.env, paths, 1, &o, &f->scan, &err), err);
	assert_int_equal(f->scan->count, FILES + 1);
	assert_ok(mr_files_source(&f->te.env, f->scan, &f->from, &err), err);
	assert_ok(mr_memory_open(&f->te.env, &f->to, &err), err);
	assert_ok(mr_plan_init(&f->plan, f->scan->count, &err), err);
	for (i = 0; i < f->scan->count; i++) {
		f->plan.items[i].file = i;
		f->plan.items[i].label = f->scan->files[i].path;
		f->plan.items[i].desc.size = f->scan->files[i].size;
		(void)snprintf(f->plan.items[i].desc.media_type, 64, "%s",
			       MR_MEDIA_OCTETS);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_plan_release(&f->plan);
	mr_store_close(f->to);
	mr_store_close(f->from);
	mr_scan_free(f->scan);
	test_env_release(&f->te);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

static size_t count_step(const struct mr_plan *p, enum mr_step step)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < p->count; i++)
		n += p->items[i].step == step;
	return n;
}

static void streams_what_has_no_digest(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_plan_look(&f->plan, f->to, NULL, 0, 4, &err), err);
	assert_int_equal(count_step(&f->plan, MR_STEP_STREAM), FILES + 1);
	assert_int_equal(mr_plan_bytes_moving(&f->plan),
			 mr_plan_bytes(&f->plan));
}

static void hashes_first_where_a_layer_has_that_size(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	const uint64_t sizes[] = { 3000, 77, 9000 };

	assert_ok(mr_plan_look(&f->plan, f->to, sizes, 3, 4, &err), err);
	assert_int_equal(count_step(&f->plan, MR_STEP_HASH), 2);
	assert_int_equal(f->plan.items[3].step, MR_STEP_HASH);
	assert_int_equal(f->plan.items[9].step, MR_STEP_HASH);
}

static void moves_everything_and_learns_what_it_was(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	assert_ok(mr_plan_look(&f->plan, f->to, NULL, 0, 4, &err), err);
	assert_ok(mr_plan_run(&f->plan, f->from, f->to, 4, &err), err);
	for (i = 0; i < f->plan.count; i++) {
		const struct mr_item *it = &f->plan.items[i];
		bool found = false;

		assert_true(it->done);
		assert_true(it->hashed);
		assert_true(mr_digest_known(&it->desc.digest));
		assert_ok(mr_store_has(f->to, &it->desc, &found, &err), err);
		assert_true(found);
	}
	/* The empty file and the text are UTF-8, noise is not. */
	assert_true(f->plan.items[0].utf8);
	assert_true(f->plan.items[FILES].utf8);
	assert_false(f->plan.items[5].utf8);
}

static void sends_nothing_the_second_time(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_plan_look(&f->plan, f->to, NULL, 0, 4, &err), err);
	assert_ok(mr_plan_run(&f->plan, f->from, f->to, 4, &err), err);
	assert_ok(mr_plan_look(&f->plan, f->to, NULL, 0, 4, &err), err);
	assert_int_equal(count_step(&f->plan, MR_STEP_REUSE), FILES + 1);
	assert_int_equal(mr_plan_bytes_moving(&f->plan), 0);
}

static void moves_a_digest_once_however_often_it_stands(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_plan_hash(&f->plan, f->from, 2, &err), err);
	assert_true(mreg_digest_equal(&f->plan.items[10].desc.digest,
				      &f->plan.items[11].desc.digest));
	assert_ok(mr_plan_look(&f->plan, f->to, NULL, 0, 4, &err), err);
	assert_int_equal(count_step(&f->plan, MR_STEP_COPY), FILES);
	assert_int_equal(count_step(&f->plan, MR_STEP_REUSE), 1);
	assert_int_equal(mr_plan_bytes_moving(&f->plan),
			 mr_plan_bytes(&f->plan) - 10000);
	assert_ok(mr_plan_run(&f->plan, f->from, f->to, 4, &err), err);
}

static void tells_progress_for_every_item(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_plan_look(&f->plan, f->to, NULL, 0, 4, &err), err);
	assert_ok(mr_plan_run(&f->plan, f->from, f->to, 4, &err), err);
	assert_int_equal(f->te.progress[MREG_PROGRESS_PLAN], 1);
	assert_int_equal(f->te.progress[MREG_PROGRESS_START], FILES + 1);
	assert_int_equal(f->te.progress[MREG_PROGRESS_DONE] +
				 f->te.progress[MREG_PROGRESS_REUSED],
			 FILES + 1);
	assert_int_equal(f->te.progress_bytes, mr_plan_bytes(&f->plan));
}

static void refuses_a_file_that_changed_after_the_scan(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	test_write_text(f->dir, "text.txt", "other, and longer\n");
	assert_ok(mr_plan_look(&f->plan, f->to, NULL, 0, 1, &err), err);
	assert_code(MREG_ECONFLICT,
		    mr_plan_run(&f->plan, f->from, f->to, 1, &err), err);
	assert_has(err.msg, "text.txt");
}

static void stops_when_cancelled(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_plan_look(&f->plan, f->to, NULL, 0, 4, &err), err);
	atomic_store(&f->te.cancel, true);
	assert_code(MREG_ECANCELED,
		    mr_plan_run(&f->plan, f->from, f->to, 4, &err), err);
	assert_has_not(err.msg, "cannot transfer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(streams_what_has_no_digest,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			hashes_first_where_a_layer_has_that_size, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			moves_everything_and_learns_what_it_was, setup,
			teardown),
		cmocka_unit_test_setup_teardown(sends_nothing_the_second_time,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			moves_a_digest_once_however_often_it_stands, setup,
			teardown),
		cmocka_unit_test_setup_teardown(tells_progress_for_every_item,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			refuses_a_file_that_changed_after_the_scan, setup,
			teardown),
		cmocka_unit_test_setup_teardown(stops_when_cancelled, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

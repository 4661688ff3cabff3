/*
 * test_files_part.c - parts: after killed pulls, and beside other ones.
 */
#include "tests/support/files_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

/* -- after killed pulls
 * --------------------------------------------------------- */

static void a_complete_part_is_proven_and_used(void **state)
{
	struct ff *f = *state;
	char name[200];

	test_write(f->out, ff_part(f, 0, name), f->texts[0],
		   (size_t)f->places[0].desc.size);
	ff_pull_ok(f);
	assert_int_equal(f->fetched, 3);
	ff_assert_all_right(f);
}

static void a_partial_part_is_begun_anew(void **state)
{
	struct ff *f = *state;
	char name[200];

	test_write(f->out, ff_part(f, 0, name), f->texts[0], 70000);
	ff_pull_ok(f);
	assert_int_equal(f->fetched, 4);
	ff_assert_all_right(f);
}

static void a_part_with_other_bytes_is_begun_anew(void **state)
{
	struct ff *f = *state;
	size_t n = (size_t)f->places[0].desc.size;
	char *bytes = mr_alloc(n);
	char name[200];

	memcpy(bytes, f->texts[0], n);
	bytes[n - 1] ^= 1;
	test_write(f->out, ff_part(f, 0, name), bytes, n);
	mr_release(bytes);
	ff_pull_ok(f);
	assert_int_equal(f->fetched, 4);
	ff_assert_all_right(f);
}

static void a_longer_part_is_begun_anew(void **state)
{
	struct ff *f = *state;
	char name[200];

	test_write_text(f->out, ff_part(f, 1, name), "{\"a\":1} and more");
	ff_pull_ok(f);
	ff_assert_all_right(f);
}

static void sweeps_only_parts_that_nobody_holds(void **state)
{
	static const char dead[] = MR_PART_PREFIX
		"00000000000000000000000000000000000000000000000000000000000000"
		"aa";
	static const char copy[] = MR_PART_PREFIX
		"00000000000000000000000000000000000000000000000000000000000000"
		"aa.12";
	static const char held[] = MR_PART_PREFIX
		"00000000000000000000000000000000000000000000000000000000000000"
		"bb";
	static const char *const foreign[] = {
		MR_PART_PREFIX "notes",
		MR_PART_PREFIX
		"00000000000000000000000000000000000000000000000000000000000000"
		"aa.txt",
		MR_PART_PREFIX
		"00000000000000000000000000000000000000000000000000000000000000"
		"AA",
	};
	struct ff *f = *state;
	char path[PATH_MAX];
	size_t i;
	int fd;

	test_write_text(f->out, dead, "half");
	test_write_text(f->out, copy, "half");
	test_write_text(f->out, held, "half");
	for (i = 0; i < MR_COUNT(foreign); i++)
		test_write_text(f->out, foreign[i], "mine");
	fd = open(ff_path(f, held, path), O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	ff_pull_ok(f);
	assert_false(test_exists(f->out, dead));
	assert_false(test_exists(f->out, copy));
	assert_true(test_exists(f->out, held));
	for (i = 0; i < MR_COUNT(foreign); i++)
		assert_true(test_exists(f->out, foreign[i]));
	(void)close(fd);
}

static int pull_forever(struct ff *f)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char path[PATH_MAX];
	size_t i;

	for (;;) {
		if (ff_pull(f, NULL, &err) < 0) {
			fprintf(stderr, "%s (%s)\n", err.msg, err.cause);
			return 1;
		}
		for (i = 0; i < FF_FILES; i++)
			(void)unlink(ff_path(f, ff_files[i].path, path));
	}
}

static void a_killed_pull_is_finished_by_the_next(void **state)
{
	struct ff *f = *state;
	long round;
	size_t i;
	int status;

	for (round = 0; round < 25; round++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(pull_forever(f));
		ff_nap_ms(2 + 3 * round);
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		for (i = 0; i < FF_FILES; i++)
			assert_true(ff_is_right(f, i, true));
		ff_pull_ok(f);
		ff_assert_all_right(f);
	}
}

/* -- beside other pulls
 * ------------------------------------------------------------ */

/* Hold the part of file 0, half written, until told; then complete it. */
static int slow_writer(struct ff *f, int ready, bool complete)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mreg_desc *d = &f->places[0].desc;
	struct mr_sink *sink = NULL;

	if (ff_open(f, NULL, &err) < 0 ||
	    mr_store_begin(f->to, d, &sink, &err) < 0 || !sink ||
	    mr_sink_write_at(sink, f->texts[0], 1000, 0, &err) < 0 ||
	    write(ready, "x", 1) != 1)
		return 1;
	ff_nap_ms(150);
	if (!complete)
		_exit(0); /* killed, as it were */
	if (mr_sink_write_at(sink, f->texts[0] + 1000, (size_t)d->size - 1000,
			     1000, &err) < 0 ||
	    mr_sink_commit(sink, &err) < 0)
		return 1;
	return 0;
}

static pid_t start_slow_writer(struct ff *f, bool complete)
{
	int pipes[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(slow_writer(f, pipes[1], complete));
	assert_int_equal(read(pipes[0], &c, 1), 1);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	return pid;
}

static void end_slow_writer(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void waits_for_another_and_takes_over_what_is_complete(void **state)
{
	struct ff *f = *state;
	const struct mreg_desc *d = &f->places[0].desc;
	struct mr_sink *sink = NULL;
	bool found = true;
	pid_t pid;

	pid = start_slow_writer(f, true);
	assert_ok(ff_open(f, NULL, &f->err), f->err);
	assert_ok(mr_store_has(f->to, d, &found, &f->err), f->err);
	assert_false(found); /* not yet, and it does not wait */
	assert_ok(mr_store_begin(f->to, d, &sink, &f->err), f->err);
	assert_null(sink);
	end_slow_writer(pid);
	ff_pull_ok(f);
	assert_int_equal(f->fetched, 3);
	ff_assert_all_right(f);
}

static void takes_over_from_another_that_died(void **state)
{
	struct ff *f = *state;
	struct mr_sink *sink = NULL;
	pid_t pid;

	pid = start_slow_writer(f, false);
	assert_ok(ff_open(f, NULL, &f->err), f->err);
	assert_ok(mr_store_begin(f->to, &f->places[0].desc, &sink, &f->err),
		  f->err);
	assert_non_null(sink);
	mr_sink_abort(sink);
	end_slow_writer(pid);
	assert_int_equal(test_count(f->out), 0);
}

static void can_be_interrupted_while_it_waits(void **state)
{
	struct ff *f = *state;
	struct mr_sink *sink = NULL;
	atomic_bool cancel = true;
	pid_t pid;

	pid = start_slow_writer(f, true);
	assert_ok(ff_open(f, NULL, &f->err), f->err);
	f->env.cancel = &cancel;
	assert_code(MREG_ECANCELED,
		    mr_store_begin(f->to, &f->places[0].desc, &sink, &f->err),
		    f->err);
	f->env.cancel = NULL;
	end_slow_writer(pid);
}

static void says_again_when_a_part_was_taken_away(void **state)
{
	struct ff *f = *state;
	char path[PATH_MAX], name[200];

	assert_ok(ff_open(f, NULL, &f->err), f->err);
	assert_ok(ff_fetch(f, &f->err), f->err);
	assert_int_equal(unlink(ff_path(f, ff_part(f, 0, name), path)), 0);
	assert_ok(mr_files_publish(f->to, &f->done, &f->err), f->err);
	assert_true(f->done.again);
	assert_int_equal(f->done.placed, FF_FILES - 1);
	assert_false(test_exists(f->out, "weights.bin"));
	assert_ok(ff_fetch(f, &f->err), f->err);
	assert_int_equal(f->fetched, 1);
	assert_ok(mr_files_publish(f->to, &f->done, &f->err), f->err);
	assert_false(f->done.again);
	assert_int_equal(f->done.kept, FF_FILES - 1);
	ff_assert_all_right(f);
}

static void a_part_changed_after_its_proof_is_not_published(void **state)
{
	struct ff *f = *state;
	char path[PATH_MAX], name[200];
	int fd;

	assert_ok(ff_open(f, NULL, &f->err), f->err);
	assert_ok(ff_fetch(f, &f->err), f->err);
	ff_nap_ms(20);
	fd = open(ff_path(f, ff_part(f, 0, name), path), O_WRONLY);
	assert_int_equal(pwrite(fd, "!", 1, 5), 1);
	(void)close(fd);
	assert_ok(mr_files_publish(f->to, &f->done, &f->err), f->err);
	assert_true(f->done.again);
	assert_false(test_exists(f->out, "weights.bin"));
}

static void what_another_published_meanwhile_is_kept(void **state)
{
	struct ff *f = *state;
	struct mr_store *mine;
	struct mr_tree *tree;
	struct mr_published done;

	assert_ok(ff_open(f, NULL, &f->err), f->err);
	assert_ok(ff_fetch(f, &f->err), f->err);
	mine = f->to;
	tree = f->tree;
	f->to = NULL;
	f->tree = NULL;
	ff_pull_ok(f);
	assert_int_equal(f->fetched, 0); /* the parts were proven */
	assert_int_equal(f->done.placed, FF_FILES);
	assert_ok(mr_files_publish(mine, &done, &f->err), f->err);
	assert_int_equal(done.kept, FF_FILES);
	assert_int_equal(done.placed, 0);
	assert_false(done.again);
	mr_store_close(mine);
	mr_tree_close(tree);
	ff_assert_all_right(f);
}

/* Pull, `rounds` times, removing a file now and then. */
static int puller(struct ff *f, size_t who, size_t rounds)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < rounds; i++) {
		if (ff_pull(f, NULL, &err) < 0) {
			fprintf(stderr, "%s (%s)\n", err.msg, err.cause);
			return 1;
		}
		(void)unlink(
			ff_path(f, ff_files[(who + i) % FF_FILES].path, path));
	}
	return 0;
}

static void pulls_into_one_directory_do_not_hurt_each_other(void **state)
{
	struct ff *f = *state;
	pid_t pids[3];
	size_t i;
	int status;

	for (i = 0; i < MR_COUNT(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(puller(f, i, 30));
	}
	for (i = 0; i < MR_COUNT(pids); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	for (i = 0; i < FF_FILES; i++)
		assert_true(ff_is_right(f, i, true));
	ff_pull_ok(f);
	ff_assert_all_right(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ff_setup, ff_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_complete_part_is_proven_and_used),
		TEST(a_partial_part_is_begun_anew),
		TEST(a_part_with_other_bytes_is_begun_anew),
		TEST(a_longer_part_is_begun_anew),
		TEST(sweeps_only_parts_that_nobody_holds),
		TEST(a_killed_pull_is_finished_by_the_next),
		TEST(waits_for_another_and_takes_over_what_is_complete),
		TEST(takes_over_from_another_that_died),
		TEST(can_be_interrupted_while_it_waits),
		TEST(says_again_when_a_part_was_taken_away),
		TEST(a_part_changed_after_its_proof_is_not_published),
		TEST(what_another_published_meanwhile_is_kept),
		TEST(pulls_into_one_directory_do_not_hurt_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

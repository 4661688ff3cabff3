/*
 * test_files.c - a model's files arrive in a directory: beside other pulls,
 * after killed ones, over what is there already.
 */
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "content/digest.h"
#include "pack/pack.h"
#include "state/state.h"
#include "store/store.h"

#define FILES 6
#define RUNS_MAX 20

struct fixture {
	struct mr_env env; /* the real one: processes wait for each other */
	struct mreg_error err;
	char *dir;
	char out[PATH_MAX]; /* the target */
	struct mr_store *from;
	struct mr_tree *tree;
	struct mr_store *to;
	struct mr_published done;
	size_t fetched; /* blobs that the last pull had to fetch */
	struct mr_place places[FILES];
	char *texts[FILES]; /* owned */
};

/* Two share a digest with another one, one is empty, one larger than a
 * chunk. */
static const struct {
	const char *path, *text;
	size_t noise;
	bool executable;
} files[FILES] = {
	{ "weights.bin", NULL, (1 << 20) + 4321, false },
	{ "config.json", "{\"a\":1}", 0, false },
	{ "sub/folder/tool.sh", "#!/bin/sh\n", 0, true },
	{ "sub/copy.json", "{\"a\":1}", 0, false },
	{ "sub/other/run.json", "{\"a\":1}", 0, true },
	{ "empty", "", 0, false },
};

static void fill_places(struct fixture *f)
{
	size_t i, k;

	for (i = 0; i < FILES; i++) {
		size_t n =
			files[i].noise ? files[i].noise : strlen(files[i].text);
		uint32_t x = 7;

		f->texts[i] = mr_zalloc(n + 1);
		if (!files[i].noise)
			memcpy(f->texts[i], files[i].text, n);
		for (k = 0; k < files[i].noise; k++) {
			x = x * 1664525u + 1013904223u;
			f->texts[i][k] = (char)(x >> 24);
		}
		f->places[i].path = files[i].path;
		f->places[i].executable = files[i].executable;
		f->places[i].desc.size = n;
		assert_ok(mr_digest_of(f->texts[i], n,
				       &f->places[i].desc.digest, &f->err),
			  f->err);
		assert_ok(mr_store_put_bytes(f->from, &f->places[i].desc,
					     f->texts[i], &f->err),
			  f->err);
	}
}

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	mr_env_init(&f->env);
	f->dir = test_tmpdir_new();
	snprintf(f->out, sizeof(f->out), "%.3000s/out", f->dir);
	assert_int_equal(mkdir(f->out, 0755), 0);
	assert_ok(mr_memory_open(&f->env, &f->from, &f->err), f->err);
	fill_places(f);
	*state = f;
	return 0;
}

static void close_target(struct fixture *f)
{
	mr_store_close(f->to);
	mr_tree_close(f->tree);
	f->to = NULL;
	f->tree = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	size_t i;

	close_target(f);
	mr_store_close(f->from);
	mr_env_release(&f->env);
	test_tmpdir_free(f->dir);
	for (i = 0; i < FILES; i++)
		mr_release(f->texts[i]);
	mr_release(f);
	return 0;
}

/* -- pulling; no asserts, for other processes do it too ---------------------
 */

static int open_target(struct fixture *f, struct mr_state *state,
		       struct mreg_error *err)
{
	int rc;

	close_target(f);
	rc = mr_tree_open(f->out, true, &f->tree, err);
	if (rc < 0)
		return rc;
	return mr_files_target(&f->env, state, f->tree, f->places, FILES,
			       &f->to, err);
}

/* Fetch what is missing. */
static int fetch(struct fixture *f, struct mreg_error *err)
{
	bool found;
	size_t i;
	int rc = 0;

	f->fetched = 0;
	for (i = 0; i < FILES && rc == 0; i++) {
		const struct mreg_desc *d = &f->places[i].desc;

		rc = mr_store_has(f->to, d, &found, err);
		if (rc < 0 || found)
			continue;
		f->fetched++;
		rc = mr_store_put(f->to, d, f->from, f->places[i].path, err);
	}
	return rc;
}

static int pull(struct fixture *f, struct mr_state *state,
		struct mreg_error *err)
{
	size_t runs = 0;
	int rc;

	rc = open_target(f, state, err);
	do {
		if (rc == 0)
			rc = fetch(f, err);
		if (rc == 0)
			rc = mr_files_publish(f->to, &f->done, err);
	} while (rc == 0 && f->done.again && ++runs < RUNS_MAX);
	if (rc == 0 && f->done.again)
		rc = mr_fail(err, MREG_EINTERNAL, "it never ends");
	return rc;
}

static void pull_ok(struct fixture *f)
{
	assert_ok(pull(f, NULL, &f->err), f->err);
}

/* Whether the file is right, absent (`absent_too`), or neither. */
static bool is_right(struct fixture *f, size_t i, bool absent_too)
{
	size_t n;
	char *bytes;
	bool right;

	if (!test_exists(f->out, files[i].path))
		return absent_too;
	bytes = test_read(f->out, files[i].path, &n);
	right = n == f->places[i].desc.size &&
		memcmp(bytes, f->texts[i], n) == 0;
	free(bytes);
	return right;
}

static void assert_all_right(struct fixture *f)
{
	size_t i;

	for (i = 0; i < FILES; i++) {
		if (!is_right(f, i, false))
			print_error("%s is wrong\n", files[i].path);
		assert_true(is_right(f, i, false));
	}
	/* weights.bin config.json sub empty: no part is left. */
	assert_int_equal(test_count(f->out), 4);
}

static const char *in_out(struct fixture *f, const char *name,
			  char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.3000s/%s", f->out, name);
	return path;
}

static mode_t mode_of(struct fixture *f, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	assert_int_equal(stat(in_out(f, name, path), &st), 0);
	return st.st_mode & 07777;
}

static ino_t inode_of(struct fixture *f, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	assert_int_equal(stat(in_out(f, name, path), &st), 0);
	return st.st_ino;
}

static const char *part_of(struct fixture *f, size_t i, char name[200])
{
	char hex[129];

	snprintf(name, 200, MR_PART_PREFIX "%s",
		 mr_digest_hex(&f->places[i].desc.digest, hex));
	return name;
}

static void nap_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* -- alone -------------------------------------------------------------------
 */

static void puts_all_files_in_place(void **state)
{
	struct fixture *f = *state;
	mode_t old = umask(022);

	pull_ok(f);
	(void)umask(old);
	assert_int_equal(f->done.placed, FILES);
	assert_int_equal(f->done.kept, 0);
	assert_int_equal(f->fetched, 4); /* different digests */
	assert_all_right(f);
	assert_int_equal(mode_of(f, "config.json"), 0644);
	assert_int_equal(mode_of(f, "sub/folder/tool.sh"), 0755);
	assert_int_equal(mode_of(f, "sub/other/run.json"), 0755);
	/* Copies are files of their own: writing to one changes no other. */
	assert_int_not_equal(inode_of(f, "config.json"),
			     inode_of(f, "sub/copy.json"));
}

static void respects_the_umask(void **state)
{
	struct fixture *f = *state;
	mode_t old = umask(027);

	pull_ok(f);
	(void)umask(old);
	assert_int_equal(mode_of(f, "config.json"), 0640);
	assert_int_equal(mode_of(f, "sub/folder/tool.sh"), 0750);
	assert_int_equal(mode_of(f, "sub/other/run.json"), 0750);
}

static void nothing_has_its_name_before_publishing(void **state)
{
	struct fixture *f = *state;
	size_t i;

	test_write_text(f->out, "config.json", "{\"a\":0}");
	assert_ok(open_target(f, NULL, &f->err), f->err);
	assert_ok(fetch(f, &f->err), f->err);
	for (i = 0; i < FILES; i++)
		assert_int_equal(test_exists(f->out, files[i].path), i == 1);
	assert_false(is_right(f, 1, false));
	assert_ok(mr_files_publish(f->to, &f->done, &f->err), f->err);
	assert_all_right(f);
}

static void a_second_pull_moves_nothing(void **state)
{
	struct fixture *f = *state;
	ino_t before;

	pull_ok(f);
	before = inode_of(f, "weights.bin");
	pull_ok(f);
	assert_int_equal(f->fetched, 0);
	assert_int_equal(f->done.placed, 0);
	assert_int_equal(f->done.kept, FILES);
	assert_int_equal(inode_of(f, "weights.bin"), before);
	assert_all_right(f);
}

static void replaces_other_bytes_whatever_their_times_say(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];
	struct stat st;

	pull_ok(f);
	assert_int_equal(stat(in_out(f, "config.json", path), &st), 0);
	test_write_text(f->out, "config.json", "{\"a\":2}");
	assert_int_equal(
		utimensat(AT_FDCWD, path,
			  (struct timespec[]){ st.st_atim, st.st_mtim }, 0),
		0);
	pull_ok(f);
	assert_int_equal(f->fetched, 1);
	assert_int_equal(f->done.placed, 1);
	assert_all_right(f);
}

static void mends_modes_without_fetching(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	pull_ok(f);
	assert_int_equal(chmod(in_out(f, "sub/folder/tool.sh", path), 0640), 0);
	assert_int_equal(chmod(in_out(f, "config.json", path), 06755), 0);
	assert_int_equal(chmod(in_out(f, "empty", path), 0600), 0);
	pull_ok(f);
	assert_int_equal(f->fetched, 0);
	assert_int_equal(f->done.kept, FILES);
	assert_int_equal(mode_of(f, "sub/folder/tool.sh"), 0750);
	assert_int_equal(mode_of(f, "config.json"), 0644);
	assert_int_equal(mode_of(f, "empty"), 0600); /* the user's choice */
}

static void one_missing_copy_is_enough_to_fetch(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	pull_ok(f);
	assert_int_equal(unlink(in_out(f, "sub/copy.json", path)), 0);
	pull_ok(f);
	assert_int_equal(f->fetched, 1);
	assert_int_equal(f->done.placed, 1);
	assert_int_equal(f->done.kept, FILES - 1);
	assert_all_right(f);
}

static void refuses_one_digest_with_two_sizes(void **state)
{
	struct fixture *f = *state;

	f->places[3].desc.size++;
	assert_code(MREG_EINTEGRITY, open_target(f, NULL, &f->err), f->err);
	assert_has(f->err.msg, "'config.json' and 'sub/copy.json'");
	f->places[3].desc.size--;
}

static void remembers_digests_for_the_next_run(void **state)
{
	struct fixture *f = *state;
	struct mr_state_file file;
	struct mr_state *memory;
	char path[PATH_MAX], text[MREG_DIGEST_TEXT];
	struct mr_file_id id;
	struct stat st;
	size_t i;

	snprintf(path, sizeof(path), "%.3000s/state.db", f->dir);
	memory = mr_state_open(path, &f->env);
	assert_ok(pull(f, memory, &f->err), f->err);
	for (i = 0; i < FILES; i++) {
		assert_int_equal(stat(in_out(f, files[i].path, path), &st), 0);
		mr_file_id(&st, &id);
		assert_true(mr_state_file_get(memory, &id, &file));
		assert_string_equal(
			file.digest,
			mreg_digest_text(&f->places[i].desc.digest, text));
		assert_false(file.judged);
	}
	/* What was judged by others stays judged. */
	file.judged = true;
	mr_state_file_put(memory, &id, INT64_MAX, &file);
	assert_ok(pull(f, memory, &f->err), f->err);
	assert_int_equal(f->fetched, 0);
	assert_true(mr_state_file_get(memory, &id, &file));
	assert_true(file.judged);
	close_target(f);
	mr_state_close(memory);
}

static void trusts_the_state_only_for_the_very_file(void **state)
{
	struct fixture *f = *state;
	struct mr_state *memory;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.3000s/state.db", f->dir);
	memory = mr_state_open(path, &f->env);
	assert_ok(pull(f, memory, &f->err), f->err);
	test_write_text(f->out, "config.json", "{\"a\":2}");
	assert_ok(pull(f, memory, &f->err), f->err);
	assert_int_equal(f->fetched, 1);
	assert_all_right(f);
	close_target(f);
	mr_state_close(memory);
}

/* -- after killed pulls
 * --------------------------------------------------------- */

static void a_complete_part_is_proven_and_used(void **state)
{
	struct fixture *f = *state;
	char name[200];

	test_write(f->out, part_of(f, 0, name), f->texts[0],
		   (size_t)f->places[0].desc.size);
	pull_ok(f);
	assert_int_equal(f->fetched, 3);
	assert_all_right(f);
}

static void a_partial_part_is_begun_anew(void **state)
{
	struct fixture *f = *state;
	char name[200];

	test_write(f->out, part_of(f, 0, name), f->texts[0], 70000);
	pull_ok(f);
	assert_int_equal(f->fetched, 4);
	assert_all_right(f);
}

static void a_part_with_other_bytes_is_begun_anew(void **state)
{
	struct fixture *f = *state;
	size_t n = (size_t)f->places[0].desc.size;
	char *bytes = mr_alloc(n);
	char name[200];

	memcpy(bytes, f->texts[0], n);
	bytes[n - 1] ^= 1;
	test_write(f->out, part_of(f, 0, name), bytes, n);
	mr_release(bytes);
	pull_ok(f);
	assert_int_equal(f->fetched, 4);
	assert_all_right(f);
}

static void a_longer_part_is_begun_anew(void **state)
{
	struct fixture *f = *state;
	char name[200];

	test_write_text(f->out, part_of(f, 1, name), "{\"a\":1} and more");
	pull_ok(f);
	assert_all_right(f);
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
	struct fixture *f = *state;
	char path[PATH_MAX];
	size_t i;
	int fd;

	test_write_text(f->out, dead, "half");
	test_write_text(f->out, copy, "half");
	test_write_text(f->out, held, "half");
	for (i = 0; i < MR_COUNT(foreign); i++)
		test_write_text(f->out, foreign[i], "mine");
	fd = open(in_out(f, held, path), O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	pull_ok(f);
	assert_false(test_exists(f->out, dead));
	assert_false(test_exists(f->out, copy));
	assert_true(test_exists(f->out, held));
	for (i = 0; i < MR_COUNT(foreign); i++)
		assert_true(test_exists(f->out, foreign[i]));
	(void)close(fd);
}

static int pull_forever(struct fixture *f)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char path[PATH_MAX];
	size_t i;

	for (;;) {
		if (pull(f, NULL, &err) < 0) {
			fprintf(stderr, "%s (%s)\n", err.msg, err.cause);
			return 1;
		}
		for (i = 0; i < FILES; i++)
			(void)unlink(in_out(f, files[i].path, path));
	}
}

static void a_killed_pull_is_finished_by_the_next(void **state)
{
	struct fixture *f = *state;
	long round;
	size_t i;
	int status;

	for (round = 0; round < 25; round++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(pull_forever(f));
		nap_ms(2 + 3 * round);
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		for (i = 0; i < FILES; i++)
			assert_true(is_right(f, i, true));
		pull_ok(f);
		assert_all_right(f);
	}
}

/* -- beside other pulls
 * ------------------------------------------------------------ */

/* Hold the part of file 0, half written, until told; then complete it. */
static int slow_writer(struct fixture *f, int ready, bool complete)
{
	struct mreg_error err = MREG_ERROR_INIT;
	const struct mreg_desc *d = &f->places[0].desc;
	struct mr_sink *sink = NULL;

	if (open_target(f, NULL, &err) < 0 ||
	    mr_store_begin(f->to, d, &sink, &err) < 0 || !sink ||
	    mr_sink_write_at(sink, f->texts[0], 1000, 0, &err) < 0 ||
	    write(ready, "x", 1) != 1)
		return 1;
	nap_ms(150);
	if (!complete)
		_exit(0); /* killed, as it were */
	if (mr_sink_write_at(sink, f->texts[0] + 1000, (size_t)d->size - 1000,
			     1000, &err) < 0 ||
	    mr_sink_commit(sink, &err) < 0)
		return 1;
	return 0;
}

static pid_t start_slow_writer(struct fixture *f, bool complete)
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
	struct fixture *f = *state;
	const struct mreg_desc *d = &f->places[0].desc;
	struct mr_sink *sink = NULL;
	bool found = true;
	pid_t pid;

	pid = start_slow_writer(f, true);
	assert_ok(open_target(f, NULL, &f->err), f->err);
	assert_ok(mr_store_has(f->to, d, &found, &f->err), f->err);
	assert_false(found); /* not yet, and it does not wait */
	assert_ok(mr_store_begin(f->to, d, &sink, &f->err), f->err);
	assert_null(sink);
	end_slow_writer(pid);
	pull_ok(f);
	assert_int_equal(f->fetched, 3);
	assert_all_right(f);
}

static void takes_over_from_another_that_died(void **state)
{
	struct fixture *f = *state;
	struct mr_sink *sink = NULL;
	pid_t pid;

	pid = start_slow_writer(f, false);
	assert_ok(open_target(f, NULL, &f->err), f->err);
	assert_ok(mr_store_begin(f->to, &f->places[0].desc, &sink, &f->err),
		  f->err);
	assert_non_null(sink);
	mr_sink_abort(sink);
	end_slow_writer(pid);
	assert_int_equal(test_count(f->out), 0);
}

static void can_be_interrupted_while_it_waits(void **state)
{
	struct fixture *f = *state;
	struct mr_sink *sink = NULL;
	atomic_bool cancel = true;
	pid_t pid;

	pid = start_slow_writer(f, true);
	assert_ok(open_target(f, NULL, &f->err), f->err);
	f->env.cancel = &cancel;
	assert_code(MREG_ECANCELED,
		    mr_store_begin(f->to, &f->places[0].desc, &sink, &f->err),
		    f->err);
	f->env.cancel = NULL;
	end_slow_writer(pid);
}

static void says_again_when_a_part_was_taken_away(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX], name[200];

	assert_ok(open_target(f, NULL, &f->err), f->err);
	assert_ok(fetch(f, &f->err), f->err);
	assert_int_equal(unlink(in_out(f, part_of(f, 0, name), path)), 0);
	assert_ok(mr_files_publish(f->to, &f->done, &f->err), f->err);
	assert_true(f->done.again);
	assert_int_equal(f->done.placed, FILES - 1);
	assert_false(test_exists(f->out, "weights.bin"));
	assert_ok(fetch(f, &f->err), f->err);
	assert_int_equal(f->fetched, 1);
	assert_ok(mr_files_publish(f->to, &f->done, &f->err), f->err);
	assert_false(f->done.again);
	assert_int_equal(f->done.kept, FILES - 1);
	assert_all_right(f);
}

static void a_part_changed_after_its_proof_is_not_published(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX], name[200];
	int fd;

	assert_ok(open_target(f, NULL, &f->err), f->err);
	assert_ok(fetch(f, &f->err), f->err);
	nap_ms(20);
	fd = open(in_out(f, part_of(f, 0, name), path), O_WRONLY);
	assert_int_equal(pwrite(fd, "!", 1, 5), 1);
	(void)close(fd);
	assert_ok(mr_files_publish(f->to, &f->done, &f->err), f->err);
	assert_true(f->done.again);
	assert_false(test_exists(f->out, "weights.bin"));
}

static void what_another_published_meanwhile_is_kept(void **state)
{
	struct fixture *f = *state;
	struct mr_store *mine;
	struct mr_tree *tree;
	struct mr_published done;

	assert_ok(open_target(f, NULL, &f->err), f->err);
	assert_ok(fetch(f, &f->err), f->err);
	mine = f->to;
	tree = f->tree;
	f->to = NULL;
	f->tree = NULL;
	pull_ok(f);
	assert_int_equal(f->fetched, 0); /* the parts were proven */
	assert_int_equal(f->done.placed, FILES);
	assert_ok(mr_files_publish(mine, &done, &f->err), f->err);
	assert_int_equal(done.kept, FILES);
	assert_int_equal(done.placed, 0);
	assert_false(done.again);
	mr_store_close(mine);
	mr_tree_close(tree);
	assert_all_right(f);
}

/* Pull, `rounds` times, removing a file now and then. */
static int puller(struct fixture *f, size_t who, size_t rounds)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < rounds; i++) {
		if (pull(f, NULL, &err) < 0) {
			fprintf(stderr, "%s (%s)\n", err.msg, err.cause);
			return 1;
		}
		(void)unlink(in_out(f, files[(who + i) % FILES].path, path));
	}
	return 0;
}

static void pulls_into_one_directory_do_not_hurt_each_other(void **state)
{
	struct fixture *f = *state;
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
	for (i = 0; i < FILES; i++)
		assert_true(is_right(f, i, true));
	pull_ok(f);
	assert_all_right(f);
}

/* -- what stands in the way
 * ------------------------------------------------------------ */

static void a_directory_in_the_way_is_told(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->out, "config.json/inner", "x");
	assert_code(MREG_ECONFLICT, pull(f, NULL, &f->err), f->err);
	assert_has(f->err.cause, "'config.json'");
	assert_has(f->err.cause, "is a directory");
	assert_true(f->err.hint[0]);
	assert_true(test_exists(f->out, "config.json/inner"));
}

static void a_link_in_the_way_is_told_and_not_followed(void **state)
{
	static const char *const links[] = { "config.json", "sub" };
	struct fixture *f = *state;
	char path[PATH_MAX];
	size_t i;

	test_write_text(f->dir, "outside/secret", "{\"a\":1}");
	for (i = 0; i < MR_COUNT(links); i++) {
		assert_int_equal(symlink(i ? "../outside" : "../outside/secret",
					 in_out(f, links[i], path)),
				 0);
		assert_code(MREG_ECONFLICT, pull(f, NULL, &f->err), f->err);
		assert_has(f->err.cause, links[i]);
		assert_has(f->err.cause, "symbolic link");
		assert_int_equal(unlink(in_out(f, links[i], path)), 0);
	}
	snprintf(path, sizeof(path), "%.3000s/outside", f->dir);
	assert_int_equal(test_count(path), 1);
}

static void a_link_made_after_planning_is_not_followed(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	test_write_text(f->dir, "outside/secret", "untouched");
	assert_ok(open_target(f, NULL, &f->err), f->err);
	assert_ok(fetch(f, &f->err), f->err);
	assert_int_equal(symlink("../outside", in_out(f, "sub", path)), 0);
	assert_code(MREG_ECONFLICT, mr_files_publish(f->to, &f->done, &f->err),
		    f->err);
	snprintf(path, sizeof(path), "%.3000s/outside", f->dir);
	assert_int_equal(test_count(path), 1);
}

static void a_pipe_in_the_way_does_not_hang(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	assert_int_equal(mkfifo(in_out(f, "empty", path), 0644), 0);
	assert_code(MREG_ECONFLICT, pull(f, NULL, &f->err), f->err);
	assert_has(f->err.cause, "is not a file");
}

static void a_link_as_a_part_is_told_and_not_followed(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX], name[200], *text;

	test_write_text(f->dir, "victim", "untouched");
	assert_int_equal(
		symlink("../victim", in_out(f, part_of(f, 1, name), path)), 0);
	assert_code(MREG_ECONFLICT, pull(f, NULL, &f->err), f->err);
	text = test_read(f->dir, "victim", NULL);
	assert_string_equal(text, "untouched");
	free(text);
}

/* In a mount namespace of its own, where 512 KiB are left. */
static int pull_until_full(struct fixture *f)
{
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", f->out, "tmpfs", 0, "size=512k") < 0)
		return 77;
	if (pull(f, NULL, &err) != MREG_EIO || err.sys != ENOSPC ||
	    !strstr(err.hint, "free some space")) {
		fprintf(stderr, "%s (%s)\n", err.msg, err.cause);
		return 1;
	}
	if (test_count(f->out) != 0)
		return 2; /* nothing takes up the space */
	if (mount("none", f->out, NULL, MS_REMOUNT, "size=8m") < 0)
		return 77;
	if (pull(f, NULL, &err) < 0)
		return 3;
	for (i = 0; i < FILES; i++)
		if (!is_right(f, i, false))
			return 4;
	return 0;
}

static void a_full_disk_is_told_and_the_next_pull_works(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(pull_until_full(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("cannot mount a small tmpfs here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* -- the source
 * ------------------------------------------------------------------------- */

static void a_source_is_read_by_index_then_by_digest(void **state)
{
	struct fixture *f = *state;
	const char *paths[] = { f->out };
	struct mr_scan_opts opts = { .all = false };
	MR_AUTO(mr_scan_freep) struct mr_scan *scan = NULL;
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mr_buf got = MR_BUF_INIT(2 << 20);
	struct mr_stream *in = NULL;
	char part[100];
	bool found = true;
	size_t i;

	pull_ok(f);
	assert_ok(mr_scan(&f->env, paths, 1, &opts, &scan, &f->err), f->err);
	assert_int_equal(scan->count, FILES);
	assert_ok(mr_files_source(&f->env, scan, &s, &f->err), f->err);
	assert_ok(mr_store_has(s, &f->places[0].desc, &found, &f->err), f->err);
	assert_false(found);
	for (i = 0; strcmp(scan->files[i].path, "weights.bin") != 0; i++)
		assert_true(i < FILES);
	assert_ok(mr_files_open(s, i, &in, &f->err), f->err);
	assert_ok(mr_stream_load(in, &got, &f->err), f->err);
	mr_stream_close(in);
	assert_int_equal(got.len, f->places[0].desc.size);
	assert_ok(mr_files_learn(s, i, &f->places[0].desc.digest, &f->err),
		  f->err);
	assert_ok(mr_store_has(s, &f->places[0].desc, &found, &f->err), f->err);
	assert_true(found);
	mr_buf_clear(&got);
	assert_ok(mr_store_load(s, &f->places[0].desc, &got, &f->err), f->err);
	assert_memory_equal(got.data, f->texts[0], got.len);
	assert_ok(mr_store_open_range(s, &f->places[0].desc, 70000, 50, &in,
				      &f->err),
		  f->err);
	assert_int_equal(mr_stream_fill(in, part, sizeof(part), &f->err), 50);
	assert_memory_equal(part, f->texts[0] + 70000, 50);
	mr_stream_close(in);
	assert_code(MREG_EUNSUPPORTED,
		    mr_store_put(s, &f->places[0].desc, f->from, NULL, &f->err),
		    f->err);
	mr_buf_release(&got);
}

static void a_source_file_that_changed_is_told(void **state)
{
	struct fixture *f = *state;
	const char *paths[] = { f->out };
	struct mr_scan_opts opts = { .all = false };
	MR_AUTO(mr_scan_freep) struct mr_scan *scan = NULL;
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mr_buf got = MR_BUF_INIT(2 << 20);

	test_write_text(f->out, "config.json", "{\"a\":1}");
	assert_ok(mr_scan(&f->env, paths, 1, &opts, &scan, &f->err), f->err);
	assert_ok(mr_files_source(&f->env, scan, &s, &f->err), f->err);
	assert_ok(mr_files_learn(s, 0, &f->places[1].desc.digest, &f->err),
		  f->err);
	test_write_text(f->out, "config.json", "{\"a\":2}, longer");
	assert_code(MREG_ECONFLICT,
		    mr_store_load(s, &f->places[1].desc, &got, &f->err),
		    f->err);
	assert_has(f->err.cause, "'config.json' changed while it was read");
	mr_buf_release(&got);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(puts_all_files_in_place),
		TEST(respects_the_umask),
		TEST(nothing_has_its_name_before_publishing),
		TEST(a_second_pull_moves_nothing),
		TEST(replaces_other_bytes_whatever_their_times_say),
		TEST(mends_modes_without_fetching),
		TEST(one_missing_copy_is_enough_to_fetch),
		TEST(refuses_one_digest_with_two_sizes),
		TEST(remembers_digests_for_the_next_run),
		TEST(trusts_the_state_only_for_the_very_file),
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
		TEST(a_directory_in_the_way_is_told),
		TEST(a_link_in_the_way_is_told_and_not_followed),
		TEST(a_link_made_after_planning_is_not_followed),
		TEST(a_pipe_in_the_way_does_not_hang),
		TEST(a_link_as_a_part_is_told_and_not_followed),
		TEST(a_full_disk_is_told_and_the_next_pull_works),
		TEST(a_source_is_read_by_index_then_by_digest),
		TEST(a_source_file_that_changed_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_files.c - a model's files arrive in a directory, over what is
 * there already.
 */
#include "tests/support/files_fixture.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

/* -- alone -------------------------------------------------------------------
 */

static void puts_all_files_in_place(void **state)
{
	struct ff *f = *state;
	mode_t old = umask(022);

	ff_pull_ok(f);
	(void)umask(old);
	assert_int_equal(f->done.placed, FF_FILES);
	assert_int_equal(f->done.kept, 0);
	assert_int_equal(f->fetched, 4); /* different digests */
	ff_assert_all_right(f);
	assert_int_equal(ff_mode(f, "config.json"), 0644);
	assert_int_equal(ff_mode(f, "sub/folder/tool.sh"), 0755);
	assert_int_equal(ff_mode(f, "sub/other/run.json"), 0755);
	/* Copies are files of their own: writing to one changes no other. */
	assert_int_not_equal(ff_inode(f, "config.json"),
			     ff_inode(f, "sub/copy.json"));
}

static void respects_the_umask(void **state)
{
	struct ff *f = *state;
	mode_t old = umask(027);

	ff_pull_ok(f);
	(void)umask(old);
	assert_int_equal(ff_mode(f, "config.json"), 0640);
	assert_int_equal(ff_mode(f, "sub/folder/tool.sh"), 0750);
	assert_int_equal(ff_mode(f, "sub/other/run.json"), 0750);
}

static void nothing_has_its_name_before_publishing(void **state)
{
	struct ff *f = *state;
	size_t i;

	test_write_text(f->out, "config.json", "{\"a\":0}");
	assert_ok(ff_open(f, NULL, &f->err), f->err);
	assert_ok(ff_fetch(f, &f->err), f->err);
	for (i = 0; i < FF_FILES; i++)
		assert_int_equal(test_exists(f->out, ff_files[i].path), i == 1);
	assert_false(ff_is_right(f, 1, false));
	assert_ok(mr_files_publish(f->to, &f->done, &f->err), f->err);
	ff_assert_all_right(f);
}

static void a_second_pull_moves_nothing(void **state)
{
	struct ff *f = *state;
	ino_t before;

	ff_pull_ok(f);
	before = ff_inode(f, "weights.bin");
	ff_pull_ok(f);
	assert_int_equal(f->fetched, 0);
	assert_int_equal(f->done.placed, 0);
	assert_int_equal(f->done.kept, FF_FILES);
	assert_int_equal(ff_inode(f, "weights.bin"), before);
	ff_assert_all_right(f);
}

static void replaces_other_bytes_whatever_their_times_say(void **state)
{
	struct ff *f = *state;
	char path[PATH_MAX];
	struct stat st;

	ff_pull_ok(f);
	assert_int_equal(stat(ff_path(f, "config.json", path), &st), 0);
	test_write_text(f->out, "config.json", "{\"a\":2}");
	assert_int_equal(
		utimensat(AT_FDCWD, path,
			  (struct timespec[]){ st.st_atim, st.st_mtim }, 0),
		0);
	ff_pull_ok(f);
	assert_int_equal(f->fetched, 1);
	assert_int_equal(f->done.placed, 1);
	ff_assert_all_right(f);
}

static void mends_modes_without_fetching(void **state)
{
	struct ff *f = *state;
	char path[PATH_MAX];

	ff_pull_ok(f);
	assert_int_equal(chmod(ff_path(f, "sub/folder/tool.sh", path), 0640),
			 0);
	assert_int_equal(chmod(ff_path(f, "config.json", path), 06755), 0);
	assert_int_equal(chmod(ff_path(f, "empty", path), 0600), 0);
	ff_pull_ok(f);
	assert_int_equal(f->fetched, 0);
	assert_int_equal(f->done.kept, FF_FILES);
	assert_int_equal(ff_mode(f, "sub/folder/tool.sh"), 0750);
	assert_int_equal(ff_mode(f, "config.json"), 0644);
	assert_int_equal(ff_mode(f, "empty"), 0600); /* the user's choice */
}

static void one_missing_copy_is_enough_to_fetch(void **state)
{
	struct ff *f = *state;
	char path[PATH_MAX];

	ff_pull_ok(f);
	assert_int_equal(unlink(ff_path(f, "sub/copy.json", path)), 0);
	ff_pull_ok(f);
	assert_int_equal(f->fetched, 1);
	assert_int_equal(f->done.placed, 1);
	assert_int_equal(f->done.kept, FF_FILES - 1);
	ff_assert_all_right(f);
}

static void refuses_one_digest_with_two_sizes(void **state)
{
	struct ff *f = *state;

	f->places[3].desc.size++;
	assert_code(MREG_EINTEGRITY, ff_open(f, NULL, &f->err), f->err);
	assert_has(f->err.msg, "'config.json' and 'sub/copy.json'");
	f->places[3].desc.size--;
}

static void remembers_digests_for_the_next_run(void **state)
{
	struct ff *f = *state;
	struct mr_state_file file;
	struct mr_state *memory;
	char path[PATH_MAX], text[MREG_DIGEST_TEXT];
	struct mr_file_id id;
	struct stat st;
	size_t i;

	snprintf(path, sizeof(path), "%.3000s/state.db", f->dir);
	memory = mr_state_open(path, &f->env);
	assert_ok(ff_pull(f, memory, &f->err), f->err);
	for (i = 0; i < FF_FILES; i++) {
		assert_int_equal(stat(ff_path(f, ff_files[i].path, path), &st),
				 0);
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
	assert_ok(ff_pull(f, memory, &f->err), f->err);
	assert_int_equal(f->fetched, 0);
	assert_true(mr_state_file_get(memory, &id, &file));
	assert_true(file.judged);
	ff_close(f);
	mr_state_close(memory);
}

static void trusts_the_state_only_for_the_very_file(void **state)
{
	struct ff *f = *state;
	struct mr_state *memory;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.3000s/state.db", f->dir);
	memory = mr_state_open(path, &f->env);
	assert_ok(ff_pull(f, memory, &f->err), f->err);
	test_write_text(f->out, "config.json", "{\"a\":2}");
	assert_ok(ff_pull(f, memory, &f->err), f->err);
	assert_int_equal(f->fetched, 1);
	ff_assert_all_right(f);
	ff_close(f);
	mr_state_close(memory);
}

/* -- what stands in the way
 * ------------------------------------------------------------ */

static void a_directory_in_the_way_is_told(void **state)
{
	struct ff *f = *state;

	test_write_text(f->out, "config.json/inner", "x");
	assert_code(MREG_ECONFLICT, ff_pull(f, NULL, &f->err), f->err);
	assert_has(f->err.cause, "'config.json'");
	assert_has(f->err.cause, "is a directory");
	assert_true(f->err.hint[0]);
	assert_true(test_exists(f->out, "config.json/inner"));
}

static void a_link_in_the_way_is_told_and_not_followed(void **state)
{
	static const char *const links[] = { "config.json", "sub" };
	struct ff *f = *state;
	char path[PATH_MAX];
	size_t i;

	test_write_text(f->dir, "outside/secret", "{\"a\":1}");
	for (i = 0; i < MR_COUNT(links); i++) {
		assert_int_equal(symlink(i ? "../outside" : "../outside/secret",
					 ff_path(f, links[i], path)),
				 0);
		assert_code(MREG_ECONFLICT, ff_pull(f, NULL, &f->err), f->err);
		assert_has(f->err.cause, links[i]);
		assert_has(f->err.cause, "symbolic link");
		assert_int_equal(unlink(ff_path(f, links[i], path)), 0);
	}
	snprintf(path, sizeof(path), "%.3000s/outside", f->dir);
	assert_int_equal(test_count(path), 1);
}

static void a_link_made_after_planning_is_not_followed(void **state)
{
	struct ff *f = *state;
	char path[PATH_MAX];

	test_write_text(f->dir, "outside/secret", "untouched");
	assert_ok(ff_open(f, NULL, &f->err), f->err);
	assert_ok(ff_fetch(f, &f->err), f->err);
	assert_int_equal(symlink("../outside", ff_path(f, "sub", path)), 0);
	assert_code(MREG_ECONFLICT, mr_files_publish(f->to, &f->done, &f->err),
		    f->err);
	snprintf(path, sizeof(path), "%.3000s/outside", f->dir);
	assert_int_equal(test_count(path), 1);
}

static void a_pipe_in_the_way_does_not_hang(void **state)
{
	struct ff *f = *state;
	char path[PATH_MAX];

	assert_int_equal(mkfifo(ff_path(f, "empty", path), 0644), 0);
	assert_code(MREG_ECONFLICT, ff_pull(f, NULL, &f->err), f->err);
	assert_has(f->err.cause, "is not a file");
}

static void a_link_as_a_part_is_told_and_not_followed(void **state)
{
	struct ff *f = *state;
	char path[PATH_MAX], name[200], *text;

	test_write_text(f->dir, "victim", "untouched");
	assert_int_equal(
		symlink("../victim", ff_path(f, ff_part(f, 1, name), path)), 0);
	assert_code(MREG_ECONFLICT, ff_pull(f, NULL, &f->err), f->err);
	text = test_read(f->dir, "victim", NULL);
	assert_string_equal(text, "untouched");
	free(text);
}

/* In a mount namespace of its own, where 512 KiB are left. */
static int pull_until_full(struct ff *f)
{
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", f->out, "tmpfs", 0, "size=512k") < 0)
		return 77;
	if (ff_pull(f, NULL, &err) != MREG_EIO || err.sys != ENOSPC ||
	    !strstr(err.hint, "free some space")) {
		fprintf(stderr, "%s (%s)\n", err.msg, err.cause);
		return 1;
	}
	if (test_count(f->out) != 0)
		return 2; /* nothing takes up the space */
	if (mount("none", f->out, NULL, MS_REMOUNT, "size=8m") < 0)
		return 77;
	if (ff_pull(f, NULL, &err) < 0)
		return 3;
	for (i = 0; i < FF_FILES; i++)
		if (!ff_is_right(f, i, false))
			return 4;
	return 0;
}

static void a_full_disk_is_told_and_the_next_pull_works(void **state)
{
	struct ff *f = *state;
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
	struct ff *f = *state;
	const char *paths[] = { f->out };
	struct mr_scan_opts opts = { .all = false };
	MR_AUTO(mr_scan_freep) struct mr_scan *scan = NULL;
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mr_buf got = MR_BUF_INIT(2 << 20);
	struct mr_stream *in = NULL;
	char part[100];
	bool found = true;
	size_t i;

	ff_pull_ok(f);
	assert_ok(mr_scan(&f->env, paths, 1, &opts, &scan, &f->err), f->err);
	assert_int_equal(scan->count, FF_FILES);
	assert_ok(mr_files_source(&f->env, scan, &s, &f->err), f->err);
	assert_ok(mr_store_has(s, &f->places[0].desc, &found, &f->err), f->err);
	assert_false(found);
	for (i = 0; strcmp(scan->files[i].path, "weights.bin") != 0; i++)
		assert_true(i < FF_FILES);
	assert_ok(mr_store_open_item(s, i, &in, &f->err), f->err);
	assert_ok(mr_stream_load(in, &got, &f->err), f->err);
	mr_stream_close(in);
	assert_int_equal(got.len, f->places[0].desc.size);
	mr_store_learn(s, i, &f->places[0].desc.digest);
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
	struct ff *f = *state;
	const char *paths[] = { f->out };
	struct mr_scan_opts opts = { .all = false };
	MR_AUTO(mr_scan_freep) struct mr_scan *scan = NULL;
	MR_AUTO(mr_store_closep) struct mr_store *s = NULL;
	struct mr_buf got = MR_BUF_INIT(2 << 20);

	test_write_text(f->out, "config.json", "{\"a\":1}");
	assert_ok(mr_scan(&f->env, paths, 1, &opts, &scan, &f->err), f->err);
	assert_ok(mr_files_source(&f->env, scan, &s, &f->err), f->err);
	mr_store_learn(s, 0, &f->places[1].desc.digest);
	test_write_text(f->out, "config.json", "{\"a\":2}, longer");
	assert_code(MREG_ECONFLICT,
		    mr_store_load(s, &f->places[1].desc, &got, &f->err),
		    f->err);
	assert_has(f->err.cause, "'config.json' changed while it was read");
	mr_buf_release(&got);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ff_setup, ff_teardown)

#define TEST(name) cmocka_unit_test_setup_teardown(name, ff_setup, ff_teardown)

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

/*
 * test_files_options.c - a target that keeps, verifies, shares blocks, and
 * looks for room first.
 */
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "content/digest.h"
#include "state/state.h"
#include "store/store.h"

#define ONE "one file's bytes"
#define TWO "two are of a kind"
#define PLACES 3

/* The kernel's answers on file systems that cannot: ours instead of libc's. */
static int refuse_noreplace; /* errno */
static int refuse_links;

int renameat2(int from, const char *name, int to, const char *as,
	      unsigned int flags)
{
	if (flags && refuse_noreplace) {
		errno = refuse_noreplace;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, name, to, as, flags);
}

int linkat(int from, const char *name, int to, const char *as, int flags)
{
	if (refuse_links) {
		errno = refuse_links;
		return -1;
	}
	return (int)syscall(SYS_linkat, from, name, to, as, flags);
}

struct fixture {
	struct test_env env;
	struct mreg_error err;
	char *dir;
	char path[PATH_MAX];
	struct mr_state *state;
	struct mr_tree *tree; /* dir + "/out" */
	struct mr_store *from, *to;
	struct mr_place places[PLACES]; /* one, two, and two again */
	struct mr_files_opts opts;
	struct mr_published done;
};

static const char *at(struct fixture *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}

static int setup(void **state)
{
	static const char *const paths[PLACES] = { "a/one", "two", "copy" };
	struct fixture *f = mr_zalloc(sizeof(*f));
	size_t i;

	test_env_init(&f->env);
	f->dir = test_tmpdir_new();
	f->state = mr_state_open(at(f, "state.db"), &f->env.env);
	assert_ok(mr_memory_open(&f->env.env, &f->from, &f->err), f->err);
	for (i = 0; i < PLACES; i++) {
		const char *text = i ? TWO : ONE;

		f->places[i].path = paths[i];
		f->places[i].desc.size = strlen(text);
		assert_ok(mr_digest_of(text, strlen(text),
				       &f->places[i].desc.digest, &f->err),
			  f->err);
		assert_ok(mr_store_put_bytes(f->from, &f->places[i].desc, text,
					     &f->err),
			  f->err);
	}
	*state = f;
	return mr_tree_open(at(f, "out"), true, &f->tree, &f->err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	refuse_noreplace = refuse_links = 0;
	mr_store_close(f->to);
	mr_store_close(f->from);
	mr_tree_close(f->tree);
	mr_state_close(f->state);
	test_tmpdir_free(f->dir);
	test_env_release(&f->env);
	mr_release(f);
	return 0;
}

static void open_target(struct fixture *f)
{
	mr_store_closep(&f->to);
	assert_ok(mr_files_target(&f->env.env, f->state, f->tree, f->places,
				  PLACES, &f->to, &f->err),
		  f->err);
	mr_files_configure(f->to, &f->opts);
}

static bool has(struct fixture *f, size_t i)
{
	bool found = false;

	assert_ok(mr_store_has(f->to, &f->places[i].desc, &found, &f->err),
		  f->err);
	return found;
}

static int fetch(struct fixture *f)
{
	size_t i;

	for (i = 0; i < 2; i++)
		assert_ok(mr_store_put(f->to, &f->places[i].desc, f->from, NULL,
				       &f->err),
			  f->err);
	return mr_files_publish(f->to, &f->done, &f->err);
}

static void tells_which_files_have_other_bytes(void **state)
{
	struct fixture *f = *state;
	MR_AUTO(mr_list_release) struct mr_list paths = { .n = 0 };

	test_write_text(f->dir, "out/two", "of another size");
	test_write_text(f->dir, "out/a/one", "one file's bytez");
	test_write_text(f->dir, "out/copy", TWO);
	open_target(f);
	assert_ok(mr_files_differing(f->to, &paths, &f->err), f->err);
	assert_int_equal(paths.n, 2);
	assert_string_equal(paths.items[0], "a/one");
	assert_string_equal(paths.items[1], "two");
}

static void keep_places_only_what_is_new(void **state)
{
	struct fixture *f = *state;

	f->opts.keep = true;
	test_write_text(f->dir, "out/copy", TWO);
	open_target(f);
	assert_ok(fetch(f), f->err);
	assert_int_equal(f->done.placed, 2);
	assert_int_equal(f->done.kept, 1);
	assert_true(test_exists(f->dir, "out/a/one"));
}

/* It was not there when it was looked for. */
static void keep_refuses_a_file_that_appears_meanwhile(void **state)
{
	struct fixture *f = *state;
	char *text;

	f->opts.keep = true;
	open_target(f);
	assert_false(has(f, 0));
	test_write_text(f->dir, "out/a/one", "mine");
	assert_code(MREG_ECONFLICT, fetch(f), f->err);
	assert_has(f->err.msg, "'a/one'");
	assert_has(f->err.hint, "--keep");
	text = test_read(f->dir, "out/a/one", NULL);
	assert_string_equal(text, "mine");
	free(text);
}

/* New files come, without a second name; others' stay. */
static void assert_keeps(struct fixture *f)
{
	struct stat st;
	char *text;
	char out[PATH_MAX];

	f->opts.keep = true;
	open_target(f);
	assert_ok(fetch(f), f->err);
	assert_int_equal(f->done.placed, PLACES);
	assert_int_equal(stat(at(f, "out/a/one"), &st), 0);
	assert_int_equal(st.st_nlink, 1);
	snprintf(out, sizeof(out), "%s", at(f, "out"));
	assert_int_equal(test_count(out), 3); /* no part either */

	assert_int_equal(unlink(at(f, "out/a/one")), 0);
	open_target(f);
	assert_false(has(f, 0));
	test_write_text(f->dir, "out/a/one", "mine");
	assert_code(MREG_ECONFLICT, fetch(f), f->err);
	assert_has(f->err.msg, "'a/one'");
	text = test_read(f->dir, "out/a/one", NULL);
	assert_string_equal(text, "mine");
	free(text);
}

static void keep_works_without_noreplace(void **state)
{
	refuse_noreplace = EINVAL;
	assert_keeps(*state);
}

static void keep_works_without_noreplace_and_links(void **state)
{
	refuse_noreplace = ENOSYS;
	refuse_links = EPERM;
	assert_keeps(*state);
}

static void pretend_known(struct fixture *f, const char *name, size_t i)
{
	struct mr_state_file known = { .judged = false };
	char text[MREG_DIGEST_TEXT];
	struct mr_file_id id;
	struct stat st;

	assert_int_equal(stat(at(f, name), &st), 0);
	mr_file_id(&st, &id);
	snprintf(known.digest, sizeof(known.digest), "%s",
		 mreg_digest_text(&f->places[i].desc.digest, text));
	mr_state_file_put(f->state, &id, id.ctime_ns + INT64_C(10000000000),
			  &known);
}

static void verifying_reads_what_the_state_knows(void **state)
{
	struct fixture *f = *state;

	test_write_text(f->dir, "out/a/one", "one file's bytez");
	pretend_known(f, "out/a/one", 0);
	open_target(f);
	assert_true(has(f, 0));
	f->opts.verify = true;
	open_target(f);
	assert_false(has(f, 0));
}

static bool is_two(void *ctx, const struct mreg_digest *d)
{
	const struct fixture *f = ctx;

	return mreg_digest_equal(d, &f->places[1].desc.digest);
}

static void there_is_room_for_little(void **state)
{
	struct fixture *f = *state;

	open_target(f);
	assert_ok(mr_files_room(f->to, NULL, NULL, &f->err), f->err);
}

static void says_how_much_room_is_missing(void **state)
{
	struct fixture *f = *state;

	f->places[1].desc.size = UINT64_C(1) << 60;
	f->places[2].desc.size = UINT64_C(1) << 60;
	open_target(f);
	assert_code(MREG_EIO, mr_files_room(f->to, NULL, NULL, &f->err),
		    f->err);
	assert_int_equal(f->err.sys, ENOSPC);
	assert_has(f->err.msg, "EiB needed in '");
	assert_has(f->err.msg, " free: No space left on device");
	/* The copy needs as much again, unless blocks can be shared. */
	assert_true(strstr(f->err.msg, "1.0 EiB") ||
		    strstr(f->err.msg, "2.0 EiB"));
}

static void looks_for_room_where_nothing_is_yet(void **state)
{
	struct fixture *f = *state;
	const uint64_t much = UINT64_C(1) << 60;

	assert_ok(mr_room_at(at(f, "a/b/c"), 1, &f->err), f->err);
	assert_ok(mr_room_at("no/such/folder", 1, &f->err), f->err);
	assert_ok(mr_room_at("/", 0, &f->err), f->err);
	assert_code(MREG_EIO, mr_room_at(at(f, "a/b/c"), much, &f->err),
		    f->err);
	assert_int_equal(f->err.sys, ENOSPC);
	assert_has(f->err.msg, "1.0 EiB needed in '");
	assert_has(f->err.msg, "/a/b/c', ");
	assert_code(MREG_EIO, mr_room_at("no/such", much, &f->err), f->err);
	assert_code(MREG_EIO, mr_room_at("/no-such-folder/file", much, &f->err),
		    f->err);
}

static void sizes_beyond_all_numbers_do_not_wrap(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < PLACES; i++)
		f->places[i].desc.size = UINT64_MAX - 5;
	open_target(f);
	assert_code(MREG_EIO, mr_files_room(f->to, NULL, NULL, &f->err),
		    f->err);
	assert_has(f->err.msg, "16.0 EiB needed");
}

static void what_is_there_needs_no_room(void **state)
{
	struct fixture *f = *state;

	const off_t size = (off_t)1 << 40;
	size_t i;

	/* A file with a hole, of a size that no test machine has free. */
	test_write_text(f->dir, "out/a/one", "");
	assert_int_equal(truncate(at(f, "out/a/one"), size), 0);
	pretend_known(f, "out/a/one", 0);
	for (i = 0; i < PLACES; i++)
		f->places[i] = f->places[0];
	f->places[1].path = "a/one";
	f->places[2].path = "a/one";
	for (i = 0; i < PLACES; i++)
		f->places[i].desc.size = (uint64_t)size;
	open_target(f);
	assert_ok(mr_files_room(f->to, NULL, NULL, &f->err), f->err);
}

static void what_shares_blocks_needs_no_room(void **state)
{
	struct fixture *f = *state;

	f->places[1].desc.size = UINT64_C(1) << 60;
	f->places[2] = f->places[0];
	open_target(f);
	assert_ok(mr_files_room(f->to, is_two, f, &f->err), f->err);
}

static void write_part(struct fixture *f, char name[100])
{
	char hex[129];

	mr_digest_hex(&f->places[0].desc.digest, hex);
	snprintf(name, 100, "out/%s%s", MR_PART_PREFIX, hex);
	test_write_text(f->dir, name, "what came so far");
}

/* Where the file system can share, both must work; else both must say no, and
 * what came of it stays. */
static void clones_or_says_it_did_not(void **state)
{
	struct fixture *f = *state;
	struct mr_store *seeds;
	const struct mreg_desc *d = &f->places[0].desc;
	char name[100];
	bool done = true;
	size_t n;
	char *data;
	bool can;

	test_write_noise(f->dir, "seed/x", 2u << 20, 7);
	data = test_read(f->dir, "seed/x", &n);
	f->places[0].desc.size = n;
	assert_ok(mr_digest_of(data, n, &f->places[0].desc.digest, &f->err),
		  f->err);
	free(data);
	open_target(f);
	assert_ok(
		mr_seeds_open(&f->env.env, NULL, &d->size, 1, &seeds, &f->err),
		f->err);
	assert_ok(mr_seeds_add_dir(seeds, at(f, "seed"), &f->err), f->err);
	can = mr_files_clonable(f->to, d, seeds);
	write_part(f, name);
	assert_ok(mr_files_clone(f->to, d, seeds, &done, &f->err), f->err);
	assert_int_equal(done, can);
	data = test_read(f->dir, name, &n);
	assert_int_equal(n, can ? f->places[0].desc.size : 16);
	free(data);
	assert_int_equal(has(f, 0), can);
	mr_store_close(seeds);
	/* What is not in a file cannot. */
	assert_false(mr_files_clonable(f->to, &f->places[1].desc, f->from));
	assert_ok(mr_files_clone(f->to, &f->places[1].desc, f->from, &done,
				 &f->err),
		  f->err);
	assert_false(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			tells_which_files_have_other_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(keep_places_only_what_is_new,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			keep_refuses_a_file_that_appears_meanwhile, setup,
			teardown),
		cmocka_unit_test_setup_teardown(keep_works_without_noreplace,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			keep_works_without_noreplace_and_links, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			verifying_reads_what_the_state_knows, setup, teardown),
		cmocka_unit_test_setup_teardown(there_is_room_for_little, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			looks_for_room_where_nothing_is_yet, setup, teardown),
		cmocka_unit_test_setup_teardown(says_how_much_room_is_missing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			sizes_beyond_all_numbers_do_not_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_there_needs_no_room,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_shares_blocks_needs_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(clones_or_says_it_did_not,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

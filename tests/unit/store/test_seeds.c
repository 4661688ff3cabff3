/*
 * test_seeds.c - what lies around as a store to copy from, and believed only
 * after it was proven.
 */
#include "tests/support/test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "state/state.h"
#include "store/store.h"

#define TEXT "the weights of a model"
/* Of the same size. */
#define OTHER "the weights of a modem"

struct fixture {
	struct test_env env;
	struct mreg_error err;
	char *dir;
	char path[PATH_MAX];
	struct mr_state *state;
	struct mr_store *seeds;
	struct mreg_desc desc; /* of TEXT */
};

static const char *at(struct fixture *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	test_env_init(&f->env);
	f->dir = test_tmpdir_new();
	f->state = mr_state_open(at(f, "state.db"), &f->env.env);
	f->desc.size = strlen(TEXT);
	assert_ok(mr_digest_of(TEXT, strlen(TEXT), &f->desc.digest, &f->err),
		  f->err);
	assert_ok(mr_seeds_open(&f->env.env, f->state, &f->desc.size, 1,
				&f->seeds, &f->err),
		  f->err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_store_close(f->seeds);
	mr_state_close(f->state);
	test_tmpdir_free(f->dir);
	test_env_release(&f->env);
	mr_release(f);
	return 0;
}

static void add(struct fixture *f, const char *name)
{
	assert_ok(mr_seeds_add_dir(f->seeds, at(f, name), &f->err), f->err);
}

static bool has(struct fixture *f)
{
	bool found = false;

	assert_ok(mr_store_has(f->seeds, &f->desc, &found, &f->err), f->err);
	return found;
}

/* Through the proof. */
static int load(struct fixture *f, char out[64])
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(63);
	int rc = mr_store_load(f->seeds, &f->desc, &b, &f->err);

	if (rc == 0)
		snprintf(out, 64, "%s", mr_buf_text(&b));
	return rc;
}

static void finds_a_file_of_any_name(void **state)
{
	struct fixture *f = *state;
	char out[64];

	test_write_text(f->dir, "seed/other", OTHER);
	test_write_text(f->dir, "seed/deep/down/x", TEXT);
	test_write_text(f->dir, "seed/shorter", "x");
	add(f, "seed");
	assert_true(has(f));
	assert_ok(load(f, out), f->err);
	assert_string_equal(out, TEXT);
}

static void has_nothing_when_nothing_fits(void **state)
{
	struct fixture *f = *state;
	char out[64];

	test_write_text(f->dir, "seed/other", OTHER);
	add(f, "seed");
	assert_false(has(f));
	assert_code(MREG_ENOTFOUND, load(f, out), f->err);
}

/* Each file is read once, whoever asks. */
static void reads_only_what_has_the_size(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	test_write_text(f->dir, "seed/a", OTHER);
	test_write_text(f->dir, "seed/b", OTHER);
	test_write_text(f->dir, "seed/c", "x");
	add(f, "seed");
	for (i = 0; i < 3; i++)
		assert_false(has(f));
	assert_int_equal(f->env.progress[MREG_PROGRESS_PHASE], 2);
}

static int ask(void *ctx, size_t index, struct mreg_error *err)
{
	struct fixture *f = ctx;
	bool found = false;
	int rc = mr_store_has(f->seeds, &f->desc, &found, err);

	(void)index;
	return rc < 0 || found ? rc : MREG_EINTERNAL;
}

static void many_threads_share_the_reading(void **state)
{
	struct fixture *f = *state;
	char name[32];
	unsigned int i;

	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "seed/%u", i);
		test_write_text(f->dir, name, i == 5 ? TEXT : OTHER);
	}
	add(f, "seed");
	assert_ok(mr_task_run(&f->env.env, 8, 64, ask, f, &f->err), f->err);
	assert_true(f->env.progress[MREG_PROGRESS_PHASE] <= 8);
}

static void two_names_of_a_file_are_read_once(void **state)
{
	struct fixture *f = *state;
	char other[PATH_MAX];

	test_write_text(f->dir, "seed/a", OTHER);
	snprintf(other, sizeof(other), "%s/seed/b", f->dir);
	assert_int_equal(link(at(f, "seed/a"), other), 0);
	snprintf(other, sizeof(other), "%s/seed/c", f->dir);
	assert_int_equal(symlink("a", other), 0);
	add(f, "seed");
	assert_false(has(f));
	assert_int_equal(f->env.progress[MREG_PROGRESS_PHASE], 1);
}

static void believes_the_state_without_reading(void **state)
{
	struct fixture *f = *state;
	struct mr_state_file known = { .judged = false };
	char text[MREG_DIGEST_TEXT];
	struct mr_file_id id;
	char out[64];
	struct stat st;

	test_write_text(f->dir, "seed/a", OTHER);
	assert_int_equal(stat(at(f, "seed/a"), &st), 0);
	mr_file_id(&st, &id);
	snprintf(known.digest, sizeof(known.digest), "%s",
		 mreg_digest_text(&f->desc.digest, text));
	mr_state_file_put(f->state, &id, id.ctime_ns + INT64_C(10000000000),
			  &known);
	add(f, "seed");
	assert_true(has(f));
	assert_int_equal(f->env.progress[MREG_PROGRESS_PHASE], 0);
	/* But what is read is proven. */
	assert_code(MREG_EINTEGRITY, load(f, out), f->err);
}

static void a_name_that_is_a_digest_is_a_guess(void **state)
{
	struct fixture *f = *state;
	char name[160] = "seed/";
	char out[64];

	mr_digest_hex(&f->desc.digest, name + strlen(name));
	test_write_text(f->dir, name, OTHER);
	add(f, "seed");
	assert_true(has(f));
	assert_int_equal(f->env.progress[MREG_PROGRESS_PHASE], 0);
	assert_code(MREG_EINTEGRITY, load(f, out), f->err);
}

static void a_file_that_changed_is_not_opened(void **state)
{
	struct fixture *f = *state;
	char out[64];
	int fd = 7;

	test_write_text(f->dir, "seed/a", TEXT);
	add(f, "seed");
	assert_true(has(f));
	assert_int_equal(unlink(at(f, "seed/a")), 0);
	test_write_text(f->dir, "seed/a", OTHER);
	assert_code(MREG_ENOTFOUND, load(f, out), f->err);
	assert_has(f->err.cause, "has changed");
	assert_ok(mr_store_file(f->seeds, &f->desc, &fd, &f->err), f->err);
	assert_int_equal(fd, -1);
}

static void asks_other_stores_too(void **state)
{
	struct fixture *f = *state;
	struct mr_store *other;
	char out[64];
	int fd = 7;

	assert_ok(mr_memory_open(&f->env.env, &other, &f->err), f->err);
	assert_ok(mr_store_put_bytes(other, &f->desc, TEXT, &f->err), f->err);
	assert_ok(mr_seeds_add_store(f->seeds, other, &f->err), f->err);
	assert_true(has(f));
	assert_ok(load(f, out), f->err);
	assert_string_equal(out, TEXT);
	/* It has no files. */
	assert_ok(mr_store_file(f->seeds, &f->desc, &fd, &f->err), f->err);
	assert_int_equal(fd, -1);
}

static void takes_only_what_the_state_knows_of_a_tree(void **state)
{
	struct fixture *f = *state;
	struct mr_tree *tree;

	test_write_text(f->dir, "tree/a", TEXT);
	assert_ok(mr_tree_open(at(f, "tree"), false, &tree, &f->err), f->err);
	assert_ok(mr_seeds_add_tree(f->seeds, tree, &f->err), f->err);
	assert_false(has(f));
	assert_int_equal(f->env.progress[MREG_PROGRESS_PHASE], 0);
	mr_tree_close(tree);
}

static void refuses_a_seed_that_is_none(void **state)
{
	struct fixture *f = *state;

	assert_code(MREG_ENOTFOUND,
		    mr_seeds_add_dir(f->seeds, at(f, "none"), &f->err), f->err);
	test_write_text(f->dir, "file", TEXT);
	assert_code(MREG_EUSAGE,
		    mr_seeds_add_dir(f->seeds, at(f, "file"), &f->err), f->err);
	assert_has(f->err.msg, "is no directory");
	assert_int_equal(mkfifo(at(f, "pipe"), 0600), 0);
	assert_code(MREG_EUSAGE,
		    mr_seeds_add_dir(f->seeds, at(f, "pipe"), &f->err), f->err);
	assert_has(f->err.msg, "is no directory");
}

static void opens_the_file_itself(void **state)
{
	struct fixture *f = *state;
	char text[64] = "";
	int fd = -1;

	test_write_text(f->dir, "seed/a", TEXT);
	add(f, "seed");
	assert_ok(mr_store_file(f->seeds, &f->desc, &fd, &f->err), f->err);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), strlen(TEXT));
	assert_string_equal(text, TEXT);
	mr_fd_close(&fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_a_file_of_any_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(has_nothing_when_nothing_fits,
						setup, teardown),
		cmocka_unit_test_setup_teardown(reads_only_what_has_the_size,
						setup, teardown),
		cmocka_unit_test_setup_teardown(many_threads_share_the_reading,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			two_names_of_a_file_are_read_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			believes_the_state_without_reading, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_name_that_is_a_digest_is_a_guess, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_that_changed_is_not_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(asks_other_stores_too, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			takes_only_what_the_state_knows_of_a_tree, setup,
			teardown),
		cmocka_unit_test_setup_teardown(refuses_a_seed_that_is_none,
						setup, teardown),
		cmocka_unit_test_setup_teardown(opens_the_file_itself, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

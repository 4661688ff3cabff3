/*
 * test_state.c - what is remembered comes back exactly, what is doubtful is
 * not remembered.
 */
#include "tests/support/test.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/task.h"
#include "state/db.h"
#include "state/state.h"

#define DIGEST                                                                 \
	"sha256:"                                                              \
	"0123456789abcdef0123456789abcdef"                                     \
	"0123456789abcdef0123456789abcdef"
/* Long ago for every clock that a test may meet. */
#define NOW_NS INT64_C(1900000000000000000)

struct fixture {
	struct test_env t;
	char *dir;
	char path[PATH_MAX];
	struct mr_state *s;
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	test_env_init(&f->t);
	f->dir = test_tmpdir_new();
	snprintf(f->path, sizeof(f->path), "%s/cache/mreg/state.db", f->dir);
	f->s = mr_state_open(f->path, &f->t.env);
	*state = f;
	return f->s ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_state_close(f->s);
	test_env_release(&f->t);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

static void reopen(struct fixture *f)
{
	mr_state_close(f->s);
	f->s = mr_state_open(f->path, &f->t.env);
	assert_non_null(f->s);
}

static struct mr_file_id some_id(uint64_t ino)
{
	struct mr_file_id id = { .dev = UINT64_MAX,
				 .ino = ino,
				 .size = UINT64_C(1) << 62,
				 .mtime_ns = NOW_NS - INT64_C(10000000001),
				 .ctime_ns = NOW_NS - INT64_C(9000000001) };

	return id;
}

static const struct mr_state_file some_file = { .digest = DIGEST,
						.judged = true,
						.tested = true };

static void remembers_a_file_across_runs(void **state)
{
	struct fixture *f = *state;
	struct mr_file_id id = some_id(7);
	struct mr_state_file out = { .judged = false };

	assert_false(mr_state_file_get(f->s, &id, &out));
	mr_state_file_put(f->s, &id, NOW_NS, &some_file);
	reopen(f);
	assert_true(mr_state_file_get(f->s, &id, &out));
	assert_string_equal(out.digest, DIGEST);
	assert_true(out.judged);
	assert_true(out.tested);
	assert_string_equal(f->t.log, "");
}

static void keeps_that_there_was_no_verdict(void **state)
{
	struct fixture *f = *state;
	struct mr_file_id id = some_id(7);
	struct mr_state_file in = { .digest = DIGEST, .tested = true };
	struct mr_state_file out;

	mr_state_file_put(f->s, &id, NOW_NS, &in);
	assert_true(mr_state_file_get(f->s, &id, &out));
	assert_false(out.judged);
	assert_false(out.tested);
}

static void any_change_of_identity_forgets(void **state)
{
	struct fixture *f = *state;
	struct mr_file_id id = some_id(7);
	struct mr_file_id other[5];
	struct mr_state_file out;
	size_t i;

	mr_state_file_put(f->s, &id, NOW_NS, &some_file);
	for (i = 0; i < 5; i++)
		other[i] = id;
	other[0].dev--;
	other[1].ino++;
	other[2].size++;
	other[3].mtime_ns++;
	other[4].ctime_ns++;
	for (i = 0; i < 5; i++)
		assert_false(mr_state_file_get(f->s, &other[i], &out));
	/* The same file, written since: one row, the new one. */
	mr_state_file_put(f->s, &other[4], NOW_NS, &some_file);
	assert_true(mr_state_file_get(f->s, &other[4], &out));
	assert_false(mr_state_file_get(f->s, &id, &out));
}

static bool kept(struct fixture *f, uint64_t ino, int64_t mtime_age_ns,
		 int64_t ctime_age_ns)
{
	struct mr_file_id id = some_id(ino);
	struct mr_state_file out;

	id.mtime_ns = NOW_NS - mtime_age_ns;
	id.ctime_ns = NOW_NS - ctime_age_ns;
	mr_state_file_put(f->s, &id, NOW_NS, &some_file);
	return mr_state_file_get(f->s, &id, &out);
}

static void does_not_remember_what_may_still_change_unseen(void **state)
{
	struct fixture *f = *state;
	int64_t ms = 1000000;
	int64_t old = 3600 * 1000 * ms + 1;

	assert_true(kept(f, 1, 51 * ms + 1, 51 * ms + 1));
	assert_false(kept(f, 2, 49 * ms + 1, old));
	assert_false(kept(f, 3, old, 49 * ms + 1));
	/* From the future, say of an archive. */
	assert_false(kept(f, 4, -old, old));
	/* A file system of whole seconds. */
	assert_false(kept(f, 5, 1000 * ms, 1000 * ms));
	assert_true(kept(f, 6, 3000 * ms, 3000 * ms));
}

static void keeps_documents_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	struct mr_buf out = MR_BUF_INIT(1024);

	mr_buf_puts(&out, "left over");
	assert_false(mr_state_doc_get(f->s, DIGEST, &out));
	assert_int_equal(out.len, 0);
	mr_state_doc_put(f->s, DIGEST, "a\0b", 3);
	reopen(f);
	assert_true(mr_state_doc_get(f->s, DIGEST, &out));
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "a\0b", 3);
	mr_state_doc_put(f->s, DIGEST, NULL, 0);
	assert_true(mr_state_doc_get(f->s, DIGEST, &out));
	assert_int_equal(out.len, 0);
	mr_buf_release(&out);
}

static void names_of_many(size_t i, char out[16])
{
	snprintf(out, 16, "doc:%zu", i);
}

/* More than wait for each other, and one that does not wait. */
static void keeps_many_documents_and_the_last_of_one_name(void **state)
{
	struct fixture *f = *state;
	MR_AUTO(mr_buf_release) struct mr_buf out = MR_BUF_INIT(1 << 20);
	MR_AUTO(mr_free) char *large = mr_zalloc(300000);
	char name[16];
	size_t i;

	assert_non_null(large);
	mr_state_doc_put(f->s, "doc:2", "before", 6);
	mr_state_doc_put(f->s, "doc:2", large, 300000);
	for (i = 3; i < 200; i++) {
		names_of_many(i, name);
		mr_state_doc_put(f->s, name, "first", 5);
		mr_state_doc_put(f->s, name, name, strlen(name));
	}
	for (i = 3; i < 397; i++) {
		if (i == 200)
			reopen(f);
		names_of_many(i < 200 ? i : i - 197, name);
		assert_true(mr_state_doc_get(f->s, name, &out));
		assert_int_equal(out.len, strlen(name));
		assert_memory_equal(out.data, name, out.len);
	}
	assert_true(mr_state_doc_get(f->s, "doc:2", &out));
	assert_int_equal(out.len, 300000);
}

static void documents_wait_for_others(void **state)
{
	struct fixture *f = *state;
	MR_AUTO(mr_buf_release) struct mr_buf out = MR_BUF_INIT(1024);
	struct mr_state *second = mr_state_open(f->path, &f->t.env);

	mr_state_doc_put(f->s, DIGEST, "a", 1);
	assert_true(mr_state_doc_get(f->s, DIGEST, &out));
	assert_false(mr_state_doc_get(second, DIGEST, &out));
	/* Whoever groups puts has them together. */
	mr_state_begin(f->s);
	mr_state_doc_put(f->s, "other", "b", 1);
	mr_state_end(f->s);
	assert_true(mr_state_doc_get(second, DIGEST, &out));
	assert_true(mr_state_doc_get(second, "other", &out));
	mr_state_close(second);
}

static void does_not_fill_a_buffer_beyond_its_maximum(void **state)
{
	struct fixture *f = *state;
	struct mr_buf out = MR_BUF_INIT(4);

	mr_state_doc_put(f->s, DIGEST, "12345", 5);
	assert_false(mr_state_doc_get(f->s, DIGEST, &out));
	assert_int_equal(out.len, 0);
	assert_int_equal(out.failed, MREG_OK);
	mr_buf_release(&out);
}

static void keeps_facts_by_scope_and_key(void **state)
{
	struct fixture *f = *state;
	char out[8] = "old";

	mr_state_fact_put(f->s, "https://ghcr.io", "realm", "one");
	mr_state_fact_put(f->s, "https://ghcr.io", "realm", "two");
	mr_state_fact_put(f->s, "https://other", "realm", "three");
	reopen(f);
	assert_false(mr_state_fact_get(f->s, "https://ghcr.io", "x", out, 8));
	assert_string_equal(out, "old");
	assert_true(mr_state_fact_get(f->s, "https://ghcr.io", "realm", out,
				      sizeof(out)));
	assert_string_equal(out, "two");
	/* Half a fact is none. */
	assert_false(
		mr_state_fact_get(f->s, "https://ghcr.io", "realm", out, 3));
	mr_state_fact_put(f->s, "https://ghcr.io", "realm", NULL);
	assert_false(mr_state_fact_get(f->s, "https://ghcr.io", "realm", out,
				       sizeof(out)));
	assert_true(mr_state_fact_get(f->s, "https://other", "realm", out,
				      sizeof(out)));
}

static void replaces_only_what_is_still_there(void **state)
{
	struct fixture *f = *state;
	struct mr_state *second = mr_state_open(f->path, &f->t.env);
	char out[8];

	assert_false(mr_state_fact_replace(f->s, "s", "k", "a", "b"));
	assert_false(mr_state_fact_get(f->s, "s", "k", out, sizeof(out)));
	mr_state_fact_put(f->s, "s", "k", "a");
	assert_true(mr_state_fact_replace(f->s, "s", "k", "a", "b"));
	/* Another process saw "a" as well. */
	assert_false(mr_state_fact_replace(second, "s", "k", "a", "c"));
	assert_true(mr_state_fact_get(second, "s", "k", out, sizeof(out)));
	assert_string_equal(out, "b");
	assert_false(mr_state_fact_replace(NULL, "s", "k", "b", "c"));
	mr_state_close(second);
}

static void groups_puts_that_are_nested(void **state)
{
	struct fixture *f = *state;
	struct mr_state *second;
	char out[8];

	mr_state_begin(f->s);
	mr_state_begin(f->s);
	mr_state_fact_put(f->s, "s", "k", "v");
	mr_state_end(f->s);
	/* Another process does not see it before the outermost end. */
	second = mr_state_open(f->path, &f->t.env);
	assert_false(mr_state_fact_get(second, "s", "k", out, sizeof(out)));
	assert_true(mr_state_fact_get(f->s, "s", "k", out, sizeof(out)));
	mr_state_end(f->s);
	assert_true(mr_state_fact_get(second, "s", "k", out, sizeof(out)));
	mr_state_close(second);
}

static void everything_may_be_called_without_state(void **state)
{
	struct fixture *f = *state;
	struct mr_state *none[2] = { NULL, mr_state_open(NULL, &f->t.env) };
	struct mr_file_id id = some_id(1);
	struct mr_state_file file;
	struct mr_buf out = MR_BUF_INIT(16);
	char text[8];
	size_t i;

	assert_non_null(none[1]);
	for (i = 0; i < 2; i++) {
		mr_state_begin(none[i]);
		mr_state_file_put(none[i], &id, NOW_NS, &some_file);
		mr_state_doc_put(none[i], DIGEST, "x", 1);
		mr_state_fact_put(none[i], "s", "k", "v");
		mr_state_end(none[i]);
		mr_state_end(none[i]);
		assert_false(mr_state_file_get(none[i], &id, &file));
		assert_false(mr_state_doc_get(none[i], DIGEST, &out));
		assert_false(mr_state_fact_get(none[i], "s", "k", text, 8));
		mr_state_close(none[i]);
	}
	assert_string_equal(f->t.log, "");
	mr_buf_release(&out);
}

static void forgets_the_oldest_files_first(void **state)
{
	struct fixture *f = *state;
	struct mr_file_id id;
	struct mr_state_file out;
	uint64_t n = MR_STATE_ROWS_MAX + 5000;
	uint64_t i;

	mr_state_begin(f->s);
	for (i = 1; i <= n; i++) {
		id = some_id(i);
		mr_state_file_put(f->s, &id, NOW_NS, &some_file);
	}
	mr_state_end(f->s);
	reopen(f);
	id = some_id(5000);
	assert_false(mr_state_file_get(f->s, &id, &out));
	id = some_id(5001);
	assert_true(mr_state_file_get(f->s, &id, &out));
	id = some_id(n);
	assert_true(mr_state_file_get(f->s, &id, &out));
}

static int put_some(void *ctx, size_t index, struct mreg_error *err)
{
	struct fixture *f = ctx;
	struct mr_file_id id;
	struct mr_state_file out;
	uint64_t i;

	(void)err;
	for (i = 0; i < 50; i++) {
		id = some_id(index * 50 + i);
		mr_state_begin(f->s);
		mr_state_file_put(f->s, &id, NOW_NS, &some_file);
		mr_state_end(f->s);
		if (!mr_state_file_get(f->s, &id, &out))
			return MREG_EINTERNAL;
	}
	return 0;
}

static void many_threads_share_it(void **state)
{
	struct fixture *f = *state;
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_task_run(&f->t.env, 4, 8, put_some, f, &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(remembers_a_file_across_runs,
						setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_that_there_was_no_verdict,
						setup, teardown),
		cmocka_unit_test_setup_teardown(any_change_of_identity_forgets,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			does_not_remember_what_may_still_change_unseen, setup,
			teardown),
		cmocka_unit_test_setup_teardown(keeps_documents_byte_for_byte,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			keeps_many_documents_and_the_last_of_one_name, setup,
			teardown),
		cmocka_unit_test_setup_teardown(documents_wait_for_others,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			does_not_fill_a_buffer_beyond_its_maximum, setup,
			teardown),
		cmocka_unit_test_setup_teardown(keeps_facts_by_scope_and_key,
						setup, teardown),
		cmocka_unit_test_setup_teardown(groups_puts_that_are_nested,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			replaces_only_what_is_still_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
			everything_may_be_called_without_state, setup,
			teardown),
		cmocka_unit_test_setup_teardown(forgets_the_oldest_files_first,
						setup, teardown),
		cmocka_unit_test_setup_teardown(many_threads_share_it, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

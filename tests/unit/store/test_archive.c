/*
 * test_archive.c - an OCI layout in one tar file: written and read again.  The
 * contract runs over it in test_store.c; archives of others are in
 * test_archive_foreign.c.
 */
#include "tests/support/archive_fixture.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/task.h"
#include "content/digest.h"

#define THREADS 8
#define BLOBS 40

/* -- written, and read again ------------------------------------------------
 */

static void what_was_written_is_read(void **state)
{
	struct ar *f = *state;
	struct mr_list tags = { .items = NULL };
	struct mreg_desc one, two, report, lone, layer;
	struct mr_buf got = MR_BUF_INIT(100);
	struct mr_doc doc = MR_DOC_INIT;
	char text[MREG_DIGEST_TEXT];
	bool found = false;

	ar_create(f);
	ar_push(f, NULL, "one", NULL, &one);
	ar_push(f, "v1", "one", NULL, &one);
	ar_push(f, "v2", "two", NULL, &two);
	ar_push(f, "latest", "two", NULL, &two);
	ar_push(f, NULL, "report", &one, &report);
	ar_push(f, NULL, "lone", NULL, &lone);
	ar_finish(f);
	assert_ok(ar_reopen(f), f->err);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_true(found);
	assert_int_equal(tags.n, 3);
	assert_string_equal(tags.items[0], "latest");
	ar_assert_tag(f, "v1", &one);
	ar_assert_tag(f, "v2", &two);
	ar_assert_tag(f, "latest", &two);
	ar_assert_tag(f, mreg_digest_text(&lone.digest, text), &lone);
	assert_int_equal(ar_refer(f, &one), 1);
	assert_int_equal(ar_refer(f, &two), 0);
	ar_describe("one", 3, MR_MEDIA_OCTETS, &layer);
	assert_ok(mr_store_load(f->store, &layer, &got, &f->err), f->err);
	assert_string_equal(mr_buf_text(&got), "one");
	assert_ok(mr_store_get(f->store, "v9", &doc, &found, &f->err), f->err);
	assert_false(found);
	mr_buf_release(&got);
	mr_list_release(&tags);
}

/* Each manifest once for each of its tags, or once without. */
static void its_index_names_every_manifest(void **state)
{
	struct ar *f = *state;
	struct mreg_desc one, report;
	char digest[MREG_DIGEST_TEXT];
	const char *p;
	size_t n, named = 0;
	char *bytes;

	ar_create(f);
	ar_push(f, NULL, "one", NULL, &one);
	ar_push(f, "v1", "one", NULL, &one);
	ar_push(f, "latest", "one", NULL, &one);
	ar_push(f, NULL, "report", &one, &report);
	ar_push(f, NULL, "report", &one, &report);
	ar_finish(f);
	bytes = test_read(f->dir, "a.tar", &n);
	p = memmem(bytes, n,
		   "{\"schemaVersion\":2,\"mediaType\":\"" MR_MEDIA_INDEX, 60);
	assert_non_null(p);
	mreg_digest_text(&one.digest, digest);
	for (; (p = strstr(p, "\"digest\"")) != NULL; p++)
		named++;
	assert_int_equal(named, 3);
	free(bytes);
}

static void the_same_content_is_the_same_archive(void **state)
{
	struct ar *f = *state;
	struct mreg_desc d;
	char *one, *two;
	size_t n, m;

	ar_create(f);
	ar_push(f, "v1", "one", NULL, &d);
	ar_finish(f);
	one = test_read(f->dir, "a.tar", &n);
	assert_int_equal(unlink(f->path), 0);
	ar_create(f);
	ar_push(f, "v1", "one", NULL, &d);
	ar_finish(f);
	two = test_read(f->dir, "a.tar", &m);
	assert_int_equal(n, m);
	assert_memory_equal(one, two, n);
	free(one);
	free(two);
}

static void an_archive_of_nothing_is_one(void **state)
{
	struct ar *f = *state;
	struct mr_list tags = { .items = NULL };
	bool found = false;

	ar_create(f);
	ar_finish(f);
	assert_ok(ar_reopen(f), f->err);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_int_equal(tags.n, 0);
}

static void nothing_is_there_before_it_is_whole(void **state)
{
	struct ar *f = *state;
	struct mreg_desc d;

	ar_create(f);
	ar_push(f, "v1", "one", NULL, &d);
	assert_int_equal(test_count(f->dir), 0);
	mr_store_closep(&f->store);
	assert_int_equal(test_count(f->dir), 0);
}

static void replaces_nothing(void **state)
{
	struct ar *f = *state;
	struct mreg_desc d;
	char *text;

	test_write_text(f->dir, "a.tar", "mine");
	assert_code(MREG_ECONFLICT,
		    mr_archive_create(&f->env, f->path, &f->store, &f->err),
		    f->err);
	assert_has(f->err.msg, "exists already");
	assert_true(f->err.hint[0]);
	/* And when it comes while we write. */
	assert_int_equal(unlink(f->path), 0);
	ar_create(f);
	ar_push(f, "v1", "one", NULL, &d);
	test_write_text(f->dir, "a.tar", "mine");
	assert_code(MREG_ECONFLICT, mr_archive_finish(f->store, &f->err),
		    f->err);
	mr_store_closep(&f->store);
	text = test_read(f->dir, "a.tar", NULL);
	assert_string_equal(text, "mine");
	assert_int_equal(test_count(f->dir), 1);
	free(text);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
	struct ar *f = *state;

	snprintf(f->path, sizeof(f->path), "%.3000s/no/such/a.tar", f->dir);
	assert_code(MREG_ENOTFOUND,
		    mr_archive_create(&f->env, f->path, &f->store, &f->err),
		    f->err);
	assert_has(f->err.msg, "no/such/a.tar");
}

static void a_finished_one_does_not_change(void **state)
{
	struct ar *f = *state;
	struct mreg_desc d, other;

	ar_create(f);
	ar_push(f, "v1", "one", NULL, &d);
	ar_finish(f);
	ar_describe("two", 3, MR_MEDIA_OCTETS, &other);
	assert_code(MREG_EUNSUPPORTED,
		    mr_store_put_bytes(f->store, &other, "two", &f->err),
		    f->err);
	assert_code(MREG_EUNSUPPORTED, mr_store_untag(f->store, "v1", &f->err),
		    f->err);
	assert_code(MREG_EUNSUPPORTED, mr_archive_finish(f->store, &f->err),
		    f->err);
	ar_assert_tag(f, "v1", &d);
	assert_ok(ar_reopen(f), f->err);
	assert_code(MREG_EUNSUPPORTED,
		    mr_store_put_bytes(f->store, &other, "two", &f->err),
		    f->err);
	assert_has(f->err.msg, "cannot be written");
}

/* -- blobs that do not come -------------------------------------------------
 */

static void what_began_must_come(void **state)
{
	struct ar *f = *state;
	struct mr_buf got = MR_BUF_INIT(100);
	struct mr_sink *sink = NULL;
	struct mreg_desc d, next;

	ar_create(f);
	ar_describe("weights", 7, MR_MEDIA_OCTETS, &d);
	ar_describe("next", 4, MR_MEDIA_OCTETS, &next);
	assert_ok(mr_store_begin(f->store, &d, &sink, &f->err), f->err);
	assert_ok(mr_sink_write_at(sink, "wei", 3, 0, &f->err), f->err);
	assert_ok(mr_store_put_bytes(f->store, &next, "next", &f->err), f->err);
	mr_sink_abort(sink);
	assert_code(MREG_ECONFLICT, mr_archive_finish(f->store, &f->err),
		    f->err);
	assert_has(f->err.msg, "not whole: 1 blobs began");
	/* It gets its old room. */
	assert_ok(mr_store_put_bytes(f->store, &d, "weights", &f->err), f->err);
	ar_finish(f);
	assert_ok(ar_reopen(f), f->err);
	assert_ok(mr_store_load(f->store, &d, &got, &f->err), f->err);
	assert_string_equal(mr_buf_text(&got), "weights");
	mr_buf_clear(&got);
	assert_ok(mr_store_load(f->store, &next, &got, &f->err), f->err);
	mr_buf_release(&got);
}

static int put_one(void *ctx, size_t index, struct mreg_error *err)
{
	struct ar *f = ctx;
	char text[64];
	struct mreg_desc d = { .media_type = MR_MEDIA_OCTETS };
	int rc;

	snprintf(text, sizeof(text), "blob %zu", index / 2);
	d.size = strlen(text);
	rc = mr_digest_of(text, strlen(text), &d.digest, err);
	return rc < 0 ? rc : mr_store_put_bytes(f->store, &d, text, err);
}

static void several_write_side_by_side(void **state)
{
	struct ar *f = *state;
	size_t i;

	ar_create(f);
	assert_ok(mr_task_run(&f->env, THREADS, BLOBS, put_one, f, &f->err),
		  f->err);
	ar_finish(f);
	assert_ok(ar_reopen(f), f->err);
	for (i = 0; i < BLOBS / 2; i++) {
		struct mr_buf got = MR_BUF_INIT(100);
		struct mreg_desc d;
		char text[64];

		snprintf(text, sizeof(text), "blob %zu", i);
		ar_describe(text, strlen(text), MR_MEDIA_OCTETS, &d);
		assert_ok(mr_store_load(f->store, &d, &got, &f->err), f->err);
		mr_buf_release(&got);
	}
}

/* -- where files cannot be without a name ------------------------------------
 */

/* In a process of its own without /proc; 77: it cannot be taken away here. */
static int without_proc(struct ar *f)
{
	struct mreg_desc d;
	char name[64];

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/proc", "tmpfs", 0, NULL) < 0)
		return 77;
	/* What a killed process left is swept away, a neighbour's is not. */
	test_write_text(f->dir, ".mreg-export-0123456789abcdef", "left");
	test_write_text(f->dir, ".mreg-part-0123456789abcdef", "kept");
	if (mr_archive_create(&f->env, f->path, &f->store, &f->err) < 0)
		return 1;
	if (test_exists(f->dir, ".mreg-export-0123456789abcdef") ||
	    test_count(f->dir) != 2)
		return 2;
	mr_store_closep(&f->store);
	if (test_count(f->dir) != 1)
		return 3;
	if (mr_archive_create(&f->env, f->path, &f->store, &f->err) < 0)
		return 4;
	ar_push(f, "v1", "one", NULL, &d);
	snprintf(name, sizeof(name), "a.tar");
	if (test_exists(f->dir, name) ||
	    mr_archive_finish(f->store, &f->err) < 0 || ar_reopen(f) < 0)
		return 5;
	return test_count(f->dir) == 2 ? 0 : 6;
}

static void a_hidden_file_does_as_well(void **state)
{
	struct ar *f = *state;
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(without_proc(f));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
	/* The child wrote it with /proc away; we read it with. */
	assert_ok(ar_reopen(f), f->err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AR_TEST(what_was_written_is_read),
		AR_TEST(its_index_names_every_manifest),
		AR_TEST(the_same_content_is_the_same_archive),
		AR_TEST(an_archive_of_nothing_is_one),
		AR_TEST(nothing_is_there_before_it_is_whole),
		AR_TEST(replaces_nothing),
		AR_TEST(a_folder_that_is_not_there_is_told),
		AR_TEST(a_finished_one_does_not_change),
		AR_TEST(what_began_must_come),
		AR_TEST(several_write_side_by_side),
		AR_TEST(a_hidden_file_does_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

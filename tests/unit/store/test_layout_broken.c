/*
 * test_layout_broken.c - a layout that is broken, or on a disk that is full or
 * not ours.
 */
#include "tests/support/layout_fixture.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static void a_flipped_bit_is_found(void **state)
{
	struct lay *f = *state;
	struct mr_buf got = MR_BUF_INIT(100);
	struct mreg_desc d;
	char name[160], hint[PATH_MAX + 300];

	assert_ok(lay_describe("weights", 7, MR_MEDIA_OCTETS, &d, &f->err),
		  f->err);
	assert_ok(mr_store_put_bytes(f->store, &d, "weights", &f->err), f->err);
	test_write_text(f->repo, lay_blob_name(&d.digest, name), "weighdr");
	assert_code(MREG_EINTEGRITY, mr_store_load(f->store, &d, &got, &f->err),
		    f->err);
	assert_has(f->err.msg, "in layout store");
	assert_has(f->err.msg, "sha256:");
	assert_has(f->err.msg, f->dir);
	assert_has(f->err.cause, "do not match its digest");
	snprintf(hint, sizeof(hint), "remove '%s/%s' and push it again",
		 f->repo, name);
	assert_string_equal(f->err.hint, hint);
	mr_buf_release(&got);
}

static void a_changed_manifest_is_found(void **state)
{
	struct lay *f = *state;
	struct mr_doc doc = MR_DOC_INIT;
	char text[MREG_DIGEST_TEXT], name[160];
	struct mreg_desc d;
	bool found;
	char *bytes;

	lay_push_ok(f, "v1", "weights", &d);
	bytes = test_read(f->repo, lay_blob_name(&d.digest, name), NULL);
	*strstr(bytes, "vnd.test") = 'w';
	test_write_text(f->repo, name, bytes);
	free(bytes);
	assert_code(MREG_EINTEGRITY,
		    mr_store_get(f->store, "v1", &doc, &found, &f->err),
		    f->err);
	assert_has(f->err.msg, "manifest 'v1' from layout store");
	assert_has(f->err.hint, name);
	assert_int_equal(doc.bytes.len, 0);
	assert_code(MREG_EINTEGRITY,
		    mr_store_get(f->store, mreg_digest_text(&d.digest, text),
				 &doc, &found, &f->err),
		    f->err);
	mr_doc_release(&doc);
}

static void a_truncated_blob_is_not_there_and_can_be_put_again(void **state)
{
	struct lay *f = *state;
	struct mr_buf got = MR_BUF_INIT(100);
	struct mreg_desc d;
	char name[160];
	bool found = true;

	assert_ok(lay_describe("weights", 7, MR_MEDIA_OCTETS, &d, &f->err),
		  f->err);
	test_write_text(f->repo, lay_blob_name(&d.digest, name), "weig");
	assert_ok(mr_store_has(f->store, &d, &found, &f->err), f->err);
	assert_false(found);
	assert_code(MREG_EINTEGRITY, mr_store_load(f->store, &d, &got, &f->err),
		    f->err);
	assert_has(f->err.cause, "has 4 bytes instead of 7");
	assert_ok(mr_store_put_bytes(f->store, &d, "weights", &f->err), f->err);
	assert_ok(mr_store_load(f->store, &d, &got, &f->err), f->err);
	mr_buf_release(&got);
}

static void a_tag_without_its_manifest_is_told(void **state)
{
	struct lay *f = *state;
	struct mr_doc doc = MR_DOC_INIT;
	char path[PATH_MAX + 200], name[160];
	struct mreg_desc d;
	bool found;

	lay_push_ok(f, "v1", "weights", &d);
	snprintf(path, sizeof(path), "%s/%s", f->repo,
		 lay_blob_name(&d.digest, name));
	assert_int_equal(unlink(path), 0);
	assert_code(MREG_ENOTFOUND,
		    mr_store_get(f->store, "v1", &doc, &found, &f->err),
		    f->err);
	assert_has(f->err.msg, "tag 'v1' names 'sha256:");
	mr_doc_release(&doc);
}

static void a_broken_index_is_refused_and_left_alone(void **state)
{
	static const char *const broken[] = {
		"",
		"{",
		"[]",
		"{\"manifests\":{}}",
		"{\"manifests\":[],\"manifests\":[]}",
		"{\"schemaVersion\":2}",
	};
	struct lay *f = *state;
	struct mr_doc doc = MR_DOC_INIT;
	struct mr_list tags = { .items = NULL };
	struct mreg_desc d;
	bool found;
	size_t i;

	for (i = 0; i < MR_COUNT(broken); i++) {
		char *after;

		test_write_text(f->repo, "index.json", broken[i]);
		assert_code(MREG_EFORMAT,
			    mr_store_get(f->store, "v1", &doc, &found, &f->err),
			    f->err);
		assert_has(f->err.msg, "index.json");
		assert_true(f->err.hint[0]);
		assert_code(MREG_EFORMAT,
			    mr_store_tags(f->store, &tags, &found, &f->err),
			    f->err);
		assert_code(MREG_EFORMAT,
			    lay_push(f->store, "v1", "weights", &d, &f->err),
			    f->err);
		after = test_read(f->repo, "index.json", NULL);
		assert_string_equal(after, broken[i]);
		free(after);
	}
}

static void a_broken_entry_is_told_by_its_tag(void **state)
{
	static const char *const broken[] = {
		"\"digest\":\"sha256:../../etc/passwd\",\"size\":1,"
		"\"mediaType\":\"a/b\"",
		"\"digest\":\"sha256:"
		"00000000000000000000000000000000000000000000000000000000000000"
		"AA\",\"size\":1,\"mediaType\":\"a/b\"",
		"\"size\":1,\"mediaType\":\"a/b\"",
		"\"digest\":\"sha256:"
		"00000000000000000000000000000000000000000000000000000000000000"
		"01\",\"size\":-1,\"mediaType\":\"a/b\"",
		"\"digest\":\"sha256:"
		"00000000000000000000000000000000000000000000000000000000000000"
		"01\",\"size\":1,\"mediaType\":\"\\u001b[31m\"",
		"\"digest\":17,\"size\":1,\"mediaType\":\"a/b\"",
	};
	struct lay *f = *state;
	struct mreg_desc d;
	char text[1000];
	bool found;
	size_t i;

	for (i = 0; i < MR_COUNT(broken); i++) {
		snprintf(text, sizeof(text),
			 "{\"manifests\":[{%s,\"annotations\":{\"org."
			 "opencontainers.image.ref.name\":\"v1\"}}]}",
			 broken[i]);
		test_write_text(f->repo, "index.json", text);
		assert_code(
			MREG_EFORMAT,
			mr_store_resolve(f->store, "v1", &d, &found, &f->err),
			f->err);
		assert_has(f->err.msg, "tag 'v1'");
		/* It does not stand in the way of another one, nor of putting
		 * it right. */
		lay_push_ok(f, "v2", "weights", &d);
		lay_push_ok(f, "v1", "weights", &d);
		lay_assert_tag(f, "v1", &d);
	}
}

static void a_file_where_the_store_should_be_is_told(void **state)
{
	struct lay *f = *state;
	struct mreg_desc d;

	test_write_text(f->dir, "store", "a file");
	assert_code(MREG_EIO, lay_push(f->store, "v1", "weights", &d, &f->err),
		    f->err);
	assert_has(f->err.hint, "a file stands where the folder should be");
}

static void refuses_what_is_no_repository(void **state)
{
	struct lay *f = *state;
	struct mr_store *s = NULL;

	assert_code(MREG_EUSAGE,
		    mr_layout_open(&f->env, f->root, "../up", &s, &f->err),
		    f->err);
	assert_code(MREG_EUSAGE,
		    mr_layout_open(&f->env, f->root, "", &s, &f->err), f->err);
}

/* A child that is not root: 0 when the push failed as it should. */
static int push_as_nobody(struct lay *f, size_t who)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc d;

	(void)who;
	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 2;
	if (lay_push(f->store, "v1", "weights", &d, &err) != MREG_EIO)
		return lay_complain(&err);
	return strcmp(err.hint, "check who owns it and its permissions")
		       ? lay_complain(&err)
		       : 0;
}

static void an_unwritable_store_is_told(void **state)
{
	struct lay *f = *state;

	if (geteuid() != 0) {
		print_message("needs root, to become somebody else\n");
		skip();
	}
	assert_int_equal(chmod(f->dir, 0755), 0);
	lay_in_processes(f, 1, push_as_nobody);
	assert_int_equal(test_count(f->dir), 0);
}

/* In a mount namespace of its own, on a file system of 1 MiB. */
static int push_until_full(struct lay *f, size_t who)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_measure m;
	struct mr_stream *in;
	struct mreg_desc d;
	size_t n = 2 << 20;
	char *big = mr_zalloc(n);
	char path[PATH_MAX + 64];
	bool found = true;

	(void)who;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", f->dir, "tmpfs", 0, "size=1m") < 0)
		return 77;
	if (!big || lay_describe(big, n, MR_MEDIA_OCTETS, &d, &err) < 0)
		return 1;
	/* A small one fits, the big one does not, by digest or as a stream. */
	if (lay_push(f->store, "v1", "weights", &(struct mreg_desc){ 0 },
		     &err) < 0)
		return lay_complain(&err);
	if (mr_store_put_bytes(f->store, &d, big, &err) != MREG_EIO ||
	    err.sys != ENOSPC || !strstr(err.hint, "free some space"))
		return lay_complain(&err);
	if (mr_stream_memory(big, n, &in, &err) < 0 ||
	    mr_store_put_stream(f->store, in, n, "big", &m, &err) != MREG_EIO ||
	    err.sys != ENOSPC)
		return lay_complain(&err);
	if (mr_store_has(f->store, &d, &found, &err) < 0 || found)
		return 3;
	/* No part takes up the space, and there is room again. */
	snprintf(path, sizeof(path), "%s/blobs/sha256", f->repo);
	if (test_count(path) != 3)
		return 4;
	if (lay_push(f->store, "v2", "more", &(struct mreg_desc){ 0 }, &err) <
	    0)
		return lay_complain(&err);
	return 0;
}

static void a_full_disk_is_told_and_leaves_room(void **state)
{
	struct lay *f = *state;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(push_until_full(f, 0));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("cannot mount a small tmpfs here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Bytes that read(2) gave this process so far. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		LAY_TEST(a_flipped_bit_is_found),
		LAY_TEST(a_changed_manifest_is_found),
		LAY_TEST(a_truncated_blob_is_not_there_and_can_be_put_again),
		LAY_TEST(a_tag_without_its_manifest_is_told),
		LAY_TEST(a_broken_index_is_refused_and_left_alone),
		LAY_TEST(a_broken_entry_is_told_by_its_tag),
		LAY_TEST(a_file_where_the_store_should_be_is_told),
		LAY_TEST(refuses_what_is_no_repository),
		LAY_TEST(an_unwritable_store_is_told),
		LAY_TEST(a_full_disk_is_told_and_leaves_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

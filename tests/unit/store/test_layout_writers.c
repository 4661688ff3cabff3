/*
 * test_layout_writers.c - a layout among other writers, and the dead.
 */
#include "tests/support/layout_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/task.h"
#include "content/digest.h"

#define TAGS_EACH 10

struct tagging {
	struct mr_store *store;
	size_t who;
};

static int tag_task(void *ctx, size_t index, struct mreg_error *err)
{
	const struct tagging *t = ctx;
	char tag[32];
	struct mreg_desc d;

	snprintf(tag, sizeof(tag), "t%zu-%zu", t->who, index);
	return lay_push(t->store, tag, tag, &d, err);
}

/* Each process tags from several threads over one store. */
static int tagger(struct lay *f, size_t who)
{
	struct tagging t = { .who = who };
	struct mreg_error err = MREG_ERROR_INIT;
	int rc;

	rc = mr_layout_open(&f->env, f->root, REPOSITORY, &t.store, &err);
	if (rc == 0)
		rc = mr_task_run(&f->env, 3, TAGS_EACH, tag_task, &t, &err);
	return rc < 0 ? lay_complain(&err) : 0;
}

static void many_writers_lose_no_tag(void **state)
{
	struct lay *f = *state;
	struct mr_list tags = { .items = NULL };
	bool found = false;

	lay_in_processes(f, PROCESSES, tagger);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_int_equal(tags.n, PROCESSES * TAGS_EACH);
	mr_list_release(&tags);
}

/* The first write makes the layout; the flock does not keep threads of one
 * process apart. */
static void threads_that_make_a_layout_at_once_lose_no_tag(void **state)
{
	struct lay *f = *state;
	unsigned int round;

	for (round = 0; round < 60; round++) {
		struct mr_list tags = { .items = NULL };
		struct tagging t = { .who = round };
		char repository[32];
		bool found = false;

		(void)snprintf(repository, sizeof(repository), "fresh%u",
			       round);
		assert_ok(mr_layout_open(&f->env, f->root, repository, &t.store,
					 &f->err),
			  f->err);
		assert_ok(mr_task_run(&f->env, 8, 8, tag_task, &t, &f->err),
			  f->err);
		assert_ok(mr_store_tags(t.store, &tags, &found, &f->err),
			  f->err);
		assert_int_equal(tags.n, 8);
		mr_list_release(&tags);
		mr_store_close(t.store);
	}
}

/* As product.md 3.2 with flock as the lock: the next number, TAGS_EACH
 * times. */
static int claimer(struct lay *f, size_t who)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_store *s;
	char text[32];
	size_t i, k;
	int rc;

	rc = mr_layout_open(&f->env, f->root, REPOSITORY, &s, &err);
	for (i = 0; i < TAGS_EACH && rc == 0; i++) {
		struct mr_list tags = { .items = NULL };
		uint64_t most = 0;
		struct mreg_desc d;
		bool found;

		rc = mr_store_lock(s, &err);
		if (rc < 0)
			break;
		rc = mr_store_tags(s, &tags, &found, &err);
		for (k = 0; k < tags.n; k++)
			if (mr_tag_number(tags.items[k]) > most)
				most = mr_tag_number(tags.items[k]);
		snprintf(text, sizeof(text), "%zu %zu", who, i);
		if (rc == 0) {
			char tag[32];

			snprintf(tag, sizeof(tag), "v%zu", (size_t)most + 1);
			rc = lay_push(s, tag, text, &d, &err);
		}
		mr_store_unlock(s);
		mr_list_release(&tags);
	}
	return rc < 0 ? lay_complain(&err) : 0;
}

static void the_lock_keeps_numbers_apart(void **state)
{
	struct lay *f = *state;
	struct mr_list tags = { .items = NULL };
	bool found = false;

	lay_in_processes(f, PROCESSES, claimer);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_int_equal(tags.n, PROCESSES * TAGS_EACH);
	mr_list_release(&tags);
}

static void nap_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

static void sees_what_others_change(void **state)
{
	struct lay *f = *state;
	struct mr_store *other = NULL;
	struct mreg_desc one, two;

	lay_push_ok(f, "production", "one", &one);
	/* Old enough that the store trusts its copy of index.json. */
	nap_ms(150);
	lay_assert_tag(f, "production", &one);
	lay_assert_tag(f, "production", &one);
	assert_ok(mr_layout_open(&f->env, f->root, REPOSITORY, &other, &f->err),
		  f->err);
	assert_ok(lay_push(other, "production", "two", &two, &f->err), f->err);
	lay_assert_tag(f, "production", &two);
	nap_ms(150);
	lay_assert_tag(f, "production", &two);
	assert_ok(mr_store_untag(other, "production", &f->err), f->err);
	lay_assert_tag(f, "production", NULL);
	mr_store_close(other);
}

static int push_forever(struct lay *f, size_t who)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_store *s;
	struct mreg_desc d;
	char text[32];
	size_t i;

	if (mr_layout_open(&f->env, f->root, REPOSITORY, &s, &err) < 0)
		return lay_complain(&err);
	for (i = 0;; i++) {
		snprintf(text, sizeof(text), "t%zu-%zu", who, i);
		if (lay_push(s, text, text, &d, &err) < 0)
			return lay_complain(&err);
	}
}

/* Every file that is named by a digest has it. */
static void assert_blobs_right(struct lay *f)
{
	char folder[PATH_MAX + 32], hex[129];
	struct mreg_digest digest;
	struct dirent *e;
	char *bytes;
	size_t n;
	DIR *d;

	snprintf(folder, sizeof(folder), "%s/blobs/sha256", f->repo);
	d = opendir(folder);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		bytes = test_read(folder, e->d_name, &n);
		assert_ok(mr_digest_of(bytes, n, &digest, &f->err), f->err);
		assert_string_equal(mr_digest_hex(&digest, hex), e->d_name);
		free(bytes);
	}
	if (d)
		(void)closedir(d);
}

static void a_killed_writer_leaves_nothing_wrong(void **state)
{
	struct lay *f = *state;
	struct mr_list tags = { .items = NULL };
	struct mreg_desc d;
	bool found = false;
	size_t i;
	long round;
	int status;

	for (round = 0; round < 12; round++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(push_forever(f, (size_t)round));
		nap_ms(3 + 7 * round);
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_blobs_right(f);
	}
	lay_push_ok(f, "last", "last", &d);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_true(tags.n > 1);
	for (i = 0; i < tags.n; i++) {
		struct mr_doc doc = MR_DOC_INIT;
		struct mr_manifest *m = NULL;

		assert_ok(mr_store_get(f->store, tags.items[i], &doc, &found,
				       &f->err),
			  f->err);
		assert_true(found);
		assert_ok(mr_manifest_parse(doc.bytes.data, doc.bytes.len, NULL,
					    &m, &f->err),
			  f->err);
		assert_ok(mr_store_has(f->store, &m->layers[0].desc, &found,
				       &f->err),
			  f->err);
		assert_true(found);
		mr_manifest_free(m);
		mr_doc_release(&doc);
	}
	mr_list_release(&tags);
}

static void sweeps_away_the_parts_of_the_dead(void **state)
{
	static const char dead[] = "blobs/sha256/.mreg-part-0000000000000001";
	static const char held[] = "blobs/sha256/.mreg-part-0000000000000002";
	struct lay *f = *state;
	char path[PATH_MAX + 64];
	struct mreg_desc d;
	int fd;

	test_write_text(f->repo, dead, "half");
	test_write_text(f->repo, held, "half");
	snprintf(path, sizeof(path), "%s/%s", f->repo, held);
	fd = open(path, O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	lay_push_ok(f, "v1", "weights", &d);
	assert_false(test_exists(f->repo, dead));
	assert_true(test_exists(f->repo, held));
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAY_TEST(many_writers_lose_no_tag),
		LAY_TEST(threads_that_make_a_layout_at_once_lose_no_tag),
		LAY_TEST(the_lock_keeps_numbers_apart),
		LAY_TEST(sees_what_others_change),
		LAY_TEST(a_killed_writer_leaves_nothing_wrong),
		LAY_TEST(sweeps_away_the_parts_of_the_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

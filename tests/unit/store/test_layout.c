/*
 * test_layout.c - a layout on disk among other writers, the dead, the broken
 * and the full.
 */
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
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
#include <dirent.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/task.h"
#include "content/digest.h"
#include "oci/oci.h"
#include "store/store.h"

#define REPOSITORY "acme/churn"
#define PROCESSES 6
#define TAGS_EACH 10

struct fixture {
	struct mr_env env; /* the real one: processes wait for each other */
	struct mreg_error err;
	char *dir;
	char root[PATH_MAX]; /* of the store; not there yet */
	char repo[PATH_MAX];
	struct mr_store *store;
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	mr_env_init(&f->env);
	f->dir = test_tmpdir_new();
	snprintf(f->root, sizeof(f->root), "%.3000s/store", f->dir);
	snprintf(f->repo, sizeof(f->repo), "%.3000s/store/" REPOSITORY, f->dir);
	*state = f;
	return mr_layout_open(&f->env, f->root, REPOSITORY, &f->store, &f->err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_store_close(f->store);
	mr_env_release(&f->env);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

/* -- pushing; no asserts, for processes and threads do it too ------------- */

static int describe(const void *bytes, size_t n, const char *type,
		    struct mreg_desc *out, struct mreg_error *err)
{
	*out = (struct mreg_desc){ .size = n };
	snprintf(out->media_type, sizeof(out->media_type), "%s", type);
	return mr_digest_of(bytes, n, &out->digest, err);
}

/* A manifest of one layer, `text`, under `tag`. */
static int push(struct mr_store *s, const char *tag, const char *text,
		struct mreg_desc *out, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mr_descriptor layer = { .artifact_type = NULL };
	struct mr_manifest_draft draft = {
		.artifact_type = "application/vnd.test.v1",
		.config = { .desc = mr_empty_desc },
		.layers = &layer,
		.layer_count = 1,
	};
	int rc;

	rc = describe(text, strlen(text), MR_MEDIA_OCTETS, &layer.desc, err);
	if (rc == 0)
		rc = mr_manifest_write(&draft, &bytes, err);
	if (rc == 0)
		rc = describe(bytes.data, bytes.len, MR_MEDIA_MANIFEST, out,
			      err);
	if (rc == 0)
		rc = mr_store_put_bytes(s, &mr_empty_desc, "{}", err);
	if (rc == 0)
		rc = mr_store_put_bytes(s, &layer.desc, text, err);
	return rc < 0 ? rc : mr_store_set(s, tag, out, bytes.data, NULL, err);
}

static void push_ok(struct fixture *f, const char *tag, const char *text,
		    struct mreg_desc *out)
{
	assert_ok(push(f->store, tag, text, out, &f->err), f->err);
}

static const char *blob_name(const struct mreg_digest *d, char out[160])
{
	char hex[129];

	snprintf(out, 160, "blobs/sha256/%s", mr_digest_hex(d, hex));
	return out;
}

static void assert_tag(struct fixture *f, const char *tag,
		       const struct mreg_desc *want)
{
	struct mreg_desc got;
	bool found = false;

	assert_ok(mr_store_resolve(f->store, tag, &got, &found, &f->err),
		  f->err);
	assert_int_equal(found, want != NULL);
	if (want)
		assert_true(mreg_digest_equal(&got.digest, &want->digest));
}

static json_t *read_index(struct fixture *f)
{
	json_t *j = NULL;
	size_t n;
	char *text = test_read(f->repo, "index.json", &n);

	assert_ok(mr_json_parse(text, n, 1 << 20, "index.json", &j, &f->err),
		  f->err);
	free(text);
	return j;
}

/* -- what is written, and what is not ----------------------------------------
 */

static void readers_create_nothing(void **state)
{
	struct fixture *f = *state;
	struct mr_list list = { .items = NULL };
	struct mr_doc doc = MR_DOC_INIT;
	bool found = true;

	assert_ok(mr_store_has(f->store, &mr_empty_desc, &found, &f->err),
		  f->err);
	assert_false(found);
	assert_ok(mr_store_get(f->store, "v1", &doc, &found, &f->err), f->err);
	assert_false(found);
	assert_ok(mr_store_tags(f->store, &list, &found, &f->err), f->err);
	assert_false(found);
	assert_code(MREG_ENOTFOUND, mr_store_untag(f->store, "v1", &f->err),
		    f->err);
	assert_ok(mr_layout_repositories(&f->env, f->root, &list, &f->err),
		  f->err);
	assert_int_equal(list.n, 0);
	assert_int_equal(test_count(f->dir), 0);
}

static void writes_what_oras_and_skopeo_read(void **state)
{
	struct fixture *f = *state;
	char text[MREG_DIGEST_TEXT];
	json_t *index, *entry;
	struct mreg_desc d;
	char *layout;

	push_ok(f, "v1", "weights", &d);
	layout = test_read(f->repo, "oci-layout", NULL);
	assert_string_equal(layout, "{\"imageLayoutVersion\":\"1.0.0\"}");
	free(layout);
	index = read_index(f);
	assert_int_equal(
		json_integer_value(json_object_get(index, "schemaVersion")), 2);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 1);
	entry = json_array_get(json_object_get(index, "manifests"), 0);
	assert_string_equal(json_string_value(json_object_get(entry, "digest")),
			    mreg_digest_text(&d.digest, text));
	assert_string_equal(
		json_string_value(json_object_get(entry, "mediaType")),
		MR_MEDIA_MANIFEST);
	assert_int_equal(json_integer_value(json_object_get(entry, "size")),
			 d.size);
	assert_string_equal(
		json_string_value(json_object_get(entry, "artifactType")),
		"application/vnd.test.v1");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(entry, "annotations"),
				    "org.opencontainers.image.ref.name")),
			    "v1");
	json_decref(index);
	/* Nothing but what belongs there, and no part is left. */
	assert_int_equal(test_count(f->repo), 4);
	strcat(f->repo, "/blobs/sha256");
	assert_int_equal(test_count(f->repo), 3);
}

static void a_manifest_by_digest_is_only_a_blob(void **state)
{
	struct fixture *f = *state;
	struct mr_list tags = { .items = NULL };
	struct mr_doc doc = MR_DOC_INIT;
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d;
	bool found = false;
	json_t *index;

	push_ok(f, "v1", "weights", &d);
	assert_ok(mr_store_untag(f->store, "v1", &f->err), f->err);
	index = read_index(f);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 0);
	json_decref(index);
	assert_ok(mr_store_get(f->store, mreg_digest_text(&d.digest, text),
			       &doc, &found, &f->err),
		  f->err);
	assert_true(found);
	assert_string_equal(doc.desc.media_type, MR_MEDIA_MANIFEST);
	/* The repository is there, without tags. */
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_true(found);
	assert_int_equal(tags.n, 0);
	mr_doc_release(&doc);
}

static const char foreign_index[] =
	"{\"schemaVersion\":2,\"x-top\":{\"a\":[1,2.5,null]},\"manifests\":["
	"{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
	"\"digest\":\"sha256:"
	"0000000000000000000000000000000000000000000000000000000000000001\","
	"\"size\":12,\"platform\":{\"os\":\"linux\",\"architecture\":"
	"\"s390x\"},\"x-key\":[true]},"
	"{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
	"\"digest\":\"sha256:"
	"0000000000000000000000000000000000000000000000000000000000000002\","
	"\"size\":13,\"annotations\":{\"org.opencontainers.image.ref.name\":"
	"\"docker.io/library/busybox:latest\",\"z\":\"\\u00e4\"}},"
	"\"what is this\",17]}";

static void keeps_what_others_wrote(void **state)
{
	struct fixture *f = *state;
	struct mr_list tags = { .items = NULL };
	json_t *before = NULL, *after, *old, *new;
	struct mreg_desc d;
	bool found = false;
	size_t i;

	test_write_text(f->repo, "index.json", foreign_index);
	push_ok(f, "v1", "weights", &d);
	push_ok(f, "v2", "more weights", &d);
	assert_ok(mr_store_untag(f->store, "v1", &f->err), f->err);
	assert_ok(mr_json_parse(foreign_index, strlen(foreign_index), 1 << 20,
				"it", &before, &f->err),
		  f->err);
	after = read_index(f);
	assert_true(json_equal(json_object_get(before, "x-top"),
			       json_object_get(after, "x-top")));
	old = json_object_get(before, "manifests");
	new = json_object_get(after, "manifests");
	assert_int_equal(json_array_size(new), 5);
	for (i = 0; i < 4; i++)
		assert_true(json_equal(json_array_get(old, i),
				       json_array_get(new, i)));
	json_decref(before);
	json_decref(after);
	/* A name that is no tag is not listed as one. */
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_int_equal(tags.n, 1);
	assert_string_equal(tags.items[0], "v2");
	mr_list_release(&tags);
}

static void the_last_of_two_names_counts_and_one_is_left(void **state)
{
	struct fixture *f = *state;
	struct mr_list tags = { .items = NULL };
	struct mreg_desc one, two, three;
	bool found = false;
	json_t *index, *entries;

	push_ok(f, "a", "one", &one);
	push_ok(f, "b", "two", &two);
	index = read_index(f);
	entries = json_object_get(index, "manifests");
	(void)json_object_set_new(
		json_object_get(json_array_get(entries, 1), "annotations"),
		"org.opencontainers.image.ref.name", json_string("a"));
	snprintf(f->root, sizeof(f->root), "%.3000s/index.json", f->repo);
	assert_int_equal(json_dump_file(index, f->root, 0), 0);
	json_decref(index);

	assert_tag(f, "a", &two);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_int_equal(tags.n, 1);
	mr_list_release(&tags);
	push_ok(f, "a", "three", &three);
	assert_tag(f, "a", &three);
	index = read_index(f);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 1);
	json_decref(index);
}

static void lists_repositories(void **state)
{
	static const char *const names[] = { "churn", "acme/models/llm",
					     "acme/models" };
	struct fixture *f = *state;
	struct mr_list list = { .items = NULL };
	struct mr_store *s = NULL;
	struct mreg_desc d;
	size_t i;

	for (i = 0; i < MR_COUNT(names); i++) {
		assert_ok(
			mr_layout_open(&f->env, f->root, names[i], &s, &f->err),
			f->err);
		assert_ok(push(s, "v1", "weights", &d, &f->err), f->err);
		mr_store_close(s);
	}
	test_write_text(f->root, "notes/README.md", "no layout");
	test_write_text(f->root, "UPPER/index.json", "{}");
	test_write_text(f->root, "churn/blobs/inner/index.json", "{}");
	assert_ok(mr_layout_repositories(&f->env, f->root, &list, &f->err),
		  f->err);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.items[0], "acme/models");
	assert_string_equal(list.items[1], "acme/models/llm");
	assert_string_equal(list.items[2], "churn");
	mr_list_release(&list);
}

/* -- others at the same time --------------------------------------------------
 */

/* Run `fn` in processes of their own; all must end with 0. */
static void in_processes(struct fixture *f, size_t n,
			 int (*fn)(struct fixture *f, size_t who))
{
	pid_t pids[PROCESSES];
	size_t i;
	int status;

	for (i = 0; i < n; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(fn(f, i));
	}
	for (i = 0; i < n; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

static int complain(const struct mreg_error *err)
{
	fprintf(stderr, "%s (%s)\n", err->msg, err->cause);
	return 1;
}

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
	return push(t->store, tag, tag, &d, err);
}

/* Each process tags from several threads over one store. */
static int tagger(struct fixture *f, size_t who)
{
	struct tagging t = { .who = who };
	struct mreg_error err = MREG_ERROR_INIT;
	int rc;

	rc = mr_layout_open(&f->env, f->root, REPOSITORY, &t.store, &err);
	if (rc == 0)
		rc = mr_task_run(&f->env, 3, TAGS_EACH, tag_task, &t, &err);
	return rc < 0 ? complain(&err) : 0;
}

static void many_writers_lose_no_tag(void **state)
{
	struct fixture *f = *state;
	struct mr_list tags = { .items = NULL };
	bool found = false;

	in_processes(f, PROCESSES, tagger);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_int_equal(tags.n, PROCESSES * TAGS_EACH);
	mr_list_release(&tags);
}

/* The first write makes the layout; the flock does not keep threads of one
 * process apart. */
static void threads_that_make_a_layout_at_once_lose_no_tag(void **state)
{
	struct fixture *f = *state;
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
static int claimer(struct fixture *f, size_t who)
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
			rc = push(s, tag, text, &d, &err);
		}
		mr_store_unlock(s);
		mr_list_release(&tags);
	}
	return rc < 0 ? complain(&err) : 0;
}

static void the_lock_keeps_numbers_apart(void **state)
{
	struct fixture *f = *state;
	struct mr_list tags = { .items = NULL };
	bool found = false;

	in_processes(f, PROCESSES, claimer);
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
	struct fixture *f = *state;
	struct mr_store *other = NULL;
	struct mreg_desc one, two;

	push_ok(f, "production", "one", &one);
	/* Old enough that the store trusts its copy of index.json. */
	nap_ms(150);
	assert_tag(f, "production", &one);
	assert_tag(f, "production", &one);
	assert_ok(mr_layout_open(&f->env, f->root, REPOSITORY, &other, &f->err),
		  f->err);
	assert_ok(push(other, "production", "two", &two, &f->err), f->err);
	assert_tag(f, "production", &two);
	nap_ms(150);
	assert_tag(f, "production", &two);
	assert_ok(mr_store_untag(other, "production", &f->err), f->err);
	assert_tag(f, "production", NULL);
	mr_store_close(other);
}

static int push_forever(struct fixture *f, size_t who)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_store *s;
	struct mreg_desc d;
	char text[32];
	size_t i;

	if (mr_layout_open(&f->env, f->root, REPOSITORY, &s, &err) < 0)
		return complain(&err);
	for (i = 0;; i++) {
		snprintf(text, sizeof(text), "t%zu-%zu", who, i);
		if (push(s, text, text, &d, &err) < 0)
			return complain(&err);
	}
}

/* Every file that is named by a digest has it. */
static void assert_blobs_right(struct fixture *f)
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
	struct fixture *f = *state;
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
	push_ok(f, "last", "last", &d);
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
	struct fixture *f = *state;
	char path[PATH_MAX + 64];
	struct mreg_desc d;
	int fd;

	test_write_text(f->repo, dead, "half");
	test_write_text(f->repo, held, "half");
	snprintf(path, sizeof(path), "%s/%s", f->repo, held);
	fd = open(path, O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	push_ok(f, "v1", "weights", &d);
	assert_false(test_exists(f->repo, dead));
	assert_true(test_exists(f->repo, held));
	(void)close(fd);
}

/* -- what is broken
 * ------------------------------------------------------------ */

static void a_flipped_bit_is_found(void **state)
{
	struct fixture *f = *state;
	struct mr_buf got = MR_BUF_INIT(100);
	struct mreg_desc d;
	char name[160], hint[PATH_MAX + 300];

	assert_ok(describe("weights", 7, MR_MEDIA_OCTETS, &d, &f->err), f->err);
	assert_ok(mr_store_put_bytes(f->store, &d, "weights", &f->err), f->err);
	test_write_text(f->repo, blob_name(&d.digest, name), "weighdr");
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
	struct fixture *f = *state;
	struct mr_doc doc = MR_DOC_INIT;
	char text[MREG_DIGEST_TEXT], name[160];
	struct mreg_desc d;
	bool found;
	char *bytes;

	push_ok(f, "v1", "weights", &d);
	bytes = test_read(f->repo, blob_name(&d.digest, name), NULL);
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
	struct fixture *f = *state;
	struct mr_buf got = MR_BUF_INIT(100);
	struct mreg_desc d;
	char name[160];
	bool found = true;

	assert_ok(describe("weights", 7, MR_MEDIA_OCTETS, &d, &f->err), f->err);
	test_write_text(f->repo, blob_name(&d.digest, name), "weig");
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
	struct fixture *f = *state;
	struct mr_doc doc = MR_DOC_INIT;
	char path[PATH_MAX + 200], name[160];
	struct mreg_desc d;
	bool found;

	push_ok(f, "v1", "weights", &d);
	snprintf(path, sizeof(path), "%s/%s", f->repo,
		 blob_name(&d.digest, name));
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
	struct fixture *f = *state;
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
			    push(f->store, "v1", "weights", &d, &f->err),
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
	struct fixture *f = *state;
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
		push_ok(f, "v2", "weights", &d);
		push_ok(f, "v1", "weights", &d);
		assert_tag(f, "v1", &d);
	}
}

static void a_file_where_the_store_should_be_is_told(void **state)
{
	struct fixture *f = *state;
	struct mreg_desc d;

	test_write_text(f->dir, "store", "a file");
	assert_code(MREG_EIO, push(f->store, "v1", "weights", &d, &f->err),
		    f->err);
	assert_has(f->err.hint, "a file stands where the folder should be");
}

static void refuses_what_is_no_repository(void **state)
{
	struct fixture *f = *state;
	struct mr_store *s = NULL;

	assert_code(MREG_EUSAGE,
		    mr_layout_open(&f->env, f->root, "../up", &s, &f->err),
		    f->err);
	assert_code(MREG_EUSAGE,
		    mr_layout_open(&f->env, f->root, "", &s, &f->err), f->err);
}

/* A child that is not root: 0 when the push failed as it should. */
static int push_as_nobody(struct fixture *f, size_t who)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc d;

	(void)who;
	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 2;
	if (push(f->store, "v1", "weights", &d, &err) != MREG_EIO)
		return complain(&err);
	return strcmp(err.hint, "check who owns it and its permissions")
		       ? complain(&err)
		       : 0;
}

static void an_unwritable_store_is_told(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0) {
		print_message("needs root, to become somebody else\n");
		skip();
	}
	assert_int_equal(chmod(f->dir, 0755), 0);
	in_processes(f, 1, push_as_nobody);
	assert_int_equal(test_count(f->dir), 0);
}

/* In a mount namespace of its own, on a file system of 1 MiB. */
static int push_until_full(struct fixture *f, size_t who)
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
	if (!big || describe(big, n, MR_MEDIA_OCTETS, &d, &err) < 0)
		return 1;
	/* A small one fits, the big one does not, by digest or as a stream. */
	if (push(f->store, "v1", "weights", &(struct mreg_desc){ 0 }, &err) < 0)
		return complain(&err);
	if (mr_store_put_bytes(f->store, &d, big, &err) != MREG_EIO ||
	    err.sys != ENOSPC || !strstr(err.hint, "free some space"))
		return complain(&err);
	if (mr_stream_memory(big, n, &in, &err) < 0 ||
	    mr_store_put_stream(f->store, in, n, "big", &m, &err) != MREG_EIO ||
	    err.sys != ENOSPC)
		return complain(&err);
	if (mr_store_has(f->store, &d, &found, &err) < 0 || found)
		return 3;
	/* No part takes up the space, and there is room again. */
	snprintf(path, sizeof(path), "%s/blobs/sha256", f->repo);
	if (test_count(path) != 3)
		return 4;
	if (push(f->store, "v2", "more", &(struct mreg_desc){ 0 }, &err) < 0)
		return complain(&err);
	return 0;
}

static void a_full_disk_is_told_and_leaves_room(void **state)
{
	struct fixture *f = *state;
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
static unsigned long long bytes_read(void)
{
	unsigned long long n = 0;
	FILE *io = fopen("/proc/self/io", "r");

	assert_non_null(io);
	assert_int_equal(fscanf(io, "rchar: %llu", &n), 1);
	(void)fclose(io);
	return n;
}

static void reads_each_byte_once(void **state)
{
	struct fixture *f = *state;
	struct mr_buf got = MR_BUF_INIT(8 << 20);
	size_t n = 4 << 20;
	char *big = mr_zalloc(n);
	unsigned long long before;
	struct mreg_desc d;

	memset(big, 7, n);
	assert_ok(describe(big, n, MR_MEDIA_OCTETS, &d, &f->err), f->err);
	before = bytes_read();
	assert_ok(mr_store_put_bytes(f->store, &d, big, &f->err), f->err);
	assert_true(bytes_read() - before < 10000);
	before = bytes_read();
	assert_ok(mr_store_load(f->store, &d, &got, &f->err), f->err);
	assert_true(bytes_read() - before < n + 10000);
	mr_buf_release(&got);
	mr_release(big);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(readers_create_nothing),
		TEST(writes_what_oras_and_skopeo_read),
		TEST(a_manifest_by_digest_is_only_a_blob),
		TEST(keeps_what_others_wrote),
		TEST(the_last_of_two_names_counts_and_one_is_left),
		TEST(lists_repositories),
		TEST(many_writers_lose_no_tag),
		TEST(threads_that_make_a_layout_at_once_lose_no_tag),
		TEST(the_lock_keeps_numbers_apart),
		TEST(sees_what_others_change),
		TEST(a_killed_writer_leaves_nothing_wrong),
		TEST(sweeps_away_the_parts_of_the_dead),
		TEST(a_flipped_bit_is_found),
		TEST(a_changed_manifest_is_found),
		TEST(a_truncated_blob_is_not_there_and_can_be_put_again),
		TEST(a_tag_without_its_manifest_is_told),
		TEST(a_broken_index_is_refused_and_left_alone),
		TEST(a_broken_entry_is_told_by_its_tag),
		TEST(a_file_where_the_store_should_be_is_told),
		TEST(refuses_what_is_no_repository),
		TEST(an_unwritable_store_is_told),
		TEST(a_full_disk_is_told_and_leaves_room),
		TEST(reads_each_byte_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_layout.c - a layout on disk: what is written, and what others wrote.
 * Several writers are in test_layout_writers.c, what is broken in
 * test_layout_broken.c.
 */
#include "tests/support/layout_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"

static void readers_create_nothing(void **state)
{
	struct lay *f = *state;
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
	struct lay *f = *state;
	char text[MREG_DIGEST_TEXT];
	json_t *index, *entry;
	struct mreg_desc d;
	char *layout;

	lay_push_ok(f, "v1", "weights", &d);
	layout = test_read(f->repo, "oci-layout", NULL);
	assert_string_equal(layout, "{\"imageLayoutVersion\":\"1.0.0\"}");
	free(layout);
	index = lay_read_index(f);
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
	struct lay *f = *state;
	struct mr_list tags = { .items = NULL };
	struct mr_doc doc = MR_DOC_INIT;
	char text[MREG_DIGEST_TEXT];
	struct mreg_desc d;
	bool found = false;
	json_t *index;

	lay_push_ok(f, "v1", "weights", &d);
	assert_ok(mr_store_untag(f->store, "v1", &f->err), f->err);
	index = lay_read_index(f);
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
	struct lay *f = *state;
	struct mr_list tags = { .items = NULL };
	json_t *before = NULL, *after, *old, *new;
	struct mreg_desc d;
	bool found = false;
	size_t i;

	test_write_text(f->repo, "index.json", foreign_index);
	lay_push_ok(f, "v1", "weights", &d);
	lay_push_ok(f, "v2", "more weights", &d);
	assert_ok(mr_store_untag(f->store, "v1", &f->err), f->err);
	assert_ok(mr_json_parse(foreign_index, strlen(foreign_index), 1 << 20,
				"it", &before, &f->err),
		  f->err);
	after = lay_read_index(f);
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
	struct lay *f = *state;
	struct mr_list tags = { .items = NULL };
	struct mreg_desc one, two, three;
	bool found = false;
	json_t *index, *entries;

	lay_push_ok(f, "a", "one", &one);
	lay_push_ok(f, "b", "two", &two);
	index = lay_read_index(f);
	entries = json_object_get(index, "manifests");
	(void)json_object_set_new(
		json_object_get(json_array_get(entries, 1), "annotations"),
		"org.opencontainers.image.ref.name", json_string("a"));
	snprintf(f->root, sizeof(f->root), "%.3000s/index.json", f->repo);
	assert_int_equal(json_dump_file(index, f->root, 0), 0);
	json_decref(index);

	lay_assert_tag(f, "a", &two);
	assert_ok(mr_store_tags(f->store, &tags, &found, &f->err), f->err);
	assert_int_equal(tags.n, 1);
	mr_list_release(&tags);
	lay_push_ok(f, "a", "three", &three);
	lay_assert_tag(f, "a", &three);
	index = lay_read_index(f);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 1);
	json_decref(index);
}

static void lists_repositories(void **state)
{
	static const char *const names[] = { "churn", "acme/models/llm",
					     "acme/models" };
	struct lay *f = *state;
	struct mr_list list = { .items = NULL };
	struct mr_store *s = NULL;
	struct mreg_desc d;
	size_t i;

	for (i = 0; i < MR_COUNT(names); i++) {
		assert_ok(
			mr_layout_open(&f->env, f->root, names[i], &s, &f->err),
			f->err);
		assert_ok(lay_push(s, "v1", "weights", &d, &f->err), f->err);
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

/* -- who refers to whom -----------------------------------------------------
 */

/* A manifest of the layer "weights" about `subject`, by digest. */
static void attach(struct lay *f, const char *reference,
		   const struct mreg_desc *subject, struct mreg_desc *out)
{
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mr_descriptor layer = { .artifact_type = NULL };
	struct mr_descriptor about = { .desc = *subject };
	struct mr_manifest_draft draft = {
		.artifact_type = "application/vnd.test.v1",
		.config = { .desc = mr_empty_desc },
		.layers = &layer,
		.layer_count = 1,
		.subject = &about,
	};
	char text[MREG_DIGEST_TEXT];

	assert_ok(lay_describe("weights", 7, MR_MEDIA_OCTETS, &layer.desc,
			       &f->err),
		  f->err);
	assert_ok(mr_manifest_write(&draft, &bytes, &f->err), f->err);
	assert_ok(lay_describe(bytes.data, bytes.len, MR_MEDIA_MANIFEST, out,
			       &f->err),
		  f->err);
	assert_ok(mr_store_set(f->store,
			       reference ? reference
					 : mreg_digest_text(&out->digest, text),
			       out, bytes.data, NULL, &f->err),
		  f->err);
	mr_buf_release(&bytes);
}

static size_t refer(struct lay *f, const struct mreg_desc *subject)
{
	struct mr_referrers r = MR_REFERRERS_INIT;
	size_t n;

	assert_ok(mr_store_referrers(f->store, &subject->digest, NULL, &r,
				     &f->err),
		  f->err);
	n = r.count;
	mr_referrers_release(&r);
	return n;
}

/* What `oras discover --oci-layout` reads. */
static void who_refers_gets_an_entry_without_a_tag(void **state)
{
	struct lay *f = *state;
	struct mreg_desc d, a;
	char text[MREG_DIGEST_TEXT];
	json_t *index, *entry;

	lay_push_ok(f, "v1", "weights", &d);
	attach(f, NULL, &d, &a);
	attach(f, NULL, &d, &a);
	index = lay_read_index(f);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")),
			 2);
	entry = json_array_get(json_object_get(index, "manifests"), 1);
	assert_string_equal(json_string_value(json_object_get(entry, "digest")),
			    mreg_digest_text(&a.digest, text));
	assert_string_equal(
		json_string_value(json_object_get(entry, "artifactType")),
		"application/vnd.test.v1");
	assert_null(json_object_get(entry, "annotations"));
	json_decref(index);
	/* The tag of it comes and goes. */
	attach(f, "attached", &d, &a);
	assert_ok(mr_store_untag(f->store, "attached", &f->err), f->err);
	assert_int_equal(refer(f, &d), 1);
}

/* Another store over the same folder wrote it, after we had looked. */
static void sees_who_came_later(void **state)
{
	struct lay *f = *state;
	struct mr_store *mine = f->store;
	struct mreg_desc d, a;

	lay_push_ok(f, "v1", "weights", &d);
	assert_int_equal(refer(f, &d), 0);
	assert_ok(mr_layout_open(&f->env, f->root, REPOSITORY, &f->store,
				 &f->err),
		  f->err);
	attach(f, NULL, &d, &a);
	mr_store_close(f->store);
	f->store = mine;
	assert_int_equal(refer(f, &d), 1);
	assert_int_equal(refer(f, &a), 0);
}

/* Its index.json names the list only, under the fallback tag. */
static void reads_what_regctl_lists(void **state)
{
	struct lay *f = *state;
	struct mreg_desc d, a, list;
	char text[1024], digest[MREG_DIGEST_TEXT], tag[MREG_DIGEST_TEXT];
	json_t *index;

	lay_push_ok(f, "v1", "weights", &d);
	attach(f, NULL, &d, &a);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" MR_MEDIA_INDEX
		 "\",\"manifests\":[{\"mediaType\":\"" MR_MEDIA_MANIFEST
		 "\",\"digest\":\"%s\",\"size\":%u}]}",
		 mreg_digest_text(&a.digest, digest), (unsigned int)a.size);
	assert_ok(lay_describe(text, strlen(text), MR_MEDIA_INDEX, &list,
			       &f->err),
		  f->err);
	mreg_digest_text(&d.digest, tag);
	*strchr(tag, ':') = '-';
	assert_ok(mr_store_set(f->store, tag, &list, text, NULL, &f->err),
		  f->err);
	index = lay_read_index(f);
	assert_int_equal(
		json_array_remove(json_object_get(index, "manifests"), 1), 0);
	{
		char *out = json_dumps(index, 0);

		test_write_text(f->repo, "index.json", out);
		free(out);
	}
	json_decref(index);
	assert_int_equal(refer(f, &d), 1);
	/* What is wrong with it is nobody's fault who asks. */
	test_write_text(f->repo, lay_blob_name(&list.digest, text), "broken");
	assert_int_equal(refer(f, &d), 0);
}

static void a_document_that_is_gone_or_wrong(void **state)
{
	struct lay *f = *state;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mreg_desc d, a;
	char name[160], path[PATH_MAX + 200];

	lay_push_ok(f, "v1", "weights", &d);
	attach(f, NULL, &d, &a);
	test_write_text(f->repo, lay_blob_name(&a.digest, name), "{}");
	assert_code(MREG_EINTEGRITY,
		    mr_store_referrers(f->store, &d.digest, NULL, &r, &f->err),
		    f->err);
	assert_has(f->err.hint, "push it again");
	snprintf(path, sizeof(path), "%s/%s", f->repo, name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(refer(f, &d), 0);
}

/* -- files of its own -------------------------------------------------------
 */

static void gives_the_file_of_a_blob(void **state)
{
	struct lay *f = *state;
	struct mreg_desc d, layer;
	char name[160], got[16];
	int fd = 7;

	assert_ok(lay_describe("weights", 7, MR_MEDIA_OCTETS, &layer, &f->err),
		  f->err);
	assert_ok(mr_store_file(f->store, &layer, &fd, &f->err), f->err);
	assert_int_equal(fd, -1);
	lay_push_ok(f, "v1", "weights", &d);
	assert_ok(mr_store_file(f->store, &layer, &fd, &f->err), f->err);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof(got)), 7);
	assert_memory_equal(got, "weights", 7);
	assert_int_equal(write(fd, "x", 1), -1);
	(void)close(fd);
	/* What has another size is not the blob. */
	test_write_text(f->repo, lay_blob_name(&layer.digest, name), "weigh");
	assert_ok(mr_store_file(f->store, &layer, &fd, &f->err), f->err);
	assert_int_equal(fd, -1);
}

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
	struct lay *f = *state;
	struct mr_buf got = MR_BUF_INIT(8 << 20);
	size_t n = 4 << 20;
	char *big = mr_zalloc(n);
	unsigned long long before;
	struct mreg_desc d;

	memset(big, 7, n);
	assert_ok(lay_describe(big, n, MR_MEDIA_OCTETS, &d, &f->err), f->err);
	before = bytes_read();
	assert_ok(mr_store_put_bytes(f->store, &d, big, &f->err), f->err);
	assert_true(bytes_read() - before < 10000);
	before = bytes_read();
	assert_ok(mr_store_load(f->store, &d, &got, &f->err), f->err);
	assert_true(bytes_read() - before < n + 10000);
	mr_buf_release(&got);
	mr_release(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAY_TEST(readers_create_nothing),
		LAY_TEST(writes_what_oras_and_skopeo_read),
		LAY_TEST(a_manifest_by_digest_is_only_a_blob),
		LAY_TEST(keeps_what_others_wrote),
		LAY_TEST(the_last_of_two_names_counts_and_one_is_left),
		LAY_TEST(lists_repositories),
		LAY_TEST(who_refers_gets_an_entry_without_a_tag),
		LAY_TEST(sees_who_came_later),
		LAY_TEST(reads_what_regctl_lists),
		LAY_TEST(a_document_that_is_gone_or_wrong),
		LAY_TEST(gives_the_file_of_a_blob),
		LAY_TEST(reads_each_byte_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_archive_foreign.c - archives made by others: with more than belongs
 * there, damaged, or by somebody who means harm.
 */
#include "tests/support/archive_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "content/digest.h"

#define BLOCK MR_TAR_BLOCK_BYTES
#define LAYOUT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define EMPTY_INDEX "{\"schemaVersion\":2,\"manifests\":[]}"

static void add(struct ar *f, const char *path, const void *bytes, size_t n)
{
	assert_ok(mr_tar_header(path, n, &f->bytes, &f->err), f->err);
	mr_buf_add(&f->bytes, bytes, n);
	while (f->bytes.len % BLOCK != 0)
		mr_buf_putc(&f->bytes, '\0');
}

static void add_text(struct ar *f, const char *path, const char *text)
{
	add(f, path, text, strlen(text));
}

/* Make an entry at `at` of the archive another type of entry. */
static void retype(struct ar *f, size_t at, char type)
{
	unsigned char *h = (unsigned char *)f->bytes.data + at;
	unsigned int sum = 0;
	size_t i;

	h[156] = (unsigned char)type;
	snprintf((char *)h + 157, 100, "/etc/passwd");
	memset(h + 148, ' ', 8);
	for (i = 0; i < BLOCK; i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
}

/* Write what was made, with its end, and open it. */
static int open_made(struct ar *f)
{
	size_t i;

	for (i = 0; i < MR_TAR_END_BYTES; i++)
		mr_buf_putc(&f->bytes, '\0');
	test_write(f->dir, "a.tar", f->bytes.data, f->bytes.len);
	mr_buf_clear(&f->bytes);
	return ar_reopen(f);
}

static const char *blob_path(const struct mreg_desc *d)
{
	static char path[200];
	char hex[129];

	snprintf(path, sizeof(path), "blobs/sha256/%s",
		 mr_digest_hex(&d->digest, hex));
	return path;
}

/* As `tar -C DIR -c .` makes it, index first, with more than belongs there. */
static void reads_what_others_pack(void **state)
{
	struct ar *f = *state;
	struct mr_buf got = MR_BUF_INIT(100);
	struct mreg_desc d;
	char path[256];
	bool found = false;

	ar_describe("weights", 7, MR_MEDIA_OCTETS, &d);
	add_text(f, "./", "");
	add_text(f, "./index.json", EMPTY_INDEX);
	snprintf(path, sizeof(path), "./%s", blob_path(&d));
	add_text(f, path, "weights");
	add_text(f, path, "weights"); /* twice, and the same */
	add_text(f, "./../../etc/passwd", "root");
	add_text(f, "/etc/passwd", "root");
	add_text(f, "./blobs/sha256/../../../etc/passwd", "root");
	add_text(f, "./blobs/md5/d41d8cd98f00b204e9800998ecf8427e", "");
	add_text(f, "./repositories", "{}");
	add_text(f, "./oci-layout", LAYOUT "\n");
	assert_ok(open_made(f), f->err);
	assert_ok(mr_store_has(f->store, &d, &found, &f->err), f->err);
	assert_true(found);
	assert_ok(mr_store_load(f->store, &d, &got, &f->err), f->err);
	assert_string_equal(mr_buf_text(&got), "weights");
	assert_int_equal(test_count(f->dir), 1);
	mr_buf_release(&got);
}

static void other_bytes_are_found(void **state)
{
	struct ar *f = *state;
	struct mr_buf got = MR_BUF_INIT(100);
	struct mreg_desc d, longer;

	ar_describe("weights", 7, MR_MEDIA_OCTETS, &d);
	add_text(f, "oci-layout", LAYOUT);
	add_text(f, blob_path(&d), "weighty");
	add_text(f, "index.json", EMPTY_INDEX);
	assert_ok(open_made(f), f->err);
	assert_code(MREG_EINTEGRITY, mr_store_load(f->store, &d, &got, &f->err),
		    f->err);
	assert_has(f->err.msg, "in archive store");
	assert_has(f->err.hint, "damaged");
	longer = d;
	longer.size = 8;
	assert_code(MREG_EINTEGRITY,
		    mr_store_load(f->store, &longer, &got, &f->err), f->err);
	mr_buf_release(&got);
}

static void a_tag_without_its_manifest_is_told(void **state)
{
	struct ar *f = *state;
	struct mr_doc doc = MR_DOC_INIT;
	struct mreg_desc d;
	bool found;

	ar_create(f);
	ar_push(f, "v1", "one", NULL, &d);
	ar_finish(f);
	add_text(f, "oci-layout", LAYOUT);
	add_text(f, "index.json",
		 "{\"manifests\":[{\"mediaType\":\"" MR_MEDIA_MANIFEST
		 "\",\"digest\":\"sha256:0000000000000000000000000000000000000"
		 "000000000000000000000000001\",\"size\":7,\"annotations\":{"
		 "\"org.opencontainers.image.ref.name\":\"v1\"}},{\"digest\":"
		 "\"x\",\"annotations\":{\"org.opencontainers.image.ref.name\":"
		 "\"v2\"}}]}");
	assert_ok(open_made(f), f->err);
	assert_code(MREG_ENOTFOUND,
		    mr_store_get(f->store, "v1", &doc, &found, &f->err),
		    f->err);
	assert_has(f->err.msg, "tag 'v1' names 'sha256:");
	assert_true(f->err.hint[0]);
	assert_code(MREG_EFORMAT,
		    mr_store_get(f->store, "v2", &doc, &found, &f->err),
		    f->err);
	assert_has(f->err.msg, "tag 'v2'");
}

static void what_is_no_layout_is_told(void **state)
{
	struct ar *f = *state;

	add_text(f, "readme", "hello");
	assert_code(MREG_EFORMAT, open_made(f), f->err);
	assert_has(f->err.msg, "it has no 'index.json'");
	assert_true(f->err.hint[0]);
	add_text(f, "index.json", EMPTY_INDEX);
	assert_code(MREG_EFORMAT, open_made(f), f->err);
	assert_has(f->err.msg, "it has no 'oci-layout'");
	/* docker save before it wrote layouts */
	add_text(f, "manifest.json", "[]");
	add_text(f, "repositories", "{}");
	assert_code(MREG_EFORMAT, open_made(f), f->err);
	assert_has(f->err.hint, "docker-archive:FILE oci-archive:FILE2:v1");
	add_text(f, "oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
	add_text(f, "index.json", EMPTY_INDEX);
	assert_code(MREG_EUNSUPPORTED, open_made(f), f->err);
	assert_has(f->err.msg, "version '2.0.0'");
}

static void entries_that_count_are_there_once(void **state)
{
	struct ar *f = *state;
	struct mreg_desc d;

	add_text(f, "oci-layout", LAYOUT);
	add_text(f, "index.json", EMPTY_INDEX);
	add_text(f, "./index.json", EMPTY_INDEX);
	assert_code(MREG_EFORMAT, open_made(f), f->err);
	assert_has(f->err.msg, "has 'index.json' twice");
	ar_describe("weights", 7, MR_MEDIA_OCTETS, &d);
	add_text(f, "oci-layout", LAYOUT);
	add_text(f, blob_path(&d), "weights");
	add_text(f, blob_path(&d), "weightier");
	add_text(f, "index.json", EMPTY_INDEX);
	assert_code(MREG_EFORMAT, open_made(f), f->err);
	assert_has(f->err.msg, "twice");
}

static void links_are_not_followed(void **state)
{
	static const char types[] = { '1', '2', '3', '5' };
	struct ar *f = *state;
	struct mreg_desc d;
	size_t i, at;

	ar_describe("", 0, MR_MEDIA_OCTETS, &d);
	for (i = 0; i < 2 * sizeof(types); i++) {
		const char *path = i % 2 ? blob_path(&d) : "index.json";

		add_text(f, "oci-layout", LAYOUT);
		at = f->bytes.len;
		add_text(f, path, "");
		retype(f, at, types[i / 2]);
		assert_code(MREG_EFORMAT, open_made(f), f->err);
		assert_has(f->err.msg, path);
		assert_has(f->err.msg,
			   types[i / 2] < '3' ? "is a link" : "is no file");
	}
}

static void documents_beyond_their_limit_are_told(void **state)
{
	struct ar *f = *state;
	char *large = mr_zalloc(17 << 20);

	memset(large, ' ', 17 << 20);
	add_text(f, "oci-layout", LAYOUT);
	add(f, "index.json", large, 17 << 20);
	assert_code(MREG_ELIMIT, open_made(f), f->err);
	assert_has(f->err.msg, "'index.json'");
	add(f, "oci-layout", large, 1 << 20);
	add_text(f, "index.json", EMPTY_INDEX);
	assert_code(MREG_ELIMIT, open_made(f), f->err);
	assert_has(f->err.msg, "'oci-layout'");
	mr_release(large);
}

static void broken_documents_are_told(void **state)
{
	static const char *const broken[] = { "",
					      "{",
					      "[]",
					      "{}",
					      "{\"manifests\":7}",
					      "{\"manifests\":[],"
					      "\"manifests\":[]}" };
	struct ar *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(broken); i++) {
		add_text(f, "oci-layout", LAYOUT);
		add_text(f, "index.json", broken[i]);
		assert_code(MREG_EFORMAT, open_made(f), f->err);
		assert_has(f->err.msg, "a.tar/index.json");
	}
	add_text(f, "oci-layout", "1.0.0");
	add_text(f, "index.json", EMPTY_INDEX);
	assert_code(MREG_EFORMAT, open_made(f), f->err);
	assert_has(f->err.msg, "'oci-layout'");
}

static void cut_anywhere_it_is_not_opened(void **state)
{
	struct ar *f = *state;
	struct mreg_desc d;
	size_t n, cut;
	char *bytes;

	ar_create(f);
	ar_push(f, "v1", "one", NULL, &d);
	ar_push(f, NULL, "report", &d, &d);
	ar_finish(f);
	bytes = test_read(f->dir, "a.tar", &n);
	/* Of the two blocks of its end one may be lost, and nothing else. */
	for (cut = 0; cut < n - BLOCK; cut += BLOCK / 2) {
		test_write(f->dir, "a.tar", bytes, cut);
		assert_code(MREG_EFORMAT, ar_reopen(f), f->err);
		assert_has(f->err.msg, "a.tar");
	}
	test_write(f->dir, "a.tar", bytes, n);
	assert_ok(ar_reopen(f), f->err);
	free(bytes);
}

static void what_is_no_file_is_told(void **state)
{
	struct ar *f = *state;

	assert_code(MREG_ENOTFOUND, ar_reopen(f), f->err);
	assert_int_equal(mkdir(f->path, 0755), 0);
	assert_code(MREG_EFORMAT, ar_reopen(f), f->err);
	assert_has(f->err.hint, "oci:");
	assert_int_equal(rmdir(f->path), 0);
	assert_int_equal(mkfifo(f->path, 0644), 0);
	assert_code(MREG_EFORMAT, ar_reopen(f), f->err);
	assert_has(f->err.msg, "is no file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AR_TEST(reads_what_others_pack),
		AR_TEST(other_bytes_are_found),
		AR_TEST(a_tag_without_its_manifest_is_told),
		AR_TEST(what_is_no_layout_is_told),
		AR_TEST(entries_that_count_are_there_once),
		AR_TEST(links_are_not_followed),
		AR_TEST(documents_beyond_their_limit_are_told),
		AR_TEST(broken_documents_are_told),
		AR_TEST(cut_anywhere_it_is_not_opened),
		AR_TEST(what_is_no_file_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * fuzz_archive.c - an archive store from arbitrary bytes: it is refused with a
 * reason, or what it says it has is what is read, proven or refused.
 */
#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "content/digest.h"
#include "oci/oci.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void remove_file(void)
{
	(void)unlink(path);
}

/* In memory where there is such a place. */
static int make_file(void)
{
	int fd;

	snprintf(path, sizeof(path), "%s/mreg-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	fd = mkstemp(path);
	if (fd < 0)
		abort();
	(void)atexit(remove_file);
	return fd;
}

/* What is loaded has the digest it was asked by. */
static void load(struct mr_store *s, const struct mreg_desc *d)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf bytes = MR_BUF_INIT(1 << 20);
	struct mreg_digest got;

	if (mr_store_load(s, d, &bytes, &err) < 0) {
		assert(err.msg[0]); /* failing without a reason is a bug */
	} else if (d->digest.algorithm == MREG_SHA256) {
		assert(bytes.len == d->size);
		if (mr_digest_of(bytes.data, bytes.len, &got, &err) < 0)
			abort();
		assert(mreg_digest_equal(&got, &d->digest));
	}
	mr_buf_release(&bytes);
}

static void read_tag(struct mr_store *s, const char *tag)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_referrers r = MR_REFERRERS_INIT;
	struct mr_manifest *m = NULL;
	struct mr_doc doc = MR_DOC_INIT;
	bool found = false;
	size_t i;

	if (mr_store_get(s, tag, &doc, &found, &err) < 0) {
		assert(err.msg[0]);
	} else if (found) {
		if (mr_store_referrers(s, &doc.desc.digest, NULL, &r, &err) < 0)
			assert(err.msg[0]);
		for (i = 0; i < r.count; i++)
			load(s, &r.items[i].desc);
		if (mr_manifest_parse(doc.bytes.data, doc.bytes.len,
				      doc.desc.media_type, &m, &err) == 0)
			for (i = 0; i < m->layer_count; i++)
				load(s, &m->layers[i].desc);
	}
	mr_manifest_free(m);
	mr_referrers_release(&r);
	mr_doc_release(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_list tags = { .items = NULL };
	struct mr_store *s = NULL;
	struct mr_env env;
	bool found = false;
	size_t i;

	if (fd < 0)
		fd = make_file();
	if (ftruncate(fd, 0) < 0 ||
	    mr_file_write_at(fd, data, size, 0, path, &err) < 0)
		abort();
	mr_env_init(&env);
	if (mr_archive_open(&env, path, &s, &err) < 0) {
		assert(err.msg[0]);
	} else if (mr_store_tags(s, &tags, &found, &err) < 0) {
		assert(err.msg[0]);
	} else {
		for (i = 0; i < tags.n; i++)
			read_tag(s, tags.items[i]);
	}
	mr_list_release(&tags);
	mr_store_close(s);
	mr_env_release(&env);
	return 0;
}

/*
 * fuzz_metadata.c - any bytes as a metadata file.  What is accepted can be
 * written, parsed, read back, and written again to the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int write_docs(const struct mr_meta *meta, struct mr_model_docs *out,
		      struct mreg_error *err)
{
	struct mr_model_file files[] = {
		{ .path = "model.gguf", .size = 104, .tested = true },
		{ .path = "run.sh", .size = 3, .executable = true },
	};

	if (mr_digest_of("a", 1, &files[0].digest, err) < 0 ||
	    mr_digest_of("b", 1, &files[1].digest, err) < 0)
		abort();
	return mr_model_write(meta, "name", files, MR_COUNT(files), out, err);
}

static void read_again(const struct mr_model_docs *docs)
{
	MR_AUTO(mr_model_docs_release) struct mr_model_docs again = { 0 };
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	MR_AUTO(mr_meta_freep) struct mr_meta *meta = NULL;
	struct mreg_error err = MREG_ERROR_INIT;

	if (mr_meta_new(&meta, &err) < 0 ||
	    mr_manifest_parse(docs->manifest.data, docs->manifest.len,
			      MR_MEDIA_MANIFEST, &m, &err) < 0 ||
	    mr_meta_read(m, meta, &err) < 0 ||
	    mr_meta_read_config(docs->config.data, docs->config.len, meta,
				&err) < 0 ||
	    write_docs(meta, &again, &err) < 0)
		abort();
	if (again.manifest.len != docs->manifest.len ||
	    memcmp(again.manifest.data, docs->manifest.data,
		   docs->manifest.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_model_docs_release) struct mr_model_docs docs = { 0 };
	MR_AUTO(mr_meta_freep) struct mr_meta *meta = NULL;
	struct mreg_error err = MREG_ERROR_INIT;
	int rc;

	if (mr_meta_new(&meta, &err) < 0)
		abort();
	rc = mr_meta_load(meta, (const char *)data, size, "fuzz", &err);
	if (rc == 0) {
		rc = write_docs(meta, &docs, &err);
		if (rc == 0)
			read_again(&docs);
	}
	/* A failure is complete. */
	if (rc < 0 && ((int)err.code != rc || err.msg[0] == '\0'))
		abort();
	/* Any bytes as another tool's config. */
	if (mr_meta_read_config(data, size, meta, &err) < 0)
		abort();
	return 0;
}

/*
 * tests/support/layout_fixture.c - a layout store in a folder of its own, and
 * what is pushed into it.
 */
#include "tests/support/layout_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "content/digest.h"

int lay_setup(void **state)
{
	struct lay *f = mr_zalloc(sizeof(*f));

	mr_env_init(&f->env);
	f->dir = test_tmpdir_new();
	snprintf(f->root, sizeof(f->root), "%.3000s/store", f->dir);
	snprintf(f->repo, sizeof(f->repo), "%.3000s/store/" REPOSITORY, f->dir);
	*state = f;
	return mr_layout_open(&f->env, f->root, REPOSITORY, &f->store, &f->err);
}

int lay_teardown(void **state)
{
	struct lay *f = *state;

	mr_store_close(f->store);
	mr_env_release(&f->env);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

int lay_describe(const void *bytes, size_t n, const char *type,
		 struct mreg_desc *out, struct mreg_error *err)
{
	*out = (struct mreg_desc){ .size = n };
	snprintf(out->media_type, sizeof(out->media_type), "%s", type);
	return mr_digest_of(bytes, n, &out->digest, err);
}

int lay_push(struct mr_store *s, const char *tag, const char *text,
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

	rc = lay_describe(text, strlen(text), MR_MEDIA_OCTETS, &layer.desc,
			  err);
	if (rc == 0)
		rc = mr_manifest_write(&draft, &bytes, err);
	if (rc == 0)
		rc = lay_describe(bytes.data, bytes.len, MR_MEDIA_MANIFEST, out,
				  err);
	if (rc == 0)
		rc = mr_store_put_bytes(s, &mr_empty_desc, "{}", err);
	if (rc == 0)
		rc = mr_store_put_bytes(s, &layer.desc, text, err);
	return rc < 0 ? rc : mr_store_set(s, tag, out, bytes.data, NULL, err);
}

void lay_push_ok(struct lay *f, const char *tag, const char *text,
		 struct mreg_desc *out)
{
	assert_ok(lay_push(f->store, tag, text, out, &f->err), f->err);
}

const char *lay_blob_name(const struct mreg_digest *d, char out[160])
{
	char hex[129];

	snprintf(out, 160, "blobs/sha256/%s", mr_digest_hex(d, hex));
	return out;
}

void lay_assert_tag(struct lay *f, const char *tag,
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

json_t *lay_read_index(struct lay *f)
{
	json_t *j = NULL;
	size_t n;
	char *text = test_read(f->repo, "index.json", &n);

	assert_ok(mr_json_parse(text, n, 1 << 20, "index.json", &j, &f->err),
		  f->err);
	free(text);
	return j;
}

void lay_in_processes(struct lay *f, size_t n,
		      int (*fn)(struct lay *f, size_t who))
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

int lay_complain(const struct mreg_error *err)
{
	fprintf(stderr, "%s (%s)\n", err->msg, err->cause);
	return 1;
}

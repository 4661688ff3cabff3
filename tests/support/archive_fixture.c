/*
 * tests/support/archive_fixture.c - an archive store and what is pushed into
 * it.
 */
#include "tests/support/archive_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"

int ar_setup(void **state)
{
	struct ar *f = mr_zalloc(sizeof(*f));

	mr_env_init(&f->env);
	f->dir = test_tmpdir_new();
	snprintf(f->path, sizeof(f->path), "%.3000s/a.tar", f->dir);
	mr_buf_init(&f->bytes, 64 << 20);
	*state = f;
	return 0;
}

int ar_teardown(void **state)
{
	struct ar *f = *state;

	mr_store_close(f->store);
	mr_buf_release(&f->bytes);
	mr_env_release(&f->env);
	test_tmpdir_free(f->dir);
	mr_release(f);
	return 0;
}

void ar_create(struct ar *f)
{
	mr_store_closep(&f->store);
	assert_ok(mr_archive_create(&f->env, f->path, &f->store, &f->err),
		  f->err);
}

void ar_finish(struct ar *f)
{
	assert_ok(mr_archive_finish(f->store, &f->err), f->err);
}

int ar_reopen(struct ar *f)
{
	mr_store_closep(&f->store);
	return mr_archive_open(&f->env, f->path, &f->store, &f->err);
}

void ar_describe(const void *bytes, size_t n, const char *type,
		 struct mreg_desc *out)
{
	*out = (struct mreg_desc){ .size = n };
	snprintf(out->media_type, sizeof(out->media_type), "%s", type);
	assert_int_equal(mr_digest_of(bytes, n, &out->digest, NULL), 0);
}

void ar_push(struct ar *f, const char *tag, const char *text,
	     const struct mreg_desc *subject, struct mreg_desc *out)
{
	struct mr_buf bytes = MR_BUF_INIT(10000);
	char digest[MREG_DIGEST_TEXT];
	struct mr_descriptor layer = { .artifact_type = NULL };
	struct mr_descriptor about = { .artifact_type = NULL };
	struct mr_manifest_draft draft = {
		.artifact_type = "application/vnd.test.v1",
		.config = { .desc = mr_empty_desc },
		.layers = &layer,
		.layer_count = 1,
		.subject = subject ? &about : NULL,
	};

	if (subject)
		about.desc = *subject;
	ar_describe(text, strlen(text), MR_MEDIA_OCTETS, &layer.desc);
	assert_ok(mr_manifest_write(&draft, &bytes, &f->err), f->err);
	ar_describe(bytes.data, bytes.len, MR_MEDIA_MANIFEST, out);
	assert_ok(mr_store_put_bytes(f->store, &mr_empty_desc, "{}", &f->err),
		  f->err);
	assert_ok(mr_store_put_bytes(f->store, &layer.desc, text, &f->err),
		  f->err);
	assert_ok(
		mr_store_set(f->store,
			     tag ? tag : mreg_digest_text(&out->digest, digest),
			     out, bytes.data, NULL, &f->err),
		f->err);
	mr_buf_release(&bytes);
}

void ar_assert_tag(struct ar *f, const char *tag, const struct mreg_desc *want)
{
	struct mreg_desc got;
	bool found = false;

	assert_ok(mr_store_resolve(f->store, tag, &got, &found, &f->err),
		  f->err);
	assert_true(found);
	assert_true(mreg_digest_equal(&got.digest, &want->digest));
	assert_string_equal(got.media_type, want->media_type);
}

size_t ar_refer(struct ar *f, const struct mreg_desc *subject)
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

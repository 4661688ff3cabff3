/*
 * tests/support/contract.c - what every store promises: the fixture, and what
 * its tests push and look for.  The promises are in contract_*.c.
 */
#include "tests/support/contract_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "content/digest.h"
#include "oci/oci.h"

const struct contract *ct_current;

void ct_describe(const void *bytes, size_t n, struct mreg_desc *out)
{
	*out = (struct mreg_desc){ .media_type = MR_MEDIA_OCTETS, .size = n };
	assert_int_equal(mr_digest_of(bytes, n, &out->digest, NULL), 0);
}

const struct contract_blob *contract_blob(size_t i)
{
	static struct contract_blob blobs[CONTRACT_BLOBS];
	static uint8_t large[CT_LARGE_BYTES];
	uint32_t x = 12345;
	size_t k;

	if (!blobs[CONTRACT_SMALL].bytes) {
		for (k = 0; k < sizeof(large); k++) {
			x = x * 1664525u + 1013904223u;
			large[k] = (uint8_t)(x >> 24);
		}
		blobs[CONTRACT_SMALL].bytes = "weights";
		blobs[CONTRACT_EMPTY].bytes = "";
		blobs[CONTRACT_LARGE].bytes = large;
		ct_describe("weights", 7, &blobs[CONTRACT_SMALL].desc);
		ct_describe("", 0, &blobs[CONTRACT_EMPTY].desc);
		ct_describe(large, sizeof(large), &blobs[CONTRACT_LARGE].desc);
	}
	return &blobs[i];
}

int ct_open_store(struct ct *f, struct mr_store **out)
{
	return ct_current->open(ct_current->ctx, &f->t.env, f->repository, out,
				&f->err);
}

int ct_setup(void **state)
{
	static unsigned int repositories;
	struct ct *f = mr_zalloc(sizeof(*f));

	test_env_init(&f->t);
	snprintf(f->repository, sizeof(f->repository), "contract/t%u",
		 ++repositories);
	*state = f;
	assert_ok(ct_open_store(f, &f->store), f->err);
	return 0;
}

int ct_teardown(void **state)
{
	struct ct *f = *state;

	mr_store_close(f->store);
	test_env_release(&f->t);
	mr_release(f);
	return 0;
}

void ct_need(unsigned int can)
{
	if ((ct_current->can & can) != can)
		skip();
}

void ct_settle(struct ct *f)
{
	if (ct_current->settle)
		assert_ok(
			ct_current->settle(ct_current->ctx, f->store, &f->err),
			f->err);
}

bool ct_has(struct ct *f, const struct mreg_desc *d)
{
	bool found = false;

	assert_ok(mr_store_has(f->store, d, &found, &f->err), f->err);
	return found;
}

void ct_put(struct ct *f, const struct contract_blob *b)
{
	assert_ok(mr_store_put_bytes(f->store, &b->desc, b->bytes, &f->err),
		  f->err);
}

void ct_assert_content(struct ct *f, const struct contract_blob *b)
{
	struct mr_buf got = MR_BUF_INIT(CT_LARGE_BYTES);

	assert_ok(mr_store_load(f->store, &b->desc, &got, &f->err), f->err);
	assert_int_equal(got.len, b->desc.size);
	assert_memory_equal(mr_buf_text(&got), b->bytes, got.len);
	mr_buf_release(&got);
}

void ct_write_manifest(struct ct *f, const char *text,
		       const struct mreg_desc *subject, struct mreg_desc *layer,
		       struct mreg_desc *d, struct mr_buf *out)
{
	struct mr_descriptor s = { .artifact_type = NULL };
	struct mr_descriptor l = { .artifact_type = NULL };
	struct mr_manifest_draft draft = {
		.artifact_type = "application/vnd.test.v1",
		.config = { .desc = mr_empty_desc },
		.layers = &l,
		.layer_count = 1,
	};

	ct_describe(text, strlen(text), layer);
	l.desc = *layer;
	if (subject) {
		s.desc = *subject;
		draft.subject = &s;
	}
	mr_buf_clear(out);
	assert_ok(mr_manifest_write(&draft, out, &f->err), f->err);
	ct_describe(out->data, out->len, d);
	snprintf(d->media_type, sizeof(d->media_type), "%s", MR_MEDIA_MANIFEST);
}

void ct_push_about(struct ct *f, const char *reference, const char *text,
		   const struct mreg_desc *subject, struct mreg_desc *d,
		   struct mr_buf *out)
{
	char digest[MREG_DIGEST_TEXT];
	struct mreg_desc layer;

	ct_write_manifest(f, text, subject, &layer, d, out);
	assert_ok(mr_store_put_bytes(f->store, &mr_empty_desc, "{}", &f->err),
		  f->err);
	assert_ok(mr_store_put_bytes(f->store, &layer, text, &f->err), f->err);
	assert_ok(mr_store_set(f->store,
			       reference ? reference
					 : mreg_digest_text(&d->digest, digest),
			       d, out->data, NULL, &f->err),
		  f->err);
}

void ct_push(struct ct *f, const char *reference, const char *text,
	     struct mreg_desc *d, struct mr_buf *out)
{
	ct_push_about(f, reference, text, NULL, d, out);
}

void ct_assert_names(struct ct *f, const char *reference,
		     const struct mreg_desc *d, const struct mr_buf *bytes)
{
	struct mr_doc doc = MR_DOC_INIT;
	struct mreg_desc r;
	bool found = false;

	assert_ok(mr_store_resolve(f->store, reference, &r, &found, &f->err),
		  f->err);
	assert_int_equal(found, d != NULL);
	if (d) {
		assert_true(mreg_digest_equal(&r.digest, &d->digest));
		assert_int_equal(r.size, d->size);
		assert_string_equal(r.media_type, d->media_type);
	}
	assert_ok(mr_store_get(f->store, reference, &doc, &found, &f->err),
		  f->err);
	assert_int_equal(found, d != NULL);
	if (d) {
		assert_true(mreg_digest_equal(&doc.desc.digest, &d->digest));
		assert_int_equal(doc.desc.size, d->size);
		assert_string_equal(doc.desc.media_type, d->media_type);
		assert_int_equal(doc.bytes.len, bytes->len);
		assert_memory_equal(doc.bytes.data, bytes->data, bytes->len);
	}
	mr_doc_release(&doc);
}

int contract_run(const struct contract *c)
{
	ct_current = c;
	return ct_run_blobs() + ct_run_streams() + ct_run_manifests() +
	       ct_run_referrers();
}

/*
 * tests/support/referrers_fixture.c - documents attached to a manifest in the
 * fake registry.
 */
#include "tests/support/referrers_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

int rf_attach(struct fx *x, const char *text, const char *type,
	      const struct mreg_desc *subject, struct mreg_desc *out)
{
	struct mr_buf bytes = MR_BUF_INIT(10000);
	struct mreg_pair note = { "org.example.note", text };
	struct mr_descriptor layer = { .artifact_type = NULL };
	struct mr_descriptor about = { .artifact_type = NULL };
	struct mr_manifest_draft draft = {
		.artifact_type = type,
		.config = { .desc = mr_empty_desc },
		.layers = &layer,
		.layer_count = 1,
		.subject = subject ? &about : NULL,
		.annotations = { .items = &note, .n = 1 },
	};
	int rc;

	layer.desc = fx_desc(text, strlen(text));
	if (subject)
		about.desc = *subject;
	assert_ok(mr_manifest_write(&draft, &bytes, &x->err), x->err);
	*out = fx_desc(bytes.data, bytes.len);
	strcpy(out->media_type, MR_MEDIA_MANIFEST);
	assert_ok(mr_store_put_bytes(x->s, &mr_empty_desc, "{}", &x->err),
		  x->err);
	assert_ok(mr_store_put_bytes(x->s, &layer.desc, text, &x->err), x->err);
	rc = mr_store_set(x->s, fx_text(out), out, bytes.data, NULL, &x->err);
	/* B-20: the blobs are there, it says so at the second time. */
	if (rc == MREG_ECONFLICT && strstr(x->err.cause, "BLOB_UNKNOWN"))
		rc = mr_store_set(x->s, fx_text(out), out, bytes.data, NULL,
				  &x->err);
	mr_buf_release(&bytes);
	return rc;
}

struct mreg_desc rf_push(struct fx *x, const char *text,
			 const struct mreg_desc *subject)
{
	struct mreg_desc d;

	assert_ok(rf_attach(x, text, RF_TYPE, subject, &d), x->err);
	return d;
}

const char *rf_bare_index(const struct mreg_desc *d)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 RF_INDEX "{\"mediaType\":\"" MR_MEDIA_MANIFEST
			  "\",\"digest\":\"%s\",\"size\":%u}]}",
		 fx_text(d), (unsigned int)d->size);
	return text;
}

size_t rf_list(struct fx *x, const struct mreg_desc *subject, const char *type,
	       struct mr_referrers *out)
{
	assert_ok(
		mr_store_referrers(x->s, &subject->digest, type, out, &x->err),
		x->err);
	return out->count;
}

size_t rf_count(struct fx *x, const struct mreg_desc *subject)
{
	struct mr_referrers r = MR_REFERRERS_INIT;
	size_t n = rf_list(x, subject, NULL, &r);

	mr_referrers_release(&r);
	return n;
}

const char *rf_fallback(const struct mreg_desc *subject)
{
	static char tag[MREG_DIGEST_TEXT];

	mreg_digest_text(&subject->digest, tag);
	*strchr(tag, ':') = '-';
	return tag;
}

json_t *rf_read_tag(struct fx *x, const struct mreg_desc *subject)
{
	struct mr_doc doc = MR_DOC_INIT;
	bool found = false;
	json_t *j = NULL;

	assert_ok(
		mr_store_get(x->s, rf_fallback(subject), &doc, &found, &x->err),
		x->err);
	if (found) {
		assert_string_equal(doc.desc.media_type, MR_MEDIA_INDEX);
		assert_ok(mr_json_parse(doc.bytes.data, doc.bytes.len, 1 << 20,
					"it", &j, &x->err),
			  x->err);
	}
	mr_doc_release(&doc);
	return j;
}

bool rf_has_tag(struct fx *x, const struct mreg_desc *subject)
{
	char digest[144];

	return fakereg_tag(x->f, REPO, rf_fallback(subject), digest)[0];
}

json_t *rf_entry_of(json_t *index, const struct mreg_desc *d)
{
	json_t *e;
	size_t i;

	json_array_foreach(json_object_get(index, "manifests"), i, e)
	{
		if (strcmp(json_string_value(json_object_get(e, "digest")),
			   fx_text(d)) == 0)
			return e;
	}
	return NULL;
}

void rf_with_api(struct fx *x, struct fakereg_opts o)
{
	o.referrers = true;
	fx_restart(x, &o, NULL, NULL);
}

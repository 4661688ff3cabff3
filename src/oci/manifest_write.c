/*
 * manifest_write.c - a draft to the bytes that will be hashed: one draft, one
 * text, for ever (peers.md 6.3 rule 12).
 */
#include "oci/oci.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/document.h"

#define SHOWN_BYTES 128

static int by_name(const void *a, const void *b)
{
	const struct mreg_pair *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int write_annotations(const struct mr_annotations *a, struct mr_buf *out,
			     struct mreg_error *err)
{
	MR_AUTO(mr_free) struct mreg_pair *sorted = NULL;
	char shown[SHOWN_BYTES];
	size_t i;

	if (a->n == 0)
		return 0;
	sorted = mr_array(a->n, sizeof(*sorted));
	if (!sorted)
		return mr_fail_nomem(err);
	memcpy(sorted, a->items, a->n * sizeof(*sorted));
	qsort(sorted, a->n, sizeof(*sorted), by_name);
	for (i = 1; i < a->n; i++)
		if (strcmp(sorted[i - 1].name, sorted[i].name) == 0)
			return mr_fail(err, MREG_EUSAGE,
				       "annotation '%s' is given twice",
				       mr_text_safe(sorted[i].name, shown,
						    sizeof(shown)));
	mr_annotations_write(sorted, a->n, out);
	return 0;
}

static void write_layers(const struct mr_manifest_draft *d, struct mr_buf *out)
{
	size_t i;

	mr_buf_puts(out, ",\"layers\":[");
	for (i = 0; i < d->layer_count; i++) {
		if (i > 0)
			mr_buf_putc(out, ',');
		mr_descriptor_write(&d->layers[i], out);
	}
	mr_buf_putc(out, ']');
}

int mr_manifest_write(const struct mr_manifest_draft *d, struct mr_buf *out,
		      struct mreg_error *err)
{
	size_t start = out->len;
	int rc;

	mr_buf_puts(out, "{\"schemaVersion\":2,\"mediaType\":");
	mr_json_quote(out, MR_MEDIA_MANIFEST);
	if (d->artifact_type) {
		mr_buf_puts(out, ",\"artifactType\":");
		mr_json_quote(out, d->artifact_type);
	}
	mr_buf_puts(out, ",\"config\":");
	mr_descriptor_write(&d->config, out);
	write_layers(d, out);
	if (d->subject) {
		mr_buf_puts(out, ",\"subject\":");
		mr_descriptor_write(d->subject, out);
	}
	rc = write_annotations(&d->annotations, out, err);
	if (rc < 0)
		return rc;
	mr_buf_putc(out, '}');
	if (out->failed == MREG_ELIMIT ||
	    out->len - start > MR_MANIFEST_MAX_BYTES) {
		(void)mr_fail(err, MREG_ELIMIT,
			      "manifest of %zu layers is larger than %u bytes",
			      d->layer_count, MR_MANIFEST_MAX_BYTES);
		return mr_hint(
			err,
			"registries refuse it: push fewer files, or an archive of the small ones");
	}
	return mr_buf_check(out, "manifest", err);
}

static void write_child(const struct mr_descriptor *d, struct mr_buf *out)
{
	mr_descriptor_begin(d, out);
	if (d->os && d->architecture) {
		mr_buf_puts(out, ",\"platform\":{\"architecture\":");
		mr_json_quote(out, d->architecture);
		mr_buf_puts(out, ",\"os\":");
		mr_json_quote(out, d->os);
		if (d->variant) {
			mr_buf_puts(out, ",\"variant\":");
			mr_json_quote(out, d->variant);
		}
		mr_buf_putc(out, '}');
	}
	mr_buf_putc(out, '}');
}

int mr_index_write(const struct mr_index_draft *d, struct mr_buf *out,
		   struct mreg_error *err)
{
	size_t i;
	int rc;

	mr_buf_puts(out, "{\"schemaVersion\":2,\"mediaType\":");
	mr_json_quote(out, MR_MEDIA_INDEX);
	mr_buf_puts(out, ",\"manifests\":[");
	for (i = 0; i < d->child_count; i++) {
		if (i > 0)
			mr_buf_putc(out, ',');
		write_child(&d->children[i], out);
	}
	mr_buf_putc(out, ']');
	rc = write_annotations(&d->annotations, out, err);
	if (rc < 0)
		return rc;
	mr_buf_putc(out, '}');
	return mr_buf_check(out, "index", err);
}

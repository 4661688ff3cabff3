/*
 * descriptor.c - descriptors and annotations as JSON, and the one of the
 * empty blob.
 */
#include "oci/oci.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "oci/document.h"

/* sha256 of "{}". */
const struct mreg_desc mr_empty_desc = {
	.media_type = MR_MEDIA_EMPTY,
	.digest = {
		.algorithm = MREG_SHA256,
		.bytes = {
			0x44, 0x13, 0x6f, 0xa3, 0x55, 0xb3, 0x67, 0x8a,
			0x11, 0x46, 0xad, 0x16, 0xf7, 0xe8, 0x64, 0x9e,
			0x94, 0xfb, 0x4f, 0xc2, 0x1f, 0xe7, 0x7e, 0x83,
			0x10, 0xc0, 0x60, 0xf6, 0x1c, 0xaa, 0xff, 0x8a,
		},
	},
	.size = 2,
};

const char *mr_annotation(const struct mr_annotations *a, const char *key)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (strcmp(a->items[i].name, key) == 0)
			return a->items[i].value;
	return NULL;
}

void mr_annotations_write(const struct mreg_pair *items, size_t n,
			  struct mr_buf *out)
{
	size_t i;

	mr_buf_puts(out, ",\"annotations\":{");
	for (i = 0; i < n; i++) {
		if (i > 0)
			mr_buf_putc(out, ',');
		mr_json_quote(out, items[i].name);
		mr_buf_putc(out, ':');
		mr_json_quote(out, items[i].value);
	}
	mr_buf_putc(out, '}');
}

void mr_descriptor_begin(const struct mr_descriptor *d, struct mr_buf *out)
{
	char digest[MREG_DIGEST_TEXT];

	mr_buf_puts(out, "{\"mediaType\":");
	mr_json_quote(out, d->desc.media_type);
	mr_buf_printf(out, ",\"digest\":\"%s\",\"size\":%" PRIu64,
		      mreg_digest_text(&d->desc.digest, digest), d->desc.size);
	if (d->data) {
		mr_buf_puts(out, ",\"data\":");
		mr_json_quote(out, d->data);
	}
	if (d->artifact_type) {
		mr_buf_puts(out, ",\"artifactType\":");
		mr_json_quote(out, d->artifact_type);
	}
	if (d->annotations.n > 0)
		mr_annotations_write(d->annotations.items, d->annotations.n,
				     out);
}

void mr_descriptor_write(const struct mr_descriptor *d, struct mr_buf *out)
{
	mr_descriptor_begin(d, out);
	mr_buf_putc(out, '}');
}

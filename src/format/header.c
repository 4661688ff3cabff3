/*
 * header.c - whether a file has a whole header of a format that needs nothing
 * but its header.
 */
#include "format/format.h"

#include <string.h>

#include "format/check.h"

int mr_format_header(struct mr_reader *r, enum mr_format *out,
		     struct mreg_error *err)
{
	unsigned char head[MR_SAFETENSORS_HEAD_BYTES] = { 0 };
	size_t n = sizeof(head);
	bool valid = false;
	int rc;

	*out = MR_FORMAT_UNKNOWN;
	if (r->size < n)
		n = (size_t)r->size;
	if (n < 4)
		return 0;
	/* Most files are neither: these few bytes are all that they cost. */
	rc = mr_reader_need_at(r, head, n, 0, err);
	if (rc < 0)
		return rc;
	if (memcmp(head, "GGUF", 4) == 0) {
		rc = mr_gguf_check(r, &valid, err);
		if (valid)
			*out = MR_FORMAT_GGUF;
	} else if (mr_safetensors_begins(head, n, r->size)) {
		rc = mr_safetensors_check(r, &valid, err);
		if (valid)
			*out = MR_FORMAT_SAFETENSORS;
	}
	return rc;
}

/*
 * header.c - which format a file is in, by what it says itself.
 */
#include "format/format.h"

#include <string.h>

#include "format/check.h"

int mr_format_header(struct mr_reader *r, enum mr_format *out,
		     struct mreg_error *err)
{
	char magic[4] = { 0 };
	bool valid = false;
	int rc;

	*out = MR_FORMAT_UNKNOWN;
	if (r->size < sizeof(magic))
		return 0;
	rc = mr_reader_need_at(r, magic, sizeof(magic), 0, err);
	if (rc < 0)
		return rc;
	if (memcmp(magic, "GGUF", 4) == 0) {
		rc = mr_gguf_check(r, &valid, err);
		if (valid)
			*out = MR_FORMAT_GGUF;
	} else {
		rc = mr_safetensors_check(r, &valid, err);
		if (valid)
			*out = MR_FORMAT_SAFETENSORS;
	}
	return rc;
}

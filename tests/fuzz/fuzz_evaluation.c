/*
 * fuzz_evaluation.c - any bytes as an evaluation.  What is accepted is written
 * as a document that is accepted too, and written again to the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/model.h"

#define ARENA_BYTES (128u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int write_once(const void *data, size_t size, struct mr_buf *out,
		      struct mreg_error *err)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	struct mr_evaluation e;
	int rc;

	if (!a)
		abort();
	rc = mr_evaluation_parse(data, size, "fuzz", false, a, &e, err);
	return rc < 0 ? rc : mr_evaluation_write(&e, out, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf one = MR_BUF_INIT(4 * MR_EVALUATION_MAX_BYTES);
	MR_AUTO(mr_buf_release)
	struct mr_buf two = MR_BUF_INIT(4 * MR_EVALUATION_MAX_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	int rc = write_once(data, size, &one, &err);

	if (rc < 0) {
		/* A failure is complete. */
		if ((int)err.code != rc || err.msg[0] == '\0')
			abort();
		return 0;
	}
	/* Escapes can make it longer than a document may be. */
	if (one.len > MR_EVALUATION_MAX_BYTES)
		return 0;
	if (write_once(one.data, one.len, &two, &err) < 0 ||
	    one.len != two.len || memcmp(one.data, two.data, one.len) != 0)
		abort();
	return 0;
}

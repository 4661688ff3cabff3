/*
 * fuzz_json.c - what parses has one canonical form: it parses to an equal
 * value and is its own canonical form.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"

/* NDEBUG or not: a property that does not hold ends the process. */
static void must(int holds)
{
	if (!holds)
		abort();
}

static void canonical(const json_t *j, struct mr_buf *b)
{
	struct mreg_error err = MREG_ERROR_INIT;
	int rc = mr_json_canonical(j, b, &err);

	/* A document has fractions or a form; nothing else goes wrong. */
	must(rc == 0 || rc == MREG_EFORMAT);
	must(rc == 0 || strstr(err.msg, "fractions") != NULL);
	if (rc < 0)
		mr_buf_release(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	/* Escapes make a control of one byte six. */
	struct mr_buf first = MR_BUF_INIT(6 * MR_MANIFEST_MAX_BYTES);
	struct mr_buf second = MR_BUF_INIT(6 * MR_MANIFEST_MAX_BYTES);
	json_t *a = NULL;
	json_t *b = NULL;
	int rc;

	rc = mr_json_parse(data, size, MR_MANIFEST_MAX_BYTES, "input", &a,
			   &err);
	if (rc < 0) {
		must(rc == MREG_EFORMAT || rc == MREG_ELIMIT);
		must(err.code == (enum mreg_code)rc && err.msg[0]);
		return 0;
	}
	canonical(a, &first);
	if (first.len > 0) {
		rc = mr_json_parse(first.data, first.len,
				   6 * MR_MANIFEST_MAX_BYTES, "canonical", &b,
				   &err);
		must(rc == 0);
		must(json_equal(a, b));
		canonical(b, &second);
		must(first.len == second.len);
		must(memcmp(first.data, second.data, first.len) == 0);
	}
	mr_json_freep(&a);
	mr_json_freep(&b);
	mr_buf_release(&first);
	mr_buf_release(&second);
	return 0;
}

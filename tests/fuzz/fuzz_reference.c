/*
 * fuzz_reference.c - a reference prints what it parses, also when completed,
 * and whatever is refused has a reason.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "oci/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_same(const struct mreg_ref *a, const struct mreg_ref *b)
{
	assert(strcmp(a->dir, b->dir) == 0);
	assert(strcmp(a->host, b->host) == 0);
	assert(strcmp(a->repository, b->repository) == 0);
	assert(strcmp(a->tag, b->tag) == 0);
	assert(mreg_digest_equal(&a->digest, &b->digest));
}

static void check(const struct mreg_ref *a)
{
	struct mreg_error err = MREG_ERROR_INIT;
	char text[MREG_REF_TEXT];
	struct mreg_ref b;

	(void)mr_ref_text(a, text);
	assert(mr_ref_parse(text, &b, &err) == 0);
	assert_same(a, &b);
	(void)mr_ref_portable(a, text);
	if (a->host[0]) {
		assert(mr_ref_parse(text, &b, &err) == 0);
		assert(strcmp(a->tag, b.tag) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_ref a, short_name;
	char in[4096];
	char *prefix;

	if (size >= sizeof(in))
		return 0;
	memcpy(in, data, size);
	in[size] = '\0';
	/* What follows a line feed is tried as a prefix too. */
	prefix = strchr(in, '\n');
	if (prefix) {
		*prefix++ = '\0';
		assert(mr_ref_parse("churn:v1", &short_name, &err) == 0);
		if (mr_ref_complete(&short_name, prefix, prefix, &err) == 0)
			check(&short_name);
		else
			assert(err.msg[0]);
	}
	err = (struct mreg_error)MREG_ERROR_INIT;
	if (mr_ref_parse(in, &a, &err) < 0) {
		assert(err.msg[0]); /* failing without a reason is a bug */
		return 0;
	}
	check(&a);
	if (mr_ref_complete(&a, prefix, "/store", &err) == 0) {
		assert(!a.dir[0] != !a.host[0]);
		check(&a);
	}
	return 0;
}

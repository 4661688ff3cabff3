/*
 * fuzz_signature.c - any text as the signature of a version, which a foreign
 * manifest has in an annotation.  What is read is whole, and is read the same
 * again.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "look/diff.h"

#define ARENA_BYTES (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spec(const struct mr_diff_spec *s,
		       const struct mr_diff_spec *again)
{
	size_t i;

	assert(s->name && s->name[0] && s->type);
	assert(strcmp(s->name, again->name) == 0);
	assert(strcmp(s->type, again->type) == 0);
	assert(s->optional == again->optional && s->ranked == again->ranked);
	assert(s->ranked || s->rank == 0);
	assert(s->rank == again->rank);
	for (i = 0; i < s->rank; i++) {
		assert(s->dims[i][0] && s->dims[i][0] != '-');
		assert(strcmp(s->dims[i], again->dims[i]) == 0);
	}
}

static void check_same(const struct mr_diff_specs *one,
		       const struct mr_diff_specs *two)
{
	size_t side, i;

	for (side = 0; side < MR_DIFF_SIDES; side++) {
		assert(one[side].n == two[side].n);
		for (i = 0; i < one[side].n; i++)
			check_spec(&one[side].items[i], &two[side].items[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena_freep) struct mr_arena *a = mr_arena_new(ARENA_BYTES);
	struct mr_diff_specs one[MR_DIFF_SIDES] = { 0 };
	struct mr_diff_specs two[MR_DIFF_SIDES] = { 0 };
	struct mreg_error err = MREG_ERROR_INIT;
	bool known = false;
	bool again = false;
	char *text;
	int rc;

	assert(a);
	text = mr_arena_strndup(a, (const char *)data, size);
	assert(text);
	rc = mr_diff_signature(text, a, one, &known, &err);
	if (rc < 0) {
		assert((int)err.code == rc && err.msg[0]);
		return 0;
	}
	rc = mr_diff_signature(text, a, two, &again, &err);
	assert(rc < 0 || known == again);
	if (rc == 0 && known)
		check_same(one, two);
	return 0;
}

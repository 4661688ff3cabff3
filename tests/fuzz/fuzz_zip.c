/*
 * fuzz_zip.c - what an archive holds is the same however it is read, and an
 * archive without trouble has nothing before, behind or between its members.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/zip.h"
#include "tests/support/protobuf_fixture.h"

#define MAX_BYTES (1u << 20)

/* Loads every member; whether all of the archive is in order. */
static bool load(struct mr_cursor *c)
{
	struct mr_zip z;
	uint64_t at = 0;
	size_t i;

	mr_zip_open(c, &z);
	for (i = 0; i < z.count && !mr_cursor_over(c); i++) {
		const struct mr_zip_member *m = &z.members[i];
		unsigned char *bytes = mr_zip_load(&z, m, MAX_BYTES);

		assert(m->at == at && m->name_len > 0);
		at = mr_zip_next(&z, m);
		assert(!bytes == mr_cursor_over(c));
		mr_release(bytes);
		assert(z.loaded <= UINT64_C(128) << 20);
	}
	assert(mr_cursor_over(c) || at == z.end);
	mr_zip_release(&z);
	return !mr_cursor_over(c);
}

static bool is_whole(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	MR_AUTO(mr_reader_closep) struct mr_reader *r = NULL;
	struct mr_arena *a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	bool whole = false;

	if (a && mr_reader_memory(data, size, &r, &err) == 0 &&
	    mr_cursor_new(r, a, &c, &err) == 0) {
		whole = load(c);
		assert(c->rc == 0); /* memory never fails */
	}
	mr_arena_free(a);
	return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pb_seen s;
	uint8_t *more;

	pb_fuzz(mr_zip_facts_read, MR_FORMAT_TORCH, data, size, &s);
	assert(s.facts.trouble || s.facts.format != MR_FORMAT_HDF5);
	pb_seen_release(&s);
	if (!is_whole(data, size))
		return 0;
	more = calloc(1, size + 1);
	if (!more)
		return 0;
	memcpy(more, data, size);
	assert(!is_whole(more, size + 1));
	memmove(more + 1, more, size);
	assert(!is_whole(more, size + 1));
	free(more);
	return 0;
}

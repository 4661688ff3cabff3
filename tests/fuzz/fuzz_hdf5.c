/*
 * fuzz_hdf5.c - what an HDF5 file says is the same however it is read, and
 * bytes behind what it says it is change nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/read.h"
#include "tests/support/protobuf_fixture.h"

#define MORE 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pb_seen longer;
	struct pb_seen s;
	uint8_t *more;

	pb_fuzz(mr_hdf5_read, MR_FORMAT_HDF5, data, size, &s);
	more = calloc(1, size + MORE);
	if (more && s.facts.format == MR_FORMAT_HDF5 && !s.facts.trouble) {
		memcpy(more, data, size);
		pb_fuzz(mr_hdf5_read, MR_FORMAT_HDF5, more, size + MORE,
			&longer);
		assert(!longer.facts.trouble);
		assert(longer.facts.unsafe.n == s.facts.unsafe.n);
		assert(!longer.facts.producer == !s.facts.producer);
		pb_seen_release(&longer);
	}
	free(more);
	pb_seen_release(&s);
	return 0;
}

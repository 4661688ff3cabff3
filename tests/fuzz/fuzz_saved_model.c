/*
 * fuzz_saved_model.c - what a saved_model.pb says is the same however it is
 * read, its inputs and outputs are in order, and half a field behind a good
 * file makes it say nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/read.h"
#include "tests/support/protobuf_fixture.h"

static void check_ports(const struct mr_port *ports, size_t n)
{
	size_t i;
	size_t k;

	for (i = 0; i < n; i++) {
		assert(ports[i].name && ports[i].dtype);
		assert(i == 0 || strcmp(ports[i - 1].name, ports[i].name) <= 0);
		for (k = 0; k < ports[i].dims.n; k++)
			assert(ports[i].dims.items[k][0]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pb_seen longer;
	struct pb_seen s;
	uint8_t *more;

	pb_fuzz(mr_saved_model_read, MR_FORMAT_SAVED_MODEL, data, size, &s);
	check_ports(s.facts.inputs, s.facts.input_count);
	check_ports(s.facts.outputs, s.facts.output_count);
	assert(s.facts.tensor_count == 0 && s.facts.parameters == 0);
	more = malloc(size + 1);
	if (more && s.facts.format == MR_FORMAT_SAVED_MODEL &&
	    !s.facts.trouble) {
		memcpy(more, data, size);
		more[size] = 0x80;
		pb_fuzz(mr_saved_model_read, MR_FORMAT_SAVED_MODEL, more,
			size + 1, &longer);
		assert(longer.facts.trouble);
		pb_seen_release(&longer);
	}
	free(more);
	pb_seen_release(&s);
	return 0;
}

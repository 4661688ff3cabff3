/*
 * fuzz_onnx.c - what an ONNX file says is the same however it is read, agrees
 * with itself, and half a field behind a good file makes it say nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/read.h"
#include "tests/support/protobuf_fixture.h"

static void check_tensor(const struct mr_tensor *t)
{
	uint64_t n = 1;
	size_t i;

	assert(t->name && t->dtype && t->dtype[0]);
	for (i = 0; i < t->rank; i++)
		assert(!__builtin_mul_overflow(n, t->dims[i], &n));
	assert(t->elements == n);
}

static void check_port(const struct mr_facts *f, const struct mr_port *port)
{
	size_t i;

	assert(port->name && port->dtype);
	assert(port->ranked || port->dims.n == 0);
	for (i = 0; i < port->dims.n; i++)
		assert(port->dims.items[i][0]);
	/* Nobody feeds an initializer. */
	for (i = 0; i < f->tensor_count; i++)
		assert(strcmp(f->tensors[i].name, port->name) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pb_seen longer;
	struct pb_seen s;
	uint8_t *more;
	size_t i;

	pb_fuzz(mr_onnx_read, MR_FORMAT_ONNX, data, size, &s);
	for (i = 0; i < s.facts.tensor_count; i++)
		check_tensor(&s.facts.tensors[i]);
	for (i = 0; i < s.facts.input_count; i++)
		check_port(&s.facts, &s.facts.inputs[i]);
	for (i = 1; i < s.facts.metadata_count; i++)
		assert(strcmp(s.facts.metadata[i - 1].name,
			      s.facts.metadata[i].name) < 0);
	more = malloc(size + 1);
	if (more && s.facts.format == MR_FORMAT_ONNX && !s.facts.trouble) {
		memcpy(more, data, size);
		more[size] = 0x80;
		pb_fuzz(mr_onnx_read, MR_FORMAT_ONNX, more, size + 1, &longer);
		assert(longer.facts.trouble);
		pb_seen_release(&longer);
	}
	free(more);
	pb_seen_release(&s);
	return 0;
}

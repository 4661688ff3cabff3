/*
 * format/onnx.h - the parts of the ONNX reader; private to it.
 *
 * Field numbers are those of onnx.proto (onnx 1.23), and each is commented
 * where it is read.
 */
#ifndef MR_FORMAT_ONNX_H
#define MR_FORMAT_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/protobuf.h"
#include "format/read.h"

struct mr_onnx {
	struct mr_proto p;
	struct mr_facts *f;       /* borrowed */
	struct mr_words initials; /* names of the graph's initializers */
	struct mr_words outside;  /* locations that were warned of */
};

/* TensorProto.DataType. */
struct mr_onnx_type {
	const char *name;  /* "FLOAT"; NULL: none that is known */
	const char *port;  /* "float32"; "" where it says nothing */
	unsigned int bits; /* of an element of `raw_data`; 0: has none */
};
const struct mr_onnx_type *mr_onnx_type(uint64_t number);

/* -- onnx_tensor.c -----------------------------------------------------------
 */

/* A TensorProto, or a SparseTensorProto's values, among the facts' tensors. */
void mr_onnx_initializer(struct mr_onnx *o, const struct mr_field *field,
			 bool sparse);

/* Where tensors that are no initializers of the graph may be: their data is
 * not counted, but where it comes from is looked at (H68). */
enum mr_onnx_part {
	MR_ONNX_GRAPH,
	MR_ONNX_NODE,
	MR_ONNX_ATTRIBUTE,
	MR_ONNX_FUNCTION,
	MR_ONNX_TRAINING,
	MR_ONNX_SPARSE,
	MR_ONNX_TENSOR,
};
void mr_onnx_search(struct mr_onnx *o, enum mr_onnx_part part,
		    const struct mr_field *field);

/* -- onnx_port.c --------------------------------------------------------------
 */

/* A ValueInfoProto as one more input or output. */
void mr_onnx_port(struct mr_onnx *o, const struct mr_field *field,
		  struct mr_port **items, size_t *count);

#endif

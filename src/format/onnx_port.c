/*
 * onnx_port.c - an ONNX graph's inputs and outputs: names, types, shapes.
 */
#include "format/onnx.h"

#include "base/mem.h"
#include "format/graph.h"

/* A sequence of maps has three; what nests deeper is no type of a model. */
#define NESTED_MAX 8

static const struct mr_onnx_type types[] = {
	{ NULL, "", 0 },
	{ "FLOAT", "float32", 32 },
	{ "UINT8", "uint8", 8 },
	{ "INT8", "int8", 8 },
	{ "UINT16", "uint16", 16 },
	{ "INT16", "int16", 16 },
	{ "INT32", "int32", 32 },
	{ "INT64", "int64", 64 },
	{ "STRING", "string", 0 },
	{ "BOOL", "bool", 8 },
	{ "FLOAT16", "float16", 16 },
	{ "DOUBLE", "float64", 64 },
	{ "UINT32", "uint32", 32 },
	{ "UINT64", "uint64", 64 },
	{ "COMPLEX64", "complex64", 64 },
	{ "COMPLEX128", "complex128", 128 },
	{ "BFLOAT16", "bfloat16", 16 },
	{ "FLOAT8E4M3FN", "float8_e4m3", 8 },
	{ "FLOAT8E4M3FNUZ", "float8_e4m3fnuz", 8 },
	{ "FLOAT8E5M2", "float8_e5m2", 8 },
	{ "FLOAT8E5M2FNUZ", "float8_e5m2fnuz", 8 },
	{ "UINT4", "uint4", 4 },
	{ "INT4", "int4", 4 },
	{ "FLOAT4E2M1", "float4_e2m1", 4 },
	{ "FLOAT8E8M0", "float8_e8m0", 8 },
	{ "UINT2", "uint2", 2 },
	{ "INT2", "int2", 2 },
	{ "FLOAT6E2M3", "float6_e2m3", 6 },
	{ "FLOAT6E3M2", "float6_e3m2", 6 },
};

const struct mr_onnx_type *mr_onnx_type(uint64_t number)
{
	return &types[number < MR_COUNT(types) ? number : 0];
}

/* TensorShapeProto.Dimension. */
static void read_dim(struct mr_onnx *o, const struct mr_field *field,
		     struct mr_port *port)
{
	const char *name = NULL;
	struct mr_message m;
	struct mr_field f;
	int64_t size = -1;

	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		if (f.number == 1) /* dim_value */
			size = (int64_t)mr_proto_number(&o->p, &f);
		else if (f.number == 2) /* dim_param */
			name = mr_proto_text(&o->p, &f);
	}
	mr_port_dim(o->p.c, port, size, name);
}

/* TensorShapeProto. */
static void read_shape(struct mr_onnx *o, const struct mr_field *field,
		       struct mr_port *port)
{
	struct mr_message m;
	struct mr_field f;

	port->ranked = true;
	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f))
		if (f.number == 1) /* dim */
			read_dim(o, &f, port);
}

/* TypeProto.Tensor and .SparseTensor. */
static void read_tensor_type(struct mr_onnx *o, const struct mr_field *field,
			     struct mr_port *port)
{
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		if (f.number == 1) /* elem_type */
			port->dtype =
				mr_onnx_type(mr_proto_number(&o->p, &f))->port;
		else if (f.number == 2) /* shape */
			read_shape(o, &f, port);
	}
}

/* What a TypeProto may be, by its field's number. */
enum kind {
	KIND_NONE = 0,
	KIND_TENSOR = 1,
	KIND_SEQUENCE = 4,
	KIND_MAP = 5,
	KIND_OPAQUE = 7,
	KIND_SPARSE = 8,
	KIND_OPTIONAL = 9,
};

/* Which of them `field`, a TypeProto, is, and where; of several the last
 * counts, as everywhere in protobuf. */
static enum kind find_kind(struct mr_onnx *o, const struct mr_field *field,
			   struct mr_field *out)
{
	enum kind kind = KIND_NONE;
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		switch (f.number) {
		case KIND_TENSOR:
		case KIND_SEQUENCE:
		case KIND_MAP:
		case KIND_OPAQUE:
		case KIND_SPARSE:
		case KIND_OPTIONAL:
			kind = (enum kind)f.number;
			*out = f;
			break;
		default: /* denotation, and what may come */
			break;
		}
	}
	return kind;
}

/* What TypeProto.Sequence, .Optional or .Map holds: where its TypeProto is,
 * and the type of a map's keys; false if it does not say. */
static bool find_inner(struct mr_onnx *o, enum kind kind, struct mr_field *at,
		       const char **key)
{
	uint32_t value = kind == KIND_MAP ? 2 : 1; /* value_, elem_type */
	struct mr_field inner = { 0 };
	bool found = false;
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&o->p, at, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		if (f.number == value) {
			inner = f;
			found = true;
		} else if (f.number == 1) { /* key_type */
			*key = mr_onnx_type(mr_proto_number(&o->p, &f))->port;
		}
	}
	if (found)
		*at = inner;
	return found;
}

static const char *wrap(struct mr_onnx *o, enum kind kind, const char *key,
			const char *inner)
{
	const char *in = inner && inner[0] ? inner : "?";

	switch (kind) {
	case KIND_SEQUENCE:
		return mr_keep_printf(o->p.c, "sequence(%s)", in);
	case KIND_OPTIONAL:
		return mr_keep_printf(o->p.c, "optional(%s)", in);
	case KIND_SPARSE:
		return mr_keep_printf(o->p.c, "sparse(%s)", in);
	default:
		return mr_keep_printf(o->p.c, "map(%s,%s)", key[0] ? key : "?",
				      in);
	}
}

/* TypeProto: a tensor, or types in each other down to one.  Only a tensor's
 * shape is one of the port. */
static void read_type(struct mr_onnx *o, const struct mr_field *field,
		      struct mr_port *port)
{
	struct {
		enum kind kind;
		const char *key;
	} layers[NESTED_MAX];
	struct mr_port inner = { .dtype = "" };
	struct mr_field at = *field;
	enum kind kind = find_kind(o, field, &at);
	size_t n = 0;

	while (kind == KIND_SEQUENCE || kind == KIND_MAP ||
	       kind == KIND_OPTIONAL) {
		if (n == NESTED_MAX) {
			mr_cursor_fail(o->p.c, "a type nests deeper than %d",
				       NESTED_MAX);
			return;
		}
		layers[n].kind = kind;
		layers[n].key = "";
		kind = find_inner(o, kind, &at, &layers[n++].key)
			       ? find_kind(o, &at, &at)
			       : KIND_NONE;
	}
	if (kind == KIND_TENSOR || kind == KIND_SPARSE)
		read_tensor_type(o, &at, &inner);
	if (kind == KIND_SPARSE)
		inner.dtype = wrap(o, kind, "", inner.dtype);
	if (kind == KIND_OPAQUE)
		inner.dtype = "opaque";
	if (n) {
		inner.dims.n = 0;
		inner.ranked = false;
	}
	while (n-- > 0)
		inner.dtype =
			wrap(o, layers[n].kind, layers[n].key, inner.dtype);
	port->dtype = inner.dtype;
	port->dims = inner.dims;
	port->ranked = inner.ranked;
}

void mr_onnx_port(struct mr_onnx *o, const struct mr_field *field,
		  struct mr_port **items, size_t *count)
{
	struct mr_port read = { .name = "", .dtype = "" };
	struct mr_port *port;
	struct mr_message m;
	struct mr_field f;

	mr_proto_enter(&o->p, field, &m);
	while (mr_proto_next(&o->p, &m, &f)) {
		if (f.number == 1) /* name */
			read.name = mr_proto_text(&o->p, &f);
		else if (f.number == 2) /* type */
			read_type(o, &f, &read);
	}
	port = mr_port_add(o->p.c, items, count);
	if (port)
		*port = read;
}

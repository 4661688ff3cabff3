/*
 * tests/support/onnx_fixture.h - pieces of ONNX models, and what is seen of
 * them; for the tests of the ONNX reader.
 */
#ifndef TESTS_SUPPORT_ONNX_FIXTURE_H
#define TESTS_SUPPORT_ONNX_FIXTURE_H

#include "tests/support/test.h"

#include "tests/support/protobuf_fixture.h"

/* TensorProto.DataType. */
enum {
	ONNX_FLOAT = 1,
	ONNX_INT64 = 7,
	ONNX_STRING = 8,
	ONNX_INT4 = 22,
};

/* TypeProto.Tensor as field `number`; `dims` are sizes, names, or "?", and end
 * with NULL; NULL: no shape. */
void onnx_put_tensor_type(struct pb *p, uint32_t number, uint64_t type,
			  const char *const *dims);
/* A ValueInfoProto of that type. */
void onnx_put_port(struct pb *p, uint32_t number, const char *name,
		   uint64_t type, const char *const *dims);
/* What a TensorProto of a x b begins with. */
void onnx_put_head(struct pb *p, const char *name, uint64_t type, uint64_t a,
		   uint64_t b);
/* An initializer of a x b with `size` bytes of raw data. */
void onnx_put_tensor(struct pb *p, const char *name, uint64_t type, uint64_t a,
		     uint64_t b, uint64_t size);
/* A StringStringEntryProto. */
void onnx_put_pair(struct pb *p, uint32_t number, const char *key,
		   const char *value);
/* An OperatorSetIdProto; `domain` NULL: none is told. */
void onnx_put_opset(struct pb *p, const char *domain, uint64_t version);

/* What is seen of a file; released by the caller. */
void onnx_look(const struct pb *p, struct pb_seen *s);
/* That it is this (pb_facts_text); that it is this trouble and nothing else. */
void onnx_expect_text(const struct pb *p, const char *want);
void onnx_expect_trouble(const struct pb *p, const char *want);

#endif

/*
 * tests/support/onnx_fixture.c - pieces of ONNX models, and what is seen of
 * them.
 */
#include "tests/support/onnx_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "format/read.h"

static void put_dim(struct pb *p, const char *dim)
{
	size_t d = pb_open(p, 1);

	if (dim[0] >= '0' && dim[0] <= '9')
		pb_number(p, 1, strtoull(dim, NULL, 10));
	else if (strcmp(dim, "-1") == 0)
		pb_number(p, 1, UINT64_MAX);
	else if (dim[0] != '?')
		pb_text(p, 2, dim);
	pb_close(p, d);
}

void onnx_put_tensor_type(struct pb *p, uint32_t number, uint64_t type,
			  const char *const *dims)
{
	size_t tensor = pb_open(p, number);

	pb_number(p, 1, type);
	if (dims) {
		size_t shape = pb_open(p, 2);

		for (; *dims; dims++)
			put_dim(p, *dims);
		pb_close(p, shape);
	}
	pb_close(p, tensor);
}

void onnx_put_port(struct pb *p, uint32_t number, const char *name,
		   uint64_t type, const char *const *dims)
{
	size_t port = pb_open(p, number);
	size_t t;

	pb_text(p, 1, name);
	t = pb_open(p, 2);
	onnx_put_tensor_type(p, 1, type, dims);
	pb_close(p, t);
	pb_close(p, port);
}

void onnx_put_head(struct pb *p, const char *name, uint64_t type, uint64_t a,
		   uint64_t b)
{
	pb_number(p, 1, a);
	pb_number(p, 1, b);
	pb_number(p, 2, type);
	pb_text(p, 8, name);
}

void onnx_put_tensor(struct pb *p, const char *name, uint64_t type, uint64_t a,
		     uint64_t b, uint64_t size)
{
	size_t t = pb_open(p, 5);

	onnx_put_head(p, name, type, a, b);
	pb_hole(p, 9, size);
	pb_close(p, t);
}

void onnx_put_pair(struct pb *p, uint32_t number, const char *key,
		   const char *value)
{
	size_t pair = pb_open(p, number);

	pb_text(p, 1, key);
	pb_text(p, 2, value);
	pb_close(p, pair);
}

void onnx_put_opset(struct pb *p, const char *domain, uint64_t version)
{
	size_t opset = pb_open(p, 8);

	if (domain)
		pb_text(p, 1, domain);
	pb_number(p, 2, version);
	pb_close(p, opset);
}

void onnx_look(const struct pb *p, struct pb_seen *s)
{
	memset(s, 0, sizeof(*s));
	pb_look(mr_onnx_read, MR_FORMAT_ONNX, p, s);
	assert_ok(s->rc, s->err);
	assert_int_equal(s->facts.bytes_read, s->reader.asked);
}

void onnx_expect_text(const struct pb *p, const char *want)
{
	struct mr_buf text = MR_BUF_INIT(1 << 20);
	struct pb_seen s;

	onnx_look(p, &s);
	pb_facts_text(&s.facts, &text);
	assert_string_equal(mr_buf_text(&text), want);
	mr_buf_release(&text);
	pb_seen_release(&s);
}

void onnx_expect_trouble(const struct pb *p, const char *want)
{
	struct pb_seen s;

	onnx_look(p, &s);
	assert_int_equal(s.facts.format, MR_FORMAT_ONNX);
	assert_non_null(s.facts.trouble);
	assert_string_equal(s.facts.trouble, want);
	assert_int_equal(s.facts.tensor_count, 0);
	assert_int_equal(s.facts.input_count, 0);
	pb_seen_release(&s);
}

/*
 * test_onnx_port.c - the types and shapes of inputs, in words.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "format/read.h"
#include "tests/support/onnx_fixture.h"

/* The text of the one input whose TypeProto `put` writes. */
static void expect_type(void (*put)(struct pb *p), const char *want)
{
	struct mr_buf text = MR_BUF_INIT(4096);
	static struct pb p;
	struct pb_seen s;
	size_t graph;
	size_t port;
	size_t type;
	size_t i;

	pb_begin(&p);
	pb_number(&p, 1, 8);
	graph = pb_open(&p, 7);
	port = pb_open(&p, 11);
	pb_text(&p, 1, "x");
	type = pb_open(&p, 2);
	put(&p);
	pb_close(&p, type);
	pb_close(&p, port);
	pb_close(&p, graph);
	onnx_look(&p, &s);
	assert_null(s.facts.trouble);
	assert_int_equal(s.facts.input_count, 1);
	mr_buf_puts(&text, s.facts.inputs[0].dtype);
	if (s.facts.inputs[0].ranked)
		mr_buf_puts(&text, " of");
	for (i = 0; i < s.facts.inputs[0].dims.n; i++)
		mr_buf_printf(&text, " %s", s.facts.inputs[0].dims.items[i]);
	assert_string_equal(mr_buf_text(&text), want);
	mr_buf_release(&text);
	pb_seen_release(&s);
}

static void nothing(struct pb *p)
{
	(void)p;
}

static void unranked(struct pb *p)
{
	onnx_put_tensor_type(p, 1, 16, NULL);
}

static void scalar(struct pb *p)
{
	static const char *const dims[] = { NULL };

	onnx_put_tensor_type(p, 1, 11, dims);
}

static void every_dim(struct pb *p)
{
	static const char *const dims[] = { "0", "N", "?", "-1", NULL };

	onnx_put_tensor_type(p, 1, 17, dims);
}

static void type_to_come(struct pb *p)
{
	static const char *const dims[] = { "2", NULL };

	onnx_put_tensor_type(p, 1, 99, dims);
}

static void sparse(struct pb *p)
{
	static const char *const dims[] = { "5", "6", NULL };

	onnx_put_tensor_type(p, 8, ONNX_FLOAT, dims);
}

static void opaque(struct pb *p)
{
	size_t t = pb_open(p, 7);

	pb_text(p, 2, "thing");
	pb_close(p, t);
}

/* A message numbered `kind` with a type in its field `inner`. */
static void put_outer(struct pb *p, uint32_t kind, uint32_t inner,
		      void (*put)(struct pb *p))
{
	size_t outer = pb_open(p, kind);
	size_t type;

	if (kind == 5)
		pb_number(p, 1, ONNX_STRING);
	type = pb_open(p, inner);
	put(p);
	pb_close(p, type);
	pb_close(p, outer);
}

static void sequence(struct pb *p)
{
	put_outer(p, 4, 1, every_dim);
}

static void map(struct pb *p)
{
	put_outer(p, 5, 2, unranked);
}

static void sequence_of_maps(struct pb *p)
{
	put_outer(p, 4, 1, map);
}

static void optional_sequence_of_maps(struct pb *p)
{
	put_outer(p, 9, 1, sequence_of_maps);
}

static void sequence_of_nothing(struct pb *p)
{
	put_outer(p, 4, 1, nothing);
}

static void sequence_of_sparse(struct pb *p)
{
	put_outer(p, 4, 1, sparse);
}

static void empty_map(struct pb *p)
{
	pb_close(p, pb_open(p, 5));
}

static void two_types(struct pb *p)
{
	map(p);
	scalar(p);
}

static void names_types_and_shapes(void **state)
{
	(void)state;
	expect_type(nothing, "");
	expect_type(unranked, "bfloat16");
	expect_type(scalar, "float64 of");
	expect_type(every_dim, "float8_e4m3 of 0 N ? ?");
	expect_type(type_to_come, " of 2");
	expect_type(sparse, "sparse(float32) of 5 6");
	expect_type(opaque, "opaque");
	expect_type(sequence, "sequence(float8_e4m3)");
	expect_type(map, "map(string,bfloat16)");
	expect_type(sequence_of_maps, "sequence(map(string,bfloat16))");
	expect_type(optional_sequence_of_maps,
		    "optional(sequence(map(string,bfloat16)))");
	expect_type(sequence_of_nothing, "sequence(?)");
	expect_type(sequence_of_sparse, "sequence(sparse(float32))");
	expect_type(empty_map, "map(?,?)");
	/* The last of several, as protobuf has it. */
	expect_type(two_types, "float64 of");
}

static void refuses_types_without_end(void **state)
{
	static struct pb p;
	size_t opened[64];
	size_t n = 0;
	int i;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 1, 8);
	opened[n++] = pb_open(&p, 7);
	opened[n++] = pb_open(&p, 11);
	opened[n++] = pb_open(&p, 2);
	for (i = 0; i < 9; i++) {
		opened[n++] = pb_open(&p, 4);
		opened[n++] = pb_open(&p, 1);
	}
	while (n)
		pb_close(&p, opened[--n]);
	onnx_expect_trouble(&p, "a type nests deeper than 8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_types_and_shapes),
		cmocka_unit_test(refuses_types_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

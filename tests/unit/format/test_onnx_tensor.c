/*
 * test_onnx_tensor.c - tensors without their data, and a warning for data that
 * is said to be outside of the model's folder (security.md H60, H68).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "format/read.h"
#include "tests/support/onnx_fixture.h"

static void tensors_data_is_not_read(void **state)
{
	static struct pb p;
	struct pb_seen s;
	size_t graph;
	uint64_t gib = UINT64_C(1) << 30;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 1, 8);
	graph = pb_open(&p, 7);
	onnx_put_tensor(&p, "a", ONNX_FLOAT, 1 << 14, 1 << 14, gib);
	onnx_put_tensor(&p, "b", ONNX_FLOAT, 1 << 14, 1 << 14, gib);
	onnx_put_tensor(&p, "c", ONNX_FLOAT, 1 << 14, 1 << 14, gib);
	pb_close(&p, graph);
	onnx_put_opset(&p, "ai.onnx", 21);
	onnx_look(&p, &s);
	assert_null(s.facts.trouble);
	assert_int_equal(s.facts.tensor_count, 3);
	assert_int_equal(s.facts.parameters, 3 << 28);
	assert_int_equal(s.facts.opset, 21);
	assert_true(s.reader.requests <= 4);
	assert_true(s.reader.asked <= 4 * MR_CURSOR_BYTES);
	pb_seen_release(&s);
}

/* A model with one tensor, begun; what follows is in the tensor. */
static void begin_tensor(struct pb *p, size_t opened[2])
{
	pb_begin(p);
	pb_number(p, 1, 8);
	opened[0] = pb_open(p, 7);
	opened[1] = pb_open(p, 5);
}

static void end_tensor(struct pb *p, const size_t opened[2])
{
	pb_close(p, opened[1]);
	pb_close(p, opened[0]);
}

static void sizes_are_those_in_the_file(void **state)
{
	static struct pb p;
	size_t opened[2];
	size_t inner;

	(void)state;
	/* Packed dimensions, packed data. */
	begin_tensor(&p, opened);
	pb_bytes(&p, 1, "\x02\x03", 2);
	pb_number(&p, 2, ONNX_FLOAT);
	pb_hole(&p, 4, 24);
	end_tensor(&p, opened);
	onnx_expect_text(&p, "format onnx\n"
			     "precision float32\n"
			     "parameters 6\n"
			     "opset 0\n"
			     "tensor  FLOAT 2,3 = 6, 24 bytes\n"
			     "metadata ir_version=8\n");
	/* Two texts; no shape is one element. */
	begin_tensor(&p, opened);
	pb_number(&p, 2, ONNX_STRING);
	pb_text(&p, 6, "abc");
	pb_text(&p, 6, "de");
	pb_text(&p, 8, "s");
	end_tensor(&p, opened);
	onnx_expect_text(&p, "format onnx\n"
			     "precision string\n"
			     "parameters 1\n"
			     "opset 0\n"
			     "tensor s STRING = 1, 5 bytes\n"
			     "metadata ir_version=8\n");
	/* Outside. */
	begin_tensor(&p, opened);
	onnx_put_head(&p, "e", ONNX_FLOAT, 5, 5);
	onnx_put_pair(&p, 13, "location", "weights/e.bin");
	onnx_put_pair(&p, 13, "offset", "4096");
	onnx_put_pair(&p, 13, "length", "100");
	pb_number(&p, 14, 1);
	end_tensor(&p, opened);
	onnx_expect_text(&p, "format onnx\n"
			     "precision float32\n"
			     "parameters 25\n"
			     "opset 0\n"
			     "tensor e FLOAT 5,5 = 25, 100 bytes\n"
			     "metadata ir_version=8\n");
	/* A type to come. */
	begin_tensor(&p, opened);
	onnx_put_head(&p, "n", 99, 5, 5);
	pb_hole(&p, 9, 1);
	end_tensor(&p, opened);
	onnx_expect_text(&p, "format onnx\n"
			     "parameters 25\n"
			     "opset 0\n"
			     "tensor n 99 5,5 = 25, 1 bytes\n"
			     "metadata ir_version=8\n");
	/* Sparse: as many elements as are stored. */
	pb_begin(&p);
	pb_number(&p, 1, 8);
	opened[0] = pb_open(&p, 7);
	opened[1] = pb_open(&p, 15);
	inner = pb_open(&p, 1);
	pb_number(&p, 1, 3);
	pb_number(&p, 2, ONNX_FLOAT);
	pb_text(&p, 8, "sp");
	pb_hole(&p, 9, 12);
	pb_close(&p, inner);
	pb_number(&p, 3, 1000);
	end_tensor(&p, opened);
	onnx_expect_text(&p, "format onnx\n"
			     "precision float32\n"
			     "parameters 3\n"
			     "opset 0\n"
			     "tensor sp FLOAT 3 = 3, 12 bytes\n"
			     "metadata ir_version=8\n");
}

static void one_tensor(struct pb *p, uint64_t type, uint64_t a, uint64_t b,
		       uint64_t size)
{
	size_t graph;

	pb_begin(p);
	pb_number(p, 1, 8);
	graph = pb_open(p, 7);
	onnx_put_tensor(p, "w", type, a, b, size);
	pb_close(p, graph);
}

static void refuses_tensors_that_do_not_add_up(void **state)
{
	static struct pb p;
	struct pb_seen s;
	size_t opened[2];
	int i;

	(void)state;
	one_tensor(&p, ONNX_FLOAT, 2, 3, 23);
	onnx_expect_trouble(
		&p, "tensor 'w' has 23 bytes, which its shape does not");
	one_tensor(&p, ONNX_FLOAT, 2, 3, 25);
	onnx_expect_trouble(
		&p, "tensor 'w' has 25 bytes, which its shape does not");
	one_tensor(&p, ONNX_FLOAT, 0, 3, 4);
	onnx_expect_trouble(&p,
			    "tensor 'w' has 4 bytes, which its shape does not");
	one_tensor(&p, ONNX_FLOAT, UINT64_MAX, 3, 4);
	onnx_expect_trouble(&p, "tensor 'w' has a dimension of -1");
	one_tensor(&p, ONNX_FLOAT, UINT64_C(1) << 40, UINT64_C(1) << 40, 4);
	onnx_expect_trouble(&p,
			    "tensor 'w' has more elements than can be counted");
	/* 2^62 elements of four bytes are none in 64 bits. */
	one_tensor(&p, ONNX_FLOAT, UINT64_C(1) << 31, UINT64_C(1) << 31, 4);
	onnx_expect_trouble(&p,
			    "tensor 'w' has 4 bytes, which its shape does not");
	begin_tensor(&p, opened);
	for (i = 0; i < 65; i++)
		pb_number(&p, 1, 1);
	end_tensor(&p, opened);
	onnx_expect_trouble(&p, "a tensor has more than 64 dimensions");
	/* Only a part of one. */
	begin_tensor(&p, opened);
	onnx_put_head(&p, "w", ONNX_FLOAT, 2, 3);
	pb_close(&p, pb_open(&p, 3));
	pb_hole(&p, 9, 8);
	end_tensor(&p, opened);
	onnx_look(&p, &s);
	assert_null(s.facts.trouble);
	pb_seen_release(&s);
	/* Two in a byte, the last one alone; and stripped of its data. */
	one_tensor(&p, ONNX_INT4, 1, 3, 2);
	onnx_look(&p, &s);
	assert_null(s.facts.trouble);
	pb_seen_release(&s);
	one_tensor(&p, ONNX_FLOAT, 2, 3, 0);
	onnx_look(&p, &s);
	assert_null(s.facts.trouble);
	pb_seen_release(&s);
}

/* -- data outside the file ------------------------------------------------- */

static void put_external(struct pb *p, uint32_t number, const char *path)
{
	size_t t = pb_open(p, number);

	onnx_put_head(p, "e", ONNX_FLOAT, 5, 5);
	onnx_put_pair(p, 13, "location", path);
	pb_number(p, 14, 1);
	pb_close(p, t);
}

static void expect_warning(const struct pb *p, const char *want)
{
	struct pb_seen s;

	onnx_look(p, &s);
	assert_null(s.facts.trouble);
	if (want) {
		assert_int_equal(s.facts.warnings.n, 1);
		assert_string_equal(s.facts.warnings.items[0], want);
	} else {
		assert_int_equal(s.facts.warnings.n, 0);
	}
	pb_seen_release(&s);
}

static void external(struct pb *p, const char *path)
{
	size_t graph;

	pb_begin(p);
	pb_number(p, 1, 8);
	graph = pb_open(p, 7);
	put_external(p, 5, path);
	/* Told once. */
	put_external(p, 5, path);
	pb_close(p, graph);
}

static void external_data_inside_the_folder_is_fine(void **state)
{
	static const char *const fine[] = {
		"w.bin", "a/b/w.bin", "./w.bin",    "a/../w.bin", "..w.bin",
		"...",   "a..",       "a/./../b/w", "",           "*a/",
	};
	static struct pb p;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(fine); i++) {
		external(&p, fine[i]);
		expect_warning(&p, NULL);
	}
}

static void external_data_outside_is_warned_of(void **state)
{
	static const char *const bad[] = {
		"../w.bin",           "/etc/passwd",
		"a/../../w.bin",      "..",
		"a/b/../../..",       "./../w",
		"C:\\w.bin",          "c:w.bin",
		"\\\\host\\share",    "..\\w.bin",
		"a\\..\\..\\w",       "a//../../w",
		"*/_ORT_MEM_ADDR_/*",
	};
	char want[128];
	static struct pb p;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		external(&p, bad[i]);
		snprintf(want, sizeof(want),
			 "external data outside the model's folder: '%s'",
			 bad[i]);
		expect_warning(&p, want);
	}
}

static void no_trick_hides_a_path(void **state)
{
	static struct pb p;
	struct pb_seen s;
	size_t opened[2];
	size_t pair;

	(void)state;
	/* What follows a NUL. */
	begin_tensor(&p, opened);
	pair = pb_open(&p, 13);
	pb_text(&p, 1, "location");
	pb_bytes(&p, 2, "w\0/../..", 8);
	pb_close(&p, pair);
	end_tensor(&p, opened);
	expect_warning(&p, "external data outside the model's folder: "
			   "'w\357\277\275/../..'");
	/* The value in front of its key, the place behind the data. */
	begin_tensor(&p, opened);
	pb_number(&p, 14, 1);
	pair = pb_open(&p, 13);
	pb_text(&p, 2, "../w");
	pb_text(&p, 1, "location");
	pb_close(&p, pair);
	end_tensor(&p, opened);
	expect_warning(&p, "external data outside the model's folder: '../w'");
	/* Longer than any path. */
	begin_tensor(&p, opened);
	pair = pb_open(&p, 13);
	pb_text(&p, 1, "location");
	pb_hole(&p, 2, 5000);
	pb_close(&p, pair);
	end_tensor(&p, opened);
	onnx_look(&p, &s);
	assert_int_equal(s.facts.warnings.n, 1);
	assert_has(s.facts.warnings.items[0], "external data outside");
	pb_seen_release(&s);
	/* What would move a terminal's cursor. */
	external(&p, "../\033[2J");
	expect_warning(&p, "external data outside the model's folder: "
			   "'../\\x1b[2J'");
}

/* A model whose only tensor is at the end of these fields of messages in each
 * other, from ModelProto on. */
static void nested(struct pb *p, const uint32_t *numbers)
{
	size_t opened[16];
	size_t n = 0;

	pb_begin(p);
	pb_number(p, 1, 8);
	if (numbers[0] != 7)
		pb_close(p, pb_open(p, 7));
	for (; numbers[1]; numbers++)
		opened[n++] = pb_open(p, *numbers);
	put_external(p, numbers[0], "../w");
	while (n)
		pb_close(p, opened[--n]);
}

static void looks_for_external_data_everywhere(void **state)
{
	static const uint32_t places[][12] = {
		{ 7, 15, 1 },               /* sparse initializer */
		{ 7, 15, 2 },               /* its indices */
		{ 7, 1, 5, 5 },             /* a constant */
		{ 7, 1, 5, 10 },            /* several */
		{ 7, 1, 5, 22, 1 },         /* a sparse one */
		{ 7, 1, 5, 23, 2 },         /* several, indices */
		{ 7, 1, 5, 6, 5 },          /* a branch */
		{ 7, 1, 5, 11, 15, 1 },     /* branches, sparse */
		{ 7, 1, 5, 6, 1, 5, 6, 5 }, /* a branch of a branch */
		{ 25, 7, 5, 5 },            /* a function's constant */
		{ 25, 11, 5 },              /* a function's default */
		{ 20, 1, 5 },               /* training: initialization */
		{ 20, 2, 1, 5, 5 },         /* training: algorithm */
	};
	static struct pb p;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(places); i++) {
		nested(&p, places[i]);
		expect_warning(&p, "external data outside the model's folder: "
				   "'../w'");
	}
}

static void graphs_inside_are_not_counted(void **state)
{
	static const uint32_t branch[] = { 7, 1, 5, 6, 5, 0 };
	static struct pb p;
	struct pb_seen s;

	(void)state;
	nested(&p, branch);
	onnx_look(&p, &s);
	assert_int_equal(s.facts.tensor_count, 0);
	assert_int_equal(s.facts.parameters, 0);
	pb_seen_release(&s);
}

static void refuses_branches_without_end(void **state)
{
	static struct pb p;
	size_t opened[400];
	size_t n = 0;
	int i;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 1, 8);
	opened[n++] = pb_open(&p, 7);
	for (i = 0; i < 100; i++) {
		opened[n++] = pb_open(&p, 1);
		opened[n++] = pb_open(&p, 5);
		opened[n++] = pb_open(&p, 6);
	}
	while (n)
		pb_close(&p, opened[--n]);
	onnx_expect_trouble(&p, "messages nest deeper than 100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tensors_data_is_not_read),
		cmocka_unit_test(sizes_are_those_in_the_file),
		cmocka_unit_test(refuses_tensors_that_do_not_add_up),
		cmocka_unit_test(external_data_inside_the_folder_is_fine),
		cmocka_unit_test(external_data_outside_is_warned_of),
		cmocka_unit_test(no_trick_hides_a_path),
		cmocka_unit_test(looks_for_external_data_everywhere),
		cmocka_unit_test(graphs_inside_are_not_counted),
		cmocka_unit_test(refuses_branches_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

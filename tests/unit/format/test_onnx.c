/*
 * test_onnx.c - a model's inputs, outputs and metadata, and a reason for
 * whatever is no model (security.md H60).
 */
#include "base/limits.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "format/read.h"
#include "tests/support/onnx_fixture.h"

/* What a small model says: the order of fields is that of all writers. */
static void put_model(struct pb *p)
{
	static const char *const in[] = { "batch", "3", NULL };
	static const char *const out[] = { "batch", "?", NULL };
	static const char *const no_dims[] = { NULL };
	size_t graph;
	size_t node;

	pb_begin(p);
	pb_number(p, 1, 8);
	pb_text(p, 2, "pytorch");
	pb_text(p, 3, "2.1.0");
	graph = pb_open(p, 7);
	node = pb_open(p, 1);
	pb_text(p, 1, "x");
	pb_text(p, 2, "y");
	pb_text(p, 4, "MatMul");
	pb_close(p, node);
	pb_text(p, 2, "main_graph");
	onnx_put_tensor(p, "w", ONNX_FLOAT, 3, 4, 48);
	onnx_put_tensor(p, "shape", ONNX_INT64, 1, 2, 16);
	onnx_put_port(p, 11, "x", ONNX_FLOAT, in);
	onnx_put_port(p, 11, "sr", ONNX_INT64, no_dims);
	onnx_put_port(p, 12, "y", ONNX_FLOAT, out);
	pb_close(p, graph);
	onnx_put_opset(p, NULL, 17);
	onnx_put_opset(p, "com.microsoft", 1);
	onnx_put_opset(p, "ai.onnx.ml", 3);
	onnx_put_pair(p, 14, "model_license", "MIT");
	onnx_put_pair(p, 14, "author", "someone");
}

static void reads_a_model(void **state)
{
	static struct pb p;

	(void)state;
	put_model(&p);
	onnx_expect_text(&p, "format onnx\n"
			     "name main_graph\n"
			     "license MIT\n"
			     "producer pytorch 2.1.0\n"
			     "precision float32\n"
			     "parameters 14\n"
			     "opset 17\n"
			     "tensor w FLOAT 3,4 = 12, 48 bytes\n"
			     "tensor shape INT64 1,2 = 2, 16 bytes\n"
			     "input x float32 batch,3\n"
			     "input sr int64\n"
			     "output y float32 batch,?\n"
			     "metadata author=someone\n"
			     "metadata domains=ai.onnx.ml 3, com.microsoft 1\n"
			     "metadata ir_version=8\n"
			     "metadata model_license=MIT\n");
}

static void reads_it_a_byte_at_a_time(void **state)
{
	struct mr_buf slowly = MR_BUF_INIT(1 << 20);
	struct mr_buf text = MR_BUF_INIT(1 << 20);
	static struct pb p;
	struct pb_seen s;

	(void)state;
	put_model(&p);
	onnx_look(&p, &s);
	pb_facts_text(&s.facts, &text);
	pb_seen_release(&s);
	memset(&s, 0, sizeof(s));
	s.reader.at_most = 1;
	pb_look(mr_onnx_read, MR_FORMAT_ONNX, &p, &s);
	assert_ok(s.rc, s.err);
	pb_facts_text(&s.facts, &slowly);
	assert_string_equal(mr_buf_text(&slowly), mr_buf_text(&text));
	pb_seen_release(&s);
	mr_buf_release(&slowly);
	mr_buf_release(&text);
}

static void initializers_are_no_inputs(void **state)
{
	static const char *const none[] = { NULL };
	static struct pb p;
	struct pb_seen s;
	size_t graph;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 1, 3);
	graph = pb_open(&p, 7);
	onnx_put_port(&p, 11, "w", ONNX_FLOAT, none);
	onnx_put_port(&p, 11, "x", ONNX_FLOAT, none);
	onnx_put_port(&p, 11, "b", ONNX_FLOAT, none);
	onnx_put_tensor(&p, "w", ONNX_FLOAT, 1, 1, 4);
	onnx_put_tensor(&p, "b", ONNX_FLOAT, 1, 1, 4);
	pb_close(&p, graph);
	onnx_look(&p, &s);
	assert_null(s.facts.trouble);
	assert_int_equal(s.facts.input_count, 1);
	assert_string_equal(s.facts.inputs[0].name, "x");
	assert_int_equal(s.facts.tensor_count, 2);
	pb_seen_release(&s);
}

/* Fields that no version has, of every wire type. */
static void put_unknown(struct pb *p)
{
	pb_number(p, 999, 1);
	pb_tag(p, 999, 1);
	pb_raw(p, "12345678", 8);
	pb_text(p, 999, "\xff");
	pb_tag(p, 999, 5);
	pb_raw(p, "1234", 4);
}

static void takes_fields_in_any_order_and_those_to_come(void **state)
{
	static struct pb p;
	size_t graph;
	size_t t;

	(void)state;
	pb_begin(&p);
	pb_text(&p, 6, "first what it is for");
	graph = pb_open(&p, 7);
	put_unknown(&p);
	t = pb_open(&p, 5);
	pb_hole(&p, 9, 8);
	put_unknown(&p);
	pb_text(&p, 8, "w");
	pb_number(&p, 2, ONNX_FLOAT);
	pb_number(&p, 1, 2);
	pb_close(&p, t);
	pb_text(&p, 2, "");
	pb_close(&p, graph);
	put_unknown(&p);
	pb_text(&p, 2, "tool");
	pb_number(&p, 1, 8);
	onnx_expect_text(&p, "format onnx\n"
			     "producer tool\n"
			     "precision float32\n"
			     "parameters 2\n"
			     "opset 0\n"
			     "tensor w FLOAT 2 = 2, 8 bytes\n"
			     "metadata ir_version=8\n");
}

/* -- metadata -------------------------------------------------------------- */

static void the_format_wins_over_a_pair_of_its_name(void **state)
{
	static struct pb p;

	(void)state;
	pb_begin(&p);
	onnx_put_pair(&p, 14, "ir_version", "a lie");
	onnx_put_pair(&p, 14, "empty", "");
	pb_number(&p, 1, 9);
	pb_number(&p, 5, 3);
	pb_close(&p, pb_open(&p, 7));
	onnx_expect_text(&p, "format onnx\n"
			     "parameters 0\n"
			     "opset 0\n"
			     "metadata empty=\n"
			     "metadata ir_version=9\n"
			     "metadata model_version=3\n");
}

static void tells_the_domains_that_fit(void **state)
{
	static char name[2001];
	static struct pb p;
	struct pb_seen s;
	int i;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	pb_begin(&p);
	pb_number(&p, 1, 8);
	pb_close(&p, pb_open(&p, 7));
	for (i = 0; i < 3; i++) {
		name[0] = (char)('a' + i);
		onnx_put_opset(&p, name, 1);
	}
	onnx_look(&p, &s);
	assert_null(s.facts.trouble);
	assert_string_equal(s.facts.metadata[0].name, "domains");
	/* Two of "NAME 1", and what is between them. */
	assert_int_equal(strlen(s.facts.metadata[0].value), 2 * 2002 + 2);
	assert_has(s.facts.metadata[0].value, "n 1, bn");
	pb_seen_release(&s);
}

static void refuses_metadata_that_is_there_twice(void **state)
{
	static struct pb p;

	(void)state;
	put_model(&p);
	onnx_put_pair(&p, 14, "author", "someone else");
	onnx_expect_trouble(&p, "metadata 'author' is there twice");
}

static void texts_are_what_can_be_shown(void **state)
{
	static const char *const none[] = { NULL };
	static struct pb p;
	struct pb_seen s;
	size_t graph;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 1, 8);
	graph = pb_open(&p, 7);
	pb_hole(&p, 2, 1 << 20);
	onnx_put_port(&p, 11, "a\xff", ONNX_FLOAT, none);
	pb_close(&p, graph);
	onnx_look(&p, &s);
	assert_null(s.facts.trouble);
	assert_string_equal(s.facts.inputs[0].name, "a\357\277\275");
	assert_true(strlen(s.facts.name) <= MR_FACT_TEXT_MAX_BYTES);
	pb_seen_release(&s);
}

static void a_model_that_says_too_much_is_in_trouble(void **state)
{
	static const char *const none[] = { NULL };
	static struct pb port;
	static struct pb p;
	static char name[3001];
	size_t graph;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	pb_begin(&port);
	onnx_put_port(&port, 11, name, ONNX_FLOAT, none);
	pb_begin(&p);
	pb_number(&p, 1, 8);
	graph = pb_open(&p, 7);
	pb_repeat(&p, port.bytes, port.n, 1 << 16);
	pb_close(&p, graph);
	onnx_expect_trouble(&p,
			    "says more about itself than the 64 MiB that are "
			    "read");
}

/* -- what is no model ------------------------------------------------------ */

static void refuses_a_model_cut_anywhere(void **state)
{
	static struct pb p;
	struct pb_seen s;
	size_t graph;
	size_t n;

	(void)state;
	/* The graph last, so that no end of a field is one of a model. */
	pb_begin(&p);
	pb_number(&p, 1, 8);
	onnx_put_opset(&p, NULL, 17);
	graph = pb_open(&p, 7);
	pb_text(&p, 2, "main_graph");
	pb_text(&p, 10, "what it is for");
	pb_close(&p, graph);
	n = p.n;
	for (p.n = 0; p.n < n; p.n++) {
		onnx_look(&p, &s);
		if (p.n < 2)
			assert_int_equal(s.facts.format, MR_FORMAT_UNKNOWN);
		else
			assert_non_null(s.facts.trouble);
		pb_seen_release(&s);
	}
	onnx_look(&p, &s);
	assert_null(s.facts.trouble);
	assert_string_equal(s.facts.name, "main_graph");
	pb_seen_release(&s);
	/* A byte more. */
	pb_raw(&p, "\x80", 1);
	onnx_look(&p, &s);
	assert_non_null(s.facts.trouble);
	pb_seen_release(&s);
}

static void says_that_there_is_no_graph(void **state)
{
	static struct pb p;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 1, 8);
	onnx_expect_trouble(&p, "has no graph");
}

static void says_what_is_of_the_wrong_type(void **state)
{
	static struct pb p;
	size_t graph;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 1, 8);
	pb_number(&p, 7, 1);
	onnx_expect_trouble(&p, "field 7 at byte 2 is no message");
	pb_begin(&p);
	pb_number(&p, 1, 8);
	graph = pb_open(&p, 7);
	pb_number(&p, 11, 1);
	pb_close(&p, graph);
	onnx_expect_trouble(&p, "field 11 at byte 4 is no message");
}

static void what_is_no_model_is_not_known(void **state)
{
	static const char *const texts[] = {
		"",
		"hello",
		"{\"a\": 1}",
		"version https://git-lfs.github.com/spec/v1\n",
		"\x80\x04K\x01.",
		"PK\x03\x04",
		"GGUF",
		"\n",
		"\x08",
	};
	static struct pb p;
	struct pb_seen s;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(texts); i++) {
		pb_begin(&p);
		pb_raw(&p, texts[i], strlen(texts[i]));
		onnx_look(&p, &s);
		assert_int_equal(s.facts.format, MR_FORMAT_UNKNOWN);
		assert_null(s.facts.trouble);
		pb_seen_release(&s);
	}
}

static void reading_trouble_is_an_error(void **state)
{
	static struct pb p;
	struct pb_seen s;
	unsigned int i;

	(void)state;
	put_model(&p);
	for (i = 1; i <= 3; i++) {
		memset(&s, 0, sizeof(s));
		s.reader.at_most = 40;
		s.reader.fail_at = i;
		pb_look(mr_onnx_read, MR_FORMAT_ONNX, &p, &s);
		assert_code(MREG_ENETWORK, s.rc, s.err);
		assert_int_equal(s.reader.requests, i);
		pb_seen_release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_model),
		cmocka_unit_test(reads_it_a_byte_at_a_time),
		cmocka_unit_test(initializers_are_no_inputs),
		cmocka_unit_test(takes_fields_in_any_order_and_those_to_come),
		cmocka_unit_test(the_format_wins_over_a_pair_of_its_name),
		cmocka_unit_test(tells_the_domains_that_fit),
		cmocka_unit_test(refuses_metadata_that_is_there_twice),
		cmocka_unit_test(texts_are_what_can_be_shown),
		cmocka_unit_test(a_model_that_says_too_much_is_in_trouble),
		cmocka_unit_test(refuses_a_model_cut_anywhere),
		cmocka_unit_test(says_that_there_is_no_graph),
		cmocka_unit_test(says_what_is_of_the_wrong_type),
		cmocka_unit_test(what_is_no_model_is_not_known),
		cmocka_unit_test(reading_trouble_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

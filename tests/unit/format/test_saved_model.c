/*
 * test_saved_model.c - the signature that serves, without the graph, and a
 * reason for whatever is no SavedModel (security.md H60).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/read.h"
#include "tests/support/protobuf_fixture.h"

enum {
	DT_FLOAT = 1,
	DT_STRING = 7,
	DT_INT64 = 9,
	DT_FLOAT_REF = 101,
};

/* -- writing a model ------------------------------------------------------- */

static void put_shape(struct pb *p, const int64_t *sizes, size_t n)
{
	size_t shape = pb_open(p, 3);
	size_t dim;
	size_t i;

	for (i = 0; i < n; i++) {
		dim = pb_open(p, 2);
		/* A writer leaves out what is 0. */
		if (sizes[i])
			pb_number(p, 1, (uint64_t)sizes[i]);
		pb_close(p, dim);
	}
	pb_close(p, shape);
}

static void put_port(struct pb *p, uint32_t number, const char *name,
		     uint64_t type, const int64_t *sizes, size_t n)
{
	size_t entry = pb_open(p, number);
	size_t info;

	pb_text(p, 1, name);
	info = pb_open(p, 2);
	pb_text(p, 1, "StatefulPartitionedCall:0");
	pb_number(p, 2, type);
	if (sizes)
		put_shape(p, sizes, n);
	pb_close(p, info);
	pb_close(p, entry);
}

/* A signature with one input of its own name. */
static void put_signature(struct pb *p, const char *name, const char *input)
{
	static const int64_t sizes[] = { -1, 3 };
	size_t entry = pb_open(p, 5);
	size_t body;

	pb_text(p, 1, name);
	body = pb_open(p, 2);
	put_port(p, 1, input, DT_FLOAT, sizes, 2);
	pb_text(p, 3, "tensorflow/serving/predict");
	pb_close(p, body);
	pb_close(p, entry);
}

static void put_meta(struct pb *p, const char *const *tags)
{
	size_t meta = pb_open(p, 1);

	for (; *tags; tags++)
		pb_text(p, 4, *tags);
	pb_text(p, 5, "2.15.0");
	pb_close(p, meta);
}

/* A model as TensorFlow 2 writes it; the graph, the objects and the functions
 * are large and nobody's business. */
static void put_model(struct pb *p)
{
	static const char *const tags[] = { "serve", NULL };
	static const int64_t image[] = { -1, 224, 224, 3 };
	static const int64_t none[] = { 0 };
	size_t graph;
	size_t entry;
	size_t body;

	pb_begin(p);
	pb_number(p, 1, 1);
	graph = pb_open(p, 2);
	put_meta(p, tags);
	pb_hole(p, 2, UINT64_C(1) << 30);
	put_signature(p, "__saved_model_init_op", "no");
	entry = pb_open(p, 5);
	pb_text(p, 1, "serving_default");
	body = pb_open(p, 2);
	put_port(p, 1, "text", DT_STRING, none, 0);
	put_port(p, 1, "image", DT_FLOAT, image, 4);
	put_port(p, 2, "scores", DT_FLOAT_REF, NULL, 0);
	put_port(p, 2, "empty", DT_INT64, none, 1);
	pb_close(p, body);
	pb_close(p, entry);
	put_signature(p, "other", "no");
	pb_hole(p, 7, UINT64_C(1) << 30);
	pb_close(p, graph);
}

/* -- what is seen of it ---------------------------------------------------- */

static void look(const struct pb *p, struct pb_seen *s)
{
	memset(s, 0, sizeof(*s));
	pb_look(mr_saved_model_read, MR_FORMAT_SAVED_MODEL, p, s);
	assert_ok(s->rc, s->err);
	assert_int_equal(s->facts.bytes_read, s->reader.asked);
}

static void expect_text(const struct pb *p, const char *want)
{
	struct mr_buf text = MR_BUF_INIT(1 << 20);
	struct pb_seen s;

	look(p, &s);
	pb_facts_text(&s.facts, &text);
	assert_string_equal(mr_buf_text(&text), want);
	mr_buf_release(&text);
	pb_seen_release(&s);
}

static void expect_trouble(const struct pb *p, const char *want)
{
	struct pb_seen s;

	look(p, &s);
	assert_int_equal(s.facts.format, MR_FORMAT_SAVED_MODEL);
	assert_non_null(s.facts.trouble);
	assert_string_equal(s.facts.trouble, want);
	assert_int_equal(s.facts.input_count, 0);
	pb_seen_release(&s);
}

/* Which signature was chosen, and its one input. */
static void expect_chosen(const struct pb *p, const char *signature,
			  const char *input)
{
	const char *got = "";
	struct pb_seen s;
	size_t i;

	look(p, &s);
	assert_null(s.facts.trouble);
	for (i = 0; i < s.facts.metadata_count; i++)
		if (strcmp(s.facts.metadata[i].name, "signature") == 0)
			got = s.facts.metadata[i].value;
	assert_string_equal(got, signature);
	assert_int_equal(s.facts.input_count, 1);
	assert_string_equal(s.facts.inputs[0].name, input);
	pb_seen_release(&s);
}

/* -- tests ----------------------------------------------------------------- */

static void reads_the_signature_that_serves(void **state)
{
	static struct pb p;

	(void)state;
	put_model(&p);
	expect_text(&p, "format tensorflow\n"
			"producer tensorflow 2.15.0\n"
			"parameters 0\n"
			"opset 0\n"
			"input image float32 ?,224,224,3\n"
			"input text string\n"
			"output empty int64 0\n"
			"output scores float32 unranked\n"
			"metadata schema_version=1\n"
			"metadata signature=serving_default\n"
			"metadata signatures=other, serving_default\n"
			"metadata tags=serve\n");
}

static void the_graph_is_not_read(void **state)
{
	static struct pb p;
	struct pb_seen s;

	(void)state;
	put_model(&p);
	look(&p, &s);
	assert_true(pb_size(&p) > UINT64_C(2) << 30);
	assert_true(s.reader.requests <= 4);
	assert_true(s.reader.asked <= 3 * MR_CURSOR_BYTES);
	pb_seen_release(&s);
}

static void chooses_by_name_then_by_tag(void **state)
{
	static const char *const train[] = { "train", NULL };
	static const char *const serve[] = { "gpu", "serve", NULL };
	static struct pb p;
	size_t graph;

	(void)state;
	/* Neither default nor served: the first by name. */
	pb_begin(&p);
	graph = pb_open(&p, 2);
	put_signature(&p, "b", "b");
	put_signature(&p, "a", "a");
	put_signature(&p, "__saved_model_init_op", "no");
	put_signature(&p, "c", "c");
	pb_close(&p, graph);
	expect_chosen(&p, "a", "a");
	/* Served, though its tags come last. */
	graph = pb_open(&p, 2);
	put_signature(&p, "z", "z");
	put_meta(&p, serve);
	pb_close(&p, graph);
	expect_chosen(&p, "z", "z");
	/* The default one wins over that. */
	graph = pb_open(&p, 2);
	put_meta(&p, train);
	put_signature(&p, "serving_default", "train");
	pb_close(&p, graph);
	expect_chosen(&p, "serving_default", "train");
	/* And a served one over that, wherever it stands. */
	graph = pb_open(&p, 2);
	put_meta(&p, serve);
	put_signature(&p, "serving_default", "serve");
	pb_close(&p, graph);
	graph = pb_open(&p, 2);
	put_meta(&p, train);
	put_signature(&p, "serving_default", "no");
	pb_close(&p, graph);
	expect_chosen(&p, "serving_default", "serve");
}

static void of_two_of_one_name_the_later_stands(void **state)
{
	static struct pb p;
	size_t graph;

	(void)state;
	pb_begin(&p);
	graph = pb_open(&p, 2);
	put_signature(&p, "serving_default", "first");
	put_signature(&p, "serving_default", "second");
	pb_close(&p, graph);
	expect_chosen(&p, "serving_default", "second");
}

static void tells_the_tags_of_every_graph(void **state)
{
	static const char *const train[] = { "train", NULL };
	static const char *const serve[] = { "serve", "gpu", NULL };
	static struct pb p;
	size_t graph;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 1, 1);
	graph = pb_open(&p, 2);
	put_meta(&p, train);
	pb_close(&p, graph);
	pb_close(&p, pb_open(&p, 2));
	graph = pb_open(&p, 2);
	put_meta(&p, serve);
	pb_close(&p, graph);
	expect_text(&p, "format tensorflow\n"
			"producer tensorflow 2.15.0\n"
			"parameters 0\n"
			"opset 0\n"
			"metadata schema_version=1\n"
			"metadata tags=train; gpu,serve\n");
}

/* The first input of a signature whose TensorInfo is `put`'s. */
static void expect_info(void (*put)(struct pb *p), const char *want)
{
	struct mr_buf text = MR_BUF_INIT(4096);
	const struct mr_port *port;
	static struct pb p;
	size_t opened[5];
	struct pb_seen s;
	size_t i;

	pb_begin(&p);
	opened[0] = pb_open(&p, 2);
	opened[1] = pb_open(&p, 5);
	pb_text(&p, 1, "serving_default");
	opened[2] = pb_open(&p, 2);
	opened[3] = pb_open(&p, 1);
	pb_text(&p, 1, "x");
	opened[4] = pb_open(&p, 2);
	put(&p);
	for (i = 5; i > 0; i--)
		pb_close(&p, opened[i - 1]);
	look(&p, &s);
	assert_null(s.facts.trouble);
	assert_int_equal(s.facts.input_count, 1);
	port = &s.facts.inputs[0];
	mr_buf_puts(&text, port->dtype);
	if (port->ranked)
		mr_buf_puts(&text, " of");
	for (i = 0; i < port->dims.n; i++)
		mr_buf_printf(&text, " %s", port->dims.items[i]);
	assert_string_equal(mr_buf_text(&text), want);
	mr_buf_release(&text);
	pb_seen_release(&s);
}

static void nothing(struct pb *p)
{
	(void)p;
}

static void half(struct pb *p)
{
	pb_number(p, 2, 19);
}

static void type_to_come(struct pb *p)
{
	pb_number(p, 2, 77);
}

static void reference_to_come(struct pb *p)
{
	pb_number(p, 2, 177);
}

static void unknown_rank(struct pb *p)
{
	size_t shape;

	pb_number(p, 2, DT_FLOAT);
	shape = pb_open(p, 3);
	pb_number(p, 3, 1);
	pb_close(p, shape);
}

static void named_dims(struct pb *p)
{
	size_t shape;
	size_t dim;

	pb_number(p, 2, DT_FLOAT);
	shape = pb_open(p, 3);
	dim = pb_open(p, 2);
	pb_number(p, 1, UINT64_MAX);
	pb_text(p, 2, "batch");
	pb_close(p, dim);
	dim = pb_open(p, 2);
	pb_number(p, 1, 5);
	pb_text(p, 2, "width");
	pb_close(p, dim);
	pb_close(p, shape);
}

static void sparse(struct pb *p)
{
	size_t coo = pb_open(p, 4);

	pb_text(p, 1, "values:0");
	pb_close(p, coo);
	pb_number(p, 2, DT_INT64);
}

static void names_types_and_shapes(void **state)
{
	(void)state;
	expect_info(nothing, "");
	expect_info(half, "float16");
	expect_info(type_to_come, "");
	expect_info(reference_to_come, "");
	expect_info(unknown_rank, "float32");
	expect_info(named_dims, "float32 of batch 5");
	expect_info(sparse, "sparse(int64)");
}

static void refuses_shapes_without_end(void **state)
{
	int64_t sizes[65] = { 0 };
	static struct pb p;
	size_t opened[3];

	(void)state;
	pb_begin(&p);
	opened[0] = pb_open(&p, 2);
	opened[1] = pb_open(&p, 5);
	pb_text(&p, 1, "a");
	opened[2] = pb_open(&p, 2);
	put_port(&p, 1, "x", DT_FLOAT, sizes, 65);
	pb_close(&p, opened[2]);
	pb_close(&p, opened[1]);
	pb_close(&p, opened[0]);
	expect_trouble(&p, "a shape has more than 64 dimensions");
}

static void refuses_a_model_cut_anywhere(void **state)
{
	static const char *const serve[] = { "serve", NULL };
	static struct pb p;
	struct pb_seen s;
	size_t graph;
	char want[80];
	size_t n;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 1, 1);
	graph = pb_open(&p, 2);
	put_meta(&p, serve);
	put_signature(&p, "serving_default", "x");
	pb_close(&p, graph);
	n = p.n;
	for (p.n = 0; p.n < n; p.n++) {
		look(&p, &s);
		if (p.n < 2)
			assert_int_equal(s.facts.format, MR_FORMAT_UNKNOWN);
		else
			assert_non_null(s.facts.trouble);
		pb_seen_release(&s);
	}
	expect_chosen(&p, "serving_default", "x");
	pb_raw(&p, "\x80", 1);
	snprintf(want, sizeof(want),
		 "the number at byte %zu runs past the end of its message", n);
	expect_trouble(&p, want);
}

static void says_that_there_is_no_graph(void **state)
{
	static struct pb p;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 1, 1);
	expect_trouble(&p, "has no graph");
}

static void says_what_is_of_the_wrong_type(void **state)
{
	static struct pb p;
	size_t graph;
	size_t entry;

	(void)state;
	pb_begin(&p);
	graph = pb_open(&p, 2);
	pb_number(&p, 5, 1);
	pb_close(&p, graph);
	expect_trouble(&p, "field 5 at byte 2 is no message");
	/* What is read last, from far in front. */
	pb_begin(&p);
	graph = pb_open(&p, 2);
	entry = pb_open(&p, 5);
	pb_text(&p, 1, "a");
	pb_number(&p, 2, 1);
	pb_close(&p, entry);
	pb_hole(&p, 2, 1 << 20);
	pb_close(&p, graph);
	expect_trouble(&p, "field 2 at byte 9 is no message");
}

static void what_is_no_model_is_not_known(void **state)
{
	static const char *const texts[] = {
		"",          "hello",
		"{}",        "version https://git-lfs.github.com/spec/v1",
		"\n\003abc", /* a GraphDef */
		"\x80\x04.", "\x08",
		"\x12\x05",
	};
	static struct pb p;
	struct pb_seen s;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(texts); i++) {
		pb_begin(&p);
		pb_raw(&p, texts[i], strlen(texts[i]));
		look(&p, &s);
		assert_int_equal(s.facts.format, MR_FORMAT_UNKNOWN);
		assert_null(s.facts.trouble);
		pb_seen_release(&s);
	}
}

static void a_model_that_says_too_much_is_in_trouble(void **state)
{
	static struct pb signature;
	static char name[3001];
	static struct pb p;
	size_t graph;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	pb_begin(&signature);
	put_signature(&signature, name, "x");
	pb_begin(&p);
	graph = pb_open(&p, 2);
	pb_repeat(&p, signature.bytes, signature.n, 1 << 16);
	pb_close(&p, graph);
	expect_trouble(&p, "says more about itself than the 64 MiB that are "
			   "read");
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
		s.reader.at_most = 20;
		s.reader.fail_at = i;
		pb_look(mr_saved_model_read, MR_FORMAT_SAVED_MODEL, &p, &s);
		assert_code(MREG_ENETWORK, s.rc, s.err);
		assert_int_equal(s.reader.requests, i);
		pb_seen_release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_signature_that_serves),
		cmocka_unit_test(the_graph_is_not_read),
		cmocka_unit_test(chooses_by_name_then_by_tag),
		cmocka_unit_test(of_two_of_one_name_the_later_stands),
		cmocka_unit_test(tells_the_tags_of_every_graph),
		cmocka_unit_test(names_types_and_shapes),
		cmocka_unit_test(refuses_shapes_without_end),
		cmocka_unit_test(refuses_a_model_cut_anywhere),
		cmocka_unit_test(says_that_there_is_no_graph),
		cmocka_unit_test(says_what_is_of_the_wrong_type),
		cmocka_unit_test(what_is_no_model_is_not_known),
		cmocka_unit_test(a_model_that_says_too_much_is_in_trouble),
		cmocka_unit_test(reading_trouble_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

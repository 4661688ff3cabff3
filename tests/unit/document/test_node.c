/*
 * test_node.c - YAML and JSON as a tree: every way to write a scalar, getters,
 * and what the bounded part of YAML refuses.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "document/document.h"

static const struct mr_node *parse_n(struct mr_arena *a, const char *text,
				     size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_node *root = NULL;

	assert_ok(mr_yaml_parse(a, text, n, "t.yaml", &root, &err), err);
	return root;
}

static const struct mr_node *parse(struct mr_arena *a, const char *text)
{
	return parse_n(a, text, strlen(text));
}

static struct mreg_error refused(int code, const char *text)
{
	MR_AUTO(mr_arena_freep)
	struct mr_arena *a = mr_arena_new(MR_YAML_ARENA_BYTES);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_node *root = NULL;

	assert_code(code,
		    mr_yaml_parse(a, text, strlen(text), "t.yaml", &root, &err),
		    err);
	return err;
}

static const char *text(const struct mr_node *map, const char *key)
{
	return mr_node_text(mr_node_get(map, key));
}

static int arena(void **state)
{
	*state = mr_arena_new(MR_YAML_ARENA_BYTES);
	return *state ? 0 : -1;
}

static int arena_end(void **state)
{
	mr_arena_free(*state);
	return 0;
}

static void reads_every_style_of_scalar(void **state)
{
	const struct mr_node *m =
		parse(*state, "# a comment\n"
			      "colon: 12:30:45 http://a.b/c#d\n"
			      "single: 'it''s\n  folded'\n"
			      "double: \"a\\tb\\u00e9\\x41\\\n   joined\"\n"
			      "literal: |\n  one\n    two\n\n  three\n"
			      "literal_strip: |-\n  one\n  two\n\n"
			      "literal_keep: |+\n  one\n\n"
			      "literal_indent: |2\n    four\n"
			      "folded: >\n  one\n  two\n\n  three\n"
			      "folded_strip: >-\n  one\n  two\n"
			      "several:\n  first\n  second\n"
			      "flow: [a, 'b', \"c\", 1.0, [d], {e: f},]\n"
			      "? explicit\n: value\n"
			      "\"quoted key\": q\n");

	assert_string_equal(text(m, "colon"), "12:30:45 http://a.b/c#d");
	assert_string_equal(text(m, "single"), "it's folded");
	assert_string_equal(text(m, "double"), "a\tb\xc3\xa9"
					       "Ajoined");
	assert_string_equal(text(m, "literal"), "one\n  two\n\nthree\n");
	assert_string_equal(text(m, "literal_strip"), "one\ntwo");
	assert_string_equal(text(m, "literal_keep"), "one\n\n");
	assert_string_equal(text(m, "literal_indent"), "  four\n");
	assert_string_equal(text(m, "folded"), "one two\nthree\n");
	assert_string_equal(text(m, "folded_strip"), "one two");
	assert_string_equal(text(m, "several"), "first second");
	assert_string_equal(text(m, "explicit"), "value");
	assert_string_equal(text(m, "quoted key"), "q");
	assert_int_equal(mr_node_get(m, "flow")->count, 6);
	assert_string_equal(text(mr_node_get(m, "flow")->items[5], "e"), "f");
}

static void reads_windows_line_ends_and_a_byte_order_mark(void **state)
{
	const struct mr_node *m =
		parse(*state, "\xef\xbb\xbf"
			      "a: 1\r\nb: |\r\n  x\r\n  y\r\nc:\r\n- d\r\n");

	assert_string_equal(text(m, "a"), "1");
	assert_string_equal(text(m, "b"), "x\ny\n");
	assert_string_equal(mr_node_text(mr_node_get(m, "c")->items[0]), "d");
	m = parse(*state, "\xef\xbb\xbf{\"a\": 2}");
	assert_string_equal(text(m, "a"), "2");
}

static void keeps_scalars_as_they_were_written(void **state)
{
	const struct mr_node *m =
		parse(*state, "{\"x\": 0.910, \"y\": 1E-7, \"z\": -0}");

	assert_string_equal(text(m, "x"), "0.910");
	assert_string_equal(text(m, "y"), "1E-7");
	assert_string_equal(text(m, "z"), "-0");
	/* What YAML 1.1 makes of these is nobody's wish. */
	m = parse(*state, "language: no\nversion: 1.10\nsha: 0e12\n");
	assert_string_equal(text(m, "language"), "no");
	assert_string_equal(text(m, "version"), "1.10");
	assert_string_equal(text(m, "sha"), "0e12");
}

static void gets_what_is_there_and_nothing_else(void **state)
{
	const struct mr_node *m = parse(
		*state,
		"b: 2\nd: 4\na: 1\nc: 3\nlist: [x]\nnone:\nnil: ~\nnull_: null\n"
		"said: 'null'\n");

	assert_string_equal(text(m, "a"), "1");
	assert_string_equal(text(m, "b"), "2");
	assert_string_equal(text(m, "c"), "3");
	assert_string_equal(text(m, "d"), "4");
	assert_null(mr_node_get(m, ""));
	assert_null(mr_node_get(m, "bb"));
	assert_null(mr_node_get(m, "zz"));
	assert_null(mr_node_get(NULL, "a"));
	assert_null(mr_node_get(mr_node_get(m, "list"), "x"));
	assert_null(mr_node_get(mr_node_get(m, "a"), "a"));
	assert_null(mr_node_text(NULL));
	assert_null(mr_node_text(m));
	assert_null(text(m, "list"));
	assert_non_null(mr_node_get(m, "none"));
	assert_null(text(m, "none"));
	assert_null(text(m, "nil"));
	assert_null(text(m, "null_"));
	assert_string_equal(text(m, "said"), "null");
}

static void writes_compact_json_with_sorted_keys(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf out = MR_BUF_INIT(1000);

	mr_node_json(parse(*state, "b: [1.50, on, 'x\"y']\n"
				   "a: {d: ~, c: true, b: 'true'}\n"),
		     &out);
	assert_string_equal(mr_buf_text(&out),
			    "{\"a\":{\"b\":\"true\",\"c\":true,\"d\":null},"
			    "\"b\":[1.50,\"on\",\"x\\\"y\"]}");
}

/* Else what is written here could not be read back. */
static void numbers_that_json_readers_cannot_hold_become_strings(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf out = MR_BUF_INIT(1000);
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_node *back = NULL;

	mr_node_json(parse(*state, "a: [9223372036854775807, 1e308, 1e309]\n"
				   "b: [-1.0E+999, 1e-999]\n"
				   "c: [9223372036854775808, 1]\n"
				   "d: [-9223372036854775808]\n"
				   "e: [-9223372036854775809]\n"),
		     &out);
	assert_string_equal(mr_buf_text(&out),
			    "{\"a\":[9223372036854775807,1e308,\"1e309\"],"
			    "\"b\":[\"-1.0E+999\",1e-999],"
			    "\"c\":[\"9223372036854775808\",1],"
			    "\"d\":[-9223372036854775808],"
			    "\"e\":[\"-9223372036854775809\"]}");
	assert_ok(mr_node_parse_json(*state, mr_buf_text(&out), out.len, "it",
				     &back, &err),
		  err);
}

static void an_empty_document_is_no_node(void **state)
{
	assert_null(parse(*state, ""));
	assert_null(parse(*state, " \n  \n"));
	assert_null(parse(*state, "# nothing\n"));
	assert_true(mr_node_is_null(parse(*state, "---\n")));
}

static void refuses_what_makes_much_of_little(void **state)
{
	(void)state;
	assert_has(refused(MREG_EFORMAT, "a: &x 1\n").msg,
		   "an anchor ('&') in 't.yaml', line 1");
	assert_has(refused(MREG_EFORMAT, "b: 1\na: *x\n").msg,
		   "an alias ('*') in 't.yaml', line 2");
	assert_has(refused(MREG_EFORMAT, "a: !!python/object x\n").msg,
		   "a tag ('!')");
	assert_has(refused(MREG_EFORMAT, "a: 1\n---\nb: 2\n").msg,
		   "a second document in 't.yaml', line 2");
	assert_has(refused(MREG_EFORMAT, "a: 1\na: 2\n").msg,
		   "key 'a' twice in 't.yaml', line 2");
	assert_has(refused(MREG_EFORMAT, "b: [\n").msg, "t.yaml");
	assert_has(refused(MREG_EFORMAT, "? [a]\n: 1\n").msg,
		   "a key that is no text");
	assert_has(refused(MREG_EFORMAT, "a: b: c\n").msg, "line 1");
	assert_has(refused(MREG_EFORMAT, "a:\n\t- b\n").msg, "line 2");
	assert_has(refused(MREG_EFORMAT, "a: \"\\0\"\n").msg,
		   "a NUL character");
	assert_has(refused(MREG_EFORMAT, "a: \xff\n").msg, "UTF-8");
}

static void refuses_what_is_too_deep_or_too_much(void **state)
{
	char *large = malloc(MR_PARSED_FILE_MAX_BYTES + 2);
	char deep[4 * MR_JSON_DEPTH_MAX];
	size_t i;

	(void)state;
	assert_non_null(large);
	memset(deep, 0, sizeof(deep));
	memcpy(deep, "a: ", 3);
	memset(deep + 3, '[', MR_JSON_DEPTH_MAX + 1);
	assert_has(refused(MREG_ELIMIT, deep).msg, "more than 64 levels");
	for (i = 0; i < MR_PARSED_FILE_MAX_BYTES; i += 8)
		memcpy(large + i, "- - - -\n", 8);
	large[MR_PARSED_FILE_MAX_BYTES] = '\0';
	assert_has(refused(MREG_ELIMIT, large).msg, "more than 100000 values");
	memset(large, 'a', MR_PARSED_FILE_MAX_BYTES + 1);
	large[MR_PARSED_FILE_MAX_BYTES + 1] = '\0';
	assert_has(refused(MREG_ELIMIT, large).msg,
		   "'t.yaml' is larger than 1048576 bytes");
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_every_style_of_scalar,
						arena, arena_end),
		cmocka_unit_test_setup_teardown(
			reads_windows_line_ends_and_a_byte_order_mark, arena,
			arena_end),
		cmocka_unit_test_setup_teardown(
			keeps_scalars_as_they_were_written, arena, arena_end),
		cmocka_unit_test_setup_teardown(
			gets_what_is_there_and_nothing_else, arena, arena_end),
		cmocka_unit_test_setup_teardown(
			writes_compact_json_with_sorted_keys, arena, arena_end),
		cmocka_unit_test_setup_teardown(
			numbers_that_json_readers_cannot_hold_become_strings,
			arena, arena_end),
		cmocka_unit_test_setup_teardown(an_empty_document_is_no_node,
						arena, arena_end),
		cmocka_unit_test(refuses_what_makes_much_of_little),
		cmocka_unit_test(refuses_what_is_too_deep_or_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

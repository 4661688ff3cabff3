/*
 * test_json.c - parsing under limits, getters that name the field.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

static int parse(const char *text, json_t **out, struct mreg_error *err)
{
	return mr_json_parse(text, strlen(text), MR_MANIFEST_MAX_BYTES,
			     "manifest 'm'", out, err);
}

static json_t *parsed(const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;
	json_t *j = NULL;

	assert_ok(parse(text, &j, &err), err);
	return j;
}

static void refuses_what_is_no_json(void **state)
{
	static const char *const rows[] = {
		"<html><body>not found</body></html>",
		"{\"a\":1}x",
		"{\"a\":1",
		"{\"a\":}",
		"[1,]",
		"{'a':1}",
		"\"just a string\"",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"x\\u0000y\"}",
		"{\"a\\u0000\":1}",
		"{\"a\":99999999999999999999}",
		"{\"a\":1e999}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":NaN}",
	};
	struct mreg_error err = MREG_ERROR_INIT;
	json_t *j = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		assert_code(MREG_EFORMAT, parse(rows[i], &j, &err), err);
		assert_has(err.msg, "manifest 'm' is no valid JSON: ");
		assert_has(err.msg, "(line 1, column ");
		assert_null(j);
	}
	assert_code(MREG_EFORMAT, parse("", &j, &err), err);
	assert_string_equal(err.msg, "manifest 'm' is empty, not JSON");
}

static void refuses_duplicate_keys(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	json_t *j = NULL;

	(void)state;
	assert_code(MREG_EFORMAT,
		    parse("{\"a\":1,\n\"b\":{\"c\":1,\"c\":2}}", &j, &err),
		    err);
	assert_has(err.msg, "duplicate");
	assert_has(err.msg, "line 2");
	/* The same key, spelled differently. */
	assert_code(MREG_EFORMAT, parse("{\"a\":1,\"\\u0061\":2}", &j, &err),
		    err);
}

static void bounds_the_size(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	json_t *j = NULL;

	(void)state;
	assert_code(MREG_ELIMIT,
		    mr_json_parse("{\"a\":1}", 7, 6, "file 'x'", &j, &err),
		    err);
	assert_string_equal(err.msg, "file 'x' is larger than 6 bytes");
	assert_ok(mr_json_parse("{\"a\":1}", 7, 7, "file 'x'", &j, &err), err);
	mr_json_freep(&j);
	assert_null(j);
	mr_json_freep(&j);
}

static void nest(char *out, size_t depth)
{
	memset(out, '[', depth);
	memset(out + depth, ']', depth);
	out[2 * depth] = '\0';
}

static void bounds_the_nesting(void **state)
{
	static char text[2 * 100000 + 1];
	struct mreg_error err = MREG_ERROR_INIT;
	json_t *j = NULL;

	(void)state;
	nest(text, MR_JSON_DEPTH_MAX);
	assert_ok(parse(text, &j, &err), err);
	mr_json_freep(&j);
	nest(text, MR_JSON_DEPTH_MAX + 1);
	assert_code(MREG_ELIMIT, parse(text, &j, &err), err);
	assert_string_equal(err.msg,
			    "manifest 'm' is nested deeper than 64 levels");
	nest(text, 100000);
	assert_code(MREG_ELIMIT, parse(text, &j, &err), err);
}

static void brackets_in_strings_are_no_nesting(void **state)
{
	char text[400] = "{\"a\":\"\\\"";
	struct mreg_error err = MREG_ERROR_INIT;
	json_t *j = NULL;

	(void)state;
	memset(text + strlen(text), '[', 200);
	strcat(text, "\\\\\",\"b\":[]}");
	assert_ok(parse(text, &j, &err), err);
	mr_json_freep(&j);
}

/* Exactly those that 64 bits hold, or as a double whatever is finite. */
static void integers_beyond_64_bits_are_reals_where_that_is_wanted(void **state)
{
	static const char text[] = "{\"n\":18446744073709551616,\"m\":1}";
	struct mreg_error err = MREG_ERROR_INIT;
	MR_AUTO(mr_json_freep) json_t *j = NULL;

	(void)state;
	assert_code(MREG_EFORMAT, parse(text, &j, &err), err);
	assert_has(err.msg, "too big integer");
	assert_ok(mr_json_parse_reals(text, strlen(text), sizeof(text), "m", &j,
				      &err),
		  err);
	assert_true(json_real_value(json_object_get(j, "n")) ==
		    18446744073709551616.0);
	assert_true(json_is_real(json_object_get(j, "m")));
	mr_json_freep(&j);
	assert_code(MREG_EFORMAT,
		    mr_json_parse_reals("[1e999]", 7, 7, "m", &j, &err), err);
}

static void gets_what_is_there(void **state)
{
	MR_AUTO(mr_json_freep)
	json_t *j = parsed("{\"s\":\"text\",\"n\":4611686018427387904,"
			   "\"z\":0,\"t\":true,\"f\":false,\"a\":[1],"
			   "\"o\":{\"k\":\"v\"}}");
	struct mreg_error err = MREG_ERROR_INIT;
	const char *s = NULL;
	uint64_t n = 1;
	bool b = false;
	json_t *sub = NULL;

	(void)state;
	assert_ok(mr_json_need_str(j, "s", "x", &s, &err), err);
	assert_string_equal(s, "text");
	assert_ok(mr_json_opt_str(j, "s", "x", &s, &err), err);
	assert_ok(mr_json_need_u64(j, "n", "x", &n, &err), err);
	assert_true(n == UINT64_C(1) << 62);
	assert_ok(mr_json_opt_u64(j, "z", "x", &n, &err), err);
	assert_true(n == 0);
	assert_ok(mr_json_opt_bool(j, "t", "x", &b, &err), err);
	assert_true(b);
	assert_ok(mr_json_opt_bool(j, "f", "x", &b, &err), err);
	assert_false(b);
	assert_ok(mr_json_need_array(j, "a", "x", &sub, &err), err);
	assert_int_equal(json_array_size(sub), 1);
	assert_ok(mr_json_opt_array(j, "a", "x", &sub, &err), err);
	assert_ok(mr_json_opt_object(j, "o", "x", &sub, &err), err);
	assert_ok(mr_json_need_str(sub, "k", "x", &s, &err), err);
	assert_string_equal(s, "v");
	assert_string_equal(err.msg, "");
}

static void the_optional_may_be_absent_or_null(void **state)
{
	MR_AUTO(mr_json_freep) json_t *j = parsed("{\"null\":null}");
	static const char *const keys[] = { "absent", "null" };
	struct mreg_error err = MREG_ERROR_INIT;
	const char *s = "kept";
	uint64_t n = 7;
	bool b = true;
	json_t *sub = j;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(keys); i++) {
		assert_ok(mr_json_opt_str(j, keys[i], "x", &s, &err), err);
		assert_ok(mr_json_opt_u64(j, keys[i], "x", &n, &err), err);
		assert_ok(mr_json_opt_bool(j, keys[i], "x", &b, &err), err);
		assert_ok(mr_json_opt_array(j, keys[i], "x", &sub, &err), err);
		assert_ok(mr_json_opt_object(j, keys[i], "x", &sub, &err), err);
	}
	assert_string_equal(s, "kept");
	assert_true(n == 7 && b && sub == j);
	assert_code(MREG_EFORMAT,
		    mr_json_need_str(j, "absent", "config 'c'", &s, &err), err);
	assert_string_equal(err.msg, "field 'absent' of config 'c' is missing");
	assert_code(MREG_EFORMAT,
		    mr_json_need_str(j, "null", "config 'c'", &s, &err), err);
	assert_string_equal(err.msg,
			    "field 'null' of config 'c' is null, not a string");
}

static void wrong_types_are_named(void **state)
{
	MR_AUTO(mr_json_freep)
	json_t *j = parsed("{\"s\":\"1\",\"neg\":-1,\"real\":1.0,"
			   "\"big\":4611686018427387905,\"a\":[],\"o\":{}}");
	struct mreg_error err = MREG_ERROR_INIT;
	const char *s = NULL;
	uint64_t n = 0;
	bool b = false;
	json_t *sub = NULL;

	(void)state;
	assert_code(MREG_EFORMAT, mr_json_need_u64(j, "s", "m", &n, &err), err);
	assert_string_equal(err.msg,
			    "field 's' of m is a string, not a whole number");
	assert_code(MREG_EFORMAT, mr_json_need_u64(j, "neg", "m", &n, &err),
		    err);
	assert_string_equal(
		err.msg, "field 'neg' of m is -1, not a number from 0 to 2^62");
	assert_code(MREG_EFORMAT, mr_json_need_u64(j, "real", "m", &n, &err),
		    err);
	assert_code(MREG_EFORMAT, mr_json_opt_u64(j, "big", "m", &n, &err),
		    err);
	assert_code(MREG_EFORMAT, mr_json_opt_str(j, "a", "m", &s, &err), err);
	assert_code(MREG_EFORMAT, mr_json_opt_bool(j, "o", "m", &b, &err), err);
	assert_code(MREG_EFORMAT, mr_json_need_array(j, "o", "m", &sub, &err),
		    err);
	assert_code(MREG_EFORMAT, mr_json_opt_array(j, "s", "m", &sub, &err),
		    err);
	assert_code(MREG_EFORMAT, mr_json_opt_object(j, "a", "m", &sub, &err),
		    err);
	assert_has(err.msg, "is an array, not an object");
	assert_code(MREG_EFORMAT,
		    mr_json_need_str(json_object_get(j, "a"), "k", "layer 3",
				     &s, &err),
		    err);
	assert_string_equal(err.msg, "layer 3 is no JSON object");
	assert_code(MREG_EFORMAT,
		    mr_json_opt_str(NULL, "k", "layer 3", &s, &err), err);
	assert_null(s);
	assert_null(sub);
}

static void quotes_only_what_must_be(void **state)
{
	struct mr_buf b = MR_BUF_INIT(1000);

	(void)state;
	mr_json_quote(&b, "");
	mr_json_quote(&b, "a/b \xc3\xbc <&>\x7f");
	mr_json_quote(&b, "\"\\\n\t\b\f\r\x01\x1f");
	assert_string_equal(mr_buf_text(&b),
			    "\"\"\"a/b \xc3\xbc <&>\x7f\""
			    "\"\\\"\\\\\\n\\t\\b\\f\\r\\u0001\\u001f\"");
	mr_buf_release(&b);
}

static void the_canonical_form_is_one(void **state)
{
	static const char *const rows[][2] = {
		{ " { } ", "{}" },
		{ "[ ]", "[]" },
		{ "{\"b\":1,\"a\":[true,false,null,-5,\"\\u00fc\\/\"]}",
		  "{\"a\":[true,false,null,-5,\"\xc3\xbc/\"],\"b\":1}" },
		{ "{\"aa\":1,\"a\":2,\"\xc3\xa4\":3,\"Z\":4,\"\":5}",
		  "{\"\":5,\"Z\":4,\"a\":2,\"aa\":1,\"\xc3\xa4\":3}" },
		{ "[9223372036854775807,-9223372036854775808,-0]",
		  "[9223372036854775807,-9223372036854775808,0]" },
	};
	struct mreg_error err = MREG_ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(rows); i++) {
		struct mr_buf b = MR_BUF_INIT(1000);
		json_t *j = parsed(rows[i][0]);

		assert_ok(mr_json_canonical(j, &b, &err), err);
		assert_string_equal(mr_buf_text(&b), rows[i][1]);
		mr_buf_release(&b);
		mr_json_freep(&j);
	}
}

static void the_canonical_form_has_no_fractions(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf b = MR_BUF_INIT(1000);
	json_t *j = parsed("{\"a\":[0.5]}");

	(void)state;
	assert_code(MREG_EFORMAT, mr_json_canonical(j, &b, &err), err);
	assert_string_equal(err.msg,
			    "canonical JSON holds no fractions, found 0.5");
	mr_buf_release(&b);
	mr_json_freep(&j);
}

static void built_values_are_bounded_too(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_buf b = MR_BUF_INIT(10);
	json_t *j = json_array();
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		json_t *outer = json_array();

		json_array_append_new(outer, j);
		j = outer;
	}
	assert_code(MREG_ELIMIT, mr_json_canonical(j, &b, &err), err);
	mr_json_freep(&j);
	mr_buf_release(&b);
	j = json_pack("[s%]", "a\0b", (size_t)3);
	assert_code(MREG_EFORMAT, mr_json_canonical(j, &b, &err), err);
	assert_has(err.msg, "NUL");
	mr_json_freep(&j);
	mr_buf_release(&b);
	j = json_pack("[s]", "longer than ten");
	assert_code(MREG_ELIMIT, mr_json_canonical(j, &b, &err), err);
	mr_json_freep(&j);
	mr_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_json),
		cmocka_unit_test(refuses_duplicate_keys),
		cmocka_unit_test(bounds_the_size),
		cmocka_unit_test(bounds_the_nesting),
		cmocka_unit_test(brackets_in_strings_are_no_nesting),
		cmocka_unit_test(
			integers_beyond_64_bits_are_reals_where_that_is_wanted),
		cmocka_unit_test(gets_what_is_there),
		cmocka_unit_test(the_optional_may_be_absent_or_null),
		cmocka_unit_test(wrong_types_are_named),
		cmocka_unit_test(quotes_only_what_must_be),
		cmocka_unit_test(the_canonical_form_is_one),
		cmocka_unit_test(the_canonical_form_has_no_fractions),
		cmocka_unit_test(built_values_are_bounded_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

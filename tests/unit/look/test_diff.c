/*
 * test_diff.c - signatures that anybody may have written, and what their
 * differences mean.
 */
#include "look/diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/test.h"

struct fixture {
	struct mr_arena *arena;
	struct mreg_diff_result result;
	struct diff d;
	struct mreg_error err;
};

static int setup(void **state)
{
	struct fixture *f = mr_zalloc(sizeof(*f));

	assert_non_null(f);
	f->arena = mr_arena_new(16u << 20);
	assert_non_null(f->arena);
	f->d.arena = f->arena;
	f->d.out = &f->result;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_release(f->d.ports);
	mr_arena_free(f->arena);
	mr_release(f);
	return 0;
}

static bool read_signature(struct fixture *f, const char *text,
			   struct mr_diff_specs sides[MR_DIFF_SIDES])
{
	bool known;

	assert_ok(mr_diff_signature(text, f->arena, sides, &known, &f->err),
		  f->err);
	return known;
}

static void reads_columns_and_tensors(void **state)
{
	struct mr_diff_specs s[MR_DIFF_SIDES];
	struct fixture *f = *state;

	assert_true(read_signature(
		f,
		"{\"inputs\":[{\"name\":\"a\",\"type\":\"long\"},"
		"{\"type\":\"tensor\",\"tensor-spec\":{\"dtype\":\"float32\","
		"\"shape\":[-1,28,28]},\"required\":false}],"
		"\"outputs\":\"[{\\\"type\\\":\\\"double\\\"}]\","
		"\"params\":null}",
		s));
	assert_int_equal(s[MR_DIFF_INPUTS].n, 2);
	assert_string_equal(s[MR_DIFF_INPUTS].items[0].name, "a");
	assert_string_equal(s[MR_DIFF_INPUTS].items[0].type, "long");
	assert_false(s[MR_DIFF_INPUTS].items[0].ranked);
	assert_false(s[MR_DIFF_INPUTS].items[0].optional);
	assert_string_equal(s[MR_DIFF_INPUTS].items[1].name, "#2");
	assert_string_equal(s[MR_DIFF_INPUTS].items[1].type, "float32");
	assert_int_equal(s[MR_DIFF_INPUTS].items[1].rank, 3);
	assert_string_equal(s[MR_DIFF_INPUTS].items[1].dims[0], "?");
	assert_string_equal(s[MR_DIFF_INPUTS].items[1].dims[2], "28");
	assert_true(s[MR_DIFF_INPUTS].items[1].optional);
	/* As in an MLmodel file: a text in which it is. */
	assert_int_equal(s[MR_DIFF_OUTPUTS].n, 1);
	assert_string_equal(s[MR_DIFF_OUTPUTS].items[0].type, "double");
	assert_int_equal(s[MR_DIFF_PARAMS].n, 0);
}

static void nested_types_are_one_text_each(void **state)
{
	struct mr_diff_specs a[MR_DIFF_SIDES];
	struct mr_diff_specs b[MR_DIFF_SIDES];
	struct fixture *f = *state;

	assert_true(read_signature(
		f,
		"{\"inputs\":[{\"type\":\"array\",\"name\":\"x\","
		"\"items\":{\"type\":\"long\"},\"required\":true}]}",
		a));
	assert_true(
		read_signature(f,
			       "{\"inputs\":[{\"items\":{\"type\":\"long\"},"
			       "\"type\":\"array\",\"name\":\"y\"}]}",
			       b));
	assert_string_equal(a[0].items[0].type, b[0].items[0].type);
	assert_string_equal(
		a[0].items[0].type,
		"{\"items\":{\"type\":\"long\"},\"type\":\"array\"}");
}

static void what_is_no_signature_is_not_known(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"[{\"name\":\"a\"}]",
		"{}",
		"{\"params\":[]}",
		"{\"inputs\":{}}",
		"{\"inputs\":[1]}",
		"{\"inputs\":[[]]}",
		"{\"inputs\":\"no list\"}",
		"{\"inputs\":\"{}\"}",
		"{\"inputs\":[],\"inputs\":[]}",
		"{\"inputs\":[],\"outputs\":7}",
	};
	struct mr_diff_specs s[MR_DIFF_SIDES];
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(texts); i++)
		assert_false(read_signature(f, texts[i], s));
}

static void deep_nesting_is_not_known(void **state)
{
	char text[4096] = "{\"inputs\":[{\"type\":\"array\",\"items\":";
	struct mr_diff_specs s[MR_DIFF_SIDES];
	struct fixture *f = *state;
	size_t n = strlen(text);

	memset(text + n, '[', sizeof(text) - n - 1);
	assert_false(read_signature(f, text, s));
}

static void strange_members_are_left_out(void **state)
{
	struct mr_diff_specs s[MR_DIFF_SIDES];
	struct fixture *f = *state;

	assert_true(read_signature(
		f,
		"{\"inputs\":[{\"name\":7,\"type\":[],\"required\":\"no\"},"
		"{\"type\":\"tensor\",\"tensor-spec\":{\"dtype\":1,"
		"\"shape\":[1.5,\"n\",null,4611686018427387904]}},"
		"{\"type\":\"tensor\",\"tensor-spec\":[]}]}",
		s));
	assert_string_equal(s[0].items[0].name, "#1");
	assert_string_equal(s[0].items[0].type, "");
	assert_false(s[0].items[0].optional);
	assert_string_equal(s[0].items[1].type, "");
	assert_int_equal(s[0].items[1].rank, 4);
	assert_string_equal(s[0].items[1].dims[0], "?");
	assert_string_equal(s[0].items[1].dims[2], "?");
	assert_string_equal(s[0].items[1].dims[3], "4611686018427387904");
	assert_false(s[0].items[2].ranked);
}

static const char *const one_dim[] = { "n" };
static const char *const two_dims[] = { "n", "4" };

static void compare(struct fixture *f, const char *side, struct mr_diff_spec a,
		    struct mr_diff_spec b)
{
	struct mr_diff_specs x = { .items = &a, .n = 1 };
	struct mr_diff_specs y = { .items = &b, .n = 1 };

	f->d.port_count = 0;
	assert_ok(mr_diff_ports(&f->d, side, "m: ", &x, &y, &f->err), f->err);
}

static void a_difference_names_its_port(void **state)
{
	struct mr_diff_spec a = { .name = "x", .type = "long" };
	struct mr_diff_spec b = { .name = "x", .type = "float" };
	struct fixture *f = *state;

	compare(f, "input", a, b);
	assert_int_equal(f->d.port_count, 1);
	assert_string_equal(f->d.ports[0].name, "m: x");
	assert_string_equal(f->d.ports[0].problem,
			    "its type is 'float', was 'long'");
	assert_true(f->d.ports[0].incompatible);
}

static void what_was_not_told_breaks_nothing(void **state)
{
	struct mr_diff_spec a = { .name = "x", .type = "" };
	struct mr_diff_spec b = { .name = "x",
				  .type = "long",
				  .dims = one_dim,
				  .rank = 1,
				  .ranked = true };
	struct fixture *f = *state;

	compare(f, "input", a, b);
	assert_int_equal(f->d.port_count, 2);
	assert_false(f->d.ports[0].incompatible);
	assert_string_equal(f->d.ports[1].problem,
			    "its shape is [n], was not told");
	assert_false(f->d.ports[1].incompatible);
}

static void another_rank_breaks_both_sides(void **state)
{
	struct mr_diff_spec a = { .name = "x",
				  .type = "long",
				  .dims = one_dim,
				  .rank = 1,
				  .ranked = true };
	struct mr_diff_spec b = { .name = "x",
				  .type = "long",
				  .dims = two_dims,
				  .rank = 2,
				  .ranked = true };
	struct fixture *f = *state;

	compare(f, "input", a, b);
	assert_int_equal(f->d.port_count, 1);
	assert_true(f->d.ports[0].incompatible);
	compare(f, "output", b, a);
	assert_string_equal(f->d.ports[0].problem,
			    "its shape is [n], was [n, 4]");
	assert_true(f->d.ports[0].incompatible);
}

static void same_ports_are_no_difference(void **state)
{
	struct mr_diff_spec a = { .name = "x",
				  .type = "long",
				  .dims = two_dims,
				  .rank = 2,
				  .ranked = true };
	struct fixture *f = *state;

	compare(f, "input", a, a);
	assert_int_equal(f->d.port_count, 0);
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(reads_columns_and_tensors),
		WITH(nested_types_are_one_text_each),
		WITH(what_is_no_signature_is_not_known),
		WITH(deep_nesting_is_not_known),
		WITH(strange_members_are_left_out),
		WITH(a_difference_names_its_port),
		WITH(what_was_not_told_breaks_nothing),
		WITH(another_rank_breaks_both_sides),
		WITH(same_ports_are_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

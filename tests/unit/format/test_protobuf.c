/*
 * test_protobuf.c - fields are walked over, not read, and whatever breaks the
 * wire format ends it (security.md H60).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/protobuf.h"
#include "tests/support/protobuf_fixture.h"

/* A file being walked through. */
struct walk {
	struct pb_reader reader;
	struct mr_arena *arena; /* owned */
	struct mr_cursor *c;    /* owned */
	struct mreg_error err;
	struct mr_proto p;
	struct mr_message m;
};

static void begin(struct walk *w, const struct pb *p)
{
	memset(w, 0, sizeof(*w));
	pb_reader_init(&w->reader, p);
	w->arena = mr_arena_new(MR_FACTS_ARENA_BYTES);
	assert_non_null(w->arena);
	assert_ok(mr_cursor_new(&w->reader.base, w->arena, &w->c, &w->err),
		  w->err);
	mr_proto_begin(&w->p, w->c, &w->m);
}

static void end(struct walk *w)
{
	mr_cursor_freep(&w->c);
	mr_arena_freep(&w->arena);
}

/* All fields of the message, and of those numbered 1 and 2, which are messages
 * and text, what is in them. */
static void walk_all(struct walk *w, struct mr_message m)
{
	struct mr_message inner;
	struct mr_field f;

	while (mr_proto_next(&w->p, &m, &f)) {
		if (f.number == 1) {
			mr_proto_enter(&w->p, &f, &inner);
			walk_all(w, inner);
		} else if (f.number == 2) {
			(void)mr_proto_text(&w->p, &f);
		}
	}
}

/* The trouble of walking all through `p`, to be freed; NULL: none. */
static char *trouble(const struct pb *p)
{
	char *text = NULL;
	struct walk w;

	begin(&w, p);
	walk_all(&w, w.m);
	assert_int_equal(w.c->rc, 0);
	if (w.c->trouble) {
		text = strdup(w.c->trouble);
		assert_non_null(text);
	}
	end(&w);
	return text;
}

static void expect_trouble(const struct pb *p, const char *want)
{
	char *text = trouble(p);

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
}

static void expect_none(const struct pb *p)
{
	char *text = trouble(p);

	if (text)
		assert_string_equal(text, "");
	free(text);
}

static void gives_fields_of_every_wire_type(void **state)
{
	static struct pb p;
	struct mr_field f;
	struct walk w;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 7, 300);
	pb_tag(&p, 8, 1);
	pb_raw(&p, "12345678", 8);
	pb_text(&p, 536870911, "text");
	pb_tag(&p, 9, 5);
	pb_raw(&p, "1234", 4);
	begin(&w, &p);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_int_equal(f.number, 7);
	assert_int_equal(f.wire, MR_WIRE_VARINT);
	assert_int_equal(mr_proto_number(&w.p, &f), 300);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_int_equal(f.number, 8);
	assert_int_equal(f.wire, MR_WIRE_64);
	assert_int_equal(f.begin, 4);
	assert_int_equal(f.size, 8);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_int_equal(f.number, 536870911);
	assert_int_equal(f.wire, MR_WIRE_BYTES);
	assert_string_equal(mr_proto_text(&w.p, &f), "text");
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_int_equal(f.wire, MR_WIRE_32);
	assert_int_equal(f.size, 4);
	assert_false(mr_proto_next(&w.p, &w.m, &f));
	assert_null(w.c->trouble);
	end(&w);
}

static void skips_what_nobody_reads(void **state)
{
	static struct pb p;
	struct mr_field f;
	struct walk w;
	size_t inner;

	(void)state;
	pb_begin(&p);
	inner = pb_open(&p, 3);
	pb_hole(&p, 9, UINT64_C(1) << 40);
	pb_close(&p, inner);
	pb_hole(&p, 9, UINT64_C(1) << 40);
	pb_text(&p, 2, "end");
	begin(&w, &p);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_true(f.size > UINT64_C(1) << 40);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_string_equal(mr_proto_text(&w.p, &f), "end");
	assert_false(mr_proto_next(&w.p, &w.m, &f));
	assert_null(w.c->trouble);
	assert_true(w.reader.asked <= 3 * MR_CURSOR_BYTES);
	assert_int_equal(w.c->bytes_read, w.reader.asked);
	end(&w);
}

static void a_span_can_be_read_later_and_again(void **state)
{
	static struct pb p;
	struct mr_message inner;
	struct mr_field kept;
	struct mr_field f;
	struct walk w;
	size_t opened;
	int i;

	(void)state;
	pb_begin(&p);
	opened = pb_open(&p, 1);
	pb_text(&p, 2, "inside");
	pb_close(&p, opened);
	pb_text(&p, 2, "behind");
	begin(&w, &p);
	assert_true(mr_proto_next(&w.p, &w.m, &kept));
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_string_equal(mr_proto_text(&w.p, &f), "behind");
	for (i = 0; i < 2; i++) {
		mr_proto_enter(&w.p, &kept, &inner);
		assert_true(mr_proto_next(&w.p, &inner, &f));
		assert_string_equal(mr_proto_text(&w.p, &f), "inside");
		assert_false(mr_proto_next(&w.p, &inner, &f));
	}
	assert_false(mr_proto_next(&w.p, &w.m, &f));
	assert_null(w.c->trouble);
	end(&w);
}

/* A field with this number; its value, or -1 for trouble. */
static int64_t value_of(const char *bytes, size_t n)
{
	static struct pb p;
	int64_t value = -1;
	struct mr_field f;
	struct walk w;

	pb_begin(&p);
	pb_tag(&p, 3, 0);
	pb_raw(&p, bytes, n);
	begin(&w, &p);
	if (mr_proto_next(&w.p, &w.m, &f))
		value = (int64_t)mr_proto_number(&w.p, &f);
	end(&w);
	return value;
}

static void takes_numbers_of_64_bits_and_no_more(void **state)
{
	static struct pb p;

	(void)state;
	assert_int_equal(value_of("\x00", 1), 0);
	assert_int_equal(value_of("\x7f", 1), 127);
	assert_int_equal(value_of("\x80\x01", 2), 128);
	/* Longer than it must be, as writers do that leave room. */
	assert_int_equal(value_of("\x85\x80\x80\x00", 4), 5);
	assert_true(value_of("\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9) ==
		    INT64_MAX);
	assert_true(value_of("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10) ==
		    INT64_MIN);
	pb_begin(&p);
	pb_tag(&p, 3, 0);
	pb_raw(&p, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10);
	expect_trouble(&p, "the number at byte 1 exceeds 64 bits");
	pb_begin(&p);
	pb_raw(&p, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
	expect_trouble(&p, "the number at byte 0 exceeds 64 bits");
	pb_begin(&p);
	pb_tag(&p, 3, 0);
	expect_trouble(&p, "the number at byte 1 runs past the end of its "
			   "message");
}

static void refuses_lengths_beyond_the_message(void **state)
{
	static struct pb p;
	size_t opened;

	(void)state;
	pb_begin(&p);
	pb_tag(&p, 3, 2);
	pb_varint(&p, 5);
	pb_raw(&p, "1234", 4);
	expect_trouble(&p,
		       "field 3 at byte 0 runs past the end of its message");
	pb_begin(&p);
	pb_tag(&p, 3, 2);
	pb_varint(&p, UINT64_MAX);
	expect_trouble(&p,
		       "field 3 at byte 0 runs past the end of its message");
	/* Inside the file, outside of the message. */
	pb_begin(&p);
	opened = pb_open(&p, 1);
	pb_tag(&p, 3, 2);
	pb_varint(&p, 2);
	pb_raw(&p, "1", 1);
	pb_close(&p, opened);
	pb_text(&p, 3, "behind");
	expect_trouble(&p,
		       "field 3 at byte 2 runs past the end of its message");
	pb_begin(&p);
	opened = pb_open(&p, 1);
	pb_tag(&p, 3, 5);
	pb_raw(&p, "123", 3);
	pb_close(&p, opened);
	pb_text(&p, 3, "behind");
	expect_trouble(&p,
		       "field 3 at byte 2 runs past the end of its message");
	pb_begin(&p);
	opened = pb_open(&p, 1);
	pb_tag(&p, 3, 0);
	pb_raw(&p, "\x80", 1);
	pb_close(&p, opened);
	pb_raw(&p, "\x01", 1);
	expect_trouble(&p, "the number at byte 3 runs past the end of its "
			   "message");
}

static void refuses_tags_that_are_none(void **state)
{
	static const unsigned int wires[] = { 3, 4, 6, 7 };
	static struct pb p;
	char want[128];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(wires); i++) {
		pb_begin(&p);
		pb_tag(&p, 5, wires[i]);
		pb_raw(&p, "12345678", 8);
		snprintf(want, sizeof(want),
			 "field 5 at byte 0 has wire type %u, which no model "
			 "has",
			 wires[i]);
		expect_trouble(&p, want);
	}
	pb_begin(&p);
	pb_raw(&p, "\x00\x00", 2);
	expect_trouble(&p, "the field at byte 0 has a number that no field "
			   "may have");
	pb_begin(&p);
	pb_number(&p, 3, 1);
	pb_varint(&p, UINT64_C(1) << 32);
	pb_varint(&p, 0);
	expect_trouble(&p, "the field at byte 2 has a number that no field "
			   "may have");
}

static void says_what_is_not_of_the_type_asked_for(void **state)
{
	struct mr_message inner;
	struct mr_numbers n;
	static struct pb p;
	struct mr_field f;
	struct walk w;
	uint64_t one;
	char text[8];

	(void)state;
	pb_begin(&p);
	pb_number(&p, 4, 1);
	pb_text(&p, 5, "x");
	pb_tag(&p, 6, 5);
	pb_raw(&p, "1234", 4);

	begin(&w, &p);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	mr_proto_enter(&w.p, &f, &inner);
	assert_string_equal(w.c->trouble, "field 4 at byte 0 is no message");
	assert_false(mr_proto_next(&w.p, &inner, &f));
	assert_false(mr_proto_next(&w.p, &w.m, &f)); /* it is over */
	end(&w);

	begin(&w, &p);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_null(mr_proto_text(&w.p, &f));
	assert_string_equal(w.c->trouble, "field 4 at byte 0 is no text");
	assert_int_equal(mr_proto_bytes(&w.p, &f, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	end(&w);

	begin(&w, &p);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_int_equal(mr_proto_number(&w.p, &f), 0);
	assert_string_equal(w.c->trouble, "field 5 at byte 2 is no number");
	end(&w);

	begin(&w, &p);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	mr_proto_numbers(&w.p, &f, &n);
	assert_string_equal(w.c->trouble,
			    "field 6 at byte 5 is no list of numbers");
	assert_false(mr_proto_numbers_next(&w.p, &n, &one));
	end(&w);
}

static void gives_the_first_bytes_of_a_long_text(void **state)
{
	static struct pb p;
	struct mr_field f;
	struct walk w;
	char text[4];

	(void)state;
	pb_begin(&p);
	pb_text(&p, 3, "abc");
	pb_text(&p, 3, "abcd");
	begin(&w, &p);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_int_equal(mr_proto_bytes(&w.p, &f, text, sizeof(text)), 3);
	assert_string_equal(text, "abc");
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	assert_int_equal(mr_proto_bytes(&w.p, &f, text, sizeof(text)), 4);
	assert_string_equal(text, "abc");
	end(&w);
}

static void takes_numbers_packed_and_one_by_one(void **state)
{
	uint64_t seen[8] = { 0 };
	struct mr_numbers n;
	static struct pb p;
	struct mr_field f;
	struct walk w;
	size_t count = 0;

	(void)state;
	pb_begin(&p);
	pb_bytes(&p, 1, "\x01\xac\x02\x03", 4);
	pb_number(&p, 1, 4);
	pb_bytes(&p, 1, "", 0);
	pb_number(&p, 1, UINT64_MAX);
	begin(&w, &p);
	while (mr_proto_next(&w.p, &w.m, &f)) {
		mr_proto_numbers(&w.p, &f, &n);
		while (mr_proto_numbers_next(&w.p, &n, &seen[count]))
			count++;
	}
	assert_null(w.c->trouble);
	assert_int_equal(count, 5);
	assert_int_equal(seen[0], 1);
	assert_int_equal(seen[1], 300);
	assert_int_equal(seen[2], 3);
	assert_int_equal(seen[3], 4);
	assert_true(seen[4] == UINT64_MAX);
	end(&w);

	/* The last one is cut. */
	pb_begin(&p);
	pb_bytes(&p, 1, "\x01\xac", 2);
	pb_raw(&p, "\x02", 1);
	begin(&w, &p);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	mr_proto_numbers(&w.p, &f, &n);
	assert_true(mr_proto_numbers_next(&w.p, &n, &seen[0]));
	assert_false(mr_proto_numbers_next(&w.p, &n, &seen[0]));
	assert_string_equal(w.c->trouble, "the number at byte 3 runs past the "
					  "end of its message");
	end(&w);
}

static void nest(struct pb *p, int levels)
{
	if (levels) {
		size_t opened = pb_open(p, 1);

		nest(p, levels - 1);
		pb_close(p, opened);
	}
}

static void refuses_to_go_too_deep(void **state)
{
	static struct pb p;

	(void)state;
	pb_begin(&p);
	nest(&p, 100);
	expect_none(&p);
	pb_begin(&p);
	nest(&p, 101);
	expect_trouble(&p, "messages nest deeper than 100");
	pb_begin(&p);
	nest(&p, 10000);
	expect_trouble(&p, "messages nest deeper than 100");
}

static void refuses_more_fields_than_any_model_has(void **state)
{
	static struct pb p;

	(void)state;
	pb_begin(&p);
	pb_repeat(&p, "\x18\x01", 2, UINT64_C(1) << 30);
	expect_trouble(&p, "has more than 16777216 fields");
}

static void numbers_of_lists_count_too(void **state)
{
	struct mr_numbers n;
	static struct pb p;
	struct mr_field f;
	struct walk w;
	uint64_t one;

	(void)state;
	pb_begin(&p);
	pb_hole(&p, 3, UINT64_C(1) << 40);
	begin(&w, &p);
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	mr_proto_numbers(&w.p, &f, &n);
	while (mr_proto_numbers_next(&w.p, &n, &one))
		assert_int_equal(one, 0);
	assert_string_equal(w.c->trouble, "has more than 16777216 fields");
	end(&w);
}

static void refuses_to_read_on_and_on(void **state)
{
	static struct pb p;
	struct mr_field f;
	struct walk w;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 3, 1);
	pb_number(&p, 3, 1);
	begin(&w, &p);
	w.c->bytes_read = UINT64_C(256) << 20;
	assert_true(mr_proto_next(&w.p, &w.m, &f));
	w.c->bytes_read = (UINT64_C(256) << 20) + 1;
	assert_false(mr_proto_next(&w.p, &w.m, &f));
	assert_string_equal(w.c->trouble, "takes more than 256 MiB to read "
					  "without its tensors");
	end(&w);
}

static void reading_trouble_ends_it(void **state)
{
	static struct pb p;
	struct mr_field f;
	struct walk w;

	(void)state;
	pb_begin(&p);
	pb_number(&p, 3, 1);
	begin(&w, &p);
	w.reader.fail_at = 1;
	assert_false(mr_proto_next(&w.p, &w.m, &f));
	assert_code(MREG_ENETWORK, w.c->rc, w.err);
	assert_null(w.c->trouble);
	assert_false(mr_proto_next(&w.p, &w.m, &f));
	assert_int_equal(w.reader.requests, 1);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_fields_of_every_wire_type),
		cmocka_unit_test(skips_what_nobody_reads),
		cmocka_unit_test(a_span_can_be_read_later_and_again),
		cmocka_unit_test(takes_numbers_of_64_bits_and_no_more),
		cmocka_unit_test(refuses_lengths_beyond_the_message),
		cmocka_unit_test(refuses_tags_that_are_none),
		cmocka_unit_test(says_what_is_not_of_the_type_asked_for),
		cmocka_unit_test(gives_the_first_bytes_of_a_long_text),
		cmocka_unit_test(takes_numbers_packed_and_one_by_one),
		cmocka_unit_test(refuses_to_go_too_deep),
		cmocka_unit_test(refuses_more_fields_than_any_model_has),
		cmocka_unit_test(numbers_of_lists_count_too),
		cmocka_unit_test(refuses_to_read_on_and_on),
		cmocka_unit_test(reading_trouble_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

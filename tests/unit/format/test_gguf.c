/*
 * test_gguf.c - only a complete and consistent header counts, and no number
 * in it costs memory or time (security.md H60).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "format/format.h"
#include "tests/support/weights_fixture.h"

static enum mr_format judge(const struct weights *f, size_t n)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mr_reader *r = NULL;
	enum mr_format format = MR_FORMAT_SAFETENSORS;

	assert_ok(mr_reader_memory(f->bytes, n, &r, &err), err);
	assert_ok(mr_format_header(r, &format, &err), err);
	mr_reader_close(r);
	return format;
}

/* A file with one pair of every kind and two tensors: 4 x 2 of F32 and 32 of
 * Q4_0. */
static void whole(struct weights *f, uint32_t version, uint32_t alignment)
{
	static const int bytes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
	const uint64_t first[] = { 4, 2 };
	const uint64_t second[] = { 32 };
	char key[16];
	unsigned int i;

	gguf_begin(f, version, 2, 14);
	for (i = 0; i < MR_COUNT(bytes); i++) {
		snprintf(key, sizeof(key), "k.%u", i);
		gguf_name(f, key);
		weights_put(f, i, 4);
		if (i == 8) {
			gguf_name(f, "a string");
		} else if (i == 9) {
			weights_put(f, 8, 4); /* an array of two strings */
			weights_put(f, 2, f->wide);
			gguf_name(f, "");
			gguf_name(f, "x");
		} else {
			weights_put(f, 1, bytes[i]);
		}
	}
	gguf_name(f, "general.alignment");
	weights_put(f, 4, 4);
	weights_put(f, alignment, 4);
	gguf_tensor(f, "w", 0, 2, first, 0);
	gguf_tensor(f, "q", 2, 1, second, alignment > 32 ? alignment : 32);
	weights_pad(f, alignment);
	f->n += 32;
	weights_pad(f, alignment);
	f->n += 18;
}

static void takes_every_version(void **state)
{
	struct weights f = { 0 };
	uint32_t version;

	(void)state;
	for (version = 1; version <= 3; version++) {
		whole(&f, version, 32);
		assert_int_equal(judge(&f, f.n), MR_FORMAT_GGUF);
		whole(&f, version, 64);
		assert_int_equal(judge(&f, f.n), MR_FORMAT_GGUF);
	}
	for (version = 0; version < 300; version += 4) {
		whole(&f, 3, 32);
		f.bytes[4] = (char)version;
		assert_int_equal(judge(&f, f.n), MR_FORMAT_UNKNOWN);
	}
	/* Version 3, big endian. */
	whole(&f, 3, 32);
	f.bytes[4] = 0;
	f.bytes[7] = 3;
	assert_int_equal(judge(&f, f.n), MR_FORMAT_UNKNOWN);
}

static void the_end_may_be_padded_but_nothing_more(void **state)
{
	struct weights f = { 0 };
	size_t n;
	size_t i;

	(void)state;
	whole(&f, 3, 32);
	n = f.n;
	for (i = 0; i < n; i++)
		assert_int_equal(judge(&f, i), MR_FORMAT_UNKNOWN);
	for (i = n; i <= n + 14; i++)
		assert_int_equal(judge(&f, i), MR_FORMAT_GGUF);
	assert_int_equal(judge(&f, n + 15), MR_FORMAT_UNKNOWN);
}

static void takes_a_file_without_tensors(void **state)
{
	struct weights f = { 0 };

	(void)state;
	gguf_begin(&f, 3, 0, 0);
	assert_int_equal(judge(&f, f.n), MR_FORMAT_GGUF);
	assert_int_equal(judge(&f, 32), MR_FORMAT_GGUF);
	assert_int_equal(judge(&f, 33), MR_FORMAT_UNKNOWN);
}

static void refuses_counts_and_lengths_beyond_the_file(void **state)
{
	static const uint64_t huge[] = { UINT64_MAX, UINT64_C(1) << 63,
					 UINT64_C(1) << 32, 1 << 20, 1000 };
	struct weights f = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(huge); i++) {
		gguf_begin(&f, 3, huge[i], 0);
		assert_int_equal(judge(&f, 4096), MR_FORMAT_UNKNOWN);
		gguf_begin(&f, 3, 0, huge[i]);
		assert_int_equal(judge(&f, 4096), MR_FORMAT_UNKNOWN);
		/* a key, a string, an array of numbers, of strings */
		gguf_begin(&f, 3, 0, 1);
		weights_put(&f, huge[i], 8);
		assert_int_equal(judge(&f, f.n + 8), MR_FORMAT_UNKNOWN);
		gguf_begin(&f, 3, 0, 1);
		gguf_name(&f, "k");
		weights_put(&f, 8, 4);
		weights_put(&f, huge[i], 8);
		assert_int_equal(judge(&f, f.n + 8), MR_FORMAT_UNKNOWN);
		gguf_begin(&f, 3, 0, 1);
		gguf_name(&f, "k");
		weights_put(&f, 9, 4);
		weights_put(&f, 10, 4);
		weights_put(&f, huge[i], 8);
		assert_int_equal(judge(&f, f.n + 8), MR_FORMAT_UNKNOWN);
		gguf_begin(&f, 3, 0, 1);
		gguf_name(&f, "k");
		weights_put(&f, 9, 4);
		weights_put(&f, 8, 4);
		weights_put(&f, huge[i], 8);
		assert_int_equal(judge(&f, f.n + 8), MR_FORMAT_UNKNOWN);
	}
}

static enum mr_format one_pair(uint32_t kind, uint32_t inner, const char *key,
			       uint32_t value)
{
	struct weights f = { 0 };

	gguf_begin(&f, 3, 0, 1);
	gguf_name(&f, key);
	weights_put(&f, kind, 4);
	if (kind == 9) {
		weights_put(&f, inner, 4);
		weights_put(&f, 1, 8);
	}
	weights_put(&f, value, 4);
	return judge(&f, f.n);
}

static void refuses_unknown_kinds(void **state)
{
	(void)state;
	assert_int_equal(one_pair(4, 0, "k", 1), MR_FORMAT_GGUF);
	assert_int_equal(one_pair(13, 0, "k", 1), MR_FORMAT_UNKNOWN);
	assert_int_equal(one_pair(UINT32_MAX, 0, "k", 1), MR_FORMAT_UNKNOWN);
	assert_int_equal(one_pair(9, 4, "k", 1), MR_FORMAT_GGUF);
	/* Arrays of arrays. */
	assert_int_equal(one_pair(9, 9, "k", 1), MR_FORMAT_UNKNOWN);
	assert_int_equal(one_pair(9, 13, "k", 1), MR_FORMAT_UNKNOWN);
}

static void refuses_alignments_that_are_none(void **state)
{
	static const uint32_t bad[] = { 0, 1, 3, 4, 24, 1u << 21, 1u << 31 };
	const char *key = "general.alignment";
	size_t i;

	(void)state;
	assert_int_equal(one_pair(4, 0, key, 4096), MR_FORMAT_GGUF);
	for (i = 0; i < MR_COUNT(bad); i++)
		assert_int_equal(one_pair(4, 0, key, bad[i]),
				 MR_FORMAT_UNKNOWN);
	assert_int_equal(one_pair(5, 0, key, 32), MR_FORMAT_UNKNOWN);
	/* Only the whole key is that key. */
	assert_int_equal(one_pair(4, 0, "general.alignmen", 0), MR_FORMAT_GGUF);
	assert_int_equal(one_pair(4, 0, "general.alignment2", 0),
			 MR_FORMAT_GGUF);
}

static void refuses_names_that_are_there_twice(void **state)
{
	const uint64_t dims[] = { 8 };
	struct weights f = { 0 };

	(void)state;
	gguf_begin(&f, 3, 0, 2);
	gguf_name(&f, "k");
	weights_put(&f, 0, 5);
	gguf_name(&f, "k");
	weights_put(&f, 0, 5);
	assert_int_equal(judge(&f, f.n), MR_FORMAT_UNKNOWN);
	gguf_begin(&f, 3, 2, 0);
	gguf_tensor(&f, "t", 0, 1, dims, 0);
	gguf_tensor(&f, "t", 0, 1, dims, 32);
	weights_pad(&f, 32);
	assert_int_equal(judge(&f, f.n + 64), MR_FORMAT_UNKNOWN);
	gguf_begin(&f, 3, 0, 1);
	gguf_name(&f, "");
	weights_put(&f, 0, 5);
	assert_int_equal(judge(&f, f.n), MR_FORMAT_UNKNOWN);
}

static enum mr_format one_tensor(uint32_t type, uint32_t count, uint64_t a,
				 uint64_t b, uint64_t offset, size_t data)
{
	uint64_t dims[8] = { a, b, 1, 1, 1, 1, 1, 1 };
	struct weights f = { 0 };

	gguf_begin(&f, 3, 1, 0);
	gguf_tensor(&f, "t", type, count < 8 ? count : 8, dims, offset);
	if (count >= 8) {
		/* the count sits behind the name */
		f.n = 24 + 8 + 1;
		weights_put(&f, count, 4);
		f.n += 100;
	}
	weights_pad(&f, 32);
	return judge(&f, f.n + data);
}

static void refuses_tensors_that_do_not_add_up(void **state)
{
	uint64_t big = UINT64_C(1) << 32;

	(void)state;
	assert_int_equal(one_tensor(0, 2, 4, 2, 0, 32), MR_FORMAT_GGUF);
	assert_int_equal(one_tensor(0, 0, 0, 0, 0, 4), MR_FORMAT_GGUF);
	assert_int_equal(one_tensor(0, 4, 4, 2, 0, 32), MR_FORMAT_GGUF);
	assert_int_equal(one_tensor(0, 5, 4, 2, 0, 32), MR_FORMAT_UNKNOWN);
	assert_int_equal(one_tensor(0, UINT32_MAX, 4, 2, 0, 32),
			 MR_FORMAT_UNKNOWN);
	assert_int_equal(one_tensor(0, 2, 4, 0, 0, 32), MR_FORMAT_UNKNOWN);
	/* 2^64 elements are 0 in 64 bits, and so are 2^62 * 4 bytes. */
	assert_int_equal(one_tensor(0, 2, big, big, 0, 0), MR_FORMAT_UNKNOWN);
	assert_int_equal(one_tensor(0, 2, big, big / 4, 0, 0),
			 MR_FORMAT_UNKNOWN);
	assert_int_equal(one_tensor(0, 2, big, big / 16, 0, 0),
			 MR_FORMAT_UNKNOWN);
	/* half a block; a type that was removed, that never was */
	assert_int_equal(one_tensor(2, 1, 32, 0, 0, 18), MR_FORMAT_GGUF);
	assert_int_equal(one_tensor(2, 1, 16, 0, 0, 9), MR_FORMAT_UNKNOWN);
	assert_int_equal(one_tensor(4, 1, 32, 0, 0, 18), MR_FORMAT_UNKNOWN);
	assert_int_equal(one_tensor(42, 1, 32, 0, 0, 18), MR_FORMAT_UNKNOWN);
	assert_int_equal(one_tensor(UINT32_MAX, 1, 32, 0, 0, 18),
			 MR_FORMAT_UNKNOWN);
	/* not from 0, beyond the end (H61) */
	assert_int_equal(one_tensor(0, 1, 8, 0, 32, 64), MR_FORMAT_UNKNOWN);
	assert_int_equal(one_tensor(0, 1, 8, 0, UINT64_MAX, 32),
			 MR_FORMAT_UNKNOWN);
	assert_int_equal(one_tensor(0, 1, 8, 0, 0, 31), MR_FORMAT_UNKNOWN);
}

static void refuses_holes_and_overlaps(void **state)
{
	const uint64_t dims[] = { 8 };
	struct weights f = { 0 };
	uint64_t second;

	(void)state;
	for (second = 0; second <= 96; second += 8) {
		gguf_begin(&f, 3, 2, 0);
		gguf_tensor(&f, "a", 0, 1, dims, 0);
		gguf_tensor(&f, "b", 0, 1, dims, second);
		weights_pad(&f, 32);
		assert_int_equal(judge(&f, f.n + 64),
				 second == 32 ? MR_FORMAT_GGUF
					      : MR_FORMAT_UNKNOWN);
	}
}

static void does_not_read_a_huge_file_to_its_end(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct weights f = { 0 };
	enum mr_format format;
	struct counted c;

	(void)state;
	/* One array of 2^36 empty strings. */
	gguf_begin(&f, 3, 0, 1);
	gguf_name(&f, "k");
	weights_put(&f, 9, 4);
	weights_put(&f, 8, 4);
	weights_put(&f, UINT64_C(1) << 36, 8);
	counted_init(&c, f.bytes, f.n, UINT64_C(1) << 40);
	assert_ok(mr_format_header(&c.base, &format, &err), err);
	assert_int_equal(format, MR_FORMAT_UNKNOWN);
	assert_true(c.bytes <= UINT64_C(65) << 20);
}

/* Readers that stop at the NUL would see another name, or the same twice. */
static void refuses_names_with_a_nul(void **state)
{
	struct weights f = { 0 };

	(void)state;
	gguf_begin(&f, 3, 0, 1);
	weights_put(&f, 3, 8);
	weights_add(&f, "a\0b", 3);
	weights_put(&f, 4, 4);
	weights_put(&f, 1, 4);
	assert_int_equal(judge(&f, f.n), MR_FORMAT_UNKNOWN);
	f.bytes[33] = '.';
	assert_int_equal(judge(&f, f.n), MR_FORMAT_GGUF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_version),
		cmocka_unit_test(the_end_may_be_padded_but_nothing_more),
		cmocka_unit_test(takes_a_file_without_tensors),
		cmocka_unit_test(refuses_counts_and_lengths_beyond_the_file),
		cmocka_unit_test(refuses_unknown_kinds),
		cmocka_unit_test(refuses_alignments_that_are_none),
		cmocka_unit_test(refuses_names_that_are_there_twice),
		cmocka_unit_test(refuses_tensors_that_do_not_add_up),
		cmocka_unit_test(refuses_holes_and_overlaps),
		cmocka_unit_test(does_not_read_a_huge_file_to_its_end),
		cmocka_unit_test(refuses_names_with_a_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

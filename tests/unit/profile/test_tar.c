/*
 * test_tar.c - headers against bytes written by hand; pages, long names, and
 * sizes beyond octal.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "profile/tar.h"

static void make(const struct mr_ustar_entry *e, uint64_t at,
		 struct mr_buf *out)
{
	struct mreg_error err = MREG_ERROR_INIT;

	mr_ustar_header(e, at, out);
	assert_ok(mr_buf_check(out, "header", &err), err);
	assert_int_equal(out->len, mr_ustar_header_size(e, at));
	assert_int_equal(out->len % MR_USTAR_BLOCK_BYTES, 0);
}

/* By hand; the sum is what the bytes add up to while its own field is blank. */
static void is_one_block_as_posix_has_it(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	const struct mr_ustar_entry e = { .path = "models/a.json", .size = 21 };
	char want[512] = { 0 };

	(void)state;
	memcpy(want, "models/a.json", 13);
	memcpy(want + 100, "0000644", 7);
	memcpy(want + 108, "0000000", 7);
	memcpy(want + 116, "0000000", 7);
	memcpy(want + 124, "00000000025", 11);
	memcpy(want + 136, "00000000000", 11);
	memcpy(want + 148, "011600\0 ", 8);
	want[156] = '0';
	memcpy(want + 257, "ustar\00000", 8);
	memcpy(want + 329, "0000000", 7);
	memcpy(want + 337, "0000000", 7);
	make(&e, 0, &b);
	assert_int_equal(b.len, 512);
	assert_memory_equal(b.data, want, 512);
}

static void sum_is_what_the_bytes_add_up_to(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	const struct mr_ustar_entry e = { .path = "models/m.bin",
					  .size = UINT64_C(9) << 30,
					  .executable = true };
	unsigned int sum = 8 * ' ';
	char text[8];
	size_t i;

	(void)state;
	make(&e, 0, &b);
	for (i = 0; i < 512; i++)
		if (i < 148 || i >= 156)
			sum += (unsigned char)b.data[i];
	(void)snprintf(text, sizeof(text), "%06o", sum);
	assert_memory_equal(b.data + 148, text, 7);
	assert_memory_equal(b.data + 100, "0000755", 8);
}

static void folders_are_folders(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	const struct mr_ustar_entry e = { .path = "models/" };

	(void)state;
	make(&e, 0, &b);
	assert_int_equal(b.data[156], '5');
	assert_memory_equal(b.data + 100, "0000755", 8);
	assert_memory_equal(b.data + 124, "00000000000", 12);
}

static void largest_octal_size_is_octal(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	const struct mr_ustar_entry e = { .path = "models/m.bin",
					  .size = (UINT64_C(8) << 30) - 1 };

	(void)state;
	make(&e, 0, &b);
	assert_memory_equal(b.data + 124, "77777777777", 12);
}

static void sizes_from_8_gib_are_in_base_256(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	const struct mr_ustar_entry e = { .path = "models/m.bin",
					  .size = UINT64_C(0x123456789a) };
	static const char want[12] = { (char)0x80, 0,    0,    0,
				       0,          0,    0,    0x12,
				       0x34,       0x56, 0x78, (char)0x9a };

	(void)state;
	make(&e, 0, &b);
	assert_memory_equal(b.data + 124, want, 12);
}

static void long_names_are_in_a_path_record(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	char name[201];
	char want[512] = { 0 };
	const struct mr_ustar_entry e = { .path = name, .size = 3 };

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	memcpy(name, "models/", 7);
	name[200] = '\0';
	make(&e, 512, &b);
	assert_int_equal(b.len, 3 * 512);
	assert_string_equal(b.data, "PaxHeaders/0");
	assert_int_equal(b.data[156], 'x');
	/* 200 of the path, 7 around it, 3 digits. */
	assert_memory_equal(b.data + 124, "00000000322", 12);
	(void)snprintf(want, sizeof(want), "210 path=%s\n", name);
	assert_memory_equal(b.data + 512, want, 512);
	assert_memory_equal(b.data + 1024, name, 100);
	assert_memory_equal(b.data + 1124, "0000644", 8);
}

/* The record counts its own digits: at 99 bytes it has to become 101. */
static void a_record_counts_its_own_length(void **state)
{
	size_t n;

	(void)state;
	for (n = 101; n < 1031; n++) {
		MR_AUTO(mr_buf_release)
		struct mr_buf b = MR_BUF_INIT(1u << 16);
		char name[1100];
		const struct mr_ustar_entry e = { .path = name, .size = 1 };
		unsigned long told;
		char *end;

		memset(name, 'x', n);
		name[n] = '\0';
		make(&e, 0, &b);
		told = strtoul(b.data + 512, &end, 10);
		assert_int_equal(b.data[512 + told - 1], '\n');
		assert_int_equal((size_t)(end - (b.data + 512)) + 6 + n + 1,
				 told);
	}
}

static void a_name_is_cut_between_characters(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	char name[128];
	const struct mr_ustar_entry e = { .path = name, .size = 1 };

	(void)state;
	memset(name, 'a', 99);
	memcpy(name + 99, "\xc3\xa4\xc3\xa4", 5); /* two, from byte 99 on */
	make(&e, 0, &b);
	assert_memory_equal(b.data + 1024, name, 99);
	assert_int_equal(b.data[1024 + 99], 0);
}

/* Wherever it begins, whatever it is called. */
static void large_files_begin_at_a_page(void **state)
{
	uint64_t at;
	size_t n;

	(void)state;
	for (n = 8; n < 1031; n += 31) {
		for (at = 0; at < 3 * MR_USTAR_PAGE_BYTES; at += 512) {
			MR_AUTO(mr_buf_release)
			struct mr_buf b = MR_BUF_INIT(1u << 16);
			char name[1100];
			const struct mr_ustar_entry e = { .path = name,
							  .size = 1 << 20,
							  .paged = true };

			memset(name, 'x', n);
			name[n] = '\0';
			make(&e, at, &b);
			assert_int_equal((at + b.len) % MR_USTAR_PAGE_BYTES, 0);
			assert_true(b.len <= MR_USTAR_HEADER_MAX_BYTES);
			assert_memory_equal(b.data + b.len - 512, name,
					    n < 100 ? n : 100);
		}
	}
}

static void a_comment_leads_to_the_page(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1u << 16);
	const struct mr_ustar_entry e = { .path = "models/m.bin",
					  .size = 1 << 20,
					  .paged = true };

	(void)state;
	/* Behind one folder: x header, five blocks of records, its own. */
	make(&e, 512, &b);
	assert_int_equal(b.len, 7 * 512);
	assert_memory_equal(b.data + 124, "00000005000", 12);
	assert_memory_equal(b.data + 512, "2560 comment= ", 14);
	assert_int_equal(b.data[512 + 2559], '\n');
	/* Where it is at a page anyway nothing is added. */
	mr_buf_clear(&b);
	make(&e, 4096 - 512, &b);
	assert_int_equal(b.len, 512);
}

static void files_fill_whole_blocks(void **state)
{
	(void)state;
	assert_int_equal(mr_ustar_padding(0), 0);
	assert_int_equal(mr_ustar_padding(1), 511);
	assert_int_equal(mr_ustar_padding(511), 1);
	assert_int_equal(mr_ustar_padding(512), 0);
	assert_int_equal(mr_ustar_padding(UINT64_MAX), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_one_block_as_posix_has_it),
		cmocka_unit_test(sum_is_what_the_bytes_add_up_to),
		cmocka_unit_test(folders_are_folders),
		cmocka_unit_test(largest_octal_size_is_octal),
		cmocka_unit_test(sizes_from_8_gib_are_in_base_256),
		cmocka_unit_test(long_names_are_in_a_path_record),
		cmocka_unit_test(a_record_counts_its_own_length),
		cmocka_unit_test(a_name_is_cut_between_characters),
		cmocka_unit_test(large_files_begin_at_a_page),
		cmocka_unit_test(a_comment_leads_to_the_page),
		cmocka_unit_test(files_fill_whole_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_unpack.c - archives come to lists of files, or are refused as a whole.
 */
#include "tests/support/tar_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

#define BLOCK MR_TAR_BLOCK_BYTES

static void lists_files_with_their_digests(void **state)
{
	struct tar_fixture *f = *state;

	tar_header(f, "./", '5', 0755, 0, "");
	tar_header(f, "./sub/", '5', 0755, 0, "");
	tar_add(f, "./sub/a.txt", "hello");
	tar_header(f, "run.sh", '0', 0755, 4, "");
	tar_bytes(f, "run\n", 4);
	tar_add(f, "empty", "");
	assert_ok(tar_list(f, false), f->err);
	assert_int_equal(f->members->count, 3);
	tar_assert_content(tar_find(f->members, "sub/a.txt"), "hello");
	tar_assert_content(tar_find(f->members, "run.sh"), "run\n");
	tar_assert_content(tar_find(f->members, "empty"), "");
	assert_true(tar_find(f->members, "run.sh")->executable);
	assert_false(tar_find(f->members, "empty")->executable);
	assert_int_equal(tar_find(f->members, "sub/a.txt")->entry, 2);
	assert_int_equal(tar_find(f->members, "empty")->entry, 4);
}

/* H13: what matters of a mode is one bit. */
static void takes_one_bit_of_a_mode(void **state)
{
	static const struct {
		unsigned int mode;
		bool executable;
	} rows[] = { { 04755, true }, { 02644, false }, { 01777, true },
		     { 0, false },    { 0100, true },   { 0011, false } };
	struct tar_fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(rows); i++) {
		tar_header(f, "a", '0', rows[i].mode, 0, "");
		assert_ok(tar_list(f, false), f->err);
		assert_int_equal(f->members->items[0].executable,
				 rows[i].executable);
	}
}

/* More than a buffer, and sizes around blocks. */
static void reads_large_and_odd_sizes(void **state)
{
	static const size_t sizes[] = { 1,      511,    512,    513,
					262143, 262144, 262145, 1500000 };
	struct tar_fixture *f = *state;
	char *text = mr_alloc(1500001);
	char name[16];
	size_t i;

	for (i = 0; i < MR_COUNT(sizes); i++) {
		snprintf(name, sizeof(name), "f%zu", i);
		memset(text, 'a' + (int)i, sizes[i]);
		tar_header(f, name, '0', 0644, sizes[i], "");
		tar_bytes(f, text, sizes[i]);
	}
	assert_ok(tar_list(f, false), f->err);
	assert_int_equal(f->members->count, MR_COUNT(sizes));
	for (i = 0; i < MR_COUNT(sizes); i++) {
		memset(text, 'a' + (int)i, sizes[i]);
		text[sizes[i]] = '\0';
		tar_assert_content(&f->members->items[i], text);
	}
	mr_release(text);
}

static void reads_names_that_only_pax_can_say(void **state)
{
	struct tar_fixture *f = *state;
	char name[400];

	memset(name, 'n', 200);
	name[200] = '/';
	memset(name + 201, 'm', 180);
	name[381] = '\0';
	tar_pax(f, "path", name);
	tar_add(f, "short", "long");
	tar_pax(f, "path", "größe/模型/ё.txt");
	tar_add(f, "short", "letters");
	assert_ok(tar_list(f, false), f->err);
	tar_assert_content(tar_find(f->members, name), "long");
	tar_assert_content(tar_find(f->members, "größe/模型/ё.txt"), "letters");
}

/* H01, H02, H10, H11 */
static void refuses_paths_that_lead_elsewhere(void **state)
{
	static const char *const paths[] = {
		"../x",   "a/../../x",    "..",
		"./../x", "/etc/x",       "//x",
		"..\\x",  "\\\\h\\x",     "C:\\x",
		"a//b",   "a/./b",        "a/..",
		".",      "\x1b[2J",      "\xff\xfe",
		"a\nb",   ".mreg-part-0", "d/.mreg-part-layer-0",
	};
	struct tar_fixture *f = *state;
	char deep[2 * MR_PATH_DEPTH_MAX + 8];
	size_t i;

	for (i = 0; i < MR_COUNT(paths); i++) {
		tar_add(f, "good", "x");
		tar_add(f, paths[i], "x");
		assert_code(MREG_EINTEGRITY, tar_list(f, false), f->err);
		assert_has(f->err.msg, "'layer one' holds an unsafe path");
		assert_null(f->members);
	}
	for (i = 0; i < MR_PATH_DEPTH_MAX + 1; i++)
		memcpy(deep + 2 * i, "d/", 2);
	memcpy(deep + 2 * i, "f", 2);
	tar_pax(f, "path", deep);
	tar_add(f, "short", "x");
	assert_code(MREG_EINTEGRITY, tar_list(f, false), f->err);
	tar_header(f, "../d/", '5', 0755, 0, "");
	assert_code(MREG_EINTEGRITY, tar_list(f, false), f->err);
}

/* H04-H08, H15 */
static void refuses_what_is_no_file(void **state)
{
	static const struct {
		char type;
		const char *what;
	} rows[] = {
		{ '1', "a hard link" },   { '2', "a symbolic link" },
		{ '3', "a device" },      { '4', "a device" },
		{ '6', "or the like" },   { '7', "or the like" },
		{ 'S', "a sparse file" }, { 'Z', "or the like" },
		{ 'D', "or the like" },   { 'N', "or the like" },
		{ 'M', "or the like" },
	};
	struct tar_fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(rows); i++) {
		tar_add(f, "good", "x");
		tar_header(f, "d/p", rows[i].type, 0644, 0, "../..");
		assert_code(MREG_EUNSUPPORTED, tar_list(f, false), f->err);
		assert_has(f->err.msg, "'d/p' in 'layer one' is");
		assert_has(f->err.msg, rows[i].what);
	}
}

/* The header added last, as GNU tar writes it: `bytes` at `at`, and a sum that
 * fits again. */
static void make_gnu(struct tar_fixture *f, size_t at, const char *bytes)
{
	char *h = f->bytes.data + f->bytes.len - BLOCK;
	unsigned int sum = 0;
	size_t i;

	memcpy(h + 257, "ustar  ", 8);
	memcpy(h + at, bytes, strlen(bytes));
	memset(h + 148, ' ', 8);
	for (i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
}

/* H15: libarchive makes a file of one that is nothing but a hole. */
static void refuses_sparse_files_of_gnu_however_empty(void **state)
{
	static const struct {
		char type;
		const char *realsize;
	} rows[] = { { 'S', "" }, { 'S', "00000000001" },
		     { '0', "" }, { '0', "00000000001" },
		     { '7', "" }, { 'Z', "00000000001" } };
	struct tar_fixture *f = *state;
	char more[BLOCK] = { 0 };
	size_t i;

	more[156] = '0'; /* where a header has its type */
	for (i = 0; i < MR_COUNT(rows); i++) {
		tar_add(f, "good", "x");
		tar_header(f, "hole", rows[i].type, 0644, 2, "");
		/* One piece of no bytes, and more of the map behind it. */
		make_gnu(f, 386, "00000000000");
		make_gnu(f, 398, "00000000000");
		make_gnu(f, 482, "1");
		make_gnu(f, 483, rows[i].realsize);
		tar_bytes(f, more, BLOCK);
		tar_bytes(f, "ab", 2);
		assert_code(MREG_EUNSUPPORTED, tar_list(f, false), f->err);
		assert_has(f->err.msg, "'hole' in 'layer one' is");
	}
	/* Another size for those who know the field. */
	tar_header(f, "short", '0', 0644, 2, "");
	make_gnu(f, 483, "00000000001");
	tar_bytes(f, "ab", 2);
	assert_code(MREG_EUNSUPPORTED, tar_list(f, false), f->err);
	/* All others of GNU's are welcome. */
	tar_header(f, "good", '0', 0644, 2, "");
	make_gnu(f, 345, "14000000000"); /* last read */
	tar_bytes(f, "ab", 2);
	assert_ok(tar_list(f, false), f->err);
}

static void refuses_sparse_files_of_pax(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{ "GNU.sparse.major", "1" }, { "GNU.sparse.realsize", "2" },
		{ "GNU.sparse.size", "2" },  { "GNU.sparse.map", "" },
		{ "SCHILY.realsize", "2" },  { "SUN.holesdata", " 0" },
	};
	struct tar_fixture *f = *state;
	size_t i;

	for (i = 0; i < MR_COUNT(rows); i++) {
		tar_pax(f, rows[i].key, rows[i].value);
		tar_header(f, "hole", '0', 0644, BLOCK + 2, "");
		tar_bytes(f, "0\n", 2); /* a map of nothing */
		tar_bytes(f, "ab", 2);
		assert_code(MREG_EUNSUPPORTED, tar_list(f, false), f->err);
		assert_has(f->err.msg, "a sparse file");
		/* A name is but a name. */
		tar_pax(f, "path", rows[i].key);
		tar_add(f, rows[i].key, "x");
		assert_ok(tar_list(f, false), f->err);
	}
	/* What was said of one is of it alone. */
	tar_header(f, "d/", '5', 0755, 0, "");
	tar_add(f, "good", "x");
	assert_ok(tar_list(f, false), f->err);
}

/* Two records, the second cut by the end of a block anywhere. */
static void finds_what_pax_says_across_blocks(void **state)
{
	static const char record[] = "22 GNU.sparse.major=1\n";
	struct tar_fixture *f = *state;
	char text[600];
	size_t n;

	for (n = BLOCK - sizeof(record); n <= BLOCK; n++) {
		snprintf(text, sizeof(text), "%zu comment=", n);
		memset(text + 12, 'c', n - 13);
		text[n - 1] = '\n';
		memcpy(text + n, record, sizeof(record));
		tar_header(f, "pax", 'x', 0644, n + 22, "");
		tar_bytes(f, text, n + 22);
		tar_header(f, "hole", '0', 0644, BLOCK + 2, "");
		tar_bytes(f, "0\n", 2);
		tar_bytes(f, "ab", 2);
		assert_code(MREG_EUNSUPPORTED, tar_list(f, false), f->err);
	}
}

static void a_folder_may_end_in_several_slashes(void **state)
{
	struct tar_fixture *f = *state;

	tar_header(f, "a//", '5', 0755, 0, "");
	tar_add(f, "a/b", "x");
	assert_ok(tar_list(f, false), f->err);
	assert_int_equal(f->members->count, 1);
	tar_header(f, "//", '5', 0755, 0, "");
	assert_code(MREG_EINTEGRITY, tar_list(f, false), f->err);
	assert_has(f->err.msg, "absolute");
}

/* -- archives that lie ------------------------------------------------------
 */

/* H19 */
static void refuses_one_that_is_cut_anywhere(void **state)
{
	struct tar_fixture *f = *state;
	struct mr_members *m = NULL;
	size_t whole, n;

	tar_add(f, "a", "some text");
	tar_pax(f, "path", "b");
	tar_add(f, "x", "more");
	whole = f->bytes.len;
	tar_zeros(f, MR_TAR_END_BYTES);
	for (n = 0; n <= whole; n += 128) {
		struct mr_stream *s = NULL;

		assert_ok(mr_stream_memory(f->bytes.data, n, &s, &f->err),
			  f->err);
		assert_code(MREG_EFORMAT,
			    mr_members_list(&f->env.env, s, "layer one", false,
					    NULL, &m, &f->err),
			    f->err);
		assert_has(f->err.msg, "'layer one'");
		assert_null(m);
	}
}

static void refuses_what_goes_on_behind_its_end(void **state)
{
	struct tar_fixture *f = *state;

	tar_add(f, "a", "some text");
	tar_zeros(f, MR_TAR_END_BYTES);
	tar_add(f, "b", "smuggled");
	assert_code(MREG_EFORMAT, tar_list(f, false), f->err);
	assert_has(f->err.msg, "goes on behind its end");
	tar_add(f, "a", "some text");
	tar_zeros(f, MR_TAR_END_BYTES + (5 << 20));
	assert_code(MREG_EFORMAT, tar_list(f, false), f->err);
	/* What GNU tar fills up to is no fault. */
	tar_add(f, "a", "some text");
	tar_zeros(f, 20 * BLOCK);
	assert_ok(tar_list(f, false), f->err);
}

/* H16: pax says another size than the header. */
static void a_size_told_twice_smuggles_nothing(void **state)
{
	struct tar_fixture *f = *state;

	tar_pax(f, "size", "1024");
	tar_header(f, "outer", '0', 0644, 0, "");
	tar_header(f, "inner", '0', 0644, 0, "");
	tar_zeros(f, BLOCK);
	assert_ok(tar_list(f, false), f->err);
	assert_int_equal(f->members->count, 1);
	assert_string_equal(f->members->items[0].path, "outer");
	assert_int_equal(f->members->items[0].size, 1024);
}

static void refuses_sizes_beyond_the_archive(void **state)
{
	struct tar_fixture *f = *state;

	tar_pax(f, "size", "9223372036854775807");
	tar_add(f, "a", "x");
	assert_code(MREG_EFORMAT, tar_list(f, false), f->err);
	tar_header(f, "a", '0', 0644, 077777777777, "");
	assert_code(MREG_EFORMAT, tar_list(f, false), f->err);
}

static void refuses_what_is_no_archive(void **state)
{
	struct tar_fixture *f = *state;

	mr_buf_puts(&f->bytes, "this is no archive");
	assert_code(MREG_EFORMAT, tar_list(f, false), f->err);
	mr_buf_add(&f->bytes, "\x1f\x8b\x08\0\0\0\0\0", 8);
	assert_code(MREG_EFORMAT, tar_list(f, false), f->err);
}

static void stops_when_interrupted(void **state)
{
	struct tar_fixture *f = *state;

	tar_add(f, "a", "x");
	atomic_store(&f->env.cancel, true);
	assert_code(MREG_ECANCELED, tar_list(f, false), f->err);
}

/* What nobody asked for may be gigabytes. */
static void stops_while_it_passes_over(void **state)
{
	MR_AUTO(mr_unpack_closep) struct mr_unpack *u = NULL;
	struct tar_fixture *f = *state;
	struct mr_unpack_entry e;
	bool found;

	tar_header(f, "a", '0', 0644, 3u << 20, "");
	tar_zeros(f, 3u << 20);
	tar_add(f, "b", "x");
	assert_ok(mr_unpack_open(&f->env.env, tar_stream(f), "layer one", &u,
				 &f->err),
		  f->err);
	assert_ok(mr_unpack_next(u, &e, &found, &f->err), f->err);
	atomic_store(&f->env.cancel, true);
	assert_code(MREG_ECANCELED, mr_unpack_next(u, &e, &found, &f->err),
		    f->err);
}

/* -- reading files back -----------------------------------------------------
 */

static void gives_the_bytes_of_one_entry(void **state)
{
	MR_AUTO(mr_unpack_closep) struct mr_unpack *u = NULL;
	struct tar_fixture *f = *state;
	struct mr_unpack_entry e;
	char got[16] = "";
	bool found;

	tar_add(f, "a", "first");
	tar_add(f, "b", "second");
	tar_zeros(f, MR_TAR_END_BYTES);
	assert_ok(mr_unpack_open(&f->env.env, tar_stream(f), "layer one", &u,
				 &f->err),
		  f->err);
	assert_ok(mr_unpack_next(u, &e, &found, &f->err), f->err);
	/* A part of it; the next call passes over the rest. */
	assert_int_equal(mr_stream_fill(mr_unpack_bytes(u), got, 2, &f->err),
			 2);
	assert_memory_equal(got, "fi", 2);
	assert_ok(mr_unpack_next(u, &e, &found, &f->err), f->err);
	assert_string_equal(e.path, "b");
	assert_int_equal(mr_stream_fill(mr_unpack_bytes(u), got, 16, &f->err),
			 6);
	assert_memory_equal(got, "second", 6);
	assert_ok(mr_unpack_next(u, &e, &found, &f->err), f->err);
	assert_false(found);
}

static void one_file_is_a_list_of_one(void **state)
{
	struct tar_fixture *f = *state;
	struct mr_stream *s = NULL;

	assert_ok(mr_stream_memory("bytes", 5, &s, &f->err), f->err);
	assert_ok(
		mr_members_single(&f->env.env, s, "a/b", &f->members, &f->err),
		f->err);
	assert_int_equal(f->members->count, 1);
	tar_assert_content(tar_find(f->members, "a/b"), "bytes");
}

/* -- several ---------------------------------------------------------------
 */

/* The limits are of all archives of a version, not of each. */
static void several_lists_have_one_limit(void **state)
{
	struct tar_fixture *f = *state;
	struct mr_members_sum sum = { .count = 99999 };
	struct mr_members_sum names = { .bytes = 64u << 20 };
	size_t i;

	for (i = 0; i < 2; i++) {
		tar_add(f, "a", "x");
		tar_zeros(f, MR_TAR_END_BYTES);
		mr_members_free(f->members);
		f->members = NULL;
		assert_int_equal(mr_members_list(&f->env.env, tar_stream(f),
						 "one", false, &sum,
						 &f->members, &f->err),
				 i ? MREG_ELIMIT : 0);
	}
	assert_has(f->err.msg, "more than 100000 files");
	assert_code(MREG_ELIMIT,
		    mr_members_list(&f->env.env, tar_stream(f), "one", false,
				    &names, &f->members, &f->err),
		    f->err);
	assert_has(f->err.msg, "names of files of more than 64 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TAR_TEST(lists_files_with_their_digests),
		TAR_TEST(takes_one_bit_of_a_mode),
		TAR_TEST(reads_large_and_odd_sizes),
		TAR_TEST(reads_names_that_only_pax_can_say),
		TAR_TEST(refuses_paths_that_lead_elsewhere),
		TAR_TEST(refuses_what_is_no_file),
		TAR_TEST(refuses_sparse_files_of_gnu_however_empty),
		TAR_TEST(refuses_sparse_files_of_pax),
		TAR_TEST(finds_what_pax_says_across_blocks),
		TAR_TEST(a_folder_may_end_in_several_slashes),
		TAR_TEST(refuses_one_that_is_cut_anywhere),
		TAR_TEST(refuses_what_goes_on_behind_its_end),
		TAR_TEST(a_size_told_twice_smuggles_nothing),
		TAR_TEST(refuses_sizes_beyond_the_archive),
		TAR_TEST(refuses_what_is_no_archive),
		TAR_TEST(stops_when_interrupted),
		TAR_TEST(stops_while_it_passes_over),
		TAR_TEST(gives_the_bytes_of_one_entry),
		TAR_TEST(one_file_is_a_list_of_one),
		TAR_TEST(several_lists_have_one_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

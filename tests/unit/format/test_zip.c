/*
 * test_zip.c - an archive is read only if every reader would see the same in
 * it (security.md H66).
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/unzip_fixture.h"

/* -- what is read --------------------------------------------------------- */

static void reads_every_way_of_writing(void **state)
{
	struct zip z;
	int way;

	(void)state;
	for (way = 0; way < 16; way++) {
		memset(&z, 0, sizeof(z));
		z.deflate = way & 1;
		z.descriptor = way & 2;
		z.zip64 = way & 4;
		/* Padding, as PyTorch writes it. */
		z.extra = way & 8 ? "FB\3\0ZZZ" : NULL;
		z.extra_len = way & 8 ? 7 : 0;
		z.flags = way & 8 ? 0x0800 : 0;
		zip_whole(&z);
		unzip_fine(&z);
		unzip_holds(&z, "a", "the content of a");
		unzip_holds(&z, "dir/b",
			    "and b, and b, and b, and b, and b, and b");
	}
	memset(&z, 0, sizeof(z));
	zip_end(&z);
	unzip_fine(&z);
}

static void a_comment_may_end_it(void **state)
{
	struct zip z = { .comment = "made by hand" };

	(void)state;
	zip_whole(&z);
	unzip_fine(&z);
	unzip_holds(&z, "a", "the content of a");
	memset(&z, 0, sizeof(z));
	z.comment = "two ends PK\5\6 in one file, which one is it?";
	zip_whole(&z);
	unzip_refuses(&z, "does not end where the file ends");
	/* And a whole one in the comment: the last is it, and it is not the
	 * end of this archive. */
	memset(&z, 0, sizeof(z));
	z.comment = "PK\5\6................xx";
	zip_whole(&z);
	zip_set(&z, z.n - 18, 0, 18);
	unzip_refuses(&z, "stand before the archive");
}

static void reads_no_more_than_is_asked_for(void **state)
{
	struct zip z = { 0 };
	struct unzip t;
	unsigned char *bytes;
	char *large = calloc(1, 60000);

	(void)state;
	assert_non_null(large);
	zip_add(&z, "1", large, 60000);
	zip_add(&z, "2", large, 60000);
	zip_text(&z, "x.pkl", "N.");
	zip_add(&z, "3", large, 60000);
	zip_end(&z);
	unzip_begin(&t, z.bytes, z.n);
	bytes = mr_zip_load(&t.zip, mr_zip_find(&t.zip, "x.pkl"),
			    UNZIP_MAX_BYTES);
	assert_non_null(bytes);
	mr_release(bytes);
	assert_true(t.c->bytes_read < 8192);
	assert_true(t.r.reads < 8);
	unzip_end(&t);
	free(large);
}

static void names_are_found(void **state)
{
	struct mr_zip_member m = { .name = "a/Data.PKL", .name_len = 10 };

	(void)state;
	assert_true(mr_zip_ends(&m, "data.pkl"));
	assert_true(mr_zip_ends(&m, "a/data.pkl"));
	assert_false(mr_zip_ends(&m, "aa/data.pkl"));
	assert_false(mr_zip_ends(&m, "data.pk"));
	assert_true(mr_zip_is(&m, "a/Data.PKL"));
	assert_false(mr_zip_is(&m, "a/data.pkl"));
	assert_false(mr_zip_is(&m, "a/Data.PK"));
}

/* -- the end and the directory -------------------------------------------- */

static void a_cut_archive_is_refused(void **state)
{
	struct zip z = { 0 };
	struct unzip t;
	size_t n;

	(void)state;
	zip_whole(&z);
	for (n = 0; n < z.n; n++) {
		assert_non_null(unzip_trouble(&t, z.bytes, n));
		unzip_end(&t);
	}
}

static void nothing_stands_around_it(void **state)
{
	struct zip z = { 0 };

	(void)state;
	zip_raw(&z, "#!/bin/sh\n", 10);
	zip_whole(&z);
	unzip_refuses(&z, "bytes stand before the first member");
	/* The offsets as if nothing stood there. */
	zip_fresh(&z);
	memmove(z.bytes + 5, z.bytes, z.n);
	z.n += 5;
	unzip_refuses(&z, "5 bytes stand before the archive");
	zip_fresh(&z);
	zip_raw(&z, "more", 4);
	unzip_refuses(&z, "does not end where the file ends");
	/* Between directory and end. */
	memset(&z, 0, sizeof(z));
	zip_text(&z, "a", "b");
	zip_end(&z);
	memmove(z.bytes + z.end + 3, z.bytes + z.end, z.n - z.end);
	z.n += 3;
	unzip_refuses(&z, "3 bytes stand before the archive or behind");
}

static void the_end_records_agree(void **state)
{
	static const struct {
		size_t at, n;
		uint64_t value;
		const char *why;
	} old[] = {
		{ 4, 2, 1, "one of several parts" },
		{ 6, 2, 1, "one of several parts" },
		{ 8, 2, 2, "one of several parts" },
		{ 12, 4, 1, "stand before the archive" },
		{ 12, 4, 1 << 20, "is not where its end record says" },
		{ 16, 4, 0, "stand before the archive" },
		{ 16, 4, UINT32_MAX, "is not where its end record says" },
		{ 20, 2, 7, "does not end where the file ends" },
	};
	static const struct {
		size_t at, n;
	} new[] = {
		{ 0, 4 },  { 4, 8 },  { 16, 4 }, { 20, 4 },
		{ 24, 8 }, { 32, 8 }, { 40, 8 }, { 48, 8 },
		{ 60, 4 }, { 64, 8 }, { 72, 4 },
	};
	struct zip z;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(old); i++) {
		zip_fresh(&z);
		zip_set(&z, z.end + old[i].at, old[i].value, old[i].n);
		unzip_refuses(&z, old[i].why);
	}
	zip_fresh(&z);
	zip_set(&z, z.end + 8, 2, 2);
	zip_set(&z, z.end + 10, 2, 2);
	unzip_refuses(&z, "longer than its entries");
	zip_set(&z, z.end + 8, 4, 2);
	zip_set(&z, z.end + 10, 4, 2);
	unzip_refuses(&z, "entry 4 of the archive's directory is malformed");
	for (i = 0; i < MR_COUNT(new); i++) {
		memset(&z, 0, sizeof(z));
		z.zip64 = true;
		zip_whole(&z);
		zip_set(&z, z.end64 + new[i].at, 0x7777, new[i].n);
		unzip_refuses(&z, "two end records do not agree");
	}
	/* Where the old one has no room, the new one counts. */
	memset(&z, 0, sizeof(z));
	z.zip64 = true;
	zip_whole(&z);
	zip_set(&z, z.end + 8, UINT32_MAX, 4);
	zip_set(&z, z.end + 12, UINT64_MAX, 8);
	unzip_fine(&z);
}

static void entries_are_checked(void **state)
{
	static const struct {
		size_t at, n;
		uint64_t value;
		const char *why;
	} bad[] = {
		{ 0, 4, 0, "entry 1 of the archive's directory" },
		{ 8, 2, 0x0001, "member 'a' is encrypted" },
		{ 8, 2, 0x0041, "member 'a' is encrypted" },
		{ 8, 2, 0x2000, "member 'a' is encrypted" },
		{ 8, 2, 0x0020, "member 'a' has flags that are not known" },
		{ 10, 2, 99, "member 'a' is packed by method 99" },
		{ 10, 2, 14, "member 'a' is packed by method 14" },
		{ 20, 4, 1, "member 'a' has two sizes" },
		{ 24, 4, 1, "member 'a' has two sizes" },
		{ 28, 2, 0, "entry 2 of the archive's directory" },
		{ 28, 2, 5000, "entry 1 of the archive's directory" },
		{ 30, 2, 2, "entry 1 of the archive's directory" },
		{ 34, 2, 1, "entry 1 of the archive's directory" },
		{ 42, 4, 1, "bytes stand before the first member" },
		{ 46, 1, 0, "a member has a name that is none" },
	};
	struct zip z;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		zip_fresh(&z);
		zip_set(&z, z.entries[0].entry + bad[i].at, bad[i].value,
			bad[i].n);
		unzip_refuses(&z, bad[i].why);
	}
}

static void extra_fields_are_checked(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool good;
	} fields[] = {
		{ "FB\0\0", 4, true },
		{ "FB\1\0", 4, false },
		{ "FB\0", 3, false },
		{ "FB\0\0\1", 5, false },
		/* a second name; a ZIP64 record that nobody needs */
		{ "up\6\0\1....b", 10, false },
		{ "\1\0\0\0", 4, true },
		{ "\1\0\0\0\1\0\0\0", 8, false },
	};
	struct zip z;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(fields); i++) {
		memset(&z, 0, sizeof(z));
		z.extra = fields[i].bytes;
		z.extra_len = fields[i].n;
		zip_whole(&z);
		if (fields[i].good)
			unzip_fine(&z);
		else
			unzip_refuses(&z, "entry 1 of the archive's directory");
	}
	/* Too short for what has no room. */
	memset(&z, 0, sizeof(z));
	z.extra = "\1\0\10\0\0\0\0\0\0\0\0\0";
	z.extra_len = 12;
	zip_whole(&z);
	zip_set(&z, z.entries[0].entry + 20, UINT64_MAX, 8);
	unzip_refuses(&z, "entry 1 of the archive's directory");
}

static void names_are_different(void **state)
{
	struct zip z = { 0 };

	(void)state;
	zip_text(&z, "a/data.pkl", "N.");
	zip_text(&z, "b", "");
	zip_text(&z, "a/data.pkl", "cos\nsystem\n.");
	zip_end(&z);
	unzip_refuses(&z, "member 'a/data.pkl' is there twice");
}

static void members_lie_beside_each_other(void **state)
{
	struct zip z = { 0 };
	char *room = calloc(1, 70000);

	(void)state;
	assert_non_null(room);
	/* One entry points at another's local header. */
	zip_whole(&z);
	zip_set(&z, z.entries[2].entry + 42, 0, 4);
	unzip_refuses(&z, "lies in what is another's");
	/* One is longer than its place. */
	zip_fresh(&z);
	zip_set(&z, z.entries[0].entry + 20, 60, 4);
	zip_set(&z, z.entries[0].entry + 24, 60, 4);
	unzip_refuses(&z, "member 'a' lies in what is another's");
	zip_fresh(&z);
	zip_set(&z, z.entries[2].entry + 20, UINT32_MAX - 1, 4);
	zip_set(&z, z.entries[2].entry + 24, UINT32_MAX - 1, 4);
	unzip_refuses(&z, "member 'dir/b' lies in what is another's");
	/* Behind the directory. */
	zip_fresh(&z);
	zip_set(&z, z.entries[2].entry + 42, z.end, 4);
	unzip_refuses(&z, "lies in what is another's");
	/* What belongs to none. */
	memset(&z, 0, sizeof(z));
	zip_text(&z, "a", "a");
	zip_raw(&z, "x", 1);
	zip_text(&z, "b", "b");
	zip_end(&z);
	unzip_refuses(&z, "member 'a' is followed by bytes of no member");
	memset(&z, 0, sizeof(z));
	zip_text(&z, "a", "a");
	zip_raw(&z, room, 70000);
	zip_text(&z, "b", "b");
	zip_end(&z);
	unzip_refuses(&z, "member 'a' is followed by bytes of no member");
	free(room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_way_of_writing),
		cmocka_unit_test(a_comment_may_end_it),
		cmocka_unit_test(reads_no_more_than_is_asked_for),
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(a_cut_archive_is_refused),
		cmocka_unit_test(nothing_stands_around_it),
		cmocka_unit_test(the_end_records_agree),
		cmocka_unit_test(entries_are_checked),
		cmocka_unit_test(extra_fields_are_checked),
		cmocka_unit_test(names_are_different),
		cmocka_unit_test(members_lie_beside_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

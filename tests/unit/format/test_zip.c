/*
 * test_zip.c - an archive is read only if every reader would see the same in
 * it, and what is packed costs no more than it may (security.md H66).
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/zip.h"
#include "tests/support/weights_fixture.h"
#include "tests/support/zip_fixture.h"

#define MAX_BYTES (8u << 20)

struct rig {
	struct counted r;
	struct mr_arena *a;
	struct mr_cursor *c;
	struct mr_zip zip;
	struct mreg_error err;
};

static void begin(struct rig *t, const void *bytes, size_t n)
{
	memset(t, 0, sizeof(*t));
	counted_init(&t->r, bytes, n, n);
	t->a = mr_arena_new(MR_FACTS_ARENA_BYTES);
	assert_ok(mr_cursor_new(&t->r.base, t->a, &t->c, &t->err), t->err);
	mr_zip_open(t->c, &t->zip);
}

static void end(struct rig *t)
{
	assert_int_equal(t->c->rc, 0);
	assert_int_equal(t->c->bytes_read, t->r.bytes);
	mr_zip_release(&t->zip);
	mr_cursor_freep(&t->c);
	mr_arena_freep(&t->a);
}

/* Loads all members; NULL, or what is wrong.  In the arena of `t`. */
static const char *trouble_of(struct rig *t, const void *bytes, size_t n)
{
	size_t i;

	begin(t, bytes, n);
	for (i = 0; i < t->zip.count && !t->c->trouble; i++)
		mr_release(mr_zip_load(&t->zip, &t->zip.members[i], MAX_BYTES));
	return t->c->trouble;
}

static void is_fine(const struct zip *z)
{
	const char *why;
	struct rig t;

	why = trouble_of(&t, z->bytes, z->n);
	if (why)
		fail_msg("%s", why);
	assert_int_equal(t.zip.count, z->count);
	end(&t);
}

static void is_refused(const struct zip *z, const char *why)
{
	struct rig t;

	assert_non_null(trouble_of(&t, z->bytes, z->n));
	assert_has(t.c->trouble, "cannot be inspected: ");
	assert_has(t.c->trouble, why);
	end(&t);
}

/* The member has this content. */
static void holds(const struct zip *z, const char *name, const char *content)
{
	const struct mr_zip_member *m;
	unsigned char *bytes;
	struct rig t;

	begin(&t, z->bytes, z->n);
	m = mr_zip_find(&t.zip, name);
	assert_non_null(m);
	assert_int_equal(m->size, strlen(content));
	bytes = mr_zip_load(&t.zip, m, MAX_BYTES);
	if (!bytes)
		fail_msg("%s", t.c->trouble);
	assert_memory_equal(bytes, content, strlen(content));
	mr_release(bytes);
	end(&t);
}

/* "a" and "dir/b", and a folder. */
static void whole(struct zip *z)
{
	zip_text(z, "a", "the content of a");
	zip_text(z, "dir/", "");
	zip_text(z, "dir/b", "and b, and b, and b, and b, and b, and b");
	zip_end(z);
}

static void fresh(struct zip *z)
{
	memset(z, 0, sizeof(*z));
	whole(z);
}

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
		whole(&z);
		is_fine(&z);
		holds(&z, "a", "the content of a");
		holds(&z, "dir/b", "and b, and b, and b, and b, and b, and b");
	}
	memset(&z, 0, sizeof(z));
	zip_end(&z);
	is_fine(&z);
}

static void a_comment_may_end_it(void **state)
{
	struct zip z = { .comment = "made by hand" };

	(void)state;
	whole(&z);
	is_fine(&z);
	holds(&z, "a", "the content of a");
	memset(&z, 0, sizeof(z));
	z.comment = "two ends PK\5\6 in one file, which one is it?";
	whole(&z);
	is_refused(&z, "does not end where the file ends");
	/* And a whole one in the comment: the last is it, and it is not the
	 * end of this archive. */
	memset(&z, 0, sizeof(z));
	z.comment = "PK\5\6................xx";
	whole(&z);
	zip_set(&z, z.n - 18, 0, 18);
	is_refused(&z, "stand before the archive");
}

static void reads_no_more_than_is_asked_for(void **state)
{
	struct zip z = { 0 };
	struct rig t;
	unsigned char *bytes;
	char *large = calloc(1, 60000);

	(void)state;
	assert_non_null(large);
	zip_add(&z, "1", large, 60000);
	zip_add(&z, "2", large, 60000);
	zip_text(&z, "x.pkl", "N.");
	zip_add(&z, "3", large, 60000);
	zip_end(&z);
	begin(&t, z.bytes, z.n);
	bytes = mr_zip_load(&t.zip, mr_zip_find(&t.zip, "x.pkl"), MAX_BYTES);
	assert_non_null(bytes);
	mr_release(bytes);
	assert_true(t.c->bytes_read < 8192);
	assert_true(t.r.reads < 8);
	end(&t);
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
	struct rig t;
	size_t n;

	(void)state;
	whole(&z);
	for (n = 0; n < z.n; n++) {
		assert_non_null(trouble_of(&t, z.bytes, n));
		end(&t);
	}
}

static void nothing_stands_around_it(void **state)
{
	struct zip z = { 0 };

	(void)state;
	zip_raw(&z, "#!/bin/sh\n", 10);
	whole(&z);
	is_refused(&z, "bytes stand before the first member");
	/* The offsets as if nothing stood there. */
	fresh(&z);
	memmove(z.bytes + 5, z.bytes, z.n);
	z.n += 5;
	is_refused(&z, "5 bytes stand before the archive");
	fresh(&z);
	zip_raw(&z, "more", 4);
	is_refused(&z, "does not end where the file ends");
	/* Between directory and end. */
	memset(&z, 0, sizeof(z));
	zip_text(&z, "a", "b");
	zip_end(&z);
	memmove(z.bytes + z.end + 3, z.bytes + z.end, z.n - z.end);
	z.n += 3;
	is_refused(&z, "3 bytes stand before the archive or behind");
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
		fresh(&z);
		zip_set(&z, z.end + old[i].at, old[i].value, old[i].n);
		is_refused(&z, old[i].why);
	}
	fresh(&z);
	zip_set(&z, z.end + 8, 2, 2);
	zip_set(&z, z.end + 10, 2, 2);
	is_refused(&z, "longer than its entries");
	zip_set(&z, z.end + 8, 4, 2);
	zip_set(&z, z.end + 10, 4, 2);
	is_refused(&z, "entry 4 of the archive's directory is malformed");
	for (i = 0; i < MR_COUNT(new); i++) {
		memset(&z, 0, sizeof(z));
		z.zip64 = true;
		whole(&z);
		zip_set(&z, z.end64 + new[i].at, 0x7777, new[i].n);
		is_refused(&z, "two end records do not agree");
	}
	/* Where the old one has no room, the new one counts. */
	memset(&z, 0, sizeof(z));
	z.zip64 = true;
	whole(&z);
	zip_set(&z, z.end + 8, UINT32_MAX, 4);
	zip_set(&z, z.end + 12, UINT64_MAX, 8);
	is_fine(&z);
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
		fresh(&z);
		zip_set(&z, z.entries[0].entry + bad[i].at, bad[i].value,
			bad[i].n);
		is_refused(&z, bad[i].why);
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
		whole(&z);
		if (fields[i].good)
			is_fine(&z);
		else
			is_refused(&z, "entry 1 of the archive's directory");
	}
	/* Too short for what has no room. */
	memset(&z, 0, sizeof(z));
	z.extra = "\1\0\10\0\0\0\0\0\0\0\0\0";
	z.extra_len = 12;
	whole(&z);
	zip_set(&z, z.entries[0].entry + 20, UINT64_MAX, 8);
	is_refused(&z, "entry 1 of the archive's directory");
}

static void names_are_different(void **state)
{
	struct zip z = { 0 };

	(void)state;
	zip_text(&z, "a/data.pkl", "N.");
	zip_text(&z, "b", "");
	zip_text(&z, "a/data.pkl", "cos\nsystem\n.");
	zip_end(&z);
	is_refused(&z, "member 'a/data.pkl' is there twice");
}

static void members_lie_beside_each_other(void **state)
{
	struct zip z = { 0 };
	char *room = calloc(1, 70000);

	(void)state;
	assert_non_null(room);
	/* One entry points at another's local header. */
	whole(&z);
	zip_set(&z, z.entries[2].entry + 42, 0, 4);
	is_refused(&z, "lies in what is another's");
	/* One is longer than its place. */
	fresh(&z);
	zip_set(&z, z.entries[0].entry + 20, 60, 4);
	zip_set(&z, z.entries[0].entry + 24, 60, 4);
	is_refused(&z, "member 'a' lies in what is another's");
	fresh(&z);
	zip_set(&z, z.entries[2].entry + 20, UINT32_MAX - 1, 4);
	zip_set(&z, z.entries[2].entry + 24, UINT32_MAX - 1, 4);
	is_refused(&z, "member 'dir/b' lies in what is another's");
	/* Behind the directory. */
	fresh(&z);
	zip_set(&z, z.entries[2].entry + 42, z.end, 4);
	is_refused(&z, "lies in what is another's");
	/* What belongs to none. */
	memset(&z, 0, sizeof(z));
	zip_text(&z, "a", "a");
	zip_raw(&z, "x", 1);
	zip_text(&z, "b", "b");
	zip_end(&z);
	is_refused(&z, "member 'a' is followed by bytes of no member");
	memset(&z, 0, sizeof(z));
	zip_text(&z, "a", "a");
	zip_raw(&z, room, 70000);
	zip_text(&z, "b", "b");
	zip_end(&z);
	is_refused(&z, "member 'a' is followed by bytes of no member");
	free(room);
}

/* -- members --------------------------------------------------------------- */

static void local_headers_agree(void **state)
{
	static const struct {
		size_t at, n;
		uint64_t value;
		const char *why;
	} bad[] = {
		{ 0, 4, 0, "has another name in its own header" },
		{ 6, 2, 0x0001, "is packed in another way" },
		{ 6, 2, 0x0008, "is packed in another way" },
		{ 6, 2, 0x0800, "is packed in another way" },
		{ 8, 2, 8, "is packed in another way" },
		{ 14, 4, 0, "has another size or checksum in its own header" },
		{ 18, 4, 0, "has another size or checksum in its own header" },
		{ 22, 4, 17, "has another size or checksum in its own header" },
		{ 26, 2, 2, "has another name in its own header" },
		{ 28, 2, 9, "has a malformed header of its own" },
		{ 30, 1, 'b', "has another name in its own header" },
		{ 31, 1, 'T', "has not the checksum that it should have" },
	};
	struct zip z;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		fresh(&z);
		zip_set(&z, bad[i].at, bad[i].value, bad[i].n);
		is_refused(&z, bad[i].why);
	}
	/* Its own extra field makes it end in the next member. */
	fresh(&z);
	zip_set(&z, 28, 4, 2);
	memcpy(z.bytes + 31, "FB\0\0", 4);
	is_refused(&z, "lies in what is another's");
}

static void checksums_are_checked(void **state)
{
	struct zip z = { .descriptor = true };
	size_t behind;

	(void)state;
	fresh(&z);
	z.bytes[z.entries[2].content] ^= 1;
	is_refused(&z, "member 'dir/b' has not the checksum");
	/* The same wrong one everywhere. */
	fresh(&z);
	zip_set(&z, z.entries[0].entry + 16, 0, 4);
	zip_set(&z, z.entries[0].at + 14, 0, 4);
	is_refused(&z, "member 'a' has not the checksum");
	memset(&z, 0, sizeof(z));
	z.descriptor = true;
	whole(&z);
	behind = z.entries[0].content + z.entries[0].packed;
	zip_set(&z, behind + 4, 0, 4);
	is_refused(&z, "has another size or checksum behind it");
	memset(&z, 0, sizeof(z));
	z.descriptor = true;
	whole(&z);
	zip_set(&z, behind + 12, 0, 4);
	is_refused(&z, "has another size or checksum behind it");
	memset(&z, 0, sizeof(z));
	z.descriptor = true;
	whole(&z);
	zip_set(&z, behind, 0, 4);
	is_refused(&z, "has another size or checksum behind it");
	memset(&z, 0, sizeof(z));
	z.descriptor = true;
	zip_text(&z, "a", "a");
	zip_raw(&z, "no descriptor is as long", 24);
	zip_text(&z, "b", "b");
	zip_end(&z);
	is_refused(&z, "member 'a' is followed by bytes of no member");
}

static void what_is_packed_has_its_size(void **state)
{
	struct zip z = { .deflate = true };
	struct zip_entry *e = &z.entries[2];
	size_t more;

	(void)state;
	whole(&z);
	for (more = 0; more < 2; more++) {
		zip_set(&z, e->entry + 24, more ? e->size + 1 : e->size - 1, 4);
		zip_set(&z, e->at + 22, more ? e->size + 1 : e->size - 1, 4);
		is_refused(&z, "member 'dir/b' does not unpack to its size");
	}
	/* No such block. */
	memset(&z, 0, sizeof(z));
	z.deflate = true;
	whole(&z);
	z.bytes[e->content] = 0x07;
	is_refused(&z, "member 'dir/b' does not unpack to its size");
}

static void bombs_are_refused(void **state)
{
	struct zip z = { .deflate = true };
	size_t n = 4u << 20;
	char *zeroes = calloc(1, n);
	struct rig t;

	(void)state;
	assert_non_null(zeroes);
	zip_add(&z, "bomb", zeroes, n);
	zip_add(&z, "small", zeroes, 1u << 20);
	zip_end(&z);
	is_refused(&z, "member 'bomb' is larger than what is looked at");
	begin(&t, z.bytes, z.n);
	assert_null(mr_zip_load(&t.zip, &t.zip.members[1], (1u << 20) - 1));
	assert_has(t.c->trouble, "'small' is larger than what is looked at");
	end(&t);
	begin(&t, z.bytes, z.n);
	mr_release(mr_zip_load(&t.zip, &t.zip.members[1], 1u << 20));
	assert_null(t.c->trouble);
	/* All together. */
	t.zip.loaded = UINT64_C(127) << 20;
	mr_release(mr_zip_load(&t.zip, &t.zip.members[1], 1u << 20));
	assert_null(t.c->trouble);
	assert_null(mr_zip_load(&t.zip, &t.zip.members[1], 1u << 20));
	assert_non_null(t.c->trouble);
	end(&t);
	free(zeroes);
}

/* A byte of it is another: then it is refused, or nothing that is read changed
 * by that. */
static void no_changed_byte_changes_content(void **state)
{
	struct zip z = { .deflate = true };
	const struct mr_zip_member *m;
	unsigned char *bytes;
	struct rig t;
	size_t i;
	int bit;

	(void)state;
	z.descriptor = true;
	whole(&z);
	for (i = 0; i < z.n; i++) {
		for (bit = 0; bit < 8; bit++) {
			z.bytes[i] ^= (unsigned char)(1 << bit);
			begin(&t, z.bytes, z.n);
			m = t.c->trouble ? NULL : mr_zip_find(&t.zip, "a");
			bytes = m ? mr_zip_load(&t.zip, m, MAX_BYTES) : NULL;
			assert_true(bytes || t.c->trouble || !m);
			if (bytes)
				assert_memory_equal(bytes, "the content of a",
						    16);
			mr_release(bytes);
			end(&t);
			z.bytes[i] ^= (unsigned char)(1 << bit);
		}
	}
}

/* -- which format --------------------------------------------------------- */

static enum mr_format format_of(const void *bytes, size_t n, const char *path,
				char trouble[512])
{
	struct looked l;
	enum mr_format format;

	facts_look(&l, bytes, n, n, path);
	format = l.f.format;
	trouble[0] = '\0';
	if (l.f.trouble)
		strncat(trouble, l.f.trouble, 511);
	facts_release(&l);
	return format;
}

static void an_ordinary_archive_is_no_weights(void **state)
{
	struct zip z = { 0 };
	char why[512];

	(void)state;
	whole(&z);
	assert_int_equal(format_of(z.bytes, z.n, "docs.zip", why),
			 MR_FORMAT_UNKNOWN);
	assert_string_equal(why, "");
	/* But one that is not what it seems is not called harmless. */
	zip_set(&z, z.entries[0].entry + 8, 1, 2);
	assert_int_equal(format_of(z.bytes, z.n, "docs.zip", why),
			 MR_FORMAT_TORCH);
	assert_string_equal(why, "cannot be inspected: member 'a' is "
				 "encrypted");
}

static void other_archives_are_told(void **state)
{
	struct zip z = { 0 };
	char why[512];

	(void)state;
	assert_int_equal(format_of("7z\274\257\047\034\0\4", 8, "m.bin", why),
			 MR_FORMAT_TORCH);
	assert_string_equal(why, "cannot be inspected: it is a 7z archive");
	/* PyTorch's own test of a zip looks at the beginning, Python's at the
	 * end. */
	zip_raw(&z, "\1\2\3\4\5\6\7\10", 8);
	whole(&z);
	assert_int_equal(format_of(z.bytes, z.n, "m.pt", why), MR_FORMAT_TORCH);
	assert_has(why, "ends as a zip archive, but does not begin as one");
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
		cmocka_unit_test(local_headers_agree),
		cmocka_unit_test(checksums_are_checked),
		cmocka_unit_test(what_is_packed_has_its_size),
		cmocka_unit_test(bombs_are_refused),
		cmocka_unit_test(no_changed_byte_changes_content),
		cmocka_unit_test(an_ordinary_archive_is_no_weights),
		cmocka_unit_test(other_archives_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

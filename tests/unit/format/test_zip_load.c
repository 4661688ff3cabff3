/*
 * test_zip_load.c - a member's content is what the directory says, and costs no
 * more than it may (security.md H66).
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/unzip_fixture.h"

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
		zip_fresh(&z);
		zip_set(&z, bad[i].at, bad[i].value, bad[i].n);
		unzip_refuses(&z, bad[i].why);
	}
	/* Its own extra field makes it end in the next member. */
	zip_fresh(&z);
	zip_set(&z, 28, 4, 2);
	memcpy(z.bytes + 31, "FB\0\0", 4);
	unzip_refuses(&z, "lies in what is another's");
}

static void checksums_are_checked(void **state)
{
	struct zip z = { .descriptor = true };
	size_t behind;

	(void)state;
	zip_fresh(&z);
	z.bytes[z.entries[2].content] ^= 1;
	unzip_refuses(&z, "member 'dir/b' has not the checksum");
	/* The same wrong one everywhere. */
	zip_fresh(&z);
	zip_set(&z, z.entries[0].entry + 16, 0, 4);
	zip_set(&z, z.entries[0].at + 14, 0, 4);
	unzip_refuses(&z, "member 'a' has not the checksum");
	memset(&z, 0, sizeof(z));
	z.descriptor = true;
	zip_whole(&z);
	behind = z.entries[0].content + z.entries[0].packed;
	zip_set(&z, behind + 4, 0, 4);
	unzip_refuses(&z, "has another size or checksum behind it");
	memset(&z, 0, sizeof(z));
	z.descriptor = true;
	zip_whole(&z);
	zip_set(&z, behind + 12, 0, 4);
	unzip_refuses(&z, "has another size or checksum behind it");
	memset(&z, 0, sizeof(z));
	z.descriptor = true;
	zip_whole(&z);
	zip_set(&z, behind, 0, 4);
	unzip_refuses(&z, "has another size or checksum behind it");
	memset(&z, 0, sizeof(z));
	z.descriptor = true;
	zip_text(&z, "a", "a");
	zip_raw(&z, "no descriptor is as long", 24);
	zip_text(&z, "b", "b");
	zip_end(&z);
	unzip_refuses(&z, "member 'a' is followed by bytes of no member");
}

static void what_is_packed_has_its_size(void **state)
{
	struct zip z = { .deflate = true };
	struct zip_entry *e = &z.entries[2];
	size_t more;

	(void)state;
	zip_whole(&z);
	for (more = 0; more < 2; more++) {
		zip_set(&z, e->entry + 24, more ? e->size + 1 : e->size - 1, 4);
		zip_set(&z, e->at + 22, more ? e->size + 1 : e->size - 1, 4);
		unzip_refuses(&z, "member 'dir/b' does not unpack to its size");
	}
	/* No such block. */
	memset(&z, 0, sizeof(z));
	z.deflate = true;
	zip_whole(&z);
	z.bytes[e->content] = 0x07;
	unzip_refuses(&z, "member 'dir/b' does not unpack to its size");
}

static void bombs_are_refused(void **state)
{
	struct zip z = { .deflate = true };
	size_t n = 4u << 20;
	char *zeroes = calloc(1, n);
	struct unzip t;

	(void)state;
	assert_non_null(zeroes);
	zip_add(&z, "bomb", zeroes, n);
	zip_add(&z, "small", zeroes, 1u << 20);
	zip_end(&z);
	unzip_refuses(&z, "member 'bomb' is larger than what is looked at");
	unzip_begin(&t, z.bytes, z.n);
	assert_null(mr_zip_load(&t.zip, &t.zip.members[1], (1u << 20) - 1));
	assert_has(t.c->trouble, "'small' is larger than what is looked at");
	unzip_end(&t);
	unzip_begin(&t, z.bytes, z.n);
	mr_release(mr_zip_load(&t.zip, &t.zip.members[1], 1u << 20));
	assert_null(t.c->trouble);
	/* All together. */
	t.zip.loaded = UINT64_C(127) << 20;
	mr_release(mr_zip_load(&t.zip, &t.zip.members[1], 1u << 20));
	assert_null(t.c->trouble);
	assert_null(mr_zip_load(&t.zip, &t.zip.members[1], 1u << 20));
	assert_non_null(t.c->trouble);
	unzip_end(&t);
	free(zeroes);
}

static void what_is_peeked_at_counts_too(void **state)
{
	struct zip z = { .n = 0 };
	struct unzip t;
	char got[4];

	(void)state;
	zip_whole(&z);
	unzip_begin(&t, z.bytes, z.n);
	t.zip.loaded = (UINT64_C(128) << 20) - 7;
	assert_true(mr_zip_peek(&t.zip, &t.zip.members[0], got, 4));
	assert_memory_equal(got, "the ", 4);
	assert_false(mr_zip_peek(&t.zip, &t.zip.members[0], got, 4));
	assert_has(t.c->trouble, "member 'a' is more than is looked at");
	assert_true(t.c->limited);
	unzip_end(&t);
}

/* A byte of it is another: then it is refused, or nothing that is read changed
 * by that. */
static void no_changed_byte_changes_content(void **state)
{
	struct zip z = { .deflate = true };
	const struct mr_zip_member *m;
	unsigned char *bytes;
	struct unzip t;
	size_t i;
	int bit;

	(void)state;
	z.descriptor = true;
	zip_whole(&z);
	for (i = 0; i < z.n; i++) {
		for (bit = 0; bit < 8; bit++) {
			z.bytes[i] ^= (unsigned char)(1 << bit);
			unzip_begin(&t, z.bytes, z.n);
			m = t.c->trouble ? NULL : mr_zip_find(&t.zip, "a");
			bytes = m ? mr_zip_load(&t.zip, m, UNZIP_MAX_BYTES)
				  : NULL;
			assert_true(bytes || t.c->trouble || !m);
			if (bytes)
				assert_memory_equal(bytes, "the content of a",
						    16);
			mr_release(bytes);
			unzip_end(&t);
			z.bytes[i] ^= (unsigned char)(1 << bit);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_headers_agree),
		cmocka_unit_test(checksums_are_checked),
		cmocka_unit_test(what_is_packed_has_its_size),
		cmocka_unit_test(bombs_are_refused),
		cmocka_unit_test(what_is_peeked_at_counts_too),
		cmocka_unit_test(no_changed_byte_changes_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_unpack_text.c - lists of members are remembered as text, and what is no
 * such text is not believed.
 */
#include "tests/support/tar_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "content/digest.h"

static void text_is_parsed_back(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf text = MR_BUF_INIT(1 << 20);
	MR_AUTO(mr_members_freep) struct mr_members *back = NULL;
	struct tar_fixture *f = *state;
	size_t i;

	tar_add(f, "models/with  two spaces", "x");
	tar_header(f, "models/run", '0', 0755, 0, "");
	tar_header(f, "models/link", '2', 0777, 0, "run");
	tar_header(f, "models/lost", '2', 0777, 0, "/etc/passwd");
	tar_add(f, "models/.wh.a", "");
	tar_add(f, ".wh..wh..opq", "");
	assert_ok(tar_list(f, true), f->err);
	mr_members_text(f->members, &text);
	assert_ok(mr_members_parse(text.data, text.len, true, NULL, &back,
				   &f->err),
		  f->err);
	assert_non_null(back);
	assert_true(mr_members_same(back, f->members));
	assert_int_equal(back->count, 6);
	for (i = 0; i < back->count; i++) {
		const struct mr_member *a = &f->members->items[i];
		const struct mr_member *b = &back->items[i];

		assert_string_equal(a->path, b->path);
		assert_int_equal(a->kind, b->kind);
		assert_int_equal(a->entry, b->entry);
		assert_int_equal(a->size, b->size);
		assert_int_equal(a->executable, b->executable);
		assert_true(mreg_digest_equal(&a->digest, &b->digest));
		assert_int_equal(!a->target, !b->target);
		if (a->target)
			assert_string_equal(a->target, b->target);
	}
}

static void text_that_was_changed_is_not_believed(void **state)
{
	MR_AUTO(mr_buf_release) struct mr_buf text = MR_BUF_INIT(1 << 20);
	struct tar_fixture *f = *state;
	struct mr_members *back = NULL;
	size_t i;

	tar_add(f, "a", "x");
	tar_add(f, "b", "y");
	assert_ok(tar_list(f, false), f->err);
	mr_members_text(f->members, &text);
	for (i = 0; i < text.len; i++) {
		text.data[i] ^= 1;
		assert_ok(mr_members_parse(text.data, text.len, false, NULL,
					   &back, &f->err),
			  f->err);
		assert_null(back);
		text.data[i] ^= 1;
		assert_ok(mr_members_parse(text.data, i, false, NULL, &back,
					   &f->err),
			  f->err);
		assert_null(back);
	}
}

/* Whoever can write the state can write a digest too. */
static void text_that_no_archive_can_be_is_not_believed(void **state)
{
	static const struct {
		const char *path;
		enum mr_member_kind kind;
		const char *target;
		bool plain, image; /* believed as */
	} rows[] = {
		{ "a", MR_MEMBER_FILE, NULL, true, false },
		{ "models/a", MR_MEMBER_FILE, NULL, true, true },
		{ "models", MR_MEMBER_FILE, NULL, true, false },
		{ "models", MR_MEMBER_GONE, NULL, false, true },
		{ "", MR_MEMBER_OPAQUE, NULL, false, true },
		{ "", MR_MEMBER_GONE, NULL, false, false },
		{ "models/../a", MR_MEMBER_FILE, NULL, false, false },
		{ "model/a", MR_MEMBER_LINK, "models/b", false, true },
		{ "model/a", MR_MEMBER_LINK, "../b", false, false },
		{ "model/a", MR_MEMBER_GONE, "models/b", false, false },
	};
	struct tar_fixture *f = *state;
	size_t i, k;

	for (i = 0; i < MR_COUNT(rows); i++)
		for (k = 0; k < 2; k++) {
			MR_AUTO(mr_buf_release)
			struct mr_buf text = MR_BUF_INIT(1 << 16);
			MR_AUTO(mr_members_freep) struct mr_members *m = NULL;
			MR_AUTO(mr_members_freep)
			struct mr_members *back = NULL;
			struct mr_member one = { .path = rows[i].path,
						 .kind = rows[i].kind,
						 .target = rows[i].target };

			assert_int_equal(mr_digest_of("", 0, &one.digest, NULL),
					 0);
			assert_ok(mr_members_new(&m, &f->err), f->err);
			assert_ok(mr_members_add(m, &one, &f->err), f->err);
			mr_members_text(m, &text);
			assert_ok(mr_members_parse(text.data, text.len, k == 1,
						   NULL, &back, &f->err),
				  f->err);
			assert_int_equal(back != NULL,
					 k ? rows[i].image : rows[i].plain);
		}
}

static void lists_that_differ_are_not_the_same(void **state)
{
	struct tar_fixture *f = *state;
	struct mr_members *a;

	tar_add(f, "a", "x");
	assert_ok(tar_list(f, false), f->err);
	a = mr_steal(&f->members);
	tar_add(f, "a", "y");
	assert_ok(tar_list(f, false), f->err);
	assert_false(mr_members_same(a, f->members));
	tar_add(f, "b", "x");
	assert_ok(tar_list(f, false), f->err);
	assert_false(mr_members_same(a, f->members));
	tar_add(f, "a", "x");
	assert_ok(tar_list(f, false), f->err);
	assert_true(mr_members_same(a, f->members));
	tar_add(f, "a", "x");
	tar_add(f, "b", "x");
	assert_ok(tar_list(f, false), f->err);
	assert_false(mr_members_same(a, f->members));
	mr_members_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TAR_TEST(text_is_parsed_back),
		TAR_TEST(text_that_was_changed_is_not_believed),
		TAR_TEST(text_that_no_archive_can_be_is_not_believed),
		TAR_TEST(lists_that_differ_are_not_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

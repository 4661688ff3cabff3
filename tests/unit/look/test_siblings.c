/*
 * test_siblings.c - which siblings of a version there are: by tags of a store,
 * by rows of an index.
 */
#include "look/look.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "content/digest.h"
#include "tests/support/test.h"

#define DOCKER                                                                 \
	"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MR_MEDIA_EMPTY     \
	"\",\"digest\":\"sha256:"                                              \
	"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"     \
	"\",\"size\":2},\"layers\":[]}"

static struct mreg_desc desc_of(const char *text)
{
	struct mreg_desc d = { .media_type = MR_MEDIA_MANIFEST,
			       .size = strlen(text) };
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_digest_of(text, d.size, &d.digest, &err), err);
	return d;
}

static void set(struct mr_store *s, const char *tag, const struct mreg_desc *d,
		const char *text)
{
	struct mreg_error err = MREG_ERROR_INIT;

	assert_ok(mr_store_set(s, tag, d, text, NULL, &err), err);
}

/* A tag that has the tombstone has nothing; without a number nothing has. */
static void are_asked_for(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_desc gone, docker = desc_of(DOCKER);
	struct mr_arena *a = mr_arena_new(1u << 16);
	const char *bytes = mr_tombstone(&gone, NULL);
	struct mreg m = { .jobs = 1 };
	struct mr_look l = { .m = &m };
	struct test_env te;
	uint64_t n;

	(void)state;
	assert_non_null(a);
	test_env_init(&te);
	m.env = te.env;
	assert_ok(mr_memory_open(&te.env, &l.s, &err), err);
	assert_ok(mr_store_put_bytes(l.s, &mr_empty_desc, "{}", &err), err);
	set(l.s, "v3-image", &gone, bytes);
	set(l.s, "v3-docker", &docker, DOCKER);
	for (n = 0; n < 5; n++) {
		struct mr_siblings s = { .l = &l, .number = n };
		struct mreg_inspect_result out = { .sibling_count = 0 };

		assert_ok(mr_siblings_start(&s, &err), err);
		assert_ok(mr_siblings_join(&s, 0, a, &out, &err), err);
		assert_int_equal(out.sibling_count, n == 3);
		assert_int_equal(out.sibling_unread, 0);
		if (n != 3)
			continue;
		assert_string_equal(out.siblings->profile, "docker");
		assert_string_equal(out.siblings->tag, "v3-docker");
		assert_int_equal(out.siblings->size, docker.size);
		assert_true(mreg_digest_equal(&out.siblings->digest,
					      &docker.digest));
	}
	mr_store_close(l.s);
	mr_arena_free(a);
}

/* What failed beside it is what is told. */
static void what_failed_first_stays(void **state)
{
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_inspect_result out = { .sibling_count = 0 };
	struct mr_arena *a = mr_arena_new(1u << 16);
	struct mreg m = { .jobs = 1 };
	struct mr_look l = { .m = &m };
	struct mr_siblings s = { .l = &l, .number = 1 };
	struct test_env te;

	(void)state;
	test_env_init(&te);
	m.env = te.env;
	assert_ok(mr_memory_open(&te.env, &l.s, &err), err);
	assert_ok(mr_siblings_start(&s, &err), err);
	assert_int_equal(mr_siblings_join(&s, MREG_EFORMAT, a, &out, &err),
			 MREG_EFORMAT);
	assert_null(out.siblings);
	mr_store_close(l.s);
	mr_arena_free(a);
}

/* Rows of an index are what a registry held: only those that fit. */
static void are_known(void **state)
{
	const struct mreg_desc d = desc_of(DOCKER);
	const struct mr_ix_document rows[] = {
		{ .how = MR_IX_SIBLING, .desc = d },
		{ .how = MR_IX_SIBLING, .desc = d, .tag = "v33-image" },
		{ .how = MR_IX_ATTACHED, .desc = d, .tag = "v3-image" },
		{ .how = MR_IX_SIBLING, .desc = d, .tag = "v3-docker" },
		{ .how = MR_IX_SIBLING, .desc = d, .tag = "v3-docker" },
	};
	struct mr_arena *a = mr_arena_new(1u << 16);
	size_t whole;

	(void)state;
	for (whole = 0; whole < 2; whole++) {
		struct mreg_inspect_result out = { .sibling_count = 0 };

		mr_siblings_known(rows, MR_COUNT(rows), 3, whole, a, &out);
		assert_int_equal(out.sibling_count, 1);
		assert_int_equal(out.sibling_unread, !whole);
		assert_string_equal(out.siblings->tag, "v3-docker");
		memset(&out, 0, sizeof(out));
		mr_siblings_known(rows, MR_COUNT(rows), 0, whole, a, &out);
		assert_int_equal(out.sibling_count + out.sibling_unread, 0);
	}
	mr_arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_asked_for),
		cmocka_unit_test(what_failed_first_stays),
		cmocka_unit_test(are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

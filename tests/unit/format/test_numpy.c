/*
 * test_numpy.c - arrays of objects are pickles, alone and in archives
 * (security.md H65).
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/weights_fixture.h"
#include "tests/support/zip_fixture.h"

#define OBJECTS "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
#define NUMBERS "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n"
#define HOSTILE "\200\002cposix\nsystem\nU\002id\205R."

static void write_npy(struct weights *w, const char *header, const char *data)
{
	memset(w, 0, sizeof(*w));
	weights_add(w, "\223NUMPY\001", 7);
	weights_put(w, 0, 1);
	weights_put(w, strlen(header), 2);
	weights_add(w, header, strlen(header));
	weights_add(w, data, strlen(data));
}

static void an_array_of_objects_is_a_pickle(void **state)
{
	static const char *const objects[] = {
		"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n",
		"{'descr': 'object', 'fortran_order': False, 'shape': ()}",
		"{'descr': '|\\x4f', 'fortran_order': False, 'shape': ()}",
		"{'descr': [('a', '<f4'), ('b', 'O')], 'shape': (1,)}",
	};
	struct weights w;
	struct looked l;
	char why[512];
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(objects); i++) {
		write_npy(&w, objects[i], "\200\003cos\nsystem\nq.");
		w.bytes[w.n - 1] = '\001'; /* of BINPUT */
		weights_add(&w, ".", 1);
		facts_look(&l, w.bytes, w.n, w.n, "notes.txt");
		assert_null(l.f.trouble);
		assert_int_equal(l.f.format, MR_FORMAT_PICKLE);
		assert_int_equal(l.f.unsafe.n, 1);
		assert_string_equal(l.f.unsafe.items[0], "os system");
		facts_release(&l);
		write_npy(&w, objects[i], "\377\377");
		assert_int_equal(facts_kind(w.bytes, w.n, "a.npy", why),
				 MR_FORMAT_PICKLE);
		assert_has(why, "no pickle follows");
	}
	write_npy(&w, "{'descr': '<f8', 'fortran_order': False, 'shape': ()}",
		  "12345678");
	assert_int_equal(facts_kind(w.bytes, w.n, "a.npy", why),
			 MR_FORMAT_UNKNOWN);
	assert_string_equal(why, "");
	memcpy(w.bytes + 6, "\002\000\377\377\377\377", 6);
	(void)facts_kind(w.bytes, w.n, "a.npy", why);
	assert_has(why, "header is longer");
}

/* A member of an archive. */
static void add_npy(struct zip *z, const char *name, const char *header,
		    const char *data)
{
	struct weights w;

	write_npy(&w, header, data);
	zip_add(z, name, w.bytes, w.n);
}

/* What is written is `z`; only the first unsafe import. */
static void is_unsafe(const struct zip *z, const char *path,
		      enum mr_format format, const char *unsafe)
{
	struct looked l;

	facts_look(&l, z->bytes, z->n, z->n, path);
	if (l.f.trouble)
		fail_msg("%s", l.f.trouble);
	assert_int_equal(l.f.format, format);
	assert_int_equal(l.f.unsafe.n, unsafe ? 1 : 0);
	if (unsafe)
		assert_string_equal(l.f.unsafe.items[0], unsafe);
	facts_release(&l);
}

/* numpy.savez and savez_compressed; its own names end in ".npy", but it loads
 * members of any name. */
static void objects_in_an_archive_are_pickles_too(void **state)
{
	static const char *const names[] = { "b.npy", "b", "b.txt" };
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < MR_COUNT(names); i++) {
		for (k = 0; k < 2; k++) {
			struct zip z = { .deflate = k == 1 };

			add_npy(&z, "a.npy", NUMBERS, "12345678");
			add_npy(&z, names[i], OBJECTS, HOSTILE);
			zip_end(&z);
			is_unsafe(&z, "model.npz", MR_FORMAT_PICKLE,
				  "posix system");
		}
	}
}

static void an_archive_of_numbers_is_no_pickle(void **state)
{
	struct zip z = { .deflate = true };

	(void)state;
	add_npy(&z, "a.npy", NUMBERS, "12345678");
	zip_text(&z, "short.npy", "\223NUM");
	zip_text(&z, "b.npy", "\223NUMPY\001");
	zip_end(&z);
	is_unsafe(&z, "model.npz", MR_FORMAT_UNKNOWN, NULL);
}

/* Whatever else there is in it. */
static void a_harmless_pickle_beside_them_hides_nothing(void **state)
{
	struct zip z = { 0 };

	(void)state;
	zip_text(&z, "x/data.pkl", "\200\002N.");
	add_npy(&z, "a.npy", OBJECTS, HOSTILE);
	zip_end(&z);
	is_unsafe(&z, "model.npz", MR_FORMAT_TORCH, "posix system");
}

static void what_cannot_be_looked_into_is_not_clean(void **state)
{
	struct zip z = { .deflate = true };
	char why[512];

	(void)state;
	add_npy(&z, "a.npy", OBJECTS, "\377\377");
	zip_end(&z);
	assert_int_equal(facts_kind(z.bytes, z.n, "m.npz", why),
			 MR_FORMAT_PICKLE);
	assert_has(why, "member 'a.npy': cannot be inspected");
	/* Its packed bytes are none. */
	memset(z.bytes + z.entries[0].content, 0xff, z.entries[0].packed);
	assert_int_equal(facts_kind(z.bytes, z.n, "m.npz", why),
			 MR_FORMAT_PICKLE);
	assert_has(why, "member 'a.npy' does not unpack to its size");
}

/* `n` members with objects, which import one thing in turn. */
static void write_many(struct zip *z, size_t n)
{
	char name[16];
	char data[64];
	size_t i;

	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%zu.npy", i);
		(void)snprintf(data, sizeof(data), "\200\002cz\n%c\n.",
			       (int)('z' - i % 26));
		add_npy(z, name, OBJECTS, data);
	}
	zip_end(z);
}

static void what_many_members_import_is_told_once_in_order(void **state)
{
	struct zip z = { .deflate = true };
	struct looked l;
	char want[4] = "z a";
	size_t i;

	(void)state;
	write_many(&z, 256);
	facts_look(&l, z.bytes, z.n, z.n, "m.npz");
	assert_null(l.f.trouble);
	assert_int_equal(l.f.globals.n, 26);
	assert_int_equal(l.f.unsafe.n, 26);
	for (i = 0; i < 26; i++, want[2]++) {
		assert_string_equal(l.f.globals.items[i], want);
		assert_string_equal(l.f.unsafe.items[i], want);
	}
	facts_release(&l);
}

static void more_arrays_of_objects_are_not_looked_at(void **state)
{
	struct zip z = { .deflate = true };
	struct looked l;

	(void)state;
	write_many(&z, 257);
	facts_look(&l, z.bytes, z.n, z.n, "m.npz");
	assert_int_equal(l.f.format, MR_FORMAT_PICKLE);
	assert_true(l.f.limited);
	assert_has(l.f.trouble, "member '256.npy' is one array of objects more "
				"than is looked at");
	/* Of those before it all is told. */
	assert_int_equal(l.f.unsafe.n, 26);
	assert_string_equal(l.f.unsafe.items[0], "z a");
	facts_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_array_of_objects_is_a_pickle),
		cmocka_unit_test(objects_in_an_archive_are_pickles_too),
		cmocka_unit_test(an_archive_of_numbers_is_no_pickle),
		cmocka_unit_test(a_harmless_pickle_beside_them_hides_nothing),
		cmocka_unit_test(what_cannot_be_looked_into_is_not_clean),
		cmocka_unit_test(
			what_many_members_import_is_told_once_in_order),
		cmocka_unit_test(more_arrays_of_objects_are_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

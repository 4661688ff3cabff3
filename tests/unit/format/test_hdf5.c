/*
 * test_hdf5.c - an HDF5 file is one or is in trouble, and what Keras wrote into
 * it is read.
 */
#include "tests/support/test.h"

#include <string.h>

#include "base/mem.h"
#include "tests/support/weights_fixture.h"

#define SIGNATURE "\211HDF\r\n\032\n"
#define UNDEFINED UINT64_MAX
#define END_AT 40  /* of version 0: where the end of the file stands */
#define ROOT_AT 64 /* and the root group's address */
#define LAMBDA                                                                 \
	"{\"class_name\":\"Sequential\",\"config\":{\"name\":\"s\","           \
	"\"layers\":[{\"class_name\":\"Lambda\",\"config\":{}}]}}"

static void set(struct weights *w, size_t at, uint64_t value, size_t n)
{
	for (; n > 0; n--, at++) {
		w->bytes[at] = (char)value;
		value >>= 8;
	}
}

static void zeroes(struct weights *w, int n)
{
	while (n-- > 0)
		weights_put(w, 0, 1);
}

/* A superblock of version 0, its root group's header right behind it. */
static void begin(struct weights *w, size_t user)
{
	size_t start;

	memset(w, 0, sizeof(*w));
	while (w->n < user)
		weights_put(w, 'u', 1);
	start = w->n;
	weights_add(w, SIGNATURE, 8);
	weights_put(w, 0, 5); /* versions */
	weights_put(w, 8, 1);
	weights_put(w, 8, 1);
	weights_put(w, 0, 1);
	weights_put(w, 4, 2);
	weights_put(w, 16, 2);
	weights_put(w, 0, 4);
	weights_put(w, user, 8); /* base */
	weights_put(w, UNDEFINED, 8);
	weights_put(w, 0, 8); /* end; see finish */
	weights_put(w, UNDEFINED, 8);
	weights_put(w, 0, 8);
	weights_put(w, 96, 8); /* root group */
	zeroes(w, 24);
	assert_int_equal(w->n - start, 96);
}

/* An object header of version 1 whose first block has `size` bytes. */
static void header(struct weights *w, unsigned int messages, size_t size)
{
	weights_put(w, 1, 2);
	weights_put(w, messages, 2);
	weights_put(w, 1, 4);
	weights_put(w, size, 4);
	weights_put(w, 0, 4);
}

static void message(struct weights *w, unsigned int type, size_t size)
{
	weights_put(w, type, 2);
	weights_put(w, size, 2);
	weights_put(w, 0, 4);
}

static size_t eight(size_t n)
{
	return (n + 7) / 8 * 8;
}

/* Bytes of an attribute's message, without its own head. */
static size_t attribute_bytes(const char *name, size_t data)
{
	return 8 + eight(strlen(name) + 1) + 8 + 8 + eight(data);
}

/* Of version 1; `kind` and `bits` of its type, no dimensions. */
static void attribute(struct weights *w, const char *name, unsigned int kind,
		      unsigned int bits, const void *data, size_t n)
{
	message(w, 0x0c, attribute_bytes(name, n));
	weights_put(w, 1, 2);
	weights_put(w, strlen(name) + 1, 2);
	weights_put(w, 8, 2);
	weights_put(w, 8, 2);
	weights_add(w, name, strlen(name) + 1);
	weights_pad(w, 8);
	weights_put(w, 0x10 | kind, 1);
	weights_put(w, bits, 3);
	weights_put(w, n, 4);
	weights_put(w, 1, 8); /* version, dimensions */
	weights_add(w, data, n);
	weights_pad(w, 8);
}

static void finish(struct weights *w, size_t user)
{
	set(w, user + END_AT, w->n, 8);
}

/* As Keras 2 writes it: texts in the attributes. */
static void keras(struct weights *w, const char *config)
{
	begin(w, 0);
	header(w, 3,
	       8 + 16 + 8 + attribute_bytes("keras_version", 5) + 8 +
		       attribute_bytes("model_config", strlen(config)));
	message(w, 0x11, 16); /* the group's members */
	zeroes(w, 16);
	attribute(w, "keras_version", 3, 0, "2.4.0", 5);
	attribute(w, "model_config", 3, 0, config, strlen(config));
	finish(w, 0);
}

static void look(struct looked *l, const struct weights *w)
{
	facts_look(l, w->bytes, w->n, w->n, "model.h5");
	assert_int_equal(l->f.format, MR_FORMAT_HDF5);
}

static void in_trouble(const struct weights *w, const char *why)
{
	struct looked l;

	look(&l, w);
	assert_non_null(l.f.trouble);
	assert_has(l.f.trouble, why);
	facts_release(&l);
}

static void reads_what_keras_wrote(void **state)
{
	struct weights w;
	struct looked l;

	(void)state;
	keras(&w, LAMBDA);
	look(&l, &w);
	assert_null(l.f.trouble);
	assert_string_equal(l.f.producer, "keras 2.4.0");
	assert_string_equal(l.f.architecture, "Sequential");
	assert_string_equal(l.f.name, "s");
	assert_int_equal(l.f.unsafe.n, 1);
	assert_string_equal(l.f.unsafe.items[0], "Lambda");
	assert_int_equal(l.f.warnings.n, 1);
	facts_release(&l);
}

/* As Keras 3 does: in the heap, and in a second block of the header. */
static void reads_texts_of_any_length(void **state)
{
	struct weights w;
	struct looked l;
	unsigned char link[16] = { 0 };
	size_t heap = 96 + 16 + 24 + 8 + attribute_bytes("model_config", 16);

	(void)state;
	begin(&w, 0);
	header(&w, 2, 24);
	message(&w, 0x10, 16);
	weights_put(&w, 96 + 16 + 24, 8);
	weights_put(&w, heap - 96 - 16 - 24, 8);
	link[0] = (unsigned char)strlen(LAMBDA);
	link[4] = (unsigned char)heap;
	link[5] = (unsigned char)(heap >> 8);
	link[12] = 2;
	attribute(&w, "model_config", 9, 1, link, 16);
	assert_int_equal(w.n, heap);
	weights_add(&w, "GCOL\1\0\0", 8);
	weights_put(&w, 16 + 24 + 16 + eight(strlen(LAMBDA)) + 16, 8);
	weights_put(&w, 1, 8);
	weights_put(&w, 3, 8);
	weights_add(&w, "abc\0\0\0\0", 8);
	weights_put(&w, 2, 8);
	weights_put(&w, strlen(LAMBDA), 8);
	weights_add(&w, LAMBDA, strlen(LAMBDA));
	weights_pad(&w, 8);
	zeroes(&w, 16);
	finish(&w, 0);
	look(&l, &w);
	assert_null(l.f.trouble);
	assert_int_equal(l.f.unsafe.n, 1);
	facts_release(&l);
	/* No such object in the heap. */
	set(&w, heap - 4, 3, 4);
	in_trouble(&w, "its attribute 'model_config' cannot be read");
	set(&w, heap - 4, 2, 4);
	set(&w, heap, 0, 4);
	in_trouble(&w, "its global heap is malformed");
}

static void other_files_are_only_told(void **state)
{
	struct weights w;
	struct looked l;
	size_t user;

	(void)state;
	for (user = 0; user <= 2048; user = user ? user * 2 : 512) {
		begin(&w, user);
		header(&w, 1, 24);
		message(&w, 0x11, 16);
		zeroes(&w, 16);
		finish(&w, user);
		look(&l, &w);
		assert_null(l.f.trouble);
		assert_null(l.f.producer);
		assert_int_equal(l.f.unsafe.n, 0);
		assert_int_equal(l.f.warnings.n, 0);
		facts_release(&l);
	}
}

static void newer_superblocks_are_known(void **state)
{
	unsigned int version;
	struct weights w;
	struct looked l;

	(void)state;
	for (version = 2; version <= 4; version++) {
		memset(&w, 0, sizeof(w));
		weights_add(&w, SIGNATURE, 8);
		weights_put(&w, version, 1);
		weights_put(&w, 8, 1);
		weights_put(&w, 8, 1);
		weights_put(&w, 0, 1);
		weights_put(&w, 0, 8);
		weights_put(&w, UNDEFINED, 8);
		weights_put(&w, 48 + 32, 8);
		weights_put(&w, 48, 8);
		weights_put(&w, 0, 4);
		weights_add(&w, "OHDR\2\0\0\0", 8);
		zeroes(&w, 24);
		if (version == 4) {
			in_trouble(&w, "version 4 of its superblock is not "
				       "known");
			continue;
		}
		look(&l, &w);
		assert_null(l.f.trouble);
		assert_int_equal(l.f.warnings.n, 1);
		assert_has(l.f.warnings.items[0], "layers that run code");
		facts_release(&l);
	}
}

static void attributes_elsewhere_are_told(void **state)
{
	struct weights w;
	struct looked l;
	int shared;

	(void)state;
	for (shared = 0; shared < 2; shared++) {
		begin(&w, 0);
		header(&w, 2, 48);
		message(&w, shared ? 0x0c : 0x15, 16);
		set(&w, w.n - 4, shared ? 2 : 0, 1);
		zeroes(&w, 16);
		message(&w, 0x15, 16);
		zeroes(&w, 16);
		finish(&w, 0);
		look(&l, &w);
		assert_null(l.f.trouble);
		assert_int_equal(l.f.warnings.n, 1);
		assert_has(l.f.warnings.items[0], "layers that run code");
		facts_release(&l);
	}
}

static void nonsense_is_trouble(void **state)
{
	static const struct {
		size_t at, n;
		uint64_t value;
		const char *why;
	} bad[] = {
		{ 8, 1, 9, "version 9 of its superblock" },
		{ 9, 1, 1, "its superblock is malformed" },
		{ 12, 1, 1, "its superblock is malformed" },
		{ 13, 1, 0, "its superblock is malformed" },
		{ 13, 1, 3, "its superblock is malformed" },
		{ 14, 1, 16, "its superblock is malformed" },
		{ END_AT, 8, 1 << 20, "ends early" },
		{ ROOT_AT, 8, UNDEFINED, "its root group is malformed" },
		{ ROOT_AT, 8, 1 << 20, "its root group is malformed" },
		{ 98, 2, 65535, "its root group is malformed" },
		{ 104, 4, UINT32_MAX, "its root group is malformed" },
		{ 114, 2, 65535, "its root group is malformed" },
	};
	struct weights w;
	size_t n;
	size_t i;

	(void)state;
	for (i = 0; i < MR_COUNT(bad); i++) {
		keras(&w, LAMBDA);
		set(&w, bad[i].at, bad[i].value, bad[i].n);
		in_trouble(&w, bad[i].why);
	}
	keras(&w, LAMBDA);
	n = w.n;
	for (w.n = 8; w.n < n; w.n++)
		in_trouble(&w, "ends early");
	/* What says nothing of a model that it could be. */
	keras(&w, "{}");
	in_trouble(&w, "model_config does not say");
	keras(&w, "{");
	in_trouble(&w, "model_config");
	/* A text with dimensions, a number. */
	keras(&w, LAMBDA);
	begin(&w, 0);
	header(&w, 1, 8 + attribute_bytes("model_config", 4));
	attribute(&w, "model_config", 0, 0, "abcd", 4);
	finish(&w, 0);
	in_trouble(&w, "its attribute 'model_config' cannot be read");
	begin(&w, 0);
	header(&w, 1, 8 + attribute_bytes("model_config", 2));
	attribute(&w, "model_config", 3, 0, "{}", 2);
	/* Of one dimension: where its data begins, less 8, plus 1. */
	set(&w, w.n - 8 - 8 + 1, 1, 1);
	finish(&w, 0);
	in_trouble(&w, "its attribute 'model_config' cannot be read");
	/* Twice. */
	begin(&w, 0);
	header(&w, 2, 2 * (8 + attribute_bytes("keras_version", 5)));
	attribute(&w, "keras_version", 3, 0, "2.4.0", 5);
	attribute(&w, "keras_version", 3, 0, "2.4.1", 5);
	finish(&w, 0);
	in_trouble(&w, "its root group is malformed");
}

/* A block that goes on in itself. */
static void loops_end(void **state)
{
	struct weights w;

	(void)state;
	begin(&w, 0);
	header(&w, 4096, 24);
	message(&w, 0x10, 16);
	weights_put(&w, 96 + 16, 8);
	weights_put(&w, 24, 8);
	finish(&w, 0);
	in_trouble(&w, "its root group is malformed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_keras_wrote),
		cmocka_unit_test(reads_texts_of_any_length),
		cmocka_unit_test(other_files_are_only_told),
		cmocka_unit_test(newer_superblocks_are_known),
		cmocka_unit_test(attributes_elsewhere_are_told),
		cmocka_unit_test(nonsense_is_trouble),
		cmocka_unit_test(loops_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

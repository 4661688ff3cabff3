/*
 * tests/support/tar_fixture.h - tar archives written block by block, also ones
 * that no honest program writes, and what they are listed as.
 */
#ifndef TESTS_SUPPORT_TAR_FIXTURE_H
#define TESTS_SUPPORT_TAR_FIXTURE_H

#include "pack/pack.h"
#include "tests/support/test.h"

#define TAR_LAYERS 4

struct tar_fixture {
	struct test_env env;
	struct mreg_error err;
	struct mr_buf bytes; /* of the archive being made */
	struct mr_members *members;
	struct mr_members *layers[TAR_LAYERS];
	size_t layer_count;
};

int tar_setup(void **state);
int tar_teardown(void **state);
#define TAR_TEST(name)                                                         \
	cmocka_unit_test_setup_teardown(name, tar_setup, tar_teardown)

void tar_zeros(struct tar_fixture *f, size_t n);
/* A header by hand. */
void tar_header(struct tar_fixture *f, const char *path, char type,
		unsigned int mode, size_t size, const char *target);
/* Filled up to whole blocks. */
void tar_bytes(struct tar_fixture *f, const void *bytes, size_t n);
/* A file of `text`. */
void tar_add(struct tar_fixture *f, const char *path, const char *text);
/* A pax header of one record in front of the next one. */
void tar_pax(struct tar_fixture *f, const char *key, const char *value);

/* What was made, and begin the next one: */
struct mr_stream *tar_stream(struct tar_fixture *f);
/* ended and listed, as "layer one". */
int tar_list(struct tar_fixture *f, bool image);

const struct mr_member *tar_find(const struct mr_members *m, const char *path);
void tar_assert_content(const struct mr_member *m, const char *text);

#endif

/*
 * tests/support/archive_fixture.h - an archive store and what is pushed into
 * it; for the tests of the archive store.
 */
#ifndef TESTS_SUPPORT_ARCHIVE_FIXTURE_H
#define TESTS_SUPPORT_ARCHIVE_FIXTURE_H

#include "tests/support/test.h"

#include <limits.h>

#include "oci/oci.h"
#include "store/store.h"

struct ar {
	struct mr_env env;
	struct mreg_error err;
	char *dir;
	char path[PATH_MAX];
	struct mr_store *store;
	struct mr_buf bytes; /* of an archive made by hand */
};

int ar_setup(void **state);
int ar_teardown(void **state);
#define AR_TEST(name)                                                          \
	cmocka_unit_test_setup_teardown(name, ar_setup, ar_teardown)

void ar_create(struct ar *f); /* to be written */
void ar_finish(struct ar *f);
int ar_reopen(struct ar *f); /* to be read */

void ar_describe(const void *bytes, size_t n, const char *type,
		 struct mreg_desc *out);
/* A manifest of one layer, `text`; by its digest when `tag` is NULL. */
void ar_push(struct ar *f, const char *tag, const char *text,
	     const struct mreg_desc *subject, struct mreg_desc *out);
void ar_assert_tag(struct ar *f, const char *tag, const struct mreg_desc *want);
/* How many refer to it. */
size_t ar_refer(struct ar *f, const struct mreg_desc *subject);

#endif

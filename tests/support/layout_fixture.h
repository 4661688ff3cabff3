/*
 * tests/support/layout_fixture.h - a layout store in a folder of its own, and
 * what is pushed into it; for the tests of the layout store.
 */
#ifndef TESTS_SUPPORT_LAYOUT_FIXTURE_H
#define TESTS_SUPPORT_LAYOUT_FIXTURE_H

#include "tests/support/test.h"

#include <jansson.h>
#include <limits.h>

#include "base/env.h"
#include "oci/oci.h"
#include "store/store.h"

#define REPOSITORY "acme/churn"
#define PROCESSES 6

struct lay {
	struct mr_env env; /* the real one: processes wait for each other */
	struct mreg_error err;
	char *dir;
	char root[PATH_MAX]; /* of the store; not there yet */
	char repo[PATH_MAX];
	struct mr_store *store;
};

int lay_setup(void **state);
int lay_teardown(void **state);
#define LAY_TEST(name)                                                         \
	cmocka_unit_test_setup_teardown(name, lay_setup, lay_teardown)

/* No asserts in these two, for processes and threads do it too. */
int lay_describe(const void *bytes, size_t n, const char *type,
		 struct mreg_desc *out, struct mreg_error *err);
/* A manifest of one layer, `text`, under `tag`. */
int lay_push(struct mr_store *s, const char *tag, const char *text,
	     struct mreg_desc *out, struct mreg_error *err);

void lay_push_ok(struct lay *f, const char *tag, const char *text,
		 struct mreg_desc *out);
const char *lay_blob_name(const struct mreg_digest *d, char out[160]);
void lay_assert_tag(struct lay *f, const char *tag,
		    const struct mreg_desc *want);
json_t *lay_read_index(struct lay *f);

/* Run `fn` in at most PROCESSES processes of their own; all must end with 0. */
void lay_in_processes(struct lay *f, size_t n,
		      int (*fn)(struct lay *f, size_t who));
/* What went wrong, to stderr; 1. */
int lay_complain(const struct mreg_error *err);

#endif

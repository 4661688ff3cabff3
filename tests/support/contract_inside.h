/*
 * tests/support/contract_inside.h - what the parts of the suite share.
 */
#ifndef TESTS_SUPPORT_CONTRACT_INSIDE_H
#define TESTS_SUPPORT_CONTRACT_INSIDE_H

#include "tests/support/test.h"

#include "tests/support/contract.h"

#define CT_LARGE_BYTES ((3u << 20) + 17)

struct ct {
	struct test_env t;
	struct mreg_error err;
	struct mr_store *store;
	char repository[64];
};

/* cmocka gives a test no argument but its state: the suite that runs. */
extern const struct contract *ct_current;

int ct_setup(void **state);
int ct_teardown(void **state);
#define CT_TEST(name)                                                          \
	cmocka_unit_test_setup_teardown(name, ct_setup, ct_teardown)

/* A second store over the same repository. */
int ct_open_store(struct ct *c, struct mr_store **out);
/* Skip what this kind of store does not have. */
void ct_need(unsigned int can);
void ct_settle(struct ct *c);

void ct_describe(const void *bytes, size_t n, struct mreg_desc *out);
bool ct_has(struct ct *c, const struct mreg_desc *d);
void ct_put(struct ct *c, const struct contract_blob *b);
void ct_assert_content(struct ct *c, const struct contract_blob *b);

/* A manifest of one layer that holds `text`; its bytes in `out`.  `subject`
 * NULL: none. */
void ct_write_manifest(struct ct *c, const char *text,
		       const struct mreg_desc *subject, struct mreg_desc *layer,
		       struct mreg_desc *d, struct mr_buf *out);
/* Put the blobs, then the manifest (`reference` NULL: by digest). */
void ct_push(struct ct *c, const char *reference, const char *text,
	     struct mreg_desc *d, struct mr_buf *out);
void ct_push_about(struct ct *c, const char *reference, const char *text,
		   const struct mreg_desc *subject, struct mreg_desc *d,
		   struct mr_buf *out);
/* What `reference` names is `d`, with these bytes; `d` NULL: nothing. */
void ct_assert_names(struct ct *c, const char *reference,
		     const struct mreg_desc *d, const struct mr_buf *bytes);

/* The parts: each runs a group of tests and tells how many failed. */
int ct_run_blobs(void);
int ct_run_streams(void);
int ct_run_manifests(void);
int ct_run_referrers(void);

#endif

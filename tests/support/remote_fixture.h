/*
 * tests/support/remote_fixture.h - a fake registry, a session and a store
 * over one of its repositories; for the tests of the remote store.
 */
#ifndef TESTS_SUPPORT_REMOTE_FIXTURE_H
#define TESTS_SUPPORT_REMOTE_FIXTURE_H

#include "tests/support/test.h"

#include "oci/oci.h"
#include "store/store.h"
#include "tests/support/fakereg.h"

#define REPO "acme/churn"
#define NOISE_BYTES ((3u << 20) + 17)

struct fx {
	struct test_env t;
	struct fakereg *f;
	struct mr_net *net;
	struct mr_store *s;
	struct mreg_error err;
};

/* Nobody's own credentials are looked at from now on; once per program. */
void fx_isolate(const char *dir);

/* As setup and teardown: a registry without rules. */
int fx_setup(void **state);
int fx_teardown(void **state);
/* Another registry, and who we are there; NULL: anonymous. */
void fx_restart(struct fx *x, const struct fakereg_opts *o,
		const char *username, const char *password);

/* Bytes that differ everywhere. */
const char *fx_noise(void);
struct mreg_desc fx_desc(const void *bytes, size_t n);
/* The text of its digest, valid until the next call but 3. */
const char *fx_text(const struct mreg_desc *d);
/* A manifest of one layer; `desc` is its own. */
const char *fx_manifest(const struct mreg_desc *layer, struct mreg_desc *desc);

/* The whole blob, verified; how many bytes, or a code. */
long fx_read(struct fx *x, const struct mreg_desc *d, struct mr_buf *out);
/* Put bytes that a memory store holds, told of as "weights". */
int fx_put(struct fx *x, const void *bytes, size_t n);

#define FX(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

#endif

/*
 * tests/support/version_fixture.h - manifests that may be versions.
 */
#ifndef TESTS_SUPPORT_VERSION_FIXTURE_H
#define TESTS_SUPPORT_VERSION_FIXTURE_H

#include "store/store.h"

/* Store one with its blob, another one for each `n`; its bytes into `bytes`,
 * which is released by the caller (NULL: not wanted). */
struct mreg_desc version_put(struct mr_store *s, unsigned int n,
			     struct mr_buf *bytes);

#endif

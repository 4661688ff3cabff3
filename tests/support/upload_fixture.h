/*
 * tests/support/upload_fixture.h - a blob on its way into the fake registry;
 * for the tests of uploads.
 */
#ifndef TESTS_SUPPORT_UPLOAD_FIXTURE_H
#define TESTS_SUPPORT_UPLOAD_FIXTURE_H

#include "tests/support/remote_fixture.h"

#define START "*/blobs/uploads/"
#define SESSION "*/blobs/uploads/?*"
#define MIB ((size_t)1 << 20)

/* The noise, put; and whether it arrived. */
int up_put(struct fx *x);
void up_assert_there(struct fx *x);
bool up_is_there(struct fx *x);
/* The same, streamed, said to be of `told` bytes. */
int up_stream(struct fx *x, size_t told, struct mr_measure *m);

/* A fault for the requests of one method; without a path: those of an upload.
 */
void up_fault(struct fx *x, const char *method, const struct fakereg_fault *f);
struct fakereg_seen up_seen(struct fx *x, const char *method, size_t index);
size_t up_count(struct fx *x, const char *method);

/* Another session, as the next run would be; `state` NULL: it remembers
 * nothing.  Only pieces of 1 MiB, and everything is worth taking up. */
void up_open(struct fx *x, struct mr_state *state);
/* The same store, taken for one of another profile. */
void up_profile(struct fx *x, const char *host);

#endif

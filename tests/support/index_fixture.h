/*
 * tests/support/index_fixture.h - an index that is filled by hand, and all that
 * it says as one text.
 */
#ifndef TESTS_SUPPORT_INDEX_FIXTURE_H
#define TESTS_SUPPORT_INDEX_FIXTURE_H

#include "index/index.h"
#include "tests/support/db_fixture.h"

/* At the place of `t`, made where it is not there. */
struct mr_index *test_index(struct test_db *t);

/* The sha256 of a text. */
struct mreg_digest test_digest(const char *of);
/* Metadata out of a metadata file's JSON; owned by the caller. */
struct mr_meta *test_meta(const char *json);

/* Begin to write ghcr.io/REPOSITORY; and to its end. */
struct mr_index_writer *test_begin(struct mr_index *ix, const char *repository);
void test_commit(struct mr_index_writer *w);
/* Version `number`, whose manifest has the digest of `of`. */
void test_put(struct mr_index_writer *w, uint64_t number, const char *of,
	      const char *json);

/* Every row of every view but syncs, in order; ids are not in it.  Owned by
 * the caller (free()). */
char *test_index_dump(struct mr_index *ix);

/* The only number, the only text of a query; "" where it is NULL.  In a buffer
 * of the next call. */
int64_t test_number(struct mr_index *ix, const char *sql);
char *test_text(struct mr_index *ix, const char *sql); /* the caller's */

#endif

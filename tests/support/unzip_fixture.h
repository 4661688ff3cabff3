/*
 * tests/support/unzip_fixture.h - archives of zip_fixture.h, opened as
 * src/format does; for the tests of its reader.
 */
#ifndef TESTS_SUPPORT_UNZIP_FIXTURE_H
#define TESTS_SUPPORT_UNZIP_FIXTURE_H

#include "format/zip.h"
#include "tests/support/weights_fixture.h"
#include "tests/support/zip_fixture.h"

/* Of a member that is loaded. */
#define UNZIP_MAX_BYTES (8u << 20)

struct unzip {
	struct counted r;
	struct mr_arena *a;
	struct mr_cursor *c;
	struct mr_zip zip;
	struct mreg_error err;
};

void unzip_begin(struct unzip *t, const void *bytes, size_t n);
void unzip_end(struct unzip *t);

/* Loads all members; NULL, or what is wrong.  In the arena of `t`. */
const char *unzip_trouble(struct unzip *t, const void *bytes, size_t n);
void unzip_fine(const struct zip *z);
void unzip_refuses(const struct zip *z, const char *why);
/* The member has this content. */
void unzip_holds(const struct zip *z, const char *name, const char *content);

/* "a" and "dir/b", and a folder. */
void zip_whole(struct zip *z);
void zip_fresh(struct zip *z); /* the same, from zero */

#endif

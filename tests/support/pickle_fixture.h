/*
 * tests/support/pickle_fixture.h - pickles written opcode by opcode, and what
 * they import; for the tests of their reader.
 */
#ifndef TESTS_SUPPORT_PICKLE_FIXTURE_H
#define TESTS_SUPPORT_PICKLE_FIXTURE_H

#include "tests/support/weights_fixture.h"

#define MEMOIZE "\224"
#define STACK_GLOBAL "\223"

/* Begins anew, with PROTO. */
void pickle_proto(struct weights *w, unsigned int version);
/* Opcodes without NUL. */
void pickle_ops(struct weights *w, const char *text);
/* SHORT_BINUNICODE. */
void pickle_text(struct weights *w, const char *s);
void pickle_binget(struct weights *w, unsigned int key);
void pickle_binput(struct weights *w, unsigned int key);

/* "|" between them. */
const char *pickle_join(const struct mr_words *words, char out[4096]);
/* A pickle without trouble that imports these, joined. */
void pickle_imports(const struct weights *w, const char *globals,
		    const char *unsafe);
void pickle_in_trouble(const void *bytes, size_t n, const char *trouble);
/* By the reader itself, whatever it begins with. */
enum mr_format pickle_kind(const void *bytes, size_t n, char trouble[512]);

#endif

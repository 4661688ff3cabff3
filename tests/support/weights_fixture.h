/*
 * tests/support/weights_fixture.h - weight files written byte by byte, and a
 * reader that counts what it is asked for; for the tests of their readers.
 */
#ifndef TESTS_SUPPORT_WEIGHTS_FIXTURE_H
#define TESTS_SUPPORT_WEIGHTS_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "content/reader.h"
#include "format/format.h"

/* A file in the making; zeroed to begin. */
struct weights {
	char bytes[1 << 18];
	size_t n;
	int wide; /* GGUF: bytes of counts and lengths */
	bool big; /* endian */
};

void weights_add(struct weights *w, const void *bytes, size_t n);
void weights_put(struct weights *w, uint64_t value, int bytes);
void weights_pad(struct weights *w, size_t to); /* with 0, to a multiple */

/* GGUF: begins anew, but for `big`. */
void gguf_begin(struct weights *w, uint32_t version, uint64_t tensors,
		uint64_t pairs);
void gguf_name(struct weights *w, const char *name);
void gguf_string(struct weights *w, const char *key, const char *value);
void gguf_number(struct weights *w, const char *key, uint32_t kind,
		 uint64_t value, int bytes);
void gguf_tensor(struct weights *w, const char *name, uint32_t type,
		 uint32_t count, const uint64_t *dims, uint64_t offset);

/* A safetensors file: length, header, and `data` bytes of 0. */
void safetensors_write(struct weights *w, const char *header, size_t data);

/* Gives at most `most` bytes at once, and 0 behind the `n` of `data` up to its
 * size.  No open or close: it is the caller's. */
struct counted {
	struct mr_reader base;
	const char *data; /* borrowed */
	size_t n;
	size_t most;
	uint64_t bytes;     /* given */
	unsigned int reads; /* calls */
	uint64_t end;       /* behind the last byte given */
};
/* `size` bytes, of which `data` are the first. */
void counted_init(struct counted *c, const void *data, size_t n, uint64_t size);

/* The facts of a file of `size` bytes that begins with these; the test fails
 * when they cannot be read. */
struct looked {
	struct mr_arena *a; /* owned */
	struct mr_facts f;
	struct counted c;
};
void facts_look(struct looked *l, const void *bytes, size_t n, uint64_t size,
		const char *path);
void facts_release(struct looked *l);
/* Its format, and what is wrong with it; "": nothing. */
enum mr_format facts_kind(const void *bytes, size_t n, const char *path,
			  char trouble[512]);
/* The value of a key in the metadata; NULL: absent. */
const char *facts_value(const struct mr_facts *f, const char *name);

#endif

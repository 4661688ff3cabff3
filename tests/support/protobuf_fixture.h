/*
 * tests/support/protobuf_fixture.h - a tiny writer of protobuf messages, and
 * what a reader of weight files makes of them; for the tests of ONNX and
 * SavedModel.
 */
#ifndef TESTS_SUPPORT_PROTOBUF_FIXTURE_H
#define TESTS_SUPPORT_PROTOBUF_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "content/reader.h"
#include "format/format.h"

/* -- writing --------------------------------------------------------------- */

#define PB_MAX 262144
#define PB_HOLES 8

/* A file, with stretches of it that take no memory. */
struct pb {
	unsigned char bytes[PB_MAX];
	size_t n;
	struct pb_stretch {
		size_t at; /* in `bytes` */
		uint64_t size;
		const unsigned char *fill; /* borrowed; NULL: zeroes */
		size_t fill_len;
	} holes[PB_HOLES];
	size_t hole_count;
};

void pb_begin(struct pb *p);
uint64_t pb_size(const struct pb *p); /* of the file */

void pb_raw(struct pb *p, const void *bytes, size_t n);
void pb_varint(struct pb *p, uint64_t value);
void pb_tag(struct pb *p, uint32_t number, unsigned int wire);
void pb_number(struct pb *p, uint32_t number, uint64_t value);
void pb_bytes(struct pb *p, uint32_t number, const void *bytes, size_t n);
void pb_text(struct pb *p, uint32_t number, const char *text);
/* A field of `size` zeroes. */
void pb_hole(struct pb *p, uint32_t number, uint64_t size);
/* These bytes again and again; they must outlive `p`. */
void pb_repeat(struct pb *p, const void *bytes, size_t n, uint64_t times);
/* What is written between them is a message; open says where it began. */
size_t pb_open(struct pb *p, uint32_t number);
void pb_close(struct pb *p, size_t opened);

/* -- reading --------------------------------------------------------------- */

typedef int (*pb_read_fn)(struct mr_reader *r, struct mr_arena *a,
			  struct mr_facts *out, struct mreg_error *err);

struct pb_reader {
	struct mr_reader base;
	const unsigned char *bytes; /* borrowed */
	const struct pb *p;         /* borrowed; NULL: no holes */
	size_t at_most;             /* bytes given at once; 0: all */
	unsigned int fail_at;       /* this request fails; 0: none does */
	unsigned int requests;
	uint64_t asked; /* bytes */
};

struct pb_seen {
	struct pb_reader reader;
	struct mr_arena *arena; /* owned */
	struct mr_facts facts;
	struct mreg_error err;
	int rc;
};

/* `at_most` and `fail_at` are the test's own. */
void pb_reader_init(struct pb_reader *r, const struct pb *p);

/* What `read` says of the file; the arena has the room that facts.h promises.
 * The reader of `out` is zeroed but for what the test has set in it. */
void pb_look(pb_read_fn read, enum mr_format format, const struct pb *p,
	     struct pb_seen *out);
void pb_seen_release(struct pb_seen *s);

/* All of it, a line each, but `bytes_read`. */
void pb_facts_text(const struct mr_facts *f, struct mr_buf *out);

/* For fuzz targets: what must hold of any file, read at once and in small
 * pieces.  `out` is what was seen at once; released by the caller. */
void pb_fuzz(pb_read_fn read, enum mr_format format, const uint8_t *data,
	     size_t size, struct pb_seen *out);

#endif

/*
 * format/protobuf.h - protobuf's wire format on a cursor, field by field;
 * private to the folder.
 *
 * A message is a span of the file.  mr_proto_next goes from field to field and
 * seeks past what the caller did not read, so what nobody asks for costs its
 * tag and its length alone.  Spans are values: keep one to read it later, or
 * twice.
 *
 * Whatever breaks the wire format, or is of another type than asked for, is
 * the cursor's `trouble`, and everything is over (format/read.h).
 *
 * Invariants (security.md H60)
 * 1. No field reaches beyond the message it is in, and none is read twice but
 *    by a caller that kept its span.
 * 2. Fields walked over, bytes read and depth are bounded (protobuf.c).
 */
#ifndef MR_FORMAT_PROTOBUF_H
#define MR_FORMAT_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/read.h"

/* Groups, 3 and 4, are in no schema that is read here. */
enum mr_wire {
	MR_WIRE_VARINT = 0,
	MR_WIRE_64 = 1,
	MR_WIRE_BYTES = 2, /* text, bytes, a message, packed numbers */
	MR_WIRE_32 = 5,
};

struct mr_message {
	uint64_t at;  /* of the next field */
	uint64_t end; /* one behind the last byte */
	unsigned int depth;
};

struct mr_field {
	uint64_t at; /* of its tag */
	uint32_t number;
	enum mr_wire wire;
	uint64_t value; /* of a VARINT */
	uint64_t begin; /* of the others: where they are, */
	uint64_t size;  /* and how many bytes */
	unsigned int depth;
};

struct mr_proto {
	struct mr_cursor *c; /* borrowed */
	uint64_t fields;     /* walked over so far */
};

/* The whole file is one message. */
void mr_proto_begin(struct mr_proto *p, struct mr_cursor *c,
		    struct mr_message *out);
/* The next field; false at the end of the message, or when over. */
bool mr_proto_next(struct mr_proto *p, struct mr_message *m,
		   struct mr_field *out);

/* What a field must be, or it is trouble; over, they give 0, NULL, or an empty
 * message. */
void mr_proto_enter(struct mr_proto *p, const struct mr_field *f,
		    struct mr_message *out);
uint64_t mr_proto_number(struct mr_proto *p, const struct mr_field *f);
/* Bytes of a text, or of what is like one. */
uint64_t mr_proto_size(struct mr_proto *p, const struct mr_field *f);
/* In the arena, as mr_keep_text. */
const char *mr_proto_text(struct mr_proto *p, const struct mr_field *f);
/* The first `cap` - 1 bytes with a NUL behind them; returns the size that the
 * field has, which may be more. */
uint64_t mr_proto_bytes(struct mr_proto *p, const struct mr_field *f, char *out,
			size_t cap);

/* Numbers may be packed into one field, or stand in one each (parsers must
 * take both): begin with one of the fields, then next until it is false. */
struct mr_numbers {
	struct mr_message rest;
	uint64_t one;
	bool has_one;
};
void mr_proto_numbers(struct mr_proto *p, const struct mr_field *f,
		      struct mr_numbers *out);
bool mr_proto_numbers_next(struct mr_proto *p, struct mr_numbers *n,
			   uint64_t *out);

#endif

/*
 * protobuf.c - protobuf's wire format on a cursor, field by field.
 *
 * A field is a tag, number << 3 | wire type, and a value: a varint (seven bits
 * a byte, the lowest first, the top bit says that more follow), four or eight
 * bytes, or a length and as many bytes (protobuf.dev, "Encoding").
 */
#include "format/protobuf.h"

#include <inttypes.h>
#include <string.h>

#define NUMBER_MAX ((UINT32_C(1) << 29) - 1) /* of a field */
#define VARINT_MAX_BYTES 10
/* What protobuf's own parsers allow unless told otherwise. */
#define DEPTH_MAX 100
/* A graph of a hundred thousand nodes has some millions of fields. */
#define FIELDS_MAX (UINT64_C(1) << 24)
/* The same graph's bytes with what exporters note of every node, and a window
 * for each of a thousand large tensors that are skipped. */
#define READ_MAX_BYTES (UINT64_C(256) << 20)

void mr_proto_begin(struct mr_proto *p, struct mr_cursor *c,
		    struct mr_message *out)
{
	*p = (struct mr_proto){ .c = c };
	*out = (struct mr_message){ .at = c->at, .end = c->limit };
}

static bool take_varint(struct mr_proto *p, struct mr_message *m, uint64_t *out)
{
	uint64_t begin = m->at;
	uint64_t value = 0;
	unsigned int i;

	mr_cursor_seek(p->c, m->at);
	for (i = 0; i < VARINT_MAX_BYTES; i++) {
		uint8_t byte;

		if (m->at >= m->end) {
			mr_cursor_fail(p->c,
				       "the number at byte %" PRIu64
				       " runs past the end of its message",
				       begin);
			return false;
		}
		byte = mr_cursor_u8(p->c);
		if (mr_cursor_over(p->c))
			return false;
		m->at++;
		/* One bit of 64 is left for the tenth byte. */
		if (i == VARINT_MAX_BYTES - 1 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			*out = value;
			return true;
		}
	}
	mr_cursor_fail(p->c, "the number at byte %" PRIu64 " exceeds 64 bits",
		       begin);
	return false;
}

/* Bounded work, whatever the file says. */
static bool may_go_on(struct mr_proto *p)
{
	if (++p->fields > FIELDS_MAX)
		mr_cursor_limit(p->c, "has more than %" PRIu64 " fields",
				FIELDS_MAX);
	else if (p->c->bytes_read > READ_MAX_BYTES)
		mr_cursor_limit(p->c,
				"takes more than %" PRIu64
				" MiB to read without its tensors",
				READ_MAX_BYTES >> 20);
	return !mr_cursor_over(p->c);
}

static bool take_tag(struct mr_proto *p, struct mr_message *m,
		     struct mr_field *out)
{
	uint64_t tag;

	if (!take_varint(p, m, &tag))
		return false;
	if (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX) {
		mr_cursor_fail(p->c,
			       "the field at byte %" PRIu64
			       " has a number that no field may have",
			       out->at);
		return false;
	}
	out->number = (uint32_t)(tag >> 3);
	out->wire = (enum mr_wire)(tag & 7);
	return true;
}

bool mr_proto_next(struct mr_proto *p, struct mr_message *m,
		   struct mr_field *out)
{
	memset(out, 0, sizeof(*out));
	out->at = m->at;
	out->depth = m->depth;
	if (mr_cursor_over(p->c) || m->at >= m->end || !may_go_on(p) ||
	    !take_tag(p, m, out))
		return false;
	switch (out->wire) {
	case MR_WIRE_VARINT:
		return take_varint(p, m, &out->value);
	case MR_WIRE_64:
		out->size = 8;
		break;
	case MR_WIRE_32:
		out->size = 4;
		break;
	case MR_WIRE_BYTES:
		if (!take_varint(p, m, &out->size))
			return false;
		break;
	default:
		mr_cursor_fail(p->c,
			       "field %" PRIu32 " at byte %" PRIu64
			       " has wire type %d, which no model has",
			       out->number, out->at, (int)out->wire);
		return false;
	}
	if (out->size > m->end - m->at) {
		mr_cursor_fail(p->c,
			       "field %" PRIu32 " at byte %" PRIu64
			       " runs past the end of its message",
			       out->number, out->at);
		return false;
	}
	out->begin = m->at;
	m->at += out->size;
	return true;
}

static bool must_be(struct mr_proto *p, const struct mr_field *f,
		    enum mr_wire wire, const char *what)
{
	if (!mr_cursor_over(p->c) && f->wire != wire)
		mr_cursor_fail(p->c,
			       "field %" PRIu32 " at byte %" PRIu64 " is no %s",
			       f->number, f->at, what);
	return !mr_cursor_over(p->c);
}

void mr_proto_enter(struct mr_proto *p, const struct mr_field *f,
		    struct mr_message *out)
{
	memset(out, 0, sizeof(*out));
	if (!must_be(p, f, MR_WIRE_BYTES, "message"))
		return;
	if (f->depth >= DEPTH_MAX) {
		mr_cursor_fail(p->c, "messages nest deeper than %d", DEPTH_MAX);
		return;
	}
	out->at = f->begin;
	out->end = f->begin + f->size;
	out->depth = f->depth + 1;
}

uint64_t mr_proto_number(struct mr_proto *p, const struct mr_field *f)
{
	return must_be(p, f, MR_WIRE_VARINT, "number") ? f->value : 0;
}

uint64_t mr_proto_size(struct mr_proto *p, const struct mr_field *f)
{
	return must_be(p, f, MR_WIRE_BYTES, "text") ? f->size : 0;
}

const char *mr_proto_text(struct mr_proto *p, const struct mr_field *f)
{
	if (!must_be(p, f, MR_WIRE_BYTES, "text"))
		return NULL;
	mr_cursor_seek(p->c, f->begin);
	return mr_cursor_text(p->c, f->size);
}

uint64_t mr_proto_bytes(struct mr_proto *p, const struct mr_field *f, char *out,
			size_t cap)
{
	size_t n = f->size < cap ? (size_t)f->size : cap - 1;

	out[0] = '\0';
	if (!must_be(p, f, MR_WIRE_BYTES, "text"))
		return 0;
	mr_cursor_seek(p->c, f->begin);
	mr_cursor_get(p->c, out, n);
	out[n] = '\0';
	return f->size;
}

void mr_proto_numbers(struct mr_proto *p, const struct mr_field *f,
		      struct mr_numbers *out)
{
	memset(out, 0, sizeof(*out));
	if (f->wire == MR_WIRE_VARINT) {
		out->one = f->value;
		out->has_one = true;
	} else if (must_be(p, f, MR_WIRE_BYTES, "list of numbers")) {
		out->rest.at = f->begin;
		out->rest.end = f->begin + f->size;
	}
}

bool mr_proto_numbers_next(struct mr_proto *p, struct mr_numbers *n,
			   uint64_t *out)
{
	if (mr_cursor_over(p->c))
		return false;
	if (n->has_one) {
		*out = n->one;
		n->has_one = false;
		return true;
	}
	return n->rest.at < n->rest.end && may_go_on(p) &&
	       take_varint(p, &n->rest, out);
}

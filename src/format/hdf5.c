/*
 * hdf5.c - an HDF5 file: whether its superblock is one, and what Keras wrote
 * as attributes of the root group.
 *
 * After the HDF5 File Format Specification 3.0 (sections are its).  Of the
 * root group only the object header of version 1 is walked, which h5py writes
 * unless told otherwise; where it cannot be, a model's configuration is not
 * seen, and that is told.
 *
 * Invariants (security.md H60)
 * 1. No more than MESSAGES_MAX messages of BLOCKS_MAX blocks are looked at,
 *    and of the heap one object for each attribute.
 * 2. Texts are at most MR_KERAS_CONFIG_MAX_BYTES, and inside the file.
 */
#include "format/zip.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define SIGNATURE "\211HDF\r\n\032\n"
#define SIGNATURE_BYTES 8
/* It stands at 0, 512, 1024, ... (II.A); user blocks are small. */
#define SIGNATURE_AT_MAX (1u << 20)

#define MESSAGES_MAX 4096
#define BLOCKS_MAX 64
#define HEAP_OBJECTS_MAX 65536 /* an index has 16 bits */
#define NAME_MAX_BYTES 64      /* of the attributes that are looked for */
#define VERSION_MAX_BYTES 64

#define MESSAGE_ATTRIBUTE 0x000c
#define MESSAGE_CONTINUATION 0x0010
#define MESSAGE_ATTRIBUTE_INFO 0x0015 /* more of them are elsewhere */
#define MESSAGE_SHARED 0x02           /* flag: it is elsewhere */
#define KIND_STRING 3
#define KIND_VARIABLE 9
#define VARIABLE_TEXT 1 /* else a list */

struct block {
	uint64_t at, size;
};

struct hdf5 {
	struct mr_cursor *c;
	struct mr_facts *out;
	size_t offset_bytes, length_bytes;
	uint64_t base; /* addresses count from here */
	uint64_t root; /* address of the root group's object header */
	struct block blocks[BLOCKS_MAX];
	size_t block_count;
	bool has_config, has_version; /* each is read once */
	bool told;
};

/* A text somewhere in the file. */
struct text {
	uint64_t at, len;
};

static void broken(struct hdf5 *h, const char *what)
{
	mr_cursor_fail(h->c, "its %s is malformed", what);
}

static uint64_t take_offset(struct hdf5 *h)
{
	return mr_cursor_number(h->c, h->offset_bytes);
}

static uint64_t take_length(struct hdf5 *h)
{
	return mr_cursor_number(h->c, h->length_bytes);
}

/* To an address and `n` bytes from there on. */
static bool go(struct hdf5 *h, uint64_t address, uint64_t n, const char *what)
{
	uint64_t room = h->c->limit - h->base;

	if (address > room || n > room - address)
		broken(h, what);
	else
		mr_cursor_seek(h->c, h->base + address);
	return !mr_cursor_over(h->c);
}

/* -- superblock: II.A ----------------------------------------------------- */

static bool find_signature(struct hdf5 *h)
{
	char bytes[SIGNATURE_BYTES];
	uint64_t at = 0;

	while (at <= SIGNATURE_AT_MAX && at + sizeof(bytes) <= h->c->limit) {
		mr_cursor_seek(h->c, at);
		mr_cursor_get(h->c, bytes, sizeof(bytes));
		h->base = at;
		if (memcmp(bytes, SIGNATURE, sizeof(bytes)) == 0)
			return true;
		at = at ? at * 2 : 512;
	}
	return false;
}

static bool is_width(size_t n)
{
	return n == 2 || n == 4 || n == 8;
}

/* The cursor is behind the signature. */
static void read_superblock(struct hdf5 *h)
{
	uint64_t size = h->c->limit;
	unsigned int version = mr_cursor_u8(h->c);
	uint64_t end;

	if (version > 3) {
		mr_cursor_fail(h->c,
			       "version %u of its superblock is not known",
			       version);
		return;
	}
	/* Versions of parts, which are 0. */
	if (version < 2 && mr_cursor_number(h->c, 4) != 0)
		broken(h, "superblock");
	h->offset_bytes = mr_cursor_u8(h->c);
	h->length_bytes = mr_cursor_u8(h->c);
	if (!is_width(h->offset_bytes) || !is_width(h->length_bytes)) {
		broken(h, "superblock");
		return;
	}
	/* Widths of trees and flags; the fourth of version 1. */
	mr_cursor_skip(h->c, version < 2 ? 9 + 4 * (version == 1) : 1);
	/* Its own base and the free space, or the extension. */
	mr_cursor_skip(h->c, 2 * h->offset_bytes);
	end = take_offset(h);
	/* The driver's block and the name of the root group's entry. */
	if (version < 2)
		mr_cursor_skip(h->c, 2 * h->offset_bytes);
	h->root = take_offset(h);
	if (end > size)
		mr_cursor_fail(h->c,
			       "ends early: it should have %" PRIu64
			       " bytes, and has %" PRIu64,
			       end, size);
}

/* -- attributes: IV.A.2.m ------------------------------------------------- */

/* Text `index` of the heap at `address`; III.E. */
static bool find_in_heap(struct hdf5 *h, uint64_t address, uint32_t index,
			 struct text *out)
{
	char signature[4];
	uint64_t end;
	uint64_t len;
	uint64_t room;
	unsigned int found;
	size_t i;

	if (!go(h, address, 8 + h->length_bytes, "global heap"))
		return false;
	end = h->c->at;
	mr_cursor_get(h->c, signature, sizeof(signature));
	mr_cursor_skip(h->c, 4);
	len = take_length(h);
	if (memcmp(signature, "GCOL", 4) != 0 || len > h->c->limit - end) {
		broken(h, "global heap");
		return false;
	}
	end += len;
	for (i = 0; i < HEAP_OBJECTS_MAX && !mr_cursor_over(h->c); i++) {
		if (h->c->at >= end || end - h->c->at < 8 + h->length_bytes)
			return false;
		found = mr_cursor_u16(h->c);
		mr_cursor_skip(h->c, 6);
		len = take_length(h);
		room = end - h->c->at;
		/* Index 0 is the room behind the last object. */
		if (found == 0 || len > room)
			return false;
		*out = (struct text){ .at = h->c->at, .len = len };
		if (found == index)
			return !mr_cursor_over(h->c);
		mr_cursor_skip(h->c, len + (8 - len % 8) % 8);
	}
	return false;
}

struct attribute {
	char name[NAME_MAX_BYTES + 1];
	bool shared;                /* its type is elsewhere */
	uint64_t type, space, data; /* where they stand */
	uint64_t end;               /* of the message */
};

static uint64_t padded(uint64_t n, unsigned int version)
{
	return version == 1 ? n + (8 - n % 8) % 8 : n;
}

/* The message has `size` bytes; false if it has not the name of one that is
 * looked for. */
static bool read_attribute(struct hdf5 *h, uint64_t size, struct attribute *a)
{
	uint64_t end = h->c->at + size;
	unsigned int version = mr_cursor_u8(h->c);
	unsigned int flags = mr_cursor_u8(h->c);
	uint64_t name = mr_cursor_u16(h->c);
	uint64_t type = mr_cursor_u16(h->c);
	uint64_t space = mr_cursor_u16(h->c);

	if (version < 1 || version > 3 || name > NAME_MAX_BYTES)
		return false;
	mr_cursor_skip(h->c, version == 3 ? 1 : 0);
	a->shared = version > 1 && flags;
	a->type = h->c->at + padded(name, version);
	a->space = a->type + padded(type, version);
	a->data = a->space + padded(space, version);
	a->end = end;
	if (a->data > end)
		return false;
	mr_cursor_get(h->c, a->name, (size_t)name);
	a->name[name] = '\0';
	return !mr_cursor_over(h->c);
}

/* The value, if it is one text. */
static bool find_text(struct hdf5 *h, const struct attribute *a,
		      struct text *out)
{
	uint64_t room = a->end - a->data;
	unsigned int kind;
	unsigned int bits;
	unsigned int dims;
	uint64_t address;

	mr_cursor_seek(h->c, a->space + 1);
	dims = mr_cursor_u8(h->c);
	mr_cursor_seek(h->c, a->type);
	kind = mr_cursor_u8(h->c) & 0x0f;
	bits = mr_cursor_u8(h->c) & 0x0f;
	mr_cursor_skip(h->c, 2);
	*out = (struct text){ .at = a->data, .len = mr_cursor_u32(h->c) };
	if (a->shared || dims)
		return false;
	if (kind == KIND_STRING)
		return out->len <= room;
	if (kind != KIND_VARIABLE || bits != VARIABLE_TEXT ||
	    room < 8 + h->offset_bytes)
		return false;
	mr_cursor_seek(h->c, a->data + 4);
	address = take_offset(h);
	return find_in_heap(h, address, mr_cursor_u32(h->c), out);
}

static void take_text(struct hdf5 *h, const struct attribute *a, uint64_t max)
{
	MR_AUTO(mr_free) char *bytes = NULL;
	struct text t = { 0 };
	size_t n;

	if (!find_text(h, a, &t) || t.len > max) {
		mr_cursor_fail(h->c,
			       "cannot be inspected: its attribute '%s' cannot "
			       "be read",
			       a->name);
		return;
	}
	bytes = mr_alloc((size_t)t.len);
	if (!bytes) {
		h->c->rc = mr_fail_nomem(h->c->err);
		return;
	}
	mr_cursor_seek(h->c, t.at);
	mr_cursor_get(h->c, bytes, (size_t)t.len);
	n = strnlen(bytes, (size_t)t.len); /* padded with NUL */
	if (strcmp(a->name, "keras_version") == 0)
		h->out->producer =
			mr_keep_printf(h->c, "keras %.*s", (int)n, bytes);
	else
		mr_keras_config(h->c, bytes, n, "model_config", h->out);
}

static void look(struct hdf5 *h, uint64_t size)
{
	struct attribute a;
	bool *seen = NULL;

	if (!read_attribute(h, size, &a))
		return;
	if (strcmp(a.name, "model_config") == 0)
		seen = &h->has_config;
	else if (strcmp(a.name, "keras_version") == 0)
		seen = &h->has_version;
	if (seen && *seen)
		broken(h, "root group");
	if (!seen || mr_cursor_over(h->c))
		return;
	*seen = true;
	take_text(h, &a,
		  seen == &h->has_config ? MR_KERAS_CONFIG_MAX_BYTES
					 : VERSION_MAX_BYTES);
}

/* -- the root group: IV.A.1.a --------------------------------------------- */

/* Attributes in a form that is not read may be Keras's. */
static void tell_unread(struct hdf5 *h)
{
	if (!h->told)
		mr_keep_warning(h->c, h->out,
				"its root group is in a form that is not read: "
				"layers that run code would not be seen");
	h->told = true;
}

static void add_block(struct hdf5 *h)
{
	uint64_t address = take_offset(h);
	uint64_t size = take_length(h);

	if (!go(h, address, size, "root group"))
		return;
	if (h->block_count == BLOCKS_MAX)
		broken(h, "root group");
	else
		h->blocks[h->block_count++] =
			(struct block){ .at = h->c->at, .size = size };
}

/* Messages of a block; those left of `messages`. */
static size_t read_block(struct hdf5 *h, struct block b, size_t messages)
{
	uint64_t at = b.at;
	uint64_t end = b.at + b.size;

	while (messages && !mr_cursor_over(h->c) && end - at >= 8) {
		unsigned int type;
		unsigned int flags;
		uint64_t size;

		mr_cursor_seek(h->c, at);
		type = mr_cursor_u16(h->c);
		size = mr_cursor_u16(h->c);
		flags = mr_cursor_u8(h->c);
		mr_cursor_skip(h->c, 3);
		at += 8;
		if (size > end - at) {
			broken(h, "root group");
			break;
		}
		if (type == MESSAGE_CONTINUATION)
			add_block(h);
		else if (type == MESSAGE_ATTRIBUTE_INFO ||
			 (type == MESSAGE_ATTRIBUTE && flags & MESSAGE_SHARED))
			tell_unread(h);
		else if (type == MESSAGE_ATTRIBUTE)
			look(h, size);
		at += size;
		messages--;
	}
	return messages;
}

static void read_root(struct hdf5 *h)
{
	size_t messages;
	uint64_t size;
	size_t i;

	if (!go(h, h->root, 16, "root group"))
		return;
	if (mr_cursor_u8(h->c) != 1) {
		tell_unread(h);
		return;
	}
	mr_cursor_skip(h->c, 1);
	messages = mr_cursor_u16(h->c);
	mr_cursor_skip(h->c, 4);
	size = mr_cursor_u32(h->c);
	if (messages > MESSAGES_MAX)
		broken(h, "root group");
	if (!go(h, h->root + 16, size, "root group"))
		return;
	h->blocks[h->block_count++] =
		(struct block){ .at = h->c->at, .size = size };
	for (i = 0; i < h->block_count; i++)
		messages = read_block(h, h->blocks[i], messages);
}

int mr_hdf5_read(struct mr_reader *r, struct mr_arena *a, struct mr_facts *out,
		 struct mreg_error *err)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	struct hdf5 h = { .out = out };
	int rc = mr_cursor_new(r, a, &c, err);

	if (rc < 0)
		return rc;
	h.c = c;
	if (!find_signature(&h)) {
		out->format = MR_FORMAT_UNKNOWN;
	} else {
		read_superblock(&h);
		if (!mr_cursor_over(c))
			read_root(&h);
	}
	return mr_cursor_end(c, out);
}

/*
 * zip_fixture.c - zip archives written byte by byte.
 */
#include "tests/support/zip_fixture.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

#define DEFLATED 8
#define DESCRIPTOR 0x0008
#define FULL UINT32_MAX

void zip_raw(struct zip *z, const void *bytes, size_t n)
{
	assert(n <= sizeof(z->bytes) - z->n);
	if (n)
		memcpy(z->bytes + z->n, bytes, n);
	z->n += n;
}

void zip_set(struct zip *z, size_t at, uint64_t value, size_t n)
{
	for (; n > 0; n--, at++) {
		assert(at < sizeof(z->bytes));
		z->bytes[at] = (unsigned char)value;
		value >>= 8;
	}
}

static void put(struct zip *z, uint64_t value, size_t n)
{
	assert(n <= sizeof(z->bytes) - z->n);
	zip_set(z, z->n, value, n);
	z->n += n;
}

/* What both headers have from "flags" on, up to the length of the extra
 * field. */
static void put_fields(struct zip *z, const struct zip_entry *e, bool later,
		       bool full, size_t extra)
{
	put(z, e->flags, 2);
	put(z, e->method, 2);
	put(z, 0x00210000, 4); /* 1980-01-01 */
	put(z, later ? 0 : e->crc, 4);
	put(z, full ? FULL : later ? 0 : e->packed, 4);
	put(z, full ? FULL : later ? 0 : e->size, 4);
	put(z, e->name_len, 2);
	put(z, extra, 2);
}

static void put_zip64(struct zip *z, uint64_t size, uint64_t packed)
{
	put(z, 1, 2);
	put(z, 16, 2);
	put(z, size, 8);
	put(z, packed, 8);
}

static size_t pack(const void *bytes, size_t n, unsigned char *out, size_t cap)
{
	z_stream s = { .next_in = (unsigned char *)(uintptr_t)bytes,
		       .avail_in = (uInt)n,
		       .next_out = out,
		       .avail_out = (uInt)cap };
	int rc = deflateInit2(&s, 9, Z_DEFLATED, -MAX_WBITS, 8,
			      Z_DEFAULT_STRATEGY);

	assert(rc == Z_OK);
	rc = deflate(&s, Z_FINISH);
	assert(rc == Z_STREAM_END);
	(void)deflateEnd(&s); /* it is finished */
	return (size_t)s.total_out;
}

void zip_add(struct zip *z, const char *name, const void *bytes, size_t n)
{
	struct zip_entry *e = &z->entries[z->count++];
	unsigned char packed[1 << 16];
	size_t width = z->zip64 ? 8 : 4;

	assert(z->count <= ZIP_MEMBERS && strlen(name) < sizeof(e->name));
	*e = (struct zip_entry){
		.name_len = strlen(name),
		.extra = z->extra,
		.extra_len = z->extra_len,
		.size = n,
		.packed =
			z->deflate ? pack(bytes, n, packed, sizeof(packed)) : n,
		.crc = (uint32_t)crc32(crc32(0, NULL, 0), bytes, (uInt)n),
		.flags =
			(uint16_t)(z->flags | (z->descriptor ? DESCRIPTOR : 0)),
		.method = z->deflate ? DEFLATED : 0,
		.zip64 = z->zip64,
		.at = z->n,
	};
	memcpy(e->name, name, e->name_len);
	zip_raw(z, "PK\3\4", 4);
	put(z, 20, 2);
	put_fields(z, e, z->descriptor, z->zip64,
		   e->extra_len + (z->zip64 ? 20 : 0));
	zip_raw(z, name, e->name_len);
	if (z->zip64)
		put_zip64(z, z->descriptor ? 0 : n,
			  z->descriptor ? 0 : e->packed);
	zip_raw(z, e->extra, e->extra_len);
	e->content = z->n;
	zip_raw(z, z->deflate ? packed : bytes, e->packed);
	if (!z->descriptor)
		return;
	zip_raw(z, "PK\7\10", 4);
	put(z, e->crc, 4);
	put(z, e->packed, width);
	put(z, e->size, width);
}

void zip_text(struct zip *z, const char *name, const char *text)
{
	zip_add(z, name, text, strlen(text));
}

static void put_entry(struct zip *z, struct zip_entry *e)
{
	e->entry = z->n;
	zip_raw(z, "PK\1\2", 4);
	put(z, 20, 2);
	put(z, 20, 2);
	put_fields(z, e, false, e->zip64, e->extra_len + (e->zip64 ? 20 : 0));
	put(z, 0, 10); /* comment, disk, attributes */
	put(z, e->at, 4);
	zip_raw(z, e->name, e->name_len);
	if (e->zip64)
		put_zip64(z, e->size, e->packed);
	zip_raw(z, e->extra, e->extra_len);
}

void zip_end(struct zip *z)
{
	size_t comment = z->comment ? strlen(z->comment) : 0;
	size_t size;
	size_t i;

	z->directory = z->n;
	for (i = 0; i < z->count; i++)
		put_entry(z, &z->entries[i]);
	size = z->n - z->directory;
	z->end64 = z->n;
	if (z->zip64 && !z->no_end64) {
		zip_raw(z, "PK\6\6", 4);
		put(z, 44, 8);
		put(z, 45, 2);
		put(z, 45, 2);
		put(z, 0, 8); /* disks */
		put(z, z->count, 8);
		put(z, z->count, 8);
		put(z, size, 8);
		put(z, z->directory, 8);
		zip_raw(z, "PK\6\7", 4);
		put(z, 0, 4);
		put(z, z->end64, 8);
		put(z, 1, 4);
	}
	z->end = z->n;
	zip_raw(z, "PK\5\6", 4);
	put(z, 0, 4); /* disks */
	put(z, z->count, 2);
	put(z, z->count, 2);
	put(z, size, 4);
	put(z, z->directory, 4);
	put(z, comment, 2);
	zip_raw(z, z->comment, comment);
}

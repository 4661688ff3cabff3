/*
 * zip_load.c - the content of one member of a zip archive.
 */
#include "format/zip.h"

#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "base/mem.h"

/* Of all that is loaded from one archive, or peeked at. */
#define LOADED_MAX_BYTES (UINT64_C(128) << 20)
/* Above a MiB honest content does not pack better. */
#define RATIO_MAX 200
#define RATIO_FROM_BYTES (1u << 20)

#define SIGNATURE_LOCAL "PK\3\4"
#define SIGNATURE_DESCRIPTOR "PK\7\10"
#define DESCRIPTOR_MAX_BYTES 24

/* In a local header: the directory's, or nothing when it stands behind the
 * content. */
static bool is_same(uint64_t local, uint64_t value, bool later)
{
	return local == value || (later && local == 0);
}

/* The cursor is behind the local header then. */
static void check_local(struct mr_zip *z, const struct mr_zip_member *m)
{
	MR_AUTO(mr_free) unsigned char *rest = NULL;
	bool later = m->flags & MR_ZIP_DESCRIPTOR;
	unsigned char p[MR_ZIP_LOCAL_BYTES];
	uint64_t packed;
	uint64_t size;
	uint64_t *values[3] = { &size, &packed, NULL };
	size_t extra;

	mr_cursor_seek(z->c, m->at);
	mr_cursor_get(z->c, p, sizeof(p));
	packed = mr_zip_number(p + 18, 4);
	size = mr_zip_number(p + 22, 4);
	extra = (size_t)mr_zip_number(p + 28, 2);
	if (memcmp(p, SIGNATURE_LOCAL, 4) != 0 ||
	    mr_zip_number(p + 26, 2) != m->name_len) {
		mr_zip_refuse(z, m, "has another name in its own header");
		return;
	}
	rest = mr_alloc(m->name_len + extra);
	if (!rest) {
		z->c->rc = mr_fail_nomem(z->c->err);
		return;
	}
	mr_cursor_get(z->c, rest, m->name_len + extra);
	if (memcmp(rest, m->name, m->name_len) != 0)
		mr_zip_refuse(z, m, "has another name in its own header");
	else if (!mr_zip_extra(rest + m->name_len, extra, values))
		mr_zip_refuse(z, m, "has a malformed header of its own");
	else if (mr_zip_number(p + 6, 2) != m->flags ||
		 mr_zip_number(p + 8, 2) != m->method)
		mr_zip_refuse(z, m,
			      "is packed in another way by its own "
			      "header");
	else if (!is_same(mr_zip_number(p + 14, 4), m->crc, later) ||
		 !is_same(packed, m->packed, later) ||
		 !is_same(size, m->size, later))
		mr_zip_refuse(z, m,
			      "has another size or checksum in its own "
			      "header");
	/* The extra field may be longer than the directory could know. */
	else if (z->c->at > mr_zip_next(z, m) ||
		 m->packed > mr_zip_next(z, m) - z->c->at)
		mr_zip_refuse(z, m, "lies in what is another's");
}

/* What follows the content at `end`: nothing, or the descriptor, with or
 * without its signature and with sizes of 4 or 8 bytes (APPNOTE 4.3.9). */
static void check_behind(struct mr_zip *z, const struct mr_zip_member *m,
			 uint64_t end)
{
	unsigned char p[DESCRIPTOR_MAX_BYTES];
	const unsigned char *q = p;
	uint64_t n = mr_zip_next(z, m) - end;
	size_t each;

	if (!(m->flags & MR_ZIP_DESCRIPTOR) || n > sizeof(p)) {
		if (n)
			mr_zip_refuse(z, m,
				      "is followed by bytes of no "
				      "member");
		return;
	}
	mr_cursor_seek(z->c, end);
	mr_cursor_get(z->c, p, (size_t)n);
	if ((n == 16 || n == 24) && memcmp(p, SIGNATURE_DESCRIPTOR, 4) == 0) {
		q += 4;
		n -= 4;
	}
	each = n == 12 ? 4 : 8;
	if ((n != 12 && n != 20) || mr_zip_number(q, 4) != m->crc ||
	    mr_zip_number(q + 4, each) != m->packed ||
	    mr_zip_number(q + 4 + each, each) != m->size)
		mr_zip_refuse(z, m, "has another size or checksum behind it");
}

static voidpf take_memory(voidpf opaque, uInt count, uInt each)
{
	(void)opaque;
	return mr_array(count, each);
}

static void give_memory(voidpf opaque, voidpf p)
{
	(void)opaque;
	mr_release(p);
}

/* The first `n` bytes into `out`: all, or the beginning of what nobody needs
 * whole.  The cursor is at the content. */
static void unpack(struct mr_zip *z, const struct mr_zip_member *m,
		   unsigned char *out, size_t n)
{
	z_stream s = { .zalloc = take_memory, .zfree = give_memory };
	bool whole = n == m->size;
	uint64_t left = m->packed;
	unsigned char in[4096];
	int rc = inflateInit2(&s, -MAX_WBITS);

	s.next_out = out;
	s.avail_out = (uInt)n;
	/* Without input it ends, or says that it lacks some. */
	while (rc == Z_OK && (whole || s.avail_out) && !mr_cursor_over(z->c)) {
		if (!s.avail_in) {
			s.avail_in = left < sizeof(in) ? (uInt)left
						       : (uInt)sizeof(in);
			s.next_in = in;
			mr_cursor_get(z->c, in, s.avail_in);
			left -= s.avail_in;
		}
		rc = inflate(&s, Z_NO_FLUSH);
	}
	if (rc == Z_MEM_ERROR)
		z->c->rc = mr_fail_nomem(z->c->err);
	else if (s.avail_out ||
		 (whole && (rc != Z_STREAM_END || s.avail_in || left)))
		mr_zip_refuse(z, m, "does not unpack to its size");
	(void)inflateEnd(&s); /* frees; what became of it is known */
}

static void take(struct mr_zip *z, const struct mr_zip_member *m,
		 unsigned char *out, size_t n)
{
	if (m->method == MR_ZIP_STORED)
		mr_cursor_get(z->c, out, n);
	else
		unpack(z, m, out, n);
}

bool mr_zip_peek(struct mr_zip *z, const struct mr_zip_member *m, void *out,
		 size_t n)
{
	if (n > m->size)
		return false;
	if (n > LOADED_MAX_BYTES - z->loaded)
		mr_zip_limit(z, m, "is more than is looked at");
	check_local(z, m);
	if (!mr_cursor_over(z->c))
		take(z, m, out, n);
	if (mr_cursor_over(z->c))
		return false;
	z->loaded += n;
	return true;
}

static bool is_too_large(const struct mr_zip *z, const struct mr_zip_member *m,
			 size_t max)
{
	return m->size > max || m->size > LOADED_MAX_BYTES - z->loaded ||
	       (m->size > RATIO_FROM_BYTES && m->size / RATIO_MAX > m->packed);
}

unsigned char *mr_zip_load(struct mr_zip *z, const struct mr_zip_member *m,
			   size_t max)
{
	MR_AUTO(mr_free) unsigned char *bytes = NULL;
	uint64_t end;

	if (is_too_large(z, m, max))
		mr_zip_limit(z, m, "is larger than what is looked at");
	check_local(z, m);
	if (mr_cursor_over(z->c))
		return NULL;
	bytes = mr_alloc((size_t)m->size);
	if (!bytes) {
		z->c->rc = mr_fail_nomem(z->c->err);
		return NULL;
	}
	end = z->c->at + m->packed;
	take(z, m, bytes, (size_t)m->size);
	if (!mr_cursor_over(z->c) &&
	    crc32(crc32(0, NULL, 0), bytes, (uInt)m->size) != m->crc)
		mr_zip_refuse(z, m, "has not the checksum that it should have");
	if (!mr_cursor_over(z->c))
		check_behind(z, m, end);
	if (mr_cursor_over(z->c))
		return NULL;
	z->loaded += m->size;
	return mr_steal(&bytes);
}

void mr_zip_part(struct mr_zip *z, const struct mr_zip_member *m, size_t max,
		 struct mr_zip_part *out)
{
	struct mr_cursor *c = z->c;

	memset(out, 0, sizeof(*out));
	out->bytes = mr_zip_load(z, m, max);
	if (!out->bytes)
		return;
	c->rc = mr_reader_memory(out->bytes, (size_t)m->size, &out->r, c->err);
	if (c->rc == 0)
		c->rc = mr_cursor_new(out->r, c->arena, &out->c, c->err);
}

void mr_zip_part_release(struct mr_zip_part *p)
{
	mr_cursor_freep(&p->c);
	mr_reader_closep(&p->r);
	mr_release(p->bytes);
	p->bytes = NULL;
}

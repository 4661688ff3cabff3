/*
 * zip.c - a zip archive, read strictly and from its directory.
 *
 * Programs that read zip archives believe different parts of them: the
 * directory or the headers before each member, the first or the last of two
 * names, checksums or not.  Scanners were led past by that (security.md 3.4,
 * CVE-2025-1889, 1944, 1945, 10156), so an archive is read only when all of
 * them would see the same (PKWARE APPNOTE 6.3.10).
 *
 * Invariants (security.md H66)
 * 1. The end records close the file, the directory ends where they begin, and
 *    the members lie before it: from byte 0, in no other, with no room between
 *    them for anything but header fields.
 * 2. Names are different, methods known, nothing is encrypted.
 * 3. No byte of a member is given out before its local header was found to
 *    agree and its CRC-32 to be right (zip_load.c).
 */
#include "format/zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"

#define CANNOT "cannot be inspected: "

#define END_BYTES 22
#define LOCATOR_BYTES 20
#define END64_BYTES 56
#define ENTRY_BYTES 46
#define COMMENT_MAX_BYTES 65535
/* A local header's extra field, and the longest descriptor. */
#define BETWEEN_MAX_BYTES (65535 + 24)

#define DIRECTORY_MAX_BYTES (16u << 20)
#define MEMBERS_MAX 100000
#define NAME_MAX_BYTES 4096
#define SHOWN_BYTES 200 /* of a name in a message */

#define SIGNATURE_END "PK\5\6"
#define SIGNATURE_END64 "PK\6\6"
#define SIGNATURE_LOCATOR "PK\6\7"
#define SIGNATURE_ENTRY "PK\1\2"

/* Flags: bits 1 and 2 tell how hard was packed, bit 11 that names are UTF-8,
 * bits 0, 6 and 13 are of encryption. */
#define FLAGS_KNOWN (MR_ZIP_DESCRIPTOR | 0x0806)
#define FLAGS_ENCRYPTED 0x2041

#define EXTRA_ZIP64 0x0001
#define EXTRA_NAME 0x7075 /* Info-ZIP's second name, in Unicode */

uint64_t mr_zip_number(const unsigned char *p, size_t n)
{
	uint64_t value = 0;

	while (n-- > 0)
		value = value << 8 | p[n];
	return value;
}

/* Bytes of a name in a message. */
static int shown(const struct mr_zip_member *m)
{
	return m->name_len < SHOWN_BYTES ? (int)m->name_len : SHOWN_BYTES;
}

void mr_zip_refuse(struct mr_zip *z, const struct mr_zip_member *m,
		   const char *problem)
{
	mr_cursor_fail(z->c, CANNOT "member '%.*s' %s", shown(m), m->name,
		       problem);
}

void mr_zip_limit(struct mr_zip *z, const struct mr_zip_member *m,
		  const char *problem)
{
	mr_cursor_limit(z->c, CANNOT "member '%.*s' %s", shown(m), m->name,
			problem);
}

void mr_zip_take_trouble(struct mr_zip *z, const struct mr_cursor *inner,
			 const struct mr_zip_member *m)
{
	struct mr_cursor *c = z->c;

	if (inner->rc < 0)
		c->rc = inner->rc;
	else if (inner->trouble && inner->limited)
		mr_cursor_limit(c, "member '%.*s': %s", shown(m), m->name,
				inner->trouble);
	else if (inner->trouble)
		mr_cursor_fail(c, "member '%.*s': %s", shown(m), m->name,
			       inner->trouble);
}

/* -- the end --------------------------------------------------------------- */

/* The last of the `n` bytes at `p` where an end record can begin; `n`: there
 * is none. */
static size_t last_end(const unsigned char *p, size_t n)
{
	size_t i;

	for (i = n - END_BYTES + 1; i-- > 0;)
		if (memcmp(p + i, SIGNATURE_END, 4) == 0)
			return i;
	return n;
}

/* Everybody looks for the end record from behind; where it is.  Trouble if
 * there is none, or the comment behind it does not end with the file. */
static uint64_t find_end(struct mr_zip *z)
{
	MR_AUTO(mr_free) unsigned char *tail = NULL;
	unsigned char end[END_BYTES];
	uint64_t size = z->c->r->size;
	size_t n = END_BYTES + COMMENT_MAX_BYTES;
	size_t i = 0;

	if (n > size)
		n = (size_t)size;
	if (n < END_BYTES) {
		mr_cursor_fail(z->c, CANNOT "the archive is not complete");
		return 0;
	}
	/* Most have no comment. */
	mr_cursor_seek(z->c, size - END_BYTES);
	mr_cursor_get(z->c, end, END_BYTES);
	if (memcmp(end, SIGNATURE_END, 4) == 0 &&
	    mr_zip_number(end + 20, 2) == 0)
		return size - END_BYTES;
	tail = mr_alloc(n);
	if (!tail) {
		z->c->rc = mr_fail_nomem(z->c->err);
		return 0;
	}
	mr_cursor_seek(z->c, size - n);
	mr_cursor_get(z->c, tail, n);
	i = last_end(tail, n);
	if (i == n)
		mr_cursor_fail(z->c, CANNOT "the archive has no end record: it "
					    "is not complete");
	else if (mr_zip_number(tail + i + 20, 2) != n - i - END_BYTES)
		mr_cursor_fail(z->c, CANNOT "the archive does not end where "
					    "the file ends");
	return size - n + i;
}

struct end {
	uint64_t count, size, offset; /* of the directory */
	uint64_t at;                  /* the directory ends here */
};

/* The two ends must say the same, but where the old one has no room. */
static bool agrees(uint64_t old, uint64_t value, uint64_t full)
{
	return old == value || old == full;
}

/* ZIP64's end record before the old one `e`, if there is one; APPNOTE
 * 4.3.14. */
static void read_end64(struct mr_zip *z, struct end *e)
{
	unsigned char locator[LOCATOR_BYTES];
	unsigned char p[END64_BYTES];
	struct end new;

	if (e->at < LOCATOR_BYTES + END64_BYTES)
		return;
	mr_cursor_seek(z->c, e->at - LOCATOR_BYTES);
	mr_cursor_get(z->c, locator, sizeof(locator));
	if (memcmp(locator, SIGNATURE_LOCATOR, 4) != 0)
		return;
	new.at = e->at - LOCATOR_BYTES - END64_BYTES;
	mr_cursor_seek(z->c, new.at);
	mr_cursor_get(z->c, p, sizeof(p));
	new.count = mr_zip_number(p + 32, 8);
	new.size = mr_zip_number(p + 40, 8);
	new.offset = mr_zip_number(p + 48, 8);
	if (memcmp(p, SIGNATURE_END64, 4) != 0 ||
	    mr_zip_number(p + 4, 8) != END64_BYTES - 12 ||
	    mr_zip_number(p + 16, 8) != 0 ||
	    mr_zip_number(p + 24, 8) != new.count ||
	    mr_zip_number(locator + 4, 4) != 0 ||
	    mr_zip_number(locator + 8, 8) != new.at ||
	    mr_zip_number(locator + 16, 4) > 1 ||
	    !agrees(e->count, new.count, UINT16_MAX) ||
	    !agrees(e->size, new.size, UINT32_MAX) ||
	    !agrees(e->offset, new.offset, UINT32_MAX))
		mr_cursor_fail(z->c, CANNOT "the archive's two end records do "
					    "not agree");
	*e = new;
}

static void read_end(struct mr_zip *z, struct end *e)
{
	unsigned char p[END_BYTES];

	e->at = find_end(z);
	mr_cursor_seek(z->c, e->at);
	mr_cursor_get(z->c, p, sizeof(p));
	e->count = mr_zip_number(p + 10, 2);
	e->size = mr_zip_number(p + 12, 4);
	e->offset = mr_zip_number(p + 16, 4);
	if (mr_zip_number(p + 4, 4) != 0 || mr_zip_number(p + 8, 2) != e->count)
		mr_cursor_fail(z->c, CANNOT "the archive is one of several "
					    "parts");
	read_end64(z, e);
	if (e->size > e->at || e->offset > e->at - e->size)
		mr_cursor_fail(z->c, CANNOT "the archive's directory is not "
					    "where its end record says");
	else if (e->offset < e->at - e->size)
		mr_cursor_fail(z->c,
			       CANNOT "%" PRIu64 " bytes stand before the "
				      "archive or behind its directory",
			       e->at - e->size - e->offset);
	else if (e->count > MEMBERS_MAX || e->size > DIRECTORY_MAX_BYTES)
		mr_cursor_limit(z->c,
				CANNOT "an archive of %" PRIu64
				       " members is larger than what is looked "
				       "at",
				e->count);
}

/* -- the directory --------------------------------------------------------- */

bool mr_zip_extra(const unsigned char *p, size_t n, uint64_t *values[3])
{
	const unsigned char *q;
	bool seen = false;
	uint64_t id;
	size_t len;
	size_t i;

	for (; n; p += len, n -= len) {
		if (n < 4 || mr_zip_number(p + 2, 2) > n - 4)
			return false;
		id = mr_zip_number(p, 2);
		len = 4 + (size_t)mr_zip_number(p + 2, 2);
		if (id == EXTRA_NAME || (id == EXTRA_ZIP64 && seen))
			return false;
		if (id != EXTRA_ZIP64)
			continue;
		seen = true;
		q = p + 4;
		for (i = 0; i < 3; i++) {
			if (!values[i] || *values[i] != UINT32_MAX)
				continue;
			if ((size_t)(p + len - q) < 8)
				return false;
			*values[i] = mr_zip_number(q, 8);
			q += 8;
		}
	}
	return true;
}

static void check_member(struct mr_zip *z, const struct mr_zip_member *m)
{
	if (m->name_len == 0 || m->name_len > NAME_MAX_BYTES ||
	    memchr(m->name, 0, m->name_len))
		mr_cursor_fail(z->c, CANNOT "a member has a name that is none");
	else if (m->flags & FLAGS_ENCRYPTED)
		mr_zip_limit(z, m, "is encrypted");
	else if (m->flags & ~FLAGS_KNOWN)
		mr_zip_refuse(z, m, "has flags that are not known");
	else if (m->method != MR_ZIP_STORED && m->method != MR_ZIP_DEFLATED)
		mr_cursor_limit(z->c,
				CANNOT "member '%.*s' is packed by method %u, "
				       "which is not known",
				shown(m), m->name, (unsigned int)m->method);
	else if (m->method == MR_ZIP_STORED && m->packed != m->size)
		mr_zip_refuse(z, m, "has two sizes");
}

/* One entry at `p`; how many bytes it has, 0 if it is none. */
static size_t read_entry(const unsigned char *p, size_t n,
			 struct mr_zip_member *m)
{
	uint64_t *values[3] = { &m->size, &m->packed, &m->at };
	size_t extra;
	size_t all;

	if (n < ENTRY_BYTES || memcmp(p, SIGNATURE_ENTRY, 4) != 0)
		return 0;
	m->flags = (uint16_t)mr_zip_number(p + 8, 2);
	m->method = (uint16_t)mr_zip_number(p + 10, 2);
	m->crc = (uint32_t)mr_zip_number(p + 16, 4);
	m->packed = mr_zip_number(p + 20, 4);
	m->size = mr_zip_number(p + 24, 4);
	m->name_len = (size_t)mr_zip_number(p + 28, 2);
	extra = (size_t)mr_zip_number(p + 30, 2);
	all = ENTRY_BYTES + m->name_len + extra +
	      (size_t)mr_zip_number(p + 32, 2);
	m->at = mr_zip_number(p + 42, 4);
	m->name = (const char *)p + ENTRY_BYTES;
	/* Its disk is the first. */
	if (all > n || mr_zip_number(p + 34, 2) != 0 ||
	    !mr_zip_extra(p + ENTRY_BYTES + m->name_len, extra, values))
		return 0;
	return all;
}

static int by_place(const void *a, const void *b)
{
	const struct mr_zip_member *x = a;
	const struct mr_zip_member *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static int by_name(const void *a, const void *b)
{
	const struct mr_zip_member *x = *(const struct mr_zip_member *const *)a;
	const struct mr_zip_member *y = *(const struct mr_zip_member *const *)b;
	size_t n = x->name_len < y->name_len ? x->name_len : y->name_len;
	int order = memcmp(x->name, y->name, n);

	if (order)
		return order;
	return x->name_len < y->name_len ? -1 : x->name_len > y->name_len;
}

static void check_names(struct mr_zip *z)
{
	MR_AUTO(mr_free) const struct mr_zip_member **sorted = NULL;
	size_t i;

	sorted = mr_array(z->count, sizeof(*sorted));
	if (!sorted) {
		z->c->rc = mr_fail_nomem(z->c->err);
		return;
	}
	for (i = 0; i < z->count; i++)
		sorted[i] = &z->members[i];
	qsort(sorted, z->count, sizeof(*sorted), by_name);
	for (i = 1; i < z->count; i++)
		if (by_name(&sorted[i - 1], &sorted[i]) == 0)
			mr_zip_refuse(z, sorted[i], "is there twice");
}

uint64_t mr_zip_next(const struct mr_zip *z, const struct mr_zip_member *m)
{
	size_t i = (size_t)(m - z->members) + 1;

	return i < z->count ? z->members[i].at : z->end;
}

static void check_places(struct mr_zip *z)
{
	size_t i;

	if (z->count ? z->members[0].at != 0 : z->end != 0)
		mr_cursor_fail(z->c, CANNOT "bytes stand before the first "
					    "member of the archive");
	for (i = 0; i < z->count && !mr_cursor_over(z->c); i++) {
		const struct mr_zip_member *m = &z->members[i];
		uint64_t next = mr_zip_next(z, m);
		uint64_t least = MR_ZIP_LOCAL_BYTES + m->name_len;

		if (m->at > next || next - m->at < least ||
		    next - m->at - least < m->packed)
			mr_zip_refuse(z, m, "lies in what is another's");
		else if (next - m->at - least - m->packed > BETWEEN_MAX_BYTES)
			mr_zip_refuse(z, m,
				      "is followed by bytes of no member");
	}
}

static void read_directory(struct mr_zip *z, const struct end *e)
{
	size_t n = (size_t)e->size;
	size_t used = 1;
	size_t at = 0;
	size_t i;

	z->directory = mr_alloc(n);
	z->members = mr_array((size_t)e->count, sizeof(*z->members));
	if (!z->directory || !z->members) {
		z->c->rc = mr_fail_nomem(z->c->err);
		return;
	}
	mr_cursor_seek(z->c, e->offset);
	mr_cursor_get(z->c, z->directory, n);
	while (z->count < e->count && used) {
		used = read_entry(z->directory + at, n - at,
				  &z->members[z->count]);
		at += used;
		z->count += used > 0;
	}
	if (!used)
		mr_cursor_fail(z->c,
			       CANNOT "entry %zu of the archive's directory "
				      "is malformed",
			       z->count + 1);
	else if (at != n)
		mr_cursor_fail(z->c, CANNOT "the archive's directory is longer "
					    "than its entries");
	for (i = 0; i < z->count; i++)
		check_member(z, &z->members[i]);
	qsort(z->members, z->count, sizeof(*z->members), by_place);
}

void mr_zip_open(struct mr_cursor *c, struct mr_zip *out)
{
	struct end e = { 0 };

	*out = (struct mr_zip){ .c = c };
	read_end(out, &e);
	if (mr_cursor_over(c))
		return;
	out->end = e.offset;
	read_directory(out, &e);
	if (!mr_cursor_over(c))
		check_names(out);
	if (!mr_cursor_over(c))
		check_places(out);
}

void mr_zip_release(struct mr_zip *z)
{
	mr_release(z->directory);
	mr_release(z->members);
	*z = (struct mr_zip){ 0 };
}

/* -- members --------------------------------------------------------------- */

bool mr_zip_is(const struct mr_zip_member *m, const char *name)
{
	return strlen(name) == m->name_len &&
	       memcmp(name, m->name, m->name_len) == 0;
}

bool mr_zip_ends(const struct mr_zip_member *m, const char *suffix)
{
	size_t n = strlen(suffix);

	return m->name_len >= n &&
	       strncasecmp(m->name + m->name_len - n, suffix, n) == 0;
}

const struct mr_zip_member *mr_zip_find(const struct mr_zip *z,
					const char *name)
{
	size_t i;

	for (i = 0; i < z->count; i++)
		if (mr_zip_is(&z->members[i], name))
			return &z->members[i];
	return NULL;
}

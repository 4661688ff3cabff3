/*
 * numpy.c - numpy's .npy, and .npz, which is a zip of them: an array of objects
 * in it is a pickle.
 *
 * Magic, version, a length and the text of a Python dictionary, the data
 * (numpy/lib/format.py, NEP 1).  numpy.load(allow_pickle=True) unpickles the
 * data when the dictionary's dtype has objects in it.
 */
#include "format/zip.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "format/pickle.h"

#define VERSION_AT 6
#define LENGTH_AT 8
/* numpy itself asks to be told when it is more than 10,000. */
#define HEADER_MAX_BYTES 65535
/* Magic, version, and the length of version 2 and later. */
#define START_BYTES 12
/* Of a member with objects in it. */
#define OBJECTS_MAX_BYTES (64u << 20)
/* Members with objects: each is a pickle to be walked. */
#define OBJECTS_MAX 256

/* Whether the dtype may have objects: the code 'O', the name, or what is not
 * written as it is.  None of the dictionary's own words has a capital O. */
static bool has_objects(const char *header, size_t n)
{
	return memchr(header, 'O', n) || memchr(header, '\\', n) ||
	       memmem(header, n, "object", 6);
}

static void read_npy(struct mr_cursor *c, char *header, struct mr_facts *out)
{
	uint64_t len;
	uint8_t major;

	mr_cursor_seek(c, VERSION_AT);
	major = mr_cursor_u8(c);
	mr_cursor_seek(c, LENGTH_AT);
	len = mr_cursor_number(c, major == 1 ? 2 : 4);
	if (len > HEADER_MAX_BYTES)
		mr_cursor_fail(c, "cannot be inspected: its header is longer "
				  "than numpy writes them");
	if (mr_cursor_over(c))
		return;
	mr_cursor_get(c, header, (size_t)len);
	if (mr_cursor_over(c))
		return;
	if (!has_objects(header, (size_t)len))
		out->format = MR_FORMAT_UNKNOWN;
	else if (!mr_pickle_take(c, out))
		mr_cursor_fail(c, "cannot be inspected: its header tells of "
				  "objects, but no pickle follows");
}

int mr_npy_read(struct mr_reader *r, struct mr_arena *a, struct mr_facts *out,
		struct mreg_error *err)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	MR_AUTO(mr_free) char *header = mr_alloc(HEADER_MAX_BYTES);
	int rc;

	if (!header)
		return mr_fail_nomem(err);
	rc = mr_cursor_new(r, a, &c, err);
	if (rc < 0)
		return rc;
	read_npy(c, header, out);
	return mr_cursor_end(c, out);
}

/* -- archives -------------------------------------------------------------- */

/* `header` has room for the largest. */
static bool is_of_objects(struct mr_zip *z, const struct mr_zip_member *m,
			  char *header)
{
	uint64_t len;
	size_t from;

	if (!mr_zip_peek(z, m, header, START_BYTES) ||
	    memcmp(header, "\223NUMPY", VERSION_AT) != 0)
		return false;
	from = header[VERSION_AT] == 1 ? START_BYTES - 2 : START_BYTES;
	len = mr_zip_number((unsigned char *)header + LENGTH_AT,
			    from - LENGTH_AT);
	if (len > HEADER_MAX_BYTES) {
		mr_zip_refuse(z, m,
			      "has a header longer than numpy writes "
			      "them");
		return false;
	}
	/* One that ends before its header does is no array. */
	return mr_zip_peek(z, m, header, from + (size_t)len) &&
	       has_objects(header + from, (size_t)len);
}

static void add_words(struct mr_cursor *c, struct mr_words *to,
		      const struct mr_words *from)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		mr_keep_word(c, to, from->items[i]);
}

static void read_objects(struct mr_zip *z, const struct mr_zip_member *m,
			 char *header, struct mr_facts *out)
{
	MR_AUTO(mr_zip_part_release) struct mr_zip_part part = { .c = NULL };
	struct mr_facts one = { .format = MR_FORMAT_PICKLE };
	struct mr_cursor *c = z->c;

	mr_zip_part(z, m, OBJECTS_MAX_BYTES, &part);
	if (!part.c)
		return;
	read_npy(part.c, header, &one);
	add_words(c, &out->globals, &one.globals);
	add_words(c, &out->unsafe, &one.unsafe);
	add_words(c, &out->warnings, &one.warnings);
	mr_zip_take_trouble(z, part.c, m);
}

void mr_npz_read(struct mr_zip *z, struct mr_facts *out)
{
	MR_AUTO(mr_free)
	char *header = mr_alloc(START_BYTES + HEADER_MAX_BYTES);
	size_t n = 0;
	size_t i;

	if (!header) {
		z->c->rc = mr_fail_nomem(z->c->err);
		return;
	}
	for (i = 0; i < z->count && !mr_cursor_over(z->c); i++) {
		if (!is_of_objects(z, &z->members[i], header))
			continue;
		if (out->format == MR_FORMAT_UNKNOWN)
			out->format = MR_FORMAT_PICKLE;
		if (++n > OBJECTS_MAX)
			mr_zip_limit(z, &z->members[i],
				     "is one array of objects more than is "
				     "looked at");
		else
			read_objects(z, &z->members[i], header, out);
	}
	/* Once, not for each: archives may have very many. */
	mr_words_sort(&out->globals);
	mr_words_sort(&out->unsafe);
	mr_words_sort(&out->warnings);
}

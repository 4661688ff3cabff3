/*
 * numpy.c - numpy's .npy: an array of objects in it is a pickle.
 *
 * Magic, version, a length and the text of a Python dictionary, the data
 * (numpy/lib/format.py, NEP 1).  numpy.load(allow_pickle=True) unpickles the
 * data when the dictionary's dtype has objects in it.
 */
#include "format/pickle.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define VERSION_AT 6
#define LENGTH_AT 8
/* numpy itself asks to be told when it is more than 10,000. */
#define HEADER_MAX_BYTES 65535

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

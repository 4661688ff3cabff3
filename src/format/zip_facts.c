/*
 * zip_facts.c - which format a zip archive is, by the names in it.
 */
#include "format/zip.h"

#include <string.h>

#include "base/mem.h"

static bool any(const struct mr_zip *z, const char *suffix)
{
	size_t i;

	for (i = 0; i < z->count; i++)
		if (mr_zip_ends(&z->members[i], suffix))
			return true;
	return false;
}

/* A member below TOP/`folder`, or `folder` itself. */
static bool has_folder(const struct mr_zip *z, const char *folder)
{
	size_t n = strlen(folder);
	size_t i;

	for (i = 0; i < z->count; i++) {
		const struct mr_zip_member *m = &z->members[i];
		const char *slash = memchr(m->name, '/', m->name_len);
		size_t top = slash ? (size_t)(slash - m->name) + 1 : 0;

		if ((m->name_len >= n && memcmp(m->name, folder, n) == 0) ||
		    (m->name_len - top >= n &&
		     memcmp(m->name + top, folder, n) == 0))
			return true;
	}
	return false;
}

/* Keras reads config.json and weights, and nothing else has to be there. */
static bool is_keras(const struct mr_zip *z)
{
	return mr_zip_find(z, "config.json") &&
	       (mr_zip_find(z, "metadata.json") ||
		mr_zip_find(z, "model.weights.h5") ||
		mr_zip_find(z, "model.weights.npz"));
}

static bool has_pickle(const struct mr_zip *z)
{
	size_t i;

	for (i = 0; i < z->count; i++)
		if (mr_torch_is_pickle(&z->members[i]))
			return true;
	return false;
}

static enum mr_format format_of(const struct mr_zip *z)
{
	if (any(z, "constants.pkl"))
		return MR_FORMAT_TORCHSCRIPT;
	if (any(z, "data.pkl"))
		return has_folder(z, "code/") ? MR_FORMAT_TORCHSCRIPT
					      : MR_FORMAT_TORCH;
	if (is_keras(z))
		return MR_FORMAT_KERAS;
	return has_pickle(z) ? MR_FORMAT_PICKLE : MR_FORMAT_UNKNOWN;
}

/* What a file begins with: an archive's first member, or the end record of
 * one that has none. */
static bool is_zip(const unsigned char *head)
{
	return memcmp(head, "PK\3\4", 4) == 0 || memcmp(head, "PK\5\6", 4) == 0;
}

static void read_archive(struct mr_cursor *c, struct mr_facts *out)
{
	MR_AUTO(mr_zip_release) struct mr_zip z = { 0 };

	mr_zip_open(c, &z);
	/* Of one in trouble the names tell something at best. */
	if (!mr_cursor_over(c) || format_of(&z) != MR_FORMAT_UNKNOWN)
		out->format = format_of(&z);
	if (mr_cursor_over(c))
		return;
	/* A .keras file with a pickle in it is both. */
	if (has_pickle(&z))
		mr_torch_read(&z, out);
	if (is_keras(&z))
		mr_keras_read(&z, out);
	/* numpy takes any archive, and in one of its own any name. */
	if (any(&z, ".npy") || format_of(&z) == MR_FORMAT_UNKNOWN ||
	    format_of(&z) == MR_FORMAT_PICKLE)
		mr_npz_read(&z, out);
	/* What cannot be looked into may hold them. */
	if (mr_cursor_over(c) && out->format == MR_FORMAT_UNKNOWN)
		out->format = MR_FORMAT_PICKLE;
}

int mr_zip_facts_read(struct mr_reader *r, struct mr_arena *a,
		      struct mr_facts *out, struct mreg_error *err)
{
	MR_AUTO(mr_cursor_freep) struct mr_cursor *c = NULL;
	unsigned char head[6] = { 0 };
	size_t n = r->size < sizeof(head) ? (size_t)r->size : sizeof(head);
	int rc = mr_reader_need_at(r, head, n, 0, err);

	if (rc == 0)
		rc = mr_cursor_new(r, a, &c, err);
	if (rc < 0)
		return rc;
	c->bytes_read += n;
	if (memcmp(head, "7z\274\257\047\034", 6) == 0)
		mr_cursor_limit(c, "cannot be inspected: it is a 7z archive");
	else if (is_zip(head))
		read_archive(c, out);
	else
		/* Many programs take for a zip what ends like one. */
		mr_cursor_fail(c, "cannot be inspected: it ends as a zip "
				  "archive, but does not begin as one");
	return mr_cursor_end(c, out);
}

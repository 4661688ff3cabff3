/*
 * archive_write.c - headers of tar entries that depend on nothing but name
 * and size.
 */
#include "pack/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

/* Where libarchive writes to. */
struct target {
	struct mr_buf *out;
	bool complete; /* what comes now is not wanted */
};

static void free_archive(struct archive **a)
{
	if (*a)
		(void)archive_write_free(*a);
}

static void free_entry(struct archive_entry **e)
{
	archive_entry_free(*e); /* NULL does nothing */
}

/*
 * When it is freed it would add the entry's bytes, as zeros, and an end; it is
 * told that it cannot.  archive_write_fail() would do, but leaks (3.6).
 */
static la_ssize_t add_bytes(struct archive *a, void *data, const void *bytes,
			    size_t n)
{
	struct target *t = data;

	(void)a;
	if (t->complete)
		return -1;
	mr_buf_add(t->out, bytes, n); /* its failure shows at the end */
	return (la_ssize_t)n;
}

static void describe(struct archive_entry *e, const char *path, uint64_t size)
{
	bool folder = mr_text_ends(path, "/");

	archive_entry_set_pathname(e, path);
	archive_entry_set_filetype(e, folder ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(e, folder ? 0755 : 0644);
	archive_entry_set_size(e, (la_int64_t)size);
	archive_entry_set_mtime(e, 0, 0);
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
}

int mr_tar_header(const char *path, uint64_t size, struct mr_buf *out,
		  struct mreg_error *err)
{
	struct target t = { .out = out };
	MR_AUTO(free_archive) struct archive *a = archive_write_new();
	MR_AUTO(free_entry) struct archive_entry *e = archive_entry_new();
	size_t before = out->len;
	const char *why;

	if (!a || !e)
		return mr_fail_nomem(err);
	describe(e, path, size);
	/* ustar, and pax only where that cannot say it: names above 100 bytes,
	 * 8 GiB and more. */
	if (archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(a, 0) != ARCHIVE_OK ||
	    archive_write_open(a, &t, NULL, add_bytes, NULL) != ARCHIVE_OK ||
	    archive_write_header(a, e) != ARCHIVE_OK) {
		t.complete = true;
		why = archive_error_string(a);
		return mr_fail(err, MREG_EINTERNAL,
			       "cannot write a tar header for '%s': %s", path,
			       why ? why : "no reason was given");
	}
	t.complete = true;
	/* Blocks that are not whole would shift all that follows. */
	if ((out->len - before) % MR_TAR_BLOCK_BYTES != 0)
		return mr_fail(err, MREG_EINTERNAL,
			       "a tar header for '%s' has %zu bytes", path,
			       out->len - before);
	return mr_buf_check(out, "a tar header", err);
}

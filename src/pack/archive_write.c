/*
 * archive_write.c - headers of tar entries that depend on nothing but name
 * and size.
 */
#include "pack/pack.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "pack/libarchive.h"

/* Where libarchive writes to. */
struct target {
	struct mr_buf *out;
	bool complete; /* what comes now is not wanted */
};

struct writer {
	const struct mr_libarchive *la;
	struct archive *archive;
	struct archive_entry *entry;
};

static void free_writer(struct writer *w)
{
	if (w->archive)
		(void)w->la->archive_write_free(w->archive);
	if (w->entry)
		w->la->archive_entry_free(w->entry);
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

static void describe(const struct writer *w, const char *path, uint64_t size)
{
	bool folder = mr_text_ends(path, "/");

	w->la->archive_entry_set_pathname(w->entry, path);
	w->la->archive_entry_set_filetype(w->entry,
					  folder ? AE_IFDIR : AE_IFREG);
	w->la->archive_entry_set_perm(w->entry, folder ? 0755 : 0644);
	w->la->archive_entry_set_size(w->entry, (la_int64_t)size);
	w->la->archive_entry_set_mtime(w->entry, 0, 0);
	w->la->archive_entry_set_uid(w->entry, 0);
	w->la->archive_entry_set_gid(w->entry, 0);
}

/* ustar, and pax only where that cannot say it: names above 100 bytes, 8 GiB
 * and more. */
static bool write_header(const struct writer *w, struct target *t)
{
	struct archive *a = w->archive;

	return w->la->archive_write_set_format_pax_restricted(a) ==
		       ARCHIVE_OK &&
	       w->la->archive_write_set_bytes_per_block(a, 0) == ARCHIVE_OK &&
	       w->la->archive_write_open(a, t, NULL, add_bytes, NULL) ==
		       ARCHIVE_OK &&
	       w->la->archive_write_header(a, w->entry) == ARCHIVE_OK;
}

int mr_tar_header(const char *path, uint64_t size, struct mr_buf *out,
		  struct mreg_error *err)
{
	/* Freed first, `t` is still there. */
	struct target t = { .out = out };
	MR_AUTO(free_writer) struct writer w = { .la = NULL };
	size_t before = out->len;
	const char *why;
	int rc;

	rc = mr_libarchive_get(&w.la, err);
	if (rc < 0)
		return rc;
	w.archive = w.la->archive_write_new();
	w.entry = w.la->archive_entry_new();
	if (!w.archive || !w.entry)
		return mr_fail_nomem(err);
	describe(&w, path, size);
	if (!write_header(&w, &t)) {
		t.complete = true;
		why = w.la->archive_error_string(w.archive);
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

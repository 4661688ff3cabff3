/*
 * libarchive.c - find libarchive and its functions when they are needed.
 *
 * The name is that of the library whose headers this was built with
 * (MR_LIBARCHIVE_SO, from the Makefile): another soname is another ABI.
 */
#include "pack/libarchive.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

struct symbol {
	const char *name;
	size_t offset; /* in struct mr_libarchive */
};

static const struct symbol symbols[] = {
	{ "archive_errno", offsetof(struct mr_libarchive, archive_errno) },
	{ "archive_error_string",
	  offsetof(struct mr_libarchive, archive_error_string) },
	{ "archive_set_error",
	  offsetof(struct mr_libarchive, archive_set_error) },
	{ "archive_read_free",
	  offsetof(struct mr_libarchive, archive_read_free) },
	{ "archive_read_new",
	  offsetof(struct mr_libarchive, archive_read_new) },
	{ "archive_read_next_header",
	  offsetof(struct mr_libarchive, archive_read_next_header) },
	{ "archive_read_open",
	  offsetof(struct mr_libarchive, archive_read_open) },
	{ "archive_read_set_skip_callback",
	  offsetof(struct mr_libarchive, archive_read_set_skip_callback) },
	{ "archive_read_support_format_tar",
	  offsetof(struct mr_libarchive, archive_read_support_format_tar) },
	{ "archive_write_free",
	  offsetof(struct mr_libarchive, archive_write_free) },
	{ "archive_write_header",
	  offsetof(struct mr_libarchive, archive_write_header) },
	{ "archive_write_new",
	  offsetof(struct mr_libarchive, archive_write_new) },
	{ "archive_write_open",
	  offsetof(struct mr_libarchive, archive_write_open) },
	{ "archive_write_set_bytes_per_block",
	  offsetof(struct mr_libarchive, archive_write_set_bytes_per_block) },
	{ "archive_write_set_format_pax_restricted",
	  offsetof(struct mr_libarchive,
		   archive_write_set_format_pax_restricted) },
	{ "archive_entry_filetype",
	  offsetof(struct mr_libarchive, archive_entry_filetype) },
	{ "archive_entry_free",
	  offsetof(struct mr_libarchive, archive_entry_free) },
	{ "archive_entry_hardlink",
	  offsetof(struct mr_libarchive, archive_entry_hardlink) },
	{ "archive_entry_new",
	  offsetof(struct mr_libarchive, archive_entry_new) },
	{ "archive_entry_pathname",
	  offsetof(struct mr_libarchive, archive_entry_pathname) },
	{ "archive_entry_perm",
	  offsetof(struct mr_libarchive, archive_entry_perm) },
	{ "archive_entry_set_filetype",
	  offsetof(struct mr_libarchive, archive_entry_set_filetype) },
	{ "archive_entry_set_gid",
	  offsetof(struct mr_libarchive, archive_entry_set_gid) },
	{ "archive_entry_set_mtime",
	  offsetof(struct mr_libarchive, archive_entry_set_mtime) },
	{ "archive_entry_set_pathname",
	  offsetof(struct mr_libarchive, archive_entry_set_pathname) },
	{ "archive_entry_set_perm",
	  offsetof(struct mr_libarchive, archive_entry_set_perm) },
	{ "archive_entry_set_size",
	  offsetof(struct mr_libarchive, archive_entry_set_size) },
	{ "archive_entry_set_uid",
	  offsetof(struct mr_libarchive, archive_entry_set_uid) },
	{ "archive_entry_size",
	  offsetof(struct mr_libarchive, archive_entry_size) },
	{ "archive_entry_sparse_count",
	  offsetof(struct mr_libarchive, archive_entry_sparse_count) },
	{ "archive_entry_symlink",
	  offsetof(struct mr_libarchive, archive_entry_symlink) },
};

/* A member without its row would be called as NULL. */
_Static_assert(MR_COUNT(symbols) * sizeof(void (*)(void)) ==
		       sizeof(struct mr_libarchive),
	       "one symbol for each member");

static int refused(const char *soname, struct mreg_error *err)
{
	const char *said = dlerror();
	char why[256];

	(void)mr_fail(err, MREG_EUNSUPPORTED,
		      "cannot load '%s', which archives need", soname);
	(void)mr_hint(err, "install libarchive (on Debian 12 the package "
			   "libarchive13)");
	return mr_cause(err, "%s",
			said ? mr_text_safe(said, why, sizeof(why))
			     : "no reason was given");
}

int mr_libarchive_load(const char *soname, struct mr_libarchive *out,
		       struct mreg_error *err)
{
	/* Lazily: of its own needs the most are never called. */
	void *library = dlopen(soname, RTLD_LAZY | RTLD_LOCAL);
	size_t i;

	if (!library)
		return refused(soname, err);
	for (i = 0; i < MR_COUNT(symbols); i++) {
		void *found = dlsym(library, symbols[i].name);

		if (!found) {
			(void)refused(soname, err);
			(void)dlclose(library); /* was not used */
			return MREG_EUNSUPPORTED;
		}
		/* As POSIX has it for functions (dlsym, "Rationale"). */
		memcpy((char *)out + symbols[i].offset, &found, sizeof(found));
	}
	return 0;
}

int mr_libarchive_get(const struct mr_libarchive **out, struct mreg_error *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct mr_libarchive table;
	static bool loaded;
	struct mr_libarchive fresh;
	int rc = 0;

	(void)pthread_mutex_lock(&lock); /* a plain one cannot fail */
	if (!loaded) {
		rc = mr_libarchive_load(MR_LIBARCHIVE_SO, &fresh, err);
		if (rc >= 0)
			table = fresh;
		loaded = rc >= 0;
	}
	(void)pthread_mutex_unlock(&lock);
	*out = loaded ? &table : NULL;
	return rc;
}

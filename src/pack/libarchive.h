/*
 * pack/libarchive.h - libarchive, loaded when the first archive is read or
 * written.
 *
 * It brings a dozen libraries with it (XML, ICU, C++, four compressions), which
 * would be a quarter of the time that starting any command takes; tar
 * headers are all that is wanted of it.
 */
#ifndef MR_PACK_LIBARCHIVE_H
#define MR_PACK_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "mreg/error.h"

/* Its functions by their own names; <archive.h> gives the types, so calls are
 * checked as ever. */
struct mr_libarchive {
	__typeof__(archive_errno) *archive_errno;
	__typeof__(archive_error_string) *archive_error_string;
	__typeof__(archive_set_error) *archive_set_error;

	__typeof__(archive_read_free) *archive_read_free;
	__typeof__(archive_read_new) *archive_read_new;
	__typeof__(archive_read_next_header) *archive_read_next_header;
	__typeof__(archive_read_open) *archive_read_open;
	__typeof__(archive_read_set_skip_callback)
		*archive_read_set_skip_callback;
	__typeof__(archive_read_support_format_tar)
		*archive_read_support_format_tar;

	__typeof__(archive_write_free) *archive_write_free;
	__typeof__(archive_write_header) *archive_write_header;
	__typeof__(archive_write_new) *archive_write_new;
	__typeof__(archive_write_open) *archive_write_open;
	__typeof__(archive_write_set_bytes_per_block)
		*archive_write_set_bytes_per_block;
	__typeof__(archive_write_set_format_pax_restricted)
		*archive_write_set_format_pax_restricted;

	__typeof__(archive_entry_filetype) *archive_entry_filetype;
	__typeof__(archive_entry_free) *archive_entry_free;
	__typeof__(archive_entry_hardlink) *archive_entry_hardlink;
	__typeof__(archive_entry_new) *archive_entry_new;
	__typeof__(archive_entry_pathname) *archive_entry_pathname;
	__typeof__(archive_entry_perm) *archive_entry_perm;
	__typeof__(archive_entry_set_filetype) *archive_entry_set_filetype;
	__typeof__(archive_entry_set_gid) *archive_entry_set_gid;
	__typeof__(archive_entry_set_mtime) *archive_entry_set_mtime;
	__typeof__(archive_entry_set_pathname) *archive_entry_set_pathname;
	__typeof__(archive_entry_set_perm) *archive_entry_set_perm;
	__typeof__(archive_entry_set_size) *archive_entry_set_size;
	__typeof__(archive_entry_set_uid) *archive_entry_set_uid;
	__typeof__(archive_entry_size) *archive_entry_size;
	__typeof__(archive_entry_sparse_count) *archive_entry_sparse_count;
	__typeof__(archive_entry_symlink) *archive_entry_symlink;
};

/* The one of this process, from any thread; it stays loaded.
 * MREG_EUNSUPPORTED: it is not installed; asked again, it is looked for
 * again. */
int mr_libarchive_get(const struct mr_libarchive **out, struct mreg_error *err);

/* The same of the library of that name, without remembering it. */
int mr_libarchive_load(const char *soname, struct mr_libarchive *out,
		       struct mreg_error *err);

#endif

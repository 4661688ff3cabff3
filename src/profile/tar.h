/*
 * profile/tar.h - the headers of a tar archive, byte for byte, as a function of
 * what is in it and where.
 *
 * libarchive's own writer would do, but its bytes are whatever its version
 * writes; here they decide a digest that has to come out the same on every
 * machine (spec/image.md, "Bytes of a layer").  Private to the folder.
 */
#ifndef MR_PROFILE_TAR_H
#define MR_PROFILE_TAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mreg/error.h"

#define MR_USTAR_BLOCK_BYTES 512u
/* Two blocks of zeros, and no padding of records behind them. */
#define MR_USTAR_END_BYTES (2 * MR_USTAR_BLOCK_BYTES)
/* Where the bytes of a large file begin is a multiple of this: what was
 * received can be mapped, or share blocks, as it is. */
#define MR_USTAR_PAGE_BYTES 4096u
/* No header is longer: a path record and the way to the next page. */
#define MR_USTAR_HEADER_MAX_BYTES (4 * MR_USTAR_PAGE_BYTES)

struct mr_ustar_entry {
	const char *path; /* borrowed; of a folder with '/' at its end */
	uint64_t size;    /* bytes; 0 of a folder */
	bool executable;  /* 0755, as a folder is; else 0644 */
	bool paged;       /* its bytes begin at a page */
};

/* How many bytes the header of `e` has when it begins at `at` in the archive;
 * a multiple of MR_USTAR_BLOCK_BYTES. */
uint64_t mr_ustar_header_size(const struct mr_ustar_entry *e, uint64_t at);

/* Append that header: owner 0 without a name, time 0; as many PAX records in
 * front of it as its path and `paged` ask for. */
void mr_ustar_header(const struct mr_ustar_entry *e, uint64_t at,
		     struct mr_buf *out);

/* Bytes of zeros behind a file's own. */
uint64_t mr_ustar_padding(uint64_t size);

#endif

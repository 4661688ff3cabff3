/*
 * pack/tar.h - tar archives: reading and writing their headers; a part of the
 * door pack/pack.h, which includes it.
 *
 * libarchive does it, loaded when first needed: MREG_EUNSUPPORTED, with a
 * hint, where it is not installed.
 */
#ifndef MR_PACK_TAR_H
#define MR_PACK_TAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mreg/error.h"

#define MR_TAR_BLOCK_BYTES 512u
/* Two blocks of zeros. */
#define MR_TAR_END_BYTES (2 * MR_TAR_BLOCK_BYTES)

enum mr_tar_kind {
	MR_TAR_FILE, /* with all its bytes, in one piece */
	MR_TAR_FOLDER,
	MR_TAR_LINK,  /* hard or symbolic */
	MR_TAR_OTHER, /* device, sparse file, ... */
};

/* An entry as its header tells of it; nothing of it is to be believed. */
struct mr_tar_entry {
	const char *path; /* as written; valid until the next call */
	enum mr_tar_kind kind;
	uint64_t offset, size; /* of its bytes, in the archive */
};

struct mr_tar;

/* Read the headers of the open file `fd` (borrowed).  A compressed one is
 * MREG_EFORMAT, with a hint; `name` is copied, for messages. */
int mr_tar_open(int fd, const char *name, struct mr_tar **out,
		struct mreg_error *err);
/* The next one; `*found` false: that was all, and the archive ends as it
 * should.  MREG_EFORMAT: it is damaged, or ends early. */
int mr_tar_next(struct mr_tar *t, struct mr_tar_entry *out, bool *found,
		struct mreg_error *err);
void mr_tar_close(struct mr_tar *t);   /* NULL does nothing */
void mr_tar_closep(struct mr_tar **t); /* for MR_AUTO */

/* Append the header of a file of `size` bytes (of a folder when `path` ends
 * in '/'): mode 0644 (0755), owner 0, time 0.  The bytes follow it, and zeros
 * up to a whole block. */
int mr_tar_header(const char *path, uint64_t size, struct mr_buf *out,
		  struct mreg_error *err);

#endif

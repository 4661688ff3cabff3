/*
 * archive_read.c - the entries of a tar archive, and where in it their bytes
 * are; nothing is unpacked and no name is followed.
 *
 * libarchive reads the headers, of all kinds of tar there are.  It gets the
 * file in blocks of 512 bytes, which is its unit too, and leaves out what
 * entries hold by the callback for that: so when it has returned an entry, the
 * next block it would get is where that entry's bytes begin.
 */
#include "pack/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "pack/libarchive.h"

/* GNU tar fills up to 10 KiB, its option -b to 4 MiB at the most anybody
 * uses; more is something else, told of by no header. */
#define TAIL_MAX_BYTES (4u << 20)
#define TAIL_CHUNK_BYTES 4096

struct mr_tar {
	const struct mr_libarchive *la; /* borrowed */
	struct archive *archive;        /* owned */
	char *name;                     /* owned; for messages */
	int fd;                         /* borrowed */
	uint64_t size;                  /* of the file */
	uint64_t at;                    /* what was handed out ends here */
	uint64_t zero_end;              /* end of the latest block of zeros */
	int trouble;                    /* errno of a read */
	char block[MR_TAR_BLOCK_BYTES];
};

static bool is_zero(const char *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

static la_ssize_t read_block(struct archive *a, void *data, const void **out)
{
	struct mr_tar *t = data;
	ssize_t n;

	do
		n = pread(t->fd, t->block, sizeof(t->block), (off_t)t->at);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		t->trouble = errno;
		t->la->archive_set_error(a, errno, "cannot be read");
		return ARCHIVE_FATAL;
	}
	t->at += (uint64_t)n;
	if (n == (ssize_t)sizeof(t->block) && is_zero(t->block, (size_t)n))
		t->zero_end = t->at;
	*out = t->block;
	return n;
}

/* Whole blocks only; the rest of what is asked for is then read. */
static la_int64_t skip_blocks(struct archive *a, void *data, la_int64_t n)
{
	struct mr_tar *t = data;
	uint64_t left = t->size > t->at ? t->size - t->at : 0;
	uint64_t go = n > 0 ? (uint64_t)n : 0;

	(void)a;
	if (go > left)
		go = left;
	go -= go % MR_TAR_BLOCK_BYTES;
	t->at += go;
	return (la_int64_t)go;
}

/* What others compress archives with, by the first bytes. */
static int refuse_compressed(const struct mr_tar *t, struct mreg_error *err)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *with, *undo;
	} kinds[] = {
		{ "\x1f\x8b", 2, "gzip", "gzip -d" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd", "zstd -d" },
		{ "\xfd"
		  "7zXZ",
		  5, "xz", "xz -d" },
		{ "BZh", 3, "bzip2", "bzip2 -d" },
		{ "\x04\x22\x4d\x18", 4, "lz4", "lz4 -d" },
		{ "PK\x03\x04", 4, "zip", "unzip" },
	};
	char first[8] = { 0 };
	size_t i;

	if (pread(t->fd, first, sizeof(first), 0) < 2)
		return 0;
	for (i = 0; i < MR_COUNT(kinds); i++) {
		if (memcmp(first, kinds[i].magic, kinds[i].n) != 0)
			continue;
		(void)mr_fail(err, MREG_EFORMAT, "'%s' is compressed with %s",
			      t->name, kinds[i].with);
		return mr_hint(err, "unpack it first, with: %s", kinds[i].undo);
	}
	return 0;
}

void mr_tar_close(struct mr_tar *t)
{
	if (!t)
		return;
	if (t->archive)
		(void)t->la->archive_read_free(t->archive); /* only read from */
	mr_release(t->name);
	mr_release(t);
}

void mr_tar_closep(struct mr_tar **t)
{
	mr_tar_close(*t);
	*t = NULL;
}

/* What libarchive said, as an error about the file. */
static int refused(struct mr_tar *t, struct mreg_error *err)
{
	const char *why = t->la->archive_error_string(t->archive);

	if (t->trouble)
		return mr_fail_sys(err, t->trouble, "cannot read '%s'",
				   t->name);
	if (t->la->archive_errno(t->archive) == ENOMEM)
		return mr_fail_nomem(err);
	(void)mr_fail(err, MREG_EFORMAT,
		      "'%s' is no tar archive, or a damaged one", t->name);
	return mr_cause(err, "at byte %" PRIu64 ": %s", t->at,
			why ? why : "not understood");
}

int mr_tar_open(int fd, const char *name, struct mr_tar **out,
		struct mreg_error *err)
{
	MR_AUTO(mr_tar_closep) struct mr_tar *t = mr_zalloc(sizeof(*t));
	struct stat st;
	int rc;

	if (!t)
		return mr_fail_nomem(err);
	t->name = mr_strdup(name);
	if (!t->name)
		return mr_fail_nomem(err);
	rc = mr_libarchive_get(&t->la, err);
	if (rc < 0)
		return rc;
	t->archive = t->la->archive_read_new();
	if (!t->archive)
		return mr_fail_nomem(err);
	t->fd = fd;
	if (fstat(fd, &st) < 0)
		return mr_fail_sys(err, errno, "cannot look at '%s'", name);
	t->size = (uint64_t)st.st_size;
	rc = refuse_compressed(t, err);
	if (rc < 0)
		return rc;
	if (t->la->archive_read_support_format_tar(t->archive) != ARCHIVE_OK)
		return refused(t, err);
	(void)t->la->archive_read_set_skip_callback(t->archive, skip_blocks);
	if (t->la->archive_read_open(t->archive, t, NULL, read_block, NULL) !=
	    ARCHIVE_OK)
		return refused(t, err);
	*out = mr_steal(&t);
	return 0;
}

/*
 * Two blocks of zeros end an archive (POSIX pax, "ustar Interchange Format");
 * without them somebody lost the end.  What comes behind them some programs
 * read as a second archive, so nothing may.
 */
static int check_end(struct mr_tar *t, struct mreg_error *err)
{
	char chunk[TAIL_CHUNK_BYTES];
	uint64_t at = t->zero_end;
	ssize_t n;

	if (at == 0 || t->at - at > MR_TAR_BLOCK_BYTES) {
		(void)mr_fail(err, MREG_EFORMAT,
			      "'%s' has no end: a part of it is missing",
			      t->name);
		return mr_hint(err, "copy it again, or export it again");
	}
	if (t->size - at > TAIL_MAX_BYTES)
		return mr_fail(err, MREG_EFORMAT,
			       "'%s' goes on behind its end at byte %" PRIu64,
			       t->name, at);
	while ((n = pread(t->fd, chunk, sizeof(chunk), (off_t)at)) > 0) {
		if (!is_zero(chunk, (size_t)n))
			return mr_fail(err, MREG_EFORMAT,
				       "'%s' goes on behind its end at byte "
				       "%" PRIu64,
				       t->name, at);
		at += (uint64_t)n;
	}
	return n < 0 ? mr_fail_sys(err, errno, "cannot read '%s'", t->name) : 0;
}

static enum mr_tar_kind kind_of(const struct mr_libarchive *la,
				struct archive_entry *e)
{
	if (la->archive_entry_hardlink(e) || la->archive_entry_symlink(e))
		return MR_TAR_LINK;
	switch (la->archive_entry_filetype(e)) {
	case AE_IFREG:
		return la->archive_entry_sparse_count(e) > 0 ? MR_TAR_OTHER
							     : MR_TAR_FILE;
	case AE_IFDIR:
		return MR_TAR_FOLDER;
	default:
		return MR_TAR_OTHER;
	}
}

int mr_tar_next(struct mr_tar *t, struct mr_tar_entry *out, bool *found,
		struct mreg_error *err)
{
	struct archive_entry *e = NULL;
	int rc = t->la->archive_read_next_header(t->archive, &e);

	*found = false;
	if (rc == ARCHIVE_EOF)
		return check_end(t, err);
	/* A warning is about a name or a time that nobody here believes. */
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return refused(t, err);
	out->path = t->la->archive_entry_pathname(e);
	if (!out->path)
		out->path = "";
	out->kind = kind_of(t->la, e);
	out->size = t->la->archive_entry_size(e) > 0
			    ? (uint64_t)t->la->archive_entry_size(e)
			    : 0;
	out->offset = t->at;
	if (out->kind == MR_TAR_FILE &&
	    (out->offset > t->size || out->size > t->size - out->offset)) {
		(void)mr_fail(err, MREG_EFORMAT,
			      "'%s' ends in the middle of '%s', which has "
			      "%" PRIu64 " bytes from offset %" PRIu64,
			      t->name, out->path, out->size, out->offset);
		return mr_hint(err, "copy it again, or export it again");
	}
	*found = true;
	return 0;
}

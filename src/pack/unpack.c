/*
 * unpack.c - the entries of a tar archive that comes as a stream, and their
 * bytes.
 *
 * libarchive reads the headers, of all kinds of tar there are.  It gets the
 * stream in blocks of 512 bytes, which is its unit too, so when it has
 * returned an entry the next byte of the stream is that entry's first.  The
 * bytes of files pass it by: its callback for skipping answers that they are
 * behind it.
 *
 * Invariants
 * 1. What libarchive was handed plus what it was told to have skipped is what
 *    was taken from the stream, but for `passed` bytes that it is still to be
 *    told of.
 * 2. It never reads on while `passed` is not zero: then it and we are of two
 *    minds where an entry ends (security.md 3.1, CVE-2025-62518), and the
 *    archive is refused.
 */
#include "pack/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "pack/libarchive.h"

#define BLOCK MR_TAR_BLOCK_BYTES
#define BUFFER_BYTES (256u << 10)
/* The file system of the largest images that models are shipped on has a third
 * of that. */
#define ENTRIES_MAX 500000u
/* As archive_read.c: GNU tar's option -b fills up to 4 MiB at the most. */
#define TAIL_MAX_BYTES (4u << 20)
#define SHOWN 160
#define TYPE_AT 156 /* of a header (POSIX pax, ustar) */
/* Of GNU's own headers: the map of a sparse file, its flag and the size that
 * counts then (GNU tar manual, "Basic Tar Format", oldgnu_header). */
#define GNU_MAGIC "ustar  "
#define MAGIC_AT 257
#define GNU_MAP_AT 386
#define GNU_EXTENDED_AT 482
#define GNU_REALSIZE_AT 483
/* The longest of sparse_keys, but for one byte. */
#define CARRY_MAX_BYTES 16

struct mr_unpack {
	struct mr_env *env;             /* borrowed */
	const struct mr_libarchive *la; /* borrowed */
	struct archive *archive;        /* owned */
	struct mr_stream *in;           /* owned */
	char *name;                     /* owned; for messages */
	char *buf;                      /* owned */
	size_t used, have;              /* of `buf` */
	uint64_t at;                    /* bytes taken from the stream */
	uint64_t zero_end; /* end of the latest block of zeros handed out */
	uint64_t passed;   /* taken, and libarchive does not know */
	bool two_minds;    /* invariant 2 was broken */
	char type;         /* of the latest header handed out */
	bool sparse;       /* said in what was handed out for this entry */
	char carry[CARRY_MAX_BYTES]; /* the end of the block before */
	struct mr_stream bytes;      /* of the file given last */
	uint64_t left;               /* of them, not read yet */
	uint64_t padding;            /* behind them, up to a block */
	bool in_file;                /* the two above count */
	size_t entries;
	struct mreg_error trouble; /* of the stream, in a callback */
};

static bool is_zero(const char *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

/* -- the stream underneath ------------------------------------------------- */

/* At least `want` bytes into the buffer, or what the stream still has: a block
 * is never handed out in two pieces. */
static int fill(struct mr_unpack *u, size_t want, struct mreg_error *err)
{
	size_t rest = u->have - u->used;
	ssize_t got;

	if (rest >= want)
		return 0;
	if (mr_check_cancel(u->env, err) < 0)
		return MREG_ECANCELED;
	memmove(u->buf, u->buf + u->used, rest);
	u->used = 0;
	u->have = rest;
	got = mr_stream_fill(u->in, u->buf + rest, BUFFER_BYTES - rest, err);
	if (got < 0)
		return (int)got;
	u->have += (size_t)got;
	return 0;
}

/* -- what only we look for --------------------------------------------------
 */

/*
 * Whether a block of headers says that a file has holes.  libarchive gives such
 * a file as any other when no data is left of it, has read its map by then, so
 * that TYPE_AT is the map's, and takes a size from it that other readers do not
 * know; all that need not be judged if nobody may say it.
 *
 * The keys are looked for as they stand in a record, behind a space, wherever
 * it is cut in blocks.
 */
static bool is_sparse(struct mr_unpack *u, const char *block)
{
	static const char *const keys[] = { " GNU.sparse.", " SUN.holesdata=",
					    " SCHILY.realsize=" };
	char joint[CARRY_MAX_BYTES + BLOCK];
	size_t i;

	if (memcmp(block + MAGIC_AT, GNU_MAGIC, sizeof(GNU_MAGIC)) == 0 &&
	    (block[GNU_MAP_AT] || block[GNU_EXTENDED_AT] ||
	     block[GNU_REALSIZE_AT]))
		return true;
	memcpy(joint, u->carry, CARRY_MAX_BYTES);
	memcpy(joint + CARRY_MAX_BYTES, block, BLOCK);
	memcpy(u->carry, block + BLOCK - CARRY_MAX_BYTES, CARRY_MAX_BYTES);
	for (i = 0; i < MR_COUNT(keys); i++)
		if (memmem(joint, sizeof(joint), keys[i], strlen(keys[i])))
			return true;
	return false;
}

static void look_at(struct mr_unpack *u, const char *block)
{
	if (is_zero(block, BLOCK)) {
		u->zero_end = u->at;
		return;
	}
	u->type = block[TYPE_AT];
	u->sparse = is_sparse(u, block) || u->sparse;
}

static la_ssize_t read_block(struct archive *a, void *data, const void **out)
{
	struct mr_unpack *u = data;
	size_t n;

	u->two_minds = u->two_minds || u->passed > 0;
	if (u->two_minds || fill(u, BLOCK, &u->trouble) < 0) {
		u->la->archive_set_error(a, EIO, "cannot be read");
		return ARCHIVE_FATAL;
	}
	n = u->have - u->used;
	if (n > BLOCK)
		n = BLOCK;
	*out = u->buf + u->used;
	u->at += n;
	if (n == BLOCK)
		look_at(u, u->buf + u->used);
	u->used += n;
	return (la_ssize_t)n;
}

static la_int64_t skip(struct archive *a, void *data, la_int64_t n)
{
	struct mr_unpack *u = data;
	uint64_t go = n > 0 ? (uint64_t)n : 0;

	(void)a;
	if (go > u->passed)
		go = u->passed;
	u->passed -= go;
	return (la_int64_t)go;
}

/* -- the bytes of a file --------------------------------------------------- */

static int fail_short(const struct mr_unpack *u, struct mreg_error *err)
{
	(void)mr_fail(err, MREG_EFORMAT,
		      "'%s' ends in the middle of a file at byte %" PRIu64,
		      u->name, u->at);
	return mr_hint(err, "it was packed from a part of an archive; ask who "
			    "made it");
}

/* Up to `n` bytes (> 0) of the stream; its end is an error here. */
static ssize_t take(struct mr_unpack *u, void *out, size_t n,
		    struct mreg_error *err)
{
	ssize_t got;

	if (u->used < u->have) {
		got = (ssize_t)(n < u->have - u->used ? n : u->have - u->used);
		memcpy(out, u->buf + u->used, (size_t)got);
		u->used += (size_t)got;
	} else {
		got = mr_stream_read(u->in, out, n, err);
	}
	if (got == 0)
		return fail_short(u, err);
	if (got > 0) {
		u->at += (uint64_t)got;
		u->passed += (uint64_t)got;
	}
	return got;
}

static ssize_t bytes_read(struct mr_stream *s, void *buf, size_t n,
			  struct mreg_error *err)
{
	struct mr_unpack *u = mr_container_of(s, struct mr_unpack, bytes);
	ssize_t got;

	if (n > u->left)
		n = (size_t)u->left;
	if (n == 0)
		return 0;
	got = take(u, buf, n, err);
	if (got > 0)
		u->left -= (uint64_t)got;
	return got;
}

static void bytes_close(struct mr_stream *s)
{
	(void)s; /* a part of the reader */
}

static const struct mr_stream_ops bytes_ops = {
	.read = bytes_read,
	.close = bytes_close,
};

struct mr_stream *mr_unpack_bytes(struct mr_unpack *u)
{
	return &u->bytes;
}

/* What of the file nobody has read, and what fills its last block. */
static int pass_rest(struct mr_unpack *u, struct mreg_error *err)
{
	uint64_t left = u->left + u->padding;
	ssize_t got;

	if (!u->in_file)
		return 0;
	while (left > 0) {
		if (u->used == u->have) {
			int rc = fill(u, 1, err);

			if (rc < 0)
				return rc;
			if (u->have == 0)
				return fail_short(u, err);
		}
		got = (ssize_t)(u->have - u->used);
		if ((uint64_t)got > left)
			got = (ssize_t)left;
		u->used += (size_t)got;
		u->at += (uint64_t)got;
		u->passed += (uint64_t)got;
		left -= (uint64_t)got;
	}
	u->in_file = false;
	u->left = 0;
	return 0;
}

/* -- entries --------------------------------------------------------------- */

/* What libarchive said, as an error about the archive. */
static int refused(struct mr_unpack *u, struct mreg_error *err)
{
	const char *why = u->la->archive_error_string(u->archive);

	if (u->trouble.code != MREG_OK) {
		if (err)
			*err = u->trouble;
		return (int)u->trouble.code;
	}
	if (u->la->archive_errno(u->archive) == ENOMEM)
		return mr_fail_nomem(err);
	if (u->two_minds)
		why = "its headers differ about the size of a file";
	return mr_fail(err, MREG_EFORMAT,
		       "'%s' is no tar archive, or a damaged one (at byte "
		       "%" PRIu64 ": %s)",
		       u->name, u->at, why ? why : "not understood");
}

static int fail_behind(const struct mr_unpack *u, struct mreg_error *err)
{
	return mr_fail(err, MREG_EFORMAT,
		       "'%s' goes on behind its end at byte %" PRIu64, u->name,
		       u->zero_end);
}

/*
 * Blocks of zeros end an archive (POSIX pax, "ustar Interchange Format");
 * without them somebody lost the end.  What comes behind them some programs
 * read as a second archive, so nothing may.
 */
static int check_end(struct mr_unpack *u, struct mreg_error *err)
{
	uint64_t tail = 0;
	int rc;

	if (u->zero_end == 0 || u->at - u->zero_end > BLOCK) {
		(void)mr_fail(err, MREG_EFORMAT,
			      "'%s' has no end: a part of it is missing",
			      u->name);
		return mr_hint(err, "ask who made it to pack it again");
	}
	if (u->at != u->zero_end)
		return fail_behind(u, err);
	for (;;) {
		rc = fill(u, 1, err);
		if (rc < 0 || u->have == 0)
			return rc;
		tail += u->have - u->used;
		if (tail > TAIL_MAX_BYTES ||
		    !is_zero(u->buf + u->used, u->have - u->used))
			return fail_behind(u, err);
		u->used = u->have;
	}
}

/* libarchive makes a file of every type it does not know, and of a sparse file
 * without data; who reads those as something else gets another model. */
static bool is_known(char type)
{
	return type == '\0' || (type >= '0' && type <= '6');
}

static enum mr_tar_kind kind_of(const struct mr_unpack *u,
				struct archive_entry *e)
{
	const struct mr_libarchive *la = u->la;

	if (u->sparse || !is_known(u->type))
		return MR_TAR_OTHER;
	if (la->archive_entry_hardlink(e) || la->archive_entry_symlink(e))
		return MR_TAR_LINK;
	switch (la->archive_entry_filetype(e)) {
	case AE_IFREG:
		return la->archive_entry_sparse_count(e) > 0 ? MR_TAR_OTHER
							     : MR_TAR_FILE;
	case AE_IFDIR:
		return MR_TAR_FOLDER;
	case AE_IFLNK: /* to nothing at all */
		return MR_TAR_LINK;
	default:
		return MR_TAR_OTHER;
	}
}

static void read_entry(struct mr_unpack *u, struct archive_entry *e,
		       struct mr_unpack_entry *out)
{
	const char *symlink = u->la->archive_entry_symlink(e);

	memset(out, 0, sizeof(*out));
	out->path = u->la->archive_entry_pathname(e);
	if (!out->path)
		out->path = "";
	out->kind = kind_of(u, e);
	out->symbolic = u->la->archive_entry_filetype(e) == AE_IFLNK;
	out->target = symlink ? symlink : u->la->archive_entry_hardlink(e);
	out->executable = u->la->archive_entry_perm(e) & 0100;
	if (out->kind != MR_TAR_FILE)
		return; /* libarchive passes over what there is of them */
	if (u->la->archive_entry_size(e) > 0)
		out->size = (uint64_t)u->la->archive_entry_size(e);
	u->left = out->size;
	u->padding = (BLOCK - out->size % BLOCK) % BLOCK;
	u->in_file = true;
}

int mr_unpack_next(struct mr_unpack *u, struct mr_unpack_entry *out,
		   bool *found, struct mreg_error *err)
{
	struct archive_entry *e = NULL;
	int rc = pass_rest(u, err);

	*found = false;
	if (rc < 0)
		return rc;
	rc = u->la->archive_read_next_header(u->archive, &e);
	if (rc == ARCHIVE_EOF)
		return check_end(u, err);
	/* A warning is about a time or an owner that nobody here believes. */
	if ((rc != ARCHIVE_OK && rc != ARCHIVE_WARN) || u->two_minds)
		return refused(u, err);
	if (u->entries++ >= ENTRIES_MAX)
		return mr_fail(err, MREG_ELIMIT,
			       "'%s' has more than %u entries", u->name,
			       ENTRIES_MAX);
	read_entry(u, e, out);
	/* Not before it was read: the first header was handed out by then. */
	u->sparse = false;
	memset(u->carry, 0, sizeof(u->carry));
	*found = true;
	return 0;
}

/* -- opening and closing --------------------------------------------------- */

void mr_unpack_close(struct mr_unpack *u)
{
	if (!u)
		return;
	if (u->archive)
		(void)u->la->archive_read_free(u->archive); /* only read from */
	mr_stream_close(u->in);
	mr_release(u->buf);
	mr_release(u->name);
	mr_release(u);
}

void mr_unpack_closep(struct mr_unpack **u)
{
	mr_unpack_close(*u);
	*u = NULL;
}

static int open_archive(struct mr_unpack *u, const char *name,
			struct mreg_error *err)
{
	char shown[SHOWN];
	int rc;

	u->name = mr_strdup(mr_text_safe(name, shown, sizeof(shown)));
	u->buf = mr_alloc(BUFFER_BYTES);
	if (!u->name || !u->buf)
		return mr_fail_nomem(err);
	rc = mr_libarchive_get(&u->la, err);
	if (rc < 0)
		return rc;
	u->archive = u->la->archive_read_new();
	if (!u->archive)
		return mr_fail_nomem(err);
	if (u->la->archive_read_support_format_tar(u->archive) != ARCHIVE_OK)
		return refused(u, err);
	(void)u->la->archive_read_set_skip_callback(u->archive, skip);
	if (u->la->archive_read_open(u->archive, u, NULL, read_block, NULL) !=
	    ARCHIVE_OK)
		return refused(u, err);
	return 0;
}

int mr_unpack_open(struct mr_env *env, struct mr_stream *bytes,
		   const char *name, struct mr_unpack **out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_unpack_closep) struct mr_unpack *u = mr_zalloc(sizeof(*u));
	int rc;

	if (!u) {
		mr_stream_close(bytes);
		return mr_fail_nomem(err);
	}
	u->env = env;
	u->in = bytes;
	u->bytes.ops = &bytes_ops;
	rc = open_archive(u, name, err);
	if (rc == 0)
		*out = mr_steal(&u);
	return rc;
}

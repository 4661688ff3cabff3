/*
 * pack/unpack.h - what is in a layer that holds many files; a part of the door
 * pack/pack.h, which includes it.
 *
 * Nothing is written here and no name is followed: a tar archive is read from
 * its first byte to its last, and comes to a list of files with their
 * digests, or to the reason why it is refused as a whole (security.md 3.7,
 * H01-H19).  Who writes the files then compares every one of them with its
 * digest, so the archive is believed once.
 */
#ifndef MR_PACK_UNPACK_H
#define MR_PACK_UNPACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"
#include "content/decode.h"
#include "content/stream.h"
#include "pack/tar.h"

/* -- the entries of a tar stream ------------------------------------------- */

/* As its header tells of it; nothing of it is to be believed. */
struct mr_unpack_entry {
	const char *path;   /* as written; valid until the next call */
	const char *target; /* of a link; valid as long; else NULL */
	enum mr_tar_kind kind;
	bool symbolic;   /* a link, and no hard one */
	bool executable; /* by its owner */
	uint64_t size;   /* of a file, bytes */
};

struct mr_unpack;

/* `bytes` are a tar archive's, not compressed; taken, even on failure.
 * `name` is copied, for messages.  `env` (borrowed): what is passed over stops
 * too when it is cancelled. */
int mr_unpack_open(struct mr_env *env, struct mr_stream *bytes,
		   const char *name, struct mr_unpack **out,
		   struct mreg_error *err);
/*
 * The next one; `*found` false: that was all, `bytes` were read to their end,
 * and the archive ends as it should.  MREG_EFORMAT: it is damaged, ends early
 * or goes on behind its end; MREG_ELIMIT: more entries than anybody packs.
 */
int mr_unpack_next(struct mr_unpack *u, struct mr_unpack_entry *out,
		   bool *found, struct mreg_error *err);
/* The bytes of the file that was given last; borrowed, until the next call;
 * closing it does nothing. */
struct mr_stream *mr_unpack_bytes(struct mr_unpack *u);
void mr_unpack_close(struct mr_unpack *u);   /* NULL does nothing */
void mr_unpack_closep(struct mr_unpack **u); /* for MR_AUTO */

/* -- the files that layers come to ------------------------------------------
 */

enum mr_member_kind {
	MR_MEMBER_FILE,
	MR_MEMBER_LINK,   /* of an image: symbolic, and never made */
	MR_MEMBER_GONE,   /* of an image: hides what lower layers have there */
	MR_MEMBER_OPAQUE, /* of an image: hides what they have in that folder */
};

struct mr_member {
	const char *path;   /* in the arena; safe (mr_path_check) */
	const char *target; /* of a link: the path it leads to, or NULL where
			     * that is none below the folders taken */
	enum mr_member_kind kind;
	bool executable;
	size_t entry;  /* which of the archive's entries it is, from 0 */
	size_t source; /* which archive, for who merges several */
	uint64_t size;
	struct mreg_digest digest; /* of a file */
};

/* What several lists come to together, from zeroes: a version may have more
 * archives than memory has room for lists. */
struct mr_members_sum {
	atomic_size_t count;
	atomic_size_t bytes; /* of their names */
};

struct mr_members {
	struct mr_arena *arena;
	struct mr_members_sum *sum; /* borrowed, while it is filled; NULL:
				     * it is the only one */
	struct mr_member *items;    /* owned; in the order of the archive */
	size_t count, cap;
};

int mr_members_new(struct mr_members **out, struct mreg_error *err);
void mr_members_free(struct mr_members *m);
void mr_members_freep(struct mr_members **m); /* for MR_AUTO */
/* A copy of `given`, its strings too; MREG_ELIMIT above 100,000 members or
 * 64 MiB of names, both of all lists of the sum. */
int mr_members_add(struct mr_members *m, const struct mr_member *given,
		   struct mreg_error *err);

/*
 * Everything that the archive `bytes` (taken, even on failure) holds, or why
 * none of it may be used: a path that breaks mr_path_check ("./" in front is
 * dropped) is MREG_EINTEGRITY; a link, device, FIFO or sparse file
 * MREG_EUNSUPPORTED; and what mr_unpack_next refuses.  Empty folders are no
 * members.
 *
 * `image`: a layer of a container image.  Only what lies in /models or /model
 * is taken, without that in front; whiteouts are members (OCI image-spec,
 * layer.md); a symbolic link is one too, for mr_members_merge to judge; of what
 * is elsewhere only a way out of the image is refused.  `sum`: see there.
 */
int mr_members_list(struct mr_env *env, struct mr_stream *bytes,
		    const char *name, bool image, struct mr_members_sum *sum,
		    struct mr_members **out, struct mreg_error *err);

/* The one file that `bytes` (taken, even on failure) are, by `path`. */
int mr_members_single(struct mr_env *env, struct mr_stream *bytes,
		      const char *path, struct mr_members **out,
		      struct mreg_error *err);

/*
 * The files that `layers`, the lowest first, come to when each is laid over
 * those below it; `source` says which each is from.  Of links none stays: one
 * that leads to a file of the result becomes a member too, with that one's
 * bytes; one to a folder, those files below its own path.  Any other is
 * MREG_EUNSUPPORTED, for without what it leads to the model would not be whole.
 */
int mr_members_merge(const struct mr_members *const *layers, size_t count,
		     struct mr_members **out, struct mreg_error *err);

/* As text, to remember; and back: `*out` NULL with 0 when it is not what
 * mr_members_text wrote, or no archive (`image`: no layer of one) can have
 * it.  Who can list the archive again does not go by it. */
void mr_members_text(const struct mr_members *m, struct mr_buf *out);
int mr_members_parse(const char *text, size_t n, bool image,
		     struct mr_members_sum *sum, struct mr_members **out,
		     struct mreg_error *err);
bool mr_members_same(const struct mr_members *a, const struct mr_members *b);
/* Whether a path lies in the folders that are taken of an image. */
bool mr_members_taken(const char *path);

#endif

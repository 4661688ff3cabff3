/*
 * store/remote_upload.h - what the files of an upload share.  Private to the
 * remote store.
 *
 *   remote_upload_session.c  the session: POST, where it goes on, the closing
 *                            PUT, and what a refusal means
 *   remote_upload_body.c     what is sent, proven before its last byte
 *   remote_upload_chunk.c    PATCHes, what Range says, how far it came
 *   remote_upload_resume.c   sessions that a later try or run may take up
 *   remote_upload_small.c    small blobs, from memory
 *   remote_upload_mount.c    blobs that another repository has
 *   remote_upload.c          a blob of known digest
 *   remote_upload_stream.c   one whose digest is not known yet
 */
#ifndef MR_STORE_REMOTE_UPLOAD_H
#define MR_STORE_REMOTE_UPLOAD_H

#include "content/digest.h"
#include "store/remote.h"

#define MR_WHAT_BYTES 768
/* Below this a broken upload is sent again from its start: asking costs as
 * much as sending. */
#define MR_UPLOAD_RESUME_MIN_BYTES (UINT64_C(16) << 20)
/* One ranged PATCH: smaller ones cost the registry more than they save
 * (performance.md 2.6). */
#define MR_UPLOAD_PIECE_BYTES (UINT64_C(64) << 20)

/* Whether sending a blob again may help. */
enum mr_again {
	MR_AGAIN_NEVER,
	MR_AGAIN_ONCE,  /* what was wrong may have been this session */
	MR_AGAIN_OFTEN, /* trouble that passes */
	MR_AGAIN_NOW,   /* in another way, just learned: no need to wait */
};

/* One blob on its way. */
struct mr_upload {
	struct mr_remote *r; /* borrowed */
	char what[MR_WHAT_BYTES];
	uint64_t size;             /* of the blob, bytes */
	struct mreg_digest digest; /* NONE while it is not known */
	char *url; /* owned; where the session goes on; NULL: none is open */
	uint64_t offset; /* bytes that it has, as far as we were told */
	uint64_t passed; /* of these, those that were not sent by this store */
	uint64_t chunk_min, chunk_max; /* as it asked for; 0: it did not */
	bool impatient; /* the closing PUT is repeated by us, not by net */
	bool broken; /* it may have more than `offset`: ask before going on */
	bool picked_up; /* `offset` is what it said when it was asked */
	bool restarted; /* what was picked up led nowhere: do not ask again */
	bool unsure;    /* the last question was not answered */
	uint64_t stuck_at;  /* where what was picked up failed ... */
	unsigned int stuck; /* ... so often */
	enum mr_again again;
	unsigned int retry_after_s; /* what the registry asked for */
	uint64_t told; /* bytes reported as progress; not again by retries */
	/* Of the bytes before `proven`; NULL: not all of them were seen. */
	struct mr_hash *proof; /* owned */
	uint64_t proven;
	/* The first bytes of a stream, read before their turn. */
	char *head; /* owned; NULL: none */
	size_t head_len, head_at;
	/* remote_upload_resume.c */
	char key[96]; /* of the session's record; "": none is kept */
	int64_t noted_ms;
};
void mr_upload_release(struct mr_upload *u); /* for MR_AUTO too */
/* Forget the session. */
void mr_upload_drop(struct mr_upload *u);

/* -- the session: remote_upload_session.c -----------------------------------
 */

/* Open one.  `*there`: the registry has the blob already. */
int mr_upload_start(struct mr_upload *u, bool *there, struct mreg_error *err);
/* A request to where the session is, without a body. */
int mr_upload_call(struct mr_upload *u, struct mr_call *c, const char *method,
		   struct mreg_error *err);
/* Send `c` and judge how a failure can be mended. */
int mr_upload_send(struct mr_upload *u, const struct mr_call *c,
		   struct mr_response **out, struct mreg_error *err);
/* The same for a refusal of a request with `sent` bytes. */
int mr_upload_refused(struct mr_upload *u, struct mr_response *resp,
		      uint64_t sent, bool ranged, struct mreg_error *err);
/* Where the registry says that the upload goes on. */
int mr_upload_locate(struct mr_upload *u, const struct mr_response *resp,
		     struct mreg_error *err);
/* PUT, with the `n` bytes of `in` or, NULL, without any. */
int mr_upload_commit(struct mr_upload *u, struct mr_stream *in, uint64_t n,
		     struct mreg_error *err);
/* The same with bytes in memory. */
int mr_upload_commit_bytes(struct mr_upload *u, const void *bytes,
			   struct mreg_error *err);
/* Whether the registry has the blob after all. */
bool mr_upload_is_there(struct mr_upload *u);

/* -- what is sent: remote_upload_body.c -------------------------------------
 */

/*
 * The body of a request: exactly the bytes [at, end) of the blob, and the
 * blob's last one only when the source has said that it ends there and, as far
 * as this run has seen all bytes before, that they are the digest's.  So what
 * proves the source stops the request before it is complete.
 */
struct mr_body {
	struct mr_stream base;
	struct mr_stream *src; /* borrowed; stands at `at` */
	struct mr_upload *u;   /* borrowed */
	const char *label;     /* borrowed; NULL: no progress */
	uint64_t at, end;      /* offsets in the blob */
};
int mr_body_init(struct mr_body *b, struct mr_upload *u, struct mr_stream *src,
		 uint64_t end, const char *label, struct mreg_error *err);

/* -- what one request may have: remote_profile.c -----------------------------
 */

/*
 * A body of `sent` bytes was too large: what one may have from now on, which
 * is the next smaller size of P-96 (`*news`) unless a smaller one than `sent`
 * is known already, as from another worker.  For this run only.
 */
uint64_t mr_remote_step_down(struct mr_remote *r, uint64_t sent, bool *news);
/* A full piece was accepted: later runs may know its size too. */
void mr_remote_confirm(struct mr_remote *r);

/* -- pieces: remote_upload_chunk.c ------------------------------------------
 */

/* How many bytes one PATCH may have; UINT64_MAX: the blob goes in one piece
 * and without a range. */
uint64_t mr_upload_piece(struct mr_upload *u);
/* The `n` bytes of `b` in one PATCH; offset, place and record are those after
 * it. */
int mr_upload_patch(struct mr_upload *u, struct mr_body *b, bool ranged,
		    struct mreg_error *err);
/* Ask how far the session came: true when it goes on from `u->offset`, else it
 * is gone (and dropped).  `fresh`: it was alive a moment ago, so that an answer
 * that does not know it is a lesson. */
bool mr_upload_ask(struct mr_upload *u, bool fresh);
/* "0-41", "bytes=0-41", "bytes=0--1": how many bytes that are; `count`: the
 * second number is not the last byte but the count (P-47).  -1: no range. */
int mr_upload_parse_range(const char *text, bool count, uint64_t *n);

/* -- taking up: remote_upload_resume.c --------------------------------------
 */

/* Bytes that tell one upload from another while its digest is not known. */
#define MR_UPLOAD_HEAD_BYTES (64u << 10)

/* Set the key; `head` are the blob's first bytes. */
void mr_upload_key(struct mr_upload *u, const void *head, size_t n);
/* The session of a process that died, or one that broke off in ours: true when
 * it goes on from `u->offset`.  False with a digest that was not known before:
 * the registry has the blob that it was closed for. */
bool mr_upload_recall(struct mr_upload *u);
void mr_upload_note(struct mr_upload *u);   /* it is ours and goes on */
void mr_upload_keep(struct mr_upload *u);   /* the same, now and then */
void mr_upload_park(struct mr_upload *u);   /* it may be taken up */
void mr_upload_forget(struct mr_upload *u); /* it is done or of no use */

/* -- others -----------------------------------------------------------------
 */

/* remote_upload_small.c: one try. */
int mr_upload_small(struct mr_upload *u, const struct mreg_desc *d,
		    struct mr_store *from, const char *label,
		    struct mreg_error *err);

/* remote_upload_mount.c */
void mr_remote_note(struct mr_remote *r, const struct mreg_desc *d);

#endif

/*
 * remote_upload.c - a blob of known digest into a registry, by whichever way
 * this registry takes it, and again when that fails.
 *
 *   small    POST?digest with the bytes, or POST -> Location, PUT with them
 *   whole    POST -> Location, PUT Location?digest with the bytes
 *   pieces   POST -> Location, PATCH with a range -> Location, ..., PUT
 *            Location?digest with the last piece or nothing
 *
 * The first two are what every registry takes.  Pieces are for registries that
 * are known to take them, or whose limit leaves no other way, and for the rest
 * of an upload that broke off where the registry still has its beginning;
 * where it does not, the blob is sent again from its start (protocol.md 0.3
 * to 0.5, 3.3, D-14).
 *
 * States of a session: none -> open (POST, or a record of an earlier run)
 * -> broken (a request failed under way) -> open again, from what the registry
 * says that it has, or none.
 */
#include "store/remote_upload.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

/* So much of it proves a session good (P-94). */
#define PROGRESS_BYTES (UINT64_C(1) << 20)

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Its key, if it is large enough to have one. */
static int find_key(struct mr_upload *u, const struct mreg_desc *d,
		    struct mr_store *from, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *in = NULL;
	MR_AUTO(mr_free) char *head = NULL;
	ssize_t n;
	int rc;

	if (u->size < u->r->resume_min)
		return 0;
	head = mr_alloc(MR_UPLOAD_HEAD_BYTES);
	if (!head)
		return mr_fail_nomem(err);
	rc = mr_store_open_range(
		from, d, 0, smaller(MR_UPLOAD_HEAD_BYTES, d->size), &in, err);
	if (rc < 0)
		return rc;
	n = mr_stream_fill(in, head, MR_UPLOAD_HEAD_BYTES, err);
	if (n < 0)
		return (int)n;
	mr_upload_key(u, head, (size_t)n);
	return 0;
}

/* A session to send to: the one that broke off, an earlier run's, or a new
 * one. */
static int have_session(struct mr_upload *u, bool first, bool *there,
			struct mreg_error *err)
{
	int rc;

	*there = false;
	if (u->broken && u->url && mr_upload_ask(u, true))
		return 0;
	if (u->url && !u->broken)
		return 0;
	if (first && mr_upload_recall(u))
		return 0;
	rc = mr_upload_start(u, there, err);
	if (rc >= 0 && !*there)
		mr_upload_note(u);
	return rc;
}

static int send_whole(struct mr_upload *u, const struct mreg_desc *d,
		      struct mr_store *from, const char *label,
		      struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *src = NULL;
	struct mr_body body;
	int rc;

	rc = mr_store_open(from, d, &src, err);
	if (rc == 0)
		rc = mr_body_init(&body, u, src, u->size, label, err);
	return rc < 0 ? rc : mr_upload_commit(u, &body.base, u->size, err);
}

/* The bytes from `u->offset` to `end`: by PATCH, or with the PUT. */
static int send_piece(struct mr_upload *u, const struct mreg_desc *d,
		      struct mr_store *from, const char *label, uint64_t end,
		      bool put, struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *src = NULL;
	uint64_t n = end - u->offset;
	struct mr_body body;
	int rc;

	rc = mr_store_open_range(from, d, u->offset, n, &src, err);
	if (rc == 0)
		rc = mr_body_init(&body, u, src, end, label, err);
	if (rc < 0)
		return rc;
	return put ? mr_upload_commit(u, &body.base, n, err)
		   : mr_upload_patch(u, &body, true, err);
}

static int send_pieces(struct mr_upload *u, const struct mreg_desc *d,
		       struct mr_store *from, const char *label, uint64_t piece,
		       struct mreg_error *err)
{
	bool put = false;
	int rc = 0;

	while (rc >= 0 && u->offset < u->size && !put) {
		uint64_t end = u->offset + smaller(piece, u->size - u->offset);

		rc = mr_check_cancel(u->r->base.env, err);
		put = u->r->profile.last_in_put && end == u->size;
		if (rc >= 0)
			rc = send_piece(u, d, from, label, end, put, err);
	}
	return rc < 0 || put ? rc : mr_upload_commit(u, NULL, 0, err);
}

static int put_once(struct mr_upload *u, const struct mreg_desc *d,
		    struct mr_store *from, const char *label, bool first,
		    struct mreg_error *err)
{
	bool there = false;
	uint64_t piece;
	int rc;

	u->again = MR_AGAIN_NEVER;
	rc = mr_check_cancel(u->r->base.env, err);
	if (rc < 0)
		return rc;
	if (u->size <= MR_SMALL_BLOB_BYTES &&
	    u->size <= mr_remote_request_max(u->r)) {
		mr_upload_drop(u);
		return mr_upload_small(u, d, from, label, err);
	}
	rc = have_session(u, first, &there, err);
	if (rc < 0 || there)
		return rc;
	u->again = MR_AGAIN_NEVER;
	piece = mr_upload_piece(u);
	if (piece == UINT64_MAX)
		return send_whole(u, d, from, label, err);
	if (!u->proof && u->proven == 0) {
		rc = mr_hash_new(d->digest.algorithm, &u->proof, err);
		if (rc < 0)
			return rc;
	}
	return send_pieces(u, d, from, label, piece, err);
}

/*
 * A session that answers every request with 5xx, wherever it goes on from,
 * would be taken up for ever: the second time at one place is enough.
 */
static bool is_poisoned(struct mr_upload *u, const struct mreg_error *why)
{
	if (!u->picked_up || u->restarted || why->sys < 500)
		return false;
	if (u->offset != u->stuck_at)
		u->stuck = 0;
	u->stuck_at = u->offset;
	return ++u->stuck >= 2;
}

/* Whether what failed with `why` is tried again; waits as long as it takes. */
static bool may_try(struct mr_upload *u, unsigned int *attempt, bool *mended,
		    struct mreg_error *why)
{
	struct mr_env *env = u->r->base.env;
	char text[MREG_DIGEST_TEXT];
	int64_t wait_ms;

	if (u->again == MR_AGAIN_NOW) {
		mr_upload_drop(u);
		return true;
	}
	if (u->again == MR_AGAIN_NEVER ||
	    (u->again == MR_AGAIN_ONCE && *mended) || *attempt > MR_RETRY_MAX)
		return false;
	*mended = *mended || u->again == MR_AGAIN_ONCE;
	wait_ms = mr_retry_delay_ms(*attempt, u->retry_after_s, mr_random(env));
	if (wait_ms < 0)
		return false;
	mr_log(env, MREG_LOG_INFO, "'%s' to '%s': %s; sending it again",
	       mreg_digest_text(&u->digest, text), u->r->base.name, why->msg);
	++*attempt;
	if (is_poisoned(u, why)) {
		u->restarted = true;
		mr_upload_drop(u);
	}
	if (!u->broken || u->size < u->r->resume_min)
		mr_upload_drop(u);
	return mr_sleep_ms(env, wait_ms, why) >= 0;
}

uint64_t mr_remote_passed(struct mr_store *s)
{
	return mr_store_is_remote(s)
		       ? atomic_load(&mr_remote_of(s)->seen.passed)
		       : 0;
}

int mr_remote_put(struct mr_store *s, const struct mreg_desc *d,
		  struct mr_store *from, const char *label,
		  struct mreg_error *err)
{
	MR_AUTO(mr_upload_release)
	struct mr_upload u = { .r = mr_remote_of(s),
			       .what = "cannot send blob",
			       .size = d->size,
			       .digest = d->digest };
	struct mreg_error why = MREG_ERROR_INIT;
	unsigned int attempt = 1;
	uint64_t good = 0;
	bool mended = false;
	bool first = true;
	int rc;

	rc = find_key(&u, d, from, err);
	if (rc < 0)
		return rc;
	do {
		rc = put_once(&u, d, from, label, first, &why);
		first = false;
		if (u.offset >= good + PROGRESS_BYTES) {
			good = u.offset;
			attempt = 1;
			mended = false;
		}
	} while (rc < 0 && may_try(&u, &attempt, &mended, &why));
	if (rc >= 0) {
		(void)atomic_fetch_add(&u.r->seen.passed, u.passed);
		mr_upload_forget(&u);
		mr_remote_note(u.r, d);
		return 0;
	}
	if (u.restarted && why.sys >= 500)
		mr_upload_forget(&u);
	else if (u.url && (u.broken || rc == MREG_ECANCELED))
		mr_upload_park(&u);
	if (err)
		*err = why;
	return why.code;
}

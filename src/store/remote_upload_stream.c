/*
 * remote_upload_stream.c - a blob whose digest is not known yet: hashed by the
 * caller's stream while it is sent.
 *
 *   POST -> Location, PATCH with the bytes -> Location, PUT Location?digest
 *   without any
 *
 * or, where a body may not have so many bytes, ranged PATCHes in between.  The
 * source cannot be read twice: whatever sending the blob another way could
 * mend is trouble of the connection for the caller, who has the source.  What
 * had arrived is kept on record, and found by whoever sends it again.
 */
#include "store/remote_upload.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

static int lost(struct mr_upload *u, int rc, struct mreg_error *err)
{
	bool mendable = rc == MREG_EAUTH || rc == MREG_ENOTFOUND ||
			rc == MREG_EREMOTE || rc == MREG_EUNSUPPORTED ||
			(rc == MREG_ELIMIT && u->again == MR_AGAIN_NOW);

	if (rc < 0 && u->url && (u->broken || rc == MREG_ECANCELED))
		mr_upload_park(u);
	else
		mr_upload_forget(u);
	if (!mendable)
		return rc;
	if (err)
		err->code = MREG_ENETWORK;
	return MREG_ENETWORK;
}

/* The first bytes, which make the key. */
static int read_head(struct mr_upload *u, struct mr_stream *src,
		     struct mreg_error *err)
{
	ssize_t n;

	if (u->size < u->r->resume_min)
		return 0;
	u->head = mr_alloc(MR_UPLOAD_HEAD_BYTES);
	if (!u->head)
		return mr_fail_nomem(err);
	n = mr_stream_fill(src, u->head, MR_UPLOAD_HEAD_BYTES, err);
	if (n < 0)
		return (int)n;
	u->head_len = (size_t)n;
	mr_upload_key(u, u->head, u->head_len);
	return 0;
}

/* Read, and so hash, what the registry has already. */
static int pass_over(struct mr_upload *u, struct mr_stream *src,
		     struct mreg_error *err)
{
	MR_AUTO(mr_free) char *buf = NULL;
	uint64_t at = u->head_len;

	if (u->offset < at) {
		u->head_at = (size_t)u->offset;
		return 0;
	}
	u->head_at = u->head_len;
	buf = mr_alloc(MR_CHUNK_BYTES);
	if (!buf)
		return mr_fail_nomem(err);
	while (at < u->offset) {
		size_t n = u->offset - at < MR_CHUNK_BYTES
				   ? (size_t)(u->offset - at)
				   : MR_CHUNK_BYTES;
		ssize_t got;
		int rc = mr_check_cancel(u->r->base.env, err);

		if (rc < 0)
			return rc;
		got = mr_stream_read(src, buf, n, err);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return mr_fail(err, MREG_ECONFLICT,
				       "%s: it changed while it was read, to "
				       "%" PRIu64 " bytes",
				       u->what, at);
		at += (uint64_t)got;
	}
	return 0;
}

static int open_session(struct mr_upload *u, struct mr_stream *src,
			struct mreg_error *err)
{
	bool there = false;
	int rc;

	rc = read_head(u, src, err);
	if (rc < 0)
		return rc;
	if (mr_upload_recall(u)) {
		rc = pass_over(u, src, err);
		if (rc < 0)
			mr_upload_park(u);
		return rc;
	}
	if (mr_digest_known(&u->digest)) {
		u->offset = u->size;
		u->passed = u->size;
		return pass_over(u, src, err);
	}
	rc = mr_upload_start(u, &there, err);
	if (rc < 0)
		return rc;
	if (there)
		return mr_fail(err, MREG_ENETWORK,
			       "%s: the registry claims to have a blob that "
			       "was not named",
			       u->what);
	mr_upload_note(u);
	return 0;
}

/* All of it, in as many pieces as it takes. */
static int send_all(struct mr_upload *u, struct mr_stream *src,
		    struct mreg_error *err)
{
	uint64_t piece = mr_upload_piece(u);
	bool ranged = piece != UINT64_MAX;
	struct mr_body body;
	uint64_t end;
	int rc;

	do {
		end = piece < u->size - u->offset ? u->offset + piece : u->size;
		rc = mr_body_init(&body, u, src, end, NULL, err);
		if (rc >= 0 && u->offset < u->size)
			rc = mr_upload_patch(u, &body, ranged, err);
		/* Less arrived than was read; nobody can read it again. */
		if (rc >= 0 && u->offset != end) {
			u->broken = true;
			return mr_fail(err, MREG_EREMOTE,
				       "%s: the registry took only a part",
				       u->what);
		}
	} while (rc >= 0 && u->offset < u->size);
	return rc;
}

/*
 * Close it.  500 twice is no bad moment but a registry that wants bytes in its
 * closing PUT (B-15): the next stream is not begun.
 */
static int close_stream(struct mr_upload *u, struct mreg_error *err)
{
	struct mr_env *env = u->r->base.env;
	struct mreg_error why = MREG_ERROR_INIT;
	unsigned int attempt;
	int64_t wait_ms;
	int rc;

	u->impatient = true;
	for (attempt = 1;; attempt++) {
		rc = mr_upload_commit(u, NULL, 0, &why);
		if (rc >= 0)
			return rc;
		if (why.sys == 500 && attempt > 1) {
			mr_remote_learn(u->r, MR_LESSON_STREAM, 0);
			break;
		}
		wait_ms = mr_retry_delay_ms(attempt, u->retry_after_s,
					    mr_random(env));
		if (u->again != MR_AGAIN_OFTEN || attempt > MR_RETRY_MAX ||
		    wait_ms < 0)
			break;
		rc = mr_sleep_ms(env, wait_ms, &why);
		if (rc < 0)
			break;
	}
	if (err)
		*err = why;
	return rc;
}

/* All was sent, or the registry had it already. */
static int finish(struct mr_upload *u, const struct mr_measure *m,
		  struct mreg_error *err)
{
	bool closed = mr_digest_known(&u->digest);

	if (closed && !mreg_digest_equal(&u->digest, &m->digest))
		return mr_fail(err, MREG_ENETWORK,
			       "%s: what the registry has is another one",
			       u->what);
	if (closed)
		return 0;
	u->digest = m->digest;
	mr_upload_note(u);
	return lost(u, close_stream(u, err), err);
}

int mr_remote_put_stream(struct mr_store *s, struct mr_stream *src,
			 uint64_t size, const struct mr_measure *m,
			 struct mreg_error *err)
{
	MR_AUTO(mr_upload_release)
	struct mr_upload u = { .r = mr_remote_of(s), .size = size };
	struct mreg_desc d = { .size = size };
	uint64_t streams;
	int rc;

	(void)snprintf(u.what, sizeof(u.what),
		       "cannot send a blob of %" PRIu64 " bytes to '%s'", size,
		       s->name);
	if (mr_remote_lesson(u.r, MR_LESSON_STREAM, &streams) && !streams)
		return mr_fail(err, MREG_ENETWORK,
			       "%s: the registry does not close streams",
			       u.what);
	rc = open_session(&u, src, err);
	if (rc < 0)
		return rc;
	rc = send_all(&u, src, err);
	if (rc < 0)
		return lost(&u, rc, err);
	if (!m->complete) /* answered before all was sent */
		return lost(&u,
			    mr_fail(err, MREG_EREMOTE,
				    "%s: the registry did not want all of it",
				    u.what),
			    err);
	rc = finish(&u, m, err);
	d.digest = m->digest;
	if (rc >= 0) {
		(void)atomic_fetch_add(&u.r->seen.passed, u.passed);
		mr_remote_note(u.r, &d);
	}
	return rc;
}

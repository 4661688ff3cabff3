/*
 * remote_upload_small.c - small blobs: read whole, so that they are proven
 * before they are sent, in one POST or in POST and PUT.
 */
#include "store/remote_upload.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "oci/oci.h"

/*
 * Whether to send the bytes with the POST: where that was enough before.
 * Where nobody knows one worker tries, and the others do not wait (P-43:
 * distribution answers 202 and opens a session instead).
 */
static bool single(struct mr_remote *r)
{
	uint64_t works;
	bool first;

	if (!r->profile.single)
		return false;
	if (mr_remote_lesson(r, MR_LESSON_SINGLE, &works))
		return works;
	(void)pthread_mutex_lock(&r->lock);
	first = !r->trying_single;
	r->trying_single = true;
	(void)pthread_mutex_unlock(&r->lock);
	return first;
}

/* Whether it is this way that it does not take, not this blob, this user or
 * this moment. */
static bool refuses_way(int status)
{
	static const int statuses[] = { 202, 400, 405, 411, 415, 417, 501 };
	size_t i;

	for (i = 0; i < MR_COUNT(statuses); i++)
		if (status == statuses[i])
			return true;
	return false;
}

/* The answer's own words may be about this moment (P-94). */
static bool refuses_now(struct mr_upload *u, struct mr_response *resp)
{
	struct mreg_error ignored = MREG_ERROR_INIT;
	char code[64];

	if (resp->status != 400)
		return false;
	(void)mr_remote_refused(u->r->host, resp, u->what, code, &ignored);
	return mr_remote_passing(resp->status, code);
}

/* POST with the bytes.  `*there`: that was enough; else a session may be open
 * now.  A refusal of this way is no error: the other one says what is wrong. */
static int post(struct mr_upload *u, const struct mr_buf *bytes, bool *there,
		struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mreg_error ignored = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	int rc;

	rc = mr_remote_call(u->r, &c, MR_REMOTE_PUSH, "POST", err,
			    "blobs/uploads/?digest=%s",
			    mreg_digest_text(&u->digest, text));
	if (rc < 0)
		return rc;
	c.rq.content_type = MR_MEDIA_OCTETS;
	c.rq.body = mr_buf_text(bytes);
	c.rq.body_len = bytes->len;
	rc = mr_upload_send(u, &c, &resp, err);
	u->again = MR_AGAIN_NEVER; /* net has tried often enough */
	if (rc < 0)
		return rc;
	if (resp->status == 201) {
		mr_remote_learn(u->r, MR_LESSON_SINGLE, 1);
		*there = true;
	} else if (refuses_way(resp->status) && !refuses_now(u, resp)) {
		mr_remote_learn(u->r, MR_LESSON_SINGLE, 0);
	}
	if (resp->status == 202 && mr_upload_locate(u, resp, &ignored) < 0)
		mr_upload_drop(u);
	return 0;
}

static int send_bytes(struct mr_upload *u, const struct mr_buf *bytes,
		      struct mreg_error *err)
{
	bool there = false;
	int rc = 0;

	if (bytes->len > 0 && single(u->r))
		rc = post(u, bytes, &there, err);
	if (rc >= 0 && !there && !u->url)
		rc = mr_upload_start(u, &there, err);
	if (rc < 0 || there)
		return rc;
	return mr_upload_commit_bytes(u, mr_buf_text(bytes), err);
}

int mr_upload_small(struct mr_upload *u, const struct mreg_desc *d,
		    struct mr_store *from, const char *label,
		    struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf bytes = MR_BUF_INIT(MR_SMALL_BLOB_BYTES);
	int rc;

	rc = mr_store_load(from, d, &bytes, err);
	if (rc >= 0)
		rc = send_bytes(u, &bytes, err);
	if (rc >= 0 && label && u->size > u->told) {
		mr_progress_bytes(u->r->base.env, label, u->size - u->told);
		u->told = u->size;
	}
	return rc;
}

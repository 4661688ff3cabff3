/*
 * remote_upload_session.c - an upload's session: opened by POST, moved by
 * every answer, closed by PUT; and what a refusal means.
 */
#include "store/remote_upload.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/oci.h"

/* Longer than any address a header can bring. */
#define URL_MAX_BYTES (MR_HEADER_MAX_BYTES + 1024)
#define MIB (UINT64_C(1) << 20)
/* GHCR's (B-18). */
#define CHUNK_LEAST_BYTES (4 * MIB)

void mr_upload_drop(struct mr_upload *u)
{
	mr_release(u->url);
	u->url = NULL;
	u->offset = 0;
	u->passed = 0;
	u->broken = false;
	u->picked_up = false;
}

void mr_upload_release(struct mr_upload *u)
{
	mr_upload_drop(u);
	mr_hash_freep(&u->proof);
	mr_release(u->head);
	u->head = NULL;
}

/* On another origin without credentials, or nowhere (product.md 5.8, P-31,
 * H31); net sees to both. */
int mr_upload_locate(struct mr_upload *u, const struct mr_response *resp,
		     struct mreg_error *err)
{
	const char *to = mr_response_header(resp, "Location");
	char *url;
	int rc;

	if (!to || !*to)
		return mr_fail(err, MREG_EREMOTE,
			       "%s: the registry opened an upload without "
			       "saying where",
			       u->what);
	rc = mr_response_resolve(resp, to, &url, err);
	if (rc < 0) {
		mr_remote_explain(u->r->host, u->what, err);
		return rc;
	}
	mr_release(u->url);
	u->url = url;
	return 0;
}

/* Append digest= and keep every byte before it (P-32). */
static int add_digest(const struct mr_upload *u, struct mr_buf *out,
		      struct mreg_error *err)
{
	char text[MREG_DIGEST_TEXT];

	mr_buf_printf(out, "%s%cdigest=%s", u->url,
		      strchr(u->url, '?') ? '&' : '?',
		      mreg_digest_text(&u->digest, text));
	return mr_buf_check(out, "an upload's address", err);
}

int mr_upload_send(struct mr_upload *u, const struct mr_call *c,
		   struct mr_response **out, struct mreg_error *err)
{
	int rc = mr_remote_send(u->r, c, u->what, out, err);

	u->again = rc == MREG_ENETWORK ? MR_AGAIN_OFTEN : MR_AGAIN_NEVER;
	u->retry_after_s = 0;
	return rc;
}

/* -- refusals ---------------------------------------------------------------
 */

/*
 * A body of `sent` bytes was too large for the registry, or for what stands in
 * front of it: the next smaller size of P-96.  False when there is none, or
 * when it does not take pieces.
 */
static bool shrink(struct mr_upload *u, uint64_t sent)
{
	struct mr_remote *r = u->r;
	bool news = false;
	uint64_t most;

	if (r->profile.chunks == MR_CHUNKS_NEVER || r->request_limit)
		return false;
	most = mr_remote_step_down(r, sent, &news);
	if (news)
		mr_log(r->base.env, MREG_LOG_INFO,
		       "'%s' refused a request of %llu bytes; sending pieces "
		       "of %llu MiB",
		       r->host, (unsigned long long)sent,
		       (unsigned long long)(most / MIB));
	/* The registry's own minimum wins over what was learned, so there is
	 * no way below it. */
	return sent > most && sent > u->chunk_min;
}

static void judge_413(struct mr_upload *u, const char *code, uint64_t sent)
{
	/* Of the blob, not of the request (P-90): pieces do not help. */
	if (strcmp(code, "LAYER_TOO_LARGE") == 0 ||
	    strcmp(code, "SIZE_INVALID") == 0)
		mr_remote_learn(u->r, MR_LESSON_LAYER, u->size - 1);
	else if (shrink(u, sent))
		u->again = MR_AGAIN_NOW;
}

/* The first piece cannot be out of step, so it is too large (B-18). */
static bool chunk_too_large(struct mr_upload *u, uint64_t sent)
{
	if (u->offset > 0 || sent <= CHUNK_LEAST_BYTES ||
	    mr_remote_chunk_max(u->r) <= CHUNK_LEAST_BYTES)
		return false;
	mr_remote_learn(u->r, MR_LESSON_CHUNK, CHUNK_LEAST_BYTES);
	return true;
}

/* Whether the session's own state is what was refused (P-48). */
static bool out_of_step(int status, const char *code)
{
	return status == 404 || status == 416 ||
	       (status == 400 && (strcmp(code, "BLOB_UPLOAD_INVALID") == 0 ||
				  strcmp(code, "BLOB_UPLOAD_UNKNOWN") == 0));
}

/*
 * Going on with what was picked up does not work here, whatever the registry
 * says of it: from the start then, once.
 */
static bool led_nowhere(struct mr_upload *u, int status, const char *code)
{
	if (!u->picked_up || u->restarted || status == 401 || status == 403 ||
	    status == 413 || mr_remote_passing(status, code))
		return false;
	u->restarted = true;
	return true;
}

int mr_upload_refused(struct mr_upload *u, struct mr_response *resp,
		      uint64_t sent, bool ranged, struct mreg_error *err)
{
	const char *after = mr_response_header(resp, "Retry-After");
	int status = resp->status;
	char code[64];
	uint64_t s;
	int rc;

	if (after && mr_text_u64(after, UINT32_MAX, &s) == 0)
		u->retry_after_s = (unsigned int)s;
	rc = mr_remote_refused(u->r->host, resp, u->what, code, err);
	if (mr_remote_passing(status, code))
		u->again = MR_AGAIN_OFTEN;
	else if (status == 413)
		judge_413(u, code, sent);
	else if (status == 416 && ranged && chunk_too_large(u, sent))
		u->again = MR_AGAIN_NOW;
	else if (status == 401 || out_of_step(status, code) ||
		 (status == 400 && (strcmp(code, "DIGEST_INVALID") == 0 ||
				    strcmp(code, "UNKNOWN") == 0)))
		/* 401: a token that ran out under way (B-06). */
		u->again = MR_AGAIN_ONCE;
	if (led_nowhere(u, status, code))
		u->again = MR_AGAIN_NOW;
	/* Only between pieces is the session worth a question: a body that
	 * went in one piece and was refused left nothing. */
	u->broken = u->again == MR_AGAIN_OFTEN ||
		    (ranged && u->offset > 0 &&
		     (status == 401 || out_of_step(status, code)));
	return rc;
}

/* -- opening ----------------------------------------------------------------
 */

static uint64_t number_in(const struct mr_response *resp, const char *name)
{
	const char *text = mr_response_header(resp, name);
	uint64_t n = 0;

	return text && mr_text_u64(text, INT64_MAX, &n) == 0 ? n : 0;
}

/* One that a mount left open. */
static char *take_spare(struct mr_remote *r)
{
	char *url = NULL;

	(void)pthread_mutex_lock(&r->lock);
	if (r->spare_count)
		url = r->spares[--r->spare_count];
	(void)pthread_mutex_unlock(&r->lock);
	return url;
}

int mr_upload_start(struct mr_upload *u, bool *there, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	int rc;

	*there = false;
	mr_upload_drop(u);
	u->url = take_spare(u->r);
	if (u->url)
		return 0;
	rc = mr_remote_call(u->r, &c, MR_REMOTE_PUSH, "POST", err,
			    "blobs/uploads/");
	if (rc < 0)
		return rc;
	c.rq.body = "";
	rc = mr_upload_send(u, &c, &resp, err);
	u->again = MR_AGAIN_NEVER; /* net has tried often enough */
	if (rc < 0)
		return rc;
	/* Some open a session with it: a blob that was not named cannot be
	 * there, so whoever knows its name asks. */
	if (resp->status == 201 &&
	    (!mr_digest_known(&u->digest) || mr_upload_is_there(u))) {
		*there = true;
		return 0;
	}
	switch (resp->status) {
	case 200:
	case 201:
	case 202:
	case 204: /* P-41 */
		u->chunk_min = number_in(resp, "OCI-Chunk-Min-Length");
		u->chunk_max = number_in(resp, "OCI-Chunk-Max-Length");
		return mr_upload_locate(u, resp, err);
	default:
		break;
	}
	rc = mr_upload_refused(u, resp, 0, false, err);
	/* Statuses are net's, which has tried often enough; codes are ours. */
	if (mr_remote_transient(resp->status) || u->again != MR_AGAIN_OFTEN)
		u->again = MR_AGAIN_NEVER;
	if (rc == MREG_ENOTFOUND && err && !err->hint[0])
		(void)mr_hint(err, "create the repository in the registry "
				   "first");
	return rc;
}

int mr_upload_call(struct mr_upload *u, struct mr_call *c, const char *method,
		   struct mreg_error *err)
{
	int rc = mr_remote_call(u->r, c, MR_REMOTE_PUSH, method, err,
				"blobs/uploads/");

	c->rq.url = u->url;
	return rc;
}

/* -- closing ----------------------------------------------------------------
 */

/* A commit can take longer than a connection lives (P-53), and 200 and 202 do
 * not promise it (P-42). */
bool mr_upload_is_there(struct mr_upload *u)
{
	struct mreg_desc d = { .media_type = MR_MEDIA_OCTETS,
			       .digest = u->digest,
			       .size = u->size };
	bool found = false;

	return mr_remote_has(&u->r->base, &d, &found, NULL) == 0 && found;
}

/* Judge the answer to the closing PUT of `sent` bytes. */
static int finish(struct mr_upload *u, struct mr_response *resp, uint64_t sent,
		  struct mreg_error *err)
{
	struct mreg_digest announced;
	char text[MREG_DIGEST_TEXT];

	/* A session that is gone may be one whose first answer was lost. */
	if (resp->status == 404 && mr_upload_is_there(u))
		return 0;
	if (resp->status != 200 && resp->status != 201 && resp->status != 202 &&
	    resp->status != 204)
		return mr_upload_refused(u, resp, sent, u->offset > 0, err);
	/* Another algorithm is a registry's canonical form (P-04). */
	if (mr_remote_announced(resp, &announced) &&
	    announced.algorithm == u->digest.algorithm &&
	    !mreg_digest_equal(&announced, &u->digest)) {
		u->again = MR_AGAIN_ONCE;
		return mr_fail(err, MREG_EINTEGRITY,
			       "%s: the registry took it for '%s'", u->what,
			       mreg_digest_text(&announced, text));
	}
	if (resp->status == 201 || resp->status == 204 || mr_upload_is_there(u))
		return 0;
	u->again = MR_AGAIN_OFTEN;
	return mr_fail(err, MREG_EREMOTE,
		       "%s: the registry answered %d, but does not have it",
		       u->what, resp->status);
}

static int close_session(struct mr_upload *u, struct mr_stream *in,
			 const void *bytes, uint64_t n, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	MR_AUTO(mr_buf_release) struct mr_buf url = MR_BUF_INIT(URL_MAX_BYTES);
	int rc;

	rc = add_digest(u, &url, err);
	if (rc == 0)
		rc = mr_upload_call(u, &c, "PUT", err);
	if (rc < 0)
		return rc;
	c.rq.url = mr_buf_text(&url);
	c.rq.content_type = MR_MEDIA_OCTETS;
	if (in) {
		c.rq.stream = in;
		c.rq.stream_size = n;
		c.rq.ranged = u->offset > 0;
		c.rq.first = u->offset;
		c.rq.last = u->size - 1;
	} else {
		c.rq.body = bytes ? bytes : "";
		c.rq.body_len = bytes ? (size_t)n : 0;
		/* A body that broke off may have ended the session (B-29):
		 * whoever opens another one repeats it. */
		c.rq.once = bytes != NULL || u->impatient;
	}
	rc = mr_upload_send(u, &c, &resp, err);
	if (rc == MREG_ENETWORK && mr_upload_is_there(u))
		return 0;
	u->broken = rc == MREG_ENETWORK || rc == MREG_ECANCELED;
	return rc < 0 ? rc : finish(u, resp, n, err);
}

int mr_upload_commit(struct mr_upload *u, struct mr_stream *in, uint64_t n,
		     struct mreg_error *err)
{
	return close_session(u, in, NULL, in ? n : 0, err);
}

int mr_upload_commit_bytes(struct mr_upload *u, const void *bytes,
			   struct mreg_error *err)
{
	return close_session(u, NULL, bytes, u->size, err);
}

/*
 * remote_upload.c - blobs into a registry: mounted, in one PUT, or streamed
 * while their digest is not known yet.
 *
 *   put         POST -> Location, PUT Location?digest with the bytes
 *   put_stream  POST -> Location, PATCH with the bytes -> Location,
 *               PUT Location?digest without any
 *
 * These two are what every registry takes; a broken upload cannot be resumed
 * on most, so a blob is sent again from its start in a new session
 * (protocol.md 0.3 to 0.5, 3.3).
 */
#include "store/remote.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/oci.h"

#define WHAT_BYTES 768
/* Longer than any address a header can bring. */
#define URL_MAX_BYTES (MR_HEADER_MAX_BYTES + 1024)

/* Whether sending a blob again may help. */
enum again {
	NEVER,
	ONCE,  /* what was wrong may have been this session */
	OFTEN, /* trouble that passes */
};

/* One blob on its way. */
struct upload {
	struct mr_remote *r; /* borrowed */
	char what[WHAT_BYTES];
	char *url; /* owned; where the next request goes */
	enum again again;
	unsigned int retry_after_s; /* what the registry asked for */
	uint64_t told; /* bytes reported as progress; not again by retries */
};

/*
 * The body of a request: exactly `size` bytes, and the last of them only when
 * the source has said that it ends there.  So what proves the source at its
 * end stops the request before it is complete.
 */
struct exact {
	struct mr_stream base;
	struct mr_stream *src; /* borrowed */
	struct upload *u;      /* borrowed */
	const char *label;     /* borrowed; NULL: no progress */
	uint64_t size, seen;   /* bytes */
};

static void upload_release(struct upload *u)
{
	mr_release(u->url);
}

static int check_end(struct exact *x, struct mreg_error *err)
{
	char byte;
	ssize_t got = mr_stream_read(x->src, &byte, 1, err);

	if (got > 0)
		return mr_fail(err, MREG_ECONFLICT,
			       "%s: it changed while it was read, to more than "
			       "%" PRIu64 " bytes",
			       x->u->what, x->size);
	return (int)got;
}

static ssize_t exact_read(struct mr_stream *s, void *buf, size_t n,
			  struct mreg_error *err)
{
	struct exact *x = mr_container_of(s, struct exact, base);
	struct mr_env *env = x->u->r->base.env;
	ssize_t got;
	int rc;

	rc = mr_check_cancel(env, err);
	if (rc < 0 || x->seen == x->size)
		return rc;
	if (n > x->size - x->seen)
		n = (size_t)(x->size - x->seen);
	got = mr_stream_read(x->src, buf, n, err);
	if (got <= 0)
		return got;
	x->seen += (uint64_t)got;
	if (x->seen == x->size) {
		rc = check_end(x, err);
		if (rc < 0)
			return rc;
	}
	if (x->label && x->seen > x->u->told) {
		mr_progress_bytes(env, x->label, x->seen - x->u->told);
		x->u->told = x->seen;
	}
	return got;
}

static void exact_close(struct mr_stream *s)
{
	(void)s; /* on the stack */
}

static const struct mr_stream_ops exact_ops = {
	.read = exact_read,
	.close = exact_close,
};

static int exact_init(struct exact *x, struct upload *u, struct mr_stream *src,
		      uint64_t size, const char *label, struct mreg_error *err)
{
	*x = (struct exact){ .base.ops = &exact_ops,
			     .src = src,
			     .u = u,
			     .label = label,
			     .size = size };
	/* Nobody reads a body of no bytes. */
	return size == 0 ? check_end(x, err) : 0;
}

/* Where the registry says that the upload goes on: on another origin without
 * credentials, or nowhere (product.md 5.8, P-31, H31); net sees to both. */
static int locate(struct upload *u, const struct mr_response *resp,
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
static int add_digest(struct upload *u, const struct mreg_digest *d,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(URL_MAX_BYTES);
	char text[MREG_DIGEST_TEXT];
	char *url;
	int rc;

	mr_buf_printf(&b, "%s%cdigest=%s", u->url,
		      strchr(u->url, '?') ? '&' : '?',
		      mreg_digest_text(d, text));
	rc = mr_buf_check(&b, "an upload's address", err);
	if (rc < 0)
		return rc;
	url = mr_buf_take(&b);
	mr_release(u->url);
	u->url = url;
	return 0;
}

/* Send `c` and judge how a failure can be mended. */
static int send(struct upload *u, const struct mr_call *c,
		struct mr_response **out, struct mreg_error *err)
{
	int rc = mr_remote_send(u->r, c, u->what, out, err);

	u->again = rc == MREG_ENETWORK ? OFTEN : NEVER;
	u->retry_after_s = 0;
	return rc;
}

static int refused(struct upload *u, struct mr_response *resp,
		   struct mreg_error *err)
{
	const char *after = mr_response_header(resp, "Retry-After");
	int status = resp->status;
	char code[64];
	uint64_t s;
	int rc;

	if (after && mr_text_u64(after, UINT32_MAX, &s) == 0)
		u->retry_after_s = (unsigned int)s;
	if (mr_remote_transient(status))
		u->again = OFTEN;
	else if (status == 401 || status == 404 || status == 416)
		/* A token that ran out under way (B-06), a session that is
		 * gone or out of step (P-48). */
		u->again = ONCE;
	else
		u->again = NEVER;
	rc = mr_remote_refused(u->r->host, resp, u->what, code, err);
	if (status == 400 && (strcmp(code, "DIGEST_INVALID") == 0 ||
			      strcmp(code, "BLOB_UPLOAD_INVALID") == 0 ||
			      strcmp(code, "BLOB_UPLOAD_UNKNOWN") == 0))
		u->again = ONCE;
	return rc;
}

/* Open a session.  `*there`: the registry has the blob already. */
static int start(struct upload *u, bool *there, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	int rc;

	*there = false;
	rc = mr_remote_call(u->r, &c, MR_REMOTE_PUSH, "POST", err,
			    "blobs/uploads/");
	if (rc < 0)
		return rc;
	c.rq.body = "";
	rc = send(u, &c, &resp, err);
	u->again = NEVER; /* net has tried often enough: nothing was sent */
	if (rc < 0)
		return rc;
	switch (resp->status) {
	case 201:
		*there = true;
		return 0;
	case 200:
	case 202:
	case 204: /* P-41 */
		return locate(u, resp, err);
	default:
		break;
	}
	rc = refused(u, resp, err);
	u->again = NEVER;
	if (rc == MREG_ENOTFOUND && err && !err->hint[0])
		(void)mr_hint(err, "create the repository in the registry "
				   "first");
	return rc;
}

/* A request to where the session is. */
static int continue_at(struct upload *u, struct mr_call *c, const char *method,
		       struct mreg_error *err)
{
	int rc = mr_remote_call(u->r, c, MR_REMOTE_PUSH, method, err,
				"blobs/uploads/");

	c->rq.url = u->url;
	c->rq.content_type = MR_MEDIA_OCTETS;
	c->rq.body = "";
	return rc;
}

/* Was it taken after all?  A commit can take longer than a connection lives
 * (P-53), and 200 and 202 do not promise it (P-42). */
static bool is_there(struct upload *u, const struct mreg_desc *d)
{
	bool found = false;

	return mr_remote_has(&u->r->base, d, &found, NULL) == 0 && found;
}

/* Judge the answer to the closing PUT. */
static int finish(struct upload *u, struct mr_response *resp,
		  const struct mreg_desc *d, struct mreg_error *err)
{
	struct mreg_digest announced;
	char text[MREG_DIGEST_TEXT];

	if (resp->status != 200 && resp->status != 201 && resp->status != 202 &&
	    resp->status != 204)
		return refused(u, resp, err);
	/* Another algorithm is a registry's canonical form (P-04). */
	if (mr_remote_announced(resp, &announced) &&
	    announced.algorithm == d->digest.algorithm &&
	    !mreg_digest_equal(&announced, &d->digest)) {
		u->again = ONCE;
		return mr_fail(err, MREG_EINTEGRITY,
			       "%s: the registry took it for '%s'", u->what,
			       mreg_digest_text(&announced, text));
	}
	if (resp->status == 201 || resp->status == 204 || is_there(u, d))
		return 0;
	u->again = OFTEN;
	return mr_fail(err, MREG_EREMOTE,
		       "%s: the registry answered %d, but does not have it",
		       u->what, resp->status);
}

/* PUT, with the bytes of `in` or, NULL, without any. */
static int commit(struct upload *u, const struct mreg_desc *d,
		  struct mr_stream *in, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	int rc;

	rc = add_digest(u, &d->digest, err);
	if (rc == 0)
		rc = continue_at(u, &c, "PUT", err);
	if (rc < 0)
		return rc;
	if (in) {
		c.rq.body = NULL;
		c.rq.stream = in;
		c.rq.stream_size = d->size;
	}
	rc = send(u, &c, &resp, err);
	if (rc == MREG_ENETWORK && is_there(u, d))
		return 0;
	return rc < 0 ? rc : finish(u, resp, d, err);
}

/* -- a blob whose digest is known --------------------------------------------
 */

static int put_once(struct upload *u, const struct mreg_desc *d,
		    struct mr_store *from, const char *label,
		    struct mreg_error *err)
{
	MR_AUTO(mr_stream_closep) struct mr_stream *src = NULL;
	struct exact body;
	bool there = false;
	int rc;

	u->again = NEVER;
	rc = mr_check_cancel(u->r->base.env, err);
	if (rc == 0)
		rc = start(u, &there, err);
	if (rc < 0 || there)
		return rc;
	rc = mr_store_open(from, d, &src, err);
	if (rc == 0)
		rc = exact_init(&body, u, src, d->size, label, err);
	if (rc < 0)
		return rc;
	return commit(u, d, &body.base, err);
}

int mr_remote_put(struct mr_store *s, const struct mreg_desc *d,
		  struct mr_store *from, const char *label,
		  struct mreg_error *err)
{
	MR_AUTO(upload_release)
	struct upload u = { .r = mr_remote_of(s), .what = "cannot send blob" };
	struct mr_env *env = s->env;
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	unsigned int attempt;
	bool mended = false;
	int64_t wait_ms;
	int rc;

	for (attempt = 1;; attempt++) {
		rc = put_once(&u, d, from, label, &why);
		if (rc >= 0)
			return 0;
		if (u.again == NEVER || (u.again == ONCE && mended) ||
		    attempt > MR_RETRY_MAX)
			break;
		mended = mended || u.again == ONCE;
		wait_ms = mr_retry_delay_ms(attempt, u.retry_after_s,
					    mr_random(env));
		if (wait_ms < 0)
			break;
		mr_log(env, MREG_LOG_INFO, "'%s' to '%s': %s; sending it again",
		       mreg_digest_text(&d->digest, text), s->name, why.msg);
		rc = mr_sleep_ms(env, wait_ms, &why);
		if (rc < 0)
			break;
	}
	if (err)
		*err = why;
	return rc;
}

/* -- a blob whose digest is not
 * ------------------------------------------------ */

/* The source cannot be read twice, but the caller has it: whatever sending
 * the blob another way could mend is trouble of the connection. */
static int lost(int rc, struct mreg_error *err)
{
	switch (rc) {
	case MREG_EAUTH:
	case MREG_ENOTFOUND:
	case MREG_EREMOTE:
	case MREG_EUNSUPPORTED:
		if (err)
			err->code = MREG_ENETWORK;
		return MREG_ENETWORK;
	default:
		return rc;
	}
}

static int send_patch(struct upload *u, struct mr_stream *src, uint64_t size,
		      struct mreg_error *err)
{
	struct exact body;
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	int rc;

	/* No Content-Range: B-18, B-21. */
	rc = continue_at(u, &c, "PATCH", err);
	if (rc == 0)
		rc = exact_init(&body, u, src, size, NULL, err);
	if (rc < 0)
		return rc;
	c.rq.body = NULL;
	c.rq.stream = &body.base;
	c.rq.stream_size = size;
	rc = send(u, &c, &resp, err);
	if (rc < 0)
		return rc;
	if (resp->status != 200 && resp->status != 201 && resp->status != 202 &&
	    resp->status != 204) /* B-13 */
		return refused(u, resp, err);
	/* The session moves with every request (P-44); who does not say so
	 * stays where it was. */
	return mr_response_header(resp, "Location") ? locate(u, resp, err) : 0;
}

int mr_remote_put_stream(struct mr_store *s, struct mr_stream *src,
			 uint64_t size, const struct mr_measure *m,
			 struct mreg_error *err)
{
	MR_AUTO(upload_release) struct upload u = { .r = mr_remote_of(s) };
	struct mreg_desc d = { .media_type = MR_MEDIA_OCTETS, .size = size };
	bool there;
	int rc;

	(void)snprintf(u.what, sizeof(u.what),
		       "cannot send a blob of %" PRIu64 " bytes to '%s'", size,
		       s->name);
	rc = start(&u, &there, err);
	if (rc < 0)
		return rc;
	if (there)
		return mr_fail(err, MREG_ENETWORK,
			       "%s: the registry claims to have a blob that "
			       "was not named",
			       u.what);
	rc = send_patch(&u, src, size, err);
	if (rc < 0)
		return lost(rc, err);
	if (!m->complete) /* answered before all was sent */
		return lost(mr_fail(err, MREG_EREMOTE,
				    "%s: the registry did not want all of it",
				    u.what),
			    err);
	d.digest = m->digest;
	return lost(commit(&u, &d, NULL, err), err);
}

/* -- a blob of another repository
 * ----------------------------------------------- */

int mr_remote_mount(struct mr_store *s, const struct mreg_desc *d,
		    const char *from_repository, bool *done,
		    struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	MR_AUTO(mr_buf_release) struct mr_buf scope = MR_BUF_INIT(2048);
	MR_AUTO(mr_free) char *from = mr_url_escape(from_repository);
	struct mr_remote *r = mr_remote_of(s);
	struct mreg_error why = MREG_ERROR_INIT;
	char text[MREG_DIGEST_TEXT];
	int rc;

	*done = false;
	if (!from)
		return mr_fail_nomem(err);
	rc = mr_remote_call(r, &c, MR_REMOTE_PUSH, "POST", err,
			    "blobs/uploads/?mount=%s&from=%s",
			    mreg_digest_text(&d->digest, text), from);
	if (rc < 0)
		return rc;
	/* One token for both repositories. */
	mr_buf_printf(&scope, "%s repository:%s:pull", c.scope,
		      from_repository);
	rc = mr_buf_check(&scope, "a request's scope", err);
	if (rc < 0)
		return rc;
	c.rq.scope = mr_buf_text(&scope);
	c.rq.body = "";
	rc = mr_net_send(r->net, &c.rq, &resp, &why);
	if (rc == MREG_ECANCELED || rc == MREG_ENOMEM) {
		if (err)
			*err = why;
		return rc;
	}
	/* Any other answer means no (P-50).  A session that was opened instead
	 * is left to the registry: to cancel it needs a right that nobody asks
	 * for (P-49). */
	*done = rc == 0 && resp->status == 201;
	if (!*done)
		mr_log(s->env, MREG_LOG_DEBUG, "%s: no mount from '%s'",
		       s->name, from_repository);
	return 0;
}

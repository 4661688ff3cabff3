/*
 * remote_blob.c - blobs of a registry: is it there, and its bytes.
 *
 * A blob stream outlives its connections.  Invariants:
 * 1. `at` is the offset in the blob of the next byte handed out.
 * 2. A new connection asks for [at, end) and nothing else, and starts only
 *    when the registry says that it answers with exactly that, or with the
 *    whole blob, whose first `at` bytes are then passed over.  Once it has
 *    answered a range with anything else, it is asked for whole blobs only.
 * 3. Every connection must bring something before the attempts are used up;
 *    1 MiB of progress gives them all back (P-94).
 *
 * 4. Where the registry redirects to is learned from the first answer; ranges
 *    are asked for there, without credentials, until that is refused (P-24).
 *    Each refusal costs one question to the registry, and so many in a row
 *    without progress are an error.
 *
 * Nothing is verified here: store.c wraps whole blobs in the proof.
 */
#include "store/remote.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* What goes in front of an error; store.c adds which blob and which store. */
#define LOOKING "cannot look for blob"
#define READING "cannot read blob"

/* Progress that proves a connection good. */
#define PROGRESS_BYTES (UINT64_C(1) << 20)
/* In a row. */
#define ODD_BLOBS_MAX 3
/* What is passed over is read in pieces of this. */
#define SKIP_BYTES (64u << 10)

struct blob {
	struct mr_stream base;
	struct mr_remote *r; /* borrowed: the store outlives its streams */
	struct mreg_desc desc;
	uint64_t at, end; /* offsets in the blob */
	bool whole;       /* the blob, not a part of it */
	uint64_t good;    /* `at` when the attempts were last given back */
	unsigned int attempt;
	unsigned int refusals; /* of learned URLs, since `good` */
	uint64_t skip; /* bytes of the answer before the first wanted one */
	struct mr_response *resp; /* owned; NULL: not connected */
	int rc;                   /* < 0: failed with `err` for good */
	struct mreg_error err;
};

/* -- is it there ------------------------------------------------------------
 */

static int ask(struct mr_remote *r, const struct mreg_desc *d,
	       const char *method, struct mr_response **out,
	       struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	char text[MREG_DIGEST_TEXT];
	int rc;

	rc = mr_remote_call(r, &c, MR_REMOTE_PULL, method, err, "blobs/%s",
			    mreg_digest_text(&d->digest, text));
	if (rc < 0)
		return rc;
	c.rq.ranged = strcmp(method, "GET") == 0; /* the first byte will do */
	return mr_remote_send(r, &c, LOOKING, out, err);
}

int mr_remote_has(struct mr_store *s, const struct mreg_desc *d, bool *found,
		  struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *head = NULL;
	MR_AUTO(mr_response_freep) struct mr_response *get = NULL;
	struct mr_remote *r = mr_remote_of(s);
	int rc;

	rc = ask(r, d, "HEAD", &head, err);
	if (rc < 0)
		return rc;
	/* Another size is another blob, whatever its digest. */
	*found = head->status == 200 &&
		 (!head->has_length || head->length == d->size);
	if (head->status == 200 || head->status == 404) {
		atomic_store(&r->seen.odd_blobs, 0);
		return 0;
	}
	/* Again and again: distribution cannot tell of a blob whose link in
	 * the repository is empty, as a full disk leaves it.  Sending the blob
	 * writes the link anew.  Of one after another it is the registry's
	 * storage that is in trouble. */
	if (head->status == 500 &&
	    atomic_fetch_add(&r->seen.odd_blobs, 1) < ODD_BLOBS_MAX)
		return 0;
	if (mr_remote_transient(head->status))
		return mr_remote_refused(r->host, head, LOOKING, NULL, err);
	/* Some forbid HEAD, and some storage behind a redirect refuses what
	 * was signed for GET (P-20, P-62); and an answer to GET says why. */
	rc = ask(r, d, "GET", &get, err);
	if (rc < 0)
		return rc;
	/* 416: there, but empty. */
	*found = get->status == 200 || get->status == 206 || get->status == 416;
	if (*found || get->status == 404)
		return 0;
	return mr_remote_refused(r->host, get, LOOKING, NULL, err);
}

/* -- its bytes --------------------------------------------------------------
 */

static bool digits(const char **p, uint64_t *out)
{
	char number[24];
	size_t n = strspn(*p, "0123456789");

	if (n == 0 || n >= sizeof(number))
		return false;
	memcpy(number, *p, n);
	number[n] = '\0';
	*p += n;
	return mr_text_u64(number, INT64_MAX, out) == 0;
}

/* "bytes FIRST-LAST/SIZE" is exactly what was asked for (P-22). */
static int check_range(const struct blob *b, const struct mr_response *resp,
		       struct mreg_error *err)
{
	const char *text = mr_response_header(resp, "Content-Range");
	const char *p = text ? text : "";
	uint64_t first = 0, last = 0, size = 0;
	bool ok;

	ok = strncasecmp(p, "bytes ", 6) == 0;
	if (ok) {
		p += 6;
		ok = digits(&p, &first) && *p++ == '-' && digits(&p, &last) &&
		     *p++ == '/';
	}
	if (ok && strcmp(p, "*") == 0) {
		size = b->desc.size;
		p++;
	} else if (ok) {
		ok = digits(&p, &size);
	}
	if (ok && !*p && first == b->at && last == b->end - 1 &&
	    size == b->desc.size)
		return 0;
	return mr_fail(err, MREG_EREMOTE,
		       READING ": asked for bytes %" PRIu64 "-%" PRIu64
			       "/%" PRIu64 ", answered with '%s'",
		       b->at, b->end - 1, b->desc.size,
		       text ? text : "no Content-Range");
}

/* Read over the bytes before the wanted ones. */
static int pass_over(struct blob *b, struct mreg_error *err)
{
	MR_AUTO(mr_free) char *buf = NULL;
	ssize_t got;

	if (b->skip == 0)
		return 0;
	buf = mr_alloc(SKIP_BYTES);
	if (!buf)
		return mr_fail_nomem(err);
	while (b->skip > 0) {
		size_t want =
			b->skip < SKIP_BYTES ? (size_t)b->skip : SKIP_BYTES;

		got = mr_stream_read(b->resp->body, buf, want, err);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return mr_fail(err, MREG_EINTEGRITY,
				       READING ": it ends %" PRIu64 " bytes "
					       "before the part asked for",
				       b->skip);
		b->skip -= (uint64_t)got;
	}
	return 0;
}

/* Found out: this host does no ranges.  One connection to a blob, then. */
static void note_no_ranges(struct blob *b)
{
	if (!atomic_exchange(&b->r->redirects.no_ranges, true))
		mr_log(b->r->base.env, MREG_LOG_INFO,
		       "'%s' does not answer to ranges; asking for whole blobs",
		       b->r->host);
}

static int check_answer(struct blob *b, struct mr_response *resp, bool ranged,
			struct mreg_error *err)
{
	const char *coding = mr_response_header(resp, "Content-Encoding");

	b->skip = 0;
	if (resp->status != 200 && !(ranged && resp->status == 206))
		return mr_remote_refused(b->r->host, resp, READING, NULL, err);
	/* Not asked for, and nothing could be counted in it (P-21). */
	if (coding && *coding && strcasecmp(coding, "identity") != 0)
		return mr_fail(err, MREG_EREMOTE,
			       READING ": it came in content coding '%s'",
			       coding);
	if (resp->status == 206)
		return check_range(b, resp, err);
	if (resp->has_length && resp->length != b->desc.size)
		return mr_fail(err, MREG_EINTEGRITY,
			       READING ": it has %" PRIu64
				       " bytes there, not %" PRIu64,
			       resp->length, b->desc.size);
	/* A 200 to a ranged request is the whole blob. */
	if (ranged)
		note_no_ranges(b);
	b->skip = b->at;
	return 0;
}

/* What a presigned URL is answered with once its time is over (P-24). */
static bool has_expired(const struct mr_response *resp)
{
	return resp->status == 400 || resp->status == 401 ||
	       resp->status == 403;
}

/* Storage that the registry has just sent us to refuses: its clock may be
 * another, or the URL was old already.  The registry signs a new one. */
static bool was_sent_astray(const struct mr_call *c,
			    const struct mr_response *resp)
{
	return has_expired(resp) && !mr_url_same_origin(resp->url, c->origin);
}

/* Ask the registry, or (`url`) where it sent us before. */
static int ask_for(struct blob *b, const char *url, bool ranged,
		   struct mr_response **out, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	char text[MREG_DIGEST_TEXT];
	int rc;

	rc = mr_remote_call(b->r, &c, MR_REMOTE_PULL, "GET", err, "blobs/%s",
			    mreg_digest_text(&b->desc.digest, text));
	if (rc < 0)
		return rc;
	if (url)
		c.rq.url = url;
	c.rq.bulk = true;
	c.rq.ranged = ranged;
	c.rq.first = b->at;
	c.rq.last = b->end - 1;
	rc = mr_remote_send(b->r, &c, READING, out, err);
	if (rc == 0 && !url && was_sent_astray(&c, *out)) {
		mr_response_freep(out);
		rc = mr_remote_send(b->r, &c, READING, out, err);
	}
	/* Where it was sent to, for the next range of it. */
	if (rc == 0 && !url)
		mr_redirects_learn(
			&b->r->redirects, &b->desc.digest,
			((*out)->status == 200 || (*out)->status == 206) &&
					!mr_url_same_origin((*out)->url,
							    c.origin)
				? (*out)->url
				: NULL);
	return rc;
}

static int ask_range(struct blob *b, struct mr_response **out,
		     struct mreg_error *err)
{
	struct mr_redirects *known = &b->r->redirects;
	MR_AUTO(mr_free) char *refused = NULL;
	bool asking = false;
	int rc;

	for (;;) {
		MR_AUTO(mr_free) char *url = NULL;

		rc = mr_redirects_get(known, b->r->base.env, &b->desc.digest,
				      refused, &url, &asking, err);
		if (rc < 0)
			return rc;
		rc = ask_for(b, url, true, out, err);
		if (rc < 0 && asking)
			mr_redirects_learn(known, &b->desc.digest, NULL);
		if (rc < 0 || !url || !has_expired(*out) ||
		    ++b->refusals > MR_REDIRECT_MAX)
			return rc;
		mr_response_freep(out);
		mr_release(refused);
		refused = mr_steal(&url);
	}
}

static int connect_blob(struct blob *b, struct mreg_error *err)
{
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	/* The whole blob is asked for without a range: zot redirects to its
	 * storage only then (P-23). */
	bool ranged = (b->at > 0 || !b->whole) && mr_remote_ranges(&b->r->base);
	int rc;

	rc = ranged ? ask_range(b, &resp, err)
		    : ask_for(b, NULL, false, &resp, err);
	if (rc < 0)
		return rc;
	rc = check_answer(b, resp, ranged, &why);
	if (rc == MREG_EREMOTE && ranged && resp->status == 206) {
		/* Not the range that was asked for (P-22). */
		note_no_ranges(b);
		mr_response_freep(&resp);
		rc = ask_for(b, NULL, false, &resp, err);
		if (rc < 0)
			return rc;
		rc = check_answer(b, resp, false, &why);
	}
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	b->resp = mr_steal(&resp);
	return 0;
}

/*
 * A connection broke off with b->err: wait and ask for the rest.  An answer
 * that breaks off before its first wanted byte counts as well.
 */
static int resume(struct blob *b)
{
	struct mr_env *env = b->r->base.env;
	char text[MREG_DIGEST_TEXT];
	int rc = MREG_ENETWORK;

	mr_response_free(b->resp);
	b->resp = NULL;
	if (b->at - b->good >= PROGRESS_BYTES) {
		b->good = b->at;
		b->attempt = 0;
		b->refusals = 0;
	}
	while (rc == MREG_ENETWORK && b->attempt < MR_RETRY_MAX) {
		b->attempt++;
		mr_log(env, MREG_LOG_INFO,
		       "'%s' of '%s': %s; asking again from byte %" PRIu64,
		       mreg_digest_text(&b->desc.digest, text), b->r->base.name,
		       b->err.msg, b->at);
		rc = mr_sleep_ms(
			env, mr_retry_delay_ms(b->attempt, 0, mr_random(env)),
			&b->err);
		if (rc == 0)
			rc = connect_blob(b, &b->err);
	}
	return rc;
}

/* From the connection there is, or from the next one. */
static ssize_t read_on(struct blob *b, void *buf, size_t n)
{
	ssize_t got;
	int rc;

	for (;;) {
		got = pass_over(b, &b->err);
		if (got == 0)
			got = mr_stream_read(b->resp->body, buf, n, &b->err);
		if (got >= 0)
			return got;
		mr_remote_explain(b->r->host, READING, &b->err);
		if (got != MREG_ENETWORK)
			return got;
		/* All is here, only its end was not told. */
		if (b->at >= b->end)
			return 0;
		rc = resume(b);
		if (rc < 0)
			return rc;
	}
}

static ssize_t blob_read(struct mr_stream *s, void *buf, size_t n,
			 struct mreg_error *err)
{
	struct blob *b = mr_container_of(s, struct blob, base);
	ssize_t got = b->rc;

	if (b->rc == 0) {
		/* The end of a whole blob is for the proof to judge, which
		 * wants to see bytes past it. */
		if (!b->whole && n > b->end - b->at)
			n = (size_t)(b->end - b->at);
		if (n == 0)
			return 0;
		got = read_on(b, buf, n);
	}
	if (got == 0 && !b->whole)
		got = mr_fail(&b->err, MREG_EINTEGRITY,
			      READING ": it ends %" PRIu64 " bytes early",
			      b->end - b->at);
	if (got < 0) {
		b->rc = (int)got;
		if (err)
			*err = b->err;
		return got;
	}
	b->at += (uint64_t)got;
	return got;
}

static void blob_close(struct mr_stream *s)
{
	struct blob *b = mr_container_of(s, struct blob, base);

	mr_response_free(b->resp);
	mr_release(b);
}

static const struct mr_stream_ops blob_ops = {
	.read = blob_read,
	.close = blob_close,
};

bool mr_remote_ranges(struct mr_store *s)
{
	return !atomic_load(&mr_remote_of(s)->redirects.no_ranges);
}

int mr_remote_open_blob(struct mr_store *s, const struct mreg_desc *d,
			uint64_t offset, uint64_t length,
			struct mr_stream **out, struct mreg_error *err)
{
	struct blob *b;
	int rc;

	if (offset > d->size || length > d->size - offset)
		return mr_fail(err, MREG_EUSAGE,
			       "a part of %" PRIu64 " bytes at %" PRIu64
			       " lies outside a blob of %" PRIu64,
			       length, offset, d->size);
	b = mr_zalloc(sizeof(*b));
	if (!b)
		return mr_fail_nomem(err);
	b->base.ops = &blob_ops;
	b->r = mr_remote_of(s);
	b->desc = *d;
	b->whole = length == d->size;
	b->at = offset;
	b->good = offset;
	b->end = offset + length;
	if (length > 0 || b->whole) {
		rc = connect_blob(b, err);
		if (rc < 0) {
			mr_release(b);
			return rc;
		}
	}
	*out = &b->base;
	return 0;
}

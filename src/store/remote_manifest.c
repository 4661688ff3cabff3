/*
 * remote_manifest.c - manifests and tags of a registry.
 *
 * store.c proves what `get` brings; a registry's word about a tag (HEAD) is
 * taken only when it is complete, else the manifest is fetched and hashed.
 */
#include "store/remote.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "oci/oci.h"

#define WHAT_BYTES 768

/* "cannot read manifest 'v3' of 'ghcr.io/acme/churn'" */
static void describe(const struct mr_remote *r, const char *verb,
		     const char *reference, char out[WHAT_BYTES])
{
	(void)snprintf(out, WHAT_BYTES, "cannot %s '%s' of '%s'", verb,
		       reference, r->base.name);
}

/* -- reading ----------------------------------------------------------------
 */

static bool is_html(const char *type)
{
	return strcasecmp(type, "text/html") == 0 ||
	       strcasecmp(type, "application/xhtml+xml") == 0;
}

/*
 * distribution 2.8 answers 500 when asked for a layer as a manifest.  True
 * when what is stored under the digest does not begin as one does.
 */
static bool is_layer(struct mr_remote *r, const char *reference, int status)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	char first = '{';

	if (status != 500 || !strchr(reference, ':'))
		return false;
	if (mr_remote_call(r, &c, MR_REMOTE_PULL, "GET", NULL, "blobs/%s",
			   reference) < 0)
		return false;
	c.rq.ranged = true; /* the first byte */
	if (mr_net_send(r->net, &c.rq, &resp, NULL) < 0)
		return false;
	if (resp->status != 200 && resp->status != 206)
		return false;
	return mr_stream_read(resp->body, &first, 1, NULL) == 1 &&
	       !strchr("{ \t\r\n", first);
}

/*
 * distribution that was killed between opening a file and writing it has an
 * empty tag, or an empty manifest, which it calls stored when it is sent once
 * more.  It answers 500 for ever, with the error of its own parser: that has no
 * storage driver in it, unlike trouble that passes.
 */
static bool is_hollow(const char *body)
{
	return strstr(body, "\"code\":\"UNKNOWN\"") &&
	       (strstr(body, "\"detail\":{}") ||
		strstr(body, "\"detail\":{\"Offset\":"));
}

/* MREG_EINTEGRITY for what the registry itself cannot read. */
static int get_refused(struct mr_remote *r, struct mr_response *resp,
		       const char *what, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf body = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	int status = resp->status;
	char code[64];
	int rc = mr_remote_refused_body(r->host, resp, what, code, &body, err);

	if (status != MR_HOLLOW_STATUS || !is_hollow(mr_buf_text(&body)))
		return rc;
	if (err) {
		err->code = MREG_EINTEGRITY;
		err->sys = MR_HOLLOW_STATUS;
	}
	(void)mr_hint(err, "the registry has it, but empty: it was stopped "
			   "while it was written");
	return MREG_EINTEGRITY;
}

/* What HEAD brought. */
struct head {
	/* False: that does not settle it (HEAD is not allowed, or forbidden
	 * without a reason, or a header is missing): P-62. */
	bool known;
	bool found;
	bool same; /* it is what it was */
};

/* 304 names what it is about, or nothing; a cache in between that has
 * something else in mind is not believed. */
static bool is_same(const struct mr_response *resp,
		    const struct mreg_digest *was)
{
	struct mreg_digest now;

	return resp->status == 304 && was &&
	       (!mr_remote_announced(resp, &now) ||
		mreg_digest_equal(&now, was));
}

/* `was` NULL: it is not said what it had. */
static int head(struct mr_remote *r, const char *reference,
		const struct mreg_digest *was, const char *what,
		struct mreg_desc *out, struct head *h, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	char etag[MREG_DIGEST_TEXT + 2];
	char text[MREG_DIGEST_TEXT];
	int rc;

	memset(h, 0, sizeof(*h));
	rc = mr_remote_call(r, &c, MR_REMOTE_PULL, "HEAD", err, "manifests/%s",
			    reference);
	if (rc < 0)
		return rc;
	c.rq.accept = mr_manifest_accept;
	if (was) {
		(void)snprintf(etag, sizeof(etag), "\"%s\"",
			       mreg_digest_text(was, text)); /* sized so */
		c.rq.unless = etag;
	}
	rc = mr_remote_send(r, &c, what, &resp, err);
	if (rc < 0)
		return rc;
	h->same = is_same(resp, was);
	h->found = h->same;
	h->known = h->same || resp->status == 404 ||
		   is_layer(r, reference, resp->status);
	if (h->same)
		return 0;
	if (h->known)
		return mr_remote_doubt(r, resp, what, err);
	/* A HEAD has no body to tell which 500 it is. */
	if (mr_remote_transient(resp->status) &&
	    resp->status != MR_HOLLOW_STATUS)
		return mr_remote_refused(r->host, resp, what, NULL, err);
	if (resp->status != 200)
		return 0;
	mr_remote_type(resp, out->media_type);
	h->known = mr_remote_announced(resp, &out->digest) &&
		   resp->has_length && resp->length > 0 && out->media_type[0] &&
		   !is_html(out->media_type);
	out->size = resp->length;
	h->found = h->known;
	return 0;
}

/* HEAD, and where that does not settle it GET. */
static int look(struct mr_store *s, const char *reference,
		const struct mreg_digest *was, struct mreg_desc *out,
		struct head *h, struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	struct mr_remote *r = mr_remote_of(s);
	char what[WHAT_BYTES];
	int rc;

	describe(r, "look up", reference, what);
	rc = head(r, reference, was, what, out, h, err);
	if (rc < 0 || h->known)
		return rc;
	rc = mr_store_get(s, reference, &doc, &h->found, err);
	if (rc == 0 && h->found)
		*out = doc.desc;
	return rc;
}

int mr_remote_resolve(struct mr_store *s, const char *reference,
		      struct mreg_desc *out, bool *found,
		      struct mreg_error *err)
{
	struct head h;
	int rc = look(s, reference, NULL, out, &h, err);

	*found = h.found;
	return rc;
}

int mr_remote_still(struct mr_store *s, const char *tag,
		    const struct mreg_digest *was, struct mreg_desc *out,
		    bool *found, bool *same, struct mreg_error *err)
{
	struct head h;
	int rc = look(s, tag, was, out, &h, err);

	*found = h.found;
	*same = h.same;
	return rc;
}

/* A login page or a proxy's greeting is no manifest (H44). */
static int check_answer(struct mr_response *resp, const struct mr_doc *doc,
			const char *what, struct mreg_error *err)
{
	const char *text = mr_buf_text(&doc->bytes);

	if (doc->bytes.len == 0)
		return mr_fail(err, MREG_EREMOTE, "%s: the answer is empty",
			       what);
	text += strspn(text, " \t\r\n");
	if (!is_html(doc->desc.media_type) && *text != '<')
		return 0;
	(void)mr_fail(err, MREG_EREMOTE, "%s: the answer is a web page", what);
	/* Behind the '?' a redirect may have put a signature. */
	(void)mr_cause(err, "from '%.*s'", (int)strcspn(resp->url, "?"),
		       resp->url);
	return mr_hint(err, "check the host: is it a registry, or is a proxy "
			    "or login page in between?");
}

int mr_remote_get(struct mr_store *s, const char *reference, struct mr_doc *out,
		  bool *found, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mr_remote *r = mr_remote_of(s);
	char what[WHAT_BYTES];
	int rc;

	describe(r, "read manifest", reference, what);
	rc = mr_remote_call(r, &c, MR_REMOTE_PULL, "GET", err, "manifests/%s",
			    reference);
	if (rc < 0)
		return rc;
	c.rq.accept = mr_manifest_accept;
	rc = mr_remote_fetch(r->net, s->env, r->host, &c, what, &out->bytes,
			     &resp, err);
	if (rc < 0)
		return rc;
	*found = resp->status == 200;
	if (resp->status == 404 || is_layer(r, reference, resp->status))
		return mr_remote_doubt(r, resp, what, err);
	if (resp->status != 200)
		return get_refused(r, resp, what, err);
	mr_remote_type(resp, out->desc.media_type);
	rc = check_answer(resp, out, what, err);
	if (rc < 0)
		return rc;
	/* What was announced is for store.c to compare. */
	if (!mr_remote_announced(resp, &out->desc.digest))
		out->desc.digest.algorithm = MREG_DIGEST_NONE;
	out->desc.size = resp->has_length ? resp->length : 0;
	return 0;
}

/* -- writing ----------------------------------------------------------------
 */

/* What a refusal of a manifest was about. */
enum refusal {
	REFUSED_FINALLY,
	REFUSED_FOR_NOW, /* it is worth sending again */
	REFUSED_BLOBS,   /* it misses some (P-51) */
};

/*
 * Every digest the registry's complaint names but the manifest's own.  Where
 * it stands differs (`detail` as a string, as an object, as an array, or only
 * `message`), so it is found by its shape.
 */
static int add_missing(const char *body, const struct mreg_desc *d,
		       struct mr_list *missing, struct mreg_error *err)
{
	static const char hex[] = "0123456789abcdef";
	struct mreg_digest digest;
	char text[MREG_DIGEST_TEXT];
	const char *p = body;
	size_t n;
	int rc;

	while ((p = strstr(p, "sha")) != NULL) {
		n = strncmp(p, "sha256:", 7) && strncmp(p, "sha512:", 7)
			    ? 0
			    : 7 + strspn(p + 7, hex);
		if (n == 0 || n >= sizeof(text)) {
			p += 3;
			continue;
		}
		memcpy(text, p, n);
		text[n] = '\0';
		p += n;
		if (mreg_digest_parse(text, &digest, NULL) < 0 ||
		    mreg_digest_equal(&digest, &d->digest) ||
		    mr_list_has(missing, text))
			continue;
		rc = mr_list_add(missing, text, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Where it does not say which, all that the manifest names may be missing. */
static int add_all(const void *bytes, const struct mreg_desc *d,
		   struct mr_list *missing, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	char text[MREG_DIGEST_TEXT];
	size_t i;
	int rc = mr_manifest_parse(bytes, (size_t)d->size, d->media_type, &m,
				   err);

	if (rc >= 0 && !m->is_index)
		rc = mr_list_add(missing,
				 mreg_digest_text(&m->config.desc.digest, text),
				 err);
	for (i = 0; rc >= 0 && i < m->layer_count; i++)
		rc = mr_list_add(
			missing,
			mreg_digest_text(&m->layers[i].desc.digest, text), err);
	for (i = 0; rc >= 0 && i < m->child_count; i++)
		rc = mr_list_add(
			missing,
			mreg_digest_text(&m->children[i].desc.digest, text),
			err);
	return rc;
}

/* A tag that exists and, by the registry's rules, keeps what it has (P-90,
 * 3.6); ECR says so with 400. */
static bool is_fixed(int status, const char *text)
{
	static const char *const codes[] = { "ImageTagAlreadyExists",
					     "TAG_IMMUTABLE",
					     "TAG_ALREADY_EXISTS" };
	size_t i;

	if (status == 409 || status == 412)
		return true;
	for (i = 0; status == 400 && i < MR_COUNT(codes); i++)
		if (strstr(text, codes[i]))
			return true;
	return false;
}

/* For a number or a log entry that is the lock (product.md 3.2); what has to
 * move cannot. */
static int tag_fixed(const char *tag, struct mreg_error *err)
{
	enum mr_tag_kind kind = mr_tag_kind(tag);
	bool moves = kind != MR_TAG_VERSION && kind != MR_TAG_RECORD &&
		     kind != MR_TAG_RELEASE;

	if (!err)
		return moves ? MREG_EUNSUPPORTED : MREG_ECONFLICT;
	err->code = moves ? MREG_EUNSUPPORTED : MREG_ECONFLICT;
	if (!moves)
		(void)mr_hint(err, "the registry does not let this tag be "
				   "written again");
	else
		(void)mr_hint(err, "the registry's rules make this tag "
				   "immutable: limit them to v* and mreg.*");
	return (int)err->code;
}

static int set_refused(struct mr_remote *r, struct mr_response *resp,
		       const char *reference, const struct mreg_desc *d,
		       const char *what, struct mr_list *missing,
		       enum refusal *why, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf body = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	const char *text;
	char code[64];
	int rc = mr_remote_refused_body(r->host, resp, what, code, &body, err);

	text = mr_buf_text(&body);
	/* What net tried again already is not tried here. */
	if ((resp->status == 400 && strstr(text, "DIGEST_INVALID")) ||
	    (!mr_remote_transient(resp->status) &&
	     mr_remote_passing(resp->status, code)))
		*why = REFUSED_FOR_NOW;
	if (strstr(text, "BLOB_UNKNOWN")) {
		/* Who cannot send blobs waits (P-51). */
		*why = missing ? REFUSED_BLOBS : REFUSED_FOR_NOW;
		if (err)
			err->code = MREG_ECONFLICT;
		rc = MREG_ECONFLICT;
		if (missing && add_missing(text, d, missing, err) < 0)
			rc = MREG_ENOMEM;
	} else if (!strchr(reference, ':') && is_fixed(resp->status, text)) {
		rc = tag_fixed(reference, err);
	}
	return rc;
}

/* P-70: who answers with it lists the manifest as a referrer. */
static void read_subject(const struct mr_response *resp,
			 struct mreg_digest *out)
{
	const char *text = mr_response_header(resp, "OCI-Subject");

	if (!text || mreg_digest_parse(text, out, NULL) < 0)
		out->algorithm = MREG_DIGEST_NONE;
}

static int send_manifest(struct mr_remote *r, const char *reference,
			 const struct mreg_desc *d, const void *bytes,
			 struct mr_list *missing, enum refusal *why,
			 struct mreg_digest *subject, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mreg_digest announced;
	char text[MREG_DIGEST_TEXT];
	char what[WHAT_BYTES];
	int rc;

	describe(r, "write manifest", reference, what);
	rc = mr_remote_call(r, &c, MR_REMOTE_PUSH, "PUT", err, "manifests/%s",
			    reference);
	if (rc < 0)
		return rc;
	c.rq.content_type = d->media_type;
	c.rq.body = bytes;
	c.rq.body_len = (size_t)d->size;
	rc = mr_remote_send(r, &c, what, &resp, err);
	if (rc < 0)
		return rc;
	if (resp->status != 200 && resp->status != 201 && resp->status != 202)
		return set_refused(r, resp, reference, d, what, missing, why,
				   err);
	if (mr_remote_announced(resp, &announced) &&
	    announced.algorithm == d->digest.algorithm &&
	    !mreg_digest_equal(&announced, &d->digest))
		return mr_fail(err, MREG_EINTEGRITY,
			       "%s: the registry took it for '%s'", what,
			       mreg_digest_text(&announced, text));
	if (subject)
		read_subject(resp, subject);
	return 0;
}

/*
 * distribution 2.8 writes a blob's link in place: a manifest that is checked
 * while somebody sends the same blob once more finds it empty, and is refused
 * with DIGEST_INVALID though its bytes are right.  Others do not know a blob
 * for a moment that they have just confirmed (P-51).
 */
int mr_remote_write(struct mr_remote *r, const char *reference,
		    const struct mreg_desc *d, const void *bytes,
		    struct mr_list *missing, struct mreg_digest *subject,
		    struct mreg_error *err)
{
	struct mr_env *env = r->base.env;
	struct mreg_error why = MREG_ERROR_INIT;
	unsigned int attempt;
	int rc;

	for (attempt = 1;; attempt++) {
		enum refusal about = REFUSED_FINALLY;

		rc = send_manifest(r, reference, d, bytes, missing, &about,
				   subject, &why);
		if (rc >= 0)
			return rc;
		/* What cannot be parsed names nothing to send. */
		if (about == REFUSED_BLOBS && !missing->n &&
		    add_all(bytes, d, missing, NULL) == MREG_ENOMEM)
			rc = mr_fail_nomem(&why);
		if (about != REFUSED_FOR_NOW || attempt > MR_REPAIRS_MAX)
			break;
		rc = mr_sleep_ms(env,
				 mr_retry_delay_ms(attempt, 0, mr_random(env)),
				 &why);
		if (rc < 0)
			break;
	}
	if (err)
		*err = why;
	return rc;
}

int mr_remote_set(struct mr_store *s, const char *reference,
		  const struct mreg_desc *d, const void *bytes,
		  struct mr_list *missing, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mr_remote *r = mr_remote_of(s);
	struct mreg_digest told = { .algorithm = MREG_DIGEST_NONE };
	int rc;

	rc = mr_remote_write(r, reference, d, bytes, missing, &told, err);
	/* Most manifests have none, and need not be parsed to see that. */
	if (rc < 0 || !memmem(bytes, (size_t)d->size, "\"subject\"", 9))
		return rc;
	/* The registry took it; what is not understood here refers to nothing
	 * that could be listed. */
	rc = mr_manifest_parse(bytes, (size_t)d->size, d->media_type, &m, NULL);
	if (rc == MREG_ENOMEM)
		return mr_fail_nomem(err);
	if (rc < 0 || !m->has_subject ||
	    mreg_digest_equal(&m->subject.desc.digest, &told))
		return 0;
	return mr_remote_refer(r, m, err);
}

/*
 * remote_referrers.c - who refers to a manifest in a registry: its referrers
 * API, and the fallback tag, an index that clients keep where a registry has
 * none (distribution-spec, "Referrers Tag Schema"; remote_fallback.c).
 *
 * Invariants
 * 1. Both are read and united: a registry may have got the API after tags were
 *    written (P-73).
 * 2. That a registry has no API is remembered for minutes only (P-74), and
 *    not where the API has answered: one document not listed is one that a
 *    copy loses.
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
#include "store/internal.h"

#define WHAT_BYTES 768
#define KNOWN_S 300 /* as regctl */

/* What a listing by the API brought. */
struct api {
	bool there;    /* it answered with an index */
	bool filtered; /* by artifact type, it says (P-74) */
};

/* Pages of one listing.  A mark is set after 1, 2, 4, 8... pages, so that a
 * circle of any length is noticed (Brent). */
struct pages {
	unsigned int n;
	char *mark; /* owned; the address of an earlier one */
};

static void describe(const struct mr_remote *r,
		     const struct mreg_digest *subject, const char *verb,
		     char out[WHAT_BYTES])
{
	char text[MREG_DIGEST_TEXT];

	(void)snprintf(out, WHAT_BYTES, "cannot %s what refers to '%s' in '%s'",
		       verb, mreg_digest_text(subject, text), r->base.name);
}

/* -- whether there is an API ------------------------------------------------
 */

static void scope_of(const struct mr_remote *r, const struct mr_call *c,
		     char out[1024])
{
	(void)snprintf(out, 1024, "%s/%s", c->origin, r->repository);
}

static bool known_to_lack(struct mr_remote *r, const struct mr_call *c)
{
	struct mr_state *state = mr_net_state(r->net);
	char scope[1024], text[32];
	uint64_t then;
	int64_t age;

	if (atomic_load(&r->has_referrers))
		return false;
	scope_of(r, c, scope);
	if (!mr_state_fact_get(state, scope, "no-referrers", text,
			       sizeof(text)) ||
	    mr_text_u64(text, INT64_MAX, &then) < 0)
		return false;
	age = mr_now_s(r->base.env) - (int64_t)then;
	return age >= 0 && age < KNOWN_S;
}

static void remember_lack(struct mr_remote *r, const struct mr_call *c)
{
	char scope[1024], text[32];

	if (atomic_load(&r->has_referrers))
		return;
	scope_of(r, c, scope);
	(void)snprintf(text, sizeof(text), "%" PRId64, mr_now_s(r->base.env));
	mr_state_fact_put(mr_net_state(r->net), scope, "no-referrers", text);
}

/* Whether a 404 is about what was asked for, not about the API: the code is
 * that of a thing that is not there, or (zot) nothing is said at all. */
static bool about_subject(const char *code, const struct mr_buf *body)
{
	static const char *const codes[] = { "NAME_UNKNOWN", "MANIFEST_UNKNOWN",
					     "BLOB_UNKNOWN" };
	size_t i;

	for (i = 0; i < MR_COUNT(codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return body->len == 0;
}

/*
 * An answer that is no list: 0 when it means that there is no API.  404 also
 * comes for a repository or (older Quay, zot) a subject that is not there yet,
 * and 400 from Quay: none says anything about the next one.
 */
static int check_lack(struct mr_remote *r, const struct mr_call *c,
		      struct mr_response *resp, const char *what,
		      struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf body = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	struct mreg_error why = MREG_ERROR_INIT;
	char code[64] = "";
	int status = resp->status;
	int rc;

	if (status == 200) /* a web page, or some other document */
		return 0;
	rc = mr_remote_refused_body(r->host, resp, what, code, &body, &why);
	switch (status) {
	case 404:
		if (!about_subject(code, &body))
			remember_lack(r, c);
		return 0;
	case 405:
	case 406:
	case 501:
		remember_lack(r, c);
		return 0;
	case 400:
		return 0;
	default:
		if (err)
			*err = why;
		return rc;
	}
}

/* -- the API ----------------------------------------------------------------
 */

static bool is_index(const struct mr_response *resp)
{
	char type[256];

	mr_remote_type(resp, type);
	return resp->status == 200 && strcasecmp(type, MR_MEDIA_INDEX) == 0;
}

/* Filters come as a list, "artifactType,..." */
static bool says_filtered(const struct mr_response *resp)
{
	const char *value = mr_response_header(resp, "OCI-Filters-Applied");

	return value && strcasestr(value, "artifactType");
}

/*
 * Add one page.  Where the registry filtered, what it lists is of the type,
 * also when the descriptor does not say so (it was an annotation in the first
 * drafts).
 */
static int add_page(const struct mr_buf *body, const char *type,
		    struct mr_referrers *out, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	size_t i;
	int rc;

	rc = mr_manifest_parse(mr_buf_text(body), body->len, MR_MEDIA_INDEX, &m,
			       err);
	for (i = 0; rc == 0 && i < m->child_count; i++) {
		struct mr_descriptor d = m->children[i];

		if (!d.artifact_type)
			d.artifact_type = type;
		rc = mr_referrers_add(out, &d, err);
	}
	return rc;
}

static int turn_page(struct pages *p, const struct mr_call *c, const char *what,
		     struct mreg_error *err)
{
	if (p->mark && strcmp(p->mark, c->url) == 0)
		return mr_fail(err, MREG_EREMOTE,
			       "%s: the registry sends the same page again",
			       what);
	if (p->n >= MR_PAGES_MAX)
		return mr_fail(err, MREG_ELIMIT, "%s: more than %d pages", what,
			       MR_PAGES_MAX);
	p->n++;
	if ((p->n & (p->n - 1)) == 0) {
		mr_release(p->mark);
		p->mark = mr_strdup(c->url);
	}
	return p->mark ? 0 : mr_fail_nomem(err);
}

static int read_page(struct mr_remote *r, struct mr_call *c, const char *what,
		     const char *artifact_type, struct mr_referrers *out,
		     struct api *api, bool *more, struct mreg_error *err)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf body = MR_BUF_INIT(MR_MANIFEST_MAX_BYTES);
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	int rc;

	*more = false;
	rc = mr_remote_fetch(r->net, r->base.env, r->host, c, what, &body,
			     &resp, err);
	if (rc < 0)
		return rc;
	if (!is_index(resp)) {
		/* A first page was one, so this is no registry without. */
		if (api->there)
			return mr_fail(err, MREG_EREMOTE,
				       "%s: a further page is no list", what);
		return check_lack(r, c, resp, what, err);
	}
	api->there = true;
	atomic_store(&r->has_referrers, true);
	api->filtered = artifact_type && says_filtered(resp);
	rc = add_page(&body, api->filtered ? artifact_type : NULL, out, err);
	if (rc < 0) {
		mr_remote_explain(r->host, what, err);
		return rc;
	}
	return mr_remote_next(r->host, resp, what, c, more, err);
}

static int prepare(struct mr_remote *r, struct mr_call *c,
		   const struct mreg_digest *subject, const char *artifact_type,
		   struct mreg_error *err)
{
	MR_AUTO(mr_free) char *escaped = NULL;
	char text[MREG_DIGEST_TEXT];
	int rc;

	escaped = mr_url_escape(artifact_type ? artifact_type : "");
	if (!escaped)
		return mr_fail_nomem(err);
	rc = mr_remote_call(r, c, MR_REMOTE_PULL, "GET", err,
			    "referrers/%s%s%s", mreg_digest_text(subject, text),
			    artifact_type ? "?artifactType=" : "", escaped);
	c->rq.accept = MR_MEDIA_INDEX;
	return rc;
}

int mr_remote_ask_api(struct mr_remote *r, const struct mreg_digest *subject,
		      const char *artifact_type, struct mr_referrers *out,
		      bool *there, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	struct api api = { .there = false };
	struct pages pages = { .n = 0 };
	char what[WHAT_BYTES];
	bool more = true;
	int rc;

	*there = false;
	describe(r, subject, "list", what);
	rc = prepare(r, &c, subject, artifact_type, err);
	if (rc < 0 || known_to_lack(r, &c))
		return rc;
	while (rc == 0 && more) {
		rc = turn_page(&pages, &c, what, err);
		if (rc == 0)
			rc = read_page(r, &c, what, artifact_type, out, &api,
				       &more, err);
	}
	mr_release(pages.mark);
	*there = api.there;
	return rc;
}

/* -- the fallback tag, read -------------------------------------------------
 */

/* A foreign entry that does not say what it is (P-71). */
static int look_at(struct mr_store *s, const struct mr_descriptor *d,
		   const struct mreg_digest *subject, const char *artifact_type,
		   struct mr_referrers *out, struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	char text[MREG_DIGEST_TEXT];
	bool found = false;
	int rc;

	rc = mr_store_get(s, mreg_digest_text(&d->desc.digest, text), &doc,
			  &found, err);
	if (rc < 0 || !found)
		return rc;
	rc = mr_manifest_parse(mr_buf_text(&doc.bytes), doc.bytes.len,
			       doc.desc.media_type, &m, err);
	if (rc < 0)
		return rc;
	return mr_referrers_look(out, m, subject, artifact_type, err);
}

static int read_fallback(struct mr_store *s, const struct mreg_digest *subject,
			 const char *artifact_type, struct mr_referrers *out,
			 struct mreg_error *err)
{
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	char tag[MR_FALLBACK_TAG_BYTES];
	bool found = false;
	size_t i;
	int rc;

	rc = mr_store_get(s, mr_fallback_tag(subject, tag), &doc, &found, err);
	if (rc < 0 || !found)
		return rc;
	rc = mr_manifest_parse(mr_buf_text(&doc.bytes), doc.bytes.len,
			       doc.desc.media_type, &m, err);
	if (rc < 0)
		return mr_wrap(err, "cannot read tag '%s' of '%s'", tag,
			       s->name);
	if (!m->is_index)
		mr_log(s->env, MREG_LOG_WARN,
		       "left out tag '%s' of '%s': it is no index", tag,
		       s->name);
	for (i = 0; rc == 0 && i < m->child_count; i++) {
		const struct mr_descriptor *d = &m->children[i];

		if (artifact_type && !d->artifact_type)
			rc = look_at(s, d, subject, artifact_type, out, err);
		else
			rc = mr_referrers_add(out, d, err);
	}
	return rc;
}

int mr_remote_referrers(struct mr_store *s, const struct mreg_digest *subject,
			const char *artifact_type, struct mr_referrers *out,
			struct mreg_error *err)
{
	bool there;
	int rc;

	rc = mr_remote_ask_api(mr_remote_of(s), subject, artifact_type, out,
			       &there, err);
	if (rc < 0)
		return rc;
	return read_fallback(s, subject, artifact_type, out, err);
}

/*
 * remote_probe.c - questions to a registry that only read.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/probe_wire.h"

#define WHAT "cannot ask"
#define LISTING_MAX_BYTES (64u << 20) /* distribution 2.8 sends all tags */

void mr_probe_say(struct mr_probe *out, enum mr_can can, const char *fmt, ...)
{
	char text[sizeof(out->found)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out->can = can;
	(void)mr_text_safe(text, out->found, sizeof(out->found));
}

int mr_probe_forgive(int rc, const struct mreg_error *why, struct mr_probe *out,
		     struct mreg_error *err)
{
	if (rc >= 0)
		return rc;
	if (rc == MREG_ECANCELED || rc == MREG_ENOMEM) {
		*err = *why;
		return rc;
	}
	mr_probe_say(out,
		     rc == MREG_ENETWORK || rc == MREG_EREMOTE ||
				     rc == MREG_EAUTH || rc == MREG_EDENIED
			     ? MR_CAN_UNKNOWN
			     : MR_CAN_NO,
		     "%s", why->msg);
	return 0;
}

int mr_probe_send(struct mr_net *net, const struct mr_call *c,
		  struct mr_probe *out, struct mr_response **resp,
		  struct mreg_error *err)
{
	struct mreg_error why = MREG_ERROR_INIT;
	int rc = mr_net_send(net, &c->rq, resp, &why);

	if (rc < 0)
		*resp = NULL;
	return mr_probe_forgive(rc, &why, out, err);
}

static bool is_closed(const struct mr_response *resp)
{
	return resp->status == 401 || resp->status == 403;
}

void mr_probe_refused(struct mr_response *resp, enum mr_can can,
		      const char *what, struct mr_probe *out)
{
	struct mreg_error why = MREG_ERROR_INIT;
	char code[64] = "";
	int status = resp->status;
	/* It says nothing about who it would let in. */
	bool stranger = is_closed(resp) && !mr_response_user(resp)[0];

	(void)mr_response_fail(resp, WHAT, code, &why);
	/* 500 is how some say no (B-15); the others may pass. */
	if (stranger || (status != 500 && mr_remote_transient(status)))
		can = MR_CAN_UNKNOWN;
	mr_probe_say(out, can, "%s: answers %d%s%s%s", what, status,
		     code[0] ? " " : "", code,
		     stranger ? "; log in to find out" : "");
}

/* -- the host ---------------------------------------------------------------
 */

/* A request that is about no repository. */
static int host_call(struct mr_net *net, const char *host, const char *path,
		     const char *scope, struct mr_call *c,
		     struct mreg_error *err)
{
	MR_AUTO(mr_buf_release) struct mr_buf b = MR_BUF_INIT(1024);
	int rc = mr_net_origin(net, host, c->origin, sizeof(c->origin), err);

	if (rc < 0)
		return rc;
	mr_buf_printf(&b, "%s/v2/%s", c->origin, path);
	rc = mr_buf_check(&b, "a request's address", err);
	if (rc < 0)
		return rc;
	c->url = mr_buf_take(&b);
	c->rq.method = "GET";
	c->rq.origin = c->origin;
	c->rq.url = c->url;
	c->rq.scope = scope;
	return 0;
}

int mr_probe_reach(struct mr_net *net, const char *host, struct mr_probe *out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	const char *version = NULL;
	bool tls;
	int rc = host_call(net, host, "", NULL, &c, err);

	if (rc < 0)
		return rc;
	rc = mr_net_send(net, &c.rq, &resp, &why);
	if (rc < 0 && rc != MREG_EAUTH && rc != MREG_EDENIED) {
		*err = why;
		return rc;
	}
	if (rc >= 0) {
		rc = mr_response_check_registry(resp, WHAT, err);
		if (rc < 0)
			return rc;
		version = mr_response_header(resp,
					     "Docker-Distribution-Api-Version");
	}
	tls = mr_text_starts(c.origin, "https://");
	mr_probe_say(out, tls ? MR_CAN_YES : MR_CAN_PARTLY,
		     "answers over %s, HTTP/1.1%s%s%s",
		     tls ? "https with a certificate that is trusted" : "http",
		     version ? ", '" : "", version ? version : "",
		     version ? "'" : "");
	return 0;
}

/* Credentials that are not there, or not right, are the answer here. */
static int refused_login(int rc, struct mr_response *resp, const char *user,
			 const struct mreg_error *why, struct mr_probe *out,
			 struct mreg_error *err)
{
	if (rc == MREG_EAUTH || rc == MREG_EDENIED)
		mr_probe_say(out, MR_CAN_NO, "%s", why->msg);
	else if (rc < 0)
		return mr_probe_forgive(rc, why, out, err);
	else if (is_closed(resp))
		mr_probe_say(out, MR_CAN_NO, "%s: answers %d",
			     user[0] ? "the credentials are refused"
				     : "nobody is logged in",
			     resp->status);
	else
		mr_probe_refused(resp, MR_CAN_UNKNOWN, "/v2/", out);
	return 0;
}

int mr_probe_login(struct mr_net *net, const char *host, struct mr_probe *out,
		   struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	struct mreg_error ignored = MREG_ERROR_INIT;
	char user[256] = "";
	char realm[300] = "";
	char how[400] = "";
	int rc = host_call(net, host, "", NULL, &c, err);

	if (rc < 0)
		return rc;
	rc = mr_net_send(net, &c.rq, &resp, &why);
	(void)mr_net_user(net, host, user, sizeof(user), &ignored);
	if (rc < 0 || resp->status != 200)
		return refused_login(rc, resp, user, &why, out, err);
	if (mr_net_state(net) &&
	    mr_state_fact_get(mr_net_state(net), c.origin, "realm", realm,
			      sizeof(realm)))
		(void)snprintf(how, sizeof(how), ", with tokens from '%s'",
			       realm);
	if (user[0])
		mr_probe_say(out, MR_CAN_YES, "as '%s'%s", user, how);
	else
		mr_probe_say(out, MR_CAN_YES, "anonymous%s", how);
	return 0;
}

/* A listing: its array `key`, borrowed from `*doc`; NULL: it is none. */
static const json_t *read_list(struct mr_response *resp, const char *key,
			       json_t **doc)
{
	MR_AUTO(mr_buf_release)
	struct mr_buf body = MR_BUF_INIT(LISTING_MAX_BYTES);
	struct mreg_error ignored = MREG_ERROR_INIT;
	const json_t *list;

	if (mr_stream_load(resp->body, &body, &ignored) < 0 ||
	    mr_json_parse(mr_buf_text(&body), body.len, LISTING_MAX_BYTES,
			  "a listing", doc, &ignored) < 0)
		return NULL;
	list = json_object_get(*doc, key);
	/* null where there are none: B-19 */
	return json_is_array(list) || json_is_null(list) ? list : NULL;
}

int mr_probe_catalog(struct mr_net *net, const char *host, struct mr_probe *out,
		     struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	int rc = host_call(net, host, "_catalog?n=1", "registry:catalog:*", &c,
			   err);

	if (rc < 0)
		return rc;
	rc = mr_probe_send(net, &c, out, &resp, err);
	if (rc < 0 || !resp)
		return rc;
	if (resp->status != 200)
		mr_probe_refused(resp, MR_CAN_NO, "/v2/_catalog", out);
	else if (!read_list(resp, "repositories", &doc))
		mr_probe_say(out, MR_CAN_NO,
			     "/v2/_catalog: the answer is no listing");
	else
		mr_probe_say(out, MR_CAN_YES, "lists repositories%s",
			     mr_response_header(resp, "Link") ? ", in pages"
							      : "");
	return 0;
}

/* -- reading a repository ----------------------------------------------------
 */

int mr_probe_tags(struct mr_store *s, struct mr_sample *sample,
		  struct mr_probe *out, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	MR_AUTO(mr_json_freep) json_t *doc = NULL;
	struct mr_remote *r = mr_remote_of(s);
	const json_t *tags;
	const char *name;
	size_t n;
	int rc = mr_remote_call(r, &c, MR_REMOTE_PULL, "GET", err,
				"tags/list?n=1");

	if (rc < 0)
		return rc;
	rc = mr_probe_send(r->net, &c, out, &resp, err);
	if (rc < 0 || !resp)
		return rc;
	if (resp->status != 200) {
		mr_probe_refused(
			resp, resp->status == 404 ? MR_CAN_UNKNOWN : MR_CAN_NO,
			"tags/list", out);
		return 0;
	}
	tags = read_list(resp, "tags", &doc);
	if (!tags) {
		mr_probe_say(out, MR_CAN_NO,
			     "tags/list: the answer is no listing");
		return 0;
	}
	n = json_array_size(tags);
	name = json_string_value(json_array_get(tags, 0));
	if (name && mr_tag_kind(name) != MR_TAG_INVALID && !sample->tag[0])
		(void)snprintf(sample->tag, sizeof(sample->tag), "%s", name);
	if (mr_response_header(resp, "Link"))
		mr_probe_say(out, MR_CAN_YES, "lists tags in pages");
	else if (n > 1)
		mr_probe_say(out, MR_CAN_YES,
			     "lists all %zu tags at once, whatever was asked "
			     "for",
			     n);
	else
		mr_probe_say(out, MR_CAN_YES, "lists tags (%zu here)", n);
	return 0;
}

/* The smallest blob that has a byte to ask for. */
static void take_blob(const struct mr_manifest *m, struct mr_sample *sample)
{
	size_t i;

	if (!m->is_index && m->config.desc.size)
		sample->blob = m->config.desc;
	for (i = 0; i < m->layer_count; i++)
		if (m->layers[i].desc.size > 1 &&
		    (sample->blob.size < 2 ||
		     m->layers[i].desc.size < sample->blob.size))
			sample->blob = m->layers[i].desc;
}

int mr_probe_pull(struct mr_store *s, struct mr_sample *sample,
		  struct mr_probe *out, struct mreg_error *err)
{
	MR_AUTO(mr_doc_release) struct mr_doc doc = MR_DOC_INIT;
	MR_AUTO(mr_manifest_freep) struct mr_manifest *m = NULL;
	struct mreg_error why = MREG_ERROR_INIT;
	bool found = false;
	int rc = mr_store_get(s, sample->tag, &doc, &found, &why);

	if (rc < 0)
		return mr_probe_forgive(rc, &why, out, err);
	if (!found) {
		mr_probe_say(out, MR_CAN_NO,
			     "tag '%s' is listed, but not found", sample->tag);
		return 0;
	}
	sample->manifest = doc.desc;
	if (mr_manifest_parse(doc.bytes.data, doc.bytes.len,
			      doc.desc.media_type, &m, &why) >= 0)
		take_blob(m, sample);
	mr_probe_say(out, MR_CAN_YES, "gives the manifest of '%s'",
		     sample->tag);
	return 0;
}

/* " from 'storage.example'" when somebody else has the bytes; the rest of the
 * URL may be signed and is nobody's business. */
static void elsewhere(const struct mr_call *c, const struct mr_response *resp,
		      char *out, size_t cap)
{
	const char *host;

	out[0] = '\0';
	if (mr_url_same_origin(c->origin, resp->url))
		return;
	host = strstr(resp->url, "://");
	host = host ? host + 3 : resp->url;
	(void)snprintf(out, cap, ", redirected to '%.*s'",
		       (int)strcspn(host, "/?#"), host);
}

static bool is_second_byte(const struct mr_response *resp, uint64_t size)
{
	const char *text = mr_response_header(resp, "Content-Range");
	char want[64];

	(void)snprintf(want, sizeof(want), "bytes 1-1/%" PRIu64, size);
	return text &&
	       (!strcasecmp(text, want) || !strcasecmp(text, "bytes 1-1/*"));
}

int mr_probe_ranges(struct mr_store *s, const struct mr_sample *sample,
		    struct mr_probe *out, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mr_remote *r = mr_remote_of(s);
	char text[MREG_DIGEST_TEXT];
	char where[400];
	int rc;

	if (sample->blob.size < 2) {
		mr_probe_say(out, MR_CAN_UNKNOWN, "no blob to ask for");
		return 0;
	}
	rc = mr_remote_call(r, &c, MR_REMOTE_PULL, "GET", err, "blobs/%s",
			    mreg_digest_text(&sample->blob.digest, text));
	if (rc < 0)
		return rc;
	c.rq.ranged = true;
	c.rq.first = 1;
	c.rq.last = 1;
	rc = mr_probe_send(r->net, &c, out, &resp, err);
	if (rc < 0 || !resp)
		return rc;
	elsewhere(&c, resp, where, sizeof(where));
	if (resp->status == 206 && is_second_byte(resp, sample->blob.size))
		mr_probe_say(out, MR_CAN_YES,
			     "answers 206 with the right Content-Range%s",
			     where);
	else if (resp->status == 206)
		mr_probe_say(out, MR_CAN_NO,
			     "answers 206 with a wrong Content-Range%s", where);
	else if (resp->status == 200)
		mr_probe_say(out, MR_CAN_NO, "answers with the whole blob%s",
			     where);
	else
		mr_probe_refused(resp, MR_CAN_NO, "a range of a blob", out);
	return 0;
}

int mr_probe_etag(struct mr_store *s, const struct mr_sample *sample,
		  struct mr_probe *out, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mr_remote *r = mr_remote_of(s);
	struct mreg_digest d;
	bool digest;
	bool etag;
	int rc = mr_remote_call(r, &c, MR_REMOTE_PULL, "HEAD", err,
				"manifests/%s", sample->tag);

	if (rc < 0)
		return rc;
	c.rq.accept = mr_manifest_accept;
	rc = mr_probe_send(r->net, &c, out, &resp, err);
	if (rc < 0 || !resp)
		return rc;
	if (resp->status != 200) {
		mr_probe_refused(resp, MR_CAN_NO, "HEAD of a manifest", out);
		return 0;
	}
	digest = mr_remote_announced(resp, &d);
	etag = mr_response_header(resp, "ETag") != NULL;
	/* mreg asks by digest; the ETag is told for those who do not. */
	mr_probe_say(out, digest ? MR_CAN_YES : MR_CAN_NO,
		     "HEAD of a manifest tells %s%s",
		     digest ? "its digest" : "no digest",
		     etag ? " and an ETag" : ", no ETag");
	return 0;
}

int mr_probe_referrers(struct mr_store *s, const struct mr_sample *sample,
		       struct mr_probe *out, struct mreg_error *err)
{
	MR_AUTO(mr_call_release) struct mr_call c = MR_CALL_INIT;
	MR_AUTO(mr_response_freep) struct mr_response *resp = NULL;
	struct mr_remote *r = mr_remote_of(s);
	char text[MREG_DIGEST_TEXT];
	char type[256];
	int rc = mr_remote_call(
		r, &c, MR_REMOTE_PULL, "GET", err,
		"referrers/%s?artifactType=application%%2Fvnd.mreg.none",
		mreg_digest_text(&sample->manifest.digest, text));

	if (rc < 0)
		return rc;
	c.rq.accept = MR_MEDIA_INDEX;
	rc = mr_probe_send(r->net, &c, out, &resp, err);
	if (rc < 0 || !resp)
		return rc;
	mr_remote_type(resp, type);
	if (resp->status == 200 && strcmp(type, MR_MEDIA_INDEX) == 0)
		mr_probe_say(out, MR_CAN_YES, "has the referrers API%s",
			     mr_response_header(resp, "OCI-Filters-Applied")
				     ? ", with filters"
				     : "");
	else if (resp->status == 200)
		mr_probe_say(out, MR_CAN_NO,
			     "answers something else ('%s') to the referrers "
			     "API",
			     type);
	else
		mr_probe_refused(resp, MR_CAN_NO, "the referrers API", out);
	return 0;
}
